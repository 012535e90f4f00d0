"""The check: every asset, file, chunk, reference, rendition and counter, every byte with its hash.

It only reads, unless it is told to mend; then what a step found is mended before the next one. What
seems wrong is looked at again before it is believed, so uploads may run meanwhile.
"""

import base64
import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from avenue.audit.service import AuditService
from avenue.clock import utc_now
from avenue.health.checks.inspection import KnowsSites, Save
from avenue.health.checks.models import YOUNG, CheckedRendition, Flaw, InspectedAsset, Kind, Order
from avenue.health.checks.records import JUDGED
from avenue.health.checks.references import SEEN_IN_THE_ENTRY, ReferenceInspector
from avenue.health.checks.repair import BYTES, Holdings, Repair
from avenue.health.checks.store.findings import START, spans_outside
from avenue.identity import Site
from avenue.media.models import State
from avenue.media.references import Kind as Broken
from avenue.media.store import ASSETS
from avenue.media.sweeper import agreed_skew_seconds
from avenue.storage.records import Malformed
from avenue.storage.schema import HOUSE_COLLECTIONS
from avenue.storage.scope import BUCKETS

FSCK = "fsck"
"""The job that does it."""

BATCH = 500
ASSETS_AT_ONCE = 50
BYTES_AT_ONCE = 256 * 1024 * 1024  # what is read between two saves, single large files excepted
PICTURED_AT_ONCE = 200
END = "end"
ID_LENGTH = 22
EVERY_RECORD = (*JUDGED, *HOUSE_COLLECTIONS)

Found = tuple[str | None, list[Flaw], int]
"""Where to go on, None at the end; what is wrong; and how many assets or referrers were passed."""
Step = Callable[[Site, str], Found]


