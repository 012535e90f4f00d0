"""Two load generators with the same face: wrk where it is installed, else one written here.

Both keep their connections, ask for the next picture as soon as they have the last one, and share
the cores with what they measure. wrk takes about 6 µs of a core for a small answer, ours 30.
"""

import re
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Protocol

LUA = Path(__file__).parent / "wrk.lua"
SPARE_SECONDS = 30

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to ask of whom: `order` numbers `requests`, and is gone through again and again."""

    port: int
    requests: Sequence[bytes]
    order: Sequence[int]
    connections: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round of load gave; `answers` does not have the `failures` in it."""

    answers: int
    failures: int
    seconds: float
    p50_ms: float
    p99_ms: float
    bytes: int

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    @property
    def bytes_each(self) -> float:
        """Bytes of an answer, head included, as they came in the middle."""
        return self.bytes / max(1, self.answers)


class Generator(Protocol):
    """Who makes the load."""

    name: str

    def run(self, load: Load) -> Round:
        """Ask for `load.seconds` and tell what came."""


def generator(seconds: float) -> Generator:
    """Return wrk when it is here and can do rounds of `seconds` (whole ones), else our own."""
    return Wrk() if shutil.which("wrk") and seconds == int(seconds) else PythonLoad()


class Wrk:
    """Debian's `wrk`, two threads."""

    name = "wrk -t2"

    def run(self, load: Load) -> Round:
        """Ask for `load.seconds` and tell what came."""
        with tempfile.NamedTemporaryFile(prefix="avenue-bench-") as file:
            numbers = " ".join(map(str, load.order)).encode()
            count = str(len(load.requests)).encode()
            for entry in (count, *load.requests, numbers):
                file.write(b"%d\n%s" % (len(entry), entry))
            file.flush()
            command = [
                *("wrk", "-t2", f"-c{load.connections}", f"-d{int(load.seconds)}s", "--latency"),
                *("--timeout", "10s", "-s", str(LUA), f"http://127.0.0.1:{load.port}/"),
                *("--", file.name),
            ]
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=True,
                timeout=load.seconds + SPARE_SECONDS,
            )
        found = re.search(
            r"^RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$", done.stdout, re.MULTILINE
        )
        assert found, done.stdout + done.stderr
        answers, micros, p50, p99, size, failures = map(int, found.groups())
        return Round(
            answers=answers,
            failures=failures,
            seconds=micros / 1_000_000,
            p50_ms=p50 / 1000,
            p99_ms=p99 / 1000,
            bytes=size,
        )


@dataclass(slots=True)
class _Asking:
    """One connection: when it asked, and how much of the answer is still to come."""

    connection: socket.socket
    asked_at: float = 0.0
    left: int | None = None
    head: bytearray = field(default_factory=bytearray)


class PythonLoad:
    """One thread, one poller."""

    name = "bench/load.py"

    def run(self, load: Load) -> Round:
        """Ask for `load.seconds` and tell what came; raise `AssertionError` for a hang-up."""
        upcoming = cycle(load.order)
        counts = {"bytes": 0, "failures": 0}
        latencies: list[float] = []
        buffer = bytearray(256 * 1024)
        with selectors.DefaultSelector() as selector:
            for each in _connections(load):
                selector.register(each.connection, selectors.EVENT_READ, each)
                _ask(each, load.requests[next(upcoming)])
            begun_at = time.perf_counter()
            while not latencies or time.perf_counter() - begun_at < load.seconds:
                for key, _ in selector.select(load.seconds):
                    asking: _Asking = key.data
                    if _receive(asking, buffer, counts):
                        latencies.append(time.perf_counter() - asking.asked_at)
                        _ask(asking, load.requests[next(upcoming)])
            took = time.perf_counter() - begun_at
            for key in list(selector.get_map().values()):
                key.data.connection.close()
        return Round(
            answers=len(latencies) - counts["failures"],
            failures=counts["failures"],
            seconds=took,
            p50_ms=percentile(latencies, 0.50) * 1000,
            p99_ms=percentile(latencies, 0.99) * 1000,
            bytes=counts["bytes"],
        )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of `values` do not exceed; inf for none."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))] if ranked else float("inf")


def _connections(load: Load) -> Iterator[_Asking]:
    for _ in range(load.connections):
        connection = socket.create_connection(("127.0.0.1", load.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield _Asking(connection)


def _ask(asking: _Asking, request: bytes) -> None:
    asking.left = None
    asking.head.clear()
    asking.asked_at = time.perf_counter()
    asking.connection.sendall(request)


def _receive(asking: _Asking, buffer: bytearray, counts: dict[str, int]) -> bool:
    """Take what came; return whether the answer is whole."""
    got = asking.connection.recv_into(buffer)
    assert got, "the server closed a connection"
    counts["bytes"] += got
    if asking.left is None:
        asking.head += memoryview(buffer)[:got]
        end = asking.head.find(b"\r\n\r\n") + 4
        if end < 4:
            return False
        status, length = read_head(bytes(asking.head[:end]))
        counts["failures"] += status >= 400
        asking.left = end + length - len(asking.head)
    else:
        asking.left -= got
    return asking.left == 0


def read_head(head: bytes) -> tuple[int, int]:
    """Return the status and the length of the body that follows a head."""
    status = _STATUS.match(head)
    assert status, head
    length = _LENGTH.search(head)
    if status[1] in {b"304", b"204"}:
        return int(status[1]), 0
    assert length, head
    return int(status[1]), int(length[1])


def in_turn(count: int) -> list[int]:
    """Return an order in which each of `count` comes once."""
    return list(islice(range(count), count))
