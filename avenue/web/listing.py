"""Lists of the panel: their parameters in the URL, and one-time messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import request

from avenue.totals import MOST_COUNTED
from avenue.web.auth import safe_next

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


def counted(at_least: int | None) -> int:
    """Return how many were counted of a list that has `at_least` so many; see `totals`."""
    return MOST_COUNTED if at_least is None else max(at_least - 1, 0)


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
