"""Three members, of which the primary goes in one way or another while pictures come and go."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from pymongo import WriteConcern

from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.identity import DEFAULT_SITE, new_id
from avenue.storage.collection import Collection
from avenue.storage.connection import Database, Document
from avenue.storage.scope import site
from tests.faults.deployment import raw
from tests.faults.failover import rounds, shop_on
from tests.faults.resuming import MIB, a_file, arrives_whole, by_tus_js_client
from tests.mongod import Guard, Mongod, ReplicaSet, database_name, fail_point
from tests.pictures import noise_png, photo
from tests.server import Client, Server, prepare
from tests.threads import Threads
from tests.waiting import wait_until


@pytest.fixture
def server(guard: Guard, replica_set: ReplicaSet) -> Iterator[Server]:
    with shop_on(guard, replica_set) as running:
        yield running


@pytest.mark.long
def test_a_frozen_primary_loses_nothing_and_cuts_nothing(
    server: Server, replica_set: ReplicaSet, record_property: Callable[[str, object], None]
) -> None:
    """The hardest of the events: nobody says that anything is wrong, and then it comes back.

    All of them, ten times each: `test_failover.py` and `test_frozen_primary.py`. It compares times
    with bounds, so it is none of the short rounds.
    """
    for figures in rounds(server, replica_set, "freeze", 1):
        record_property("freeze", figures)


@pytest.mark.needs("node", "npm packages")
@pytest.mark.long
def test_an_upload_in_parts_arrives_though_its_primary_is_killed(
    guard: Guard, replica_set: ReplicaSet, tmp_path: Path
) -> None:
    """All that may happen to it, three times each: `test_resumable_elections.py`."""
    send = partial(by_tus_js_client, chunkSize=3 * MIB + 7)
    arrives_whole(guard, replica_set, "SIGKILL", send, a_file(tmp_path, 8), times=1)


@contextmanager
def without_primary(replica_set: ReplicaSet) -> Iterator[None]:
    """All three are up, and none stands for election."""
    primary = replica_set.wait_until_healthy()
    try:
        for each in replica_set.members:
            if each is not primary:
                each.direct.admin.command("replSetFreeze", 600)
        primary.step_down(600)
        yield
    finally:
        for each in replica_set.members:
            each.direct.admin.command("replSetFreeze", 0)
    replica_set.wait_until_healthy()


@pytest.mark.long
def test_a_body_is_read_on_from_whichever_member_has_it(replica_set: ReplicaSet) -> None:
    uri, data = replica_set.uri_of(database_name()), noise_png(1_400, 1_200)
    prepare(uri)
    with closing(Database(Settings(mongodb_uri=uri, local=True, read_seconds=3))) as database:
        files = site(database, DEFAULT_SITE).files("product_images")
        with one_cut_off(replica_set):
            files.write("file", BytesIO(data), length=len(data), name="a.png", metadata={})
            body = files.read("file", 0, len(data), length=len(data))
            came = next(body)
            with without_primary(replica_set):
                came += b"".join(body)
                with pytest.raises(Unavailable):  # what must be known as it is now
                    files.find("file")
                with pytest.raises(Unavailable):  # what may have been written over
                    next(files.of_primary().read("file", 0, len(data), length=len(data)))
    assert came == data


@contextmanager
def cut_off(*members: Mongod) -> Iterator[None]:
    """These are up and vote, and get nothing of what is written."""
    point = {"configureFailPoint": "stopReplProducer"}
    for each in members:
        each.direct.admin.command({**point, "mode": "alwaysOn"})
    try:
        yield
    finally:
        for each in members:
            each.direct.admin.command({**point, "mode": "off"})


def secondaries_cut_off(replica_set: ReplicaSet) -> AbstractContextManager[None]:
    """Let only the primary have what is written."""
    primary = replica_set.wait_until_healthy()
    return cut_off(*(each for each in replica_set.members if each is not primary))


def one_cut_off(replica_set: ReplicaSet) -> AbstractContextManager[None]:
    """Let one secondary lag behind."""
    primary = replica_set.wait_until_healthy()
    return cut_off(next(each for each in replica_set.members if each is not primary))


def test_what_only_the_primary_has_is_not_acknowledged_when_it_comes_again(
    guard: Guard, replica_set: ReplicaSet
) -> None:
    """Were the primary lost now, the others would know nothing of it: an upload, a record."""
    uri = replica_set.uri_of(database_name())
    prepare(uri)
    database = raw(replica_set.client, uri)
    with (
        Server(guard, uri) as patient,
        Server(guard, uri, AVENUE_WRITE_SECONDS="2") as server,
        closing(Database(Settings(mongodb_uri=uri, local=True, write_seconds=1))) as own,
    ):
        seller, picture = patient.seller(), photo(96, 72)
        product, other = seller.create_product(), seller.create_product()
        assert seller.upload(product, picture, "key").status == 201
        sent = ((product, picture, "key"), (other, picture, None))
        records = site(own, DEFAULT_SITE).collection("shop_products")
        database["writes"].update_one({"state": "done"}, {"$set": {"state": "open"}})
        with secondaries_cut_off(replica_set):
            hasty = database.with_options(write_concern=WriteConcern(w=1))
            hasty["writes"].update_one({"state": "open"}, {"$set": {"state": "done"}})
            hasty["assets"].update_one({}, {"$set": {"claim.id": other}})
            with Threads(2) as threads:
                refused = threads.map(lambda each: seller.at(server).upload(*each), sent)
                assert [each.status for each in refused] == [503, 503]
            twice = wait_until(partial(inserted_twice, records, replica_set), "it is found again")

        wait_until(lambda: is_inserted(records, twice), "the record is acknowledged")
        for again in sent:
            wait_until(partial(is_acknowledged, seller, *again), "the upload is acknowledged")


def inserted_twice(records: Collection, replica_set: ReplicaSet) -> Document | None:
    """A record that is refused though it is found the second time it is inserted.

    That one is told "duplicate key", and the driver drops what is said beside it. None where the
    time of a busy machine is over before.
    """
    record = {"_id": new_id(), "name": "Zapato"}
    late = fail_point(replica_set.client, ["insert"], None, None, 64, app_name="avenue")
    with late as point, pytest.raises(Unavailable):
        records.insert(record)
    return record if point.hits == 2 else None


def is_inserted(records: Collection, record: Document) -> bool:
    try:
        records.insert(record)
    except Unavailable:  # the others are still catching up
        return False
    return True


def is_acknowledged(seller: Client, product: str, picture: bytes, key: str | None = None) -> bool:
    return seller.upload(product, picture, key).status == 200
