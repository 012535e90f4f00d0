"""A prepared database, and a deployment of two sites with alerts by email and webhook."""

import base64
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from avenue.app.messages import message_jobs
from avenue.app.services import Services
from avenue.config import Settings
from avenue.health.alerts.models import Alert
from avenue.health.alerts.service import AlertService
from avenue.identity import Actor, Role, Site
from avenue.jobs.runner import JobRunner
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.storage.connection import Database
from tests.mongod import Mongod
from tests.prepared import emptied, prepared_uri
from tests.receiver import Inbox, receiving
from tests.smtp import Mailbox, mail_server
from tests.unit.health.snapshots import BEGIN, snapshot

KEY = b"planted-key-of-the-alerts-0123456789"
OPERATORS = ("planted-ana@shop.example", "planted-bea@shop.example")


@pytest.fixture(scope="module")
def prepared(mongod: Mongod) -> Iterator[Database]:
    """The database that the tests of one module use one after the other."""
    with prepared_uri(mongod) as uri, emptied(uri) as database:
        database.raw["sites"].insert_one({"_id": "blog", "name": "Blog", "locale": "en"})
        yield database


@pytest.fixture
def database(prepared: Database) -> Database:
    """The same without alerts and jobs."""
    for name in ("infra_alerts", "jobs", "notifications", "house_notifications"):
        prepared.raw[name].delete_many({})
    return prepared


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    with receiving() as inbox:
        yield inbox


@dataclass
class Deployment:
    """Who looks at snapshots, and who tells what they see."""

    database: Database
    settings: Settings
    box: Mailbox
    inbox: Inbox

    def __post_init__(self) -> None:
        services = Services(self.settings, self.database)
        self.alerts: AlertService = services.alerts
        self.raw = self.database.raw
        self.jobs = JobService(MongoJobStore(self.database))
        self.handlers = message_jobs(services)
        self.runner = JobRunner(self.jobs, self.handlers)

    def see(self, hours: float, **facts: Any) -> dict[str, int]:
        """Look at a snapshot of that hour; return the news, those that are none left out."""
        counts = self.alerts.check(snapshot(hours, **facts))
        return {news: count for news, count in counts.items() if count}

    def tell(self) -> None:
        """Tell all that waits, and let what was refused be due next time."""
        for kind in self.handlers:
            self.jobs.enqueue(kind, key="now")
        while self.runner.run_one(threading.Event()):
            pass
        self.raw["jobs"].update_many({"state": "queued"}, {"$set": {"run_at": BEGIN}})
        self.raw["house_notifications"].update_many({}, {"$set": {"due_at": BEGIN}})

    def waiting(self) -> int:
        return self.raw["house_notifications"].count_documents({"state": "pending"})

    def emails(self) -> list[tuple[list[str], Any]]:
        """Everything that came since, who got it and the email."""
        return [self.box.emails.get_nowait() for _ in range(self.box.emails.qsize())]

    def documents(self) -> list[dict[str, Any]]:
        return list(self.raw["infra_alerts"].find().sort("opened_at", 1))

    def list(self, **query: Any) -> list[Alert]:
        return list(self.alerts.list(operator(), limit=100, **query).items)


def operator(site: str = "default", role: Role = Role.OPS, **facts: Any) -> Actor:
    """Somebody on a site."""
    place = Site(id=site, hosts=(), base_url="https://shop.example", name=site)
    return Actor(site=place, id="operator", role=role, **facts)


@pytest.fixture
def deployment(database: Database, box: Mailbox, inbox: Inbox) -> Deployment:
    box.replies.clear()
    inbox.statuses.clear()
    settings = Settings(
        local=True,
        public_base_url="https://shop.example",
        smtp_url=box.url,
        mail_from="Avenue <avenue@shop.example>",
        alert_emails=(OPERATORS[0], f"Bea <{OPERATORS[1]}>"),
        alert_url=inbox.url,
        alert_secret=f"whsec_{base64.b64encode(KEY).decode()}",
    )
    deployment = Deployment(database, settings, box, inbox)
    deployment.emails()
    inbox.all()
    return deployment
