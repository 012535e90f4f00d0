"""What the defaults towards MongoDB were chosen by: `python -m bench.tuning`.

Each question is a group of ways to do the same work. They take turns, round after round, and each
is compared with the first of its group: by time (the median of the ratios of the rounds) and by the
processor time of this process and mongod together, which a busy machine disturbs less.
"""

import argparse
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path

import psutil
from bson import Binary
from pymongo import MongoClient, WriteConcern

from avenue.config import Settings
from avenue.server.worker import tune_malloc
from avenue.storage import chunks, gridfs
from avenue.storage.connection import DURABLE, QUICK, Database
from avenue.storage.local_mongod import LocalMongod
from avenue.storage.mongod_binary import find_mongod
from avenue.storage.scope import site

KB, MIB = 1000, 1024 * 1024
THREADS = 8
OPERATIONS = 60
PICTURES = {"0.4 MB": 400 * KB, "3.7 MB": 3700 * KB, "19 MB": 19_000 * KB}
CHUNKS = {"1 MiB": MIB, "255 KiB": 255 * 1024, "2 MiB": 2 * MIB, "4 MiB": 4 * MIB}
READS = {"2 MiB": 2 * MIB, "1 MiB": MIB, "4 MiB": 4 * MIB, "16 MiB": 16 * MIB}

Ways = Mapping[str, Callable[[], object]]
names = map("file-{:06d}".format, count())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    tune_malloc()
    with ExitStack() as stack:
        data_dir = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        mongod = LocalMongod.start(data_dir, find_mongod(Settings(local=True)))
        stack.callback(mongod.stop)
        settings = Settings(local=True, mongodb_uri=mongod.uri, threads=THREADS)
        database = stack.enter_context(closing(Database(settings)))
        database.raw["product_images.chunks"].create_index([("files_id", 1), ("n", 1)], unique=True)
        database.raw["renditions"].insert_one({"_id": "thumb", "data": os.urandom(12 * KB)})
        spent = Spent(mongod.pid)
        for title, ways in questions(database, mongod.uri, stack):
            print(f"\n{title}")
            for name, (milliseconds, by_time, by_cpu) in compared(ways, rounds, spent).items():
                print(f"  {name:34}{milliseconds:10.2f} ms{by_time:8.2f}{by_cpu:8.2f}")
        print("\n8 readers of 19 MB at once, most memory more")
        for name, most in memory_of_reads(database).items():
            print(f"  {name:34}{most / MIB:10.0f} MiB")
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end")


class Spent:
    """Processor time of this process and mongod."""

    def __init__(self, mongod_pid: int) -> None:
        self._mongod = psutil.Process(mongod_pid)

    def seconds(self) -> float:
        return sum(self._mongod.cpu_times()[:2]) + time.process_time()


