"""What a snapshot holds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from avenue.health.history.traffic.models import SiteTraffic
from avenue.storage.status import percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The original files of a site in one bucket."""

    site: str
    bucket: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVariant:
    """The renditions of a site in one size, which can be made again."""

    site: str
    variant: str
    count: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaUse:
    """What a site has of what it may store; a most of 0 is no quota."""

    site: str
    bytes: int
    most_bytes: int
    files: int
    most_files: int

    @property
    def percent(self) -> float | None:
        """How much is used of the bytes or of the files, whichever is more; None: no quota."""
        shares = (percent(self.bytes, self.most_bytes), percent(self.files, self.most_files))
        return max((each for each in shares if each is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What all web processes answered in `seconds`, the time since the snapshot before.

    `errors` are answers of 500 and above. `p95_seconds` is what 95 of 100 answers took at most,
    those of the fast lane left out; None without any, or when the slowest took longer than is told
    apart.
    """

    seconds: float
    requests: int
    errors: int
    sent_bytes: int
    p95_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCounts:
    """The files of all sites at a moment, and the requests since the beginning."""

    at: datetime
    requests: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupAges:
    """How long ago backups were looked after; see `Snapshot`."""

    backup_hours: float | None = None
    drill_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a cluster tells of itself; None is what it does not tell."""

    data_bytes: int | None
    storage_bytes: int | None
    index_bytes: int | None
    disk_used_bytes: int | None
    disk_total_bytes: int | None
    connections_current: int | None
    connections_available: int | None
    oplog_hours: float | None
    data_members: int | None = None

    @property
    def disk_percent(self) -> float | None:
        """How full its disk is."""
        return percent(self.disk_used_bytes, self.disk_total_bytes)

    @property
    def connections_percent(self) -> float | None:
        """How many of the connections it takes are in use."""
        used, free = self.connections_current, self.connections_available
        return None if used is None or free is None else percent(used, used + free)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFigures(Figures):
    """The same of a cluster beside home."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Figures):
    """The deployment at one moment, by the clock of the database; None is what it does not tell.

    What it tells of itself is of home, `clusters` are those beside it. `products` counts the
    products of each site, `damaged` the files of each that are marked as such. `backup_hours` are
    since a backup was last made and verified, `drill_days` since one was last restored for trial;
    both None where backups are not made by themselves. `percents` are the thresholds it was judged
    by, none in one of an earlier version. `quotas` has the sites that have one. `traffic` is None
    in the first snapshot, `sites` has the requests of each site since the beginning. `missing`
    names those of `stored`, `renditions`, `products`, `damaged`, `quotas` and `clusters` that took
    too long to count, or whose cluster was away; they are empty.
    """

    at: datetime
    backup_hours: float | None = None
    drill_days: float | None = None
    percents: tuple[int, ...] = ()
    clusters: tuple[ClusterFigures, ...] = ()
    stored: tuple[Stored, ...] = ()
    renditions: tuple[StoredVariant, ...] = ()
    products: Mapping[str, int] = field(default_factory=dict)
    damaged: Mapping[str, int] = field(default_factory=dict)
    quotas: tuple[QuotaUse, ...] = ()
    traffic: Traffic | None = None
    sites: Mapping[str, SiteTraffic] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def fullest_disk_percent(self) -> float | None:
        """How full the disk of the cluster is that has the fullest."""
        return max(_told(each.disk_percent for each in self.everywhere), default=None)

    @property
    def most_connections_percent(self) -> float | None:
        """How many connections are in use on the cluster that has the fewest left."""
        return max(_told(each.connections_percent for each in self.everywhere), default=None)

    @property
    def everywhere(self) -> tuple[Figures, ...]:
        """What all clusters tell, home first."""
        return (self, *self.clusters)

    def together(self, name: str) -> int | None:
        """Return the sum of a figure of all clusters; None where one of them does not tell it."""
        told = list(_told(getattr(each, name) for each in self.everywhere))
        return sum(told) if len(told) == len(self.everywhere) else None


N = TypeVar("N", int, float)


def _told(values: Iterable[N | None]) -> Iterator[N]:
    return (each for each in values if each is not None)
