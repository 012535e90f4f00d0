"""Models of background jobs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from avenue.errors import sentence


class State(StrEnum):
    """State of a job."""

    QUEUED = "queued"  # waiting for its time and a runner
    RUNNING = "running"  # held by a runner, or by one that was killed
    PAUSED = "paused"  # paused; continues from its cursor when resumed
    DONE = "done"
    FAILED = "failed"  # failed for good; `error` says why
    CANCELLED = "cancelled"  # cancelled; what it had done stays


CANCELLED = sentence("It was cancelled; what it had already done stays.")
"""The `error` of a cancelled job."""

WITH_COMMAND = "command"
"""The `place` of a job that only a command with its id takes."""

OPEN = (State.QUEUED, State.RUNNING, State.PAUSED)
OVER = (State.DONE, State.FAILED, State.CANCELLED)


class Wish(StrEnum):
    """A pause or cancellation that the handler has not noticed yet."""

    PAUSE = "pause"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Progress of a job, in units of its kind; `total` is None while unknown."""

    done: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A background job as it is stored.

    `site` is None for work on the whole deployment. `cursor` is what the handler saved last and
    gets back when it is resumed. `attempts` counts the runs started since the cursor last moved,
    including the present one. `run_at` is when a runner may take the job; while it runs, when its
    lease ends. A periodic job has `every_seconds` and is `queued` between its runs, with `result`,
    `error` and `finished_at` of the last one. `holder` names the run that holds the lease, `wish`
    is how that run ends at its next save. `place` is what a process must have access to: a
    directory, or `WITH_COMMAND`; None for a job that any process may take.
    """

    id: str
    kind: str
    site: str | None
    args: Mapping[str, Any]
    state: State
    progress: Progress
    cursor: Any
    attempts: int
    result: Mapping[str, Any] | None
    error: str | None
    run_at: datetime
    every_seconds: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    holder: str | None
    wish: Wish | None
    place: str | None = None

    @property
    def is_finished(self) -> bool:
        """Whether this job will never run again."""
        return self.state in OVER

    @property
    def may_be_paused(self) -> bool:
        """Whether `pause` would have an effect."""
        return self.state in {State.QUEUED, State.RUNNING} and self.wish is None

    @property
    def may_be_resumed(self) -> bool:
        """Whether `resume` would have an effect."""
        return self.state is State.PAUSED or self.wish is Wish.PAUSE

    @property
    def may_be_cancelled(self) -> bool:
        """Whether `cancel` would have an effect: periodic jobs can only be paused."""
        is_open = not self.is_finished and self.wish is not Wish.CANCEL
        return is_open and self.every_seconds is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Numbers of the jobs of one kind, of all sites together.

    `due` wait for a runner, `later` for their time, `failed` have failed in the last 30 days. A
    periodic job counts as `failed` if its last run failed; `finished_at` is when that ended, None
    for kinds that are not periodic.
    """

    kind: str
    due: int
    later: int
    running: int
    failed: int
    finished_at: datetime | None
