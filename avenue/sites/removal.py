"""Removing a site: it is closed at once, and deleted after some days, with a count of what is left.

Until its deletion begins it can be restored. The job may be killed at any step: the next run
continues, and what is already deleted is not deleted again.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from avenue.audit.service import AuditService
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, Actor, Site, SiteState
from avenue.jobs.models import Job, State
from avenue.jobs.runner import RunningJob
from avenue.jobs.service import JobService
from avenue.sites.errors import (
    FirstSite,
    SiteBetweenClusters,
    SiteIsBusy,
    SiteIsDeleted,
    SiteNotEmpty,
    SiteNotFound,
    SiteNotRemoved,
)
from avenue.sites.store import SiteStore
from avenue.storage.removing import SiteRemains
from avenue.storage.sites import Sites

REMOVE = "remove_site"
"""Deletes one site whose grace period is over; its argument is `site`."""
REMOVE_DUE = "remove_sites"
"""Starts `REMOVE`, once an hour, for each site whose grace period is over."""
EVERY_SECONDS = 3600
GRACE_DAYS = 7
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 120
"""How long a run waits for other jobs before it leaves the site to the next run."""
ROUNDS = 5
CLOCKS_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A removed site; it is deleted from `due_at` on."""

    site: Site
    due_at: datetime
    job: Job | None


class RemovalService:
    """Removes and restores sites; raises `Forbidden` unless the actor is a superuser."""

    def __init__(self, store: SiteStore, known: Sites, jobs: JobService) -> None:
        self._store = store
        self._known = known
        self._jobs = jobs

    def remove(self, actor: Actor, site_id: str, *, now: bool) -> Removed:
        """Close a site; it is deleted after `GRACE_DAYS`, or at once with `now`.

        Repeatable. Raise `FirstSite`, `SiteNotFound`, `SiteBetweenClusters`.
        """
        actor.must_be_superuser()
        if site_id == DEFAULT_SITE:
            raise FirstSite
        site = self._store.close(site_id, 0 if now else GRACE_DAYS * 24 * 3600)
        if site is None:
            if self._store.get(site_id) is not None:
                raise SiteBetweenClusters
            raise SiteNotFound
        self._known.forget()
        job = begin(self._jobs, site_id) if now else None
        return Removed(site=site, due_at=self._store.removals()[site_id], job=job)

    def reopen(self, actor: Actor, site_id: str) -> Site:
        """Restore a removed site; raise `SiteNotFound`, `SiteNotRemoved`, `SiteIsDeleted`."""
        actor.must_be_superuser()
        done = self._store.reopen(site_id)
        site = self._store.get(site_id)
        if site is None:
            raise SiteNotFound
        if site.state is SiteState.DELETING:
            raise SiteIsDeleted
        if not done:
            raise SiteNotRemoved
        self._known.forget()
        return site


class RemovalWorker:
    """The jobs that delete sites."""

    def __init__(
        self,
        store: SiteStore,
        known: Sites,
        remains: Callable[[str], SiteRemains],
        forget_refusals: Callable[[str], None],
        jobs: JobService,
        audit: AuditService,
        settings: Settings,
    ) -> None:
        self._store = store
        self._known = known
        self._remains = remains
        self._forget_refusals = forget_refusals
        self._jobs = jobs
        self._audit = audit
        self._known_seconds = max(settings.cache_seconds, 1)
        self._request_seconds = settings.write_seconds

    def begin_due(self, _: RunningJob) -> Mapping[str, int]:
        """Start to delete each site whose grace period is over."""
        due = self._store.due()
        for each in due:
            begin(self._jobs, each)
        return {"begun": len(due)}

    def remove(self, job: RunningJob) -> Mapping[str, Any]:
        """Delete a site, count what is left of it, and delete its record when that is nothing.

        Return how many documents of each collection were deleted and are left. A restored site
        stays as it is. Raise `SiteIsBusy`, `WaitsForBackup`, `SiteNotEmpty`; another run continues.
        """
        site_id = str(job.args["site"])
        if site_id == DEFAULT_SITE or not self._store.begin_deletion(site_id):
            return {"site": site_id, "deleted": {}, "left": {}}
        self._known.forget()
        self._wait(job, site_id)
        remains = self._remains(site_id)
        deleted: Counter[str] = Counter(job.cursor or {})
        left: dict[str, int] = {}
        for _ in range(ROUNDS):
            for name, count in remains.delete():
                deleted[name] += count
                job.save(cursor=dict(deleted), done=deleted.total())
            left = remains.count()
            if not any(left.values()):
                break
        else:
            raise SiteNotEmpty(words={"left": ", ".join(name for name in left if left[name])})
        self._audit.record_job(
            DEFAULT_SITE,
            "site.deleted",
            site_id,
            job_id=job.id,
            job_kind=REMOVE,
            details={"deleted": deleted.total(), "left": 0},
            entry_id=job.id,
        )
        self._forget_refusals(site_id)
        self._store.forget(site_id)
        self._known.forget()
        return {"site": site_id, "deleted": +deleted, "left": left}

    def _wait(self, job: RunningJob, site_id: str) -> None:
        """Wait until nothing is written to the site any more; cancel its own jobs."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while not self._store.is_settled(
            site_id, known_seconds=self._known_seconds, request_seconds=self._request_seconds
        ):
            self._rest(job)
        settled_at = utc_now()
        while busy := self._busy(job.id, site_id, settled_at):
            if time.monotonic() > ends_at:
                raise SiteIsBusy(words={"kinds": ", ".join(sorted({each.kind for each in busy}))})
            self._rest(job)

    def _rest(self, job: RunningJob) -> None:
        job.save()
        time.sleep(LOOK_SECONDS)

    def _busy(self, own_id: str, site_id: str, since: datetime) -> list[Job]:
        """Return the jobs, of the site or of all sites, that started before and still run."""
        found = []
        for each in self._jobs.using(site_id):
            if each.id == own_id:
                continue
            if each.site == site_id and each.may_be_cancelled:
                self._jobs.cancel(each.id)
            is_older = each.started_at is None or each.started_at <= since
            is_alive = each.run_at > utc_now() - timedelta(seconds=CLOCKS_SECONDS)
            if each.state is State.RUNNING and is_older and is_alive:
                found.append(each)
        return found


def begin(jobs: JobService, site_id: str) -> Job:
    """Start to delete a site whose grace period is over; repeated calls create one job."""
    return jobs.enqueue(REMOVE, {"site": site_id}, key=site_id)
