"""Snapshots of a real database: what they count, and the traffic between them."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.config import Settings
from avenue.health.facts.work import WATCH
from avenue.health.history.points import deployment_point, site_point
from avenue.health.history.snapshots.models import QuotaUse, Stored, StoredVariant, Traffic
from avenue.health.history.snapshots.service import SNAPSHOT, SnapshotService
from avenue.health.history.traffic.models import Counts
from avenue.health.history.traffic.store import MongoTrafficStore
from avenue.identity import DEFAULT_SITE, command_actor, new_id
from avenue.jobs.models import State
from avenue.storage import mongo_facts
from avenue.storage.connection import Database
from avenue.storage.sites import Sites
from avenue.storage.status import DeploymentStatus
from tests.mongod import Mongod, fail_point

MB = 1024 * 1024


@pytest.fixture
def settings(shared_uri: str) -> Settings:
    return Settings(mongodb_uri=shared_uri, local=True, cache_seconds=0)


@pytest.fixture
def service(settings: Settings, database: Database) -> SnapshotService:
    return Services(settings, database).snapshots


def plant(database: Database) -> None:
    """Two sites with files, pictures in their sizes, products, and bytes that are damaged."""
    raw = database.raw
    raw["sites"].insert_one({"_id": "blog", "name": "Blog", "quotas": {"bytes": 100 * MB}})
    for site, bucket, lengths in (
        ("default", "product_images", [100, 200]),
        ("default", "uploads", [5]),
        ("blog", "builder_media", [7, 8, 9]),
    ):
        raw[f"{bucket}.files"].insert_many(
            [{"_id": f"{site}/{new_id()}", "length": length} for length in lengths]
        )
    raw["renditions"].insert_many(
        [
            {"_id": new_id(), "site": site, "variant": variant, "bytes": 10, "data": b"x" * 10}
            for site, variant in [("default", "thumb")] * 3
            + [("default", "card"), ("blog", "thumb")]
        ]
    )
    raw["shop_products"].insert_many([{"_id": new_id(), "site": "default"} for _ in range(4)])
    mark = {"file": "f1", "kind": "wrong_hash", "detail": "", "at": datetime.now(UTC)}
    raw["assets"].insert_many(
        [
            {"_id": new_id(), "site": site, "versions": [{"file": file}], **damage}
            for site, file, damage in (
                ("default", "f1", {"damaged": mark}),
                ("blog", "f1", {"damaged": mark}),
                ("blog", "f1", {"damaged": mark}),
                ("blog", "another one since", {"damaged": mark}),
                ("blog", "f1", {}),
            )
        ]
    )
    raw["quotas"].insert_one(
        {
            "_id": "blog",
            "site": "blog",
            "bytes": 30 * MB,
            "files": 12,
            "held": [{"id": "r", "bytes": MB, "files": 1, "until": datetime.now(UTC)}],
            "asked_at": datetime.now(UTC),
            "counted_at": datetime.now(UTC),
        }
    )


def test_a_snapshot_counts_what_every_site_has(
    service: SnapshotService, database: Database
) -> None:
    plant(database)
    before = datetime.now(UTC) - timedelta(seconds=5)
    taken = service.take()
    assert taken == service.kept.newest()
    assert before < taken.at < datetime.now(UTC) + timedelta(seconds=5)
    assert {each for each in taken.stored if each.files} == {
        Stored(site="blog", bucket="builder_media", files=3, bytes=24),
        Stored(site="default", bucket="product_images", files=2, bytes=300),
        Stored(site="default", bucket="uploads", files=1, bytes=5),
    }
    assert len(taken.stored) == 6
    assert list(taken.renditions) == [
        StoredVariant(site="blog", variant="thumb", count=1, bytes=10),
        StoredVariant(site="default", variant="card", count=1, bytes=10),
        StoredVariant(site="default", variant="thumb", count=3, bytes=30),
    ]
    assert taken.products == {"default": 4}
    assert taken.damaged == {"blog": 2, "default": 1}
    assert taken.quotas == (
        QuotaUse(site="blog", bytes=31 * MB, most_bytes=100 * MB, files=13, most_files=0),
    )
    assert taken.traffic is None
    for number in (taken.data_bytes, taken.storage_bytes, taken.index_bytes):
        assert number is not None
    assert 0 < (taken.disk_percent or 0) < 100
    assert 0 < (taken.connections_percent or 0) < 100


def test_what_takes_too_long_to_count_is_missing_and_the_others_are_kept(
    service: SnapshotService, settings: Settings, database: Database, mongod: Mongod
) -> None:
    plant(database)
    alerts = Services(settings, database).alerts
    opened = alerts.check(service.take())["opened"]
    assets = f"{database.raw.name}.assets"
    with fail_point(mongod.client, ["aggregate"], None, error_code=50, namespace=assets):
        taken = service.take()
        assert alerts.check(taken)["recovered"] == 0
    assert taken == service.kept.newest()
    assert (taken.missing, taken.damaged, taken.products) == (("damaged",), {}, {"default": 4})
    assert any("damaged" in note for note in capacity_notes(settings, database))
    assert service.take().missing == ()
    assert alerts.check(service.take())["recovered"] == 0
    assert len(list(database.raw["infra_alerts"].find({"measure": "damaged"}))) == 2 <= opened


def capacity_notes(settings: Settings, database: Database) -> tuple[str, ...]:
    sites = Sites(database, settings)
    actor = command_actor(sites.named(DEFAULT_SITE))
    return Services(settings, database).capacity.report(actor).notes


def test_the_history_reads_of_all_sites_one_row_and_of_one_site_its_own(
    service: SnapshotService, database: Database
) -> None:
    plant(database)
    taken = service.take()
    nothing: dict[str, Any] = {"renditions": (), "products": {}, "damaged": {}, "quotas": ()}
    (of_all,) = service.kept.history_since(taken.at, None)
    together = (Stored(site="", bucket="", files=6, bytes=329),)
    assert of_all == replace(taken, stored=together, **nothing)
    (of_one,) = service.kept.history_since(taken.at, "blog")
    own = tuple(each for each in taken.stored if each.site == "blog")
    assert of_one == replace(taken, stored=own, **nothing)


def test_what_was_not_counted_is_a_gap_and_not_0(
    service: SnapshotService, database: Database
) -> None:
    """A snapshot of an earlier version, one from before a site was there, one of nothing yet."""
    plant(database)
    taken = service.take()
    metrics = database.raw["infra_metrics"]
    none_here = [{"site": "default", "bucket": "uploads", "files": 0, "bytes": 0}]
    for stored, deployment in ((None, None), ([], None), (none_here, 0)):
        change = {"$unset": {"stored": ""}} if stored is None else {"$set": {"stored": stored}}
        metrics.update_many({}, change)
        (of_all,), (of_one,) = (
            service.kept.history_since(taken.at, None),
            service.kept.history_since(taken.at, "blog"),
        )
        assert (deployment_point(of_all).stored_bytes, deployment_point(of_all).stored_files) == (
            deployment,
        ) * 2
        assert site_point(of_one).stored_files is None


@pytest.mark.parametrize(("full_percent", "is_told"), [(0, True), (200, False)])
def test_an_oplog_that_is_not_full_says_nothing_yet(
    service: SnapshotService, monkeypatch: pytest.MonkeyPatch, full_percent: int, is_told: bool
) -> None:
    monkeypatch.setattr(mongo_facts, "FULL_PERCENT", full_percent)
    assert (service.take().oplog_hours is not None) == is_told


def test_a_lowered_threshold_is_judged_at_once(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the job that looks every few minutes; once."""
    # Half of the disk is used, whatever the disk under the test is.
    half = replace(
        DeploymentStatus(database).database(), disk_used_bytes=MB, disk_total_bytes=2 * MB
    )
    monkeypatch.setattr(DeploymentStatus, "database", lambda _: half)
    taken = database.raw["infra_metrics"]
    Background(settings, database).run_now(SNAPSHOT)
    Background(settings, database).run_now(WATCH)
    assert taken.count_documents({}) == 1
    lowered = replace(settings, alert_percents=("1", "99", "100"))
    for _ in range(2):
        Background(lowered, database).run_now(WATCH)
    assert taken.count_documents({}) == 2
    alert = database.raw["infra_alerts"].find_one({"measure": "disk"})
    assert alert is not None
    assert alert["threshold"] == 1


