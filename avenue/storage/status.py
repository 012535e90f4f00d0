"""Asks MongoDB about itself: members, sizes, indexes, oplog."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pymongo.errors import OperationFailure, PyMongoError

from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.storage.clusters import every_cluster
from avenue.storage.connection import META, Database, Document, is_passing, unavailable_when_away
from avenue.storage.indexes import Index, indexes_for, missing_indexes
from avenue.storage.mongo_facts import (
    DatabaseFacts,
    IndexWeight,
    KnownIndex,
    Member,
    MongoFacts,
    Oplog,
)
from avenue.storage.schema import OUR_COLLECTIONS, Standing, look

T = TypeVar("T")

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PRIMARY_KEY = "_id_"
HEALTHY_STATES = frozenset({"PRIMARY", "SECONDARY", "ARBITER"})
PRIMARY = "PRIMARY"
SECONDS_PER_HOUR = 3600


class UnreadableAddress(Unavailable):
    """The address of the database cannot be used."""

    code = Unavailable.code
    message = "MONGODB_URI cannot be used: its format is wrong, or its name is unknown."
    hint = "Compare it with mongodb+srv://user:password@cluster.example/avenue."


class DatabaseRefuses(Unavailable):
    """The database answers, and does not let us in or lacks a privilege for us."""

    code = Unavailable.code
    message = "MongoDB rejected Avenue's request."
    hint = "Check the user, password and roles: 18 is a wrong password, 13 a missing privilege."


class DeploymentStatus:
    """Asks MongoDB about itself; `Unavailable` when it is away, None for what it refuses."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.cluster = database.cluster

    def mongodb(self) -> MongoFacts:
        """Return what is known of the deployment."""
        hello = self._admin_command("hello") or {}
        seen = self._admin_command("replSetGetStatus")
        build, server = (
            self._admin_command("buildInfo") or {},
            self._admin_command("serverStatus") or {},
        )
        connections = server.get("connections", {})
        is_router = hello.get("msg") == "isdbgrid"
        with_data = [*hello.get("hosts", ()), *hello.get("passives", ())]
        return MongoFacts(
            version=build.get("version"),
            topology="sharded" if is_router else "replica_set",
            members=None if is_router else _members(hello, seen),
            data_members=None if is_router else len(with_data),
            primary=hello.get("primary"),
            storage_engine=server.get("storageEngine", {}).get("name"),
            oplog=self._oplog(hello),
            connections_current=_whole(connections.get("current")),
            connections_available=_whole(connections.get("available")),
        )

    def database(self) -> DatabaseFacts:
        """Return the sizes of our database and its disk."""
        raw = self._database.raw
        stats = self._if_allowed(lambda: raw.command("dbStats")) or {}
        return DatabaseFacts(
            data_bytes=_whole(stats.get("dataSize")),
            storage_bytes=_whole(stats.get("storageSize")),
            index_bytes=_whole(stats.get("indexSize")),
            disk_used_bytes=_whole(stats.get("fsUsedSize")),
            disk_total_bytes=_whole(stats.get("fsTotalSize")),
        )

    def oplog(self) -> Oplog | None:
        """Return how far the oplog reaches; None behind a router, or when that is not told."""
        return self._oplog(self._admin_command("hello") or {})

    def _oplog(self, hello: Mapping[str, Any]) -> Oplog | None:
        hours = None if hello.get("msg") == "isdbgrid" else self._oplog_hours()
        if hours is None:
            return None
        local = self._database.client["local"]
        stats = self._if_allowed(lambda: local.command("collStats", "oplog.rs")) or {}
        return Oplog(
            hours=hours,
            bytes=_whole(stats.get("size")),
            most_bytes=_whole(stats.get("maxSize")),
            data_members=len(hello.get("hosts", ())) + len(hello.get("passives", ())),
        )

    def _oplog_hours(self) -> float | None:
        oplog = self._database.client["local"]["oplog.rs"]

        def ends() -> tuple[Document | None, Document | None]:
            first = oplog.find_one({}, {"ts": 1}, sort=[("$natural", 1)])
            return first, oplog.find_one({}, {"ts": 1}, sort=[("$natural", -1)])

        first, last = self._if_allowed(ends) or (None, None)
        if not first or not last:
            return None
        seconds = float(last["ts"].time - first["ts"].time)
        return round(seconds / SECONDS_PER_HOUR, 2)

    def _admin_command(self, command: str) -> Document | None:
        admin = self._database.client.admin
        return self._if_allowed(lambda: admin.command(command))

    def _if_allowed(self, ask: Callable[[], T]) -> T | None:
        """Return the answer, None when it is refused: no privilege, or no such command there."""
        with unavailable_when_away():
            try:
                return self._database.repeat(ask, self._database.read_seconds)
            except OperationFailure as error:
                if is_passing(error):
                    raise
                return None

    def standing(self) -> Standing:
        """Return how the database stands; raise what `look` raises, or `DatabaseRefuses`."""
        with unless_refused():
            return look(self._database)

    def own_write_concern(self) -> Mapping[str, Any]:
        """Return what our connection asks of every write, whatever the URI says."""
        return dict(self._database.client.write_concern.document)

    def default_write_concern(self) -> Mapping[str, Any] | None:
        """Return what the cluster asks of writers that say nothing."""
        told = self._admin_command("getDefaultRWConcern")
        found = (told or {}).get("defaultWriteConcern")
        return dict(found) if found else None

    def clock_ahead_seconds(self) -> float:
        """Return how far this machine's clock is ahead of the primary's."""
        return self._database.clock_skew().total_seconds()

    def arbiters(self) -> tuple[str, ...]:
        """Return the members that only vote."""
        return tuple((self._admin_command("hello") or {}).get("arbiters", ()))

    def data_folder(self) -> Path | None:
        """Return where the database keeps its data, None unless it does so on this machine."""
        nodes = self._database.client.nodes
        if not nodes or any(host not in LOOPBACK for host, _ in nodes):
            return None
        told = (self._admin_command("getCmdLineOpts") or {}).get("parsed", {})
        folder = told.get("storage", {}).get("dbPath")
        return Path(folder) if isinstance(folder, str) else None

    def indexes(self) -> list[KnownIndex]:
        """Return the indexes of our collections, those of `_id` left out."""
        raw, found = self._database.raw, []
        there = set(self._repeated(raw.list_collection_names))
        for name in sorted(there & (OUR_COLLECTIONS | {META})):
            uses = self._uses(name)
            for index, options in self._repeated(raw[name].index_information).items():
                if index != PRIMARY_KEY:
                    found.append(_known(name, index, options, (uses or {}).get(index)))
        return found

    def wanted_indexes(self) -> list[Index]:
        """Return those of our list that the database has to have."""
        return indexes_for(self._database)

    def index_weights(self, collections: Iterable[str]) -> list[IndexWeight]:
        """Return the sizes of the indexes of these, except those that cannot be read."""
        raw, found = self._database.raw, []
        for name in collections:
            stats = self._if_allowed(partial(raw.command, "collStats", name)) or {}
            documents, size = _whole(stats.get("count")), _whole(stats.get("totalIndexSize"))
            if documents and size:
                found.append(IndexWeight(collection=name, documents=documents, bytes=size))
        return found

    def _uses(self, collection: str) -> Mapping[str, Document] | None:
        raw = self._database.raw[collection]
        told = self._if_allowed(lambda: list(raw.aggregate([{"$indexStats": {}}])))
        return None if told is None else {each["name"]: each["accesses"] for each in told}

    def _repeated(self, ask: Callable[[], T]) -> T:
        with unless_refused(), unavailable_when_away():
            return self._database.repeat(ask, self._database.read_seconds)

    def missing_indexes(self) -> list[str]:
        """Return the indexes of our list that are not there, as `jobs.kind_1`."""
        with unless_refused():
            return missing_indexes(self._database)


