"""The connection: errors that pass are outlived, and nothing waits longer than it said."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from pymongo.client_session import ClientSession
from pymongo.errors import AutoReconnect, DuplicateKeyError, OperationFailure

from avenue.config import Settings
from avenue.errors import DATABASE_AWAY, DATABASE_LATE, Conflict, Unavailable
from avenue.storage.collection import AlreadyThere, Collection
from avenue.storage.connection import Database
from avenue.storage.scope import deployment
from tests.mongod import FailPoint, Mongod, fail_point, free_port
from tests.table import table
from tests.threads import at_once
from tests.waiting import wait_until

APP = "avenue"  # only Avenue's own client is hit
# For a busy machine; with it, too, what is asked for ends before the usual 5 s of a read.
MARGIN_SECONDS = 3.0

CODES = {
    "InterruptedDueToReplStateChange": {"error_code": 11602},
    "NotWritablePrimary": {"error_code": 10107},
    "PrimarySteppedDown": {"error_code": 189},
    "ShutdownInProgress": {"error_code": 91},
    "NotPrimaryNoSecondaryOk": {"error_code": 13435},
    "hanging up": {"close_connection": True},
}
WRITE_CONCERNS = {
    "majority not reached": {"write_concern_error": 64},
    "shutdown after the write": {"write_concern_error": 91},
}
FAULTS: dict[str, dict[str, Any]] = {**CODES, **WRITE_CONCERNS}


@pytest.fixture
def things(database: Database) -> Collection:
    return deployment(database).collection("things")


@pytest.fixture
def hasty(shared_uri: str, database: Database) -> Iterator[Database]:
    """The same database with one second for a read and two for a write."""
    settings = Settings(mongodb_uri=shared_uri, local=True, read_seconds=1, write_seconds=2)
    hasty = Database(settings)
    hasty.raw["things"].find_one()  # connected: what is measured is the operation
    yield hasty
    hasty.close()


def failing(
    mongod: Mongod, database: Database, command: str, times: int | None, **fault: Any
) -> AbstractContextManager[FailPoint]:
    """Have `command` fail to the things of `database`, and nothing of others on this server."""
    namespace = None if command == "commitTransaction" else f"{database.raw.name}.things"
    return fail_point(mongod.client, [command], times, **fault, app_name=APP, namespace=namespace)


def everything(database: Database) -> dict[Any, Any]:
    return {each.pop("_id"): each for each in database.raw["things"].find()}


def insert(things: Collection) -> None:
    things.insert({"_id": "new", "n": 1})


def find(things: Collection) -> None:
    assert things.find_one({"_id": "old"}) == {"_id": "old", "n": 0}


def update(things: Collection) -> None:
    assert things.update({"_id": "old"}, {"$set": {"n": 1}}) == 1


def upsert(things: Collection) -> None:
    things.insert_at_server_time({"_id": "new"}, {"created_at": "$$NOW"})


def find_and_update(things: Collection) -> None:
    changed = things.find_and_update({"_id": "old"}, {"$set": {"n": 1}})
    assert changed == {"_id": "old", "n": 1}


def delete(things: Collection) -> None:
    things.delete({"_id": "old"})


def delete_all(things: Collection) -> None:
    things.delete_all({"n": 0})


def aggregate(things: Collection) -> None:
    assert things.aggregate([{"$match": {"n": 0}}]) == [{"_id": "old", "n": 0}]


OPERATIONS: dict[Callable[[Collection], None], tuple[str, dict[Any, Any]]] = {
    # what is done, the command it is, what is there afterwards
    insert: ("insert", {"old": {"n": 0}, "new": {"n": 1}}),
    find: ("find", {"old": {"n": 0}}),
    aggregate: ("aggregate", {"old": {"n": 0}}),
    update: ("update", {"old": {"n": 1}}),
    find_and_update: ("findAndModify", {"old": {"n": 1}}),
    delete: ("delete", {}),
    delete_all: ("delete", {}),
}
ROWS = [
    (find, "PrimarySteppedDown", 3),
    (aggregate, "hanging up", 3),
    (insert, "hanging up", 3),
    (insert, "majority not reached", 3),
    (update, "NotWritablePrimary", 3),
    (find_and_update, "shutdown after the write", 3),
    (delete_all, "shutdown after the write", 3),
]
LONG_ROWS = [
    (operation, fault, times)
    for operation in OPERATIONS
    for fault in (FAULTS if OPERATIONS[operation][0] not in {"find", "aggregate"} else CODES)
    for times in (1, 2, 3)
    if (operation, fault, times) not in ROWS
]


@pytest.mark.parametrize(
    ("operation", "fault", "times"),
    [*ROWS, *(pytest.param(*each, marks=pytest.mark.long) for each in LONG_ROWS)],
)
def test_errors_in_a_row_are_outlived(
    mongod: Mongod,
    database: Database,
    things: Collection,
    operation: Callable[[Collection], None],
    fault: str,
    times: int,
) -> None:
    things.insert({"_id": "old", "n": 0})
    command, after = OPERATIONS[operation]
    with failing(mongod, database, command, times, **FAULTS[fault]) as point:
        operation(things)
    assert everything(database) == after
    # The retry of an insert that was done before its error finds it done.
    assert point.hits == times or (fault in WRITE_CONCERNS and point.hits)


def test_a_stamped_insert_is_outlived_too_and_happens_once(
    mongod: Mongod, database: Database, things: Collection
) -> None:
    with failing(mongod, database, "update", 3, write_concern_error=91):
        upsert(things)
    assert list(everything(database)) == ["new"]


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        (find, "PrimarySteppedDown"),
        (insert, "hanging up"),
        *(
            pytest.param(*each, marks=pytest.mark.long)
            for each in (
                (find_and_update, "PrimarySteppedDown"),
                (update, "PrimarySteppedDown"),
                (aggregate, "hanging up"),
                (delete, "hanging up"),
            )
        ),
    ],
)
def test_errors_without_end_are_unavailable_in_time_and_change_nothing(
    mongod: Mongod,
    database: Database,
    hasty: Database,
    operation: Callable[[Collection], None],
    fault: str,
) -> None:
    deployment(database).collection("things").insert({"_id": "old", "n": 0})
    command, _ = OPERATIONS[operation]
    seconds = hasty.read_seconds if command in {"find", "aggregate"} else hasty.write_seconds
    with failing(mongod, database, command, None, **FAULTS[fault]):
        began_at = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            operation(deployment(hasty).collection("things"))
        assert time.monotonic() - began_at < seconds + MARGIN_SECONDS
        # While it still fails: a busy server may come to the last try only now.
        there = mongod.client[database.raw.name]["things"].find()
        assert list(there) == [{"_id": "old", "n": 0}]
    assert caught.value.headers["Retry-After"] == "2"


def test_an_earlier_deadline_around_it_holds(mongod: Mongod, database: Database) -> None:
    things = deployment(database).collection("things")
    things.find_one({})
    with failing(mongod, database, "find", None, error_code=189):
        began_at = time.monotonic()
        with database.deadline(0.5), pytest.raises(Unavailable):
            things.find_one({})
        assert time.monotonic() - began_at < 0.5 + MARGIN_SECONDS


@pytest.mark.parametrize("left_seconds", [0.0, -1.0])
def test_where_no_time_is_left_nothing_is_waited_for(
    mongod: Mongod, database: Database, left_seconds: float
) -> None:
    things = deployment(database).collection("things")
    things.find_one({})
    with (
        failing(mongod, database, "find", None, block_ms=500),
        database.request(left_seconds),
        pytest.raises(Unavailable),
    ):
        things.find_one({})  # which would be answered after half a second


def test_a_slow_answer_is_unavailable_in_time(mongod: Mongod, hasty: Database) -> None:
    # Switching it off waits for those who are blocked.
    with failing(mongod, hasty, "find", None, block_ms=6_000):
        began_at = time.monotonic()
        with pytest.raises(Unavailable):
            deployment(hasty).collection("things").find_one({})
        assert time.monotonic() - began_at < hasty.read_seconds + MARGIN_SECONDS


def test_whoever_waits_for_a_connection_does_so_within_the_deadline(
    mongod: Mongod, hasty: Database
) -> None:
    connections = hasty.client.options.pool_options.max_pool_size
    things = deployment(hasty).collection("things")

    def read(_: int) -> str:
        with pytest.raises(Unavailable):
            things.find_one({})
        return "unavailable"

    with failing(mongod, hasty, "find", None, block_ms=4_000):
        began_at = time.monotonic()
        assert set(at_once(connections + 4, read)) == {"unavailable"}
        assert time.monotonic() - began_at < hasty.read_seconds + MARGIN_SECONDS


def test_connections_are_closed_before_a_network_forgets_them_and_never_compress() -> None:
    uri = "mongodb://127.0.0.1/avenue?compressors=zlib"
    database = Database(Settings(mongodb_uri=uri, local=True))
    options = database.client.options.pool_options
    assert options.max_idle_time_seconds < 240
    assert options._compression_settings.compressors == []
    database.close()


@table("code", [2, 13, 9, 11000])
def test_what_does_not_pass_is_raised_at_once(
    mongod: Mongod, database: Database, things: Collection, code: int
) -> None:
    with (
        failing(mongod, database, "find", None, error_code=code) as point,
        pytest.raises(OperationFailure),
    ):
        things.find_one({})
    assert point.hits == 1


def test_what_is_no_database_error_is_raised_at_once(database: Database) -> None:
    calls = []

    def operation() -> None:
        calls.append(1)
        raise Conflict

    with pytest.raises(Conflict):
        database.repeat(operation, 5)
    assert calls == [1]


def test_an_operation_is_repeated_until_it_succeeds(database: Database) -> None:
    errors = [AutoReconnect("one"), AutoReconnect("two"), AutoReconnect("three")]

    def operation() -> str:
        if errors:
            raise errors.pop()
        return "done"

    assert database.repeat(operation, 5) == "done"


def pay(things: Collection, runs: list[int]) -> Callable[[ClientSession], str]:
    """Move one from `a` to `b` and note it: three writes that belong together."""

    def work(session: ClientSession) -> str:
        runs.append(1)
        inside = things.within(session)
        if inside.find_one({"_id": "receipt"}):  # a commit whose answer was lost
            return "paid"
        inside.update({"_id": "a"}, {"$inc": {"n": -1}})
        inside.update({"_id": "b"}, {"$inc": {"n": 1}})
        inside.insert({"_id": "receipt"})
        return "paid"

    return work


BEFORE = {"a": {"n": 5}, "b": {"n": 5}}
PAID = {"a": {"n": 4}, "b": {"n": 6}, "receipt": {}}


def fill(things: Collection) -> None:
    for _id, document in BEFORE.items():
        things.insert({"_id": _id, **document})


@pytest.mark.parametrize(
    ("command", "fault", "times"),
    [
        ("commitTransaction", "hanging up", 3),
        ("commitTransaction", "shutdown after the write", 3),
        ("update", "PrimarySteppedDown", 3),
        ("insert", "hanging up", 3),
        *(
            pytest.param("commitTransaction", fault, 3, marks=pytest.mark.long)
            for fault in FAULTS
            if fault not in {"hanging up", "shutdown after the write"}
        ),
        pytest.param("find", "PrimarySteppedDown", 3, marks=pytest.mark.long),
        *(
            pytest.param(command, fault, times, marks=pytest.mark.long)
            for command, fault in (
                ("commitTransaction", "PrimarySteppedDown"),
                ("insert", "hanging up"),
            )
            for times in (1, 2)
        ),
    ],
)
def test_a_transaction_outlives_errors_in_a_row_and_happens_once(
    mongod: Mongod, database: Database, things: Collection, command: str, fault: str, times: int
) -> None:
    fill(things)
    with failing(mongod, database, command, times, **FAULTS[fault]) as point:
        assert database.transaction(pay(things, [])) == "paid"
    assert everything(database) == PAID
    assert point.hits == times


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("commitTransaction", "majority not reached"),
        ("insert", "hanging up"),
        *(
            pytest.param(*each, marks=pytest.mark.long)
            for each in (
                ("commitTransaction", "PrimarySteppedDown"),
                ("commitTransaction", "hanging up"),
                ("update", "PrimarySteppedDown"),
            )
        ),
    ],
)
def test_a_transaction_that_cannot_end_is_unavailable_in_time_and_never_half_there(
    mongod: Mongod, database: Database, hasty: Database, command: str, fault: str
) -> None:
    fill(deployment(database).collection("things"))
    with failing(mongod, database, command, None, **FAULTS[fault]):
        began_at = time.monotonic()
        with pytest.raises(Unavailable):
            hasty.transaction(pay(deployment(hasty).collection("things"), []))
        assert time.monotonic() - began_at < hasty.write_seconds + MARGIN_SECONDS
    # A commit whose answer was withheld may have happened: all of it.
    possible = [BEFORE, PAID] if fault in WRITE_CONCERNS else [BEFORE]
    assert everything(database) in possible
    mongod.client.admin.command({"killAllSessions": []})  # else it is open for a minute more
    assert everything(database) in possible


def test_a_transaction_that_raises_leaves_nothing(database: Database, things: Collection) -> None:
    fill(things)

    def work(session: ClientSession) -> None:
        pay(things, [])(session)
        raise Conflict

    with pytest.raises(Conflict):
        database.transaction(work)
    assert everything(database) == BEFORE


def test_a_document_that_is_already_there_ends_a_transaction(
    database: Database, things: Collection
) -> None:
    fill(things)

    def work(session: ClientSession) -> None:
        things.within(session).update({"_id": "a"}, {"$inc": {"n": 1}})
        things.within(session).insert({"_id": "b"})

    with pytest.raises(AlreadyThere) as caught:
        database.transaction(work)
    assert caught.value.fields == {"_id"}
    assert everything(database) == BEFORE


def test_transactions_that_meet_are_all_done(database: Database, things: Collection) -> None:
    things.insert({"_id": "counter", "n": 0})

    def count_up(_: int) -> None:
        def work(session: ClientSession) -> None:
            found = things.within(session).find_one({"_id": "counter"})
            assert found is not None
            things.within(session).update({"_id": "counter"}, {"$set": {"n": found["n"] + 1}})

        database.transaction(work)

    at_once(8, count_up)
    assert everything(database) == {"counter": {"n": 8}}


def test_the_clocks_of_both_are_compared(database: Database) -> None:
    assert abs(database.clock_skew()) < timedelta(seconds=5)


def answers(database: Database) -> bool:
    try:
        database.ping()
    except Unavailable:
        return False
    return True


def test_a_database_that_froze_is_unavailable_in_time_and_comes_back(
    fresh_mongod: Mongod,
) -> None:
    uri = fresh_mongod.uri_of("avenue")
    patient = Database(Settings(mongodb_uri=uri, local=True))
    insert(deployment(patient).collection("things"))
    database = Database(Settings(mongodb_uri=uri, local=True, read_seconds=1, write_seconds=1))
    things = deployment(database).collection("things")
    wait_until(lambda: answers(database), "it is connected")
    fresh_mongod.freeze()
    for operation, least in ((lambda: things.find_one({}), 1), (database.ping, 1)):
        began_at = time.monotonic()
        with pytest.raises(Unavailable):
            operation()
        assert time.monotonic() - began_at < least + MARGIN_SECONDS
    fresh_mongod.thaw()
    wait_until(lambda: answers(database), "the database answers again")
    assert deployment(patient).collection("things").find_one({"_id": "new"}) == {
        "_id": "new",
        "n": 1,
    }
    database.close()
    patient.close()


def test_a_transaction_that_froze_with_the_database_locks_nothing_when_it_is_back(
    fresh_mongod: Mongod,
) -> None:
    uri = fresh_mongod.uri_of("avenue")
    patient = Database(Settings(mongodb_uri=uri, local=True))
    kept = deployment(patient).collection("things")
    insert(kept)
    database = Database(Settings(mongodb_uri=uri, local=True, read_seconds=1, write_seconds=2))
    things = deployment(database).collection("things")
    wait_until(lambda: answers(database), "it is connected")

    def freeze_inside(session: ClientSession) -> None:
        things.within(session).update({"_id": "new"}, {"$set": {"n": 2}})
        if not fresh_mongod.frozen:
            fresh_mongod.freeze()
        things.within(session).update({"_id": "new"}, {"$set": {"n": 3}})

    with pytest.raises(Unavailable):
        database.transaction(freeze_inside)
    fresh_mongod.thaw()

    def is_told() -> bool:
        """Who gets an answer next tells the server what it could not be told before."""
        with contextlib.suppress(Unavailable):
            things.find_one({})
        return not database._abandoned

    wait_until(is_told, "the database answers again, and is told")

    assert kept.find_one({"_id": "new"}) == {"_id": "new", "n": 1}
    patient.transaction(
        lambda session: kept.within(session).update({"_id": "new"}, {"$set": {"n": 4}})
    )
    assert kept.find_one({"_id": "new"}) == {"_id": "new", "n": 4}
    database.close()
    patient.close()


def test_a_database_nobody_reaches_is_unavailable_and_costs_nothing_to_make() -> None:
    uri = "mongodb://127.0.0.1:1/avenue?replicaSet=nobody"
    database = Database(Settings(mongodb_uri=uri, local=True, read_seconds=1))
    began_at = time.monotonic()
    with pytest.raises(Unavailable):
        database.ping()
    with pytest.raises(Unavailable):
        deployment(database).collection("things").find_one({})
    assert time.monotonic() - began_at < 2 + MARGIN_SECONDS
    database.close()


def test_a_second_insert_of_the_driver_is_told_from_another_document(
    database: Database, things: Collection
) -> None:
    insert(things)
    with pytest.raises(DuplicateKeyError):
        database.raw["things"].insert_one({"_id": "new"})
    insert(things)
    with pytest.raises(AlreadyThere):
        things.insert({"_id": "new", "n": 2})


def test_only_a_database_that_is_away_is_said_to_be_out_of_reach(
    database: Database, things: Collection
) -> None:
    things.insert({"_id": 1})
    slow = {"$where": "sleep(2000) || true"}
    with pytest.raises(Unavailable, match=DATABASE_LATE), database.deadline(0.2):
        things.find_one(slow)
    away = Database(Settings(mongodb_uri=f"mongodb://127.0.0.1:{free_port()}/x", local=True))
    with pytest.raises(Unavailable, match=DATABASE_AWAY):
        away.repeat(lambda: away.client.admin.command("ping"), 0.2)
    away.close()
