"""Writes a backup into an empty database, and neutralises what must not continue.

Order: files with their chunks, records, changes of expiry and delivery, indexes, TTL indexes last,
and the marker that makes the database ours. Until then it is refused (`HalfRestored`); the same
restore, started again, resumes. With several clusters each of them has to be empty, and all become
ours together.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import bson
from bson import Binary, ObjectId, json_util
from bson.raw_bson import RawBSONDocument
from pymongo import IndexModel
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern

from avenue.errors import Conflict
from avenue.storage.batches import batches
from avenue.storage.chunks import CHUNK_BYTES
from avenue.storage.clusters import CLUSTER
from avenue.storage.connection import MARKER, META, QUICK, Database, Document, unavailable_when_away
from avenue.storage.copying.reading import (
    CHUNKS,
    FILES,
    LEFT_OUT,
    documents_in,
)
from avenue.storage.copying.renaming import SITES, Renaming, Wanted
from avenue.storage.copying.settling import settle
from avenue.storage.indexes import EXPIRY, INDEXES, create_indexes
from avenue.storage.schema import (
    OUR_COLLECTIONS,
    RESTORE,
    Standing,
    is_half_restored,
    look,
    mark_restored,
    migrate,
)
from avenue.storage.site_data import BUCKETS

BATCH_BYTES = 8 * 1024 * 1024
BATCH_RECORDS = 1000
BATCH_FILES = 200
NOT_RESTORED = LEFT_OUT | {META, "tus_uploads"}
"""Collections that are not restored: bytes of resumable uploads are not backed up."""


class NotEmpty(Conflict):
    """The database is not empty."""

    code = "database_not_empty"
    message = (
        "The database {database} on the cluster {cluster} is not empty, so nothing was restored."
    )
    hint = (
        "In MONGODB_URI and in each AVENUE_CLUSTER_<NAME>, use the name of a database that "
        "does not exist yet."
    )


class NotThoseBytes(Exception):
    """The bytes that were read are not those of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileToPut:
    """A file document, and the source of its bytes; it may raise `NotThoseBytes` at its end.

    Then the file has no bytes, as one that is known to be damaged.
    """

    document: Document
    pieces: Callable[[], Iterator[bytes]]


