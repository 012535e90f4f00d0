"""The jobs on whole sites."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from avenue.accounts.store.roles import RoleStore
from avenue.app.services import Services
from avenue.identity import Site
from avenue.jobs.runner import Handler
from avenue.sites.cloning import CLONE, CloneWorker
from avenue.sites.move_job import MoveWorker
from avenue.sites.moving import MOVE, PURGE_MOVED
from avenue.sites.removal import REMOVE, REMOVE_DUE, RemovalWorker
from avenue.storage.clusters import clusters_at_hand
from avenue.storage.connection import Database
from avenue.storage.copying.cloning import Cloning, SiteClone
from avenue.storage.holders import Amount
from avenue.storage.refusing import refused_on, take
from avenue.storage.removing import SiteRemains
from avenue.storage.room import StorageRoom


def site_jobs(services: Services) -> Mapping[str, Handler]:
    """Return the handlers of jobs on whole sites, by kind."""
    settings, database = services.settings, services.database
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
        CLONE: cloner.clone,
        REMOVE: worker.remove,
        REMOVE_DUE: worker.begin_due,
        MOVE: mover.move,
        PURGE_MOVED: mover.purge_due,
    }


def _forget_refusals(database: Database, site_id: str) -> None:
    """Remove the validators that refuse a removed site, so that its id can be used again."""
    for each in clusters_at_hand(database):
        if site_id in refused_on(each):
            take(each, site_id)
