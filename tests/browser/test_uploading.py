"""Bringing pictures onto the screen of a product: every way in, every refusal, every bad line."""

import io
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from PIL import Image, ImageStat
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests import pictures
from tests.browser.deployment import (
    Held,
    Visitor,
    check_accessible,
    drop,
    keep_what_is_said,
    people,
    visiting,
)
from tests.browser.line import Line, unanswered, within
from tests.mongod import Guard as Watchdog
from tests.server import Server
from tests.waiting import wait_until

BROKEN_LINE = r"net::ERR_|Failed to load resource"
"""What Chromium writes into the console when a request fails; here that is meant."""

_numbers = iter(range(1, 10_000))


def a_photo(**options: Any) -> bytes:
    """A small photograph no other test has."""
    return pictures.photo(64, 48, noise=False, seed=next(_numbers), **options)


def a_file(name: str = "foto.jpg", data: bytes | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "mimeType": "image/jpeg",
        "buffer": a_photo() if data is None else data,
    }


def photographs(count: int) -> list[dict[str, Any]]:
    return [a_file(f"foto-{number}.jpg") for number in range(1, count + 1)]


def at_product(visitor: Visitor, *images: bytes, **fields: Any) -> tuple[Page, str]:
    """The visitor before a product's pictures; and the product's id."""
    product = visitor.a_product(*images, **fields)
    visitor.page.goto(f"/admin/products/{product['id']}")
    expect(visitor.page.get_by_role("button", name="Elegir fotos")).to_be_visible()
    return visitor.page, product["id"]


def choose(page: Page, *files: dict[str, Any]) -> None:
    page.set_input_files("#picture-files", list(files))


def names(visitor: Visitor, product_id: str) -> list[str]:
    """What the product has, by the API."""
    product = visitor.call("GET", f"/api/shop/products/{product_id}")
    return [each["name"] for each in product["images"]]


def row(page: Page, name: str) -> Locator:
    return page.locator("#queue > li", has_text=name)


def cards(page: Page) -> Locator:
    return page.locator("#picture-list > li")


def standing(page: Page) -> Locator:
    """The names of the pictures, as the cards stand."""
    return page.locator("#picture-list > li .name")


def expect_shown(page: Page, *names: str) -> None:
    """Wait until the cards stand so, and are saved so: what arrived otherwise is put right."""
    expect(standing(page)).to_have_text(list(names))
    expect(page.locator("#pictures")).not_to_contain_class("saving")


def summary(page: Page) -> Locator:
    return page.locator(".summary p")


# Ways in


@pytest.mark.long  # test_journeys chooses some, too
def test_chosen_pictures_become_cards_in_the_order_they_were_chosen(admin: Visitor) -> None:
    page, product = at_product(admin)
    expect(page.get_by_role("button", name="Sacar una foto")).to_be_hidden()  # at a desk
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Elegir fotos").click()
    chooser.value.set_files(photographs(4))
    expect(cards(page)).to_have_count(4)
    expect(summary(page)).to_have_text("4 subidas")
    expect(page.locator("#queue > li")).to_have_count(0)
    expect(page.locator("#room")).to_have_text("Queda 1 de 5")
    wanted = [f"foto-{n}.jpg" for n in range(1, 5)]
    expect_shown(page, *wanted)
    assert names(admin, product) == wanted
    expect(page.locator("#live")).to_have_text("4 subidas.")


@pytest.mark.long
def test_those_that_are_just_being_put_right_can_be_moved(admin: Visitor) -> None:
    page, product = at_product(admin)
    first, order = Held(page, "**/images?name=foto-1.jpg"), Held(page, "**/images")
    choose(page, *photographs(3))
    expect_shown(page, "foto-2.jpg", "foto-3.jpg")
    first.let_go()
    expect(standing(page)).to_have_text(["foto-1.jpg", "foto-2.jpg", "foto-3.jpg"])
    cards(page).nth(2).get_by_role("button", name="Usar como foto principal").click()
    order.let_go()
    expect(page.locator("#pictures")).not_to_contain_class("saving")
    expect(page.locator("#picture-told")).to_be_hidden()
    wanted = [f"foto-{n}.jpg" for n in (3, 1, 2)]
    expect_shown(page, *wanted)
    assert names(admin, product) == wanted


