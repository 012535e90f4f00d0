"""All background work: the kinds of jobs, and the runner that executes them."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any

from avenue.accounts.account_emails import MAIL
from avenue.app.backups import BackupJobs
from avenue.app.messages import message_jobs
from avenue.app.moves import MoveJobs, places_of
from avenue.app.services import Services, opened_services, removal
from avenue.app.sites import site_jobs
from avenue.backup.models import Finding, Kind, Progress, Tell
from avenue.backup.service import BACKUP, DRILL, RETURN, VERIFY
from avenue.builder.website.errors import RevisionConflict
from avenue.builder.website.store import DuePages, PageStore
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import AvenueError, SiteMoves, Unavailable
from avenue.health.alerts.quick_checks import EVERY_SECONDS as WATCH_SECONDS
from avenue.health.checks.fsck import FSCK
from avenue.health.checks.inspection import INSPECT, REFERENCES, REFERENCES_SECONDS
from avenue.health.checks.models import CheckRequest
from avenue.health.checks.scrub import EVERY_SECONDS as EVERY_HOUR
from avenue.health.checks.scrub import SCRUB
from avenue.health.checks.store.findings import CheckStore
from avenue.health.facts.certificates import CERTIFICATES, Certificates
from avenue.health.facts.certificates import EVERY_SECONDS as CERTIFICATES_SECONDS
from avenue.health.facts.store import FactStore
from avenue.health.facts.work import TELL, TELL_SITES, WATCH
from avenue.health.history.snapshots.service import EVERY_SECONDS as SNAPSHOT_SECONDS
from avenue.health.history.snapshots.service import SNAPSHOT
from avenue.identity import Actor, Role
from avenue.jobs.errors import JobNotSetUp, JobPaused, Waits
from avenue.jobs.models import Job, State
from avenue.jobs.runner import Handler, JobRunner, RunningJob
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.media.announcing.models import PURGES, WEBHOOKS
from avenue.media.pictures.variants import EAGER
from avenue.media.quarantine.walk import EVERY_SECONDS as SCAN_SECONDS
from avenue.media.quarantine.walk import SCAN, ScanWalk
from avenue.media.references import IMPORT_EXTERNAL
from avenue.media.renditions.rebuild import OWN, Rebuild
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import Sweeper, agreed_skew_seconds
from avenue.moves.models import ADOPT, EXPORT, IMPORT_EXPORT, IMPORT_FOLDER, IMPORT_FROM
from avenue.notifications.service import EVERY_SECONDS
from avenue.shop.service.imports import IMPORT, UNDO, ImportWorker
from avenue.shop.service.picture_imports import PICTURES_BY_SKU
from avenue.shop.service.samples import LOAD, SampleWorker
from avenue.shop.store.imports import ImportStore
from avenue.shop.store.products import TrashedProducts
from avenue.shop.store.samples import SampleStore
from avenue.sites.cloning import CLONE
from avenue.sites.moving import EVERY_SECONDS as PURGE_MOVED_SECONDS
from avenue.sites.moving import MOVE, PURGE_MOVED
from avenue.sites.removal import EVERY_SECONDS as REMOVE_SECONDS
from avenue.sites.removal import REMOVE, REMOVE_DUE
from avenue.storage.clusters import clusters_at_hand, on_each
from avenue.storage.connection import Database
from avenue.storage.holders import COUNT_QUOTAS, Holder
from avenue.storage.outboxes import gather
from avenue.storage.schema import (
    Gate,
)
from avenue.storage.site_counts import COUNT_SITES, SiteCounts
from avenue.storage.site_data import BUCKETS
from avenue.uploads.retention.service import Retention
from avenue.uploads.retention.store import ExpiredUploads
from avenue.uploads.tus.store import SweptTusStore
from avenue.uploads.tus.sweeping import TusSweeper
from avenue.web import metrics

SWEEP = "sweep"
PUBLISH = "publish_pages"
PUBLISH_SECONDS = 20
MOST_PUBLISHED = 100
"""Pages published per cluster in one round; the rest follows in the next round."""
REBUILD = "rebuild"
JUDGES_AGES = {SWEEP, FSCK}
MESSAGES = (MAIL, WEBHOOKS, TELL)
IMPORTS = (IMPORT, UNDO, LOAD, PICTURES_BY_SKU)
FIGURES = (SNAPSHOT, WATCH, COUNT_QUOTAS, COUNT_SITES)
WALKS = (SWEEP, INSPECT, SCRUB, REBUILD)
BACKUPS = (BACKUP, VERIFY, DRILL)
"""The periodic backup jobs."""
MOVES_IN = (IMPORT_FROM, IMPORT_FOLDER, IMPORT_EXPORT, IMPORT_EXTERNAL)
CLASSES = (
    MESSAGES,
    (CERTIFICATES,),  # makes requests to other hosts
    (TELL_SITES,),  # sends to receivers that we do not operate
    (PURGES,),  # a changed price must not wait for an email
    FIGURES,
    (REFERENCES,),  # a lost picture is reported soon
    (PUBLISH,),
    (SCAN,),  # nothing waits for its result
    IMPORTS,
    (FSCK,),
    WALKS,
    (*BACKUPS, RETURN),
    MOVES_IN,
    (ADOPT,),  # may follow another database for weeks
    (EXPORT,),
    (REMOVE, REMOVE_DUE),
    (CLONE,),
    (MOVE, PURGE_MOVED),
)
"""Classes of kinds: jobs of one class run one after the other, classes run in parallel.

