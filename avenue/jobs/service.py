"""Background work for everyone: put a job in the queue, look at it, and the life of a run.

A job is kept in the database from the moment it is asked for, so it outlives every process.
A runner holds it by a lease that it keeps extending; when the runner is killed, the lease ends
and another one resumes from the cursor that was saved last. So a step may be done twice, and
handlers must bear that.
"""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from avenue.errors import AvenueError
from avenue.identity import new_id
from avenue.jobs.errors import JobNotFound
from avenue.jobs.models import Job

LEASE_SECONDS = 60.0
MOST_ATTEMPTS = 5
FIRST_RETRY_SECONDS = 10
RETRY_GROWTH = 4  # 10 s, 40 s, 160 s, 640 s: transient trouble passes in between
LISTED_JOBS = 100


class JobStore(Protocol):
    """Where jobs are kept. Times are the store's own; every write is one conditional step.

    The methods that take a running `job` change it only while `job.holder` still holds it, and
    return whether that was so.
    """

    def add(
        self, kind: str, args: Mapping[str, Any], site: str | None, open_key: str | None
    ) -> Job:
        """Queue a job for now, or return the unfinished one that has the same `open_key`."""

    def put_periodic(self, kind: str, every_seconds: int) -> None:
        """Make sure of the one job of `kind` that runs again and again; repeatable."""

    def find(self, job_id: str) -> Job | None:
        """Return one job, or None."""

    def newest(self, limit: int, site: str | None) -> list[Job]:
        """Return the newest jobs of `site`, or of everyone when it is None."""

    def claim(self, kinds: Collection[str], holder: str, lease_seconds: float) -> Job | None:
        """Take the job that is due longest, lease it to `holder`, and return it; None if none."""

    def extend(self, job: Job, lease_seconds: float) -> bool:
        """Let the lease end `lease_seconds` from now."""

    def save(self, job: Job, lease_seconds: float, saved: Mapping[str, Any]) -> bool:
        """Extend the lease and keep `saved` (`cursor`, `done`, `total`, those that are there)."""

    def finish(self, job: Job, result: Mapping[str, Any] | None, error: str | None) -> bool:
        """End the job, with an `error` as failed; a periodic one waits for its next time."""

    def retry(self, job: Job, error: str, delay_seconds: int) -> bool:
        """Queue the job again, `delay_seconds` from now, its cursor kept."""

    def hand_back(self, job: Job) -> bool:
        """Queue the job for at once, its cursor kept and this run not counted."""


class JobService:
    """Jobs by use: `enqueue`, `periodic`, `get` and `list` for everyone, the rest for runners."""

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
    ) -> Job:
        """Put a job in the queue and return it.

        With a `key`, a job of this kind, site and key that is still unfinished is returned instead
        of making a second one (a button pressed twice).
        """
        open_key = None if key is None else f"{kind}/{site or ''}/{key}"
        return self._store.add(kind, args or {}, site, open_key)

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

    def list(self, *, site: str | None = None) -> list[Job]:
        """Return the newest 100 jobs of a site, or of everyone, newest first."""
        return self._store.newest(LISTED_JOBS, site)

    def claim(self, kinds: Collection[str]) -> Job | None:
        """Take the job of one of `kinds` that is due longest and lease it, or return None.

        A job whose runs keep being killed is given up here, before it takes another process along.
        """
        while job := self._store.claim(kinds, new_id(), self.lease_seconds):
            if job.attempts <= MOST_ATTEMPTS:
                return job
            error = job.error or "Every process that ran it ended before the job did."
            self._store.finish(job, None, error)
        return None

    def extend(self, job: Job) -> bool:
        """Extend the lease; return whether it was still held."""
        return self._store.extend(job, self.lease_seconds)

    def save(self, job: Job, saved: Mapping[str, Any]) -> bool:
        """Keep the cursor and progress in `saved`, extend the lease; return whether it was held."""
        return self._store.save(job, self.lease_seconds, saved)

    def finish(self, job: Job, result: Mapping[str, Any] | None) -> bool:
        """End a job that did its work; return whether the lease was still held."""
        return self._store.finish(job, result, None)

    def fail(self, job: Job, error: Exception) -> bool:
        """Queue a job again after `error`, later each time; after five tries it has failed.

        Return whether the lease was still held.
        """
        sentence = _sentence(error)
        attempts = (self._store.find(job.id) or job).attempts  # a moved cursor began a new count
        if attempts >= MOST_ATTEMPTS:
            return self._store.finish(job, None, sentence)
        delay_seconds = FIRST_RETRY_SECONDS * RETRY_GROWTH ** (attempts - 1)
        return self._store.retry(job, sentence, delay_seconds)

    def hand_back(self, job: Job) -> bool:
        """Let another runner go on at once; return whether the lease was still held."""
        return self._store.hand_back(job)


def _sentence(error: Exception) -> str:
    """Say what happened without what foreign exceptions may carry: addresses, names, secrets."""
    if isinstance(error, AvenueError):
        return error.message
    return f"It ended with {type(error).__name__}; the log has the details."
