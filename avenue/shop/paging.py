"""The cursor of a product list: the position of the last item, as opaque text."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from avenue.cursors import BadCursor
from avenue.identity import is_id
from avenue.shop.models import Sort
from avenue.web import paging

KINDS: dict[Sort, type[paging.Value]] = {
    Sort.CREATED: datetime,
    Sort.UPDATED: datetime,
    Sort.PRICE: Decimal,
}
"""The types of sort values; all others are texts."""


def cursor_text(sort: Sort, place: tuple[Any, str]) -> str:
    """Return `place` (sort value and id of the last product) as a cursor of lists by `sort`."""
    return paging.cursor_text(sort, place)


def cursor_place(sort: Sort, text: str) -> tuple[Any, str]:
    """Return the position of a cursor of lists by `sort`; raise `BadCursor`."""
    place = paging.cursor_place(sort, KINDS.get(sort, str), text)
    if not is_id(place[1]):
        raise BadCursor
    return place
