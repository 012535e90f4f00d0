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
    """End every link to any file of a site at once."""
    with _links_of(site, is_local=is_local) as (signed, audit):
        signed.revoke_all(site)
        audit.record_command(site, "links revoke", "site.links_revoked", site)
    say(wants_json, {"site": site, "revoked": True}, f"No link of {site} is good any more.")


@links.command()
@of_site
@local
@as_json
def rotate(*, site: str, is_local: bool, wants_json: bool) -> None:
    """Sign with a new key from now on; links there are stay good until they expire."""
    with _links_of(site, is_local=is_local) as (signed, audit):
        signed.rotate(site)
        audit.record_command(site, "links rotate", "site.links_rotated", site)
    say(wants_json, {"site": site, "rotated": True}, f"New links of {site} have a new key.")


@contextmanager
def _links_of(site: str, *, is_local: bool) -> Iterator[tuple[SignedLinks, AuditService]]:
    """Give the links of the house to a command; raise `UnknownSite` when it has no such `site`."""
    with services_of(is_local=is_local) as services:
        services.sites.named(site)
        yield services.signed_links, services.audit


COMMANDS = (links,)
