"""Three members, of which the primary dies or steps down while pictures come and go."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import pytest

from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.storage.connection import Database
from avenue.storage.schema import DEFAULT_SITE
from avenue.storage.scope import site
from tests.faults.house import CLEAN, end_leases, inspect, raw, sha256, shown, sweep
from tests.mongod import Guard, ReplicaSet, database_name, fail_point, wait_until
from tests.pictures import noise_png, photo
from tests.server import BROKEN, Answer, Client, Server, path_of, prepare

UPLOADERS = 3
ENOUGH_UPLOADS = 10
PIECE_BYTES = 64 * 1024


@pytest.fixture
def server(guard: Guard, replica_set: ReplicaSet) -> Iterator[Server]:
    uri = replica_set.uri_of(database_name())
    prepare(uri)
    with Server(
        guard,
        uri,
        AVENUE_MAX_PRODUCT_IMAGE_MB="25",
        AVENUE_CACHE_SECONDS="0",
        AVENUE_CACHE_MB="0",
    ) as running:
        yield running


@dataclass(slots=True)
class Traffic:
    """People who upload and look on and on; every answer is kept."""

    seller: Client
    stop: threading.Event = field(default_factory=threading.Event)
    seeds: Iterator[int] = field(default_factory=itertools.count)
    sent: dict[str, bytes] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def run(self) -> None:
        while not self.stop.is_set():
            created = self.keep(
                self.seller.send_json("POST", "/api/shop/products", {"name": "Zapato"})
            )
            if created.status == 201:
                self.upload(created.json["id"])

    def upload(self, product: str) -> None:
        picture = self.sent[product] = photo(96, 72, seed=next(self.seeds))
        answer = self.keep(self.seller.upload(product, picture, product))
        if answer.status == 201:
            self.acknowledged.append(product)
            self.keep(self.seller.get(path_of(answer.json["url"])))

    def keep(self, answer: Answer) -> Answer:
        self.answers.append(answer)
        return answer


@contextmanager
def traffic_around(seller: Client) -> Iterator[Traffic]:
    """People come and go before, while and after what happens inside."""
    traffic = Traffic(seller)
    with ThreadPoolExecutor(UPLOADERS) as threads:
        people = [threads.submit(traffic.run) for _ in range(UPLOADERS)]
        try:
            wait_for_more(traffic, people)
            yield traffic
            wait_for_more(traffic, people)
        finally:
            traffic.stop.set()
        for each in people:
            each.result()


def wait_for_more(traffic: Traffic, people: list[Future[None]]) -> None:
    wanted = len(traffic.acknowledged) + ENOUGH_UPLOADS
    wait_until(
        lambda: len(traffic.acknowledged) >= wanted or any(each.done() for each in people),
        "uploads are acknowledged",
    )


def assert_nothing_was_lost(traffic: Traffic, server: Server, replica_set: ReplicaSet) -> None:
    assert {each.status for each in traffic.answers} <= {200, 201, 503}
    assert all(each.headers["Retry-After"] for each in traffic.answers if each.status == 503)
    for product in traffic.acknowledged:
        assert shown(traffic.seller, product) == [sha256(traffic.sent[product])]
    database = raw(replica_set.client, server.uri)
    end_leases(database)
    for product, picture in traffic.sent.items():
        assert traffic.seller.upload(product, picture, product).status in {200, 201}
        assert shown(traffic.seller, product) == [sha256(picture)]
    sweep(server.uri)
    house = inspect(database)
    assert (house.stray, house.damage) == (CLEAN, ())


def slow_download(
    seller: Client, path: str, some_came: threading.Event, go_on: threading.Event
) -> tuple[int, bytes]:
    """Read a part, wait for `go_on`, read the rest; return the declared length and what came."""
    came = b""
    with seller.connection() as connection:
        connection.request("GET", path, headers=seller.headers())
        response = connection.getresponse()
        declared = int(response.headers["Content-Length"])
        try:
            while piece := response.read(PIECE_BYTES):
                came += piece
                if len(came) > 3_000_000 and not some_came.is_set():
                    some_came.set()
                    go_on.wait(60)
        except BROKEN:
            pass
    return declared, came


@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.long)])
def test_a_primary_killed_amid_uploads_and_a_large_download_loses_nothing(
    server: Server, replica_set: ReplicaSet, rounds: int
) -> None:
    seller = server.seller()
    large = noise_png(2_640, 2_520)
    answer = seller.upload(seller.create_product(), large)
    assert answer.status == 201, answer
    path = path_of(answer.json["url"])
    processes = server.worker_pids()
    for _ in range(rounds):
        some_came, go_on = threading.Event(), threading.Event()
        with traffic_around(seller) as traffic, ThreadPoolExecutor(1) as reader:
            download = reader.submit(slow_download, seller, path, some_came, go_on)
            assert some_came.wait(60)
            replica_set.kill_primary()
            go_on.set()
            declared, came = download.result()
        replica_set.heal()
        assert declared == len(large)
        # Fewer bytes than declared are an aborted connection to every client.
        assert large.startswith(came)
        assert_nothing_was_lost(traffic, server, replica_set)
    assert server.worker_pids() == processes


@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.long)])
def test_a_primary_that_steps_down_fails_no_request(
    server: Server, replica_set: ReplicaSet, rounds: int
) -> None:
    seller = server.seller()
    for _ in range(rounds):
        with traffic_around(seller) as traffic:
            replica_set.step_down()
            replica_set.wait_for_primary()
        assert_nothing_was_lost(traffic, server, replica_set)
        replica_set.wait_until_healthy()


@contextmanager
def secondaries_cut_off(replica_set: ReplicaSet) -> Iterator[None]:
    """The secondaries are up and vote, and get nothing of what is written."""
    primary = replica_set.wait_until_healthy()
    others = [each for each in replica_set.members if each is not primary]
    point = {"configureFailPoint": "stopReplProducer"}
    for each in others:
        each.direct.admin.command({**point, "mode": "alwaysOn"})
    try:
        yield
    finally:
        for each in others:
            each.direct.admin.command({**point, "mode": "off"})


def test_what_only_the_primary_has_is_not_acknowledged_when_it_is_found_again(
    replica_set: ReplicaSet,
) -> None:
    """The second insert is told "duplicate key", and the driver drops what is said beside it."""
    uri = replica_set.uri_of(database_name())
    prepare(uri)
    late = fail_point(replica_set.client, ["insert"], None, None, 64, app_name="avenue")
    with closing(Database(Settings(mongodb_uri=uri, local=True, write_seconds=2))) as database:
        products = site(database, DEFAULT_SITE).collection("shop_products")
        product = {"_id": "one", "name": "Zapato"}
        with secondaries_cut_off(replica_set), late as point, pytest.raises(Unavailable):
            products.insert(product)
        assert point.hits == 2

        products.insert(product)
