"""Reads the rows of a table from a file. Its format is detected from the content, not the name.

The file is read twice: first to check all of it, then to yield its rows. So a refused file leaves
nothing behind, and memory does not grow with the number of rows.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from avenue.errors import AvenueError, sentence
from avenue.shop.importing.columns import ColumnNames, shown
from avenue.shop.importing.errors import BadCell, NoSkuColumn, TooManyRows, UnreadableTable
from avenue.shop.importing.models import Cells, Format, Layout
from avenue.shop.importing.spreadsheet import csv_of
from avenue.web.jsontext import check_depth, is_text, no_number, without_doubles
from avenue.web.tables import undefused

BLOCK_BYTES = 64 * 1024
DELIMITERS = (",", ";", "\t")
MOST_NAMES_SHOWN = 20
TOO_MANY_CELLS = sentence("The row has {cells} cells; the first line has {columns}.")
ZIP = b"PK\x03\x04"  # .xlsx and .ods are zip files
NOT_IN_WINDOWS_1252 = bytes([0x81, 0x8D, 0x8F, 0x90, 0x9D])
# Python's name → the one that IANA gave it.
ENCODINGS = {"utf-8-sig": "utf-8", "cp1252": "windows-1252", "latin-1": "iso-8859-1"}

BLANK = r"[ \t\r\n]*"
OPENING = re.compile(rf'{BLANK}(\{{{BLANK}"products"{BLANK}:{BLANK})?\[{BLANK}')
AFTER_ITEM = re.compile(rf"{BLANK}([,\]]){BLANK}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row of the file; `error` is the reason if it cannot be read."""

    number: int
    cells: Cells
    error: AvenueError | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A file that can be read completely as a table of products.

    `records` yields every row that is not blank, from the start on each call.
    """

    records: Callable[[], Iterator[Record]]
    layout: Layout
    total: int


def read_table(
    file: BinaryIO, names: ColumnNames, *, most_rows: int, most_json_levels: int
) -> Table:
    """Return the table in `file`, which must stay open as long as the table is used.

    `names` maps the columns. Raise `UnreadableTable`, `NoSkuColumn`, `TooManyRows`, or
    `InvalidBody` for malicious JSON.
    """
    start = _start_of(file)
    if is_spreadsheet := start.startswith(ZIP):
        file = csv_of(file, most_rows)
        start = _start_of(file)
    is_json = not is_spreadsheet and _begins_as_json(start)
    source: _Json | _Csv = _Json(file, names, most_json_levels) if is_json else _Csv(file, names)
    total = 0
    for _ in source.records():
        total += 1
        if total > most_rows:
            raise TooManyRows(limit=most_rows)
    if not total:
        raise UnreadableTable(sentence("The table has no rows."))
    layout = source.layout()
    if is_spreadsheet:
        layout = replace(layout, format=Format.XLSX, delimiter=None)
    return Table(source.records, layout, total)


def _note_unknown(names: ColumnNames, name: str, unknown: dict[str, None]) -> None:
    """Add the name of an ignored column to `unknown`, up to a limit."""
    if name.strip() and not names.is_known(name) and len(unknown) < MOST_NAMES_SHOWN:
        unknown[shown(name)] = None


def _begins_as_json(start: bytes) -> bool:
    return start.lstrip(codecs.BOM_UTF8).lstrip()[:1] in {b"[", b"{"}


def _start_of(file: BinaryIO) -> bytes:
    file.seek(0)
    start = file.read(BLOCK_BYTES)
    if not start.strip():
        raise UnreadableTable(sentence("The file is empty."))
    return start


class _Csv:
    """A table in CSV (RFC 4180), with any of three delimiters."""

    def __init__(self, file: BinaryIO, names: ColumnNames) -> None:
        self._file = file
        self._names = names
        self._encoding = _encoding_of(file)
        readings = {each: next(self._rows(each), (0, [])) for each in DELIMITERS}
        self._delimiter = max(readings, key=lambda each: self._known(readings[each][1]))
        self._first, self._header = readings[self._delimiter]
        self._fields = names.fields_of(self._header)
        if "sku" not in self._fields:
            raise NoSkuColumn([shown(each) for each in self._header[:MOST_NAMES_SHOWN]])

    def layout(self) -> Layout:
        unknown: dict[str, None] = {}
        for name in self._header:
            _note_unknown(self._names, name, unknown)
        return Layout(
            format=Format.CSV,
            encoding=ENCODINGS[self._encoding],
            delimiter=self._delimiter,
            unknown=tuple(unknown),
        )

    def records(self) -> Iterator[Record]:
        for number, row in self._rows(self._delimiter):
            if number == self._first:
                continue
            beyond = row[len(self._header) :]
            if any(beyond):
                words = {"cells": len(row), "columns": len(self._header)}
                yield Record(number=number, cells={}, error=BadCell(TOO_MANY_CELLS, words=words))
                continue
            cells = zip(self._fields, row, strict=False)
            yield Record(number=number, cells={name: cell for name, cell in cells if name and cell})

    def _known(self, header: list[str]) -> tuple[int, int]:
        return sum(map(self._names.is_known, header)), len(header)

    def _rows(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """Yield each row that is not blank with its number in a spreadsheet, cells stripped."""
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, encoding=self._encoding, newline="")
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            for number, row in enumerate(reader, start=1):
                cells = [undefused(each.strip()) for each in row]
                if any(cells):
                    yield number, cells
        except csv.Error:
            raise UnreadableTable(
                sentence(
                    "Line {line} cannot be read: a quotation mark is not closed, has text "
                    "right after it, or the cell is too long."
                ),
                words={"line": reader.line_num},
            ) from None
        finally:
            text.detach()


def _encoding_of(file: BinaryIO) -> str:
    """Return the encoding in Python's name: UTF-8, or Windows-1252.

    Raise `UnreadableTable` if it is not text, or if only a part of it is UTF-8: in the other
    encoding its letters would be wrong without anyone noticing.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="surrogateescape")
    file.seek(0)
    has_bom = file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
    is_utf8, is_windows, has_letters = True, True, has_bom
    file.seek(0)
    while block := file.read(BLOCK_BYTES):
        if b"\0" in block:
            raise UnreadableTable(
                sentence("The file is not text: save it as CSV (UTF-8) and send that.")
            )
        is_windows = is_windows and len(block.translate(None, NOT_IN_WINDOWS_1252)) == len(block)
        for letter in set(decoder.decode(block)):
            if "\udc80" <= letter <= "\udcff":
                is_utf8 = False
            elif letter > "\x7f":
                has_letters = True
    is_utf8 = is_utf8 and not decoder.decode(b"", final=True)
    if is_utf8:
        return "utf-8-sig"
    if has_letters:
        raise UnreadableTable(
            sentence("Part of the file is UTF-8 and part is not: save it again as UTF-8.")
        )
    return "cp1252" if is_windows else "latin-1"


