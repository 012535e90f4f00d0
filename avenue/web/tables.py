"""Tables for spreadsheets: CSV (RFC 4180) in UTF-8, sent row by row."""

import csv
import io
from collections.abc import Iterator, Sequence

from flask import Response, stream_with_context

from avenue.clock import utc_now

CSV_TYPE = "text/csv"
BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
BOM = "\ufeff"
"""Excel reads UTF-8 only behind it."""


def table(name: str, head: Sequence[str], rows: Iterator[Sequence[str]]) -> Response:
    """Answer with a table that is made while it is sent, to be saved as `name` with the day."""
    response = Response(
        stream_with_context(_lines(head, rows)),
        content_type=f"{CSV_TYPE}; charset=utf-8; header=present",
    )
    called = f"{name}-{utc_now():%Y-%m-%d}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{called}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def defused(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: names are written by others."""
    return f"'{cell}" if cell.startswith(BEGINS_A_FORMULA) else cell


def _lines(head: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    yield BOM + _line(head)
    for each in rows:
        yield _line(each)


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([defused(each) for each in cells])
    return buffer.getvalue()
