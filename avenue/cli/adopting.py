"""The application that came before, into a site: `adopt`."""

import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from avenue.app.background import Background
from avenue.app.moves import move_service
from avenue.app.services import job_service
from avenue.cli.context import (
    as_json,
    database_of,
    draw,
    local,
    of_site,
    say,
    settings_in_force,
    why,
)
from avenue.config import ConfigError
from avenue.errors import AvenueError
from avenue.identity import command_actor
from avenue.jobs.models import Job
from avenue.migration.adopt.maps import map_in
from avenue.moves.models import Adopt
from avenue.moves.service import as_operator
from avenue.storage.schema import Gate
from avenue.storage.sites import Sites

NOTHING_DONE = 2
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
    is named and left alone. Run it again at any time: only what changed is brought in. It is a job
    that the panel shows, pauses and resumes, too; when the command is ended before it, a server of
    Avenue goes on with it. Exit code 0 when all is in, 1 when something was refused (each is
    named), 2 when nothing was done. With --follow and --json each pass is a line, and so is how far
    behind it was.
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
    map_file: Path | None,
    files: Path | None,
    site: str,
    is_local: bool,
    wants_json: bool,
    **how: Any,
) -> int:
    """Have it done as a job, tell of it, and return the exit code."""
    with (
        settings_in_force(is_local=is_local) as settings,
        database_of(settings) as database,
    ):
        Gate(database).pass_or_raise()
        order = Adopt(
            uri=uri or settings.adopt_from,
            map=map_in(map_file) if map_file else "",
            files=str(files) if files else "",
            **how,
        )
        known = Sites(database, settings).named(site)
        operator = as_operator(command_actor(known))
        job = move_service(settings, database).adopt(operator, order, is_typed=False)
        background = Background(settings, database)
        telling = _Telling(site, is_dry=order.is_dry, wants_json=wants_json)
        if not order.follows:
            return telling.tell(background.finish(job.id, draw))
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            return telling.tell(background.finish(job.id, telling.tell_passes))
        except KeyboardInterrupt:
            job_service(database).cancel(job.id)
            return telling.code


class _Telling:
    """Tells of what a job does; `code` is the exit code of what was told last."""

    def __init__(self, site: str, *, is_dry: bool, wants_json: bool) -> None:
        self._common = {"site": site, "dry_run": is_dry}
        self._wants_json = wants_json
        self._passes: int | None = None
        self.code = NOTHING_DONE

    def tell(self, job: Job) -> int:
        """Tell of a job that is over; return the exit code."""
        if sys.stderr.isatty():
            click.echo(err=True)
        if job.result is not None and self._passes is None:
            self._say(job.result)
        if job.error is not None:
            click.echo(job.error, err=True)
            most = (job.cursor or {}).get("most", 0)
            self.code = 1 if most and not self._common["dry_run"] else NOTHING_DONE
        return self.code

    def tell_passes(self, job: Job) -> None:
        """Tell of a pass of a job that goes on, once."""
        draw(job)
        cursor = job.cursor or {}
        passes = cursor.get("passes", 0)
        if passes and passes != self._passes:
            self._passes = passes
            self._say(cursor["report"])
            behind = cursor["behind_seconds"]
            if behind is not None:
                say(self._wants_json, {"behind_seconds": behind}, f"{behind:.1f} seconds behind.")

    def _say(self, report: Mapping[str, Any]) -> None:
        facts = {**self._common, **report}
        say(self._wants_json, facts, _as_text(facts))
        self.code = 1 if facts["refused_total"] else 0


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
