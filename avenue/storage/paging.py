"""Conditions for the next page of a sorted list: what comes behind the last item of a page.

A list is sorted by a field, then by `_id`, both in the same direction. A place is the value of the
field and the id of an item.
"""

from decimal import Decimal
from typing import Any

from bson import Decimal128

from avenue.storage.connection import Document

Place = tuple[Any, str]


def behind(field: str, after: Place | None, *, descending: bool) -> list[Document]:
    """Return the conditions for what comes behind `after`; every document has the field."""
    if after is None:
        return []
    (value, last_id), than = after, "$lt" if descending else "$gt"
    # The first condition is redundant, but makes the server enter the index at the right place.
    return [
        {field: {f"{than}e": value}},
        {"$or": [{field: {than: value}}, {field: value, "_id": {than: last_id}}]},
    ]


def behind_or_missing(field: str, after: Place | None, *, descending: bool) -> list[Document]:
    """Return the same where the field may be missing; a missing value sorts first."""
    if after is None:
        return []
    (value, last_id), than = after, "$lt" if descending else "$gt"
    stored = Decimal128(value) if isinstance(value, Decimal) else value
    conditions: list[Document] = [{field: stored, "_id": {than: last_id}}]
    if stored is not None:
        conditions.append({field: {than: stored}})
    if stored is None and not descending:
        conditions.append({field: {"$ne": None}})
    if stored is not None and descending:
        conditions.append({field: None})
    return [{"$or": conditions}]
