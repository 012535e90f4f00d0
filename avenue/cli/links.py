"""Commands about signed links: `links revoke|rotate`."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from avenue.audit.service import AuditService
from avenue.cli.context import (
    as_json,
    local,
    of_site,
    say,
    services_of,
)
from avenue.media.signing.service import SignedLinks


@click.group()
def links() -> None:
    """Signed links to private files."""


@links.command()
@of_site
@local
@as_json
def revoke(*, site: str, is_local: bool, wants_json: bool) -> None:
    """Revoke all links to all files of a site."""
    with _links_of(site, is_local=is_local) as (signed, audit):
        signed.revoke_all(site)
        audit.record_command(site, "links revoke", "site.links_revoked", site)
    say(wants_json, {"site": site, "revoked": True}, f"All links of {site} are revoked.")


@links.command()
@of_site
@local
@as_json
def rotate(*, site: str, is_local: bool, wants_json: bool) -> None:
    """Sign new links with a new key; existing links stay valid until they expire."""
    with _links_of(site, is_local=is_local) as (signed, audit):
        signed.rotate(site)
        audit.record_command(site, "links rotate", "site.links_rotated", site)
    say(
        wants_json,
        {"site": site, "rotated": True},
        f"New links of {site} are signed with a new key.",
    )


@contextmanager
def _links_of(site: str, *, is_local: bool) -> Iterator[tuple[SignedLinks, AuditService]]:
    """Give a command the signed links; raise `UnknownSite` if there is no such `site`."""
    with services_of(is_local=is_local) as services:
        services.sites.named(site)
        yield services.signed_links, services.audit


COMMANDS = (links,)
