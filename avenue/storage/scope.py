"""Access to collections: `site(site)` for features, `deployment()` for the whole deployment.

The site handle adds `site` to every filter, every new document and every pipeline, so a query that
forgot it cannot be written. The callers of `deployment()` are listed in a test.
"""

import itertools
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import bson
from bson import ObjectId
from pymongo import ReplaceOne, ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection as MongoCollection
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.results import DeleteResult

from avenue.errors import MalformedRecord
from avenue.identity import new_id
from avenue.storage.clusters import database_of_site
from avenue.storage.connection import QUICK, Database, Document
from avenue.storage.gridfs import Files
from avenue.storage.mending import Mender
from avenue.storage.records import (
    MOST_MALFORMED,
    Malformed,
    check,
    faults_of,
    left_out,
    read,
)
from avenue.storage.survey import Survey
from avenue.totals import MOST_COUNTED

MOST_WORDS_COUNTED = 5
"""The words of a search that are counted: the longest, which tend to be the rarest."""
T = TypeVar("T")
Session = ClientSession
"""A transaction, for callers that only pass it on."""
Filter = Mapping[str, Any]
Change = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Sort = Sequence[tuple[str, int]]

SITE_COLLECTIONS = frozenset(
    {
        "adopted",
        "assets",
        "renditions",
        "shop_products",
        "shop_products_trashed",
        "shop_products_grouped",
        "page_content",
        "page_history",
        "writes",
        "findings",
        "inspections",
        "audit_logs",
        "legacy_urls",
        "move_reports",
        "link_keys",
        "shop_imports",
        "shop_import_rows",
        "shop_samples",
        "shop_picture_imports",
        "shop_picture_import_files",
        "tus_uploads",
        "upload_tickets",
        "media_folders",
        "quotas",
        "site_counts",
        "site_profiles",
        "notifications",
    }
)
DUPLICATE_KEY = 11000
EVERYTHING: Filter = {}
HEAVY = frozenset({"data"})
"""Bytes, which are compared with their hashes elsewhere."""
_BESIDE = "beside"
"""Where in a document that of another collection comes along; no record has such a field."""
RENDITIONS = "renditions"
TOLD_WITH_BYTES = frozenset({"bytes", "sha256", "made_at"})
"""The fields of renditions: one that lacks these is damaged, and is generated again."""
OTHER_TYPES = ("number", "object", "binData", "objectId", "bool", "date", "null")
"""Foreign types of ids: each of them is a range of the index."""
MOST_LOGGED = 10
"""How many skipped records of a list are logged."""
BUCKETS = ("product_images", "builder_media", "uploads")
PLEDGES = "site_counts"
"""The collection for the insertion in the same transaction. See `Collection._deleting`."""