class Fsck:
    """Goes through one site or all of them."""

    def __init__(
        self,
        holdings: Holdings,
        references: ReferenceInspector,
        repair: Repair,
        sites: KnowsSites,
        audit: AuditService,
    ) -> None:
        self._store = holdings.store
        self._inspections = holdings.inspections
        self._files = holdings.files
        self._swept = holdings.swept
        self._ledger = holdings.ledger
        self._references = references
        self._repair = repair
        self._sites = sites
        self._audit = audit
        # Bytes first: references are judged by what was just learnt of them.
        self._steps: dict[str, Step] = {"assets": self._assets}
        for bucket in BUCKETS:
            self._steps[f"files of {bucket}"] = self._files_of(bucket)
            self._steps[f"chunks of {bucket}"] = self._chunks_of(bucket)
        for kind in references.kinds:
            self._steps[f"references of {kind}"] = self._references_of(kind)
        self._steps |= {
            "renditions": self._renditions,
            "addresses": self._addresses,
            "temporaries": self._temporaries,
            "uploads": self._uploads,
            "counters": self._counters,
        }

    def run(
        self, run: str, order: Order, cursor: Mapping[str, Any] | None, save: Save
    ) -> dict[str, int]:
        """Look at what `order` says, from where `cursor` says on; findings are kept under `run`.

        Return how much was looked at, found, mended and left. Raise `ClocksDiffer` rather than
        guess how old anything is.
        """
        agreed_skew_seconds(self._swept)
        place = _Place(cursor)
        every = sorted(self._sites.all(), key=lambda site: site.id)
        meant = [each for each in every if order.site in {None, each.id}]
        total = sum(map(self._size, meant))
        if order.repair:  # what an interrupted run had found and not mended
            self._settle(run, self._store.open_findings(run, BATCH), order)
        steps = itertools.chain(
            self._inside(run, meant, place, order),
            self._outside(run, every, order) if order.site is None else (),
            self._records(run, order),
        )
        for _ in steps:
            save(cursor=place.as_dict(), done=place.done, total=max(total, place.done))
        for each in meant:
            self._record(run, each.id)
        return {"looked_at": place.done, **self._store.counts(run).as_dict()}

    def _inside(
        self, run: str, sites: Sequence[Site], place: "_Place", order: Order
    ) -> Iterator[None]:
        """Go through sites, from where a run was interrupted."""
        for each in sites:
            if each.id < place.site:
                continue
            place.enter(each.id)
            while place.step != END:
                self._walk(run, each, place, order)
                yield

    def _record(self, run: str, site_id: str) -> None:
        """Write down on a site what came of it there, once."""
        entry = hashlib.sha256(f"{run}/{site_id}".encode()).digest()
        self._audit.record_job(
            site_id,
            "fsck.finished",
            run,
            job_id=run,
            job_kind=FSCK,
            details=self._store.counts(run, site_id=site_id).as_dict(),
            entry_id=base64.urlsafe_b64encode(entry).decode()[:ID_LENGTH],
        )

    def _size(self, site: Site) -> int:
        return self._inspections.count(site.id) + self._references.count(site.id)

    def _walk(self, run: str, site: Site, place: "_Place", order: Order) -> None:
        """Do one piece of one step."""
        following = dict(zip(self._steps, [*list(self._steps)[1:], END], strict=True))
        if place.step not in following:
            place.step, place.after = next(iter(following)), ""
        last, findings, looked = self._steps[place.step](site, place.after)
        self._settle(run, findings, order)
        place.done += looked
        if last is None:
            place.step, place.after = following[place.step], ""
        else:
            place.after = last

    def _settle(self, run: str, findings: Sequence[Flaw], order: Order) -> None:
        """Keep what was found, and mend it if that is wanted."""
        if not findings:
            return
        # Kept before it is mended: else a killed run would forget what it did.
        self._store.put(run, [self._repair.judge(each) for each in findings])
        if order.repair:
            self._store.put(run, [self._repair.mend(each) for each in findings])

    # Bytes, and whose they are

    def _assets(self, site: Site, last: str) -> Found:
        batch = self._inspections.assets_after(site.id, last, ASSETS_AT_ONCE)
        is_last = len(batch) < ASSETS_AT_ONCE
        few = first_bytes(batch)
        findings = [
            Flaw(
                kind=each.fault.kind,
                site=site.id,
                bucket=each.bucket,
                asset=each.asset,
                subject=each.version.file,
                detail=each.fault.detail,
            )
            for each in self._files.look_at_every_byte(site.id, few)
        ]
        findings += [
            Flaw(
                kind=Kind.NAMES_NO_FILE,
                site=site.id,
                bucket=each.bucket,
                asset=each.id,
                subject=each.id,
                detail="The record of this asset names no file.",
            )
            for each in few
            if not each.versions and not each.unreadable and each.state is not State.PURGING
        ]
        findings += self._without_owner(site, few)
        end = None if is_last and len(few) == len(batch) else few[-1].id
        return end, findings, len(few)

    def _without_owner(self, site: Site, batch: Sequence[InspectedAsset]) -> list[Flaw]:
        return [
            Flaw(
                kind=Kind.OWNER_MISSING,
                site=site.id,
                bucket=each.bucket,
                asset=each.id,
                subject=each.id,
                detail=f"It belongs to {each.claim.kind} {each.claim.id}, which does not have it.",
            )
            for each in self._references.disowned(site, batch)
            if each.claim
        ]

    def _files_of(self, bucket: str) -> Step:
        def step(site: Site, last: str) -> Found:
            end, found = self._files.unowned_files(site.id, bucket, last, BATCH)
            findings = [
                Flaw(
                    kind=Kind.UNOWNED_FILE,
                    site=site.id,
                    bucket=bucket,
                    subject=each,
                    detail="No asset names this file.",
                )
                for each in found
                # The file may name a wrong asset: it is the assets that own files.
                if not self._swept.is_used(bucket, f"{site.id}/{each}")
            ]
            return end or None, findings, 0

        return step

    def _chunks_of(self, bucket: str) -> Step:
        def step(site: Site, last: str) -> Found:
            end, found = self._files.orphan_chunks(site.id, bucket, last, BATCH)
            findings = [
                Flaw(
                    kind=Kind.ORPHAN_CHUNKS,
                    site=site.id,
                    bucket=bucket,
                    subject=each,
                    detail=f"{count} chunks belong to no file.",
                )
                for each, count in found.items()
                # What an asset names is damaged, not forgotten: that was told with the asset.
                if not self._swept.may_be_named(f"{site.id}/{each}")
            ]
            return end or None, findings, 0

        return step

    # Who refers to them

    def _references_of(self, kind: str) -> Step:
        def step(site: Site, last: str) -> Found:
            batch = self._references.after(site.id, kind, last, BATCH)
            end = str(batch[-1].id) if len(batch) == BATCH else None
            self._references.judge_range(site, kind, batch, last, end)
            kept = self._inspections.findings_of(site.id, kind, [each.id for each in batch])
            findings = [
                Flaw(
                    kind=each.fault.kind,
                    site=site.id,
                    asset=each.image if each.fault.kind not in SEEN_IN_THE_ENTRY else None,
                    subject=each.place,
                    detail=f"{each.fault.detail} ({each.image})",
                )
                for each in kept
                if each.fault.kind not in BYTES  # told with the asset
            ]
            return end, findings, len(batch)

        return step

    def _addresses(self, site: Site, last: str) -> Found:
        batch = self._store.addresses_after(site.id, last, BATCH)
        # Of whatever site: a record may not say any more whose it is.
        there = self._swept.those_there(asset for _, _, asset in batch)
        findings = [
            Flaw(
                kind=Kind.ADDRESS_DANGLING,
                site=site.id,
                asset=asset,
                subject=path,
                stored_id=address,
                detail="This old address names a picture that does not exist.",
            )
            for address, path, asset in batch
            if asset and asset not in there
        ]
        return (batch[-1][0] if len(batch) == BATCH else None), findings, 0

    # What is made of them

    def _renditions(self, site: Site, last: str) -> Found:
        ids = self._store.pictured_after(site.id, last, PICTURED_AT_ONCE)
        has_lost_source = self._sources_of(site, ids)
        findings: list[Flaw] = []
        for asset_id in ids:
            for each in self._store.renditions_of(site.id, asset_id):
                if not each.is_whole:
                    findings.append(
                        _about(
                            each,
                            site,
                            Kind.RENDITION_DAMAGED,
                            "Its bytes are not those kept of it.",
                        )
                    )
                elif has_lost_source(each):
                    findings.append(
                        _about(
                            each,
                            site,
                            Kind.RENDITION_WITHOUT_SOURCE,
                            "What it was made of is gone.",
                        )
                    )
        return (ids[-1] if ids else None), self._still(site, findings), 0

    def _sources_of(
        self, site: Site, asset_ids: Sequence[str]
    ) -> Callable[[CheckedRendition], bool]:
        """Return what tells of renditions of these assets whether their source is gone."""
        assets = self._inspections.assets(site.id, asset_ids)
        # A record may not say any more whose it is: what was made of it may be needed, too.
        strays = self._swept.those_there(set(asset_ids) - assets.keys())

        def has_lost_source(rendition: CheckedRendition) -> bool:
            asset = rendition.asset
            return asset not in strays and _has_lost_source(rendition, assets.get(asset))

        return has_lost_source

    def _still(self, site: Site, findings: list[Flaw]) -> list[Flaw]:
        """Return those about renditions that are not just going with what they were made of."""
        if not findings:
            return []
        self._files.settle()
        has_lost_source = self._sources_of(site, [each.asset or "" for each in findings])
        still = []
        for each in findings:
            found = self._store.rendition(site.id, each.subject)
            if found is None or self._inspections.is_being_written(site.id, found.file):
                continue
            is_lost = each.kind == Kind.RENDITION_WITHOUT_SOURCE and has_lost_source(found)
            if is_lost or (each.kind == Kind.RENDITION_DAMAGED and not found.is_whole):
                still.append(each)
        return still

    # What cannot be read

    def _records(self, run: str, order: Order) -> Iterator[None]:
        """Go through the records of a site, or of all of them and the house."""
        for collection in JUDGED if order.site else EVERY_RECORD:
            last: str | None = ""
            while last is not None:
                last, found = self._store.malformed_after(order.site, collection, last, BATCH)
                self._settle(run, list(map(_malformed, found)), order)
                yield

    # What should have gone, or been counted

    def _temporaries(self, site: Site, last: str) -> Found:
        ids = self._store.expired_after(site.id, last, BATCH)
        findings = [
            Flaw(
                kind=Kind.TEMPORARY_EXPIRED,
                site=site.id,
                asset=each,
                subject=each,
                detail="Nobody claimed it in time.",
            )
            for each in ids
        ]
        return (ids[-1] if len(ids) == BATCH else None), findings, 0

    def _uploads(self, site: Site, last: str) -> Found:
        ids = self._store.expired_uploads_after(site.id, last, BATCH)
        findings = [
            Flaw(
                kind=Kind.UPLOAD_EXPIRED,
                site=site.id,
                subject=each,
                detail="Nobody has gone on with this resumable upload in time.",
            )
            for each in ids
        ]
        return (ids[-1] if len(ids) == BATCH else None), findings, 0

    def _counters(self, site: Site, last: str) -> Found:
        holders = self._ledger.holders_after(site.id, last, BATCH)
        findings = []
        for each in holders:
            wrong = self._ledger.miscount(each)
            if wrong:
                findings.append(
                    Flaw(
                        kind=Kind.COUNTER_WRONG,
                        site=site.id,
                        subject=each.id,
                        stored_id=each.person,
                        detail=f"It says {wrong.counted.files} files of {wrong.counted.bytes} "
                        f"bytes; stored are {wrong.stored.files} of {wrong.stored.bytes}.",
                    )
                )
        return (holders[-1].id if len(holders) == BATCH else None), findings, 0

    # What no site has stored

    def _outside(self, run: str, every: Sequence[Site], order: Order) -> Iterator[None]:
        """Go through what has ids that begin with no site: other programs wrote it."""
        spans = spans_outside(each.id for each in every)
        for bucket, span in itertools.product(BUCKETS, spans):
            last: Any = START
            while files := self._store.foreign_files(bucket, span, last, BATCH):
                last = files[-1]
                lost = self._of_no_site(files)
                said = "No site has stored this file."
                self._settle(
                    run, [_outside(Kind.FOREIGN_FILE, bucket, e, said) for e in lost], order
                )
                yield
            last = START
            while owners := self._store.foreign_chunks(bucket, span, last, BATCH):
                last = owners[-1]
                lost = self._of_no_site(owners)
                lost = [each for each in lost if not self._store.has_file(bucket, each)]
                said = "These chunks belong to no file and no site."
                self._settle(
                    run, [_outside(Kind.ORPHAN_CHUNKS, bucket, e, said) for e in lost], order
                )
                yield

    def _of_no_site(self, stored_ids: Sequence[Any]) -> list[Any]:
        """Return those of no site as they are now: one may have been added since the run began."""
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


