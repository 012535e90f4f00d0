"""Paging of the shop's lists in the panel, in both directions."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from flask import request

from avenue.shop.models import ListQuery, Page
from avenue.shop.paging import cursor_place, cursor_text
from avenue.web import listing
from avenue.web.listing import Listed

Q = TypeVar("Q", bound=ListQuery)


def listed(
    query: Q, find: Callable[[Q], Page], place_of: Callable[[Any], tuple[Any, str]]
) -> Listed:
    """Return the requested page: `query` itself, or what precedes `?before=`.

    `place_of` returns an item's sort value and id. Raise `BadCursor`.
    """
    before = request.args.get("before")
    if before:
        place = cursor_place(query.sort, before)
        query = replace(query, descending=not query.descending, after=place)
    found = find(query)
    return listing.listed(
        found,
        place_of(found.items[0]) if found.items and query.after else None,
        partial(cursor_text, query.sort),
        backwards=bool(before),
        at_least=found.at_least,
    )
