"""Each planted fact is given to every view that shows its subject: they think the same of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.cli import diagnosis
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.health.checks.fsck import FSCK
from avenue.health.checks.store.findings import CheckStore
from avenue.health.models import Fit, Level, Measure, Verdict, worst
from avenue.health.rules.machine import Machine
from avenue.health.rules.measures import QUICKLY_CHECKED
from avenue.health.views.doctor.models import Look
from avenue.health.views.doctor.presenting import word_of
from avenue.health.views.doctor.service import (
    MACHINE,
    CheckContext,
    look_at_deployment,
    look_at_indexes,
    looked,
)
from avenue.health.views.readiness.service import ReadinessService
from avenue.health.views.state.service import StateService
from avenue.scanning.clamd import Clamd
from avenue.scanning.errors import ScannerAway
from avenue.storage.connection import Database
from avenue.storage.indexes import INDEXES
from avenue.storage.mongo_facts import DatabaseFacts, KnownIndex, Member, MongoFacts, Oplog
from avenue.storage.schema import Standing
from avenue.storage.status import DeploymentStatus
from avenue.web.services import EXTENSION
from tests.http.application import Application, a_picture
from tests.http.debug_app import Hand, add_entries, inspected, status, storage
from tests.table import table

MB, GB = 1024 * 1024, 10**9
THREE = tuple(Member(host=f"db{n}:27017", state="SECONDARY", healthy=True) for n in range(3))
LARGE = Oplog(hours=90.0, bytes=50_000 * MB, most_bytes=50_000 * MB, data_members=3)
WELL = MongoFacts(
    version="8.0.40",
    topology="replica_set",
    members=THREE,
    data_members=3,
    primary="db0:27017",
    storage_engine="wiredTiger",
    oplog=LARGE,
    connections_current=10,
    connections_available=90,
)
ROOMY = DatabaseFacts(
    data_bytes=1,
    storage_bytes=1,
    index_bytes=1,
    disk_used_bytes=10,
    disk_total_bytes=100,
)
SICK = replace(THREE[2], state="RECOVERING", healthy=False)
ROUTER = replace(WELL, topology="sharded", members=None, data_members=None, oplog=None)
LONG_AGO = timedelta(minutes=20)


def oplog(hours: float, **changes: Any) -> MongoFacts:
    found = replace(LARGE, hours=hours, **changes)
    return replace(WELL, oplog=found, data_members=found.data_members)


def full(percent: int) -> DatabaseFacts:
    return replace(ROOMY, disk_used_bytes=percent)


@dataclass
class Planted:
    """A deployment as it is told to every view; `put` writes what they find in the database."""

    mongodb: MongoFacts = WELL
    database: DatabaseFacts = ROOMY
    missing: tuple[str, ...] = ()
    standing: Standing = Standing.READY
    is_away: bool = False
    has_stopped: bool = False
    scanner_is_away: bool = False
    put: Callable[[Any], None] = lambda _: None


def a_job(**facts: Any) -> Callable[[Any], None]:
    def put(raw: Any) -> None:
        known = {"kind": "import_external", "site": None, "args": {}, "cursor": None}
        known |= {"progress": {"done": 0, "total": None}, "attempts": 0, "result": None}
        times = dict.fromkeys(("created_at", "run_at", "started_at", "finished_at"), utc_now())
        rest = dict.fromkeys(("every_seconds", "error", "holder", "wish"))
        raw["jobs"].insert_one(
            {"_id": "planted", "state": "queued", **known, **times, **rest, **facts}
        )

    return put


def dead_receiver(raw: Any) -> None:
    raw["notification_receivers"].insert_one({"_id": "webhooks", "failures": 5, "error": "away"})
    waiting = {"_id": "planted", "receiver": "webhooks", "state": "pending", "site": "default"}
    raw["notifications"].insert_one({**waiting, "due_at": utc_now()})


def scanner_away(raw: Any) -> None:
    known = {"away_since": utc_now() - LONG_AGO}
    raw["avenue_meta"].update_one({"_id": "scanned"}, {"$set": known}, upsert=True)


def in_quarantine(raw: Any) -> None:
    versions = [{"scan": {"state": "quarantined", "at": utc_now()}}]
    raw["assets"].insert_one(
        {"_id": "planted", "site": "default", "state": "live", "versions": versions}
    )


OK, NOTICE, WARNING, CRITICAL = Level.OK, Level.NOTICE, Level.WARNING, Level.CRITICAL
UNKNOWN = Level.UNKNOWN
LATE = a_job(run_at=utc_now() - timedelta(hours=1))
FAILED = a_job(state="failed", error="No.", finished_at=utc_now())
ROWS = [
    ("oplog", Planted(), OK),
    ("oplog", Planted(oplog(6)), WARNING),
    ("oplog", Planted(oplog(0.5, data_members=1)), OK),
    ("oplog", Planted(oplog(10, bytes=25_000 * MB)), NOTICE),
    ("oplog", Planted(oplog(0.5, bytes=None)), UNKNOWN),
    ("oplog", Planted(replace(WELL, oplog=None)), UNKNOWN),
    ("oplog", Planted(ROUTER), UNKNOWN),
    ("members", Planted(replace(WELL, members=(*THREE[:2], SICK))), WARNING),
    ("members", Planted(replace(WELL, primary=None), is_away=True), CRITICAL),
    ("durability", Planted(replace(WELL, data_members=1)), CRITICAL),
    ("disk", Planted(database=full(96)), CRITICAL),
    ("plan", Planted(database=replace(ROOMY, storage_bytes=86 * GB)), WARNING),
    ("indexes", Planted(missing=(f"{INDEXES[0].collection}.{INDEXES[0].name}",)), CRITICAL),
    ("schema", Planted(standing=Standing.OLDER), CRITICAL),
    ("scanner", Planted(put=scanner_away, scanner_is_away=True), WARNING),
    ("quarantined", Planted(put=in_quarantine), WARNING),
    ("stopped", Planted(has_stopped=True), CRITICAL),
    ("late_jobs", Planted(put=LATE), CRITICAL),
    ("failed_jobs", Planted(put=FAILED), WARNING),
    ("undelivered", Planted(put=dead_receiver), CRITICAL),
]
FURTHER_ROWS = [
    ("oplog", Planted(oplog(20)), NOTICE),
    ("oplog", Planted(oplog(0.5)), CRITICAL),
    ("disk", Planted(database=full(72)), NOTICE),
    ("disk", Planted(database=full(86)), WARNING),
    ("members", Planted(), OK),
    ("indexes", Planted(), OK),
    ("schema", Planted(), OK),
    ("scanner", Planted(), OK),
    (
        "failed_jobs",
        Planted(put=a_job(state="failed", finished_at=utc_now() - 3 * 24 * LONG_AGO)),
        OK,
    ),
]
COMPONENTS = {
    # Which component of the state shows a subject of another name.
    **dict.fromkeys(("stopped", "late_jobs", "failed_jobs"), "jobs"),
    "undelivered": "alerts",
    "quarantined": "scanner",
    "plan": "database",
}
CHECKS = {
    # Which check of the doctor is about it.
    "oplog": "oplog",
    "members": "members",
    "durability": "members",
    "indexes": "indexes",
    "schema": "schema",
    "scanner": "scanner",
}
READY = {"oplog": "oplog", "indexes": "indexes", "schema": "schema", "scanner": "scanner"}
STORAGE = {"members", "durability", "disk", "plan"}


@pytest.fixture
def planted(application: Application, monkeypatch: pytest.MonkeyPatch) -> Planted:
    told = Planted()

    def answers(*_: object, **__: object) -> str:
        if told.scanner_is_away:
            raise ScannerAway
        return "signatures"

    def ping(_: Database) -> None:
        if told.is_away:
            raise Unavailable

    def indexes(_: DeploymentStatus) -> list[KnownIndex]:
        used = {"uses": 1, "since": utc_now()}
        there = [each for each in INDEXES if f"{each.collection}.{each.name}" not in told.missing]
        return [
            KnownIndex(
                collection=each.collection,
                name=each.name,
                is_unique=bool(each.options.get("unique")),
                ttl_seconds=each.options.get("expireAfterSeconds"),
                **used,
            )
            for each in there
        ]

    for name, tell in {
        "mongodb": lambda _: told.mongodb,
        "database": lambda _: told.database,
        "oplog": lambda _: told.mongodb.oplog,
        "missing_indexes": lambda _: list(told.missing),
        "indexes": indexes,
        "index_weights": lambda *_: [],
        "arbiters": lambda _: (),
        "standing": lambda _: told.standing,
    }.items():
        monkeypatch.setattr(DeploymentStatus, name, tell)
    monkeypatch.setattr(Database, "ping", ping)
    monkeypatch.setattr(Clamd, "database", answers)
    return told


@pytest.fixture(scope="module")
def serious(application: Application) -> Any:
    """The application as it is run for a shop, and not for trying out."""
    inspected(application)
    settings = {"local": False, "scanner": "clamd://scanner.example", "database_gb": 100}
    application.settings = replace(application.settings, **settings)
    return application.with_settings()


class Views:
    """What each view says of a subject, in its own words."""

    def __init__(self, application: Application, app: Any, told: Planted) -> None:
        self.application, self.told = application, told
        self.settings: Settings = application.settings
        self.services = Services(self.settings, application.database)
        self.shelf = app.extensions[EXTENSION]
        self.chief = replace(application.caller("ops"), app=app)

    def state(self, subject: str) -> str | None:
        began_at = utc_now() - (LONG_AGO if self.told.has_stopped else timedelta())
        self.shelf[StateService]._began_at = began_at
        shown = self.chief.get("/api/ops/state").json["components"]
        states: dict[str, str] = {each["key"]: each["state"] for each in shown}
        return states.get(COMPONENTS.get(subject, subject))

    def doctor(self, subject: str) -> str | None:
        if subject not in CHECKS:
            return None
        found = self._look(CHECKS[subject]).findings
        bad = worst(each for each in found if each.subject in {subject, ""})
        return word_of(bad.level if bad else OK)

    def _look(self, check: str) -> Look:
        if check == "scanner":
            return looked(check, MACHINE[check](Machine(settings=self.settings)))
        status = DeploymentStatus(self.application.database)
        context = CheckContext(settings=self.settings, deployment=status, now=utc_now())
        if check == "indexes":
            return look_at_indexes(context)
        looks = look_at_deployment(context)
        if check == "schema":
            looks = iter(diagnosis._look_at_database(self.settings, None))
        return next(each for each in looks if each.check == check)

    def readyz(self, subject: str) -> str | None:
        name = "primary" if self.told.is_away else READY.get(subject)
        if name is None:
            return None
        self.shelf[ReadinessService]._good_until = 0
        checks = self.chief.get("/readyz").json["checks"]
        return {each["name"]: str(each["state"]) for each in checks}[name]

    def storage_status(self, subject: str) -> str | None:
        return str(storage(self.chief)["verdict"]) if subject in STORAGE else None

    def alerts(self, subject: str) -> str | None:
        if subject not in {*Measure}:
            return None
        self.application.raw["infra_alerts"].delete_many({})
        if subject in QUICKLY_CHECKED:
            quick_checks = self.services.quick_checks
            quick_checks._began_at = utc_now() - (
                LONG_AGO if self.told.has_stopped else timedelta()
            )
            quick_checks.look()
        else:
            self.services.alerts.check(self.services.snapshots.take())
        alerts = self.chief.get("/api/ops/alerts").json["items"]
        found = [str(each["level"]) for each in alerts if each["measure"] == subject]
        return found[0] if found else "ok"


@table("subject, facts, level", ROWS)
def test_every_view_thinks_the_same(application, serious, planted, subject, facts, level):
    look(application, serious, planted, subject, facts, level)


@pytest.mark.long
@table("subject, facts, level", FURTHER_ROWS)
def test_every_view_thinks_the_same_of_more(application, serious, planted, subject, facts, level):
    look(application, serious, planted, subject, facts, level)


def look(
    application: Application, serious: Any, planted: Planted, subject: str, facts: Any, level: Level
) -> None:
    """Tell every view these facts; each says the same of them."""
    vars(planted).update(vars(facts))
    for name in ("jobs", "notifications", "notification_receivers", "avenue_meta", "assets"):
        application.raw[name].delete_many({"_id": {"$in": ["planted", "webhooks", "scanned"]}})
    facts.put(application.raw)
    views = Views(application, serious, planted)
    words = {
        "alerts": level.value,
        "state": level.value,
        "doctor": word_of(level),
        # Files can be read without a scanner, so serving fails by none.
        "readyz": "unknown" if planted.scanner_is_away else Fit.of(level).value,
        "storage_status": Verdict.of([level]).value,
    }
    found = {name: said for name in words if (said := getattr(views, name)(subject)) is not None}
    assert len(found) > 1
    known = facts.mongodb.oplog
    if known is None or known.full_percent is None or known.is_filling:
        assert found.pop("alerts", "ok") == "ok"  # what nobody knows, or will be, wakes nobody
    assert found == {name: words[name] for name in found}


def states_of(application: Application) -> dict[str, str]:
    components = application.caller("ops").get("/api/ops/state").json["components"]
    return {each["key"]: each["state"] for each in components}


def alerts_of(application: Application) -> dict[str, str]:
    items = application.caller("ops").get("/api/ops/alerts").json["items"]
    return {each["measure"]: each["level"] for each in items}


def findings_of_fsck(application: Application) -> dict[str, int]:
    application.forget_jobs()
    job = Background(application.settings, application.database).run_now(FSCK)
    return dict(CheckStore(application.database).counts(job.id).by_kind)


@pytest.mark.long
def test_every_view_thinks_the_same_of_lost_bytes(own_application):
    """The inspection, both endpoints, state, alerts, trace and the check of everything."""
    seller, ops = own_application.caller("seller"), own_application.caller("ops")
    (image,) = seller.a_product(a_picture())["images"]
    Hand(own_application, image["id"]).chunk_gone()
    own_application.raw["infra_alerts"].delete_many({})
    inspected(own_application)
    assert status(ops)["verdict"] == storage(ops)["verdict"] == Verdict.of([CRITICAL])
    assert states_of(own_application)["integrity"] == CRITICAL
    assert alerts_of(own_application)["damaged"] == CRITICAL
    trace = ops.get(f"/api/ops/assets/{image['id']}").json
    assert (trace["verdict"], trace["asset"]["damaged"] is None) == ("broken", False)
    assert findings_of_fsck(own_application) == {"chunk_missing": 1}


@pytest.mark.parametrize(
    ("measure", "level"), [("lost", CRITICAL), pytest.param("on_a_disk", WARNING)]
)
def test_every_view_thinks_the_same_of_references(own_application, measure, level):
    """Products, state, alerts, the doctor, trace and the check of everything; before any pass."""
    seller, ops = own_application.caller("seller"), own_application.caller("ops")
    product = seller.a_product(a_picture())
    asset = product["images"][0]["id"]
    if measure == "lost":
        Hand(own_application, asset).asset_gone()
    else:
        address = "http://localhost:3000/uploads/perdido.jpg"
        add_entries(own_application, "product", product["id"], [{"url": address}])
    services = Services(own_application.settings, own_application.database)
    assert status(ops, "?deep=1")["verdict"] == Verdict.of([level])
    services.quick_checks.look()
    assert alerts_of(own_application)[measure] == level
    assert states_of(own_application)["integrity"] == level
    if measure == "lost":
        trace = ops.get(f"/api/ops/assets/{asset}").json
        assert trace["verdict"] == "broken"
    else:
        looks = diagnosis._look_at_database(own_application.settings, None)
        (urls,) = [each for each in looks if each.check == "urls"]
        assert word_of(urls.level) == word_of(level)
    kind = {"lost": "asset_missing", "on_a_disk": "localhost"}[measure]
    assert findings_of_fsck(own_application)[kind] == 1
