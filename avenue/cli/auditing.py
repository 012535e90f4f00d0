"""The command `audit`: who changed what."""

import click

from avenue.app.services import audit_service
from avenue.audit.models import Entry, EntryQuery
from avenue.audit.presenting import page_json
from avenue.cli.context import as_json, database_of, local, of_site, say, settings_in_force
from avenue.clock import iso
from avenue.storage.schema import Gate

MOST_ENTRIES = 10_000


@click.command()
@click.option("--limit", type=click.IntRange(1, MOST_ENTRIES), default=50, show_default=True)
@of_site
@local
@as_json
def audit(*, limit: int, site: str, is_local: bool, wants_json: bool) -> None:
    """List who changed what on a site, newest first."""
    with settings_in_force(is_local=is_local) as settings, database_of(settings) as database:
        Gate(database).pass_or_raise()
        page = audit_service(settings, database).entries(site, EntryQuery(limit=limit))
    say(wants_json, page_json(page), "\n".join(map(_line, page.items)))


def _line(entry: Entry) -> str:
    who = entry.doer.name or entry.doer.id or "nobody"
    facts = [f"{name}={value}" for name, value in entry.details.items()]
    words = (iso(entry.at), f"{entry.doer.kind} {who}", entry.action, entry.object_id or "-")
    return "  ".join([*words, *facts])


COMMANDS = (audit,)
