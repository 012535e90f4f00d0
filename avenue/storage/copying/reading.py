"""Reads the content of a database at one cluster time, in the format of `mongodump`.

Records are read with read concern `snapshot`: all collections at the same time, however long that
takes, within the history the server keeps (300 seconds unless set otherwise). A snapshot read of a
collection that was renamed or dropped meanwhile returns nothing and no error, so the UUIDs of all
collections are compared before and after. Files never change, so their bytes are read afterwards.

Each cluster has a time of its own. If a moving site has records on two clusters, those on the
cluster in the directory are read.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, cast

import bson
from bson import json_util
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from avenue.errors import Unavailable, required
from avenue.identity import HOME_CLUSTER
from avenue.storage.clusters import ClusterNotReady, UnknownCluster, admit
from avenue.storage.connection import META, Database, Document, unavailable_when_away
from avenue.storage.directory import WRITES_WAIT, cluster_in
from avenue.storage.gridfs import Files
from avenue.storage.refusing import of_no
from avenue.storage.schema import installation_of
from avenue.storage.scope import deployment
from avenue.storage.site_data import BUCKETS, RENDITIONS, SITE_COLLECTIONS

FILES = ".files"
CHUNKS = ".chunks"
LEFT_OUT = frozenset(
    {
        RENDITIONS,  # generated again
        "quotas",  # counted again
        "site_counts",  # counted again
        "leases",
        "instances",
        "rate_limits",
        "infra_traffic",
        "infra_errors",  # specific to their deployment
        "backups",  # the repository records what was backed up
        *(f"{bucket}{CHUNKS}" for bucket in BUCKETS),  # read by file
    }
)
"""Collections that are not copied, and why."""
BATCH = 1000
AS_THEY_LIE = [("$natural", 1)]
"""Everything is read, for which an index would be slower."""
SNAPSHOT_TOO_OLD = 239
SNAPSHOT_UNAVAILABLE = 246


class HistoryTooShort(Unavailable):
    """Reading all records took longer than the database keeps its history."""

    message = "The records could not be read within the time that the database keeps its history."
    hint = (
        "Try again when there is less to do, or make the server keep more history: "
        "setParameter minSnapshotHistoryWindowInSeconds (300 by default)."
    )


class ClusterAway(Unavailable):
    """A cluster to be read is unreachable."""

    message = "The cluster {cluster} is not responding, so the data of its sites cannot be read."
    hint = "Run it again once `python -m avenue clusters list` shows that it is available."


class CollectionsChanged(Unavailable):
    """Collections were created, dropped or renamed while they were read."""

    message = "Collections were created, dropped or renamed while they were being read."
    hint = "Try again when the collections of the database are not being changed."


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionAt:
    """A collection: name, UUID (hex), options and indexes, in the format of `mongorestore`."""

    name: str
    uuid: str
    metadata: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAt:
    """A file by its document: its bytes have this sha256 (hex), unless they are damaged.

    `sha256` is None if the document has none, as files of other clients.
    """

    bucket: str
    id: str
    length: int
    sha256: str | None


Places = Mapping[str, str]
"""The cluster of each site, from the directory."""


class Moment:
    """The records of a database at one point in time, except those of sites elsewhere."""

    def __init__(self, database: Database, session: ClientSession, places: Places | None) -> None:
        """`places` are those of the home database; None for that one itself."""
        self._raw = database.raw
        self._session = session
        with _explained():
            infos = self._list()
            # The first read of the session fixes the time for all others.
            self._raw[META].find_one({}, {"_id": 1}, session=session)
            if places is None:
                kept = {"cluster": 1}
                places = _places(self._raw["sites"].find({}, kept, session=session).sort("_id", 1))
        self.places: Places = places
        self.sites: Sequence[str] = [
            each for each, cluster in places.items() if cluster == database.cluster
        ]
        self._elsewhere = places.keys() - set(self.sites)
        self.collections: Sequence[CollectionAt] = [self._collection(each) for each in infos]
        time: Any = session._snapshot_time  # noqa: SLF001 - the driver has no public way
        self.cluster_time = (time.time, time.inc)
        self.at: datetime = time.as_datetime()

    def records(self, name: str) -> Iterator[bytes]:
        """Yield the documents of a collection as BSON, many at a time; no document is cut."""
        of_sites = name in SITE_COLLECTIONS or bucket_of(name) is not None
        query = of_no(self._elsewhere, name) if of_sites else {}
        batches = self._raw[name].find_raw_batches(
            query, hint=AS_THEY_LIE, session=self._session, batch_size=BATCH
        )
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
    """The content of one database, for copying."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.name = database.cluster

    @contextlib.contextmanager
    def moment(self, places: Places | None = None) -> Iterator[Moment]:
        """Give the records at the current time; raise at the end unless all could be read.

        `places` are those of the home database's snapshot. Raise `HistoryTooShort`,
        `CollectionsChanged` or `Unavailable`.
        """
        with self._database.client.start_session(snapshot=True) as session:
            moment = Moment(self._database, session, places)
            yield moment
            moment.check()

    def read(self, file: FileAt) -> Iterator[bytes]:
        """Yield the `length` bytes of a file; raise `Incomplete` if there are others."""
        return self._files(file.bucket).read(file.id, 0, file.length, length=file.length)

    def read_together(self, bucket: str, files: Iterable[FileAt]) -> Mapping[str, bytes]:
        """Return the bytes of small files, by their ids; incomplete ones are left out."""
        return self._files(bucket).read_together({each.id: each.length for each in files})

    def _files(self, bucket: str) -> Files:
        return deployment(self._database).files(bucket)


