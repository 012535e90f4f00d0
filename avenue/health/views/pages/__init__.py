"""`/admin/infrastructure`: present state, alerts, history, emails and jobs."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from flask_babel import LazyString

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import AvenueError, NotFound
from avenue.health.alerts.models import Alert
from avenue.health.alerts.models import State as AlertState
from avenue.health.alerts.service import AlertService
from avenue.health.alerts.texts import headline
from avenue.health.history.points import Point, Span
from avenue.health.models import ALERTED, Component, Level
from avenue.health.rules.measures import rules
from avenue.health.sentences import said_as
from avenue.health.views.pages import words
from avenue.health.views.pages.charts import Chart, chart, round_above
from avenue.health.views.state.models import Overview, Pass
from avenue.health.views.state.presenting import diagnosis_json
from avenue.health.views.state.service import MEASURES, StateService
from avenue.identity import Actor, Role
from avenue.jobs.access import JobAccess, Work
from avenue.jobs.models import Job
from avenue.jobs.models import State as JobState
from avenue.jobs.presenting import acts_of
from avenue.notifications.register import MailRegister
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext, language, lazy_gettext
from avenue.web.pages import Entry, Group, moment, page, see
from avenue.web.parsing import one_of, page_asked_for
from avenue.web.services import using

PATH = "/admin/infrastructure"
ALERTS_SHOWN = 25
MAILS_SHOWN = 50
ALERTS_TOLD = 100
SHOWN_OVERDUE_SECONDS = 60
"""Shorter delays are not shown: a due job waits some seconds until a runner looks for one."""
IMPORTS = {
    "product_import": "/admin/imports/{}",
    "product_import_undo": "/admin/imports/{}",
    "pictures_by_sku": "/admin/imports/pictures/{}",
}
"""The panel's page of what a job works on, by its argument `import`."""

ORDER = (JobState.RUNNING, JobState.QUEUED, JobState.PAUSED)

NAVIGATION = (
    Entry(
        path=PATH,
        title=lazy_gettext("Infrastructure"),
        icon="infrastructure",
        group=Group.SYSTEM,
        roles=(Role.OPS,),
    ),
)
TABS = (
    (PATH, lazy_gettext("State")),
    (f"{PATH}/alerts", lazy_gettext("Alerts")),
    (f"{PATH}/mails", lazy_gettext("Emails")),
    (f"{PATH}/history", lazy_gettext("History")),
    (f"{PATH}/migration", lazy_gettext("Background work")),
    (f"{PATH}/cost", lazy_gettext("Cost")),
)
DEPLOYMENT_TABS = (
    (f"{PATH}/errors", lazy_gettext("Errors")),
    (f"{PATH}/backups", lazy_gettext("Backups")),
)
"""Tabs for operators of the deployment."""
SUPERUSER_TABS = (
    (f"{PATH}/sites", lazy_gettext("Sites")),
    (f"{PATH}/move", lazy_gettext("Move in or out")),
)
"""Tabs for superusers."""

blueprint = Blueprint("ops_pages", __name__, url_prefix=PATH, template_folder="../../templates")
blueprint.add_app_template_filter(words.coded, "coded")


@blueprint.get("")
@require(Role.OPS)
def show_state() -> Response:
    """Show a card for each component, the worst first, and a link to the diagnosis."""
    actor = current_actor()
    overview = using(StateService).overview(actor)
    return _page(
        "health/state.html",
        overview=overview,
        verdict=words.VERDICTS[overview.verdict],
        cards=[_card(each) for each in overview.components],
        passes=[_pass(each, actor) for each in overview.passes],
        diagnosis=_diagnosis(actor, overview),
        texts=words.texts(),
    )


@blueprint.get("/diagnosis.json")
@require(Role.OPS)
def give_diagnosis() -> Response:
    """Return a diagnosis as a file, without secrets and personal data."""
    actor = current_actor()
    text = _diagnosis(actor, using(StateService).overview(actor))
    response = Response(text, mimetype="application/json")
    name = f"avenue-{utc_now():%Y-%m-%d-%H%M}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/alerts")
@require(Role.OPS)
def show_alerts() -> Response:
    """Show alerts, newest first, with the filters of the URL."""
    asked, actor = page_asked_for(ALERTS_SHOWN), current_actor()
    chosen = {name: request.args.get(name, "") for name in ("state", "level")}
    state = one_of("state", chosen["state"], [*AlertState]) if chosen["state"] else None
    level = one_of("level", chosen["level"], [*ALERTED]) if chosen["level"] else None
    found = using(AlertService).list(
        actor,
        state=AlertState(state) if state else None,
        level=Level(level) if level else None,
        after=asked.after,
        limit=asked.limit,
    )
    return _page(
        "health/alerts.html",
        alerts=[_alert(each) for each in found.items],
        total=found.total,
        chosen=chosen,
        states=words.ALERT_STATES,
        levels={each: words.LEVELS[each] for each in ALERTED},
        next=_question(chosen, after=found.next) if found.next else None,
        newest=_question(chosen) if asked.after else None,
        may_test=actor.runs_deployment,
    )


