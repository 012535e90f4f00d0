"""Cursors of the builder's lists: the place where a page ended, as text."""

import base64
import binascii
import json
from datetime import datetime

from avenue.clock import iso
from avenue.cursors import BadCursor

Value = datetime | str | int
Place = tuple[Value | None, str]
"""The sort value of the last item of a page, None where it has none, and its id."""
LONGEST_ID = 200


def cursor_text(sort: str, place: Place) -> str:
    """Return `place` as a cursor of lists by `sort`."""
    value, item_id = place
    written = iso(value) if isinstance(value, datetime) else value
    packed = json.dumps([sort, written, item_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def cursor_place(sort: str, kind: type[Value], text: str) -> Place:
    """Return the place of a cursor of lists by `sort`, whose values are of `kind`.

    Raise `BadCursor`.
    """
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        written_sort, value, item_id = json.loads(packed)
        if written_sort != sort or not _is_item(item_id):
            raise BadCursor
        return (None if value is None else _value(kind, value)), item_id
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise BadCursor from error


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
    if kind is str and isinstance(value, str):
        value.encode()  # a lone surrogate is not valid text
        return value
    if kind is int and type(value) is int and abs(value) < 2**63:
        return value
    raise BadCursor
