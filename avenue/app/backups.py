"""Backups, put together for commands and jobs."""

from avenue.app.services import audit_service
from avenue.backup.create import Creation
from avenue.backup.models import Manifest, Tell
from avenue.backup.one import Return, Returned
from avenue.backup.repository import Repository
from avenue.backup.restore import Restoration
from avenue.backup.targets import Target
from avenue.config import Settings
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.storage.connection import Database
from avenue.storage.copying.reading import DatabaseSource
from avenue.storage.copying.returning import Returning
from avenue.storage.copying.writing import Destination, Renaming
from avenue.storage.leases import Leases
from avenue.storage.quotas import COUNT_QUOTAS
from avenue.storage.schema import Gate


def creation(database: Database, target: Target) -> Creation:
    """Return who backs everything up; raise what `Gate` does."""
    Gate(database).pass_or_raise()
    return Creation([DatabaseSource(database)], Leases(database), target)


def restoration(
    database: Database, repository: Repository, renaming: Renaming, tell: Tell
) -> Restoration:
    """Return who brings a snapshot back into an empty database."""
    return Restoration(repository, Destination(database, renaming), tell)


def bring_back(
    settings: Settings,
    database: Database,
    repository: Repository,
    manifest: Manifest,
    kind: str,
    record_id: str,
) -> Returned:
    """Bring one thing of a snapshot back, have quotas counted, and write it down."""
    Gate(database).pass_or_raise()
    limit = settings.max_images_per_product
    work = Return(repository, Returning(database, trash_days=settings.trash_days), settings.tmp_dir)
    returned = work.run(manifest, kind, record_id, most_images=limit)
    if returned.records:
        JobService(MongoJobStore(database)).enqueue(COUNT_QUOTAS, key="restored")
    audit_service(settings, database).record_command(
        returned.site,
        "backup restore",
        "backup.returned",
        record_id,
        details={"kind": kind, "snapshot": manifest.id},
    )
    return returned
