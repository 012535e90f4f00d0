"""Tables for spreadsheets: CSV (RFC 4180) in UTF-8, sent row by row, and Excel's .xlsx."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import BinaryIO, cast

from flask import Response, stream_with_context

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.web.errors import SpoolUnavailable, TableTooLong
from avenue.web.services import using

CSV_TYPE = "text/csv"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_XLSX_ROWS = 10_000
"""Limit of rows, because an .xlsx file is created before it is sent: this many took 1.4 s of
processor time."""
BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
BOM = "\ufeff"
"""Excel reads UTF-8 only after a byte order mark."""
Cell = str | Decimal | None


def table(name: str, head: Sequence[str], rows: Iterator[Sequence[Cell]]) -> Response:
    """Answer with a CSV table that is generated while it is sent, named `name` with the day."""
    lines = (csv_line(each) for each in rows)
    body = stream_with_context(_with_head(head, lines))
    return _to_be_saved(body, f"{name}.csv", f"{CSV_TYPE}; charset=utf-8; header=present")


def spreadsheet(name: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """Answer with an .xlsx file of one sheet, named `name` with the day.

    Texts are text cells and never formulas. Raise `TableTooLong` or `SpoolUnavailable`.
    """
    # Imported on use: that takes 2 MB.
    import xlsxwriter
    from xlsxwriter.exceptions import XlsxFileError

    folder = using(Settings).tmp_dir
    file = cast("BinaryIO", tempfile.TemporaryFile(dir=folder))  # noqa: SIM115 - `Response` closes
    try:
        as_they_are = {"strings_to_formulas": False, "strings_to_urls": False}
        row_by_row = {"constant_memory": True, "tmpdir": folder}
        with xlsxwriter.Workbook(file, {**row_by_row, **as_they_are}) as book:
            sheet = book.add_worksheet()
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, head, book.add_format({"bold": True}))
            for number, row in enumerate(_bounded(rows), start=1):
                sheet.write_row(number, 0, row)
        file.seek(0)
    except (OSError, XlsxFileError) as error:
        file.close()
        raise SpoolUnavailable from error
    except BaseException:
        file.close()
        raise
    response = _to_be_saved(iter(lambda: file.read(64 * 1024), b""), f"{name}.xlsx", XLSX_TYPE)
    response.call_on_close(file.close)
    return response


def csv_line(cells: Sequence[Cell]) -> str:
    """Return a row as CSV, with cells that no spreadsheet interprets as formulas."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow([defused(_text(each)) for each in cells])
    return buffer.getvalue()


def defused(cell: str) -> str:
    """Return a cell that no spreadsheet interprets as a formula: names are written by others."""
    return f"'{cell}" if cell.startswith(BEGINS_A_FORMULA) else cell


def undefused(cell: str) -> str:
    """Return a cell as it was before `defused`."""
    is_defused = cell.startswith("'") and cell[1:].startswith(BEGINS_A_FORMULA)
    return cell[1:] if is_defused else cell


def _text(cell: Cell) -> str:
    return f"{cell:f}" if isinstance(cell, Decimal) else cell or ""


def _bounded(rows: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    for number, each in enumerate(rows):
        if number == MOST_XLSX_ROWS:
            raise TableTooLong(limit=MOST_XLSX_ROWS)
        yield each


def _with_head(head: Sequence[str], lines: Iterator[str]) -> Iterator[str]:
    yield BOM + csv_line(head)
    yield from lines


def _to_be_saved(body: Iterator[str] | Iterator[bytes], name: str, content_type: str) -> Response:
    response = Response(body, content_type=content_type)
    stem, _, extension = name.rpartition(".")
    called = f"{stem}-{utc_now():%Y-%m-%d}.{extension}"
    response.headers["Content-Disposition"] = f'attachment; filename="{called}"'
    response.headers["Cache-Control"] = "no-store"
    return response
