"""`/admin/infrastructure/alerts/channels`: receivers of alerts, and recent messages."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request
from flask_babel import LazyString

from avenue.accounts.errors import InvalidEmail
from avenue.accounts.pages.words import keep_out_of_caches
from avenue.errors import AvenueError
from avenue.health.alerts.channels.errors import (
    InvalidWebhook,
    NotABrowser,
    NotToBeTold,
    TooManyReceivers,
)
from avenue.health.alerts.channels.models import Chosen, Delivery, Kind, Receiver
from avenue.health.alerts.channels.service import ReceiverService
from avenue.health.alerts.models import TEST
from avenue.health.alerts.texts import headline
from avenue.health.models import ALERTED
from avenue.health.views.pages import words
from avenue.health.views.pages.tabs import INFRASTRUCTURE, tabs_for
from avenue.identity import Role
from avenue.notifications.models import Channel
from avenue.notifications.web_push import Subscription, decoded
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext, language, lazy_gettext
from avenue.web.pages import page, see
from avenue.web.services import using

PATH = f"{INFRASTRUCTURE}/alerts/channels"
LONGEST_TYPED = 2048
MOST_KEYS = 200
FIELD = "levels."
WORKER = Path(__file__).parents[3] / "static/js/infrastructure/push-worker.js"
SAID = {
    "saved": lazy_gettext("Saved."),
    "unchanged": lazy_gettext("Nothing changed."),
    "usual": lazy_gettext("The defaults apply again."),
    "tested": lazy_gettext("A test is on its way. See the result below."),
    "added": lazy_gettext("This person is now notified."),
    "browser": lazy_gettext("This browser is now notified."),
    "browser-removed": lazy_gettext("This browser is no longer notified."),
    "webhook-removed": lazy_gettext("Nothing is sent there any more."),
}
PROBLEMS = {
    each.code: (lazy_gettext(each.message), lazy_gettext(each.hint))
    for each in (NotToBeTold, TooManyReceivers, InvalidWebhook, InvalidEmail, NotABrowser)
}
CHATS = {
    "slack": "Slack",
    "discord": "Discord",
    "teams": "Teams",
    "ntfy": "ntfy",
    "telegram": "Telegram",
}
CHANNELS = {
    Channel.MAIL: lazy_gettext("Email address"),
    Channel.WEBHOOK: lazy_gettext("Webhook"),
    Channel.CHAT: lazy_gettext("Chat"),
    Channel.PUSH: lazy_gettext("Browser"),
}

blueprint = Blueprint("channel_pages", __name__, url_prefix=PATH, template_folder="../../templates")
blueprint.after_request(keep_out_of_caches)


@blueprint.get("")
@require(Role.OPS)
def show_channels() -> Response:
    """Show the receivers of alerts about the deployment or a site: `?site`."""
    return _channels(_scope(request.args))


@blueprint.post("")
@audited("alert.channels_changed")
@require(Role.ADMIN)
def save_channels() -> Response:
    """Save the levels of each receiver."""
    site = _scope(request.form)
    keys = request.form.getlist("key")[:MOST_KEYS]
    ticked = {key: request.form.getlist(FIELD + key) for key in keys}
    levels = {key: [each for each in ALERTED if each in some] for key, some in ticked.items()}
    changed = using(ReceiverService).choose(current_actor(), site, levels)
    note(object_id=site, receivers=changed)
    if not changed:
        nothing_changed()
    return _see(site, "saved" if changed else "unchanged")


@blueprint.post("/usual")
@audited("alert.channels_reset")
@require(Role.ADMIN)
def as_usual() -> Response:
    """Reset the receivers in the settings to their default levels."""
    site = _scope(request.form)
    using(ReceiverService).as_usual(current_actor(), site)
    note(object_id=site)
    return _see(site, "usual")


@blueprint.post("/test")
@audited("alert.channel_tested")
@require(Role.OPS)
def test_channel() -> Response:
    """Send a test message to one receiver."""
    site = _scope(request.form)
    using(ReceiverService).send_test(current_actor(), site, request.form.get("key", ""))
    note(object_id=site)
    return _see(site, "tested", "#sent")


@blueprint.post("/people")
@audited("alert.person_added")
@require(Role.ADMIN)
def add_person() -> Response:
    """Add a user who may see these alerts."""
    site, typed = _scope(request.form), _typed("email")

    def add() -> None:
        person = using(ReceiverService).add_person(current_actor(), site, typed)
        note(object_id=site, person=person)

    return _tried(add, site, {"email": typed}) or _see(site, "added")


@blueprint.post("/webhook")
@audited("alert.webhook_set")
@require(Role.ADMIN)
def set_webhook() -> Response:
    """Set the webhook of a site; show the secret once, in this response."""
    site, typed = _scope(request.form), _typed("url")
    secret = ""

    def keep() -> None:
        nonlocal secret
        secret = using(ReceiverService).set_webhook(current_actor(), site, typed)
        note(object_id=site)

    return _tried(keep, site, {"url": typed}) or _channels(site, secret=secret, status=201)


@blueprint.post("/webhook/remove")
@audited("alert.webhook_removed")
@require(Role.ADMIN)
def remove_webhook() -> Response:
    """Remove the webhook of a site."""
    site = _scope(request.form)
    using(ReceiverService).remove_webhook(current_actor(), site)
    note(object_id=site)
    return _see(site, "webhook-removed")


@blueprint.post("/browser")
@audited("alert.browser_added")
@require(Role.OPS)
def add_browser() -> Response:
    """Subscribe this browser to Web Push; its script fills the form."""
    site = _scope(request.form)
    subscription = Subscription(
        endpoint=_typed("endpoint"), key=decoded(_typed("key")), auth=decoded(_typed("auth"))
    )

    def add() -> None:
        agent = request.headers.get("User-Agent", "")
        using(ReceiverService).subscribe(current_actor(), site, subscription, agent)
        note(object_id=site)

    return _tried(add, site, {}) or _see(site, "browser")


@blueprint.post("/browser/<browser_id>/remove")
@audited("alert.browser_removed", "browser_id")
@require(Role.OPS)
def remove_browser(browser_id: str) -> Response:
    """Unsubscribe one of the user's own browsers."""
    site, actor = _scope(request.form), current_actor()
    using(ReceiverService).browsers.remove(browser_id, actor.id or "")
    return _see(site, "browser-removed")


