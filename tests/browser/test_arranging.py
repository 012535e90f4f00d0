"""The pictures of a product on one screen: order, texts, focal point, another file, the trash."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from avenue.media.pictures.variants import EAGER, VARIANTS, box_of
from tests.browser.deployment import Held, Visitor
from tests.pictures import html, photo

LONG_PHONE = {"width": 320, "height": 1600}
PICTURES = [photo(80, 60, noise=False, seed=seed) for seed in (11, 12, 13)]


@pytest.fixture
def product(admin: Visitor) -> Any:
    """A product with three pictures, on the administrator's screen."""
    found = admin.a_product(*PICTURES, name="Zapatilla Luna")
    admin.page.goto(f"/admin/products/{found['id']}")
    return found


def ids_of(product: Any) -> list[str]:
    return [each["id"] for each in product["images"]]


def saved(visitor: Visitor, product: Any) -> Any:
    return visitor.call("GET", f"/api/shop/products/{product['id']}")


def shown(page: Page) -> list[str | None]:
    page.wait_for_load_state()  # what is said comes before the pictures
    return [each.get_attribute("data-key") for each in page.locator("#picture-list > li").all()]


def shot(page: Page, key: str) -> Locator:
    return page.locator(f'#picture-list > li[data-key="{key}"]')


def detailed(card: Locator) -> Locator:
    """The card with its details open."""
    card.locator("summary", has_text="Detalles").click()
    return card


def heard(page: Page, sentence: str) -> None:
    expect(page.locator("#live")).to_have_text(sentence)


def at_rest(page: Page) -> None:
    """Load the page again, with a clock that goes on when the test says so."""
    page.clock.install(time=0)
    page.clock.pause_at(3600)  # it runs until then, and does not go back
    page.reload()


def lifted(page: Page, key: str, other: str) -> Any:
    """Begin to drag one picture with the mouse; return where the other one is."""
    start, end = shot(page, key).locator(".frame"), shot(page, other).locator(".frame")
    start.scroll_into_view_if_needed()
    begin, goal = start.bounding_box(), end.bounding_box()
    assert begin
    page.mouse.move(begin["x"] + 60, begin["y"] + 60)
    page.mouse.down()
    page.mouse.move(begin["x"] + 80, begin["y"] + 80, steps=3)
    page.wait_for_selector(".lifted")  # where the mouse is before that is not noted
    return goal


def answered(page: Page, method: str, part: str) -> Any:
    """Wait for the answer to what happens inside."""
    return page.expect_response(
        lambda answer: answer.request.method == method and part in answer.url
    )


@pytest.mark.long
def test_the_order_is_changed_by_buttons(admin: Visitor, product: Any) -> None:
    page, (a, b, c) = admin.page, ids_of(product)
    expect(shot(page, a).get_by_text("Principal")).to_be_visible()
    with answered(page, "PUT", "/images"):
        shot(page, c).get_by_role("button", name="Usar como foto principal").click()
    heard(page, "Movida a la posición 1 de 3.")
    assert shown(page) == [c, a, b] == ids_of(saved(admin, product))
    expect(shot(page, c).get_by_text("Principal")).to_be_visible()
    expect(shot(page, a).get_by_text("Principal")).to_be_hidden()
    # The button has nothing left to do, so the focus goes to the one beside it.
    expect(shot(page, c).get_by_role("button", name="Mover después")).to_be_focused()
    with answered(page, "PUT", "/images"):
        shot(page, a).get_by_role("button", name="Mover después").click()
    assert shown(page) == [c, b, a] == ids_of(saved(admin, product))