@pytest.mark.long
def test_whoever_describes_one_while_they_are_put_right_goes_on(admin: Visitor) -> None:
    page, product = at_product(admin)
    first = Held(page, "**/images?name=foto-1.jpg")
    choose(page, *photographs(3))
    expect_shown(page, "foto-2.jpg", "foto-3.jpg")
    expect(page.locator("#queue > li")).to_have_count(1)
    cards(page).nth(1).locator("summary", has_text="Detalles").click()
    field = cards(page).nth(1).get_by_label("Texto alternativo ES")
    field.focus()
    page.keyboard.type("Un zap")
    first.let_go()
    expect_shown(page, "foto-1.jpg", "foto-2.jpg", "foto-3.jpg")
    page.keyboard.type("ato")
    page.keyboard.press("Tab")
    expect(cards(page).nth(2).get_by_text("✓ Guardado")).to_be_visible()
    images = admin.call("GET", f"/api/shop/products/{product}")["images"]
    assert [each["alt"] for each in images] == [{}, {}, {"es": "Un zapato"}]


def test_files_and_folders_dropped_anywhere_are_taken_as_people_count(
    admin: Visitor, tmp_path: Path
) -> None:
    folder = tmp_path / "Zapato"
    (folder / "detalle").mkdir(parents=True)
    for name in ("10.jpg", "2.jpg", ".DS_Store", "detalle/1.jpg"):
        (folder / name).write_bytes(a_photo() if name.endswith("jpg") else b"Bud1")
    (tmp_path / "sola.png").write_bytes(a_photo(format="PNG"))
    page, product = at_product(admin)
    drop(page, tmp_path / "sola.png")
    expect(cards(page)).to_have_count(1)
    drop(page, folder)
    expect(cards(page)).to_have_count(4)
    expect(page.locator("#queue > li")).to_have_count(0)
    expect(summary(page)).to_have_text("3 subidas")
    expect_shown(page, "sola.png", "2.jpg", "10.jpg", "1.jpg")
    assert names(admin, product) == ["sola.png", "2.jpg", "10.jpg", "1.jpg"]


@pytest.mark.long
def test_a_whole_folder_can_be_chosen(admin: Visitor, tmp_path: Path) -> None:
    for name in ("b.jpg", "a.jpg", "Thumbs.db"):
        (tmp_path / name).write_bytes(a_photo())
    page, product = at_product(admin)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Elegir carpeta").click()
    chooser.value.set_files(tmp_path)
    expect(cards(page)).to_have_count(2)
    expect(page.locator("#queue > li")).to_have_count(0)
    expect_shown(page, "a.jpg", "b.jpg")
    assert names(admin, product) == ["a.jpg", "b.jpg"]


