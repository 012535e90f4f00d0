"""Whose database is this? One that is not ours keeps every document, index and collection."""

from collections.abc import Iterator
from typing import Any

import pytest
from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.identity import address_key
from avenue.storage import schema
from avenue.storage.connection import Database
from avenue.storage.indexes import INDEXES, missing_indexes
from avenue.storage.schema import (
    STEPS,
    ForeignDatabase,
    Gate,
    NewerDatabase,
    NotAReplicaSet,
    NotMigrated,
    Standing,
    look,
    migrate,
)
from tests.mongod import Mongod
from tests.table import table
from tests.threads import at_once

SHOP_BEFORE = {
    "users": [{"_id": ObjectId(), "email": "ana@shop.example", "is_admin": True}] * 1,
    "shop_products": [
        {"_id": ObjectId(), "sku": "A-1", "images": ["http://localhost:8000/media/a.jpg"]},
        {"_id": ObjectId(), "sku": "A-1", "images": ["/uploads/b.jpg"]},
    ],
    "page_content": [{"_id": ObjectId(), "slug": "inicio", "html": "<p>Hola</p>"}],
    "audit_logs": [{"_id": ObjectId(), "action": "login"}],
}


def everything(database: Database) -> dict[str, Any]:
    """Every collection with its documents and indexes."""
    return {
        name: (
            list(database.raw[name].find(sort=[("_id", 1)])),
            database.raw[name].index_information(),
        )
        for name in sorted(database.raw.list_collection_names())
    }


@pytest.fixture
def foreign(bare_database: Database) -> Database:
    """A database filled like the application that came before."""
    for name, documents in SHOP_BEFORE.items():
        bare_database.raw[name].insert_many(documents)
    bare_database.raw["users"].create_index("email", name="by_email")
    return bare_database


@pytest.fixture
def standalone(standalone_mongod: Mongod) -> Iterator[Database]:
    uri = standalone_mongod.uri_of("avenue")
    database = Database(Settings(mongodb_uri=uri, local=True))
    yield database
    database.close()


@pytest.mark.parametrize("act", [look, migrate, lambda db: Gate(db).pass_or_raise()])
def test_a_database_of_another_application_is_refused_and_untouched(
    foreign: Database, act: Any
) -> None:
    before = everything(foreign)
    with pytest.raises(ForeignDatabase) as caught:
        act(foreign)
    assert everything(foreign) == before
    assert caught.value.facts["collections"] == sorted(SHOP_BEFORE)
    assert foreign.raw.name in caught.value.message


@table("name", sorted(schema.OUR_COLLECTIONS))
def test_one_document_in_a_collection_of_our_name_is_enough(
    bare_database: Database, name: str
) -> None:
    bare_database.raw[name].insert_one({})
    before = everything(bare_database)
    with pytest.raises(ForeignDatabase):
        migrate(bare_database)
    assert everything(bare_database) == before
    bare_database.raw[name].drop()


def test_every_index_belongs_to_a_collection_that_is_guarded() -> None:
    assert {index.collection for index in INDEXES} <= schema.OUR_COLLECTIONS


def test_looking_at_an_empty_database_makes_nothing(bare_database: Database) -> None:
    assert look(bare_database) is Standing.EMPTY
    with pytest.raises(NotMigrated):
        Gate(bare_database).pass_or_raise()
    assert everything(bare_database) == {}


def test_migrating_makes_an_empty_database_ready(bare_database: Database) -> None:
    """Collections of other names and empty ones do not matter; a good answer is remembered."""
    bare_database.raw["invoices"].insert_one({"_id": 1})
    bare_database.raw.create_collection("users")
    assert look(bare_database) is Standing.EMPTY
    gate = Gate(bare_database)
    with pytest.raises(NotMigrated):
        gate.pass_or_raise()
    done = migrate(bare_database)
    assert [each.partition(":")[0] for each in done] == ["1", "2", "3", "4", "5", "6", "7", "8"]
    assert look(bare_database) is Standing.READY
    assert missing_indexes(bare_database) == []
    assert bare_database.raw["avenue_meta"].find_one() == {"_id": "schema", "version": 8}
    assert bare_database.raw["sites"].count_documents({"_id": "default"}) == 1
    assert list(bare_database.raw["invoices"].find()) == [{"_id": 1}]
    gate.pass_or_raise()
    bare_database.close()
    gate.pass_or_raise()