def test_the_order_is_changed_by_keys_and_many_moves_at_once_end_in_the_last_one(
    admin: Visitor, product: Any
) -> None:
    page, (a, b, c) = admin.page, ids_of(product)
    button = shot(page, a).get_by_role("button", name="Mover después")
    button.focus()
    with answered(page, "PUT", "/images"):
        page.keyboard.press("Alt+ArrowDown")
    heard(page, "Movida a la posición 2 de 3.")
    expect(button).to_be_focused()
    with answered(page, "PUT", "/images"):
        page.keyboard.press("Alt+ArrowRight")
    heard(page, "Movida a la posición 3 de 3.")
    assert shown(page) == [b, c, a] == ids_of(saved(admin, product))
    shot(page, a).focus()
    with answered(page, "PUT", "/images"):
        page.keyboard.press("Alt+Home")
    expect(shot(page, a)).to_be_focused()
    assert shown(page) == [a, b, c] == ids_of(saved(admin, product))
    button = shot(page, c).get_by_role("button", name="Mover antes")
    button.focus()
    for _ in range(4):
        page.keyboard.press("Alt+ArrowUp")
        page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Alt+Home")
    expect(page.locator("#pictures")).not_to_contain_class("saving")
    expect(page.locator("#picture-told")).to_be_hidden()
    page.reload()
    assert shown(page) == [c, a, b] == ids_of(saved(admin, product))


def test_the_order_is_changed_by_dragging(admin: Visitor, product: Any) -> None:
    page, (a, b, c) = admin.page, ids_of(product)
    goal = lifted(page, a, b)
    with answered(page, "PUT", "/images"):
        page.mouse.move(goal["x"] + goal["width"] - 20, goal["y"] + 60, steps=12)
        expect(page.locator("#picture-list > li").first).to_have_attribute("data-key", b)
        page.mouse.up()
    heard(page, "Movida a la posición 2 de 3.")
    assert ids_of(saved(admin, product)) == [b, a, c]


@pytest.mark.long
def test_a_card_dragged_over_another_changes_places_with_it_once(
    admin: Visitor, product: Any
) -> None:
    page, (a, b, c) = admin.page, ids_of(product)
    page.emulate_media(reduced_motion="no-preference")
    page.reload()
    goal = lifted(page, a, b)
    page.evaluate("""() => {
        const list = document.getElementById("picture-list");
        window.firsts = [];
        new MutationObserver(() => window.firsts.push(list.firstElementChild.dataset.key))
            .observe(list, { childList: true });
    }""")
    # Past its middle: from there the gliding card was taken for another place to go to.
    page.mouse.move(goal["x"] + goal["width"] - 20, goal["y"] + 60)
    expect(page.locator("#picture-list > li").first).to_have_attribute("data-key", b)
    page.wait_for_timeout(600)
    with answered(page, "PUT", "/images"):
        page.mouse.up()
    assert a not in page.evaluate("window.firsts")
    assert ids_of(saved(admin, product)) == [b, a, c]


@pytest.mark.long
def test_leaving_waits_for_an_order_on_its_way(admin: Visitor, product: Any) -> None:
    page, (a, b, c) = admin.page, ids_of(product)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    held = Held(page, "**/images")
    shot(page, c).get_by_role("button", name="Usar como foto principal").click()
    expect(page.locator("#pictures")).to_contain_class("saving")
    with page.expect_event("dialog"):
        page.evaluate("location.reload()")
    expect(page.locator("#pictures")).to_contain_class("saving")
    assert asked == ["beforeunload"]
    held.let_go()
    expect(page.locator("#pictures")).not_to_contain_class("saving")
    page.reload()
    assert asked == ["beforeunload"]
    assert shown(page) == [c, a, b]


@pytest.mark.long
def test_of_two_people_the_slower_one_is_told(
    admin: Visitor, product: Any, visit: Callable[..., Visitor], signed_in: Any
) -> None:
    slow, (a, b, c) = visit(storage_state=signed_in), ids_of(product)
    slow.page.goto(f"/admin/products/{product['id']}")
    with answered(admin.page, "PUT", "/images"):
        shot(admin.page, c).get_by_role("button", name="Usar como foto principal").click()
    slow.guard.expect("status of 409")
    shot(slow.page, b).get_by_role("button", name="Usar como foto principal").click()
    told = slow.page.locator("#picture-told")
    expect(told).to_contain_text("Otra persona cambió el orden de las fotos")
    assert shown(slow.page) == [c, a, b] == ids_of(saved(admin, product))
    with answered(slow.page, "PUT", "/images"):
        told.get_by_role("button", name="Usar mi orden").click()
    expect(told).to_be_hidden()
    assert shown(slow.page) == [b, a, c] == ids_of(saved(admin, product))


