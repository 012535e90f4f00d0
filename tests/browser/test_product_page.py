"""The page of one product: its fields, and two people who save it at once."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Dialog, expect

from tests.browser.deployment import Visitor, check_accessible
from tests.pictures import photo


def open_product(visitor: Visitor, product: Any) -> None:
    visitor.page.goto(f"/admin/products/{product['id']}")


@pytest.mark.long  # test_journeys makes one; tests/http/test_product_page posts the same forms
@pytest.mark.parametrize("scripted", [True, False], ids=["with JavaScript", "without"])
def test_a_product_is_made_and_changed(
    visit: Callable[..., Visitor], signed_in: Any, scripted: bool
) -> None:
    admin = visit(storage_state=signed_in, java_script_enabled=scripted)
    page = admin.page
    page.goto("/admin/products/new")
    page.get_by_label("Nombre").fill("Zapatilla Luna")
    page.get_by_label("Precio").fill("150.000")
    page.get_by_role("button", name="Guardar el producto").click()
    expect(page.get_by_text("Producto guardado.")).to_be_visible()
    expect(page.get_by_label("Precio")).to_have_value("150.000")
    page.get_by_label("Estado").select_option("published")
    page.get_by_label("Descripción").fill("Cómoda\n\ny suave")
    page.get_by_role("button", name="Guardar", exact=True).click()
    expect(page.get_by_text("Guardado.", exact=True)).to_be_visible()
    expect(page.get_by_label("Descripción")).to_have_value("Cómoda\n\ny suave")
    found = re.search("/admin/products/([^?]+)", page.url)
    assert found
    link = page.get_by_role("link", name="Ver en la tienda")
    assert link.get_attribute("href") == f"/products/{found[1]}"
    page.get_by_text("Eliminar este producto…").click()
    page.get_by_role("button", name="Eliminar producto").click()
    expect(page.get_by_text("1 producto eliminado.")).to_be_visible()


def test_text_that_is_not_saved_is_asked_about(admin: Visitor) -> None:
    product = admin.a_product(name="Zapato", description="Uno\n\ndos", price="1500")
    page = admin.page
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.goto(f"/admin/products/{product['id']}")
    page.get_by_label("Nombre").fill("Otro")
    page.get_by_label("Nombre").fill("Zapato")
    page.goto(f"/admin/products/{product['id']}?again")  # nothing was changed
    page.get_by_label("Descripción").fill("Uno\n\ndos\n\ntres")
    with page.expect_event("dialog"):
        page.get_by_role("link", name="Grupos", exact=True).click(no_wait_after=True)
    assert asked == ["beforeunload"]
    expect(page.get_by_label("Descripción")).to_have_value("Uno\n\ndos\n\ntres")
    admin.guard.expect("status of 422")
    page.get_by_label("Precio").fill("150,5")
    page.get_by_role("button", name="Guardar", exact=True).click()
    expect(page.get_by_text("Todavía no se guardó")).to_be_visible()
    page.wait_for_load_state()  # what asks comes with the scripts
    with page.expect_event("dialog"):  # what came back with a mistake is not saved either
        page.get_by_role("link", name="Grupos", exact=True).click(no_wait_after=True)
    page.get_by_label("Precio").fill("1500")
    page.get_by_role("button", name="Guardar", exact=True).click()
    expect(page.get_by_text("Guardado.", exact=True)).to_be_visible()
    page.get_by_role("link", name="Grupos", exact=True).click()
    expect(page.get_by_role("heading", name="Grupos", level=1)).to_be_visible()
    assert asked == ["beforeunload"] * 2


@pytest.mark.long
def test_mistakes_stand_beside_their_fields(admin: Visitor) -> None:
    page = admin.page
    admin.guard.expect("status of 422")
    page.goto("/admin/products/new")
    page.get_by_label("Nombre").fill("Zapato")
    page.get_by_label("Precio").fill("150,000")
    page.get_by_role("button", name="Guardar el producto").click()
    price = page.get_by_label("Precio")
    expect(price).to_have_value("150,000")
    expect(price).to_have_attribute("aria-invalid", "true")
    expect(price).to_have_accessible_description(
        "Esto puede ser dos precios distintos: escribilo como 150.000."
    )
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    check_accessible(page)
    summary.get_by_role("link", name="Precio").click()
    expect(price).to_be_focused()


@pytest.mark.long  # tests/http/test_product_pages posts the same forms
def test_what_two_people_changed_is_chosen(
    visit: Callable[..., Visitor], signed_in: Any, admin: Visitor
) -> None:
    product = admin.a_product(name="Zapato", price="100")
    other = visit(storage_state=signed_in, locale="en")
    for each in (admin, other):
        open_product(each, product)
    other.page.get_by_label("Name").fill("Their name")
    other.page.get_by_label("Price").fill("200")
    other.page.get_by_role("button", name="Save", exact=True).click()
    expect(other.page.get_by_text("Saved.", exact=True)).to_be_visible()
    page = admin.page
    admin.guard.expect("status of 409")
    page.get_by_label("Nombre").fill("Mi nombre")
    page.get_by_role("button", name="Guardar", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Otra persona guardó este producto")
    expect(page.get_by_role("textbox", name="Nombre")).to_have_value("Mi nombre")
    expect(page.get_by_text("Otra persona guardó: Their name")).to_be_visible()
    check_accessible(page)
    page.get_by_label("Usar lo mío: Mi nombre").check()
    page.get_by_role("button", name="Guardar", exact=True).click()
    expect(page.get_by_text("Guardado.", exact=True)).to_be_visible()
    saved = admin.call("GET", f"/api/shop/products/{product['id']}")
    assert (saved["name"], saved["price"]) == ("Mi nombre", "200")


@pytest.mark.long
def test_the_pages_are_for_everybody_to_use(admin: Visitor) -> None:
    admin.page.goto("/admin/products/new")
    check_accessible(admin.page)
    product = admin.a_product(photo(320, 240), photo(240, 320, seed=2), status="published")
    admin.call("DELETE", f"/api/shop/products/{product['id']}/images/{product['images'][1]['id']}")
    open_product(admin, product)
    for each in admin.page.locator("details").all():
        each.evaluate("each => each.open = true")
    check_accessible(admin.page)
    admin.page.get_by_role("button", name="Punto focal…").click()
    check_accessible(admin.page)


def test_a_product_is_worked_on_in_one_view(admin: Visitor) -> None:
    """Its photos as tiles with a drawer, one from the library, the bar that saves, the next one."""
    picture = {"name": "playa.jpg", "mimeType": "image/jpeg", "buffer": photo(64, 48, seed=8)}
    media = admin.call("POST", "/api/builder/media", multipart={"file": picture})["file"]
    admin.call("PATCH", f"/api/builder/media/{media['id']}", data={"alt": {"es": "Una playa"}})
    later = admin.a_product(name="Segundo")
    product = admin.a_product(*(photo(80, 60, seed=n) for n in (91, 92)), name="Primero")
    page = admin.page
    page.goto("/admin/products")
    page.get_by_role("link", name="Primero", exact=True).click()
    expect(page.locator("#pictures.alive .zone.ready")).to_be_visible()
    tiles = page.locator("#picture-list > li")
    tiles.first.locator(".frame").click()
    expect(tiles.first.get_by_label("Texto alternativo ES")).to_be_visible()
    tiles.first.get_by_role("button", name="Foto siguiente").click()
    expect(tiles.first.get_by_label("Texto alternativo ES")).to_be_hidden()
    tiles.nth(1).get_by_label("Texto alternativo ES").fill("Una bota")
    page.keyboard.press("Escape")
    expect(tiles.nth(1).get_by_label("Texto alternativo ES")).to_be_hidden()
    expect(tiles.nth(1).locator("summary").first).to_be_focused()
    page.get_by_role("button", name="De la biblioteca").click()
    page.get_by_label("playa.jpg").check()
    page.get_by_role("button", name="Agregar", exact=True).click()
    expect(tiles).to_have_count(3)
    save = page.get_by_role("button", name="Guardar", exact=True)
    expect(save).to_be_hidden()
    page.get_by_label("Nombre", exact=True).fill("Otro")
    expect(save).to_be_visible()
    page.get_by_role("button", name="Descartar").click()
    expect(save).to_be_hidden()
    expect(page.get_by_label("Nombre", exact=True)).to_have_value("Primero")
    page.get_by_label("Nombre", exact=True).fill("Primero de todos")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Guardado.", exact=True)).to_be_visible()
    found = admin.call("GET", f"/api/shop/products/{product['id']}")
    assert found["name"] == "Primero de todos"
    assert [each["alt"].get("es", "") for each in found["images"]] == ["", "Una bota", "Una playa"]
    page.get_by_role("link", name="Producto siguiente").click()
    expect(page.get_by_role("heading", name="Segundo", level=1)).to_be_visible()
    assert page.url.endswith(later["id"])
    page.get_by_role("button", name="Duplicar").click()
    expect(page.get_by_role("heading", name="Segundo (copia)", level=1)).to_be_visible()
