"""What is in the database after a fault, looked at from outside, without any code of Avenue."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import pymongo
from pymongo.database import Database as MongoDatabase

from avenue.config import Settings
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import Sweeper, Swept
from avenue.storage.connection import Database
from avenue.storage.site_data import BUCKETS
from tests.mongod import Client as MongoClient
from tests.server import Client, path_of
from tests.waiting import wait_until

Raw = MongoDatabase[dict[str, Any]]
T = TypeVar("T")


def raw(client: MongoClient, uri: str) -> Raw:
    """The database of `uri`, through the test's own client."""
    return client[str(pymongo.uri_parser.parse_uri(uri)["database"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """How much of everything there is; `damage` must be empty at all times."""

    claimed: int
    unclaimed: int
    trash: int
    open_writes: int
    stray_files: int
    stray_chunks: int
    damage: tuple[str, ...]

    @property
    def stray(self) -> tuple[int, int, int, int]:
        """Whatever belongs to no product: nothing, in a clean deployment."""
        return self.unclaimed, self.open_writes, self.stray_files, self.stray_chunks


CLEAN = (0, 0, 0, 0)


def inspect(database: Raw) -> Deployment:
    """Read every byte and every reference."""
    assets = list(database["assets"].find())
    named = {f"{each['site']}/{v['file']}": v for each in assets for v in each["versions"]}
    files = {each["_id"]: each for each in database["product_images.files"].find()}
    hashes = _hashes(database)
    chunks = Counter(
        each["files_id"] for each in database["product_images.chunks"].find({}, {"files_id": 1})
    )
    damage = [f"no file {name}" for name in named if name not in files]
    damage += [
        f"other bytes in {name}"
        for name, version in named.items()
        if hashes.get(name) != (version["sha256"], version["bytes"])
    ]
    states = Counter(
        "trash" if each["state"] == "trash" else bool(each["claim"]) for each in assets
    )
    damage += _dangling(database, assets)
    return Deployment(
        claimed=states[True],
        unclaimed=states[False],
        trash=states["trash"],
        open_writes=database["writes"].count_documents({"state": "open"}),
        stray_files=len(files.keys() - named.keys()),
        stray_chunks=sum(count for name, count in chunks.items() if name not in named),
        damage=tuple(damage),
    )


def _hashes(database: Raw) -> dict[str, tuple[str, int]]:
    found: dict[str, Any] = {}
    lengths: Counter[str] = Counter()
    order = [("files_id", 1), ("n", 1)]
    for chunk in database["product_images.chunks"].find({}, sort=order, batch_size=4):
        name = chunk["files_id"]
        found.setdefault(name, hashlib.sha256()).update(chunk["data"])
        lengths[name] += len(chunk["data"])
    return {name: (digest.hexdigest(), lengths[name]) for name, digest in found.items()}


def _dangling(database: Raw, assets: list[dict[str, Any]]) -> list[str]:
    """An owner's stored pictures and the live assets it has claimed must be the same."""
    owners = [*database["shop_products"].find(), *database["shop_products_grouped"].find()]
    damage = []
    for owner in owners:
        shown = [image["asset"] for image in owner["images"] if "asset" in image]
        owned = [
            each["_id"]
            for each in assets
            if each["state"] == "live" and (each["claim"] or {}).get("id") == owner["_id"]
        ]
        if sorted(shown) != sorted(owned):
            damage.append(f"{owner['_id']} shows {shown} and owns {owned}")
    return damage


def sweep(uri: str) -> Swept:
    """One round of the sweeper that takes orphans of any age."""
    database = Database(Settings(mongodb_uri=uri, local=True))
    try:
        return Sweeper(
            SweptStore(database), buckets=BUCKETS, trash_days=7, orphan_age=timedelta(0)
        ).sweep()
    finally:
        database.close()


def end_leases(database: Raw) -> None:
    """Make every lease one that has ended, as it does by itself some 20 s after a crash."""
    database["writes"].update_many(
        {"state": "open"}, [{"$set": {"lease_until": {"$subtract": ["$$NOW", 60_000]}}}]
    )


def expire_unclaimed(database: Raw) -> None:
    """Let the 24 hours pass that an upload waits for its owner."""
    database["assets"].update_many(
        {"claim": None}, [{"$set": {"expires_at": {"$subtract": ["$$NOW", 60_000]}}}]
    )


def shown(client: Client, product_id: str) -> list[str]:
    """Read every picture the product shows to the last byte; return their hashes, in order."""
    images = client.product(product_id)["images"]
    for image in images:
        answer = client.get(path_of(image["url"]))
        assert answer.status == 200, answer
        assert sha256(answer.body) == image["sha256"]
        assert len(answer.body) == image["bytes"]
    return [str(image["sha256"]) for image in images]


def in_time(ask: Callable[[], T], seconds: float) -> T:
    """Ask until the answer comes within `seconds`; return it.

    A busy machine keeps one waiting now and then; who waits for a database that is away does so
    each time.
    """
    answers: list[T] = []

    def is_answered_in_time() -> bool:
        began_at = time.monotonic()
        answers.append(ask())
        return time.monotonic() - began_at < seconds

    wait_until(is_answered_in_time, f"an answer within {seconds} s")
    return answers[-1]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
