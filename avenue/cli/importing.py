"""Bringing files in: `import`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import click

from avenue.cli.context import as_json, local, of_site
from avenue.cli.moving import Begin, Facts, MoveOptions, Output, run_move
from avenue.config import Settings
from avenue.export.models import HEADER
from avenue.identity import Actor
from avenue.jobs.models import Job
from avenue.media.legacy import can_answer
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
    "supabase:https://ref.supabase.co/bucket, cloudinary:cloud or cfimages:account. Their keys are "
    "AVENUE_IMPORT_… in the environment.",
)
@click.option(
    "--as",
    "kind",
    type=click.Choice([kind.value for kind in Kind]),
    help="What the files become. Without it, what `export` has written is brought in.",
)
@click.option(
    "--external",
    "is_external",
    is_flag=True,
    help="Bring in the pictures that products and pages name at other addresses, and let them name "
    "these.",
)
@click.option("--prefix", default=PREFIX, show_default=True, help="Where the folder was served.")
@click.option(
    "--host", "hosts", multiple=True, help="A name of the old application, besides local ones."
)
@click.option(
    "--public",
    "is_public",
    is_flag=True,
    help="Let everybody read --as uploads, and what lies in a bucket of S3.",
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Say what would be done; change nothing.")
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
    """Bring files into Avenue: an old upload folder, a ZIP of it, or what another service keeps.

    Every file is stored or refused with a reason, old addresses lead to what they named, and
    products and pages name assets instead of local paths. Without --as it is an export of Avenue
    (a directory, a ZIP, s3://…), of which products, files and pages come as they were. Run it
    again after an interruption: nothing is stored twice. It is a job that the panel shows, pauses
    and resumes, too. Exit code 0 when all is in, 1 when something was refused (each is named), 2
    when nothing was done.
    """
    options = MoveOptions(site=site, is_dry=is_dry, is_local=is_local, wants_json=wants_json)
    if [place is not None, source is not None, is_external].count(True) != 1:
        raise click.UsageError("Say what to bring in: a folder or a ZIP, --from, or --external.")
    if is_external:
        sys.exit(run_move(options, _external(is_dry=is_dry), _FilesOutput("what lives elsewhere")))
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


def _external(*, is_dry: bool) -> Begin:
    def begin(_: Settings, moves: MoveService, operator: Actor) -> Job:
        return moves.bring_external(operator, is_dry=is_dry, is_typed=False)

    return begin


def _check(order: Bring) -> None:
    """Refuse what does not go together; say which old addresses cannot answer."""
    if order.kind is None:
        _check_export(order)
    elif not is_place_of_files(order.place):
        if order.prefix != PREFIX:
            raise click.UsageError("--prefix goes with a folder or a ZIP.")
    elif order.is_public and order.kind is not Kind.UPLOADS:
        raise click.UsageError("--public goes with --as uploads; the others are public anyway.")
    elif not can_answer(order.prefix):
        click.echo(f"Avenue itself answers below {order.prefix}: no old address will.", err=True)


def _check_export(order: Bring) -> None:
    what = "say what the files become, --as products, media or uploads."
    if not is_place_of_files(order.place) and not order.place.startswith("s3:"):
        raise click.UsageError(f"That is no export of Avenue: {what}")
    folder = Path(order.place)
    if folder.is_dir() and not (folder / HEADER).is_file():
        raise click.UsageError(f"{folder} contains no Avenue export: {what}")
    if order.prefix != PREFIX or order.hosts or order.is_public:
        raise click.UsageError("--prefix, --host and --public go with --as, not an export.")


class _FilesOutput(Output):
    """Of files that become products' pictures, media or uploads."""

    titles: ClassVar[Mapping[str, str]] = {
        "files": "Files",
        "skipped": "Passed over",
        "refused": "Refused",
        "lost": "Still lost (no file answers)",
        "silent": "Old addresses that do not answer",
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
            lines.append("  more than the quota of the site has left")
        lines.append(f"  references in records: {plan['references']}")
        if plan["silent_total"]:
            lines.append(f"  old addresses that will not answer: {plan['silent_total']}")
        return "\n".join(lines)

    def text(self, facts: Facts) -> str:
        if facts.get("plan") and facts["dry_run"]:
            return ""
        rewritten = ", ".join(f"{count} of {kind}s" for kind, count in facts["rewritten"].items())
        became = f" as {facts['as']}" if "as" in facts else ""
        folder = "unreferenced" in facts
        more = f"; {facts['unreferenced']} of them named by nothing" if folder else ""
        passed = f", {facts['skipped_total']} passed over" if folder else ""
        return (
            f"{'Would bring' if facts['dry_run'] else 'Brought'}{self._origin} into "
            f"{facts['site']}{became}:\n"
            f"  {facts['stored']} stored, {facts['duplicates']} with the bytes of another, "
            f"{facts['unchanged']} unchanged{more}\n"
            f"  {facts['refused_total']} refused{passed}\n"
            f"  references rewritten: {rewritten or 'none'}"
        )

    def item(self, facts: Facts) -> str:
        return "  ".join(map(_in_words, facts.values()))


class _ExportOutput(Output):
    """Of what `export` has written."""

    titles: ClassVar[Mapping[str, str]] = {
        "refused": "Refused",
        "silent": "Old addresses that do not answer",
    }

    def text(self, facts: Facts) -> str:
        is_dry, files = facts["dry_run"], facts["files"]
        lines = [
            f"{'Would bring' if is_dry else 'Brought'} the export {facts['from']} into "
            f"{facts['site']}:"
        ]
        for name in RECORDS:
            said = ", ".join(f"{count} {became}" for became, count in sorted(facts[name].items()))
            lines.append(f"  {name}: {said or 'none'}")
        if is_dry:
            plan = facts["plan"]
            lines.append(f"  files: {plan['entries']} to copy, {plan['bytes']} bytes")
            if not plan["fits"]:
                lines.append("  more than the quota of the site has left")
        else:
            lines.append(f"  files: {files['stored']} stored, {files['unchanged']} unchanged")
        return "\n".join([*lines, f"  {facts['refused_total']} refused"])


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(f"{each['kind']} {each['id']}" for each in value)
    return str(value)


COMMANDS = (import_files,)
