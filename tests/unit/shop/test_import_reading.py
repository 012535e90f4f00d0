"""Tables of products as spreadsheets and shops write them."""

import io
import json
import zipfile
from collections.abc import Iterable
from datetime import date
from typing import Any

import openpyxl
import pytest

from avenue.errors import AvenueError
from avenue.shop.importing.columns import ColumnNames
from avenue.shop.importing.errors import (
    BadCell,
    NoSkuColumn,
    TooManyRows,
    UnreadableTable,
)
from avenue.shop.importing.models import NewRow
from avenue.shop.importing.prices import read_price
from avenue.shop.importing.reading import Table, read_table
from avenue.shop.importing.values import rows_of
from avenue.web.errors import InvalidBody
from tests.table import table


def table_of(data: bytes | str, *, most_rows: int = 1000) -> Table:
    file = io.BytesIO(data.encode() if isinstance(data, str) else data)
    return read_table(file, ColumnNames(), most_rows=most_rows, most_json_levels=20)


def book_of(*rows: list[Any]) -> bytes:
    """The bytes of an .xlsx file; None is a blank row."""
    book, file = openpyxl.Workbook(), io.BytesIO()
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            book.active.cell(number, column, value)
    book.save(file)
    return file.getvalue()


def zipped(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


def parts_of(book: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


PARTS_OF_A_BOOK = parts_of(book_of(["sku"], ["Z1"]))
SHEET = "xl/worksheets/sheet1.xml"
WITH_ENTITIES = b'<!DOCTYPE a [<!ENTITY a "Z1"><!ENTITY b "&a;&a;">]>' + PARTS_OF_A_BOOK[
    SHEET
].replace(b"Z1", b"&b;")


def rows_in(data: bytes | str) -> list[NewRow]:
    return list(rows_of(table_of(data), lambda url: "/media/" in url, "es_PY"))


def values_in(data: bytes | str) -> list[dict[str, Any]]:
    rows = rows_in(data)
    assert [each.error for each in rows] == [None] * len(rows)
    return [{"sku": each.sku, **each.values} for each in rows]


def codes_in(data: bytes | str) -> list[tuple[int, str, str | None]]:
    return [
        (each.number, each.error.code, each.error.field) for each in rows_in(data) if each.error
    ]


def as_json(*products: Any) -> str:
    return json.dumps(list(products))


SHOE = {"sku": "Z1", "name": "Zapato, rojo", "price": "150000.50"}


@pytest.mark.parametrize(
    "data",
    [
        'sku,name,price\nZ1,"Zapato, rojo",150000.50\n',
        "sku;name;price\r\nZ1;Zapato, rojo;150000,50\r\n",
        "sku\tname\tprice\nZ1\tZapato, rojo\t150.000,50",
        '\ufeffCódigo;Nombre;Precio\nZ1;"Zapato, rojo";"150,000.50"\n',
        ' SKU , Nombre ,PRECIO\n\n Z1 , "Zapato, rojo",150000.50\n,,\n'.replace(', "', ',"'),
        '[{"sku": "Z1", "name": "Zapato, rojo", "price": "150000.50"}]',
        '\ufeff {"products": [{"código": "Z1", "nombre": "Zapato, rojo", "precio": 150000.50}] }\n',
    ],
    ids=["commas", "semicolons", "tabs", "bom", "blanks", "list", "object"],
)
def test_one_product_written_in_many_ways(data: str) -> None:
    assert values_in(data) == [SHOE]


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("cp1252", "windows-1252")],
)
def test_accents_survive_and_the_encoding_is_told(encoding: str, told: str) -> None:
    data = "código;nombre\nÑ1;Zapatón “azul”\n".encode(encoding)
    assert table_of(data).layout.encoding == told
    assert values_in(data) == [{"sku": "Ñ1", "name": "Zapatón “azul”"}]


def test_what_windows_1252_does_not_know_is_latin_1() -> None:
    assert table_of("sku\nñ\x81".encode("latin-1")).layout.encoding == "iso-8859-1"


