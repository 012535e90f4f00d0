"""The command `capacity`: how long what there is will do, and what to buy next."""

import click

from avenue.app.services import capacity_service
from avenue.cli.context import as_json, database_of, local, say, settings_in_force
from avenue.health.views.capacity.presenting import capacity_text
from avenue.identity import HOUSE, command_actor
from avenue.storage.schema import Gate
from avenue.storage.sites import Sites
from avenue.web.fields import facts_of


@click.command()
@click.option("--site", help="Of one site only; else of the whole deployment.")
@local
@as_json
def capacity(*, site: str | None, is_local: bool, wants_json: bool) -> None:
    """Tell how long disk and quotas will do, what more products need, and what to buy next."""
    with settings_in_force(is_local=is_local) as settings, database_of(settings) as database:
        Gate(database).pass_or_raise()
        sites = Sites(database, settings)
        if site is not None:
            sites.named(site)
        actor = command_actor(sites.named(HOUSE))
        report = capacity_service(settings, database, sites).report(actor, site)
    say(wants_json, facts_of(report), capacity_text(report))


COMMANDS = (capacity,)
