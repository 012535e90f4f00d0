"""The command `audit`: the audit log of a site."""

import click

from avenue.audit.models import Entry, EntryQuery
from avenue.audit.presenting import page_json
from avenue.cli.context import (
    as_json,
    local,
    of_site,
    say,
    services_of,
)
from avenue.clock import iso

MOST_ENTRIES = 10_000


@click.command()
@click.option("--limit", type=click.IntRange(1, MOST_ENTRIES), default=50, show_default=True)
@of_site
@local
@as_json
def audit(*, limit: int, site: str, is_local: bool, wants_json: bool) -> None:
    """List the audit log of a site: who changed what, newest first."""
    with services_of(is_local=is_local) as services:
        page = services.audit.entries(site, EntryQuery(limit=limit))
    say(wants_json, page_json(page), "\n".join(map(_line, page.items)))


def _line(entry: Entry) -> str:
    who = entry.doer.name or entry.doer.id or "nobody"
    facts = [f"{name}={value}" for name, value in entry.details.items()]
    words = (iso(entry.at), f"{entry.doer.kind} {who}", entry.action, entry.object_id or "-")
    return "  ".join([*words, *facts])
