"""What a piece of background work is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from avenue.errors import sentence


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"  # waits for its time and a runner
    RUNNING = "running"  # a runner holds it, or held it when it was killed
    PAUSED = "paused"  # somebody holds it back; goes on from its cursor when resumed
    DONE = "done"
    FAILED = "failed"  # given up; `error` says why
    CANCELLED = "cancelled"  # somebody ended it; what it had done stays


CANCELLED = sentence("It was cancelled; what it had already done stays.")
"""The `error` of one that somebody ended."""

WITH_COMMAND = "command"
"""The `place` of a job that nobody takes but a command that is told to do just this one."""

OPEN = (State.QUEUED, State.RUNNING, State.PAUSED)
OVER = (State.DONE, State.FAILED, State.CANCELLED)


class Wish(StrEnum):
    """What somebody wants of a job whose handler has not noticed yet."""

    PAUSE = "pause"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job got, in units of its kind; `total` is None while nobody knows."""

    done: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of background work as it is stored.

    `site` is None for work on the whole house. `cursor` is what the handler saved last and gets
    back when it is resumed. `attempts` counts the runs begun since the cursor last moved, the
    present one included. `run_at` is when a runner may take the job; while it runs, when its lease
    ends. A periodic job has `every_seconds` and waits in `queued` between its runs, with `result`,
    `error` and `finished_at` of the last one. `holder` names the run that holds the lease, `wish`
    is what that run ends with at its next save. `place` is what a process must see to take it:
    a directory, or `WITH_COMMAND`; None for a job that any may take.
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
        """Whether `pause` would change anything."""
        return self.state in {State.QUEUED, State.RUNNING} and self.wish is None

    @property
    def may_be_resumed(self) -> bool:
        """Whether `resume` would change anything."""
        return self.state is State.PAUSED or self.wish is Wish.PAUSE

    @property
    def may_be_cancelled(self) -> bool:
        """Whether `cancel` would change anything: what runs again and again can only be paused."""
        is_open = not self.is_finished and self.wish is not Wish.CANCEL
        return is_open and self.every_seconds is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """How the jobs of one kind stand, of all sites together.

    `due` wait for a runner, `later` for their time, `failed` were given up in the last 30 days. A
    periodic job is `failed` while its last run was; `finished_at` is when that ended, None for
    kinds that are not periodic.
    """

    kind: str
    due: int
    later: int
    running: int
    failed: int
    finished_at: datetime | None
