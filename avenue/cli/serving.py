"""Commands that run Avenue: `serve`, `worker`, `migrate`, `sweep`, `inspect`."""

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any
from wsgiref import types as wsgi

import click
from gunicorn.app.wsgiapp import WSGIApplication

from avenue.accounts.errors import EmailTaken
from avenue.accounts.models import NewUser
from avenue.app.background import Background
from avenue.app.services import Services
from avenue.app.starting import start
from avenue.app.telemetry import send_telemetry
from avenue.app.walks import REBUILD, SWEEP
from avenue.cli.context import as_json, database_of, local, say, settings_in_force
from avenue.cli.people import shown_once
from avenue.config import Settings
from avenue.confinement import hide_memory
from avenue.errors import AvenueError, Unavailable
from avenue.health.checks.inspection import INSPECT
from avenue.health.rules.known import hole_in
from avenue.identity import DEFAULT_SITE, Actor, Role
from avenue.jobs.models import Job
from avenue.media.pictures.variants import EAGER, VARIANTS
from avenue.media.renditions.rebuild import OWN
from avenue.storage.connection import Database
from avenue.storage.schema import START_SECONDS, UNFIT, look, migrate
from avenue.web import requestlog

ROOT = Path(__file__).parent.parent.parent
PREPARE_SECONDS = 1.0
"""Interval of retries of a web process whose database was unreachable at the start."""

WAITS = "Avenue retries until it is reachable; until then requests get 503."

log = logging.getLogger(__name__)


@click.command()
@local
@as_json
def serve(*, is_local: bool, wants_json: bool) -> None:
    """Serve over HTTP; with --local, also run a MongoDB with its data in ./var."""
    with settings_in_force(is_local=is_local, serves=True) as settings:
        application, admin = "wsgi:app", None
        try:
            with database_of(settings) as database:
                with database.deadline(START_SECONDS):
                    look(database)
                admin = _prepare(settings, database)
        except UNFIT:
            raise
        except Unavailable as error:
            click.echo(f"{error.message} {WAITS}", err=True)
            application = f"{__name__}:app_that_prepares({wants_json})"
        warnings = _vulnerability_of_mongod(settings) if is_local else []
        text = "\n".join([_greeting_text(settings, admin), *warnings])
        say(wants_json, _greeting(settings, admin), text)
        os.environ.update(settings.as_env())  # noqa: TID251 - gunicorn's workers read it
        _run_gunicorn(application)


def app_that_prepares(wants_json: bool) -> wsgi.WSGIApplication:
    """Return the application of a web process that prepares the database once it is reachable.

    The worker process does it rather than its parent, because a database client does not survive a
    fork. Several processes may prepare at once.
    """
    app = start()
    threading.Thread(
        target=_prepare_once_there, args=(wants_json,), name="prepare", daemon=True
    ).start()
    return app


def _prepare_once_there(wants_json: bool) -> None:
    settings, trouble = Settings.from_env(), ""
    with database_of(settings) as database:
        while True:
            try:
                admin = _prepare(settings, database)
            except Exception as error:
                words = error.message if isinstance(error, AvenueError) else repr(error)
                if words != trouble:  # logged once, however long it lasts
                    log.warning("The database is not prepared yet: %s", words)
                trouble = words
                time.sleep(PREPARE_SECONDS)
            else:
                if admin:
                    say(wants_json, _greeting(settings, admin), _greeting_text(settings, admin))
                return


def _prepare(settings: Settings, database: Database) -> NewUser | None:
    """Migrate, add the first administrator and the samples; return the administrator if added.

    Safe to repeat. Raise `Unavailable`, or one of `UNFIT` if nothing was written.
    """
    migrate(database)
    admin = _first_administrator(settings, database)
    if admin and settings.local:
        _first_products(settings, database, admin)
    return admin


@click.command()
@local
@as_json
def worker(*, is_local: bool, wants_json: bool) -> None:
    """Run background jobs until stopped."""
    with settings_in_force(is_local=is_local) as settings:
        requestlog.configure_logging(settings.log_file)
        send_telemetry(settings)
        with database_of(settings) as database:
            hide_memory()
            background = Background(settings, database)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: background.stop())
            say(wants_json, {"working": True}, "Worker running. Press Ctrl-C to stop.")
            background.run_forever()


@click.command(name="migrate")
@local
@as_json
def migrate_database(*, is_local: bool, wants_json: bool) -> None:
    """Migrate the database to this version of Avenue. Safe to repeat."""
    with settings_in_force(is_local=is_local) as settings, database_of(settings) as database:
        done = migrate(database)
    text = "\n  ".join(["Migrated:", *done]) if done else "The database is up to date."
    say(wants_json, {"migrated": done}, text)


