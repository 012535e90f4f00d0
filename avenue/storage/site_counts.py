"""Counts of a site's objects, for display.

Small numbers are counted on request. For large ones the last count is returned, with its time: a
job counts them regularly, so that no request reads an index key for each. Before the first run of
that job only a lower bound is returned.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from avenue.storage.connection import Database, Document
from avenue.storage.scope import SiteRecords, site

FEW = 1_000
"""So many things are counted by who asks."""
SITE_COUNTS = "site_counts"
COUNT_SITES = "count_sites"
"""The job that counts everything of every site."""

Numbers = Mapping[str, int]
Counter = Callable[[str, int | None], Numbers | None]
"""Counts objects of a site (its id) by name. With a number it counts no more objects than that, and
returns None if there are others; otherwise it counts all, in steps with a deadline each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteCount:
    """Numbers by name; `counted_at` is when they were counted, None for now.

    Of things that are many and that nobody has counted yet there are no numbers: there are
    `at_least` so many.
    """

    numbers: Numbers
    counted_at: datetime | None
    at_least: int | None = None

    def __getitem__(self, name: str) -> int:
        """Return one of them, 0 if there is none with this name."""
        return self.numbers.get(name, 0)

    def known(self, name: str) -> int | None:
        """Return one of them, None before anybody has counted."""
        return None if self.at_least else self[name]


class SiteCounts(SiteRecords):
    """The last counts of each site, by the name of the counter."""

    def __init__(
        self, database: Database, request_count: Callable[[], object] = lambda: None
    ) -> None:
        """`request_count` has everything counted in the background, soon."""
        super().__init__(database)
        self._request_count = request_count

    def of(self, site_id: str, name: str, counter: Counter) -> SiteCount:
        """Return what `counter` last said of many things, and what it says of few now.

        Should nobody have counted many yet, that is asked for.
        """
        if last := self._last(site_id, name):
            return last
        few = counter(site_id, FEW)
        if few is not None:
            return SiteCount(numbers=few, counted_at=None)
        self._request_count()
        return SiteCount(numbers={}, counted_at=None, at_least=FEW + 1)

    def counted(self, site_id: str, name: str, counter: Counter) -> SiteCount:
        """Return the same, for a job: what has not been counted yet is counted now."""
        found = self.of(site_id, name, counter)
        if found.at_least is None:
            return found
        self._count(site_id, name, counter)
        return self.of(site_id, name, counter)

    def count(self, site_id: str, name: str, counter: Counter) -> None:
        """Count all where they are many, and keep what was found; repeatable."""
        if counter(site_id, FEW) is None:
            self._count(site_id, name, counter)
        else:  # who asks counts them from now on
            self._records(site_id, SITE_COUNTS).delete({"_id": f"{site_id}/{name}"})

    def _count(self, site_id: str, name: str, counter: Counter) -> None:
        numbers = counter(site_id, None) or {}
        fresh = {"$literal": {"name": name, "numbers": dict(numbers), "site": site_id}}
        stage = {"$replaceWith": {"$mergeObjects": [{"_id": "$_id"}, fresh, {"at": "$$NOW"}]}}
        counts, count_id = self._records(site_id, SITE_COUNTS), f"{site_id}/{name}"
        site(self._database, site_id).anew(
            SITE_COUNTS,
            [count_id],
            lambda: counts.update({"_id": count_id}, [stage], upsert=True),
        )

    def _last(self, site_id: str, name: str) -> SiteCount | None:
        found = self._records(site_id, SITE_COUNTS).values(_count, {"_id": f"{site_id}/{name}"})
        return found[0] if found else None


def _count(document: Document) -> SiteCount:
    return SiteCount(numbers=document["numbers"], counted_at=document["at"])
