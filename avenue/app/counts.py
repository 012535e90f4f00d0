"""The jobs that count what sites and people have stored."""

from collections.abc import Mapping
from functools import partial

from avenue.app.services import Services
from avenue.jobs.runner import Handler, RunningJob
from avenue.storage.clusters import on_each
from avenue.storage.connection import Database
from avenue.storage.holders import COUNT_QUOTAS, Holder
from avenue.storage.site_counts import COUNT_SITES, SiteCounts


def count_jobs(services: Services) -> Mapping[str, Handler]:
    """Return the handlers of these jobs, by kind."""
    return {
        COUNT_QUOTAS: partial(_count_quotas, services),
        COUNT_SITES: partial(_count_sites, services),
    }


def _count_quotas(services: Services, job: RunningJob) -> Mapping[str, int]:
    """Count what each site and person has stored, or one of them."""
    if holder := job.args.get("holder"):
        return {"counted": int(services.ledger.count(Holder.of(holder)))}

    def count(cluster: Database) -> int:
        def save(after: str, done: int) -> None:
            job.save(cursor=after if is_home else job.cursor, done=done)

        is_home = cluster is services.database  # after a kill, the rest is counted again
        return services.on(cluster).ledger.count_all((job.cursor or "") if is_home else "", save)

    return {"counted": sum(on_each(services.database, count))}


def _count_sites(services: Services, job: RunningJob) -> Mapping[str, int]:
    """Count the figures of each site, starting where an earlier run ended."""
    counts, counters = SiteCounts(services.database), services.site_counters
    sites = sorted(each.id for each in services.sites.reachable())
    for done, site_id in enumerate(sites):
        if site_id < (job.cursor or ""):
            continue
        job.save(cursor=site_id, done=done, total=len(sites))
        for name, counter in counters.items():
            counts.count(site_id, name, counter)
    return {"counted": len(sites)}
