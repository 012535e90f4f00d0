"""Two replica sets for tests of sites that go from one to the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from avenue.storage.schema import migrate
from tests.http.application import Application
from tests.mongod import Guard, Mongod, database_name
from tests.prepared import only_once


@pytest.fixture(scope="session")
def second(mongod_binary: Path, guard: Guard) -> Iterator[Mongod]:
    """Never hurt it, as `mongod`: all tests of a worker have it."""
    with Mongod(mongod_binary, guard) as running:
        yield running


@pytest.fixture
def two(mongod: Mongod, second: Mongod) -> Iterator[Application]:
    """An installation with a cluster beside home, on which there is nothing yet."""
    uris = (f"c2={second.uri_of(database_name())}",)
    with Application(mongod, cluster_uris=uris, cache_mb=0) as application:
        migrate(application.database)
        yield application
        # Other processes may have set validators, which this one knows nothing of.
        only_once(application.settings.mongodb_uri)
