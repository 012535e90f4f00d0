"""`/api/ops`: present and past state, alerts, errors and jobs; as JSON or as text."""

from typing import Annotated

from flask import Blueprint, Response, jsonify, request
from pydantic import Field
from typing_extensions import TypedDict

from avenue.cursors import BadCursor
from avenue.errors import Invalid
from avenue.health.alerts.errors import AlertNotFound, AlertRecovered
from avenue.health.alerts.models import Alert, State
from avenue.health.alerts.service import AlertService
from avenue.health.history.failures.errors import FailureNotFound
from avenue.health.history.failures.models import Failure, FailureState
from avenue.health.history.failures.service import FailureService
from avenue.health.history.points import Span
from avenue.health.models import ALERTED, AlertLevel, Level
from avenue.health.views.replies import (
    AlertList,
    FailureList,
    HistoryReply,
    JobList,
    MailList,
    TestSent,
)
from avenue.health.views.state.models import Overview
from avenue.health.views.state.service import StateService
from avenue.identity import Role
from avenue.jobs.access import JobAccess
from avenue.jobs.errors import JobIsPeriodic, JobNotFound, JobOver
from avenue.jobs.presenting import job_json
from avenue.jobs.replies import JobReply
from avenue.notifications.register import MailRegister
from avenue.totals import total_json
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.describing import JSON, Reply, described
from avenue.web.errors import InvalidQuery
from avenue.web.fields import facts_of
from avenue.web.parsing import PageQuery, one_of, page_asked_for
from avenue.web.plain import TEXT, json_or_text
from avenue.web.services import using

blueprint = Blueprint("ops", __name__, url_prefix="/api/ops")


class AlertsQuery(PageQuery, total=False):
    """A query of alerts."""

    state: Annotated[State, Field(description="Only those that stand so.")]
    level: Annotated[AlertLevel, Field(description="Only those of this level.")]


class FailuresQuery(TypedDict, total=False):
    """A query of error kinds."""

    state: Annotated[FailureState, Field(description="Only those that stand so.")]


class HistoryQuery(TypedDict, total=False):
    """A time span."""

    range: Annotated[Span, Field(description="24h if left out.")]


@blueprint.get("/state")
@require(Role.OPS)
@described(replies={200: Reply({JSON: Overview, TEXT: str})})
def show_state() -> Response:
    """Return the state of each component, the worst first, and the one thing to do about it."""
    return json_or_text(facts_of(using(StateService).overview(current_actor())))


@blueprint.get("/alerts")
@require(Role.OPS)
@described(
    query=AlertsQuery,
    replies={200: Reply({JSON: AlertList, TEXT: str})},
    refuses=(BadCursor, Invalid, InvalidQuery),
)
def list_alerts() -> Response:
    """List alerts, newest first: `?state ?level ?limit ?after`."""
    asked = page_asked_for()
    state, level = request.args.get("state"), request.args.get("level")
    found = using(AlertService).list(
        current_actor(),
        state=None if state is None else State(one_of("state", state, [*State])),
        level=None if level is None else Level(one_of("level", level, [*ALERTED])),
        after=asked.after,
        limit=asked.limit,
    )
    items = [facts_of(each) for each in found.items]
    return json_or_text({"items": items, "next": found.next, **total_json(found.total)})


@blueprint.post("/alerts/<alert_id>/ack")
@audited("alert.acknowledged", "alert_id")
@require(Role.OPS)
@described(replies={200: Alert}, refuses=(AlertNotFound, AlertRecovered))
def acknowledge(alert_id: str) -> Response:
    """Acknowledge an alert: no reminders are sent until it gets worse."""
    return jsonify(facts_of(using(AlertService).acknowledge(current_actor(), alert_id)))


@blueprint.post("/alerts/test")
@audited("alert.tested")
@require(Role.OPS)
@described(replies={202: TestSent})
def test_alerts() -> tuple[Response, int]:
    """Send a test to all receivers of the deployment, whatever their levels."""
    return jsonify({"receivers": using(AlertService).send_test(current_actor())}), 202


