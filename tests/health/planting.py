"""A store of many assets, put straight into the database, and a hand that damages it."""

import copy
import hashlib
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import Binary, ObjectId
from pymongo import ASCENDING, WriteConcern

from avenue.clock import utc_now
from avenue.identity import DEFAULT_SITE, new_id
from tests.http.application import OTHER_SITE, Application

CHUNK_BYTES = 1024 * 1024
FILES, CHUNKS = "product_images.files", "product_images.chunks"
OLD = timedelta(hours=3)
IMAGES_EACH = 4
Documents = dict[str, list[dict[str, Any]]]


class Store:
    """Products of two sites with `count` pictures in all; every thirtieth has several chunks."""

    def __init__(self, application: Application, count: int, *, has_large: bool = True) -> None:
        self.has_large = has_large
        self.raw = application.raw
        self.chance = random.Random(7)
        self.assets: list[str] = []
        self.files: dict[str, str] = {}
        self.large: list[str] = []
        self.products: dict[str, str] = {}
        made: Documents = {}
        while len(self.assets) < count:
            site = OTHER_SITE if len(self.assets) % 40 == 0 else DEFAULT_SITE
            self._add_product(made, site)
        self.put(made)

    def put(self, made: Mapping[str, list[dict[str, Any]]]) -> None:
        for name, documents in made.items():
            quick = self.raw.get_collection(name, write_concern=WriteConcern(w=1, j=False))
            quick.insert_many(copy.deepcopy(documents), ordered=False)

    def _add_product(self, made: Documents, site: str) -> None:
        product, now = new_id(), utc_now() - OLD
        images = []
        for _ in range(IMAGES_EACH):
            is_large = self.has_large and len(self.assets) % 30 == 29
            size = 2 * CHUNK_BYTES + 5000 if is_large else 300 + self.chance.randrange(3000)
            asset = self.add_asset(made, site, ("product", product), self.chance.randbytes(size))
            images.append({"asset": asset})
            self.assets.append(asset)
            self.products[asset] = product
            if is_large:
                self.large.append(asset)
        made.setdefault("shop_products", []).append(
            {
                "_id": product,
                "site": site,
                "owner": "o" * 22,
                "name": f"Zapato {product}",
                "name_key": product,
                "description": "",
                "currency": "PYG",
                "status": "published",
                "images": images,
                "revision": 1,
                "words": [],
                "created_at": now,
                "updated_at": now,
            }
        )

    def add_asset(self, made: Documents, site: str, claim: tuple[str, str], data: bytes) -> str:
        """Write the documents of an asset into `made`, with a rendition; return its id."""
        asset, file, at = new_id(), new_id(), utc_now() - OLD
        digest = hashlib.sha256(data).hexdigest()
        version = {
            "file": file,
            "sha256": digest,
            "source_sha256": digest,
            "bytes": len(data),
            "media_type": "image/jpeg",
            "width": 1,
            "height": 1,
            "at": at,
            "by": None,
        }
        document = {
            "_id": asset,
            "site": site,
            "bucket": "product_images",
            "owner": "o" * 22,
            "name": "a.jpg",
            "visibility": "public",
            "state": "live",
            "claim": {"kind": claim[0], "id": claim[1]},
            "versions": [version],
            "revision": 1,
            "created_at": at,
        }
        stored = f"{site}/{file}"
        facts = {"_id": stored, "length": len(data), "chunkSize": CHUNK_BYTES, "uploadDate": at}
        made.setdefault("assets", []).append(document)
        made.setdefault(FILES, []).append(
            {**facts, "filename": "a.jpg", "metadata": {"asset": asset, "site": site}}
        )
        made.setdefault(CHUNKS, []).extend(
            an_old_chunk(stored, number, data[start : start + CHUNK_BYTES])
            for number, start in enumerate(range(0, len(data), CHUNK_BYTES))
        )
        made.setdefault("renditions", []).append(a_rendition(site, asset, file, data[:200]))
        self.files[asset] = stored
        return asset

    # Damage

    def change_chunk(self, asset: str, number: int, change: Any) -> None:
        query = {"files_id": self.files[asset], "n": number}
        chunk = self.raw[CHUNKS].find_one(query)
        assert chunk is not None
        self.raw[CHUNKS].update_one(
            {"_id": chunk["_id"]}, {"$set": {"data": change(chunk["data"])}}
        )

    def flip_bit(self, asset: str) -> None:
        def flipped(data: bytes) -> bytes:
            place = self.chance.randrange(len(data))
            bit = 1 << self.chance.randrange(8)
            return data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]

        self.change_chunk(asset, 0, flipped)

    def allow_duplicates(self) -> None:
        """As after a restore that left the indexes out."""
        self.raw[CHUNKS].drop_index("files_id_1_n_1")
        self.raw[CHUNKS].create_index([("files_id", ASCENDING), ("n", ASCENDING)])

    def twin(self, asset: str) -> None:
        """Store the same bytes once more, as somebody's other picture."""
        found = self.raw["assets"].find_one({"_id": asset})
        assert found is not None
        chunks = self.raw[CHUNKS].find({"files_id": self.files[asset]}).sort("n", 1)
        made: Documents = {}
        product, now = new_id(), utc_now() - OLD
        data = b"".join(each["data"] for each in chunks)
        other = self.add_asset(made, found["site"], ("product", product), data)
        made["shop_products"] = [
            {
                "_id": product,
                "site": found["site"],
                "name": "b",
                "description": "",
                "currency": "PYG",
                "status": "draft",
                "images": [{"asset": other}],
                "revision": 1,
                "created_at": now,
                "updated_at": now,
            }
        ]
        self.put(made)

    def everything(self) -> Documents:
        """All documents but those that say what was looked at."""
        names = ["assets", "renditions", "shop_products", "legacy_urls", "tus_uploads", "quotas"]
        names += [
            "shop_products_grouped",
            "page_content",
            "media_folders",
            "sites",
            "site_profiles",
        ]
        names += [f"{each}.{part}" for each in ("product_images", "uploads") for part in PARTS]
        return {name: list(self.raw[name].find(sort=[("_id", 1)])) for name in names}

    def bring_back(self, kept: Documents) -> None:
        """Restore a backup."""
        for name, documents in kept.items():
            self.raw[name].delete_many({})
            if documents:
                self.raw[name].insert_many(documents)


PARTS = ("files", "chunks")


def an_old_id() -> ObjectId:
    """An id as it was given before."""
    fresh = ObjectId()
    before = ObjectId.from_datetime(datetime.now(UTC) - OLD)
    return ObjectId(before.binary[:4] + fresh.binary[4:])


def an_old_chunk(stored: Any, number: int, data: bytes) -> dict[str, Any]:
    return {"_id": an_old_id(), "files_id": stored, "n": number, "data": Binary(data)}


def a_rendition(site: str, asset: str, file: str, data: bytes) -> dict[str, Any]:
    return {
        "_id": f"{asset}/0123456789ab/card.webp",
        "site": site,
        "asset": asset,
        "file": file,
        "variant": "card",
        "media_type": "image/webp",
        "bytes": len(data),
        "width": 1,
        "height": 1,
        "sha256": hashlib.sha256(data).hexdigest(),
        "made_at": utc_now() - OLD,
        "data": data,
    }