def test_migrating_again_does_nothing(database: Database) -> None:
    database.raw["sites"].update_one({"_id": "default"}, {"$set": {"name": "Ours"}})
    before = everything(database)
    assert migrate(database) == []
    assert everything(database) == before


def test_migrations_that_meet_end_as_one(mongod: Mongod, bare_database: Database) -> None:
    at_once(2, lambda _: migrate(bare_database))
    assert missing_indexes(bare_database) == []
    assert bare_database.raw["sites"].count_documents({}) == 1
    assert bare_database.raw["avenue_meta"].count_documents({}) == 1


def test_a_migration_that_was_killed_is_gone_on_with(bare_database: Database) -> None:
    bare_database.raw["avenue_meta"].insert_one({"_id": "schema", "version": 0})
    assert look(bare_database) is Standing.OLDER
    with pytest.raises(NotMigrated):
        Gate(bare_database).pass_or_raise()
    assert migrate(bare_database)
    assert missing_indexes(bare_database) == []


def test_group_names_that_no_group_stands_behind_are_forgotten(database: Database) -> None:
    raw = database.raw
    raw["shop_products_grouped"].insert_one({"_id": "g", "site": "default"})
    groups = {"named": "verano", "grouped": "g", "single": None}
    for name, group in groups.items():
        raw["shop_products"].insert_one({"_id": name, **({"group": group} if group else {})})
    raw["avenue_meta"].update_one({}, {"$set": {"version": 1}})
    assert migrate(database)[0] == (
        "2: Delete group names without a group: a product's group is one with an id."
    )
    found = {each["_id"]: each.get("group") for each in raw["shop_products"].find()}
    assert found == {"named": None, "grouped": "g", "single": None}


def test_files_that_were_in_the_library_before_lists_are_found(database: Database) -> None:
    assets = database.raw["assets"]
    version = {"bytes": 7, "media_type": "image/png"}
    old = {"site": "default", "versions": [version], "alt": {"es": "Río"}, "name": "Ñandú.png"}
    buckets = {f"library-{n}": "builder_media" for n in range(schema.LISTED_AT_ONCE + 1)}
    buckets["product"] = "product_images"
    assets.insert_many([{**old, "_id": name, "bucket": each} for name, each in buckets.items()])
    database.raw["avenue_meta"].update_one({}, {"$set": {"version": 2}})
    assert migrate(database)[0] == ("3: Set the search and sort fields of media library files.")
    words, listed = ["nandu", "png", "rio"], {"name": "nandu.png", **version}
    assert assets.count_documents({"words": words, "listed": listed}) == len(buckets) - 1
    assert "words" not in assets.find_one({"_id": "product"})


def test_people_from_before_are_found_by_their_sites(database: Database) -> None:
    users = database.raw["users"]
    roles = {"two": {"b": "seller", "a": "admin"}, "none": {}, "damaged": 7}
    people = {name: {"email": f"{name}@a.example", "roles": each} for name, each in roles.items()}
    users.insert_many([{"_id": name, **each} for name, each in people.items()])
    database.raw["avenue_meta"].update_one({}, {"$set": {"version": 3}})
    assert migrate(database)[:1] == ["4: Store the sites where people have a role as a list."]
    found = {each["_id"]: sorted(each["sites"]) for each in users.find()}
    assert found == {"two": ["a", "b"], "none": [], "damaged": []}


def test_indexes_that_earlier_versions_needed_go(database: Database) -> None:
    database.raw["renditions"].create_index([("site", 1), ("bytes", 1)])
    database.raw["avenue_meta"].update_one({}, {"$set": {"version": 4}})
    assert migrate(database)[0] == "5: Drop indexes that no query needs any more."
    assert "site_1_bytes_1" not in database.raw["renditions"].index_information()