@pytest.mark.long
def test_what_somebody_adds_meanwhile_is_no_conflict(
    admin: Visitor, product: Any, visit: Callable[..., Visitor], signed_in: Any
) -> None:
    page, (a, b, c) = admin.page, ids_of(product)
    admin.guard.expect("status of 409")
    picture = {"name": "d.jpg", "mimeType": "image/jpeg", "buffer": photo(64, 48, seed=99)}
    url = f"/api/shop/products/{product['id']}/images"
    d = admin.call("POST", url, multipart={"file": picture})["id"]
    shot(page, c).get_by_role("button", name="Usar como foto principal").click()
    expect(shot(page, d)).to_be_visible()
    expect(page.locator("#picture-told")).to_be_hidden()
    assert shown(page) == [c, a, b, d] == ids_of(saved(admin, product))


@pytest.mark.long
def test_without_a_connection_the_order_stays_as_it_was(admin: Visitor, product: Any) -> None:
    page, (a, b, c) = admin.page, ids_of(product)
    admin.guard.expect("ERR_INTERNET_DISCONNECTED")
    admin.context.set_offline(True)
    shot(page, c).get_by_role("button", name="Usar como foto principal").click()
    told = page.locator("#picture-told")
    expect(told).to_contain_text("Sin conexión.")
    assert shown(page) == [a, b, c]
    admin.context.set_offline(False)
    with answered(page, "PUT", "/images"):
        told.get_by_role("button", name="Usar mi orden").click()
    assert shown(page) == [c, a, b] == ids_of(saved(admin, product))


def test_texts_are_saved_when_a_field_is_left(admin: Visitor, product: Any) -> None:
    page, (a, _, _) = admin.page, ids_of(product)
    card = shot(page, a)
    expect(card.get_by_text("Sin texto alt.")).to_be_visible()
    detailed(card).get_by_label("Texto alternativo EN").fill("A grey shoe")
    card.get_by_label("Texto alternativo ES").fill("Un zapato gris")
    page.keyboard.press("Tab")
    expect(card.get_by_text("✓ Guardado")).to_be_visible()
    expect(card.get_by_text("Sin texto alt.")).to_be_hidden()
    image = saved(admin, product)["images"][0]
    assert image["alt"] == {"es": "Un zapato gris", "en": "A grey shoe"}
    card.get_by_label("Texto alternativo ES").fill("")
    card.get_by_label("Decorativa").check()
    expect(card.get_by_text("✓ Guardado")).to_be_visible()
    expect(card.get_by_text("Sin texto alt.")).to_be_hidden()
    card.get_by_label("Decorativa").uncheck()
    expect(card.get_by_text("✓ Guardado")).to_be_visible()
    expect(card.get_by_text("Sin texto alt.")).to_be_visible()
    card.get_by_role("button", name="Usar el nombre del producto").click()
    expect(card.get_by_text("✓ Guardado")).to_be_visible()
    expect(card.get_by_text("Sin texto alt.")).to_be_hidden()
    image = saved(admin, product)["images"][0]
    assert (image["alt"]["es"], image["decorative"]) == ("Zapatilla Luna", False)


REFRESH = """async () => {
    const script = document.querySelector('script[src*="/pictures/arranging.js"]').src;
    const { refresh } = await import(new URL("screen.js", script));
    window.refreshed = refresh();
    return "begun";
}"""


@pytest.mark.long
def test_what_is_being_typed_survives_a_refresh(admin: Visitor, product: Any) -> None:
    page, (a, b, _) = admin.page, ids_of(product)
    field = detailed(shot(page, a)).get_by_label("Texto alternativo ES")
    field.focus()
    page.keyboard.type("Un zap")
    admin.call("DELETE", f"/api/shop/products/{product['id']}/images/{b}")
    page.evaluate(REFRESH)
    page.evaluate("window.refreshed")
    expect(shot(page, b)).to_have_count(0)
    expect(page.locator("#room")).to_have_text("Quedan 3 de 5")
    expect(field).to_be_focused()
    page.keyboard.type("ato")
    page.keyboard.press("Enter")
    expect(shot(page, a).get_by_text("✓ Guardado")).to_be_visible()
    assert saved(admin, product)["images"][0]["alt"] == {"es": "Un zapato"}


