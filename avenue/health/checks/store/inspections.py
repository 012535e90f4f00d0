"""The assets and bytes that an inspection reads, and the storage of its findings."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from avenue.errors import MalformedRecord
from avenue.health.checks.models import (
    AssetCounts,
    BrokenReference,
    Damage,
    InspectedAsset,
    Pass,
    Slice,
    StoredVersion,
    Tally,
)
from avenue.media.models import Claim, State
from avenue.media.references import FINDINGS, Fault, Kind, Standing
from avenue.media.store.documents import ASSETS
from avenue.media.store.swept import META
from avenue.media.store.transitions import mark_damaged, owned_by
from avenue.storage.arriving import Arriving
from avenue.storage.clusters import on_each
from avenue.storage.connection import Database, Document
from avenue.storage.idempotency import Writes
from avenue.storage.indexes import MARKED_AS_DAMAGED, SHOWS_DAMAGED
from avenue.storage.malformed_records import malformed, malformed_after
from avenue.storage.records import Malformed, read, whole
from avenue.storage.scope import SiteRecords, deployment, site
from avenue.storage.site_counts import Counter, Numbers, SiteCount, SiteCounts
from avenue.storage.site_data import BUCKETS, RENDITIONS, SITE_COLLECTIONS
from avenue.storage.survey import Survey

INSPECTIONS = "inspections"
INSPECTED, REFERRED = "inspected", "referred"
"""The id in `META` of the end of the last run: of the inspection, and over references only."""
RECORDS = "record"
FACTS = {
    "state": 1,
    "bucket": 1,
    "claim": 1,
    "damaged": 1,
    "versions.file": 1,
    "versions.bytes": 1,
    "versions.sha256": 1,
}


class InspectionStore(SiteRecords):
    """The inspected assets, bytes and findings of one site at a time."""

    def __init__(self, database: Database, counts: SiteCounts | None = None) -> None:
        super().__init__(database)
        self._writes = Writes(database)
        self._arriving = Arriving(database)
        self._meta = deployment(database).collection(META)
        self._counts = counts or SiteCounts(database)
        self.counters: dict[str, Counter] = {
            **{bucket: partial(self._count_bucket, bucket=bucket) for bucket in BUCKETS},
            RENDITIONS: self._count_renditions,
            ASSETS: self._count_states,
        }

    def assets(self, site_id: str, asset_ids: Iterable[str]) -> dict[str, InspectedAsset]:
        """Return the assets of `asset_ids` that exist, by id."""
        ids = sorted(set(asset_ids))
        if not ids:
            return {}
        found = self._records(site_id, ASSETS).find({"_id": {"$in": ids}}, FACTS)
        return {each["_id"]: _inspected(each) for each in found}

    def count(self, site_id: str) -> int:
        """Return the number of assets."""
        return self._records(site_id, ASSETS).count({})

    def assets_after(self, site_id: str, last_id: str, limit: int) -> list[InspectedAsset]:
        """Return up to `limit` assets in any state by id, after `last_id`."""
        found = self._records(site_id, ASSETS).find(
            {"_id": {"$gt": last_id}}, FACTS, sort=[("_id", 1)], limit=limit
        )
        return [_inspected(each) for each in found]

    def stored_since(self, site_id: str, moment: datetime, limit: int) -> list[InspectedAsset]:
        """Return general uploads and files of the library that were stored since then.

        Up to `limit` of each, the newest. Other assets have owners that were changed.
        """
        newest_first = [("created_at", -1), ("_id", -1)]
        found: list[Document] = []
        for owned in ({"claim.kind": "upload"}, owned_by(Claim(kind="library", id=site_id))):
            stored = {**owned, "state": State.LIVE, "created_at": {"$gte": moment}}
            found += self._records(site_id, ASSETS).find(
                stored, FACTS, sort=newest_first, limit=limit
            )
        return [_inspected(each) for each in found]

    def last_slice(self, walk: str) -> Slice:
        """Return the end of the last run; an unreadable one counts as none."""
        found = self._meta.find_as_it_is({"_id": walk}) or {}
        place, looked_at = found.get("place"), found.get("looked_at")
        return Slice(
            place=place if isinstance(place, dict) else None,
            looked_at=looked_at if isinstance(looked_at, datetime) else None,
        )

    def keep_slice(self, walk: str, ended: Slice) -> None:
        """Store the end of a run; repeatable."""
        kept = {"place": ended.place, "looked_at": ended.looked_at}
        self._meta.update({"_id": walk}, {"$set": kept}, upsert=True)

    def mark(self, site_id: str, asset_id: str, damage: Damage) -> None:
        """Mark an asset as damaged if `damage` is about its current file."""
        fault = damage.fault
        mark_damaged(
            self._records(site_id, ASSETS),
            asset_id,
            damage.file,
            fault.kind.value,
            detail=fault.detail,
        )

    def unmark(self, site_id: str, asset_id: str) -> None:
        """Remove the mark of an asset."""
        self._records(site_id, ASSETS).update({"_id": asset_id}, {"$unset": {"damaged": ""}})

    def damaged(self, site_id: str) -> int:
        """Return the number of assets marked as damaged, through an index."""
        counted = self._records(site_id, ASSETS).aggregate(
            [{"$match": MARKED_AS_DAMAGED}, {"$match": SHOWS_DAMAGED}, {"$count": "n"}]
        )
        return counted[0]["n"] if counted else 0

    def survey(self, site_id: str, bucket: str) -> Survey:
        """Return the results of a survey of a bucket's bytes."""
        return site(self._database, site_id).survey(bucket)

    def sha256_of(
        self,
        site_id: str,
        bucket: str,
        version: StoredVersion,
        read: Callable[[int], None] = lambda _: None,
        *,
        keeps_sums: bool = False,
    ) -> str | None:
        """Return the hash of the bytes of a version, read whole; None if some are missing.

        `read` is called with the number of bytes of each piece read. With `keeps_sums`, an intact
        file without checksums of its chunks gets them.
        """
        # Another member may still have the state before it was stored, or repaired.
        files = site(self._database, site_id).files(bucket).of_primary()
        digest = files.digest(version.file, length=version.bytes, told=read)
        if digest is None:
            return None
        is_right = keeps_sums and digest.sha256 == version.sha256
        if is_right and not files.sums(version.file, length=version.bytes):
            files.keep_sums(version.file, digest.sums, length=version.bytes)
        return digest.sha256

    def is_being_written(self, site_id: str, file_id: str) -> bool:
        """Return whether a running upload holds `file_id`."""
        return self._writes.is_writing(site_id, file_id) or self._arriving.holds(site_id, file_id)

    def totals(self, site_id: str) -> dict[str, SiteCount]:
        """Return files, bytes and chunks of each bucket, large numbers as last counted."""
        return {bucket: self._counted(site_id, bucket) for bucket in BUCKETS}

    def stored_bytes(self, site_id: str) -> int:
        """Return the bytes of all buckets, for a job; see `SiteCounts.counted`."""
        found = [self._counts.counted(site_id, bucket, self.counters[bucket]) for bucket in BUCKETS]
        return sum(each["bytes"] for each in found)

    def renditions(self, site_id: str) -> SiteCount:
        """Return the number of stored renditions, and their bytes: see `totals`."""
        return self._counted(site_id, RENDITIONS)

    def asset_counts(self, site_id: str) -> AssetCounts:
        """Return the numbers of assets, through indexes: see `totals`."""
        states = self._counted(site_id, ASSETS)
        unclaimed, expired = self.waiting(site_id)
        live = states.known(State.LIVE)
        return AssetCounts(
            live=None if live is None else max(live - unclaimed - expired, 0),
            trash=states.known(State.TRASH),
            total_at_least=states.at_least,
            unclaimed=unclaimed,
            expired=expired,
            damaged=self.damaged(site_id),
            counted_at=states.counted_at,
        )

    def _counted(self, site_id: str, name: str) -> SiteCount:
        return self._counts.of(site_id, name, self.counters[name])

    def _count_bucket(self, site_id: str, most: int | None, *, bucket: str) -> Numbers | None:
        found = self.survey(site_id, bucket).totals(most)
        if found is None:
            return None
        return {"files": found.files, "bytes": found.bytes, "chunks": found.chunks}

    def _count_renditions(self, site_id: str, most: int | None) -> Numbers | None:
        renditions = self._records(site_id, RENDITIONS)
        sums = {"count": {"$sum": 1}, "bytes": {"$sum": whole("$bytes")}}
        bound = [] if most is None else [{"$limit": most + 1}]
        found = renditions.aggregate(
            [{"$sort": {"variant": 1, "bytes": 1}}, *bound, {"$group": {"_id": None, **sums}}]
        )
        numbers = {name: found[0][name] if found else 0 for name in sums}
        return None if most is not None and numbers["count"] > most else numbers

    def _count_states(self, site_id: str, most: int | None) -> Numbers | None:
        assets, bound = self._records(site_id, ASSETS), None if most is None else most + 1
        numbers = {
            state.value: assets.count({"state": state}, most=bound)
            for state in (State.LIVE, State.TRASH)
        }
        return None if most is not None and max(numbers.values()) > most else numbers

    def waiting(self, site_id: str, *, temporary: bool = False) -> tuple[int, int]:
        """Return the numbers of assets without an owner: unexpired ones, and expired ones.

        With `temporary` only those that were uploaded before their product was saved.
        """
        only = {"temporary": True} if temporary else {}
        has_a_time = {"$eq": [{"$type": "$expires_at"}, "date"]}
        is_over = {"$and": [has_a_time, {"$lte": ["$expires_at", "$$NOW"]}]}
        counted = self._records(site_id, ASSETS).aggregate(
            [
                # `claim.kind`, too: that is in the index.
                {"$match": {"claim.kind": None, "claim": None, "state": State.LIVE, **only}},
                {"$group": {"_id": is_over, "count": {"$sum": 1}}},
            ]
        )
        count = {each["_id"]: each["count"] for each in counted}
        return count.get(False, 0), count.get(True, 0)

    def record_range(
        self,
        site_id: str,
        kind: str,
        after: str,
        last: str | None,
        found: Sequence[BrokenReference],
    ) -> None:
        """Replace all findings about referrers of `kind` after `after`, to `last`, by `found`.

        `last` None is the end of the kind. New ones are written before old ones are deleted.
        """
        # "/" ends an id, "0" follows "/": all places of a referrer are between the two.
        low = f"{site_id}/{kind}/{after}0" if after else f"{site_id}/{kind}/"
        high = f"{site_id}/{kind}0" if last is None else f"{site_id}/{kind}/{last}0"
        self._record(site_id, {"$gte": low, "$lt": high}, found)

    def record_of(
        self, site_id: str, kind: str, referrer: str, found: Sequence[BrokenReference]
    ) -> None:
        """Replace all findings about one referrer by `found`."""
        of_it = f"{site_id}/{kind}/{referrer}"
        self._record(site_id, {"$gte": f"{of_it}/", "$lt": f"{of_it}0"}, found)

    def findings_after(
        self, site_id: str, kinds: Collection[str], place: str, limit: int
    ) -> list[BrokenReference]:
        """Return up to `limit` findings about referrers of `kinds`, after `place`."""
        return self._records(site_id, FINDINGS).values(
            _finding,
            {
                "_id": {"$gt": f"{site_id}/{place}", "$lt": f"{site_id}0"},
                "referrer.kind": {"$in": sorted(kinds)},
            },
            sort=[("_id", 1)],
            limit=limit,
        )

    def findings_of(
        self, site_id: str, kind: str, referrers: Sequence[str]
    ) -> list[BrokenReference]:
        """Return the findings about these referrers of `kind`, in the order of their places."""
        if not referrers:
            return []
        of_each = [f"{site_id}/{kind}/{each}" for each in referrers]
        places = [{"_id": {"$gte": f"{of_it}/", "$lt": f"{of_it}0"}} for of_it in of_each]
        return self._records(site_id, FINDINGS).values(_finding, {"$or": places}, sort=[("_id", 1)])

    def finding_counts(
        self, site_id: str, kinds: Collection[str] | None = None, *, most: int | None = None
    ) -> dict[Standing, int]:
        """Return the numbers of findings by the state of their pictures: about `kinds`, or all.

        Each number is at most `most` and one more.
        """
        findings, bound = self._records(site_id, FINDINGS), None if most is None else most + 1
        about = {} if kinds is None else {"referrer.kind": {"$in": sorted(kinds)}}
        return {
            each: findings.count({"standing": each, **about}, most=bound)
            for each in (Standing.MISSING, Standing.EPHEMERAL, Standing.STORED)
        }

    def count_findings(self, site_id: str, kinds: Collection[str], most: int) -> int | None:
        """Return the number of findings about referrers of `kinds`, None if more than `most`."""
        of_kinds = [f"{site_id}/{each}" for each in sorted(kinds)]
        places = [{"_id": {"$gt": f"{each}/", "$lt": f"{each}0"}} for each in of_kinds]
        return self._records(site_id, FINDINGS).total({"$or": places}, most=most)

    def malformed_after(
        self, collection: str, last: str, limit: int, *, site_id: str | None = None
    ) -> tuple[str | None, list[Malformed]]:
        """Check records of a site, None: of all sites; see `storage.malformed_records`."""
        if site_id is not None:
            return malformed_after(self._records(site_id, collection), last, limit)
        if collection not in SITE_COLLECTIONS:
            return malformed_after(deployment(self._database).collection(collection), last, limit)

        def look(cluster: Database) -> tuple[str | None, list[Malformed]]:
            return malformed_after(deployment(cluster).collection(collection), last, limit)

        looked = on_each(self._database, look)
        # If one cluster ends earlier than another, the rest comes with the next batch.
        end = min((end for end, _ in looked if end is not None), default=None)
        return end, [each for _, found in looked for each in found if end is None or each.id <= end]

    def keep(self, site_id: str, found: Sequence[BrokenReference]) -> None:
        """Store findings, replacing those at the same places."""
        self._put(site_id, [_document(site_id, each) for each in found])

    def record_findings_after(self, site_id: str, place: str, limit: int) -> list[BrokenReference]:
        """Return up to `limit` findings about records of a site, after `place` ("" for all)."""
        after = f"{site_id}/{place or RECORDS}"
        places = {"_id": {"$gt": after, "$lt": f"{site_id}/{RECORDS}0"}}
        return self._records(site_id, FINDINGS).values(
            _finding, places, sort=[("_id", 1)], limit=limit
        )

    def malformed(self, site_id: str, collection: str, record: str) -> Malformed | None:
        """Check one record; see `storage.malformed_records`."""
        return malformed(self._records(site_id, collection), record)

    def malformed_count(self, site_id: str, most: int) -> int:
        """Return the number of malformed records of a site in the last pass, at most `most` + 1."""
        kind = Kind.MALFORMED_RECORD
        named = {"standing": Fault(kind, "").standing, "kind": kind}
        return self._records(site_id, FINDINGS).count(named, most=most + 1)

    def finish(self, site_id: str, began_at: datetime, tally: Tally) -> None:
        """Store the counts of a pass as the last one."""
        fresh = {"$literal": {**tally.as_dict(), "began_at": began_at}}
        stage = {"$replaceWith": {"$mergeObjects": ["$$ROOT", fresh, {"ended_at": "$$NOW"}]}}
        site(self._database, site_id).anew(
            INSPECTIONS,
            [site_id],
            lambda: self._records(site_id, INSPECTIONS).update(
                {"_id": site_id}, [stage], upsert=True
            ),
        )

    def last_pass(self, site_id: str) -> Pass | None:
        """Return the last completed pass, or None."""
        found = self._records(site_id, INSPECTIONS).values(_pass, {"_id": site_id})
        return found[0] if found else None

    def _record(
        self, site_id: str, places: Mapping[str, str], found: Sequence[BrokenReference]
    ) -> None:
        findings = self._records(site_id, FINDINGS)
        documents = [_document(site_id, each) for each in found]
        self._put(site_id, documents)
        kept = [each["_id"] for each in documents]
        findings.delete_all({"_id": {**places, "$nin": kept}})

    def _put(self, site_id: str, documents: Sequence[Document]) -> None:
        ids = [each["_id"] for each in documents]
        findings = self._records(site_id, FINDINGS)
        site(self._database, site_id).anew(FINDINGS, ids, lambda: findings.put_all(documents))


