"""A process that works on imports until it is killed, or kills itself within a batch."""

import os
import signal
import sys
from typing import Any

from avenue.audit.service import AuditService
from avenue.audit.store import MongoAuditStore
from avenue.config import Settings
from avenue.jobs.runner import JobRunner
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.shop.service.import_worker import ImportWorker
from avenue.shop.service.imports import IMPORT
from avenue.shop.store import import_processing
from avenue.shop.store.import_processing import ImportProcessing
from avenue.storage.connection import Database


def _main(uri: str, rows_of_first_batch: str = "") -> None:
    settings = Settings(mongodb_uri=uri, local=True)
    database = Database(settings)
    audit = AuditService(MongoAuditStore(database), keep_days=1)
    worker = ImportWorker(
        ImportProcessing(database), JobService(MongoJobStore(database)), audit, settings
    )
    if rows_of_first_batch:
        import_processing.ROWS_AT_ONCE = int(rows_of_first_batch)
        worker._decide = _dying(worker._decide)  # type: ignore[method-assign]
    JobRunner(JobService(MongoJobStore(database)), {IMPORT: worker.apply}).run_one()


def _dying(decide: Any) -> Any:
    """Decide a first batch, and nothing of the second: its transaction stays open."""
    decided: list[Any] = []

    def decide_or_die(*batch: Any) -> Any:
        if decided:
            os.kill(os.getpid(), signal.SIGKILL)
        decided.append(decide(*batch))
        return decided[0]

    return decide_or_die


if __name__ == "__main__":
    _main(*sys.argv[1:])
