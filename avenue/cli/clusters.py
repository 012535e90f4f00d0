"""Commands about clusters: `clusters list|advise`."""

from collections.abc import Mapping

import click

from avenue.cli.context import as_json, local, operator_of, say, services_of
from avenue.provisioning.clusters import ClusterOverview
from avenue.provisioning.presenting import advice_text, clusters_text, move_json
from avenue.storage.site_moves import SiteMove
from avenue.web.fields import facts_of


@click.group()
def clusters() -> None:
    """Clusters, their sites, and how full they are."""


@clusters.command(name="list")
@local
@as_json
def list_clusters(*, is_local: bool, wants_json: bool) -> None:
    """List the clusters with their sites and load."""
    found, moves = _overview(is_local=is_local)
    told = {name: move_json(each) for name, each in moves.items()}
    say(wants_json, {**facts_of(found), "moving": told}, clusters_text(found, moves))


@clusters.command()
@local
@as_json
def advise(*, is_local: bool, wants_json: bool) -> None:
    """Recommend which sites to move, so that no cluster is too full."""
    found, _ = _overview(is_local=is_local)
    say(wants_json, facts_of(found), advice_text(found))


def _overview(*, is_local: bool) -> tuple[ClusterOverview, Mapping[str, SiteMove]]:
    with services_of(is_local=is_local) as services:
        moves = services.site_moves.moves()
        return services.provisioning.clusters(operator_of(services)), moves
