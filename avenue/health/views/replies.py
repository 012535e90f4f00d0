"""What `/api/ops/alerts`, `errors`, `mails`, `history` and `jobs` answer."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from avenue.health.alerts.models import Alert
from avenue.health.history.failures.models import Failure
from avenue.health.history.points import Point, Span
from avenue.jobs.replies import JobReply
from avenue.notifications.models import Mail
from avenue.totals import PartOfList, WholeList


class AlertList(PartOfList):
    """Some alerts, the newest first, and where to go on."""

    items: list[Alert]


class FailureList(WholeList):
    """The kinds of errors, at most 100, those that happened last first."""

    items: list[Failure]


class TestSent(TypedDict):
    """A test of the alerts is on its way."""

    receivers: Annotated[int, Field(description="How many are told: 0 where none is set up.")]


class MailList(TypedDict):
    """Some e-mails, the newest first, and where to go on."""

    items: list[Mail]
    next: Annotated[str | None, Field(description="For `?after=`; null at the end.")]


class HistoryReply(TypedDict):
    """What the snapshots of some time saw, the oldest first."""

    range: Span
    items: list[Point]


class JobList(WholeList):
    """The jobs that run, wait or are paused, then those that are over, the newest first each."""

    items: list[JobReply]
