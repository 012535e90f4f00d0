"""Lists of the panel: their place in the URL, and the pages before and after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import request

from avenue.shop.models import ListQuery, Page
from avenue.shop.paging import cursor_place, cursor_text
from avenue.web.auth import safe_next

Q = TypeVar("Q", bound=ListQuery)

SAID = ("said", "count")
PLACE = ("after", "before")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A page of a list; `previous` and `next` are cursors for `?before=` and `?after=`."""

    items: tuple[Any, ...]
    total: int
    previous: str | None
    next: str | None


def listed(
    query: Q, find: Callable[[Q], Page], place_of: Callable[[Any], tuple[Any, str]]
) -> Listed:
    """Return the page that the URL asks for: `query` itself, or what lies before `?before=`.

    `place_of` tells an item's sort value and id. Raise `BadCursor`.
    """
    before = request.args.get("before")
    if before:
        return _before(query, before, find, place_of)
    found = find(query)
    has_some_before = query.after is not None and found.items
    return Listed(
        items=found.items,
        total=found.total,
        previous=cursor_text(query.sort, place_of(found.items[0])) if has_some_before else None,
        next=cursor_text(query.sort, found.next) if found.next else None,
    )


def _before(
    query: Q, before: str, find: Callable[[Q], Page], place_of: Callable[[Any], tuple[Any, str]]
) -> Listed:
    """Go through the list backwards from `before`, and turn what is found around."""
    place = cursor_place(query.sort, before)
    found = find(replace(query, descending=not query.descending, after=place))
    items = tuple(reversed(found.items))
    return Listed(
        items=items,
        total=found.total,
        previous=cursor_text(query.sort, found.next) if found.next else None,
        next=cursor_text(query.sort, place_of(items[-1])) if items else None,
    )


def here_with(**changes: str | None) -> str:
    """Return the URL of this list with some of its parameters changed, from its first page on."""
    kept = {
        name: value
        for name, value in request.args.items()
        if name not in {*SAID, *PLACE, *changes} and value
    }
    return _joined(request.path, {**kept, **{key: each for key, each in changes.items() if each}})


def back_with(path: str, said: str, count: int) -> str:
    """Return the page of `path` a form came from, by its field `back`, and what it is to say."""
    target = safe_next(request.form.get("back"), path)
    parts = urlsplit(target)
    if parts.path != path:
        return _joined(path, {"said": said, "count": str(count)})
    kept = {name: value for name, value in parse_qsl(parts.query) if name not in SAID}
    return _joined(path, {**kept, "said": said, "count": str(count)})


def _joined(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
