"""The inspection: a pass over everything a site stores and refers to, safe during uploads.

A suspected problem is checked again before it is reported, in an order that makes the second check
a proof. Nothing is fetched from other hosts.

Each run continues the pass for a slice of fixed size, whatever the size of the store. What was
written since the last run is checked as well, without waiting for the end of the pass. References
are also checked by a separate job every few minutes: what was removed or written by other programs
raises an alert within ten minutes.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from avenue.clock import utc_now
from avenue.health.checks.models import BrokenReference, Flaw, Slice, Tally
from avenue.health.checks.place import END, Place
from avenue.health.checks.records import JUDGED, RecordInspector
from avenue.health.checks.store.inspections import INSPECTED, REFERRED
from avenue.health.checks.walk import BATCH, Depth, Holdings, Save, Walk, next_after
from avenue.identity import Site
from avenue.storage.sites import Sites

INSPECT = "inspect"
"""The kind of the job of the inspection."""
REFERENCES = "references"
"""The kind of the job that checks references only."""
REFERENCES_SECONDS = 240

QUICK_BATCH = 25
BEHIND_ALL_SITES = "~"
SLICE = 400
"""The batches, of up to 500 things, of a run. A smaller store is checked as a whole."""
MOST_REFERRERS, MOST_BATCHES = 25_000, 1_000
"""The products, groups, pages and logos of a run, and the batches they come in: each site has one
batch of each kind at least."""
OVERLAP = timedelta(minutes=5)
"""How much earlier than the last run something may have been written to be checked: clocks
differ, and transactions take time."""
MOST_RECENT = 10_000
"""The most new things of a kind, the newest first. The pass checks the others."""


class Inspector:
    """Checks every reference, every asset and every byte count."""

    def __init__(self, holdings: Holdings, sites: Sites) -> None:
        self._store = holdings.inspections
        self._assets = holdings.assets
        self._files = holdings.files
        self._references = holdings.references
        self._sites = sites
        self._walk = Walk(holdings, Depth.COUNTS)
        self._referring = Walk(holdings, Depth.NOTHING)
        self._records = RecordInspector(self._store, self._references.every)

    @property
    def beside(self) -> tuple[str, ...]:
        """The kinds of referrers that are judged but not counted."""
        return tuple(
            each for each in self._references.kinds if each not in self._references.counted
        )

    def inspect(
        self, cursor: Mapping[str, Any] | None, save: Save, *, all_of_it: bool = True
    ) -> dict[str, int]:
        """Check every site, from `cursor` on; return the numbers of things checked and found.

        Unless `all_of_it`, start where the last run ended, and check one slice only.
        """
        sites = self._sites.reachable()
        looked_at = self._all(cursor, save, sites) if all_of_it else self._next(cursor, save, sites)
        found = sum(sum(self._store.finding_counts(each.id).values()) for each in sites)
        return {"looked_at": looked_at, "findings": found}

    def _all(self, cursor: Mapping[str, Any] | None, save: Save, sites: Sequence[Site]) -> int:
        place, total = Place(cursor), sum(map(self._walk.size, sites))
        for _ in self._passed(place, sites):
            if place.is_due:
                save(cursor=place.as_dict(), done=place.done, total=max(total, place.done))
        return place.done

    def _next(self, cursor: Mapping[str, Any] | None, save: Save, sites: Sequence[Site]) -> int:
        last, now = self._store.last_slice(INSPECTED), utc_now()
        place, left = Place(cursor or last.place), SLICE
        before = 0 if cursor else place.done
        for _ in self._passed(place, sites):
            if place.is_due:
                save(cursor=place.as_dict(), done=place.done)
            left -= 1
            if left <= 0:
                break
        is_over = place.site == BEHIND_ALL_SITES and place.step == END
        looked_at = place.done - before
        if last.looked_at and not (is_over and last.place is None):
            looked_at += sum(self._recent(each, last.looked_at - OVERLAP) for each in sites)
        place_now = None if is_over else place.as_dict()
        self._store.keep_slice(INSPECTED, Slice(place=place_now, looked_at=now))
        return looked_at

    def look_at_references(self, save: Save) -> dict[str, int]:
        """Continue the pass over references only, for a slice; return the number checked."""
        place, now = Place(self._store.last_slice(REFERRED).place), utc_now()
        before, kept = place.done, None
        for batches, _ in enumerate(self._all_referring(place), start=1):
            if place.is_due:
                save(done=place.done - before)
            if place.done - before >= MOST_REFERRERS or batches >= MOST_BATCHES:
                kept = place.as_dict()
                break
        self._store.keep_slice(REFERRED, Slice(place=kept, looked_at=now))
        return {"looked_at": place.done - before}

    def _all_referring(self, place: Place) -> Iterator[Sequence[Flaw]]:
        for each in place.left(self._sites.reachable()):
            yield from self._referring.over(each, place)
            place.leave()

    def _recent(self, site: Site, since: datetime) -> int:
        """Check what was written since then; return the number of things checked."""
        looked_at = 0
        for kind in self._references.kinds:
            for batch in self._references.changed_since(site.id, kind, since, MOST_RECENT, BATCH):
                self._files.look(site.id, self._references.assets_of(site, batch))
                self._references.judge(site, kind, batch)
                looked_at += len(batch)
        stored = self._assets.stored_since(site.id, since, MOST_RECENT)
        for first in range(0, len(stored), BATCH):
            self._files.look(site.id, stored[first : first + BATCH])
        return looked_at + len(stored)

    def _passed(self, place: Place, sites: Sequence[Site]) -> Iterator[Sequence[Flaw]]:
        for each in place.left(sites):
            yield from self._walk.over(each, place)
            self._records.forget_mended(each.id)
            self._store.finish(each.id, place.began_at, place.tally)
            place.leave()
        # Once for all sites: the order by id includes all of them.
        place.enter(BEHIND_ALL_SITES)
        yield from place.walk(list(JUDGED), self._judge_records)

    def _judge_records(self, collection: str, last: str) -> tuple[str | None, Sequence[Flaw]]:
        return self._records.judge(collection, last, BATCH), ()

    def references_now(self, site: Site, seconds: float) -> tuple[int, bool]:
        """Check counted references, their bytes and hashes for `seconds`, from the first one on.

        Return the number checked, and whether that was all of them. Findings are stored.
        """
        ends_at, looked = time.monotonic() + seconds, 0
        for kind in self._references.counted:
            last: str | None = ""
            while last is not None:
                batch = self._references.after(site.id, kind, last, QUICK_BATCH)
                assets = self._references.assets_of(site, batch)
                self._files.look(site.id, assets)
                ids = [each.id for each in assets]
                in_time = self._files.look_at_hashes(site.id, ids, ends_at)
                if not in_time or time.monotonic() > ends_at:
                    return looked, False
                end = next_after(batch, QUICK_BATCH)
                looked += len(self._references.judge_range(site, kind, batch, last, end))
                last = end
        return looked, True

    def storage_now(self, site: Site, seconds: float) -> Tally | None:
        """Check files and chunks for `seconds`; None if that was too short for all."""
        ends_at, tally = time.monotonic() + seconds, Tally()
        for step in self._walk.of_bytes.values():
            last: str | None = ""
            while last is not None:
                if time.monotonic() > ends_at:
                    return None
                last = step(site, last, tally).end
        return tally

    def look_again(self, site: Site, findings: Sequence[BrokenReference]) -> None:
        """Judge the referrers of `findings` again, by what is known of the bytes."""
        self._references.look_again(site, findings)
        self._records.look_again(site.id, findings)
