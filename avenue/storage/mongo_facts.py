"""Facts about MongoDB: members, sizes, indexes, oplog. A fact that cannot be read is None."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from avenue.config import Settings
from avenue.storage.indexes import INDEXES, Index

GB = 10**9
FULL_PERCENT = 90
"""MongoDB removes the oldest entries in blocks, so a full oplog is sometimes a little smaller."""
SURVIVING_MEMBERS = 2
TELLING_HOURS = 1.0
"""The rate at which a younger oplog fills is not known."""
VOLUME = "volume"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIndex:
    """An existing index. `uses` counts its queries `since` that time; both None if unknown."""

    collection: str
    name: str
    is_unique: bool
    ttl_seconds: int | None
    uses: int | None
    since: datetime | None

    @property
    def place(self) -> str:
        """Its collection and name."""
        return f"{self.collection}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of the replica set; `state` and `healthy` are None if unknown."""

    host: str
    state: str | None
    healthy: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MongoFacts:
    """The MongoDB deployment; behind a router `members` and `data_members` are None.

    `data_members` counts the members that hold data (arbiters do not). `connections_…` are of the
    server that answered.
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
        """The hours that a member may be offline and still catch up."""
        return self.oplog.hours if self.oplog else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """The sizes of the database and its disk."""

    data_bytes: int | None
    storage_bytes: int | None
    index_bytes: int | None
    disk_used_bytes: int | None
    disk_total_bytes: int | None

    @property
    def disk_percent(self) -> float | None:
        """The used share of the disk."""
        return percent(self.disk_used_bytes, self.disk_total_bytes)

    def percent_of(self, plan_gb: int) -> float | None:
        """Return the used share of a plan of so many GB (10⁹ bytes), None without a plan."""
        return percent((self.storage_bytes or 0) + (self.index_bytes or 0), plan_gb * GB)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexWeight:
    """The number of documents of a collection, and the size of its indexes."""

    collection: str
    documents: int
    bytes: int

    @property
    def bytes_each(self) -> float:
        """The index bytes per document."""
        return self.bytes / self.documents if self.documents else 0.0


def is_persistent(mongodb: MongoFacts, settings: Settings) -> bool:
    """Return whether data survives the loss of a machine, or is on a volume by `settings`."""
    if settings.local:
        return False
    several = mongodb.data_members is not None and mongodb.data_members >= SURVIVING_MEMBERS
    return several or settings.storage == VOLUME


@dataclass(frozen=True, slots=True, kw_only=True)
class Oplog:
    """The oplog: the hours that it covers, its size and its maximum size; None if unknown.

    Until it is full, it covers the time since the replica set was created.
    """

    hours: float
    bytes: int | None
    most_bytes: int | None
    data_members: int

    @property
    def full_percent(self) -> float | None:
        """The used share of its maximum size."""
        return percent(self.bytes, self.most_bytes)

    @property
    def is_filling(self) -> bool:
        """Whether it is not full yet; False if unknown."""
        return self.full_percent is not None and self.full_percent < FULL_PERCENT

    @property
    def full_hours(self) -> float | None:
        """The hours that it covers once entries are removed; None before, or if unknown."""
        return None if self.full_percent is None or self.is_filling else self.hours

    @property
    def reaches_hours(self) -> float | None:
        """The hours that it will cover once it is full, at the present rate; None if unknown."""
        if self.hours < TELLING_HOURS or not self.bytes or not self.most_bytes:
            return None
        return max(self.most_bytes * self.hours / self.bytes, self.hours)


def percent(part: int | None, whole: int | None) -> float | None:
    """Return `part` of `whole` in percent; None if either is unknown or `whole` is 0."""
    return None if part is None or not whole else 100 * part / whole


def differing(known: Sequence[KnownIndex]) -> list[Index]:
    """Return the expected indexes whose name exists with other options."""
    there = {each.place: each for each in known}
    return [
        each
        for each in INDEXES
        if (found := there.get(f"{each.collection}.{each.name}"))
        and (found.is_unique, found.ttl_seconds)
        != (bool(each.options.get("unique")), each.options.get("expireAfterSeconds"))
    ]