@blueprint.get("/errors")
@require(Role.OPS)
@described(
    query=FailuresQuery,
    replies={200: Reply({JSON: FailureList, TEXT: str})},
    refuses=(InvalidQuery,),
)
def list_errors() -> Response:
    """List the error kinds of the whole deployment, newest first: `?state`."""
    state = request.args.get("state")
    found = using(FailureService).list(
        current_actor(),
        None if state is None else FailureState(one_of("state", state, [*FailureState])),
    )
    items = [facts_of(each) for each in found]
    return json_or_text({"items": items, "next": None, "total": len(items)})


@blueprint.post("/errors/<error_id>/resolve")
@audited("error.resolved", "error_id")
@require(Role.OPS)
@described(replies={200: Failure}, refuses=(FailureNotFound,))
def resolve_error(error_id: str) -> Response:
    """Mark an error kind as resolved; it is open again when it happens again."""
    return jsonify(facts_of(using(FailureService).resolve(current_actor(), error_id)))


@blueprint.post("/errors/<error_id>/reopen")
@audited("error.reopened", "error_id")
@require(Role.OPS)
@described(replies={200: Failure}, refuses=(FailureNotFound,))
def reopen_error(error_id: str) -> Response:
    """Mark an error kind as unresolved."""
    return jsonify(facts_of(using(FailureService).reopen(current_actor(), error_id)))


@blueprint.get("/mails")
@require(Role.OPS)
@described(
    query=PageQuery,
    replies={200: Reply({JSON: MailList, TEXT: str})},
    refuses=(BadCursor, Invalid, InvalidQuery),
)
def list_mails() -> Response:
    """List the emails of 90 days, newest first, without their content: `?limit ?after`."""
    asked = page_asked_for()
    found = using(MailRegister).list(current_actor(), after=asked.after, limit=asked.limit)
    return json_or_text({"items": [facts_of(each) for each in found.items], "next": found.next})


@blueprint.get("/history")
@require(Role.OPS)
@described(
    query=HistoryQuery,
    replies={200: Reply({JSON: HistoryReply, TEXT: str})},
    refuses=(InvalidQuery,),
)
def show_history() -> Response:
    """Return the hourly snapshots, oldest first: `?range`."""
    span = Span(one_of("range", request.args.get("range", Span.DAY), [*Span]))
    points = using(StateService).history(current_actor(), span)
    return json_or_text({"range": span, "items": [facts_of(each) for each in points]})


@blueprint.get("/jobs")
@require(Role.OPS)
@described(replies={200: Reply({JSON: JobList, TEXT: str})})
def list_jobs() -> Response:
    """List the background jobs: running, waiting or paused ones, then finished ones."""
    work = using(JobAccess).work(current_actor())
    items = [job_json(each) for each in (*work.unfinished, *work.finished)]
    answer: JobList = {"items": items, "next": None, "total": len(items)}
    return json_or_text(answer)


@blueprint.post("/jobs/<job_id>/pause")
@audited("job.paused", "job_id")
@require(Role.OPS)
@described(replies={200: JobReply}, refuses=(JobNotFound, JobOver))
def pause_job(job_id: str) -> Response:
    """Pause a job; a running one pauses at its next save, and has `wish` until then."""
    job = using(JobAccess).pause(current_actor(), job_id)
    note(kind=job.kind)
    return jsonify(job_json(job))


@blueprint.post("/jobs/<job_id>/resume")
@audited("job.resumed", "job_id")
@require(Role.OPS)
@described(replies={200: JobReply}, refuses=(JobNotFound, JobOver))
def resume_job(job_id: str) -> Response:
    """Resume a paused job where it was."""
    job = using(JobAccess).resume(current_actor(), job_id)
    note(kind=job.kind)
    return jsonify(job_json(job))


@blueprint.post("/jobs/<job_id>/cancel")
@audited("job.cancelled", "job_id")
@require(Role.OPS)
@described(replies={200: JobReply}, refuses=(JobNotFound, JobOver, JobIsPeriodic))
def cancel_job(job_id: str) -> Response:
    """Cancel a job, at its next save if it is running; what it has done stays."""
    job = using(JobAccess).cancel(current_actor(), job_id)
    note(kind=job.kind)
    return jsonify(job_json(job))
