"""The capacity report, from the snapshots of the last 30 days."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.health.history.snapshots.models import Figures, QuotaUse, Snapshot
from avenue.health.history.snapshots.store import SnapshotStore
from avenue.health.models import Measure
from avenue.health.views.capacity.advising import shortages
from avenue.health.views.capacity.growth import Sample, growth
from avenue.health.views.capacity.models import (
    FEWEST_PICTURES,
    FEWEST_PRODUCTS,
    Capacity,
    Forecast,
    Measured,
    Prices,
    Storing,
    Throughput,
)
from avenue.health.views.capacity.prices import WrongPrices, is_old, read_prices
from avenue.health.views.capacity.projecting import measured, projections, storing
from avenue.health.views.capacity.throughput import throughput
from avenue.identity import HOME_CLUSTER, Actor, Role

WINDOWS_DAYS = (7, 30)
PRODUCTS = (100, 500, 1_000, 5_000, 10_000)
MOST_QUOTAS = 10  # of the sites that have one, the fullest
MEASURED_BY = {"stored", "renditions", "products"}
"""The figures of a snapshot that the storage of products is computed from."""
OLD = timedelta(hours=3)


class CapacityService:
    """Reports how long the present resources will last, and what more products need.

    Facts of the whole deployment (disk, members, traffic, other sites, cost) are only for operators
    of the deployment.
    """

    def __init__(
        self,
        snapshots: SnapshotStore,
        members: Callable[[], int | None],
        settings: Settings,
        *,
        cores: int,
    ) -> None:
        """`members` returns the number of data-bearing members, `cores` are those of this instance.

        Something counts as full at the second of the alert thresholds.
        """
        self._snapshots = snapshots
        self._members = members
        self._settings = settings
        self._percents = settings.alert_levels
        self._cores = cores

    def report(self, actor: Actor, site: str | None = None) -> Capacity:
        """Return the report on `site`, or on everything that `actor` may see.

        Raise `Forbidden` unless the actor is an operator or administrator.
        """
        actor.must_have(Role.OPS)
        sees_all = actor.runs_deployment
        site = site if sees_all else actor.site.id
        now = utc_now()
        seen = self._snapshots.figures_since(now - timedelta(days=max(WINDOWS_DAYS)))
        newest = self._snapshots.newest() if seen else None
        if newest is None:
            return _nothing(now, site, self._percents)
        return self._report([*seen[:-1], newest], now, site, sees_all=sees_all)

    def _report(
        self, seen: Sequence[Snapshot], now: datetime, site: str | None, *, sees_all: bool
    ) -> Capacity:
        newest = seen[-1]
        moment = max(now, newest.at)  # the database's clock may be ahead of ours
        kept = storing(newest, self._members()) if sees_all else None
        carried = self._throughput(seen) if sees_all else None
        found = None if MEASURED_BY.intersection(newest.missing) else measured(newest, site)
        prices, problem = self._prices(site) if sees_all else (None, None)
        forecasts = (
            *(self._disk(seen, moment) if sees_all else ()),
            *self._quotas(seen, moment, site),
        )
        sent = carried.sent_bytes_month if carried else None
        running_out = shortages(
            forecasts, self._percents[1], now=now, snapshot=newest, kept=kept, carried=carried
        )
        return Capacity(
            generated_at=now,
            snapshot_at=newest.at,
            site=site,
            thresholds=self._percents,
            forecasts=forecasts,
            measured=found,
            storing=kept,
            projections=tuple(projections(found, kept, prices, sent, PRODUCTS)) if found else (),
            prices=prices,
            throughput=carried,
            next=next(iter(running_out), None),
            notes=(
                *([problem] if problem else []),
                *_about_snapshot(newest, moment, sees_all=sees_all),
                *(_about_measured(found) if found else ()),
                *(_about_storing(kept) if sees_all else ()),
                *_about_prices(prices, now.date()),
            ),
        )

    def _disk(self, seen: Sequence[Snapshot], now: datetime) -> Iterator[Forecast]:
        """Yield a forecast for the disk of each cluster that reports it, home first."""
        history: dict[str, list[Sample]] = {}
        for each in seen:
            for name, figures in _by_cluster(each):
                if figures.disk_used_bytes is not None:
                    sample = (each.at, float(figures.disk_used_bytes))
                    history.setdefault(name, []).append(sample)
        for name, now_there in _by_cluster(seen[-1]):
            used, total = now_there.disk_used_bytes, now_there.disk_total_bytes
            if used is not None and total:
                disk = Forecast(
                    measure=Measure.DISK,
                    site=None,
                    cluster=name,
                    used_bytes=used,
                    limit_bytes=total,
                    growth=(),
                )
                yield self._forecast(disk, history[name], now)

    def _quotas(
        self, seen: Sequence[Snapshot], now: datetime, site: str | None
    ) -> Iterator[Forecast]:
        """Yield a forecast for the quota in bytes of `site`, or of the fullest sites."""
        bounded = [
            each for each in seen[-1].quotas if each.most_bytes and site in {None, each.site}
        ]
        for use in sorted(bounded, key=_fullness, reverse=True)[:MOST_QUOTAS]:
            samples = [
                (each.at, float(then.bytes))
                for each in seen
                for then in each.quotas
                if then.site == use.site
            ]
            quota = Forecast(
                measure=Measure.QUOTA,
                site=use.site,
                cluster=None,
                used_bytes=use.bytes,
                limit_bytes=use.most_bytes,
                growth=(),
            )
            yield self._forecast(quota, samples, now)

    def _forecast(self, known: Forecast, samples: Sequence[Sample], now: datetime) -> Forecast:
        """Return a forecast with its growth."""
        limit, percents = known.limit_bytes, self._percents
        grows = (
            growth(samples, now=now, window_days=days, limit=limit, percents=percents)
            for days in WINDOWS_DAYS
        )
        return replace(known, growth=tuple(grows))

    def _throughput(self, seen: Sequence[Snapshot]) -> Throughput:
        return throughput(
            seen,
            processes=self._settings.workers,
            cores=self._cores,
            fast_lane=self._settings.fast_lane == "on",
        )

    def _prices(self, site: str | None) -> tuple[Prices | None, str | None]:
        """Return the prices, or why there are none; for one site those of storage only."""
        try:
            prices = read_prices(self._settings.prices)
        except WrongPrices as error:
            return None, f"AVENUE_PRICES: {error}"
        return replace(prices, member_month=None, sent_gb=None) if site else prices, None


def _by_cluster(snapshot: Snapshot) -> Iterator[tuple[str, Figures]]:
    yield HOME_CLUSTER, snapshot
    yield from ((each.name, each) for each in snapshot.clusters)


def _nothing(now: datetime, site: str | None, percents: tuple[int, ...]) -> Capacity:
    return Capacity(
        generated_at=now,
        snapshot_at=None,
        site=site,
        thresholds=percents,
        forecasts=(),
        measured=None,
        storing=None,
        projections=(),
        prices=None,
        throughput=None,
        next=None,
        notes=(
            "There is no snapshot of the last 30 days. One is taken every hour by the "
            "processes that run background jobs (AVENUE_JOBS).",
        ),
    )


def _fullness(use: QuotaUse) -> float:
    return use.bytes / use.most_bytes


def _about_snapshot(newest: Snapshot, now: datetime, *, sees_all: bool) -> Iterator[str]:
    if now - newest.at > OLD:
        hours = (now - newest.at).total_seconds() / 3600
        yield f"The newest snapshot is {hours:.0f} hours old: does background work run?"
    if newest.missing:
        yield (
            "The newest snapshot is without these figures, which took too long to count: "
            f"{', '.join(newest.missing)}."
        )
    if sees_all and newest.disk_total_bytes is None:
        yield (
            "The database does not tell how full its disk is: grant its user the action dbStats. "
            "Some managed databases never do; look at their own page."
        )


def _about_measured(found: Measured) -> Iterator[str]:
    if not (found.products and found.pictures):
        yield "There are no products with pictures yet, so nothing can be projected from them."
    elif not found.enough:
        yield (
            f"Measured on {found.products} products and {found.pictures} pictures only. Averages "
            f"begin to mean something at {FEWEST_PRODUCTS} and {FEWEST_PICTURES}."
        )


def _about_storing(kept: Storing | None) -> Iterator[str]:
    if kept is None:
        yield "The database does not tell its sizes: grant its user the action dbStats."
    elif kept.members is None:
        yield "How many members hold the data is not told behind a router: cost is for one of them."


def _about_prices(prices: Prices | None, today: date) -> Iterator[str]:
    if prices is None:
        return
    if is_old(prices.as_of, today):
        yield f"The prices are of {prices.as_of}, more than a year old: write today's there."
    if prices.example:
        yield (
            f"Cost is by example prices ({prices.origin}, {prices.as_of}), not by yours: copy "
            "avenue/health/views/capacity/prices.toml, change it, and name it in AVENUE_PRICES."
        )