class Destination:
    """An empty database that a backup, or a part of it, is written to."""

    def __init__(self, database: Database, renaming: Renaming) -> None:
        self._database = database
        self._raw = database.raw
        self._renaming = renaming
        self.goes_on = False
        """Whether an earlier run of the same restore has started here."""

    def check(self) -> None:
        """Raise `NotEmpty` unless the database is empty, or a restore has started here."""
        with unavailable_when_away():
            if is_half_restored(self._database):
                return
            is_empty = look(self._database) is Standing.EMPTY
            names = set(self._raw.list_collection_names()) - {META}
            taken = [each for each in names if self._raw[each].find_one({}, {"_id": 1})]
            if not is_empty or taken:
                raise NotEmpty(database=self._raw.name, cluster=self._database.cluster)

    def begin(self, order: Mapping[str, Any]) -> None:
        """Start or resume the restore `order`.

        Data of another unfinished restore is deleted.
        """
        with unavailable_when_away():
            if is_half_restored(self._database):
                self._go_on(order)
            else:
                self._raw[META].insert_one({"_id": RESTORE, "order": dict(order)})
            # This index finds the chunks of an interrupted batch.
            of_chunks = [each for each in INDEXES if each.collection.endswith(CHUNKS)]
            create_indexes(self._database, of_chunks)

    def _go_on(self, order: Mapping[str, Any]) -> None:
        found = self._raw[META].find_one({"_id": RESTORE}) or {}
        self.goes_on = found.get("order") == dict(order)
        kept = {f"{bucket}{part}" for bucket in BUCKETS for part in (FILES, CHUNKS)}
        for name in self._raw.list_collection_names():
            if name != META and not (self.goes_on and name in kept):
                self._raw.drop_collection(name)
        self._raw[META].delete_many({"_id": {"$in": [MARKER, CLUSTER]}})
        self._raw[META].replace_one({"_id": RESTORE}, {"order": dict(order)}, upsert=True)

    def files_in(
        self, bucket: str, records: IO[bytes], wanted: Wanted
    ) -> Iterator[Sequence[tuple[Document, Document]]]:
        """Yield the file documents to write, in their old and new form."""
        name = f"{bucket}{FILES}"
        here = (each for each in documents_in(records) if wanted.has(name, each))
        for batch in _in_messages(here, BATCH_FILES):
            renamed = [(each, self._renaming.renamed(name, each)) for each in batch]
            lacking = {new["_id"]: (old, new) for old, new in renamed if new is not None}
            with unavailable_when_away():
                files = self._raw[name]
                there = files.find({"_id": {"$in": list(lacking)}}, {"_id": 1}) if lacking else ()
                for each in there:
                    del lacking[each["_id"]]
            if lacking:
                yield list(lacking.values())

    def put_files(self, bucket: str, files: Iterable[FileToPut]) -> None:
        """Write files: the bytes of a batch, then their documents, which wait for a majority.

        Chunks wait for the primary only, so those that an election has lost are written again.
        """
        batch = lacking = list(files)
        while lacking:
            lacking = self._put_bytes(bucket, lacking)
        if batch:
            with unavailable_when_away():
                documents = [each.document for each in batch]
                self._raw[f"{bucket}{FILES}"].insert_many(documents, ordered=False)

    def _put_bytes(self, bucket: str, files: Sequence[FileToPut]) -> list[FileToPut]:
        """Write the chunks of files; return the files of which a majority does not have all.

        Of those no chunk is left.
        """
        counts: Counter[Any] = Counter()
        chunks: list[Document] = []
        size = 0
        with unavailable_when_away(), self._raw.client.start_session() as session:
            for file in files:
                own_id = file.document["_id"]
                try:
                    for chunk in _chunks_of(file):
                        counts[own_id] += 1
                        chunks.append(chunk)
                        size += len(chunk["data"])
                        if size >= BATCH_BYTES:
                            self._put_chunks(bucket, chunks, session)
                            chunks, size = [], 0
                except NotThoseBytes:
                    counts[own_id] = 0
                    chunks = [each for each in chunks if each["files_id"] != own_id]
                    self._delete_chunks(bucket, [own_id], session)
            self._put_chunks(bucket, chunks, session)
            safe = self._safe_chunks(bucket, [each.document["_id"] for each in files], session)
            lost = {each for each in {*counts, *safe} if counts[each] != safe[each]}
            if lost:
                self._delete_chunks(bucket, lost, session)
        return [each for each in files if each.document["_id"] in lost]

    def _put_chunks(self, bucket: str, chunks: list[Document], session: ClientSession) -> None:
        if not chunks:
            return
        collection = self._raw.get_collection(f"{bucket}{CHUNKS}", write_concern=QUICK)
        if self.goes_on:
            ids = [{"files_id": each["files_id"], "n": each["n"]} for each in chunks]
            collection.delete_many({"$or": ids}, session=session)
        collection.insert_many(chunks, ordered=False, session=session)

    def _safe_chunks(self, bucket: str, ids: Sequence[Any], session: ClientSession) -> Counter[Any]:
        """Return how many chunks of each file a majority has, after the writes of the session."""
        chunks = self._raw.get_collection(f"{bucket}{CHUNKS}", read_concern=ReadConcern("majority"))
        counted = {"$group": {"_id": "$files_id", "count": {"$sum": 1}}}
        found = chunks.aggregate([{"$match": {"files_id": {"$in": ids}}}, counted], session=session)
        return Counter({each["_id"]: each["count"] for each in found})

    def _delete_chunks(self, bucket: str, ids: Iterable[Any], session: ClientSession) -> None:
        chunks = self._raw[f"{bucket}{CHUNKS}"]
        chunks.delete_many({"files_id": {"$in": [*ids]}}, session=session)

    def put_records(self, name: str, records: IO[bytes], wanted: Wanted) -> Iterator[int]:
        """Write the records of a collection; yield how many are done."""
        if name in NOT_RESTORED or not self._renaming.wants(name):
            return
        done = 0
        collection = self._raw[name]
        for batch in _in_messages(self._documents(name, records, wanted), BATCH_RECORDS):
            with unavailable_when_away():
                collection.insert_many(batch, ordered=False)
            done += len(batch)
            yield done

    def _documents(self, name: str, records: IO[bytes], wanted: Wanted) -> Iterator[Any]:
        if name != SITES and not self._renaming.is_needed:
            raw = bson.CodecOptions(document_class=RawBSONDocument)
            found = bson.decode_file_iter(records, raw)
            yield from (each for each in found if wanted.has(name, each))
            return
        for document in documents_in(records):
            renamed = self._renaming.renamed(name, document)
            if renamed is not None and wanted.has(name, document):
                yield renamed

    def index(self, foreign: Mapping[str, bytes]) -> None:
        """Create the indexes, TTL indexes last.

        `foreign` has the metadata of collections by name, of which those of other programs are
        used.
        """
        with unavailable_when_away():
            for name, metadata in foreign.items():
                if name not in OUR_COLLECTIONS and name != META:
                    self._index_as_told(name, metadata)
            create_indexes(self._database, [each for each in INDEXES if EXPIRY not in each.options])
            create_indexes(self._database, [each for each in INDEXES if EXPIRY in each.options])

    def _index_as_told(self, name: str, metadata: bytes) -> None:
        told = json_util.loads(metadata.decode())
        models = []
        for each in told.get("indexes", ()):
            if each["name"] != "_id_":
                options = {
                    key: value for key, value in each.items() if key not in {"v", "key", "ns"}
                }
                models.append(IndexModel(list(each["key"].items()), **options))
        if models:
            self._raw[name].create_indexes(models)


