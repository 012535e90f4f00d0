"""Does the background work: takes jobs that are due and runs their handlers, one at a time.

A web process has one of these in a daemon thread, `python -m avenue worker` in its main thread.
It outlives handlers that fail and databases that go away.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from avenue.errors import AvenueError
from avenue.jobs.errors import Halted, LeaseLost, Stopping
from avenue.jobs.models import Job
from avenue.jobs.service import JobService
from avenue.web import metrics

POLL_SECONDS = 2.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
BEATS_PER_LEASE = 3  # two heartbeats may get lost before the lease is

_KEEP = object()

logger = logging.getLogger(__name__)


class RunningJob:
    """What a handler sees of its job.

    `args` are those it was enqueued with, `cursor` is what an earlier run saved last (None at
    first): the handler goes on from there.
    """

    def __init__(self, service: JobService, job: Job, stop: threading.Event) -> None:
        self.id = job.id
        self.site = job.site
        self.args = job.args
        self.cursor = job.cursor
        self._service = service
        self._job = job
        self._stop = stop
        self._lost = threading.Event()

    def save(
        self, *, cursor: Any = _KEEP, done: int | None = None, total: int | None = None
    ) -> None:
        """Keep how far the work got (what is left out stays); call it after every step.

        `cursor` is anything MongoDB can hold that tells the handler where to go on; the steps
        before it are not done again. Raise `LeaseLost` when the job is no longer ours, `Halted`
        when somebody paused or cancelled it, `Stopping` when this process ends: let them pass.
        """
        saved: dict[str, Any] = {"done": done, "total": total}
        saved = {name: value for name, value in saved.items() if value is not None}
        if cursor is not _KEEP:
            saved["cursor"] = self.cursor = cursor
        kept = None if self._lost.is_set() else self._service.save(self._job, saved)
        if kept is None:
            self._lost.set()
            raise LeaseLost
        if kept.wish is not None:
            raise Halted
        if self._stop.is_set():
            raise Stopping

    def beat(self) -> bool:
        """Extend the lease; return whether to go on beating."""
        try:
            held = self._service.extend(self._job)
        except Exception as error:
            logger.warning("Job %s has no heartbeat: %s", self.id, _words(error))
            return True  # the lease may outlast the trouble; `save` finds out
        if not held:
            self._lost.set()
        return held


Handler = Callable[[RunningJob], Mapping[str, Any] | None]
"""Does one kind of job and returns its result. May be run twice, or again from its cursor."""


class JobRunner:
    """Runs the kinds of job that `handlers` names; other kinds wait for another runner."""

    def __init__(
        self,
        service: JobService,
        handlers: Mapping[str, Handler],
        *,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        """`prepare` is called until it succeeds once, before `run_forever` looks for a job.

        It is where the database is checked to be ours and periodic jobs are registered.
        """
        self._service = service
        self._handlers = handlers
        self._prepare = prepare

    def run_forever(self, stop: threading.Event) -> None:
        """Run jobs until `stop` is set; the one being run then is handed back at its next save."""
        prepared, trouble, pause = False, "", FIRST_PAUSE_SECONDS
        while not stop.is_set():
            try:
                if not prepared:
                    self._prepare()
                    prepared = True
                wait = 0.0 if self.run_one(stop) else POLL_SECONDS
                trouble, pause = _note("", before=trouble), FIRST_PAUSE_SECONDS
            except Exception as error:
                trouble = _note(_words(error), before=trouble)
                wait, pause = pause, min(pause * 2, LONGEST_PAUSE_SECONDS)
            stop.wait(wait)

    def run_one(self, stop: threading.Event | None = None) -> bool:
        """Run one job that is due; return False when there is none.

        What the handler raises is recorded in the job. Raise `Unavailable` when the database is
        away; then the job is resumed once its lease has ended.
        """
        job = self._service.claim(self._handlers.keys())
        if job is None:
            return False
        self._run(job, stop or threading.Event())
        return True

    def _run(self, job: Job, stop: threading.Event) -> None:
        running = RunningJob(self._service, job, stop)
        began_at = time.monotonic()
        try:
            with self._heart_beating(running):
                result = self._handlers[job.kind](running)
        except LeaseLost:
            outcome, held = "lost", False
        except Halted:
            outcome, held = "halted", self._service.halt(job)
        except Stopping:
            outcome, held = "handed_back", self._service.hand_back(job)
        except Exception as error:
            logger.exception("Job %s (%s) ended with an error.", job.id, job.kind)
            outcome, held = "failed", self._service.fail(job, error)
        else:
            outcome, held = "done", self._service.finish(job, result)
        metrics.count_job(job.kind, outcome if held else "lost", time.monotonic() - began_at)
        if not held:
            logger.warning("Job %s (%s) is no longer ours and was left.", job.id, job.kind)

    @contextlib.contextmanager
    def _heart_beating(self, running: RunningJob) -> Iterator[None]:
        over = threading.Event()

        def beat() -> None:
            while not over.wait(self._service.lease_seconds / BEATS_PER_LEASE):
                if not running.beat():
                    return

        heart = threading.Thread(target=beat, name="job-heartbeat", daemon=True)
        heart.start()
        try:
            yield
        finally:
            over.set()
            heart.join()


def _words(error: Exception) -> str:
    return error.message if isinstance(error, AvenueError) else repr(error)


def _note(trouble: str, *, before: str) -> str:
    """Log that `trouble` began or ended, once however long it lasts, and return it."""
    if trouble and trouble != before:
        logger.warning("Background work waits: %s", trouble)
    elif before and not trouble:
        logger.info("Background work goes on.")
    return trouble