def test_who_was_never_counted_is_counted(service: SnapshotService, database: Database) -> None:
    plant(database)
    database.raw["quotas"].delete_many({})
    database.raw["assets"].insert_one(
        {"_id": new_id(), "site": "blog", "versions": [{"file": "f2", "bytes": 44}]}
    )
    (use,) = service.take().quotas
    assert (use.bytes, use.files) == (44, 5)


def test_nothing_is_counted_by_reading_it(service: SnapshotService, database: Database) -> None:
    plant(database)
    database.raw.command("profile", 2)
    try:
        service.take()
    finally:
        database.raw.command("profile", 0)
    asked = list(database.raw["system.profile"].find({"command.aggregate": {"$exists": True}}))
    database.raw.drop_collection("system.profile")
    read = {each["command"]["aggregate"]: each["docsExamined"] for each in asked}
    assert set(read) >= {"renditions", "shop_products", "assets", "product_images.files"}
    assert read.pop("assets") == 4, "the marked ones only"
    assert not any(read.values()), read
    assert {each["planSummary"].split(" ")[0] for each in asked} <= {"IXSCAN", "EOF"}


def counted(requests: int, errors: int = 0, **took: int) -> Counts:
    bounds = {"fast": 1000.0, "slow": 250_000.0, "endless": math.inf}
    return Counts(
        requests=requests,
        errors=errors,
        sent_bytes=10 * requests,
        took={bounds[name]: count for name, count in took.items()},
    )


