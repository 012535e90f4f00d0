"""Products as a table, which an import takes back, and their pictures as a ZIP."""

import csv
import io
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl
import pytest

from avenue.shop.service import products
from avenue.web import tables
from tests.http.application import PRODUCTS, Application, Caller, a_picture, unique
from tests.http.test_imports import brought

EXPORT = f"{PRODUCTS}/export"
XLSX = tables.XLSX_TYPE


def csv_rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def xlsx_rows(data: bytes) -> list[list[Any]]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return [list(each) for each in book.worksheets[0].values]


def skus(rows: Sequence[Sequence[Any]]) -> list[Any]:
    return [each[0] for each in rows[1:]]


def test_what_was_exported_comes_in_again_as_it_is(
    application: Application, as_seller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "WALKED_AT_ONCE", 2)
    word = unique("vuelta")
    group = as_seller.a_group(model=unique("M-"))
    made = [
        as_seller.a_product(name=f'=SUM(1) {word}; "rojo"', sku=unique("V-"), price=150_000),
        as_seller.a_product(name=f"-{word}", sku=unique("V-"), group=group["id"], status="draft"),
        as_seller.a_product(
            a_picture(), name=f"Ñandutí {word}", sku=unique("V-"), description="una,\ndos 空"
        ),
        as_seller.a_product(
            name=f"@{word}",
            sku=unique("V-"),
            price="12.55",
            currency="USD",
            category="Ropa > Ñ",
            attributes={"Talle": ["S", "M"], "Tela": ["Algodón"]},
        ),
        as_seller.a_product(name=f"{word} sin código"),
    ]
    url = f"{EXPORT}?search={word}&sort=created_at"
    as_csv, as_xlsx = as_seller.get(url), as_seller.get(f"{url}&format=xlsx")
    assert as_csv.headers["Content-Type"].startswith("text/csv")
    assert as_xlsx.headers["Content-Type"] == XLSX
    for answer in (as_csv, as_xlsx):
        assert answer.headers["Cache-Control"] == "no-store"
        assert "attachment" in answer.headers["Content-Disposition"]
    found, sheet = csv_rows(as_csv.data), xlsx_rows(as_xlsx.data)
    assert skus(found) == [each["sku"] or "" for each in made]
    assert [["" if cell is None else str(cell) for cell in row] for row in sheet[1:]] == [
        [tables.undefused(cell) for cell in row] for row in found[1:]
    ]
    assert sheet[1][3] == 150_000  # a number, which a spreadsheet can add up
    assert found[2][6] == group["model"]
    assert found[3][-1] == made[2]["image_urls"][0]
    with_sku = [row for row in found if row[0]]
    lines = io.StringIO()
    csv.writer(lines).writerows(with_sku)
    standing = brought(application, as_seller, lines.getvalue())
    assert standing["counts"] == {"created": 0, "updated": 0, "unchanged": 4, "refused": 0}
    assert standing["unknown_columns"] == ["pictures"]


def test_everybody_exports_what_is_theirs(
    application: Application,
    as_seller: Caller,
    as_other_seller: Caller,
    as_admin: Caller,
    on_other_site: Caller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    word = unique("lista")
    own = as_seller.a_product(name=word, sku=unique("L-"))
    others = as_other_seller.a_product(name=word, sku=unique("L-"), status="published")
    url = f"{EXPORT}?search={word}&sort=sku"
    assert skus(csv_rows(as_seller.get(url).data)) == [own["sku"]]
    assert skus(csv_rows(as_admin.get(url).data)) == [own["sku"], others["sku"]]
    narrowed = as_admin.get(f"{url}&status=published")
    assert skus(csv_rows(narrowed.data)) == [others["sku"]]
    assert csv_rows(on_other_site.get(url).data)[1:] == []
    assert as_admin.get(f"{EXPORT}?format=pdf").json["code"] == "invalid_query"
    monkeypatch.setattr(tables, "MOST_XLSX_ROWS", 1)
    refused = as_admin.get(f"{url}&format=xlsx")
    assert (refused.status_code, refused.json["code"]) == (413, "table_too_long")
    assert refused.json["limit"] == 1


def test_the_pictures_of_a_product_are_a_zip_in_their_order(
    as_seller: Caller, as_other_seller: Caller
) -> None:
    product = as_seller.a_product(a_picture(), a_picture(format="PNG"), name="Bota: alta")
    url = f"{PRODUCTS}/{product['id']}/images"
    as_seller.post(url, json={"image_url": "https://elsewhere.example/1.jpg"})
    answer = as_seller.get(f"{url}.zip")
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.namelist() == ["Bota_ alta-1.jpg", "Bota_ alta-2.png"]
        stored = [as_seller.get(each).data for each in product["image_urls"]]
        assert [archive.read(each) for each in archive.namelist()] == stored
    assert as_other_seller.get(f"{url}.zip").json["code"] == "product_not_found"
    bare = as_seller.a_product(name="Sin fotos")
    empty = as_seller.get(f"{PRODUCTS}/{bare['id']}/images.zip")
    assert empty.json["code"] == "image_not_found"