@pytest.mark.parametrize("border", [65535, 65536, 65537])
def test_letters_that_lie_across_two_blocks_are_whole(border: int) -> None:
    head = "sku,name\n"
    filler = "".join(f"{n:07},x\n" for n in range(border // 10))
    data = (head + filler).encode()[: border - 1].rpartition(b"\n")[0] + b"\n"
    data += b"9" * (border - 1 - len(data)) + "ñ,x\n".encode()
    table = read_table(io.BytesIO(data), ColumnNames(), most_rows=10_000, most_json_levels=20)
    assert table.layout.encoding == "utf-8"


@table(
    "data, sentence",
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"PK\x03\x04\x14\x00", "spreadsheet cannot be read"),
        (zipped(**{"content.xml": b"<x/>"}), "spreadsheet cannot be read"),
        (
            zipped(**{**PARTS_OF_A_BOOK, SHEET: WITH_ENTITIES}),
            "spreadsheet cannot be read",
        ),
        ("sku;name\nZ1;ñ".encode("utf-16"), "not text"),
        (b"\x00\x01sku", "not text"),
        ("sku;name\nZ1;ñ\n".encode() + "Z2;ñ\n".encode("cp1252"), "Part of the file is UTF-8"),
        (b"\xef\xbb\xbfsku;name\nZ1;\xf1\n", "Part of the file is UTF-8"),
        (b"sku,name\n", "no rows"),
        (b"[]", "no rows"),
        (b'sku,name\nZ1,"open\n', "Line 2 cannot be read"),
        (b'sku,name\nZ1,"6" pipe"\n', "Line 2 cannot be read"),
        (b"sku,name\nZ1," + b"x" * 140_000 + b"\n", "Line 2 cannot be read"),
        (b"sku,name,nombre\nZ1,a,b\n", "Two columns hold the same field: name, nombre"),
        (b'{"products": {}}', "neither a list"),
        (b'{"items": []}', "neither a list"),
        (b'[{"sku": "a"}', "line 1"),
        (b'[{"sku": "a"},\n]', "line 2"),
        (b'[{"sku": "a"}\n{"sku": "b"}]', "line 1"),
        (b'[{"sku": "a"}]]', "line 1"),
        (b'[{"sku": "a"}]}', "line 1"),
        (b'{"products": [{"sku": "a"}]', "line 1"),
        (b'{"products": [{"sku": "a"}], "more": 1}', "line 1"),
        (b'["\xf1"]', "not UTF-8"),
    ],
)
def test_what_is_no_table_is_refused_whole(data: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableTable) as refused:
        table_of(data)
    assert sentence in refused.value.message


def test_a_spreadsheet_that_grows_beyond_measure_is_refused() -> None:
    with pytest.raises(UnreadableTable, match="too large"):
        table_of(zipped(**{"xl/large.xml": bytes(65 * 1024 * 1024)}))


@pytest.mark.parametrize(
    "data",
    [
        "[" * 100_000,
        '[{"sku": ' + "[" * 30 + "]" * 30 + "}]",
        '[{"sku": "a", "sku": "b"}]',
        '[{"sku": "a", "price": NaN}]',
    ],
)
def test_json_nobody_should_send_is_refused_whole(data: str) -> None:
    with pytest.raises(InvalidBody):
        table_of(data)


def test_a_table_without_skus_says_what_it_saw() -> None:
    with pytest.raises(NoSkuColumn) as refused:
        table_of("name,precio\na,1\n")
    assert refused.value.facts == {"columns": ["name", "precio"]}


def test_rows_are_counted_before_anything_is_taken() -> None:
    table_of("sku\na\nb\n", most_rows=2)
    with pytest.raises(TooManyRows):
        table_of("sku\na\nb\nc\n", most_rows=2)


@pytest.mark.parametrize(
    ("names", "field"),
    [
        (["sku", "SKU", "Código", "CODIGO", " codigo "], "sku"),
        (["descripción", "Description"], "description"),
        (["modelo", "grupo", "Group", "MODEL"], "group"),
        (["imágenes", "image_urls", "Image URLs", "image-urls"], "image_urls"),
        (["stock", "", "sku2", "x" * 5000], None),
    ],
)
def test_columns_are_known_by_name(names: list[str], field: str | None) -> None:
    assert {ColumnNames().field_of(each) for each in names} == {field}


