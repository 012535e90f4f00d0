"""Products from the ERP and pictures by SKU, as people bring them in."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.deployment import Visitor, check_accessible
from tests.http.application import unique, zipped
from tests.pictures import photo


def a_table(*rows: str, name: str = "precios.csv") -> Any:
    text = "sku;nombre;precio\n" + "".join(f"{row}\n" for row in rows)
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


def tried_out(page: Page, table: Any) -> None:
    """Choose a table and look at what it would change."""
    page.goto("/admin/imports")
    page.get_by_label("Archivo (Excel, CSV o JSON)").set_input_files(table)
    page.get_by_role("button", name="Ver vista previa").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Vista previa de")


def row(page: Page, sku: str) -> Any:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=sku, exact=True))


def test_a_table_is_tried_out_applied_and_taken_back(
    admin: Visitor, accessible: Callable[..., None]
) -> None:
    one, two, bad = (unique(f"IMP-{each}-") for each in range(3))
    product = admin.a_product(name="Zapato", sku=one, price="150000")
    page = admin.page
    page.goto("/admin/imports")
    accessible(page)
    tried_out(
        page, a_table(f"{one};Zapato;165000", f"{two};Bota;Gs. 90.000", f"{bad};Malo;150,000")
    )
    expect(page.get_by_text("Todavía no cambió nada.")).to_be_visible()
    expect(row(page, one)).to_contain_text("precio: 150000 → 165000")
    expect(row(page, two)).to_contain_text("Producto nuevo")
    expect(row(page, bad)).to_contain_text("Escribí el precio solo con dígitos")
    expect(row(page, bad).get_by_role("cell").first).to_have_text("4")
    accessible(page)
    page.get_by_role("link", name="Con errores 1").click()
    expect(row(page, one)).to_have_count(0)
    expect(row(page, bad)).to_be_visible()
    url = f"/api/shop/products/{product['id']}"
    assert admin.call("GET", url)["price"] == "150000"

    page.get_by_role("button", name="Aplicar 2 cambios").click()
    expect(page.get_by_text("Terminado", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Importación de precios.csv")
    assert admin.call("GET", url)["price"] == "165000"

    page.get_by_role("link", name="Deshacer esta importación…").click()
    expect(page.get_by_text("Se elimina 1 producto creado por esta importación.")).to_be_visible()
    expect(page.get_by_text("1 producto vuelve a sus datos anteriores.")).to_be_visible()
    accessible(page)
    page.get_by_role("button", name="Deshacer la importación").click()
    expect(page.get_by_text("Deshecho", exact=True)).to_be_visible()
    expect(row(page, two)).to_contain_text("Eliminado")
    assert admin.call("GET", url)["price"] == "150000"


@pytest.mark.long  # a ZIP comes in by the same pages
def test_a_table_comes_in_without_javascript(visit: Callable[..., Visitor], signed_in: Any) -> None:
    page = visit(java_script_enabled=False, storage_state=signed_in).page
    tried_out(page, a_table("IMP-11;Bota;90000", name="sin.csv"))
    # The page reloads by itself until the job is done.
    page.get_by_role("button", name="Aplicar 1 cambio").click()
    expect(page.get_by_text("Terminado", exact=True)).to_be_visible()
    expect(row(page, "IMP-11")).to_contain_text("nombre: – → Bota")


@pytest.mark.long
def test_a_file_that_is_no_table_is_refused_with_what_to_do(admin: Visitor) -> None:
    admin.guard.expect("status of 400")
    page = admin.page
    page.goto("/admin/imports")
    page.get_by_label("Archivo (Excel, CSV o JSON)").set_input_files(
        {"name": "malo.csv", "mimeType": "text/csv", "buffer": b"nombre;precio\nBota;1\n"}
    )
    page.get_by_role("button", name="Ver vista previa").click()
    expect(page.get_by_role("alert")).to_contain_text("Llamá sku a una columna.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Descargar una tabla de ejemplo").click()
    sample = download.value.path().read_bytes()
    assert download.value.suggested_filename == "productos-ejemplo.csv"
    dropped = page.evaluate_handle(
        """text => { const held = new DataTransfer();
        held.items.add(new File([text], "ejemplo.csv", { type: "text/csv" })); return held; }""",
        sample.decode("utf-8-sig"),
    )
    expect(page.locator("[data-needs-drop]")).to_be_visible()  # and somebody listens
    page.dispatch_event("form[data-drop]", "drop", {"dataTransfer": dropped})
    expect(page.locator("main").get_by_text("ejemplo.csv (1 kB)")).to_be_visible()
    page.get_by_role("button", name="Ver vista previa").click()
    expect(page.get_by_role("button", name="Aplicar 3 cambios")).to_be_visible()
    expect(page.get_by_role("link", name="Con errores 0")).to_be_visible()


def a_zip(*names: str) -> Any:
    photos = {name: photo(64, 48, noise=False, seed=n) for n, name in enumerate(names, start=100)}
    return {"name": "fotos.zip", "mimeType": "application/zip", "buffer": zipped(photos)}


def looked_into(page: Page, archive: Any) -> None:
    page.goto("/admin/imports/pictures")
    page.get_by_label("ZIP con fotos").set_input_files(archive)
    page.get_by_role("button", name="Ver vista previa").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Fotos de fotos.zip")


def pictures_of(admin: Visitor, product: Any) -> list[str]:
    images = admin.call("GET", f"/api/shop/products/{product['id']}")["images"]
    return [each["name"] for each in images]


def test_a_photo_is_assigned_by_what_is_typed(admin: Visitor) -> None:
    sku, page = unique("PIC-S-"), admin.page
    product = admin.a_product(name=f"Zapato {sku}", sku=sku)
    looked_into(page, a_zip("IMG_1.jpg"))
    field = page.get_by_label("Producto de IMG_1.jpg")
    field.press_sequentially(sku)
    expect(page.locator("#products option")).to_have_attribute("value", sku)
    picture = page.locator(".seen img")
    expect(picture).to_have_js_property("naturalWidth", 48)
    field.press("Enter")
    expect(row(page, "IMG_1.jpg").get_by_role("link")).to_have_text(f"{sku} Zapato {sku}")
    check_accessible(page)
    page.get_by_role("button", name="Importar 1 foto").click()
    expect(page.get_by_text("Terminado", exact=True)).to_be_visible()
    assert pictures_of(admin, product) == ["IMG_1.jpg"]
    page.locator(".counts").get_by_role("link", name="1").click()
    expect(page).to_have_url(re.compile("outcome=added"))


@pytest.mark.long  # as a table; tests/http/test_picture_imports finds the products
def test_pictures_of_a_zip_find_their_products(admin: Visitor) -> None:
    shoe, boot = admin.a_product(name="Zapato", sku="PIC-A"), admin.a_product(sku="PIC-B")
    admin.a_product(sku="PIC-B-2")
    archive = a_zip("PIC-A-2.jpg", "PIC-A.jpg", "PIC-B/1.jpg", "PIC-B-2.jpg", "otro.jpg", "lee.txt")
    page = admin.page
    page.goto("/admin/imports/pictures")
    check_accessible(page)
    looked_into(page, archive)
    expect(row(page, "PIC-A.jpg")).to_contain_text("Zapato")
    expect(row(page, "PIC-B-2.jpg")).to_contain_text("Podría ser de PIC-B, PIC-B-2")
    expect(row(page, "otro.jpg")).to_contain_text("Ningún producto tiene este SKU.")
    expect(row(page, "lee.txt")).to_contain_text("No es JPEG, PNG ni WebP.")
    check_accessible(page)
    page.get_by_role("link", name="Ambiguas 1").click()
    expect(row(page, "PIC-A.jpg")).to_have_count(0)
    assert pictures_of(admin, shoe) == []

    page.get_by_role("button", name="Importar 3 fotos").click()
    expect(page.get_by_text("Terminado", exact=True)).to_be_visible()
    expect(row(page, "PIC-A.jpg")).to_contain_text("Agregada")
    check_accessible(page)
    assert pictures_of(admin, shoe) == ["PIC-A.jpg", "PIC-A-2.jpg"]
    assert pictures_of(admin, boot) == ["1.jpg"]

    looked_into(page, archive)
    page.get_by_role("button", name="Importar 3 fotos").click()
    expect(page.get_by_role("link", name="Ya estaban 3")).to_be_visible()
    assert pictures_of(admin, shoe) == ["PIC-A.jpg", "PIC-A-2.jpg"]


def test_a_zip_comes_in_without_javascript(
    visit: Callable[..., Visitor], signed_in: Any, admin: Visitor
) -> None:
    product = admin.a_product(sku="PIC-N")
    page = visit(java_script_enabled=False, storage_state=signed_in).page
    looked_into(page, a_zip("PIC-N.jpg"))
    page.get_by_role("button", name="Importar 1 foto").click()
    expect(page.get_by_text("Terminado", exact=True)).to_be_visible()
    assert pictures_of(admin, product) == ["PIC-N.jpg"]


@pytest.mark.long
def test_a_folder_is_packed_by_the_browser(admin: Visitor, tmp_path: Path) -> None:
    product = admin.a_product(sku="PIC-F")
    folder = tmp_path / "catálogo"
    (folder / "PIC-F").mkdir(parents=True)
    for number in (1, 2, 10):
        (folder / "PIC-F" / f"{number}.jpg").write_bytes(photo(64, 48, noise=False, seed=number))
    (folder / "notas.txt").write_text("nada")
    (folder / "PIC-F-3.jpg").write_bytes(bytes(5 * 1024 * 1024 + 1))
    page = admin.page
    page.goto("/admin/imports/pictures")
    page.get_by_label("O elegí una carpeta").set_input_files(folder)
    expect(page.get_by_role("heading", level=1)).to_have_text("Fotos de catálogo.zip")
    expect(row(page, "catálogo/PIC-F/10.jpg")).to_contain_text("PIC-F")
    page.get_by_role("button", name="Importar 3 fotos").click()
    expect(page.get_by_text("Terminado", exact=True)).to_be_visible()
    assert pictures_of(admin, product) == ["1.jpg", "2.jpg", "10.jpg"]


@pytest.mark.long
def test_a_large_folder_comes_in_parts_shown_together(admin: Visitor, tmp_path: Path) -> None:
    products = [admin.a_product(sku="PIC-L"), admin.a_product(sku="PIC-M")]
    folder = tmp_path / "grande"
    folder.mkdir()
    for number, name in enumerate(("PIC-L", "PIC-L-2", "PIC-M")):
        (folder / f"{name}.jpg").write_bytes(photo(64, 48, noise=False, seed=number))
    page = admin.page
    page.goto("/admin/imports/pictures")
    page.locator("[data-folder]").evaluate("place => { place.dataset.partBytes = '1'; }")
    page.get_by_label("O elegí una carpeta").set_input_files(folder)
    expect(page.get_by_role("heading", level=1)).to_have_text("Fotos de una carpeta")
    expect(page.get_by_role("rowheader", name="grande 2.zip")).to_be_visible()
    check_accessible(page)
    page.get_by_role("button", name="Importar 3 fotos").click()
    expect(page.get_by_text("Terminado", exact=True)).to_have_count(2)
    assert [pictures_of(admin, each) for each in products] == [
        ["PIC-L.jpg", "PIC-L-2.jpg"],
        ["PIC-M.jpg"],
    ]
