"""What a piece of background work is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"  # waits for its time and a runner
    RUNNING = "running"  # a runner holds it, or held it when it was killed
    DONE = "done"
    FAILED = "failed"  # given up; `error` says why


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
    `error` and `finished_at` of the last one. `holder` names the run that holds the lease.
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

    @property
    def is_finished(self) -> bool:
        """Whether this job will never run again."""
        return self.state in {State.DONE, State.FAILED}
