"""Data that checks read besides assets, files and chunks, and the storage of their findings."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from avenue.health.checks.models import (
    YOUNG,
    CheckedRendition,
    Counts,
    Flaw,
    Outcome,
    Round,
    StoredVersion,
)
from avenue.health.checks.store.inspections import INSPECTIONS
from avenue.media.renditions.store import RENDITIONS
from avenue.media.store.documents import ASSETS
from avenue.media.store.legacy_urls import LEGACY_URLS
from avenue.storage.arriving import TUS_UPLOADS
from avenue.storage.clusters import clusters_at_hand
from avenue.storage.collection import Collection
from avenue.storage.connection import Database, Document
from avenue.storage.mending import Mender
from avenue.storage.scope import SiteRecords, deployment, site

FINDINGS = "fsck_findings"
KEEP_DAYS = 30
# Ids of stock GridFS clients and other programs. Ours are strings that begin with a site.
OTHER_TYPES = ("objectId", "binData", "number", "null")
START = object()
"""Before every id, even null."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)
_LATE_MS = int(YOUNG.total_seconds() * 1000)
_LATE: Document = {
    "expires_at": {"$type": "date"},
    "$expr": {"$lt": ["$expires_at", {"$subtract": ["$$NOW", _LATE_MS]}]},
}