@blueprint.post("/alerts/<alert_id>/acknowledge")
@audited("alert.acknowledged", "alert_id")
@require(Role.OPS)
def acknowledge(alert_id: str) -> Response:
    """Acknowledge an alert."""
    return _done(
        f"{PATH}/alerts",
        "acknowledged",
        lambda: using(AlertService).acknowledge(current_actor(), alert_id),
    )


@blueprint.post("/alerts/test")
@audited("alert.tested")
@require(Role.OPS)
def test_alerts() -> Response:
    """Send a test message to all receivers of alerts."""
    sent = using(AlertService).send_test(current_actor())
    return see(f"{PATH}/alerts?said={'tested' if sent else 'told_nobody'}")


@blueprint.get("/mails")
@require(Role.OPS)
def show_mails() -> Response:
    """Show the sent emails with their recipients and results, newest first."""
    asked = page_asked_for(MAILS_SHOWN)
    found = using(MailRegister).list(current_actor(), after=asked.after, limit=asked.limit)
    return _page(
        "health/mails.html",
        mails=found.items,
        kinds=words.MAIL_KINDS,
        states=words.MAIL_STATES,
        next=_question({}, after=found.next) if found.next else None,
        newest=_question({}) if asked.after else None,
    )


@blueprint.get("/history")
@require(Role.OPS)
def show_history() -> Response:
    """Show the history as curves, each with a table of its numbers: `?range`."""
    actor = current_actor()
    span = Span(one_of("range", request.args.get("range", Span.DAY), [*Span]))
    points = using(StateService).history(actor, span)
    return _page(
        "health/history.html",
        span=span,
        spans=words.SPANS,
        curves=list(_curves(actor, points, span)) if points else [],
        begins=utc_now() - span.time,
        ends=utc_now(),
    )


@blueprint.get("/migration")
@require(Role.OPS)
def show_migration() -> Response:
    """Show running, waiting, periodic and finished jobs."""
    actor = current_actor()
    work = using(JobAccess).work(actor)
    once = [each for each in work.unfinished if each.every_seconds is None]
    at_work = sorted(once, key=lambda each: ORDER.index(each.state))
    return _page(
        "health/migration.html",
        at_work=jobs_shown(at_work, actor),
        periodic=[_job(each, actor) for each in work.unfinished if each.every_seconds is not None],
        past=jobs_shown(work.finished, actor),
        moving=any(each.may_be_cancelled for each in at_work),
        texts=words.texts(),
    )


@blueprint.post("/jobs/<job_id>/pause")
@audited("job.paused", "job_id")
@require(Role.OPS)
def pause_job(job_id: str) -> Response:
    """Pause a job."""
    return _change("paused", lambda job_access: job_access.pause(current_actor(), job_id))


@blueprint.post("/jobs/<job_id>/resume")
@audited("job.resumed", "job_id")
@require(Role.OPS)
def resume_job(job_id: str) -> Response:
    """Resume a paused job."""
    return _change("resumed", lambda job_access: job_access.resume(current_actor(), job_id))


@blueprint.post("/jobs/<job_id>/cancel")
@audited("job.cancelled", "job_id")
@require(Role.OPS)
def cancel_job(job_id: str) -> Response:
    """Cancel a job; what it has done stays."""
    return _change("cancelled", lambda job_access: job_access.cancel(current_actor(), job_id))


def _change(said: str, change: Callable[[JobAccess], Job]) -> Response:
    def do() -> None:
        note(kind=change(using(JobAccess)).kind)

    return _done(f"{PATH}/migration", said, do)


def _done(path: str, said: str, do: Callable[[], object]) -> Response:
    """Run the action of a form and redirect to its tab, which shows the result."""
    try:
        do()
    except NotFound:
        raise
    except AvenueError as error:
        nothing_changed()
        return see(f"{path}?problem={error.code}")
    return see(f"{path}?said={said}")


def _page(template: str, **facts: Any) -> Response:
    problem = words.PROBLEMS.get(request.args.get("problem", ""))
    return page(
        template,
        tabs=tabs_for(current_actor()),
        here=request.path,
        said=words.SAID.get(request.args.get("said", "")),
        problem=" ".join(map(str, problem)) if problem else None,
        chips=words.CHIPS,
        **facts,
    )


def tabs_for(actor: Actor) -> Sequence[tuple[str, LazyString]]:
    """Return the tabs that `actor` may see."""
    if not actor.runs_deployment:
        return TABS
    return (
        (*TABS, *DEPLOYMENT_TABS, *SUPERUSER_TABS) if actor.superuser else (*TABS, *DEPLOYMENT_TABS)
    )


