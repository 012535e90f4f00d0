"""Commands about signed links: `links revoke|rotate`."""

import click

from avenue.cli.context import (
    as_json,
    local,
    of_site,
    say,
    services_of,
)


@click.group()
def links() -> None:
    """Signed links to private files."""


@links.command()
@of_site
@local
@as_json
def revoke(*, site: str, is_local: bool, wants_json: bool) -> None:
    """Revoke all links to all files of a site."""
    with services_of(is_local=is_local) as services:
        services.sites.named(site)
        services.signed_links.revoke_all(site)
        services.audit.record_command(site, "links revoke", "site.links_revoked", site)
    say(wants_json, {"site": site, "revoked": True}, f"All links of {site} are revoked.")


@links.command()
@of_site
@local
@as_json
def rotate(*, site: str, is_local: bool, wants_json: bool) -> None:
    """Sign new links with a new key; existing links stay valid until they expire."""
    with services_of(is_local=is_local) as services:
        services.sites.named(site)
        services.signed_links.rotate(site)
        services.audit.record_command(site, "links rotate", "site.links_rotated", site)
    say(
        wants_json,
        {"site": site, "rotated": True},
        f"New links of {site} are signed with a new key.",
    )