class CheckStore(SiteRecords):
    """The data of one site at a time, except methods about data of no site."""

    # Renditions

    def pictured_after(self, site_id: str, asset_id: str, limit: int) -> list[str]:
        """Return the assets of the next `limit` renditions after `asset_id`, in order.

        Read from an index alone.
        """
        found = self._records(site_id, RENDITIONS).find(
            {"asset": {"$gt": asset_id}}, {"_id": 0, "asset": 1}, sort=[("asset", 1)], limit=limit
        )
        # A list of texts matches like a text, and would lead nowhere.
        return [each for each in dict.fromkeys(_text(each, "asset") for each in found) if each]

    def renditions_of(self, site_id: str, asset_id: str) -> list[CheckedRendition]:
        """Return the renditions of an asset, their bytes read."""
        found = self._records(site_id, RENDITIONS).find({"asset": asset_id})
        return list(map(_rendition, found))

    def rendition(self, site_id: str, rendition_id: str) -> CheckedRendition | None:
        """Return a rendition, its bytes read, or None."""
        found = self._records(site_id, RENDITIONS).find_as_it_is({"_id": rendition_id})
        return _rendition(found) if found else None

    def remove_rendition(self, site_id: str, rendition: CheckedRendition) -> None:
        """Delete a rendition, unless it was replaced meanwhile."""
        unless_known: Any = {"$not": {"$type": "date"}}
        made_at = unless_known if rendition.made_at == LONG_AGO else rendition.made_at
        self._records(site_id, RENDITIONS).delete({"_id": rendition.id, "made_at": made_at})

    # Expired

    def expired_after(self, site_id: str, asset_id: str, limit: int) -> list[str]:
        """Return expired unclaimed assets that the sweeper should have removed."""
        unclaimed = {"claim.kind": None, "claim": None, "state": "live", **_LATE}
        return self._ids(self._records(site_id, ASSETS), unclaimed, asset_id, limit)

    def expired_uploads_after(self, site_id: str, upload_id: str, limit: int) -> list[str]:
        """Return resumable uploads that expired more than an hour ago."""
        uploads = self._records(site_id, TUS_UPLOADS)
        return self._ids(uploads, {"is_done": False, **_LATE}, upload_id, limit)

    # Files

    def right_chunks(
        self, site_id: str, bucket: str, version: StoredVersion, chunk_bytes: int
    ) -> list[Any] | None:
        """Return the stored chunks that together are the bytes of a version; see `Mender`."""
        return self._mender(site_id, bucket).right_chunks(
            version.file, length=version.bytes, chunk_bytes=chunk_bytes, sha256=version.sha256
        )

    def keep_only(
        self,
        site_id: str,
        bucket: str,
        version: StoredVersion,
        chunk_ids: Sequence[Any],
        chunk_bytes: int,
    ) -> None:
        """Make these chunks the file of a version whose document exists; repeatable."""
        mender = self._mender(site_id, bucket)
        mender.correct(version.file, length=version.bytes, chunk_bytes=chunk_bytes)
        mender.keep_only(version.file, chunk_ids)

    # Old addresses

    def addresses_after(self, site_id: str, after: str, limit: int) -> list[tuple[str, str, str]]:
        """Return id, path and asset of old addresses, by id."""
        span = {"$gt": after or f"{site_id}/", "$lt": f"{site_id}0"}
        found = self._records(site_id, LEGACY_URLS).find(
            {"_id": span}, {"path": 1, "asset": 1}, sort=[("_id", 1)], limit=limit
        )
        return [(each["_id"], _text(each, "path"), _text(each, "asset")) for each in found]

    def remove_address(self, site_id: str, address_id: str, asset_id: str) -> None:
        """Delete an old address, unless it names another asset by now."""
        self._records(site_id, LEGACY_URLS).delete({"_id": address_id, "asset": asset_id})

    # Data of no site

    def clusters(self) -> list[Database]:
        """Return the reachable clusters, home first."""
        return clusters_at_hand(self._database)

    def foreign_files(
        self, cluster: Database, bucket: str, span: Mapping[str, Any], after: Any, limit: int
    ) -> list[Any]:
        """Return the ids of up to `limit` files in `span`, after `after`, if not `START`."""
        found = _files(cluster, bucket).find(
            {"_id": _beyond(span, after)}, {"_id": 1}, sort=[("_id", 1)], limit=limit
        )
        return [each["_id"] for each in found]

    def foreign_chunks(
        self, cluster: Database, bucket: str, span: Mapping[str, Any], after: Any, limit: int
    ) -> list[Any]:
        """Return the file ids of the next `limit` chunks in `span`, after `after` (or `START`)."""
        found = _chunks(cluster, bucket).find(
            {"files_id": _beyond(span, after)},
            {"_id": 0, "files_id": 1},
            sort=[("files_id", 1), ("n", 1)],
            limit=limit,
        )
        owners: list[Any] = []
        for each in found:  # in order; not every type can be a key of a dict
            owner = each.get("files_id")
            # A list matches like each of its entries, and would lead nowhere.
            if not isinstance(owner, list) and (not owners or owners[-1] != owner):
                owners.append(owner)
        return owners

    def has_file(self, bucket: str, stored_id: Any) -> bool:
        """Return whether a file document of this id exists."""
        by_id = {"_id": stored_id}
        places = self._places_of(stored_id)
        return any(_files(each, bucket).find_one(by_id, {"_id": 1}) for each in places)

    def has_chunks(self, bucket: str, stored_id: Any) -> bool:
        """Return whether any chunk names a file of this id."""
        of_it, places = {"files_id": stored_id}, self._places_of(stored_id)
        return any(_chunks(each, bucket).find_one(of_it, {"_id": 1}) for each in places)

    def newest_chunk_at(self, bucket: str, stored_id: Any) -> datetime | None:
        """Return when the newest chunk of a file was created, None if its id does not say."""
        found = [
            chunk
            for each in self._places_of(stored_id)
            for chunk in _chunks(each, bucket).find(
                {"files_id": stored_id}, {"_id": 1}, sort=[("files_id", 1), ("n", -1)], limit=1
            )
        ]
        times = [getattr(each["_id"], "generation_time", None) for each in found]
        known = [each for each in times if isinstance(each, datetime)]
        return max(known) if known and len(known) == len(times) else None

    def remove_chunks(self, bucket: str, stored_id: Any) -> None:
        """Delete the chunks that name a file."""
        for each in self._places_of(stored_id):
            _chunks(each, bucket).delete_all({"files_id": stored_id})

    # Findings

    def put(self, run: str, findings: Sequence[Flaw]) -> None:
        """Store findings of a run for a while, replacing the same ones; repeatable."""
        for each in findings:
            fields = {name: getattr(each, name) for name in Flaw.__slots__}
            fields["outcome"] = each.outcome.value
            kept = {"$literal": {**fields, "run": run}}
            forget_at = {"$add": ["$$NOW", KEEP_DAYS * 86_400_000]}
            stage = {"$replaceWith": {"$mergeObjects": ["$$ROOT", kept, {"forget_at": forget_at}]}}
            self._findings.update({"_id": f"{run}/{each.id}"}, [stage], upsert=True)

    def findings(self, run: str, after: str, limit: int) -> list[Flaw]:
        """Return findings of a run in the order of their ids, after `after`."""
        span = {"$gt": f"{run}/{after}", "$lt": f"{run}0"}
        return self._findings.values(_finding, {"_id": span}, sort=[("_id", 1)], limit=limit)

    def open_findings(self, run: str, limit: int) -> list[Flaw]:
        """Return findings of a run that have not been handled yet."""
        query = {**self._of(run), "outcome": Outcome.FOUND.value}
        return self._findings.values(_finding, query, limit=limit)

    def counts(self, run: str, *, site_id: str | None = None) -> Counts:
        """Return the numbers of the findings of a run, of one site if one is given."""
        match = {**self._of(run), **({"site": site_id} if site_id else {})}
        is_mended = {"$cond": [{"$eq": ["$outcome", Outcome.MENDED.value]}, 1, 0]}
        rows = self._findings.aggregate(
            [
                {"$match": match},
                {"$group": {"_id": "$kind", "n": {"$sum": 1}, "mended": {"$sum": is_mended}}},
                {"$sort": {"_id": 1}},
            ]
        )
        return Counts(
            by_kind={each["_id"]: each["n"] for each in rows},
            found=sum(each["n"] for each in rows),
            mended=sum(each["mended"] for each in rows),
        )

    def _of(self, run: str) -> Document:
        return {"_id": {"$gte": f"{run}/", "$lt": f"{run}0"}}

    @property
    def _findings(self) -> Collection:
        return deployment(self._database).collection(FINDINGS)

    def _mender(self, site_id: str, bucket: str) -> Mender:
        return site(self._database, site_id).mender(bucket)

    def _places_of(self, stored_id: Any) -> list[Database]:
        """Return the databases that may have the data of an id: for an id of no site, all."""
        site_id = str(stored_id).partition("/")[0]
        own = site(self._database, site_id).database
        is_of_site = self._database.directory.known(site_id) is not None
        return [own] if is_of_site else clusters_at_hand(self._database)

    def _ids(self, source: Collection, query: Document, after: str, limit: int) -> list[str]:
        found = source.find(
            {**query, "_id": {"$gt": after}}, {"_id": 1}, sort=[("_id", 1)], limit=limit
        )
        return [each["_id"] for each in found]


