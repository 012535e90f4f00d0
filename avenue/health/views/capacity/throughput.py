"""The current and the possible requests per second."""

from collections.abc import Sequence

from avenue.health.history.snapshots.models import Snapshot
from avenue.health.views.capacity.models import Hour, Throughput

# Requests a second of one process on its own core, rounded down, from docs/performance.md: the load
# generator shared the two cores, so a dedicated machine is faster, and a network slower.
AT_HAND = 28_000  # "hot thumbs, 2,000 URLs", by two processes
AT_HAND_WITHOUT_LANE = 2_000  # the same with the fast lane off
FROM_DATABASE = 500  # "warm photos, 2,000 URLs": each read from MongoDB on the same machine
HOUR_SECONDS = (600.0, 2 * 3600.0)  # between two snapshots: shorter says little, longer is no hour
MONTH_SECONDS = 30 * 86_400


def throughput(
    snapshots: Sequence[Snapshot], *, processes: int, cores: int, fast_lane: bool
) -> Throughput:
    """Return the measured load in `snapshots`, and the possible load of an instance."""
    working = min(processes, cores)
    at_hand = AT_HAND if fast_lane else AT_HAND_WITHOUT_LANE
    measured = [each.traffic for each in snapshots if each.traffic]
    seconds = sum(each.seconds for each in measured)
    sent = sum(each.sent_bytes for each in measured)
    return Throughput(
        busiest=max(_hours(snapshots), key=lambda hour: hour.requests_per_second, default=None),
        sent_bytes_month=round(sent * MONTH_SECONDS / seconds) if seconds else None,
        processes=processes,
        cores=cores,
        at_hand_per_second=at_hand * working,
        from_database_per_second=FROM_DATABASE * working,
    )


def _hours(snapshots: Sequence[Snapshot]) -> list[Hour]:
    return [
        Hour(
            at=each.at,
            requests_per_second=traffic.requests / traffic.seconds,
            errors_percent=100 * traffic.errors / traffic.requests if traffic.requests else 0.0,
            p95_seconds=traffic.p95_seconds,
        )
        for each in snapshots
        if (traffic := each.traffic) and HOUR_SECONDS[0] <= traffic.seconds <= HOUR_SECONDS[1]
    ]
