"""The media library in the panel: brought in, found, arranged, described, replaced, deleted."""

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from pymongo.uri_parser import parse_uri

from avenue.identity import DEFAULT_SITE
from tests import pictures
from tests.browser.deployment import Held, Visitor, check_accessible, drop
from tests.http.application import unique
from tests.mongod import Mongod
from tests.server import Server

LIBRARY, API = "/admin/library", "/api/builder/media"
SENT_AS_A_FORM = """(bytes) => {
    const form = document.getElementById("uploader").cloneNode(true), data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], "foto.jpg"));
    data.items.add(new File(["nada"], "nota.jpg"));
    document.body.append(form);
    form.querySelector("input[type=file]").files = data.files;
    form.submit();
}"""
"""What a browser without JavaScript does with the form."""


@pytest.fixture
def word() -> str:
    """A word that only the pictures of one test have in their names."""
    return unique("imagen")


def a_picture(width: int = 120) -> bytes:
    return pictures.photo(width, 80, noise=False, seed=int(unique("")))


def a_file(name: str, data: bytes | None = None) -> dict[str, Any]:
    return {"name": name, "mimeType": "image/jpeg", "buffer": data or a_picture()}


def added(visitor: Visitor, name: str, data: bytes | None = None, **query: str) -> Any:
    asked = "&".join(f"{key}={each}" for key, each in {"name": name, **query}.items())
    headers = {"Content-Type": "image/jpeg", "Origin": visitor.guard.own.rstrip("/")}
    answer = visitor.context.request.post(
        f"{API}?{asked}", data=data or a_picture(), headers=headers
    )
    assert answer.ok, answer.text()
    return answer.json()["file"]


def a_folder(visitor: Visitor) -> Any:
    return visitor.call("POST", "/api/builder/folders", data={"name": unique("Carpeta ")})


def found(page: Page) -> Locator:
    return page.locator("#items .name")


def row(page: Page, name: str) -> Locator:
    return page.locator("#queue > li", has_text=name)


def opened(visitor: Visitor, url: str) -> Page:
    visitor.page.goto(url)
    expect(visitor.page.locator("#uploader[data-ready]")).to_be_attached()
    return visitor.page


# Bringing in


@pytest.mark.long
def test_what_is_dropped_lies_in_the_folder_that_is_open(
    admin: Visitor, word: str, tmp_path: Path
) -> None:
    folder = a_folder(admin)
    page = opened(admin, f"{LIBRARY}?folder={folder['id']}")
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / f"{word}{name}").write_bytes(a_picture())
    (tmp_path / "nota.pdf").write_bytes(pictures.pdf())
    drop(page, *sorted(tmp_path.iterdir()))
    expect(found(page)).to_have_count(2)
    expect(row(page, "nota.pdf")).to_contain_text("Es un PDF")
    expect(page.locator(".summary p")).to_have_text("2 subidas, 1 rechazada")
    row(page, "nota.pdf").get_by_role("button", name="Descartar").click()
    expect(page.locator(".tray")).to_be_hidden()  # what has come is told for a while
    assert {each["folder"] for each in listed(admin, word)} == {folder["id"]}
    check_accessible(page)


def listed(visitor: Visitor, word: str) -> list[Any]:
    items: list[Any] = visitor.call("GET", f"{API}?search={word}&sort=name")["items"]
    return items


@pytest.mark.long
def test_one_that_is_here_already_gives_the_choice(admin: Visitor, word: str) -> None:
    data = a_picture()
    there = added(admin, f"{word}-antes.jpg", data)
    page = opened(admin, f"{LIBRARY}?search={word}&sort=name")
    page.set_input_files("#files", [a_file(f"{word}-otra.jpg", data)])
    twin = row(page, f"{word}-otra.jpg")
    expect(twin).to_contain_text("Esta imagen ya existe.")
    expect(found(page)).to_have_text([f"{word}-antes.jpg", f"{word}-otra.jpg"])
    expect(twin.get_by_role("link", name="Ver imagen")).to_have_attribute(
        "href", f"{LIBRARY}/{there['id']}"
    )
    check_accessible(page)
    twin.get_by_role("button", name="Usar la que ya está").click()
    expect(found(page)).to_have_text([f"{word}-antes.jpg"])
    expect(twin.get_by_role("link", name="Ver imagen")).to_be_focused()
    assert [each["id"] for each in listed(admin, word)] == [there["id"]]
    twin.get_by_role("button", name="Descartar").click()
    page.set_input_files("#files", [a_file(f"{word}-otra.jpg", data)])
    twin.get_by_role("button", name="Conservar las dos").click()
    expect(twin).to_have_count(0)
    expect(found(page)).to_have_count(2)
    page.evaluate(SENT_AS_A_FORM, list(data))
    expect(page.get_by_role("heading", name="Resultado de la subida")).to_be_visible()
    check_accessible(page)