@click.command()
@local
@as_json
def sweep(*, is_local: bool, wants_json: bool) -> None:
    """Delete expired and unowned files now."""
    with settings_in_force(is_local=is_local) as settings, database_of(settings) as database:
        job = Background(settings, database).run_now(SWEEP, args={"all": True})
    result = dict(job.result or {})
    say(
        wants_json,
        {"state": job.state, "result": result, "error": job.error},
        job.error or "Swept: " + ", ".join(f"{name} {count}" for name, count in result.items()),
    )
    sys.exit(1 if job.error else 0)


@click.command()
@local
@as_json
def inspect(*, is_local: bool, wants_json: bool) -> None:
    """Check all references and stored byte counts now."""
    with settings_in_force(is_local=is_local) as settings, database_of(settings) as database:
        job = Background(settings, database).run_now(INSPECT, _show_progress, {"all": True})
    click.echo("", err=True)
    result = dict(job.result or {})
    looked, found = result.get("looked_at", 0), result.get("findings", 0)
    say(
        wants_json,
        {"state": job.state, "result": result, "error": job.error},
        job.error or f"Checked {looked} products, groups and files; {found} findings.",
    )
    sys.exit(1 if job.error or found else 0)


@click.group()
def renditions() -> None:
    """Manage the stored sizes of pictures."""


@renditions.command()
@click.option(
    "--variant",
    "variants",
    type=click.Choice([*VARIANTS, OWN]),
    multiple=True,
    default=(*EAGER, OWN),
    help="Size to generate. By default those made at upload, and the sites' own sizes.",
)
@local
@as_json
def rebuild(*, variants: tuple[str, ...], is_local: bool, wants_json: bool) -> None:
    """Generate missing sizes of pictures, after a change of sizes. Originals are only read."""
    with settings_in_force(is_local=is_local) as settings, database_of(settings) as database:
        args = {"variants": list(variants)}
        job = Background(settings, database).run_now(REBUILD, _show_progress, args)
    click.echo("", err=True)
    result = dict(job.result or {})
    made, failed = result.get("made", 0), result.get("failed", 0)
    say(
        wants_json,
        {"state": job.state, "result": result, "error": job.error},
        job.error or f"Generated {made} renditions; {failed} pictures could not be read.",
    )
    sys.exit(1 if job.error or failed else 0)


def _show_progress(job: Job) -> None:
    if not sys.stderr.isatty():
        return
    done, total = job.progress.done, job.progress.total
    click.echo(f"\r{done} of {'?' if total is None else total}", err=True, nl=False)


def _first_administrator(settings: Settings, database: Database) -> NewUser | None:
    """Add the first administrator to an empty installation, if it is local or the settings ask."""
    if not settings.local and not settings.admin_email:
        return None
    services = Services(settings, database)
    try:
        added = services.accounts.first_administrator(
            DEFAULT_SITE,
            email=settings.admin_email or None,
            password=settings.admin_password or None,
        )
    except EmailTaken:  # another instance was faster
        return None
    if added:
        services.audit.record_command(
            DEFAULT_SITE,
            "serve",
            "user.added",
            added.user.id,
            details={"role": Role.ADMIN.value, "superuser": True},
        )
    return added


def _first_products(settings: Settings, database: Database, admin: NewUser) -> None:
    """Queue the sample products, so that the first page is not empty."""
    services = Services(settings, database)
    site = services.sites.named(DEFAULT_SITE)
    services.samples.load_first(Actor(site=site, id=admin.user.id, role=Role.ADMIN))


def _greeting(settings: Settings, admin: NewUser | None) -> dict[str, Any]:
    greeting: dict[str, Any] = {"url": settings.base_url}
    if admin:
        greeting["administrator"] = {"email": admin.user.email, "password": admin.made_password}
    return greeting


def _greeting_text(settings: Settings, admin: NewUser | None) -> str:
    lines = [f"Avenue is running at {settings.base_url} (press Ctrl-C to stop)."]
    if settings.local:
        lines.append(f"Data and log: {settings.data_dir.resolve()}")
    if admin:
        lines.append(f"First administrator: {admin.user.email}{shown_once(admin.made_password)}")
    return "\n".join(lines)


def _vulnerability_of_mongod(settings: Settings) -> list[str]:
    """Return a line about a known vulnerability of the local MongoDB, if it has one."""
    with database_of(settings) as database:
        version = database.client.server_info()["version"]
    fixed = hole_in(version)
    if fixed is None:
        return []
    return [
        f"MongoDB {version} has a known vulnerability ({fixed.advisory}, fixed in {fixed.version}):"
        " use it only to try Avenue out, on this machine."
    ]


def _run_gunicorn(application: str) -> None:
    """Run gunicorn in this process until it is stopped."""
    own = ["-c", str(ROOT / "gunicorn.conf.py"), "--chdir", str(ROOT)]
    sys.argv = ["gunicorn", *own, application]
    WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]").run()
