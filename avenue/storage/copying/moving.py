"""Copies all data of a site from one cluster to another, while people change it.

Everything is a document with a key. To copy a key is to make the target have what the source has of
it now: present, or absent. So keys may be copied in any order and any number of times, and the
change stream only has to say *which* keys have changed. Bytes are documents, too: chunks.

Each write is conditional, in the same transaction, on this mover still being the current one. A
mover that was stopped and continues after another one has taken over writes nothing.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bson import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import ReplaceOne
from pymongo.change_stream import ChangeStream
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, OperationFailure
from pymongo.read_concern import ReadConcern

from avenue.errors import Unavailable, required
from avenue.identity import new_id
from avenue.storage.batches import batches
from avenue.storage.collection import DUPLICATE_KEY
from avenue.storage.connection import META, Database, Document, unavailable_when_away
from avenue.storage.copying.move_guard import Guard
from avenue.storage.shard_keys import SHARD_KEYS
from avenue.storage.site_data import BUCKETS, RENDITIONS, SITE_COLLECTIONS

RAW = CodecOptions(document_class=RawBSONDocument)
SAFELY = ReadConcern("majority")
DOCUMENTS_AT_ONCE = 200
BYTES_AT_ONCE = 8 * 1024 * 1024
EVENTS_AT_ONCE = 2000
KEY: Document = {"_id": 1}
STREAM_WAIT_MS = 50
MOST_IN_THE_WAY = 1000
HISTORY_LOST = frozenset({136, 280, 286})
"""The server's error if a change stream cannot continue where it was."""
CHUNKS = ".chunks"
FILES = ".files"


class HistoryLost(Exception):
    """The source no longer has the changes since the records were copied."""


class NotTheSame(Unavailable):
    """The two clusters have different data of a site, and copying again did not help."""

    code = "move_not_the_same"
    message = "The copy does not match the site: {what}."
    hint = "Nothing was switched. The move retries automatically."


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A collection, and the condition for the site's documents in it."""

    name: str
    own: Document

    def by_key(self, document: Mapping[str, Any]) -> Document:
        """Return the condition for a document of this key, including its site."""
        whose = {name: document[name] for name in SHARD_KEYS[self.name] if name in document}
        return {"_id": document["_id"], **whose}

    @property
    def is_heavy(self) -> bool:
        """Whether its documents have bytes, which are compared by their number."""
        return self.name == RENDITIONS or self.name.endswith(CHUNKS)


@dataclass(slots=True)
class Keys:
    """Keys of documents by collection."""

    by_part: dict[str, set[Any]] = field(default_factory=dict)

    def add(self, name: str, keys: Iterable[Any]) -> None:
        """Add keys of one collection."""
        self.by_part.setdefault(name, set()).update(keys)

    def update(self, others: "Keys") -> None:
        """Add other keys."""
        for name, keys in others.by_part.items():
            self.add(name, keys)

    def __len__(self) -> int:
        return sum(map(len, self.by_part.values()))


