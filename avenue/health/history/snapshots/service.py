"""Takes and stores snapshots, and deletes old ones."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.health.history.snapshots.models import BackupAges, ClusterFigures, QuotaUse, Snapshot
from avenue.health.history.snapshots.store import DeploymentCounts, SnapshotStore
from avenue.health.history.traffic.store import MongoTrafficStore
from avenue.identity import Site
from avenue.storage.holders import Amount, Holder
from avenue.storage.quotas import Ledger
from avenue.storage.room import site_quota
from avenue.storage.sites import Sites
from avenue.storage.status import DeploymentStatus

SNAPSHOT = "snapshot"
"""The kind of the job that takes snapshots."""

EVERY_SECONDS = 3600
HOURLY_FOR = timedelta(days=7)
"""After that only the last one of each day is kept."""
KEPT_FOR = timedelta(days=2 * 365)


class SnapshotService:
    """Takes snapshots of the deployment; `kept` has the earlier ones."""

    def __init__(
        self,
        kept: SnapshotStore,
        counting: DeploymentCounts,
        deployment: DeploymentStatus,
        traffic: MongoTrafficStore,
        use: Ledger,
        sites: Sites,
        settings: Settings,
        backups: Callable[[], BackupAges],
    ) -> None:
        self.kept = kept
        self._counting = counting
        self._deployment = deployment
        self._traffic = traffic
        self._use = use
        self._sites = sites
        self._settings = settings
        self._backups = backups

    def take(self) -> Snapshot:
        """Take and store a snapshot, delete old ones, and return it.

        Figures that take too long to count are in its `missing`.
        """
        home = _figures(self._deployment)
        sites = self._sites.all()
        figures: dict[str, Callable[[], Any]] = {
            "stored": lambda: tuple(row for each in sites for row in self._counting.files(each.id)),
            "renditions": lambda: tuple(self._counting.renditions()),
            "products": self._counting.products,
            "damaged": self._counting.damaged,
            "quotas": lambda: tuple(self._quotas(sites)),
            "clusters": lambda: tuple(map(_beside, self._counting.clusters())),
        }
        counted: dict[str, Any] = {}
        for name, count in figures.items():
            with suppress(Unavailable):
                counted[name] = count()
        taken = Snapshot(
            at=utc_now(),
            **home,
            **asdict(self._backups()),
            percents=self._settings.alert_levels,
            **counted,
            missing=tuple(name for name in figures if name not in counted),
        )
        self.kept.add(taken, self._traffic.totals())
        kept = self.kept.newest() or taken
        times = self.kept.times_before(kept.at - HOURLY_FOR)
        self.kept.forget(surplus(times, kept.at))
        return kept

    def is_outdated(self) -> bool:
        """Return whether the damaged files differ from those in the newest snapshot.

        Also True if that snapshot was judged by other thresholds.
        """
        newest = self.kept.newest()
        damaged, percents = (newest.damaged, newest.percents) if newest else ({}, ())
        return percents != self._settings.alert_levels or self._counting.damaged() != damaged

    def _quotas(self, sites: Iterable[Site]) -> Iterable[QuotaUse]:
        for each in sites:
            if quota := site_quota(each, self._settings):
                yield quota_use(each, self._use.used_lately(Holder(site=each.id)), quota)


def _beside(asked: DeploymentStatus) -> ClusterFigures:
    return ClusterFigures(name=asked.cluster, **_figures(asked))


def _figures(asked: DeploymentStatus) -> dict[str, Any]:
    """Return the figures of a cluster, by the fields of `Figures`."""
    mongodb = asked.mongodb()
    oplog = mongodb.oplog
    return {
        **asdict(asked.database()),
        "connections_current": mongodb.connections_current,
        "connections_available": mongodb.connections_available,
        "oplog_hours": oplog.full_hours if oplog else None,
        "data_members": mongodb.data_members,
    }


def quota_use(site: Site, used: Amount, quota: Amount) -> QuotaUse:
    """Return the usage and quota of a site."""
    return QuotaUse(
        site=site.id,
        bytes=used.bytes,
        most_bytes=quota.bytes,
        files=used.files,
        most_files=quota.files,
    )


def surplus(times: Sequence[tuple[datetime, str]], now: datetime) -> list[str]:
    """Return the ids of those to delete: too old, or not the last one of their day.

    `times` are those of snapshots before the last `HOURLY_FOR`, oldest first; days are in UTC.
    """
    last_of_day = {at.date(): snapshot_id for at, snapshot_id in times}
    kept = {last_of_day[at.date()] for at, _ in times if at >= now - KEPT_FOR}
    return [snapshot_id for _, snapshot_id in times if snapshot_id not in kept]
