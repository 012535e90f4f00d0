"""A process that works on imports until it is killed."""

import sys

from avenue.audit.service import AuditService
from avenue.audit.store import MongoAuditStore
from avenue.config import Settings
from avenue.jobs.runner import JobRunner
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.shop.service.imports import IMPORT, ImportWorker
from avenue.shop.store.imports import ImportStore
from avenue.storage.connection import Database


def _main(uri: str) -> None:
    settings = Settings(mongodb_uri=uri, local=True)
    database = Database(settings)
    audit = AuditService(MongoAuditStore(database), keep_days=1)
    worker = ImportWorker(
        ImportStore(database), JobService(MongoJobStore(database)), audit, settings
    )
    JobRunner(JobService(MongoJobStore(database)), {IMPORT: worker.apply}).run_one()


if __name__ == "__main__":
    _main(*sys.argv[1:])
