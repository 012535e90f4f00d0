"""All sites with what they weigh, for those who run the installation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from avenue.clock import utc_now
from avenue.errors import Forbidden
from avenue.health.history.snapshots.service import SnapshotService
from avenue.identity import Actor, Site
from avenue.jobs.models import Job
from avenue.jobs.service import JobService
from avenue.provisioning.weights import Weight, weights
from avenue.sites.cloning import CLONE
from avenue.sites.removal import REMOVE
from avenue.sites.service import SiteService

SINCE = timedelta(days=30)
WORK = frozenset({CLONE, REMOVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All sites; by their ids what each weighs, and when removed ones are due to be deleted.

    `weights` is empty before the first snapshot; they are of `as_of`, and requests `since` then.
    `jobs` are those that make or delete sites, the newest first.
    """

    sites: tuple[Site, ...]
    weights: Mapping[str, Weight]
    due: Mapping[str, datetime]
    as_of: datetime | None
    since: datetime | None
    jobs: tuple[Job, ...]


class ProvisioningService:
    """See the module. Raises `Forbidden` unless the actor is a superuser."""

    def __init__(
        self,
        sites: SiteService,
        removals: Callable[[], Mapping[str, datetime]],
        snapshots: SnapshotService,
        jobs: JobService,
    ) -> None:
        """Let `removals` tell when each removed site is due to be deleted."""
        self._sites = sites
        self._removals = removals
        self._snapshots = snapshots
        self._jobs = jobs

    def overview(self, actor: Actor) -> Overview:
        """Return all sites. Two snapshots are read for what they weigh, however many there are."""
        if not actor.superuser:
            raise Forbidden
        sites = self._sites.sites()
        newest = self._snapshots.newest()
        earlier = self._snapshots.latest_until(utc_now() - SINCE) if newest else None
        if newest is None or earlier is None or earlier.at >= newest.at:
            earlier = None
        work = (*self._jobs.unfinished(), *self._jobs.finished())
        return Overview(
            sites=tuple(sites),
            weights=weights((each.id for each in sites), newest, earlier) if newest else {},
            due=self._removals(),
            as_of=newest.at if newest else None,
            since=earlier.at if earlier else None,
            jobs=tuple(each for each in work if each.kind in WORK),
        )
