"""Taking a site out: `export`."""

import sys
from collections.abc import Mapping
from typing import ClassVar

import click

from avenue.cli.context import as_json, local, of_site
from avenue.cli.moving import Facts, MoveOptions, Output, run_move
from avenue.config import Settings
from avenue.export.models import Part
from avenue.export.presenting import exported_text
from avenue.identity import Actor
from avenue.jobs.models import Job
from avenue.moves.models import TakeOut
from avenue.moves.service import MoveService


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
@click.option("--dry-run", "is_dry", is_flag=True, help="Only tell what would be exported.")
@of_site
@local
@as_json
def export_site(
    *,
    target: str,
    parts: tuple[str, ...],
    has_private: bool,
    is_dry: bool,
    site: str,
    is_local: bool,
    wants_json: bool,
) -> None:
    """Take products, media, uploads and pages out, as files that need no Avenue.

    Run it again after an interruption, or for what changed since: what is there is not written
    again, and what is gone from the site goes. A ZIP is written whole each time, and has its name
    when all of it is there. S3 is reached as AVENUE_BACKUP_S3_… say. It is a job that the panel
    shows, pauses and resumes, too.

    Exit code 0: all is out; 1: a file is damaged and was left out, which is named; 2: it was not
    done, and why is on stderr.
    """
    order = TakeOut(
        target=target,
        parts=frozenset(map(Part, parts)) or frozenset(Part),
        has_private=has_private,
        is_dry=is_dry,
    )

    def begin(_: Settings, moves: MoveService, operator: Actor) -> Job:
        return moves.take_out(operator, order, is_typed=False)

    options = MoveOptions(site=site, is_dry=is_dry, is_local=is_local, wants_json=wants_json)
    sys.exit(run_move(options, begin, _ExportOutput()))


class _ExportOutput(Output):
    titles: ClassVar[Mapping[str, str]] = {"left": "Left out"}

    def text(self, facts: Facts) -> str:
        return exported_text(facts)


COMMANDS = (export_site,)
