"""Uploads in the panel: found, looked at, shared, deleted and taken back, brought in resumably."""

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright, Route, expect

from tests import pictures
from tests.browser.deployment import Visitor, check_accessible, launched, visiting
from tests.http.application import unique
from tests.server import SELLER, Server, prepare
from tests.videos import video
from tests.waiting import wait_until

LIST, NEW = "/admin/uploads", "/admin/uploads/new"
MB = 1024 * 1024
VIEWER = "^request to another host: chrome(-extension)?://"
"""The browser shows PDF with a page of its own, and tells of what that page is made of."""


@pytest.fixture(scope="module")
def whole_browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser that shows PDF."""
    with launched(playwright, whole=True) as browser:
        yield browser


@pytest.fixture
def viewer(whole_browser: Browser, server: Server, signed_in: Any) -> Iterator[Visitor]:
    """The administrator with that browser."""
    with visiting(whole_browser, server, storage_state=signed_in) as visitor:
        yield visitor


@pytest.fixture
def word() -> str:
    """A word that only the uploads of one test have in their names."""
    return unique("archivo")


def an_upload(visitor: Visitor, name: str, data: bytes, **query: str) -> Any:
    asked = "&".join(f"{key}={each}" for key, each in {"name": name, **query}.items())
    headers = {"Content-Type": "application/octet-stream", "Origin": visitor.guard.own.rstrip("/")}
    answer = visitor.context.request.post(f"/api/uploads?{asked}", data=data, headers=headers)
    assert answer.ok, answer.text()
    return answer.json()["file"]


def a_picture() -> bytes:
    return pictures.photo(120, 80, noise=False, seed=int(unique("")))


# The list


@pytest.mark.long  # tests/http/test_upload_pages posts the same forms
def test_files_are_found_deleted_and_taken_back(admin: Visitor, word: str) -> None:
    reference = unique("ORD-")
    an_upload(admin, f"{word}-a.jpg", a_picture(), category="orders", reference=reference)
    an_upload(admin, f"{word}-b.txt", word.encode())
    page, names = admin.page, admin.page.locator(".thing .name")
    page.goto(f"{LIST}?search={word}")
    expect(names).to_have_text([f"{word}-b.txt", f"{word}-a.jpg"])
    expect(page.locator(".thing img")).to_have_js_property("complete", value=True)
    page.get_by_label("Tipo").select_option(label="Fotos e imágenes")
    page.wait_for_url(re.compile("type=picture"))
    expect(names).to_have_text([f"{word}-a.jpg"])
    page.get_by_label("Tipo").select_option(label="Todos los tipos")
    expect(names).to_have_count(2)
    dialog = page.get_by_role("dialog")

    def ask() -> None:
        page.get_by_label("Seleccionar todo").check()
        if not dialog.is_visible():
            page.get_by_role("button", name="Eliminar…").click()

    check_accessible(page)
    check_accessible(page, prepare=ask)
    expect(dialog.get_by_role("heading", name="¿Eliminar estos 2 archivos?")).to_be_visible()
    dialog.get_by_role("button", name="Eliminar", exact=True).click()
    expect(page.get_by_text("2 archivos movidos a la papelera.")).to_be_visible()
    expect(page).not_to_have_url(re.compile("said=|undo="))
    expect(names).to_have_count(0)
    check_accessible(page)
    page.get_by_role("button", name="Deshacer").click()
    expect(page.get_by_text("2 archivos restaurados.")).to_be_visible()
    expect(names).to_have_count(2)


@pytest.mark.long
def test_files_are_taken_together_and_out_of_the_trash(admin: Visitor, word: str) -> None:
    ids = [an_upload(admin, f"{word}-{n}.txt", b"%d" % n)["id"] for n in range(3)]
    admin.call("DELETE", f"/api/uploads/{ids[0]}")
    page = admin.page
    page.goto(f"{LIST}?search={word}")
    page.get_by_label("Seleccionar todo").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Descargar como ZIP").click()
    with zipfile.ZipFile(download.value.path()) as made:
        assert made.namelist() == [f"{word}-2.txt", f"{word}-1.txt"]
    expect(page.locator(".chosen")).to_have_text("2 archivos seleccionados")
    page.get_by_role("link", name="Papelera").click()
    page.get_by_label("Seleccionar todo").check()
    page.get_by_role("button", name="Restaurar").click()
    expect(page.get_by_text("1 archivo restaurado.")).to_be_visible()
    check_accessible(page)  # of an empty trash
    expect(page.get_by_role("heading", name="Ningún archivo coincide")).to_be_visible()


# One of them


def opened(visitor: Visitor, name: str, data: bytes) -> Page:
    """The page of a new upload."""
    there = an_upload(visitor, name, data)
    visitor.page.goto(f"{LIST}/{there['id']}")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(name)
    return visitor.page


@pytest.mark.long
def test_a_picture_is_shown_and_shared(
    admin: Visitor, visit: Callable[..., Visitor], word: str, accessible: Callable[..., None]
) -> None:
    data = a_picture()
    page = opened(admin, f"{word}.jpg", data)
    picture = page.locator(".shown img")
    expect(picture).to_have_js_property("complete", value=True)
    assert picture.evaluate("e => e.naturalWidth") == 120
    accessible(page)
    dialog = page.get_by_role("dialog")

    def share() -> None:
        if not dialog.is_visible():
            page.get_by_role("link", name="Compartir…").click()
        dialog.get_by_role("button", name="Crear enlace").click()
        expect(dialog.get_by_label("Enlace")).to_be_focused()

    accessible(page, prepare=share)
    expect(page.locator("#live")).to_contain_text("Enlace creado.")
    link = dialog.get_by_label("Enlace").input_value()
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dialog.get_by_role("button", name="Copiar").click()
    expect(dialog.get_by_role("button", name="Copiado.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link
    stranger = visit().context.request
    path = link.partition("/media/")[2]
    assert stranger.get(f"/media/{path}").body() == data
    dialog.get_by_label("Tamaño").select_option(label="Pequeña (thumb)")
    expect(dialog.get_by_label("Enlace")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Compartir…")).to_be_focused()
    page.get_by_role("button", name="Anular todos los enlaces").click()
    expect(page.get_by_text("Se anularon todos los enlaces")).to_be_visible()
    assert stranger.get(f"/media/{path}").status == 404


@pytest.mark.long
def test_text_is_shown_and_does_not_run(admin: Visitor, word: str) -> None:
    admin.guard.expect("postMessage.*origin \\('null'\\)")  # axe asks the frame, which is sandboxed
    page = opened(admin, f"{word}.txt", f"{word} <script>top.ran = 1</script>".encode())
    expect(page.frame_locator("iframe.shown").get_by_text(word)).to_be_visible()
    check_accessible(page)
    assert page.evaluate("window.ran") is None


@pytest.mark.long
def test_a_video_is_played_and_sought(admin: Visitor, word: str) -> None:
    page = opened(admin, f"{word}.webm", video([(200, 30, 30), (30, 160, 30)], seconds_each=5))
    page.wait_for_function("document.querySelector('video.shown').duration === 10")
    sought = page.locator("video.shown").evaluate(
        """(video) => new Promise((done) => {
            video.onseeked = () => done(video.currentTime);
            video.currentTime = 7;
        })"""
    )
    assert sought == 7
    check_accessible(page)


@pytest.mark.long  # a browser of its own; text is shown in the same frame
def test_pdf_is_shown(viewer: Visitor, word: str) -> None:
    viewer.guard.expect(VIEWER)
    page = opened(viewer, f"{word}.pdf", pictures.pdf())
    frame = page.locator("iframe.shown")
    expect(frame).to_have_attribute("title", f"El documento {word}.pdf")
    wait_until(
        lambda: page.evaluate("true") and any("original.pdf" in each.url for each in page.frames),
        "the document in its frame",
    )
    check_accessible(page)


@pytest.mark.long
def test_sound_is_played_and_what_is_not_shown_says_so(admin: Visitor, word: str) -> None:
    page = opened(admin, f"{word}.wav", silence())
    page.wait_for_function("document.querySelector('audio').duration > 0")
    check_accessible(page)
    page = opened(admin, f"{word}.html", b"<!doctype html><script>1</script>")
    expect(page.get_by_text("Este archivo no tiene vista previa aquí.")).to_be_visible()
    check_accessible(page)


def silence() -> bytes:
    """A tenth of a second of nothing, as WAVE."""
    samples = bytes(8000 // 10)
    head = b"WAVEfmt " + b"".join(
        number.to_bytes(size, "little")
        for number, size in ((16, 4), (1, 2), (1, 2), (8000, 4), (8000, 4), (1, 2), (8, 2))
    )
    data = b"data" + len(samples).to_bytes(4, "little") + samples
    return b"RIFF" + len(head + data).to_bytes(4, "little") + head + data


# Bringing files in


def row(page: Page, name: str) -> Locator:
    return page.locator("#queue > li", has_text=name)


def open_uploader(page: Page, query: str = "") -> None:
    page.goto(f"{NEW}?{query}")
    expect(page.locator("#uploader[data-ready]")).to_be_visible()


def files_field(page: Page) -> Locator:
    return page.locator("#files")


@pytest.fixture
def a_file(tmp_path: Path, word: str) -> Callable[[int], Path]:
    """Makes a file of so many bytes; chosen twice, it is the same one."""

    def made(size: int, ending: str = "pdf") -> Path:
        path = tmp_path / f"{word}-{size}.{ending}"
        path.write_bytes(b"%PDF-1.7\n"[:size] + bytes(max(size - 9, 0)))
        return path

    return made


@pytest.fixture
def in_small_parts(admin: Visitor) -> Iterator[None]:
    """The uploader sends a megabyte in each request."""

    def serve(route: Route) -> None:
        answer = route.fetch()
        body = re.sub(r'"partBytes": \d+', f'"partBytes": {MB}', answer.text())
        assert f'"partBytes": {MB}' in body
        route.fulfill(response=answer, body=body)

    admin.page.route(f"**{NEW}*", serve)
    yield
    admin.page.unroute(f"**{NEW}*")


@pytest.mark.long
def test_files_come_two_at_a_time_and_refusals_stay(
    admin: Visitor, a_file: Callable[..., Path], word: str
) -> None:
    admin.guard.expect(f"status of 415|{VIEWER}")
    page, held, is_open = admin.page, list[Route](), False
    page.route(
        "**/api/uploads/tus",
        lambda route: route.continue_() if is_open else held.append(route),
    )
    open_uploader(page, f"category=orders&reference={word}")
    expect(page.get_by_label("Categoría")).to_have_value("orders")
    expect(page.locator("#limits")).to_contain_text("PDF, PNG, WebP, hasta 1 GB")

    def later(route: Route) -> None:
        body = re.sub('(id="stored-own">).*(?=</p>)', r"\1Lo tuyo: 9 MB", route.fetch().text())
        route.fulfill(body=body, content_type="text/html")

    page.route(f"**{NEW}?*", later)
    wrong = a_file(7, "txt")
    wrong.write_bytes(b"nothing")
    good = [a_file(size) for size in (9, 10, 11)]
    film = a_file(12, "mp4")
    files_field(page).set_input_files([*good, wrong, a_file(0), film])
    expect(row(page, film.name)).to_contain_text("Aquí solo se aceptan")
    expect(row(page, a_file(0).name)).to_contain_text("El archivo está vacío")
    wait_until(lambda: page.evaluate("true") and len(held) == 2, "two uploads that begin")
    expect(page.locator('#queue > [data-state="waiting"]')).to_have_count(2)
    check_accessible(page)
    is_open = True
    for each in held:
        each.continue_()
    expect(page.locator('#queue > [data-state="stored"]')).to_have_count(3)
    expect(row(page, wrong.name)).to_have_attribute("data-state", "refused")
    expect(page.locator(".summary")).to_have_text("3 listos, 3 rechazados")
    expect(page.locator("#stored-own")).to_have_text("Lo tuyo: 9 MB")
    check_accessible(page)
    row(page, wrong.name).get_by_role("button", name="Descartar").click()
    expect(row(page, wrong.name)).to_have_count(0)
    row(page, good[0].name).get_by_role("link", name="Abrir").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(good[0].name)
    expect(page.locator("dl.facts")).to_contain_text("Pedidos")
    expect(page.locator("dl.facts")).to_contain_text(word)


@pytest.mark.usefixtures("in_small_parts")
def test_an_upload_is_paused_and_goes_on_after_a_reload(
    admin: Visitor, a_file: Callable[..., Path], word: str, accessible: Callable[..., None]
) -> None:
    page, offsets, path = admin.page, list[int](), a_file(3 * MB)
    stopped = True

    def part(route: Route) -> None:
        """Let the first megabyte through, and the rest when it is time."""
        request = route.request
        if request.method == "PATCH":
            offsets.append(int(request.headers["upload-offset"]))
            if stopped and offsets[-1]:
                return
        route.continue_()

    page.route("**/api/uploads/tus/*", part)
    open_uploader(page, f"category=orders&reference={word}")
    files_field(page).set_input_files(path)
    wait_until(lambda: page.evaluate("true") and MB in offsets, "the second part of the file")
    row(page, path.name).get_by_role("button", name="Pausar").click()
    expect(row(page, path.name)).to_contain_text("En pausa")
    expect(row(page, path.name).get_by_role("button", name="Reanudar")).to_be_focused()
    accessible(page)
    page.reload()
    expect(row(page, path.name)).to_contain_text("Se interrumpió al")
    accessible(page)
    with page.expect_file_chooser() as chooser:
        row(page, path.name).get_by_role("button", name="Volver a elegir").click()
    chooser.value.set_files(a_file(9))
    expect(row(page, path.name)).to_contain_text("Es otro archivo.")
    offsets.clear()
    stopped = False
    with page.expect_file_chooser() as chooser:
        row(page, path.name).get_by_role("button", name="Volver a elegir").click()
    chooser.value.set_files(path)
    expect(row(page, path.name)).to_have_attribute("data-state", "stored")
    assert min(offsets) >= MB
    [there] = admin.call("GET", f"/api/uploads?reference={word}")["items"]
    assert (there["bytes"], there["category"]) == (3 * MB, "orders")
    open_uploader(page)
    expect(page.locator("#queue > li")).to_have_count(0)


@pytest.mark.long
@pytest.mark.parametrize("of_an_earlier_visit", [pytest.param(False, marks=pytest.mark.long), True])
def test_an_upload_that_is_cancelled_leaves_nothing(
    admin: Visitor, a_file: Callable[..., Path], word: str, of_an_earlier_visit: bool
) -> None:
    page, held, path = admin.page, list[Route](), a_file(20)
    page.route(
        "**/api/uploads/tus/*",
        lambda route: held.append(route) if route.request.method == "PATCH" else route.continue_(),
    )
    open_uploader(page, f"reference={word}")
    files_field(page).set_input_files(path)
    wait_until(lambda: page.evaluate("true") and held, "a part of the file")
    if of_an_earlier_visit:
        page.reload()
        expect(row(page, path.name)).to_have_attribute("data-state", "left")
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as ended:
        row(page, path.name).get_by_role("button", name="Cancelar").click()
    assert ended.value.status == 204
    expect(row(page, path.name)).to_have_count(0)
    page.reload()
    expect(page.locator("#uploader[data-ready]")).to_be_visible()
    expect(page.locator("#queue > li")).to_have_count(0)
    assert admin.call("GET", f"/api/uploads?reference={word}")["total"] == 0


@pytest.mark.long
def test_a_line_that_breaks_is_tried_again(
    admin: Visitor, a_file: Callable[..., Path], word: str
) -> None:
    admin.guard.expect("net::ERR_")
    page, path, broken = admin.page, a_file(20), list[str]()

    def once(route: Route) -> None:
        if route.request.method == "PATCH" and not broken:
            broken.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/api/uploads/tus/*", once)
    open_uploader(page, f"reference={word}")
    files_field(page).set_input_files(path)
    expect(row(page, path.name)).to_have_attribute("data-state", "stored")
    assert broken
    expect(page.locator("#live")).to_contain_text("Subido. 1 listo.")
    assert admin.call("GET", f"/api/uploads?reference={word}")["total"] == 1


@pytest.mark.long
def test_a_full_site_is_said_and_asked_again_only_when_somebody_wants_it(
    admin: Visitor, a_file: Callable[..., Path], word: str
) -> None:
    admin.guard.expect("status of 507")
    page, path, asked = admin.page, a_file(20), list[str]()
    full = {
        "error": "Este sitio ha agotado su espacio: tiene 20 de 20 MB.",
        "hint": "Elimina algo.",
    }

    def once(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=507, json={**full, "code": "quota_exceeded"})
        else:
            route.continue_()

    page.route("**/api/uploads/tus", once)
    open_uploader(page, f"reference={word}")
    files_field(page).set_input_files(path)
    expect(row(page, path.name)).to_contain_text(f"{full['error']} {full['hint']}")
    expect(page.locator("#live")).to_contain_text("1 rechazado")
    check_accessible(page)
    assert len(asked) == 1
    row(page, path.name).get_by_role("button", name="Reintentar").click()
    expect(row(page, path.name)).to_have_attribute("data-state", "stored")
    assert len(asked) == 2


@pytest.mark.long
def test_pages_are_accessible_that_are_seldom_seen(
    server: Server, visit: Callable[..., Visitor], word: str
) -> None:
    """An empty list, and what a form answers where the scripts have not come."""
    prepare(server.uri)
    seller = visit()
    page = seller.sign_in(SELLER, to=LIST)
    expect(page.get_by_role("heading", name="Todavía no hay archivos")).to_be_visible()
    check_accessible(page)
    seller.guard.expect("net::ERR_FAILED|status of 415")
    page.route("**/uploader*.js*", lambda route: route.abort())
    page.goto(f"{NEW}?category=orders&reference={word}")
    text = {"name": "nota.txt", "mimeType": "text/plain", "buffer": b"text"}
    picture = {"name": "foto.jpg", "mimeType": "image/jpeg", "buffer": a_picture()}
    files_field(page).set_input_files([picture, text])
    page.get_by_role("button", name="Subir").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Algunos archivos se rechazaron")
    expect(page.get_by_role("listitem").filter(has_text="nota.txt")).to_contain_text("TXT")
    check_accessible(page)
    page.get_by_role("link", name="Subir más").click()
    files_field(page).set_input_files([text])
    page.get_by_role("button", name="Subir").click()
    expect(page.get_by_role("alert")).to_contain_text("El archivo es de tipo TXT")
    expect(page.get_by_label("Referencia")).to_have_value(word)
    check_accessible(page)
    [there] = seller.call("GET", f"/api/uploads?reference={word}")["items"]
    page.goto(f"{LIST}/{there['id']}/links")
    page.get_by_role("button", name="Crear enlace").click()
    expect(page.get_by_label("Enlace", exact=True)).to_have_value(re.compile("/media/"))
    check_accessible(page)
