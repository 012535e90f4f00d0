"""Background work for everyone: put a job in the queue, look at it, and the life of a run.

A job is kept in the database from the moment it is asked for, so it outlives every process.
A runner holds it by a lease that it keeps extending; when the runner is killed, the lease ends
and another one resumes from the cursor that was saved last. So a step may be done twice, and
handlers must bear that.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from avenue.errors import AvenueError, MalformedRecord, filled, sentence
from avenue.identity import new_id
from avenue.jobs.errors import GiveUp, JobIsPeriodic, JobNotFound, JobOver, Waits
from avenue.jobs.models import OPEN, OVER, Job, Queue, State, Wish

LEASE_SECONDS = 60.0
MOST_ATTEMPTS = 5
WAIT_SECONDS = 30
"""Until what a job waits for is looked for again."""
FIRST_RETRY_SECONDS = 10
ENDED = sentence("It failed with {kind}; see the log for details.")
RETRY_GROWTH = 4  # 10 s, 40 s, 160 s, 640 s: transient trouble passes in between
LISTED_JOBS = 100
OPEN_JOBS = 500


class JobStore(Protocol):
    """Where jobs are kept. Times are the store's own; every write is one conditional step.

    The methods that take a running `job` change it only while `job.holder` still holds it, and
    return whether that was so.
    """

    def add(
        self,
        kind: str,
        args: Mapping[str, Any],
        site: str | None,
        open_key: str | None,
        *,
        place: str | None = None,
        after_seconds: float = 0,
    ) -> Job:
        """Queue a job, or return the unfinished one that has the same `open_key`.

        One with a `place` is taken by processes that see it.
        """

    def put_periodic(self, kind: str, every_seconds: int) -> None:
        """Make sure of the one job of `kind` that runs again and again; repeatable."""

    def find(self, job_id: str) -> Job | None:
        """Return one job, or None."""

    def newest(self, limit: int, site: str | None, states: Collection[State]) -> list[Job]:
        """Return the newest jobs of `site` in `states`, or of everyone when it is None."""

    def queues(self) -> list[Queue]:
        """Return how the jobs of each kind stand, by kind."""

    def claim(
        self,
        kinds: Collection[str],
        holder: str,
        lease_seconds: float,
        *,
        only: str | None = None,
    ) -> Job | None:
        """Take the job that is due longest, lease it to `holder`, and return it; None if none.

        No other than the one with the id `only`, if one is given; that one from wherever it is,
        and at once if it has never run.
        """

    def extend(self, job: Job, lease_seconds: float) -> bool:
        """Let the lease end `lease_seconds` from now."""

    def save(self, job: Job, lease_seconds: float, saved: Mapping[str, Any]) -> Job | None:
        """Extend the lease and keep `saved` (`cursor`, `done`, `total`, those that are there).

        Return the job as it is then, None when it is no longer held.
        """

    def finish(self, job: Job, result: Mapping[str, Any] | None, error: str | None) -> bool:
        """End the job, with an `error` as failed; a periodic one waits for its next time.

        A periodic one that is wished to pause is paused.
        """

    def retry(self, job: Job, error: str, delay_seconds: int) -> bool:
        """Queue the job again, `delay_seconds` from now, its cursor kept."""

    def wait(self, job: Job, error: str, delay_seconds: int) -> bool:
        """Queue the job again, `delay_seconds` from now, its cursor kept, this run not counted."""

    def hand_back(self, job: Job) -> bool:
        """Queue the job for at once, its cursor kept and this run not counted."""

    def halt(self, job: Job) -> bool:
        """Do what is wished of the job: pause or cancel it; hand it back when nothing is."""

    def pause(self, job_id: str) -> bool:
        """Pause a job that waits, wish it of one that runs; return whether it did either."""

    def resume(self, job_id: str) -> bool:
        """Queue a paused job again, or take the wish to pause back; return whether it did."""

    def cancel(self, job_id: str) -> bool:
        """Cancel a job that waits or is paused, wish it of one that runs; return whether it did.

        Leaves periodic ones alone.
        """


class JobService:
    """Jobs by use: `enqueue`, `periodic`, `get`, `list` and what ends a wait for everyone.

    The rest is for runners.
    """

    def __init__(self, store: JobStore, *, lease_seconds: float = LEASE_SECONDS) -> None:
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

        Only processes that see its `place` take it, if it has one. Whoever is going to do it
        themselves leave it to others `after_seconds` only.

        With a `key`, a job of this kind, site and key that is still unfinished is returned instead
        of making a second one (a button pressed twice).
        """
        open_key = None if key is None else f"{kind}/{site or ''}/{key}"
        return self._store.add(
            kind, args or {}, site, open_key, place=place, after_seconds=after_seconds
        )

    def periodic(self, kind: str, every_seconds: int) -> None:
        """Have `kind` run once for the whole house, and again `every_seconds` after each end.

        Repeatable; a changed period counts from now. The job's id is its kind.
        """
        self._store.put_periodic(kind, every_seconds)

    def get(self, job_id: str) -> Job:
        """Return one job or raise `JobNotFound`."""
        found = self._store.find(job_id)
        if found is None:
            raise JobNotFound
        return found

    def known(self, job_id: str | None) -> Job | None:
        """Return one job, None when there is none, or none that can be read."""
        try:
            return self.get(job_id) if job_id else None
        except (JobNotFound, MalformedRecord):
            return None

    def unfinished(self, *, site: str | None = None) -> list[Job]:
        """Return the newest 500 jobs that run, wait or are paused, newest first.

        What they returned and where they are is left out, here as in the other lists.
        """
        return self._store.newest(OPEN_JOBS, site, OPEN)

    def finished(self, *, site: str | None = None) -> list[Job]:
        """Return the newest 100 jobs that are over, newest first; none is older than 30 days."""
        return self._store.newest(LISTED_JOBS, site, OVER)

    def failed(self, *, site: str | None = None) -> list[Job]:
        """Return the newest 100 jobs that were given up, newest first."""
        return self._store.newest(LISTED_JOBS, site, (State.FAILED,))

    def list(self, *, site: str | None = None) -> list[Job]:
        """Return the newest 100 jobs of a site, or of everyone, newest first."""
        return self._store.newest(LISTED_JOBS, site, tuple(State))

    def pause(self, job_id: str) -> Job:
        """Hold a job back until it is resumed, and return it; repeatable.

        One that runs is paused at its next save and until then has the `wish`. Raise `JobOver`.
        """
        changed = self._store.pause(job_id)
        job = self.get(job_id)
        if not changed and not job.may_be_resumed:
            raise JobOver
        return job

    def resume(self, job_id: str) -> Job:
        """Let a paused job go on from its cursor, and return it; repeatable. Raise `JobOver`."""
        changed = self._store.resume(job_id)
        job = self.get(job_id)
        if not changed and not job.may_be_paused:
            raise JobOver
        return job

    def cancel(self, job_id: str) -> Job:
        """End a job for good, and return it; what it had done stays. Repeatable.

        One that runs ends at its next save and until then has the `wish`. Raise `JobIsPeriodic`,
        or `JobOver` when it came to its own end before.
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
        """Return how the jobs of each kind stand, of all sites together."""
        return self._store.queues()

    def claim(self, kinds: Collection[str], *, only: str | None = None) -> Job | None:
        """Take the job of one of `kinds` that is due longest and lease it, or return None.

        With `only` no other than the one with that id.

        A job whose runs keep being killed is given up here, before it takes another process along;
        one whose run was killed before it noticed a wish is paused or cancelled.
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
        """Extend the lease, `seconds` from now if given; return whether it was still held."""
        return self._store.extend(job, self.lease_seconds if seconds is None else seconds)

    def save(self, job: Job, saved: Mapping[str, Any]) -> Job | None:
        """Keep the cursor and progress in `saved`, extend the lease; return the job as it is then.

        None: it was no longer held.
        """
        return self._store.save(job, self.lease_seconds, saved)

    def finish(self, job: Job, result: Mapping[str, Any] | None) -> bool:
        """End a job that did its work; return whether the lease was still held."""
        return self._store.finish(job, result, None)

    def fail(self, job: Job, error: Exception) -> bool:
        """Queue a job again after `error`, later each time; after five tries it has failed.

        After `GiveUp` it has failed at once, and after `Waits` the try does not count. Return
        whether the lease was still held.
        """
        sentence = _sentence(error)
        now = self._store.find(job.id) or job
        if now.wish is not None:
            return self._store.halt(job)
        if isinstance(error, Waits):
            return self._store.wait(job, sentence, WAIT_SECONDS)
        attempts = now.attempts  # a moved cursor began a new count
        if isinstance(error, GiveUp) or attempts >= MOST_ATTEMPTS:
            return self._store.finish(job, None, sentence)
        delay_seconds = FIRST_RETRY_SECONDS * RETRY_GROWTH ** (attempts - 1)
        return self._store.retry(job, sentence, delay_seconds)

    def hand_back(self, job: Job) -> bool:
        """Let another runner go on at once; return whether the lease was still held."""
        return self._store.hand_back(job)

    def halt(self, job: Job) -> bool:
        """Pause or cancel a job as wished; return whether the lease was still held."""
        return self._store.halt(job)


def _sentence(error: Exception) -> str:
    """Say what happened without what foreign exceptions may carry: addresses, names, secrets."""
    if isinstance(error, AvenueError):
        return error.message
    if isinstance(error, GiveUp):
        return error.error.message
    return filled(ENDED, {"kind": type(error).__name__})
