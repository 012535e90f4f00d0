"""What all commands share: common options, settings, database, services, and output."""

import json
import os
import re
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from avenue.app.background import Background
from avenue.app.services import Services, opened_services
from avenue.config import ConfigError, Settings, new_secret, secret_kept_in
from avenue.errors import AvenueError
from avenue.identity import DEFAULT_SITE, Actor, command_actor
from avenue.jobs.models import Job
from avenue.moves.service import as_operator
from avenue.storage.connection import Database
from avenue.storage.local_mongod import LocalMongod
from avenue.storage.mongod_binary import find_mongod
from avenue.storage.mongod_data_dir import set_log_aside
from avenue.storage.schema import Gate

BAR_CHARACTERS = 30
ORDERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters that a terminal would act on; tabs and line ends are allowed."""

local = click.option(
    "--local", "is_local", is_flag=True, help="Use the database of `serve --local`."
)
as_json = click.option("--json", "wants_json", is_flag=True, help="Answer as JSON.")
of_site = click.option("--site", default=DEFAULT_SITE, show_default=True)


def settings_as_they_are() -> tuple[Settings, list[str], frozenset[str]]:
    """Return the settings (defaults where invalid), all errors, and the variables that are set."""
    environ = dict(os.environ)  # noqa: TID251 - the command line hands it to config.py
    return *Settings.with_problems(environ), frozenset(environ)


@contextmanager
def settings_in_force(*, is_local: bool, serves: bool = False) -> Iterator[Settings]:
    """Read the settings; with `is_local`, use the local mongod, and start it if it does not run.

    A mongod that was running is left running. Only a command with `serves` creates a missing
    database, always stops mongod at the end, and logs to a file.
    """
    environ = dict(os.environ)  # noqa: TID251 - the command line hands it to config.py
    settings = Settings.from_env({**environ, "AVENUE_LOCAL": "1"} if is_local else environ)
    if not is_local:
        yield settings
        return
    if serves:  # SIGTERM as Ctrl-C, so that mongod stops too; gunicorn sets its own later
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    mongod = LocalMongod.start(settings.data_dir, find_mongod(settings), makes=serves)
    owner = os.getpid()
    try:
        own = replace(settings, mongodb_uri=mongod.uri, secret_key=kept_secret(settings))
        yield replace(own, log_file=_log_file(own)) if serves else own
    finally:
        # Forked web workers get here too; only the process that started the database stops it.
        if os.getpid() == owner and (serves or not mongod.found):
            mongod.stop()


def _log_file(settings: Settings) -> str:
    """Return the absolute path of a local server's log file; gunicorn changes the directory."""
    log = Path(settings.log_file or settings.data_dir / "avenue.log").resolve()
    set_log_aside(log)
    return str(log)


@contextmanager
def database_of(settings: Settings) -> Iterator[Database]:
    """Open the database, and close it at the end."""
    database = Database(settings)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def services_of(*, is_local: bool) -> Iterator[Services]:
    """Yield the services of the database in the settings to a command.

    Raise `ConfigError`, or an `AvenueError` if the database cannot be used.
    """
    with settings_in_force(is_local=is_local) as settings, database_of(settings) as database:
        Gate(database).pass_or_raise()
        with opened_services(settings, database) as services:
            yield services


def operator_of(services: Services) -> Actor:
    """Return who runs a command that is not about one site."""
    return as_operator(command_actor(services.sites.named(DEFAULT_SITE)))


def kept_secret(settings: Settings) -> str:
    """Return SECRET_KEY, or the one kept in the data directory, so that sessions stay valid."""
    return settings.secret_key or secret_kept_in(settings.data_dir / "secret_key", new_secret)


def why(error: AvenueError | ConfigError) -> str:
    """Return the text of an error for people."""
    return f"{error.message}\n{error.hint}" if isinstance(error, AvenueError) else str(error)


@contextmanager
def failing_with(code: int) -> Iterator[None]:
    """Print an error of the block to stderr, and end with this exit code."""
    try:
        yield
    except (AvenueError, ConfigError) as error:
        click.echo(why(error), err=True)
        sys.exit(code)


def draw(job: Job) -> None:
    """Draw the progress of a job as a bar on stderr if it is a terminal."""
    done, total = job.progress.done, job.progress.total
    if not sys.stderr.isatty() or not total:
        return
    full = BAR_CHARACTERS * done // total
    bar = "█" * full + "·" * (BAR_CHARACTERS - full)
    click.echo(f"\r{bar} {done}/{total} {job.error or ''}", err=True, nl=False)


def finished(background: Background, job_id: str) -> Job:
    """Wait until a job is finished, with a progress bar on stderr, and return it."""
    job = background.finish(job_id, draw)
    if sys.stderr.isatty():
        click.echo(err=True)
    return job


def say(wants_json: bool, facts: Mapping[str, Any], text: str) -> None:
    """Print `facts` as JSON, or `text` for people.

    `text` may contain stored data, so control characters are replaced.
    """
    click.echo(json.dumps(facts) if wants_json else ORDERS.sub("�", text))
    sys.stdout.flush()