class Destinations:
    """The empty databases of an installation, one for each cluster."""

    def __init__(self, home: Database, renaming: Renaming) -> None:
        self._home = home
        self._all = {
            each.cluster: Destination(each, renaming) for each in (home, *home.clusters.values())
        }

    def __getitem__(self, cluster: str) -> Destination:
        return self._all[cluster]

    def begin(self, order: Mapping[str, Any]) -> None:
        """Start or resume the restore `order`; raise `NotEmpty`, and then nothing is written.

        Data of another unfinished restore is deleted.
        """
        for each in self._all.values():
            each.check()
        for each in self._all.values():
            each.begin(order)

    def finish(
        self,
        taken_at: datetime,
        version: int,
        foreign: Mapping[str, Mapping[str, bytes]],
        *,
        keeps_tokens: bool,
    ) -> None:
        """Extend expiries and stop deliveries, and mark the databases as ours.

        `foreign` has the metadata of collections, by cluster and name.
        """
        for each in (self._home, *self._home.clusters.values()):
            settle(each, taken_at, keeps_tokens=keeps_tokens)
            self._all[each.cluster].index(foreign.get(each.cluster, {}))
        with unavailable_when_away():
            mark_restored(self._home, version)
        migrate(self._home)


def _chunks_of(file: FileToPut) -> Iterator[Document]:
    """Yield the chunks of a file, with the sizes in its document."""
    told = file.document.get("chunkSize")
    size = int(told) if isinstance(told, int | float) and told >= 1 else CHUNK_BYTES
    held, number = bytearray(), 0
    for piece in file.pieces():
        held += piece
        while len(held) >= size:
            yield _chunk(file, number, bytes(held[:size]))
            del held[:size]
            number += 1
    if held:
        yield _chunk(file, number, bytes(held))


def _chunk(file: FileToPut, number: int, data: bytes) -> Document:
    return {
        "_id": ObjectId(),
        "files_id": file.document["_id"],
        "n": number,
        "data": Binary(data),
    }


def _in_messages(documents: Iterator[Any], most: int) -> Iterator[list[Any]]:
    """Yield the documents in batches that fit into a message."""
    return batches(documents, most, most_bytes=BATCH_BYTES, bytes_of=_length)


def _length(document: Any) -> int:
    return len(document.raw) if isinstance(document, RawBSONDocument) else 1000