def jobs_shown(jobs: Iterable[Job], actor: Actor) -> list[dict[str, Any]]:
    """Return the data of jobs for `health/_jobs.html`."""
    return [_job(each, actor) for each in jobs]


def _card(component: Component) -> dict[str, Any]:
    name = gettext(component.name)
    measured = component.key in MEASURES and component.percent is not None
    return {
        "key": component.key,
        "name": name,
        "standing": component.level,
        "says": words.LEVELS[component.level],
        "value": words.value_of(component),
        "percent": component.percent,
        "thresholds": component.thresholds if measured else (),
        "since": component.since,
        "detail": said_as(component.detail, gettext, words.written),
        "action": said_as(component.action, gettext, words.written),
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "level": alert.level,
        "says": words.LEVELS[alert.level],
        "headline": headline(alert, gettext, language()),
        "value": words.alert_value(alert),
        "state": alert.state,
        "stands": words.ALERT_STATES[alert.state],
        "opened_at": alert.opened_at,
        "recovered_at": alert.recovered_at,
        "acknowledged_at": alert.acknowledged_at,
        "action": gettext(alert.action),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A chart with its texts; `rows` are its numbers, newest first."""

    key: str
    name: object
    chart: Chart
    top: str
    last: str
    summary: str
    rows: Sequence[tuple[datetime, str]]


def _curves(actor: Actor, points: Sequence[Point], span: Span) -> Iterator[Curve]:
    levels = rules(using(Settings))
    begins = utc_now() - span.time
    for each in words.SERIES:
        dots = [(point.at, each.of(point)) for point in points]
        known = [(at, value) for at, value in dots if value is not None]
        if not known or (each.of_deployment and not actor.runs_deployment):
            continue
        measure = MEASURES.get(each.key.removesuffix("_percent")) if each.most else None
        marks = [mark.begins for mark in levels[measure].thresholds] if measure else []
        values = [value for _, value in known]
        top = each.most or round_above(max(*values, each.least))
        drawn = chart(dots, begins=begins, time=span.time, top=top, thresholds=marks)
        yield Curve(
            key=each.key,
            name=each.name,
            chart=drawn,
            top=each.write(drawn.top),
            last=each.write(values[-1]),
            summary=gettext(
                "%(last)s at %(at)s; at least %(least)s, at most %(most)s.",
                at=moment(known[-1][0]),
                last=each.write(values[-1]),
                least=each.write(min(values)),
                most=each.write(max(values)),
            ),
            rows=[(at, each.write(value)) for at, value in reversed(known)],
        )


def _job(job: Job, actor: Actor) -> dict[str, Any]:
    done, total = job.progress.done, job.progress.total
    return {
        "id": job.id,
        "name": words.KINDS.get(job.kind, job.kind),
        "site": job.site if actor.runs_deployment else None,
        "state": job.state,
        "stands": words.WISHES[job.wish] if job.wish else words.JOB_STATES[job.state],
        "wish": job.wish,
        "done": done,
        "total": total,
        "numbers": _numbers(done, total),
        "error": words.job_error(job.error) if job.error else None,
        "began_at": job.started_at or job.created_at,
        "finished_at": job.finished_at,
        "run_at": job.run_at,
        "may": acts_of(job),
        "path": _path_of(job, actor),
    }


def _pass(run: Pass, actor: Actor) -> dict[str, Any]:
    overdue = run.overdue_seconds
    shown = words.duration(overdue) if overdue >= SHOWN_OVERDUE_SECONDS else None
    return {**_job(run.job, actor), "overdue": shown}


def _numbers(done: int, total: int | None) -> str:
    if total is not None:
        facts = {"done": words.number(done, 0), "total": words.number(total, 0)}
        return gettext("%(done)s of %(total)s", **facts)
    return gettext("%(done)s done", done=words.number(done, 0)) if done else ""


def _path_of(job: Job, actor: Actor) -> str | None:
    """Return the page of what a job works on, if the reader may see it."""
    named = job.args.get("import")
    pattern = IMPORTS.get(job.kind)
    if pattern is None or named is None or job.site != actor.site.id or not actor.is_admin:
        return None
    return pattern.format(named)


def _diagnosis(actor: Actor, overview: Overview) -> str:
    alerts = using(AlertService).list(actor, limit=ALERTS_TOLD).items
    work: Work = using(JobAccess).work(actor)
    facts = diagnosis_json(overview, alerts, [*work.unfinished, *work.failed])
    return json.dumps(facts, indent=1, ensure_ascii=False)


def _question(chosen: Mapping[str, str], **more: str | None) -> str:
    given = {name: text for name, text in {**chosen, **more}.items() if text}
    return f"{request.path}?{urlencode(given)}" if given else request.path