@pytest.mark.long
def test_a_screenshot_is_pasted_and_text_stays_text(admin: Visitor) -> None:
    page, product = at_product(admin)
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async () => {
            const canvas = new OffscreenCanvas(60, 40);
            canvas.getContext('2d').fillRect(10, 10, 20, 20);
            const picture = await canvas.convertToBlob();
            await navigator.clipboard.write([new ClipboardItem({ 'image/png': picture })]);
        }"""
    )
    page.locator("h1").click()
    page.keyboard.press("Control+V")
    expect(cards(page)).to_have_count(1)
    assert names(admin, product)[0].startswith("pegada ")
    page.evaluate("navigator.clipboard.writeText('Zapato de cuero')")
    page.locator("#name").fill("")
    page.locator("#name").press("Control+V")
    expect(page.locator("#name")).to_have_value("Zapato de cuero")
    expect(cards(page)).to_have_count(1)
    page.locator("#name").fill("Zapato")


@pytest.mark.long
def test_a_phone_offers_its_camera(visit: Callable[..., Visitor], signed_in: Any) -> None:
    phone = visit(
        storage_state=signed_in,
        viewport={"width": 360, "height": 740},
        has_touch=True,
        is_mobile=True,
    )
    page, product = at_product(phone)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Sacar una foto").tap()
    assert chooser.value.element.get_attribute("capture") == "environment"
    chooser.value.set_files([a_file("image.jpg")])
    expect(cards(page)).to_have_count(1)
    assert names(phone, product)[0].startswith("foto ")
    expect(page.get_by_role("button", name="Elegir carpeta")).to_be_hidden()


# Checked before it is sent


@pytest.mark.long
def test_more_than_fit_stay_listed_and_go_in_when_there_is_room(admin: Visitor) -> None:
    page, product = at_product(admin, a_photo(), a_photo(), a_photo())
    expect(page.locator("#room")).to_have_text("Quedan 2 de 5")
    choose(page, *photographs(4))
    expect(cards(page)).to_have_count(5)
    expect(summary(page)).to_have_text("2 subidas, 2 rechazadas")
    expect_shown(page, "foto.jpg", "foto.jpg", "foto.jpg", "foto-1.jpg", "foto-2.jpg")
    refused = row(page, "foto-3.jpg")
    expect(refused).to_contain_text("Llegaste al máximo de 5 fotos.")
    expect(refused).to_contain_text("Quitá una")
    page.get_by_role("button", name="Quitar la foto").first.click()
    expect(cards(page)).to_have_count(4)
    refused.get_by_role("button", name="Reintentar").click()
    expect(cards(page)).to_have_count(5)
    assert names(admin, product)[-3:] == ["foto-1.jpg", "foto-2.jpg", "foto-3.jpg"]
    row(page, "foto-4.jpg").get_by_role("button", name="Descartar").click()
    expect(page.locator("#queue > li")).to_have_count(0)


HEIC, PDF, BROKEN = pictures.heic(), pictures.pdf(), pictures.truncated(pictures.photo())


NO_PHOTOS = {
    "texto": (pictures.text_as_jpg(), "No es una foto.", "Elegí una"),
    "nada": (b"", "El archivo está vacío (0 bytes).", "dejá que se descargue"),
    "móvil": (
        HEIC,
        "Es una foto HEIC y este navegador no la puede abrir.",
        "Configuración › Cámara",
    ),
    "hoja": (PDF, "Es un PDF, no una foto.", "Hacé una captura"),
    "dibujo": (pictures.svg(), "Es un dibujo (SVG), no una foto.", "Guardalo como PNG"),
    "escáner": (pictures.tiff(), "Es de tipo TIFF y este navegador", "Guardala como JPEG"),
}


@pytest.mark.long
def test_what_is_no_photo_is_not_even_sent(admin: Visitor) -> None:
    page, product = at_product(admin)
    sent: list[str] = []
    page.on("request", lambda each: sent.append(each.url) if "?name=" in each.url else None)
    for name, (data, reason, advice) in NO_PHOTOS.items():
        choose(page, a_file(f"una foto muy linda de {name}.jpg", data))
        refused = row(page, f"una foto muy linda de {name}.jpg")
        expect(refused).to_contain_text(reason)
        expect(refused).to_contain_text(advice)
        expect(page.locator("#live")).to_contain_text(reason)
        expect(refused.get_by_role("button", name="Reintentar")).to_be_hidden()
    assert (sent, names(admin, product)) == ([], [])


@pytest.mark.long
def test_each_file_is_sent_as_what_it_is_or_converted(admin: Visitor) -> None:
    page, product = at_product(admin)
    choose(page, a_file("foto.jpg", a_photo(format="PNG")))
    expect(cards(page)).to_have_count(1)
    choose(page, a_file("otra.jpg", pictures.avif()), a_file("logo.gif", pictures.gif()))
    expect(cards(page)).to_have_count(3)
    found = admin.call("GET", f"/api/shop/products/{product}")["images"]
    assert [each["media_type"] for each in found] == ["image/png", "image/jpeg", "image/jpeg"]
    expect(page.locator("#queue > li")).to_have_count(0)
    choose(page, a_file("saludo.gif", pictures.gif(3, width=40)))
    expect(cards(page)).to_have_count(4)
    expect(row(page, "saludo.gif")).to_contain_text("solo se conservó el primer cuadro")


@pytest.fixture
def a_megabyte(admin: Visitor) -> Iterator[int]:
    """The site takes no larger pictures than that: how many bytes it is."""
    admin.call("PATCH", "/api/site", data={"limits": {"product_image_mb": 1}})
    yield 1024 * 1024
    admin.call("PATCH", "/api/site", data={"limits": {"product_image_mb": None}})


def test_a_photograph_that_is_too_large_is_made_smaller_and_stands_upright(
    admin: Visitor, a_megabyte: int
) -> None:
    large = pictures.photo(1280, 960, quality=100, subsampling=0, orientation=6)
    assert len(large) > a_megabyte
    page, product = at_product(admin)
    until_said = keep_what_is_said(page, "#queue .note")
    choose(page, a_file("grande.jpg", large))
    until_said("Reducida de ")
    expect(cards(page)).to_have_count(1)
    image = admin.call("GET", f"/api/shop/products/{product}")["images"][0]
    assert image["bytes"] <= a_megabyte
    assert image["height"] / image["width"] == pytest.approx(4 / 3, rel=0.01)
    assert image["height"] > 850
    stored = Image.open(io.BytesIO(admin.context.request.get(image["url"]).body())).convert("L")
    middle = stored.height // 2
    top, bottom = (
        ImageStat.Stat(stored.crop((0, begin, stored.width, begin + middle))).mean[0]
        for begin in (0, middle)
    )
    assert top < bottom, "the dark left half of the photograph is now above"


@pytest.mark.long
def test_transparency_stays_when_a_picture_is_made_smaller(admin: Visitor, a_megabyte: int) -> None:
    logo = pictures.canvas(640, 480, noise=False, mode="RGBA")
    logo.putalpha(Image.linear_gradient("L").resize(logo.size))
    large = pictures.encoded(logo, "PNG", compress_level=0)
    assert len(large) > a_megabyte
    page, product = at_product(admin)
    choose(page, a_file("logo.png", large))
    expect(cards(page)).to_have_count(1)
    image = admin.call("GET", f"/api/shop/products/{product}")["images"][0]
    assert (image["media_type"], image["width"]) == ("image/webp", 640)
    stored = Image.open(io.BytesIO(admin.context.request.get(image["url"]).body()))
    assert stored.mode == "RGBA"


# What the server says


def test_what_the_server_refuses_stays_listed_in_its_words(admin: Visitor) -> None:
    page, product = at_product(admin)
    admin.guard.expect("422")
    with page.expect_response(lambda answer: "?name=rota" in answer.url) as answered:
        choose(page, a_file("rota.jpg", BROKEN), a_file("buena.jpg"))
    told = answered.value.json()
    expect(summary(page)).to_have_text("1 subida, 1 rechazada")
    refused = row(page, "rota.jpg")
    expect(refused).to_contain_text(told["error"])
    expect(refused).to_contain_text(told["hint"])
    expect(refused.get_by_role("button", name="Reintentar")).to_be_hidden()
    assert names(admin, product) == ["buena.jpg"]


def flip_a_bit(server: Server, asset_id: str) -> None:
    """Damage the only chunk of a small picture."""
    with pymongo.MongoClient[Any](server.uri) as client:
        raw = client.get_default_database()
        asset = raw["assets"].find_one({"_id": asset_id})
        chunk = {"files_id": f"{asset['site']}/{asset['versions'][0]['file']}"}
        data = bytearray(raw["product_images.chunks"].find_one(chunk)["data"])
        data[-1] ^= 1
        raw["product_images.chunks"].update_one(chunk, {"$set": {"data": bytes(data)}})


@pytest.mark.long
def test_the_same_photo_again_is_told_and_not_doubled(admin: Visitor, server: Server) -> None:
    data = a_photo()
    page, product = at_product(admin)
    choose(page, a_file("una.jpg", data))
    expect(cards(page)).to_have_count(1)
    choose(page, a_file("otra.jpg", data))
    expect(row(page, "otra.jpg")).to_contain_text("Esta foto ya estaba")
    row(page, "otra.jpg").get_by_role("button", name="Descartar").click()
    expect(page.locator("#queue > li")).to_have_count(0)
    flip_a_bit(server, cards(page).first.get_attribute("data-id") or "")
    choose(page, a_file("otra vez.jpg", data))
    expect(row(page, "otra vez.jpg")).to_contain_text("Ya está reparada.")
    assert names(admin, product) == ["una.jpg"]


@pytest.mark.long
def test_a_server_that_asks_for_patience_gets_it(admin: Visitor) -> None:
    page, product = at_product(admin)
    admin.guard.expect("503|429|409")
    busy = {503: "decoders_busy", 429: "too_many_requests", 409: "upload_in_progress"}
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.headers["idempotency-key"])
        if asked.count(asked[-1]) > 1:
            route.continue_()
            return
        status = [*busy][len(set(asked)) - 1]
        route.fulfill(
            status=status,
            headers={"Retry-After": "1", "Content-Type": "application/json"},
            body=json.dumps({"success": 0, "error": "x", "hint": "y", "code": busy[status]}),
        )

    page.route("**/images?name=*", answer)
    until_said = keep_what_is_said(page, "#queue > li")
    for number, status in enumerate(busy, start=1):
        page.evaluate("window.said.length = 0")
        choose(page, a_file(f"{status}.jpg"))
        until_said("en 1 s.")
        expect(cards(page)).to_have_count(number)
    assert [asked.count(each) for each in dict.fromkeys(asked)] == [2, 2, 2]
    assert names(admin, product) == [f"{status}.jpg" for status in busy]


def test_a_session_that_ended_keeps_the_files(admin: Visitor) -> None:
    page, product = at_product(admin)
    admin.guard.expect("401")
    cookies = admin.context.cookies()
    admin.context.clear_cookies()
    choose(page, a_file())
    expect(row(page, "foto.jpg")).to_contain_text("Tu sesión terminó.")
    expect(row(page, "foto.jpg").get_by_role("link")).to_have_attribute("target", "_blank")
    admin.context.add_cookies(cookies)
    row(page, "foto.jpg").get_by_role("button", name="Reintentar").click()
    expect(cards(page)).to_have_count(1)
    assert names(admin, product) == ["foto.jpg"]


# Slow and broken lines: in the end the right pictures are there, each once


@pytest.fixture
def line(server: Server) -> Iterator[Line]:
    with Line(server.port) as line:
        yield line


@pytest.fixture
def far_away(browser: Browser, line: Line, signed_in: Any) -> Iterator[Visitor]:
    """The administrator at the other end of a line that may break."""
    with visiting(browser, line, storage_state=signed_in) as visitor:
        visitor.guard.expect(BROKEN_LINE)
        yield visitor


def keys(line: Line) -> set[str]:
    return {
        text
        for head in line.uploads
        for text in head.decode().lower().split("\r\n")
        if text.startswith("idempotency-key:")
    }


TAKES = """async () => {
    const start = performance.now();
    await fetch("/healthz", { cache: "no-store" });
    return performance.now() - start;
}"""


@pytest.mark.long
def test_on_a_slow_line_progress_is_seen_two_go_at_a_time_and_one_can_be_cancelled(
    admin: Visitor,
) -> None:
    page, product = at_product(admin)
    session = admin.context.new_cdp_session(page)
    # For the server just fast enough; still it takes minutes.
    slow = {"offline": False, "latency": 200, "downloadThroughput": -1, "uploadThroughput": 40_000}
    session.send("Network.emulateNetworkConditions", slow)
    # Another process of the browser learns of it in its own time.
    wait_until(lambda: page.evaluate(TAKES) >= 200, "the line is slow")
    large = pictures.photo(2720, 2040, seed=next(_numbers), quality=100)
    choose(page, *(a_file(name, large + bytes([n])) for n, name in enumerate(["a.jpg", "b.jpg"])))
    choose(page, a_file("c.jpg"))
    for name in ("a.jpg", "b.jpg"):
        expect(row(page, name)).to_contain_text("Subiendo: ")
        expect(row(page, name).get_by_role("progressbar", name=f"Subida de {name}")).to_be_visible()
    expect(row(page, "c.jpg")).to_contain_text("En cola")
    expect(summary(page)).to_have_text("3 subiendo")
    expect(row(page, "a.jpg").locator(".preview")).to_have_js_property("naturalWidth", 2720)
    check_accessible(page)
    row(page, "a.jpg").get_by_role("button", name="Cancelar").click()
    expect(row(page, "a.jpg")).to_contain_text("Cancelada: no se subió.")
    expect(row(page, "a.jpg").get_by_role("button", name="Reintentar")).to_be_focused()
    row(page, "b.jpg").get_by_role("button", name="Cancelar").click()
    expect(cards(page)).to_have_count(1)
    expect(page.locator("#queue > li")).to_have_count(2)  # what is tried again now comes later
    session.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    row(page, "a.jpg").get_by_role("button", name="Reintentar").click()
    expect(cards(page)).to_have_count(2)
    assert names(admin, product) == ["c.jpg", "a.jpg"]


def test_an_upload_cut_in_the_middle_goes_on_by_itself(far_away: Visitor, line: Line) -> None:
    page, product = at_product(far_away)
    line.breaks = [within(40_000), within(40_000)]
    line.hang_up()
    until_said = keep_what_is_said(page, "#queue > li")
    choose(page, a_file("foto.jpg", pictures.photo(800, 600, seed=next(_numbers))))
    until_said("Se cortó la conexión. Se reanuda en 1 s")
    expect(cards(page)).to_have_count(1)
    assert names(far_away, product) == ["foto.jpg"]
    assert len(line.uploads) >= 3
    assert len(keys(line)) == 1


def test_an_answer_that_is_lost_makes_no_second_picture(far_away: Visitor, line: Line) -> None:
    page, product = at_product(far_away)
    line.breaks = [unanswered, unanswered]
    line.hang_up()
    choose(page, *photographs(3))
    expect(cards(page)).to_have_count(3)
    expect(page.locator("#queue > li")).to_have_count(0)
    expect(summary(page)).to_have_text("3 subidas")
    expect_shown(page, "foto-1.jpg", "foto-2.jpg", "foto-3.jpg")
    assert names(far_away, product) == ["foto-1.jpg", "foto-2.jpg", "foto-3.jpg"]
    assert len(line.uploads) >= 5
    assert len(keys(line)) == 3


@pytest.mark.long
def test_without_a_connection_it_waits_and_goes_on_when_it_is_back(admin: Visitor) -> None:
    page, product = at_product(admin)
    admin.guard.expect(BROKEN_LINE)
    admin.context.set_offline(True)
    choose(page, *photographs(2))
    for name in ("foto-1.jpg", "foto-2.jpg"):
        expect(row(page, name)).to_contain_text("Sin conexión. Se reanuda apenas vuelva.")
    admin.context.set_offline(False)
    expect(cards(page)).to_have_count(2)
    expect_shown(page, "foto-1.jpg", "foto-2.jpg")
    assert names(admin, product) == ["foto-1.jpg", "foto-2.jpg"]


@pytest.mark.long
def test_a_line_that_stays_broken_is_told_and_tried_again_by_hand(admin: Visitor) -> None:
    page, product = at_product(admin)
    admin.guard.expect(BROKEN_LINE)
    page.clock.install(time=0)
    page.clock.pause_at(3600)  # it runs until then, and does not go back
    page.route("**/images?name=*", lambda route: route.abort("connectionreset"))
    choose(page, a_file())
    stays = row(page, "foto.jpg")
    for seconds in (1, 2, 4, 8, 15):
        expect(stays).to_contain_text(f"Se reanuda en {seconds} s")
        page.clock.run_for(seconds * 1000)
    expect(stays).to_contain_text("La conexión se cortó varias veces.")
    expect(summary(page)).to_have_text("1 interrumpida")
    page.unroute("**/images?name=*")
    page.clock.resume()
    stays.get_by_role("button", name="Reintentar").click()
    expect(cards(page)).to_have_count(1)
    assert names(admin, product) == ["foto.jpg"]


@pytest.mark.long
def test_one_cancelled_when_it_was_whole_is_taken_back(admin: Visitor) -> None:
    page, product = at_product(admin)
    held = Held(page, "**/images?name=*")
    # Routes hold a request before a byte is sent, so the page is told here that all of them were.
    page.evaluate(
        """() => { const send = XMLHttpRequest.prototype.send;
            XMLHttpRequest.prototype.send = function (body) {
                send.call(this, body);
                this.upload.dispatchEvent(new ProgressEvent('load'));
            }; }"""
    )
    choose(page, a_file())
    expect(row(page, "foto.jpg")).to_contain_text("Guardando…")
    row(page, "foto.jpg").get_by_role("button", name="Cancelar").click()
    expect(row(page, "foto.jpg")).to_contain_text("Cancelando…")
    held.let_go()
    expect(row(page, "foto.jpg")).to_contain_text("Cancelada: no se subió.")
    assert names(admin, product) == []
    row(page, "foto.jpg").get_by_role("button", name="Reintentar").click()
    expect(cards(page)).to_have_count(1)
    assert names(admin, product) == ["foto.jpg"]


def end(server: Server) -> None:
    """Kill a server with all of its processes."""
    workers = server.worker_pids()
    server.process.kill()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.long  # the line breaks in other tests, workers are killed in tests/faults
def test_a_worker_killed_while_it_saves_ends_in_each_picture_once(
    browser: Browser, migrated_uri: str, guard: Watchdog
) -> None:
    uri = migrated_uri
    people(uri)
    # What the killed worker was writing is free soon, and a busy machine still stores in time.
    with (
        Server(guard, uri, AVENUE_JOBS="inline", AVENUE_WRITE_SECONDS="4") as server,
        Line(server.port) as line,
        visiting(browser, line) as visitor,
    ):
        visitor.guard.expect(BROKEN_LINE)
        visitor.sign_in()
        page, product = at_product(visitor)
        large = pictures.photo(1600, 1200, seed=next(_numbers))
        line.breaks = [within(len(large) // 2, server.kill_worker)]
        line.hang_up()
        choose(page, a_file("foto-1.jpg", large), a_file("foto-2.jpg"))
        expect(cards(page)).to_have_count(2)
        assert sorted(names(visitor, product)) == ["foto-1.jpg", "foto-2.jpg"]
        # Now all of it ends, and another server comes in its place, which may take its time.
        with Server(guard, uri, AVENUE_JOBS="inline") as other:
            line.breaks = [within(1000, lambda: end(server))]
            line.hang_up()
            until_said = keep_what_is_said(page, "#queue > li")
            choose(page, a_file("foto-3.jpg"))
            until_said("Se cortó la conexión")
            line.to = other.port
            expect(cards(page)).to_have_count(3)
            assert names(visitor, product)[2:] == ["foto-3.jpg"]
            assert len(keys(line)) == 3
