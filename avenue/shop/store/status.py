"""Counts of the shop, and references of products and groups to pictures."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeGuard

from bson import Regex

from avenue.identity import Site
from avenue.media.references import Referrer, ids_changed_since
from avenue.media.urls import own_urls
from avenue.shop.models import GROUP, PRODUCT, Status
from avenue.shop.store.documents import GROUPS, PRODUCTS
from avenue.storage.collection import Collection
from avenue.storage.connection import Database, Document
from avenue.storage.indexes import IS_TEXT
from avenue.storage.scope import site
from avenue.storage.site_counts import Counter, Numbers, SiteCounts

COLLECTIONS = {PRODUCT: PRODUCTS, GROUP: GROUPS}
REFERRING = {"sku": 1, "revision": 1, "images": 1}
HAS_IMAGES = {"images.0": {"$exists": True}}
HAS_URLS = {"images.url": {"$exists": True}}
MOST_ADDRESSES, MOST_NAMING = 20, 100

COUNTED_AT_ONCE = 20_000
_IMAGES = {"$cond": [{"$isArray": "$images"}, {"$size": "$images"}, 0]}
_COUNTED: Document = {
    "total": {"$sum": 1},
    "published": {"$sum": {"$cond": [{"$eq": ["$status", Status.PUBLISHED]}, 1, 0]}},
    "with_images": {"$sum": {"$cond": [{"$gt": [_IMAGES, 0]}, 1, 0]}},
    "images": {"$sum": _IMAGES},
}
_IN_ORDER: Document = {"$sort": {"created_at": 1, "_id": 1}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The numbers of products or groups; `images` are the entries of all their lists.

    `counted_at` is None for now. Where they are many and nobody has counted them yet, the numbers
    are None, and there are `total_at_least` so many.
    """

    total: int | None
    published: int | None
    with_images: int | None
    images: int | None
    counted_at: datetime | None = None
    total_at_least: int | None = None


class StatusStore:
    """The numbers of one site at a time."""

    def __init__(self, database: Database, counts: SiteCounts | None = None) -> None:
        self._database = database
        self._counts = counts or SiteCounts(database)
        self.counters: dict[str, Counter] = {
            kind: partial(self._count, kind=kind) for kind in COLLECTIONS
        }

    def count(self, site_id: str, kind: str) -> Counted:
        """Return the number of products or groups: counted now if few, otherwise the last count."""
        count = self._counts.of(site_id, kind, self.counters[kind])
        return Counted(
            **{name: count.known(name) for name in _COUNTED},
            counted_at=count.counted_at,
            total_at_least=count.at_least,
        )

    def _count(self, site_id: str, most: int | None, *, kind: str) -> Numbers | None:
        """Count the products or groups; see `Counter`."""
        owners = _of(self._database, site_id, kind)
        if most is not None:
            few = [_IN_ORDER, {"$limit": most + 1}, {"$group": {"_id": 0, **_COUNTED}}]
            found = owners.aggregate(few)
            numbers = {name: found[0][name] if found else 0 for name in _COUNTED}
            return numbers if numbers["total"] <= most else None
        last = {"$last": {"at": "$created_at", "id": "$_id"}}
        step = [
            _IN_ORDER,
            {"$limit": COUNTED_AT_ONCE},
            {"$group": {"_id": 0, **_COUNTED, "last": last}},
        ]
        together, behind = dict.fromkeys(_COUNTED, 0), dict[str, Any]()
        while found := owners.aggregate([{"$match": behind}, *step]):
            together = {name: sofar + found[0][name] for name, sofar in together.items()}
            at, owner = found[0]["last"].get("at"), found[0]["last"]["id"]
            later = [{"created_at": {"$gt": at}}, {"_id": {"$gt": owner}}]
            behind = {"created_at": {"$gte": at}, "$or": later}
        return together

    def names(self, site_id: str, kind: str, ids: Sequence[str]) -> dict[str, str]:
        """Return the names of the existing products or groups, by id."""
        found = _of(self._database, site_id, kind).find({"_id": {"$in": list(ids)}}, {"name": 1})
        return {each["_id"]: str(each.get("name", "")) for each in found}

    def urls(self, site_id: str, most_owners: int) -> list[str] | None:
        """Return every URL among the pictures; None if more than `most_owners` have some."""
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
        self, of: Site, kind: str, asset_id: str, addresses: Sequence[str]
    ) -> dict[str, str]:
        """Return the names of the first products or groups that refer to an asset, by id.

        By its id, or by a URL of the site with its path or one of the old `addresses`: on another
        host it would be an external picture.
        """
        beginnings = own_urls(of, [f"/media/{asset_id}/"])
        whole = own_urls(of, addresses[:MOST_ADDRESSES])
        # Without flags, which `re.compile` has: otherwise the index is read from end to end.
        urls = [
            *(Regex(f"^{re.escape(each)}") for each in beginnings),
            *(Regex(f"^{re.escape(each)}(?![^?#])") for each in whole),
        ]
        owners = _of(self._database, of.id, kind)
        found = [  # each by its own index
            each
            for named in (
                {"images.asset": {"$eq": asset_id, **IS_TEXT}},
                # Without `$exists`, as they are: beside it the index is read from end to end.
                {"images.url": {"$in": urls}},
            )
            for each in owners.find(named, {"name": 1}, limit=MOST_NAMING)
        ]
        names = {each["_id"]: str(each.get("name", "")) for each in found}
        return dict(sorted(names.items())[:MOST_NAMING])


class PictureReferrers:
    """The products, or the groups, for the inspection."""

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
        """Return the existing ones of `ids`."""
        found = self._documents(site_id).find({"_id": {"$in": list(ids)}}, REFERRING)
        return [self._referrer(each) for each in found]

    def changed_since(self, site_id: str, moment: datetime, limit: int) -> list[str]:
        """Return the ids of the `limit` newest at most that were changed since `moment`."""
        return ids_changed_since(self._documents(site_id), moment, limit)

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
