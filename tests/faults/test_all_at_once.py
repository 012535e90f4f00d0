"""Thousands of slow clients, and hundreds who ask for sizes that are not made yet, each kind alone
and all at once: other people notice nothing."""

import contextlib
import itertools
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.faults.test_slow_readers import reader_of
from tests.mongod import Guard
from tests.pictures import noise_png, photo
from tests.server import Client, Server, path_of
from tests.waiting import DEADLINE_SECONDS

pytestmark = [pytest.mark.alone, pytest.mark.long]

MANY = {"readers": 1000, "bodies": 1000, "heads": 1000, "sizes": 200}
PICTURES = 20
SECONDS = 20
WARM_SECONDS = 3
"""Both processes have answered each page before, as those of a deployment have."""
PAGES = ("/healthz", "/login")
HEALTH_P99_SECONDS = 0.1
OTHERS_P95_SECONDS = 0.5


def slow_of(port: int, address: str, sent: bytes) -> socket.socket:
    """A client at `address` that sends no more than `sent`, for now."""
    client = socket.socket()
    client.bind((address, 0))
    client.settimeout(60)
    client.connect(("127.0.0.1", port))
    client.sendall(sent)
    return client


HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
BODY = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4000000\r\n\r\n" + bytes(80_000)


def attack(
    kind: str, server: Server, url: str, address: str, opened: contextlib.ExitStack
) -> socket.socket | None:
    """One client of a kind; None when nobody takes it in any more."""
    request = f"GET {url} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    try:
        if kind == "readers":
            client = reader_of(url, server.port, address)
        else:
            sent = {"heads": HEAD, "bodies": BODY, "sizes": request}[kind]
            client = slow_of(server.port, address, sent)
    except OSError:
        return None
    return opened.enter_context(client)


def sizes_of(seller: Client) -> list[str]:
    """Addresses of sizes that nobody has asked for yet, of large pictures."""
    found = []
    for seed in range(PICTURES):
        picture = photo(2000, 1500, noise=False, seed=seed)
        image = seller.upload(seller.create_product(), picture).json["file"]
        sizes = [path_of(each.strip().partition(" ")[0]) for each in image["srcset"].split(",")]
        found += [
            each.replace(".webp", f".{extension}")
            for each in sizes
            for extension in ("avif", "jpg", "webp")
        ]
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("addresses", [1, 250])
@pytest.mark.parametrize("kinds", [("readers",), ("bodies",), ("heads",), ("sizes",), tuple(MANY)])
def test_other_people_are_answered_beside_thousands_of_slow_clients(
    guard: Guard, shop_uri: str, disk_folder: Path, kinds: tuple[str, ...], addresses: int
) -> None:
    disk = {"AVENUE_DISK_CACHE_MB": "1024", "AVENUE_TMP_DIR": str(disk_folder)}
    with (
        Server(guard, shop_uri, WEB_CONCURRENCY="2", **disk) as server,
        contextlib.ExitStack() as opened,
    ):
        seller = server.seller()
        product = seller.create_product()
        url = path_of(seller.upload(product, noise_png(1150, 1050)).json["url"])
        small = path_of(seller.upload(product, photo(320, 240)).json["url"])
        missing = sizes_of(seller) if "sizes" in kinds else []
        visitors = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.visitors", str(server.port), *PAGES, small],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        opened.callback(visitors.kill)
        assert visitors.stdout
        assert visitors.stdout.readline() == "there\n"
        sources = itertools.cycle(f"127.0.1.{number + 1}" for number in range(addresses))
        clients, between = [], threading.Event()
        between.wait(WARM_SECONDS)
        assert visitors.stdin
        visitors.stdin.write("now\n")
        visitors.stdin.flush()
        for kind in kinds:
            for number in range(MANY[kind]):
                asked = missing[number % len(missing)] if kind == "sizes" else url
                client = attack(kind, server, asked, next(sources), opened)
                if client:
                    clients.append((kind, client))
        ends_at = time.monotonic() + SECONDS
        while time.monotonic() < ends_at:
            for kind, client in clients:
                if kind in {"heads", "bodies"}:
                    with contextlib.suppress(OSError):
                        client.send(b"x" * (1 if kind == "heads" else 1000))
            between.wait(0.5)
        took = json.loads(visitors.communicate(timeout=DEADLINE_SECONDS)[0])
        wrong = [each for found in took.values() for each in found["wrong"]]
        others = [took[path]["seconds"] for path in ("/login", small)]
        p99 = statistics.quantiles(took["/healthz"]["seconds"], n=100)[-1]
        p95 = statistics.quantiles([*others[0], *others[1]], n=20)[-1]
        every = [each for found in took.values() for each in found["seconds"]]
        print(
            f"{'+'.join(kinds)} from {addresses}: /healthz p99 {p99 * 1000:.0f} ms, "
            f"others p95 {p95 * 1000:.0f} ms, "
            f"longest {max(every) * 1000:.0f} ms, "
            f"{len(every)} answers, {len(wrong)} wrong {wrong[:3]}",
            flush=True,
        )
        assert not wrong
        assert p99 < HEALTH_P99_SECONDS
        assert p95 < OTHERS_P95_SECONDS
