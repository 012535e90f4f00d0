"""Moving a site to another cluster while it is in use: starting a move, its progress, its end.

A job does the work (`move_job.py`); docs/adr/0022 explains the procedure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from avenue.identity import DEFAULT_SITE, HOME_CLUSTER, Actor, Site, SiteState
from avenue.jobs.models import Job
from avenue.jobs.service import JobService
from avenue.sites.errors import (
    FirstSiteStays,
    IsThere,
    NoSuchCluster,
    NothingToAbort,
    ProcessesLackCluster,
    SiteIsMoving,
    SiteNotFound,
)
from avenue.sites.store import SiteStore
from avenue.storage.clusters import admit, cluster_named
from avenue.storage.connection import Database
from avenue.storage.copying.move_guard import Guard
from avenue.storage.copying.moving import SiteCopy
from avenue.storage.directory import Phase
from avenue.storage.instances import without_clusters
from avenue.storage.site_moves import SiteMove, SiteMoveRecords

MOVE = "move_site"
"""Moves a site, or continues a move; its arguments are `site` and `to`."""
PURGE_MOVED = "purge_moved"
"""Deletes, once an hour, what moves have left on the earlier cluster, once the grace period is
over."""
EVERY_SECONDS = 3600
ONE = "one"
"""The key of the job: one site moves at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a move would do."""

    site: str
    origin: str
    target: str
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The cluster of a site, its move if there is one, and the newest job of that.

    `targets` are the clusters to which it can move.
    """

    site: Site
    move: SiteMove | None
    job: Job | None
    targets: tuple[str, ...]


class MoveService:
    """Starts and ends moves; raises `Forbidden` unless the actor is a superuser."""

    def __init__(self, database: Database, store: SiteStore, jobs: JobService) -> None:
        self._database = database
        self._store = store
        self._jobs = jobs
        self._records = SiteMoveRecords(database)

    def look(self, actor: Actor, site_id: str, target: str) -> Outlook:
        """Return what a move would do, and change nothing; raises as `begin`."""
        origin = self._check(actor, site_id, target)
        if origin == target:
            raise IsThere(cluster=target)
        there = cluster_named(self._database, target)
        guard = Guard(there, site_id, "", 0)
        copy = SiteCopy(cluster_named(self._database, origin), there, site_id, guard)
        return Outlook(site=site_id, origin=origin, target=target, documents=copy.count())

    def begin(self, actor: Actor, site_id: str, target: str) -> Job:
        """Start to move a site, or continue.

        Raise `SiteNotFound`, `FirstSiteStays`, `NoSuchCluster`, `IsThere`, `SiteIsMoving`,
        `ProcessesLackCluster`, `ClusterNotReady`.
        """
        origin = self._check(actor, site_id, target)
        now = self._records.find(site_id)
        if origin == target and (now is None or now.phase is Phase.KEPT):
            raise IsThere(cluster=target)
        if origin != target and not self._records.begin(site_id, origin, target):
            move = self._records.find(site_id)
            raise _moving(move) if move else SiteNotFound
        return self._enqueue(site_id, target)

    def abort(self, actor: Actor, site_id: str) -> Job:
        """Undo a move before its switch; raise `NothingToAbort`."""
        actor.must_be_superuser()
        if not self._records.abort(site_id):
            raise NothingToAbort
        move = self._records.find(site_id)
        return self._enqueue(site_id, move.target if move else HOME_CLUSTER)

    def purge(self, actor: Actor, site_id: str) -> Job:
        """Delete at once what a move has left on the earlier cluster; raise `NothingToAbort`."""
        actor.must_be_superuser()
        if not self._records.end_keeping(site_id, now=True):
            raise NothingToAbort
        move = self._records.find(site_id)
        return self._enqueue(site_id, move.target if move else HOME_CLUSTER)

    def standing(self, actor: Actor, site_id: str) -> Standing:
        """Return the cluster of a site and the progress of its move; raise `SiteNotFound`."""
        actor.must_be_superuser()
        site = self._store.get(site_id)
        if site is None:
            raise SiteNotFound
        clusters = () if site_id == DEFAULT_SITE else (HOME_CLUSTER, *self._database.clusters)
        return Standing(
            site=site,
            move=self._records.find(site_id),
            job=self._jobs.latest(MOVE, site=site_id),
            targets=tuple(each for each in clusters if each != site.cluster),
        )

    def move_of(self, site_id: str) -> SiteMove | None:
        """Return the move of a site."""
        return self._records.find(site_id)

    def moves(self) -> Mapping[str, SiteMove]:
        """Return the moves of all sites."""
        return {each.site: each for each in self._records.all()}

    def _enqueue(self, site_id: str, target: str) -> Job:
        job = self._jobs.enqueue(MOVE, {"site": site_id, "to": target}, key=ONE)
        if job.args.get("site") != site_id:
            raise SiteIsMoving(
                words={"site": job.args.get("site"), "origin": "?", "target": job.args.get("to")}
            )
        return self._jobs.resume(job.id) if job.may_be_resumed else job

    def _check(self, actor: Actor, site_id: str, target: str) -> str:
        """Return the cluster of a site, after checking that it may be moved."""
        actor.must_be_superuser()
        if site_id == DEFAULT_SITE:
            raise FirstSiteStays
        if target not in {HOME_CLUSTER, *self._database.clusters}:
            raise NoSuchCluster
        site = self._store.get(site_id)
        if site is None or site.state is not SiteState.OPEN:
            raise SiteNotFound
        for each in self._records.all():
            if each.site != site_id and each.phase is not Phase.KEPT:
                raise _moving(each)
        self._check_clusters(site.cluster, target)
        return site.cluster

    def _check_clusters(self, *names: str) -> None:
        for name in names:
            if name != HOME_CLUSTER:
                admit(cluster_named(self._database, name))
        self._database.instance.begin()
        if lacking := without_clusters(self._database, names):
            raise ProcessesLackCluster(words={"count": len(lacking)})


def _moving(move: SiteMove) -> SiteIsMoving:
    return SiteIsMoving(words={"site": move.site, "origin": move.origin, "target": move.target})