class ScrubStore(SiteRecords):
    """The progress of the scrub of each site."""

    def get(self, site_id: str) -> Round | None:
        """Return the round of a site, None before the first one or if it is unreadable."""
        found = self._records(site_id, INSPECTIONS).values(_round, {"_id": f"{site_id}/scrub"})
        return found[0] if found else None

    def put(self, site_id: str, at: Round) -> None:
        """Store the round of a site; repeatable."""
        place = {"began_at": at.began_at, "after": at.after, "read_bytes": at.read_bytes}
        round_id, rounds = f"{site_id}/scrub", self._records(site_id, INSPECTIONS)
        site(self._database, site_id).anew(
            INSPECTIONS,
            [round_id],
            lambda: rounds.update({"_id": round_id}, {"$set": place}, upsert=True),
        )


def _files(cluster: Database, bucket: str) -> Collection:
    return deployment(cluster).collection(f"{bucket}.files")


def _chunks(cluster: Database, bucket: str) -> Collection:
    return deployment(cluster).collection(f"{bucket}.chunks")


def spans_outside(site_ids: Iterable[str]) -> list[dict[str, Any]]:
    """Return the conditions for ids that begin with none of these sites, each one an index range.

    "/" ends the site in an id, "0" follows "/".
    """
    spans: list[dict[str, Any]] = []
    low: dict[str, Any] = {"$gte": ""}
    for each in sorted(f"{site_id}/" for site_id in site_ids):
        spans.append({**low, "$lt": each})
        low = {"$gte": f"{each[:-1]}0"}
    return [*spans, low, *({"$type": each} for each in OTHER_TYPES)]


def _beyond(span: Mapping[str, Any], after: Any) -> Document:
    if after is START:
        return dict(span)
    return {**{name: value for name, value in span.items() if name != "$gte"}, "$gt": after}


def _rendition(document: Document) -> CheckedRendition:
    """Return a rendition as far as it is readable; one with missing fields is damaged."""
    data = document.get("data")
    if not isinstance(data, bytes):
        data = b""
    made_at = document.get("made_at")
    told = (document.get("bytes"), document.get("sha256"))
    is_whole = told == (len(data), hashlib.sha256(data).hexdigest())
    return CheckedRendition(
        id=document["_id"],
        asset=str(document.get("asset", "")),
        file=str(document.get("file", "")),
        bytes=len(data),
        made_at=made_at if isinstance(made_at, datetime) else LONG_AGO,
        is_whole=is_whole and isinstance(made_at, datetime),
    )


def _text(document: Document, name: str) -> str:
    """Return a text field, "" if it is anything else."""
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _round(document: Document) -> Round:
    return Round(
        began_at=document["began_at"], after=document["after"], read_bytes=document["read_bytes"]
    )


def _finding(document: Document) -> Flaw:
    fields: dict[str, Any] = {name: document.get(name) for name in Flaw.__slots__}
    return Flaw(**{**fields, "outcome": Outcome(document["outcome"])})
