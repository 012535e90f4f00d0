"""Backups, put together for commands and jobs."""

from avenue.backup.create import Creation
from avenue.backup.models import Tell
from avenue.backup.repository import Repository
from avenue.backup.restore import Restoration
from avenue.backup.targets import Target
from avenue.storage.connection import Database
from avenue.storage.copying.reading import DatabaseSource
from avenue.storage.copying.writing import Destination, Renaming
from avenue.storage.leases import Leases
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
