"""What MongoDB says about itself: members, sizes, indexes, oplog. What it may not tell is None."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pymongo.errors import OperationFailure, PyMongoError

from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.storage.clusters import every_cluster
from avenue.storage.connection import META, Database, Document, is_passing, unavailable_when_away
from avenue.storage.indexes import INDEXES, Index, indexes_for, missing_indexes
from avenue.storage.schema import OUR_COLLECTIONS, Standing, look

T = TypeVar("T")

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PRIMARY_KEY = "_id_"
HEALTHY_STATES = frozenset({"PRIMARY", "SECONDARY", "ARBITER"})
PRIMARY = "PRIMARY"
SECONDS_PER_HOUR = 3600
GB = 10**9
FULL_PERCENT = 90
"""MongoDB drops the oldest of the oplog in pieces, so a full one is a little smaller at times."""
SURVIVING_MEMBERS = 2
TELLING_HOURS = 1.0
"""An oplog that is younger says nothing of how fast it fills."""
VOLUME = "volume"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIndex:
    """An index there is. `uses` counts what it answered `since`; both None if unknown."""

    collection: str
    name: str
    is_unique: bool
    ttl_seconds: int | None
    uses: int | None
    since: datetime | None

    @property
    def place(self) -> str:
        """Where it is, in words of `mongosh`."""
        return f"{self.collection}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of the replica set; `state` and `healthy` are None where that is not told."""

    host: str
    state: str | None
    healthy: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MongoFacts:
    """The deployment; behind a router `members` and `data_members` are None.

    `data_members` is how many hold data (arbiters do not). Of `connections_…` the server that was
    asked has its own.
    """

    version: str | None
    topology: str
    members: tuple[Member, ...] | None
    data_members: int | None
    primary: str | None
    storage_engine: str | None
    oplog: "Oplog | None" = None
    connections_current: int | None = None
    connections_available: int | None = None

    @property
    def oplog_hours(self) -> float | None:
        """How long a member may be away and still catch up."""
        return self.oplog.hours if self.oplog else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """The sizes of our database, and of its disk."""

    data_bytes: int | None
    storage_bytes: int | None
    index_bytes: int | None
    disk_used_bytes: int | None
    disk_total_bytes: int | None

    @property
    def disk_percent(self) -> float | None:
        """How full the disk is."""
        return percent(self.disk_used_bytes, self.disk_total_bytes)

    def percent_of(self, plan_gb: int) -> float | None:
        """Return how much our database has of a plan of so many GB (10⁹), None without one."""
        return percent((self.storage_bytes or 0) + (self.index_bytes or 0), plan_gb * GB)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexWeight:
    """How many documents a collection has, and the bytes of all its indexes."""

    collection: str
    documents: int
    bytes: int

    @property
    def bytes_each(self) -> float:
        """Bytes of indexes for each document."""
        return self.bytes / self.documents if self.documents else 0.0


def is_persistent(mongodb: MongoFacts, settings: Settings) -> bool:
    """Return whether the bytes outlive one machine, or a disk that was declared to last."""
    if settings.local:
        return False
    several = mongodb.data_members is not None and mongodb.data_members >= SURVIVING_MEMBERS
    return several or settings.storage == VOLUME


@dataclass(frozen=True, slots=True, kw_only=True)
class Oplog:
    """How far back members can catch up, and its bytes of how many at most; None: not told.

    While it is not full yet, it reaches back to when the set was made.
    """

    hours: float
    bytes: int | None
    most_bytes: int | None
    data_members: int

    @property
    def full_percent(self) -> float | None:
        """How much of its size is used."""
        return percent(self.bytes, self.most_bytes)

    @property
    def is_filling(self) -> bool:
        """Whether there is room in it yet; False where that is not told."""
        return self.full_percent is not None and self.full_percent < FULL_PERCENT

    @property
    def full_hours(self) -> float | None:
        """How far it reaches back, None while it only grows, or if that is unknown.

        Until then the time says when the set was made, and nothing of what was dropped.
        """
        return None if self.full_percent is None or self.is_filling else self.hours

    @property
    def reaches_hours(self) -> float | None:
        """How far it will reach once it is full, at the rate measured; None if unknown."""
        if self.hours < TELLING_HOURS or not self.bytes or not self.most_bytes:
            return None
        return max(self.most_bytes * self.hours / self.bytes, self.hours)


def percent(part: int | None, whole: int | None) -> float | None:
    """Return `part` of `whole` in percent, None where either is not known or there is no whole."""
    return None if part is None or not whole else 100 * part / whole


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


def differing(known: Sequence[KnownIndex]) -> list[Index]:
    """Return the indexes of our list that are there by name, and other than they should be."""
    there = {each.place: each for each in known}
    return [
        each
        for each in INDEXES
        if (found := there.get(f"{each.collection}.{each.name}"))
        and (found.is_unique, found.ttl_seconds)
        != (bool(each.options.get("unique")), each.options.get("expireAfterSeconds"))
    ]


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