class AlreadyThere(Exception):
    """A unique index refused a document; `fields` are the index's, without `site`."""

    def __init__(self, fields: frozenset[str]) -> None:
        self.fields = fields
        super().__init__(", ".join(sorted(fields)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One collection seen through a scope: every operation is retried inside its deadline.

    `fixed` is what the scope adds to each filter and document. With a `session` the operations
    belong to its transaction, which does the retrying.
    """

    database: Database
    source: MongoCollection[Document]
    fixed: Filter
    session: ClientSession | None = None

    def within(self, session: ClientSession) -> "Collection":
        """Return this collection inside a transaction."""
        return Collection(
            database=self.database, source=self.source, fixed=self.fixed, session=session
        )

    def beside(self, name: str) -> "Collection":
        """Return another collection in the same scope and transaction."""
        if (name in SITE_COLLECTIONS) is not (self.name in SITE_COLLECTIONS):
            raise ValueError(f"{name} does not lie where {self.name} does")
        return replace(self, source=self.database.raw[name])

    @property
    def name(self) -> str:
        """Its name."""
        return self.source.name

    def transaction(self, work: "Callable[[Collection], T]") -> T:
        """Run `work` with this collection in its open transaction, or in a new one."""
        if self.session is not None:
            return work(self)
        return self.database.transaction(lambda session: work(self.within(session)))

    def find_one(self, query: Filter, projection: Filter | None = None) -> Document | None:
        """Return the matching document, or None; a whole one must be valid.

        Raise `MalformedRecord`.
        """
        found = self.find_as_it_is(query, projection)
        return found if projection else self._checked(found)

    def value(
        self, reader: Callable[[Document], T], query: Filter, projection: Filter | None = None
    ) -> T | None:
        """Return the result of `reader` for the document that `find_one` returns, or None."""
        found = self.find_one(query, projection)
        return reader(found) if found else None

    def find_as_it_is(self, query: Filter, projection: Filter | None = None) -> Document | None:
        """Return the matching document, valid or not, or None."""
        return self._read(
            lambda: self.source.find_one(self._scoped(query), projection, session=self.session)
        )

    def find(
        self,
        query: Filter,
        projection: Filter | None = None,
        *,
        sort: Sort | None = None,
        limit: int = 0,
    ) -> list[Document]:
        """Return the matching documents, valid or not; `limit` or the query bounds them."""
        return self._read(
            lambda: list(
                self.source.find(
                    self._scoped(query), projection, sort=sort, limit=limit, session=self.session
                )
            )
        )

    def values(
        self,
        reader: Callable[[Document], T],
        query: Filter,
        projection: Filter | None = None,
        *,
        sort: Sort | None = None,
        limit: int = 0,
    ) -> list[T]:
        """Return the results of `reader` for the matching documents.

        Unreadable ones are skipped, and replaced by the next ones: a page that is not full is the
        last one. If more than 10,000 cannot be read, it is the last one, too.
        """

        def look(most: int) -> tuple[list[T], list[MalformedRecord]]:
            made: list[T] = []
            malformed: list[MalformedRecord] = []
            with self.source.find(
                self._scoped(query), projection, sort=sort, limit=most, session=self.session
            ) as found:
                for each in found:
                    try:
                        made.append(read(self.name, reader, each, is_part=projection is not None))
                    except MalformedRecord as error:
                        malformed.append(error)
                    if len(made) == limit > 0:
                        break
            return made, malformed

        made, malformed = self._read(lambda: look(limit))
        if malformed and len(made) + len(malformed) == limit:
            made, malformed = self._read(lambda: look(limit + MOST_MALFORMED))
        for each in malformed[:MOST_LOGGED]:
            left_out(each)
        return made

    def malformed_after(
        self, last: str, limit: int, query: Filter = EVERYTHING
    ) -> tuple[str | None, list[Malformed]]:
        """Check up to `limit` matching documents after the id `last`.

        Return the next id, None at the end, and the invalid ones. However large they are, at most
        16 MB are in memory.
        """
        end, found = None, []
        for each in self._batch({**query, "_id": {"$gt": last}}, limit):
            end = each["_id"]
            found.append(self._malformed(each))
        if end is None:  # ids of another type are not ours, and come after all others
            others = map(self._malformed, self._with_other_ids(query, limit))
            found = list(itertools.islice(others, MOST_MALFORMED))
        return end, [each for each in found if each.fields]

    def malformed(self, record: str) -> Malformed | None:
        """Check the document of an id; None if it is missing or valid."""
        ids = [record, *([ObjectId(record)] if ObjectId.is_valid(record) else [])]
        found = self.find_as_it_is({"_id": {"$in": ids}}, dict.fromkeys(HEAVY, 0))
        judged = self._malformed(found) if found else None
        return judged if judged and judged.fields else None

    def wait_until_kept(self, query: Filter) -> None:
        """Return once a majority of the members has the matching document; raise `Unavailable`."""
        self.database.wait_for_majority(self.source, self._scoped(query))

    def aggregate(self, pipeline: Sequence[Filter]) -> list[Document]:
        """Return the result of `pipeline` for this scope's documents."""
        own = self._scoped(EVERYTHING)
        stages: list[Filter] = [{"$match": own}] if own else []
        return self._read(
            lambda: list(self.source.aggregate([*stages, *pipeline], session=self.session))
        )

    def find_with(
        self, query: Filter, name: str, other: Filter
    ) -> tuple[Document | None, Document | None]:
        """Return the document that matches, and the one of collection `name` that `other` is for.

        By one command, whatever they are; without the first there is no second.
        """
        theirs: list[Filter] = [{"$match": self._scoped(other)}, {"$limit": 1}]
        stages: list[Filter] = [
            {"$match": self._scoped(query)},
            {"$limit": 1},
            {"$lookup": {"from": self.beside(name).name, "pipeline": theirs, "as": _BESIDE}},
        ]
        found = self._read(lambda: list(self.source.aggregate(stages, session=self.session)))
        if not found:
            return None, None
        others = found[0].pop(_BESIDE)
        return found[0], others[0] if others else None

    def count(self, query: Filter, *, most: int | None = None) -> int:
        """Return the number of matching documents; at most `most` are counted."""
        bound = {} if most is None else {"limit": most}
        return self._read(
            lambda: self.source.count_documents(self._scoped(query), session=self.session, **bound)
        )

    def total(self, query: Filter, sort: Sort | None = None, most: int | None = None) -> int | None:
        """Return the number of matching documents, None above `most`, or above `MOST_COUNTED`.

        With `sort` they are counted in this order unless a condition needs another index: otherwise
        the server may use one that has many keys for each document.
        """
        most = MOST_COUNTED if most is None else most
        stages: list[Filter] = [{"$match": self._scoped(query)}]
        if sort is not None and not query:
            stages.append({"$sort": dict(sort)})
        stages += [{"$limit": most + 1}, {"$count": "total"}]
        found = self._read(lambda: list(self.source.aggregate(stages, session=self.session)))
        total = int(found[0]["total"]) if found else 0
        return total if total <= most else None

    def having_words(self, words: Sequence[str], within: Filter | None = None) -> list[Filter]:
        """Return the conditions for documents that contain each of `words`, as beginnings of words.

        The server uses the index for one of the words and reads the documents for the others,
        without knowing which word is rare. So the words are counted in the index, and all but the
        rarest are written such that no index can be used for them. `within` has the conditions on
        the fields before `words` in the index. If each word is in more than `MOST_COUNTED`
        documents, the server chooses.
        """
        conditions: list[Filter] = [{"words": {"$regex": f"^{re.escape(word)}"}} for word in words]
        if len(words) <= 1:
            return conditions
        longest = sorted(range(len(words)), key=lambda each: -len(words[each]))[:MOST_WORDS_COUNTED]
        totals = {each: self.total({**(within or {}), **conditions[each]}) for each in longest}
        known = {each: total for each, total in totals.items() if total is not None}
        if not known:
            return conditions
        rarest = min(known, key=lambda each: known[each])
        others = [_has_word(word) for number, word in enumerate(words) if number != rarest]
        return [conditions[rarest], *others]

    def insert(self, document: Document) -> None:
        """Insert `document`, repeatably; raise `AlreadyThere` if a unique index refuses it.

        A retry after a lost answer finds its own document and succeeds, once a majority has it.
        """
        scoped = {**document, **self.fixed}
        try:
            self._write(lambda: self.source.insert_one(scoped, session=self.session))
        except DuplicateKeyError as error:
            if self.session is None and self._is_stored(scoped):
                return
            raise AlreadyThere(_fields_of(error.details)) from None

    def insert_all(self, documents: Sequence[Document]) -> None:
        """Insert documents, repeatably: an existing `_id` is not changed.

        Raise `AlreadyThere` if another unique index refuses one, or the document of that `_id`
        belongs to another site; in a transaction, any.
        """
        scoped = [{**each, **self.fixed} for each in documents]
        try:
            self._write(
                lambda: self.source.insert_many(
                    scoped, ordered=self.session is not None, session=self.session
                )
            )
        except BulkWriteError as error:
            refused = (error.details or {}).get("writeErrors", [])
            if any(each["code"] != DUPLICATE_KEY for each in refused):
                raise
            there = next((each for each in refused if _fields_of(each) != {"_id"}), refused[0])
            ids = [each["_id"] for each in scoped]
            is_ours = self.session is None and self.count({"_id": {"$in": ids}}) == len(ids)
            if not is_ours or _fields_of(there) != {"_id"}:
                raise AlreadyThere(_fields_of(there)) from None
            self.database.wait_for_majority(self.source, self._scoped({"_id": ids[-1]}))

    def update_all(self, changes: Sequence[tuple[Filter, Change]]) -> int:
        """Change one document for each (query, change); return how many matched in total."""
        updates = [UpdateOne(self._scoped(query), change) for query, change in changes]
        result = self._write(
            lambda: self.source.bulk_write(updates, ordered=False, session=self.session)
        )
        return result.matched_count

    def insert_at_server_time(self, document: Document, times: Filter) -> None:
        """Insert `document` with fields computed by the server (`$$NOW`), repeatably.

        An existing document of that `_id` is not changed; `created_at` shows it.
        """
        fresh = {"$mergeObjects": [{"$literal": {**document, **self.fixed}}, times]}
        is_new = {"$eq": [{"$type": "$created_at"}, "missing"]}
        stage = {"$replaceWith": {"$cond": [is_new, fresh, "$$ROOT"]}}
        self.update({"_id": document["_id"]}, [stage], upsert=True)

    def put_all(self, documents: Sequence[Document]) -> None:
        """Store `documents` under their `_id`s, replacing existing ones; repeatable, in no order.

        Raise `AlreadyThere` if a document of such an `_id` belongs to another site.
        """
        if not documents:
            return
        puts = [
            ReplaceOne({"_id": each["_id"], **self.fixed}, {**each, **self.fixed}, upsert=True)
            for each in documents
        ]
        tries = 2  # another process may have inserted one of them first: then it exists
        while True:
            tries -= 1
            try:
                self._write(
                    lambda: self.source.bulk_write(puts, ordered=False, session=self.session)
                )
            except BulkWriteError as error:
                if not _only_duplicates(error):
                    raise
                if not tries:
                    raise AlreadyThere(frozenset({"_id"})) from None
            else:
                return

    def update(self, query: Filter, change: Change, *, upsert: bool = False) -> int:
        """Change one document; return how many matched (0 or 1). `change` must be repeatable."""
        result = self._change(
            lambda: self.source.update_one(
                self._scoped(query), change, upsert=upsert, session=self.session
            ),
            upsert=upsert,
        )
        return result.matched_count

    def find_and_update(
        self, query: Filter, change: Change, *, upsert: bool = False, sort: Sort | None = None
    ) -> Document | None:
        """Change one document and return its new state, or None.

        Raise `MalformedRecord` if it cannot be read then.
        """
        found = self._change(
            lambda: self.source.find_one_and_update(
                self._scoped(query),
                change,
                upsert=upsert,
                sort=sort,
                return_document=ReturnDocument.AFTER,
                session=self.session,
            ),
            upsert=upsert,
        )
        return self._checked(found)

    def delete(self, query: Filter) -> int:
        """Delete one document; return how many were deleted (a retry may say 0)."""
        scoped = self._scoped(query)
        return self._deleting(lambda each: self.source.delete_one(scoped, session=each))

    def delete_all(self, query: Filter) -> int:
        """Delete every document that matches; repeatable."""
        scoped = self._scoped(query)
        return self._deleting(lambda each: self.source.delete_many(scoped, session=each))

    def _deleting(self, operation: "Callable[[ClientSession | None], DeleteResult]") -> int:
        """Delete documents, those of a site only on its cluster; return how many were deleted.

        The server refuses insertions on a cluster that the site has left, but no deletions. So, if
        sites can move, each deletion includes an insertion in the same transaction.
        """
        if "site" not in self.fixed or not self.database.home.clusters:
            return int(self._write(lambda: operation(self.session)).deleted_count)

        def delete(inside: "Collection") -> int:
            pledge = {"_id": new_id(), **self.fixed}
            pledges = inside.database.raw[PLEDGES]
            pledges.insert_one(pledge, session=inside.session)
            pledges.delete_one(dict(pledge), session=inside.session)
            return int(operation(inside.session).deleted_count)

        return self.transaction(delete)

    def _checked(self, found: Document | None) -> Document | None:
        if found is not None:
            check(self.name, found)
        return found

    def _malformed(self, document: Document) -> Malformed:
        fields = {each.field for each in faults_of(self.name, document)} - HEAVY
        if self.name == RENDITIONS:
            fields -= TOLD_WITH_BYTES
        if not document.get("versions"):  # checks report of such an asset that it names no file
            fields.discard("versions")
        site_id = document.get("site") if self.name in SITE_COLLECTIONS else None
        return Malformed(
            collection=self.name,
            id=str(document["_id"]),
            site=site_id if isinstance(site_id, str) else None,
            fields=tuple(sorted(fields)),
        )

    def _batch(self, query: Filter, limit: int) -> Iterator[Document]:
        """Yield the first matching documents, by id: as many as the server sends in one message."""

        def look() -> Any:
            with self.source.find_raw_batches(
                self._scoped(query),
                dict.fromkeys(HEAVY, 0),
                sort=[("_id", 1)],
                limit=limit,
                batch_size=limit,
                session=self.session,
            ) as batches:
                return next(batches, b"")

        return bson.decode_iter(self._read(look), self.source.codec_options)

    def _with_other_ids(self, query: Filter, limit: int) -> Iterator[Document]:
        """Yield the documents that match and have ids that are no texts."""
        if not any(self._batch({**query, "_id": {"$type": OTHER_TYPES}}, 1)):
            return  # nearly always: one query instead of one for each type
        for kind in OTHER_TYPES:
            ids: Document = {"$type": kind}
            while True:
                last = None
                for last in self._batch({**query, "_id": ids}, limit):
                    yield last
                if last is None:
                    break
                ids = {"$type": kind, "$gt": last["_id"]}

    def _is_stored(self, document: Document) -> bool:
        """Return whether exactly this document is stored, and wait until a majority has it.

        Compared as BSON: stored values have lists for tuples and whole milliseconds.
        """
        by_id = {"_id": document["_id"]}
        found = self.find_as_it_is(by_id)
        if found is None or bson.encode(found) != bson.encode(document):
            return False
        self.database.wait_for_majority(self.source, self._scoped(by_id))
        return True

    def _change(self, operation: Callable[[], T], *, upsert: bool) -> T:
        """Run `operation`, again if another upsert was first: then its document is found.

        The server itself retries only if the filter is on `_id` only.
        """
        tries = 2 if upsert and self.session is None else 1
        while True:
            tries -= 1
            try:
                return self._write(operation)
            except DuplicateKeyError as error:
                fields = _fields_of(error.details)
                if not tries or fields != {"_id"}:
                    raise AlreadyThere(fields) from None

    def _scoped(self, query: Filter) -> Document:
        scoped = {**query, **self.fixed}
        others = self._others()
        return {"$and": [scoped, others]} if others else scoped

    def _others(self) -> Document:
        """Return the condition that leaves out records of sites that are on another cluster.

        Work on one site is refused by the server, if necessary.
        """
        if "site" in self.fixed or self.name not in SITE_COLLECTIONS:
            return {}
        left = self.database.home.directory.not_of(self.database.cluster)
        return {"site": {"$nin": left}} if left else {}

    def _read(self, operation: Callable[[], T]) -> T:
        if self.session is not None:
            return operation()
        return self.database.repeat(operation, self.database.read_seconds)

    def _write(self, operation: Callable[[], T]) -> T:
        if self.session is not None:
            return operation()
        return self.database.repeat(operation, self.database.write_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteScope:
    """Access to the data of one site only."""

    database: Database
    site: str

    def collection(self, name: str) -> Collection:
        """Return a site collection; all its documents have this site."""
        if name not in SITE_COLLECTIONS:
            raise ValueError(f"{name} is not a collection of sites")
        return Collection(
            database=self.database, source=self.database.raw[name], fixed={"site": self.site}
        )

    def quick_collection(self, name: str) -> Collection:
        """Return a site collection for data that can be generated again: writes do not wait."""
        return _quick(self.collection(name))

    def anew(self, name: str, ids: Sequence[str], write: Callable[[], T]) -> T:
        """Return the result of `write` for records that can be generated again, with these `ids`.

        One of them without this site would conflict, and is deleted.
        """
        try:
            return write()
        except AlreadyThere:
            strays = Collection(database=self.database, source=self.database.raw[name], fixed={})
            strays.delete_all({"_id": {"$in": list(ids)}, "site": {"$ne": self.site}})
            return write()

    def files(self, bucket: str) -> Files:
        """Return the GridFS bucket, restricted to ids that begin with this site."""
        return Files(self.database, bucket, prefix=self._prefix_in(bucket))

    def survey(self, bucket: str) -> Survey:
        """Return the statistics of a bucket's files without reading them."""
        return Survey(self.database, bucket, prefix=self._prefix_in(bucket))

    def mender(self, bucket: str) -> Mender:
        """Return the service that repairs a bucket's files."""
        return Mender(self.database, bucket, prefix=self._prefix_in(bucket))

    def _prefix_in(self, bucket: str) -> str:
        if bucket not in BUCKETS:
            raise ValueError(f"{bucket} is not a bucket")
        return f"{self.site}/"

    def transaction(self, work: Callable[[ClientSession], T]) -> T:
        """Run `work` in one transaction; see `Database.transaction`."""
        return self.database.transaction(work)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentScope:
    """Access to the data of all sites: sign-in, sweeper, jobs, ops and migration only."""

    database: Database

    def collection(self, name: str) -> Collection:
        """Return a collection, unscoped; for collections of sites, those on this cluster."""
        self.database.home.instance.begin()
        return Collection(database=self.database, source=self.database.raw[name], fixed={})

    def quick_collection(self, name: str) -> Collection:
        """Return a collection of counters that may be lost: writes do not wait."""
        return _quick(Collection(database=self.database, source=self.database.raw[name], fixed={}))

    def files(self, bucket: str) -> Files:
        """Return the GridFS bucket with ids as they are stored (`<site>/<id>`)."""
        self.database.home.instance.begin()
        return Files(self.database, bucket, prefix="")


def _quick(collection: Collection) -> Collection:
    return replace(collection, source=collection.source.with_options(write_concern=QUICK))


def in_many(words: Sequence[str]) -> list[Filter]:
    """Return the conditions of `having_words` such that no index is used for them.

    For a page of a list of more than `MOST_COUNTED`: in its own order the next ones are soon found,
    while an index for words would be read to its end, to be sorted.
    """
    return [_has_word(word) for word in words]


def _has_word(word: str) -> Filter:
    """Return the condition for a document with a word that begins so, which no index answers."""
    texts = {"$cond": [{"$isArray": "$words"}, "$words", []]}
    # With a comparison, because a text search in another type would be an error.
    begins_so = [
        {"$gte": ["$$this", {"$literal": word}]},
        {"$lt": ["$$this", {"$literal": f"{word}{chr(sys.maxunicode)}"}]},
    ]
    found = {"$map": {"input": texts, "in": {"$and": begins_so}}}
    return {"$expr": {"$anyElementTrue": [found]}}


def _fields_of(details: Filter | None) -> frozenset[str]:
    """Return the fields of the unique index that refused something, without `site`."""
    return frozenset((details or {}).get("keyPattern", {})) - {"site"}


def _only_duplicates(error: BulkWriteError) -> bool:
    details = error.details or {}
    codes = {each.get("code") for each in details.get("writeErrors", ())}
    return codes == {DUPLICATE_KEY} and not details.get("writeConcernErrors")


def site(database: Database, site_id: str) -> SiteScope:
    """Return the handle for feature stores, the only place that chooses the database of a site.

    Raises as `database_of_site`.
    """
    return SiteScope(database=database_of_site(database, site_id), site=site_id)


class SiteRecords:
    """Stored records of one site at a time; every method takes the id of the site."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _records(self, site_id: str, collection: str) -> Collection:
        return site(self._database, site_id).collection(collection)


def of_its_site(collection: Collection, found: Document) -> Collection:
    """Return a collection of all sites in the scope of the site of this record.

    Raise `MalformedRecord` for a record without a site.
    """
    site_id = found.get("site")
    if not isinstance(site_id, str):
        raise MalformedRecord(collection.name, found["_id"], "site")
    scope = SiteScope(database=collection.database, site=site_id)  # where the record is
    return scope.collection(collection.name)


def next_of_sites(
    collection: Collection, query: Filter, sort: Sort
) -> tuple[Collection, object] | None:
    """Return the id of the first matching record of any site, and its site's collection.

    The following change then names its site. Raise `MalformedRecord` for a record without a site.
    """
    for found in collection.find(query, {"site": 1}, sort=sort, limit=1):
        return of_its_site(collection, found), found["_id"]
    return None


def deployment(database: Database) -> DeploymentScope:
    """Return the handle for all sites; its callers are listed in a test."""
    return DeploymentScope(database=database)
