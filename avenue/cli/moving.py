"""What `adopt`, `import` and `export` have in common: each begins a job, does it and tells of it.

The panel shows such a job, pauses and resumes it like one that was begun there.
"""

import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

import click

from avenue.app.background import Background
from avenue.app.moves import move_service
from avenue.app.services import Services
from avenue.cli.context import ORDERS, draw, services_of, why
from avenue.config import ConfigError, Settings
from avenue.errors import AvenueError
from avenue.identity import Actor, command_actor
from avenue.jobs.errors import JobOver, JobPaused
from avenue.jobs.models import WITH_COMMAND, Job
from avenue.moves.service import MoveService, as_operator
from avenue.moves.store import MoveReports

ALL_DONE, LEFT_SOMETHING, NOTHING_DONE = 0, 1, 2
PAUSED = "It is paused: the same command goes on with it"
Facts = dict[str, Any]
Line = tuple[str, Facts]
Begin = Callable[[Settings, MoveService, Actor], Job]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOptions:
    """What every such command is told."""

    site: str
    is_dry: bool
    is_local: bool
    wants_json: bool


class Output:
    """Tells people of a job; each command has its own words.

    `plan` is told of what is about to be done, `text` what was done, `item` one line of a list;
    `titles` are of the lists, by name.
    """

    titles: ClassVar[Mapping[str, str]] = {}

    def plan(self, plan: Facts) -> str:
        """Return what is told before anything is done."""
        return ""

    def text(self, facts: Facts) -> str:
        """Return what is told of the whole."""
        raise NotImplementedError

    def item(self, facts: Facts) -> str:
        """Return what is told of one line."""
        return "  ".join(map(str, facts.values()))


def run_move(options: MoveOptions, begin: Begin, output: Output, *, follows: bool = False) -> int:
    """Have it done as a job, tell of it, and return the exit code.

    0: all is done; 1: something was refused or is left to do; 2: nothing was done.
    """
    try:
        with services_of(is_local=options.is_local) as services:
            operator = as_operator(command_actor(services.sites.named(options.site)))
            job = begin(services.settings, move_service(services), operator)
            return _Work(services, options, output).do(job, follows=follows)
    except (AvenueError, ConfigError) as error:
        click.echo(why(error), err=True)
        return NOTHING_DONE


class _Work:
    """Works on a job, and tells of it."""

    def __init__(self, services: Services, options: MoveOptions, output: Output) -> None:
        self._background = Background(services.settings, services.database)
        self._jobs = services.jobs
        self._reports = MoveReports(services.database)
        self._options = options
        self._output = output
        self._passes = 0
        self._has_plan = False
        self._code = NOTHING_DONE

    def do(self, job: Job, *, follows: bool) -> int:
        """Do it to its end, or until somebody wants it to end before."""
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.default_int_handler)
        if job.may_be_resumed:
            self._jobs.resume(job.id)
        try:
            return self._end(self._background.finish(job.id, self._look))
        except KeyboardInterrupt:
            return self._interrupted(job.id, follows=follows)
        except JobPaused as error:
            click.echo(why(error), err=True)
            return self._code_of(self._jobs.get(job.id))

    def _interrupted(self, job_id: str, *, follows: bool) -> int:
        """End what follows for good, pause everything else."""
        try:
            job = self._jobs.cancel(job_id) if follows else self._jobs.pause(job_id)
        except JobOver:
            return self._end(self._jobs.get(job_id))
        if follows:
            return self._code
        too = "." if job.place == WITH_COMMAND else ", or Resume in the panel."
        click.echo(f"{PAUSED}{too}", err=True)
        return self._code_of(job)

    def _look(self, job: Job) -> None:
        """Tell how far a job is, what it is about to do, and of each pass of one that goes on."""
        draw(job)
        cursor = job.cursor or {}
        plan = cursor.get("plan")
        if plan and not self._has_plan and not self._options.is_dry:
            self._has_plan = True
            click.echo(self._output.plan(plan), err=True)
        if cursor.get("passes", 0) > self._passes and job.args.get("follows"):
            self._passes = cursor["passes"]
            self._tell(job, cursor["report"])
            behind = cursor["behind_seconds"]
            if behind is not None:
                facts = json.dumps({"behind_seconds": behind})
                click.echo(facts if self._options.wants_json else f"{behind:.1f} seconds behind.")
        sys.stdout.flush()

    def _end(self, job: Job) -> int:
        """Tell of a job that is over; return the exit code."""
        if sys.stderr.isatty():
            click.echo(err=True)
        if job.result is not None and not self._passes:
            self._look(job)
            self._tell(job, dict(job.result))
        if job.error is not None:
            click.echo(job.error, err=True)
            self._code = self._code_of(job)
        return self._code

    def _code_of(self, job: Job) -> int:
        """Return the exit code of what did not come to its end."""
        # The total is known once the work begins. Several files are under way at once, so some may
        # be stored before the first is counted; an export has no total.
        has_begun = bool(job.progress.total or job.progress.done)
        return LEFT_SOMETHING if has_begun and not self._options.is_dry else NOTHING_DONE

    def _tell(self, job: Job, report: Facts) -> None:
        facts = {"site": self._options.site, "dry_run": self._options.is_dry, **report}
        lines = map(json.loads, self._reports.lines(self._options.site, job.id))
        lists = ((name, some) for name, some in groupby(lines, lambda each: each.pop("list")))
        if self._options.wants_json:
            _write_json(facts, lists)
        else:
            self._write_text(facts, lists)
        refused = facts.get("refused_total", 0) or facts.get("left_total", 0)
        self._code = LEFT_SOMETHING if refused else ALL_DONE

    def _write_text(self, facts: Facts, lists: Iterator[tuple[str, Iterator[Facts]]]) -> None:
        """Write for people; nothing that somebody stored tells a terminal what to do."""
        if facts.get("plan") and self._options.is_dry:
            _echo(self._output.plan(facts["plan"]))
        _echo(self._output.text(facts))
        for name, items in lists:
            _echo(f"{self._output.titles[name]}:")
            for each in items:
                _echo(f"  {self._output.item(each)}")
        sys.stdout.flush()


def _write_json(facts: Facts, lists: Iterator[tuple[str, Iterator[Facts]]]) -> None:
    """Write a report whose lists are never in memory whole."""
    write = sys.stdout.write
    # Lists of the report are there in full; one without lines is told as it is.
    full = {name: value for name, value in facts.items() if not _is_list(value)}
    write(json.dumps(full)[:-1])
    empty = {name for name, value in facts.items() if _is_list(value)}
    for name, items in lists:
        empty.discard(name)
        write(f", {json.dumps(name)}: [")
        for number, item in enumerate(items):
            write((", " if number else "") + json.dumps(item))
        write("]")
    for name in sorted(empty):
        write(f", {json.dumps(name)}: {json.dumps(facts[name])}")
    write("}\n")
    sys.stdout.flush()


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _echo(text: str) -> None:
    if text:
        click.echo(ORDERS.sub("�", text))
