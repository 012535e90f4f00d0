"""A busy shop for a long time, and a busy shop under attack: nothing grows, nobody waits."""

import contextlib
import statistics
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import psutil
import pytest

from tests.faults.attackers import attack
from tests.faults.deployment import CLEAN, Raw, inspect, raw
from tests.faults.shoppers import EVERYTHING, GOOD, Crowd, Person, Shop, open_shop
from tests.mongod import Guard, Mongod
from tests.server import Server, prepare
from tests.waiting import let_pass

pytestmark = pytest.mark.alone

PEOPLE = 6
ACTS_PER_SECOND = 10
CACHE_MB = 8
ATTACKS_PER_SECOND = 5
SLOW_CONNECTIONS = 200
MOST_TIMES_SLOWER = 2
SAMPLES = 20
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """A server with two workers, a shop in it, and people who use it."""

    server: Server
    mongod: Mongod
    database: Raw
    shop: Shop
    people: list[Person]


@pytest.fixture(scope="module")
def busy(guard: Guard, mongod_binary: Path) -> Iterator[Busy]:
    with contextlib.ExitStack() as stack:
        mongod = stack.enter_context(Mongod(mongod_binary, guard))
        uri = mongod.uri_of("busy")
        prepare(uri)
        server = stack.enter_context(
            Server(
                guard,
                uri,
                WEB_CONCURRENCY="2",
                AVENUE_CACHE_MB=str(CACHE_MB),
                AVENUE_MAX_PRODUCT_IMAGE_MB="25",
            )
        )
        seller, database = server.seller(), raw(mongod.client, uri)
        shop = open_shop(seller, database)
        people = [Person(shop, server, seller, seed) for seed in range(PEOPLE)]
        for person in people:
            stack.callback(person.go)
        for person in people[:1]:  # each kind once, or its first time would look like growth
            for act in EVERYTHING:
                act(person)
        yield Busy(server=server, mongod=mongod, database=database, shop=shop, people=people)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a server holds: bytes of its web and decode processes, and what else may leak."""

    worker_bytes: float
    decoder_bytes: float
    connections: float
    files: float
    threads: float


SLACK = Held(worker_bytes=12 * MIB, decoder_bytes=12 * MIB, connections=4, files=8, threads=2)
"""What may be between two medians of a server that holds the same."""


def held(busy: Busy) -> Held:
    workers = [psutil.Process(pid) for pid in busy.server.worker_pids()]
    processes = [*workers, *(child for worker in workers for child in worker.children())]
    status = busy.mongod.client.admin.command("serverStatus")
    worker_bytes = sum(each.memory_info().rss for each in workers)
    return Held(
        worker_bytes=worker_bytes,
        decoder_bytes=sum(each.memory_info().rss for each in processes) - worker_bytes,
        connections=status["connections"]["current"],
        files=sum(each.num_fds() for each in processes),
        threads=sum(each.num_threads() for each in processes),
    )


def usually_held(busy: Busy, seconds: float) -> Held:
    """The medians over `seconds`."""
    seen = []
    for _ in range(SAMPLES):
        seen.append(astuple(held(busy)))
        let_pass(seconds / SAMPLES)
    names = [each.name for each in fields(Held)]
    return Held(**dict(zip(names, map(statistics.median, zip(*seen, strict=True)), strict=True)))


@pytest.mark.parametrize(
    ("part_seconds", "parts"),
    [
        pytest.param(1.0, 3, id="3 seconds", marks=pytest.mark.long),
        pytest.param(60.0, 10, id="10 minutes", marks=pytest.mark.long),
    ],
)
def test_a_busy_server_holds_no_more_at_the_end_than_near_the_beginning(
    busy: Busy, part_seconds: float, parts: int
) -> None:
    workers = busy.server.worker_pids()
    crowd = Crowd(busy.people, EVERYTHING, ACTS_PER_SECOND)

    with crowd.around():
        seen = [usually_held(busy, part_seconds) for _ in range(parts)]

    assert crowd.failures == []
    for name, before, after, slack in zip(
        Held.__slots__, astuple(seen[1]), astuple(seen[-1]), astuple(SLACK), strict=True
    ):
        assert after - before <= slack, name
    assert busy.server.worker_pids() == workers
    deployment = inspect(busy.database)
    assert (deployment.stray, deployment.damage) == (CLEAN, ())


@pytest.mark.parametrize(
    ("seconds", "rounds", "typical"),
    [
        # In a short one: what keeps people waiting does so in every round, a busy machine in one.
        pytest.param(1.0, 2, min, id="4 seconds", marks=pytest.mark.long),
        pytest.param(20.0, 5, statistics.median, id="3 minutes", marks=pytest.mark.long),
    ],
)
def test_attacks_and_slow_connections_hardly_slow_good_requests_down(
    busy: Busy, seconds: float, rounds: int, typical: Callable[[list[float]], float]
) -> None:
    ratios = []
    for _ in range(rounds):
        calm, attacked = (Crowd(busy.people, GOOD, ACTS_PER_SECOND) for _ in range(2))
        with calm.around():
            let_pass(seconds)
        attacks = attack(busy.server, busy.shop, SLOW_CONNECTIONS, ATTACKS_PER_SECOND)
        with attacks as attackers, attacked.around():
            let_pass(seconds)
        assert calm.failures == attacked.failures == []
        assert max(attackers.held) == SLOW_CONNECTIONS
        assert attackers.statuses.keys() <= {415, 422, 503}
        ratios.append(attacked.p95() / calm.p95())

    assert typical(ratios) <= MOST_TIMES_SLOWER, ratios
    deployment = inspect(busy.database)
    assert (deployment.stray, deployment.damage) == (CLEAN, ())
