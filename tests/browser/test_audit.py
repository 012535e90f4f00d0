"""The log of changes in the panel."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.deployment import Visitor, check_accessible


@pytest.mark.long  # tests/http/test_audit_pages asks for the same pages
def test_the_log_is_for_everybody_to_use(admin: Visitor) -> None:
    product = admin.a_product(name="Zapatilla Sol")
    admin.call("PATCH", f"/api/shop/products/{product['id']}", data={"name": "Zapatilla Luna"})
    page = admin.page
    page.goto("/admin/audit")
    row = page.get_by_role("row").filter(has_text=product["id"]).first
    expect(row).to_contain_text("admin@example.com")
    expect(row).to_contain_text("cambió un producto")
    expect(row).to_contain_text("Campos: nombre")
    expect(row.locator("time")).to_have_attribute("datetime", re.compile(r"^20.*Z$"))
    check_accessible(page)
    page.get_by_label("Acción").select_option("product.created")
    page.get_by_label("Objeto").fill(product["id"])
    page.get_by_role("button", name="Filtrar").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert "object=" in page.url
    with page.expect_download() as download:
        page.get_by_role("link", name="Descargar como CSV").click()
    told = download.value.path().read_text(encoding="utf-8-sig")
    assert told.splitlines()[0].startswith("Cuándo (UTC),Quién,Qué")
    assert "creó un producto" in told
    page.get_by_label("Objeto").fill("nothing")
    page.get_by_role("button", name="Filtrar").click()
    expect(page.get_by_role("heading", name="No se encontraron cambios")).to_be_visible()
    check_accessible(page)
