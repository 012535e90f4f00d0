"""How fast a large shop is backed up, verified and restored, in how much memory, and who notices.

`AVENUE_TEST_PICTURES` says how many pictures of 60 KB there are: 100,000 of them are 6 GB, and need
20 GB of disk altogether, which is looked at first. All is on one disk, the database as well.
"""

import contextlib
import functools
import hashlib
import itertools
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from avenue.config import Settings
from avenue.storage.connection import Database
from avenue.storage.copying.reading import FileAt, HomeSource
from avenue.storage.schema import migrate
from bench.load import percentile
from tests.backup.deployment import Deployment
from tests.backup.test_killed import environment
from tests.commands import Commands
from tests.mongod import Guard, Mongod
from tests.pictures import photo
from tests.server import Client, Server, prepare
from tests.threads import joined
from tests.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.alone, pytest.mark.timeout(1800)]
PICTURES = int(os.environ.get("AVENUE_TEST_PICTURES", "100000"))
PICTURE_BYTES = 60_000
BATCH = 500
COPIES = 3.0
"""Of the bytes: the database, the repository and the restored database."""
BESIDE = 2_000_000_000
"""What lies on the disk besides: records, journals, the oplog."""
PROJECTED = 40_000_000_000
MOST_MEMORY = 200 * 1024 * 1024
MB = 1_000_000
LOOK_SECONDS = 0.05
MOST_SECONDS = 900
LARGE = 30_000
"""With fewer pictures a second's start and end is a large part of each time: nothing is judged."""
SAMPLE = 10_000
WARMING, ALONE = 10, 100
"""How many uploads are timed before the backup, and after it."""
UPLOADERS = 2
EVERY_SECONDS = 0.25
MOST_SLOWER = 0.20
LEAST_RECORDS = 100 * MB
LEAST_OBJECTS = 0.5


def add(shop: Deployment, store: Any, count: int) -> None:
    for begin in range(0, count, BATCH):
        made: dict[str, list[dict[str, Any]]] = {}
        for _ in range(min(BATCH, count - begin)):
            data = os.urandom(PICTURE_BYTES)
            asset = store.add_asset(made, "default", ("product", "nobody"), data)
            digest = made["assets"][-1]["versions"][0]["sha256"]
            made["product_images.files"][-1]["metadata"]["sha256"] = digest
            store.files.pop(asset)
        store.put(made)


class Timed:
    """Runs `backup …` as processes of their own; `most` is the memory of the largest, in bytes."""

    def __init__(self, shop: Deployment) -> None:
        self._shop = shop
        self.most: dict[str, int] = {}

    def __call__(self, uri: str, *arguments: str | Path) -> float:
        """Return its seconds, of which a backup settles some."""
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "avenue", "backup", *map(str, arguments), "--json"],
            env=environment(self._shop, uri),
            stdout=subprocess.DEVNULL,
        )
        what = str(arguments[0])
        is_over = functools.partial(self._is_over, process, what)
        wait_until(is_over, f"the end of {what}", MOST_SECONDS, every=LOOK_SECONDS)
        assert process.returncode == 0
        return time.monotonic() - began

    def _is_over(self, process: subprocess.Popen[bytes], what: str) -> bool:
        with contextlib.suppress(OSError):  # it has just ended
            found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            self.most[what] = max(self.most.get(what, 0), int(found[1]) * 1024 if found else 0)
        return process.poll() is not None


class Uploaders:
    """Two people who store a photograph four times a second; how long each of them waited."""

    def __init__(self, seller: Client) -> None:
        self._seller = seller
        self._photos = [photo(1200, 900, seed=seed) for seed in range(4)]

    @contextlib.contextmanager
    def at_it(self) -> Iterator[list[float]]:
        """Let them upload meanwhile, and give the seconds of each upload."""
        over, seconds = threading.Event(), list[float]()
        people = [
            threading.Thread(target=self._upload, args=(over, seconds, number), daemon=True)
            for number in range(UPLOADERS)
        ]
        for each in people:
            each.start()
        try:
            yield seconds
        finally:
            over.set()
            for each in people:
                joined(each)

    def timed(self, count: int) -> list[float]:
        """Let them upload, and return the seconds of at least `count` uploads."""
        with self.at_it() as seconds:
            wait_until(lambda: len(seconds) >= count, "uploads", MOST_SECONDS)
        return seconds

    def _upload(self, over: threading.Event, seconds: list[float], number: int) -> None:
        for count in itertools.count(number):
            product = self._seller.create_product()
            began = time.monotonic()
            answer = self._seller.upload(product, self._photos[count % len(self._photos)])
            took = time.monotonic() - began
            assert answer.status == HTTPStatus.CREATED, answer
            seconds.append(took)
            if over.wait(max(EVERY_SECONDS - took, 0)):
                return


def tell(what: str, seconds: float, amount: float) -> float:
    """Print how fast something was, and how long 40 GB take; return the bytes a second."""
    speed = amount / seconds
    print(
        f"{what}: {seconds:.1f} s, {speed / MB:.0f} MB/s; 40 GB: {PROJECTED / speed / 60:.0f} min"
    )
    return speed


