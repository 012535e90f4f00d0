"""What `adopt`, `import` and `export` share: start a job, run it, and print its report.

The panel shows, pauses and resumes such a job like one that was started there.
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
from avenue.cli.context import ORDERS, draw, failing_with, services_of, why
from avenue.config import Settings
from avenue.identity import Actor, command_actor
from avenue.jobs.errors import JobOver, JobPaused
from avenue.jobs.models import WITH_COMMAND, Job
from avenue.moves.service import MoveService, as_operator
from avenue.moves.store import MoveReports

ALL_DONE, LEFT_SOMETHING, NOTHING_DONE = 0, 1, 2
PAUSED = "Paused. Run the same command to resume"
Facts = dict[str, Any]
Line = tuple[str, Facts]
Begin = Callable[[Settings, MoveService, Actor], Job]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOptions:
    """The options that all these commands have."""

    site: str
    is_dry: bool
    is_local: bool
    wants_json: bool


class Output:
    """Formats the reports of a job; each command has its own subclass.

    `titles` are the headings of the lists in a report, by name.
    """

    titles: ClassVar[Mapping[str, str]] = {}

    def plan(self, plan: Facts) -> str:
        """Return the text shown before anything is done."""
        return ""

    def text(self, facts: Facts) -> str:
        """Return the text of the report."""
        raise NotImplementedError

    def item(self, facts: Facts) -> str:
        """Return one line of a list in the report."""
        return "  ".join(map(str, facts.values()))


def run_move(options: MoveOptions, begin: Begin, output: Output, *, follows: bool = False) -> int:
    """Run the job, print its report, and return the exit code.

    0: everything is done; 1: something was refused or is left to do; 2: nothing was done.
    """
    with failing_with(NOTHING_DONE), services_of(is_local=options.is_local) as services:
        operator = as_operator(command_actor(services.sites.named(options.site)))
        job = begin(services.settings, move_service(services), operator)
        return _Work(services, options, output).do(job, follows=follows)


class _Work:
    """Runs a job and prints its progress and report."""

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
        """Run the job until it ends, is paused or is interrupted; return the exit code."""
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
        """Cancel a job that follows changes, pause any other; return the exit code."""
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
        """Show progress, the plan once it is known, and the report of each pass that follows."""
        draw(job)
        cursor = job.cursor or {}
        plan = cursor.get("plan")
        if plan and not self._has_plan and not self._options.is_dry:
            self._has_plan = True
            click.echo(self._output.plan(plan), err=True)
        if cursor.get("passes", 0) > self._passes and job.args.get("follows"):
            self._passes = cursor["passes"]
            self._print_report(job, cursor["report"])
            behind = cursor["behind_seconds"]
            if behind is not None:
                facts = json.dumps({"behind_seconds": behind})
                click.echo(facts if self._options.wants_json else f"{behind:.1f} seconds behind.")
        sys.stdout.flush()

    def _end(self, job: Job) -> int:
        """Print the report of a finished job; return the exit code."""
        if sys.stderr.isatty():
            click.echo(err=True)
        if job.result is not None and not self._passes:
            self._look(job)
            self._print_report(job, dict(job.result))
        if job.error is not None:
            click.echo(job.error, err=True)
            self._code = self._code_of(job)
        return self._code

    def _code_of(self, job: Job) -> int:
        """Return the exit code of a job that was not completed."""
        # The total is known once the work has begun. Several files are processed at once, so some
        # may be stored before the first is counted; an export has no total.
        has_begun = bool(job.progress.total or job.progress.done)
        return LEFT_SOMETHING if has_begun and not self._options.is_dry else NOTHING_DONE

    def _print_report(self, job: Job, report: Facts) -> None:
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
        """Print the report for people; control characters in stored texts are replaced."""
        if facts.get("plan") and self._options.is_dry:
            _echo(self._output.plan(facts["plan"]))
        _echo(self._output.text(facts))
        for name, items in lists:
            _echo(f"{self._output.titles[name]}:")
            for each in items:
                _echo(f"  {self._output.item(each)}")
        sys.stdout.flush()


def _write_json(facts: Facts, lists: Iterator[tuple[str, Iterator[Facts]]]) -> None:
    """Print the report as JSON; its lists are never completely in memory."""
    write = sys.stdout.write
    # These lists are in the report in full; one without lines is printed as it is.
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
