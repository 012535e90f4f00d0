"""Findings of the scanner, and the progress of the scan, in MongoDB."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from avenue.media.announcing.models import Kind
from avenue.media.announcing.store import announce, together
from avenue.media.models import DUE, Asset, Scan, ScanState, State, Version
from avenue.media.store.documents import ASSETS, from_document, scan_document
from avenue.storage.collection import Collection
from avenue.storage.connection import Database, Document
from avenue.storage.scope import SiteRecords, deployment, site
from avenue.totals import MOST_COUNTED

META = "avenue_meta"
SCANNED = "scanned"
"""The entry of `META` with the progress of the scan of all files."""
SEEN = [State.LIVE, State.TRASH]
STATE = "versions.scan.state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The progress of the scan of all files of a cluster: it continues after the asset `after`.

    It was started with the signatures `database`; `is_over`: all were scanned with these.
    """

    began_at: datetime
    database: str
    after: str = ""
    is_over: bool = False


class QuarantineStore(SiteRecords):
    """The files in quarantine of one site at a time; every method takes the site first."""

    def find(self, site_id: str, *, after: str, limit: int) -> list[Asset]:
        """Return some files in quarantine, in the order of their ids."""
        query = {STATE: ScanState.QUARANTINED, "_id": {"$gt": after}, "state": {"$in": SEEN}}
        assets = self._records(site_id, ASSETS)
        return assets.values(from_document, query, sort=[("_id", 1)], limit=limit)

    def count(
        self, site_id: str, most: int = MOST_COUNTED, *, states: Sequence[State] = SEEN
    ) -> int | None:
        """Return how many there are, None for more than `most`."""
        assets = self._records(site_id, ASSETS)
        return assets.total({STATE: ScanState.QUARANTINED, "state": {"$in": states}}, most=most)

    def get(self, site_id: str, asset_id: str) -> Asset | None:
        """Return one asset that is live or in the trash, or None."""
        query = {"_id": asset_id, "state": {"$in": SEEN}}
        return self._records(site_id, ASSETS).value(from_document, query)

    def note(self, asset: Asset, version: Version, scan: Scan) -> Asset | None:
        """Store the result of a scan of a version; None if it was changed meanwhile.

        If it can no longer be read, edges are purged once every worker's cache has expired.
        """
        assets = site(self._database, asset.site).collection(ASSETS)
        return together(assets, lambda inside: _noted(inside, asset, version, scan))


class ScanStore:
    """Queries of the job over all sites of one cluster."""

    def __init__(self, database: Database) -> None:
        self._assets = deployment(database).collection(ASSETS)
        self._meta = deployment(database).collection(META)

    def due(self, passed: Sequence[str], limit: int) -> list[Asset]:
        """Return some files that wait for the scanner, without those in `passed`."""
        order, found = [("site", 1), ("_id", 1)], list[Asset]()
        for each in DUE:  # separately: the index is used for one state at a time
            query = {STATE: each, "_id": {"$nin": list(passed)}}
            found += self._assets.values(from_document, query, sort=order, limit=limit)
        return found[:limit]

    def after(self, asset_id: str, limit: int) -> list[Asset]:
        """Return some files of every site by id, after `asset_id`."""
        query = {"_id": {"$gt": asset_id}, "state": {"$in": SEEN}}
        return self._assets.values(from_document, query, sort=[("_id", 1)], limit=limit)

    def counts(self, state: ScanState, most: int) -> Mapping[str, int]:
        """Return the number of live files in a state, by site; at most `most` are counted."""
        found = self._assets.aggregate(
            [
                {"$match": {STATE: state, "state": State.LIVE}},
                {"$limit": most},
                {"$group": {"_id": "$site", "files": {"$sum": 1}}},
            ]
        )
        return {each["_id"]: each["files"] for each in found}

    def waiting_before(self, moment: datetime, most: int) -> int:
        """Return how many files have been waiting for the scanner since before `moment`."""
        return sum(self._waiting(each, moment, most) for each in DUE)

    def _waiting(self, state: ScanState, moment: datetime, most: int) -> int:
        such = {"scan.state": state, "scan.at": {"$lt": moment}}
        return self._assets.count({STATE: state, "versions": {"$elemMatch": such}}, most=most)

    def place(self) -> Place | None:
        """Return the progress, None before the first scan or if it cannot be read."""
        kept = self._known().get("place")
        if not isinstance(kept, dict) or not isinstance(kept.get("database"), str):
            return None
        if not isinstance(kept.get("began_at"), datetime):
            return None
        return Place(
            began_at=kept["began_at"],
            database=kept["database"],
            after=str(kept.get("after", "")),
            is_over=kept.get("is_over") is True,
        )

    def keep_place(self, place: Place) -> None:
        """Store the progress; repeatable."""
        kept = {name: getattr(place, name) for name in Place.__slots__}
        change = [{"$set": {"place": {"$literal": kept}}}]
        self._meta.update({"_id": SCANNED}, change, upsert=True)

    def away_since(self) -> datetime | None:
        """Return since when the scanner has been unreachable, None while it is reachable."""
        kept = self._known().get("away_since")
        return kept if isinstance(kept, datetime) else None

    def keep_away(self, *, is_away: bool) -> None:
        """Store that the scanner is unreachable, since now unless it was before, or is back."""
        since = {"$ifNull": ["$away_since", "$$NOW"]} if is_away else None
        change = [{"$set": {"away_since": since}}]
        if is_away or self.away_since() is not None:
            self._meta.update({"_id": SCANNED}, change, upsert=True)

    def _known(self) -> Mapping[str, Any]:
        return self._meta.find_as_it_is({"_id": SCANNED}) or {}


def _noted(assets: Collection, asset: Asset, version: Version, scan: Scan) -> Asset | None:
    known = version.scan.state if version.scan else None
    such = {"file": version.file, "scan.state": known}
    query: Document = {"_id": asset.id, "versions": {"$elemMatch": such}}
    change = {"$set": {"versions.$.scan": scan_document(scan)}, "$inc": {"revision": 1}}
    found = assets.find_and_update(query, change)
    if found is None:
        return None
    is_shown = asset.state is State.LIVE and version is asset.current
    if is_shown and scan.is_withheld and not version.is_withheld:
        announce(assets, found, Kind.PURGE)
    return from_document(found)
