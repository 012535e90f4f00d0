"""What `/api/ops/alerts`, `history` and `jobs` answer."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from avenue.health.alerts.models import State
from avenue.health.history.points import Span
from avenue.health.models import AlertLevel, Measure, Unit
from avenue.jobs.replies import JobReply
from avenue.totals import Total


class AlertReply(TypedDict):
    """Something that is, or was, worse than it should be."""

    id: str
    measure: Measure
    site: Annotated[str | None, Field(description="null: the whole deployment.")]
    level: AlertLevel
    state: State
    value: float
    threshold: float
    unit: Unit
    opened_at: str
    changed_at: str
    acknowledged_at: str | None
    acknowledged_by: Annotated[str | None, Field(description="The id of a person.")]
    recovered_at: str | None
    action: str


class AlertList(Total):
    """Some alerts, the newest first, and where to go on."""

    items: list[AlertReply]
    next: Annotated[str | None, Field(description="For `?after=`; null at the end.")]


class PointReply(TypedDict):
    """One moment of the past."""

    at: str
    stored_bytes: int | None
    stored_files: int | None
    disk_percent: float | None
    connections_percent: float | None
    oplog_hours: float | None
    requests_per_second: float | None
    error_percent: float | None
    p95_ms: float | None


class HistoryReply(TypedDict):
    """What the snapshots of some time saw, the oldest first."""

    range: Span
    items: list[PointReply]


class JobList(TypedDict):
    """The jobs that run, wait or are paused, then those that are over, the newest first each."""

    items: list[JobReply]
    next: Literal[None]
    total: int
