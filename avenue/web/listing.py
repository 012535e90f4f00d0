"""Lists of the panel: their parameters in the URL, and one-time messages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import request

from avenue.cursors import BadCursor, ListPage
from avenue.errors import Invalid
from avenue.identity import is_id
from avenue.totals import MOST_COUNTED
from avenue.web.auth import safe_next
from avenue.web.language import gettext
from avenue.web.parsing import LONGEST_CURSOR

SAID = ("said", "count", "kept", "why", "undo")
"""Query parameters of one-time messages; `js/lists/lists.js` removes them from the address."""
PLACE = ("after", "before")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A page of a list; `previous` and `next` are cursors for `?before=` and `?after=`.

    `total` is None where there are more than `counted`.
    """

    items: tuple[Any, ...]
    total: int | None
    previous: str | None
    next: str | None
    counted: int = MOST_COUNTED


class Query(Protocol):
    """A query for a part of a list, after a place in it."""

    @property
    def after(self) -> Any:
        """The place before the first item; None for the beginning of the list."""

    def preceding(self, place: Any) -> Self:
        """Return the query for what precedes `place`: the same list against its order."""


Q = TypeVar("Q", bound=Query)


def listed(
    query: Q,
    find: Callable[[Q], ListPage[Any, Any]],
    text_of: Callable[[Any], str],
    place_of: Callable[[str], Any],
) -> Listed:
    """Return a page of a list for the panel: what `query` asks for, or what precedes `?before=`.

    `text_of` returns the cursor of a place, `place_of` the place of a cursor. Raise `BadCursor`.
    """
    before = request.args.get("before")
    if before and len(before) > LONGEST_CURSOR:
        raise BadCursor
    query = query.preceding(place_of(before)) if before else query
    found = find(query)
    first = found.first if query.after else None
    ends = [text_of(each) if each else None for each in (first, found.next)]
    previous, following = reversed(ends) if before else ends
    return Listed(
        items=tuple(reversed(found.items)) if before else found.items,
        total=found.total,
        counted=MOST_COUNTED if found.at_least is None else max(found.at_least - 1, 0),
        previous=previous,
        next=following,
    )


def ids_of(sent: Sequence[str]) -> list[str]:
    """Return the distinct ids among `sent`."""
    return [each for each in dict.fromkeys(sent) if is_id(each)]


def checked_ids(most: int) -> list[str]:
    """Return the ids of the checked items of a form; raise `Invalid` for more than `most`."""
    ids = ids_of(request.form.getlist("id"))
    if len(ids) > most:
        raise Invalid(gettext("At most %(num)s are changed at once.", num=most))
    return ids


def undoable(most: int) -> list[str]:
    """Return the ids of what was just removed, at most `most`, according to the URL."""
    return ids_of(request.args.get("undo", "").split("."))[:most]


def number_said(name: str, most: int) -> int:
    """Return a number in the URL that has as many digits as `most` at most; else 0."""
    text = request.args.get(name, "")
    short = len(text) <= len(str(most))
    return int(text) if text.isascii() and text.isdecimal() and short else 0


def here_with(path: str | None = None, **changes: str | None) -> str:
    """Return the URL of this list with some parameters changed, on its first page.

    `path` is another list with the same parameters.
    """
    kept = {
        name: value
        for name, value in request.args.items()
        if name not in {*SAID, *PLACE, *changes} and value
    }
    return joined(
        path or request.path, {**kept, **{key: each for key, each in changes.items() if each}}
    )


def back_with(path: str, said: str, count: int, **more: str) -> str:
    """Return the page of `path` that a form came from (its field `back`), with a message.

    `more` are other names of `SAID`; empty values are left out.
    """
    facts = {"said": said, "count": str(count), **{key: each for key, each in more.items() if each}}
    target = safe_next(request.form.get("back"), path)
    parts = urlsplit(target)
    if parts.path != path:
        return joined(path, facts)
    kept = {name: value for name, value in parse_qsl(parts.query) if name not in SAID}
    return joined(path, {**kept, **facts})


def joined(path: str, query: Mapping[str, str]) -> str:
    """Return `path` with `query` appended."""
    return f"{path}?{urlencode(query)}" if query else path