@pytest.mark.long  # tests/http/test_library_pages posts the same forms
def test_without_javascript_a_form_says_the_same(
    visit: Callable[..., Visitor], admin: Visitor, signed_in: Any, word: str
) -> None:
    data = a_picture()
    added(admin, f"{word}-antes.jpg", data)
    page = visit(java_script_enabled=False, storage_state=signed_in).page
    page.goto(LIBRARY)
    page.set_input_files("#files", [a_file(f"{word}.jpg", data), a_file("nota.jpg", b"nada")])
    page.get_by_text("Subir imágenes").click()
    page.get_by_role("button", name="Subir", exact=True).click()
    expect(page.get_by_text("Esta imagen ya existe.")).to_be_visible()
    expect(page.get_by_role("heading", name="1 archivo rechazado")).to_be_visible()
    page.get_by_role("button", name="Usar la que ya está").click()
    expect(page.get_by_role("heading", name=f"{word}-antes.jpg")).to_be_visible()
    assert len(listed(admin, word)) == 1


@pytest.mark.long
def test_what_is_cancelled_is_not_kept_and_what_is_checked_stays(admin: Visitor, word: str) -> None:
    added(admin, f"{word}-a.jpg")
    page = opened(admin, f"{LIBRARY}?search={word}&sort=name")
    page.get_by_label(f"Seleccionar {word}-a.jpg").check()
    held = Held(page, "**/api/builder/media?name=*")
    page.set_input_files("#files", [a_file(f"{word}-b.jpg"), a_file(f"{word}-c.jpg")])
    held.wait_for_one()
    # One that is let go in the same moment may still be sent by the browser.
    with page.expect_event("requestfailed", lambda request: "-b.jpg" in request.url):
        row(page, "-b.jpg").get_by_role("button", name="Cancelar").click()
    held.let_go()
    expect(found(page)).to_have_text([f"{word}-a.jpg", f"{word}-c.jpg"])
    expect(page.get_by_label(f"Seleccionar {word}-a.jpg")).to_be_checked()
    expect(page.locator(".chosen")).to_have_text("1 imagen seleccionada")


# Finding and arranging


