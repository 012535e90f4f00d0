"""Bringing files in: `import`."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from avenue.app.files import folder_import_of
from avenue.app.imports import is_source
from avenue.cli.context import as_json, database_of, local, of_site, settings_in_force
from avenue.cli.export_import import import_export
from avenue.cli.source_import import (
    Common,
    import_external,
    import_source,
    problem_facts,
    say_as_json,
    watched,
)
from avenue.media.legacy import can_answer
from avenue.migration.folder_import import FolderImport
from avenue.migration.models import FolderOrder, Kind, Outcome
from avenue.migration.plan import Plan

PREFIX = "/uploads"
Facts = dict[str, Any]


@click.command(name="import")
@click.argument("place", metavar="[DIR|ZIP]", type=click.Path(path_type=Path), required=False)
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
    "these. With --json a line for products, one for pages.",
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
    place: Path | None,
    source: str | None,
    kind: str | None,
    is_external: bool,
    is_dry: bool,
    site: str,
    is_local: bool,
    wants_json: bool,
    **order: Any,
) -> None:
    """Bring files into Avenue: an old upload folder, a ZIP of it, or what another service keeps.

    Every file is stored or refused with a reason, old addresses lead to what they named, and
    products and pages name assets instead of local paths. Without --as it is an export of Avenue
    (a directory, a ZIP, s3://…), of which products, files and pages come as they were. Run it
    again after an interruption: nothing is stored twice. Exit code 1 when a file was refused.
    """
    common = Common(site=site, is_dry=is_dry, is_local=is_local, wants_json=wants_json)
    if [place is not None, source is not None, is_external].count(True) != 1:
        raise click.UsageError("Say what to bring in: a folder or a ZIP, --from, or --external.")
    if is_external:
        sys.exit(import_external(common))
    if kind is None:
        sys.exit(import_export(_export_in(source or str(place), order), common))
    if source is not None and is_source(source):
        sys.exit(import_source(source, Kind(kind), common, **_for_sources(order)))
    wanted = FolderOrder(place=place or Path(source or ""), kind=Kind(kind), **order)
    sys.exit(_import_tree(wanted, common))


def _export_in(address: str, order: Facts) -> str:
    """Return where an export lies; raise that only such a thing comes in without --as."""
    if is_source(address) and not address.startswith("s3:"):
        raise click.UsageError("Say what the files become: --as products, media or uploads.")
    if order["prefix"] != PREFIX or order["hosts"] or order["is_public"]:
        raise click.UsageError("--prefix, --host and --public go with --as: not with an export.")
    return address


def _for_sources(order: Facts) -> Facts:
    if order["prefix"] != PREFIX:
        raise click.UsageError("--prefix goes with a folder or a ZIP.")
    return {name: order[name] for name in ("hosts", "is_public")}


def _import_tree(wanted: FolderOrder, common: Common) -> int:
    """Bring a folder or a ZIP in and tell of it; return the exit code."""
    if wanted.is_public and wanted.kind is not Kind.UPLOADS:
        raise click.UsageError("--public goes with --as uploads; the others are public anyway.")
    answers = can_answer(wanted.prefix)
    if not answers:
        click.echo(f"Avenue itself answers below {wanted.prefix}: no old address will.", err=True)
    with (
        settings_in_force(is_local=common.is_local) as settings,
        database_of(settings) as database,
        closing(Plan()) as plan,
        folder_import_of(settings, database, common.site, wanted, plan) as importing,
    ):
        watched(importing.read(), "Reading", None)
        work = importing.preview() if common.is_dry else importing.bring()
        watched(work, "Comparing" if common.is_dry else "Storing", plan.count_contents())
        counts = {**common.facts(wanted.kind), "addresses_answer": answers, **_counts(plan)}
        lists = _lists(plan, importing, with_files=common.is_dry)
        if common.wants_json:
            say_as_json(counts, lists)
        else:
            _say_as_text(counts, lists)
    return 1 if counts["refused_total"] else 0


def _counts(plan: Plan) -> Facts:
    return {
        "stored": plan.count(Outcome.STORED),
        "duplicates": plan.count(Outcome.DUPLICATE),
        "unchanged": plan.count(Outcome.UNCHANGED),
        "unreferenced": plan.count_unreferenced(),
        "refused_total": plan.count(Outcome.REFUSED),
        "skipped_total": plan.count_skipped(),
        "rewritten": plan.count_rewritten(),
    }


def _lists(plan: Plan, importing: FolderImport, *, with_files: bool) -> dict[str, Iterator[Facts]]:
    """Return the long parts of the report; none of them is ever in memory whole."""
    lists: dict[str, Iterator[Facts]] = {
        "refused": (problem_facts(each) for each in plan.refused()),
        "skipped": (problem_facts(each) for each in plan.skipped()),
        "lost": (
            {"kind": each.kind, "id": each.id, "url": each.address} for each in importing.lost()
        ),
    }
    if with_files:
        lists["files"] = (
            {
                "path": path,
                "outcome": outcome,
                "references": [
                    {"kind": each.kind, "id": each.id} for each in plan.references_to(path)
                ],
            }
            for path, outcome in plan.files()
        )
    return lists


def _say_as_text(counts: Facts, lists: Mapping[str, Iterable[Facts]]) -> None:
    rewritten = ", ".join(f"{count} of {kind}s" for kind, count in counts["rewritten"].items())
    click.echo(
        f"{'Would bring' if counts['dry_run'] else 'Brought'} into {counts['site']} as "
        f"{counts['as']}:\n"
        f"  {counts['stored']} stored, {counts['duplicates']} with the bytes of another, "
        f"{counts['unchanged']} unchanged; {counts['unreferenced']} of them named by nothing\n"
        f"  {counts['refused_total']} refused, {counts['skipped_total']} passed over\n"
        f"  references rewritten: {rewritten or 'none'}"
    )
    for name, title in TITLES.items():
        for number, item in enumerate(lists.get(name, ())):
            if not number:
                click.echo(f"{title}:")
            click.echo("  " + "  ".join(map(_in_words, item.values())))


TITLES = {
    "files": "Files",
    "skipped": "Passed over",
    "refused": "Refused",
    "lost": "Still lost (no file answers)",
}


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(f"{each['kind']} {each['id']}" for each in value)
    return str(value)


COMMANDS = (import_files,)