class _Place:
    """Where a run is: what a resumed one needs to go on."""

    def __init__(self, cursor: Mapping[str, Any] | None) -> None:
        saved = cursor or {}
        self.site = str(saved.get("site", ""))
        self.step = str(saved.get("step", ""))
        self.after = str(saved.get("after", ""))
        self.done = int(saved.get("done", 0))

    def enter(self, site_id: str) -> None:
        """Begin with a site, or go on with the one that was begun."""
        if site_id != self.site:
            self.site = site_id
            self.step = self.after = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it for the job's cursor."""
        return {
            "site": self.site,
            "step": self.step,
            "after": self.after,
            "done": self.done,
        }


def first_bytes(assets: Sequence[InspectedAsset]) -> Sequence[InspectedAsset]:
    """Return as many of `assets` as are read between two saves, at least one if there are any."""
    size = 0
    for count, each in enumerate(assets):
        size += sum(version.bytes for version in each.versions)
        if count and size > BYTES_AT_ONCE:
            return assets[:count]
    return assets


def _has_lost_source(rendition: CheckedRendition, asset: InspectedAsset | None) -> bool:
    """Tell whether the file it was made of is no more, for long.

    One of a version that is no more shown goes with the next sweep.
    """
    if utc_now() - rendition.made_at < YOUNG:
        return False
    if asset is None:
        return True
    # Of a record that lost what it names, all that is left may be needed.
    return bool(asset.versions) and all(each.file != rendition.file for each in asset.versions)


def _about(rendition: CheckedRendition, site: Site, kind: Kind, detail: str) -> Flaw:
    return Flaw(kind=kind, site=site.id, asset=rendition.asset, subject=rendition.id, detail=detail)
