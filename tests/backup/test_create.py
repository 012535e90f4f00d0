"""A snapshot holds everything as it was at one time, and objects are written once."""

import errno
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO

import pytest

from avenue.backup.errors import (
    BackupRuns,
    ManifestTooLarge,
    NewerRepository,
    NotARepository,
    OtherInstallation,
    TargetFull,
    TargetUnreachable,
)
from avenue.backup.models import Kind
from avenue.backup.repository import Repository
from avenue.backup.targets import directory
from avenue.backup.targets.directory import DirectoryTarget
from avenue.clock import utc_now
from avenue.errors import AvenueError
from avenue.identity import new_id
from avenue.storage.connection import INSTALLATION, META
from avenue.storage.copying.reading import (
    LEFT_OUT,
    SNAPSHOT_TOO_OLD,
    CollectionsChanged,
    HistoryTooShort,
    HomeSource,
)
from avenue.storage.gridfs import BACKUP
from avenue.storage.leases import Lease, Leases
from avenue.storage.scope import deployment as whole_deployment
from tests.backup.deployment import Deployment
from tests.health.planting import FILES
from tests.mongod import Mongod, fail_point

LESS = ("drop", "create")
"""What also changes collections, and is told by the same look at them."""


def test_all_records_and_objects_are_there_and_the_second_backup_writes_what_is_new(
    shop: Deployment,
) -> None:
    store = shop.fill(33)
    first = shop.create()
    names = {each.name for each in first.shares[0].collections}
    assert names == set(shop.raw.list_collection_names()) - LEFT_OUT
    for name in names:
        assert shop.records_in(first, name) == shop.records(name)
    digests = set(shop.raw["assets"].distinct("versions.sha256"))
    assert {each.name for each in shop.objects()} == digests
    assert (first.files, first.objects.count, first.objects.new) == (36, 36, 36)
    (hashed,) = first.shares[0].hashed
    assert hashed.file == store.files[store.assets[-1]]
    shop.add_picture(store)
    second = shop.create()
    assert (second.previous, second.objects.count, second.objects.new) == (first.id, 37, 1)
    assert second.objects.new_size == sum(
        each.stat().st_size for each in shop.objects() if each.name not in digests
    )
    assert shop.found() == set()
    assert not list((shop.folder / "drafts").iterdir())


def test_what_changes_meanwhile_is_not_in_it(shop: Deployment) -> None:
    shop.fill()
    with HomeSource(shop.database).moment() as moment:
        before = b"".join(moment.records("assets"))
        shop.raw["assets"].delete_many({})
        shop.raw["shop_products"].update_many({}, {"$set": {"name": "Changed"}})
        assert b"".join(moment.records("assets")) == before
        assert b"Changed" not in b"".join(moment.records("shop_products"))


@pytest.mark.parametrize(
    "change", ["rename", *(pytest.param(each, marks=pytest.mark.long) for each in LESS)]
)
def test_collections_that_come_and_go_are_noticed(shop: Deployment, change: str) -> None:
    """A snapshot read of a renamed collection returns nothing and no error."""
    shop.raw["visitors"].drop()
    shop.raw["guests"].insert_one({"_id": 1})

    def read_all() -> None:
        with HomeSource(shop.database).moment() as moment:
            if change == "rename":
                shop.raw["guests"].rename("visitors")
            elif change == "drop":
                shop.raw["guests"].drop()
            else:
                shop.raw["visitors"].insert_one({"_id": 1})
            for each in moment.collections:
                list(moment.records(each.name))

    with pytest.raises(CollectionsChanged):
        read_all()


def test_records_older_than_the_history_that_is_kept_are_no_backup(
    shop: Deployment, mongod: Mongod
) -> None:
    shop.fill(1)
    products = f"{shop.raw.name}.shop_products"
    with (
        fail_point(mongod.client, ["find"], None, SNAPSHOT_TOO_OLD, namespace=products),
        pytest.raises(HistoryTooShort),
    ):
        shop.create()
    assert [each.is_complete for each in shop.repository.snapshots()] == [False]


