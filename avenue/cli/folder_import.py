"""Bringing an old upload folder in: `import`."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from avenue.app.files import folder_import_of
from avenue.cli.context import as_json, database_of, local, of_site, settings_in_force
from avenue.migration.folder_import import FolderImport
from avenue.migration.models import FolderOrder, Kind, Outcome, Problem
from avenue.migration.plan import Plan

Facts = dict[str, Any]


@click.command(name="import")
@click.argument("place", metavar="DIR|ZIP", type=click.Path(path_type=Path))
@click.option(
    "--as",
    "kind",
    type=click.Choice([kind.value for kind in Kind]),
    required=True,
    help="What the files become.",
)
@click.option(
    "--prefix", default="/uploads", show_default=True, help="Where the folder was served."
)
@click.option(
    "--host", "hosts", multiple=True, help="A name of the old application, besides local ones."
)
@click.option("--public", "is_public", is_flag=True, help="Let everybody read --as uploads.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Say what would be done; change nothing.")
@of_site
@local
@as_json
def import_tree(*, is_dry: bool, site: str, is_local: bool, wants_json: bool, **order: Any) -> None:
    """Bring an old upload folder, or a ZIP of it, into Avenue.

    Every file is stored or refused with a reason, old addresses lead to what they named, and
    products and pages name assets instead of local paths. Run it again after an interruption:
    nothing is stored twice. Exit code 1 when a file was refused.
    """
    wanted = FolderOrder(**{**order, "kind": Kind(order["kind"])})
    if wanted.is_public and wanted.kind is not Kind.UPLOADS:
        raise click.UsageError("--public goes with --as uploads; the others are public anyway.")
    with (
        settings_in_force(is_local=is_local) as settings,
        database_of(settings) as database,
        closing(Plan()) as plan,
        folder_import_of(settings, database, site, wanted, plan) as importing,
    ):
        _watched(importing.read(), "Reading", None)
        work = importing.preview() if is_dry else importing.bring()
        _watched(work, "Comparing" if is_dry else "Storing", plan.count_contents())
        counts = {"site": site, "as": wanted.kind.value, "dry_run": is_dry, **_counts(plan)}
        lists = _lists(plan, importing, with_files=is_dry)
        if wants_json:
            _say_as_json(counts, lists)
        else:
            _say_as_text(counts, lists)
    sys.exit(1 if counts["refused_total"] else 0)


def _watched(steps: Iterator[None], label: str, count: int | None) -> None:
    """Do the work of `steps` with a bar on stderr."""
    with click.progressbar(steps, length=count, label=label, file=sys.stderr, show_pos=True) as bar:
        for _ in bar:
            pass


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
        "refused": (_problem(each) for each in plan.refused()),
        "skipped": (_problem(each) for each in plan.skipped()),
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


def _problem(problem: Problem) -> Facts:
    return {"path": problem.path, "code": problem.code, "message": problem.message}


def _say_as_json(counts: Facts, lists: Mapping[str, Iterable[Facts]]) -> None:
    write = sys.stdout.write
    write(json.dumps(counts)[:-1])
    for name, items in lists.items():
        write(f", {json.dumps(name)}: [")
        for number, item in enumerate(items):
            write((", " if number else "") + json.dumps(item))
        write("]")
    write("}\n")
    sys.stdout.flush()


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


COMMANDS = (import_tree,)
