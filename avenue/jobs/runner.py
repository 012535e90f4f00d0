"""Does the background work: takes jobs that are due and runs their handlers.

Kinds of job are in classes: of each class one job runs at a time, and none waits for one of another
class. So a letter is sent while everything that is stored is looked at.

A web process has one of these in a daemon thread, `python -m avenue worker` in its main thread.
It outlives handlers that fail and databases that go away.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from avenue.errors import AvenueError
from avenue.jobs.errors import GiveUp, Halted, LeaseLost, Stopping, Waits
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

    def shorten(self, seconds: float) -> None:
        """Let others go on soon, should this process be killed; the next `save` ends that."""
        self._service.extend(self._job, seconds)

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
        classes: Sequence[Collection[str]] = (),
        only: str | None = None,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        """Have `run_forever` run a job of each of `classes` at the same time; else one of all.

        `run_one` runs no job but the one with the id `only`, if one is given.
        `prepare` is called until it succeeds once, before `run_forever` looks for a job. It is
        where the database is checked to be ours and periodic jobs are registered.
        """
        self._service = service
        self._handlers = handlers
        self._only = only
        together = [frozenset(kinds).intersection(handlers) for kinds in classes]
        self._classes = [kinds for kinds in together if kinds] or [frozenset(handlers)]
        self._prepare = prepare
        self._threads: dict[frozenset[str], threading.Thread] = {}

    def run_forever(self, stop: threading.Event) -> None:
        """Run jobs until `stop` is set; those being run then are handed back at their next save."""
        prepared, trouble, pause = False, "", FIRST_PAUSE_SECONDS
        while not stop.is_set():
            try:
                if not prepared:
                    self._prepare()
                    prepared = True
                wait = 0.0 if self._start_one(stop) else POLL_SECONDS
                trouble, pause = _note("", before=trouble), FIRST_PAUSE_SECONDS
            except Exception as error:
                trouble = _note(_words(error), before=trouble)
                wait, pause = pause, min(pause * 2, LONGEST_PAUSE_SECONDS)
            stop.wait(wait)
        for thread in self._threads.values():
            thread.join()

    def run_one(self, stop: threading.Event | None = None) -> bool:
        """Run one job that is due; return False when there is none.

        What the handler raises is recorded in the job. Raise `Unavailable` when the database is
        away; then the job is resumed once its lease has ended.
        """
        job = self._service.claim(self._handlers.keys(), only=self._only)
        if job is None:
            return False
        self._run(job, stop or threading.Event())
        return True

    def _start_one(self, stop: threading.Event) -> bool:
        """Take a job that is due, of a class of which none runs, and run it in a thread.

        Return whether there was one.
        """
        idle = [each for each in self._classes if not self._is_busy(each)]
        if not idle:
            return False
        job = self._service.claim(frozenset().union(*idle))
        if job is None:
            return False
        (kinds,) = (each for each in idle if job.kind in each)
        # A daemon as the thread of the runner is: a web process that ends does not wait for it.
        thread = threading.Thread(
            target=self._run_all, args=(job, kinds, stop), name=f"job-{job.kind}", daemon=True
        )
        self._threads[kinds] = thread
        thread.start()
        return True

    def _is_busy(self, kinds: frozenset[str]) -> bool:
        return kinds in self._threads and self._threads[kinds].is_alive()

    def _run_all(self, job: Job | None, kinds: frozenset[str], stop: threading.Event) -> None:
        """Run a job, and whatever of its class is due then."""
        try:
            while job is not None:
                self._run(job, stop)
                job = None if stop.is_set() else self._service.claim(kinds)
        except Exception as error:  # the next look for a job meets the same, and waits
            logger.warning("Background work of %s was left: %s", sorted(kinds), _words(error))

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
        except (GiveUp, Waits) as error:
            logger.warning("Job %s (%s) was left: %s", job.id, job.kind, error)
            outcome, held = "failed", self._service.fail(job, error)
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
