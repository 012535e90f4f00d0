"""What the scanner has found, in the panel: where it is shown, and how it is released."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests import clamd
from tests.browser.deployment import Visitor, check_accessible, people
from tests.http.application import a_picture
from tests.mongod import Guard
from tests.server import Server


@pytest.fixture(scope="module")
def server(shared_uri: str, guard: Guard) -> Iterator[Server]:
    people(shared_uri)
    with (
        clamd.stand_in() as scanner,
        Server(guard, shared_uri, AVENUE_JOBS="inline", AVENUE_SCANNER=scanner.url) as server,
    ):
        yield server


@pytest.mark.long
def test_a_picture_in_quarantine_is_found_and_released_by_keyboard(admin: Visitor) -> None:
    product = admin.a_product(name="Zapatilla Sol", status="published")
    picture = {
        "name": "sol.jpg",
        "mimeType": "image/jpeg",
        "buffer": a_picture(comment=clamd.EICAR),
    }
    images = f"/api/shop/products/{product['id']}/images"
    admin.call("POST", images, multipart={"file": picture})
    page = admin.page
    page.goto(f"/admin/products/{product['id']}")
    expect(page.locator(".shot")).to_contain_text("En cuarentena")
    check_accessible(page)
    page.get_by_role("link", name="Cuarentena").first.click()
    expect(page.get_by_role("heading", name="sol.jpg")).to_be_visible()
    expect(page.locator("main")).to_contain_text(clamd.NAME)
    check_accessible(page)
    page.get_by_label("Motivo para liberarlo").press_sequentially("Es de nuestras pruebas.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Archivo liberado")
    expect(page.get_by_role("heading", name="No hay nada en cuarentena")).to_be_visible()
    page.goto(f"/admin/products/{product['id']}")
    expect(page.locator(".shot img").first).to_have_js_property("complete", True)
    expect(page.locator(".shot")).not_to_contain_text("En cuarentena")
