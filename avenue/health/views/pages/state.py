"""`/admin/infrastructure`: the present state of all components, and the diagnosis."""

import json
from typing import Any

from flask import Blueprint, Response

from avenue.clock import utc_now
from avenue.health.alerts.service import AlertService
from avenue.health.models import Component
from avenue.health.sentences import said_as
from avenue.health.views.pages import words
from avenue.health.views.pages.jobs import job_shown
from avenue.health.views.pages.tabs import INFRASTRUCTURE, tab_page
from avenue.health.views.state.models import Overview, Pass
from avenue.health.views.state.presenting import diagnosis_json
from avenue.health.views.state.service import MEASURES, StateService
from avenue.identity import Actor, Role
from avenue.jobs.access import JobAccess, Work
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext, lazy_gettext
from avenue.web.pages import Entry, Group
from avenue.web.services import using

ALERTS_TOLD = 100
SHOWN_OVERDUE_SECONDS = 60
"""Shorter delays are not shown: a due job waits some seconds until a runner looks for one."""
NAVIGATION = (
    Entry(
        path=INFRASTRUCTURE,
        title=lazy_gettext("Infrastructure"),
        icon="infrastructure",
        group=Group.SYSTEM,
        roles=(Role.OPS,),
    ),
)

blueprint = Blueprint(
    "ops_pages", __name__, url_prefix=INFRASTRUCTURE, template_folder="../../templates"
)
blueprint.add_app_template_filter(words.coded, "coded")


@blueprint.get("")
@require(Role.OPS)
def show_state() -> Response:
    """Show a card for each component, the worst first, and a link to the diagnosis."""
    actor = current_actor()
    overview = using(StateService).overview(actor)
    return tab_page(
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


def _pass(run: Pass, actor: Actor) -> dict[str, Any]:
    overdue = run.overdue_seconds
    shown = words.duration(overdue) if overdue >= SHOWN_OVERDUE_SECONDS else None
    return {**job_shown(run.job, actor), "overdue": shown}


def _diagnosis(actor: Actor, overview: Overview) -> str:
    alerts = using(AlertService).list(actor, limit=ALERTS_TOLD).items
    work: Work = using(JobAccess).work(actor)
    facts = diagnosis_json(overview, alerts, [*work.unfinished, *work.failed])
    return json.dumps(facts, indent=1, ensure_ascii=False)
