"""How long the scanner has been unreachable."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from avenue.health.thresholds import SCANNER_AWAY
from avenue.media.quarantine.store import ScanStore


def minutes_away(scans: Sequence[ScanStore], now: datetime) -> float:
    """Return for how many minutes the scanner has been unreachable, by the clusters of `scans`.

    It is 0 while the scanner may just be restarting (`SCANNER_AWAY`). Raise `Unavailable`.
    """
    away = now - min((at for each in scans if (at := each.away_since())), default=now)
    return away / timedelta(minutes=1) if away > SCANNER_AWAY else 0
