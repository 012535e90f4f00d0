"""The inspection: a pass over everything a site keeps and refers to, safe while uploads run.

What seems wrong is looked at again before it is believed, in an order that makes the second look
a proof. Nothing is ever fetched from another host.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from avenue.health.checks.models import BrokenReference, Flaw, Tally
from avenue.health.checks.records import JUDGED, RecordInspector
from avenue.health.checks.walk import BATCH, Depth, Holdings, Place, Save, Walk, next_after
from avenue.identity import Site
from avenue.storage.sites import Sites

INSPECT = "inspect"
"""The job that does it."""

QUICK_BATCH = 25
BEHIND_ALL_SITES = "~"


class Inspector:
    """Looks at every reference, every asset and every byte count."""

    def __init__(self, holdings: Holdings, sites: Sites) -> None:
        self._store = holdings.inspections
        self._files = holdings.files
        self._references = holdings.references
        self._sites = sites
        self._walk = Walk(holdings, Depth.COUNTS)
        self._records = RecordInspector(self._store, self._references.every)

    @property
    def beside(self) -> tuple[str, ...]:
        """The kinds of referrers that are judged and not counted."""
        return tuple(
            each for each in self._references.kinds if each not in self._references.counted
        )

    def inspect(self, cursor: Mapping[str, Any] | None, save: Save) -> dict[str, int]:
        """Go through every site, from where `cursor` says; return what was looked at and found."""
        place, sites = Place(cursor), self._sites.all()
        total = sum(map(self._walk.size, sites))
        for _ in self._passed(place, sites):
            if place.is_due:
                save(cursor=place.as_dict(), done=place.done, total=max(total, place.done))
        found = sum(sum(self._store.finding_counts(each.id).values()) for each in sites)
        return {"looked_at": place.done, "findings": found}

    def _passed(self, place: Place, sites: Sequence[Site]) -> Iterator[Sequence[Flaw]]:
        for each in place.left(sites):
            yield from self._walk.over(each, place)
            self._records.forget_mended(each.id)
            self._store.finish(each.id, place.began_at, place.tally)
            place.leave()
        # Once for all sites: what is found by its id is found in the order of ids alone.
        place.enter(BEHIND_ALL_SITES)
        yield from place.walk(list(JUDGED), self._judge_records)

    def _judge_records(self, collection: str, last: str) -> tuple[str | None, Sequence[Flaw]]:
        return self._records.judge(collection, last, BATCH), ()

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
        """Look at files and chunks for `seconds`; None when that was not enough for all."""
        ends_at, tally = time.monotonic() + seconds, Tally()
        for step in self._walk.of_bytes.values():
            last: str | None = ""
            while last is not None:
                if time.monotonic() > ends_at:
                    return None
                last = step(site, last, tally).end
        return tally

    def look_again(self, site: Site, findings: Sequence[BrokenReference]) -> None:
        """Judge the referrers of `findings` as they are now, by what is known of the bytes."""
        self._references.look_again(site, findings)
        self._records.look_again(site.id, findings)
