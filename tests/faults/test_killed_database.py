"""MongoDB killed right after it was believed: what was acknowledged is there when it is back."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from threading import Event

import pytest

from tests.faults.deployment import CLEAN, end_leases, in_time, inspect, raw, sha256, shown, sweep
from tests.mongod import Guard, Mongod
from tests.pictures import noise_png, photo
from tests.server import BROKEN, Client, Server, path_of, prepare
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS, wait_until

UPLOADERS = 4
AT_ONCE_SECONDS = 4
"""Sooner than the usual 5 s of a read."""


@pytest.fixture
def server(guard: Guard, fresh_mongod: Mongod) -> Iterator[Server]:
    uri = fresh_mongod.uri_of("shop")
    prepare(uri)
    with Server(guard, uri, AVENUE_CACHE_SECONDS="0", AVENUE_CACHE_MB="0") as running:
        yield running


@dataclass(slots=True)
class Uploads:
    """What uploaders have sent: product and picture of each, and which were acknowledged."""

    seller: Client
    seeds: Iterator[int] = field(default_factory=itertools.count)
    sent: dict[str, bytes] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)

    def run(self, product: str) -> None:
        """Upload one picture to `product`."""
        picture = self.sent[product] = photo(96, 72, seed=next(self.seeds))
        answer = self.seller.upload(product, picture, product)
        assert answer.status in {201, 503}, answer
        if answer.status == 201:
            self.acknowledged.append(product)
        else:
            assert answer.headers["Retry-After"]


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.long)])
def test_nothing_acknowledged_is_lost_when_mongod_is_killed(
    server: Server, fresh_mongod: Mongod, rounds: int
) -> None:
    uploads = Uploads(server.seller())
    processes = server.worker_pids()
    for number in range(1, rounds + 1):
        before = set(uploads.acknowledged)
        upload_and_kill_mongod(uploads, server, fresh_mongod, acknowledgements=3 + number % 5)
        database = raw(fresh_mongod.client, server.uri)
        for product in set(uploads.acknowledged) - before:
            assert shown(uploads.seller, product) == [sha256(uploads.sent[product])]
    end_leases(database)
    for product, picture in uploads.sent.items():
        assert uploads.seller.upload(product, picture, product).status in {200, 201}
        assert shown(uploads.seller, product) == [sha256(picture)]
    sweep(server.uri)
    deployment = inspect(database)
    assert (deployment.claimed, deployment.stray, deployment.damage) == (
        len(uploads.sent),
        CLEAN,
        (),
    )
    assert server.worker_pids() == processes


def upload_and_kill_mongod(
    uploads: Uploads, server: Server, mongod: Mongod, *, acknowledgements: int
) -> None:
    """Kill mongod after so many acknowledgements, and bring it back while uploads wait for it."""
    enough, wanted = Event(), len(uploads.acknowledged) + acknowledgements
    products = [[uploads.seller.create_product() for _ in range(8)] for _ in range(UPLOADERS)]

    def upload_all(mine: list[str]) -> None:
        for product in mine:
            if enough.is_set():
                return
            uploads.run(product)

    with Threads(UPLOADERS) as threads:
        running = [threads.submit(upload_all, mine) for mine in products]
        wait_until(lambda: len(uploads.acknowledged) >= wanted, "uploads are acknowledged")
        mongod.kill()
        enough.set()
        assert in_time(partial(server.status, "/readyz"), AT_ONCE_SECONDS) == 503
        assert server.status("/healthz") == 200
        mongod.restart()
        server.wait_until_ready()
        for each in running:
            each.result(DEADLINE_SECONDS)


def test_a_download_that_cannot_go_on_is_cut_and_never_looks_complete(
    guard: Guard, fresh_mongod: Mongod
) -> None:
    uri = fresh_mongod.uri_of("shop")
    prepare(uri)
    env = {"AVENUE_READ_SECONDS": "3", "AVENUE_MAX_PRODUCT_IMAGE_MB": "25"}
    with Server(guard, uri, **env) as server:
        seller = server.seller()
        picture = noise_png(2_640, 2_520)  # 19 MB, more than the kernel holds on its way
        path = path_of(seller.upload(seller.create_product(), picture).json["url"])
        with seller.connection() as connection:
            connection.request("GET", path, headers=seller.headers())
            response = connection.getresponse()
            came = response.read(1_000_000)

            fresh_mongod.kill()

            with pytest.raises(BROKEN):
                response.read()
        assert int(response.headers["Content-Length"]) == len(picture)
        assert picture.startswith(came)
        assert server.status("/healthz") == 200
