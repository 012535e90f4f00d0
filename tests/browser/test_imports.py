"""Products from the ERP and pictures by SKU, as people bring them in."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.house import Visitor, check_accessible


def a_table(*rows: str, name: str = "precios.csv") -> Any:
    text = "sku;nombre;precio\n" + "".join(f"{row}\n" for row in rows)
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


def tried_out(page: Page, table: Any) -> None:
    """Choose a table and look at what it would change."""
    page.goto("/admin/imports")
    page.get_by_label("Archivo (CSV o JSON)").set_input_files(table)
    page.get_by_role("button", name="Ver qué cambiaría").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Prueba de")


def row(page: Page, sku: str) -> Any:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=sku, exact=True))


def test_a_table_is_tried_out_applied_and_taken_back(admin: Visitor) -> None:
    product = admin.a_product(name="Zapato", sku="IMP-1", price="150000")
    page = admin.page
    page.goto("/admin/imports")
    check_accessible(page)
    tried_out(page, a_table("IMP-1;Zapato;165000", "IMP-2;Bota;90000", "IMP-3;Malo;150.000"))
    expect(page.get_by_text("Todavía no cambió nada.")).to_be_visible()
    expect(row(page, "IMP-1")).to_contain_text("precio: 150000 → 165000")
    expect(row(page, "IMP-2")).to_contain_text("Producto nuevo")
    expect(row(page, "IMP-3")).to_contain_text("Escribe el precio solo con dígitos")
    expect(row(page, "IMP-3").get_by_role("cell").first).to_have_text("4")
    check_accessible(page)
    page.get_by_role("link", name="Con errores 1").click()
    expect(row(page, "IMP-1")).to_have_count(0)
    expect(row(page, "IMP-3")).to_be_visible()
    url = f"/api/shop/products/{product['id']}"
    assert admin.call("GET", url)["price"] == "150000"

    page.get_by_role("button", name="Aplicar 2 cambios").click()
    expect(page.get_by_text("Terminado", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Importación de precios.csv")
    assert admin.call("GET", url)["price"] == "165000"

    page.get_by_role("link", name="Deshacer esta importación…").click()
    expect(page.get_by_text("Se borra 1 producto que se había creado.")).to_be_visible()
    expect(page.get_by_text("1 producto recupera sus datos.")).to_be_visible()
    check_accessible(page)
    page.get_by_role("button", name="Deshacer la importación").click()
    expect(page.get_by_text("Deshecho", exact=True)).to_be_visible()
    expect(row(page, "IMP-2")).to_contain_text("Borrado")
    assert admin.call("GET", url)["price"] == "150000"
    check_accessible(page)


def test_a_table_comes_in_without_javascript(visit: Callable[..., Visitor], signed_in: Any) -> None:
    page = visit(java_script_enabled=False, storage_state=signed_in).page
    tried_out(page, a_table("IMP-11;Bota;90000", name="sin.csv"))
    # The page reloads by itself until the job is done.
    page.get_by_role("button", name="Aplicar 1 cambio").click()
    expect(page.get_by_text("Terminado", exact=True)).to_be_visible(timeout=10_000)
    expect(row(page, "IMP-11")).to_contain_text("nombre: – → Bota")


def test_a_file_that_is_no_table_is_refused_with_what_to_do(admin: Visitor) -> None:
    admin.guard.expect("status of 400")
    page = admin.page
    page.goto("/admin/imports")
    page.get_by_label("Archivo (CSV o JSON)").set_input_files(
        {"name": "malo.csv", "mimeType": "text/csv", "buffer": b"nombre;precio\nBota;1\n"}
    )
    page.get_by_role("button", name="Ver qué cambiaría").click()
    expect(page.get_by_role("alert")).to_contain_text("Llama sku a una columna.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Descargar una tabla de ejemplo").click()
    sample = download.value.path().read_bytes()
    assert download.value.suggested_filename == "productos-ejemplo.csv"
    page.get_by_label("Archivo (CSV o JSON)").set_input_files(
        {"name": "ejemplo.csv", "mimeType": "text/csv", "buffer": sample}
    )
    expect(page.locator("main").get_by_text("ejemplo.csv (1 kB)")).to_be_visible()
    page.get_by_role("button", name="Ver qué cambiaría").click()
    expect(page.get_by_role("button", name="Aplicar 3 cambios")).to_be_visible()
    expect(page.get_by_role("link", name="Con errores 0")).to_be_visible()
