"""The load of each cluster by the weights of its sites, and recommended moves of sites.

Pure functions of the clusters, the sites, and the weight of each site.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from avenue.health.models import Level
from avenue.identity import DEFAULT_SITE, HOME_CLUSTER, Site
from avenue.provisioning.weights import NOMINAL, Weight
from avenue.storage.clusters import ClusterState, State
from avenue.web.fields import Moment, Rounded2

NEW_SITE = NOMINAL[-1]
"""The assumed weight of a site that has not been measured yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A site and its weight."""

    site: str
    weight: Rounded2


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterUse:
    """A cluster with its sites, the heaviest first.

    `units` is the total weight of its sites, of the `capacity`; `forecast_percent` is its load in
    30 days, None if unknown.
    """

    name: str
    hosts: Annotated[tuple[str, ...], Field(description="As its URI names them.")]
    state: State
    sites: tuple[Placed, ...]
    units: Rounded2
    capacity: int
    percent: Rounded2
    level: Level
    forecast_percent: Rounded2 | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A recommended move of a site to another cluster."""

    site: str
    origin: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOverview:
    """All clusters, home first, and the recommended moves.

    `lacking` are those that stay too full after these moves: another cluster is needed. Weights are
    of `as_of`, None before the first snapshot.
    """

    clusters: tuple[ClusterUse, ...]
    moves: tuple[Advice, ...]
    lacking: tuple[str, ...]
    as_of: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The capacity of a cluster, and the percentages from which it is too full, ascending."""

    capacity: int
    levels: tuple[int, int, int]

    def percent(self, units: float) -> float:
        """Return the load of a cluster with so many units in percent."""
        return 100 * units / self.capacity

    def level(self, units: float) -> Level:
        """Return the level of a cluster with so many units."""
        reached = sum(self.percent(units) >= each for each in self.levels)
        return (Level.OK, Level.NOTICE, Level.WARNING, Level.CRITICAL)[reached]

    def is_crowded(self, units: float) -> bool:
        """Return whether a site should be moved away."""
        return self.level(units) is not Level.OK


def uses_of(
    states: Sequence[ClusterState],
    sites: Iterable[Site],
    weights: Mapping[str, Weight],
    scale: Scale,
) -> tuple[ClusterUse, ...]:
    """Return the load of each cluster; unconfigured ones that sites name are at the end."""
    placed: dict[str, list[str]] = {each.name: [] for each in states}
    for each in sites:
        placed.setdefault(each.cluster, []).append(each.id)
    known = {each.name: each for each in states}
    return tuple(
        _use(known.get(name) or ClusterState(name=name), site_ids, weights, scale)
        for name, site_ids in placed.items()
    )


def lightest(uses: Iterable[ClusterUse]) -> str:
    """Return the cluster for a new site: the least loaded usable one."""
    ready = [each for each in uses if each.state is State.READY]
    return min(ready, key=lambda each: each.units).name if ready else HOME_CLUSTER


def overview_of(
    uses: tuple[ClusterUse, ...], scale: Scale, as_of: Moment | None
) -> ClusterOverview:
    """Return all clusters with the recommended moves.

    Each move takes the lightest site that is enough, else the heaviest one that fits, to the least
    loaded cluster, and makes none too full. The deployment's own site stays.
    """
    loads = {each.name: _Load.of(each) for each in uses if each.state is State.READY}
    moves: list[Advice] = []
    lacking: list[str] = []
    while crowded := [
        each for name, each in loads.items() if name not in lacking and scale.is_crowded(each.units)
    ]:
        origin = max(crowded, key=lambda each: each.units)
        target = min(loads.values(), key=lambda each: each.units)
        site = origin.site_for(target, scale)
        if site is None:
            lacking.append(origin.name)
            continue
        target.sites[site] = origin.sites.pop(site)
        moves.append(Advice(site=site, origin=origin.name, target=target.name))
    return ClusterOverview(clusters=uses, moves=tuple(moves), lacking=tuple(lacking), as_of=as_of)


@dataclass(slots=True, kw_only=True)
class _Load:
    """The sites of a cluster after the recommended moves."""

    name: str
    sites: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, use: ClusterUse) -> "_Load":
        return cls(name=use.name, sites={each.site: each.weight for each in use.sites})

    @property
    def units(self) -> float:
        return sum(self.sites.values())

    def site_for(self, target: "_Load", scale: Scale) -> str | None:
        """Return the site to move to `target`, None if none can or should be moved."""
        fitting = [
            (weight, site)
            for site, weight in self.sites.items()
            if site != DEFAULT_SITE and target is not self
            if not scale.is_crowded(target.units + weight)
        ]
        enough = [each for each in fitting if not scale.is_crowded(self.units - each[0])]
        return min(enough)[1] if enough else max(fitting)[1] if fitting else None


def _use(
    state: ClusterState, site_ids: Sequence[str], weights: Mapping[str, Weight], scale: Scale
) -> ClusterUse:
    weighed = {each: weights[each].weight if each in weights else NEW_SITE for each in site_ids}
    units = sum(weighed.values())
    later = [_later(weighed[each], weights.get(each)) for each in site_ids]
    return ClusterUse(
        name=state.name,
        hosts=state.hosts,
        state=state.state,
        sites=tuple(
            Placed(site=site, weight=weight)
            for site, weight in sorted(weighed.items(), key=lambda each: (-each[1], each[0]))
        ),
        units=units,
        capacity=scale.capacity,
        percent=scale.percent(units),
        level=scale.level(units),
        forecast_percent=scale.percent(sum(later)) if _is_foretold(site_ids, weights) else None,
    )


def _later(weight: float, measured: Weight | None) -> float:
    """Return the future weight of a site if it grows as its bytes do."""
    if measured is None or measured.forecast_bytes is None or not measured.bytes:
        return weight
    return weight * measured.forecast_bytes / measured.bytes


def _is_foretold(site_ids: Iterable[str], weights: Mapping[str, Weight]) -> bool:
    return any(each in weights and weights[each].forecast_bytes is not None for each in site_ids)
