"""What happens to a primary, and how everybody fares meanwhile; for tests of three members."""

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from pymongo.read_concern import ReadConcern

from tests.faults.crowd import Crowd, crowd_around, upload
from tests.faults.deployment import CLEAN, end_leases, inspect, raw, sha256, shown, sweep
from tests.mongod import Guard, Mongod, ReplicaSet, database_name
from tests.pictures import noise_png, photo
from tests.server import Client, Server, path_of, prepare
from tests.waiting import wait_until

READ_SECONDS, WRITE_SECONDS = 5, 15
LATEST_SHARE = 2
"""Of its deadline, what a request may take: the way to the server and a busy machine included."""
HEALTHY_SECONDS = 25
EVENTS: dict[str, Callable[[Mongod], None]] = {
    "step-down": Mongod.step_down,
    "SIGTERM": Mongod.terminate,
    "SIGKILL": Mongod.kill,
    "freeze": Mongod.freeze,
}


@contextmanager
def shop_on(guard: Guard, replica_set: ReplicaSet) -> Iterator[Server]:
    """Open a shop that believes what it knows for one second, so that it asks all the time."""
    uri = replica_set.uri_of(database_name())
    prepare(uri)
    with Server(
        guard,
        uri,
        AVENUE_MAX_PRODUCT_IMAGE_MB="25",
        AVENUE_CACHE_SECONDS="1",
        AVENUE_READ_SECONDS=str(READ_SECONDS),
        AVENUE_WRITE_SECONDS=str(WRITE_SECONDS),
    ) as running:
        yield running


def rounds(server: Server, replica_set: ReplicaSet, event: str, count: int) -> Iterator[str]:
    """Let `event` happen to the primary `count` times; yield each round in figures, then judge."""
    shop = Shop.opened_at(server)
    processes = server.worker_pids()
    for _ in range(count):
        primary = replica_set.wait_until_healthy()
        with crowd_around(shop.crowd()) as crowd:
            began_at = time.monotonic()
            EVENTS[event](primary)
            crowd.event.set()
            seconds = seconds_until_healthy(server, shop.seller, began_at)
            replica_set.thaw()
        yield json.dumps(summary(crowd, seconds))
        replica_set.heal()
        assert seconds < HEALTHY_SECONDS
        assert_everybody_was_served(crowd)
        assert "fast_lane" in server.log.read_text()
        assert_nothing_was_lost(crowd, server, replica_set)
    assert server.worker_pids() == processes


@dataclass(frozen=True, slots=True)
class Shop:
    """What there is before anything happens: a large picture, and some that are at hand."""

    seller: Client
    large: bytes
    large_path: str
    cached: dict[str, str]

    @classmethod
    def opened_at(cls, server: Server) -> Self:
        """Upload them, and look at the small ones."""
        seller = server.seller()
        large = noise_png(2_640, 2_520)
        uploaded = seller.upload(seller.create_product(), large).json
        paths = [path_of(each["url"]) for each in uploaded["file"]["variants"].values()]
        return cls(
            seller,
            large,
            path_of(uploaded["url"]),
            {path: sha256(seller.get(path).body) for path in paths},
        )

    def crowd(self) -> Crowd:
        """People who know it."""
        seconds = (READ_SECONDS, WRITE_SECONDS)
        return Crowd(self.seller, *seconds, self.large, self.large_path, self.cached)


def seconds_until_healthy(server: Server, seller: Client, began_at: float) -> float:
    """Return when `/readyz` was 200 and an upload that began after the event was acknowledged."""
    seeds = itertools.count(10**6)

    def is_healthy() -> bool:
        if server.status("/readyz") != 200:
            return False
        created = seller.send_json("POST", "/api/shop/products", {"name": "Bota"})
        if created.status != 201:
            return False
        picture = photo(96, 72, seed=next(seeds))
        return seller.upload(created.json["id"], picture).status == 201

    wait_until(is_healthy, "an upload is acknowledged after the event")
    return time.monotonic() - began_at


def summary(crowd: Crowd, seconds: float) -> dict[str, object]:
    """What a round was like, in figures."""
    slowest = {each.what: each for each in sorted(crowd.asked, key=lambda each: each.share)}
    return {
        "healthy_seconds": round(seconds, 2),
        "asked": dict(Counter(f"{each.what} {each.status}" for each in crowd.asked)),
        "slowest": {what: round(each.seconds, 2) for what, each in slowest.items()},
        "slowest_share": {what: round(each.share, 2) for what, each in slowest.items()},
        "bodies": len(crowd.bodies),
        "cut": sum(not each.whole for each in crowd.bodies),
        "longest_pause": round(max(each.longest_pause_seconds for each in crowd.bodies), 2),
        "acknowledged": len(crowd.acknowledged),
    }


def assert_everybody_was_served(crowd: Crowd) -> None:
    """What was at hand always was, the rest or a 503, all in time, and no body was cut."""
    assert {each.status for each in crowd.asked if each.what == "cached"} == {200}
    # 409: the same upload as one whose 503 has just been seen is still being given up.
    assert {each.status for each in crowd.asked} <= {200, 201, 206, 409, 503}
    assert all(each.retry_after for each in crowd.asked if each.status == 503)
    assert all(each.intact for each in crowd.asked)
    assert [each for each in crowd.asked if each.share >= LATEST_SHARE] == []
    assert [each for each in crowd.bodies if not each.whole or not each.intact] == []


def assert_nothing_was_lost(crowd: Crowd, server: Server, replica_set: ReplicaSet) -> None:
    """Look at what a majority has, before and after everybody has sent the rest again."""
    database = raw(replica_set.client, server.uri)
    for sent in crowd.acknowledged:
        assert shown(crowd.seller, sent.product) == [sha256(sent.picture)]
    end_leases(database)
    for sent in crowd.sent:
        assert upload(crowd.seller, sent).status in {200, 201}
        assert shown(crowd.seller, sent.product) == [sha256(sent.picture)]
    sweep(server.uri)
    deployment = inspect(database.with_options(read_concern=ReadConcern("majority")))
    assert (deployment.stray, deployment.damage) == (CLEAN, ())