@pytest.mark.long  # tests/http/test_library_pages posts the same forms
def test_pictures_are_found_moved_tagged_and_taken_back(admin: Visitor, word: str) -> None:
    for name in ("a", "b", "c"):
        added(admin, f"{word}-{name}.jpg")
    folder = a_folder(admin)
    page = opened(admin, LIBRARY)
    page.get_by_label("Buscar").fill(f"{word}-a")
    page.keyboard.press("Enter")
    expect(found(page)).to_have_text([f"{word}-a.jpg"])
    page.goto(f"{LIBRARY}?search={word}")
    page.get_by_label("Orden").select_option(label="Nombre, de la A a la Z")
    expect(found(page)).to_have_text([f"{word}-{each}.jpg" for each in "abc"])
    page.get_by_role("link", name="Lista", exact=True).click()
    expect(page.locator("ul.things")).to_be_visible()
    page.get_by_label(f"Seleccionar {word}-a.jpg").check()
    page.get_by_label(f"Seleccionar {word}-b.jpg").click(modifiers=["Shift"])
    with page.expect_download() as download:
        page.get_by_role("button", name="Descargar como ZIP").click()
    with zipfile.ZipFile(download.value.path()) as made:
        assert made.namelist() == [f"{word}-a.jpg", f"{word}-b.jpg"]
    page.get_by_label("Mover a").select_option(label=folder["name"])
    page.get_by_role("button", name="Mover", exact=True).click()
    expect(page.get_by_text("2 imágenes se movieron.")).to_be_visible()
    page.goto(f"{LIBRARY}?folder={folder['id']}")
    expect(page.locator("ul.things")).to_be_visible()  # the look is remembered
    page.get_by_label("Seleccionar todo").check()
    page.get_by_text("Etiquetas", exact=True).click()
    page.get_by_label("Etiquetas, separadas por comas").fill(f"{word}, playa")
    page.get_by_role("button", name="Agregar etiquetas").click()
    expect(page.get_by_text("2 imágenes etiquetadas.")).to_be_visible()
    check_accessible(page)
    page.locator(".tags").get_by_role("link", name=f"#{word}").click()
    page.wait_for_url(re.compile("tag="))  # as many are shown before
    expect(found(page)).to_have_count(2)
    page.get_by_label("Seleccionar todo").check()
    page.get_by_role("button", name="Eliminar…").click()
    dialog = page.get_by_role("dialog", name="¿Eliminar estas 2 imágenes?")
    dialog.get_by_role("button", name="Eliminar", exact=True).click()
    expect(page.get_by_text("2 imágenes se movieron a la papelera.")).to_be_visible()
    page.get_by_role("button", name="Deshacer").click()
    expect(found(page)).to_have_count(2)
    assert [each["folder"] for each in listed(admin, word)] == [folder["id"], folder["id"], None]


@pytest.mark.long
def test_a_folder_is_made_renamed_and_deleted(admin: Visitor) -> None:
    name = unique("Verano ")
    page = opened(admin, LIBRARY)
    page.get_by_text("Nueva carpeta").click()
    page.get_by_label("Nombre de la carpeta").fill(name)
    page.get_by_role("button", name="Crear").click()
    page.get_by_text("Nueva carpeta").click()
    page.get_by_label("Nombre de la carpeta").fill(name.upper())
    admin.guard.expect("status of 409")
    page.get_by_role("button", name="Crear").click()
    expect(page.get_by_role("alert")).to_contain_text("Ya existe una carpeta con este nombre.")
    check_accessible(page)
    page.get_by_role("link", name="Volver a la biblioteca").click()
    page.locator(".places a", has_text=name).click()
    expect(page.locator(".crumbs")).to_contain_text(name)
    page.get_by_text("Editar carpeta").click()
    page.locator("#folder-name").fill(f"{name} fin")
    check_accessible(page)
    page.get_by_role("button", name="Guardar").click()
    expect(page.locator(".crumbs")).to_contain_text(f"{name} fin")
    page.get_by_text("Editar carpeta").click()
    page.get_by_role("button", name="Eliminar carpeta").click()
    expect(page.get_by_text("Carpeta eliminada.")).to_be_visible()
    expect(page.locator(".places a", has_text=name)).to_have_count(0)


# One of them


def test_a_picture_is_described_pointed_at_and_replaced(
    admin: Visitor, word: str, accessible: Callable[..., None]
) -> None:
    there = added(admin, f"{word}.jpg")
    page = admin.page
    page.goto(f"{LIBRARY}/{there['id']}")
    before = page.locator(".shown img").get_attribute("src")
    page.get_by_label("Texto alternativo: Español").fill("Una playa")
    page.get_by_label("Etiquetas").fill("Mar, sol,")
    page.get_by_role("button", name="Guardar", exact=True).click()
    expect(page.locator(".saved-state")).to_have_text("✓ Guardado")
    expect(page.locator("#copy-html")).to_have_value(re.compile('alt="Una playa"'))
    page.get_by_text("Todos los tamaños").click()
    accessible(page)
    page.get_by_role("button", name="Punto focal…").click()
    page.keyboard.press("Shift+ArrowLeft")
    accessible(page)
    page.get_by_role("button", name="Guardar el punto focal").click()
    expect(page.get_by_text("Punto focal guardado.")).to_be_visible()
    page.wait_for_load_state()  # the page is another one, whose scripts come last
    now = admin.call("GET", f"{API}/{there['id']}")
    assert (now["alt"], now["tags"]) == ({"es": "Una playa"}, ["mar", "sol"])
    assert now["focal"][0] < there["focal"][0]
    page.get_by_label("Texto alternativo: English").fill("A beach")  # saved on the way
    page.set_input_files("#file", [a_file("otra.jpg", a_picture(200))])
    expect(page.get_by_text("Imagen reemplazada en todas partes")).to_be_visible()
    expect(page.locator(".shown img")).not_to_have_attribute("src", before or "")
    expect(page.locator(".shown img")).to_have_js_property("naturalWidth", 200)
    assert admin.call("GET", f"{API}/{there['id']}")["alt"]["en"] == "A beach"
    page.get_by_role("button", name="Restaurar esta versión").click()
    expect(page.locator(".shown img")).to_have_js_property("naturalWidth", 120)


