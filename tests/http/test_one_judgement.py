"""Each planted fact is given to every view that shows its subject: they think the same of it."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.clock import utc_now
from avenue.health.checks.fsck import FSCK
from avenue.health.checks.store.findings import CheckStore
from avenue.health.models import Fit, Level, Verdict, worst
from avenue.health.views.doctor.presenting import word_of
from avenue.health.views.doctor.service import CheckContext, look_at_deployment
from avenue.health.views.readiness.service import ReadinessService
from avenue.storage.status import DatabaseFacts, DeploymentStatus, Member, MongoFacts, Oplog
from avenue.web.services import EXTENSION
from tests.http.application import Application, a_picture
from tests.http.debug_app import Hand, inspected, status, storage
from tests.table import table

MB = 1024 * 1024
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


def oplog(hours: float, **changes: Any) -> MongoFacts:
    found = replace(LARGE, hours=hours, **changes)
    return replace(WELL, oplog=found, data_members=found.data_members)


def full(percent: int) -> DatabaseFacts:
    return replace(ROOMY, disk_used_bytes=percent)


@dataclass
class Planted:
    """A deployment as it is told to every view."""

    mongodb: MongoFacts = WELL
    database: DatabaseFacts = ROOMY
    missing: tuple[str, ...] = ()


OK, NOTICE, WARNING, CRITICAL = Level.OK, Level.NOTICE, Level.WARNING, Level.CRITICAL
ROWS = [
    ("oplog", Planted(), OK),
    ("oplog", Planted(oplog(6)), WARNING),
    ("oplog", Planted(oplog(0.5, data_members=1)), OK),
    ("oplog", Planted(oplog(10, bytes=25_000 * MB)), NOTICE),
    ("oplog", Planted(replace(WELL, oplog=None)), Level.UNKNOWN),
    ("members", Planted(replace(WELL, members=(*THREE[:2], SICK))), WARNING),
    ("members", Planted(replace(WELL, primary=None)), CRITICAL),
    ("durability", Planted(replace(WELL, data_members=1)), CRITICAL),
    ("disk", Planted(database=full(96)), CRITICAL),
    ("indexes", Planted(missing=("jobs.kind_1",)), CRITICAL),
]
FURTHER_ROWS = [
    ("oplog", Planted(oplog(20)), NOTICE),
    ("oplog", Planted(oplog(0.5)), CRITICAL),
    ("disk", Planted(database=full(72)), NOTICE),
    ("disk", Planted(database=full(86)), WARNING),
]
CHECKS = {"oplog": "oplog", "members": "members", "durability": "members"}
ALERTED = {"oplog", "disk"}


@pytest.fixture
def planted(application: Application, monkeypatch: pytest.MonkeyPatch) -> Planted:
    told = Planted()
    monkeypatch.setattr(DeploymentStatus, "mongodb", lambda _: told.mongodb)
    monkeypatch.setattr(DeploymentStatus, "database", lambda _: told.database)
    monkeypatch.setattr(DeploymentStatus, "oplog", lambda _: told.mongodb.oplog)
    monkeypatch.setattr(DeploymentStatus, "missing_indexes", lambda _: list(told.missing))
    monkeypatch.setattr(DeploymentStatus, "arbiters", lambda _: ())
    return told


@pytest.fixture(scope="module")
def serious(application: Application) -> Any:
    """The application as it is run for a shop, and not for trying out."""
    inspected(application)
    return application.with_settings(local=False)


def views(application: Application, app: Any, subject: str) -> dict[str, str]:
    """What each view says of a subject, in its own words."""
    settings, database = replace(application.settings, local=False), application.database
    said: dict[str, str] = {}
    chief = replace(application.caller("ops"), app=app)
    shown = chief.get("/api/ops/state").json["components"]
    states = {each["key"]: each["state"] for each in shown}
    if subject in states:
        said["state"] = states[subject]
    ward = CheckContext(settings=settings, deployment=DeploymentStatus(database), now=utc_now())
    looks = {each.check: each for each in look_at_deployment(ward)}
    if subject in CHECKS:
        found = [each for each in looks[CHECKS[subject]].findings if each.subject == subject]
        bad = worst(found)
        said["doctor"] = word_of(bad.level if bad else OK)
    if subject in {"oplog", "indexes"}:
        app.extensions[EXTENSION][ReadinessService]._good_until = 0
        checks = chief.get("/readyz").json["checks"]
        said["readyz"] = {each["name"]: each["state"] for each in checks}[subject]
    if subject in {"members", "durability", "disk"}:
        said["storage-status"] = storage(chief)["verdict"]
    if subject in ALERTED:
        snapshot = Services(settings, database).snapshots.take()
        application.raw["infra_alerts"].delete_many({})
        Services(settings, database).alerts.check(snapshot)
        alerts = chief.get("/api/ops/alerts").json["items"]
        found = [each["level"] for each in alerts if each["measure"] == subject]
        said["alerts"] = found[0] if found else "ok"
    return said


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
    words = {
        "state": level.value,
        "doctor": word_of(level),
        "readyz": Fit.of(level).value,
        "storage-status": Verdict.of([level]).value,
        "alerts": level.value,
    }
    found = views(application, serious, subject)
    assert found
    known = facts.mongodb.oplog
    if known is None or known.is_filling:  # what nobody knows, or what will be, wakes nobody
        assert found.pop("alerts", "ok") == "ok"
    assert found == {name: words[name] for name in found}


@pytest.mark.long
def test_every_view_thinks_the_same_of_lost_bytes(own_application):
    """The inspection, both endpoints, state, alerts, trace and the check of everything."""
    seller, ops = own_application.caller("seller"), own_application.caller("ops")
    (image,) = seller.a_product(a_picture())["images"]
    Hand(own_application, image["id"]).chunk_gone()
    own_application.raw["infra_alerts"].delete_many({})
    inspected(own_application)
    assert status(ops)["verdict"] == storage(ops)["verdict"] == Verdict.of([CRITICAL])
    components = {
        each["key"]: each["state"] for each in ops.get("/api/ops/state").json["components"]
    }
    assert components["integrity"] == CRITICAL
    alerts = ops.get("/api/ops/alerts").json["items"]
    assert {each["measure"]: each["level"] for each in alerts}["damaged"] == CRITICAL
    trace = ops.get(f"/api/ops/assets/{image['id']}").json
    assert (trace["verdict"], trace["asset"]["damaged"] is None) == ("broken", False)
    own_application.forget_jobs()
    job = Background(own_application.settings, own_application.database).run_now(FSCK)
    counts = CheckStore(own_application.database).counts(job.id)
    assert counts.by_kind == {"chunk_missing": 1}
