"""What the routes of both imports share: products from a table, and pictures by SKU."""

import re

from flask import Blueprint, g

from avenue.cursors import BadCursor
from avenue.shop.errors import OneFileOnly
from avenue.shop.models import ListQuery, Sort
from avenue.shop.paging import cursor_place
from avenue.web.errors import MB
from avenue.web.parsing import (
    DEFAULT_PAGE,
    IncomingFile,
    PageAsked,
    incoming_files,
    page_asked_for,
)

NUMBER = re.compile("[0-9]{1,9}")


def runs_asked_for(default: int = DEFAULT_PAGE) -> ListQuery:
    """Return which imports the request asks for; raise `InvalidQuery` or `BadCursor`."""
    asked = page_asked_for(default)
    after = cursor_place(Sort.CREATED, asked.after) if asked.after else None
    return ListQuery(limit=asked.limit, after=after)


def number_after(asked: PageAsked) -> int:
    """Return the number of the last row or file seen, 0 for the first page; raise `BadCursor`."""
    if asked.after and not NUMBER.fullmatch(asked.after):
        raise BadCursor
    return int(asked.after or 0)


def only_file(most_mb: int, several: str) -> IncomingFile:
    """Return the only file of this request.

    Raise `OneFileOnly` with the message `several`, or why it was refused.
    """
    came = incoming_files(max_bytes=most_mb * MB)
    if came.refused:
        raise came.refused[0].error
    if len(came.files) > 1:
        raise OneFileOnly(several)
    return came.files[0]


def headers_of(blueprint: Blueprint, run_id: str, *, is_new: bool) -> dict[str, str]:
    """Return the headers of the answer to the request that begins an import."""
    replayed = {} if is_new else {"Idempotent-Replayed": "true"}
    return {"Location": f"{g.site.base_url}{blueprint.url_prefix}/{run_id}", **replayed}
