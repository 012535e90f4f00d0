"""`/api/ops/alerts/receivers`, `deliveries`: who receives alerts of the deployment or `?site`."""

from typing import Annotated

from flask import Blueprint, Response, jsonify, request
from pydantic import Field
from typing_extensions import TypedDict

from avenue.accounts.errors import InvalidEmail
from avenue.clock import iso
from avenue.health.alerts.channels.errors import (
    InvalidWebhook,
    NotToBeTold,
    ReceiverNotFound,
    TooManyReceivers,
)
from avenue.health.alerts.channels.models import Delivery
from avenue.health.alerts.channels.service import ReceiverService
from avenue.health.models import ALERTED, Level
from avenue.health.views.receivers.bodies import LevelsBody, PersonBody, TestBody, WebhookBody
from avenue.health.views.receivers.replies import (
    DeliveryList,
    DeliveryReply,
    PersonAdded,
    ReceiverList,
    WebhookSecret,
)
from avenue.health.views.replies import TestSent
from avenue.identity import Role
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.describing import described
from avenue.web.parsing import body_as
from avenue.web.services import using

blueprint = Blueprint("receivers", __name__, url_prefix="/api/ops/alerts")


class ScopeQuery(TypedDict, total=False):
    """The scope of the alerts."""

    site: Annotated[
        str,
        Field(description="Alerts of this site. Default: of the deployment, or of your own site."),
    ]


@blueprint.get("/receivers")
@require(Role.OPS)
@described(query=ScopeQuery, replies={200: ReceiverList}, refuses=(ReceiverNotFound,))
def list_receivers() -> Response:
    """List the receivers of alerts and their levels: `?site`."""
    return jsonify(_listed(_scope()))


@blueprint.patch("/receivers")
@audited("alert.channels_changed")
@require(Role.ADMIN)
@described(
    query=ScopeQuery, body=LevelsBody, replies={200: ReceiverList}, refuses=(ReceiverNotFound,)
)
def choose_levels() -> Response:
    """Set the levels of receivers: `?site`. A person with no level is removed."""
    site, sent = _scope(), body_as(LevelsBody).levels
    levels = {key: [Level(each) for each in some] for key, some in sent.items()}
    changed = using(ReceiverService).choose(current_actor(), site, levels)
    note(object_id=site, receivers=changed)
    if not changed:
        nothing_changed()
    return jsonify(_listed(site))


@blueprint.delete("/receivers")
@audited("alert.channels_reset")
@require(Role.ADMIN)
@described(query=ScopeQuery, replies={200: ReceiverList}, refuses=(ReceiverNotFound,))
def restore_defaults() -> Response:
    """Restore the default levels of the receivers in the settings: `?site`."""
    site = _scope()
    using(ReceiverService).as_usual(current_actor(), site)
    note(object_id=site)
    return jsonify(_listed(site))


@blueprint.post("/receivers/test")
@audited("alert.channel_tested")
@require(Role.OPS)
@described(query=ScopeQuery, body=TestBody, replies={202: TestSent}, refuses=(ReceiverNotFound,))
def test_receiver() -> tuple[Response, int]:
    """Send a test to one receiver: `?site`. The result is in `deliveries`."""
    site, key = _scope(), body_as(TestBody).key
    sent = using(ReceiverService).send_test(current_actor(), site, key)
    note(object_id=site)
    told: TestSent = {"receivers": sent}
    return jsonify(told), 202


@blueprint.post("/receivers/people")
@audited("alert.person_added")
@require(Role.ADMIN)
@described(
    query=ScopeQuery,
    body=PersonBody,
    replies={201: PersonAdded},
    refuses=(ReceiverNotFound, InvalidEmail, NotToBeTold, TooManyReceivers),
)
def add_person() -> tuple[Response, int]:
    """Add a person who is allowed to see these alerts: `?site`."""
    site, email = _scope(), body_as(PersonBody).email
    person = using(ReceiverService).add_person(current_actor(), site, email)
    note(object_id=site, person=person)
    added: PersonAdded = {"person": person}
    return jsonify(added), 201


@blueprint.put("/receivers/webhook")
@audited("alert.webhook_set")
@require(Role.ADMIN)
@described(
    query=ScopeQuery,
    body=WebhookBody,
    replies={200: WebhookSecret},
    refuses=(ReceiverNotFound, InvalidWebhook),
)
def set_webhook() -> Response:
    """Set the webhook of a site: `?site`. The secret is returned only once."""
    site, url = _scope(), body_as(WebhookBody).url
    secret = using(ReceiverService).set_webhook(current_actor(), site, url)
    note(object_id=site)
    told: WebhookSecret = {"secret": secret}
    return jsonify(told)


@blueprint.delete("/receivers/webhook")
@audited("alert.webhook_removed")
@require(Role.ADMIN)
@described(query=ScopeQuery, replies={204: None}, refuses=(ReceiverNotFound,))
def remove_webhook() -> tuple[str, int]:
    """Remove the webhook of a site: `?site`."""
    site = _scope()
    using(ReceiverService).remove_webhook(current_actor(), site)
    note(object_id=site)
    return "", 204


@blueprint.get("/deliveries")
@require(Role.OPS)
@described(query=ScopeQuery, replies={200: DeliveryList}, refuses=(ReceiverNotFound,))
def list_deliveries() -> Response:
    """List recent messages to receivers and their state, newest first: `?site`."""
    actor, site, receivers = current_actor(), _scope(), using(ReceiverService)
    found = receivers.deliveries(actor, site, receivers.shown(actor, site))
    items = [_delivery(each) for each in found]
    told: DeliveryList = {"items": items, "next": None, "total": len(items)}
    return jsonify(told)


def _scope() -> str | None:
    return using(ReceiverService).scope(current_actor(), request.args.get("site") or None)


def _listed(site: str | None) -> ReceiverList:
    actor, receivers = current_actor(), using(ReceiverService)
    # All browsers share one key.
    shown = {each.receiver.key: each for each in receivers.shown(actor, site)}
    return {
        "site": site,
        "items": [
            {
                "key": key,
                "kind": each.receiver.kind,
                "label": each.receiver.label,
                "levels": [level for level in ALERTED if level in each.levels],
                "may_choose": receivers.may_choose(actor, each.receiver, site),
            }
            for key, each in shown.items()
        ],
        "next": None,
        "total": len(shown),
    }


def _delivery(delivery: Delivery) -> DeliveryReply:
    sent = delivery.sent
    return {
        "id": sent.id,
        "receiver": delivery.receiver.key if delivery.receiver else None,
        "channel": sent.channel,
        "kind": sent.kind,
        "alert": sent.about,
        "state": sent.state,
        "attempts": sent.attempts,
        "error": sent.error,
        "created_at": iso(sent.created_at),
        "delivered_at": iso(sent.delivered_at) if sent.delivered_at else None,
    }
