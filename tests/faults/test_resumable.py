"""Resumable uploads whose workers are killed arrive whole, by the clients people have."""

import hashlib
import io
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.faults.deployment import Raw, sweep
from tests.faults.gate import Gate
from tests.faults.resuming import (
    MIB,
    SENDING_SECONDS,
    SPEAKS,
    TUS,
    Send,
    a_file,
    by_tus_js_client,
    by_tuspy,
    sha256_of,
)
from tests.faults.test_memory import Peak
from tests.mongod import Guard
from tests.server import Client, Server, path_of
from tests.threads import Threads
from tests.waiting import wait_until

MOST_BYTES = 40 * MIB
SIZES = [32, *(pytest.param(each, marks=pytest.mark.long) for each in (200, 1024))]


@pytest.fixture
def server(guard: Guard, shop_uri: str) -> Iterator[Server]:
    # So that also a small part is already one that is kept as it comes.
    with Server(guard, shop_uri, AVENUE_MAX_DRAIN_MB="1") as running:
        yield running


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[[int], Path]:
    return partial(a_file, tmp_path)


@pytest.mark.parametrize("megabytes", SIZES)
@pytest.mark.needs("node", "npm packages")
@pytest.mark.parametrize("send", [by_tuspy, pytest.param(by_tus_js_client, marks=pytest.mark.long)])
def test_a_file_arrives_though_its_worker_is_killed_three_times(
    server: Server,
    shop_uri: str,
    shop_database: Raw,
    file_of: Callable[[int], Path],
    send: Send,
    megabytes: int,
) -> None:
    seller, path = server.seller(), file_of(megabytes)
    stops = [part * megabytes * MIB // 8 for part in (1, 2, 3)]
    with Gate(server.port, stops) as gate, Threads(1) as threads:
        sent = threads.submit(send, f"http://127.0.0.1:{gate.port}{TUS}", seller.token, path)
        for number, stop in enumerate(stops, start=1):
            gate.wait_for_stop()
            # Each kill loses what was short of a chunk, or on its way into one: it comes again.
            kept = stop - 2 * MIB * number
            wait_until(partial(stands_behind, kept, shop_database), "what came is kept")
            victim = server.kill_worker()
            wait_until(partial(is_gone, victim, server), "the worker is gone")
            gate.open()
        location = path_of(sent.result(SENDING_SECONDS))
    assert seller.get(location).status == 302
    assert sha256_of(seller, location) == hashlib.sha256(path.read_bytes()).hexdigest()
    sweep(shop_uri)
    chunks = shop_database["uploads.chunks"].count_documents({})
    assert (chunks, shop_database["uploads.files"].count_documents({})) == (megabytes, 1)
    [asset] = shop_database["assets"].find()
    assert asset["name"] == path.name
    assert sha256_of(seller, location) == asset["versions"][0]["sha256"]


def stands_behind(offset: int, database: Raw) -> bool:
    """Whether the only upload has more bytes than that."""
    upload = database["tus_uploads"].find_one()
    return upload is not None and upload["offset"] > offset


def is_gone(pid: int, server: Server) -> bool:
    """Whether a killed worker takes no more bytes."""
    return pid not in server.worker_pids()


@pytest.mark.long
@pytest.mark.parametrize("megabytes", [64, 1024])
def test_a_file_of_any_size_costs_a_worker_little_memory(
    server: Server,
    file_of: Callable[[int], Path],
    megabytes: int,
    record_property: Callable[[str, object], None],
) -> None:
    seller = server.seller()
    uploaded(seller, file_of(8), parts=1)  # what every worker has after its first requests
    path = file_of(megabytes)
    worker = psutil.Process(server.worker_pids()[0])
    peak, began = Peak(worker.pid), worker.cpu_times()
    before_bytes = peak.reset()
    location = uploaded(seller, path, parts=1)
    assert sha256_of(seller, location) == hashlib.sha256(path.read_bytes()).hexdigest()
    grown_bytes = peak.bytes() - before_bytes
    record_property("grown MiB", round(grown_bytes / MIB, 1))
    took = [now - then for now, then in zip(worker.cpu_times()[:2], began[:2], strict=True)]
    record_property("CPU seconds, up and down again", round(sum(took), 1))
    assert grown_bytes < MOST_BYTES


def uploaded(client: Client, path: Path, *, parts: int) -> str:
    """Send a file in so many parts; return its Location."""
    length = path.stat().st_size
    answer = client.request("POST", TUS, headers={**SPEAKS, "Upload-Length": str(length)})
    assert answer.status == 201, answer
    location = answer.headers["Location"]
    size = -(-length // parts)
    with path.open("rb") as file:
        for offset in range(0, length, size):
            part = Section(file, offset, min(size, length - offset))
            with client.connection() as connection:
                connection.request("PATCH", location, part, client.headers() | part.headers)
                assert connection.getresponse().status == 204
    return location


class Section(io.RawIOBase):
    """A part of a file, to be sent without being read whole."""

    def __init__(self, file: io.BufferedReader, offset: int, length: int) -> None:
        self._file, self._left = file, length
        self.headers = {
            **SPEAKS,
            "Upload-Offset": str(offset),
            "Content-Length": str(length),
            "Content-Type": "application/offset+octet-stream",
        }
        file.seek(offset)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(data)
        return data
