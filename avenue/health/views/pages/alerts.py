"""`/admin/infrastructure/alerts` and `/mails`: alerts, and the emails that were sent."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from avenue.health.alerts.models import Alert, State as AlertState
from avenue.health.alerts.service import AlertService
from avenue.health.alerts.texts import headline
from avenue.health.models import ALERTED, Level
from avenue.health.views.pages import words
from avenue.health.views.pages.tabs import INFRASTRUCTURE, done, tab_page
from avenue.identity import Role
from avenue.notifications.register import MailRegister
from avenue.web.audit import audited
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext, language
from avenue.web.pages import see
from avenue.web.parsing import one_of, page_asked_for
from avenue.web.services import using

ALERTS_SHOWN = 25
MAILS_SHOWN = 50

blueprint = Blueprint(
    "alert_pages", __name__, url_prefix=INFRASTRUCTURE, template_folder="../../templates"
)


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
    return tab_page(
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
    return done(
        f"{INFRASTRUCTURE}/alerts",
        "acknowledged",
        lambda: using(AlertService).acknowledge(current_actor(), alert_id),
    )


@blueprint.post("/alerts/test")
@audited("alert.tested")
@require(Role.OPS)
def test_alerts() -> Response:
    """Send a test message to all receivers of alerts."""
    sent = using(AlertService).send_test(current_actor())
    return see(f"{INFRASTRUCTURE}/alerts?said={'tested' if sent else 'told_nobody'}")


@blueprint.get("/mails")
@require(Role.OPS)
def show_mails() -> Response:
    """Show the sent emails with their recipients and results, newest first."""
    asked = page_asked_for(MAILS_SHOWN)
    found = using(MailRegister).list(current_actor(), after=asked.after, limit=asked.limit)
    return tab_page(
        "health/mails.html",
        mails=found.items,
        kinds=words.MAIL_KINDS,
        states=words.MAIL_STATES,
        next=_question({}, after=found.next) if found.next else None,
        newest=_question({}) if asked.after else None,
    )


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


def _question(chosen: Mapping[str, str], **more: str | None) -> str:
    given = {name: text for name, text in {**chosen, **more}.items() if text}
    return f"{request.path}?{urlencode(given)}" if given else request.path