class HomeSource(DatabaseSource):
    """The home database, which knows the places of sites and the other clusters."""

    def installation(self) -> str:
        """Return the unique id of this installation."""
        with unavailable_when_away():
            return installation_of(self._database)

    def places(self) -> Places:
        """Return the current places of sites."""
        sites = self._database.raw["sites"]
        with unavailable_when_away():
            return _places(sites.find({}, {"cluster": 1}))

    def switching(self) -> Sequence[str]:
        """Return the sites that are switching to another cluster now: their writes wait."""
        sites, query = self._database.raw["sites"], {"move.phase": {"$in": sorted(WRITES_WAIT)}}
        with unavailable_when_away():
            return [str(each["_id"]) for each in sites.find(query, {"_id": 1}).sort("_id", 1)]

    def beside(self, places: Places) -> Sequence[DatabaseSource]:
        """Return the other clusters that have sites.

        Raise `UnknownCluster`, `ClusterNotReady` or `ClusterAway`.
        """
        found = []
        for name in sorted(set(places.values()) - {HOME_CLUSTER}):
            cluster = required(self._database.clusters.get(name), UnknownCluster(cluster=name))
            try:
                cluster.ping()
                admit(cluster)
            except ClusterNotReady:
                raise
            except Unavailable as error:
                raise ClusterAway(cluster=name) from error
            found.append(DatabaseSource(cluster))
        return found


def _places(sites: Iterable[Document]) -> Places:
    return {str(each["_id"]): cluster_in(each) for each in sites}


def bucket_of(collection: str) -> str | None:
    """Return the bucket whose file documents a collection has, None for other collections."""
    bucket = collection.removesuffix(FILES)
    return bucket if collection.endswith(FILES) and bucket in BUCKETS else None


def files_in(bucket: str, records: IO[bytes]) -> Iterator[FileAt]:
    """Yield the files of a bucket from its documents, a stream of BSON."""
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
    """Return the number of BSON documents in `batch`."""
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
    """Turn the server's errors about snapshots into ours."""
    try:
        with unavailable_when_away():
            yield
    except OperationFailure as error:
        if error.code == SNAPSHOT_TOO_OLD:
            raise HistoryTooShort from error
        if error.code == SNAPSHOT_UNAVAILABLE:
            raise CollectionsChanged from error
        raise