@pytest.fixture
def used(admin: Visitor, server: Server, mongod: Mongod, word: str) -> Iterator[str]:
    """A picture of the library that is the site's logo."""
    media: str = added(admin, f"{word}.jpg")["id"]
    profiles = mongod.client[parse_uri(server.uri)["database"]]["site_profiles"]
    own = {"_id": DEFAULT_SITE, "site": DEFAULT_SITE}
    profiles.update_one(own, {"$set": {"logo": media}}, upsert=True)
    yield media
    profiles.delete_one(own)


@pytest.mark.long
def test_one_that_is_used_is_refused_with_the_list(admin: Visitor, used: str, word: str) -> None:
    page = admin.page
    page.goto(f"{LIBRARY}/{used}")
    expect(page.locator(".uses")).to_contain_text("Logotipo del sitio")
    admin.guard.expect("status of 409")
    page.get_by_role("button", name="Eliminar imagen").click()
    expect(page.get_by_role("heading", name="1 imagen está en uso")).to_be_visible()
    expect(page.locator(".uses a")).to_have_attribute("href", "/admin/settings")
    check_accessible(page)
    page.get_by_role("button", name="Quitar de todas partes y eliminar").click()
    expect(page.get_by_text("1 imagen se movió a la papelera.")).to_be_visible()
    page.goto(f"{LIBRARY}?state=trash&search={word}")
    check_accessible(page)
    found(page).click()
    check_accessible(page)
    page.get_by_role("button", name="Restaurar").click()
    expect(page.get_by_text("Imagen restaurada.")).to_be_visible()


# Reports


@pytest.mark.long
def test_unused_ones_are_deleted_together(admin: Visitor, word: str) -> None:
    for each in "ab":
        added(admin, f"{word}-{each}.jpg")
    page = admin.page
    page.goto(f"{LIBRARY}/reports/unused")
    page.get_by_label(f"Seleccionar {word}-a.jpg").check()
    check_accessible(page)
    page.get_by_role("button", name="Eliminar…").click()
    page.get_by_role("dialog").get_by_role("button", name="Eliminar", exact=True).click()
    expect(page.get_by_text("1 imagen se movió a la papelera.")).to_be_visible()
    expect(found_unused(page, word)).to_have_text([f"{word}-b.jpg"])


def found_unused(page: Page, word: str) -> Locator:
    return page.locator(".things .name", has_text=word)


# The gallery


WHOLE = """() => [...document.querySelectorAll("#items > li")].filter((each) => {
    const { top, bottom, height } = each.getBoundingClientRect();
    return height > 40 && top >= 0 && bottom <= innerHeight;
}).length"""


