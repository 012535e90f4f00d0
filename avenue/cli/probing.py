"""The command `probe`: check readiness, and store, read and delete a test file."""

import sys

import click

from avenue.app.services import Services
from avenue.cli.context import as_json, database_of, local, say, settings_in_force
from avenue.health.models import Check
from avenue.health.views.readiness.service import Answer, ReadinessService


@click.command()
@local
@as_json
def probe(*, is_local: bool, wants_json: bool) -> None:
    """Check the database, then store, read and delete a test file."""
    with settings_in_force(is_local=is_local) as settings, database_of(settings) as database:
        probe_once = Services(settings, database).probe.probe
        answer = ReadinessService(database, probe_once).answer(deep=True)
    say(wants_json, answer.facts, _text(answer))
    sys.exit(1 if answer.failed else 0)


def _text(answer: Answer) -> str:
    return "\n".join(map(_line, answer.found))


def _line(finding: Check) -> str:
    words = f"{finding.name:<8} {finding.state}"
    return f"{words}: {finding.detail}" if finding.detail else words
