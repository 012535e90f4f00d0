"""The queries and deletions of the sweeper, in MongoDB."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from avenue.media.models import Asset, State
from avenue.media.renditions.store import SweptRenditions
from avenue.media.store.documents import ASSETS, from_document
from avenue.media.store.legacy_urls import LEGACY_URLS
from avenue.media.store.transitions import UNCLAIMED, condemn
from avenue.storage.arriving import Arriving
from avenue.storage.collection import Collection, Sort
from avenue.storage.connection import Database, Document
from avenue.storage.file_facts import FileFacts
from avenue.storage.file_walk import FileWalk
from avenue.storage.gridfs import BACKUP, IS_HELD, LEASES, Files
from avenue.storage.idempotency import Writes
from avenue.storage.records import passing_over
from avenue.storage.scope import deployment, next_of_sites, site

META = "avenue_meta"
T = TypeVar("T")
SWEPT = "swept"
"""The entry of `META` with the positions of the sweeper's walks."""
_NAMES_UNKNOWN: tuple[Document, ...] = (
    {"versions.file": {"$exists": False}},
    {"versions.file": None},
    {"versions.file": {"$type": ["number", "object", "binData", "objectId", "bool", "date"]}},
)
"""Condition for assets whose file names cannot be read; each part uses an index."""


