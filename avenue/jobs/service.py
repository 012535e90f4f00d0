"""The job queue: enqueuing and reading jobs, and the life of a run.

A job is in the database from the moment it is enqueued, so it survives every process. A runner
holds it with a lease that it keeps extending; when the runner is killed, the lease ends and another
one resumes from the cursor saved last. So a step may be repeated, and handlers must allow for that.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from avenue.errors import AvenueError, MalformedRecord, filled, required, sentence
from avenue.identity import new_id
from avenue.jobs.errors import GiveUp, JobIsPeriodic, JobNotFound, JobOver, Waits
from avenue.jobs.models import OPEN, OVER, Job, Queue, State, Wish
from avenue.jobs.store import MongoJobStore

LEASE_SECONDS = 60.0
MOST_ATTEMPTS = 5
WAIT_SECONDS = 30
"""Interval of checking whether what a job waits for is available again."""
FIRST_RETRY_SECONDS = 10
ENDED = sentence("It failed with {kind}; see the log for details.")
RETRY_GROWTH = 4  # 10 s, 40 s, 160 s, 640 s: temporary failures pass in between
LISTED_JOBS = 100
OPEN_JOBS = 500


class JobService:
    """The job queue: `enqueue`, `periodic`, `get`, the lists, and `pause`, `resume`, `cancel`.

    The other methods are for runners.
    """

    def __init__(self, store: MongoJobStore, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self.lease_seconds = lease_seconds
        self._store = store

    def enqueue(
        self,
        kind: str,
        args: Mapping[str, Any] | None = None,
        *,
        site: str | None = None,
        key: str | None = None,
        place: str | None = None,
        after_seconds: float = 0,
    ) -> Job:
        """Put a job in the queue and return it.

        Only processes with access to its `place` take it, if it has one. A caller that runs the job
        itself leaves it to others only `after_seconds`.

        With a `key`, an unfinished job of the same kind, site and key is returned instead of
        creating a second one (a button pressed twice).
        """
        open_key = None if key is None else f"{kind}/{site or ''}/{key}"
        return self._store.add(
            kind, args or {}, site, open_key, place=place, after_seconds=after_seconds
        )

    def periodic(self, kind: str, every_seconds: int) -> None:
        """Run `kind` for the whole deployment now, and again `every_seconds` after each end.

        Repeatable; a changed interval counts from now. The job's id is its kind.
        """
        self._store.put_periodic(kind, every_seconds)

    def get(self, job_id: str) -> Job:
        """Return one job or raise `JobNotFound`."""
        return required(self._store.find(job_id), JobNotFound)

    def known(self, job_id: str | None) -> Job | None:
        """Return one job; None when there is none, or it cannot be read."""
        try:
            return self.get(job_id) if job_id else None
        except (JobNotFound, MalformedRecord):
            return None

    def unfinished(self, *, site: str | None = None) -> list[Job]:
        """Return the newest 500 running, waiting or paused jobs, newest first.

        A job that runs for long may be missing: `using` has all. Results and cursors are left out,
        here as in the other lists.
        """
        return self._store.newest(OPEN_JOBS, site, OPEN)

    def latest(self, kind: str, **args: Any) -> Job | None:
        """Return the newest job of a kind with these arguments among its own; None if none.

        It may have finished; finished jobs are kept for 30 days.
        """
        return self._store.latest(kind, args)

    def using(self, site: str) -> list[Job]:
        """Return all unfinished jobs of a site, and all running ones of the deployment."""
        return self._store.using(site)

    def finished(self, *, site: str | None = None) -> list[Job]:
        """Return the newest 100 finished jobs, newest first; none is older than 30 days."""
        return self._store.newest(LISTED_JOBS, site, OVER)

    def failed(self, *, site: str | None = None) -> list[Job]:
        """Return the newest 100 failed jobs, newest first."""
        return self._store.newest(LISTED_JOBS, site, (State.FAILED,))

    def list(self, *, site: str | None = None) -> list[Job]:
        """Return the newest 100 jobs of a site, or of all sites, newest first."""
        return self._store.newest(LISTED_JOBS, site, tuple(State))

    def pause(self, job_id: str) -> Job:
        """Pause a job until it is resumed, and return it; repeatable.

        A running one is paused at its next save and has the `wish` until then. Raise `JobOver`.
        """
        changed = self._store.pause(job_id)
        job = self.get(job_id)
        if not changed and not job.may_be_resumed:
            raise JobOver
        return job

    def resume(self, job_id: str) -> Job:
        """Resume a paused job from its cursor, and return it; repeatable. Raise `JobOver`."""
        changed = self._store.resume(job_id)
        job = self.get(job_id)
        if not changed and not job.may_be_paused:
            raise JobOver
        return job

    def cancel(self, job_id: str) -> Job:
        """Cancel a job for good, and return it; what it had done stays. Repeatable.

        A running one ends at its next save and has the `wish` until then. Raise `JobIsPeriodic`, or
        `JobOver` when it has ended before.
        """
        changed = self._store.cancel(job_id)
        job = self.get(job_id)
        if job.every_seconds is not None:
            raise JobIsPeriodic
        is_cancelled = job.state is State.CANCELLED or job.wish is Wish.CANCEL
        if not changed and not is_cancelled:
            raise JobOver
        return job

    def queues(self) -> Sequence[Queue]:
        """Return the numbers of jobs of each kind, of all sites together."""
        return self._store.queues()

    def claim(self, kinds: Collection[str], *, only: str | None = None) -> Job | None:
        """Take and lease the job of one of `kinds` that has been due longest, or return None.

        With `only`, only the job with that id.

        A job whose runs keep being killed fails here, before it takes another process down; one
        whose run was killed before it noticed a wish is paused or cancelled.
        """
        while job := self._store.claim(kinds, new_id(), self.lease_seconds, only=only):
            if job.wish is not None:
                self._store.halt(job)
            elif job.attempts <= MOST_ATTEMPTS:
                return job
            else:
                error = job.error or "Every process that ran it ended before the job did."
                self._store.finish(job, None, error)
        return None

    def extend(self, job: Job, seconds: float | None = None) -> bool:
        """Extend the lease, by `seconds` from now if given; return whether it was still held."""
        return self._store.extend(job, self.lease_seconds if seconds is None else seconds)

    def save(self, job: Job, saved: Mapping[str, Any]) -> Job | None:
        """Store the cursor and progress in `saved`, extend the lease; return the updated job.

        Return None if the lease was no longer held.
        """
        return self._store.save(job, self.lease_seconds, saved)

    def finish(self, job: Job, result: Mapping[str, Any] | None) -> bool:
        """End a successful job; return whether the lease was still held."""
        return self._store.finish(job, result, None)

    def fail(self, job: Job, error: Exception) -> bool:
        """Queue a job again after `error`, with growing delays; after five attempts it has failed.

        After `GiveUp` it has failed at once, and after `Waits` the attempt does not count. Return
        whether the lease was still held.
        """
        sentence = _sentence(error)
        now = self._store.find(job.id) or job
        if now.wish is not None:
            return self._store.halt(job)
        if isinstance(error, Waits):
            return self._store.wait(job, sentence, WAIT_SECONDS)
        attempts = now.attempts  # a moved cursor restarted the count
        if isinstance(error, GiveUp) or attempts >= MOST_ATTEMPTS:
            return self._store.finish(job, None, sentence)
        delay_seconds = FIRST_RETRY_SECONDS * RETRY_GROWTH ** (attempts - 1)
        return self._store.retry(job, sentence, delay_seconds)

    def hand_back(self, job: Job) -> bool:
        """Let another runner continue at once; return whether the lease was still held."""
        return self._store.hand_back(job)

    def halt(self, job: Job) -> bool:
        """Pause or cancel a job as wished; return whether the lease was still held."""
        return self._store.halt(job)


def _sentence(error: Exception) -> str:
    """Return the message of an error; of foreign ones only the type: they may contain secrets."""
    if isinstance(error, AvenueError):
        return error.message
    if isinstance(error, GiveUp):
        return error.error.message
    return filled(ENDED, {"kind": type(error).__name__})