def test_unknown_columns_are_told_once_and_cost_nothing() -> None:
    table = table_of("sku,stock,,Color  del\tcuero\nZ1,3,x,rojo\nZ2,4,,\n")
    assert table.layout.unknown == ("stock", "Color del cuero")
    assert values_in("sku,stock\nZ1,3\n") == [{"sku": "Z1"}]
    assert table_of(
        as_json({"sku": "a", "stock": 1}, {"sku": "b", "stock": {"x": 1}})
    ).layout.unknown == ("stock",)


@table(
    "text, currency, read",
    [
        ("150000", None, ("150000", None)),
        ("150.000", None, ("150000", None)),
        ("Gs. 385.000", None, ("385000", False)),
        ("Gs. 385.000", "PYG", ("385000", None)),
        ("150000,50", None, ("150000.50", True)),
        ("150,000.50", "USD", ("150000.50", None)),
        ("150.000,50", "USD", ("150000.50", None)),
        ("0.125", "USD", ("0.125", None)),
    ],
)
def test_a_cell_is_read_as_the_form_of_a_product_reads_it(
    text: str, currency: str | None, read: tuple[str, bool | None]
) -> None:
    assert read_price(text, currency, "es_PY") == read


@table("currency", [None, "PYG", "USD"])
@table(
    "text",
    ["150,000", "1.15.000", "1..5", ".5", "5.", "-5", "+5", "1e5", "٣٤", "5%", "1/2", "'", "Gs."],
)
def test_other_prices_are_refused(text: str, currency: str | None) -> None:
    with pytest.raises(BadCell) as refused:
        read_price(text, currency, "es_PY")
    assert refused.value.facts == {"field": "price"}


def test_an_ambiguous_price_says_both_readings() -> None:
    with pytest.raises(BadCell, match="can mean 150 or 150000"):
        read_price("$150.000", "USD", "en")


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        (",name,,,", "bad_cell", "sku"),
        ("x" * 65 + ",name,,,", "bad_cell", "sku"),
        ("Z1," + "x" * 201 + ",,,", "bad_cell", "name"),
        ('Z1,name,"150,000",,', "bad_cell", "price"),
        ("Z1,name,1234567890123456,,", "bad_cell", "price"),
        ("Z1,name,1.23456,,", "bad_cell", "price"),
        ("Z1,name,,sold,", "bad_cell", "status"),
        ("Z1,name,,,ftp://a/b.jpg", "bad_cell", "image_urls"),
        ("Z1,name,,,https://shop.example/media/x", "own_url", "image_urls"),
        ("Z1,name,,,a,b", "bad_cell", None),
    ],
)
def test_a_bad_row_is_refused_alone(row: str, code: str, field: str | None) -> None:
    data = f"sku,name,price,status,image_urls\nA0,before,,,\n{row}\nA9,after,,,\n"
    assert codes_in(data) == [(3, code, field)]
    assert [each.number for each in rows_in(data)] == [2, 3, 4]


@table(
    "row, field",
    [
        ("Z1", None),
        ({"name": "a"}, "sku"),
        ({"sku": None}, "sku"),
        ({"sku": ["Z1"]}, "sku"),
        ({"sku": True}, "sku"),
        ({"sku": "Z1", "name": None}, "name"),
        ({"sku": "Z1", "name": "a", "nombre": "b"}, "name"),
        ({"sku": "Z1", "price": "150,000"}, "price"),
        ({"sku": "Z1", "price": ""}, "price"),
        ({"sku": "Z1", "price": {"$gt": 0}}, "price"),
        ({"sku": "Z1", "currency": "guaraní"}, "currency"),
        ({"sku": "Z1", "status": None}, "status"),
        ({"sku": "Z1", "image_urls": [1, 2.5, None]}, "image_urls"),
        ({"sku": "Z1", "image_urls": {"a": "b"}}, "image_urls"),
        ({"sku": "Z\ud800"}, None),
        ({"sku": "Z1", "nombre": "a\x00"}, None),
        ({"sku": "Z1", "\ud800": "a"}, None),
    ],
)
def test_a_bad_row_of_json_is_refused_alone(row: Any, field: str | None) -> None:
    assert codes_in(as_json({"sku": "A0"}, row, {"sku": "A9"})) == [(2, "bad_cell", field)]


