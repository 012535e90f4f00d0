"""Large files in parallel cost a worker little memory: it holds pieces of them, never the whole."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from avenue.storage.chunks import READ_BYTES
from tests.faults.deployment import sha256
from tests.mongod import Guard
from tests.pictures import noise_png
from tests.server import Answer, Client, Server, path_of
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS, wait_until

pytestmark = pytest.mark.timeout(900)  # turns are waited for

MIB = 1024 * 1024
MOST_BYTES_PER_THREAD = 3 * READ_BYTES
"""What is read at once: as it came, as it is decoded, and as it goes out.

Ten downloads took 18 to 42 MiB in 13 runs, eight uploads 0 to 13; all files of six would be 114.
"""
DOWNLOADS, UPLOADS = 6, 5
THREADS = 6
PATIENCE_SECONDS = 300


@pytest.fixture(scope="module")
def large_picture() -> bytes:
    """A picture of 19 MB."""
    picture = noise_png(2_640, 2_520)
    assert 19 * MIB < len(picture) < 20 * MIB
    return picture


@pytest.fixture
def server(guard: Guard, shop_uri: str) -> Iterator[Server]:
    with Server(
        guard,
        shop_uri,
        AVENUE_MAX_PRODUCT_IMAGE_MB="25",
        AVENUE_THREADS=str(THREADS),
        # Five take turns at one decoder while the machine also makes and checks their bytes.
        AVENUE_WRITE_SECONDS="60",
    ) as running:
        yield running


class Peak:
    """The most memory a process has held since `reset`, as the kernel counted it."""

    def __init__(self, pid: int) -> None:
        self._process = Path(f"/proc/{pid}")

    def reset(self) -> int:
        """Forget the peak so far; return the bytes held now."""
        (self._process / "clear_refs").write_text("5")
        return self._bytes("VmRSS")

    def bytes(self) -> int:
        return self._bytes("VmHWM")

    def _bytes(self, name: str) -> int:
        lines = (self._process / "status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


@contextmanager
def rising_less_than(most_bytes: int, server: Server) -> Iterator[None]:
    peak = Peak(server.worker_pids()[0])
    before_bytes = peak.reset()
    yield
    rise_bytes = peak.bytes() - before_bytes
    assert rise_bytes < most_bytes


@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.long)])
def test_large_downloads_and_uploads_in_parallel_hold_little_memory(
    server: Server, large_picture: bytes, rounds: int
) -> None:
    seller = server.seller()
    # What every worker has after its first requests: modules, connections, caches.
    uploaded = seller.upload(seller.create_product(), large_picture)
    assert uploaded.status == 201, uploaded
    path = path_of(uploaded.json["url"])
    assert sha256(seller.get(path).body) == sha256(large_picture)

    with rising_less_than(THREADS * MOST_BYTES_PER_THREAD, server):
        for _ in range(rounds):
            at_once(DOWNLOADS, lambda _: download(seller, path, large_picture))

    with rising_less_than(THREADS * MOST_BYTES_PER_THREAD, server):
        for _ in range(rounds):
            answers = at_once(UPLOADS, lambda _: upload(seller, large_picture))
            assert [each.status for each in answers] == [201] * UPLOADS


@pytest.mark.long
def test_bodies_too_long_to_collect_hold_little_memory_while_they_arrive(
    guard: Guard, shop_uri: str, large_picture: bytes
) -> None:
    threads = 8
    with Server(
        guard,
        shop_uri,
        AVENUE_MAX_DRAIN_MB="1",
        AVENUE_THREADS=str(threads),
        AVENUE_WRITE_SECONDS="60",
    ) as server:
        seller = server.seller()
        assert part_sent(seller, large_picture[:MIB]).status == 201
        with rising_less_than(threads * MOST_BYTES_PER_THREAD, server):
            answers = at_once(2 * threads, lambda _: part_sent(seller, large_picture))
    assert {each.status for each in answers} == {201}


def part_sent(client: Client, part: bytes) -> Answer:
    """Begin a resumable upload that is never finished, with its first part."""
    fields = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(len(part) + 1),
        "Content-Type": "application/offset+octet-stream",
    }
    return client.request("POST", "/api/uploads/tus", part, fields)


def download(seller: Client, path: str, expected: bytes) -> Answer:
    answer = seller.get(path)
    assert answer.status == 200
    assert answer.body == expected
    return answer


def upload(seller: Client, picture: bytes) -> Answer:
    """Upload until it is stored: who waits too long for a turn at the decoder is to come again."""
    product = seller.create_product()
    answers: list[Answer] = []

    def is_answered() -> bool:
        answers.append(seller.upload(product, picture))
        return answers[-1].status != 503

    wait_until(is_answered, "there is a turn at the decoder", PATIENCE_SECONDS)
    return answers[-1]


def at_once(count: int, work: Callable[[int], Answer]) -> list[Answer]:
    start = threading.Barrier(count)

    def started(number: int) -> Answer:
        start.wait(DEADLINE_SECONDS)
        return work(number)

    with Threads(count) as threads:
        return list(threads.map(started, range(count)))
