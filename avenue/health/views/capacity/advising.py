"""What runs out first, and the remedies."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from avenue.health.history.snapshots.models import Snapshot
from avenue.health.models import Measure
from avenue.health.views.capacity.models import GB, Forecast, Shortage, Storing, Throughput
from avenue.health.views.capacity.projecting import ROOM_PERCENT
from avenue.identity import HOME_CLUSTER

MIB = 1024 * 1024  # the unit of limits.quota_mb
FAR_DAYS = 365.0  # the horizon: later shortages are ignored, and purchases should last so long
BUSY_SHARE = 0.7


def shortages(
    forecasts: Sequence[Forecast],
    percent: int,
    *,
    now: datetime,
    snapshot: Snapshot,
    kept: Storing | None,
    carried: Throughput | None,
) -> list[Shortage]:
    """Return what runs out within a year of `now`, soonest first: full is `percent` of it.

    `kept` and `carried` are None for actors who see one site only.
    """
    found = [each for forecast in forecasts for each in _filling(forecast, percent, kept, now)]
    if carried is not None:
        found += [*_connections(snapshot, percent, now), *_requests(carried, now)]
    return sorted(found, key=lambda each: each.days)


def _filling(
    forecast: Forecast, percent: int, kept: Storing | None, now: datetime
) -> Iterator[Shortage]:
    days = forecast.days_to(percent)
    if days is None or days > FAR_DAYS:
        return
    on = now + timedelta(days=days)
    enough = (forecast.used_bytes + forecast.rise * FAR_DAYS) * 100 / ROOM_PERCENT
    if forecast.measure is Measure.DISK:
        members = kept.members if kept and kept.members else 1
        is_home = forecast.cluster in {None, HOME_CLUSTER}
        whose = f"each of the {members} members" if members > 1 else "the database"
        if not is_home:
            whose = f"each member of the cluster {forecast.cluster}"
        cure = f"Give {whose} a disk of {-(-enough // GB):,.0f} GB: that will do for a year."
        if not is_home:
            cure += " Or move a site away: `python -m avenue clusters advise`."
        what = "the database's disk" if is_home else f"the disk of the cluster {forecast.cluster}"
        yield Shortage(what=what, percent=percent, days=days, on=on, cure=cure)
        return
    cure = (
        f"Raise limits.quota_mb to {-(-enough // MIB):.0f}, which will do for a year, or "
        "remove what nobody needs and empty the trash."
    )
    yield Shortage(
        what=f"the quota of the site {forecast.site}", percent=percent, days=days, on=on, cure=cure
    )


def _connections(snapshot: Snapshot, percent: int, now: datetime) -> Iterator[Shortage]:
    used = snapshot.most_connections_percent
    if used is not None and used >= percent:
        yield Shortage(
            what="connections to the database",
            percent=percent,
            days=0.0,
            on=now,
            cure="Let MongoDB take more connections (a larger tier, or "
            "net.maxIncomingConnections), or lower AVENUE_THREADS.",
        )


def _requests(carried: Throughput, now: datetime) -> Iterator[Shortage]:
    most = carried.from_database_per_second * BUSY_SHARE
    if carried.busiest is not None and carried.busiest.requests_per_second >= most:
        yield Shortage(
            what="requests a second",
            percent=None,
            days=0.0,
            on=now,
            cure="Put a CDN in front (docs/cdn.md), or start another instance: the busiest hour "
            "had more than one is sure to answer when pictures come from the database.",
        )
