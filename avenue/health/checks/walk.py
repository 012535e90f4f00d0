"""A walk over all stored data: its steps, and its depth.

A suspected problem is checked again before it is reported, so uploads may run meanwhile.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any

from avenue.health.checks.files import FileInspector
from avenue.health.checks.models import BYTES, BrokenReference, Flaw, InspectedAsset, Kind, Tally
from avenue.health.checks.place import Place
from avenue.health.checks.references import SEEN_IN_THE_ENTRY, ReferenceInspector
from avenue.health.checks.renditions import RenditionInspector
from avenue.health.checks.store.assets import InspectedAssets
from avenue.health.checks.store.findings import CheckStore
from avenue.health.checks.store.inspections import InspectionStore
from avenue.identity import Site
from avenue.media.models import State
from avenue.media.store.swept import SweptStore
from avenue.storage.quotas import Ledger
from avenue.storage.site_data import BUCKETS

BATCH = 500
ASSETS_AT_ONCE = 50
BYTES_AT_ONCE = 256 * 1024 * 1024  # read between two saves, except for larger single files


class Depth(Enum):
    """How much of each file a walk checks."""

    NOTHING = auto()  # none: only the references to it are checked
    COUNTS = auto()  # its document and the sizes of its chunks
    EVERY_BYTE = auto()  # all of it and of its renditions, compared with the hashes


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """The stores and inspectors of everything that is checked."""

    store: CheckStore
    assets: InspectedAssets
    inspections: InspectionStore
    files: FileInspector
    swept: Callable[[str], SweptStore]  # of the cluster of a site
    ledger: Ledger
    references: ReferenceInspector
    renditions: RenditionInspector


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """The result of a batch of a step: the next batch's start, None at the end, and the findings.

    `looked` is the number of assets or referrers checked.
    """

    end: str | None
    flaws: Sequence[Flaw] = ()
    looked: int = 0


Step = Callable[[Site, str, Tally], Passed]
"""Checks the batch behind a place, and counts it."""
Save = Callable[..., None]
"""Saves the `cursor` of a walk, and `done` of `total`; may raise what ends the walk."""


class Walk:
    """The steps of a walk over one site, in order."""

    def __init__(self, holdings: Holdings, depth: Depth) -> None:
        self._of = holdings
        # Bytes first: references are judged by their result.
        reads = depth is Depth.EVERY_BYTE
        self.of_bytes: dict[str, Step] = {}
        if depth is not Depth.NOTHING:
            self.of_bytes["assets"] = self._read if reads else self._counted
            for bucket in BUCKETS:
                self.of_bytes[f"files of {bucket}"] = partial(self._files_of, bucket)
                self.of_bytes[f"chunks of {bucket}"] = partial(self._chunks_of, bucket)
        self.steps = self.of_bytes | {
            f"references of {kind}": partial(self._references_of, kind)
            for kind in self._of.references.kinds
        }
        if reads:
            self.steps |= {
                "renditions": self._renditions,
                "addresses": self._addresses,
                "temporaries": self._temporaries,
                "uploads": self._uploads,
                "counters": self._counters,
            }

    def size(self, site: Site) -> int:
        """Return the number of assets and referrers."""
        return self._of.assets.count(site.id) + self._of.references.count(site.id)

    def over(self, site: Site, place: Place) -> Iterator[Sequence[Flaw]]:
        """Do the remaining steps of a site; yield the findings of each batch.

        The caller saves `place` when it `is_due`.
        """

        def look(step: str, last: str) -> tuple[str | None, Sequence[Flaw]]:
            passed = self.steps[step](site, last, place.tally)
            place.done += passed.looked
            return passed.end, passed.flaws

        return place.walk(list(self.steps), look)

    def _counted(self, site: Site, last: str, tally: Tally) -> Passed:
        batch = self._of.assets.after(site.id, last, BATCH)
        for each in self._of.files.look(site.id, batch):
            tally.incomplete_files[each.bucket] += 1
        return Passed(end=next_after(batch, BATCH), looked=len(batch))

    def _read(self, site: Site, last: str, _tally: Tally) -> Passed:
        batch = self._of.assets.after(site.id, last, ASSETS_AT_ONCE)
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
            for each in self._of.files.look(site.id, few, every_byte=True)
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
        return Passed(end=end, flaws=findings, looked=len(few))

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
            for each in self._of.references.disowned(site, batch)
            if each.claim
        ]

    def _files_of(self, bucket: str, site: Site, last: str, tally: Tally) -> Passed:
        end, found = self._of.files.unowned_files(site.id, bucket, last, BATCH)
        tally.unowned_files[bucket] += len(found)
        flaws = [
            Flaw(
                kind=Kind.UNOWNED_FILE,
                site=site.id,
                bucket=bucket,
                subject=each,
                detail="No asset names this file.",
            )
            for each in found
            # The file may name a wrong asset: what counts is which assets name it.
            if not self._of.swept(site.id).is_used(bucket, f"{site.id}/{each}")
        ]
        return Passed(end=end or None, flaws=flaws)

    def _chunks_of(self, bucket: str, site: Site, last: str, tally: Tally) -> Passed:
        end, found = self._of.files.orphan_chunks(site.id, bucket, last, BATCH)
        tally.orphan_chunks[bucket] += sum(found.values())
        flaws = [
            Flaw(
                kind=Kind.ORPHAN_CHUNKS,
                site=site.id,
                bucket=bucket,
                subject=each,
                detail=f"{count} chunks belong to no file.",
            )
            for each, count in found.items()
            # If an asset names it, it is damaged, not orphaned: reported with the asset.
            if not self._of.swept(site.id).may_be_named(f"{site.id}/{each}")
        ]
        return Passed(end=end or None, flaws=flaws)

    # References

    def _references_of(self, kind: str, site: Site, last: str, tally: Tally) -> Passed:
        counts = kind in self._of.references.counted
        batch = self._of.references.after(site.id, kind, last, BATCH)
        end = next_after(batch, BATCH)
        judged = self._of.references.judge_range(site, kind, batch, last, end)
        for standing, _ in judged:
            tally.references[standing] += counts
        flaws = [
            _of_reference(site, each)
            for _, each in judged
            if each and each.fault.kind not in BYTES  # reported with the asset
        ]
        return Passed(end=end, flaws=flaws, looked=len(batch))

    def _addresses(self, site: Site, last: str, _tally: Tally) -> Passed:
        batch = self._of.store.addresses_after(site.id, last, BATCH)
        # Of any site: a damaged record may not say whose it is.
        there = self._of.swept(site.id).those_there(asset for _, _, asset in batch)
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
        return Passed(end=batch[-1][0] if len(batch) == BATCH else None, flaws=findings)

    def _renditions(self, site: Site, last: str, _tally: Tally) -> Passed:
        end, flaws = self._of.renditions.after(site, last)
        return Passed(end=end, flaws=flaws)

    # Expired things, and counters

    def _temporaries(self, site: Site, last: str, _tally: Tally) -> Passed:
        ids = self._of.store.expired_after(site.id, last, BATCH)
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
        return Passed(end=ids[-1] if len(ids) == BATCH else None, flaws=findings)

    def _uploads(self, site: Site, last: str, _tally: Tally) -> Passed:
        ids = self._of.store.expired_uploads_after(site.id, last, BATCH)
        findings = [
            Flaw(
                kind=Kind.UPLOAD_EXPIRED,
                site=site.id,
                subject=each,
                detail="Nobody has gone on with this resumable upload in time.",
            )
            for each in ids
        ]
        return Passed(end=ids[-1] if len(ids) == BATCH else None, flaws=findings)

    def _counters(self, site: Site, last: str, _tally: Tally) -> Passed:
        holders = self._of.ledger.holders_after(site.id, last, BATCH)
        findings = []
        for each in holders:
            wrong = self._of.ledger.miscount(each)
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
        return Passed(end=next_after(holders, BATCH), flaws=findings)


def next_after(batch: Sequence[Any], limit: int) -> str | None:
    """Return where the next batch begins, None if this was the last."""
    return str(batch[-1].id) if len(batch) == limit else None


def _of_reference(site: Site, found: BrokenReference) -> Flaw:
    kind = found.fault.kind
    return Flaw(
        kind=kind,
        site=site.id,
        asset=found.image if kind not in SEEN_IN_THE_ENTRY else None,
        subject=found.place,
        detail=f"{found.fault.detail} ({found.image})",
    )


def first_bytes(assets: Sequence[InspectedAsset]) -> Sequence[InspectedAsset]:
    """Return as many of `assets` as are read between two saves, at least one if there are any."""
    size = 0
    for count, each in enumerate(assets):
        size += sum(version.bytes for version in each.versions)
        if count and size > BYTES_AT_ONCE:
            return assets[:count]
    return assets
