"""Web processes check and alert while background work has stopped."""

import logging
import threading
from collections.abc import Mapping
from typing import Any

from avenue.accounts.account_emails import MAIL
from avenue.app.messages import message_jobs
from avenue.app.services import Services
from avenue.config import Settings
from avenue.errors import AvenueError
from avenue.health.facts.work import TELL, TELL_SITES
from avenue.jobs.runner import Handler, RunningJob
from avenue.storage.connection import Database
from avenue.storage.schema import Gate

WATCH_SECONDS = 60.0

log = logging.getLogger(__name__)


class _Nobody(RunningJob):
    """A job without a queue entry, for work that a command runs directly."""

    def __init__(self) -> None:
        self.args = {}

    def save(self, **_: Any) -> None:
        """Store nothing."""


def watch_forever(settings: Settings, database: Database, stop: threading.Event) -> None:
    """Call `alert_if_stopped` every minute, in a thread of a web process, until `stop` is set."""
    services = Services(settings, database)
    jobs = message_jobs(services)
    while not stop.wait(WATCH_SECONDS):
        try:
            Gate(database).pass_or_raise()
            alert_if_stopped(services, jobs)
        except AvenueError as error:
            log.warning("The check for stopped background work failed: %s", error.message)
        except Exception:
            log.exception("The check for stopped background work failed.")


def alert_if_stopped(services: Services, jobs: Mapping[str, Handler]) -> None:
    """Run the quick checks and send their alerts, if background work has stopped."""
    told = {MAIL, TELL, TELL_SITES} if services.quick_checks.look_if_nobody_does() else set()
    for kind in jobs.keys() & told:
        jobs[kind](_Nobody())
