"""What every command needs: its options, the settings, the database, and how it answers."""

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

from avenue.app.services import Services, opened_services
from avenue.config import ConfigError, Settings, new_secret, secret_kept_in
from avenue.errors import AvenueError
from avenue.jobs.models import Job
from avenue.storage.connection import Database
from avenue.storage.local_mongod import LocalMongod, find_mongod, set_log_aside
from avenue.storage.schema import DEFAULT_SITE, Gate

BAR_CHARACTERS = 30
ORDERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal does something at, instead of showing it; not tabs and ends of lines."""

local = click.option(
    "--local", "is_local", is_flag=True, help="Use the database of `serve --local`."
)
as_json = click.option("--json", "wants_json", is_flag=True, help="Answer as JSON.")
of_site = click.option("--site", default=DEFAULT_SITE, show_default=True)


def settings_as_they_are() -> tuple[Settings, list[str], frozenset[str]]:
    """Return the settings as far as they are good, every mistake, and which variables are set."""
    environ = dict(os.environ)  # noqa: TID251 - the command line hands it to config.py
    return *Settings.with_problems(environ), frozenset(environ)


@contextmanager
def settings_in_force(*, is_local: bool, serves: bool = False) -> Iterator[Settings]:
    """Read the settings; with `is_local`, find or start the local mongod for as long as needed.

    A mongod that ran already goes on running. Only the command that `serves` makes a database
    where there is none, stops mongod in any case, and has the log in a file.
    """
    environ = dict(os.environ)  # noqa: TID251 - the command line hands it to config.py
    settings = Settings.from_env({**environ, "AVENUE_LOCAL": "1"} if is_local else environ)
    if not is_local:
        yield settings
        return
    if serves:  # SIGTERM as Ctrl-C, so that mongod does not go on alone; gunicorn then has its own
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    mongod = LocalMongod.start(settings.data_dir, find_mongod(settings), makes=serves)
    owner = os.getpid()
    try:
        own = replace(settings, mongodb_uri=mongod.uri, secret_key=kept_secret(settings))
        yield replace(own, log_file=_log_file(own)) if serves else own
    finally:
        # A forked web worker passes here too; only who started the database stops it.
        if os.getpid() == owner and (serves or not mongod.found):
            mongod.stop()


def _log_file(settings: Settings) -> str:
    """Return where the log of a local server goes; gunicorn works in another directory."""
    log = Path(settings.log_file or settings.data_dir / "avenue.log").resolve()
    set_log_aside(log)
    return str(log)


@contextmanager
def database_of(settings: Settings) -> Iterator[Database]:
    """Reach the database, and let go of it at the end."""
    database = Database(settings)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def services_of(*, is_local: bool) -> Iterator[Services]:
    """Give a command the services of the database in the settings.

    Raise `ConfigError`, or why the database may not be used.
    """
    with settings_in_force(is_local=is_local) as settings, database_of(settings) as database:
        Gate(database).pass_or_raise()
        with opened_services(settings, database) as services:
            yield services


def kept_secret(settings: Settings) -> str:
    """Return SECRET_KEY, or the one made for this data directory, so that sessions survive."""
    return settings.secret_key or secret_kept_in(settings.data_dir / "secret_key", new_secret)


def why(error: AvenueError | ConfigError) -> str:
    """Return what people are told of an error."""
    return f"{error.message}\n{error.hint}" if isinstance(error, AvenueError) else str(error)


def draw(job: Job) -> None:
    """Draw how far a job is as a bar on stderr, where somebody looks at it."""
    done, total = job.progress.done, job.progress.total
    if not sys.stderr.isatty() or not total:
        return
    full = BAR_CHARACTERS * done // total
    bar = "█" * full + "·" * (BAR_CHARACTERS - full)
    click.echo(f"\r{bar} {done}/{total} {job.error or ''}", err=True, nl=False)


def say(wants_json: bool, facts: Mapping[str, Any], text: str) -> None:
    """Answer with `facts` as JSON, or with `text` for people.

    What somebody stored is in it, so nothing in `text` tells a terminal what to do.
    """
    click.echo(json.dumps(facts) if wants_json else ORDERS.sub("�", text))
    sys.stdout.flush()