class SiteCopy:
    """The data of a site on the cluster `source`, and its copy on `target`."""

    def __init__(self, source: Database, target: Database, site_id: str, guard: Guard) -> None:
        """`guard` is the target's."""
        self.source, self.target = source, target
        self._site, self._guard = site_id, guard
        ids = {"$gte": f"{site_id}/", "$lt": f"{site_id}0"}  # "0" follows "/"
        buckets = [
            part
            for bucket in BUCKETS
            for part in (
                Part(name=f"{bucket}{CHUNKS}", own={"files_id": ids}),
                Part(name=f"{bucket}{FILES}", own={"_id": ids}),
            )
        ]
        records = [Part(name=name, own={"site": site_id}) for name in sorted(SITE_COLLECTIONS)]
        self.parts = {each.name: each for each in (*buckets, *records)}
        self._mark = f"mark/{site_id}"

    def count(self) -> int:
        """Return the number of documents at the source."""
        found = 0
        for part in self.parts.values():
            count = partial(self.source.raw[part.name].count_documents, part.own)
            found += self.source.repeat(count, self.source.write_seconds)
        return found

    def differing(self, part: Part) -> Iterator[list[Any]]:
        """Yield the keys of documents that differ, in batches."""
        with self._reading() as session:
            for some in batches(_read(self.source, part, session=session), DOCUMENTS_AT_ONCE):
                keys = [each["_id"] for each in some]
                there = _by_key(_read(self.target, part, keys))
                yield [each["_id"] for each in some if there.get(each["_id"]) != bytes(each.raw)]
            for some in batches(_read(self.target, part, fields=KEY), DOCUMENTS_AT_ONCE):
                keys = [each["_id"] for each in some]
                there = _by_key(_read(self.source, part, keys, session=session, fields=KEY))
                yield [each for each in keys if each not in there]

    def bring(self, keys: Keys, beat: Callable[[], None] = lambda: None) -> None:
        """Copy the current state of these keys from the source to the target."""
        with self._reading() as session:
            self._bring(keys, session, beat)

    def differing_of(self, keys: Keys) -> Keys:
        """Return those of the keys whose documents differ."""
        found = Keys()
        with self._reading() as session:
            for name, some in keys.by_part.items():
                part = self.parts[name]
                for these in batches(sorted(some, key=repr), DOCUMENTS_AT_ONCE):
                    here = _by_key(_read(self.source, part, these, session=session))
                    there = _by_key(_read(self.target, part, these))
                    found.add(name, (key for key in these if here.get(key) != there.get(key)))
        return found

    @contextlib.contextmanager
    def _reading(self) -> Iterator[ClientSession]:
        """Give a session that reads nothing older than the current state, despite elections."""
        client, meta = self.source.client, self.source.raw[META]
        mark = {"_id": f"{self._mark}/read"}
        with unavailable_when_away(), client.start_session(causal_consistency=True) as session:
            meta.update_one(mark, {"$inc": {"times": 1}}, upsert=True, session=session)
            yield session

    def token(self) -> Mapping[str, Any]:
        """Return the token from which a change stream reports changes from now on."""
        with unavailable_when_away(), self._watch(None, None) as stream:
            stream.try_next()
            token = required(stream.resume_token, Unavailable)
            return dict(token)

    def _put_mark(self) -> str:
        """Write a mark at the source.

        A reader that sees it in the stream has seen all before it.
        """
        mark = f"{self._mark}/{new_id()}"
        meta = self.source.raw[META]
        self.source.repeat(lambda: meta.insert_one({"_id": mark}), self.source.write_seconds)
        return mark

    def forget_marks(self) -> None:
        """Delete all marks; repeatable."""
        meta = self.source.raw[META]
        marks = {"_id": {"$regex": f"^{self._mark}/"}}
        self.source.repeat(lambda: meta.delete_many(marks), self.source.write_seconds)

    def follow(
        self,
        token: Mapping[str, Any],
        save: Callable[[Mapping[str, Any]], None],
        *,
        seconds: float,
    ) -> tuple[Keys, bool]:
        """Copy what has changed from `token` until now; `save` the token after each round.

        Return the keys, and whether it took less than `seconds`; later changes are not waited for.
        Raise `HistoryLost`.
        """
        seen, ends_at = Keys(), time.monotonic() + seconds
        mark = self._put_mark()
        try:
            with (
                unavailable_when_away(),
                self.source.client.start_session(causal_consistency=True) as session,
                self._watch(token, session) as stream,
            ):
                while True:
                    changed, is_over = self._round(stream, mark)
                    self._bring(changed, session, lambda: None)
                    seen.update(changed)
                    is_late = time.monotonic() > ends_at
                    if stream.resume_token is not None and (changed or is_over or is_late):
                        save(dict(stream.resume_token))
                    if is_over or is_late:
                        return seen, is_over
        except OperationFailure as error:
            if error.code in HISTORY_LOST:
                raise HistoryLost from error
            raise

    def _watch(
        self, token: Mapping[str, Any] | None, session: ClientSession | None
    ) -> ChangeStream[Document]:
        pipeline: list[Document] = [
            {"$match": {"ns.coll": {"$in": [*self.parts, META]}}},
            {"$project": {"ns": 1, "documentKey": 1, **_SHOWN}},
        ]
        return self.source.raw.watch(
            pipeline,
            resume_after=token,
            session=session,
            max_await_time_ms=STREAM_WAIT_MS,
            batch_size=EVENTS_AT_ONCE,
        )

    def _round(self, stream: ChangeStream[Document], mark: str) -> tuple[Keys, bool]:
        """Return the keys of the next changes, and whether the mark was seen."""
        changed = Keys()
        for _ in range(EVENTS_AT_ONCE):
            event = stream.try_next()
            if event is None:
                return changed, False
            name = event.get("ns", {}).get("coll")
            key = event.get("documentKey", {}).get("_id")
            if name == META and key == mark:
                return changed, True
            if name in self.parts and key is not None and self._may_be_ours(event, name, key):
                changed.add(name, [key])
        return changed, False

    def _may_be_ours(self, event: Document, name: str, key: object) -> bool:
        """Return whether a change belongs to the site; for some the event does not say it."""
        if name.endswith(FILES):
            return isinstance(key, str) and key.startswith(f"{self._site}/")
        shown = event.get("fullDocument") or {}
        if name.endswith(CHUNKS):
            owner = shown.get("files_id")
            return owner is None or str(owner).startswith(f"{self._site}/")
        return shown.get("site") in {None, self._site}

    def _bring(self, keys: Keys, session: ClientSession, beat: Callable[[], None]) -> None:
        for name, some in keys.by_part.items():
            part, open_keys, times = self.parts[name], set(some), 0
            while open_keys:
                again: set[Any] = set()
                for these in batches(sorted(open_keys, key=repr), DOCUMENTS_AT_ONCE):
                    again |= self._bring_some(part, these, session)
                    beat()
                open_keys = again
                times += len(again)
                if times > MOST_IN_THE_WAY:
                    raise NotTheSame(words={"what": name})

    def _bring_some(self, part: Part, keys: Sequence[Any], session: ClientSession) -> set[Any]:
        """Copy some keys; return those that conflicted, to be copied again."""
        again: set[Any] = set()
        missing, documents, size = set(keys), [], 0
        for document in _read(self.source, part, keys, session=session, has_bytes=True):
            missing.discard(document["_id"])
            documents.append(document)
            size += len(document.raw)
            if size > BYTES_AT_ONCE:
                again |= self._write(part, [], documents)
                documents, size = [], 0
        return again | self._write(part, list(missing), documents)

    def _write(
        self, part: Part, gone: Sequence[Any], documents: Sequence[RawBSONDocument]
    ) -> set[Any]:
        """Delete and put documents at the target; return the keys of those that conflicted."""
        if not gone and not documents:
            return set()
        in_the_way: set[Any] = set()
        while True:
            try:
                self._put(part, [*gone, *in_the_way], documents)
            except BulkWriteError as error:
                other = self._other(part, error)
                if other is None:
                    raise
                if other in in_the_way:  # they were read at different times
                    return {each["_id"] for each in documents} | in_the_way
                in_the_way.add(other)
            else:
                return in_the_way

    def _put(self, part: Part, gone: Sequence[Any], documents: Sequence[RawBSONDocument]) -> None:
        collection = self.target.raw[part.name]
        puts: list[ReplaceOne[Document]] = [
            ReplaceOne(part.by_key(each), each, upsert=True) for each in documents
        ]

        def work(session: ClientSession) -> None:
            self._guard.check(session)
            if gone:
                keys = {**part.own, "_id": {"$in": list(gone)}}
                collection.delete_many(keys, session=session)
            if puts:
                collection.bulk_write(puts, bypass_document_validation=True, session=session)

        self.target.transaction(work)

    def _other(self, part: Part, error: BulkWriteError) -> Any:
        """Return the key of the target's document with the unique value of one of ours."""
        refused = (error.details or {}).get("writeErrors", ())
        for each in refused:
            if each.get("code") == DUPLICATE_KEY and each.get("keyValue"):
                query = {"$and": [part.own, dict(each["keyValue"])]}
                look = partial(self.target.raw[part.name].find_one, query, {"_id": 1})
                found = self.target.repeat(look, self.target.read_seconds)
                return found["_id"] if found else None
        return None


