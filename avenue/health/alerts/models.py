"""Models of alerts."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from avenue.cursors import ListPage
from avenue.health.models import AlertLevel, Measure, Unit
from avenue.web.fields import Moment, Rounded2, shown


class State(StrEnum):
    """The state of an alert."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"  # somebody has seen it, and it has not got worse since
    RECOVERED = "recovered"


TEST = "alert.test"
"""The kind of a test message."""


class News(StrEnum):
    """The changes of an alert that are sent to receivers."""

    OPENED = "opened"
    RAISED = "raised"
    REMINDER = "reminder"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A problem that exists, or existed.

    `site` is None for the whole deployment. `value` is the newest one until the alert recovers,
    `threshold` where `level` begins. `changed_at` is when the level last changed. `acknowledged_by`
    is a user id. `action` says what to do, in English; the catalogues have it in Spanish.
    """

    id: str
    measure: Measure
    site: Annotated[str | None, Field(description="null: the whole deployment.")]
    level: AlertLevel
    value: Rounded2
    threshold: float
    unit: Unit
    opened_at: Moment
    changed_at: Moment
    acknowledged_at: Moment | None = None
    acknowledged_by: Annotated[str | None, Field(description="The id of a person.")] = None
    recovered_at: Moment | None = None
    action: str

    @shown
    def state(self) -> State:
        """The state of the alert."""
        if self.recovered_at is not None:
            return State.RECOVERED
        return State.OPEN if self.acknowledged_at is None else State.ACKNOWLEDGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A change of an alert `at` that time; `alert` is as it was then."""

    news: News
    at: datetime
    alert: Alert


AlertPage = ListPage[Alert, str]
"""Some alerts, the newest first."""
