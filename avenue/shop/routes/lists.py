"""Query parameters of the shop's lists: `?search ?sort ?limit ?after`."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from flask import request
from pydantic import Field

from avenue.cursors import BadCursor
from avenue.errors import Invalid
from avenue.shop.attributes import MOST_CHOSEN
from avenue.shop.models import Pictures, Sort, Status
from avenue.shop.paging import cursor_place
from avenue.web.errors import InvalidQuery
from avenue.web.parsing import PageQuery, page_asked_for
from avenue.words import wanted_words

E = TypeVar("E", bound=StrEnum)
LIST_REFUSALS = (Invalid, InvalidQuery, BadCursor)


class SearchQuery(PageQuery, total=False):
    """Query parameters of all lists of a shop."""

    search: Annotated[
        str, Field(description="Beginnings of words; accents and case do not matter.")
    ]


class GroupsQuery(SearchQuery, total=False):
    """Filters and sort orders of groups."""

    sort: Annotated[
        Literal["created_at", "-created_at", "updated_at", "-updated_at", "name", "-name"],
        Field(description="With `-` descending; `-created_at` if left out."),
    ]


class ProductsQuery(SearchQuery, total=False):
    """Filters and sort orders of products."""

    status: Status | Literal[""]
    owner: Annotated[Literal["me", ""], Field(description="One's own; for signed-in callers.")]
    group: Annotated[str, Field(description="Those of the group with this id.")]
    category: Annotated[
        str, Field(description="Those in the category with this key, as `shoes/boots`, or below.")
    ]
    attribute: Annotated[
        list[str],
        Field(
            max_length=MOST_CHOSEN,
            description="As `color:red`: those with this value. Of one name several values may be "
            "asked for, of which one is enough; of several names each must match.",
        ),
    ]
    pictures: Annotated[
        Pictures | Literal[""],
        Field(
            description="Those without pictures, with one that has no alt text in the site's "
            "language, or with one the last inspection found a problem with; for "
            "signed-in callers."
        ),
    ]
    state: Annotated[
        Literal["live", "trash", ""],
        Field(description="`live` if left out; `trash` for sellers and administrators."),
    ]
    sort: Annotated[
        Literal[
            "created_at",
            "-created_at",
            "updated_at",
            "-updated_at",
            "name",
            "-name",
            "price",
            "-price",
            "sku",
            "-sku",
        ],
        Field(description="With `-` descending; `-created_at` if left out."),
    ]


class ExportQuery(ProductsQuery, total=False):
    """Filters of an exported table, and its format; `limit` and `after` are ignored."""

    format: Annotated[Literal["csv", "xlsx"], Field(description="`csv` if left out.")]


def list_asked_for(sorts: Sequence[Sort]) -> dict[str, Any]:
    """Return the fields of a `ListQuery` in the request; raise `Invalid`."""
    page = page_asked_for()
    text = request.args.get("sort", "-created_at")
    sort = Sort(choice("sort", text.removeprefix("-"), sorts))
    return {
        "words": wanted_words(request.args.get("search", "").strip()),
        "sort": sort,
        "descending": text.startswith("-"),
        "after": cursor_place(sort, page.after) if page.after else None,
        "limit": page.limit,
    }


def filter_asked_for(name: str, choices: type[E]) -> E | None:
    """Return the parameter `name` as one of `choices`, None without it; raise `Invalid`."""
    text = request.args.get(name)
    return choices(choice(name, text, [*choices])) if text else None


def trash_asked_for() -> bool:
    """Return whether `?state=` asks for the trash; raise `Invalid`."""
    text = request.args.get("state") or "live"
    return choice("state", text, ["live", "trash"]) == "trash"


def choice(name: str, text: str, choices: Sequence[str]) -> str:
    """Return `text` when it is one of `choices`, else raise `Invalid`."""
    if text not in choices:
        raise Invalid(f"`{name}` must be one of {', '.join(choices)}.")
    return text
