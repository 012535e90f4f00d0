"""Paging of the shop's lists in the panel, in both directions."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from flask import request

from avenue.shop.models import ListQuery, Page
from avenue.shop.paging import cursor_place, cursor_text
from avenue.web.listing import Listed, counted

Q = TypeVar("Q", bound=ListQuery)


def listed(
    query: Q, find: Callable[[Q], Page], place_of: Callable[[Any], tuple[Any, str]]
) -> Listed:
    """Return the requested page: `query` itself, or what precedes `?before=`.

    `place_of` returns an item's sort value and id. Raise `BadCursor`.
    """
    before = request.args.get("before")
    if before:
        return _before(query, before, find, place_of)
    found = find(query)
    has_some_before = query.after is not None and found.items
    return Listed(
        items=found.items,
        total=found.total,
        counted=counted(found.at_least),
        previous=cursor_text(query.sort, place_of(found.items[0])) if has_some_before else None,
        next=cursor_text(query.sort, found.next) if found.next else None,
    )


def _before(
    query: Q, before: str, find: Callable[[Q], Page], place_of: Callable[[Any], tuple[Any, str]]
) -> Listed:
    """Read the list backwards from `before`, and reverse the result."""
    place = cursor_place(query.sort, before)
    found = find(replace(query, descending=not query.descending, after=place))
    items = tuple(reversed(found.items))
    return Listed(
        items=items,
        total=found.total,
        counted=counted(found.at_least),
        previous=cursor_text(query.sort, found.next) if found.next else None,
        next=cursor_text(query.sort, place_of(items[-1])) if items else None,
    )
