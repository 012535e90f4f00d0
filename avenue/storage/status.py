"""What MongoDB says about itself: members, versions, sizes. What it may not tell is None."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pymongo.errors import OperationFailure

from avenue.storage.connection import Database, Document, is_passing, unavailable_when_away

T = TypeVar("T")
HEALTHY_STATES = frozenset({"PRIMARY", "SECONDARY", "ARBITER"})
PRIMARY = "PRIMARY"
SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of the replica set; `state` and `healthy` are None where that is not told."""

    host: str
    state: str | None
    healthy: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MongoFacts:
    """The deployment; behind a router `members` and `data_members` are None.

    `data_members` is how many hold data (arbiters do not), `oplog_hours` how long a member may be
    away and still catch up.
    """

    version: str | None
    topology: str
    members: tuple[Member, ...] | None
    data_members: int | None
    primary: str | None
    storage_engine: str | None
    oplog_hours: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """The sizes of our database, and of the disk it lies on."""

    data_bytes: int | None
    storage_bytes: int | None
    index_bytes: int | None
    disk_used_bytes: int | None
    disk_total_bytes: int | None


class DeploymentStatus:
    """Asks MongoDB about itself; `Unavailable` when it is away, None for what it refuses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mongodb(self) -> MongoFacts:
        """Return what is known of the deployment."""
        hello = self._told("hello") or {}
        seen = self._told("replSetGetStatus")
        build, server = self._told("buildInfo") or {}, self._told("serverStatus") or {}
        is_router = hello.get("msg") == "isdbgrid"
        with_data = [*hello.get("hosts", ()), *hello.get("passives", ())]
        return MongoFacts(
            version=build.get("version"),
            topology="sharded" if is_router else "replica_set",
            members=None if is_router else _members(hello, seen),
            data_members=None if is_router else len(with_data),
            primary=hello.get("primary"),
            storage_engine=server.get("storageEngine", {}).get("name"),
            oplog_hours=None if is_router else self._oplog_hours(),
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

    def _told(self, command: str) -> Document | None:
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


def _members(hello: Mapping[str, Any], seen: Mapping[str, Any] | None) -> tuple[Member, ...]:
    """Return the members as the set sees them, else as far as every client is told."""
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
