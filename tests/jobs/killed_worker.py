"""A worker process that says each step it has saved, and waits for a word before the next.

Started by a test that kills it: `python killed_worker.py <uri> <lease seconds>`.
"""

import sys

from avenue.config import Settings
from avenue.jobs.runner import JobRunner, RunningJob
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.storage.connection import Database


def _count(job: RunningJob) -> None:
    for step in range(job.cursor or 0, job.args["steps"]):
        job.save(cursor=step + 1, done=step + 1, total=job.args["steps"])
        print(step + 1, flush=True)
        sys.stdin.readline()


def _main(uri: str, lease_seconds: str) -> None:
    database = Database(Settings(mongodb_uri=uri, local=True))
    service = JobService(MongoJobStore(database), lease_seconds=float(lease_seconds))
    JobRunner(service, {"count": _count}).run_one()


if __name__ == "__main__":
    _main(*sys.argv[1:])
