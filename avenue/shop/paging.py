"""The cursor of a product list: the position of the last item, as opaque text."""

import base64
import binascii
import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from avenue.clock import iso
from avenue.cursors import BadCursor
from avenue.identity import is_id
from avenue.shop.models import Sort

# At most 34 digits, which MongoDB keeps exactly (IEEE 754-2008, decimal128).
PRICE = re.compile(r"[0-9]{1,17}(\.[0-9]{1,17})?")


def cursor_text(sort: Sort, place: tuple[Any, str]) -> str:
    """Return `place` (sort value and id of the last product) as a cursor of lists by `sort`."""
    value, product_id = place
    written = iso(value) if isinstance(value, datetime) else value
    written = f"{written:f}" if isinstance(written, Decimal) else written
    packed = json.dumps([sort.value, written, product_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def cursor_place(sort: Sort, text: str) -> tuple[Any, str]:
    """Return the position of a cursor of lists by `sort`; raise `BadCursor`."""
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        written_sort, value, product_id = json.loads(packed)
        if written_sort != sort.value or not is_id(product_id):
            raise BadCursor
        return _value(sort, value), product_id
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise BadCursor from error


def _value(sort: Sort, value: object) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadCursor
    if sort in {Sort.CREATED, Sort.UPDATED}:
        return _moment(value)
    if sort is Sort.PRICE:
        return _price(value)
    value.encode()  # half a surrogate pair is no text
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if iso(moment) != text:
        raise BadCursor
    return moment


def _price(text: str) -> Decimal:
    if not PRICE.fullmatch(text):
        raise BadCursor
    return Decimal(text)
