"""What may be read where a scanner is set up, and what a scan makes of a file."""

from datetime import datetime

from avenue.errors import NotFound
from avenue.media.errors import InQuarantine, NotScanned
from avenue.media.models import Scan, ScanState, Version
from avenue.scanning.clamd import Verdict


def check_scanned(version: Version) -> None:
    """Raise `NotScanned` or `InQuarantine` for what nobody may read."""
    if error := withheld(version):
        raise error


def withheld(version: Version) -> NotFound | None:
    """Return why nobody may read a version, None if it may be read."""
    if not version.is_withheld:
        return None
    is_due = version.scan is not None and version.scan.is_due
    return NotScanned() if is_due else InQuarantine()


def scan_of(verdict: Verdict, at: datetime, before: Scan | None = None) -> Scan:
    """Return what is known of a file after a scan; `before` is what was known of it.

    What somebody released stays so while the scanner says the same of it.
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
