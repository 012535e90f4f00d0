"""Commands about alerts: `alerts test`."""

import click

from avenue.cli.context import as_json, local, operator_of, say, services_of
from avenue.identity import DEFAULT_SITE


@click.group()
def alerts() -> None:
    """Alerts and who receives them."""


@alerts.command()
@local
@as_json
def test(*, is_local: bool, wants_json: bool) -> None:
    """Send a test alert to everyone who receives alerts of the deployment, at any level.

    A background job sends it within seconds. The button on the page *Alerts* does the same.
    """
    with services_of(is_local=is_local) as services:
        receivers = services.alerts.send_test(operator_of(services))
        services.audit.record_command(DEFAULT_SITE, "alerts test", "alert.tested", DEFAULT_SITE)
    told = (
        f"Sending a test to {receivers} receivers." if receivers else "No one receives alerts yet."
    )
    say(wants_json, {"receivers": receivers}, told)
