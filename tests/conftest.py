"""What every test may ask for."""

import gc
import importlib
import os
import pkgutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Playwright, sync_playwright

import avenue
from avenue.config import Settings
from avenue.health.rules.machine import IN_MEMORY, disk_of
from avenue.storage.connection import Database
from avenue.storage.mongod_binary import find_mongod
from tests import (
    compiled as _compiled,  # noqa: F401 - routes and templates, once
    failed_jobs,
    hung,
)
from tests.browser.deployment import launched
from tests.commands import Commands
from tests.forking import forking
from tests.http.application import Application, Caller
from tests.mongod import Guard, Mongod, ReplicaSet, database_name
from tests.prepared import emptied, prepared_uri
from tests.suite import Suite
from tests.targeting import everywhere as commands_of_all
from tests.transactions import everywhere

# `make test` looks at the same examples each time, `make test-long` at new ones. A busy machine is
# no reason to fail. The database would bring examples of former runs, which others do not have.
PATIENT = settings(
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("same", PATIENT, derandomize=True)
settings.register_profile("new", PATIENT, derandomize=False)
settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    """Make what tests see the same, however and beside whatever they are started."""
    # A shell without job control has what it starts in the background ignore Ctrl-C, and so would
    # all that we start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Among thousands of tests that are collected there is no garbage to look for.
    gc.disable()
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        _import_all()
    for plugin in (failed_jobs, hung, Suite(config)):
        config.pluginmanager.register(plugin)


def _import_all() -> None:
    """Import every module of ours: Hypothesis tries the constants of those it finds.

    But the one that brings the SDK of MCP along, which takes as long as all others together.
    """
    for module in pkgutil.walk_packages(avenue.__path__, "avenue."):
        if module.name not in {"avenue.__main__", "avenue.mcp.protocol"}:
            importlib.import_module(module.name)


def pytest_collection_finish() -> None:
    """Look for garbage from here on, but not in what has been collected."""
    gc.freeze()
    gc.enable()
    # Tests make much and leave little: looking rarely saves a tenth of the processor time.
    gc.set_threshold(50_000, 20, 50)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make screenshots` and `make design` say which pictures of the panel they keep."""
    parser.addoption("--keep-design", action="store_true", help="how components look, from now on")
    parser.addoption("--screenshots", help="the folder for pictures of the panel")


@pytest.fixture(scope="session")
def mongod_binary() -> Path:
    """The mongod that `serve --local` would start here."""
    return find_mongod(Settings(mongod=os.environ.get("AVENUE_MONGOD", "")))


@pytest.fixture(scope="module")
def disk_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty folder on a disk, also where /tmp is in memory."""
    found = tmp_path_factory.mktemp("disk")
    if disk_of(found) not in IN_MEMORY:
        yield found
        return
    with tempfile.TemporaryDirectory(prefix=".disk-", dir=Path.cwd()) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def guard() -> Iterator[Guard]:
    """Whoever ends the mongods when pytest cannot."""
    with Guard() as guard:
        yield guard


@pytest.fixture(scope="session")
def mongod(mongod_binary: Path, guard: Guard) -> Iterator[Mongod]:
    """A replica set of one for everybody. Never hurt it: `fresh_mongod` is there for that."""
    with Mongod(mongod_binary, guard) as running:
        yield running


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives browsers."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium, for whoever makes pages of it."""
    with launched(playwright) as browser:
        yield browser


@pytest.fixture(scope="session", autouse=True)
def _forking() -> Iterator[None]:
    """What servers and commands are forked from ends with the tests."""
    with forking():
        yield


@pytest.fixture(scope="session")
def commands() -> Commands:
    """The command line."""
    return Commands()


@pytest.fixture
def database_uri(mongod: Mongod) -> Iterator[str]:
    """The URI of an empty database of the shared mongod, dropped afterwards."""
    name = database_name()
    yield mongod.uri_of(name)
    mongod.client.drop_database(name)


@pytest.fixture
def migrated_uri(mongod: Mongod) -> Iterator[str]:
    """The URI of a database with every index, for this test alone."""
    with prepared_uri(mongod) as uri:
        yield uri


@pytest.fixture(scope="module")
def shared_uri(mongod: Mongod) -> Iterator[str]:
    """The database that the tests of one module use one after the other."""
    with prepared_uri(mongod) as uri:
        yield uri


@pytest.fixture
def database(shared_uri: str) -> Iterator[Database]:
    """A database with every index, as `migrate` leaves it."""
    with emptied(shared_uri) as database:
        yield database


@pytest.fixture(scope="module")
def application(mongod: Mongod) -> Iterator[Application]:
    """The application of one module's tests; every MongoDB command it sends is watched."""
    with Application(mongod) as application:
        yield application


@pytest.fixture(autouse=True)
def _transactions_keep_apart() -> Iterator[None]:
    """No transaction of any test names the deployment and a site, or two sites."""
    everywhere.taken()
    yield
    assert everywhere.taken() == []


@pytest.fixture(autouse=True)
def _commands_name_their_shards() -> Iterator[None]:
    """No command of ours lacks its shard key, but those that `tests/targeting.py` lists."""
    commands_of_all.taken()
    yield
    assert commands_of_all.taken() == []


@pytest.fixture(autouse=True)
def _nobody_has_called_yet(request: pytest.FixtureRequest) -> None:
    """Rate limits begin anew with each test."""
    if "application" in request.fixturenames:
        application = request.getfixturevalue("application")
        if isinstance(application, Application):
            application.counter.seen.clear()


@pytest.fixture
def own_application(mongod: Mongod) -> Iterator[Application]:
    """An application for one test alone, which may damage what it stores."""
    with Application(mongod) as application:
        yield application


@pytest.fixture(scope="module")
def nobody(application: Application) -> Caller:
    return application.caller("nobody")


@pytest.fixture(scope="module")
def as_admin(application: Application) -> Caller:
    return application.caller("admin")


@pytest.fixture(scope="module")
def as_seller(application: Application) -> Caller:
    return application.caller("seller")


@pytest.fixture(scope="module")
def as_other_seller(application: Application) -> Caller:
    return application.caller("other_seller")


@pytest.fixture(scope="module")
def as_client(application: Application) -> Caller:
    return application.caller("client")


@pytest.fixture(scope="module")
def as_editor(application: Application) -> Caller:
    return application.caller("editor")


@pytest.fixture(scope="module")
def as_ops(application: Application) -> Caller:
    return application.caller("ops")


@pytest.fixture(scope="module")
def on_other_site(application: Application) -> Caller:
    """A seller of another site of the same deployment."""
    return application.caller("seller_on_other_site")


@pytest.fixture
def fresh_mongod(mongod_binary: Path, guard: Guard) -> Iterator[Mongod]:
    """A replica set of one for this test alone, to be killed, frozen and restarted."""
    with Mongod(mongod_binary, guard) as running:
        yield running


@pytest.fixture
def standalone_mongod(mongod_binary: Path, guard: Guard) -> Iterator[Mongod]:
    """A mongod that is no replica set."""
    with Mongod(mongod_binary, guard, replica_set=None) as running:
        yield running


@pytest.fixture(scope="module")
def election_timeout_millis() -> int:
    """How long secondaries wait for a silent primary (MongoDB's default is 10,000).

    A module that wants another time overrides this fixture.
    """
    return 2_000


@pytest.fixture(scope="module")
def replica_set(
    mongod_binary: Path, guard: Guard, election_timeout_millis: int
) -> Iterator[ReplicaSet]:
    """Three members for the tests of one module; a test that breaks it calls `heal()`."""
    with ReplicaSet(
        mongod_binary, guard, election_timeout_millis=election_timeout_millis
    ) as running:
        yield running
