"""No member answers: what a worker has at hand is served, the rest is told to come again."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from tests.faults.crowd import kept_alive
from tests.faults.deployment import sha256
from tests.mongod import Guard, ReplicaSet, database_name
from tests.pictures import noise_png, photo
from tests.server import Answer, Client, Server, images_path, path_of, prepare
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS, wait_until

READ_SECONDS, WRITE_SECONDS = 2, 4
LATEST_SHARE = 2
"""Of its deadline, what a request may take: the way to the server and a busy machine included."""
AT_ONCE = 40
LANE_CHARACTERS = 12


def freeze_all(replica_set: ReplicaSet) -> None:
    for member in replica_set.members:
        member.freeze()


def kill_all(replica_set: ReplicaSet) -> None:
    for member in replica_set.members:
        member.kill()


@pytest.fixture
def server(guard: Guard, replica_set: ReplicaSet) -> Iterator[Server]:
    uri = replica_set.uri_of(database_name())
    prepare(uri)
    with Server(
        guard,
        uri,
        AVENUE_CACHE_SECONDS="1",  # what is at hand is past its time as soon as it gets serious
        AVENUE_READ_SECONDS=str(READ_SECONDS),
        AVENUE_WRITE_SECONDS=str(WRITE_SECONDS),
    ) as running:
        yield running


@dataclass(slots=True)
class Shop:
    """A product with two pictures: one was looked at, the other never."""

    seller: Client
    product: str = field(init=False)
    large: str = field(init=False)
    seen: Mapping[str, str] = field(init=False)
    """The hash of what is at each path."""
    unseen: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.product = self.seller.create_product()
        self.seen = {path: sha256(self.seller.get(path).body) for path in self.paths(photo())}
        self.unseen = self.paths(photo(seed=2))
        self.large = path_of(self.seller.upload(self.product, noise_png(700, 700)).json["url"])

    def paths(self, picture: bytes) -> list[str]:
        variants = self.seller.upload(self.product, picture).json["file"]["variants"]
        return [path_of(each["url"]) for each in variants.values()]

    def look_at_seen(self) -> set[str]:
        """Look at every picture at hand by the fast lane, the layer ahead of Flask, and Flask.

        Return how the ids of the first begin: all alike if the fast lane gave them.
        """
        ids = set()
        with self.seller.connection() as connection:
            for path, digest in self.seen.items():
                by_lane = kept_alive(connection, path)
                ids.add(by_lane.headers["X-Request-ID"][:LANE_CHARACTERS])
                ahead_of_flask = self.seller.request("GET", path, headers={"Accept": "*/*"})
                by_flask = self.seller.get(f"{path}?download=1")
                for answer in (by_lane, ahead_of_flask, by_flask):
                    assert (answer.status, sha256(answer.body)) == (200, digest), answer
                assert by_flask.headers["Content-Disposition"].startswith("attachment")
        return ids

    @property
    def others(self) -> Mapping[str, Callable[[], Answer]]:
        """What needs the database."""
        seller, products = self.seller, "/api/shop/products"
        login = {"email": "nobody@example.com", "password": "x" * 12}
        return {
            "a picture": lambda: seller.get(self.unseen[0]),
            "an original": lambda: seller.get(self.large),
            "a list": lambda: seller.get(products),
            "a page": lambda: seller.get("/"),
            "a product": lambda: seller.send_json("POST", products, {"name": "Bota"}),
            "a form": lambda: seller.upload(self.product, photo(seed=3)),
            "a body": lambda: seller.request(
                "POST", images_path(self.product), photo(seed=4), {"Content-Type": "image/jpeg"}
            ),
            "a sign-in": lambda: seller.send_json("POST", "/api/auth/login", login),
        }


def timed(ask: Callable[[], Answer]) -> tuple[Answer, float]:
    began_at = time.monotonic()
    return ask(), time.monotonic() - began_at


def told_in_time(
    asks: Mapping[str, Callable[[], Answer]],
    most_seconds: float,
    meanwhile: Callable[[], None] = lambda: None,
) -> bool:
    """Ask all at once; each is told to come again. Return whether all were told in time.

    A busy machine is late now and then; who waits for too long does so each time.
    """
    with Threads(len(asks)) as threads:
        asked = {what: threads.submit(timed, ask) for what, ask in asks.items()}
        meanwhile()
        told = {what: each.result(DEADLINE_SECONDS) for what, each in asked.items()}
    for what, (answer, _) in told.items():
        assert answer.status == 503, (what, answer)
        assert answer.headers["Retry-After"], what
    return all(seconds < most_seconds for _, seconds in told.values())


@pytest.mark.parametrize("go_away", [freeze_all, pytest.param(kill_all, marks=pytest.mark.long)])
def test_what_is_at_hand_is_served_while_no_member_answers(
    server: Server, replica_set: ReplicaSet, go_away: Callable[[ReplicaSet], None]
) -> None:
    shop, processes = Shop(server.seller()), server.worker_pids()
    shop.look_at_seen()

    go_away(replica_set)
    shop.look_at_seen()
    wait_until(lambda: server.status("/readyz") == 503, "the server knows")

    def others_are_served() -> None:
        # Waiting for the database takes as long each time; a busy machine stalls once.
        alive = [timed(lambda: server.client.get("/healthz"))[1] for _ in range(3)]
        assert len(shop.look_at_seen()) == 1
        assert min(alive) < READ_SECONDS

    others = shop.others
    wait_until(lambda: told_in_time(others, LATEST_SHARE * WRITE_SECONDS), "all are told in time")
    crowd = {
        f"{what} {n}": others[what] for n in range(AT_ONCE // 2) for what in ("a picture", "a list")
    }
    wait_until(
        lambda: told_in_time(crowd, LATEST_SHARE * READ_SECONDS, others_are_served),
        "a crowd is told in time",
    )
    assert server.status("/healthz") == 200

    replica_set.heal()
    server.wait_until_ready()
    shop.look_at_seen()
    for path in shop.unseen:
        assert shop.seller.get(path).status == 200
    assert shop.seller.upload(shop.product, photo(seed=5)).status == 201
    assert server.worker_pids() == processes
