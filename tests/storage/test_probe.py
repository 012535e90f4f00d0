"""The probe: each step can fail, and nothing is left of it, not even when it is killed."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import pytest

from avenue.errors import Unavailable
from avenue.health.checks.probe import KNOWN_SECONDS, STEPS, ProbeService
from avenue.health.models import Fit
from avenue.identity import DEFAULT_SITE
from avenue.media.models import Asset, Version
from avenue.media.store.assets import AssetStore
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import Sweeper
from avenue.storage.chunks import Incomplete
from avenue.storage.connection import Database
from avenue.storage.site_data import BUCKETS

OK, FAILED, UNKNOWN = Fit.OK, Fit.FAILED, Fit.UNKNOWN


def stored(database: Database) -> tuple[int, int]:
    """How many files and chunks of general uploads there are."""
    files, chunks = (database.raw[f"uploads.{each}"] for each in ("files", "chunks"))
    return files.count_documents({}), chunks.count_documents({})


class Spoiled(AssetStore):
    """A store in which one step goes wrong."""

    step = ""

    def write_file(
        self, asset: Asset, version: Version, source: BinaryIO, *, waits: bool = True
    ) -> None:
        super().write_file(asset, version, source, waits=waits)
        if self.step == "write":
            raise Unavailable

    def is_safe(self, asset: Asset, version: Version) -> bool:
        return self.step != "confirm" and super().is_safe(asset, version)

    def read_file(self, asset: Asset, version: Version, start: int, end: int) -> Iterator[bytes]:
        if self.step == "read":
            raise Incomplete("a chunk is not there")
        for piece in super().read_file(asset, version, start, end):
            yield piece[::-1] if self.step == "hash" else piece

    def delete_file(self, site_id: str, bucket: str, file_id: str) -> None:
        if self.step != "delete":
            super().delete_file(site_id, bucket, file_id)


class Clock:
    """Seconds that pass when a test says so."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spoiled(database: Database) -> Spoiled:
    return Spoiled(database)


@pytest.fixture
def prober(database: Database, spoiled: Spoiled, clock: Clock, tmp_path: Path) -> ProbeService:
    return ProbeService(
        spoiled,
        database.deadline,
        site=DEFAULT_SITE,
        tmp_dir=tmp_path,
        now=clock,
    )


@pytest.mark.parametrize("step", STEPS[1:-1])
def test_the_first_step_that_fails_is_named_and_nothing_is_left(
    database: Database, prober: ProbeService, spoiled: Spoiled, step: str
) -> None:
    spoiled.step = step
    found = {each.name: each for each in prober.probe()}
    place = STEPS.index(step)
    assert [each.state for each in found.values()] == [
        *[OK] * place,
        FAILED,
        *[UNKNOWN] * (len(STEPS) - place - 1),
    ]
    assert found[step].detail
    assert stored(database) == (0, 0)


def test_what_a_killed_probe_leaves_goes_with_the_next_sweep(
    database: Database, prober: ProbeService, spoiled: Spoiled
) -> None:
    spoiled.step = "delete"  # as if nobody had got there
    assert prober.probe()[-1].state is FAILED
    assert stored(database) == (1, 1)
    store = SweptStore(database)
    Sweeper(store, buckets=BUCKETS, trash_days=7).sweep()
    assert stored(database) == (1, 1)  # younger than an hour
    Sweeper(store, buckets=BUCKETS, trash_days=7, orphan_age=timedelta(0)).sweep()
    assert stored(database) == (0, 0)


def test_a_folder_for_arriving_files_that_is_gone_is_the_first_step(
    database: Database, spoiled: Spoiled, tmp_path: Path
) -> None:
    prober = ProbeService(spoiled, database.deadline, site=DEFAULT_SITE, tmp_dir=tmp_path / "gone")
    found = prober.probe()
    assert [each.state for each in found] == [FAILED, *[UNKNOWN] * (len(STEPS) - 1)]
    assert "receive files" in (found[0].detail or "")


def test_what_was_found_is_good_for_a_while(
    prober: ProbeService, spoiled: Spoiled, clock: Clock
) -> None:
    assert prober.probe()[-1].state is OK
    spoiled.step = "confirm"
    clock.seconds += KNOWN_SECONDS - 0.1
    assert prober.probe()[-1].state is OK
    clock.seconds += 0.1
    assert prober.probe()[-1].state is UNKNOWN


def test_other_bytes_are_put_there_each_time(
    database: Database, prober: ProbeService, spoiled: Spoiled, clock: Clock
) -> None:
    seen = set()
    for _ in range(2):
        spoiled.step = "delete"
        prober.probe()
        clock.seconds += KNOWN_SECONDS
        (chunk,) = database.raw["uploads.chunks"].find({}, sort=[("_id", -1)], limit=1)
        seen.add(hashlib.sha256(chunk["data"]).hexdigest())
        database.raw["uploads.chunks"].delete_one({"_id": chunk["_id"]})
        database.raw["uploads.files"].delete_one({"_id": chunk["files_id"]})
    assert len(seen) == 2
