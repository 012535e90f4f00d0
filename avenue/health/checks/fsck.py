"""The check: every asset, file, chunk, reference, rendition and counter, every byte with its hash.

It only reads, unless repair is requested; then each batch is repaired before the next one.
"""

import base64
import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from avenue.audit.service import AuditService
from avenue.health.checks.models import CheckRequest, Flaw, Kind
from avenue.health.checks.place import Place
from avenue.health.checks.records import JUDGED
from avenue.health.checks.repair import Repair
from avenue.health.checks.store.findings import START, spans_outside
from avenue.health.checks.walk import BATCH, Depth, Holdings, Save, Walk
from avenue.identity import DEFAULT_SITE, Site
from avenue.media.references import Kind as Broken
from avenue.media.store.documents import ASSETS
from avenue.media.sweeper import agreed_skew_seconds
from avenue.storage.records import Malformed
from avenue.storage.schema import DEPLOYMENT_COLLECTIONS
from avenue.storage.site_data import BUCKETS
from avenue.storage.sites import Sites

FSCK = "fsck"
"""The kind of the job that runs the check."""

ID_LENGTH = 22
EVERY_RECORD = (*JUDGED, *DEPLOYMENT_COLLECTIONS)


class Fsck:
    """Checks one site or all of them."""

    def __init__(
        self, holdings: Holdings, repair: Repair, sites: Sites, audit: AuditService
    ) -> None:
        self._of = holdings
        self._walk = Walk(holdings, Depth.EVERY_BYTE)
        self._repair = repair
        self._sites = sites
        self._audit = audit

    def run(
        self, run: str, order: CheckRequest, cursor: Mapping[str, Any] | None, save: Save
    ) -> dict[str, int]:
        """Check what `order` says, from `cursor` on; findings are stored under `run`.

        Return the numbers of things checked, found, repaired and left. Raise `ClocksDiffer` if the
        age of things cannot be determined.
        """
        agreed_skew_seconds(self._of.swept(DEFAULT_SITE))
        place, every = Place(cursor), self._sites.all()
        meant = [each for each in every if order.site in {None, each.id}]
        total = sum(map(self._walk.size, meant))
        if order.repair:  # what an interrupted run had found and not repaired
            self._settle(run, self._of.store.open_findings(run, BATCH), order)
        found = itertools.chain(
            (flaws for each in place.left(meant) for flaws in self._walk.over(each, place)),
            self._outside(every) if order.site is None else (),
            self._records(order),
        )
        for flaws in found:
            self._settle(run, flaws, order)
            save(cursor=place.as_dict(), done=place.done, total=max(total, place.done))
        for each in meant:
            self._record(run, each.id)
        return {"looked_at": place.done, **self._of.store.counts(run).as_dict()}

    def _record(self, run: str, site_id: str) -> None:
        """Write the result of a site to its audit log, once."""
        entry = hashlib.sha256(f"{run}/{site_id}".encode()).digest()
        self._audit.record_job(
            site_id,
            "fsck.finished",
            run,
            job_id=run,
            job_kind=FSCK,
            details=self._of.store.counts(run, site_id=site_id).as_dict(),
            entry_id=base64.urlsafe_b64encode(entry).decode()[:ID_LENGTH],
        )

    def _settle(self, run: str, findings: Sequence[Flaw], order: CheckRequest) -> None:
        """Store findings, and repair them if requested."""
        if not findings:
            return
        # Stored before it is repaired: otherwise a killed run would lose its findings.
        self._of.store.put(run, [self._repair.judge(each) for each in findings])
        if order.repair:
            self._of.store.put(run, [self._repair.mend(each) for each in findings])

    # Unreadable records

    def _records(self, order: CheckRequest) -> Iterator[Sequence[Flaw]]:
        """Check the records of a site, or of all of them and the deployment."""
        for collection in JUDGED if order.site else EVERY_RECORD:
            last: str | None = ""
            while last is not None:
                last, found = self._of.inspections.malformed_after(
                    collection, last, BATCH, site_id=order.site
                )
                yield list(map(_malformed, found))

    # Ids of no site

    def _outside(self, every: Sequence[Site]) -> Iterator[Sequence[Flaw]]:
        """Check files and chunks whose ids begin with no site: other programs wrote them."""
        spans, store = spans_outside(each.id for each in every), self._of.store
        for cluster, bucket, span in itertools.product(store.clusters(), BUCKETS, spans):
            where = "" if cluster is cluster.home else f" It is on the cluster {cluster.cluster}."
            last: Any = START
            while files := store.foreign_files(cluster, bucket, span, last, BATCH):
                last = files[-1]
                said = f"No site has stored this file.{where}"
                lost = self._of_no_site(files)
                yield [_outside(Kind.FOREIGN_FILE, bucket, each, said) for each in lost]
            last = START
            while owners := store.foreign_chunks(cluster, bucket, span, last, BATCH):
                last = owners[-1]
                said = f"These chunks belong to no file and no site.{where}"
                lost = [e for e in self._of_no_site(owners) if not store.has_file(bucket, e)]
                yield [_outside(Kind.ORPHAN_CHUNKS, bucket, each, said) for each in lost]

    def _of_no_site(self, stored_ids: Sequence[Any]) -> list[Any]:
        """Return those that still belong to no site: one may have been added during the run."""
        sites = tuple(f"{each.id}/" for each in self._sites.all())
        return [each for each in stored_ids if not str(each).startswith(sites)]


def _outside(kind: Kind, bucket: str, stored_id: Any, detail: str) -> Flaw:
    return Flaw(
        kind=kind,
        site=None,
        bucket=bucket,
        subject=str(stored_id),
        stored_id=stored_id,
        detail=detail,
    )


def _malformed(record: Malformed) -> Flaw:
    return Flaw(
        kind=Broken.MALFORMED_RECORD,
        site=record.site,
        asset=record.id if record.collection == ASSETS else None,
        subject=f"{record.collection}/{record.id}",
        detail=record.detail,
    )