class SweptStore:
    """The queries of the sweeper, over all sites of one cluster.

    Every decision is a conditional write.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._assets = deployment(database).collection(ASSETS)
        self._legacy_urls = deployment(database).collection(LEGACY_URLS)
        self._sites = deployment(database.home).collection("sites")
        self._meta = deployment(database).collection(META)
        self.renditions = SweptRenditions(database)
        self.writes = Writes(database)
        self._arriving = Arriving(database)

    def clock_skew_seconds(self) -> float:
        """Return how far this machine's clock is ahead of the server's."""
        return self._database.clock_skew().total_seconds()

    def condemn_one(self, asset_id: str) -> Asset | None:
        """Condemn an asset that was not claimed in time (make it invisible for good); return it."""
        expired = {
            **UNCLAIMED,
            "expires_at": {"$type": "date"},  # without an expiry it was claimed once
            "$expr": {"$lt": ["$expires_at", "$$NOW"]},
            "_id": asset_id,
        }
        return self._first(expired, [("_id", 1)], condemn)

    def condemn_unclaimed(self, until: datetime, unreadable: list[object]) -> Asset | None:
        """Condemn one asset that was not claimed `until` then, and return it.

        Those with invalid records are not changed; they are added to `unreadable` and
        skipped.
        """
        expired = {**UNCLAIMED, "expires_at": {"$lte": until}}
        order = [("expires_at", 1)]
        return passing_over(
            lambda ids: self._first({**expired, "_id": {"$nin": ids}}, order, condemn), unreadable
        )

    def condemn_trash(self, until: datetime, unreadable: list[object]) -> Asset | None:
        """Condemn one asset that has been in the trash since then, and return it."""
        old = {"state": State.TRASH, "trash.at": {"$lte": until}}
        change = {"$set": {"state": State.PURGING}}
        order = [("trash.at", 1)]

        def trashed(assets: Collection, query: Document) -> Document | None:
            # In a transaction, which does not change invalid records.
            return assets.transaction(lambda inside: inside.find_and_update(query, change))

        found = passing_over(
            lambda ids: self._first({**old, "_id": {"$nin": ids}}, order, trashed), unreadable
        )
        return from_document(found) if found else None

    def _first(
        self, query: Document, order: Sort, change: Callable[[Collection, Document], T | None]
    ) -> T | None:
        """Return the first true result of `change` for an asset of any site; None without one.

        Each asset is changed within its site.
        """
        while found := next_of_sites(self._assets, query, order):
            assets, asset_id = found
            if changed := change(assets, {**query, "_id": asset_id}):
                return changed
        return None

    def condemned(self, limit: int) -> list[Asset]:
        """Return assets whose purge has begun and can be continued."""
        return self._assets.values(from_document, {"state": State.PURGING}, limit=limit)

    def purge(self, asset: Asset) -> None:
        """Delete bytes, renditions, old addresses and then the record of a condemned asset.

        Repeatable from any step.
        """
        files = self.bucket(asset.bucket)
        for version in asset.versions:
            files.delete(f"{asset.site}/{version.file}")
        self.renditions.delete_of_asset(asset.site, asset.id)
        self._legacy_urls.delete_all({"site": asset.site, "asset": asset.id})
        self._assets.delete({"_id": asset.id, "site": asset.site, "state": State.PURGING})

    def is_backed_up(self) -> bool:
        """Return whether a backup is running: no file is deleted meanwhile."""
        held = (
            deployment(self._database.home)
            .collection(LEASES)
            .find_one({"_id": BACKUP, **IS_HELD}, {"_id": 1})
        )
        return held is not None

    def places(self) -> dict[str, str]:
        """Return the positions at which the last walks ended, by name."""
        found = self._meta.find_as_it_is({"_id": SWEPT}) or {}
        places = found.get("places")
        sound_places = places.items() if isinstance(places, dict) else ()
        return {name: place for name, place in sound_places if isinstance(place, str)}

    def keep_places(self, places: Mapping[str, str]) -> None:
        """Store the positions at which the walks of a round ended; repeatable."""
        kept = [{"$set": {"places": {"$literal": dict(places)}}}]
        self._meta.update({"_id": SWEPT}, kept, upsert=True)

    def shown_anew(self, until: datetime, limit: int) -> Iterator[list[Document]]:
        """Yield the assets whose crop or visibility changed before `until`.

        In batches of ids with their sites, until each of them was `looked_at`.
        """
        due = {"shown_anew_at": {"$lte": until}}
        oldest_first = [("shown_anew_at", 1)]
        while found := self._assets.find(due, {"site": 1}, sort=oldest_first, limit=limit):
            yield found

    def looked_at(self, asset: Document, until: datetime) -> None:
        """Clear the mark of a changed asset, unless it was changed again since `until`."""
        self._assets.update(
            {**asset, "shown_anew_at": {"$lte": until}}, {"$unset": {"shown_anew_at": ""}}
        )

    def bucket(self, name: str) -> Files:
        """Return a bucket with the files of every site."""
        return deployment(self._database).files(name)

    def walk(self, bucket: str) -> FileWalk:
        """Return the walk through the files of every site in a bucket."""
        return deployment(self._database).walk(bucket)

    def files(self, bucket: str, file_ids: Sequence[str]) -> list[FileFacts]:
        """Return the existing file documents of `file_ids`."""
        files = self.bucket(bucket)
        return [found for each in file_ids if (found := files.find(each))]

    def existing_files(self, bucket: str, file_ids: Sequence[str]) -> frozenset[str]:
        """Return those of `file_ids` that have a file document."""
        found = (
            deployment(self._database)
            .collection(f"{bucket}.files")
            .find({"_id": {"$in": list(file_ids)}}, {"_id": 1})
        )
        return frozenset(each["_id"] for each in found)

    def used_files(self, files: Sequence[FileFacts]) -> frozenset[str]:
        """Return those of `files` that are a version of their asset.

        Whatever site its record names, because that may be the error. If the record has lost its
        files, all are: they may be needed to repair it.
        """
        owners = {each.id: str(each.metadata.get("asset")) for each in files}
        asset_ids = sorted(set(owners.values()))
        found = self._assets.find({"_id": {"$in": asset_ids}}, {"versions.file": 1})
        named = {each["_id"]: _files_named(each) for each in found}
        return frozenset(
            file
            for file, owner in owners.items()
            if owner in named and (not named[owner] or file.partition("/")[2] in named[owner])
        )

    def live_after(self, asset_id: str, limit: int) -> list[Asset]:
        """Return up to `limit` live assets of every site by id, after `asset_id`."""
        live = {"_id": {"$gt": asset_id}, "state": State.LIVE}
        return self._assets.values(from_document, live, sort=[("_id", 1)], limit=limit)

    def count_live(self, *, up_to: str | None = None) -> int:
        """Return the number of live assets with ids up to `up_to`."""
        reach = {"_id": {"$lte": up_to}} if up_to else {}
        return self._assets.count({"state": State.LIVE, **reach})

    def assets_by_id(self, asset_ids: Iterable[str]) -> dict[str, Asset]:
        """Return the existing and readable ones of `asset_ids`, by id."""
        found = self._assets.values(from_document, {"_id": {"$in": sorted(set(asset_ids))}})
        return {each.id: each for each in found}

    def those_there(self, asset_ids: Iterable[str]) -> frozenset[str]:
        """Return those of `asset_ids` that have a record, readable or not."""
        found = self._assets.find({"_id": {"$in": sorted(set(asset_ids))}}, {"_id": 1})
        return frozenset(each["_id"] for each in found)

    def is_named(self, file_id: str) -> bool:
        """Return whether a version of any asset refers to this file."""
        site_id, _, own_id = file_id.partition("/")
        return (
            self._assets.find_one({"site": site_id, "versions.file": own_id}, {"_id": 1})
            is not None
        )

    def is_used(self, bucket: str, file_id: str) -> bool:
        """Return whether a file is a version of any asset, or may be one; see `used_files`."""
        found = self.bucket(bucket).find(file_id)
        return self.is_named(file_id) or (found is not None and bool(self.used_files([found])))

    def may_be_named(self, file_id: str) -> bool:
        """Return whether any asset may refer to a file whose document, with its asset, is missing.

        It may belong to any asset whose files or site cannot be read.
        """
        site_id, _, own_id = file_id.partition("/")
        sites = [each["_id"] for each in self._sites.find({}, {"_id": 1})]
        strays = {"site": {"$nin": sites}, "versions.file": own_id}
        bare = [{"site": site_id, **each} for each in _NAMES_UNKNOWN]
        found = self._assets.find_as_it_is({"$or": [strays, *bare]}, {"_id": 1})
        return found is not None or self.is_named(file_id)

    def release(self, file_id: str) -> bool:
        """Return whether no one writes `file_id`; deletes an open write whose lease has ended."""
        site_id, _, own_id = file_id.partition("/")
        held = self._arriving.holds(site_id, own_id)
        return not held and self.writes.release(site_id, own_id)


def swept_of(database: Database, site_id: str) -> SweptStore:
    """Return the store of the cluster of a site."""
    return SweptStore(site(database, site_id).database)


def _files_named(asset: Document) -> list[str]:
    """Return the files of a record's versions; none unless all of them can be read."""
    versions = asset.get("versions")
    if not isinstance(versions, list):
        return []
    files: list[object] = [each.get("file") for each in versions if isinstance(each, dict)]
    named = [each for each in files if isinstance(each, str)]
    return named if len(named) == len(versions) else []
