"""The inspection: a pass over everything a site keeps and refers to, safe while uploads run.

What seems wrong is looked at again before it is believed, in an order that makes the second look
a proof: bytes go only after their asset stopped naming them, and an asset changes hands only in a
transaction that raises its owner's revision. Nothing is ever fetched from another host.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from avenue.clock import utc_now
from avenue.identity import Site
from avenue.media.inspection.addresses import KnownPath, judged, nothing_known
from avenue.media.inspection.bytes import fault_of
from avenue.media.inspection.models import (
    Damage,
    Fault,
    Finding,
    InspectedAsset,
    Kind,
    Referrer,
    Referrers,
    Standing,
    StoredVersion,
    Tally,
)
from avenue.media.inspection.store import InspectionStore
from avenue.media.models import State
from avenue.storage.scope import BUCKETS
from avenue.storage.survey import ChunkSize

MB = 1024 * 1024
BATCH = 500
QUICK_BATCH = 25
SURVEYED_BYTES = 64 * MB  # whose sizes the server reads for one query
CHUNK_BYTES = MB
TRIES = 3
SETTLE_SECONDS = 0.3  # what is being deleted or given up is gone by then
LONGEST_IMAGE = 500
END = "end"
SEEN_IN_THE_ENTRY = frozenset({Kind.MALFORMED_ENTRY, Kind.LOCAL_PATH, Kind.LOCALHOST})


class KnowsSites(Protocol):
    """Who knows every site of the house."""

    def all(self) -> list[Site]:
        """Return them by id."""


class Save(Protocol):
    """Keeps how far a pass got."""

    def __call__(self, *, cursor: Any, done: int, total: int) -> None:
        """Keep it, assets and referrers counted; may raise what ends the pass."""


Judged = tuple[Standing, Finding | None]
# Looks at what follows a place; returns the next place and how much counts as progress.
Step = Callable[[Site, str, Tally], tuple[str | None, int]]


class Inspector:
    """Looks at every reference, every asset and every byte count."""

    def __init__(
        self,
        store: InspectionStore,
        referrers: Sequence[Referrers],
        sites: KnowsSites,
        known_path: KnownPath = nothing_known,
    ) -> None:
        self._store = store
        self._referrers = {each.kind: each for each in referrers}
        self._sites = sites
        self._known_path = known_path
        # Marks first, so that a reference is judged by what was just learnt of its bytes.
        self._steps: dict[str, Step] = {"assets": self._step_assets}
        for bucket in BUCKETS:
            self._steps[f"files of {bucket}"] = self._file_step(bucket)
            self._steps[f"chunks of {bucket}"] = self._chunk_step(bucket)
        for kind in self._referrers:
            self._steps[f"references of {kind}"] = self._reference_step(kind)

    def inspect(self, cursor: Mapping[str, Any] | None, save: Save) -> dict[str, int]:
        """Go through every site, from where `cursor` says; return what was looked at and found."""
        place, sites = _Place(cursor), sorted(self._sites.all(), key=lambda site: site.id)
        total = sum(map(self._size, sites))
        for each in sites:
            if each.id < place.site:
                continue
            place.enter(each.id)
            for _ in self._walk(each, place):
                save(cursor=place.as_dict(), done=place.done, total=max(total, place.done))
            self._store.finish(each.id, place.began_at, place.tally)
            place.found += sum(self._store.finding_counts(each.id).values())
            place.leave()
        return {"looked_at": place.done, "findings": place.found}

    def references_now(self, site: Site, seconds: float) -> tuple[int, bool]:
        """Look at references, their bytes and hashes for `seconds`, from the first one on.

        Return how many were looked at, and whether that was all of them. Findings are kept.
        """
        ends_at, looked = time.monotonic() + seconds, 0
        for kind, referrers in self._referrers.items():
            last = ""
            while True:
                batch = referrers.after(site.id, last, QUICK_BATCH)
                ids = self._assets_named(site, batch)
                assets = self._store.assets(site.id, ids)
                self._look_at_bytes(site.id, list(assets.values()))
                if not self._look_at_hashes(site.id, ids, ends_at):
                    return looked, False
                end = batch[-1].id if len(batch) == QUICK_BATCH else None
                looked += len(self._judge_range(site, kind, batch, last, end))
                if end is None:
                    break
                last = end
        return looked, True

    def storage_now(self, site: Site, seconds: float) -> Tally | None:
        """Look at files and chunks for `seconds`; None when that was not enough for all."""
        ends_at, tally = time.monotonic() + seconds, Tally()
        for name, step in self._steps.items():
            last: str | None = ""
            while last is not None and not name.startswith("references"):
                if time.monotonic() > ends_at:
                    return None
                last, _ = step(site, last, tally)
        return tally

    def look_again(self, site: Site, findings: Iterable[Finding]) -> None:
        """Judge the referrers of `findings` as they are now, by what is known of the bytes."""
        by_kind: dict[str, dict[str, list[Finding]]] = {}
        for each in findings:
            of_kind = by_kind.setdefault(each.referrer_kind, {})
            of_kind.setdefault(each.referrer, []).append(each)
        for kind, of_kind in by_kind.items():
            referrers = self._referrers.get(kind)
            there = referrers.these(site.id, sorted(of_kind)) if referrers else []
            found = self._judge(site, there)
            for referrer, shown in of_kind.items():
                mine = [each for _, each in found.get(referrer, []) if each]
                if any(each not in mine for each in shown):
                    self._store.record_of(site.id, kind, referrer, mine)

    def _walk(self, site: Site, place: "_Place") -> Iterator[None]:
        following = dict(zip(self._steps, [*list(self._steps)[1:], END], strict=True))
        if place.step not in {*following, END}:
            place.step, place.after = next(iter(following)), ""
        while place.step != END:
            last, looked = self._steps[place.step](site, place.after, place.tally)
            place.done += looked
            if last is None:
                place.step, place.after = following[place.step], ""
            else:
                place.after = last
            yield

    def _size(self, site: Site) -> int:
        referrers = sum(each.count(site.id) for each in self._referrers.values())
        return self._store.count(site.id) + referrers

    # Bytes

    def _step_assets(self, site: Site, last: str, tally: Tally) -> tuple[str | None, int]:
        batch = self._store.assets_after(site.id, last, BATCH)
        for bucket, count in self._look_at_bytes(site.id, batch).items():
            tally.incomplete_files[bucket] += count
        return _next(batch), len(batch)

    def _look_at_bytes(self, site_id: str, assets: Sequence[InspectedAsset]) -> dict[str, int]:
        """Mark the assets whose bytes are damaged, unmark those that are whole again.

        Return how many files of each bucket are incomplete.
        """
        incomplete = {}
        for bucket in BUCKETS:
            mine = [
                each
                for each in assets
                if each.bucket == bucket and each.state is not State.PURGING and each.versions
            ]
            incomplete[bucket] = self._look_into(site_id, bucket, mine) if mine else 0
        return incomplete

    def _look_into(self, site_id: str, bucket: str, assets: Sequence[InspectedAsset]) -> int:
        faults = self._faults(site_id, bucket, [v for each in assets for v in each.versions])
        doubtful = {
            each.id
            for each in assets
            if each.damage or any(version.file in faults for version in each.versions)
        }
        incomplete = 0
        # As they are after the look: a file may have fallen off or be going.
        for each in self._store.assets(site_id, doubtful).values():
            if each.state is State.PURGING or not each.versions:
                continue
            incomplete += sum(version.file in faults for version in each.versions)
            fault = faults.get(each.versions[0].file)
            if fault and each.current_fault != fault:
                self._store.mark(site_id, each.id, Damage(file=each.versions[0].file, fault=fault))
                # Somebody may have mended it between the look and the mark.
                if not self._faults(site_id, bucket, each.versions[:1]):
                    self._store.unmark(site_id, each.id)
                    incomplete -= 1
            elif not fault and each.damage and not _is_about_hash(each):
                self._store.unmark(site_id, each.id)
        return incomplete

    def _faults(
        self, site_id: str, bucket: str, versions: Sequence[StoredVersion]
    ) -> dict[str, Fault]:
        """Return what is wrong with the stored files of `versions`, by file."""
        survey = self._store.survey(site_id, bucket)
        faults = {}
        for group in _grouped(versions):
            ids = [version.file for version in group]
            records = survey.records(ids)
            sizes = self._sizes(site_id, bucket, group)
            for version in group:
                fault = fault_of(version, records.get(version.file), sizes.get(version.file, ()))
                if fault:
                    faults[version.file] = fault
        return faults

    def _sizes(
        self, site_id: str, bucket: str, group: Sequence[StoredVersion]
    ) -> dict[str, list[ChunkSize]]:
        """Return the sizes of the chunks of `group`; of one large file piece by piece."""
        survey = self._store.survey(site_id, bucket)
        if len(group) > 1 or group[0].bytes <= SURVEYED_BYTES:
            return survey.chunk_sizes([version.file for version in group])
        file_id, count = group[0].file, SURVEYED_BYTES // CHUNK_BYTES
        # Before 0 and beyond the last one, too: what is there should not be.
        bounds: list[int | None] = [None, *range(count, group[0].bytes // CHUNK_BYTES, count), None]
        sizes: list[ChunkSize] = []
        for first, end in itertools.pairwise(bounds):
            sizes += survey.chunk_sizes([file_id], first, end).get(file_id, [])
        return {file_id: sizes}

    def _look_at_hashes(self, site_id: str, asset_ids: Iterable[str], ends_at: float) -> bool:
        """Read the bytes that assets show and compare their hashes; False when time ran out."""
        for each in self._store.assets(site_id, asset_ids).values():
            if time.monotonic() > ends_at:
                return False
            known = each.current_fault
            is_readable = each.versions and each.state is State.LIVE and each.bucket in BUCKETS
            if not is_readable or (known and known.kind is not Kind.WRONG_HASH):
                continue
            digest = self._store.sha256_of(site_id, each)
            if digest == each.versions[0].sha256 and known:
                self._store.unmark(site_id, each.id)
            elif digest not in {each.versions[0].sha256, None} and not known:
                fault = Fault(Kind.WRONG_HASH, "The stored bytes are not those that were uploaded.")
                self._store.mark(site_id, each.id, Damage(file=each.versions[0].file, fault=fault))
                if self._store.sha256_of(site_id, each) == each.versions[0].sha256:
                    self._store.unmark(site_id, each.id)  # mended in between
        return True

    # Files and chunks that belong to nothing

    def _file_step(self, bucket: str) -> Step:
        def step(site: Site, last: str, tally: Tally) -> tuple[str | None, int]:
            batch = self._store.survey(site.id, bucket).records_after(last, BATCH)
            owners = {each.id: each.asset or "" for each in batch}

            def unowned(file_ids: Sequence[str]) -> list[str]:
                assets = self._store.assets(site.id, {owners[each] for each in file_ids})
                named = {version.file for each in assets.values() for version in each.versions}
                there = self._store.survey(site.id, bucket).records(file_ids)
                return [each for each in file_ids if each not in named and each in there]

            tally.unowned_files[bucket] += len(self._settled(site.id, list(owners), unowned))
            return _next(batch), 0

        return step

    def _chunk_step(self, bucket: str) -> Step:
        def step(site: Site, last: str, tally: Tally) -> tuple[str | None, int]:
            survey = self._store.survey(site.id, bucket)
            owners = survey.chunk_owners_after(last, BATCH)

            def orphaned(file_ids: Sequence[str]) -> list[str]:
                there = survey.records(file_ids)
                return [each for each in file_ids if each not in there and survey.chunk_count(each)]

            orphans = self._settled(site.id, owners, orphaned)
            tally.orphan_chunks[bucket] += sum(map(survey.chunk_count, orphans))
            return (owners[-1] if owners else None), 0

        return step

    def _settled(
        self, site_id: str, file_ids: list[str], wrong: Callable[[Sequence[str]], list[str]]
    ) -> list[str]:
        """Return those that are `wrong`, stay so, and are not just being written."""
        doubtful = wrong(file_ids) if file_ids else []
        for _ in range(TRIES):
            if not doubtful:
                break
            threading.Event().wait(SETTLE_SECONDS)
            writing = {each for each in doubtful if self._store.is_being_written(site_id, each)}
            doubtful = [each for each in wrong(doubtful) if each not in writing]
        return doubtful

    # References

    def _reference_step(self, kind: str) -> Step:
        def step(site: Site, last: str, tally: Tally) -> tuple[str | None, int]:
            batch = self._referrers[kind].after(site.id, last, BATCH)
            end = _next(batch)
            for standing in self._judge_range(site, kind, batch, last, end):
                tally.references[standing] += 1
            return end, len(batch)

        return step

    def _judge_range(
        self, site: Site, kind: str, batch: Sequence[Referrer], after: str, end: str | None
    ) -> list[Standing]:
        """Judge `batch` and keep what was found; return how each reference stands."""
        found = [each for entries in self._judge(site, batch).values() for each in entries]
        findings = [finding for _, finding in found if finding]
        self._store.record_range(site.id, kind, after, end, findings)
        return [standing for standing, _ in found]

    def _judge(self, site: Site, batch: Sequence[Referrer]) -> dict[str, list[Judged]]:
        """Return how the references of each referrer stand, by its id."""
        result: dict[str, list[Judged]] = {}
        assets = self._store.assets(site.id, self._assets_named(site, batch))
        for each in batch:
            result[each.id] = self._judge_one(site, each, assets)
        doubtful = [each.id for each in batch if any(map(_needs_proof, result[each.id]))]
        return result | (self._proved(site, batch[0].kind, doubtful) if doubtful else {})

    def _proved(self, site: Site, kind: str, ids: Sequence[str]) -> dict[str, list[Judged]]:
        """Judge referrers by assets that were read while they did not change.

        One that keeps changing, or is gone, has nothing found against it.
        """
        result: dict[str, list[Judged]] = {each: [] for each in ids}
        for _ in range(TRIES):
            before = {each.id: each for each in self._referrers[kind].these(site.id, ids)}
            assets = self._store.assets(site.id, self._assets_named(site, before.values()))
            after = {each.id: each for each in self._referrers[kind].these(site.id, ids)}
            for each in before.values():
                if each == after.get(each.id):
                    result[each.id] = self._judge_one(site, each, assets)
            ids = [each for each in after if after[each] != before.get(each)]
            if not ids:
                break
        return result

    def _judge_one(
        self, site: Site, referrer: Referrer, assets: Mapping[str, InspectedAsset]
    ) -> list[Judged]:
        return [
            self._judge_entry(site, referrer, position, assets)
            for position in range(len(referrer.images))
        ]

    def _judge_entry(
        self, site: Site, referrer: Referrer, position: int, assets: Mapping[str, InspectedAsset]
    ) -> Judged:
        entry = referrer.images[position]
        target = self._target(site, entry)
        if target is None:
            return Standing.EXTERNAL, None
        if isinstance(target, Fault):
            fault: Fault | None = target
        else:
            owner = None if _url_in(entry) else referrer
            fault = _fault_of_asset(assets.get(target), owner)
        if fault is None:
            return Standing.STORED, None
        finding = Finding(
            referrer_kind=referrer.kind,
            referrer=referrer.id,
            sku=referrer.sku,
            position=position,
            image=_shown(entry),
            fault=fault,
        )
        return fault.standing, finding

    def _assets_named(self, site: Site, batch: Iterable[Referrer]) -> set[str]:
        targets = [self._target(site, entry) for each in batch for entry in each.images]
        return {target for target in targets if isinstance(target, str)}

    def _target(self, site: Site, entry: object) -> str | Fault | None:
        """Return the asset an entry names, the fault it has in itself, or None: elsewhere."""
        url = _url_in(entry)
        if url is not None:
            return judged(site, url, self._known_path)
        asset = entry.get("asset") if isinstance(entry, dict) else None
        if isinstance(asset, str) and asset:
            return asset
        return Fault(Kind.MALFORMED_ENTRY, "The entry holds neither the id of an asset nor a URL.")


class _Place:
    """Where a pass is: what a resumed one needs to go on."""

    def __init__(self, cursor: Mapping[str, Any] | None) -> None:
        saved = cursor or {}
        self.site = str(saved.get("site", ""))
        self.step = str(saved.get("step", ""))
        self.after = str(saved.get("after", ""))
        self.done = int(saved.get("done", 0))
        self.found = int(saved.get("found", 0))
        self.began_at: datetime = saved.get("began_at") or utc_now()
        self.tally = Tally.from_dict(saved["tally"]) if "tally" in saved else Tally()

    def enter(self, site_id: str) -> None:
        """Begin with a site, or go on with the one that was begun."""
        if site_id != self.site:
            self.site = site_id
            self.leave()

    def leave(self) -> None:
        """Have nothing begun."""
        self.step = self.after = ""
        self.tally, self.began_at = Tally(), utc_now()

    def as_dict(self) -> dict[str, Any]:
        """Return it for the job's cursor."""
        return {
            "site": self.site,
            "step": self.step,
            "after": self.after,
            "done": self.done,
            "found": self.found,
            "began_at": self.began_at,
            "tally": self.tally.as_dict(),
        }


