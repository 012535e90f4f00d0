"""The scrub: reads a part of all stored bytes each hour, so that every byte is read regularly.

Each site has its own rounds. A round takes half of the configured days, by the share of its bytes
that was read: so even what was stored just behind it is read within all of them.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from avenue.clock import utc_now
from avenue.health.checks.files import FileInspector, Read
from avenue.health.checks.models import Round
from avenue.health.checks.store.assets import InspectedAssets
from avenue.health.checks.store.counts import StoredCounts
from avenue.health.checks.store.findings import CheckStore, ScrubStore
from avenue.health.checks.walk import first_bytes
from avenue.identity import Site
from avenue.storage.sites import Sites

SCRUB = "scrub"
"""The kind of the job of the scrub."""

EVERY_SECONDS = 3600
MOST_BYTES_PER_SECOND = 32 * 1024 * 1024
MOST_SECONDS = 900  # of each hour: other jobs wait for the same runner
TELL_SECONDS = 5  # how soon a run in the middle of a large file ends with its process
ASSETS_AT_ONCE = 20

Tell = Callable[[int], None]
"""Called with the number of files checked; may raise what ends the run."""


class Scrub:
    """Continues where the last run ended."""

    def __init__(
        self,
        rounds: ScrubStore,
        store: CheckStore,
        assets: InspectedAssets,
        counts: StoredCounts,
        files: FileInspector,
        sites: Sites,
        *,
        days: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rounds = rounds
        self._store = store
        self._assets = assets
        self._counts = counts
        self._files = files
        self._sites = sites
        self._takes = timedelta(days=days) / 2
        self._sleep = sleep

    def run(self, tell: Tell = lambda _: None) -> Mapping[str, int]:
        """Read what is due of every site, at a limited rate; mark damage and remove bad renditions.

        Return the numbers of assets and bytes read, of damage, and of sites that are `behind`: that
        had more due than one run may read.
        """
        pace, sites = _Pace(self._sleep, tell), self._sites.reachable()
        counts = {"damaged": 0, "renditions_removed": 0, "behind": 0}
        for number, each in enumerate(sites):
            pace.share(len(sites) - number)
            counts["behind"] += not self._site(each, pace, counts)
        return {"assets": pace.assets, "bytes": pace.bytes, **counts}

    def _site(self, site: Site, pace: "_Pace", counts: dict[str, int]) -> bool:
        """Read what is due of one site; return whether that was all."""
        at = self._rounds.get(site.id) or self._begun(site)
        total = self._counts.stored_bytes(site.id)
        while self._is_due(at, total):
            if pace.is_over:
                return False
            batch = first_bytes(self._assets.after(site.id, at.after, ASSETS_AT_ONCE))
            if not batch:
                self._begun(site)
                break
            found = self._files.look(site.id, batch, pace.took, every_byte=True)
            counts["damaged"] += len(found)
            for each in batch:
                counts["renditions_removed"] += self._renditions(site, each.id, pace.took)
            size = sum(version.bytes for each in batch for version in each.versions)
            at = replace(at, after=batch[-1].id, read_bytes=at.read_bytes + size)
            self._rounds.put(site.id, at)
            pace.passed(len(batch))
        return True

    def _begun(self, site: Site) -> Round:
        """Start a round and return it."""
        fresh = Round(began_at=utc_now())
        self._rounds.put(site.id, fresh)
        return fresh

    def _is_due(self, at: Round, total: int) -> bool:
        """Return whether less was read than should be by now.

        A round whose time is over is read to its end: much of what it has read may be gone.
        """
        share: float = (utc_now() - at.began_at) / self._takes
        return share >= 1 or at.read_bytes < total * share

    def _renditions(self, site: Site, asset_id: str, read: Read) -> int:
        """Remove the damaged renditions of an asset: they are generated again when needed."""
        removed = 0
        for each in self._store.renditions_of(site.id, asset_id):
            read(each.bytes)
            if not each.is_whole:
                self._store.remove_rendition(site.id, each)
                removed += 1
        return removed


class _Pace:
    """Limits the rate of reading, to leave the database to requests."""

    def __init__(self, sleep: Callable[[float], None], tell: Tell) -> None:
        self._sleep = sleep
        self._tell = tell
        self._began = self._told = self._over = time.monotonic()
        self.bytes = 0
        self.assets = 0

    def share(self, sites: int) -> None:
        """Give the next site its share of the remaining time, so that every site gets one."""
        now = time.monotonic()
        self._over = now + (self._began + MOST_SECONDS - now) / sites

    def took(self, count: int) -> None:
        """Sleep if reading was faster than allowed; may raise what ends the run."""
        self.bytes += count
        now = time.monotonic()
        if now - self._told > TELL_SECONDS:
            self._told = now
            self._tell(self.assets)
        ahead = self.bytes / MOST_BYTES_PER_SECOND - (now - self._began)
        if ahead > 0:
            self._sleep(ahead)

    def passed(self, assets: int) -> None:
        """Count assets that were read; may raise what ends the run."""
        self.assets += assets
        self._tell(self.assets)

    @property
    def is_over(self) -> bool:
        """Whether the time of this site is used up."""
        return time.monotonic() > self._over
