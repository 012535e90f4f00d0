"""The command `import`: import files from a folder, a ZIP or another service."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import click

from avenue.cli.context import as_json, local, of_site
from avenue.cli.moving import Facts, MoveOptions, Output, run_move
from avenue.config import Settings
from avenue.export.models import HEADER
from avenue.identity import Actor
from avenue.jobs.models import Job
from avenue.media.old_urls import can_answer
from avenue.migration.models import Kind
from avenue.moves.models import Bring
from avenue.moves.service import MoveService, is_place_of_files

PREFIX = "/uploads"
RECORDS = ("groups", "products", "pages")


@click.command(name="import")
@click.argument("place", metavar="[DIR|ZIP]", required=False)
@click.option(
    "--from",
    "source",
    metavar="PATH|URI",
    help="A folder, a ZIP, a list of URLs (.csv, .jsonl), s3://bucket/prefix, "
    "supabase:https://ref.supabase.co/bucket, cloudinary:cloud or cfimages:account. Credentials "
    "are read from AVENUE_IMPORT_… in the environment.",
)
@click.option(
    "--as",
    "kind",
    type=click.Choice([kind.value for kind in Kind]),
    help="What the files become. Without it, the source is an Avenue export.",
)
@click.option(
    "--external",
    "is_external",
    is_flag=True,
    help="Import the pictures that products and pages link to on other servers, and update the "
    "links.",
)
@click.option(
    "--prefix", default=PREFIX, show_default=True, help="Path where the folder was served."
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    help="A host name of the old application, in addition to local ones.",
)
@click.option(
    "--public",
    "is_public",
    is_flag=True,
    help="Make --as uploads, or files from an S3 bucket, public.",
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Show what would be done, change nothing.")
@of_site
@local
@as_json
def import_files(
    *,
    place: str | None,
    source: str | None,
    kind: str | None,
    is_external: bool,
    is_dry: bool,
    site: str,
    is_local: bool,
    wants_json: bool,
    **how: Any,
) -> None:
    """Import files: an old upload folder, a ZIP of it, or the content of another service.

    Every file is stored or refused with a reason. Old addresses redirect to their files, and
    products and pages reference assets instead of local paths. Without --as, the source is an
    Avenue export (a directory, a ZIP, s3://…), and products, files and pages are imported as they
    were.

    Run it again after an interruption: nothing is stored twice. It runs as a job that the panel
    also shows, pauses and resumes.

    Exit code 0: everything was imported; 1: some files were refused (each is listed); 2: nothing
    was done.
    """
    options = MoveOptions(site=site, is_dry=is_dry, is_local=is_local, wants_json=wants_json)
    if [place is not None, source is not None, is_external].count(True) != 1:
        raise click.UsageError("Give exactly one source: a folder or a ZIP, --from, or --external.")
    if is_external:
        sys.exit(
            run_move(
                options,
                lambda _, moves, operator: moves.bring_external(
                    operator, is_dry=is_dry, is_typed=False
                ),
                _FilesOutput("external pictures"),
            )
        )
    order = Bring(
        place=source or str(Path(place or "")),
        kind=Kind(kind) if kind else None,
        is_dry=is_dry,
        **how,
    )
    _check(order)
    output = _ExportOutput() if order.kind is None else _FilesOutput(order.place)

    def begin(_: Settings, moves: MoveService, operator: Actor) -> Job:
        return moves.bring(operator, order, is_typed=False)

    sys.exit(run_move(options, begin, output))


def _check(order: Bring) -> None:
    """Refuse options that cannot be combined; warn about old addresses that cannot redirect."""
    if order.kind is None:
        _check_export(order)
    elif not is_place_of_files(order.place):
        if order.prefix != PREFIX:
            raise click.UsageError("--prefix needs a folder or a ZIP.")
    elif order.is_public and order.kind is not Kind.UPLOADS:
        raise click.UsageError("--public needs --as uploads; other files are always public.")
    elif not can_answer(order.prefix):
        click.echo(f"Old addresses will not redirect: Avenue itself uses {order.prefix}.", err=True)


def _check_export(order: Bring) -> None:
    what = "use --as products, media or uploads to say what the files become."
    if not is_place_of_files(order.place) and not order.place.startswith("s3:"):
        raise click.UsageError(f"This is not an Avenue export: {what}")
    folder = Path(order.place)
    if folder.is_dir() and not (folder / HEADER).is_file():
        raise click.UsageError(f"{folder} does not contain an Avenue export: {what}")
    if order.prefix != PREFIX or order.hosts or order.is_public:
        raise click.UsageError("--prefix, --host and --public cannot be used with an export.")


class _FilesOutput(Output):
    """The report on files that become product pictures, media or uploads."""

    titles: ClassVar[Mapping[str, str]] = {
        "files": "Files",
        "skipped": "Skipped",
        "refused": "Refused",
        "lost": "Broken references (no file found)",
        "silent": "Old addresses that do not redirect",
    }

    def __init__(self, origin: str = "") -> None:
        self._origin = f" {origin}" if origin else ""

    def plan(self, plan: Facts) -> str:
        lines = [
            f"To copy: {plan['entries']} files, {plan['bytes']} bytes"
            + (f" and {plan['unmeasured']} of unknown size" if plan["unmeasured"] else "")
        ]
        if plan["days"] is not None:
            lines.append(f"  at the rate limit of the source: {plan['days']} days")
        if not plan["fits"]:
            lines.append("  exceeds the remaining quota of the site")
        lines.append(f"  references to rewrite: {plan['references']}")
        if plan["silent_total"]:
            lines.append(f"  old addresses that will not redirect: {plan['silent_total']}")
        return "\n".join(lines)

    def text(self, facts: Facts) -> str:
        if facts.get("plan") and facts["dry_run"]:
            return ""
        rewritten = ", ".join(f"{count} of {kind}s" for kind, count in facts["rewritten"].items())
        became = f" as {facts['as']}" if "as" in facts else ""
        folder = "unreferenced" in facts
        more = f"; {facts['unreferenced']} of them unreferenced" if folder else ""
        passed = f", {facts['skipped_total']} skipped" if folder else ""
        return (
            f"{'Would import' if facts['dry_run'] else 'Imported'}{self._origin} into "
            f"{facts['site']}{became}:\n"
            f"  {facts['stored']} stored, {facts['duplicates']} duplicates, "
            f"{facts['unchanged']} unchanged{more}\n"
            f"  {facts['refused_total']} refused{passed}\n"
            f"  references rewritten: {rewritten or 'none'}"
        )

    def item(self, facts: Facts) -> str:
        return "  ".join(map(_in_words, facts.values()))


class _ExportOutput(Output):
    """The report on an imported export."""

    titles: ClassVar[Mapping[str, str]] = {
        "refused": "Refused",
        "silent": "Old addresses that do not redirect",
    }

    def text(self, facts: Facts) -> str:
        is_dry, files = facts["dry_run"], facts["files"]
        lines = [
            f"{'Would import' if is_dry else 'Imported'} the export {facts['from']} into "
            f"{facts['site']}:"
        ]
        for name in RECORDS:
            said = ", ".join(f"{count} {became}" for became, count in sorted(facts[name].items()))
            lines.append(f"  {name}: {said or 'none'}")
        if is_dry:
            plan = facts["plan"]
            lines.append(f"  files: {plan['entries']} to copy, {plan['bytes']} bytes")
            if not plan["fits"]:
                lines.append("  exceeds the remaining quota of the site")
        else:
            lines.append(f"  files: {files['stored']} stored, {files['unchanged']} unchanged")
        return "\n".join([*lines, f"  {facts['refused_total']} refused"])


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(f"{each['kind']} {each['id']}" for each in value)
    return str(value)