@pytest.mark.long
@pytest.mark.parametrize(
    "by_key",
    [
        pytest.param(False, id="by mouse"),
        pytest.param(True, id="by key", marks=pytest.mark.long),
    ],
)
def test_a_button_that_is_pressed_stays_until_it_is_let_go_of(
    admin: Visitor, product: Any, by_key: bool
) -> None:
    page, (a, b, c) = admin.page, ids_of(product)
    button = shot(page, c).get_by_role("button", name="Usar como foto principal")
    if by_key:
        button.focus()
        page.keyboard.down(" ")
    else:
        detailed(shot(page, a)).get_by_label("Texto alternativo ES").focus()
        button.hover()
        page.mouse.down()
    with page.expect_response("**/pictures"):
        page.evaluate(REFRESH)
    page.evaluate("fetch(location.href).then((answer) => answer.text())")  # time to show it
    with answered(page, "PUT", "/images"):
        page.keyboard.up(" ") if by_key else page.mouse.up()
    assert page.evaluate("window.refreshed.then(() => true)")
    expect(page.locator("#pictures")).not_to_contain_class("saving")
    assert shown(page) == [c, a, b] == ids_of(saved(admin, product))


@pytest.mark.long
def test_a_screen_asked_for_before_a_change_is_not_shown_after_it(
    admin: Visitor, product: Any
) -> None:
    page, (a, b, c) = admin.page, ids_of(product)
    late = Held(page, "**/pictures", answered=True)
    page.evaluate(REFRESH)
    late.wait_for_one()
    with answered(page, "PUT", "/images"):
        shot(page, c).get_by_role("button", name="Usar como foto principal").click()
    expect(page.locator("#pictures")).not_to_contain_class("saving")
    detailed(shot(page, c)).get_by_label("Texto alternativo ES").fill("Un zapato")
    page.keyboard.press("Tab")
    expect(shot(page, c).get_by_text("✓ Guardado")).to_be_visible()
    late.let_go()
    assert page.evaluate("window.refreshed")
    assert shown(page) == [c, a, b]
    expect(shot(page, c).get_by_label("Texto alternativo ES")).to_have_value("Un zapato")
    with answered(page, "PUT", "/images"):
        shot(page, b).get_by_role("button", name="Usar como foto principal").click()
    expect(page.locator("#pictures")).not_to_contain_class("saving")
    expect(page.locator("#picture-told")).to_be_hidden()
    assert shown(page) == [b, c, a] == ids_of(saved(admin, product))


@pytest.mark.long
def test_what_is_being_saved_stays_on_a_screen_that_comes_meanwhile(
    admin: Visitor, product: Any
) -> None:
    page, (a, b, c) = admin.page, ids_of(product)
    order, text = Held(page, "**/images"), Held(page, f"**/images/{a}")
    shot(page, c).get_by_role("button", name="Usar como foto principal").click()
    detailed(shot(page, a)).get_by_label("Texto alternativo ES").fill("Un zapato")
    page.keyboard.press("Tab")
    order.wait_for_one()
    text.wait_for_one()
    page.evaluate(REFRESH)
    assert page.evaluate("window.refreshed")
    assert shown(page) == [c, a, b]
    shot(page, b).get_by_role("button", name="Usar como foto principal").click()
    order.let_go()
    text.let_go()
    expect(page.locator("#pictures")).not_to_contain_class("saving")
    expect(shot(page, a).get_by_text("✓ Guardado")).to_be_visible()
    expect(shot(page, a).get_by_text("Sin texto alt.")).to_be_hidden()
    now = saved(admin, product)
    assert shown(page) == [b, c, a] == ids_of(now)
    assert now["images"][2]["alt"] == {"es": "Un zapato"}


CUTS = """() => Object.fromEntries([...document.querySelectorAll(".cut")].map(cut => {
    const image = cut.querySelector("img"), style = getComputedStyle(image);
    const [x, y] = style.objectPosition.split(" ").map(part => parseFloat(part) / 100);
    return [cut.dataset.cut, { x, y, fit: style.objectFit,
        ratio: cut.clientWidth / cut.clientHeight }];
}))"""


