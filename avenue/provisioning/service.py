"""All sites with their weights, for operators of the deployment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from avenue.clock import utc_now
from avenue.health.history.snapshots.store import SnapshotStore
from avenue.identity import Actor, Site
from avenue.jobs.models import Job
from avenue.jobs.service import JobService
from avenue.provisioning.clusters import ClusterOverview, Scale, overview_of, uses_of
from avenue.provisioning.weights import Weight, weights
from avenue.sites.cloning import CLONE
from avenue.sites.moving import MOVE
from avenue.sites.removal import REMOVE
from avenue.sites.service import SiteService
from avenue.storage.clusters import ClusterState

SINCE = timedelta(days=30)
WORK = frozenset({CLONE, MOVE, REMOVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All sites; by id the weight of each, and when removed ones are due to be deleted.

    `weights` is empty before the first snapshot; they are of `as_of`, and requests are counted
    `since` then. `jobs` are those that create or delete sites, newest first; `clusters` has the
    clusters of the sites.
    """

    sites: tuple[Site, ...]
    weights: Mapping[str, Weight]
    due: Mapping[str, datetime]
    as_of: datetime | None
    since: datetime | None
    jobs: tuple[Job, ...]
    clusters: ClusterOverview


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """The weights of sites as of a snapshot, requests `since` an earlier one; empty before any."""

    weights: Mapping[str, Weight] = field(default_factory=dict)
    as_of: datetime | None = None
    since: datetime | None = None


def weighed_lately(snapshots: SnapshotStore, sites: Sequence[Site]) -> Weighed:
    """Return the weights of sites. Two snapshots are read, however many there are."""
    newest = snapshots.newest()
    if newest is None:
        return Weighed()
    earlier = snapshots.latest_until(utc_now() - SINCE)
    if earlier is None or earlier.at >= newest.at:
        earlier = None
    return Weighed(
        weights=weights((each.id for each in sites), newest, earlier),
        as_of=newest.at,
        since=earlier.at if earlier else None,
    )


class ProvisioningService:
    """See the module. Raises `Forbidden` unless the actor is a superuser."""

    def __init__(
        self,
        sites: SiteService,
        removals: Callable[[], Mapping[str, datetime]],
        snapshots: SnapshotStore,
        jobs: JobService,
        states: Callable[[], Sequence[ClusterState]],
        scale: Scale,
    ) -> None:
        """Let `removals` return when removed sites are due to be deleted, `states` the clusters."""
        self._sites = sites
        self._removals = removals
        self._snapshots = snapshots
        self._jobs = jobs
        self._states = states
        self._scale = scale

    def overview(self, actor: Actor) -> Overview:
        """Return all sites, and their clusters."""
        actor.must_be_superuser()
        sites = self._sites.sites()
        weighed = weighed_lately(self._snapshots, sites)
        work = (*self._jobs.unfinished(), *self._jobs.finished())
        return Overview(
            sites=tuple(sites),
            weights=weighed.weights,
            due=self._removals(),
            as_of=weighed.as_of,
            since=weighed.since,
            jobs=tuple(each for each in work if each.kind in WORK),
            clusters=self._clusters(sites, weighed),
        )

    def clusters(self, actor: Actor) -> ClusterOverview:
        """Return the load of the clusters, and the recommended moves."""
        actor.must_be_superuser()
        sites = self._sites.sites()
        return self._clusters(sites, weighed_lately(self._snapshots, sites))

    def _clusters(self, sites: Sequence[Site], weighed: Weighed) -> ClusterOverview:
        uses = uses_of(self._states(), sites, weighed.weights, self._scale)
        return overview_of(uses, self._scale, weighed.as_of)
