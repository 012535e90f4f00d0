"""The disk of the database fills up: uploads are refused first, nothing acknowledged is lost."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.deployment import end_leases, inspect, raw, sha256, shown, sweep
from tests.mongod import Guard, Mongod
from tests.pictures import noise_png
from tests.server import BROKEN, Client, Server, prepare
from tests.waiting import DEADLINE_SECONDS, wait_until

pytestmark = [pytest.mark.long, pytest.mark.needs("mount"), pytest.mark.alone]

DISK_MB, LARGER_MB = 600, 900
MOST_UPLOADS = 300


def mounted(*arguments: str) -> None:
    subprocess.run(arguments, check=True, timeout=DEADLINE_SECONDS)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk in memory that is soon full."""
    mounted("mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "avenue-test", str(folder))
    try:
        yield folder
    finally:
        mounted("umount", "--lazy", str(folder))


class Shop:
    """A shop, and every picture that was acknowledged."""

    def __init__(self, seller: Client) -> None:
        self.seller = seller
        self.kept: dict[str, bytes] = {}

    def upload(self) -> int:
        """Upload a picture of 3 MB to a product of its own; return the status, 0 for no answer."""
        picture = noise_png(1000, 1000, seed=len(self.kept))
        try:
            product = self.seller.create_product()
            status = self.seller.upload(product, picture, product).status
        except (*BROKEN, AssertionError):  # nobody can even make a product
            return 0
        if status == 201:
            self.kept[product] = picture
        return status

    def has_everything(self) -> bool:
        return all(
            shown(self.seller, product) == [sha256(data)] for product, data in self.kept.items()
        )


@pytest.mark.timeout(900)
def test_a_full_disk_loses_nothing_and_uploads_go_on_when_there_is_room(
    guard: Guard, mongod_binary: Path, tmp_path: Path
) -> None:
    with (
        small_disk(tmp_path) as folder,
        Mongod(mongod_binary, guard, folder=folder) as mongod,
    ):
        uri = mongod.uri_of("shop")
        prepare(uri)
        with Server(guard, uri, AVENUE_CACHE_MB="0") as server:
            shop = Shop(server.seller())
            statuses = [shop.upload()]
            while statuses[-1] == 201 and len(statuses) < MOST_UPLOADS:
                statuses.append(shop.upload())
            assert statuses[-1] == 507, statuses[-3:]
            assert mongod.process is not None
            assert mongod.process.poll() is None
            assert shop.has_everything()

            mounted("mount", "-o", f"remount,size={LARGER_MB}m", str(folder))
            wait_until(lambda: shop.upload() == 201, "uploads are taken again")

            filler = folder / "filler"
            with suppress(OSError):  # mongod may take the last of it
                filler.write_bytes(bytes(shutil.disk_usage(folder).free))
            for _ in range(20):
                assert shop.upload() in {0, 201, 503, 507}
            filler.unlink()
            mongod.restart()
            wait_until(lambda: shop.upload() == 201, "uploads are taken again")
            assert shop.has_everything()

            database = raw(mongod.client, uri)
            end_leases(database)
            sweep(uri)
            deployment = inspect(database)
            assert (deployment.stray_files, deployment.stray_chunks, deployment.damage) == (
                0,
                0,
                (),
            )
            assert deployment.claimed >= len(shop.kept)
