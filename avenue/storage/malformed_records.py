"""Finds the invalid records of a collection, in batches."""

import itertools
from collections.abc import Iterator
from typing import Any

import bson
from bson import ObjectId

from avenue.storage.collection import Collection, Filter
from avenue.storage.connection import Document
from avenue.storage.records import MOST_MALFORMED, Malformed, faults_of
from avenue.storage.site_data import RENDITIONS, SITE_COLLECTIONS

HEAVY = frozenset({"data"})
"""Bytes, which are compared with their hashes elsewhere."""
TOLD_WITH_BYTES = frozenset({"bytes", "sha256", "made_at"})
"""The fields of renditions: one that lacks these is damaged, and is generated again."""
OTHER_TYPES = ("number", "object", "binData", "objectId", "bool", "date", "null")
"""Foreign types of ids: each of them is a range of the index."""


def malformed_after(
    records: Collection, last: str, limit: int
) -> tuple[str | None, list[Malformed]]:
    """Check up to `limit` records after the id `last`.

    Return the next id, None at the end, and the invalid ones. However large they are, at most 16 MB
    are in memory.
    """
    end, found = None, []
    for each in _batch(records, {"_id": {"$gt": last}}, limit):
        end = each["_id"]
        found.append(_checked(records.name, each))
    if end is None:  # ids of another type are not ours, and come after all others
        others = (_checked(records.name, each) for each in _with_other_ids(records, limit))
        found = list(itertools.islice(others, MOST_MALFORMED))
    return end, [each for each in found if each.fields]


def malformed(records: Collection, record: str) -> Malformed | None:
    """Check the record of an id; None if it is missing or valid."""
    ids = [record, *([ObjectId(record)] if ObjectId.is_valid(record) else [])]
    found = records.find_as_it_is({"_id": {"$in": ids}}, dict.fromkeys(HEAVY, 0))
    checked = _checked(records.name, found) if found else None
    return checked if checked and checked.fields else None


def _checked(collection: str, document: Document) -> Malformed:
    """Return a record with its invalid fields; a valid one has none."""
    fields = {each.field for each in faults_of(collection, document)} - HEAVY
    if collection == RENDITIONS:
        fields -= TOLD_WITH_BYTES
    if not document.get("versions"):  # checks report of such an asset that it names no file
        fields.discard("versions")
    site_id = document.get("site") if collection in SITE_COLLECTIONS else None
    return Malformed(
        collection=collection,
        id=str(document["_id"]),
        site=site_id if isinstance(site_id, str) else None,
        fields=tuple(sorted(fields)),
    )


def _batch(records: Collection, query: Filter, limit: int) -> Iterator[Document]:
    """Yield the first matching records, by id: as many as the server sends in one message."""

    def look() -> Any:
        with records.source.find_raw_batches(
            records.scoped(query),
            dict.fromkeys(HEAVY, 0),
            sort=[("_id", 1)],
            limit=limit,
            batch_size=limit,
        ) as batches:
            return next(batches, b"")

    found = records.database.repeat(look, records.database.read_seconds)
    return bson.decode_iter(found, records.source.codec_options)


def _with_other_ids(records: Collection, limit: int) -> Iterator[Document]:
    """Yield the records with ids that are no texts."""
    if not any(_batch(records, {"_id": {"$type": OTHER_TYPES}}, 1)):
        return  # nearly always: one query instead of one for each type
    for kind in OTHER_TYPES:
        ids: Document = {"$type": kind}
        while True:
            last = None
            for last in _batch(records, {"_id": ids}, limit):
                yield last
            if last is None:
                break
            ids = {"$type": kind, "$gt": last["_id"]}
