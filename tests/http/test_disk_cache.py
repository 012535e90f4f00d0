"""The disk cache of a real server: found again after a restart, never wrong, never private."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.http.application import large_picture
from tests.mongod import Guard, client_of
from tests.server import Server, path_of, prepare
from tests.waiting import wait_until


def files(folder: Path) -> list[Path]:
    return [each for each in folder.glob("avenue-cache-*/*/*/*") if each.is_file()]


@pytest.mark.long
def test_files_are_found_after_a_restart_and_gone_with_their_asset(
    migrated_uri: str, guard: Guard, disk_folder: Path
) -> None:
    prepare(migrated_uri)

    @contextmanager
    def serving() -> Iterator[Server]:
        with Server(
            guard,
            migrated_uri,
            AVENUE_DISK_CACHE_MB="100",
            AVENUE_TMP_DIR=str(disk_folder),
            AVENUE_CACHE_SECONDS="2",
            WEB_CONCURRENCY="2",
        ) as server:
            yield server

    picture, whole = large_picture(700, 600, seed=5), {}
    with serving() as server, closing(client_of(migrated_uri)) as mongo:
        seller = server.seller()
        product = seller.create_product()
        image = seller.upload(product, picture).json
        private = seller.request("POST", "/api/uploads", picture, {"Content-Type": "image/png"})
        assert private.status == 201
        assert seller.get(path_of(private.json["url"])).body == picture
        path = path_of(image["url"])
        for _ in range(4):
            assert server.client.get(path).body == picture
        (kept,) = files(disk_folder)
        assert kept.name.startswith(image["id"])
        whole.update(_take_chunks(mongo.get_default_database()))
    with serving() as server:
        assert server.client.get(path).body == picture
        part = server.client.request("GET", path, headers={"Range": "bytes=-1000"})
        assert (part.status, part.body) == (206, picture[-1000:])
    data = kept.read_bytes()
    kept.write_bytes(data[:1000] + bytes([data[1000] ^ 1]) + data[1001:])
    with serving() as server, closing(client_of(migrated_uri)) as mongo:
        assert server.client.get(path).code == "damaged_file"
        raw = mongo.get_default_database()
        raw["product_images.chunks"].insert_many(whole["chunks"])
        raw["assets"].update_one({"_id": image["id"]}, {"$unset": {"damaged": ""}})
        wait_until(lambda: server.client.get(path).body == picture)
        assert kept.exists()
        seller = server.seller()
        deleted = seller.request("DELETE", f"/api/shop/products/{product}/images/{image['id']}")
        assert deleted.status == 204
        wait_until(lambda: files(disk_folder) == [], "the file is gone")
        wait_until(lambda: server.status(path) == 404)


def _take_chunks(raw: Any) -> dict[str, list[Any]]:
    """Take the bytes of all product pictures out of the database; return them."""
    chunks = raw["product_images.chunks"]
    taken = {"chunks": list(chunks.find())}
    chunks.delete_many({})
    return taken
