"""A quiet week tells nothing; each planted fault is told within ten minutes, once, everywhere.

Time passes by making everything that is stored older: so the whole application runs by its own
clock and the server's.
"""

import base64
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from avenue.accounts.account_emails import MAIL
from avenue.app import messages, walks
from avenue.app.background import Background
from avenue.app.background_watch import alert_if_stopped
from avenue.app.job_kinds import PERIODIC
from avenue.app.messages import message_jobs
from avenue.app.services import Services
from avenue.clock import utc_now
from avenue.health.checks.inspection import REFERENCES
from avenue.health.facts.certificates import CERTIFICATES, Certificates
from avenue.health.facts.work import TELL, TELL_SITES, WATCH
from avenue.identity import Actor, Role
from avenue.jobs.runner import JobRunner
from avenue.media.announcing.models import WEBHOOKS
from avenue.notifications import chats
from avenue.outside.posting import Poster
from avenue.storage.mongo_facts import DatabaseFacts
from avenue.storage.status import DeploymentStatus
from tests.health.alerts.conftest import KEY, OPERATORS
from tests.http.application import HOST, Application, a_picture
from tests.http.debug_app import Hand, add_entries, nothing_runs_meanwhile
from tests.mongod import Mongod
from tests.push import Browser
from tests.receiver import PATH, Inbox, receiving
from tests.smtp import Mailbox

GB = 10**9
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
HOOK = "https://hooks.shop.example/alerts"
PERSON = f"ops@{HOST}"
CHATS = ("slack", "discord", "teams", "ntfy", "telegram")
OF_THE_DEPLOYMENT = {"/" + each for each in (*CHATS, "push")} | {PATH.partition("?")[0]}
OF_THE_SITE = {"lost", "on_a_disk", "certificate"}
TELLING = (REFERENCES, WATCH, MAIL, WEBHOOKS, TELL, TELL_SITES, CERTIFICATES)
FAULTS = OF_THE_SITE | {"undelivered", "plan"}


@dataclass
class Shop:
    """A shop with pictures, whose alerts are told by every channel there is."""

    application: Application
    box: Mailbox
    inbox: Inbox
    dead: Inbox
    patch: pytest.MonkeyPatch
    used: int = GB
    raw: Any = None
    products: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.raw = self.application.raw
        self.patch.setattr(DeploymentStatus, "database", lambda _: self.database())
        self.patch.setattr(chats, "TELEGRAM_URL", f"http://127.0.0.1:{self.inbox.port}/telegram")
        self.patch.setattr(messages, "poster_of_client", self.poster)
        self.patch.setattr(
            walks,
            "Certificates",
            lambda store: Certificates(store, ask=lambda _: utc_now() + 60 * DAY),
        )
        self.worker = Background(self.application.settings, self.application.database)
        self.worker._prepare()
        seller = self.application.caller("seller")
        self.products = [seller.a_product(a_picture()) for _ in range(2)]
        self.add_receivers()

    def database(self) -> DatabaseFacts:
        return DatabaseFacts(
            data_bytes=self.used,
            storage_bytes=self.used,
            index_bytes=0,
            disk_used_bytes=None,
            disk_total_bytes=None,
        )

    def poster(self, url: str) -> Poster:
        place = "own" if url == HOOK else "push"
        return Poster(f"http://127.0.0.1:{self.inbox.port}/{place}")

    def add_receivers(self) -> None:
        """The people, the program and the browsers of the site, beside those of the settings."""
        receivers = Services(self.application.settings, self.application.database).receivers
        chief = self.application.caller("ops")
        admin = Actor(site=chief.site, id="admin", role=Role.ADMIN)
        receivers.add_person(admin, "default", PERSON)
        receivers.set_webhook(admin, "default", HOOK)
        somebody = Actor(site=chief.site, id=chief.id, role=Role.OPS)
        browser = Browser("https://push.example/planted")
        receivers.subscribe(somebody, "default", browser.subscription, "Firefox/140")

    def passes(self, time: timedelta) -> None:
        """Let everything that is stored be older by that."""
        for name in self.raw.list_collection_names():
            if name.endswith(".chunks"):
                continue
            for each in self.raw[name].find():
                older = aged(each, time)
                if older != each:
                    self.raw[name].replace_one({"_id": each["_id"]}, older)

    def work(self, *kinds: str) -> None:
        """Do the background work that is due, only that of these kinds if any are given."""
        every = self.worker._handlers
        handlers = {each: every[each] for each in kinds or every}
        runner = JobRunner(self.worker._jobs, handlers)
        with nothing_runs_meanwhile():
            while runner.run_one(threading.Event()):
                pass

    def heard(self) -> tuple[Counter[str], dict[str, Counter[str]]]:
        """What the program of the settings was told; and how much came by each channel."""
        came: dict[str, Counter[str]] = {}
        told: Counter[str] = Counter()
        for each in self.inbox.all():
            place = "/" + each.path.split("/")[1].partition("?")[0]
            kind, measure = "", ""
            if place in {"/own", PATH.partition("?")[0]}:
                kind, measure = each.message["type"], each.message["data"]["measure"]
            came.setdefault(place, Counter())[f"{kind} {measure}".strip()] += 1
            if place == PATH.partition("?")[0]:
                told[f"{kind} {measure}"] += 1
        for _ in range(self.box.emails.qsize()):
            (to,), email = self.box.emails.get_nowait()
            came.setdefault(to, Counter())[str(email["Subject"])] += 1
        return told, came


