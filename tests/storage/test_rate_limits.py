"""Rate limits: every try counts once, wherever it was made, by the server's clock."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.sealing import Sealing
from avenue.storage.connection import Database
from avenue.storage.rate_limits import WINDOW_SECONDS, RateLimits, Window
from tests.mongod import Mongod, client_of, fail_point
from tests.storage.test_scope import Heard
from tests.threads import at_once


@pytest.fixture
def limits(database: Database) -> RateLimits:
    return RateLimits(database, Sealing("key"))


@pytest.fixture
def elsewhere(shared_uri: str, database: Database) -> Iterator[RateLimits]:
    """The same limits in another process: over its own client."""
    own = Database(Settings(mongodb_uri=shared_uri, local=True))
    yield RateLimits(own, Sealing("key"))
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

    waits = [wait for each in at_once(4, hit) for wait in each]
    assert waits.count(0) == 25
    assert len(waits) == 40
    assert counter(database)["count"] == 40


def test_counting_takes_one_round_trip(database: Database, shared_uri: str) -> None:
    limits, heard = RateLimits(database, Sealing("key")), Heard()
    with client_of(shared_uri, event_listeners=[heard]) as client:
        listening = client[database.raw.name].rate_limits
        limits._counters = replace(limits._counters, source=listening)
        assert limits.count("ana") == Window(tries=1, seconds_left=60)
        assert limits.count("ana").tries == 2
        assert [next(iter(each)) for each in heard.commands] == ["findAndModify"] * 2


@contextmanager
def somebody_holding(database: Database, key: str) -> Iterator[None]:
    """A counter that nobody else can write: a transaction that does not end has."""
    with database.client.start_session() as session, session.start_transaction():
        touched = {"$set": {"held": True}}
        database.raw["rate_limits"].update_one({"_id": key}, touched, session=session)
        yield
        session.abort_transaction()


def test_what_cannot_be_counted_in_time_is_told_in_time(
    database: Database, limits: RateLimits
) -> None:
    limits.count("ana")
    with somebody_holding(database, "ana"):
        began_at = time.monotonic()
        with pytest.raises(Unavailable):
            limits.count("ana", within_seconds=0.3)
        assert time.monotonic() - began_at < 10  # of the 15 that a write may take
        assert limits.count("leo").tries == 1
    # The server may have gone on with the try that was given up.
    assert limits.count("ana").tries in {2, 3}


@pytest.mark.parametrize("code", [13, 14031], ids=["no right to write", "no room on the disk"])
def test_a_database_that_does_not_write_is_unavailable(
    mongod: Mongod, limits: RateLimits, code: int
) -> None:
    where = {"app_name": "avenue", "namespace": f"{limits._database.raw.name}.rate_limits"}
    with (
        fail_point(mongod.client, ["findAndModify"], None, code, **where),
        pytest.raises(Unavailable),
    ):
        limits.count("ana")


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


def test_what_is_looked_at_is_not_counted_and_is_over_when_its_own_window_is(
    database: Database, limits: RateLimits, elsewhere: RateLimits
) -> None:
    for _ in range(2):
        limits.count("ana", window_seconds=900)
    limits.count("leo")
    for _ in range(2):
        [seen] = elsewhere.running(["ana", "nobody"])
        assert seen.tries == 2
        assert 800 < seen.seconds_left <= 900
    over = {"$dateSubtract": {"startDate": "$$NOW", "unit": "millisecond", "amount": 1}}
    database.raw["rate_limits"].update_one({"_id": "ana"}, [{"$set": {"resets_at": over}}])
    assert [each.tries for each in limits.running(["ana", "leo"])] == [1]
