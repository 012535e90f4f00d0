"""Converts the first sheet of an .xlsx file to CSV, which is then read like any other.

A row keeps its number, and a number is written so that it is an unambiguous price. Sheets are read
row by row; their unpacked size is limited first, because a file of 10 MB may contain 10 GB.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

from avenue.errors import sentence
from avenue.shop.importing.errors import TooManyRows, UnreadableTable

MOST_COLUMNS = 100
MOST_BLANK_ROWS = 1000
"""How many consecutive blank rows end the table."""
MOST_UNPACKED_BYTES = 64 * 1024 * 1024
MOST_PARTS = 1000
BLOCK_BYTES = 64 * 1024
CENTS = Decimal("0.01")
UNREADABLE = sentence("The spreadsheet cannot be read: save it as CSV (UTF-8) and send that.")


def csv_of(file: BinaryIO, most_rows: int) -> BinaryIO:
    """Return the first sheet of the spreadsheet in `file` as CSV in UTF-8.

    Raise `UnreadableTable` or `TooManyRows`.
    """
    found = io.BytesIO()
    text = io.TextIOWrapper(found, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, delimiter=";")
    try:
        writer.writerows(_rows(_bounded(file), most_rows))
    except (TooManyRows, UnreadableTable):
        raise
    except Exception as error:  # openpyxl raises the errors of its parsers
        raise UnreadableTable(UNREADABLE) from error
    text.detach()
    found.seek(0)
    return found


def _bounded(file: BinaryIO) -> BinaryIO:
    """Return a copy whose parts have the sizes they claim; raise `UnreadableTable`.

    The unpacked size of a part is counted, not trusted.
    """
    copy, left = io.BytesIO(), MOST_UNPACKED_BYTES
    file.seek(0)
    with zipfile.ZipFile(file) as packed, zipfile.ZipFile(copy, "w") as unpacked:
        parts = packed.infolist()
        if len(parts) > MOST_PARTS:
            raise UnreadableTable(UNREADABLE)
        for part in parts:
            if not part.filename.endswith((".xml", ".rels")):
                continue  # pictures, macros
            with packed.open(part) as source, unpacked.open(part.filename, "w") as target:
                while block := source.read(BLOCK_BYTES):
                    left -= len(block)
                    if left < 0:
                        raise UnreadableTable(
                            sentence(
                                "The spreadsheet is too large: save it as CSV (UTF-8), or send it "
                                "in several parts."
                            )
                        )
                    target.write(block)
    copy.seek(0)
    return copy


def _rows(file: BinaryIO, most_rows: int) -> Iterator[list[str]]:
    import openpyxl  # on use: it takes 8 MB, with the image library that it loads

    book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    try:
        blank = filled = 0
        for row in book.worksheets[0].iter_rows(max_col=MOST_COLUMNS, values_only=True):
            cells = [_written(each) for each in row]
            while cells and not cells[-1]:
                cells.pop()
            blank = 0 if cells else blank + 1
            filled += bool(cells)
            if filled > most_rows + 1:
                raise TooManyRows(limit=most_rows)
            if blank > MOST_BLANK_ROWS:
                return
            yield cells
    finally:
        book.close()


def _written(value: Any) -> str:
    """Return a cell as people would write it in a CSV file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        # 12.5 becomes 12.50, so that 12.500 is not taken for thousands; sums may be slightly off
        # their cents.
        number = Decimal(repr(value))
        is_whole = number == number.to_integral_value()
        return f"{number.to_integral_value():f}" if is_whole else f"{number.quantize(CENTS):f}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value).strip()
