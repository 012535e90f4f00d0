"""One server, one browser, and the pages of all clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.house import PATIENCE_MS
from tests.clients.house import House
from tests.clients.samples import build, place
from tests.mongod import Guard, Mongod

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of all clients, before it is known where Avenue is."""
    folder = tmp_path_factory.mktemp("built")
    build(folder)
    return folder


@pytest.fixture(scope="module")
def house(
    mongod: Mongod,
    shared_uri: str,
    guard: Guard,
    built: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("clients")
    house = House(mongod, shared_uri, guard, folder)
    try:
        place(built, house.pages, house.url)
        yield house
    finally:
        house.close()
