"""Commands about clusters: `clusters list|advise`."""

import click

from avenue.app.sites import provisioning_service
from avenue.cli.context import as_json, database_of, local, say, settings_in_force
from avenue.identity import HOUSE, command_actor
from avenue.moves.service import as_operator
from avenue.provisioning.clusters import ClusterOverview
from avenue.provisioning.presenting import advice_text, clusters_text
from avenue.storage.schema import Gate
from avenue.storage.sites import Sites
from avenue.web.fields import facts_of


@click.group()
def clusters() -> None:
    """Clusters: which sites they have, and how full they are."""


@clusters.command(name="list")
@local
@as_json
def list_clusters(*, is_local: bool, wants_json: bool) -> None:
    """List the clusters with their sites, and how full each one is."""
    found = _overview(is_local=is_local)
    say(wants_json, facts_of(found), clusters_text(found))


@clusters.command()
@local
@as_json
def advise(*, is_local: bool, wants_json: bool) -> None:
    """Tell which sites to move where, so that no cluster is too full."""
    found = _overview(is_local=is_local)
    say(wants_json, facts_of(found), advice_text(found))


def _overview(*, is_local: bool) -> ClusterOverview:
    with settings_in_force(is_local=is_local) as settings, database_of(settings) as database:
        Gate(database).pass_or_raise()
        known = Sites(database, settings)
        actor = as_operator(command_actor(known.named(HOUSE)))
        return provisioning_service(settings, database, known).clusters(actor)


COMMANDS = (clusters,)
