"""The settings of a site in the panel."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from avenue.sites.contrast import USUAL
from tests import pictures
from tests.browser.deployment import Held, Visitor, check_accessible
from tests.waiting import wait_until

SETTINGS = "/admin/settings"


@pytest.fixture(autouse=True)
def as_before(admin: Visitor) -> Iterator[None]:
    """Everybody shares one site: it is left as it was."""
    before = admin.call("GET", "/api/site")
    yield
    colors = {name: before["colors"].get(name) for name in USUAL}
    changes = {"name": before["name"], "locale": before["locale"], "colors": colors}
    admin.call("PATCH", "/api/site", data=changes)
    if admin.call("GET", "/api/site")["logo"]:
        admin.call("DELETE", "/api/site/logo")


def logo(width: int = 120) -> dict[str, Any]:
    return {"name": "logo.jpg", "mimeType": "image/jpeg", "buffer": pictures.photo(width, 40)}


def opened(visitor: Visitor) -> Page:
    visitor.page.goto(SETTINGS)
    return visitor.page


@pytest.mark.long
def test_the_settings_are_for_everybody_to_use(admin: Visitor) -> None:
    page = opened(admin)
    check_accessible(page)
    admin.guard.expect("Failed to load resource: the server responded with a status of 400")
    page.get_by_label("Texto", exact=True).fill("#dddddd")
    page.get_by_label("Nombre").fill("")
    page.get_by_role("button", name="Guardar la configuración").click()
    expect(page.get_by_text("Esto no puede quedar vacío.")).to_be_visible()
    check_accessible(page)
    page.goto("/admin/infrastructure/sites")
    check_accessible(page)


@pytest.mark.long
def test_a_phone_shows_where_one_is(admin: Visitor) -> None:
    admin.page.set_viewport_size({"width": 390, "height": 844})
    page = opened(admin)
    expect(page.locator(".top nav [aria-current]")).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") == 0


@pytest.mark.long
def test_colours_are_seen_before_they_are_saved(admin: Visitor) -> None:
    page = opened(admin)
    weak = page.locator("#weak")
    expect(weak).to_be_empty()
    page.get_by_label("Fondo", exact=True).fill("#224466")
    expect(page.locator('[data-fill="background"]').first).to_have_attribute("fill", "#224466")
    expect(weak).to_contain_text("El texto se lee mal sobre este fondo: el contraste")
    page.get_by_label("Elegir un color: Texto").fill("#ffffff")
    expect(page.get_by_label("Texto", exact=True)).to_have_value("#ffffff")
    expect(weak).not_to_contain_text("El texto")
    page.get_by_role("button", name="Guardar la configuración").click()
    expect(page.get_by_role("status").filter(has_text="Guardado.")).to_be_visible()
    assert admin.call("GET", "/api/site")["colors"] == {"background": "#224466", "text": "#ffffff"}


@pytest.mark.long
def test_a_chosen_logo_is_there_at_once_and_nothing_typed_is_lost(admin: Visitor) -> None:
    page = opened(admin)
    page.get_by_label("Nombre").fill("Zapatos Ana")
    page.get_by_label("Elegí una imagen").set_input_files(logo())
    shown = page.locator("#logo-shown img")
    expect(shown).to_have_attribute("width", "120")
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 120
    expect(page.locator("#live")).to_have_text("Logotipo guardado.")
    expect(page.get_by_label("Nombre")).to_have_value("Zapatos Ana")
    page.get_by_role("button", name="Guardar la configuración").click()
    expect(page.get_by_role("status").filter(has_text="Guardado.")).to_be_visible()
    page.get_by_role("button", name="Quitar el logotipo").click()
    expect(page.get_by_text("Todavía no hay logotipo")).to_be_visible()


@pytest.mark.long
def test_saving_waits_for_a_logo_on_its_way(admin: Visitor) -> None:
    page = opened(admin)
    late = Held(page, "**/api/site/logo")
    page.get_by_label("Elegí una imagen").set_input_files(logo())
    late.wait_for_one()
    page.get_by_label("Nombre").fill("Zapatos Ana")
    page.get_by_role("button", name="Guardar la configuración").click()
    late.let_go()
    expect(page.get_by_role("status").filter(has_text="Guardado.")).to_be_visible()
    expect(page.locator("#logo-shown img")).to_have_attribute("width", "120")
    wait_until(lambda: admin.call("GET", "/api/site")["name"] == "Zapatos Ana", "the saved name")


@pytest.mark.long
def test_a_dropped_logo_is_taken_and_a_wrong_one_told(admin: Visitor) -> None:
    page = opened(admin)
    admin.guard.expect("Failed to load resource: the server responded with a status of 415")
    drop = """(zone, [bytes, name]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], name));
        const options = { dataTransfer: data, bubbles: true, cancelable: true };
        for (const kind of ["dragover", "drop"]) zone.dispatchEvent(new DragEvent(kind, options));
    }"""
    zone = page.locator(".logo")
    zone.evaluate(drop, [list(b"no picture"), "logo.png"])
    expect(page.locator("#logo-problem")).to_contain_text("El archivo es de tipo TXT")
    zone.evaluate(drop, [list(pictures.photo(90, 40)), "logo.jpg"])
    expect(page.locator("#logo-shown img")).to_have_attribute("width", "90")
    expect(page.locator("#logo-problem")).to_be_hidden()


@pytest.mark.long  # tests/http/test_settings_pages posts the same forms
def test_without_javascript_all_of_it_works(visit: Callable[..., Visitor], signed_in: Any) -> None:
    visitor = visit(java_script_enabled=False, storage_state=signed_in)
    page = opened(visitor)
    page.get_by_label("Color principal").fill("#aa2200")
    page.get_by_role("button", name="Guardar la configuración").click()
    expect(page.get_by_text("Guardado.")).to_be_visible()
    expect(page.locator('rect[data-fill="primary"]').first).to_have_attribute("fill", "#aa2200")
    page.get_by_label("Elegí una imagen").set_input_files(logo(60))
    page.get_by_role("button", name="Usar como logotipo").click()
    expect(page.locator("#logo-shown img")).to_have_attribute("width", "60")


@pytest.mark.long  # tests/http/test_settings_pages posts the same forms
def test_of_two_who_save_at_once_the_slower_one_sees_both(
    admin: Visitor, visit: Callable[..., Visitor], signed_in: Any
) -> None:
    other = visit(storage_state=signed_in)
    mine, theirs = opened(admin), opened(other)
    admin.guard.expect("Failed to load resource: the server responded with a status of 409")
    theirs.get_by_label("Nombre").fill("Zapatos Eva")
    theirs.get_by_role("button", name="Guardar la configuración").click()
    expect(theirs.get_by_text("Guardado.")).to_be_visible()
    mine.get_by_label("Nombre").fill("Zapatos Ana")
    mine.get_by_role("button", name="Guardar la configuración").click()
    expect(mine.get_by_role("alert")).to_contain_text("Otra persona cambió la configuración")
    expect(mine.get_by_label("Nombre")).to_have_value("Zapatos Ana")
    expect(mine.get_by_text("Ahora: Zapatos Eva")).to_be_visible()
    check_accessible(mine)
    mine.get_by_role("button", name="Guardar la configuración").click()
    expect(mine.get_by_text("Guardado.")).to_be_visible()
    assert admin.call("GET", "/api/site")["name"] == "Zapatos Ana"
