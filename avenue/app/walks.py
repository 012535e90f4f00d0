"""The jobs that walk through everything that is stored, and those that measure it."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from avenue.app.services import Services, removal
from avenue.errors import Unavailable
from avenue.health.checks.fsck import FSCK
from avenue.health.checks.inspection import INSPECT, REFERENCES
from avenue.health.checks.models import CheckRequest
from avenue.health.checks.scrub import SCRUB
from avenue.health.facts.certificates import CERTIFICATES, Certificates
from avenue.health.facts.store import FactStore
from avenue.health.facts.work import WATCH
from avenue.health.history.snapshots.service import SNAPSHOT
from avenue.jobs.runner import Handler, RunningJob
from avenue.media.pictures.variants import EAGER
from avenue.media.quarantine.walk import SCAN, ScanWalk
from avenue.media.renditions.rebuild import OWN, Rebuild
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import Sweeper
from avenue.shop.store.products import TrashedProducts
from avenue.storage.clusters import on_each
from avenue.storage.connection import Database
from avenue.storage.holders import COUNT_QUOTAS, Holder
from avenue.storage.site_counts import COUNT_SITES, SiteCounts
from avenue.storage.site_data import BUCKETS
from avenue.uploads.retention.service import Retention
from avenue.uploads.retention.store import ExpiredUploads
from avenue.uploads.tus.store import SweptTusStore
from avenue.web import metrics

SWEEP = "sweep"
REBUILD = "rebuild"


class Walks:
    """The sweeper, the checks, the scan, sizes of pictures, snapshots, and counts."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._retention = Retention(ExpiredUploads(services.database), services.audit)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers of these jobs, by kind."""
        handlers: dict[str, Handler] = {
            SWEEP: self._sweep,
            INSPECT: self._inspect,
            REFERENCES: self._look_at_references,
            REBUILD: self._rebuild,
            SNAPSHOT: self._snapshot,
            WATCH: self._watch,
            CERTIFICATES: self._look_at_certificates,
            FSCK: self._fsck,
            SCRUB: self._scrub,
            COUNT_QUOTAS: self._count_quotas,
            COUNT_SITES: self._count_sites,
        }
        if self._services.settings.scanner:
            handlers[SCAN] = self._scan
        return handlers

    def _sweep(self, job: RunningJob) -> dict[str, int]:
        expired = self._retention.run(
            job.id, SWEEP, job.cursor, lambda counts: job.save(cursor=counts)
        )
        all_of_it = job.args.get("all") is True
        swept = Counter(expired=expired)

        def sweep(cluster: Database) -> None:
            swept.update(resumable=SweptTusStore(cluster).sweep())
            work = self._sweeper(cluster)
            counts = work.sweep(lambda done: job.save(done=done.total), all_of_it=all_of_it)
            swept.update(counts.as_dict())

        on_each(self._services.database, sweep)
        metrics.count_swept(swept)
        return swept

    def _sweeper(self, cluster: Database) -> Sweeper:
        return Sweeper(
            SweptStore(cluster),
            buckets=BUCKETS,
            trash_days=self._services.settings.trash_days,
            forget_owners=TrashedProducts(cluster).forget,
            removal=partial(removal, self._services.on(cluster).ledger),
            has_size=self._services.has_size,
        )

    def _inspect(self, job: RunningJob) -> dict[str, int]:
        all_of_it = job.args.get("all") is True
        counts = self._services.inspector.inspect(job.cursor, job.save, all_of_it=all_of_it)
        self._snapshot_if_outdated()
        return counts

    def _look_at_references(self, job: RunningJob) -> Mapping[str, int]:
        return self._services.inspector.look_at_references(job.save)

    def _fsck(self, job: RunningJob) -> Mapping[str, int]:
        request = CheckRequest.of(job.args)
        counts = self._services.fsck.run(job.id, request, job.cursor, job.save)
        self._snapshot_if_outdated()
        return counts

    def _scrub(self, job: RunningJob) -> Mapping[str, int]:
        counts = self._services.scrub.run(lambda done: job.save(done=done))
        self._snapshot_if_outdated()
        return counts

    def _scan(self, job: RunningJob) -> Mapping[str, int]:
        """Scan pending files, and all files again if the signatures have changed."""
        done: Counter[str] = Counter()

        def scan(cluster: Database) -> None:
            walk: ScanWalk = self._services.on(cluster).scan_walk(job.id)
            before = done["files"]
            done.update(walk.run(lambda files: job.save(done=before + files)).as_dict())

        on_each(self._services.database, scan)
        return done

    def _rebuild(self, job: RunningJob) -> Mapping[str, int]:
        variants = job.args.get("variants") or (*EAGER, OWN)

        def rebuild(services: Services, cluster: Database) -> Mapping[str, int]:
            def save(after: str, done: int, total: int) -> None:
                job.save(cursor=after if is_home else job.cursor, done=done, total=total)

            is_home = cluster is self._services.database  # after a kill, the rest is checked again
            cursor = job.cursor if is_home else None
            work = Rebuild(SweptStore(cluster), services.renditions, services.sizes_of)
            return work.run(variants, cursor, save)

        made: Counter[str] = Counter()
        with self._services.decoding() as services:
            for each in on_each(self._services.database, partial(rebuild, services)):
                made.update(each)
        return made

    def _snapshot_if_outdated(self) -> None:
        """Take a snapshot, and so update alerts, if the set of damaged files has changed.

        Thresholds that have changed have the same effect: a lowered one is judged at once. While a
        cluster is unreachable, neither can be determined.
        """
        with suppress(Unavailable):
            if self._services.snapshots.is_outdated():
                self._snapshot()

    def _watch(self, _job: RunningJob) -> Mapping[str, int]:
        self._snapshot_if_outdated()  # a reader that finds a wrong byte marks its file
        return self._services.quick_checks.look()

    def _look_at_certificates(self, _job: RunningJob) -> Mapping[str, int]:
        return Certificates(FactStore(self._services.database)).look(self._services.sites.all())

    def _snapshot(self, _job: RunningJob | None = None) -> Mapping[str, int]:
        return self._services.alerts.check(self._services.snapshots.take())

    def _count_quotas(self, job: RunningJob) -> Mapping[str, int]:
        """Count what each site and person has stored, or one of them."""
        if holder := job.args.get("holder"):
            return {"counted": int(self._services.ledger.count(Holder.of(holder)))}

        def count(cluster: Database) -> int:
            def save(after: str, done: int) -> None:
                job.save(cursor=after if is_home else job.cursor, done=done)

            # After a kill, the rest is counted again.
            is_home = cluster is self._services.database
            after = (job.cursor or "") if is_home else ""
            return self._services.on(cluster).ledger.count_all(after, save)

        return {"counted": sum(on_each(self._services.database, count))}

    def _count_sites(self, job: RunningJob) -> Mapping[str, int]:
        """Count the figures of each site, starting where an earlier run ended."""
        counts, counters = SiteCounts(self._services.database), self._services.site_counters
        sites = sorted(each.id for each in self._services.sites.reachable())
        for done, site_id in enumerate(sites):
            if site_id < (job.cursor or ""):
                continue
            job.save(cursor=site_id, done=done, total=len(sites))
            for name, counter in counters.items():
                counts.count(site_id, name, counter)
        return {"counted": len(sites)}
