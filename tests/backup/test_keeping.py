"""Old snapshots go with what only they needed; trials and jobs tell whether backups are good."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from avenue.app.background import Background, checked
from avenue.app.backups import drill, prune
from avenue.app.services import Services
from avenue.backup.errors import BackupLost, BackupRuns, OtherInstallation
from avenue.backup.models import Kind, Manifest
from avenue.backup.prune import Keeping
from avenue.backup.service import BACKUP, VERIFY
from avenue.backup.store import BackupStore, Deed
from avenue.clock import utc_now
from avenue.config import ConfigError, Settings
from avenue.health.history.snapshots.models import BackupAges
from avenue.health.history.snapshots.service import SNAPSHOT
from avenue.jobs.errors import Halted
from avenue.storage.connection import INSTALLATION, META
from avenue.storage.copying.drilling import DrillInTheWay
from avenue.storage.gridfs import BACKUP as LEASE
from avenue.storage.leases import Lease, Leases, Lost
from tests.backup.deployment import Deployment
from tests.health.planting import CHUNKS
from tests.table import table

ALL = Keeping(daily=7, weekly=5, monthly=12)
NEWEST = Keeping(daily=0, weekly=0, monthly=0)


def settings_of(shop: Deployment) -> Settings:
    return Settings(
        local=True,
        mongodb_uri=shop.uri,
        public_base_url="https://shop.example",
        backup_to=str(shop.folder),
        backup_keep=("1", "0", "0"),
    )


@table(
    "daily, weekly, monthly, kept",
    [
        (0, 0, 0, {0}),
        (3, 0, 0, {0, 1, 2}),
        (1, 2, 0, {0, 4}),
        (2, 2, 3, {0, 1, 4, 12, 43}),
    ],
)
def test_of_each_day_week_and_month_the_last_is_kept(daily, weekly, monthly, kept):
    """60 days, a snapshot each, on the Thursday 2026-11-12 the newest; a second one on that day."""
    newest = datetime(2026, 11, 12, 3, tzinfo=UTC)
    taken = [(f"{each}", newest - timedelta(days=each)) for each in range(60)]
    taken.insert(1, ("again", newest - timedelta(hours=1)))
    keeping = Keeping(daily=daily, weekly=weekly, monthly=monthly)
    assert {int(each) for each in keeping.kept(taken)} == kept


def older(shop: Deployment, manifest: Manifest, days: int) -> None:
    (share,) = manifest.shares
    share = replace(share, at=share.at - timedelta(days=days))
    shop.repository.complete(replace(manifest, shares=(share,)))


def test_what_only_removed_snapshots_needed_goes_with_them(shop: Deployment) -> None:
    store = shop.fill(8)
    first = shop.create()
    older(shop, first, 3)
    gone = store.assets[0]
    shop.raw["product_images.files"].delete_one({"_id": store.files[gone]})
    second = shop.create()
    keep_both = prune(shop.database, shop.repository, ALL)
    assert (keep_both.removed, keep_both.objects) == ((), 0)
    trial = prune(shop.database, shop.repository, NEWEST, is_trial=True)
    assert (trial.removed, trial.objects, len(shop.objects())) == ((first.id,), 1, 8)
    prune(shop.database, shop.repository, NEWEST)
    assert [each.id for each in shop.repository.snapshots()] == [second.id]
    assert len(shop.objects()) == 7
    assert shop.found() == set()


def test_no_object_goes_while_nobody_knows_who_needs_it(shop: Deployment) -> None:
    shop.fill(4)
    shop.create()
    second = shop.create()
    (shop.folder / "snapshots" / second.id / "manifest.json").write_text("{}")
    orphan = shop.folder / "objects" / "00" / ("0" * 64)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"x")
    pruned = prune(shop.database, shop.repository, NEWEST)
    assert [each.kind for each in pruned.findings] == [Kind.UNREADABLE]
    assert orphan.exists()


def test_nobody_prunes_beside_a_backup_or_for_others(shop: Deployment) -> None:
    shop.create()
    repository = shop.repository
    with Leases(shop.database, seconds=2).taken(LEASE, "backup create") as lease:
        assert isinstance(lease, Lease)
        with pytest.raises(BackupRuns):
            prune(shop.database, repository, ALL)
    shop.raw[META].update_one({"_id": INSTALLATION}, {"$set": {"id": "another"}})
    with pytest.raises(OtherInstallation):
        prune(shop.database, repository, ALL)


def test_no_snapshot_goes_once_the_lease_is_lost(
    shop: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [shop.create().id for _ in range(2)]
    checks = iter([None])

    def lost_at_the_second_check(_: Lease) -> None:
        if next(checks, Lost) is Lost:
            raise Lost

    monkeypatch.setattr(Lease, "check", lost_at_the_second_check)
    with pytest.raises(BackupLost):
        prune(shop.database, shop.repository, NEWEST)
    assert [each.id for each in shop.repository.snapshots()] == before


def test_a_drill_restores_checks_and_leaves_nothing(shop: Deployment) -> None:
    store = shop.fill(8)
    manifest = shop.create()
    repository, settings = shop.repository, settings_of(shop)
    name = f"{shop.raw.name}_drill"
    # What was damaged before is told, and a collection that lost records.
    store.flip_bit(store.assets[0])
    shop.raw["assets"].update_one({"_id": store.assets[1]}, {"$set": {"site": "nowhere"}})
    for each in shop.objects()[:1]:
        each.unlink()
    bad = shop.run("drill", "--from", shop.folder, code=1)
    assert (bad["snapshot"], bad["files"]) == (manifest.id, 8)
    assert {each["kind"] for each in bad["findings"]} == {Kind.MISSING, Kind.INCOMPLETE}
    assert name not in shop.database.client.list_database_names()
    assert BackupStore(shop.database).last()[Deed.DRILLED].snapshot == manifest.id
    shop.database.client[name]["mine"].insert_one({})
    with pytest.raises(DrillInTheWay):
        drill(settings, shop.database, repository, manifest, checked)
    shop.database.client.drop_database(name)


def test_the_jobs_do_the_same_and_note_it(shop: Deployment) -> None:
    shop.fill(8)
    background = Background(settings_of(shop), shop.database)
    for kind in (BACKUP, VERIFY):  # DRILL has its turn in tests/http/test_backups.py
        job = background.run_now(kind)
        assert job.error is None
        assert dict(job.result or {})["findings"] == 0
    done = BackupStore(shop.database).last()
    assert set(done) == {Deed.CREATED, Deed.VERIFIED}
    (snapshot,) = shop.repository.snapshots()
    assert {each.snapshot for each in done.values()} == {snapshot.id}
    shop.raw[CHUNKS].delete_one({})
    assert dict(background.run_now(BACKUP).result or {})["findings"] == 0  # it was there before
    before = done[Deed.CREATED]
    assert before.good_at is not None
    BackupStore(shop.database).note(Deed.CREATED, "x", 1)
    now = BackupStore(shop.database).last()[Deed.CREATED]
    assert now.good_at is not None
    assert now.at > now.good_at >= before.good_at


def test_how_long_no_backup_was_good_is_alerted(shop: Deployment) -> None:
    def hours() -> float | None:
        return Services(own, shop.database).backup_ages().backup_hours

    own, none = settings_of(shop), replace(settings_of(shop), backup_to="")
    assert Services(none, shop.database).backup_ages() == BackupAges()
    assert shop.raw["backups"].count_documents({}) == 0
    first = Services(own, shop.database).backup_ages()
    assert (first.backup_hours, first.drill_days) == (pytest.approx(0, abs=0.1),) * 2
    at = utc_now() - timedelta(hours=49)
    shop.raw["backups"].update_one({"_id": "wanted"}, {"$set": {"at": at}})
    assert hours() == pytest.approx(49, abs=0.1)
    kept = BackupStore(shop.database)
    kept.note(Deed.CREATED, "s", 1)
    assert hours() == pytest.approx(49, abs=0.1)  # not verified
    kept.note(Deed.VERIFIED, "s", 1)
    assert hours() == pytest.approx(49, abs=0.1)  # and found damaged
    job = Background(own, shop.database).run_now(SNAPSHOT)
    assert job.error is None
    (alert,) = shop.raw["infra_alerts"].find({"measure": "backup"})
    assert (alert["level"], alert["unit"], round(alert["value"])) == ("critical", "hours", 49)
    kept.note(Deed.VERIFIED, "s", 0)
    assert hours() == pytest.approx(0, abs=0.1)


def test_a_job_that_is_paused_leaves_no_snapshot_and_goes_on_with_the_files(
    shop: Deployment,
) -> None:
    shop.fill(8)

    def stop(progress: object) -> None:
        if getattr(progress, "phase", "") == "files":
            raise Halted

    with pytest.raises(Halted):
        shop.create(tell=stop)
    assert len(shop.objects()) == 8
    assert [each.is_complete for each in shop.repository.snapshots()] == [False]
    manifest = shop.create()
    assert (manifest.objects.count, manifest.objects.new) == (8, 0)
    assert [each.id for each in shop.repository.snapshots()] == [manifest.id]


def test_what_is_kept_is_told_in_three_numbers() -> None:
    with pytest.raises(ConfigError, match="AVENUE_BACKUP_KEEP"):
        Settings.from_env({"AVENUE_LOCAL": "1", "AVENUE_BACKUP_KEEP": "7,x,1"})


def test_the_command_prunes(shop: Deployment) -> None:
    shop.fill(4)
    shop.create()
    second = shop.create()
    told = shop.run("prune", "--from", shop.folder, "--daily", "1")
    assert (told["kept"], len(told["removed"]), told["dry_run"]) == ([second.id], 1, False)
