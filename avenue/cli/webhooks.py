"""The command `webhooks retry`: deliver failed webhooks again."""

import click

from avenue.cli.context import as_json, local, say, services_of
from avenue.identity import DEFAULT_SITE
from avenue.media.announcing.models import WEBHOOKS
from avenue.notifications.store import OutboxStore


@click.group()
def webhooks() -> None:
    """Messages to the receiver of AVENUE_WEBHOOK_URL."""


@webhooks.command()
@local
@as_json
def retry(*, is_local: bool, wants_json: bool) -> None:
    """Send again the messages that failed for three days and were given up."""
    with services_of(is_local=is_local) as services:
        events = OutboxStore(services.database)
        revived = events.revive(WEBHOOKS)
        waiting = events.undelivered(WEBHOOKS).waiting
        if revived:
            services.audit.record_command(
                DEFAULT_SITE,
                "webhooks retry",
                "webhooks.retried",
                DEFAULT_SITE,
                details={"events": revived},
            )
    say(
        wants_json,
        {"retried": revived, "waiting": waiting},
        f"{revived} messages queued again; {waiting} waiting in total.",
    )
