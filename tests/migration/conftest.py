"""A database of its own for each test here."""

from collections.abc import Iterator

import pytest

from tests.commands import Commands
from tests.migration.house import House, house
from tests.mongod import Mongod


@pytest.fixture
def avenue(mongod: Mongod, commands: Commands) -> Iterator[House]:
    with house(mongod, commands) as opened:
        yield opened
