"""Backups and restores that are killed, damaged repositories, and writers beside a backup."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pymongo.errors import PyMongoError

from avenue.app.services import Services
from avenue.clock import utc_now
from avenue.config import Settings, new_secret
from avenue.identity import DEFAULT_SITE
from avenue.storage.connection import Database
from avenue.storage.holders import Holder
from avenue.storage.schema import HalfRestored, Standing, look
from tests.backup.deployment import Deployment
from tests.backup.test_restore import check_all, contents, restore
from tests.faults.test_full_disk import mounted
from tests.threads import joined
from tests.waiting import DEADLINE_SECONDS, wait_until

ROOT = Path(__file__).parents[2]


def environment(shop: Deployment, uri: str = "") -> dict[str, str]:
    """What a command over a shop, or another database, is started with."""
    return {
        **os.environ,
        "MONGODB_URI": uri or shop.uri,
        "SECRET_KEY": new_secret(),
        "PUBLIC_BASE_URL": "https://shop.example",
    }


def begun(shop: Deployment, *arguments: str | Path, uri: str = "") -> subprocess.Popen[bytes]:
    """Start `backup …` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "avenue", "backup", *map(str, arguments), "--json"],
        cwd=ROOT,
        env=environment(shop, uri),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def killed(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Kill a process after some time; tell whether it had not ended by itself."""
    with process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait(DEADLINE_SECONDS)
            return True
    return False


def seconds_of(run: Callable[[], object]) -> float:
    began = time.monotonic()
    run()
    return time.monotonic() - began


@pytest.mark.long
@pytest.mark.timeout(900)
def test_twenty_kills_of_a_backup_leave_the_repository_usable(shop: Deployment) -> None:
    store, chance = shop.fill(400), random.Random(23)
    shop.run("create", "--to", shop.folder)
    took = seconds_of(lambda: shop.run("create", "--to", shop.folder))
    kills, good = 0, 2
    for number in range(60):
        if kills == 20:
            break
        for _ in range(20):
            shop.add_picture(store)
        is_killed = killed(begun(shop, "create", "--to", shop.folder), chance.uniform(0.3, took))
        kills += is_killed
        good += not is_killed
        if number % 5 == 0:
            assert shop.found() == set()
    assert kills == 20
    shop.raw["leases"].delete_many({})  # half a minute later
    last = shop.run("create", "--to", shop.folder)
    assert last["files"] == shop.raw["product_images.files"].count_documents({})
    assert shop.found() == set()
    assert all(each.is_complete and each.manifest for each in shop.repository.snapshots())
    assert len(shop.repository.snapshots()) >= 3
    assert not list((shop.folder / "drafts").iterdir())


@pytest.mark.long
@pytest.mark.timeout(900)
def test_twenty_kills_of_a_restore_start_nothing_and_end_well(
    shop: Deployment,
    empty: Database,
    database_uri: str,
) -> None:
    shop.fill(400)
    before, chance = contents(shop.database), random.Random(42)
    shop.create()
    kills, refused = 0, 0
    for _ in range(60):
        if kills == 20:
            break
        process = begun(shop, "restore", "--from", shop.folder, uri=database_uri)
        is_killed = killed(process, chance.uniform(0.5, 2.0))
        try:
            standing = look(empty)
        except HalfRestored:
            kills += is_killed
            refused += 1
            told = shop.run("create", "--to", shop.folder / "other", code=2, uri=database_uri)
            assert "restore" in told
            continue
        kills += is_killed and standing is not Standing.READY  # nothing was written yet
        if standing is Standing.READY:  # it came to its end: begin anew
            empty.client.drop_database(empty.raw.name)
    assert kills == 20
    assert refused >= 10
    shop.run("restore", "--from", shop.folder, uri=database_uri)
    assert contents(empty) == before
    assert check_all(empty) == []


@pytest.mark.long
def test_each_object_that_is_damaged_is_named(shop: Deployment) -> None:
    count = 50
    shop.fill(count + 4)
    shop.create()
    chance = random.Random(9)
    objects = [each for each in shop.objects() if each.stat().st_size]
    chosen = chance.sample(objects, count)
    for number, each in enumerate(chosen):
        data = each.read_bytes()
        place = chance.randrange(len(data))
        match number % 4:
            case 0:
                each.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            case 1:
                each.write_bytes(data[:place])
            case 2:
                other = next(one for one in objects if one not in chosen)
                each.write_bytes(other.read_bytes())
            case _:
                each.unlink()
    named = {what for _, what in shop.found()}
    assert named == {str(each.relative_to(shop.folder)) for each in chosen}


OF_SITE = {"site": DEFAULT_SITE}


class Writers:
    """Move pictures between products, and count what each product has; two threads of them."""

    def __init__(self, shop: Deployment) -> None:
        self.raw = shop.raw
        self.moves = 0
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(seed,), daemon=True) for seed in (1, 2)
        ]
        self._products = [
            each["_id"] for each in self.raw["shop_products"].find(OF_SITE, {"_id": 1})
        ]
        for each in self.raw["shop_products"].find():
            self._count(each["_id"], len(each["images"]), None)

    def _count(self, product: str, many: int, session: object) -> None:
        self.raw["guest_counts"].update_one(
            {"_id": product}, {"$inc": {"images": many}}, upsert=True, session=session
        )

    def _write(self, seed: int) -> None:
        chance = random.Random(seed)
        while not self._stop.is_set():
            one, other = chance.sample(self._products, 2)
            try:
                with self.raw.client.start_session() as session, session.start_transaction():
                    self._move(one, other, session)
            except PyMongoError as error:
                if not error.has_error_label("TransientTransactionError"):
                    raise

    def _move(self, one: str, other: str, session: object) -> None:
        products = self.raw["shop_products"]
        giver, taker = {"_id": one, **OF_SITE}, {"_id": other, **OF_SITE}
        found = products.find_one(giver, session=session)
        if not found["images"]:
            return
        image = found["images"][0]
        products.update_one(giver, {"$pull": {"images": image}}, session=session)
        products.update_one(taker, {"$push": {"images": image}}, session=session)
        asset, claim = {"_id": image["asset"], **OF_SITE}, {"$set": {"claim.id": other}}
        self.raw["assets"].update_one(asset, claim, session=session)
        self._count(one, -1, session)
        self._count(other, 1, session)
        self.moves += 1

    def __enter__(self) -> "Writers":
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for each in self._threads:
            joined(each)


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.long)])
def test_what_writers_keep_true_is_true_in_a_backup_made_beside_them(
    shop: Deployment, empty: Database, rounds: int
) -> None:
    shop.fill(12)
    now = utc_now()
    too_much = {
        "bytes": 10**12,
        "files": 10**6,
        "is_large": True,
        "counted_at": now,
        "asked_at": now,
    }
    shop.raw["quotas"].insert_one(
        {"_id": DEFAULT_SITE, "site": DEFAULT_SITE, "held": [], **too_much}
    )
    with Writers(shop) as writers:

        def tell(_: object) -> None:
            wait_until(lambda: writers.moves > before, "a move beside the backup")

        for _ in range(rounds):
            before = writers.moves
            manifest = shop.create(tell=tell)
            assert writers.moves > before
    restored = restore(shop, empty, snapshot_id=manifest.id)
    assert restored.findings == ()
    raw = empty.raw
    owners = {
        image["asset"]: product["_id"]
        for product in raw["shop_products"].find()
        for image in product["images"]
    }
    claims = {each["_id"]: each["claim"]["id"] for each in raw["assets"].find()}
    assert owners == claims
    counted = {each["_id"]: each["images"] for each in raw["guest_counts"].find()}
    assert counted == {each["_id"]: len(each["images"]) for each in raw["shop_products"].find()}
    assert check_all(empty) == []
    services = Services(Settings(mongodb_uri=shop.uri, local=True), empty)
    used = services.ledger.used(Holder(site=DEFAULT_SITE))
    stored = [each["versions"][0]["bytes"] for each in raw["assets"].find(OF_SITE)]
    assert (used.files, used.bytes) == (len(stored), sum(stored)), "counted anew"


@pytest.mark.long
@pytest.mark.needs("mount")
def test_a_disk_that_is_full_or_read_only_is_told_and_what_is_there_stays_good(
    shop: Deployment, tmp_path: Path
) -> None:
    shop.fill(400)
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted("mount", "-t", "tmpfs", "-o", "size=1m", "avenue-test", str(disk))
    try:
        target = disk / "backups"
        told = shop.run("create", "--to", target, code=2)
        assert "is full" in told
        assert not list((target / "snapshots").glob("*/manifest.json"))
        assert not list((target / "drafts").iterdir())
        mounted("mount", "-o", "remount,size=64m", str(disk))
        made = shop.run("create", "--to", target)
        assert made["findings"] == []
        assert 0 < made["new_objects"] < made["objects"], "what fitted was kept"
        assert shop.run("verify", "--read", "--from", target)["findings"] == []
        mounted("mount", "-o", "remount,ro", str(disk))
        assert "read-only" in shop.run("create", "--to", target, code=2)
        assert shop.run("verify", "--read", "--from", target)["findings"] == []
    finally:
        mounted("umount", "--lazy", str(disk))
