"""The list of products in the panel: finding, paging, and doing one thing with many."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import pictures
from tests.browser.deployment import Visitor, check_accessible
from tests.http.application import unique

LIST = "/admin/products"


def a_picture() -> bytes:
    return pictures.photo(80, 60, noise=False, seed=int(unique("")))


@pytest.fixture
def word() -> str:
    """A word that only the products of one test have in their names."""
    return unique("palabra")


def names(page: Page) -> Locator:
    return page.locator(".thing .name")


def chosen(page: Page) -> list[bool]:
    return [box.is_checked() for box in page.locator("input[name=id]").all()]


def open_list(page: Page, query: str) -> None:
    page.goto(f"{LIST}?{query}")
    expect(page.locator("[data-selection=on]")).to_be_visible()


@pytest.mark.long
def test_a_transparent_picture_is_shown_whole_and_not_on_its_own_colour(
    admin: Visitor, word: str
) -> None:
    logo = {"name": f"{word}.webp", "mimeType": "image/webp", "buffer": pictures.transparent_webp()}
    admin.a_product(logo["buffer"], name=f"{word} Logo")
    for address in ("/api/builder/media", "/api/uploads"):
        admin.call("POST", address, multipart={"file": logo})
    page = admin.page
    for address in (LIST, "/admin/library", "/admin/uploads"):
        page.goto(f"{address}?search={word}")
        frame = page.locator(".cover")
        expect(frame).to_have_count(1)
        assert frame.evaluate("e => e.style.getPropertyValue('--colour')") == ""
        image = frame.locator("img")
        expect(image).to_have_css("object-fit", "contain")
        expect(image).to_have_js_property("complete", value=True)
        width, height = image.evaluate("e => [e.naturalWidth, e.naturalHeight]")
        # Of a size for its tile, both are rounded.
        assert (address, width / height) == (address, pytest.approx(64 / 48, rel=0.05))


def test_the_list_is_for_everybody_to_use(
    admin: Visitor, word: str, accessible: Callable[..., None]
) -> None:
    admin.a_product(a_picture(), name=f"{word} Luna", price="150000", sku=unique("ZL-"))
    admin.a_product(name=f"{word} Sol", status="published")
    away = admin.a_product(name=f"{word} Lejos")
    url = {"image_url": "https://cdn.example/a.jpg"}
    admin.call("POST", f"/api/shop/products/{away['id']}/images", data=url)
    page = admin.page
    open_list(page, f"search={word}")
    luna = page.locator(".thing", has_text="Luna")
    expect(luna.get_by_text("Gs. 150.000")).to_be_visible()
    expect(luna.get_by_text("Sin texto alternativo")).to_be_visible()
    expect(luna.locator("img")).to_have_js_property("complete", value=True)
    frame = luna.locator(".cover")
    assert frame.evaluate("e => e.style.getPropertyValue('--colour')") == frame.get_attribute(
        "data-colour"
    )
    expect(page.locator(".thing", has_text="Sol").get_by_text("Sin fotos")).to_be_visible()
    expect(page.get_by_text("3 productos")).to_be_visible()

    def choose_all() -> None:
        page.get_by_label("Seleccionar todo").check()
        page.locator("details.alt").evaluate("e => e.open = true")

    accessible(page)
    check_accessible(page, prepare=choose_all)


@pytest.mark.long
def test_filters_order_and_pages_are_in_the_address(admin: Visitor, word: str) -> None:
    for number in range(5):
        status = "published" if number % 2 else "draft"
        admin.a_product(name=f"{word} {number}", price=str(900 - number), status=status)
    page = admin.page
    page.goto(LIST)
    page.get_by_label("Buscar").fill(word)
    page.get_by_label("Buscar").press("Enter")
    page.wait_for_url(re.compile(f"search={word}"))
    expect(page.get_by_text("5 productos")).to_be_visible()
    page.get_by_label("Orden").select_option(label="Precio, de menor a mayor")
    page.wait_for_url(re.compile(r"sort=price"))
    expect(names(page)).to_have_text([f"{word} {n}" for n in (4, 3, 2, 1, 0)])
    page.get_by_role("link", name="Borradores", exact=True).click()
    page.wait_for_url(re.compile(r"status=draft"))
    expect(names(page)).to_have_text([f"{word} {n}" for n in (4, 2, 0)])
    drafts = page.get_by_role("link", name="Borradores", exact=True)
    expect(drafts).to_have_attribute("aria-current", "page")
    page.goto(f"{page.url}&limit=2")
    page.get_by_role("link", name="Página siguiente").click()
    page.wait_for_url(re.compile("after="))
    expect(names(page)).to_have_text([f"{word} 0"])
    page.get_by_role("link", name="Página anterior").click()
    page.wait_for_url(re.compile("before="))
    expect(names(page)).to_have_text([f"{word} {n}" for n in (4, 2)])
    page.go_back()
    page.go_back()
    expect(names(page)).to_have_text([f"{word} {n}" for n in (4, 2)])


def test_many_are_chosen_by_range_and_all_at_once(admin: Visitor, word: str) -> None:
    for number in range(5):
        admin.a_product(name=f"{word} {number}")
    page = admin.page
    open_list(page, f"search={word}&sort=name")
    bar = page.locator("[data-bulk]")
    expect(bar).to_be_hidden()
    boxes = page.locator("input[name=id]")
    boxes.nth(1).check()
    expect(bar.get_by_text("1 producto seleccionado")).to_be_visible()
    boxes.nth(3).click(modifiers=["Shift"])
    assert chosen(page) == [False, True, True, True, False]
    expect(page.locator("#live")).to_have_text("3 productos seleccionados")
    boxes.nth(4).focus()
    page.keyboard.press("Space")
    assert chosen(page)[4]
    page.get_by_label("Seleccionar todo").check()
    assert all(chosen(page))
    page.get_by_label("Seleccionar todo").uncheck()
    expect(bar).to_be_hidden()
    boxes.nth(0).check()
    boxes.nth(1).check()
    bar.get_by_role("button", name="Publicar").click()
    expect(page.get_by_text("2 productos publicados.")).to_be_visible()
    assert f"search={word}" in page.url
    expect(page).not_to_have_url(re.compile("said="))
    expect(page.get_by_text("Publicado", exact=True)).to_have_count(2)


@pytest.mark.long
def test_deleting_asks_in_a_dialog(admin: Visitor, word: str) -> None:
    for number in range(3):
        admin.a_product(name=f"{word} {number}")
    page = admin.page
    open_list(page, f"search={word}&sort=name")
    dialog = page.get_by_role("dialog")

    def ask() -> None:
        page.get_by_label(f"Seleccionar {word} 0").check()
        page.get_by_label(f"Seleccionar {word} 1").check()
        if not dialog.is_visible():
            page.get_by_role("button", name="Eliminar…").click()

    check_accessible(page, prepare=ask)
    expect(dialog.get_by_role("heading", name="¿Eliminar estos 2 productos?")).to_be_visible()
    assert dialog.get_by_role("listitem").all_inner_texts() == [f"{word} 0", f"{word} 1"]
    expect(dialog.get_by_role("button", name="Cancelar")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(names(page)).to_have_count(3)
    page.get_by_role("button", name="Eliminar…").click()
    dialog.get_by_role("button", name="Eliminar").click()
    expect(page.get_by_text("2 productos eliminados.")).to_be_visible()
    expect(names(page)).to_have_text([f"{word} 2"])
    check_accessible(page)
    page.get_by_role("button", name="Deshacer").click()
    expect(page.get_by_text("2 productos restaurados.")).to_be_visible()
    expect(names(page)).to_have_text([f"{word} {number}" for number in range(3)])


@pytest.mark.long
def test_what_was_deleted_is_in_the_trash(admin: Visitor, word: str) -> None:
    gone = admin.a_product(a_picture(), a_picture(), name=f"{word} Luna", sku=unique("ZL-"))
    admin.call("DELETE", f"/api/shop/products/{gone['id']}")
    page = admin.page
    page.goto(f"{LIST}?search={word}")
    page.get_by_role("link", name="Papelera").click()
    page.wait_for_url(re.compile("state=trash"))
    expect(page.get_by_text("se puede restaurar hasta")).to_be_visible()
    expect(page.get_by_text("2 fotos")).to_be_visible()
    page.get_by_label(f"Seleccionar {word} Luna").check()
    check_accessible(page)
    page.get_by_role("button", name="Restaurar").click()
    expect(page.get_by_text("1 producto restaurado.")).to_be_visible()
    found = admin.call("GET", f"/api/shop/products/{gone['id']}")
    assert [each["id"] for each in found["images"]] == [each["id"] for each in gone["images"]]


@pytest.mark.long
def test_texts_are_written_for_many(admin: Visitor, word: str) -> None:
    product = admin.a_product(a_picture(), name=f"{word} roja")
    page = admin.page
    open_list(page, f"search={word}")
    page.locator("input[name=id]").check()
    page.get_by_text("Texto alternativo", exact=True).click()
    page.get_by_label("Texto alternativo para las fotos que no tienen").fill("{name} de cuero")
    page.get_by_role("button", name="Agregar texto alternativo").click()
    expect(page.get_by_text("Las fotos de 1 producto ya tienen texto")).to_be_visible()
    expect(page.locator(".thing img")).to_have_attribute("alt", f"{word} roja de cuero")
    found = admin.call("GET", f"/api/shop/products/{product['id']}")
    assert found["images"][0]["alt"] == {"es": f"{word} roja de cuero"}


@pytest.mark.long  # tests/http/test_product_pages posts the same forms
def test_all_of_it_works_without_javascript(
    visit: Callable[..., Visitor], signed_in: Any, admin: Visitor, word: str
) -> None:
    for number in range(3):
        admin.a_product(name=f"{word} {number}")
    page = visit(java_script_enabled=False, storage_state=signed_in).page
    page.goto(LIST)
    page.get_by_label("Buscar").fill(word)
    page.get_by_label("Orden").select_option("name")
    page.get_by_role("button", name="Aplicar").click()
    expect(names(page)).to_have_text([f"{word} {n}" for n in range(3)])
    page.get_by_role("button", name="Publicar").click()
    expect(page.get_by_text("Primero seleccioná productos")).to_be_visible()
    page.get_by_label(f"Seleccionar {word} 1").check()
    page.get_by_role("button", name="Publicar").click()
    expect(page.get_by_text("1 producto publicado.")).to_be_visible()
    page.get_by_label(f"Seleccionar {word} 2").check()
    page.get_by_role("button", name="Eliminar…").click()
    expect(page.get_by_role("heading", name="¿Eliminar 1 producto?")).to_be_visible()
    page.get_by_role("button", name="Eliminar").click()
    expect(page.get_by_text("1 producto eliminado.")).to_be_visible()
    expect(names(page)).to_have_text([f"{word} 0", f"{word} 1"])
    page.get_by_role("button", name="Deshacer").click()
    expect(page.get_by_text("1 producto restaurado.")).to_be_visible()
    expect(names(page)).to_have_text([f"{word} {n}" for n in range(3)])


@pytest.mark.long
def test_what_is_empty_says_what_to_do(admin: Visitor) -> None:
    page = admin.page
    page.goto(f"{LIST}?search=nada-de-nada")
    expect(page.get_by_text("Ningún producto coincide")).to_be_visible()
    check_accessible(page)
    page.get_by_role("link", name="Ver todos los productos").click()
    page.wait_for_url(re.compile(f"{LIST}$"))
