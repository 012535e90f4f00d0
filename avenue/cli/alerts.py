"""Commands about alerts: `alerts test`."""

import click

from avenue.app.services import alert_service, audit_service
from avenue.cli.context import as_json, database_of, local, say, settings_in_force
from avenue.identity import HOUSE, command_actor
from avenue.moves.service import as_operator
from avenue.storage.schema import DEFAULT_SITE, Gate
from avenue.storage.sites import Sites


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
    with settings_in_force(is_local=is_local) as settings, database_of(settings) as database:
        Gate(database).pass_or_raise()
        actor = as_operator(command_actor(Sites(database, settings).named(HOUSE)))
        receivers = alert_service(settings, database).send_test(actor)
        audit_service(settings, database).record_command(
            DEFAULT_SITE, "alerts test", "alert.tested", DEFAULT_SITE
        )
    told = f"A test is on its way to {receivers}." if receivers else "Nobody is told of alerts."
    say(wants_json, {"receivers": receivers}, told)


COMMANDS = (alerts,)
