"""From the sign-in to a product with pictures, by people who use the panel in their own way."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import pictures
from tests.browser.deployment import ADMIN, PHONE, Visitor, check_accessible
from tests.server import PASSWORD

MOST_TABS = 60


def tab_to(page: Page, name: str, role: str = "") -> None:
    """Press Tab until what is called `name` has the focus, as somebody without a mouse does."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => { const it = document.activeElement;
                const name = it.getAttribute('aria-label') || it.labels?.[0]?.innerText;
                return [it.tagName, (name || it.innerText).trim()]; }"""
        )
        if focused[1].startswith(name) and role in {"", focused[0]}:
            return
    pytest.fail(f"{name} cannot be reached by {MOST_TABS} presses of Tab")


def photographs(count: int) -> list[Any]:
    return [
        {
            "name": f"vista-{number}.jpg",
            "mimeType": "image/jpeg",
            "buffer": pictures.photo(320, 240, seed=700 + number),
        }
        for number in range(1, count + 1)
    ]


def test_by_keyboard_alone_from_the_sign_in_to_three_ordered_pictures(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit()
    page, keyboard = visitor.page, visitor.page.keyboard
    page.on("filechooser", lambda chooser: chooser.set_files(photographs(3)))  # whenever one opens
    page.goto("/login")
    expect(page.locator("#email")).to_be_focused()
    keyboard.type(ADMIN)
    keyboard.press("Tab")
    keyboard.type(PASSWORD)
    keyboard.press("Enter")
    page.wait_for_url("**/admin")

    tab_to(page, "Saltar al contenido")
    keyboard.press("Enter")
    tab_to(page, "Producto nuevo")
    keyboard.press("Enter")
    page.wait_for_url("**/admin/products/new")
    tab_to(page, "Nombre", "INPUT")
    keyboard.type("Zapato sin ratón")
    tab_to(page, "Precio", "INPUT")
    keyboard.type("185.000")
    tab_to(page, "Guardar")
    keyboard.press("Enter")
    page.wait_for_url("**said=created*")

    expect(page.get_by_role("button", name="Elegir fotos")).to_be_visible()  # the modules are there
    tab_to(page, "Elegir fotos", "BUTTON")
    keyboard.press("Enter")
    cards = page.locator("#picture-list > li")
    expect(cards).to_have_count(3)
    expect(page.locator("#queue > li")).to_have_count(0)
    # Those that arrived in another order are put right.
    expect(cards.locator(".name")).to_have_text([each["name"] for each in photographs(3)])
    expect(page.locator("#pictures")).not_to_contain_class("saving")
    before = [card.get_attribute("data-key") for card in cards.all()]

    cards.nth(2).get_by_role("button").first.focus()  # as Tab would, past the two cards before
    keyboard.press("Alt+ArrowUp")
    expect(page.locator("#live")).to_contain_text("Movida a la posición 2 de 3")
    keyboard.press("Alt+ArrowUp")
    expect(page.locator("#live")).to_contain_text("Movida a la posición 1 de 3")

    product = page.url.partition("?")[0].rpartition("/")[2]
    wanted = [before[2], before[0], before[1]]
    expect(cards.first).to_contain_text("Principal")
    expect(page.locator("#pictures")).not_to_contain_class("saving")
    kept = visitor.call("GET", f"/api/shop/products/{product}")
    assert (kept["name"], kept["price"]) == ("Zapato sin ratón", "185000")
    assert [image["id"] for image in kept["images"]] == wanted


@pytest.mark.long  # each of its pages has a test of its own without JavaScript
def test_on_a_small_phone_without_javascript(visit: Callable[..., Visitor], signed_in: Any) -> None:
    visitor = visit(java_script_enabled=False, storage_state=signed_in, viewport=PHONE)
    page = visitor.page
    page.goto("/admin/products/new")
    page.get_by_label("Nombre", exact=True).fill("Zapato sin nada")
    page.get_by_role("button", name="Guardar el producto").click()
    page.wait_for_url("**said=created*")
    page.locator("#pictures input[type=file]").set_input_files(photographs(2))
    page.locator("#pictures form.zone").get_by_role("button", name="Subir").click()
    expect(page.locator("#picture-list > li")).to_have_count(2)
    product = page.url.partition("?")[0].rpartition("/")[2]
    assert len(visitor.call("GET", f"/api/shop/products/{product}")["images"]) == 2


@pytest.mark.long
def test_what_people_meet_before_the_panel_is_for_everybody(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.guard.expect("status of 4(04|10)")
    for path in ("/login", "/login/forgotten", "/login/reset/nothing", "/products/nothing"):
        visitor.page.goto(path)
        check_accessible(visitor.page)
