"""What the databases of these tests promise: real faults, and nothing left behind."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError, WriteConcernError
from pymongo.write_concern import WriteConcern

from tests.mongod import Mongod, client_of, fail_point
from tests.prepared import emptied
from tests.waiting import ending, line_of, wait_until

ROOT = Path(__file__).parents[2]
INTERRUPTED = 11601  # an error no driver retries
DURABLE = WriteConcern("majority", j=True)


def refuses(operation: Callable[[], object]) -> bool:
    try:
        operation()
    except PyMongoError:
        return True
    return False


def test_a_database_is_empty_and_of_its_own_name(database_uri: str, mongod: Mongod) -> None:
    with client_of(database_uri) as client:
        database = client.get_default_database()
        assert database.list_collection_names() == []
        database["notes"].insert_one({})
        assert database.name in mongod.client.list_database_names()


def test_an_error_code_fails_so_many_commands_and_does_nothing(database_uri: str) -> None:
    with client_of(database_uri) as client:
        notes = client.get_default_database()["notes"]
        with fail_point(client, ["insert"], 2, INTERRUPTED, namespace=notes.full_name) as point:
            for _ in range(2):
                with pytest.raises(OperationFailure) as raised:
                    notes.insert_one({})
                assert raised.value.code == INTERRUPTED
            notes.insert_one({"_id": "third"})
        assert point.hits == 2
        assert [each["_id"] for each in notes.find()] == ["third"]


def test_a_write_concern_error_comes_after_the_work_was_done(database_uri: str) -> None:
    with client_of(database_uri) as client:
        notes = client.get_default_database()["notes"]
        with (
            fail_point(
                client,
                ["insert"],
                1,
                write_concern_error=INTERRUPTED,
                namespace=notes.full_name,
            ),
            pytest.raises(WriteConcernError),
        ):
            notes.insert_one({"_id": "done"})
        assert notes.count_documents({}) == 1


def test_a_connection_can_be_closed(database_uri: str) -> None:
    with client_of(database_uri, retryReads=False) as client:
        notes = client.get_default_database()["notes"]
        closing = {"close_connection": True, "namespace": notes.full_name}
        with fail_point(client, ["find"], 1, **closing) as point:
            with pytest.raises(AutoReconnect):
                notes.find_one()
            assert notes.find_one() is None
        assert point.hits == 1


def test_a_command_can_be_held_up(database_uri: str) -> None:
    with client_of(database_uri) as client:
        notes = client.get_default_database()["notes"]
        with fail_point(client, ["find"], 1, block_ms=300, namespace=notes.full_name):
            begun = time.monotonic()
            notes.find_one()
            assert time.monotonic() - begun >= 0.3


def test_only_clients_of_the_given_name_are_hit(database_uri: str, mongod: Mongod) -> None:
    with client_of(database_uri, appname="avenue") as client:
        name = client.get_default_database().name
        hit = {"app_name": "avenue", "namespace": f"{name}.notes"}
        with fail_point(mongod.client, ["find"], None, INTERRUPTED, **hit) as point:
            assert mongod.client[name]["notes"].find_one() is None
            for _ in range(3):
                with pytest.raises(OperationFailure):
                    client[name]["notes"].find_one()
        assert point.hits == 3


def test_a_fail_point_is_off_after_its_block_even_when_the_block_fails(database_uri: str) -> None:
    class OfTheTestError(Exception):
        pass

    with client_of(database_uri) as client:
        with (
            pytest.raises(OfTheTestError),
            fail_point(client, ["find"], None, INTERRUPTED),
        ):
            raise OfTheTestError
        assert client.get_default_database()["notes"].find_one() is None


@pytest.mark.long
def test_a_fail_point_that_died_with_its_server_is_no_trouble(fresh_mongod: Mongod) -> None:
    with fail_point(fresh_mongod.client, ["find"], None, INTERRUPTED) as point:
        fresh_mongod.kill()
    assert point.hits is None
    fresh_mongod.restart()
    assert fresh_mongod.client["test"]["notes"].find_one() is None


@pytest.mark.long
def test_a_killed_mongod_comes_back_with_what_was_acknowledged(fresh_mongod: Mongod) -> None:
    notes = fresh_mongod.client["test"].get_collection("notes", write_concern=DURABLE)
    notes.insert_one({"_id": "acknowledged"})
    port = fresh_mongod.port
    fresh_mongod.kill()
    assert fresh_mongod.hello() == {}
    fresh_mongod.restart()
    assert fresh_mongod.port == port
    assert notes.find_one() == {"_id": "acknowledged"}


@pytest.mark.long
def test_a_frozen_mongod_says_nothing_until_it_is_thawed(fresh_mongod: Mongod) -> None:
    with client_of(fresh_mongod.uri, timeoutMS=500) as client:

        def says_nothing() -> bool:
            return refuses(lambda: client.admin.command("ping"))

        wait_until(lambda: not says_nothing(), "it answers")
        fresh_mongod.freeze()
        assert says_nothing()
        fresh_mongod.thaw()
        wait_until(lambda: not says_nothing(), "it answers again")


def test_a_standalone_is_no_replica_set(standalone_mongod: Mongod) -> None:
    hello = standalone_mongod.hello()
    assert hello["isWritablePrimary"]
    assert "setName" not in hello


# Starts a mongod as these tests do and is then killed, as pytest might be.
KILLED_RUN = """
import json, sys
from pathlib import Path
from tests.mongod import Guard, Mongod
running = Mongod(Path(sys.argv[1]), Guard())
print(json.dumps({"pid": running.pid, "directory": str(running.directory)}), flush=True)
sys.stdin.read()
"""


def test_no_mongod_survives_a_killed_run(mongod_binary: Path) -> None:
    command = [sys.executable, "-c", KILLED_RUN, mongod_binary]
    killed = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with ending(killed):
        said = json.loads(line_of(killed))
        assert psutil.pid_exists(said["pid"])
        killed.send_signal(signal.SIGKILL)
    wait_until(lambda: not Path(said["directory"]).exists(), "the directory is gone")
    # It was told to end before; what it held in memory goes when the machine gets to it.
    wait_until(lambda: has_ended(said["pid"]), "the mongod has ended")


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize(
    "harm",
    [
        lambda raw: raw["assets"].insert_one({"_id": "x"}),
        lambda raw: raw["assets"].drop_indexes(),
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in (
                lambda raw: raw["jobs"].drop(),
                lambda raw: raw["sites"].update_one({}, {"$set": {"name": "Other"}}),
                lambda raw: raw["avenue_meta"].insert_one({"_id": "x"}),
                lambda raw: raw["avenue_meta"].update_one({}, {"$set": {"version": 1}}),
                lambda raw: raw["avenue_meta"].delete_many({}),
            )
        ),
    ],
    ids=["document", "indexes", "collection", "site", "remark", "version", "marker"],
)
def test_the_next_test_finds_nothing_of_what_one_has_done(shared_uri, harm):
    with emptied(shared_uri) as database:
        before = everything(database.raw)
        harm(database.raw)
        assert everything(database.raw) != before
    with emptied(shared_uri) as database:
        assert everything(database.raw) == before


def everything(raw):
    return {
        name: (list(raw[name].find()), raw[name].index_information())
        for name in sorted(raw.list_collection_names())
    }
