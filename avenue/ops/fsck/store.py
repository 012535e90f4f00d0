"""What a check reads beside assets, files and chunks, and where it keeps what it found."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from avenue.media.inspection.models import StoredVersion
from avenue.media.inspection.store import INSPECTIONS
from avenue.media.renditions.store import RENDITIONS
from avenue.media.store import ASSETS, LEGACY_URLS
from avenue.ops.fsck.models import (
    YOUNG,
    CheckedRendition,
    Counts,
    Finding,
    Outcome,
    Round,
)
from avenue.storage.arriving import TUS_UPLOADS
from avenue.storage.connection import Database, Document
from avenue.storage.mending import Mender
from avenue.storage.scope import Collection, house, site

FINDINGS = "fsck_findings"
KEEP_DAYS = 30
# Ids that stock GridFS clients and other programs give. Ours are strings that begin with a site.
OTHER_TYPES = ("objectId", "binData", "number", "null")
_LATE_MS = int(YOUNG.total_seconds() * 1000)
_LATE: Document = {"$expr": {"$lt": ["$expires_at", {"$subtract": ["$$NOW", _LATE_MS]}]}}


class CheckStore:
    """One site at a time, but for what belongs to none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Renditions

    def pictured_after(self, site_id: str, asset_id: str, limit: int) -> list[str]:
        """Return the assets that the next `limit` renditions are of, in order, after `asset_id`.

        Read from an index alone.
        """
        found = self._renditions(site_id).find(
            {"asset": {"$gt": asset_id}}, {"_id": 0, "asset": 1}, sort=[("asset", 1)], limit=limit
        )
        return list(dict.fromkeys(each["asset"] for each in found))

    def renditions_of(self, site_id: str, asset_id: str) -> list[CheckedRendition]:
        """Return the renditions of an asset, their bytes read."""
        found = self._renditions(site_id).find({"asset": asset_id})
        return [_rendition(each) for each in found]

    def rendition(self, site_id: str, rendition_id: str) -> CheckedRendition | None:
        """Return one, its bytes read, or None."""
        found = self._renditions(site_id).find_one({"_id": rendition_id})
        return _rendition(found) if found else None

    def remove_rendition(self, site_id: str, rendition: CheckedRendition) -> None:
        """Forget a rendition, unless another one was made in its place meanwhile."""
        self._renditions(site_id).delete({"_id": rendition.id, "made_at": rendition.made_at})

    # What has waited too long

    def expired_after(self, site_id: str, asset_id: str, limit: int) -> list[str]:
        """Return assets nobody claimed in time, and that the sweeper should have taken since."""
        unclaimed = {"claim.kind": None, "claim": None, "state": "live", **_LATE}
        return self._ids(self._assets(site_id), unclaimed, asset_id, limit)

    def expired_uploads_after(self, site_id: str, upload_id: str, limit: int) -> list[str]:
        """Return resumable uploads whose time was over an hour ago."""
        uploads = site(self._database, site_id).collection(TUS_UPLOADS)
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
        """Let these chunks be the file of a version, whose document there is; repeatable."""
        mender = self._mender(site_id, bucket)
        mender.correct(version.file, length=version.bytes, chunk_bytes=chunk_bytes)
        mender.keep_only(version.file, chunk_ids)

    # Old addresses

    def addresses_after(self, site_id: str, after: str, limit: int) -> list[tuple[str, str, str]]:
        """Return id, path and asset of addresses from before Avenue, by their ids."""
        span = {"$gt": after or f"{site_id}/", "$lt": f"{site_id}0"}
        found = self._addresses(site_id).find(
            {"_id": span}, {"path": 1, "asset": 1}, sort=[("_id", 1)], limit=limit
        )
        return [(each["_id"], each["path"], each["asset"]) for each in found]

    def remove_address(self, site_id: str, address_id: str, asset_id: str) -> None:
        """Let an address name nothing, unless it names another asset by now."""
        self._addresses(site_id).delete({"_id": address_id, "asset": asset_id})

    # What no site has stored

    def foreign_files(
        self, bucket: str, span: Mapping[str, Any], after: Any, limit: int
    ) -> list[Any]:
        """Return the ids of up to `limit` files in `span`, after the one given."""
        found = self._files(bucket).find(
            {"_id": _beyond(span, after)}, {"_id": 1}, sort=[("_id", 1)], limit=limit
        )
        return [each["_id"] for each in found]

    def foreign_chunks(
        self, bucket: str, span: Mapping[str, Any], after: Any, limit: int
    ) -> list[Any]:
        """Return the file ids that the next `limit` chunks in `span` name, after the one given."""
        found = self._chunks(bucket).find(
            {"files_id": _beyond(span, after)},
            {"_id": 0, "files_id": 1},
            sort=[("files_id", 1), ("n", 1)],
            limit=limit,
        )
        owners: list[Any] = []
        for each in found:  # in order; not every type can be a key of a dict
            if not owners or owners[-1] != each["files_id"]:
                owners.append(each["files_id"])
        return owners

    def has_file(self, bucket: str, stored_id: Any) -> bool:
        """Tell whether there is a file document of this id."""
        return self._files(bucket).find_one({"_id": stored_id}, {"_id": 1}) is not None

    def has_chunks(self, bucket: str, stored_id: Any) -> bool:
        """Tell whether any chunk names a file of this id."""
        return self._chunks(bucket).find_one({"files_id": stored_id}, {"_id": 1}) is not None

    def newest_chunk_at(self, bucket: str, stored_id: Any) -> datetime | None:
        """Return when the newest chunk of a file was made, None when its id does not tell."""
        found = self._chunks(bucket).find(
            {"files_id": stored_id}, {"_id": 1}, sort=[("files_id", 1), ("n", -1)], limit=1
        )
        made_at = getattr(found[0]["_id"], "generation_time", None) if found else None
        return made_at if isinstance(made_at, datetime) else None

    def remove_chunks(self, bucket: str, stored_id: Any) -> None:
        """Remove the chunks that name a file."""
        self._chunks(bucket).delete_all({"files_id": stored_id})

    # Findings

    def put(self, run: str, findings: Sequence[Finding]) -> None:
        """Keep findings of a run for a while, over what is there of the same; repeatable."""
        for each in findings:
            fields = {name: getattr(each, name) for name in Finding.__slots__}
            fields["outcome"] = each.outcome.value
            kept = {"$literal": {**fields, "run": run}}
            forget_at = {"$add": ["$$NOW", KEEP_DAYS * 86_400_000]}
            stage = {"$replaceWith": {"$mergeObjects": ["$$ROOT", kept, {"forget_at": forget_at}]}}
            self._findings.update({"_id": f"{run}/{each.id}"}, [stage], upsert=True)

    def findings(self, run: str, after: str, limit: int) -> list[Finding]:
        """Return findings of a run in the order of their ids, after `after`."""
        span = {"$gt": f"{run}/{after}", "$lt": f"{run}0"}
        found = self._findings.find({"_id": span}, sort=[("_id", 1)], limit=limit)
        return [_finding(each) for each in found]

    def open_findings(self, run: str, limit: int) -> list[Finding]:
        """Return findings of a run that nothing was done about yet."""
        query = {**self._of(run), "outcome": Outcome.FOUND.value}
        return [_finding(each) for each in self._findings.find(query, limit=limit)]

    def counts(self, run: str, *, site_id: str | None = None) -> Counts:
        """Count the findings of a run, those of one site if one is given."""
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
        return house(self._database).collection(FINDINGS)

    def _mender(self, site_id: str, bucket: str) -> Mender:
        return site(self._database, site_id).mender(bucket)

    def _files(self, bucket: str) -> Collection:
        return house(self._database).collection(f"{bucket}.files")

    def _chunks(self, bucket: str) -> Collection:
        return house(self._database).collection(f"{bucket}.chunks")

    def _assets(self, site_id: str) -> Collection:
        return site(self._database, site_id).collection(ASSETS)

    def _renditions(self, site_id: str) -> Collection:
        return site(self._database, site_id).collection(RENDITIONS)

    def _addresses(self, site_id: str) -> Collection:
        return site(self._database, site_id).collection(LEGACY_URLS)

    def _ids(self, source: Collection, query: Document, after: str, limit: int) -> list[str]:
        found = source.find(
            {**query, "_id": {"$gt": after}}, {"_id": 1}, sort=[("_id", 1)], limit=limit
        )
        return [each["_id"] for each in found]


