"""Rate limits: every try counts once, wherever it was made, by the server's clock."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from avenue.config import Settings
from avenue.storage.connection import Database
from avenue.storage.rate_limits import WINDOW_SECONDS, RateLimits
from tests.threads import at_once


@pytest.fixture
def limits(database: Database) -> RateLimits:
    return RateLimits(database)


@pytest.fixture
def elsewhere(shared_uri: str, database: Database) -> Iterator[RateLimits]:
    """The same limits in another process: over its own client."""
    own = Database(Settings(mongodb_uri=shared_uri, local=True))
    yield RateLimits(own)
    own.close()


def counter(database: Database) -> dict[str, Any]:
    found = database.raw["rate_limits"].find_one()
    assert found is not None
    return found


def test_tries_within_the_limit_wait_for_nothing_and_the_next_one_waits(
    limits: RateLimits,
) -> None:
    assert [limits.hit("ana", 3) for _ in range(3)] == [0, 0, 0]
    assert 0 < limits.hit("ana", 3) <= WINDOW_SECONDS


def test_every_try_counts_once_over_threads_and_processes(
    database: Database, limits: RateLimits, elsewhere: RateLimits
) -> None:
    def hit(number: int) -> list[int]:
        return [(limits, elsewhere)[number % 2].hit("ana", 25) for _ in range(10)]

    waits = [wait for each in at_once(8, hit) for wait in each]
    assert waits.count(0) == 25
    assert len(waits) == 80
    assert counter(database)["count"] == 80


def test_callers_are_counted_apart(limits: RateLimits) -> None:
    assert limits.hit("ana", 1) == 0
    assert limits.hit("ana", 1) > 0
    assert limits.hit("leo", 1) == 0


def test_the_wait_is_the_rest_of_the_window_and_tries_do_not_make_it_longer(
    database: Database, limits: RateLimits
) -> None:
    limits.hit("ana", 1)
    resets_at = counter(database)["resets_at"]
    for _ in range(5):
        wait = limits.hit("ana", 1)
        now = counter(database)
        assert now["resets_at"] == resets_at
        left = (resets_at - now["at"]).total_seconds()
        assert left <= wait < left + 1


def test_a_new_window_begins_when_the_server_says_so(
    database: Database, limits: RateLimits
) -> None:
    for _ in range(3):
        limits.hit("ana", 1)
    over = {"$dateSubtract": {"startDate": "$$NOW", "unit": "millisecond", "amount": 1}}
    database.raw["rate_limits"].update_one({}, [{"$set": {"resets_at": over}}])
    assert limits.hit("ana", 1) == 0
    fresh = counter(database)
    assert fresh["count"] == 1
    assert fresh["resets_at"] - fresh["at"] == timedelta(seconds=WINDOW_SECONDS)


def test_the_wait_is_at_least_a_second(database: Database, limits: RateLimits) -> None:
    limits.hit("ana", 1)
    soon = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": 1}}
    database.raw["rate_limits"].update_one({}, [{"$set": {"resets_at": soon}}])
    assert limits.hit("ana", 0) == 1


def test_old_counters_go_by_themselves(database: Database) -> None:
    index = database.raw["rate_limits"].index_information()["resets_at_1"]
    assert index["expireAfterSeconds"] == 60