def test_a_manifest_that_could_not_be_read_is_not_written(
    shop: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shop.create()
    monkeypatch.setattr("avenue.backup.repository.MOST_JSON_BYTES", 1000)
    with pytest.raises(ManifestTooLarge):
        shop.create()
    monkeypatch.undo()
    assert [each.is_complete for each in shop.repository.snapshots()] == [True, False]
    assert shop.repository.manifest().id == first.id


def test_the_newest_snapshot_is_the_newest_although_the_clock_went_back(
    shop: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shop.create()
    yesterday = utc_now() - timedelta(days=1)
    monkeypatch.setattr("avenue.backup.repository.utc_now", lambda: yesterday)
    monkeypatch.setattr("avenue.backup.create.utc_now", lambda: yesterday)
    second = shop.create()
    assert second.finished_at < first.finished_at
    assert second.previous == first.id
    assert shop.repository.manifest().id == second.id
    assert [each.id for each in shop.repository.newest(2)] == [second.id, first.id]


def test_damaged_files_are_findings_and_the_rest_is_good(shop: Deployment) -> None:
    store = shop.fill()
    flipped, gone = store.assets[0], store.assets[1]
    store.flip_bit(flipped)
    shop.raw["product_images.chunks"].delete_many({"files_id": {"$regex": store.files[gone]}})
    manifest = shop.create()
    found = {(each.kind, each.what.partition("/")[2]) for each in manifest.findings}
    assert found == {
        (Kind.WRONG_HASH, store.files[flipped]),
        (Kind.INCOMPLETE, store.files[gone]),
    }
    assert manifest.objects.count == len(store.assets) - 2
    assert shop.found() == set()


def test_no_bytes_are_deleted_while_the_lease_is_held(shop: Deployment) -> None:
    shop.fill()
    file_id = shop.raw[FILES].find_one()["_id"]
    files = whole_deployment(shop.database).files("product_images")
    with Leases(shop.database, seconds=2).taken(BACKUP, "a test") as lease:
        assert isinstance(lease, Lease)
        files.delete(file_id)
        assert files.find(file_id) is not None
        assert shop.raw["product_images.chunks"].count_documents({"files_id": file_id})
        with pytest.raises(BackupRuns):
            shop.create()
    files.delete(file_id)
    assert files.find(file_id) is None


def test_a_lease_whose_holder_was_killed_is_over_after_its_time(shop: Deployment) -> None:
    short = Leases(shop.database, seconds=0.3)
    assert short._take(BACKUP, "killed", new_id()) is None
    with Leases(shop.database).taken(BACKUP, "next", waits=True) as lease:
        assert isinstance(lease, Lease)


def test_every_kind_of_damage_is_named(shop: Deployment) -> None:
    shop.fill(8)
    manifest = shop.create()
    flipped, short, gone, one, other, *_ = shop.objects()
    text = bytearray(flipped.read_bytes())
    text[10] ^= 1
    flipped.write_bytes(text)
    short.write_bytes(short.read_bytes()[:-1])
    gone.unlink()
    swapped = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(swapped)
    records = shop.folder / "snapshots" / manifest.id / "records" / "assets.bson.gz"
    records.write_bytes(records.read_bytes()[:-5])
    named = {
        path: str(path.relative_to(shop.folder)) for path in (flipped, short, gone, one, other)
    }
    found = shop.found()
    assert {what for _, what in found} == {*named.values(), str(records.relative_to(shop.folder))}
    assert ("wrong_hash", named[flipped]) in found
    assert ("missing", named[gone]) in found
    # What another backup sees by its size is written anew.
    assert shop.create().objects.new == 4
    assert {each for each in shop.found() if "objects" in each[1]} == {
        ("wrong_hash", named[flipped])
    }


def test_a_manifest_that_is_damaged_is_told_and_not_used(shop: Deployment) -> None:
    shop.fill(4)
    first, second = shop.create(), shop.create()
    manifest = shop.folder / "snapshots" / second.id / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"count": 4', '"count": 3'))
    assert shop.found() == {("unreadable", f"snapshots/{second.id}/manifest.json")}
    (shop.folder / "snapshots" / first.id / "manifest.json").unlink()
    listed = shop.run("list", "--from", shop.folder, code=1)["items"]
    assert [(each["complete"], each.get("damaged")) for each in listed] == [
        (False, False),
        (False, True),
    ]


def test_objects_written_together_are_synced_before_any_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, seen = DirectoryTarget(tmp_path / "repository"), []
    target.prepare()

    def put(sync: Callable[[Sequence[IO[bytes]]], None]) -> None:
        monkeypatch.setattr(directory, "_sync_files", sync)
        with target.drafts() as begin:
            drafts = [begin() for _ in range(3)]
            for number, draft in enumerate(drafts):
                draft.write(bytes([number]) * 100_000)
                if number < 2:
                    draft.keep(f"objects/{number}")

    def failing(files: Sequence[IO[bytes]]) -> None:
        seen.append(len(files))
        raise OSError(errno.EIO, "the disk is broken")

    sync = directory._sync_files
    with pytest.raises(TargetUnreachable):
        put(failing)
    assert (seen, list(target.list(""))) == ([2], [])
    assert list((tmp_path / "repository" / directory.DRAFTS).iterdir()) == []
    put(sync)
    assert [(each.name, each.size) for each in target.list("")] == [
        ("objects/0", 100_000),
        ("objects/1", 100_000),
    ]


def _full(shop: Deployment) -> None:
    class Full(DirectoryTarget):
        def drafts(self):  # type: ignore[no-untyped-def]
            raise TargetFull(target="it")

    shop.target = Full(shop.folder)


def _foreign(shop: Deployment) -> None:
    shop.folder.mkdir()
    (shop.folder / "letter.txt").write_text("mine")


def _newer(shop: Deployment) -> None:
    head = shop.folder / "repository.json"
    shop.create()
    body = {"format": 2, "id": "x", "installation": "x"}
    head.unlink()
    from avenue.backup.repository import _put_json

    _put_json(shop.target, "repository.json", body)


def _of_another(shop: Deployment) -> None:
    shop.create()
    shop.raw[META].update_one({"_id": INSTALLATION}, {"$set": {"id": "another"}})


def _unmounted(shop: Deployment) -> None:
    shop.target = DirectoryTarget(shop.folder / "not" / "there")


def _a_file(shop: Deployment) -> None:
    shop.folder.write_text("a file")


@pytest.mark.parametrize(
    ("prepare", "error"),
    [
        (_full, TargetFull),
        (_foreign, NotARepository),
        (_newer, NewerRepository),
        (_of_another, OtherInstallation),
        (_unmounted, TargetUnreachable),
        pytest.param(_a_file, TargetUnreachable, marks=pytest.mark.long),
    ],
)
def test_a_target_that_will_not_do_is_refused_in_a_sentence(
    shop: Deployment, prepare: object, error: type[AvenueError]
) -> None:
    assert callable(prepare)
    prepare(shop)
    with pytest.raises(error) as refused:
        shop.create()
    assert refused.value.message.endswith(".")
    assert Leases(shop.database).holder(BACKUP) is None


def test_another_installation_is_taken_over_when_told(shop: Deployment) -> None:
    _of_another(shop)
    shop.create(takes_over=True)
    assert Repository.opened(shop.target).installation == "another"


def test_the_commands_tell_by_their_exit_codes(shop: Deployment) -> None:
    store = shop.fill(4)
    made = shop.run("create", "--to", shop.folder)
    assert (made["files"], made["findings"]) == (4, [])
    listed = shop.run("list", "--from", shop.folder)
    assert [each["id"] for each in listed["items"]] == [made["id"]]
    assert shop.run("verify", "--from", shop.folder, "--read")["read"] == 4
    shop.objects()[0].unlink()
    assert len(shop.run("verify", "--from", shop.folder, code=1)["findings"]) == 1
    store.flip_bit(store.assets[0])
    os.truncate(shop.objects()[0], 0)
    assert "no backups" in shop.run("list", "--from", shop.folder / "snapshots", code=2)
    assert "no such directory" in shop.run("verify", "--from", Path("/nowhere"), code=2)
