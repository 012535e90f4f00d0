"""The application that came before, into a site: `adopt`."""

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
    "unnamed": "Pictures and files that nothing names",
}


@click.command()
@click.option(
    "--from",
    "uri",
    metavar="URI",
    help="The earlier application's database. By default AVENUE_ADOPT_FROM, which no list of "
    "processes shows.",
)
@click.option(
    "--map",
    "map_file",
    type=click.Path(path_type=Path),
    help="What its collections hold, where that is not seen.",
)
@click.option(
    "--files",
    type=click.Path(path_type=Path),
    metavar="DIR|ZIP",
    help="The old upload folder, for pictures that only an address names.",
)
@click.option(
    "--host", "hosts", multiple=True, help="A name of the old application, besides local ones."
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Say what would be done; change nothing.")
@click.option(
    "--follow",
    "follows",
    is_flag=True,
    help="Go on after that: bring in what changes, until Ctrl-C (needs a replica set).",
)
@of_site
@local
@as_json
def adopt(uri: str | None, **options: Any) -> None:
    """Bring the database of the application that came before into Avenue.

    It is only read. Products, groups, pages, people and pictures are recognised; everything else
    is named and left alone. Run it again at any time: only what changed is brought in. It is a job
    that the panel shows, pauses and resumes, too; Ctrl-C pauses it, or ends it with --follow. Exit
    code 0 when all is in, 1 when something was refused (each is named), 2 when nothing was done.
    With --follow and --json each pass is a line, and so is how far behind it was.
    """
    if options["is_dry"] and options["follows"]:
        raise click.UsageError("--dry-run changes nothing, so there is nothing to --follow.")
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
    """Have it done, and return the exit code."""

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
        f"{'Would bring' if facts['dry_run'] else 'Brought'} {facts['from']} into {facts['site']}."
    ]
    lines.append("Recognised:")
    for each in facts["recognised"]:
        lines.append(f"  {each['name']}: {each['holds']}, documents: {each['documents']}")
        for sample in each["samples"]:
            seen = ", ".join(sample["seen"])
            lines.append("    " + "  ".join(filter(None, (sample["id"], sample["title"], seen))))
    if facts["left_alone"]:
        lines.append("Left alone:")
        lines += [
            f"  {each['name']}: documents: {each['documents']} ({each['why']})"
            for each in facts["left_alone"]
        ]
    lines.append("Would be:" if facts["dry_run"] else "Done:")
    for kind, title in TITLES.items():
        counts = facts["counts"][kind]
        if counts:
            said = ", ".join(
                f"{count} {name.replace('_', ' ')}" for name, count in sorted(counts.items())
            )
            lines.append(f"  {title}: {said}")
    if facts["refused_total"]:
        lines.append(f"In all, {facts['refused_total']} refused.")
    return "\n".join(lines)


COMMANDS = (adopt,)
