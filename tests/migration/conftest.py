"""A database of its own for each test here."""

from collections.abc import Iterator

import pytest

from tests.migration.house import House, house
from tests.mongod import Mongod


@pytest.fixture
def avenue(mongod: Mongod) -> Iterator[House]:
    with house(mongod) as opened:
        yield opened
