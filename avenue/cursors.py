"""Pages of lists, and cursors of those by time: the time and the id of a page's last item."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from avenue.errors import Invalid

CURSOR = re.compile(r"([0-9]{1,14})\.([A-Za-z0-9_-]{22})")
START_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC)
Item = TypeVar("Item")
Place = TypeVar("Place")


# No slots: Python 3.11 cannot call `ListPage[…]` of a frozen class that has them.
@dataclass(frozen=True, kw_only=True)
class ListPage(Generic[Item, Place]):
    """A page of a list: `next` is the cursor of the next page, None at the end.

    `first` is the cursor of the first item, None for an empty page. `total` is how many match in
    all, None where there are more than are counted: then there are `at_least` so many, None for
    more than 10,000.
    """

    items: tuple[Item, ...]
    next: Place | None
    total: int | None
    at_least: int | None = None
    first: Place | None = None

    @classmethod
    def of(
        cls,
        found: Sequence[Item],
        limit: int,
        place: Callable[[Item], Place],
        *,
        total: int | None,
        at_least: int | None = None,
    ) -> "ListPage[Item, Place]":
        """Return the first `limit` of `found`, which has one more if there is a next page.

        `place` returns the cursor of an item.
        """
        items = tuple(found[:limit])
        more = len(found) > limit
        return cls(
            items=items,
            next=place(items[-1]) if more else None,
            total=total,
            at_least=at_least,
            first=place(items[0]) if items else None,
        )


class BadCursor(Invalid):
    """`after` is not a cursor of this list."""

    message = "`after` is not a valid position in this list."
    hint = "Use `next` from the previous page, with the same sort; or omit `after`."


def cursor(moment: datetime, object_id: str) -> str:
    """Return the value of `after` for the next page."""
    return f"{round(moment.timestamp() * 1000)}.{object_id}"


def read_cursor(after: str | None) -> tuple[datetime, str] | None:
    """Return time and id; None for the first page. Raise `BadCursor`."""
    if after is None:
        return None
    found = CURSOR.fullmatch(after)
    if not found:
        raise BadCursor
    milliseconds, object_id = found.groups()
    return START_OF_TIME + timedelta(milliseconds=int(milliseconds)), object_id
