"""The results of inspections: findings about references and records, and the last passes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from avenue.health.checks.models import BrokenReference, Pass, Slice, Tally
from avenue.media.references import FINDINGS, Fault, Kind, Standing
from avenue.media.store.swept import META
from avenue.storage.clusters import on_each
from avenue.storage.connection import Database, Document
from avenue.storage.malformed_records import malformed, malformed_after
from avenue.storage.records import Malformed
from avenue.storage.scope import SiteRecords, deployment, site
from avenue.storage.site_data import SITE_COLLECTIONS

INSPECTIONS = "inspections"
INSPECTED, REFERRED = "inspected", "referred"
"""The id in `META` of the end of the last run: of the inspection, and over references only."""
RECORDS = "record"


class InspectionStore(SiteRecords):
    """The results of one site at a time."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._meta = deployment(database).collection(META)

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
