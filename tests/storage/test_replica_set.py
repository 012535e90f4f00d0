"""Three members: what they promise, and what is kept and read while their primary changes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace

import pytest
from pymongo.client_session import ClientSession
from pymongo.write_concern import WriteConcern

from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.storage.connection import Database
from avenue.storage.schema import migrate
from avenue.storage.scope import deployment, site
from tests.mongod import ReplicaSet, database_name, fail_point
from tests.storage.replication import replication_held
from tests.storage.test_connection import PAID, everything, fill, pay
from tests.storage.test_gridfs import BUCKET, MIB, read, some_bytes, write

DURABLE = WriteConcern("majority", j=True)
PRODUCTS = "shop_products"


@pytest.fixture(scope="module")
def settings(replica_set: ReplicaSet) -> Settings:
    """Those of a database that is prepared, for the tests of this module together."""
    settings = Settings(mongodb_uri=replica_set.uri_of(database_name()), local=True)
    with closing(Database(settings)) as database:
        migrate(database)
    return settings


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    with closing(Database(settings)) as database:
        yield database


@pytest.fixture
def hasty(settings: Settings) -> Iterator[Database]:
    """The same database with two seconds for a write."""
    with closing(Database(replace(settings, write_seconds=2))) as database:
        yield database


@pytest.mark.long
def test_three_members_elect_another_primary_after_a_kill(replica_set: ReplicaSet) -> None:
    notes = replica_set.client["test"].get_collection("notes", write_concern=DURABLE)
    notes.insert_one({"_id": "before"})
    killed = replica_set.kill_primary()
    elected = replica_set.wait_for_primary(other_than=killed)
    assert elected is not killed
    notes.insert_one({"_id": "after"})
    assert {each["_id"] for each in notes.find()} == {"before", "after"}
    replica_set.heal()
    assert all(member.is_up for member in replica_set.members)


@pytest.mark.long
def test_a_primary_steps_down(replica_set: ReplicaSet) -> None:
    former = replica_set.step_down()
    assert replica_set.wait_for_primary(other_than=former) is not former
    assert former.is_up
    replica_set.heal()


@pytest.mark.long
def test_a_frozen_primary_is_replaced(replica_set: ReplicaSet) -> None:
    frozen = replica_set.wait_for_primary()
    frozen.freeze()
    assert replica_set.wait_for_primary(other_than=frozen) is not frozen
    replica_set.heal()


@pytest.mark.long
def test_a_transaction_survives_an_election(replica_set: ReplicaSet, settings: Settings) -> None:
    with closing(Database(replace(settings, write_seconds=60))) as database:
        things = deployment(database).collection("things")
        fill(things)
        runs: list[int] = []

        def work(session: ClientSession) -> str:
            paid = pay(things, runs)(session)
            if len(runs) == 1:
                replica_set.kill_primary()
            return paid

        assert database.transaction(work) == "paid"
        assert everything(database) == PAID
    replica_set.heal()


@pytest.mark.long
def test_an_election_in_the_middle_of_a_read_costs_no_byte(
    replica_set: ReplicaSet, settings: Settings
) -> None:
    with closing(Database(replace(settings, read_seconds=30))) as database:
        files = site(database, "shop").files(BUCKET)
        data = some_bytes(12 * MIB + 7)
        write(files, "a", data)
        reading = files.read("a", 5, len(data), length=len(data))
        got = [next(reading), next(reading)]
        replica_set.kill_primary()
        got.extend(reading)
    assert b"".join(got) == data[5:]
    replica_set.heal()


@pytest.fixture
def only_the_primary_inserts(replica_set: ReplicaSet) -> Callable[[], AbstractContextManager[None]]:
    """What is inserted meanwhile, nobody but the primary has, and it says so."""

    @contextmanager
    def held() -> Iterator[None]:
        late = fail_point(
            replica_set.client, ["insert"], None, write_concern_error=64, app_name="avenue"
        )
        with replication_held(replica_set), late:
            yield

    return held


@pytest.mark.long
def test_a_chunk_only_the_primary_has_is_not_called_stored(
    database: Database,
    hasty: Database,
    only_the_primary_inserts: Callable[[], AbstractContextManager[None]],
) -> None:
    files = site(database, "shop").files(BUCKET)
    with only_the_primary_inserts(), pytest.raises(Unavailable):
        write(site(hasty, "shop").files(BUCKET), "held", b"bytes")
    assert files.find("held") is None
    write(files, "held", b"bytes")
    assert read(files, "held", 5) == b"bytes"


@pytest.mark.long
def test_a_document_only_the_primary_has_is_not_called_stored(
    database: Database,
    hasty: Database,
    only_the_primary_inserts: Callable[[], AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("avenue.storage.shapes.SHAPES", {})  # the document is of no shape
    mine = site(database, "mine").collection(PRODUCTS)
    with only_the_primary_inserts(), pytest.raises(Unavailable):
        site(hasty, "mine").collection(PRODUCTS).insert({"_id": "q"})
    mine.insert({"_id": "q"})
    assert mine.find({}) == [{"_id": "q", "site": "mine"}]
