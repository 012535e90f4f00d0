"""Common parts of the documents of products and groups."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from avenue.clock import utc_now
from avenue.media.models import Claim
from avenue.media.store.transitions import trash_one
from avenue.shop.models import Entry, ListQuery, Sort
from avenue.storage.collection import Collection
from avenue.storage.connection import Document
from avenue.storage.paging import behind_or_missing
from avenue.storage.word_search import having_words, in_many

T = TypeVar("T")

PRODUCTS = "shop_products"
TRASHED = "shop_products_trashed"
GROUPS = "shop_products_grouped"
SORT_FIELDS = {Sort.NAME: "name_key"}


def entries_out(images: Sequence[Entry]) -> list[Document]:
    """Return the stored form of a list of pictures."""
    return [entry_out(each) for each in images]


def entry_out(entry: Entry) -> Document:
    """Return the stored form of an entry."""
    return {"asset": entry.asset} if entry.asset else {"url": entry.url}


def entries_in(images: Sequence[object]) -> tuple[Entry, ...]:
    """Return a stored list of pictures; invalid entries of other programs are skipped."""
    return tuple(
        Entry(asset=_text(each.get("asset")), url=_text(each.get("url")))
        for each in images
        if isinstance(each, dict)
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def trash_all(
    assets: Collection, claim: Claim, images: Sequence[Entry], *, by: str | None, reason: str
) -> None:
    """Move the stored ones of an owner's pictures to the trash, inside a transaction."""
    for position, image in enumerate(images):
        if image.asset:
            trash_one(assets, image.asset, claim, position=position, by=by, reason=reason)


def touch(change: Mapping[str, Any]) -> Document:
    """Return `change` extended by the revision and the time of a change."""
    stamp = {"updated_at": utc_now()}
    return {**change, "$inc": {"revision": 1}, "$set": {**change.get("$set", {}), **stamp}}


def set_at_revision(
    collection: Collection, document_id: str, revision: int, values: Mapping[str, Any]
) -> Document | None:
    """Set fields (None removes one) of a document that still has `revision`, else None.

    A retry after a lost answer finds its own change: the next revision with these `values`.
    """
    query = {"_id": document_id, "revision": revision}
    return collection.find_and_update(query, update_of(values)) or collection.find_one(
        {"_id": document_id, "revision": revision + 1, **values}
    )


def update_of(values: Mapping[str, Any]) -> Document:
    """Return the change that sets fields (None removes one) and raises the revision."""
    return {
        "$set": {name: value for name, value in values.items() if value is not None},
        "$unset": {name: "" for name, value in values.items() if value is None},
        "$inc": {"revision": 1},
    }


def page_of(
    collection: Collection,
    reader: Callable[[Document], T],
    query: ListQuery,
    conditions: Sequence[Document],
) -> tuple[list[T], int | None]:
    """Return the results of `reader` for one page, and the total number of matches.

    If there are more, the page has one more than its limit. For the total see `Collection.total`.
    """
    words: Sequence[Mapping[str, Any]] = (
        () if query.is_long else having_words(collection, query.words)
    )
    direction = -1 if query.descending else 1
    key = SORT_FIELDS.get(query.sort, query.sort.value)
    sort = [(key, direction), ("_id", direction)]
    total = None
    if query.is_counted and not query.is_long:
        total = collection.total(_all_of([*conditions, *words]), sort)
    if query.is_long or (query.is_counted and total is None):
        words = in_many(query.words)
    page = _all_of(
        [*conditions, *words, *behind_or_missing(key, query.after, descending=query.descending)]
    )
    return collection.values(reader, page, sort=sort, limit=query.limit + 1), total


def _all_of(conditions: Sequence[Mapping[str, Any]]) -> Document:
    return {"$and": list(conditions)} if conditions else {}
