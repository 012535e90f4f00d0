"""Scans pending files, and all files again after an update of the signatures.

The job `scan` does it, at a limited rate. A scan of all files of a cluster continues where it was,
also if the signatures are updated meanwhile; then another one begins. Nothing is written about
files that are still clean.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from avenue.clock import utc_now
from avenue.errors import AvenueError
from avenue.media.errors import DamagedFile
from avenue.media.models import Asset, Scan, ScanState, Version
from avenue.media.quarantine.store import Place, QuarantineStore, ScanStore
from avenue.media.renditions.store import RenditionStore
from avenue.media.scans import scan_of
from avenue.media.serving.stored_file import StoredFile
from avenue.media.store.assets import AssetStore
from avenue.scanning.clamd import Clamd
from avenue.scanning.errors import ScannerAway

SCAN = "scan"
"""The name of the job."""
EVERY_SECONDS = 60
MOST_SECONDS = 300
"""Duration of a run: messages and other jobs do not wait for it, but a restart does."""
MOST_BYTES_PER_SECOND = 16 * 1024 * 1024
ASSETS_AT_ONCE = 50
AT_LEAST_EVERY = timedelta(days=7)
MOST_PASSED = 500
"""How many files that cannot be scanned at the moment are skipped in one run."""

log = logging.getLogger(__name__)

Tell = Callable[[int], None]
"""Called with the number of checked files; may raise to end the run."""
Found = Callable[[Asset, Version, Scan], None]
"""Called with each finding."""


@dataclass(slots=True)
class Scanned:
    """The result of a run: `failed` files could not be read or scanned, `behind` is left to do."""

    files: int = 0
    bytes: int = 0
    quarantined: int = 0
    failed: int = 0
    away: int = 0
    behind: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        """Whether the time of the run is used up."""
        return time.monotonic() - self.began > MOST_SECONDS

    def as_dict(self) -> dict[str, int]:
        """Return the figures, for the job."""
        names = ("files", "bytes", "quarantined", "failed", "away", "behind")
        return {name: getattr(self, name) for name in names}


class ScanWalk:
    """Scans the stored files of one cluster."""

    def __init__(
        self,
        store: ScanStore,
        quarantine: QuarantineStore,
        assets: AssetStore,
        renditions: RenditionStore,
        scanner: Clamd,
        found: Found,
    ) -> None:
        self._store = store
        self._quarantine = quarantine
        self._assets = assets
        self._renditions = renditions
        self._scanner = scanner
        self._found = found

    def run(self, tell: Tell = lambda _: None) -> Scanned:
        """Scan what is due; return the result."""
        done = Scanned()
        try:
            database = self._scanner.database(now=True)
            self._store.keep_away(is_away=False)
            self._scan_due(done, tell)
            self._walk(database, done, tell)
        except ScannerAway:
            self._store.keep_away(is_away=True)
            done.away = 1
        return done

    def _scan_due(self, done: Scanned, tell: Tell) -> None:
        passed: list[str] = []
        while not done.is_over and len(passed) < MOST_PASSED:
            found = self._store.due(passed, ASSETS_AT_ONCE)
            if not found:
                return
            for each in found:
                due = [one for one in each.versions if one.scan and one.scan.is_due]
                if not self._scanned(each, due, done):
                    passed.append(each.id)
                tell(done.files)
        done.behind = 1

    def _walk(self, database: str, done: Scanned, tell: Tell) -> None:
        """Continue the scan of all files; start another one after an update of the signatures.

        clamd reports no version of custom signatures, so one is started each week.
        """
        fresh = Place(began_at=utc_now(), database=database)
        place = self._store.place() or fresh
        if place.is_over:
            if place.database == database and fresh.began_at - place.began_at < AT_LEAST_EVERY:
                return
            place = fresh
        while not done.is_over:
            batch = self._store.after(place.after, ASSETS_AT_ONCE)
            try:
                for each in batch:
                    self._scanned(each, each.versions, done)
                    place = replace(place, after=each.id)
                    tell(done.files)
                place = replace(place, is_over=len(batch) < ASSETS_AT_ONCE)
            finally:
                self._store.keep_place(place)
            if place.is_over:
                return
        done.behind = 1

    def _scanned(self, asset: Asset, versions: Sequence[Version], done: Scanned) -> bool:
        """Scan versions of an asset; return whether all were scanned.

        Raise `ScannerAway` if the scanner is unreachable, not if it fails for this file only.
        """
        is_done = True
        for version in versions:
            if version.scan and version.scan.state is ScanState.QUARANTINED:
                continue
            try:
                self._scan(asset, version, done)
            except DamagedFile:  # the check reports it
                done.failed, is_done = done.failed + 1, False
            except ScannerAway:
                self._scanner.database(now=True)
                log.warning("The scanner could not scan %s.", version.file)
                done.failed, is_done = done.failed + 1, False
        return is_done

    def _scan(self, asset: Asset, version: Version, done: Scanned) -> None:
        file = StoredFile(asset=asset, version=version, store=self._assets)
        verdict = self._scanner.scan(file.chunks(0, file.length), file.length)
        scan = scan_of(verdict, utc_now(), version.scan)
        done.files, done.bytes = done.files + 1, done.bytes + file.length
        if version.scan is None or scan.state is not version.scan.state:
            self._keep(asset, version, scan, done)
        ahead = done.bytes / MOST_BYTES_PER_SECOND - (time.monotonic() - done.began)
        if ahead > 0:
            time.sleep(ahead)

    def _keep(self, asset: Asset, version: Version, scan: Scan, done: Scanned) -> None:
        if self._quarantine.note(asset, version, scan) is None or not scan.is_withheld:
            return
        done.quarantined += 1
        log.warning("A file of the asset %s went into quarantine.", asset.id)
        self._found(asset, version, scan)
        with suppress(AvenueError):  # no one gets them; they are deleted with the file
            self._renditions.delete_of_file(asset.site, asset.id, version.file)
