"""One server, one browser, and the pages of all clients."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.house import PATIENCE_MS
from tests.clients.house import House
from tests.clients.samples import build
from tests.mongod import Guard, Mongod

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def house(
    mongod: Mongod, shared_uri: str, guard: Guard, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("clients")
    house = House(mongod, shared_uri, guard, folder)
    try:
        build(house.pages, house.url)
        yield house
    finally:
        house.close()
