"""The jobs of sites: their products and pages, and sites as a whole."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from avenue.accounts.store.roles import RoleStore
from avenue.app.services import Services
from avenue.builder.website.errors import RevisionConflict
from avenue.builder.website.store.due import DuePages
from avenue.builder.website.store.pages import PageStore
from avenue.clock import utc_now
from avenue.errors import AvenueError, Unavailable
from avenue.identity import Actor, Role, Site
from avenue.jobs.runner import Handler, RunningJob
from avenue.jobs.service import JobService
from avenue.shop.service.import_worker import ImportWorker
from avenue.shop.service.imports import IMPORT, UNDO
from avenue.shop.service.picture_imports import PICTURES_BY_SKU
from avenue.shop.service.samples import LOAD, SampleWorker
from avenue.shop.store.import_processing import ImportProcessing
from avenue.shop.store.samples import SampleStore
from avenue.sites.cloning import CLONE, CloneWorker
from avenue.sites.move_job import MoveWorker
from avenue.sites.moving import MOVE, PURGE_MOVED
from avenue.sites.removal import REMOVE, REMOVE_DUE, RemovalWorker
from avenue.storage.clusters import clusters_at_hand, on_each
from avenue.storage.connection import Database
from avenue.storage.copying.cloning import Cloning, SiteClone
from avenue.storage.holders import Amount
from avenue.storage.refusing import refused_on, take
from avenue.storage.removing import SiteRemains
from avenue.storage.room import StorageRoom

PUBLISH = "publish_pages"
PUBLISH_SECONDS = 20
MOST_PUBLISHED = 100
"""Pages published per cluster in one round; the rest follows in the next round."""


def site_jobs(services: Services, jobs: JobService) -> Mapping[str, Handler]:
    """Return the handlers of these jobs, by kind; those of `jobs` may need a place."""
    settings, database = services.settings, services.database
    importing = ImportWorker(ImportProcessing(database), jobs, services.audit, settings)
    worker = RemovalWorker(
        services.site_store,
        services.sites,
        lambda site_id: SiteRemains(database, site_id),
        partial(_forget_refusals, database),
        services.jobs,
        services.audit,
        settings,
    )
    mover = MoveWorker(database, services.sites, services.jobs, services.audit)
    room = StorageRoom(database, settings, services.ledger)

    def opened(cloning: Cloning, target: Site) -> SiteClone:
        @contextmanager
        def reserve(size: int) -> Iterator[None]:
            with room.reserved(target, None, Amount(bytes=size, files=1)) as reservation:
                yield
                reservation.kept = reservation.wanted

        return SiteClone(database, cloning, reserve, settings.tmp_dir)

    cloner = CloneWorker(
        services.site_store,
        services.sites,
        opened,
        RoleStore(database).share_roles,
        services.jobs,
        services.audit,
    )
    return {
        IMPORT: importing.apply,
        UNDO: importing.undo,
        LOAD: partial(_load_samples, services),
        PICTURES_BY_SKU: partial(_pictures_by_sku, services),
        PUBLISH: partial(_publish_due, services),
        CLONE: cloner.clone,
        REMOVE: worker.remove,
        REMOVE_DUE: worker.begin_due,
        MOVE: mover.move,
        PURGE_MOVED: mover.purge_due,
    }


def _load_samples(services: Services, job: RunningJob) -> Mapping[str, int]:
    with services.decoding() as decoding:
        worker = SampleWorker(
            SampleStore(services.database),
            decoding.products,
            decoding.groups,
            decoding.pictures,
            decoding.audit,
            site_of=decoding.sites.named,
            tmp_dir=services.settings.tmp_dir,
        )
        return worker.load(job)


def _pictures_by_sku(services: Services, job: RunningJob) -> Mapping[str, int]:
    with services.decoding() as decoding:
        return decoding.picture_import_worker.apply(job)


def _publish_due(services: Services, job: RunningJob) -> Mapping[str, int]:
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


def _forget_refusals(database: Database, site_id: str) -> None:
    """Remove the validators that refuse a removed site, so that its id can be used again."""
    for each in clusters_at_hand(database):
        if site_id in refused_on(each):
            take(each, site_id)
