"""Operations on one collection within a scope; features get collections from `storage.scope`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import bson
from pymongo import ReplaceOne, ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection as MongoCollection
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.results import DeleteResult

from avenue.errors import MalformedRecord
from avenue.storage.connection import Database, Document
from avenue.storage.records import MOST_MALFORMED, check, left_out, read
from avenue.storage.refusing import insert_for
from avenue.storage.site_data import SITE_COLLECTIONS
from avenue.totals import MOST_COUNTED

T = TypeVar("T")
Session = ClientSession
"""A transaction, for callers that only pass it on."""
Filter = Mapping[str, Any]
Change = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Sort = Sequence[tuple[str, int]]

DUPLICATE_KEY = 11000
_BESIDE = "beside"
"""The field in which `find_with` gets the other collection's document; no record has it."""
MOST_LOGGED = 10
"""How many skipped records of a list are logged."""


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
        return replace(self, session=session)

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
        if found is not None and not projection:
            check(self.name, found)
        return found

    def value(
        self, reader: Callable[[Document], T], query: Filter, projection: Filter | None = None
    ) -> T | None:
        """Return the result of `reader` for the document that `find_one` returns, or None."""
        found = self.find_one(query, projection)
        return reader(found) if found else None

    def find_as_it_is(self, query: Filter, projection: Filter | None = None) -> Document | None:
        """Return the matching document, valid or not, or None."""
        return self._read(
            lambda: self.source.find_one(self.scoped(query), projection, session=self.session)
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
                    self.scoped(query), projection, sort=sort, limit=limit, session=self.session
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
                self.scoped(query), projection, sort=sort, limit=most, session=self.session
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

    def wait_until_kept(self, query: Filter) -> None:
        """Return once a majority of the members has the matching document; raise `Unavailable`."""
        self.database.wait_for_majority(self.source, self.scoped(query))

    def aggregate(self, pipeline: Sequence[Filter]) -> list[Document]:
        """Return the result of `pipeline` for this scope's documents."""
        own = self.scoped({})
        stages: list[Filter] = [{"$match": own}] if own else []
        return self._read(
            lambda: list(self.source.aggregate([*stages, *pipeline], session=self.session))
        )

    def find_with(
        self, query: Filter, name: str, other: Filter
    ) -> tuple[Document | None, Document | None]:
        """Return a document that matches, and one of collection `name` that matches `other`.

        Both are read by one command and not checked; without the first, both are None.
        """
        theirs: list[Filter] = [{"$match": self.scoped(other)}, {"$limit": 1}]
        stages: list[Filter] = [
            {"$match": self.scoped(query)},
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
            lambda: self.source.count_documents(self.scoped(query), session=self.session, **bound)
        )

    def total(self, query: Filter, sort: Sort | None = None, most: int | None = None) -> int | None:
        """Return the number of matching documents, None above `most`, or above `MOST_COUNTED`.

        With `sort` they are counted in this order unless a condition needs another index: otherwise
        the server may use one that has many keys for each document.
        """
        most = MOST_COUNTED if most is None else most
        stages: list[Filter] = [{"$match": self.scoped(query)}]
        if sort is not None and not query:
            stages.append({"$sort": dict(sort)})
        stages += [{"$limit": most + 1}, {"$count": "total"}]
        found = self._read(lambda: list(self.source.aggregate(stages, session=self.session)))
        total = int(found[0]["total"]) if found else 0
        return total if total <= most else None

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
            self.wait_until_kept({"_id": ids[-1]})

    def update_all(self, changes: Sequence[tuple[Filter, Change]]) -> int:
        """Change one document for each (query, change); return how many matched in total."""
        updates = [UpdateOne(self.scoped(query), change) for query, change in changes]
        return self._write(
            lambda: self.source.bulk_write(updates, ordered=False, session=self.session)
        ).matched_count

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
        return self._change(
            lambda: self.source.update_one(
                self.scoped(query), change, upsert=upsert, session=self.session
            ),
            upsert=upsert,
        ).matched_count

    def find_and_update(
        self, query: Filter, change: Change, *, upsert: bool = False, sort: Sort | None = None
    ) -> Document | None:
        """Change one document and return its new state, or None.

        Raise `MalformedRecord` if it cannot be read then.
        """
        found = self._change(
            lambda: self.source.find_one_and_update(
                self.scoped(query),
                change,
                upsert=upsert,
                sort=sort,
                return_document=ReturnDocument.AFTER,
                session=self.session,
            ),
            upsert=upsert,
        )
        if found is not None:
            check(self.name, found)
        return found

    def delete(self, query: Filter) -> int:
        """Delete one document; return how many were deleted (a retry may say 0)."""
        scoped = self.scoped(query)
        return self._deleting(lambda each: self.source.delete_one(scoped, session=each))

    def delete_all(self, query: Filter) -> int:
        """Delete every document that matches; repeatable."""
        scoped = self.scoped(query)
        return self._deleting(lambda each: self.source.delete_many(scoped, session=each))

    def _deleting(self, operation: "Callable[[ClientSession | None], DeleteResult]") -> int:
        """Delete documents, those of a site only on its cluster; return how many were deleted.

        The server refuses insertions on a cluster that the site has left, but no deletions. So, if
        sites can move, each deletion includes an insertion in the same transaction.
        """
        if "site" not in self.fixed or not self.database.home.clusters:
            return int(self._write(lambda: operation(self.session)).deleted_count)

        def delete(inside: "Collection") -> int:
            insert_for(self.database, self.fixed["site"], inside.session)
            return int(operation(inside.session).deleted_count)

        return self.transaction(delete)

    def _is_stored(self, document: Document) -> bool:
        """Return whether exactly this document is stored, and wait until a majority has it.

        Compared as BSON: stored values have lists for tuples and whole milliseconds.
        """
        found = self.find_as_it_is({"_id": document["_id"]})
        if found is None or bson.encode(found) != bson.encode(document):
            return False
        self.wait_until_kept({"_id": document["_id"]})
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

    def scoped(self, query: Filter) -> Document:
        """Return `query`, restricted to this scope.

        Records of sites on another cluster are left out. Work on one site is refused by the server,
        if necessary.
        """
        scoped = {**query, **self.fixed}
        if "site" in self.fixed or self.name not in SITE_COLLECTIONS:
            return scoped
        left = self.database.home.directory.not_of(self.database.cluster)
        return {"$and": [scoped, {"site": {"$nin": left}}]} if left else scoped

    def _read(self, operation: Callable[[], T]) -> T:
        if self.session is not None:
            return operation()
        return self.database.repeat(operation, self.database.read_seconds)

    def _write(self, operation: Callable[[], T]) -> T:
        if self.session is not None:
            return operation()
        return self.database.repeat(operation, self.database.write_seconds)


def _fields_of(details: Filter | None) -> frozenset[str]:
    """Return the fields of the unique index that refused something, without `site`."""
    return frozenset((details or {}).get("keyPattern", {})) - {"site"}


def _only_duplicates(error: BulkWriteError) -> bool:
    details = error.details or {}
    codes = {each.get("code") for each in details.get("writeErrors", ())}
    return codes == {DUPLICATE_KEY} and not details.get("writeConcernErrors")
