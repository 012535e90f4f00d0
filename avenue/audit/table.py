"""The log of changes as a table for spreadsheets: CSV (RFC 4180), row by row."""

import csv
import io
from collections.abc import Iterator, Sequence

from avenue.audit.models import Entry
from avenue.audit.texts import action_words, details_words, doer_words
from avenue.clock import iso
from avenue.web.language import gettext as _

BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
BOM = "\ufeff"
"""Excel reads UTF-8 only behind it."""


def head() -> str:
    """Return the line of column names, in the language of the request."""
    names = (
        _("When (UTC)"),
        _("Who"),
        _("What"),
        _("Action"),
        _("Id"),
        _("Details"),
        _("Request"),
    )
    return BOM + _line(names)


def rows(entries: Iterator[Entry]) -> Iterator[str]:
    """Yield the line of each entry."""
    for each in entries:
        yield _line(
            (
                iso(each.at),
                doer_words(each.doer),
                action_words(each.action),
                each.action,
                each.object_id or "",
                "; ".join(details_words(each)),
                each.request_id or "",
            )
        )


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([defused(each) for each in cells])
    return buffer.getvalue()


def defused(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: names are written by others."""
    return f"'{cell}" if cell.startswith(BEGINS_A_FORMULA) else cell