def _inspected(document: Document) -> InspectedAsset:
    """Return an asset as far as it is readable: the record itself may be damaged."""
    if not document.get("versions"):  # it names no file; the rest may be intact
        document = {name: each for name, each in document.items() if name != "versions"}
    try:
        return read(ASSETS, _asset, document, is_part=True)
    except MalformedRecord as malformed:
        return InspectedAsset(
            id=document["_id"],
            state=State.LIVE,
            bucket="",
            claim=None,
            versions=(),
            damage=None,
            unreadable=malformed.field,
        )


def _asset(document: Document) -> InspectedAsset:
    claim = document.get("claim")
    return InspectedAsset(
        id=document["_id"],
        state=State(document["state"]),
        bucket=document["bucket"],
        claim=Claim(kind=claim["kind"], id=claim["id"]) if claim else None,
        versions=tuple(
            StoredVersion(file=each["file"], bytes=each["bytes"], sha256=each["sha256"])
            for each in document.get("versions", ())
        ),
        damage=damage_in(document.get("damaged")),
    )


def damage_in(found: object) -> Damage | None:
    """Return the mark of an inspection, None if there is no readable one.

    An unreadable mark says nothing about the asset: it is checked as if it had none.
    """
    if not isinstance(found, dict):
        return None
    try:
        fault = Fault(Kind(found["kind"]), str(found["detail"]))
        return Damage(file=str(found["file"]), fault=fault)
    except (KeyError, ValueError):
        return None


def _document(site_id: str, finding: BrokenReference) -> Document:
    return {
        "_id": f"{site_id}/{finding.place}",
        "referrer": {"kind": finding.referrer_kind, "id": finding.referrer},
        "sku": finding.sku,
        "position": finding.position,
        "image": finding.image,
        "standing": finding.fault.standing.value,
        "kind": finding.fault.kind.value,
        "detail": finding.fault.detail,
        "collection": finding.collection,
    }


def _pass(document: Document) -> Pass:
    return Pass(
        began_at=document["began_at"],
        ended_at=document["ended_at"],
        tally=Tally.from_dict(document),
    )


def _finding(document: Document) -> BrokenReference:
    return BrokenReference(
        referrer_kind=document["referrer"]["kind"],
        referrer=document["referrer"]["id"],
        sku=document["sku"],
        position=document["position"],
        image=document["image"],
        fault=Fault(Kind(document["kind"]), document["detail"]),
        collection=document.get("collection"),
    )
