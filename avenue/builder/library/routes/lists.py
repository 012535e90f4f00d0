"""Query parameters of the library's lists."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from flask import request
from pydantic import Field
from typing_extensions import TypedDict

from avenue.builder.library.models import NO_FOLDER, MediaQuery, Sort
from avenue.cursors import BadCursor
from avenue.identity import Site, is_id
from avenue.web.errors import InvalidQuery
from avenue.web.paging import cursor_place
from avenue.web.parsing import PageQuery, one_of, page_asked_for
from avenue.words import wanted_words

LIST_REFUSALS = (InvalidQuery, BadCursor)
LARGEST_NUMBER = 10**15
Flag = Literal["1", ""]
Day = Annotated[str, Field(description="`2026-01-31`, in UTC.")]
Bytes = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]

Days = TypedDict("Days", {"from": Day, "to": Day}, total=False)
"""The first and the last day of upload."""


class MediaListQuery(PageQuery, Days, total=False):
    """A query of library files; empty parameters are ignored."""

    search: Annotated[
        str, Field(description="Beginnings of words of name, alt texts and tags, without accents.")
    ]
    folder: Annotated[str, Field(description="The id of a folder; `none`: in no folder.")]
    tag: str
    type: Annotated[str, Field(description="A media type, as `image/png`.")]
    min_bytes: Bytes
    max_bytes: Bytes
    unused: Annotated[Flag, Field(description="Those that are used nowhere.")]
    without_alt: Annotated[
        Flag, Field(description="Those that need a text in the site's language and have none.")
    ]
    state: Annotated[Literal["live", "trash"], Field(description="`live` if left out.")]
    sort: Annotated[
        Literal["newest", "oldest", "name", "-name", "smallest", "largest"],
        Field(description="`newest` if left out."),
    ]


def media_asked_for(site: Site) -> MediaQuery:
    """Return the query of the request; raise `InvalidQuery` or `BadCursor`."""
    page, asked = page_asked_for(), request.args
    sort = Sort(choice("sort", [*Sort]) or Sort.NEWEST)
    since, last_day = _day("from"), _day("to")
    return MediaQuery(
        words=wanted_words(asked.get("search", "").strip()),
        folder=_folder(),
        tag=asked.get("tag", "").strip().lower() or None,
        media_type=asked.get("type") or None,
        since=since,
        before=last_day + timedelta(days=1) if last_day else None,
        min_bytes=_number("min_bytes"),
        max_bytes=_number("max_bytes"),
        lacks_alt=site.language if _flag("without_alt") else None,
        unused=_flag("unused"),
        in_trash=choice("state", ["live", "trash"]) == "trash",
        sort=sort,
        after=cursor_place(sort, sort.kind, page.after) if page.after else None,
        limit=page.limit,
    )


def choice(name: str, choices: Sequence[str]) -> str | None:
    """Return the value of `name`, None for nothing; raise `InvalidQuery` for an unknown one."""
    text = request.args.get(name) or None
    return text and one_of(name, text, choices)


def _flag(name: str) -> bool:
    return choice(name, ["1"]) == "1"


def _folder() -> str | None:
    text = request.args.get("folder") or None
    if text is not None and text != NO_FOLDER and not is_id(text):
        raise InvalidQuery("`folder` is the id of a folder, or `none`.", parameter="folder")
    return text


def _number(name: str) -> int | None:
    text = request.args.get(name) or None
    if text is None:
        return None
    if not re.fullmatch("[0-9]{1,16}", text) or int(text) > LARGEST_NUMBER:
        raise InvalidQuery(f"`{name}` must be a number of bytes.", parameter=name)
    return int(text)


def _day(name: str) -> datetime | None:
    text = request.args.get(name) or None
    if text is None:
        return None
    try:
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) and text < "9999":
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        pass
    raise InvalidQuery(f"`{name}` must be a day, as 2026-01-31.", parameter=name)
