"""What links are signed with, on a real MongoDB: many at once, and by the server's time."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from avenue.clock import utc_now
from avenue.media.signing.store import LinkKeys, Ring
from avenue.storage.connection import Database
from tests.mongod import Mongod, fail_point
from tests.prepared import emptied, prepared_uri
from tests.threads import Threads

DAY = 24 * 60 * 60


@pytest.fixture(scope="module")
def prepared(mongod: Mongod) -> Iterator[str]:
    with prepared_uri(mongod) as uri:
        yield uri


@pytest.fixture
def database(prepared: str) -> Iterator[Database]:
    with emptied(prepared) as database:
        yield database


@pytest.fixture
def keys(database: Database) -> LinkKeys:
    return LinkKeys(database)


def ids(ring: Ring) -> list[str]:
    return [each.id for each in ring.keys]


def retired_ago(database: Database, key_id: str, ago: timedelta) -> None:
    """A key has signed nothing for so long."""
    database.raw["link_keys"].update_one(
        {"keys.id": key_id}, {"$set": {"keys.$.retired_at": utc_now() - ago}}
    )


def test_a_site_has_no_keys_until_it_needs_one(keys):
    assert keys.ring("default") == Ring()
    first = keys.renew("default", Ring(), keep_seconds=DAY)
    assert (first.made, ids(first)) == (1, ["1"])
    assert len(first.keys[0].salt) == 32
    assert keys.ring("default") == first
    assert keys.ring("other") == Ring()


def test_the_newest_comes_first_and_the_others_stay(keys):
    ring = keys.ring("default")
    for _ in range(3):
        ring = keys.renew("default", ring, keep_seconds=DAY)
    assert ids(ring) == ["3", "2", "1"]
    assert len({each.salt for each in ring.keys}) == 3
    assert ring.named("2") == ring.keys[1]
    assert ring.named("4") is None


def test_a_retired_key_goes_when_its_links_are_over(keys, database):
    ring = keys.ring("default")
    for _ in range(3):
        ring = keys.renew("default", ring, keep_seconds=DAY)
    retired_ago(database, "1", timedelta(days=1, minutes=5))
    retired_ago(database, "2", timedelta(days=1, minutes=-5))
    assert ids(keys.renew("default", ring, keep_seconds=DAY)) == ["4", "3", "2"]


def test_a_key_is_retired_once(keys, database):
    """Or those after it would keep it alive."""
    ring = keys.renew("default", keys.ring("default"), keep_seconds=DAY)
    ring = keys.renew("default", ring, keep_seconds=DAY)
    retired_ago(database, "1", timedelta(hours=23))
    [before] = database.raw["link_keys"].find()
    keys.renew("default", ring, keep_seconds=DAY)
    [after] = database.raw["link_keys"].find()
    assert after["keys"][2]["retired_at"] == before["keys"][1]["retired_at"]


@pytest.mark.parametrize("there_were", [0, pytest.param(1, marks=pytest.mark.long)])
def test_many_who_want_a_new_one_at_once_get_the_same(keys, there_were):
    known = keys.ring("default")
    for _ in range(there_were):
        known = keys.renew("default", known, keep_seconds=DAY)
    with Threads(8) as pool:
        rings = list(pool.map(lambda _: keys.renew("default", known, keep_seconds=DAY), range(8)))
    assert {tuple(ids(ring)) for ring in rings} == {("2", "1") if there_were else ("1",)}
    assert len({ring.keys[0].salt for ring in rings}) == 1


def test_an_answer_that_was_lost_makes_no_second_key(keys, mongod: Mongod):
    known = keys.renew("default", Ring(), keep_seconds=DAY)
    with fail_point(
        mongod.client, ["update"], 2, write_concern_error=64, app_name="avenue"
    ) as point:
        ring = keys.renew("default", known, keep_seconds=DAY)
    assert point.hits == 2
    assert ids(ring) == ["2", "1"]


def test_what_is_dropped_is_gone_and_no_number_comes_again(keys):
    ring = keys.renew("default", keys.ring("default"), keep_seconds=DAY)
    keys.renew("other", Ring(), keep_seconds=DAY)
    keys.drop_all("default")
    assert keys.ring("default") == Ring(made=1)
    assert ids(keys.ring("other")) == ["1"]
    keys.drop_all("default")
    fresh = keys.renew("default", keys.ring("default"), keep_seconds=DAY)
    assert ids(fresh) == ["2"]
    assert fresh.keys[0].salt != ring.keys[0].salt
    keys.drop_all("no such site")


def test_salts_are_in_no_text_of_them(keys):
    ring = keys.renew("default", Ring(), keep_seconds=DAY)
    assert "salt" not in repr(ring)