def compared(ways: Ways, rounds: int, spent: Spent) -> dict[str, tuple[float, float, float]]:
    """Return the median milliseconds of each way, and its ratios of time and processor time."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    used = dict.fromkeys(ways, 0.0)
    for number in range(rounds + 1):
        for name, work in ways.items():
            used_before, began_at = spent.seconds(), time.perf_counter()
            work()
            if number:  # the first round warms up
                took[name].append(1000 * (time.perf_counter() - began_at))
                used[name] += spent.seconds() - used_before
    first, *_ = ways
    return {
        name: (
            statistics.median(each),
            statistics.median(a / b for a, b in zip(each, took[first], strict=True)),
            used[name] / used[first],
        )
        for name, each in took.items()
    }


def questions(database: Database, uri: str, stack: ExitStack) -> Iterator[tuple[str, Ways]]:
    """Yield each question with the ways it compares."""

    def client(**options: object) -> MongoClient:
        return stack.enter_context(MongoClient(uri, **options))

    pools = {size: client(maxPoolSize=size) for size in (20, 4, 8, 100)}
    yield (
        f"Connections: {OPERATIONS} reads of 12 KB in each of {THREADS} threads, by maxPoolSize",
        {str(size): lambda each=each: thumbs(each) for size, each in pools.items()},
    )
    kept = client()
    yield (
        "Connections: one read of 12 KB",
        {
            "on one that was kept": lambda: thumb(kept),
            "on one that was closed as idle": lambda: on_a_fresh_connection(uri),
        },
    )
    data = os.urandom(400 * KB)
    squeezed = client(compressors="zlib")
    for each in (kept, squeezed):
        each.get_default_database()["pieces"].replace_one(
            {"_id": 1}, {"_id": 1, "data": data}, upsert=True
        )
    yield (
        "Wire compression: 400 KB of a picture read",
        {"none": lambda: piece(kept), "zlib": lambda: piece(squeezed)},
    )
    for name, length in PICTURES.items():
        data = os.urandom(length)
        yield (
            f"Chunk size: {name} written",
            {
                each: lambda size=size, data=data: written(database, data, size)
                for each, size in CHUNKS.items()
            },
        )
        stored = {each: written(database, data, size) for each, size in CHUNKS.items()}
        yield (
            f"Chunk size: {name} read, 2 MiB (or a chunk) at a time",
            {
                each: lambda each=each, stored=stored, length=length: read(
                    database, stored[each], length, CHUNKS[each], 2 * MIB
                )
                for each in CHUNKS
            },
        )
    yield (
        "Read batch: 19 MB in chunks of 1 MiB",
        {
            each: lambda batch=batch: read(database, stored["1 MiB"], length, MIB, batch)
            for each, batch in READS.items()
        },
    )
    yield (
        "Write batch: 19 MB in chunks of 1 MiB, chunks for each insert",
        {str(many): lambda many=many: inserted(database, data, many) for many in (1, 2, 4, 16)},
    )
    for name, length in PICTURES.items():
        data = os.urandom(length)
        yield (
            f"Journaled waits: {name} with four variants and its record",
            {
                "the last write waits": lambda data=data: stored_once(database, data, QUICK),
                "each write waits": lambda data=data: stored_once(database, data, DURABLE),
            },
        )


def thumb(client: MongoClient) -> None:
    assert client.get_default_database()["renditions"].find_one({"_id": "thumb"})


def thumbs(client: MongoClient) -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda _: thumb(client), range(THREADS * OPERATIONS)))


def on_a_fresh_connection(uri: str) -> None:
    with MongoClient(uri, directConnection=True) as client:
        thumb(client)


def piece(client: MongoClient) -> None:
    assert client.get_default_database()["pieces"].find_one({"_id": 1})


@contextmanager
def sizes(chunk_bytes: int, read_bytes: int) -> Iterator[None]:
    """Let our reader and writer use other sizes."""
    before = chunks.CHUNK_BYTES, chunks.READ_BYTES
    gridfs.CHUNK_BYTES = chunks.CHUNK_BYTES = chunk_bytes
    chunks.READ_BYTES = read_bytes
    try:
        yield
    finally:
        chunks.CHUNK_BYTES, chunks.READ_BYTES = before
        gridfs.CHUNK_BYTES = chunks.CHUNK_BYTES


def written(database: Database, data: bytes, chunk_bytes: int) -> str:
    files, file_id = site(database, "bench").files("product_images"), next(names)
    with sizes(chunk_bytes, chunks.READ_BYTES):
        files.write(file_id, io.BytesIO(data), length=len(data), name="a.jpg", metadata={})
    return file_id


def read(database: Database, file_id: str, length: int, chunk_bytes: int, read_bytes: int) -> None:
    files = site(database, "bench").files("product_images")
    with sizes(chunk_bytes, read_bytes):
        got = sum(map(len, files.read(file_id, 0, length, length=length)))
    assert got == length


def inserted(database: Database, data: bytes, many: int) -> None:
    chunks = database.raw["product_images.chunks"].with_options(write_concern=QUICK)
    file_id = next(names)
    pieces = [
        {"files_id": file_id, "n": n, "data": Binary(data[at : at + MIB])}
        for n, at in enumerate(range(0, len(data), MIB))
    ]
    for at in range(0, len(pieces), many):
        chunks.insert_many(pieces[at : at + many])


def stored_once(database: Database, data: bytes, concern: WriteConcern) -> None:
    """Do the writes of an upload between the open write and the claim."""
    before, gridfs.QUICK = gridfs.QUICK, concern
    try:
        file_id = next(names)
        variants = [
            {"_id": f"{file_id}/{n}", "data": os.urandom(size * KB)}
            for n, size in enumerate((8, 30, 110, 60))
        ]
        renditions = database.raw["renditions"].with_options(write_concern=concern)
        if concern is DURABLE:
            for each in variants:
                renditions.insert_one(each)
        else:
            renditions.insert_many(variants)
        files, source = site(database, "bench").files("product_images"), io.BytesIO(data)
        waits = concern is DURABLE
        files.write(file_id, source, length=len(data), name="a", metadata={}, waits=waits)
        database.raw["assets"].insert_one({"_id": file_id})
        if not waits:
            assert files.is_safe(file_id, length=len(data))
    finally:
        gridfs.QUICK = before


def memory_of_reads(database: Database) -> dict[str, int]:
    """Return the most memory that eight readers of a large file have added, by the batch."""
    length = PICTURES["19 MB"]
    file_id = written(database, os.urandom(length), MIB)
    most = {}
    for name, batch in sorted(READS.items(), key=lambda each: each[1]):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        before = memory("VmRSS")
        with ThreadPoolExecutor(THREADS) as threads, sizes(MIB, batch):
            readings = [
                threads.submit(read, database, file_id, length, MIB, batch) for _ in range(THREADS)
            ]
            for each in readings:
                each.result()
        most[name] = memory("VmHWM") - before
    return most


def memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    main()
