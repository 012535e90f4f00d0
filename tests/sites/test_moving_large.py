"""How fast a large site moves from one cluster to another, on disks.

`AVENUE_TEST_MOVE_MB` says how large it is: half of it in pictures of 60 KB, half in files of 12 MB.
The room that both clusters need is looked at first. The figures are in docs/long-runs.md.
"""

import hashlib
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from avenue.app.services import Services
from avenue.identity import DEFAULT_SITE, command_actor
from avenue.moves.service import as_operator
from avenue.sites.move_steps import MoveSteps
from avenue.storage.copying.move_files import CopiedFiles
from avenue.storage.schema import migrate
from avenue.storage.sites import Sites
from tests.health.planting import CHUNKS, FILES, Documents, Store
from tests.http.application import OTHER_SITE, Application
from tests.mongod import OPLOG_MB, Guard, Mongod, database_name
from tests.sites.moving import finish, of_site

pytestmark = [pytest.mark.long, pytest.mark.alone, pytest.mark.timeout(4 * 3600)]
MEGABYTES = int(os.environ.get("AVENUE_TEST_MOVE_MB", "5000"))
MB = 1_000_000
PICTURE_BYTES, FILE_BYTES = 60_000, 12 * MB
PICTURES_EACH = FILE_BYTES // PICTURE_BYTES
"""So many pictures for each file."""
COPIES = 2.3
"""Of the bytes: both clusters, and what they need beside them."""
LEAST_MEMORY = 4_000 * MB
PROJECTED_GB = 50
PARTS = {"_bring_all": MoveSteps, "damaged": CopiedFiles, "_settle": MoveSteps, "_fence": MoveSteps}


@pytest.fixture
def clusters(mongod_binary: Path, guard: Guard, disk_folder: Path) -> Iterator[tuple[Mongod, ...]]:
    needed = MEGABYTES * MB * COPIES + 2 * OPLOG_MB * 1.5 * MB
    free = shutil.disk_usage(disk_folder).free
    assert free > needed, f"{free / 1e9:.0f} GB are free, {needed / 1e9:.0f} needed"
    memory = psutil.virtual_memory().available
    assert memory > LEAST_MEMORY, (
        f"{memory / 1e9:.1f} GB of memory, {LEAST_MEMORY / 1e9:.0f} needed"
    )
    with ExitStack() as stack:
        yield tuple(
            stack.enter_context(Mongod(mongod_binary, guard, folder=disk_folder)) for _ in range(2)
        )


def fill(application: Application) -> int:
    """Give the site its files; return how many."""
    store = Store(cast(Application, application), 0)
    rounds = max(MEGABYTES * MB // (2 * FILE_BYTES), 1)
    for _ in range(rounds):
        made: Documents = {}
        for size in (FILE_BYTES, *[PICTURE_BYTES] * PICTURES_EACH):
            data = os.urandom(size)
            store.add_asset(made, OTHER_SITE, ("product", "nobody"), data)
            metadata = made[FILES][-1]["metadata"]
            metadata["sha256"] = hashlib.sha256(data).hexdigest()
        store.put(made)
    return rounds * (1 + PICTURES_EACH)


def size_on(raw: Any) -> int:
    """How many bytes the files of a cluster are, summed from their chunks."""
    size = {"$sum": {"$binarySize": "$data"}}
    return next(iter(raw[CHUNKS].aggregate([{"$group": {"_id": None, "size": size}}])))["size"]


def test_a_large_site(clusters: tuple[Mongod, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    home, beside = clusters
    seconds: Counter[str] = Counter()

    def timed(name: str, step: Any) -> Any:
        def taken(*of: Any, **options: Any) -> Any:
            began_at = time.monotonic()
            try:
                return step(*of, **options)
            finally:
                seconds[name] += time.monotonic() - began_at

        return taken

    for name, owner in PARTS.items():
        monkeypatch.setattr(owner, name, timed(name, getattr(owner, name)))
    with Application(home, cluster_uris=(f"c2={beside.uri_of(database_name())}",)) as two:
        migrate(two.database)
        began_at = time.monotonic()
        files = fill(two)
        size = size_on(two.raw)
        print(
            f"{files} files, {size / 1e9:.2f} GB, put there in {time.monotonic() - began_at:.0f} s"
        )
        service = Services(two.settings, two.database).site_moves
        known = Sites(two.database, two.settings)
        operator = as_operator(command_actor(known.named(DEFAULT_SITE)))
        began_at, processor = time.monotonic(), time.process_time()
        result = finish(two, service.begin(operator, OTHER_SITE, "c2").id)
        took = time.monotonic() - began_at
        rate = size / MB / took
        print(
            f"moved in {took:.1f} s, {rate:.1f} MB/s, {time.process_time() - processor:.1f} s of "
            f"processor time: {PROJECTED_GB} GB in {PROJECTED_GB * 1000 / rate / 3600:.1f} h; "
            f"writes waited {result['writes_waited_seconds']} s"
        )
        print({name: round(each, 1) for name, each in seconds.items()})
        c2 = beside.client[two.database.clusters["c2"].raw.name]
        assert (result["phase"], result["damaged"]) == ("kept", 0)
        assert (size_on(c2), of_site(c2)) == (size, of_site(two.raw))
        began_at = time.monotonic()
        finish(two, service.purge(operator, OTHER_SITE).id)
        print(f"deleted where it was in {time.monotonic() - began_at:.1f} s")
        assert of_site(two.raw) == {}
