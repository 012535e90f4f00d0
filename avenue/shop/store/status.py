"""What a shop has, counted as it is now, and who refers to pictures."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from avenue.media.references import Referrer
from avenue.shop.models import GROUP, PRODUCT, Status
from avenue.shop.store.documents import GROUPS, PRODUCTS
from avenue.storage.connection import Database, Document
from avenue.storage.scope import Collection, site

COLLECTIONS = {PRODUCT: PRODUCTS, GROUP: GROUPS}
REFERRING = {"sku": 1, "revision": 1, "images": 1}
HAS_IMAGES = {"images.0": {"$exists": True}}
HAS_URLS = {"images.url": {"$exists": True}}
MOST_ADDRESSES, MOST_NAMING = 20, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Products or groups of a site; `images` are the entries of all their lists."""

    total: int
    published: int
    with_images: int
    images: int


class StatusStore:
    """The numbers of one site at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, site_id: str, kind: str) -> Counted:
        """Count the products or groups, all at one moment."""
        images = {"$cond": [{"$isArray": "$images"}, {"$size": "$images"}, 0]}
        is_published = {"$eq": ["$status", Status.PUBLISHED]}
        found = _of(self._database, site_id, kind).aggregate(
            [
                {
                    "$group": {
                        "_id": None,
                        "total": {"$sum": 1},
                        "published": {"$sum": {"$cond": [is_published, 1, 0]}},
                        "with_images": {"$sum": {"$cond": [{"$gt": [images, 0]}, 1, 0]}},
                        "images": {"$sum": images},
                    }
                }
            ]
        )
        numbers = found[0] if found else {}
        return Counted(**{name: numbers.get(name, 0) for name in Counted.__slots__})

    def names(self, site_id: str, kind: str, ids: Sequence[str]) -> dict[str, str]:
        """Return the names of those products or groups that exist, by id."""
        found = _of(self._database, site_id, kind).find({"_id": {"$in": list(ids)}}, {"name": 1})
        return {each["_id"]: str(each.get("name", "")) for each in found}

    def urls(self, site_id: str, most_owners: int) -> list[str] | None:
        """Return every URL among the pictures; None when more than `most_owners` have some."""
        urls: list[str] = []
        for kind in COLLECTIONS:
            owners = _of(self._database, site_id, kind).find(
                HAS_URLS, {"_id": 0, "images": 1}, limit=most_owners + 1
            )
            if len(owners) > most_owners:
                return None
            urls += [url for each in owners for url in _urls(each)]
        return urls

    def naming(
        self, site_id: str, kind: str, asset_id: str, addresses: Sequence[str]
    ) -> dict[str, str]:
        """Return the names of the first products or groups that name an asset, by id.

        By its id, by an address that has it, or by one of the old `addresses`. No index knows that:
        all that have pictures are looked at.
        """
        texts = "|".join(map(re.escape, [asset_id, *addresses[:MOST_ADDRESSES]]))
        entries = [{"images.asset": asset_id}, {"images.url": {"$regex": texts}}]
        found = _of(self._database, site_id, kind).find(
            {**HAS_IMAGES, "$or": entries}, {"name": 1}, sort=[("_id", 1)], limit=MOST_NAMING
        )
        return {each["_id"]: str(each.get("name", "")) for each in found}


class PictureReferrers:
    """The products, or the groups, as an inspection sees them."""

    def __init__(self, database: Database, kind: str) -> None:
        self.kind = kind
        self.collection = COLLECTIONS[kind]
        self._database = database

    def count(self, site_id: str) -> int:
        """Return how many have pictures."""
        return self._documents(site_id).count(HAS_IMAGES)

    def after(self, site_id: str, last_id: str, limit: int) -> list[Referrer]:
        """Return up to `limit` of those that have pictures, by id, after `last_id`."""
        found = self._documents(site_id).find(
            {"_id": {"$gt": last_id}, **HAS_IMAGES}, REFERRING, sort=[("_id", 1)], limit=limit
        )
        return [self._referrer(each) for each in found]

    def these(self, site_id: str, ids: Sequence[str]) -> list[Referrer]:
        """Return those of `ids` that exist."""
        found = self._documents(site_id).find({"_id": {"$in": list(ids)}}, REFERRING)
        return [self._referrer(each) for each in found]

    def _documents(self, site_id: str) -> Collection:
        return _of(self._database, site_id, self.kind)

    def _referrer(self, document: Document) -> Referrer:
        images = document.get("images")
        return Referrer(
            kind=self.kind,
            id=document["_id"],
            sku=document.get("sku") if _is_text(document.get("sku")) else None,
            revision=document.get("revision"),
            images=tuple(images) if isinstance(images, list) else (),
        )


def _of(database: Database, site_id: str, kind: str) -> Collection:
    return site(database, site_id).collection(COLLECTIONS[kind])


def _urls(document: Document) -> list[str]:
    images: object = document.get("images")
    entries = [each for each in images if isinstance(each, dict)] if _is_list(images) else []
    return [each["url"] for each in entries if not each.get("asset") and _is_text(each.get("url"))]


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