def beside(home: Database) -> list[DeploymentStatus]:
    """Return the clusters beside home; raise `Unavailable` when one is away."""
    return [DeploymentStatus(each) for each in every_cluster(home)[1:]]


def _members(hello: Mapping[str, Any], seen: Mapping[str, Any] | None) -> tuple[Member, ...]:
    """Return the members as the set sees them, else as in the hello response."""
    if seen is not None:
        return tuple(
            Member(
                host=each["name"],
                state=each["stateStr"],
                healthy=each["health"] == 1 and each["stateStr"] in HEALTHY_STATES,
            )
            for each in seen["members"]
        )
    hosts = [*hello.get("hosts", ()), *hello.get("passives", ()), *hello.get("arbiters", ())]
    primary = hello.get("primary")
    return tuple(
        Member(
            host=host,
            state=PRIMARY if host == primary else None,
            healthy=True if host == primary else None,
        )
        for host in hosts
    )


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None


@contextmanager
def unless_refused() -> Iterator[None]:
    """Turn a refusal of the server inside into `DatabaseRefuses`."""
    try:
        yield
    except OperationFailure as error:
        if is_passing(error):
            raise
        raise DatabaseRefuses(mongodb_code=error.code) from error


def connected(settings: Settings) -> Database:
    """Return the database; raise `UnreadableAddress` when its address can be none."""
    try:
        return Database(settings)
    except (PyMongoError, ValueError) as error:
        raise UnreadableAddress from error


def _known(
    collection: str, name: str, options: Mapping[str, Any], used: Mapping[str, Any] | None
) -> KnownIndex:
    seconds = options.get("expireAfterSeconds")
    return KnownIndex(
        collection=collection,
        name=name,
        is_unique=bool(options.get("unique")),
        ttl_seconds=None if seconds is None else int(seconds),
        uses=int(used["ops"]) if used else None,
        since=used["since"] if used else None,
    )
