"""The command `adopt`: import the database of an earlier application into a site."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import click

from avenue.cli.context import as_json, local, of_site
from avenue.cli.moving import Facts, MoveOptions, Output, run_move
from avenue.config import Settings
from avenue.identity import Actor
from avenue.jobs.models import Job
from avenue.migration.adopt.maps import map_in
from avenue.moves.models import Adopt
from avenue.moves.service import MoveService

TITLES = {
    "people": "People",
    "groups": "Groups",
    "products": "Products",
    "pages": "Pages",
    "pictures": "Pictures of products and groups",
    "unnamed": "Unreferenced pictures and files",
}


@click.command()
@click.option(
    "--from",
    "uri",
    metavar="URI",
    help="Connection string of the earlier database. By default AVENUE_ADOPT_FROM, which does "
    "not appear in process lists.",
)
@click.option(
    "--map",
    "map_file",
    type=click.Path(path_type=Path),
    help="File that says what each collection contains, where it is not recognised.",
)
@click.option(
    "--files",
    type=click.Path(path_type=Path),
    metavar="DIR|ZIP",
    help="The old upload folder, for pictures that are stored as addresses only.",
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    help="A host name of the old application, in addition to local ones.",
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Show what would be done, change nothing.")
@click.option(
    "--follow",
    "follows",
    is_flag=True,
    help="Keep importing changes until Ctrl-C (needs a replica set).",
)
@of_site
@local
@as_json
def adopt(uri: str | None, **options: Any) -> None:
    """Import the database of an earlier application into a site.

    The database is only read. Products, groups, pages, people and pictures are recognised; all
    other collections are listed and skipped. Run the command again at any time: only changes are
    imported.

    It runs as a job that the panel also shows, pauses and resumes. Ctrl-C pauses it; with --follow,
    Ctrl-C ends it. With --follow and --json, each pass is printed as one line, followed by how far
    behind it was.

    Exit code 0: everything was imported; 1: some items were refused (each is listed); 2: nothing
    was done.
    """
    if options["is_dry"] and options["follows"]:
        raise click.UsageError("--follow cannot be combined with --dry-run.")
    sys.exit(_adopt(uri, **options))


def _adopt(
    uri: str | None,
    *,
    map_file: Path | None,
    files: Path | None,
    site: str,
    is_local: bool,
    wants_json: bool,
    **how: Any,
) -> int:
    """Run the job and return the exit code."""

    def begin(settings: Settings, moves: MoveService, operator: Actor) -> Job:
        order = Adopt(
            uri=uri or settings.adopt_from,
            map=map_in(map_file) if map_file else "",
            files=str(files) if files else "",
            **how,
        )
        return moves.adopt(operator, order, is_typed=False)

    options = MoveOptions(site=site, is_dry=how["is_dry"], is_local=is_local, wants_json=wants_json)
    return run_move(options, begin, _AdoptOutput(), follows=how["follows"])


class _AdoptOutput(Output):
    titles: ClassVar[Mapping[str, str]] = {"refused": "Refused"}

    def text(self, facts: Facts) -> str:
        return _as_text(facts)

    def item(self, facts: Facts) -> str:
        return "{collection} {record}  {message} ({code})".format_map(facts)


def _as_text(facts: Facts) -> str:
    lines = [
        f"{'Would import' if facts['dry_run'] else 'Imported'} {facts['from']} into "
        f"{facts['site']}."
    ]
    lines.append("Recognised:")
    for each in facts["recognised"]:
        lines.append(f"  {each['name']}: {each['holds']}, {each['documents']} documents")
        for sample in each["samples"]:
            seen = ", ".join(sample["seen"])
            lines.append("    " + "  ".join(filter(None, (sample["id"], sample["title"], seen))))
    if facts["left_alone"]:
        lines.append("Skipped:")
        lines += [
            f"  {each['name']}: {each['documents']} documents ({each['why']})"
            for each in facts["left_alone"]
        ]
    lines.append("To do:" if facts["dry_run"] else "Done:")
    for kind, title in TITLES.items():
        counts = facts["counts"][kind]
        if counts:
            said = ", ".join(
                f"{count} {name.replace('_', ' ')}" for name, count in sorted(counts.items())
            )
            lines.append(f"  {title}: {said}")
    if facts["refused_total"]:
        lines.append(f"Refused in total: {facts['refused_total']}")
    return "\n".join(lines)