def test_the_second_row_of_a_sku_is_refused_even_when_the_first_was() -> None:
    data = "sku,price\nZ1,1\nZ2,x\n Z1 ,2\nZ2,3\n"
    assert codes_in(data) == [
        (3, "bad_cell", "price"),
        (4, "duplicate_sku", "sku"),
        (5, "duplicate_sku", "sku"),
    ]


def test_an_empty_cell_says_nothing_and_null_takes_away() -> None:
    assert values_in("sku,name,price,group\nZ1,,, \n") == [{"sku": "Z1"}]
    nothing = {"sku": "Z1", "price": None, "group": None, "description": None, "image_urls": None}
    assert values_in(as_json(nothing)) == [
        {"sku": "Z1", "price": None, "group": None, "description": ""}
    ]


def test_numbers_of_json_lose_no_digit() -> None:
    data = '[{"sku": 12, "price": 99999999999999.9999}, {"sku": 1.50, "price": 150.000}]'
    assert values_in(data) == [
        {"sku": "12", "price": "99999999999999.9999"},
        {"sku": "1.50", "price": "150.000"},
    ]


def test_what_people_write_differently_is_the_same() -> None:
    data = "código,estado,moneda,imágenes\nZ1,Publicado,pyg,https://a.example/1.jpg | /old/2.jpg https://a.example/1.jpg\n"
    assert values_in(data) == [
        {
            "sku": "Z1",
            "status": "published",
            "currency": "PYG",
            "image_urls": ["https://a.example/1.jpg", "/old/2.jpg"],
        }
    ]


def test_a_cell_may_hold_several_lines_and_rows_count_as_in_a_spreadsheet() -> None:
    rows = rows_in('sku,description\nZ1,"one\ntwo"\n\nZ2,"say ""hi"""\n')
    assert [(each.number, each.values["description"]) for each in rows] == [
        (2, "one\ntwo"),
        (4, 'say "hi"'),
    ]


def test_a_table_can_be_gone_through_again() -> None:
    table = table_of("sku\na\nb\n")
    assert skus(table) == skus(table) == ["a", "b"]


def skus(table: Table) -> list[str | None]:
    rows: Iterable[NewRow] = rows_of(table, lambda _: False, "es_PY")
    return [each.sku for each in rows]


def test_every_refusal_has_a_code() -> None:
    assert issubclass(BadCell, AvenueError)


def test_a_spreadsheet_is_read_as_people_see_it() -> None:
    book = book_of(
        ["Código", "Nombre", "Precio", "Moneda", "Stock", None],
        ["Z1", ' Zapato; "rojo" ', 150000, "PYG", 3],
        [],
        [2024, date(2026, 1, 31), 12.5, "USD", None],
        ["Z3", "Texto", "Gs. 150.000", "PYG"],
        ["Z4", "Suma", 0.1 + 0.2, "USD"],
        ["Z5", "=1+1", 19.999, "USD"],
    )
    found = table_of(book)
    assert (found.layout.format, found.layout.unknown, found.total) == ("xlsx", ("Stock",), 5)
    rows = list(rows_of(found, lambda url: False, "es_PY"))
    assert [(each.number, each.sku, each.error) for each in rows] == [
        (2, "Z1", None),
        (4, "2024", None),
        (5, "Z3", None),
        (6, "Z4", None),
        (7, "Z5", None),
    ]
    assert rows[0].values["name"] == 'Zapato; "rojo"'
    assert rows[1].values["name"] == "2026-01-31T00:00:00"
    assert [each.values["price"] for each in rows] == ["150000", "12.50", "150000", "0.30", "20.00"]


def test_a_spreadsheet_with_too_many_rows_is_given_back_before_all_are_read() -> None:
    with pytest.raises(TooManyRows):
        table_of(book_of(["sku"], *([f"Z{number}"] for number in range(30))), most_rows=20)


def test_a_cell_far_away_costs_nothing() -> None:
    book = openpyxl.Workbook()
    for place, value in {"A1": "sku", "A2": "Z1", "XFD2": "far", "A900000": "below"}.items():
        book.active[place] = value
    file = io.BytesIO()
    book.save(file)
    assert [each.sku for each in rows_in(file.getvalue())] == ["Z1"]