@pytest.mark.long  # the library has the same dialog
def test_the_focal_point_is_moved_by_click_and_keys(admin: Visitor) -> None:
    product = admin.a_product(photo(640, 480, seed=21), name="Zapato")
    page, (a,) = admin.page, ids_of(product)
    page.goto(f"/admin/products/{product['id']}")
    before = product["images"][0]
    opener = detailed(shot(page, a)).get_by_role("button", name="Punto focal…")
    source = opener.get_attribute("data-src")
    assert source
    picture = Held(page, f"**{source}")
    opener.click()
    dialog = page.get_by_role("dialog", name="Punto focal")
    stage = dialog.locator(".stage").bounding_box()
    assert stage
    assert stage["width"] / stage["height"] == pytest.approx(4 / 3, rel=0.01)
    picture.let_go()
    expect(dialog.locator(".stage img")).to_have_js_property("complete", value=True)
    assert dialog.locator(".stage").bounding_box() == stage
    page.mouse.click(stage["x"] + stage["width"] / 4, stage["y"] + stage["height"] / 2)
    expect(dialog.get_by_role("status")).to_have_text("25 % desde la izquierda, 50 % desde arriba")
    for key in ("ArrowLeft", "Shift+ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    expect(dialog.get_by_role("status")).to_have_text("24 % desde la izquierda, 41 % desde arriba")
    cuts = page.evaluate(CUTS)
    for name in EAGER:
        left, top, right, bottom = box_of(VARIANTS[name], 640, 480, (0.24, 0.41))
        cut = cuts[name]
        assert cut["fit"] == "cover"
        assert cut["ratio"] == pytest.approx((right - left) / (bottom - top), rel=0.02)
        assert cut["x"] * (640 - right + left) == pytest.approx(left, abs=0.01)
        assert cut["y"] * (480 - bottom + top) == pytest.approx(top, abs=0.01)
    dialog.get_by_role("button", name="Guardar el punto focal").click()
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    heard(page, "Punto focal guardado.")
    moved = saved(admin, product)["images"][0]
    assert moved["focal"] == [0.24, 0.41]
    assert moved["variants"]["thumb"]["url"] != before["variants"]["thumb"]["url"]
    assert moved["variants"]["card"]["url"] == before["variants"]["card"]["url"]
    opener.click()
    expect(dialog.get_by_role("status")).to_have_text("24 % desde la izquierda, 41 % desde arriba")
    dialog.get_by_role("button", name="Automático").click()
    expect(dialog).to_be_hidden()
    assert saved(admin, product)["images"][0]["focal"] == before["focal"]


@pytest.mark.long
def test_the_address_of_a_picture_is_copied_and_it_is_replaced_and_stays_itself(
    admin: Visitor, product: Any
) -> None:
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, (a, b, c) = admin.page, ids_of(product)
    card = detailed(shot(page, b))
    card.get_by_text("Archivo", exact=True).click()
    card.get_by_role("button", name="Copiar la dirección").click()
    heard(page, "Dirección copiada.")
    assert page.evaluate("navigator.clipboard.readText()") == product["images"][1]["url"]
    chooser = card.get_by_label("Reemplazar por otro archivo")
    chooser.set_input_files({"name": "otra.gif", "mimeType": "image/gif", "buffer": b"GIF89a"})
    expect(card.get_by_role("alert")).to_contain_text("Elegí una foto en JPEG, PNG, WebP.")
    admin.guard.expect("status of 415")
    chooser.set_input_files({"name": "otra.jpg", "mimeType": "image/jpeg", "buffer": html()})
    expect(card.get_by_role("alert")).not_to_contain_text("Elegí una foto en")
    expect(card.get_by_role("alert")).not_to_be_empty()
    new = photo(200, 300, seed=31)
    chooser.set_input_files({"name": "otra.jpg", "mimeType": "image/jpeg", "buffer": new})
    heard(page, "Foto reemplazada.")
    expect(card).to_be_focused()
    expect(card.get_by_text("200 × 300 px")).to_be_visible()
    now = saved(admin, product)
    assert ids_of(now) == [a, b, c]
    assert (now["images"][1]["name"], now["images"][1]["width"]) == ("otra.jpg", 200)
    card.get_by_role("button", name="Volver a mostrar la foto del").click()
    heard(page, "Se muestra otra vez la foto anterior.")
    expect(card).to_be_focused()
    again = saved(admin, product)["images"][1]
    assert again["version"] == product["images"][1]["version"]


def test_a_removed_picture_comes_back_by_undoing_within_ten_seconds(
    admin: Visitor, product: Any
) -> None:
    page, (a, b, c) = admin.page, ids_of(product)
    at_rest(page)  # the offer to undo stays
    shot(page, b).get_by_role("button", name="Quitar la foto").click()
    expect(shot(page, b)).to_have_count(0)
    expect(shot(page, c).get_by_role("button", name="Quitar la foto")).to_be_focused()
    expect(page.locator("#room")).to_have_text("Quedan 3 de 5")
    page.get_by_role("button", name="Deshacer").click()
    expect(shot(page, b)).to_be_focused()
    heard(page, "Foto foto.jpg restaurada.")
    assert shown(page) == [a, b, c] == ids_of(saved(admin, product))
    expect(page.get_by_role("button", name="Deshacer")).to_have_count(0)

    # The offer goes after ten seconds
    shot(page, a).get_by_role("button", name="Quitar la foto").click()
    undo = page.get_by_role("button", name="Deshacer")
    expect(undo).to_be_visible()
    page.clock.run_for(9_000)
    expect(undo).to_be_visible()
    undo.focus()  # somebody is about to: the time stands still
    page.clock.run_for(60_000)
    expect(undo).to_be_visible()
    shot(page, b).focus()
    page.clock.run_for(10_500)
    expect(undo).to_have_count(0)


@pytest.mark.long
def test_the_trash_gives_pictures_back(admin: Visitor, product: Any) -> None:
    page, (a, b, c) = admin.page, ids_of(product)
    for key in (a, b, c):
        with answered(page, "DELETE", key):
            shot(page, key).get_by_role("button", name="Quitar la foto").click()
        expect(shot(page, key)).to_have_count(0)
    expect(page.get_by_role("button", name="Elegir fotos")).to_be_focused()
    page.get_by_text("Papelera (3)").click()
    page.locator(f'#picture-trash li[data-key="{b}"]').get_by_role("button").click()
    expect(shot(page, b)).to_be_focused()
    expect(page.get_by_text("Papelera (2)")).to_be_visible()
    assert ids_of(saved(admin, product)) == [b]


@pytest.mark.long
def test_a_picture_from_elsewhere_is_shown_moved_and_removed(admin: Visitor) -> None:
    url = "https://elsewhere.example/zapatos/luna.jpg?v=1"
    product = admin.a_product(PICTURES[0], name="Zapato")
    images = f"/api/shop/products/{product['id']}/images"
    admin.call("POST", images, data={"image_url": url})
    admin.guard.expect("request to another host: https://elsewhere.example/")
    asked = []

    def answer(route: Any) -> None:
        asked.append(route.request.headers)
        route.fulfill(body=PICTURES[1], content_type="image/jpeg")

    admin.context.route("https://elsewhere.example/**", answer)
    page, (a,) = admin.page, ids_of(product)
    page.goto(f"/admin/products/{product['id']}")
    at_rest(page)
    card = shot(page, url)
    expect(card.get_by_text("En otro sitio", exact=True)).to_be_visible()
    card.scroll_into_view_if_needed()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.frame img')].every(each => each.naturalWidth)"
    )
    assert asked
    assert not [each for each in asked if "referer" in each]
    with answered(page, "PUT", "/images"):
        card.get_by_role("button", name="Usar como foto principal").click()
    assert shown(page) == [url, a]
    card.get_by_role("button", name="Quitar la foto").click()
    expect(card).to_have_count(0)
    page.get_by_role("button", name="Deshacer").click()
    expect(card).to_be_focused()
    assert shown(page) == [url, a]


