"""Snapshots of a simulated clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

from avenue.health.history.snapshots.models import Snapshot, Traffic

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hours: float) -> datetime:
    return BEGIN + hours * HOUR


def snapshot(hours: float = 0, *, disk: float | None = None, **facts: Any) -> Snapshot:
    """The deployment `hours` after the begin; `disk` is how full it is, in percent."""
    nothing = dict.fromkeys(
        (
            *("data_bytes", "storage_bytes", "index_bytes", "disk_used_bytes", "disk_total_bytes"),
            *("connections_current", "connections_available", "oplog_hours"),
        )
    )
    if disk is not None:
        nothing |= {"disk_used_bytes": round(disk * 1e6), "disk_total_bytes": 100_000_000}
    return Snapshot(**{**nothing, "at": at(hours), **facts})


def traffic(requests: int, errors: int) -> Traffic:
    return Traffic(seconds=3600, requests=requests, errors=errors, sent_bytes=0, p95_seconds=None)
