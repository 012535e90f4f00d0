"""Cursors of lists ordered by time: the time and the id of the last item of a page."""

import re
from datetime import UTC, datetime, timedelta

from avenue.errors import Invalid

CURSOR = re.compile(r"([0-9]{1,14})\.([A-Za-z0-9_-]{22})")
START_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC)


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
