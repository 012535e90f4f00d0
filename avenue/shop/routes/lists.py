"""What the lists of a shop have in common: `?search ?sort ?limit ?after`."""

from collections.abc import Sequence
from typing import Any

from flask import request

from avenue.errors import Invalid
from avenue.shop.models import Sort
from avenue.shop.paging import cursor_place
from avenue.shop.words import words_of
from avenue.web.parsing import page_asked_for


def list_asked_for(sorts: Sequence[Sort]) -> dict[str, Any]:
    """Return the fields of a `ListQuery` the request asks for; raise `Invalid`."""
    page = page_asked_for()
    text = request.args.get("sort", "-created_at")
    sort = Sort(choice("sort", text.removeprefix("-"), sorts))
    return {
        "words": _search_words(),
        "sort": sort,
        "descending": text.startswith("-"),
        "after": cursor_place(sort, page.after) if page.after else None,
        "limit": page.limit,
    }


def choice(name: str, text: str, choices: Sequence[str]) -> str:
    """Return `text` when it is one of `choices`, else raise `Invalid`."""
    if text not in choices:
        raise Invalid(f"`{name}` must be one of {', '.join(choices)}.")
    return text


def _search_words() -> tuple[str, ...]:
    """Return the words of `?search`; a search that has none finds nothing, not everything."""
    text = request.args.get("search", "").strip()
    return tuple(words_of(text)) or ((text,) if text else ())
