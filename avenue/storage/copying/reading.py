"""Reads what a database holds at one cluster time, as `mongodump` would write it.

Records are read with read concern `snapshot`: all collections at the same time, however long that
takes, within the history the server keeps (300 seconds unless set otherwise). A snapshot read of a
collection that was renamed or dropped meanwhile returns nothing and no error, so the UUIDs of all
collections are compared before and after. Files never change, so their bytes are read afterwards.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, cast

import bson
from bson import json_util
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from avenue.errors import Conflict, Unavailable
from avenue.identity import HOME_CLUSTER
from avenue.storage.connection import Database, Document, unavailable_when_away
from avenue.storage.directory import cluster_in
from avenue.storage.schema import installation_of
from avenue.storage.scope import BUCKETS, RENDITIONS, house

FILES = ".files"
CHUNKS = ".chunks"
LEFT_OUT = frozenset(
    {
        RENDITIONS,  # made again
        "quotas",  # counted anew
        "site_counts",  # counted anew
        "leases",
        "instances",
        "rate_limits",
        "infra_traffic",
        "infra_errors",  # of the deployment they happened in
        "backups",  # what was backed up is told by the repository
        *(f"{bucket}{CHUNKS}" for bucket in BUCKETS),  # read by file
    }
)
"""Collections that are not copied, and why."""
BATCH = 1000
SNAPSHOT_TOO_OLD = 239
SNAPSHOT_UNAVAILABLE = 246


class HistoryTooShort(Unavailable):
    """Reading all records took longer than the database keeps its history."""

    code = "history_too_short"
    message = "The records could not be read in the time for which the database keeps its history."
    hint = (
        "Try again when there is less to do, or let the server keep more: "
        "setParameter minSnapshotHistoryWindowInSeconds (300 by default)."
    )


class SitesElsewhere(Conflict):
    """Sites are on other clusters than home, which a backup does not read yet."""

    code = "sites_elsewhere"
    message = "These sites are not on the cluster home, which is all that is read: {sites}."
    hint = "Save their clusters with `mongodump`, and these sites by `export --site`."


class CollectionsChanged(Unavailable):
    """Collections came, went or were renamed while they were read."""

    code = "collections_changed"
    message = "Collections came, went or were renamed while they were read."
    hint = "Try again when nothing changes the collections of the database."


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionAt:
    """A collection: name, UUID (hex), and its options and indexes as `mongorestore` takes them."""

    name: str
    uuid: str
    metadata: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAt:
    """A file by its document: its bytes have this sha256 (hex), unless they are damaged.

    `sha256` is None where the document tells none, as files of other clients.
    """

    bucket: str
    id: str
    length: int
    sha256: str | None


class Moment:
    """The records of a database as they all were at one time."""

    def __init__(self, database: Database, session: ClientSession) -> None:
        self._raw = database.raw
        self._session = session
        with _explained():
            infos = self._list()
            # The first read of the session fixes the time for all others.
            kept = {"_id": 1, "cluster": 1}
            sites = list(self._raw["sites"].find({}, kept, session=session).sort("_id", 1))
            self.sites: Sequence[str] = [str(each["_id"]) for each in sites]
        if elsewhere := [each["_id"] for each in sites if cluster_in(each) != HOME_CLUSTER]:
            raise SitesElsewhere(sites=", ".join(map(str, elsewhere)))
        self.collections: Sequence[CollectionAt] = [self._collection(each) for each in infos]
        time: Any = session._snapshot_time  # noqa: SLF001 - the driver tells it nobody
        self.cluster_time = (time.time, time.inc)
        self.at: datetime = time.as_datetime()

    def records(self, name: str) -> Iterator[bytes]:
        """Yield the documents of a collection as BSON, many together; no document is cut."""
        batches = self._raw[name].find_raw_batches({}, session=self._session, batch_size=BATCH)
        with _explained(), batches:
            yield from cast(Iterator[bytes], batches)

    def check(self) -> None:
        """Raise `CollectionsChanged` unless every collection is still the one that was read."""
        with _explained():
            now = {each["name"]: each["info"]["uuid"].hex() for each in self._list()}
        if now != {each.name: each.uuid for each in self.collections}:
            raise CollectionsChanged

    def _list(self) -> list[Mapping[str, Any]]:
        copied = [each for each in self._raw.list_collections() if _is_copied(each)]
        return sorted(copied, key=lambda each: str(each["name"]))

    def _collection(self, info: Mapping[str, Any]) -> CollectionAt:
        uuid = info["info"]["uuid"].hex()
        with _explained():
            indexes = [dict(each) for each in self._raw[info["name"]].list_indexes()]
        told = {
            "options": info.get("options", {}),
            "indexes": indexes,
            "uuid": uuid,
            "collectionName": info["name"],
            "type": "collection",
        }
        text = json_util.dumps(told, json_options=json_util.CANONICAL_JSON_OPTIONS)
        return CollectionAt(name=info["name"], uuid=uuid, metadata=text.encode())


class DatabaseSource:
    """All that one database holds, for whoever copies it."""

    name = "home"

    def __init__(self, database: Database) -> None:
        self._database = database

    def installation(self) -> str:
        """Return what tells this database from all others."""
        with unavailable_when_away():
            return installation_of(self._database)

    @contextlib.contextmanager
    def moment(self) -> Iterator[Moment]:
        """Give the records as they are now; end with an error unless they could all be read.

        Raise `HistoryTooShort`, `CollectionsChanged`, `SitesElsewhere` or `Unavailable`.
        """
        with self._database.client.start_session(snapshot=True) as session:
            moment = Moment(self._database, session)
            yield moment
            moment.check()

    def read(self, file: FileAt) -> Iterator[bytes]:
        """Yield the `length` bytes of a file; raise `Incomplete` where there are others."""
        files = house(self._database).files(file.bucket)
        return files.read(file.id, 0, file.length, length=file.length)


def bucket_of(collection: str) -> str | None:
    """Return the bucket of which a collection has the file documents, None for any other."""
    bucket = collection.removesuffix(FILES)
    return bucket if collection.endswith(FILES) and bucket in BUCKETS else None


def files_in(bucket: str, records: IO[bytes]) -> Iterator[FileAt]:
    """Yield the files of a bucket from their documents, one BSON document after the other."""
    for document in documents_in(records):
        metadata = document.get("metadata")
        sha256 = metadata.get("sha256") if isinstance(metadata, dict) else None
        length = document.get("length")
        yield FileAt(
            bucket=bucket,
            id=str(document["_id"]),
            length=length if isinstance(length, int) else 0,
            sha256=sha256 if isinstance(sha256, str) else None,
        )


def documents_in(records: IO[bytes]) -> Iterator[Document]:
    """Yield the documents of a stream of BSON."""
    return bson.decode_file_iter(records, bson.CodecOptions(tz_aware=True))


def count_in(batch: bytes) -> int:
    """Return how many BSON documents stand in `batch`."""
    count = start = 0
    while start < len(batch):
        start += int.from_bytes(batch[start : start + 4], "little")
        count += 1
    return count


def _is_copied(info: Mapping[str, Any]) -> bool:
    name = info["name"]
    is_collection = info.get("type", "collection") == "collection"
    return is_collection and not name.startswith("system.") and name not in LEFT_OUT


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn what the server says of snapshots into our errors."""
    try:
        with unavailable_when_away():
            yield
    except OperationFailure as error:
        if error.code == SNAPSHOT_TOO_OLD:
            raise HistoryTooShort from error
        if error.code == SNAPSHOT_UNAVAILABLE:
            raise CollectionsChanged from error
        raise