def test_the_gallery_is_looked_through_dragged_from_and_edited(admin: Visitor, word: str) -> None:
    ids = [added(admin, f"{word}-{each}.jpg")["id"] for each in "ab"]
    folder = a_folder(admin)
    page = opened(admin, LIBRARY)
    page.get_by_label("Buscar").fill(word)  # nothing is pressed
    # There may have been no others: only this tells that they will not be drawn again.
    expect(page.locator("#live")).to_have_text("2 imágenes")
    expect(found(page)).to_have_count(2)
    tile = page.locator(f'#items > [data-key="{ids[1]}"]')
    tile.drag_to(page.locator(f'.places [data-folder="{folder["id"]}"]'))
    expect(page.locator(".toast")).to_contain_text("1 imagen se movió a")
    assert admin.call("GET", f"{API}/{ids[1]}")["folder"] == folder["id"]
    tile.click()
    drawer = page.locator("#drawer")
    expect(drawer.get_by_role("heading", name=f"{word}-b.jpg")).to_be_visible()
    drawer.get_by_label("Texto alternativo: Español").fill("Una playa")
    edit = drawer.get_by_role("button", name="Girar y recortar…")
    expect(edit).to_be_visible()
    held = Held(page, f"**{LIBRARY}/{ids[0]}")
    drawer.get_by_role("button", name="Imagen siguiente").click()
    expect(drawer.get_by_role("heading", name=f"{word}-a.jpg")).to_be_visible()
    assert admin.call("GET", f"{API}/{ids[1]}")["alt"] == {"es": "Una playa"}
    held.wait_for_one()
    shown = drawer.locator(".drawer-in")
    expect(shown).to_have_js_property("inert", True)  # its button would edit the picture before
    held.let_go()
    expect(shown).to_have_js_property("inert", False)
    edit.click()
    editing = page.get_by_role("dialog", name="Girar y recortar")
    editing.get_by_role("button", name="Girar a la derecha").click()
    expect(page.locator("#editing-size")).to_have_text("80 × 120 px")
    editing.get_by_label("Marco").press("Shift+ArrowUp")
    editing.get_by_role("button", name="Guardar como versión nueva").click()
    expect(drawer.locator(".versions li")).to_have_count(2)
    now = admin.call("GET", f"{API}/{ids[0]}")
    assert (now["width"], now["height"], now["name"]) == (80, 119, f"{word}-a.jpg")
    check_accessible(page)
    drawer.get_by_label("Texto alternativo: Español").fill("Un bosque")
    drawer.get_by_role(
        "button", name="Restaurar esta versión"
    ).click()  # without leaving the gallery
    expect(page.locator("#live")).to_have_text("La versión anterior vuelve a ser la actual.")
    expect(drawer.get_by_label("Texto alternativo: Español")).to_have_value("Un bosque")
    now = admin.call("GET", f"{API}/{ids[0]}")
    assert (now["width"], now["height"], now["alt"]) == (120, 80, {"es": "Un bosque"})
    page.keyboard.press("Escape")
    expect(tile.locator("..").locator(".name").last).to_be_focused()


def test_what_is_done_with_many_takes_one_line_of_a_phone(admin: Visitor, word: str) -> None:
    added(admin, f"{word}.jpg")
    page = admin.page
    page.set_viewport_size({"width": 375, "height": 667})
    opened(admin, f"{LIBRARY}?search={word}")
    page.get_by_label(f"Seleccionar {word}.jpg").check()
    bar = page.get_by_role("group", name="Con las imágenes seleccionadas")
    expect(bar.get_by_role("button", name="Mover", exact=True)).to_be_visible()
    assert bar.bounding_box()["height"] < 80  # type: ignore[index]
    bar.get_by_text("Etiquetas", exact=True).click()
    bar.get_by_label("Etiquetas, separadas por comas").fill("playa")
    bar.get_by_role("button", name="Agregar etiquetas").click()
    expect(page.get_by_text("1 imagen etiquetada.")).to_be_visible()


@pytest.mark.long
def test_all_uploads_are_cancelled_together(admin: Visitor, word: str) -> None:
    page = opened(admin, LIBRARY)
    held = Held(page, "**/api/builder/media?name=*")
    page.set_input_files("#files", [a_file(f"{word}-{each}.jpg") for each in "abc"])
    held.wait_for_one()
    tray = page.locator(".tray")
    expect(tray.get_by_role("progressbar", name="Subida de todos los archivos")).to_be_visible()
    tray.get_by_role("button", name="Cancelar todo").click()
    expect(page.locator("#queue > li")).to_have_count(0)
    expect(tray).to_be_hidden()
    assert listed(admin, word) == []