def test_messages_of_two_sites_may_have_the_same_key(database: Database) -> None:
    messages = database.raw["notifications"]
    messages.create_index("open_key", unique=True, sparse=True)
    former = {"purges.at_1", "expiry_notice_1"}
    for each in former:
        database.raw["assets"].create_index(each.removesuffix("_1"))
    database.raw["avenue_meta"].update_one({}, {"$set": {"version": 7}})
    assert migrate(database) == ["8: Allow messages of two sites to have the same key."]
    assert not former & database.raw["assets"].index_information().keys()
    messages.insert_many([{"site": each, "open_key": "k"} for each in ("a", "b")])
    with pytest.raises(DuplicateKeyError):
        messages.insert_one({"site": "a", "open_key": "k"})


def test_a_database_of_a_newer_version_is_refused_and_untouched(database: Database) -> None:
    database.raw["avenue_meta"].update_one({}, {"$inc": {"version": 1}})
    database.raw["shop_products"].drop_indexes()
    before = everything(database)
    for act in (look, migrate):
        with pytest.raises(NewerDatabase):
            act(database)
    assert everything(database) == before


@pytest.mark.parametrize("act", [look, migrate])
def test_a_standalone_is_refused_with_the_line_that_helps(standalone: Database, act: Any) -> None:
    with pytest.raises(NotAReplicaSet) as caught:
        act(standalone)
    assert "rs.initiate({_id:" in caught.value.hint
    assert "--replSet" in caught.value.hint
    assert standalone.raw.list_collection_names() == []


def test_an_index_that_is_missing_is_named_and_made_again(database: Database) -> None:
    """One of a bucket, one of a site's collection, and all of one that was dropped."""
    first = {
        name: next(index for index in INDEXES if index.collection == name)
        for name in ("shop_products", "uploads.chunks")
    }
    for name, index in first.items():
        database.raw[name].drop_index(index.name)
    database.raw["jobs"].drop()
    assert missing_indexes(database) == [
        f"{index.collection}.{index.name}"
        for index in INDEXES
        if index.collection == "jobs" or index in first.values()
    ]
    migrate(database)
    assert missing_indexes(database) == []


@pytest.mark.long
@table(
    "index", [index for index in INDEXES if index.collection in {"shop_products", "uploads.chunks"}]
)
def test_each_index_that_is_missing_is_named(database: Database, index: Any) -> None:
    database.raw[index.collection].drop_index(index.name)
    assert missing_indexes(database) == [f"{index.collection}.{index.name}"]
    migrate(database)


def test_a_database_that_is_away_is_unavailable(fresh_mongod: Mongod) -> None:
    uri = fresh_mongod.uri_of("avenue")
    database = Database(Settings(mongodb_uri=uri, local=True, read_seconds=1))
    fresh_mongod.kill()
    for act in (look, migrate):
        with pytest.raises(Unavailable) as caught:
            act(database)
        assert type(caught.value) is Unavailable
    database.close()


