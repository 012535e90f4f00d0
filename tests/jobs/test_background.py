"""All background work: every kind of job is in one class, and messages wait for no walk."""

import threading
from collections import Counter
from itertools import chain

from avenue.app.background import Background
from avenue.app.job_kinds import CLASSES, PERIODIC
from avenue.config import Settings
from avenue.health.checks.fsck import FSCK
from avenue.health.checks.inspection import INSPECT
from avenue.jobs.runner import RunningJob
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.media.announcing.models import WEBHOOKS
from avenue.storage.connection import Database
from tests.threads import joined
from tests.waiting import DEADLINE_SECONDS, wait_until


def everything(database: Database) -> Background:
    """All background work of a deployment where everything is set up."""
    settings = Settings(
        local=True,
        smtp_url="smtp://mail.example",
        purge_url="https://edge.example/purge",
        purge_secret="s" * 32,
        webhook_url="https://shop.example/hook",
        webhook_secret="s" * 32,
        alert_url="https://shop.example/alerts",
        alert_secret="s" * 32,
        backup_to="/nowhere",
        scanner="clamd://scanner.example",
    )
    return Background(settings, database)


def test_each_kind_of_job_is_in_one_class(database: Database) -> None:
    kinds = everything(database)._handlers.keys()
    assert Counter(chain.from_iterable(CLASSES)) == Counter(kinds)
    assert set(PERIODIC) <= kinds


def test_messages_and_checks_wait_for_no_walk(database: Database) -> None:
    background = everything(database)
    jobs = JobService(MongoJobStore(database))
    over, done = threading.Event(), []

    def walk(_: RunningJob) -> None:
        assert over.wait(DEADLINE_SECONDS)

    def quick(job: RunningJob) -> None:
        done.append(job.id)

    background._handlers = dict.fromkeys(background._handlers, quick) | {INSPECT: walk}
    walking = jobs.enqueue(INSPECT)
    runner = threading.Thread(target=background.run_forever, daemon=True)
    runner.start()
    wait_until(lambda: jobs.get(walking.id).started_at)
    wanted = {jobs.enqueue(kind).id for kind in (WEBHOOKS, FSCK)}
    wait_until(lambda: wanted <= set(done))
    assert not jobs.get(walking.id).is_finished
    over.set()
    wait_until(lambda: jobs.get(walking.id).is_finished)
    background.stop()
    joined(runner)
