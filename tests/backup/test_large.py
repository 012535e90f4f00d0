"""How fast a large shop is backed up, verified and restored, and in how much memory.

`AVENUE_TEST_PICTURES` says how many pictures of 60 KB there are: 100,000 of them are 6 GB, and need
20 GB of disk altogether, which is looked at first.
"""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from avenue.storage.connection import Database
from avenue.storage.copying.reading import FileAt, HomeSource
from tests.backup.house import House
from tests.backup.test_killed import environment
from tests.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.alone, pytest.mark.timeout(1800)]
PICTURES = int(os.environ.get("AVENUE_TEST_PICTURES", "100000"))
PICTURE_BYTES = 60_000
BATCH = 500
COPIES = 3.4
"""Of the bytes: the database, the repository, the restored database, and their records."""
MOST_MEMORY = 200 * 1024 * 1024
MB = 1_000_000
LOOK_SECONDS = 0.05
MOST_SECONDS = 900


def add(shop: House, store: Any, count: int) -> None:
    for begin in range(0, count, BATCH):
        made: dict[str, list[dict[str, Any]]] = {}
        for _ in range(min(BATCH, count - begin)):
            data = os.urandom(PICTURE_BYTES)
            asset = store.add_asset(made, "default", ("product", "nobody"), data)
            made["product_images.files"][-1]["metadata"]["sha256"] = hashlib.sha256(
                data
            ).hexdigest()
            store.files.pop(asset)
        store.put(made)


class Timed:
    """Runs `backup …` as processes of their own; `most` is the memory of the largest, in bytes."""

    def __init__(self, shop: House) -> None:
        self._shop = shop
        self.most = 0

    def __call__(self, uri: str, *arguments: str | Path) -> float:
        """Return its seconds, of which a backup settles some."""
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "avenue", "backup", *map(str, arguments), "--json"],
            env=environment(self._shop, uri),
            stdout=subprocess.DEVNULL,
        )
        wait_until(lambda: self._is_over(process), "its end", MOST_SECONDS, every=LOOK_SECONDS)
        assert process.returncode == 0
        return time.monotonic() - began

    def _is_over(self, process: subprocess.Popen[bytes]) -> bool:
        with contextlib.suppress(OSError):  # it has just ended
            found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            self.most = max(self.most, int(found[1]) * 1024 if found else 0)
        return process.poll() is not None


def test_a_large_shop(shop: House, empty: Database, database_uri: str) -> None:
    size = PICTURES * PICTURE_BYTES
    free = shutil.disk_usage(shop.folder.parent).free
    assert free > size * COPIES, f"{free / 1e9:.0f} GB are free, {size * COPIES / 1e9:.0f} needed"
    store = shop.fill(12)
    add(shop, store, PICTURES)
    timed = Timed(shop)
    print(f"{PICTURES} pictures, {size / 1e9:.1f} GB")

    def tell(what: str, seconds: float, amount: float) -> None:
        print(f"{what}: {seconds:.1f} s, {amount / MB / seconds:.0f} MB/s")

    began = time.monotonic()
    source, read = HomeSource(shop.database), 0
    with source.moment() as moment:
        for each in moment.collections:
            read += sum(map(len, moment.records(each.name)))
    tell("reading all records alone", time.monotonic() - began, read)
    began, bare = time.monotonic(), 0
    for each in shop.raw["product_images.files"].find():
        digest, told_sha256 = hashlib.sha256(), each["metadata"].get("sha256")
        file = FileAt(
            bucket="product_images", id=each["_id"], length=each["length"], sha256=told_sha256
        )
        for piece in source.read(file):
            digest.update(piece)
            bare += len(piece)
        assert told_sha256 in {None, digest.hexdigest()}
    tell("reading and hashing the files of the database alone", time.monotonic() - began, bare)
    seconds = timed(shop.uri, "create", "--to", shop.folder)
    first = shop.repository.manifest()
    tell("first backup", seconds, first.objects.new_size)
    assert first.objects.new == PICTURES + 12
    began, bare = time.monotonic(), 0
    for path in shop.objects():
        data = path.read_bytes()
        assert hashlib.sha256(data).hexdigest() == path.name
        bare += len(data)
    tell("reading and hashing the objects alone", time.monotonic() - began, bare)
    add(shop, store, PICTURES // 100)
    seconds = timed(shop.uri, "create", "--to", shop.folder)
    second = shop.repository.manifest()
    share = second.objects.new_size / first.objects.size
    print(f"second backup after 1 % more: {seconds:.1f} s, {share:.2%} of the bytes")
    assert share <= 0.011
    tell(
        "verify --read",
        timed(shop.uri, "verify", "--from", shop.folder, "--read"),
        second.objects.size,
    )
    seconds = timed(database_uri, "restore", "--from", shop.folder)
    tell("restore", seconds, second.objects.size)
    files = empty.raw["product_images.files"].count_documents({})
    assert files == shop.raw["product_images.files"].count_documents({})
    print(f"the largest process had {timed.most / 1024 / 1024:.0f} MiB")
    assert timed.most < MOST_MEMORY
