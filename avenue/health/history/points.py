"""What was, snapshot by snapshot, as numbers to draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from avenue.health.history.snapshots.models import Snapshot, Stored
from avenue.storage.status import percent
from avenue.web.fields import Moment, Rounded2


class Span(StrEnum):
    """How far back."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def time(self) -> timedelta:
        """How long it is."""
        return {Span.DAY: timedelta(days=1), Span.WEEK: timedelta(days=7)}.get(
            self, timedelta(days=30)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One moment; None is what the database did not tell, or what is not for who asks.

    `stored_…` are original files. What is per second is since the snapshot before.
    """

    at: Moment
    stored_bytes: int | None = None
    stored_files: int | None = None
    disk_percent: Rounded2 | None = None
    connections_percent: Rounded2 | None = None
    oplog_hours: Rounded2 | None = None
    requests_per_second: Rounded2 | None = None
    error_percent: Rounded2 | None = None
    p95_ms: Rounded2 | None = None


def deployment_point(snapshot: Snapshot) -> Point:
    """Return what a snapshot saw of the deployment and all sites together."""
    count, size = _together(snapshot.stored)
    seen = snapshot.traffic
    p95 = seen.p95_seconds if seen else None
    return Point(
        at=snapshot.at,
        stored_bytes=size,
        stored_files=count,
        disk_percent=snapshot.fullest_disk_percent,
        connections_percent=snapshot.most_connections_percent,
        oplog_hours=snapshot.oplog_hours,
        requests_per_second=seen.requests / seen.seconds if seen and seen.seconds else None,
        error_percent=percent(seen.errors, seen.requests) if seen else None,
        p95_ms=None if p95 is None else 1000 * p95,
    )


def site_point(snapshot: Snapshot) -> Point:
    """Return what a snapshot, read for one site, saw of it."""
    count, size = _together(snapshot.stored)
    return Point(at=snapshot.at, stored_bytes=size, stored_files=count)


def _together(stored: Sequence[Stored]) -> tuple[int | None, int | None]:
    """Return how many files and bytes those are; a site without any row was not counted."""
    if not stored:
        return None, None
    return sum(each.files for each in stored), sum(each.bytes for each in stored)
