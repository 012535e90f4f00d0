"""The inspection: a pass over everything a site keeps and refers to, safe while uploads run.

What seems wrong is looked at again before it is believed, in an order that makes the second look
a proof. Nothing is ever fetched from another host.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from avenue.clock import utc_now
from avenue.health.checks.files import FileInspector
from avenue.health.checks.models import BrokenReference, Tally
from avenue.health.checks.records import JUDGED, RecordInspector
from avenue.health.checks.references import ReferenceInspector
from avenue.health.checks.store.inspections import InspectionStore
from avenue.identity import Site
from avenue.storage.scope import BUCKETS

INSPECT = "inspect"
"""The job that does it."""

BATCH = 500
QUICK_BATCH = 25
END = "end"
BEHIND_ALL_SITES = "~"


class KnowsSites(Protocol):
    """Who knows every site of the house."""

    def all(self) -> list[Site]:
        """Return them by id."""


class Save(Protocol):
    """Keeps how far a pass got."""

    def __call__(self, *, cursor: Any, done: int, total: int) -> None:
        """Keep it, assets and referrers counted; may raise what ends the pass."""


# Looks at what follows a place; returns the next place and how much counts as progress.
Step = Callable[[Site, str, Tally], tuple[str | None, int]]


class Inspector:
    """Looks at every reference, every asset and every byte count."""

    def __init__(
        self,
        store: InspectionStore,
        files: FileInspector,
        references: ReferenceInspector,
        sites: KnowsSites,
    ) -> None:
        self._store = store
        self._files = files
        self._references = references
        self._sites = sites
        # Marks first, so that a reference is judged by what was just learnt of its bytes.
        self._byte_steps: dict[str, Step] = {"assets": self._assets}
        for bucket in BUCKETS:
            self._byte_steps[f"files of {bucket}"] = self._files_of(bucket)
            self._byte_steps[f"chunks of {bucket}"] = self._chunks_of(bucket)
        self._records = RecordInspector(store, references.every)
        self._steps = self._byte_steps | {
            f"references of {kind}": self._references_of(kind) for kind in references.kinds
        }

    @property
    def beside(self) -> tuple[str, ...]:
        """The kinds of referrers that are judged and not counted."""
        return tuple(
            each for each in self._references.kinds if each not in self._references.counted
        )

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
            self._records.forget_mended(each.id)
            self._store.finish(each.id, place.began_at, place.tally)
            place.leave()
        # Once for all sites: what is found by its id is found in the order of ids alone.
        place.enter(BEHIND_ALL_SITES)
        for _ in self._judge_records(place):
            save(cursor=place.as_dict(), done=place.done, total=max(total, place.done))
        found = sum(sum(self._store.finding_counts(each.id).values()) for each in sites)
        return {"looked_at": place.done, "findings": found}

    def _judge_records(self, place: "_Place") -> Iterator[None]:
        def judge(collection: str, last: str) -> str | None:
            return self._records.judge(collection, last, BATCH)

        return place.walk(list(JUDGED), judge)

    def references_now(self, site: Site, seconds: float) -> tuple[int, bool]:
        """Look at counted references, their bytes and hashes for `seconds`, from the first one on.

        Return how many were looked at, and whether that was all of them. Findings are kept.
        """
        ends_at, looked = time.monotonic() + seconds, 0
        for kind in self._references.counted:
            last: str | None = ""
            while last is not None:
                batch = self._references.after(site.id, kind, last, QUICK_BATCH)
                assets = self._references.assets_of(site, batch)
                self._files.look_at_bytes(site.id, assets)
                ids = [each.id for each in assets]
                in_time = self._files.look_at_hashes(site.id, ids, ends_at)
                if not in_time or time.monotonic() > ends_at:
                    return looked, False
                end = _next(batch, QUICK_BATCH)
                looked += len(self._references.judge_range(site, kind, batch, last, end))
                last = end
        return looked, True

    def storage_now(self, site: Site, seconds: float) -> Tally | None:
        """Look at files and chunks for `seconds`; None when that was not enough for all."""
        ends_at, tally = time.monotonic() + seconds, Tally()
        for step in self._byte_steps.values():
            last: str | None = ""
            while last is not None:
                if time.monotonic() > ends_at:
                    return None
                last, _ = step(site, last, tally)
        return tally

    def look_again(self, site: Site, findings: Sequence[BrokenReference]) -> None:
        """Judge the referrers of `findings` as they are now, by what is known of the bytes."""
        self._references.look_again(site, findings)
        self._records.look_again(site.id, findings)

    def _walk(self, site: Site, place: "_Place") -> Iterator[None]:
        def look(step: str, last: str) -> str | None:
            end, looked = self._steps[step](site, last, place.tally)
            place.done += looked
            return end

        return place.walk(list(self._steps), look)

    def _size(self, site: Site) -> int:
        return self._store.count(site.id) + self._references.count(site.id)

    def _assets(self, site: Site, last: str, tally: Tally) -> tuple[str | None, int]:
        batch = self._store.assets_after(site.id, last, BATCH)
        for bucket, count in self._files.look_at_bytes(site.id, batch).items():
            tally.incomplete_files[bucket] += count
        return _next(batch, BATCH), len(batch)

    def _files_of(self, bucket: str) -> Step:
        def step(site: Site, last: str, tally: Tally) -> tuple[str | None, int]:
            end, found = self._files.unowned_files(site.id, bucket, last, BATCH)
            tally.unowned_files[bucket] += len(found)
            return end or None, 0

        return step

    def _chunks_of(self, bucket: str) -> Step:
        def step(site: Site, last: str, tally: Tally) -> tuple[str | None, int]:
            end, found = self._files.orphan_chunks(site.id, bucket, last, BATCH)
            tally.orphan_chunks[bucket] += sum(found.values())
            return end or None, 0

        return step

    def _references_of(self, kind: str) -> Step:
        def step(site: Site, last: str, tally: Tally) -> tuple[str | None, int]:
            batch = self._references.after(site.id, kind, last, BATCH)
            end = _next(batch, BATCH)
            for standing in self._references.judge_range(site, kind, batch, last, end):
                tally.references[standing] += kind in self._references.counted
            return end, len(batch)

        return step


class _Place:
    """Where a pass is: what a resumed one needs to go on."""

    def __init__(self, cursor: Mapping[str, Any] | None) -> None:
        saved = cursor or {}
        self.site = str(saved.get("site", ""))
        self.step = str(saved.get("step", ""))
        self.after = str(saved.get("after", ""))
        self.done = int(saved.get("done", 0))
        self.began_at: datetime = saved.get("began_at") or utc_now()
        self.tally = Tally.from_dict(saved["tally"]) if "tally" in saved else Tally()

    def enter(self, site_id: str) -> None:
        """Begin with a site, or go on with the one that was begun."""
        if site_id != self.site:
            self.site = site_id
            self.leave()

    def walk(self, steps: Sequence[str], look: Callable[[str, str], str | None]) -> Iterator[None]:
        """Take the steps that are left, a batch at a time; yield when the progress is to be saved.

        That is after each full batch and after the last step: a step that ends within its first
        batch is quicker done again than saved. `look` is given the step and where its batch begins;
        it returns where the next one does, or None after the last.
        """
        following = dict(zip(steps, [*steps[1:], END], strict=True))
        if self.step not in {*following, END}:
            self.step, self.after = steps[0], ""
        while self.step != END:
            last = look(self.step, self.after)
            if last is None:
                self.step, self.after = following[self.step], ""
            else:
                self.after = last
            if last is not None or self.step == END:
                yield

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
            "began_at": self.began_at,
            "tally": self.tally.as_dict(),
        }


def _next(batch: Sequence[Any], limit: int) -> str | None:
    """Return where the next batch begins, None when this was the last."""
    return str(batch[-1].id) if len(batch) == limit else None
