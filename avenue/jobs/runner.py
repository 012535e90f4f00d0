"""The job runner: takes due jobs and runs their handlers.

Kinds of job are grouped into classes: of each class one job runs at a time, and none waits for one
of another class. So an email is sent while all stored files are being checked.

A web process has a runner in a daemon thread, `python -m avenue worker` in its main thread. It
survives failing handlers and an unreachable database.
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
BEATS_PER_LEASE = 3  # two heartbeats may get lost before the lease ends

_KEEP = object()

logger = logging.getLogger(__name__)


class RunningJob:
    """A handler's view of its job.

    `args` are those it was enqueued with, `cursor` is what an earlier run saved last (None at
    first): the handler continues from there.
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
        """Save the progress (what is left out stays); call it after every step.

        `cursor` is anything MongoDB can store that tells the handler where to continue; the steps
        before it are not repeated. Raise `LeaseLost` when the job is no longer held, `Halted` when
        it was paused or cancelled, `Stopping` when this process ends: let them propagate.
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
        """Shorten the lease, so that others can continue soon if this process is killed.

        The next `save` restores it.
        """
        self._service.extend(self._job, seconds)

    def beat(self) -> bool:
        """Extend the lease; return whether to continue with heartbeats."""
        try:
            held = self._service.extend(self._job)
        except Exception as error:
            logger.warning("Job %s has no heartbeat: %s", self.id, _words(error))
            return True  # the lease may outlast the failure; `save` finds out
        if not held:
            self._lost.set()
        return held


Handler = Callable[[RunningJob], Mapping[str, Any] | None]
"""Runs one kind of job and returns its result. May be called twice, or again from its cursor."""


class JobRunner:
    """Runs the kinds of job in `handlers`; other kinds wait for another runner."""

    def __init__(
        self,
        service: JobService,
        handlers: Mapping[str, Handler],
        *,
        classes: Sequence[Collection[str]] = (),
        only: str | None = None,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        """`run_forever` runs one job of each of `classes` at the same time; without them, one job.

        With `only`, `run_one` runs only the job with that id. `prepare` is called until it succeeds
        once, before `run_forever` takes a job: it checks that the database is ours and registers
        periodic jobs.
        """
        self._service = service
        self._handlers = handlers
        self._only = only
        together = [frozenset(kinds).intersection(handlers) for kinds in classes]
        self._classes = [kinds for kinds in together if kinds] or [frozenset(handlers)]
        self._prepare = prepare
        self._threads: dict[frozenset[str], threading.Thread] = {}

    def run_forever(self, stop: threading.Event) -> None:
        """Run jobs until `stop` is set; running ones are handed back at their next save."""
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
        """Run one due job; return False when there is none.

        What the handler raises is recorded in the job. Raise `Unavailable` when the database is
        unreachable; then the job is resumed once its lease has ended.
        """
        job = self._service.claim(self._handlers.keys(), only=self._only)
        if job is None:
            return False
        self._run(job, stop or threading.Event())
        return True

    def _start_one(self, stop: threading.Event) -> bool:
        """Take a due job, of a class of which none is running, and run it in a thread.

        Return whether there was one.
        """
        idle = [each for each in self._classes if not self._is_busy(each)]
        if not idle:
            return False
        job = self._service.claim(frozenset().union(*idle))
        if job is None:
            return False
        (kinds,) = (each for each in idle if job.kind in each)
        # A daemon thread, like the runner's: a web process that ends does not wait for it.
        thread = threading.Thread(
            target=self._run_all, args=(job, kinds, stop), name=f"job-{job.kind}", daemon=True
        )
        self._threads[kinds] = thread
        thread.start()
        return True

    def _is_busy(self, kinds: frozenset[str]) -> bool:
        return kinds in self._threads and self._threads[kinds].is_alive()

    def _run_all(self, job: Job | None, kinds: frozenset[str], stop: threading.Event) -> None:
        """Run a job, and then any other due jobs of its class."""
        try:
            while job is not None:
                self._run(job, stop)
                job = None if stop.is_set() else self._service.claim(kinds)
        # the next attempt to take a job meets the same failure, and waits
        except Exception as error:
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