def read_files(shop: Deployment) -> float:
    """Read and hash files of the database one after the other; return the bytes a second."""
    source, bare, began = HomeSource(shop.database), 0, time.monotonic()
    for each in shop.raw["product_images.files"].find(limit=SAMPLE):
        digest, told = hashlib.sha256(), each["metadata"].get("sha256")
        file = FileAt(bucket="product_images", id=each["_id"], length=each["length"], sha256=told)
        for piece in source.read(file):
            digest.update(piece)
            bare += len(piece)
        assert told in {None, digest.hexdigest()}
    return tell("reading and hashing files of the database alone", time.monotonic() - began, bare)


def read_objects(shop: Deployment) -> None:
    began, bare = time.monotonic(), 0
    for path in shop.objects()[:SAMPLE]:
        data = path.read_bytes()
        assert hashlib.sha256(data).hexdigest() == path.name
        bare += len(data)
    tell("reading and hashing objects of the repository alone", time.monotonic() - began, bare)


def speeds(shop: Deployment) -> tuple[float, float]:
    """How fast the newest backup wrote the largest collection and the objects, by their times."""
    manifest = shop.repository.manifest()
    folder = shop.folder / "snapshots" / manifest.id
    written = {each: each.stat().st_mtime for each in folder.rglob("*") if each.is_file()}
    of_records = [at for each, at in written.items() if each.parent != folder]
    largest = max(manifest.shares[0].collections, key=lambda each: each.size)
    began, ended = (written[folder / each.name] for each in (largest.metadata, largest.records))
    size = sum(each.size for each in manifest.shares[0].collections)
    tell("all records, in that backup", max(of_records) - min(of_records), size)
    records = tell(f"the records of {largest.name}, in that backup", ended - began, largest.size)
    seconds = written[folder / "manifest.json"] - max(of_records)
    return records, tell("objects, in that backup", seconds, manifest.objects.new_size)


@pytest.fixture
def disk(disk_folder: Path) -> Path:
    """A folder with room for all of it."""
    needed = PICTURES * PICTURE_BYTES * COPIES + BESIDE
    free = shutil.disk_usage(disk_folder).free
    print(
        f"{PICTURES} pictures, {PICTURES * PICTURE_BYTES / 1e9:.1f} GB; "
        f"{needed / 1e9:.0f} GB of disk needed, {free / 1e9:.0f} GB free"
    )
    assert free > needed
    return disk_folder


@pytest.fixture
def large(
    disk: Path, mongod_binary: Path, guard: Guard, commands: Commands
) -> Iterator[tuple[Mongod, Deployment]]:
    """A database on that disk, and no repository yet."""
    with Mongod(mongod_binary, guard, folder=disk) as mongod:
        uri = mongod.uri_of("large")
        with closing(Database(Settings(mongodb_uri=uri, local=True))) as database:
            migrate(database)
            yield mongod, Deployment(uri, database, commands, disk / "repository")


def slower_beside(uri: str, guard: Guard, work: Callable[[], object]) -> float:
    """Return by which share uploads are slower beside `work` than before and after it."""
    prepare(uri)
    with Server(guard, uri) as server:
        uploaders = Uploaders(server.seller())
        uploaders.timed(WARMING)
        alone = uploaders.timed(ALONE)
        with uploaders.at_it() as beside:
            work()
        alone += uploaders.timed(ALONE)
    before, after = percentile(alone, 0.95), percentile(beside, 0.95)
    print(
        f"uploads: p95 {before * 1000:.0f} ms alone ({len(alone)}), "
        f"{after * 1000:.0f} ms beside the backup ({len(beside)}): {after / before - 1:+.0%}"
    )
    return after / before - 1


def test_a_large_shop(large: tuple[Mongod, Deployment], guard: Guard) -> None:
    mongod, shop = large
    began = time.monotonic()
    store = shop.fill(12)
    add(shop, store, PICTURES)
    tell("filling the database", time.monotonic() - began, PICTURES * PICTURE_BYTES)
    timed, alone = Timed(shop), read_files(shop)
    slower = slower_beside(
        mongod.uri_of("uploads"), guard, lambda: timed(shop.uri, "create", "--to", shop.folder)
    )
    first = shop.repository.manifest()
    assert first.objects.new == PICTURES + 12
    of_records, of_objects = speeds(shop)
    print(f"objects at {of_objects / alone:.0%} of what reading and hashing alone reaches")
    read_objects(shop)
    add(shop, store, PICTURES // 100)
    seconds = timed(shop.uri, "create", "--to", shop.folder)
    second = shop.repository.manifest()
    share = second.objects.new_size / first.objects.size
    print(f"second backup after 1 % more: {seconds:.1f} s, {share:.2%} of the bytes")
    assert share <= 0.011
    seconds = timed(shop.uri, "verify", "--from", shop.folder, "--read")
    tell("verify --read", seconds, second.objects.size)
    files = shop.raw["product_images.files"].count_documents({})
    mongod.client.drop_database(shop.raw.name)
    restored = mongod.uri_of("restored")
    seconds = timed(restored, "restore", "--from", shop.folder)
    tell("restore", seconds, second.objects.size)
    assert mongod.client["restored"]["product_images.files"].count_documents({}) == files
    print({what: f"{most / 1024 / 1024:.0f} MiB" for what, most in timed.most.items()})
    assert max(timed.most.values()) < MOST_MEMORY
    if PICTURES >= LARGE:
        assert of_records >= LEAST_RECORDS
        assert of_objects >= alone * LEAST_OBJECTS
        assert slower < MOST_SLOWER