class ScrubStore:
    """Where the scrub of each site is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, site_id: str) -> Round | None:
        """Return where it is, or None before the first round."""
        found = self._rounds(site_id).find_one({"_id": f"{site_id}/scrub"})
        if found is None:
            return None
        return Round(
            began_at=found["began_at"], after=found["after"], read_bytes=found["read_bytes"]
        )

    def put(self, site_id: str, at: Round) -> None:
        """Keep where it is; repeatable."""
        place = {"began_at": at.began_at, "after": at.after, "read_bytes": at.read_bytes}
        self._rounds(site_id).update({"_id": f"{site_id}/scrub"}, {"$set": place}, upsert=True)

    def _rounds(self, site_id: str) -> Collection:
        return site(self._database, site_id).collection(INSPECTIONS)


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
    if after is None:
        return dict(span)
    return {**{name: value for name, value in span.items() if name != "$gte"}, "$gt": after}


def _rendition(document: Document) -> CheckedRendition:
    data = document.get("data")
    if not isinstance(data, bytes):
        data = b""
    told = (document.get("bytes"), document.get("sha256"))
    is_whole = told == (len(data), hashlib.sha256(data).hexdigest())
    return CheckedRendition(
        id=document["_id"],
        asset=document["asset"],
        file=document["file"],
        bytes=len(data),
        made_at=document["made_at"],
        is_whole=is_whole,
    )


def _finding(document: Document) -> Finding:
    fields: dict[str, Any] = {name: document.get(name) for name in Finding.__slots__}
    return Finding(**{**fields, "outcome": Outcome(document["outcome"])})
