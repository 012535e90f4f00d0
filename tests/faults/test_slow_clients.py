"""Two hundred slow connections at the real application: the others notice nothing."""

import contextlib
import socket
import statistics
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.deployment import sha256
from tests.mongod import Guard
from tests.pictures import photo
from tests.server import Client, Server, images_path, path_of
from tests.threads import Threads, joined

pytestmark = pytest.mark.alone

SLOW_HEADS = SLOW_BODIES = 100
READERS = 4
P95_SECONDS = 0.5
MOST_TIMES_SLOWER = 2
"""Than without them, where a busy machine takes longer anyhow."""


@pytest.fixture
def server(guard: Guard, shop_uri: str) -> Iterator[Server]:
    with Server(guard, shop_uri) as running:
        yield running


@contextlib.contextmanager
def slow_clients(seller: Client, product: str) -> Iterator[list[socket.socket]]:
    """Connections that send a byte now and then: of a head, or of an upload's body."""
    headers, body = seller.upload_request(product, photo(64, 48))
    lines = [f"POST {images_path(product)} HTTP/1.1", "Host: 127.0.0.1"]
    fields = {**seller.headers(), **headers, "Content-Length": str(len(body))}
    head = "\r\n".join([*lines, *(f"{k}: {v}" for k, v in fields.items()), "", ""]).encode()
    stop = threading.Event()
    with contextlib.ExitStack() as opened:
        clients = []
        for number in range(SLOW_HEADS + SLOW_BODIES):
            client = socket.create_connection(("127.0.0.1", seller.port), timeout=10)
            opened.enter_context(client)
            client.sendall(head[:20] if number < SLOW_HEADS else head + body[:100])
            clients.append(client)

        def drip() -> None:
            at = 20
            while not stop.wait(0.5):
                at += 1
                for client in clients[:SLOW_HEADS]:
                    client.sendall(head[at : at + 1])
                for client in clients[SLOW_HEADS:]:
                    client.sendall(body[at + 80 : at + 81])

        dripping = threading.Thread(target=drip, daemon=True)
        dripping.start()
        yield clients
        stop.set()
        joined(dripping)


def still_waiting(client: socket.socket) -> bool:
    """Whether the server has neither answered nor closed."""
    client.setblocking(False)
    try:
        client.recv(1)
    except BlockingIOError:
        return True
    else:
        return False


@pytest.mark.parametrize("seconds", [4, pytest.param(12, marks=pytest.mark.long)])
def test_two_hundred_slow_connections_do_not_keep_good_requests_waiting(
    server: Server, seconds: int
) -> None:
    seller = server.seller()
    product = seller.create_product()
    picture = photo(320, 240)
    url = path_of(seller.upload(product, picture).json["url"])
    took: list[float] = []

    def ask_on(number: int) -> None:
        ends_at = time.monotonic() + seconds / 2
        while (began_at := time.monotonic()) < ends_at:
            if number % 2:
                assert sha256(seller.get(url).body) == sha256(picture)
            else:
                assert len(seller.product(product)["images"]) == 1
            took.append(time.monotonic() - began_at)

    def p95() -> float:
        took.clear()
        with Threads(READERS) as threads:
            list(threads.map(ask_on, range(READERS)))
        return statistics.quantiles(took, n=20)[-1]

    calm = p95()
    with slow_clients(seller, product) as clients:
        beside_them = p95()
        waiting = sum(still_waiting(each) for each in clients)

    assert waiting == SLOW_HEADS + SLOW_BODIES
    assert beside_them < max(P95_SECONDS, MOST_TIMES_SLOWER * calm)
