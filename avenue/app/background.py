"""All background work: the kinds of jobs, and the runner that executes them."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from avenue.app.backups import BackupJobs
from avenue.app.job_kinds import CLASSES, seconds_of
from avenue.app.messages import message_jobs
from avenue.app.moves import MoveJobs, places_of
from avenue.app.services import Services
from avenue.app.site_jobs import site_jobs
from avenue.app.walks import SWEEP, Walks
from avenue.backup.models import Finding, Kind, Progress, Tell
from avenue.backup.service import BACKUP, DRILL, RETURN, VERIFY
from avenue.config import Settings
from avenue.errors import SiteMoves, Unavailable
from avenue.health.checks.fsck import FSCK
from avenue.health.checks.store.findings import CheckStore
from avenue.jobs.errors import JobNotSetUp, JobPaused, Waits
from avenue.jobs.models import Job, State
from avenue.jobs.runner import Handler, JobRunner, RunningJob
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import agreed_skew_seconds
from avenue.storage.clusters import clusters_at_hand
from avenue.storage.connection import Database
from avenue.storage.schema import Gate

JUDGES_AGES = {SWEEP, FSCK}
MOST_FINDINGS = 10_000
LOOK_SECONDS = 0.1
COMMAND_LEASE_SECONDS = 15.0
"""Lease of a command's job: after a kill, the next run waits at most this long."""

log = logging.getLogger(__name__)


class Background:
    """All background work: the kinds of jobs and a runner for them."""

    def __init__(self, settings: Settings, database: Database) -> None:
        services = Services(settings, database)
        self._gate = Gate(database)
        self._swept = SweptStore(database)
        self._jobs = JobService(MongoJobStore(database, places=partial(places_of, settings)))
        self._own = JobService(MongoJobStore(database), lease_seconds=COMMAND_LEASE_SECONDS)
        self._handlers: dict[str, Handler] = {
            **Walks(services).handlers,
            **MoveJobs(settings, database).handlers,
            # Messages wait for a process that has the settings of their receiver.
            **message_jobs(services),
            **site_jobs(services, self._jobs),
        }
        self._backups = BackupJobs(settings, database, checked)
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
        seconds = {**seconds_of(self._settings), **self._backups.seconds}
        for kind in seconds.keys() & self._handlers.keys():
            self._jobs.periodic(kind, seconds[kind])


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
