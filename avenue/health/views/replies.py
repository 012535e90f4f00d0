"""Replies of `/api/ops/alerts`, `errors`, `mails`, `history` and `jobs`."""

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
    """A page of alerts, newest first, with the cursor of the next one."""

    items: list[Alert]


class FailureList(WholeList):
    """The kinds of errors, at most 100, newest first."""

    items: list[Failure]


class TestSent(TypedDict):
    """A test of the alerts has been queued."""

    receivers: Annotated[int, Field(description="Their number: 0 if none is configured.")]


class MailList(TypedDict):
    """A page of emails, newest first, with the cursor of the next one."""

    items: list[Mail]
    next: Annotated[str | None, Field(description="For `?after=`; null at the end.")]


class HistoryReply(TypedDict):
    """The snapshots of a time span, oldest first."""

    range: Span
    items: list[Point]


class JobList(WholeList):
    """The running, waiting and paused jobs, then the finished ones, newest first each."""

    items: list[JobReply]
