"""Cursors of lists by a value: the place where a page ended, as text."""

import base64
import binascii
import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from avenue.clock import iso
from avenue.cursors import BadCursor

Value = datetime | str | int | Decimal
Place = tuple[Value | None, str]
"""The sort value of the last item of a page, None where it has none, and its id."""
LONGEST_ID = 200
# At most 34 digits, which MongoDB keeps exactly (IEEE 754-2008, decimal128).
DECIMAL = re.compile(r"[0-9]{1,17}(\.[0-9]{1,17})?")


def cursor_text(sort: str, place: Place) -> str:
    """Return `place` as a cursor of lists by `sort`."""
    value, item_id = place
    written = iso(value) if isinstance(value, datetime) else value
    written = f"{written:f}" if isinstance(written, Decimal) else written
    return packed(sort, written, item_id)


def cursor_place(sort: str, kind: type[Value], text: str) -> Place:
    """Return the place of a cursor of lists by `sort`, whose values are of `kind`.

    Raise `BadCursor`.
    """
    try:
        written_sort, value, item_id = unpacked(text)
        if written_sort != sort or not _is_item(item_id):
            raise BadCursor
        return (None if value is None else _value(kind, value)), item_id
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise BadCursor from error


def packed(*parts: object) -> str:
    """Return `parts` as opaque text."""
    written = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def unpacked(text: str) -> Any:
    """Return the parts of opaque text; raise `ValueError` for text that `packed` did not write."""
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _is_item(item_id: object) -> bool:
    """Return whether this may be an id; what other programs stored has ids of any form."""
    if not isinstance(item_id, str) or not 0 < len(item_id) <= LONGEST_ID:
        return False
    item_id.encode()  # a lone surrogate is not valid text
    return True


def _value(kind: type[Value], value: object) -> Value:
    if kind is datetime and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if iso(moment) == value:
            return moment
    if kind is Decimal and isinstance(value, str) and DECIMAL.fullmatch(value):
        return Decimal(value)
    if kind is str and isinstance(value, str):
        value.encode()  # a lone surrogate is not valid text
        return value
    if kind is int and type(value) is int and abs(value) < 2**63:
        return value
    raise BadCursor
