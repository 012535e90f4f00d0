"""The command `export`: write the content of a site as plain files."""

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
    help="Export only this part; can be repeated. By default everything.",
)
@click.option("--private", "has_private", is_flag=True, help="Include private files.")
@click.option(
    "--dry-run", "is_dry", is_flag=True, help="Show what would be exported, write nothing."
)
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
    """Export products, media, uploads and pages as plain files that do not need Avenue.

    Run it again after an interruption, or to update an export: unchanged files are not written
    again, and files deleted from the site are deleted. A ZIP is always written in full, and gets
    its name when it is complete. For S3, set AVENUE_BACKUP_S3_…. It runs as a job that the panel
    also shows, pauses and resumes.

    Exit code 0: everything was exported; 1: damaged files were skipped (each is listed); 2: the
    export failed; the reason is on stderr.
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
    titles: ClassVar[Mapping[str, str]] = {"left": "Skipped"}

    def text(self, facts: Facts) -> str:
        return exported_text(facts)