def test_a_snapshot_has_the_traffic_since_the_one_before(
    service: SnapshotService, database: Database
) -> None:
    traffic = MongoTrafficStore(database)
    traffic.add("a", 1, counted(7, fast=7))
    first = service.take()
    traffic.add("a", 2, counted(100, 3, fast=95, slow=5))
    traffic.add("b", 1, counted(20, 1, fast=14, slow=6))
    second = service.take()
    assert first.traffic is None
    assert second.traffic == Traffic(
        seconds=(second.at - first.at).total_seconds(),
        requests=120,
        errors=4,
        sent_bytes=1200,
        p95_seconds=0.25,
    )
    third = service.take()
    assert third.traffic is not None
    assert (third.traffic.requests, third.traffic.p95_seconds) == (0, None)
    all_three = service.kept.history_since(first.at, None)
    assert [(each.at, each.traffic) for each in all_three] == [
        (each.at, each.traffic) for each in (first, second, third)
    ]
    assert service.kept.history_since(second.at, None) == all_three[1:], "with what came before it"
    # Without the one in the middle nothing of it is lost.
    database.raw["infra_metrics"].delete_one({"created_at": second.at})
    (_, last) = service.kept.history_since(first.at, None)
    assert last.traffic is not None
    assert (last.traffic.requests, last.traffic.seconds) == (
        120,
        (third.at - first.at).total_seconds(),
    )


def test_counts_that_began_anew_are_no_traffic(
    service: SnapshotService, database: Database
) -> None:
    traffic = MongoTrafficStore(database)
    traffic.add("a", 1, counted(7))
    service.take()
    database.raw["infra_traffic"].delete_many({})
    traffic.add("b", 1, counted(2))
    assert service.take().traffic is None
    traffic.add("b", 2, counted(5))
    newest = service.take()
    assert newest.traffic is not None
    assert newest.traffic.requests == 5


def test_old_snapshots_are_thinned(service: SnapshotService, database: Database) -> None:
    now = service.take().at
    snapshots = database.raw["infra_metrics"]
    document = snapshots.find_one_and_delete({})
    assert document is not None
    hours = [*range(1, 24 * 10), 24 * 400, 24 * 731]
    snapshots.insert_many(
        [
            {**document, "_id": f"{hour}", "created_at": now - timedelta(hours=hour)}
            for hour in hours
        ]
    )
    service.take()
    left = sorted(now - each["created_at"] for each in snapshots.find())[1:]
    assert left[: 24 * 7] == [timedelta(hours=hour) for hour in range(1, 24 * 7 + 1)]
    older = left[24 * 7 :]
    assert older[-1] == timedelta(days=400)
    days = {(now - timedelta(hours=hour)).date() for hour in range(24 * 7, 24 * 10)}
    assert len(older) == len(days), "one of each day before the hourly ones, and of last year"


def test_the_job_takes_one_and_has_it_judged(settings: Settings, database: Database) -> None:
    plant(database)
    background = Background(settings, database)
    job = background.run_now(SNAPSHOT)
    assert job.state is State.DONE
    assert database.raw["infra_metrics"].count_documents({}) == 1
    found: list[dict[str, Any]] = list(database.raw["infra_alerts"].find())
    assert {each["site"] for each in found if each["measure"] == "damaged"} == {"blog", "default"}
    assert job.result is not None
    assert job.result["opened"] == len(found)
    database.raw["assets"].update_many({}, {"$unset": {"damaged": ""}})
    result = background.run_now(SNAPSHOT).result
    assert result is not None
    assert result["recovered"] == 2


def test_it_is_due_every_hour_whoever_asks(settings: Settings, database: Database) -> None:
    for _ in range(2):
        Background(settings, database)._prepare()
    (job,) = database.raw["jobs"].find({"kind": SNAPSHOT})
    assert (job["_id"], job["every_seconds"]) == (SNAPSHOT, 3600)
