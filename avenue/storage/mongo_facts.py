"""What is known of MongoDB: members, sizes, indexes, oplog. What it may not tell is None."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from avenue.config import Settings
from avenue.storage.indexes import INDEXES, Index

GB = 10**9
FULL_PERCENT = 90
"""MongoDB drops the oldest of the oplog in pieces, so a full one is a little smaller at times."""
SURVIVING_MEMBERS = 2
TELLING_HOURS = 1.0
"""An oplog that is younger says nothing of how fast it fills."""
VOLUME = "volume"


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
