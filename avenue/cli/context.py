"""What every command needs: its options, the settings, the database, and how it answers."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import click

from avenue.config import Settings, new_secret
from avenue.storage.connection import Database
from avenue.storage.local_mongod import LocalMongod, find_mongod
from avenue.storage.schema import DEFAULT_SITE

local = click.option(
    "--local", "is_local", is_flag=True, help="Use the database of `serve --local`."
)
as_json = click.option("--json", "wants_json", is_flag=True, help="Answer as JSON.")
of_site = click.option("--site", default=DEFAULT_SITE, show_default=True)


@contextmanager
def settings_in_force(*, is_local: bool, stops_it: bool = False) -> Iterator[Settings]:
    """Read the settings; with `is_local`, find or start the local mongod for as long as needed.

    A mongod that ran already goes on running, unless the command `stops_it` in any case.
    """
    environ = dict(os.environ)  # noqa: TID251 - the command line hands it to config.py
    settings = Settings.from_env({**environ, "AVENUE_LOCAL": "1"} if is_local else environ)
    if not is_local:
        yield settings
        return
    mongod = LocalMongod.start(settings.data_dir, find_mongod(settings))
    owner = os.getpid()
    try:
        yield replace(settings, mongodb_uri=mongod.uri, secret_key=kept_secret(settings))
    finally:
        # A forked web worker passes here too; only who started the database stops it.
        if os.getpid() == owner and (stops_it or not mongod.found):
            mongod.stop()


@contextmanager
def database_of(settings: Settings) -> Iterator[Database]:
    """Reach the database, and let go of it at the end."""
    database = Database(settings)
    try:
        yield database
    finally:
        database.close()


def kept_secret(settings: Settings) -> str:
    """Return SECRET_KEY, or the one made for this data directory, so that sessions survive."""
    if settings.secret_key:
        return settings.secret_key
    file = settings.data_dir / "secret_key"
    if not file.exists():
        # Under its name only once it is whole: an empty one would be kept for ever.
        own = file.with_name(f"secret_key.{os.getpid()}")
        own.touch(mode=0o600)
        own.write_text(new_secret())
        with suppress(FileExistsError):  # another start was quicker
            os.link(own, file)
        own.unlink()
    return file.read_text()


def say(wants_json: bool, facts: Mapping[str, Any], text: str) -> None:
    """Answer with `facts` as JSON, or with `text` for people."""
    click.echo(json.dumps(facts) if wants_json else text)
    sys.stdout.flush()
