"""Taking a site out: `export`."""

import sys

import click

from avenue.app.exports import export
from avenue.cli.context import (
    as_json,
    database_of,
    local,
    of_site,
    say,
    settings_in_force,
    why,
)
from avenue.config import ConfigError
from avenue.errors import AvenueError
from avenue.export.models import Exported, ExportOrder, Part
from avenue.export.presenting import exported_json, exported_text

LEFT_SOMETHING, TROUBLE = 1, 2


@click.command(name="export")
@click.argument("target", metavar="DIR|FILE.zip|s3://…")
@click.option(
    "--as",
    "parts",
    type=click.Choice([part.value for part in Part]),
    multiple=True,
    help="Only this part; may be given again. Else everything.",
)
@click.option("--private", "has_private", is_flag=True, help="Take private files along.")
@click.option("--dry-run", "is_trial", is_flag=True, help="Only tell what would be exported.")
@of_site
@local
@as_json
def export_site(
    *,
    target: str,
    parts: tuple[str, ...],
    has_private: bool,
    is_trial: bool,
    site: str,
    is_local: bool,
    wants_json: bool,
) -> None:
    """Take products, media, uploads and pages out, as files that need no Avenue.

    Run it again after an interruption, or for what changed since: what is there is not written
    again, and what is gone from the site goes. A ZIP is written whole each time, and has its name
    when all of it is there. S3 is reached as AVENUE_BACKUP_S3_… say.

    Exit code 0: all is out; 1: a file is damaged and was left out, which is named; 2: it was not
    done, and why is on stderr.
    """
    order = ExportOrder(
        parts=frozenset(map(Part, parts)) or frozenset(Part),
        has_private=has_private,
        is_trial=is_trial,
    )
    try:
        with (
            settings_in_force(is_local=is_local) as settings,
            database_of(settings) as database,
        ):
            work = export(settings, database, site, target, order, _draw)
    except (AvenueError, ConfigError) as error:
        click.echo(why(error), err=True)
        sys.exit(TROUBLE)
    facts = exported_json(work.counts, work.left, target, is_trial=is_trial)
    text = exported_text(work.counts, work.left, target, is_trial=is_trial)
    say(wants_json, {"site": site, **facts}, text)
    sys.exit(LEFT_SOMETHING if work.left else 0)


def _draw(counts: Exported) -> None:
    """Tell how far it got on stderr, where somebody looks at it."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{counts.files} files, {counts.pages} pages", err=True, nl=False)


COMMANDS = (export_site,)