@pytest.mark.long
def test_a_finger_drags_after_a_moment_and_scrolls_at_once(
    visit: Callable[..., Visitor], signed_in: Any, admin: Visitor, product: Any
) -> None:
    phone = visit(storage_state=signed_in, viewport=LONG_PHONE, has_touch=True, is_mobile=True)
    page, (a, b, c) = phone.page, ids_of(product)
    page.goto(f"/admin/products/{product['id']}")
    frame = shot(page, a).locator(".frame")
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    assert box
    finger = phone.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        found = [{"x": x, "y": y} for x, y in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": found})

    x, y = box["x"] + 50, box["y"] + 50
    touch("touchStart", (x, y))
    page.wait_for_selector(".sortable-chosen")  # which is when the moment is over
    touch("touchMove", (x, y + 10))
    page.wait_for_selector(".lifted")
    goal = shot(page, b).locator(".frame").bounding_box()
    assert goal
    with answered(page, "PUT", "/images"):
        over, down = goal["x"] + goal["width"] - 10 - x, goal["y"] + goal["height"] / 2 - y - 10
        for part in range(1, 11):
            touch("touchMove", (x + over * part / 10, y + 10 + down * part / 10))
        expect(page.locator("#picture-list > li").first).to_have_attribute("data-key", b)
        touch("touchEnd")
    heard(page, "Movida a la posición 2 de 3.")
    assert ids_of(saved(admin, product)) == [b, a, c]


@pytest.mark.long  # tests/http/test_product_page posts the same forms
def test_all_of_it_works_without_javascript(
    visit: Callable[..., Visitor], signed_in: Any, admin: Visitor, product: Any
) -> None:
    plain = visit(storage_state=signed_in, java_script_enabled=False)
    page, (a, b, c) = plain.page, ids_of(product)
    page.goto(f"/admin/products/{product['id']}")
    shot(page, c).get_by_role("button", name="Usar como foto principal").click()
    expect(page.get_by_text("Orden guardado.")).to_be_visible()
    assert shown(page) == [c, a, b]
    detailed(shot(page, c)).get_by_label("Texto alternativo ES").fill("Un zapato")
    shot(page, c).get_by_role("button", name="Guardar el texto").click()
    expect(page.get_by_text("Texto guardado.")).to_be_visible()
    detailed(shot(page, c)).locator("summary", has_text="Punto focal…").click()
    shot(page, c).get_by_label("Desde la izquierda, %").fill("10")
    shot(page, c).get_by_role("button", name="Guardar el punto focal").click()
    expect(page.get_by_text("Punto focal guardado.")).to_be_visible()
    file = {"name": "otra.jpg", "mimeType": "image/jpeg", "buffer": photo(90, 60, seed=41)}
    detailed(shot(page, c)).get_by_text("Archivo", exact=True).click()
    shot(page, c).get_by_label("Reemplazar por otro archivo").set_input_files(file)
    shot(page, c).get_by_role("button", name="Reemplazar", exact=True).click()
    expect(page.get_by_text("Foto reemplazada.")).to_be_visible()
    shot(page, a).get_by_role("button", name="Quitar la foto").click()
    expect(page.get_by_text("Foto movida a la papelera.")).to_be_visible()
    page.get_by_text("Papelera (1)").click()
    page.get_by_role("button", name="Restaurar la foto").click()
    expect(page.get_by_text("Foto restaurada.")).to_be_visible()
    bad = {"name": "logo.jpg", "mimeType": "image/jpeg", "buffer": html()}
    more = {"name": "más.jpg", "mimeType": "image/jpeg", "buffer": photo(80, 60, seed=42)}
    page.get_by_label("Agregar fotos").set_input_files([more, bad])
    page.get_by_role("button", name="Subir").click()
    expect(page.get_by_role("alert")).to_contain_text("logo.jpg: Solo se aceptan fotos en")
    now = saved(admin, product)
    assert ids_of(now)[:3] == [c, a, b]
    assert [each["name"] for each in now["images"]] == [
        "otra.jpg",
        "foto.jpg",
        "foto.jpg",
        "más.jpg",
    ]
    assert now["images"][0]["alt"] == {"es": "Un zapato"}
    assert now["images"][0]["focal"][0] == 0.1