So a message never waits for a walk through everything that is stored.
"""
PERIODIC = (
    *(SNAPSHOT, WATCH, REFERENCES, INSPECT, SWEEP, SCRUB, COUNT_QUOTAS, COUNT_SITES, REMOVE_DUE),
    PURGE_MOVED,
    PUBLISH,
    *MESSAGES,
    TELL_SITES,
    CERTIFICATES,
    PURGES,
    *BACKUPS,
    SCAN,
)
"""Periodic jobs, which `jobs run` can also run at once."""
COUNT_SECONDS = 3600
MOST_FINDINGS = 10_000
PURGE_SECONDS = 1
"""Interval of purges: a changed price should be visible soon."""
LOOK_SECONDS = 0.1
COMMAND_LEASE_SECONDS = 15.0
"""Lease of a command's job: after a kill, the next run waits at most this long."""
OVERSEE_SECONDS = 60.0

log = logging.getLogger(__name__)


class Background:
    """All background work: the kinds of jobs and a runner for them."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._services = services = Services(settings, database)
        self._gate = Gate(database)
        self._swept = SweptStore(database)
        self._retention = Retention(ExpiredUploads(database), services.audit)
        self._jobs = JobService(MongoJobStore(database, places=partial(places_of, settings)))
        self._own = JobService(MongoJobStore(database), lease_seconds=COMMAND_LEASE_SECONDS)
        importing = ImportWorker(ImportStore(database), self._jobs, services.audit, settings)
        self._handlers: dict[str, Handler] = {
            SWEEP: self._sweep,
            INSPECT: self._inspect,
            REFERENCES: self._look_at_references,
            IMPORT: importing.apply,
            UNDO: importing.undo,
            REBUILD: self._rebuild,
            LOAD: self._load_samples,
            PICTURES_BY_SKU: self._pictures_by_sku,
            COUNT_QUOTAS: self._count_quotas,
            COUNT_SITES: self._count_sites,
            SNAPSHOT: self._snapshot,
            WATCH: self._watch,
            CERTIFICATES: self._look_at_certificates,
            FSCK: self._fsck,
            SCRUB: self._scrub,
            PUBLISH: self._publish_due,
            **MoveJobs(settings, database).handlers,
        }
        # Messages wait for a process that has the settings of their receiver.
        self._handlers |= message_jobs(services)
        self._handlers |= site_jobs(services)
        self._backups = BackupJobs(settings, database, checked)
        if settings.scanner:
            self._handlers[SCAN] = self._scan
        if settings.backup_to:
            self._handlers[BACKUP] = self._backups.create
            self._handlers[VERIFY] = self._backups.verify
            self._handlers[DRILL] = self._backups.drill
            self._handlers[RETURN] = self._backups.bring_back
        self._handlers = {
            kind: partial(_waiting_for_clusters, database, each)
            for kind, each in self._handlers.items()
        }
        self._settings, self._database = settings, database
        self._stop = threading.Event()

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of jobs that can run with these settings."""
        return frozenset(self._handlers)

    def run_forever(self) -> None:
        """Run jobs until `stop` is called."""
        runner = JobRunner(self._jobs, self._handlers, classes=CLASSES, prepare=self._prepare)
        runner.run_forever(self._stop)

    def stop(self) -> None:
        """Make `run_forever` return soon; unfinished jobs are handed back."""
        self._stop.set()

    def run_now(
        self,
        kind: str,
        progress: Callable[[Job], None] = lambda _: None,
        args: Mapping[str, Any] | None = None,
    ) -> Job:
        """Queue a job of `kind`, run it to its end, and return it."""
        return self.finish(self.begin(kind, args).id, progress)

    def begin(self, kind: str, args: Mapping[str, Any] | None = None) -> Job:
        """Queue a job of `kind`, or return the unfinished one with the same `args`.

        Raise `ClocksDiffer` if it could not run until the clocks agree, and `JobNotSetUp`.
        """
        self._gate.pass_or_raise()
        if kind not in self._handlers:
            raise JobNotSetUp(kind=kind)
        if kind in JUDGES_AGES:
            agreed_skew_seconds(self._swept)
        return self._jobs.enqueue(kind, args, key=f"now {sorted((args or {}).items())}")

    def finish(self, job_id: str, progress: Callable[[Job], None] = lambda _: None) -> Job:
        """Run a job to its end, calling `progress` now and then, and return it.

        If interrupted, the job is handed back for another process to resume. Raise `JobPaused`.
        """
        job = self._jobs.get(job_id)
        with self._working(job):
            while not job.is_finished:
                if job.state is State.PAUSED:
                    raise JobPaused(job=job.id)
                self._stop.wait(LOOK_SECONDS)
                job = self._jobs.get(job_id)
                progress(job)
        return job

    @contextmanager
    def _working(self, job: Job) -> Iterator[None]:
        """Run this job and no other; hand it back if it is not finished at the end.

        So a command does not wait for all jobs that are due.
        """
        over = threading.Event()
        runner = JobRunner(self._own, {job.kind: self._handlers[job.kind]}, only=job.id)
        worker = threading.Thread(target=_work_until, args=(runner, over), name="jobs")
        worker.start()
        try:
            yield
        finally:
            over.set()
            worker.join()

    def _prepare(self) -> None:
        self._gate.pass_or_raise()
        seconds = {
            SWEEP: self._settings.sweep_minutes * 60,
            INSPECT: self._settings.inspect_minutes * 60,
            REFERENCES: REFERENCES_SECONDS,
            COUNT_QUOTAS: COUNT_SECONDS,
            COUNT_SITES: COUNT_SECONDS,
            SNAPSHOT: SNAPSHOT_SECONDS,
            WATCH: WATCH_SECONDS,
            CERTIFICATES: CERTIFICATES_SECONDS,
            SCRUB: EVERY_HOUR,
            SCAN: SCAN_SECONDS,
            REMOVE_DUE: REMOVE_SECONDS,
            PURGE_MOVED: PURGE_MOVED_SECONDS,
            PUBLISH: PUBLISH_SECONDS,
            **dict.fromkeys((*MESSAGES, TELL_SITES), EVERY_SECONDS),
            PURGES: PURGE_SECONDS,
            **self._backups.seconds,
        }
        for kind in seconds.keys() & self._handlers.keys():
            self._jobs.periodic(kind, seconds[kind])

    def _sweep(self, job: RunningJob) -> dict[str, int]:
        gather(self._database)
        expired = self._retention.run(
            job.id, SWEEP, job.cursor, lambda counts: job.save(cursor=counts)
        )
        all_of_it = job.args.get("all") is True
        swept = Counter(expired=expired)

        def sweep(cluster: Database) -> None:
            swept.update(resumable=TusSweeper(SweptTusStore(cluster)).sweep())
            work = self._sweeper(cluster)
            counts = work.sweep(lambda done: job.save(done=done.total), all_of_it=all_of_it)
            swept.update(counts.as_dict())

        on_each(self._database, sweep)
        metrics.count_swept(swept)
        return swept

    def _sweeper(self, cluster: Database) -> Sweeper:
        return Sweeper(
            SweptStore(cluster),
            buckets=BUCKETS,
            trash_days=self._settings.trash_days,
            forget_owners=TrashedProducts(cluster).forget,
            removal=partial(removal, self._of(cluster).ledger),
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

    def _publish_due(self, job: RunningJob) -> Mapping[str, int]:
        """Publish the pages whose scheduled time has come."""
        due = on_each(
            self._database,
            lambda cluster: DuePages(cluster).find(utc_now(), limit=MOST_PUBLISHED),
        )
        done: Counter[str] = Counter(published=0, failed=0)
        pages = [each for some in due for each in some]
        if not pages:
            return done
        changes = self._services.audit
        with self._decoding() as services:
            for site_id, page_id, at in pages:
                record = partial(
                    changes.record_job, site_id, object_id=page_id, job_id=job.id, job_kind=PUBLISH
                )
                site = self._services.sites.by_id(site_id)
                if site is None or not site.is_open:  # when it is open again, an editor decides
                    PageStore(self._database).was_due(site_id, page_id, at)
                    continue
                actor = Actor(site=site, role=Role.EDITOR)
                try:
                    if services.pages.publish_due(actor, page_id, at):
                        record("page.published")
                        done["published"] += 1
                except (RevisionConflict, Unavailable):
                    done["failed"] += 1  # retried in the next round
                except AvenueError as error:
                    record("page.not_published", details={"error": error.code})
                    done["failed"] += 1
                job.save(done=done.total(), total=len(pages))
        return done

    def _decoding(self) -> AbstractContextManager[Services]:
        """Give services to a job that decodes pictures."""
        return opened_services(self._settings, self._database, self._settings.workers)

    def _of(self, cluster: Database) -> Services:
        """Return the services of one cluster."""
        is_home = cluster is self._database
        return self._services if is_home else Services(self._settings, cluster)

    def _scan(self, job: RunningJob) -> Mapping[str, int]:
        """Scan pending files, and all files again if the signatures have changed."""
        done: Counter[str] = Counter()

        def scan(cluster: Database) -> None:
            walk: ScanWalk = self._of(cluster).scan_walk(job.id)
            before = done["files"]
            done.update(walk.run(lambda files: job.save(done=before + files)).as_dict())

        on_each(self._database, scan)
        return done

    def _count_quotas(self, job: RunningJob) -> Mapping[str, int]:
        if holder := job.args.get("holder"):
            return {"counted": int(self._services.ledger.count(Holder.of(holder)))}

        def count(cluster: Database) -> int:
            def save(after: str, done: int) -> None:
                job.save(cursor=after if is_home else job.cursor, done=done)

            is_home = cluster is self._database  # after a kill, the rest is counted again
            return self._of(cluster).ledger.count_all((job.cursor or "") if is_home else "", save)

        return {"counted": sum(on_each(self._database, count))}

    def _count_sites(self, job: RunningJob) -> Mapping[str, int]:
        """Count the figures of each site, starting where an earlier run ended."""
        counts, counters = SiteCounts(self._database), self._services.site_counters
        sites = sorted(each.id for each in self._services.sites.reachable())
        for done, site_id in enumerate(sites):
            if site_id < (job.cursor or ""):
                continue
            job.save(cursor=site_id, done=done, total=len(sites))
            for name, counter in counters.items():
                counts.count(site_id, name, counter)
        return {"counted": len(sites)}

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
        return Certificates(FactStore(self._database)).look(self._services.sites.all())

    def _snapshot(self, _job: RunningJob | None = None) -> Mapping[str, int]:
        return self._services.alerts.check(self._services.snapshots.take())

    def _load_samples(self, job: RunningJob) -> Mapping[str, int]:
        with self._decoding() as services:
            worker = SampleWorker(
                SampleStore(self._database),
                services.products,
                services.groups,
                services.pictures,
                services.audit,
                site_of=services.sites.named,
                tmp_dir=self._settings.tmp_dir,
            )
            return worker.load(job)

    def _rebuild(self, job: RunningJob) -> Mapping[str, int]:
        variants = job.args.get("variants") or (*EAGER, OWN)

        def rebuild(services: Services, cluster: Database) -> Mapping[str, int]:
            def save(after: str, done: int, total: int) -> None:
                job.save(cursor=after if is_home else job.cursor, done=done, total=total)

            is_home = cluster is self._database  # after a kill, the rest is checked again
            cursor = job.cursor if is_home else None
            work = Rebuild(SweptStore(cluster), services.renditions, services.sizes_of)
            return work.run(variants, cursor, save)

        made: Counter[str] = Counter()
        with self._decoding() as services:
            for each in on_each(self._database, partial(rebuild, services)):
                made.update(each)
        return made

    def _pictures_by_sku(self, job: RunningJob) -> Mapping[str, int]:
        with self._decoding() as services:
            return services.picture_import_worker.apply(job)


def _waiting_for_clusters(
    database: Database, handler: Handler, job: RunningJob
) -> Mapping[str, Any] | None:
    """Run a job; raise `Waits` if a cluster it needs is unreachable or a site is moving."""
    try:
        return handler(job)
    except SiteMoves as error:
        raise Waits from error
    except Unavailable as error:
        if len(clusters_at_hand(database)) <= len(database.clusters):
            raise Waits from error
        raise


class _Nobody(RunningJob):
    """A job without a queue entry, for work that a command runs directly."""

    def __init__(self) -> None:
        self.args = {}

    def save(self, **_: Any) -> None:
        """Store nothing."""


def watch_forever(settings: Settings, database: Database, stop: threading.Event) -> None:
    """Let a web process check and alert while background work has stopped."""
    services = Services(settings, database)
    jobs = message_jobs(services)
    while not stop.wait(OVERSEE_SECONDS):
        try:
            Gate(database).pass_or_raise()
            oversee(services, jobs)
        except AvenueError as error:
            log.warning("Nobody could look after the background work: %s", error.message)
        except Exception:
            log.exception("Nobody could look after the background work.")


def oversee(services: Services, jobs: Mapping[str, Handler]) -> None:
    """Look, and tell, if background work has stopped."""
    told = {MAIL, TELL, TELL_SITES} if services.quick_checks.look_if_nobody_does() else set()
    for kind in jobs.keys() & told:
        jobs[kind](_Nobody())


def checked(settings: Settings, database: Database, tell: Tell) -> tuple[Finding, ...]:
    """Check every byte of a database, as `fsck` does, and return the findings."""

    def save(job: Job) -> None:
        tell(Progress(phase="check", done=job.progress.done, total=job.progress.total))

    job = Background(settings, database).run_now(FSCK, save)
    if job.error:
        return (Finding(kind=Kind.UNREADABLE, what=FSCK, detail=job.error),)
    found = CheckStore(database).findings(job.id, "", MOST_FINDINGS)
    return tuple(
        Finding(kind=Kind.INCOMPLETE, what=f"{each.kind} {each.subject}", detail=each.detail)
        for each in found
    )


def _work_until(runner: JobRunner, over: threading.Event) -> None:
    while not over.is_set():
        try:
            worked = runner.run_one(over)
        except Unavailable as error:
            log.warning("Background work waits: %s", error.message)
            worked = False
        if not worked:  # another process has the job, or it waits for its next attempt
            over.wait(LOOK_SECONDS)
