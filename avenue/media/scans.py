"""Which files may be read if a scanner is set up, and the state of a file after a scan."""

from datetime import datetime

from avenue.errors import NotFound
from avenue.media.errors import InQuarantine, NotScanned
from avenue.media.models import Scan, ScanState, Version
from avenue.scanning.clamd import Verdict


def check_scanned(version: Version) -> None:
    """Raise `NotScanned` or `InQuarantine` if no one may read the version."""
    if error := withheld(version):
        raise error


def withheld(version: Version) -> NotFound | None:
    """Return why no one may read a version, None if it may be read."""
    if not version.is_withheld:
        return None
    is_due = version.scan is not None and version.scan.is_due
    return NotScanned() if is_due else InQuarantine()


def scan_of(verdict: Verdict, at: datetime, before: Scan | None = None) -> Scan:
    """Return the state of a file after a scan; `before` is its state before.

    A released file stays released while the scanner reports the same.
    """
    if verdict.signature is None and not verdict.is_too_large:
        return Scan(state=ScanState.CLEAN, at=at, database=verdict.database)
    if before and before.state is ScanState.RELEASED and before.signature == verdict.signature:
        return before
    return Scan(
        state=ScanState.QUARANTINED,
        at=at,
        database=verdict.database,
        signature=verdict.signature,
    )