def _next(batch: Sequence[Any]) -> str | None:
    """Return where the next batch begins, None when this was the last."""
    return str(batch[-1].id) if len(batch) == BATCH else None


def _grouped(versions: Sequence[StoredVersion]) -> Iterator[list[StoredVersion]]:
    """Yield `versions` in groups small enough for one query; a large file is alone."""
    group: list[StoredVersion] = []
    for each in versions:
        if group and sum(version.bytes for version in group) + each.bytes > SURVEYED_BYTES:
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _is_about_hash(asset: InspectedAsset) -> bool:
    """Tell whether the mark is one that only reading the bytes can take away."""
    known = asset.current_fault
    return known is not None and known.kind is Kind.WRONG_HASH


def _fault_of_asset(asset: InspectedAsset | None, owner: Referrer | None) -> Fault | None:
    """Return what is wrong with a picture that is referred to, by `owner` if it must own it."""
    if asset is None:
        return Fault(Kind.ASSET_MISSING, "There is no record of this picture.")
    if asset.state is State.TRASH:
        return Fault(Kind.ASSET_IN_TRASH, "The picture is in the trash, and still referred to.")
    if asset.state is State.PURGING:
        return Fault(Kind.ASSET_PURGING, "The picture is being deleted, and still referred to.")
    if asset.current_fault:
        return asset.current_fault
    if owner is not None and asset.claim != owner.claim:
        return Fault(Kind.NOT_OWNED, "The picture belongs to something else, or to nothing.")
    return None


def _needs_proof(entry: Judged) -> bool:
    """Tell whether what was found may come from reading referrer and asset one after the other."""
    finding = entry[1]
    return finding is not None and finding.fault.kind not in SEEN_IN_THE_ENTRY


def _url_in(entry: object) -> str | None:
    """Return the URL of an entry that names no asset."""
    if not isinstance(entry, dict) or entry.get("asset") is not None:
        return None
    url = entry.get("url")
    return url if isinstance(url, str) else None


def _shown(entry: object) -> str | None:
    """Return what an entry names, as text for people."""
    named = entry.get("asset") or entry.get("url") if isinstance(entry, dict) else entry
    return str(named)[:LONGEST_IMAGE] if named else None
