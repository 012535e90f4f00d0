"""Rules for the scanner."""

from collections.abc import Iterator

from avenue.config import Settings
from avenue.health.models import Finding, Level
from avenue.scanning.clamd import Clamd
from avenue.scanning.errors import ScannerAway

PLACE = "AVENUE_SCANNER"
MB = 1024 * 1024


def asked(own: Settings) -> str:
    """Return the version of the scanner's signatures; raise `ScannerAway`."""
    scanner = Clamd(own.scanner, seconds=own.scanner_seconds, most_bytes=own.scanner_max_mb * MB)
    return scanner.database(now=True)


def answers(own: Settings) -> Iterator[Finding]:
    """Yield that the scanner does not answer, and the consequence."""
    if not own.scanner:
        return
    try:
        asked(own)
    except ScannerAway:
        means = {
            "hold": "what is uploaded can be read by nobody until it is back",
            "accept": "what is uploaded can be read without having been scanned",
            "refuse": "nothing can be uploaded",
        }[own.scanner_away]
        yield Finding(
            level=Level.WARNING,
            place=f"{PLACE}={own.scanner}",
            says=f"The scanner does not answer: {means}.",
            cure="Start clamd, and see that this machine reaches it; docs/scanning.md tells how.",
        )
