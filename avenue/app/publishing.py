"""The job that publishes pages whose scheduled time has come."""

from collections import Counter
from collections.abc import Mapping
from functools import partial

from avenue.app.services import Services
from avenue.builder.website.errors import RevisionConflict
from avenue.builder.website.store.due import DuePages
from avenue.builder.website.store.pages import PageStore
from avenue.clock import utc_now
from avenue.errors import AvenueError, Unavailable
from avenue.identity import Actor, Role
from avenue.jobs.runner import RunningJob
from avenue.storage.clusters import on_each

PUBLISH = "publish_pages"
PUBLISH_SECONDS = 20
MOST_PUBLISHED = 100
"""Pages published per cluster in one round; the rest follows in the next round."""


def publish_due(services: Services, job: RunningJob) -> Mapping[str, int]:
    """Publish the pages whose scheduled time has come."""
    due = on_each(
        services.database,
        lambda cluster: DuePages(cluster).find(utc_now(), limit=MOST_PUBLISHED),
    )
    done: Counter[str] = Counter(published=0, failed=0)
    pages = [each for some in due for each in some]
    if not pages:
        return done
    with services.decoding() as decoding:
        for site_id, page_id, at in pages:
            record = partial(
                services.audit.record_job,
                site_id,
                object_id=page_id,
                job_id=job.id,
                job_kind=PUBLISH,
            )
            site = services.sites.by_id(site_id)
            if site is None or not site.is_open:  # when it is open again, an editor decides
                PageStore(services.database).was_due(site_id, page_id, at)
                continue
            actor = Actor(site=site, role=Role.EDITOR)
            try:
                if decoding.pages.publish_due(actor, page_id, at):
                    record("page.published")
                    done["published"] += 1
            except (RevisionConflict, Unavailable):
                done["failed"] += 1  # retried in the next round
            except AvenueError as error:
                record("page.not_published", details={"error": error.code})
                done["failed"] += 1
            job.save(done=done.total(), total=len(pages))
    return done
