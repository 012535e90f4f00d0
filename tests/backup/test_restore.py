"""What was backed up comes back as it was, and nothing starts over half of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import bson
import pytest

from avenue.accounts.account_emails import MAIL
from avenue.app.background import Background
from avenue.app.walks import SWEEP
from avenue.backup.errors import BackupDamaged
from avenue.backup.restore import Restoration, Restored
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.health.checks.fsck import FSCK
from avenue.health.facts.certificates import CERTIFICATES
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.media.announcing.models import PURGES, WEBHOOKS
from avenue.storage.connection import META, Database
from avenue.storage.copying import writing
from avenue.storage.copying.reading import LEFT_OUT
from avenue.storage.copying.renaming import Renaming
from avenue.storage.copying.writing import Destination, FileToPut, NotEmpty
from avenue.storage.indexes import missing_indexes
from avenue.storage.schema import HalfRestored, NewerDatabase, Standing, look
from tests.backup.deployment import Deployment
from tests.http.application import OTHER_SITE
from tests.receiver import receiving
from tests.smtp import mail_server

AGE = timedelta(days=40)
SENDS_OR_REMOVES = {SWEEP, MAIL, WEBHOOKS, PURGES}


def restore(
    shop: Deployment, into: Database, renaming: Renaming | None = None, **more: Any
) -> Restored:
    renaming = renaming or Renaming()
    repository = shop.repository
    work = Restoration(repository, into)
    keeps = more.pop("keeps_tokens", False)
    return work.run(repository.manifest(**more), renaming, keeps_tokens=keeps)


def everything(database: Database) -> dict[str, list[bytes]]:
    left_out = LEFT_OUT - {"product_images.chunks"} | {META}
    names = set(database.raw.list_collection_names()) - left_out
    found = {name: database.raw[name].find({}, _but_ids(name)).sort("_id", 1) for name in names}
    return {name: [bson.encode(each) for each in docs] for name, docs in found.items() if docs}


def _but_ids(name: str) -> dict[str, int]:
    return {"_id": 0} if name.endswith(".chunks") else {}


def contents(database: Database) -> dict[str, list[bytes]]:
    return {name: sorted(docs) for name, docs in everything(database).items() if docs}


def check_all(database: Database) -> Any:
    """What a check of every stored byte finds."""
    settings = Settings(local=True, public_base_url="https://shop.example")
    job = Background(settings, database).run_now(FSCK)
    assert job.error is None
    return list(database.raw["fsck_findings"].find())


class Killed(Exception):
    """The process was killed."""


def killed_after(steps: int) -> Any:
    def tell(_: Any) -> None:
        nonlocal steps
        steps -= 1
        if not steps:
            raise Killed

    return tell


def test_everything_comes_back_as_it_was_although_a_restore_is_killed(
    shop: Deployment, empty: Database
) -> None:
    shop.fill(36)
    shop.raw["guests"].insert_one({"_id": 1})
    shop.raw["guests"].create_index("name")
    before = contents(shop.database)
    first = shop.create()
    shop.raw["shop_products"].delete_many({})
    shop.create()
    # What another order has left there goes.
    empty.raw[META].insert_one({"_id": "restore", "order": {"snapshot": "x"}})
    empty.raw["product_images.files"].insert_one({"_id": "default/left"})
    for steps in (1, 2, 3):
        work = Restoration(shop.repository, empty, killed_after(steps))
        with pytest.raises(Killed):
            work.run(shop.repository.manifest(first.id), Renaming(), keeps_tokens=False)
        with pytest.raises(HalfRestored):
            look(empty)
    assert restore(shop, empty, snapshot_id=first.id).findings == ()
    assert contents(empty) == before
    assert look(empty) is Standing.READY
    assert missing_indexes(empty) == []
    assert "name_1" in empty.raw["guests"].index_information()
    assert check_all(empty) == []
    with pytest.raises(NotEmpty):
        restore(shop, empty, snapshot_id=first.id)


@pytest.mark.long
def test_what_the_repository_lost_is_told_and_the_rest_comes_back(
    shop: Deployment, empty: Database
) -> None:
    shop.fill(36)
    shop.create()
    gone, large = shop.objects()[0], max(shop.objects(), key=lambda each: each.stat().st_size)
    gone.unlink()
    large.write_bytes(large.read_bytes()[:-1] + b"!")
    restored = restore(shop, empty)
    assert {each.kind.value for each in restored.findings} == {"missing", "wrong_hash"}
    found = {each["kind"] for each in check_all(empty)}
    assert found == {"chunk_missing"}


def test_chunks_that_an_election_loses_are_written_again(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "BATCH_BYTES", 1)  # each chunk is written at once
    to, chunks = Destination(empty, Renaming()), empty.raw["product_images.chunks"]

    def pieces() -> Iterator[bytes]:
        chunks.delete_many({"files_id": "a", "n": 1})
        yield b"xyz"

    to.begin({})
    first = FileToPut(document={"_id": "a", "chunkSize": 2}, pieces=lambda: iter([b"abcd"]))
    last = FileToPut(document={"_id": "b", "chunkSize": 2}, pieces=pieces)
    to.put_files("product_images", [first, last])
    found = chunks.find().sort([("files_id", 1), ("n", 1)])
    assert [each["data"] for each in found] == [b"ab", b"cd", b"xy", b"z"]
    assert empty.raw["product_images.files"].count_documents({}) == 2


def test_damaged_records_are_not_begun_with(shop: Deployment, empty: Database) -> None:
    shop.fill(4)
    manifest = shop.create()
    part = shop.folder / "snapshots" / manifest.id / "records" / "assets.bson.gz"
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(BackupDamaged):
        restore(shop, empty)
    assert look(empty) is Standing.EMPTY
    assert empty.raw.list_collection_names() == []


def test_a_backup_of_a_newer_schema_is_refused(
    shop: Deployment, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.create()
    monkeypatch.setattr("avenue.backup.restore.STEPS", ())
    with pytest.raises(NewerDatabase):
        restore(shop, empty)


def a_person(person_id: str, roles: dict[str, str]) -> dict[str, Any]:
    return {
        "_id": person_id,
        "email": f"{person_id}@b.example",
        "name": "A",
        "password_hash": "x",
        "roles": roles,
        "superuser": not roles,
        "disabled": False,
        "session_epoch": 3,
        "token_epoch": 3,
        "created_at": utc_now(),
    }


def aged(shop: Deployment) -> dict[str, Any]:
    """Things that time destroys, or that are sent, as they were 40 days ago."""
    store, raw, now = shop.fill(8), shop.raw, utc_now() - AGE
    trashed, temporary, kept = store.assets[:3]
    at = {"state": "trash", "trash": {"at": now - timedelta(days=3)}}
    raw["assets"].update_one({"_id": trashed}, {"$set": at})
    soon = {"claim": None, "expires_at": now + timedelta(hours=5), "temporary": True}
    raw["assets"].update_one({"_id": temporary}, {"$set": soon})
    raw["assets"].update_one(
        {"_id": kept}, {"$set": {"purges": [{"id": "p", "at": now, "versions": []}]}}
    )
    event = {
        "site": "default",
        "kind": "asset.deleted",
        "attempts": 0,
        "created_at": now,
        "due_at": now,
        "give_up_at": now + timedelta(days=1),
    }
    for name in ("notifications", "webhook_events"):  # the second is of versions before 5
        raw[name].insert_one({"_id": "e", "state": "pending", **event})
    raw["link_keys"].insert_one(
        {
            "_id": "default",
            "site": "default",
            "made": 1,
            "keys": [{"id": "1", "salt": b"x", "made_at": now}],
        }
    )
    raw["users"].insert_one(a_person("u" * 22, {}))
    raw["api_tokens"].insert_one(
        {
            "_id": "t" * 22,
            "user": "u" * 22,
            "site": "default",
            "name": "",
            "scopes": [],
            "epoch": 3,
            "secret_sha256": "x",
            "created_at": now,
            "expires_at": utc_now() + AGE,
        }
    )
    raw["audit_logs"].insert_one(
        {
            "_id": "a",
            "site": "default",
            "at": now,
            "action": "x",
            "about": [],
            "expires_at": now + timedelta(days=10),
        }
    )
    for name, days in (("missed", 1), ("to come", 80)):
        raw["page_content"].insert_one(
            {"_id": name, "site": "default", "publish_at": now + timedelta(days=days)}
        )
    JobService(MongoJobStore(shop.database)).enqueue("mail", {"kind": "x"})
    return {"trashed": trashed, "temporary": temporary, "kept": kept}


def old_manifest(shop: Deployment) -> Any:
    """A snapshot that says it was taken 40 days ago."""
    manifest = shop.create()
    (share,) = manifest.shares
    manifest = replace(manifest, shares=(replace(share, at=share.at - AGE),))
    shop.repository.complete(manifest)
    return manifest


def opens_something(database: Database) -> tuple[bool, bool, int, int]:
    """Whether sessions and tokens of `aged` are good; how many tokens and link keys are left."""
    user, ring = database.raw["users"].find_one(), database.raw["link_keys"].find_one()
    assert user is not None
    assert ring is not None
    tokens = database.raw["api_tokens"].count_documents({})
    return user["session_epoch"] == 3, user["token_epoch"] == 3, tokens, len(ring["keys"])


def an_hour_passes(database: Database) -> None:
    """Let all that is stored be an hour older, which to everybody is the same."""

    def older(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: older(each) for name, each in value.items()}
        if isinstance(value, list):
            return [older(each) for each in value]
        return value - timedelta(hours=1) if isinstance(value, datetime) else value

    for name in database.raw.list_collection_names():
        for each in [] if name.endswith(".chunks") else list(database.raw[name].find()):
            if (now := older(each)) != each:
                database.raw[name].replace_one({"_id": each["_id"]}, now)


def periodic(background: Background, database: Database) -> list[str]:
    """The kinds of job that run by themselves, but for the one that asks hosts outside."""
    background._prepare()
    by_themselves = database.raw["jobs"].distinct("kind", {"every_seconds": {"$ne": None}})
    return [each for each in by_themselves if each != CERTIFICATES]


@pytest.mark.parametrize("all_of_it", [False, pytest.param(True, marks=pytest.mark.long)])
def test_an_old_snapshot_is_as_it_was_after_an_hour_of_work_but_opens_and_sends_nothing(
    shop: Deployment, empty: Database, all_of_it: bool
) -> None:
    ids = aged(shop)
    old_manifest(shop)
    restore(shop, empty)
    names = ("assets", "product_images.files", "product_images.chunks", "shop_products")
    before = {name: empty.raw[name].distinct("_id") for name in names}
    with receiving() as inbox, mail_server() as emails:
        settings = Settings(
            local=True,
            public_base_url="https://shop.example",
            smtp_url=emails.url,
            mail_from="shop@shop.example",
            webhook_url=inbox.url,
            webhook_secret="whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk",
            purge_url=inbox.url,
            purge_secret="not-a-row-3Xq8vLm2Zt7Rw9Kc5Yh1Bn6",
        )
        background = Background(settings, empty)
        an_hour_passes(empty)
        kinds = periodic(background, empty)
        assert set(kinds) > SENDS_OR_REMOVES
        for kind in kinds if all_of_it else SENDS_OR_REMOVES:
            assert background.run_now(kind).error is None
        assert inbox.all() == []
        assert emails.emails.empty()
    assert {name: empty.raw[name].distinct("_id") for name in names} == before
    trashed = empty.raw["assets"].find_one({"_id": ids["trashed"]})
    temporary = empty.raw["assets"].find_one({"_id": ids["temporary"]})
    assert trashed is not None
    assert temporary is not None
    assert trashed["state"] == "trash"
    assert (utc_now() - trashed["trash"]["at"]).days == 3
    assert timedelta(hours=3) < temporary["expires_at"] - utc_now() < timedelta(hours=5)
    assert empty.raw["notifications"].count_documents({}) == 0
    assert empty.raw["webhook_events"].count_documents({}) == 0
    assert empty.raw["assets"].count_documents({"purges": {"$exists": True}}) == 0
    mail = empty.raw["jobs"].find_one({"kind": "mail", "args.kind": "x"})
    assert mail is not None
    assert mail["state"] == "cancelled"
    pages = {each["_id"]: "publish_at" in each for each in empty.raw["page_content"].find()}
    assert (pages["missed"], pages["to come"]) == (False, True)
    audit = empty.raw["audit_logs"].find_one({"_id": "a"})
    assert audit is not None
    assert (audit["expires_at"] - utc_now()).days in {9, 10}
    assert opens_something(empty) == (False, False, 0, 0)


def test_the_command_brings_one_site_of_the_newest_snapshot_back_under_another_id_and_host(
    shop: Deployment, database_uri: str, empty: Database
) -> None:
    shop.fill(44)
    hosts = {"hosts": ["old.example"], "base_url": "https://old.example", "name": "Other"}
    shop.raw["sites"].update_one({"_id": OTHER_SITE}, {"$set": hosts}, upsert=True)
    shop.raw["users"].insert_many(
        [
            a_person("a", {OTHER_SITE: "admin", "default": "ops"}),
            a_person("b", {"default": "ops"}),
        ]
    )
    shop.create()
    newest = shop.create()
    order = f"--site {OTHER_SITE} --as new --host old.example=new.example --keep-tokens"
    told = shop.run("restore", "--from", shop.folder, *order.split(), uri=database_uri)
    assert (told["snapshot"], told["findings"]) == (newest.id, [])
    raw = empty.raw
    assert told["files"] == shop.raw["assets"].count_documents({"site": OTHER_SITE}) > 0
    assert raw["assets"].distinct("site") == ["new"]
    assert {each["_id"].partition("/")[0] for each in raw["product_images.files"].find()} == {"new"}
    assert raw["product_images.files"].distinct("metadata.site") == ["new"]
    site = raw["sites"].find_one({"_id": "new"})
    assert site is not None
    assert (site["hosts"], site["base_url"]) == (["new.example"], "https://new.example")
    (user,) = raw["users"].find()
    assert user["roles"] == {"new": "admin"}
    assert (user["session_epoch"], user["token_epoch"]) == (3, 3), "tokens are kept"
    assert check_all(empty) == []
    again = shop.run("restore", "--from", shop.folder, code=2, uri=database_uri)
    assert "not empty" in again


@pytest.mark.long
def test_what_opens_something_stays_good_where_that_is_wanted(
    shop: Deployment, empty: Database
) -> None:
    aged(shop)
    shop.create()
    restore(shop, empty, keeps_tokens=True)
    assert opens_something(empty) == (True, True, 1, 1)
