"""Whoever means harm: uploads made to cost a lot, and connections that are held and hardly move."""

import contextlib
import itertools
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from tests.faults.shoppers import Shop
from tests.media.test_decode_pool import ATTACKS
from tests.pictures import photo
from tests.server import BROKEN, Client, Server, images_path
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS, wait_until

DRIP_SECONDS = 0.25
SMALLEST_BUFFER = 4096
UPLOADERS = 5


@cache
def harmful_pictures() -> list[bytes]:
    return [make() for _, make, _ in ATTACKS.values()]


@dataclass(slots=True)
class Attackers:
    """What became of the attacks: how many uploads got which status, how many were held."""

    statuses: Counter[int] = field(default_factory=Counter)
    held: list[int] = field(default_factory=list)
    reopened: int = 0


class SlowConnection:
    """Sends a byte of a request now and then, or reads a little of a large answer."""

    def __init__(self, port: int, begin: bytes, drip: bytes) -> None:
        """Send `begin` at once and of `drip` a byte at a time; without one, read slowly."""
        self.port, self.begin, self.drip = port, begin, drip
        self.open()

    def open(self) -> None:
        self.socket = socket.socket()
        if not self.drip:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALLEST_BUFFER)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", self.port))
        self.socket.sendall(self.begin)
        self.socket.setblocking(False)
        self.rest = iter(self.drip)

    def move(self) -> bool:
        """Move one byte, or a little; False when the server has closed."""
        try:
            if self.drip:
                self.socket.send(bytes([next(self.rest)]))
                return bool(self.socket.recv(1, socket.MSG_PEEK))
            return bool(self.socket.recv(256))
        except BlockingIOError:
            return True
        except (OSError, StopIteration):
            return False

    def is_held(self) -> bool:
        """Whether the answer of a reader has begun; the others are from the beginning."""
        if self.drip:
            return True
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False

    def close(self) -> None:
        self.socket.close()


def slow_connections(seller: Client, shop: Shop, count: int) -> list[SlowConnection]:
    """A third of each kind: heads, bodies, readers."""
    headers, body = seller.upload_request(shop.product, photo(320, 240))
    host = f"Host: 127.0.0.1:{seller.port}"
    fields = {**seller.headers(), **headers, "Content-Length": str(len(body))}
    lines = [f"POST {images_path(shop.product)} HTTP/1.1", host]
    head = "\r\n".join([*lines, *(f"{k}: {v}" for k, v in fields.items()), "", ""]).encode()
    get = f"GET {shop.large.path} HTTP/1.1\r\n{host}\r\n\r\n".encode()
    kinds = itertools.cycle([(head[:20], head[20:]), (head + body[:100], body[100:]), (get, b"")])
    return [SlowConnection(seller.port, *next(kinds)) for _ in range(count)]


@contextlib.contextmanager
def attack(server: Server, shop: Shop, slow: int, uploads_per_second: float) -> Iterator[Attackers]:
    """Hold `slow` connections, opened again when they are closed, and upload harmful pictures.

    The block begins when all of them are held.
    """
    seller, done, stop = server.seller(), Attackers(), threading.Event()
    pictures = itertools.cycle(harmful_pictures())

    def upload(number: int) -> None:
        next_at = time.monotonic() + number / uploads_per_second
        while not stop.wait(max(0.0, next_at - time.monotonic())):
            next_at += UPLOADERS / uploads_per_second
            with contextlib.suppress(*BROKEN):
                done.statuses[seller.upload(shop.product, next(pictures)).status] += 1

    def drip() -> None:
        while not stop.wait(DRIP_SECONDS):
            moving = [each.move() for each in connections]
            done.held.append(sum(moving))
            for each, moves in zip(connections, moving, strict=True):
                if not moves:
                    each.close()
                    each.open()
                    done.reopened += 1

    with contextlib.ExitStack() as opened, Threads(1 + UPLOADERS) as threads:
        connections = slow_connections(seller, shop, slow)
        for each in connections:
            opened.callback(each.close)
        wait_until(lambda: all(each.is_held() for each in connections), "all of them are held")
        opened.callback(stop.set)
        busy = [threads.submit(drip), *(threads.submit(upload, n) for n in range(UPLOADERS))]
        yield done
        stop.set()
        for each in busy:
            each.result(DEADLINE_SECONDS)
