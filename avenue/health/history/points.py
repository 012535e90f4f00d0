"""The history of snapshots as numbers to draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from avenue.health.history.snapshots.models import Snapshot, Stored
from avenue.storage.mongo_facts import percent
from avenue.web.fields import Moment, Rounded2


class Span(StrEnum):
    """The time span of the history."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def time(self) -> timedelta:
        """The length of the span."""
        return {Span.DAY: timedelta(days=1), Span.WEEK: timedelta(days=7)}.get(
            self, timedelta(days=30)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A moment of the history; None for what is unknown, or not visible to the actor.

    `stored_…` are original files. Rates are per second since the previous snapshot.
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
    """Return the point of a snapshot for the deployment and all sites together."""
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
    """Return the point of a snapshot that was read for one site."""
    count, size = _together(snapshot.stored)
    return Point(at=snapshot.at, stored_bytes=size, stored_files=count)


def _together(stored: Sequence[Stored]) -> tuple[int | None, int | None]:
    """Return the sum of files and bytes; a site without any row was not counted."""
    if not stored:
        return None, None
    return sum(each.files for each in stored), sum(each.bytes for each in stored)
