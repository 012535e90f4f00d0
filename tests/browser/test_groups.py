"""The groups in the panel."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.deployment import Visitor, check_accessible
from tests.browser.test_products import a_picture
from tests.http.application import unique


@pytest.mark.long  # tests/http/test_group_pages posts the same forms
def test_a_group_is_made_filled_and_deleted(admin: Visitor) -> None:
    word = unique("grupo")
    for name in ("roja", "azul"):
        admin.a_product(name=f"{word} {name}")
    by_sku = admin.a_product(name=f"{word} verde", sku=unique("VE-"))
    page = admin.page
    page.goto("/admin/groups/new")
    page.get_by_label("Nombre").fill(f"Zapatilla {word}")
    page.get_by_label("Buscar productos").press_sequentially(word)
    results = page.locator("[data-results]")
    expect(results.get_by_role("checkbox")).to_have_count(3)
    expect(page.locator("#live")).to_have_text("3 encontrados")
    results.get_by_label(f"{word} azul").check()
    expect(page.locator("[data-members]").get_by_label(f"{word} azul")).to_be_checked()
    expect(results.get_by_role("checkbox")).to_have_count(2)
    page.get_by_label("O por SKU").fill(by_sku["sku"])
    check_accessible(page)
    page.get_by_role("button", name="Guardar").last.click()
    expect(page.get_by_text("Grupo creado.")).to_be_visible()
    group_id = page.url.rpartition("/")[2].partition("?")[0]
    members = page.locator("[data-members]").get_by_role("checkbox")
    expect(members).to_have_count(2)

    for image in (a_picture(), a_picture()):
        file = {"name": "f.jpg", "mimeType": "image/jpeg", "buffer": image}
        admin.call("POST", f"/api/shop/groups/{group_id}/images", multipart={"file": file})
    page.reload()
    page.get_by_label("Opción").fill("Rojo")
    page.get_by_role("button", name="Agregar opción").click()
    page.get_by_label("Opción").nth(1).fill("Azul")
    page.get_by_label("Foto 2").nth(1).check()
    members.first.uncheck()
    check_accessible(page)
    page.get_by_role("button", name="Guardar").last.click()
    expect(page.get_by_text("Guardado.")).to_be_visible()
    group = admin.call("GET", f"/api/shop/groups/{group_id}")
    second = group["images"][1]["id"]
    assert group["options"] == [
        {"name": "Rojo", "images": []},
        {"name": "Azul", "images": [second]},
    ]
    assert len(group["product_ids"]) == 1

    page.goto(f"/admin/groups?search={word}")
    check_accessible(page)
    page.get_by_role("link", name=f"Zapatilla {word}").click()
    page.get_by_role("link", name="Eliminar…").click()
    expect(page.get_by_text("Su 1 producto se conserva.")).to_be_visible()
    page.get_by_role("button", name="Eliminar").click()
    expect(page.get_by_text("Sus productos se conservan.")).to_be_visible()


@pytest.mark.long
def test_what_was_found_stays_in_hand_when_it_is_found_again(admin: Visitor) -> None:
    word = unique("grupo")
    for name in ("roja", "azul"):
        admin.a_product(name=f"{word} {name}")
    page = admin.page
    page.goto("/admin/groups/new")
    find, live = page.get_by_label("Buscar productos"), page.locator("#live")
    find.fill(word)
    expect(live).to_have_text("2 encontrados")
    page.locator("[data-results]").get_by_label(f"{word} azul").focus()
    find.dispatch_event("input")
    expect(live).to_have_js_property("textContent", "2 encontrados\u00a0")  # said again
    expect(page.locator("[data-results]").get_by_label(f"{word} azul")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("[data-members]").get_by_label(f"{word} azul")).to_be_checked()


@pytest.mark.long  # tests/http/test_group_pages posts the same forms
def test_a_group_is_made_without_javascript(
    visit: Callable[..., Visitor], signed_in: Any, admin: Visitor
) -> None:
    word = unique("grupo")
    product = admin.a_product(name=f"{word} roja")
    page = visit(java_script_enabled=False, storage_state=signed_in).page
    page.goto("/admin/groups/new")
    page.get_by_label("Nombre").fill("Escrito antes")
    page.get_by_label("Buscar productos").fill(word)
    page.get_by_role("button", name="Buscar").click()
    expect(page.get_by_label("Nombre")).to_have_value("Escrito antes")
    page.get_by_label(f"{word} roja").check()
    page.get_by_label("Nombre").press("Enter")
    page.wait_for_url(re.compile("said=created"))
    group_id = page.url.rpartition("/")[2].partition("?")[0]
    assert admin.call("GET", f"/api/shop/groups/{group_id}")["product_ids"] == [product["id"]]
