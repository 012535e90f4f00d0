"""Scans a received file before it is opened and before it has an owner."""

import logging
from collections.abc import Iterator
from typing import BinaryIO

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.media.models import Scan, ScanState
from avenue.media.scans import scan_of
from avenue.scanning.clamd import Clamd
from avenue.scanning.errors import ScannerAway
from avenue.web import metrics

BLOCK_BYTES = 1024 * 1024
MOST_AT_ONCE_BYTES = 64 * 1024 * 1024
"""Larger files are scanned by the job `scan`, because the sender would wait too long."""

log = logging.getLogger(__name__)


class IntakeScanner:
    """Scans received files if a scanner is set up, and decides what happens to them."""

    def __init__(self, scanner: Clamd | None, settings: Settings) -> None:
        self._scanner = scanner
        self._away = settings.scanner_away
        self._most_bytes = settings.scanner_max_mb * 1024 * 1024

    def scan(self, file: BinaryIO, length: int) -> Scan | None:
        """Return the result for `file`, None without a scanner.

        Raise `ScannerAway` if no file is accepted without its result.
        """
        if self._scanner is None:
            return None
        if MOST_AT_ONCE_BYTES < length <= self._most_bytes:
            return Scan(state=ScanState.PENDING, at=utc_now())
        try:
            found = scan_of(self._scanner.scan(_blocks(file), length), utc_now())
        except ScannerAway:
            metrics.count_scan("away")
            if self._away == "refuse":
                raise
            log.warning("A file came in unscanned: the scanner is away.")
            accepts = self._away == "accept"
            return Scan(state=ScanState.UNSCANNED if accepts else ScanState.PENDING, at=utc_now())
        metrics.count_scan(found.state)
        return found


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(BLOCK_BYTES):
        yield block
