"""The application that came before, into a site: `adopt`."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import click

from avenue.app.files import AdoptionOrder, adoption_of
from avenue.cli.context import (
    as_json,
    database_of,
    local,
    of_site,
    say,
    settings_in_force,
    why,
)
from avenue.clock import utc_now
from avenue.config import ConfigError
from avenue.errors import AvenueError
from avenue.migration.adopt.models import LEFT_ALONE
from avenue.migration.adopt.service import Adoption
from avenue.storage.earlier import Changes

NOTHING_DONE = 2
MOST_TOLD = 1000
"""Refusals that are told one by one; all of them are counted."""
Facts = dict[str, Any]
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
    is named and left alone. Run it again at any time: only what changed is brought in. Exit code 0
    when all is in, 1 when something was refused (each is named), 2 when nothing was done. With
    --follow and --json each pass is a line, and so is how far behind it was.
    """
    if options["is_dry"] and options["follows"]:
        raise click.UsageError("--dry-run changes nothing, so there is nothing to --follow.")
    try:
        code = _adopt(uri, **options)
    except (AvenueError, ConfigError) as error:
        click.echo(why(error), err=True)
        code = NOTHING_DONE
    sys.exit(code)


def _adopt(
    uri: str | None,
    *,
    is_dry: bool,
    follows: bool,
    site: str,
    is_local: bool,
    wants_json: bool,
    **order: Any,
) -> int:
    """Do it, tell of it, and return the exit code."""
    with (
        settings_in_force(is_local=is_local) as settings,
        database_of(settings) as database,
        adoption_of(
            settings,
            database,
            site,
            AdoptionOrder(uri=uri or settings.adopt_from, **order),
        ) as adoption,
        # From before the first pass, so that nothing that changes during it is missed.
        adoption.changes() if follows else nullcontext() as changes,
    ):

        def one_pass() -> int:
            _watched(adoption.read(), "Reading", None)
            count = sum(each.documents for each in adoption.recognised)
            work = adoption.preview() if is_dry else adoption.bring()
            stopped = _stopped_by(work, "Comparing" if is_dry else "Storing", count)
            facts = {"site": site, "dry_run": is_dry, **_facts(adoption)}
            say(wants_json, facts, _as_text(facts))
            if stopped is not None:
                click.echo(why(stopped), err=True)
            return 1 if stopped is not None or facts["refused_total"] else 0

        code = one_pass()
        if changes is not None:
            code = _followed(changes, one_pass, code, wants_json=wants_json)
        return code


def _followed(changes: Changes, one_pass: Callable[[], int], code: int, *, wants_json: bool) -> int:
    """Make a pass whenever something changed, and tell how far behind the end of it was.

    Return the exit code of the last one, at Ctrl-C or SIGTERM.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            first = min(changes.taken(), default=None)
            if first is None:
                continue
            code = one_pass()
            behind = (utc_now() - first).total_seconds()
            say(wants_json, {"behind_seconds": behind}, f"{behind:.1f} seconds behind.")
    except KeyboardInterrupt:
        return code
    except AvenueError as error:  # what is in by then stays in
        click.echo(why(error), err=True)
        return 1


def _watched(steps: Iterator[None], label: str, count: int | None) -> None:
    """Do the work of `steps` with a bar on stderr."""
    with click.progressbar(steps, length=count, label=label, file=sys.stderr, show_pos=True) as bar:
        for _ in bar:
            pass


def _stopped_by(steps: Iterator[None], label: str, count: int) -> AvenueError | None:
    """Do the work; return what ended it before its end: what is in by then stays in."""
    try:
        _watched(steps, label, count)
    except AvenueError as error:
        return error
    return None


def _facts(adoption: Adoption) -> Facts:
    shown = [asdict(each) for each in adoption.recognised if each.holds not in LEFT_ALONE]
    left = [
        {"name": each.name, "documents": each.documents, "why": LEFT_ALONE[each.holds]}
        for each in adoption.recognised
        if each.holds in LEFT_ALONE
    ]
    refused = [asdict(each) for each in islice(adoption.inventory.refused(), MOST_TOLD)]
    return {
        "from": adoption.source_name,
        "recognised": shown,
        "left_alone": left,
        "counts": {kind: dict(counts) for kind, counts in adoption.counts.items()},
        "refused_total": adoption.inventory.count_refused(),
        "refused": refused,
    }


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
        lines.append(f"Refused: {facts['refused_total']}")
        lines += [
            f"  {each['collection']} {each['record']}  {each['message']} ({each['code']})"
            for each in facts["refused"]
        ]
        if facts["refused_total"] > len(facts["refused"]):
            lines.append("  …")
    return "\n".join(lines)


COMMANDS = (adopt,)
