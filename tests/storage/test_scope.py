"""Two ways to the collections: what a site cannot forget, and what repeats without harm."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from bson import Binary, ObjectId
from pymongo.monitoring import CommandListener, CommandStartedEvent

from avenue.config import Settings
from avenue.storage.collection import AlreadyThere, Collection
from avenue.storage.connection import Database
from avenue.storage.gridfs import LEASES, Files
from avenue.storage.idempotency import OpenWrite, UploadInProgress, Writes
from avenue.storage.malformed_records import malformed, malformed_after
from avenue.storage.scope import deployment, site
from avenue.storage.shapes import Shape
from avenue.storage.site_data import SITE_COLLECTIONS
from tests.mongod import Mongod, client_of, fail_point
from tests.table import table
from tests.threads import at_once

PRODUCTS = "shop_products"
APP = "avenue"


class Heard(CommandListener):
    """Every command a client has sent."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.commands.append(dict(event.command))

    def succeeded(self, event: object) -> None:
        pass

    def failed(self, event: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _anything_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The documents here are of no shape: it is not their fields that are looked at."""
    monkeypatch.setattr("avenue.storage.shapes.SHAPES", {})


@pytest.fixture
def mine(database: Database) -> Collection:
    return site(database, "mine").collection(PRODUCTS)


@pytest.fixture
def theirs(database: Database) -> Collection:
    """The same collection of another site, with one product in it."""
    theirs = site(database, "theirs").collection(PRODUCTS)
    theirs.insert({"_id": "p", "sku": "A-1", "n": 1})
    return theirs


def stored(database: Database) -> list[dict[str, Any]]:
    return list(database.raw[PRODUCTS].find(sort=[("_id", 1)]))


THEIRS = {"_id": "p", "sku": "A-1", "n": 1, "site": "theirs"}
EVERY_OPERATION: dict[str, Callable[[Collection], Any]] = {
    "find_one": lambda mine: mine.find_one({"_id": "p"}),
    "find": lambda mine: mine.find({}),
    "find or": lambda mine: mine.find({"$or": [{"site": "theirs"}, {"n": 1}]}),
    "find the other site": lambda mine: mine.find({"site": "theirs"}),
    "find any site": lambda mine: mine.find({"site": {"$exists": True}}),
    "aggregate": lambda mine: mine.aggregate([{"$match": {"site": "theirs"}}]),
    "count": lambda mine: mine.count({}),
    "update": lambda mine: mine.update({"_id": "p"}, {"$set": {"n": 2}}),
    "find_and_update": lambda mine: mine.find_and_update({"_id": "p"}, {"$set": {"n": 2}}),
    "update_all": lambda mine: mine.update_all([({"_id": "p"}, {"$set": {"n": 2}})]),
    "delete": lambda mine: mine.delete({"_id": "p", "site": "theirs"}),
    "delete_all": lambda mine: mine.delete_all({}),
}


@table("operation", EVERY_OPERATION)
@pytest.mark.usefixtures("theirs")
def test_a_site_cannot_reach_what_is_of_another(
    database: Database, mine: Collection, operation: str
) -> None:
    assert not EVERY_OPERATION[operation](mine)
    assert stored(database) == [THEIRS]


def test_a_site_reaches_what_is_its_own(mine: Collection, theirs: Collection) -> None:
    mine.insert({"_id": "q", "n": 5})
    assert mine.find_one({"n": 5}, {"n": 1}) == {"_id": "q", "n": 5}
    assert [each["_id"] for each in mine.find({}, sort=[("_id", -1)], limit=5)] == ["q"]
    assert mine.aggregate([{"$group": {"_id": None, "n": {"$sum": "$n"}}}]) == [
        {"_id": None, "n": 5}
    ]
    assert mine.count({}) == 1
    assert mine.update({"_id": "q"}, {"$inc": {"n": 1}}) == 1
    more = ({"_id": "q"}, {"$inc": {"m": 1}})
    assert mine.update_all([more, more, ({"_id": "p"}, {"$set": {"n": 0}})]) == 2
    mine.update({"_id": "q"}, {"$unset": {"m": ""}})
    assert mine.find_and_update({"_id": "q"}, {"$inc": {"n": 1}}) == {
        "_id": "q",
        "n": 7,
        "site": "mine",
    }
    assert mine.delete({"_id": "q"}) == 1
    assert mine.delete_all({}) == 0
    assert theirs.count({}) == 1


@table(
    "write",
    [
        lambda mine: mine.insert({"_id": "q", "site": "theirs"}),
        lambda mine: mine.insert_all([{"_id": "q", "site": "theirs"}]),
        lambda mine: mine.insert_at_server_time({"_id": "q", "site": "theirs"}, {"at": "$$NOW"}),
        lambda mine: mine.update({"_id": "q"}, {"$set": {"n": 1}}, upsert=True),
        lambda mine: mine.find_and_update({"_id": "q"}, {"$set": {"n": 1}}, upsert=True),
    ],
)
def test_what_a_site_makes_is_its_own(
    database: Database, mine: Collection, write: Callable[[Collection], Any]
) -> None:
    write(mine)
    assert [each["site"] for each in stored(database)] == ["mine"]
    database.raw[PRODUCTS].delete_many({})


def test_every_command_of_a_site_names_it(shared_uri: str, database: Database) -> None:
    heard = Heard()
    listening = Database(Settings(mongodb_uri=shared_uri, local=True))
    listening.client.close()
    listening.client = client_of(shared_uri, tz_aware=True, event_listeners=[heard])
    listening.raw = listening.client.get_default_database()
    mine = site(listening, "mine").collection(PRODUCTS)
    for operation in EVERY_OPERATION.values():
        operation(mine)
    mine.insert({"_id": "q"})
    mine.insert_all([{"_id": "q"}])
    mine.insert_at_server_time({"_id": "r"}, {"created_at": "$$NOW"})
    files = site(listening, "mine").files("uploads")
    assert files.find("a") is None
    files.delete("a")
    commands = list(heard.commands)
    listening.client.close()
    assert len(commands) > len(EVERY_OPERATION)
    # Whether a backup runs, of whatever site, is looked at before bytes are deleted.
    of_site = [each for each in commands if each.get("find") != LEASES]
    assert len(of_site) == len(commands) - 1
    assert [each for each in of_site if not names_site(each, "mine")] == []


def names_site(command: dict[str, Any], site_id: str) -> bool:
    name = next(iter(command))
    parts = {
        "find": lambda: [command["filter"]],
        "aggregate": lambda: [command["pipeline"][0]["$match"]],
        "findAndModify": lambda: [command["query"]],
        "insert": lambda: command["documents"],
        "update": lambda: [each["q"] for each in command["updates"]],
        "delete": lambda: [each["q"] for each in command["deletes"]],
    }
    queries = parts[name]()
    if str(command[name]).startswith("uploads."):
        ids = [query.get("files_id", query.get("_id")) for query in queries]
        return all(str(each).startswith(f"{site_id}/") for each in ids)
    return bool(queries) and all(query["site"] == site_id for query in queries)


@table("name", ["users", "jobs", "sites", "product_images.chunks", "nonsense"])
def test_a_site_gets_no_collection_of_the_deployment(database: Database, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        site(database, "mine").collection(name)


@table("name", sorted(SITE_COLLECTIONS))
def test_a_site_gets_its_collections(database: Database, name: str) -> None:
    assert site(database, "mine").collection(name).fixed == {"site": "mine"}


def test_there_are_no_buckets_but_ours(database: Database) -> None:
    with pytest.raises(ValueError, match="fs"):
        site(database, "mine").files("fs")
    assert isinstance(site(database, "mine").files("uploads"), Files)


@pytest.mark.usefixtures("theirs")
def test_the_deployment_sees_every_site(database: Database, mine: Collection) -> None:
    mine.insert({"_id": "q"})
    everything = deployment(database).collection(PRODUCTS)
    assert everything.count({}) == 2
    assert everything.aggregate([{"$group": {"_id": None, "n": {"$sum": 1}}}]) == [
        {"_id": None, "n": 2}
    ]
    deployment(database).collection("nonsense").insert({"_id": 1})
    assert database.raw["nonsense"].find_one() == {"_id": 1}


def test_a_taken_sku_is_named_and_other_sites_may_have_it(
    mine: Collection, theirs: Collection
) -> None:
    mine.insert({"_id": "q", "sku": "A-1"})
    mine.insert({"_id": "r", "sku": "B-2"})
    mine.insert({"_id": "s", "sku": None})
    mine.insert({"_id": "t", "sku": None})
    attempts: list[Callable[[], Any]] = [
        lambda: mine.insert({"_id": "u", "sku": "A-1"}),
        lambda: mine.insert_at_server_time({"_id": "u", "sku": "A-1"}, {"created_at": "$$NOW"}),
        lambda: mine.update({"_id": "r"}, {"$set": {"sku": "A-1"}}),
        lambda: mine.find_and_update({"_id": "r"}, {"$set": {"sku": "A-1"}}),
    ]
    for attempt in attempts:
        with pytest.raises(AlreadyThere) as caught:
            attempt()
        assert caught.value.fields == {"sku"}
    assert mine.count({}) == 4
    assert theirs.count({}) == 1


def test_an_id_of_another_site_is_taken(mine: Collection, theirs: Collection) -> None:
    for attempt in (
        lambda: mine.insert({"_id": "p", "sku": "A-1", "n": 1}),
        lambda: mine.insert_all([{"_id": "p", "sku": "A-2"}]),
        lambda: mine.update({"_id": "p"}, {"$set": {"n": 2}}, upsert=True),
        lambda: mine.insert_at_server_time({"_id": "p"}, {"created_at": "$$NOW"}),
    ):
        with pytest.raises(AlreadyThere) as caught:
            attempt()
        assert caught.value.fields == {"_id"}
    assert theirs.find({}) == [THEIRS]


class Colour(StrEnum):
    RED = "red"


AWKWARD = {
    "text": "é",
    "a tuple": ("a", ("b",)),
    "microseconds": datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC),
    "another zone": datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-5))),
    "no number": math.nan,
    "bytes": Binary(b"x"),
    "an enum": {"colour": Colour.RED},
    "keys in another order": {"z": 1, "a": {"c": 1, "b": None}},
}


@table("value", AWKWARD)
def test_an_insert_whose_answer_is_lost_finds_its_own_document(
    mongod: Mongod, mine: Collection, value: str
) -> None:
    document = {"value": AWKWARD[value], "_id": "q", "sku": "A-1"}
    with fail_point(mongod.client, ["insert"], 2, write_concern_error=64, app_name=APP) as point:
        mine.insert(document)
    assert point.hits == 2
    assert mine.delete_all({}) == 1


def test_the_same_insert_again_is_content_and_another_is_refused(mine: Collection) -> None:
    for _ in range(2):
        mine.insert({"_id": "q", "n": 1})
    with pytest.raises(AlreadyThere) as caught:
        mine.insert({"_id": "q", "n": 2})
    assert caught.value.fields == {"_id"}


def test_many_inserts_again_are_content_and_keep_the_first(mine: Collection) -> None:
    mine.insert_all([{"_id": "q", "n": 1}, {"_id": "r", "n": 1}])
    mine.insert_all([{"_id": "q", "n": 2}, {"_id": "s", "n": 2}])
    assert [each["n"] for each in mine.find({}, sort=[("_id", 1)])] == [1, 1, 2]


def test_many_inserts_whose_answer_is_lost_are_made_once(mongod: Mongod, mine: Collection) -> None:
    with fail_point(mongod.client, ["insert"], 2, write_concern_error=64, app_name=APP) as point:
        mine.insert_all([{"_id": "q"}, {"_id": "r"}])
    assert point.hits == 2
    assert mine.count({}) == 2


def test_many_inserts_name_the_index_that_refuses_one(mine: Collection) -> None:
    mine.insert({"_id": "q", "sku": "A-1"})
    with pytest.raises(AlreadyThere) as caught:
        mine.insert_all([{"_id": "q", "sku": "A-1"}, {"_id": "r", "sku": "A-1"}])
    assert caught.value.fields == {"sku"}


def test_in_a_transaction_one_that_is_there_refuses_all(database: Database) -> None:
    scope = site(database, "mine")
    mine = scope.collection(PRODUCTS)
    mine.insert({"_id": "q"})
    with pytest.raises(AlreadyThere):
        scope.transaction(
            lambda session: mine.within(session).insert_all([{"_id": "p"}, {"_id": "q"}])
        )
    assert mine.count({}) == 1


def test_a_stamped_insert_keeps_the_first_one(mine: Collection) -> None:
    times = {"created_at": "$$NOW", "until": {"$add": ["$$NOW", 1000]}}
    mine.insert_at_server_time({"_id": "q", "name": "$name", "of": {"$x": 1}}, times)
    first = mine.find_one({"_id": "q"})
    mine.insert_at_server_time({"_id": "q", "name": "second"}, times)
    assert mine.find_one({"_id": "q"}) == first
    assert first is not None
    assert (first["name"], first["of"]) == ("$name", {"$x": 1})
    assert first["until"] - first["created_at"] == timedelta(seconds=1)


def test_stamped_inserts_that_meet_make_one_document(mine: Collection) -> None:
    for number in range(3):
        at_once(
            8,
            lambda _, name=f"q{number}": mine.insert_at_server_time(  # type: ignore[misc]
                {"_id": name}, {"created_at": "$$NOW"}
            ),
        )
    assert mine.count({}) == 3


def test_upserts_that_meet_are_all_counted(mine: Collection) -> None:
    for number in range(3):
        at_once(
            8,
            lambda _, name=f"q{number}": mine.find_and_update(  # type: ignore[misc]
                {"_id": name}, {"$inc": {"n": 1}}, upsert=True
            ),
        )
    assert [each["n"] for each in mine.find({})] == [8] * 3


def test_one_of_many_that_open_the_same_write_gets_it(database: Database) -> None:
    writes = Writes(database)

    def begin(key: str) -> str:
        try:
            got = writes.begin("mine", key=key, fingerprint="f", count=1, lease_seconds=60)
        except UploadInProgress:
            return "busy"
        assert isinstance(got, OpenWrite)
        return "open"

    for number in range(3):
        answers = at_once(8, lambda _, key=f"k{number}": begin(key))  # type: ignore[misc]
        assert sorted(answers) == ["busy"] * 7 + ["open"]


def test_counters_that_may_be_forgotten_wait_for_nobody(database: Database) -> None:
    counters = deployment(database).quick_collection("rate_limits")
    assert counters.source.write_concern.document == {"w": 1, "j": False}
    durable = deployment(database).collection("jobs")
    assert durable.source.write_concern.document == {"w": "majority", "j": True}


def of_each(number: Any) -> int:
    """What is read in these lists; -1 cannot be."""
    if number["n"] < 0:
        raise ValueError(number)
    return int(number["n"])


@table("malformed", [0, 1, 7, 30])
def test_a_page_is_filled_up_behind_what_cannot_be_read(mine: Collection, malformed: int) -> None:
    numbers = [-1] * malformed + list(range(10))
    mine.put_all([{"_id": f"{place:03d}", "n": n} for place, n in enumerate(numbers)])
    for limit in (1, 3, 10, 11):
        found = mine.values(of_each, {}, sort=[("_id", 1)], limit=limit)
        assert found == list(range(min(limit, 10)))
    assert mine.values(of_each, {}, sort=[("_id", 1)]) == list(range(10))
    mine.delete_all({})


def test_a_list_ends_behind_too_much_that_cannot_be_read(
    mine: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avenue.storage.collection.MOST_MALFORMED", 5)
    numbers = [1, *[-1] * 10, 2]
    mine.put_all([{"_id": f"{place:03d}", "n": n} for place, n in enumerate(numbers)])
    assert mine.values(of_each, {}, sort=[("_id", 1)], limit=2) == [1]


A_NUMBER = {"numbers": Shape({"n": int})}


def test_records_are_judged_in_pieces_however_large_they_are(
    mine: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avenue.storage.records.shape_of", lambda *_: "numbers")
    monkeypatch.setattr("avenue.storage.shapes.SHAPES", A_NUMBER)
    large = "a" * 5 * 1024 * 1024
    for place, n in enumerate((1, "zzz", 3, 4, "zzz")):
        mine.insert({"_id": f"{place:03d}", "n": n, "html": large})
    pieces, last = [], ""
    while last is not None:
        last, found = malformed_after(mine, last, 500)
        pieces.append([each.id for each in found])
    assert [each for piece in pieces for each in piece] == ["001", "004"]
    assert len(pieces) > 2


def test_records_of_every_kind_of_id_are_judged(
    mine: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avenue.storage.records.shape_of", lambda *_: "numbers")
    monkeypatch.setattr("avenue.storage.shapes.SHAPES", A_NUMBER)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    ids = ["a", "b", *range(5), None, True, False, {"a": 1}, b"a", ObjectId(), ObjectId(), at]
    for each in ids:
        mine.insert({"_id": each, "n": "zzz"})
    found, last = [], ""
    while last is not None:
        last, some = malformed_after(mine, last, 2)
        found += some
    assert sorted(each.id for each in found) == sorted(map(str, ids))
    assert all(malformed(mine, each.id) for each in found if ObjectId.is_valid(each.id))