@blueprint.get("/worker.js")
@require(Role.OPS)
def give_worker() -> Response:
    """Return the script that shows push notifications; its URL is the same in all versions."""
    response = Response(WORKER.read_bytes(), mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


def _scope(asked: Mapping[str, str]) -> str | None:
    return using(ReceiverService).scope(current_actor(), asked.get("site") or None)


def _typed(field: str) -> str:
    return request.form.get(field, "")[:LONGEST_TYPED].strip()


def _see(site: str | None, said: str, place: str = "") -> Response:
    chosen = f"site={site}&" if site else ""
    return see(f"{PATH}?{chosen}said={said}{place}")


def _tried(do: Callable[[], None], site: str | None, typed: Mapping[str, str]) -> Response | None:
    """Run the action of a form; return the page with an error, if there is one."""
    try:
        do()
    except AvenueError as error:
        if error.code not in PROBLEMS:
            raise
        problem = " ".join(map(str, PROBLEMS[error.code]))
        return _channels(site, typed=typed, problem=problem, status=error.status)
    return None


def _channels(
    site: str | None,
    *,
    secret: str = "",
    typed: Mapping[str, str] | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    actor, receivers = current_actor(), using(ReceiverService)
    shown = receivers.shown(actor, site)
    return page(
        "health/channels.html",
        status=status,
        tabs=tabs_for(actor),
        here=f"{INFRASTRUCTURE}/alerts",
        path=PATH,
        scope=site,
        sites=receivers.sites(actor),
        rows=[_row(each, site) for each in {each.receiver.key: each for each in shown}.values()],
        levels={each: words.LEVELS[each] for each in ALERTED},
        may_choose_own=receivers.may_choose_own(actor, site),
        may_choose=actor.is_admin and actor.runs_deployment,
        has_mail=receivers.has_mail,
        may_subscribe=receivers.may_subscribe(actor, site),
        browsers=receivers.own_browsers(actor, site),
        push_key=receivers.browsers.key.public,
        webhook=next((each for each in shown if each.receiver.kind is Kind.OWN_WEBHOOK), None),
        secret=secret,
        typed=typed or {},
        sent=[_sent(each) for each in receivers.deliveries(actor, site, shown)],
        states=words.MESSAGE_STATES,
        said=SAID.get(request.args.get("said", "")),
        problem=problem,
        texts={
            "copied": gettext("Copied."),
            "push_denied": gettext(
                "This browser does not let the panel notify you. Allow it in its settings for this "
                "site, then try again."
            ),
            "push_failed": gettext("This browser could not be subscribed. Try again later."),
        },
    )


def _row(chosen: Chosen, site: str | None) -> dict[str, Any]:
    receiver = chosen.receiver
    return {
        "key": receiver.key,
        "title": _title(receiver),
        "levels": chosen.levels,
        "may_choose": using(ReceiverService).may_choose(current_actor(), receiver, site),
    }


def _title(receiver: Receiver) -> str | LazyString:
    """Return the title of a receiver."""
    if receiver.kind is Kind.WEBHOOK:
        return gettext("Program at AVENUE_ALERT_URL")
    if receiver.kind is Kind.CHAT:
        service, _, number = receiver.label.partition(" ")
        return gettext(
            "%(service)s, number %(number)s of AVENUE_ALERT_CHATS",
            service=CHATS[service],
            number=number,
        )
    if receiver.kind is Kind.OWN_WEBHOOK:
        return gettext("Webhook at %(host)s", host=receiver.label)
    if receiver.kind is Kind.PUSH:
        return gettext("Subscribed browsers")
    return gettext("Email to %(address)s", address=receiver.label or "?")


def _sent(delivery: Delivery) -> dict[str, Any]:
    sent, alert, receiver = delivery.sent, delivery.alert, delivery.receiver
    what = words.MAIL_KINDS.get(sent.kind, sent.kind)
    return {
        "at": sent.created_at,
        "what": words.TEST if sent.kind == TEST else what,
        "headline": headline(alert, gettext, language()) if alert else "",
        "to": _title(receiver) if receiver else CHANNELS.get(sent.channel, sent.channel),
        "state": sent.state,
        "attempts": sent.attempts,
        "error": sent.error,
        "delivered_at": sent.delivered_at,
    }
