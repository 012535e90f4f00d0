"""What looks at everything, counts it or takes it along does so on each of two clusters."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.clock import utc_now
from avenue.health.checks.fsck import FSCK
from avenue.health.history.snapshots.service import SNAPSHOT
from avenue.health.models import Measure
from avenue.health.rules.measures import readings
from avenue.identity import DEFAULT_SITE, command_actor
from avenue.moves.service import as_operator
from avenue.storage.holders import COUNT_QUOTAS, Holder
from avenue.storage.schema import STEPS, migrate
from avenue.storage.sites import Sites
from tests.commands import Commands
from tests.http.application import OTHER_SITE, Application, Caller, a_picture
from tests.http.test_moves import superuser
from tests.mongod import Mongod, database_name


@pytest.fixture(scope="module")
def both(mongod: Mongod, second: Mongod) -> Iterator[Application]:
    uris = (f"c2={second.uri_of(database_name())}",)
    with Application(mongod, cluster_uris=uris, cache_mb=0) as application:
        migrate(application.database)
        application.raw["sites"].update_one({"_id": OTHER_SITE}, {"$set": {"cluster": "c2"}})
        for who in ("admin", "admin_on_other_site"):
            application.caller(who).a_product(a_picture())
        yield application


@pytest.fixture
def there(both: Application) -> Caller:
    return both.caller("admin_on_other_site")


@pytest.fixture
def c2(both: Application, second: Mongod) -> Any:
    return second.client[both.database.clusters["c2"].raw.name]


def run(application: Application, kind: str, **args: Any) -> dict[str, Any]:
    application.forget_jobs()
    job = Background(application.settings, application.database).run_now(kind, args=args)
    assert job.error is None
    return dict(job.result or {})


def told(application: Application, commands: Commands, *arguments: str, code: int = 0) -> Any:
    env = {**application.settings.as_env(), "PATH": os.environ["PATH"]}
    done = commands.run(*arguments, "--json", env=env)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_fsck_finds_what_belongs_to_no_site_on_each_cluster_and_mends_it_there(
    both: Application, c2: Any
) -> None:
    old = ObjectId.from_datetime(utc_now().replace(year=2020))
    for raw, name in ((both.raw, "here"), (c2, "there")):
        chunk = {"_id": old, "files_id": f"{name}/{'x' * 22}", "n": 0, "data": b"x"}
        raw["uploads.chunks"].insert_one(chunk)
        raw["uploads.files"].insert_one({"_id": f"{name}/file", "length": 0})
    # What a move has left of a site is told of nobody.
    left = {"_id": ObjectId(), "files_id": f"{OTHER_SITE}/{'y' * 22}", "n": 0, "data": b"x"}
    both.raw["uploads.chunks"].insert_one(left)
    counts = run(both, FSCK, repair=True)
    kinds = sorted(each["kind"] for each in both.raw["fsck_findings"].find())
    assert (counts["found"], counts["mended"]) == (4, 2), kinds
    found = {each["subject"]: each["detail"] for each in both.raw["fsck_findings"].find()}
    assert found["there/file"].endswith("on the cluster c2.")
    assert "cluster" not in found["here/file"]
    for raw in (both.raw, c2):
        assert raw["uploads.chunks"].count_documents({"_id": old}) == 0
        raw["uploads.files"].delete_many({"_id": {"$regex": "/file$"}})
    assert run(both, FSCK)["found"] == 0


def test_the_doctor_and_migrate_look_at_each_cluster(
    both: Application, c2: Any, commands: Commands
) -> None:
    (name,) = [each for each in c2["media_folders"].index_information() if each != "_id_"][:1]
    c2["media_folders"].drop_index(name)
    both.raw["sites"].insert_one({"_id": "lost", "hosts": ["lost.example"], "cluster": "c9"})
    report = told(both, commands, "doctor", code=1)
    both.raw["sites"].delete_one({"_id": "lost"})
    checks = {each["check"]: each["findings"] for each in report["checks"]}
    assert f"c2: media_folders.{name}" in [each["place"] for each in checks["indexes"]]
    assert not [each for each in checks["indexes"] if "c2: jobs" in each["place"]]
    assert [each["place"] for each in checks["members"] if each["place"].startswith("c2: ")]
    assert [each["place"] for each in checks["clusters"]] == ["c9"]
    c2["avenue_meta"].update_one({"_id": "schema"}, {"$set": {"version": len(STEPS) - 1}})
    assert migrate(both.database)[0].startswith("c2: ")
    assert name in c2["media_folders"].index_information()


def test_figures_are_of_all_clusters(both: Application, there: Caller) -> None:
    run(both, SNAPSHOT)
    known = Sites(both.database, both.settings)
    newest = Services(both.settings, both.database).snapshots.kept.newest()
    assert newest is not None
    (beside,) = newest.clusters
    assert (beside.name, newest.missing) == ("c2", ())
    assert {each.site for each in newest.stored if each.files} == {DEFAULT_SITE, OTHER_SITE}
    assert beside.data_bytes
    assert beside.disk_total_bytes
    nearly_full = replace(beside, disk_used_bytes=96, disk_total_bytes=100)
    fuller = replace(newest, clusters=(nearly_full,))
    values = {each.measure: each.value for each in readings(fuller, ())}
    assert values[Measure.DISK] == 96
    unknown = replace(newest, clusters=(), missing=("clusters",))
    still_open = {each.measure for each in readings(unknown, [(Measure.DISK, None)])}
    assert Measure.DISK not in still_open

    operator = as_operator(command_actor(known.named(DEFAULT_SITE)))
    report = Services(both.settings, both.database).capacity.report(operator)
    assert [each.cluster for each in report.forecasts if each.site is None] == ["home", "c2"]
    assert report.storing is not None
    assert report.storing.disk_total_bytes == newest.together("disk_total_bytes")
    assert there.get("/api/shop/debug/storage-status").json["verdict"]
    state = superuser(both).get("/api/ops/state").json
    assert {"disk", "oplog", "members"} <= {each["key"] for each in state["components"]}


def test_quotas_are_counted_where_a_site_is(both: Application, there: Caller, c2: Any) -> None:
    holder = Holder(site=OTHER_SITE)
    both.raw["sites"].update_one(
        {"_id": OTHER_SITE}, {"$set": {"quotas": {"files": 1000, "bytes": 10**9}}}
    )
    # One that knows of no site yet: others go by what they knew, for a second.
    fresh = replace(there, app=both.with_settings())
    assert fresh.upload("/api/uploads", a_picture()).status_code == 201
    c2["quotas"].update_one({"_id": OTHER_SITE}, {"$set": {"files": 999, "bytes": 5}})
    run(both, COUNT_QUOTAS)
    use = Services(both.settings, both.database).ledger.used_lately(holder)
    stored = c2["assets"].count_documents({"site": OTHER_SITE})
    assert (use.files, stored >= 2) == (stored, True)
    assert c2["quotas"].find_one({"_id": OTHER_SITE})["files"] == stored
    assert both.raw["quotas"].count_documents({"site": OTHER_SITE}) == 0
    # Processes that know of the quota for less than a second would not count their uploads.
    both.raw["sites"].update_one({"_id": OTHER_SITE}, {"$unset": {"quotas": ""}})
    c2["quotas"].delete_one({"_id": OTHER_SITE})


def test_a_site_is_exported_from_one_cluster_and_imported_on_another(
    both: Application, there: Caller, c2: Any, commands: Commands, tmp_path: Path
) -> None:
    upload = there.upload("/api/uploads", a_picture()).json
    out = str(tmp_path / "out")
    assert told(both, commands, "export", out, "--site", OTHER_SITE, "--private")["files"] >= 2
    told(both, commands, "import", out, "--site", DEFAULT_SITE)
    digest = c2["assets"].find_one({"_id": upload["id"]})["versions"][0]["sha256"]
    here = both.raw["assets"].find_one({"site": DEFAULT_SITE, "versions.sha256": digest})
    assert here is not None
    assert both.raw["assets"].count_documents({"site": OTHER_SITE}) == 0
