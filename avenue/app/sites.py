"""Sites as a whole, put together for the panel, for commands and for jobs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from avenue.accounts.store import MongoAccountStore
from avenue.app.services import (
    audit_service,
    job_service,
    ledger,
    scale_of,
    site_service,
    snapshot_service,
)
from avenue.config import Settings
from avenue.identity import Site
from avenue.jobs.runner import Handler
from avenue.provisioning.service import ProvisioningService
from avenue.sites.cloning import CLONE, CloneService, CloneWorker
from avenue.sites.moving import MOVE, PURGE_MOVED, MoveService, MoveWorker
from avenue.sites.removal import REMOVE, REMOVE_DUE, RemovalService, RemovalWorker
from avenue.sites.store import SiteStore
from avenue.storage.clusters import cluster_states, clusters_at_hand
from avenue.storage.connection import Database
from avenue.storage.copying.cloning import Cloning, SiteClone
from avenue.storage.quotas import Amount
from avenue.storage.refusing import refused_on, take
from avenue.storage.removing import SiteRemains
from avenue.storage.room import StorageRoom
from avenue.storage.sites import Sites


def removal_service(settings: Settings, database: Database, sites: Sites) -> RemovalService:
    """Return what removes sites and takes them back."""
    return RemovalService(SiteStore(database, settings), sites, job_service(database))


def clone_service(settings: Settings, database: Database, sites: Sites) -> CloneService:
    """Return what clones sites."""
    return CloneService(site_service(settings, database), sites, job_service(database))


def site_move_service(settings: Settings, database: Database) -> MoveService:
    """Return what moves sites to other clusters."""
    return MoveService(database, SiteStore(database, settings), job_service(database))


def provisioning_service(
    settings: Settings, database: Database, sites: Sites
) -> ProvisioningService:
    """Return what tells of all sites."""
    return ProvisioningService(
        site_service(settings, database),
        SiteStore(database, settings).removals,
        snapshot_service(settings, database, sites),
        job_service(database),
        partial(cluster_states, database),
        scale_of(settings),
    )


def site_jobs(settings: Settings, database: Database, sites: Sites) -> Mapping[str, Handler]:
    """Return the work on whole sites, by kind."""
    worker = RemovalWorker(
        SiteStore(database, settings),
        sites,
        lambda site_id: SiteRemains(database, site_id),
        partial(_forget_refusals, database),
        job_service(database),
        audit_service(settings, database),
        settings,
    )
    mover = MoveWorker(database, sites, job_service(database), audit_service(settings, database))
    room = StorageRoom(database, settings, ledger(database))

    def opened(cloning: Cloning, target: Site) -> SiteClone:
        @contextmanager
        def reserve(size: int) -> Iterator[None]:
            with room.reserved(target, None, Amount(bytes=size, files=1)) as reservation:
                yield
                reservation.kept = reservation.wanted

        return SiteClone(database, cloning, reserve, settings.tmp_dir)

    cloner = CloneWorker(
        SiteStore(database, settings),
        sites,
        opened,
        MongoAccountStore(database).share_roles,
        job_service(database),
        audit_service(settings, database),
    )
    return {
        CLONE: cloner.clone,
        REMOVE: worker.remove,
        REMOVE_DUE: worker.begin_due,
        MOVE: mover.move,
        PURGE_MOVED: mover.purge_due,
    }


def _forget_refusals(database: Database, site_id: str) -> None:
    """Let the clusters that a site was moved away from take another one of its id."""
    for each in clusters_at_hand(database):
        if site_id in refused_on(each):
            take(each, site_id)
