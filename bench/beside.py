"""Rows that are about what happens beside: slow readers, uploads, large files at once.

Thumbs are asked for at a steady pace, as visitors do, whether answers come or not; a latency
counts from when the request was due. Everything beside runs in a process of its own.
"""

import http.client
import json
import selectors
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Event

from bench import processes
from bench.load import percentile, read_head
from bench.stock import HEAVY, LARGE, THUMB, Stock
from bench.targets import Target

SLOW_READERS = 40
SLOW_BYTES_PER_SECOND = 20_000
SLOW_BUFFER_BYTES = 8192
SLICE_SECONDS = 0.1

PACE_PER_SECOND = 150
PACE_CONNECTIONS = 8
PATIENCE_SECONDS = 3
BEGIN_SECONDS = 1
START_SECONDS = 60

UPLOADS = 2
DOWNLOADS = 10
SAMPLE_SECONDS = 0.01

SPAWN = get_context("spawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """What became of requests at a steady pace."""

    answers: int
    failures: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """What a server took on top for large files at once, MiB: its greediest process, and all."""

    process_mb: float
    server_mb: float


def thumbs_at_a_pace(target: Target, stock: Stock, seconds: float) -> Paced:
    """Ask for one thumb 150 times a second over 8 connections."""
    asked = target.request(stock.files[THUMB][0])
    length = len(stock.files[THUMB][0].body)
    begun_at = time.perf_counter() + 0.05

    def lane(number: int) -> list[float | None]:
        due = (begun_at + (n * PACE_CONNECTIONS + number) / PACE_PER_SECOND for n in range(10**9))
        return list(_one_lane(target.port, asked, length, due, begun_at + seconds))

    with ThreadPoolExecutor(PACE_CONNECTIONS) as pool:
        every = [each for lane in pool.map(lane, range(PACE_CONNECTIONS)) for each in lane]
    latencies = [each for each in every if each is not None]
    return Paced(
        answers=len(latencies),
        failures=len(every) - len(latencies),
        p50_ms=percentile(latencies, 0.5) * 1000,
        p99_ms=percentile(latencies, 0.99) * 1000,
    )


def _one_lane(
    port: int, asked: bytes, length: int, due: Iterator[float], ends_at: float
) -> Iterator[float | None]:
    """Yield the latency of each request, one at least, None for one that failed."""
    connection: socket.socket | None = None
    for number, at in enumerate(due):
        now = time.perf_counter()
        if number and max(at, now) >= ends_at:
            break
        time.sleep(max(0.0, at - now))
        try:
            connection = connection or socket.create_connection(
                ("127.0.0.1", port), PATIENCE_SECONDS
            )
            connection.sendall(asked)
            _receive_whole(connection, length)
            yield time.perf_counter() - at
        except (OSError, AssertionError):
            if connection is not None:
                connection.close()
            connection = None
            yield None
    if connection is not None:
        connection.close()


def _receive_whole(connection: socket.socket, length: int) -> None:
    received = b""
    while (end := received.find(b"\r\n\r\n") + 4) < 4 or len(received) < end + length:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionResetError
        received += piece
    assert read_head(received[:end]) == (200, length)


# Slow readers


@contextmanager
def slow_readers(target: Target, stock: Stock) -> Iterator[None]:
    """Let 40 clients read a picture of 3.7 MB at 20 KB/s until the block ends."""
    asked = target.request(stock.files[HEAVY][0])
    with _beside(_read_slowly, target.port, asked):
        yield


def _read_slowly(begun: Event, stop: Event, port: int, asked: bytes) -> int:
    with selectors.DefaultSelector() as selector:
        for _ in range(SLOW_READERS):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER_BYTES)
            connection.connect(("127.0.0.1", port))
            connection.sendall(asked)
            selector.register(connection, selectors.EVENT_READ)
        begun.set()
        size = int(SLOW_BYTES_PER_SECOND * SLICE_SECONDS)
        while not stop.wait(SLICE_SECONDS):
            for key, _ in selector.select(0):
                with _gone_is_gone(selector, key):
                    if not key.fileobj.recv(size):
                        raise ConnectionResetError
    return 0


@contextmanager
def _gone_is_gone(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> Iterator[None]:
    try:
        yield
    except OSError:
        selector.unregister(key.fileobj)
        key.fileobj.close()


# Uploads


@contextmanager
def uploads(target: Target, token: str, picture: bytes, done: list[int]) -> Iterator[None]:
    """Keep two uploads of `picture` in flight until the block ends.

    Appends to `done` how many were answered.
    """
    with _beside(_upload_all_the_time, target.port, token, picture, results=done):
        yield


def _upload_all_the_time(begun: Event, stop: Event, port: int, token: str, picture: bytes) -> int:
    def one_after_the_other(_: int) -> int:
        count = 0
        begun.set()
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            while not stop.is_set():
                product = _post(
                    connection, "/api/shop/products", token, "application/json", b'{"name": "b"}'
                )
                path = f"/api/shop/products/{product['id']}/images?name=b.jpg"
                _post(connection, path, token, "image/jpeg", picture)
                count += 1
        return count

    with ThreadPoolExecutor(UPLOADS) as pool:
        return sum(pool.map(one_after_the_other, range(UPLOADS)))


def _post(
    connection: http.client.HTTPConnection, path: str, token: str, media_type: str, body: bytes
) -> dict:
    headers = {"Content-Type": media_type, "Authorization": f"Bearer {token}"}
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status == 201, (answer.status, said[:500])
    return json.loads(said)


# Large files


def grown_by_downloads(target: Target, stock: Stock) -> Grown:
    """Download ten originals of 19 MB at once, as fast as they come, and watch the memory."""
    file = stock.files[LARGE][0]
    asked = target.request(file)
    before = _memory(target)
    most_of_one, most_of_all = 0.0, 0.0
    with SPAWN.Pool(1) as pool:
        downloading = pool.apply_async(_download, (target.port, asked, len(file.body)))
        while not downloading.ready():
            downloading.wait(SAMPLE_SECONDS)
            now = _memory(target)
            grown = [mb - before.get(pid, 0.0) for pid, mb in now.items()]
            most_of_one = max(most_of_one, *grown)
            most_of_all = max(most_of_all, sum(grown))
        downloading.get()
    return Grown(process_mb=most_of_one, server_mb=most_of_all)


def _memory(target: Target) -> dict[int, float]:
    every = (process for root in target.roots for process in processes.tree(root))
    return {process.pid: processes.pss_mb(process) for process in every}


def _download(port: int, asked: bytes, length: int) -> None:
    with ThreadPoolExecutor(DOWNLOADS) as pool:
        list(pool.map(lambda _: _download_one(port, asked, length), range(DOWNLOADS)))


def _download_one(port: int, asked: bytes, length: int) -> None:
    buffer = bytearray(1024 * 1024)
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(asked)
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        head, _, body = head.partition(b"\r\n\r\n")
        assert read_head(head + b"\r\n\r\n") == (200, length)
        left = length - len(body)
        while left:
            got = connection.recv_into(buffer)
            assert got, "cut off"
            left -= got


# A process beside


@contextmanager
def _beside(
    work: Callable[..., int], *arguments: object, results: list[int] | None = None
) -> Iterator[None]:
    """Run `work(begun, stop, …)` in a process of its own until the block ends.

    The block begins a moment after the work has.
    """
    with SPAWN.Manager() as manager, SPAWN.Pool(1) as pool:
        begun, stop = manager.Event(), manager.Event()
        working = pool.apply_async(work, (begun, stop, *arguments))
        try:
            assert begun.wait(START_SECONDS), "what should happen beside does not begin"
            time.sleep(BEGIN_SECONDS)
            yield
        finally:
            stop.set()
        result = working.get(120)
        if results is not None:
            results.append(result)


def median_of(paced: Sequence[Paced]) -> Paced:
    """Return the medians of rounds; their answers and failures are added up."""
    return Paced(
        answers=sum(each.answers for each in paced),
        failures=sum(each.failures for each in paced),
        p50_ms=statistics.median(each.p50_ms for each in paced),
        p99_ms=statistics.median(each.p99_ms for each in paced),
    )
