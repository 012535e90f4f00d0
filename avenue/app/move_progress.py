"""Stores the progress of imports and exports in their jobs."""

import time
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

from avenue.jobs.runner import RunningJob

SAVE_SECONDS = 0.5
"""Interval for storing the progress of a job; a pause waits as long."""
Facts = dict[str, Any]


class ProgressSaver:
    """Stores the progress of a job now and then.

    The cursor is the most that any run has done, so that a job whose runs all end at the same place
    is given up.
    """

    def __init__(self, job: RunningJob) -> None:
        self._job = job
        self._saved_at = float("-inf")
        self.cursor: Facts = dict(job.cursor or {})

    def tell(self, done: int, total: int | None) -> None:
        """Store the progress. Raises as `RunningJob.save`."""
        if time.monotonic() - self._saved_at < SAVE_SECONDS:
            return
        self.cursor["most"] = max(self.cursor.get("most", 0), done)
        self._job.save(cursor=dict(self.cursor), done=done, total=total)
        self._saved_at = time.monotonic()

    def watch(self, steps: Iterator[None], total: int) -> None:
        """Run `steps`, and store the progress."""
        done = 0
        self._job.save(done=done, total=total)  # the work has begun now
        with closing(_each(steps)) as each:  # runs the cleanup of the generator, too
            for _ in each:
                done += 1
                self.tell(done, max(total, done))
        self._job.save(done=done, total=done)

    def plan(self, facts: Facts) -> None:
        """Store the plan."""
        self.cursor["plan"] = facts
        self._job.save(cursor=dict(self.cursor))

    def report(self, facts: Facts, *, behind_seconds: float | None) -> None:
        """Store the report of a pass, so that it can be shown while the job continues."""
        self.cursor["report"] = facts
        self.cursor["passes"] = self.cursor.get("passes", 0) + 1
        self.cursor["behind_seconds"] = behind_seconds
        self._job.save(cursor=dict(self.cursor))


def _each(steps: Iterator[None]) -> Generator[None, None, None]:
    yield from steps
