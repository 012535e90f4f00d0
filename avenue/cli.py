"""The command line: `python -m avenue …`. Every command has `--json`."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from gunicorn.app.wsgiapp import WSGIApplication

from avenue.accounts.errors import EmailTaken
from avenue.accounts.models import NewUser
from avenue.accounts.service import AccountService
from avenue.app import SWEEP, Background, account_service
from avenue.config import ConfigError, Settings, new_secret
from avenue.errors import AvenueError
from avenue.identity import Role, Scope
from avenue.storage.connection import Database
from avenue.storage.local_mongod import LocalMongod, find_mongod
from avenue.storage.rate_limits import RateLimits
from avenue.storage.schema import DEFAULT_SITE, Gate, migrate
from avenue.web import requestlog

ROOT = Path(__file__).parent.parent

ROLES = [role.value for role in Role]
SCOPES = [scope.value for scope in Scope]

local = click.option(
    "--local", "is_local", is_flag=True, help="Use the database of `serve --local`."
)
as_json = click.option("--json", "wants_json", is_flag=True, help="Answer as JSON.")
of_site = click.option("--site", default=DEFAULT_SITE, show_default=True)


def main() -> None:
    """Run a command; what goes wrong is a sentence on stderr and exit code 1."""
    try:
        commands(prog_name="python -m avenue", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except ConfigError as error:
        click.echo(error, err=True)
        sys.exit(1)
    except AvenueError as error:
        click.echo(f"{error.message}\n{error.hint}", err=True)
        sys.exit(1)


@click.group()
def commands() -> None:
    """Avenue keeps the pictures and files of shops inside MongoDB."""


@commands.command()
@local
@as_json
def serve(*, is_local: bool, wants_json: bool) -> None:
    """Serve over HTTP; with --local, bring a MongoDB along under ./var."""
    with _settings(is_local=is_local, stops_it=True) as settings:
        with _database(settings) as database:
            migrate(database)
            admin = _first_administrator(settings, database)
        _say(wants_json, _greeting(settings, admin), _greeting_text(settings, admin))
        os.environ.update(settings.as_env())  # noqa: TID251 - gunicorn's workers read it
        _run_gunicorn()


@commands.command()
@local
@as_json
def worker(*, is_local: bool, wants_json: bool) -> None:
    """Do background work until stopped."""
    requestlog.configure_logging()
    with _settings(is_local=is_local) as settings, _database(settings) as database:
        background = Background(settings, database)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: background.stop())
        _say(wants_json, {"working": True}, "Working; Ctrl-C stops.")
        background.run_forever()


@commands.command(name="migrate")
@local
@as_json
def migrate_database(*, is_local: bool, wants_json: bool) -> None:
    """Bring the database to this version of Avenue; repeatable."""
    with _settings(is_local=is_local) as settings, _database(settings) as database:
        done = migrate(database)
    text = "\n  ".join(["Migrated:", *done]) if done else "The database is up to date."
    _say(wants_json, {"migrated": done}, text)


@commands.command()
@local
@as_json
def sweep(*, is_local: bool, wants_json: bool) -> None:
    """Remove what nobody owns, now."""
    with _settings(is_local=is_local) as settings, _database(settings) as database:
        job = Background(settings, database).run_now(SWEEP)
    result = dict(job.result or {})
    _say(
        wants_json,
        {"state": job.state, "result": result, "error": job.error},
        job.error or "Swept: " + ", ".join(f"{name} {count}" for name, count in result.items()),
    )
    sys.exit(1 if job.error else 0)


@commands.group()
def users() -> None:
    """People and their roles."""


@users.command(name="add")
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.SELLER.value,
    show_default=True,
)
@click.option("--name", default="")
@click.option("--superuser", is_flag=True, help="Everything, on every site.")
@of_site
@local
@as_json
def add_user(
    *,
    email: str,
    role: str,
    name: str,
    superuser: bool,
    site: str,
    is_local: bool,
    wants_json: bool,
) -> None:
    """Add a person; the password comes from stdin, else one is made and printed once."""
    with _accounts(is_local=is_local) as accounts:
        added = accounts.add_user(
            email, _given_password(), name=name, roles={site: Role(role)}, superuser=superuser
        )
    user = {"id": added.user.id, "email": added.user.email, "role": role}
    _say(
        wants_json,
        {**user, "password": added.made_password},
        f"Added {added.user.email} as {role}.{_shown(added.made_password)}",
    )


@users.command()
@click.argument("email")
@local
@as_json
def password(*, email: str, is_local: bool, wants_json: bool) -> None:
    """Set a password (from stdin, else one is made); ends all sessions and tokens."""
    with _accounts(is_local=is_local) as accounts:
        made = accounts.change_password(email, _given_password())
    _say(wants_json, {"email": email, "password": made}, f"Changed.{_shown(made)}")


@users.command()
@click.argument("email")
@click.option("--undo", is_flag=True, help="Let the person in again.")
@local
@as_json
def disable(*, email: str, undo: bool, is_local: bool, wants_json: bool) -> None:
    """Shut a person out at once."""
    with _accounts(is_local=is_local) as accounts:
        accounts.set_disabled(email, disabled=not undo)
    _say(wants_json, {"email": email, "disabled": not undo}, "Enabled." if undo else "Disabled.")


@users.command(name="list")
@local
@as_json
def list_users(*, is_local: bool, wants_json: bool) -> None:
    """List everybody."""
    with _accounts(is_local=is_local) as accounts:
        everybody = [
            {
                "id": user.id,
                "email": user.email,
                "name": user.name,
                "roles": user.roles,
                "superuser": user.superuser,
                "disabled": user.disabled,
            }
            for user in accounts.users()
        ]
    lines = [
        f"{each['email']}  {each['roles']}{'  disabled' if each['disabled'] else ''}"
        for each in everybody
    ]
    _say(wants_json, {"items": everybody, "total": len(everybody)}, "\n".join(lines))


@commands.group()
def tokens() -> None:
    """Tokens for programs."""


@tokens.command(name="add")
@click.argument("email")
@click.option("--name", default="")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, default=SCOPES)
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True)
@of_site
@local
@as_json
def add_token(
    *,
    email: str,
    name: str,
    scopes: tuple[str, ...],
    days: int,
    site: str,
    is_local: bool,
    wants_json: bool,
) -> None:
    """Make a token for somebody; it is shown once."""
    with _accounts(is_local=is_local) as accounts:
        made = accounts.add_token(
            email, site, name=name, scopes=frozenset(map(Scope, scopes)), days=days
        )
    _say(wants_json, {"id": made.token.id, "token": made.secret}, made.secret)


@contextmanager
def _settings(*, is_local: bool, stops_it: bool = False) -> Iterator[Settings]:
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
        yield replace(settings, mongodb_uri=mongod.uri, secret_key=_kept_secret(settings))
    finally:
        # A forked web worker passes here too; only who started the database stops it.
        if os.getpid() == owner and (stops_it or not mongod.found):
            mongod.stop()


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = Database(settings)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _accounts(*, is_local: bool) -> Iterator[AccountService]:
    with _settings(is_local=is_local) as settings, _database(settings) as database:
        Gate(database).pass_or_raise()
        yield account_service(settings, database, RateLimits(database))


def _kept_secret(settings: Settings) -> str:
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


def _first_administrator(settings: Settings, database: Database) -> NewUser | None:
    """Add the first administrator where there is nobody yet and this is a local start or told."""
    if not settings.local and not settings.admin_email:
        return None
    accounts = account_service(settings, database, RateLimits(database))
    try:
        return accounts.first_administrator(
            DEFAULT_SITE,
            email=settings.admin_email or None,
            password=settings.admin_password or None,
        )
    except EmailTaken:  # another instance was quicker
        return None


def _greeting(settings: Settings, admin: NewUser | None) -> dict[str, Any]:
    greeting: dict[str, Any] = {"url": settings.base_url}
    if admin:
        greeting["administrator"] = {"email": admin.user.email, "password": admin.made_password}
    return greeting


def _greeting_text(settings: Settings, admin: NewUser | None) -> str:
    lines = [f"Avenue is at {settings.base_url} (Ctrl-C stops it)."]
    if admin:
        lines.append(f"First administrator: {admin.user.email}{_shown(admin.made_password)}")
    return "\n".join(lines)


def _shown(made_password: str | None) -> str:
    return f"\nPassword, shown only this once: {made_password}" if made_password else ""


def _given_password() -> str | None:
    """Return the first line of a stdin that is piped in, or None."""
    if sys.stdin is None or sys.stdin.isatty():
        return None
    return sys.stdin.readline().rstrip("\r\n") or None


def _run_gunicorn() -> None:
    """Run gunicorn in this process until it is told to stop."""
    sys.argv = ["gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "--chdir", str(ROOT), "wsgi:app"]
    WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]").run()


def _say(wants_json: bool, facts: dict[str, Any], text: str) -> None:
    click.echo(json.dumps(facts) if wants_json else text)
    sys.stdout.flush()
