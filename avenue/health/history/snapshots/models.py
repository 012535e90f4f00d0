"""Models of snapshots."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from avenue.health.history.traffic.models import SiteTraffic
from avenue.storage.mongo_facts import DatabaseFacts, percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The original files of a site in one bucket."""

    site: str
    bucket: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVariant:
    """The renditions of a site in one size; they can be generated again."""

    site: str
    variant: str
    count: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaUse:
    """The usage and quota of a site; a quota of 0 is none."""

    site: str
    bytes: int
    most_bytes: int
    files: int
    most_files: int

    @property
    def percent(self) -> float | None:
        """The used share of the bytes or of the files, whichever is larger; None: no quota."""
        shares = (percent(self.bytes, self.most_bytes), percent(self.files, self.most_files))
        return max((each for each in shares if each is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The responses of all web processes in `seconds`, the time since the previous snapshot.

    `errors` are responses of 500 and above. `p95_seconds` is the 95th percentile of response times
    except those of the fast lane; None without any, or if it is above the largest bound.
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
    """The time since backups were made, verified and test-restored; see `Snapshot`."""

    backup_hours: float | None = None
    drill_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures(DatabaseFacts):
    """The figures of a cluster; None for those it does not report."""

    connections_current: int | None
    connections_available: int | None
    oplog_hours: float | None
    data_members: int | None = None

    @property
    def connections_percent(self) -> float | None:
        """The used share of its connections."""
        used, free = self.connections_current, self.connections_available
        return None if used is None or free is None else percent(used, used + free)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFigures(Figures):
    """The figures of a cluster other than home."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Figures):
    """The deployment at one moment, by the clock of the database; None for unreported figures.

    Its own figures are those of home, `clusters` has the others. `products` counts the products of
    each site, `damaged` the files of each that are marked as damaged. `backup_hours` is the time
    since a backup was last made and verified, `drill_days` since the last test restore; both None
    if there are no scheduled backups. `percents` are the thresholds it was judged by, empty if it
    was stored by an earlier version. `quotas` has the sites with a quota. `traffic` is None in the
    first snapshot, `sites` has the requests of each site since the beginning. `missing` names those
    of `stored`, `renditions`, `products`, `damaged`, `quotas` and `clusters` that took too long to
    count, or whose cluster could not be reached; they are empty.
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
        """The used share of the fullest cluster's disk."""
        return max(_known(each.disk_percent for each in self.everywhere), default=None)

    @property
    def most_connections_percent(self) -> float | None:
        """The used share of the connections of the cluster with the fewest left."""
        return max(_known(each.connections_percent for each in self.everywhere), default=None)

    @property
    def everywhere(self) -> tuple[Figures, ...]:
        """The figures of all clusters, home first."""
        return (self, *self.clusters)

    def together(self, name: str) -> int | None:
        """Return the sum of a figure of all clusters; None if one of them does not report it."""
        told = list(_known(getattr(each, name) for each in self.everywhere))
        return sum(told) if len(told) == len(self.everywhere) else None


N = TypeVar("N", int, float)


def _known(values: Iterable[N | None]) -> Iterator[N]:
    return (each for each in values if each is not None)