def aged(value: Any, time: timedelta) -> Any:
    """The same, all its times earlier."""
    if isinstance(value, datetime):
        return value - time
    if isinstance(value, dict):
        return {name: aged(each, time) for name, each in value.items()}
    return [aged(each, time) for each in value] if isinstance(value, list) else value


@pytest.fixture
def shop(mongod: Mongod, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    box.replies.clear()
    while box.emails.qsize():
        box.emails.get_nowait()
    with receiving() as inbox, receiving() as dead:
        base = f"http://127.0.0.1:{inbox.port}"
        told = [f"{each}={base}/{each}" for each in CHATS if each != "telegram"]
        settings = {
            "smtp_url": box.url,
            "mail_from": "Avenue <avenue@shop.example>",
            "alert_emails": OPERATORS,
            "alert_url": inbox.url,
            "alert_secret": SECRET,
            "alert_chats": (*told, "telegram=123456:planted-bot-token-0123456789/-100200"),
            "webhook_url": dead.url,
            "webhook_secret": SECRET,
            "database_gb": 10,
        }
        with Application(mongod, **settings) as application:
            yield Shop(application, box, inbox, dead, monkeypatch)


def a_week(shop: Shop, step: timedelta) -> None:
    """Everything that is done in a week, at these intervals."""
    for _ in range(round(7 * DAY / step)):
        shop.passes(step)
        # Nothing was late meanwhile: it was done all the time.
        due = {"every_seconds": {"$ne": None}, "run_at": {"$lt": utc_now()}}
        shop.raw["jobs"].update_many(due, {"$set": {"run_at": utc_now()}})
        shop.work()
        assert list(shop.raw["infra_alerts"].find()) == []
    assert shop.heard() == (Counter(), {})
    done = {each["_id"] for each in shop.raw["jobs"].find({"finished_at": {"$type": "date"}})}
    assert shop.worker.kinds & set(PERIODIC) <= done


def test_a_quiet_week_tells_nothing(shop: Shop) -> None:
    a_week(shop, 7 * DAY / 3)


@pytest.mark.long
def test_a_quiet_week_tells_nothing_hour_by_hour(shop: Shop) -> None:
    a_week(shop, timedelta(hours=1))


def test_each_fault_is_told_within_ten_minutes_once_on_every_channel(shop: Shop) -> None:
    shop.work(*TELLING)
    assert shop.heard() == (Counter(), {})
    # As somebody does in the shell: nothing else learns of it.
    first, second = shop.products
    Hand(shop.application, first["images"][0]["id"]).asset_gone()
    url = "http://localhost:5000/uploads/foto.jpg"
    add_entries(shop.application, "product", second["id"], [{"url": url}])
    shop.dead.statuses[:] = [500] * 50
    shop.application.caller("seller").a_product(a_picture())
    shop.used = round(8.6 * GB)
    ends = {"$set": {"ends.default": utc_now() + 10 * DAY}}
    shop.raw["avenue_meta"].update_one({"_id": "certificates"}, ends)
    for _ in range(5):
        shop.passes(2 * MINUTE)
        shop.work(*TELLING)
    told, came = shop.heard()
    opened = {each for each in told if each.startswith("alert.opened")}
    assert opened == {f"alert.opened {each}" for each in FAULTS}
    assert set(told) - opened <= {"alert.raised undelivered"}
    assert set(told.values()) == {1}
    every = told.total()
    counts = {place: each.total() for place, each in came.items()}
    assert counts == {
        **dict.fromkeys(OF_THE_DEPLOYMENT, every),
        **dict.fromkeys(OPERATORS, every),
        **dict.fromkeys(("/own", PERSON), len(OF_THE_SITE)),
    }
    assert came["/own"] == Counter({f"alert.opened {each}": 1 for each in OF_THE_SITE})
    # Nobody does the background work any more: a web process looks, and tells.
    services = Services(shop.application.settings, shop.application.database)
    services.quick_checks._began_at = utc_now() - DAY
    messages = message_jobs(services)
    for _ in range(5):
        shop.passes(2 * MINUTE)
        alert_if_stopped(services, messages)
    told, came = shop.heard()
    assert told["alert.opened stopped"] == 1
    assert {place for place, each in came.items() if each.total()} >= {
        *OF_THE_DEPLOYMENT,
        *OPERATORS,
    }
    assert not [each for each in told if "recovered" in each]