_SHOWN = {"fullDocument.site": 1, "fullDocument.files_id": 1}


def _read(
    database: Database,
    part: Part,
    keys: Sequence[Any] | None = None,
    *,
    session: ClientSession | None = None,
    fields: Document | None = None,
    has_bytes: bool = False,
) -> Iterator[RawBSONDocument]:
    """Yield documents, of some `keys` or with some `fields` if given.

    Unless `has_bytes`, bytes are their number, which is enough to compare them.
    """
    collection = database.raw[part.name].with_options(codec_options=RAW, read_concern=SAFELY)
    query = part.own if keys is None else {"$and": [part.own, {"_id": {"$in": list(keys)}}]}
    if fields or has_bytes or not part.is_heavy:
        # With bytes the server sends 16 MB at once, however many documents that is.
        yield from collection.find(query, fields, batch_size=DOCUMENTS_AT_ONCE, session=session)
        return
    is_bytes = {"$eq": [{"$type": "$data"}, "binData"]}
    size = {"$cond": [is_bytes, {"$binarySize": "$data"}, {"$type": "$data"}]}
    yield from collection.aggregate(
        [{"$match": query}, {"$set": {"data": size}}],
        batchSize=DOCUMENTS_AT_ONCE,
        session=session,
    )


def _by_key(documents: Iterable[RawBSONDocument]) -> dict[Any, bytes]:
    return {each["_id"]: bytes(each.raw) for each in documents}
