"""Commands about alerts: `alerts test`."""

import click

from avenue.cli.context import as_json, local, say, services_of
from avenue.identity import HOUSE, command_actor
from avenue.moves.service import as_operator
from avenue.storage.schema import DEFAULT_SITE


@click.group()
def alerts() -> None:
    """Who is told when something is wrong."""


@alerts.command()
@local
@as_json
def test(*, is_local: bool, wants_json: bool) -> None:
    """Tell all who are told of the deployment that this is a test, whatever levels they have.

    The background work sends it within seconds; the page *Alerts* has a button that does the same.
    """
    with services_of(is_local=is_local) as services:
        actor = as_operator(command_actor(services.sites.named(HOUSE)))
        receivers = services.alerts.send_test(actor)
        services.audit.record_command(DEFAULT_SITE, "alerts test", "alert.tested", DEFAULT_SITE)
    told = f"A test is on its way to {receivers}." if receivers else "Nobody is told of alerts."
    say(wants_json, {"receivers": receivers}, told)


COMMANDS = (alerts,)