def test_what_waited_in_each_outbox_of_before_waits_in_the_one_there_is(database: Database) -> None:
    """Once, whoever was told already, and however often the step is killed."""
    raw, now = database.raw, utc_now().replace(microsecond=0)
    version = {"file": "f", "sha256": "b" * 64, "media_type": "image/png", "width": 9}
    then = {"sha256": "a" * 64, "media_type": "image/jpeg", "width": 7, "has_alpha": False}
    notice = {"id": "purge-1", "at": now, "focal": None, "epoch": 1, "versions": [then]}
    raw["assets"].insert_many(
        [
            {
                "_id": "gone",
                "site": "default",
                "state": "purging",
                "emptied": True,
                "visibility": "private",
                "versions": [version],
                "words": ["a"],
                "purges": [notice, {**notice, "id": "purge-2"}],
            },
            {
                "_id": "over",
                "site": "default",
                "state": "trash",
                "expires_at": now,
                "category": "rent",
                "expiry_notice": "expiry-1",
            },
            {"_id": "broken", "site": "default", "purges": 7, "expiry_notice": 7},
        ]
    )
    times = dict.fromkeys(("created_at", "due_at", "give_up_at"), now)
    event = {"site": "default", "kind": "asset.deleted", "attempts": 2, **times}
    raw["webhook_events"].insert_many(
        [
            {**event, "_id": "event-1", "state": "pending", "asset": {"_id": "gone"}},
            {**event, "_id": "event-2", "state": "given_up", "asset": {"_id": "gone"}},
            {**event, "_id": "event-3", "state": "delivered"},
        ]
    )
    seen = {"level": "warning", "value": 1, "threshold": 1, "changed_at": now, "recovered_at": None}
    news = {"news": "opened", "at": now, **seen}
    known, untold = map(address_key, ("ana@shop.example", "bea@shop.example"))
    database.operators = (known, untold)
    raw["infra_alerts"].insert_one(
        {
            "_id": "alert",
            "measure": "disk",
            "site": None,
            "unit": "percent",
            "opened_at": now,
            "acknowledged_at": None,
            "acknowledged_by": None,
            **seen,
            "notices": [
                {**news, "id": "notice-1", "channel": "mail", "told": [known]},
                {**news, "id": "notice-2", "channel": "webhook"},
            ],
        }
    )
    args = {"why": "invited", "user": "ana", "language": "es"}
    job = {"site": "default", "created_at": now, "run_at": now, "every_seconds": None}
    raw["jobs"].insert_many(
        [
            {**job, "_id": "mail-1", "kind": "mail", "state": "queued", "args": args},
            {**job, "_id": "mail-2", "kind": "mail", "state": "done", "args": args},
            {**job, "_id": "tell", "kind": "tell_alert", "state": "queued", "args": {}},
        ]
    )
    for _ in range(2):
        raw["avenue_meta"].update_one({}, {"$set": {"version": 4}})
        assert migrate(database)[-3] == "6: Move the messages of the former outboxes."
    outbox = list(raw["notifications"].find().sort("_id", 1))
    assert [(each["_id"], each["receiver"], each["kind"], each["to"]) for each in outbox] == [
        ("event-1", "webhooks", "asset.deleted", None),
        ("event-2", "webhooks", "asset.deleted", None),
        ("expiry-1", "retention", "upload.expired", None),
        ("mail-1", "mail", "account.invited", "ana"),
        (f"notice-1.{untold}", "mail", "alert.opened", untold),
        ("notice-2", "tell_alert", "alert.opened", None),
        ("purge-1", "purge", "asset.purge", None),
        ("purge-2", "purge", "asset.purge", None),
    ]
    states = {each["_id"]: each["state"] for each in outbox}
    assert {name for name, state in states.items() if state != "pending"} == {"event-2"}
    (purge,) = (each["content"] for each in outbox if each["_id"] == "purge-1")
    assert (purge["versions"], purge["visibility"]) == ([{**version, **then}], "public")
    assert purge["visibility_epoch"] == 1
    for name, left in (("assets", "purges"), ("assets", "expiry_notice")):
        there = {each["_id"] for each in raw[name].find({left: {"$exists": True}})}
        assert there <= {"broken", "gone"}
    assert raw["assets"].find_one({"_id": "gone"})["purges"] == []
    assert raw["infra_alerts"].find_one()["notices"] == []
    assert [each["_id"] for each in raw["jobs"].find()] == ["mail-2"]
    assert raw["webhook_events"].count_documents({}) == 0


def test_a_logo_moves_beside_the_files_of_its_site(database):
    """A step that is repeated changes nothing; a logo that was chosen since stays."""
    sites, profiles = database.raw["sites"], database.raw["site_profiles"]
    sites.insert_many([{"_id": "a", "logo": "x" * 22}, {"_id": "b", "logo": 7}])
    STEPS[6](database)
    assert list(profiles.find()) == [{"_id": "a", "site": "a", "logo": "x" * 22}]
    assert sites.count_documents({"logo": {"$exists": True}}) == 0
    sites.update_one({"_id": "a"}, {"$set": {"logo": "y" * 22}})  # by a process of before
    STEPS[6](database)
    assert [each["logo"] for each in profiles.find()] == ["x" * 22]