class _Json:
    """A table in JSON: a list of objects, or an object with that list as its `products`.

    Its items are read one by one; numbers are kept as written, so no digit is lost.
    """

    _decoder = json.JSONDecoder(
        object_pairs_hook=without_doubles, parse_int=str, parse_float=str, parse_constant=no_number
    )

    def __init__(self, file: BinaryIO, names: ColumnNames, most_levels: int) -> None:
        self._names = names
        file.seek(0)
        try:
            self._text = file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UnreadableTable(sentence("The JSON is not UTF-8.")) from None
        check_depth(self._text, most_levels)
        self._may_hold_halves = "\\u" in self._text
        self._unknown: dict[str, None] = {}

    def layout(self) -> Layout:
        unknown = tuple(self._unknown)
        return Layout(format=Format.JSON, encoding="utf-8", delimiter=None, unknown=unknown)

    def records(self) -> Iterator[Record]:
        for number, item in enumerate(self._items(), start=1):
            try:
                yield Record(number=number, cells=self._cells(item))
            except BadCell as error:
                yield Record(number=number, cells={}, error=error)

    def _cells(self, item: object) -> Cells:
        if not isinstance(item, Mapping):
            raise BadCell(sentence("The row is not an object."))
        if self._may_hold_halves and not is_text(item):
            raise BadCell(
                sentence("The row contains an invalid character: NUL or half a surrogate pair.")
            )
        cells: dict[str, Any] = {}
        for name, value in item.items():
            known = self._names.field_of(name)
            if known is None:
                _note_unknown(self._names, name, self._unknown)
            elif known in cells:
                raise BadCell(sentence("Two keys in the row hold {field}."), field=known)
            else:
                cells[known] = value
        return cells

    def _items(self) -> Iterator[object]:
        opening = OPENING.match(self._text)
        if not opening:
            raise UnreadableTable('The JSON is neither a list of products nor {"products": […]}.')
        place, sign = opening.end(), ","
        if self._text.startswith("]", place):
            place, sign = place + 1, "]"
        while sign == ",":
            item, place = self._item_at(place)
            yield item
            after = AFTER_ITEM.match(self._text, place)
            if not after:
                raise self._broken_at(place)
            place, sign = after.end(), after[1]
        if self._text[place:].strip() != ("}" if opening[1] else ""):
            raise self._broken_at(place)

    def _item_at(self, place: int) -> tuple[object, int]:
        try:
            return self._decoder.raw_decode(self._text, place)
        except ValueError as error:
            where = error.pos if isinstance(error, json.JSONDecodeError) else place
            raise self._broken_at(where) from None

    def _broken_at(self, place: int) -> UnreadableTable:
        line = self._text.count("\n", 0, place) + 1
        return UnreadableTable(f"The JSON cannot be read in line {line}.")
