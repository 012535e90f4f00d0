"""One field of one record is missing or is something else: every pass and list goes on."""

import copy
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from pymongo.errors import WriteError

from avenue.app.services import Services
from avenue.backup.store import BackupStore
from avenue.clock import utc_now
from avenue.health.checks.models import CheckRequest
from avenue.health.checks.store.assets import InspectedAssets
from avenue.health.checks.store.counts import StoredCounts
from avenue.health.checks.store.findings import CheckStore
from avenue.health.history.traffic.models import Counts
from avenue.health.history.traffic.store import MongoTrafficStore
from avenue.identity import DEFAULT_SITE, Role, new_id
from avenue.media.store.assets import AssetStore
from avenue.media.store.documents import DELIVERED
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import Sweeper
from avenue.moves.store import MoveReports
from avenue.notifications.store import OutboxStore
from avenue.shop.store.external_pictures import ExternalPictures
from avenue.shop.store.products import TrashedProducts
from avenue.storage.chunks import Incomplete
from avenue.storage.holders import Holder
from avenue.storage.instances import INSTANCES
from avenue.storage.records import Malformed, faults_of
from avenue.storage.schema import DEPLOYMENT_COLLECTIONS
from avenue.storage.scope import site
from avenue.storage.shapes import SHAPES
from avenue.storage.site_counts import SiteCounts
from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS
from avenue.uploads.retention.service import Retention
from avenue.uploads.retention.store import ExpiredUploads
from avenue.uploads.tus.store import SweptTusStore
from tests.http import test_imports, test_picture_imports, tus
from tests.http.application import PASSWORD, PRODUCTS, Application, a_picture, unique, zipped
from tests.mongod import Mongod
from tests.table import table

TO_COME = (utc_now() + timedelta(days=1)).isoformat()
PAGES, FOLDERS, MEDIA = "/api/builder/pages", "/api/builder/folders", "/api/builder/media"
UPLOADS, LEASES = "/api/uploads", "leases"
GONE = re.compile("a field that is taken away")
DAMAGE: tuple[Any, ...] = (GONE, None, "zzz", 7, -1.5, True, [], ["zzz"], {}, {"zzz": 7})
COLLECTIONS = sorted((SITE_COLLECTIONS | set(DEPLOYMENT_COLLECTIONS)) - {LEASES, INSTANCES})
BYTES = ("product_images.files", "product_images.chunks")
"""Judged by the assets that name them."""
TRIES = "login:nobody"
PARALLEL_ARRAYS = 171
WRITTEN_ANEW = {"findings", "inspections", "quotas"}
"""By the very passes that would find them damaged."""
ROUNDS = 2


@dataclass(frozen=True)
class Wound:
    """A field of a record, by its path, and what is put there instead."""

    path: tuple[str | int, ...]
    value: Any


class Deployment:
    """A store with a record in every collection, and everybody who goes through it."""

    def __init__(self, application: Application) -> None:
        self.application, self.raw = application, application.raw
        self.admin = application.new_person(unique("jefe"), role=Role.ADMIN)
        self.raw["users"].update_one({"_id": self.admin.id}, {"$set": {"superuser": True}})
        services = Services(application.settings, application.database)
        self.sites = services.sites
        self.inspector = services.inspector
        self.fsck = services.fsck
        self.scrub = services.scrub
        self.snapshots = services.snapshots
        self.sweeper = Sweeper(
            SweptStore(application.database),
            buckets=BUCKETS,
            trash_days=7,
            forget_owners=TrashedProducts(application.database).forget,
            orphan_age=timedelta(0),
        )
        self.tus_sweeper = SweptTusStore(application.database)
        self.retention = Retention(ExpiredUploads(application.database), services.audit)
        self.alerts = services.alerts
        self.outbox = OutboxStore(application.database)
        self.backups = BackupStore(application.database)
        self.mender = services.mender

    def asked(self) -> list[tuple[str, int, str]]:
        """Ask for every list; return what went wrong."""
        answers = {url: self.admin.get(url) for url in lists_of(self)}
        return [
            (url, each.status_code, each.text[:300])
            for url, each in answers.items()
            if each.status_code >= 500
        ]

    def kept(self) -> set[tuple[str, str]]:
        """Everything that no pass may remove, by collection and id."""
        names = [f"{bucket}.{part}" for bucket in BUCKETS for part in ("files", "chunks")]
        names += [
            "assets",
            "shop_products",
            "shop_products_trashed",
            "page_content",
            "page_history",
            "legacy_urls",
        ]
        return {
            (name, str(each["_id"]))
            for name in names
            for each in self.raw[name].find({}, {"_id": 1})
        }

    def checked(self) -> dict[str, Malformed]:
        """Look at everything; return what fsck says of malformed records, by subject."""
        run = new_id()
        self.inspector.inspect(None, lambda **_: None)
        self.fsck.run(run, CheckRequest(), None, lambda **_: None)
        found = CheckStore(self.application.database).findings(run, "", 10_000)
        return {each.subject: each for each in found if each.kind == "malformed_record"}

    def passes(self) -> dict[str, Malformed]:
        """Run every pass; return what fsck says of malformed records, by subject."""
        found = self.checked()
        self.scrub.run()
        self.alerts.check(self.snapshots.take())
        self.sweeper.sweep()
        self.tus_sweeper.sweep()
        self.retention.run("sweep", "sweep", None, lambda _: None)
        for receiver in ("mail", "webhooks", "purge", "tell_alert"):
            self.outbox.take(receiver, 60, 2)
        self.backups.last()
        self.fsck._of.ledger.count_all("", lambda *_: None)
        for each in self.sites.all():
            self.mender.look(each, mends=True, tell=lambda _: None)
        return found


def filled(application: Application) -> Deployment:
    """Make the store, as far as possible as people make it."""
    deployment = Deployment(application)
    raw, admin = application.raw, deployment.admin
    site = {"quotas": {"bytes": 10**9, "files": 10**6}, "colors": {"primary": "#aa0000"}}
    raw["sites"].update_one({"_id": DEFAULT_SITE}, {"$set": {**site, "locale": "es"}})
    profile = {"_id": DEFAULT_SITE, "site": DEFAULT_SITE}
    raw["site_profiles"].update_one(
        profile,
        {"$set": {"logo": "x" * 22, "import_columns": [{"name": "Costo", "field": None}]}},
        upsert=True,
    )
    _shop(deployment)
    _website(deployment)
    _uploads(deployment)
    named = record_of(deployment, "assets")["_id"]
    LegacyUrls(application.database).put(DEFAULT_SITE, "/media/antes.jpg", named)
    MongoTrafficStore(application.database).add("p", 1, Counts(requests=3, took={1000.0: 3}))
    now = utc_now()
    raw["password_links"].insert_one(
        {
            "_id": new_id(),
            "user": admin.id,
            "site": DEFAULT_SITE,
            "epoch": 0,
            "secret_sha256": "0" * 64,
            "expires_at": now + timedelta(days=1),
        }
    )
    _told(deployment)
    raw["rate_limits"].insert_one(
        {"_id": TRIES, "count": 1, "at": now, "resets_at": now + timedelta(days=1)}
    )
    deployment.passes()
    return deployment


def _shop(deployment: Deployment) -> None:
    application, admin = deployment.application, deployment.admin
    sku = unique("SKU-")
    group = admin.a_group(a_picture(), model=unique("M"))
    admin.a_product(a_picture(), sku=sku, price=10, group=group["id"])
    product = admin.a_product(a_picture(), sku=unique("SKU-"), status="published")
    trashed = admin.a_product(a_picture(), sku=unique("SKU-"), price=10, group=group["id"])
    assert admin.delete(f"{PRODUCTS}/{trashed['id']}").status_code == 204
    gone = {"$push": {"images": {"asset": new_id()}}}
    deployment.raw["shop_products"].update_one({"_id": product["id"]}, gone)
    table = f"sku;nombre;precio\n{unique('ERP-')};Bota;150\n{sku};;99\n"
    test_imports.brought(application, admin, table)
    plan = test_picture_imports.planned(admin, zipped({f"{sku}_2.jpg": a_picture()}))
    test_picture_imports.applied(application, admin, plan)
    deployment.raw["adopted"].insert_one(
        {
            "_id": f"{DEFAULT_SITE}/one",
            "site": DEFAULT_SITE,
            "collection": "shop_products",
            "key": "65a0",
            "kind": "product",
            "keys": ["65a0"],
            "target": product["id"],
            "print": "",
            "revision": 1,
            "is_whole": True,
        }
    )
    deployment.raw["shop_samples"].insert_one(
        {
            "_id": DEFAULT_SITE,
            "site": DEFAULT_SITE,
            "by": admin.id,
            "products": {"A": product["id"]},
            "groups": {},
            "job": None,
        }
    )


def _website(deployment: Deployment) -> None:
    admin = deployment.admin
    folder = admin.post(FOLDERS, json={"name": unique("Fotos ")})
    assert folder.status_code == 201, folder.text
    for _ in range(2):
        media = admin.upload(f"{MEDIA}?folder={folder.json['id']}", a_picture())
        assert media.status_code == 201, media.text
    title, picture = unique("Página "), f'<img src="{media.json["url"]}">'
    page = admin.post(PAGES, json={"title": title, "html": "<p>uno</p>"}).json
    for step, html in (("publish", "<p>dos</p>"), (None, f"<p>tres</p>{picture}")):
        changed = {"title": title, "html": html, "revision": page["revision"]}
        page = admin.put(f"{PAGES}/{page['id']}", json=changed).json
        if step is not None:
            page = admin.post(
                f"{PAGES}/{page['id']}/{step}", json={"revision": page["revision"]}
            ).json
    admin.put(f"{PAGES}/{page['id']}/schedule", json={"publish_at": TO_COME})


def _uploads(deployment: Deployment) -> None:
    admin = deployment.admin
    for _ in range(2):
        upload = admin.upload(UPLOADS, a_picture())
        assert upload.status_code == 201, upload.text
    signed = admin.post(f"{UPLOADS}/{upload.json['id']}/sign", json={})
    assert signed.status_code == 200, signed.text
    assert admin.post(f"{UPLOADS}/tickets", json={}).status_code == 201
    tus.begun(admin, 1000, upload_metadata=tus.metadata(filename="a.pdf"))


def _told(deployment: Deployment) -> None:
    """Write what only letters, receivers and bad days write."""
    now, asset = utc_now(), deployment.raw["assets"].find_one({"bucket": "uploads"})
    assert asset is not None
    event = {
        "_id": new_id(),
        "site": DEFAULT_SITE,
        "channel": "webhook",
        "receiver": "webhooks",
        "kind": "asset.created",
        "about": asset["_id"],
        "to": None,
        "content": {name: each for name, each in asset.items() if name not in {"words", "listed"}},
        "state": "given_up",
        "attempts": 3,
        "turn": new_id(),
        "batch": new_id(),
        "error": "gone",
        **dict.fromkeys(("created_at", "due_at", "give_up_at"), now),
    }
    deployment.raw["notifications"].insert_one(event)
    deployment.raw["house_notifications"].insert_one(
        {**event, "_id": new_id(), "kind": "alert.test"}
    )
    seen = {"level": "warning", "value": 90.0, "threshold": 85.0, "changed_at": now}
    alert = {
        "_id": new_id(),
        "open_key": "disk/",
        "measure": "disk",
        "site": None,
        "unit": "percent",
        "opened_at": now,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "acknowledged_level": None,
        "recovered_at": None,
        **seen,
        "recent": ["warning"],
        "told": {"warning": now},
        "checked_at": now,
    }
    MoveReports(deployment.application.database).put(
        DEFAULT_SITE, "of-a-move", ['{"list": "refused"}']
    )
    deployment.raw["site_counts"].insert_one(
        {
            "_id": f"{DEFAULT_SITE}/folders",
            "site": DEFAULT_SITE,
            "name": "folders",
            "numbers": {"a": 1},
            "at": now,
        }
    )
    deployment.raw["notification_receivers"].insert_one(
        {"_id": "webhooks", "failures": 2, "error": "http_500"}
    )
    deployment.raw["backups"].insert_one(
        {
            "_id": "created",
            "at": now,
            "snapshot": "20260101T000000Z-a",
            "findings": 0,
            "good_at": now,
        }
    )
    deployment.raw["infra_errors"].insert_one(
        {
            "_id": new_id(),
            "route": "/",
            "exception": "ValueError",
            "status": 500,
            "count": 1,
            "first_at": now,
            "last_at": now,
            "request_ids": ["r1"],
            "traceback": "avenue/shop/pages/storefront.py:60",
            "resolved_at": now,
            "resolved_by": new_id(),
        }
    )
    browser = dict.fromkeys(("host", "device", "sealed"), "a")
    deployment.raw["push_subscriptions"].insert_one(
        {"_id": new_id(), "site": DEFAULT_SITE, "person": deployment.admin.id, **browser}
    )
    deployment.raw["alert_choices"].insert_one(
        {
            "_id": DEFAULT_SITE,
            "site": DEFAULT_SITE,
            "levels": {"webhook": ["warning"]},
            "webhook": {"host": "hooks.shop.example", "sealed": "AAAA"},
        }
    )
    deployment.raw["infra_alerts"].insert_one(alert)
    deployment.raw["infra_alerts"].insert_one(
        {**alert, "_id": new_id(), "open_key": "oplog/", "measure": "oplog", "unit": "hours"}
    )


@pytest.fixture(scope="module")
def deployment(mongod: Mongod) -> Iterator[Deployment]:
    with Application(mongod) as application, pytest.MonkeyPatch.context() as patch:
        patch.setattr("avenue.health.checks.files.SETTLE_SECONDS", 0.0)
        yield filled(application)


SIGNED_IN: dict[str, Any] = {
    "second_factor": {
        "secret": "sealed",
        "recovery_codes": ["0" * 64],
        "last_step": 1,
        "wrong": 0,
        "set_up_at": utc_now(),
    },
    "passkeys": [
        {
            "id": new_id(),
            "host": "shop.example",
            "credential": "AAAA",
            "public_key": "AAAA",
            "sign_count": 0,
            "name": "Teléfono",
            "added_at": utc_now(),
            "used_at": None,
            "challenged_at": utc_now(),
        }
    ],
    "sessions": [
        {
            "id": new_id(),
            "site": DEFAULT_SITE,
            "epoch": 0,
            "began_at": utc_now(),
            "used_at": utc_now(),
            "device": "Firefox, Linux",
        }
    ],
}
"""What a person has who signs in by a browser, with a second factor."""

# The record that is damaged: one whose loss stops nobody here from asking at all.
CHOSEN: dict[str, Callable[[Deployment], dict[str, Any]]] = {
    "users": lambda deployment: {"_id": {"$ne": deployment.admin.id}},
    "api_tokens": lambda deployment: {"user": {"$ne": deployment.admin.id}},
    "sites": lambda _: {"_id": DEFAULT_SITE},
    "inspections": lambda _: {"_id": DEFAULT_SITE},
    "writes": lambda _: {"state": "done"},
    "findings": lambda _: {"kind": "asset_missing"},
    "rate_limits": lambda _: {"_id": TRIES},
    "assets": lambda _: {"bucket": "builder_media"},
}


def record_of(deployment: Deployment, collection: str) -> dict[str, Any]:
    """The record that is damaged: the first one that there is."""
    if collection in {"users", "api_tokens"}:
        deployment.application.caller("client")
    query = CHOSEN.get(collection, lambda _: {})(deployment)
    found = deployment.raw[collection].find_one(query, sort=[("_id", 1)])
    if found is None and collection in WRITTEN_ANEW:
        deployment.passes()
        found = deployment.raw[collection].find_one(query, sort=[("_id", 1)])
    assert found is not None, f"there is nothing in {collection}"
    if collection == "users":
        deployment.raw["users"].update_one({"_id": found["_id"]}, {"$set": SIGNED_IN})
        found |= SIGNED_IN
    return found


def paths_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every field of a record by its path, the first of each list; not its id."""
    if path and path != ("_id",):
        yield path
    if path == ("_id",):
        return
    if isinstance(value, dict):
        for name, each in value.items():
            yield from paths_in(each, (*path, name))
    elif isinstance(value, list) and value:
        yield from paths_in(value[0], (*path, 0))


def wounds_of(record: dict[str, Any]) -> list[Wound]:
    """Every way in which one field of a record is damaged."""
    return [Wound(path, value) for path in paths_in(record) for value in DAMAGE]


def wounded(record: dict[str, Any], wound: Wound) -> dict[str, Any]:
    """A record with one field taken away or replaced."""
    damaged = copy.deepcopy(record)
    place: Any = damaged
    for each in wound.path[:-1]:
        place = place[each]
    last = wound.path[-1]
    if wound.value is not GONE:
        place[last] = wound.value
    else:
        del place[last]
    return damaged


@contextmanager
def stored(deployment: Deployment, collection: str, record: dict[str, Any]) -> Iterator[bool]:
    """Let a record be so for a while; tell whether the indexes let it: some take no two lists."""
    before = deployment.raw[collection].find_one({"_id": record["_id"]})
    assert before is not None
    try:
        deployment.raw[collection].replace_one({"_id": record["_id"]}, record)
    except WriteError as error:
        if error.code != PARALLEL_ARRAYS:
            raise
        yield False
        return
    try:
        yield True
    finally:
        if "open_key" in before:  # another one may have taken its place
            same = {"_id": {"$ne": record["_id"]}, "open_key": before["open_key"]}
            deployment.raw[collection].delete_many(same)
        deployment.raw[collection].replace_one({"_id": record["_id"]}, before, upsert=True)


def lists_of(deployment: Deployment) -> list[str]:
    """Every route that is asked by nothing but its address: lists, pages and states."""
    rules = deployment.application.app.url_map.iter_rules()
    return sorted(
        str(each)
        for each in rules
        if "GET" in (each.methods or ()) and not each.arguments and str(each) not in NO_LISTS
    )


NO_LISTS = {"/api/openapi.json", "/api/docs", "/metrics", "/login"}


def test_a_healthy_store_has_every_record_and_no_finding(deployment: Deployment) -> None:
    assert set(COLLECTIONS) <= set(SHAPES)
    assert [name for name in COLLECTIONS if not deployment.raw[name].find_one()] == []
    assert deployment.checked() == {}


def looked_at(deployment: Deployment, wounds: dict[str, Wound]) -> None:
    """Damage one record of each of these collections; all passes and lists go on all the same."""
    before = deployment.kept()
    with ExitStack() as damage:
        faults: dict[str, set[str]] = {}
        for collection, wound in wounds.items():
            record = record_of(deployment, collection)
            damaged = wounded(record, wound)
            if not damage.enter_context(stored(deployment, collection, damaged)):
                continue
            fields = {each.field for each in faults_of(collection, damaged)}
            if collection == "renditions":  # what is said of bytes has findings of its own
                fields -= {"data", "bytes", "sha256", "made_at"}
            if fields and not names_no_file(damaged, wound):
                faults[f"{collection}/{record['_id']}"] = fields
        asked = deployment.asked()
        found = deployment.passes()
    for subject, fields in faults.items():
        if subject.partition("/")[0] not in WRITTEN_ANEW:
            assert all(each in found[subject].detail for each in fields)
    assert found.keys() <= faults.keys()
    assert asked == []
    assert deployment.kept() == before


def names_no_file(record: dict[str, Any], wound: Wound) -> bool:
    """Whether an asset lost its versions: passes have a finding of its own for that."""
    return wound.path[0] == "versions" and not record.get("versions")


@settings(
    max_examples=ROUNDS,
    phases=(Phase.generate,),  # to make a failing example smaller takes minutes
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_nothing_stops_and_the_rest_is_judged(deployment: Deployment, data: st.DataObject) -> None:
    names = (*COLLECTIONS, *BYTES)
    ways = {each: [None, *wounds_of(record_of(deployment, each))] for each in names}
    drawn = {name: data.draw(st.sampled_from(some), label=name) for name, some in ways.items()}
    wounds = {name: wound for name, wound in drawn.items() if wound is not None}
    if wounds:  # the first example has none: that is the healthy store of the test before
        looked_at(deployment, wounds)


@pytest.mark.long
@pytest.mark.parametrize("collection", [*COLLECTIONS, *BYTES])
def test_nothing_stops_for_any_damage(deployment: Deployment, collection: str) -> None:
    wounds = wounds_of(record_of(deployment, collection))
    for wound in wounds:
        looked_at(deployment, {collection: wound})


ANYTHING = {("fsck_findings", "stored_id"), ("jobs", "cursor")}


@table("collection", COLLECTIONS)
def test_a_field_of_another_type_is_named(deployment: Deployment, collection: str) -> None:
    record = record_of(deployment, collection)
    names = [name for name in record if name not in {"_id", "site"}]
    unnoticed = {
        (collection, name)
        for name in names
        if name not in {each.field for each in faults_of(collection, {**record, name: ObjectId()})}
    }
    assert unnoticed == {each for each in ANYTHING if each[0] == collection}


ONE: list[tuple[str, str, Any, str]] = [
    ("shop_products", "/api/shop/products/{}", 7, "currency"),
    ("shop_products_grouped", "/api/shop/groups/{}", GONE, "model"),
    ("shop_products", "/admin/products/{}", "zzz", "created_at"),
    ("page_content", f"{PAGES}/{{}}", "zzz", "flagged"),
    ("assets", f"{MEDIA}/{{}}", "zzz", "revision"),
    ("shop_imports", f"{PRODUCTS}/import/{{}}", GONE, "layout"),
    ("shop_imports", f"{PRODUCTS}/import/{{}}", None, "fetch_images"),
    ("shop_picture_imports", "/api/shop/pictures/import/{}", [], "stage"),
    ("users", "/admin/people/{}", "zzz", "roles"),
]


@table("collection, url, value, field", ONE)
def test_who_asks_for_just_that_one_is_told_which_field(
    deployment: Deployment, collection: str, url: str, value: Any, field: str
) -> None:
    record = record_of(deployment, collection)
    with stored(deployment, collection, wounded(record, Wound((field,), value))):
        answer = deployment.admin.get(url.format(record["_id"]))
    assert answer.status_code == 500
    if answer.is_json:
        assert (answer.json["code"], answer.json["field"]) == ("malformed_record", field)
    assert field in answer.text
    assert "Traceback" not in answer.text


PEOPLE = ("nobody", "client", "seller", "editor", "ops")


@table("collection, url, value, field", ONE[:7])
def test_to_others_it_is_as_if_there_were_nothing(
    deployment: Deployment, collection: str, url: str, value: Any, field: str
) -> None:
    record = record_of(deployment, collection)
    with stored(deployment, collection, wounded(record, Wound((field,), value))):
        for person in PEOPLE:
            answer = deployment.application.caller(person).get(url.format(record["_id"]))
            assert answer.status_code in {303, 401, 403, 404}, person
            assert field not in answer.text


def test_somebody_whose_record_cannot_be_read_is_nobody(deployment: Deployment) -> None:
    person = deployment.application.new_person(unique("rota"), role=Role.SELLER)
    record = deployment.raw["users"].find_one({"_id": person.id})
    assert record is not None
    with stored(deployment, "users", {**record, "superuser": "zzz"}):
        assert person.get("/api/auth/me").status_code == 401
        assert person.get(PRODUCTS).status_code in {200, 401}
        refused = deployment.application.caller("nobody").post(
            "/api/auth/login", json={"email": record["email"], "password": PASSWORD}
        )
        assert (refused.status_code, refused.json["code"]) == (401, "wrong_credentials")
    assert person.get("/api/auth/me").status_code == 200
    with stored(deployment, "users", {**record, "roles": {}}):  # its `sites` still say where
        assert deployment.admin.get(f"/admin/people?search={record['email']}").status_code == 200


VITAL = {"visibility", "state", "bucket", "site"}


SOME_DAMAGE: tuple[Any, ...] = ("zzz",)
OTHER_DAMAGE = tuple(each for each in DAMAGE if each not in SOME_DAMAGE)


@pytest.mark.parametrize(
    "values", [SOME_DAMAGE, pytest.param(OTHER_DAMAGE, marks=pytest.mark.long)]
)
def test_a_public_picture_is_shown_as_long_as_its_file_can_be_told(
    deployment: Deployment, values: tuple[Any, ...]
) -> None:
    product = deployment.admin.a_product(a_picture(), status="published")
    picture = product["images"][0]
    asset, nobody = deployment.raw["assets"].find_one({"_id": picture["id"]}), "nobody"
    assert asset is not None
    shown = [picture["url"], picture["variants"]["thumb"]["url"]]
    whole = deployment.application.caller(nobody).get(picture["url"]).data
    for wound in (each for each in wounds_of(asset) if each.value in values):
        vital = wound.path[0] in VITAL or wound.path[-1] in DELIVERED
        vital = vital or "focal" in wound.path or wound.path[-1] in {"versions", 0}
        with stored(deployment, "assets", wounded(asset, wound)):
            if not faults_of("assets", wounded(asset, wound)):
                continue
            answers = [deployment.application.caller(nobody).get(url) for url in shown[: 2 - vital]]
            if vital:
                assert answers[0].status_code in {200, 404, 500}, wound
                assert answers[0].status_code != 500 or answers[0].json["code"] == "damaged_file"
            else:
                assert [each.status_code for each in answers] == [200, 200], wound
                assert wound.path[0] == "versions" or answers[0].data == whole


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("file", GONE),
        ("data", "zzz"),
        *(
            pytest.param(field, value, marks=pytest.mark.long)
            for field in ("file", "width", "sha256", "made_at", "data")
            for value in (GONE, "zzz", [])
            if (field, value) not in [("file", GONE), ("data", "zzz")]
        ),
    ],
)
def test_a_rendition_that_cannot_be_read_is_made_anew(
    deployment: Deployment, field: str, value: Any
) -> None:
    picture = deployment.admin.a_product(a_picture(), status="published")["images"][0]
    thumb = {"asset": picture["id"], "variant": "thumb"}
    change = {"$unset": {field: ""}} if value is GONE else {"$set": {field: value}}
    deployment.raw["renditions"].update_many(thumb, change)
    nobody = deployment.application.caller("nobody")
    answer = nobody.get(picture["variants"]["thumb"]["url"], headers={"If-None-Match": '"a"'})
    assert answer.status_code == 200
    made = list(deployment.raw["renditions"].find(thumb))
    deployment.raw["renditions"].delete_many({**thumb, field: value if value is not GONE else None})
    if field != "file" or value != "zzz":
        assert any(faults_of("renditions", each) == [] for each in made)


def test_states_name_a_malformed_product_and_still_judge_the_others(deployment: Deployment) -> None:
    record, asset = record_of(deployment, "shop_products"), record_of(deployment, "assets")
    mark = {"file": asset["versions"][0]["file"], "kind": "wrong_hash"}  # without its detail
    with (
        stored(deployment, "shop_products", wounded(record, Wound(("price",), "10"))),
        stored(deployment, "assets", {**asset, "damaged": mark}),
    ):
        found = deployment.checked()
        assert found[f"assets/{asset['_id']}"].detail.endswith(": damaged.detail.")
        assert deployment.admin.get(f"{MEDIA}/{asset['_id']}").status_code == 200
        products = deployment.admin.get("/api/shop/debug/products-status").json
        storage = deployment.admin.get("/api/shop/debug/storage-status").json
        page = deployment.admin.get("/admin/problems").text
        listed = deployment.admin.get(f"{PRODUCTS}?limit=100").json["items"]
    problems = {each["kind"]: each for each in products["problems"]}
    assert problems["malformed_record"]["product"] == record["_id"]
    assert "price" in problems["malformed_record"]["detail"]
    assert "asset_missing" in problems
    assert any("records are not as they should be" in each for each in storage["advice"])
    assert "python -m avenue fsck" in page
    assert record["_id"] not in {each["id"] for each in listed}
    assert listed
    deployment.inspector.inspect(None, lambda **_: None)
    after = deployment.admin.get("/api/shop/debug/products-status").json["problems"]
    assert "malformed_record" not in {each["kind"] for each in after}


def test_a_page_of_a_list_is_filled_up_and_goes_on(deployment: Deployment) -> None:
    whole = [each["id"] for each in deployment.admin.get(f"{PRODUCTS}?limit=100").json["items"]]
    assert len(whole) > 2
    amiss = deployment.raw["shop_products"].find_one({"_id": whole[1]})
    assert amiss is not None
    with stored(deployment, "shop_products", {**amiss, "currency": None}):
        seen: list[str] = []
        url: str | None = f"{PRODUCTS}?limit=1"
        while url:
            page = deployment.admin.get(url).json
            seen += [each["id"] for each in page["items"]]
            url = page["next"] and f"{PRODUCTS}?limit=1&after={page['next']}"
    assert seen == [whole[0], *whole[2:]]


NAMING = [
    Wound(("site",), "zzz"),
    Wound(("versions", 0, "file"), 7),
    Wound(("site",), GONE),
    Wound(("versions",), "zzz"),
    Wound(("versions", 0, "bytes"), "zzz"),
]
"""What says which bytes are whose."""


@pytest.mark.parametrize("wounds", [NAMING[:2], pytest.param(NAMING[2:], marks=pytest.mark.long)])
def test_nothing_that_a_malformed_record_may_name_is_removed(
    deployment: Deployment, wounds: list[Wound]
) -> None:
    """Else one damaged field would cost the bytes, or the old address."""
    record, address = record_of(deployment, "assets"), record_of(deployment, "legacy_urls")
    assert address["asset"] == record["_id"]
    file_id = f"{DEFAULT_SITE}/{record['versions'][0]['file']}"
    files, long_ago = deployment.raw["builder_media.files"], utc_now() - timedelta(days=2)
    files.update_one({"_id": file_id}, {"$set": {"uploadDate": long_ago}})
    deployment.raw["renditions"].update_many(
        {"asset": record["_id"]}, {"$set": {"made_at": long_ago}}
    )
    kept = deployment.raw["renditions"].count_documents({"asset": record["_id"]})
    assert kept
    for wound in wounds:
        with stored(deployment, "assets", wounded(record, wound)):
            deployment.sweeper.sweep()
            deployment.fsck.run(new_id(), CheckRequest(repair=True), None, lambda **_: None)
        assert files.find_one({"_id": file_id})
        assert deployment.raw["builder_media.chunks"].find_one({"files_id": file_id})
        assert deployment.raw["renditions"].count_documents({"asset": record["_id"]}) == kept
        assert deployment.raw["legacy_urls"].find_one({"_id": address["_id"]}) == address


@pytest.mark.parametrize(
    "state", [GONE, *(pytest.param(each, marks=pytest.mark.long) for each in ("zzz", []))]
)
def test_a_product_keeps_the_entry_of_a_picture_whose_state_cannot_be_read(
    deployment: Deployment, state: Any
) -> None:
    product = deployment.admin.a_product(a_picture(), a_picture())
    shelf, kept = f"{PRODUCTS}/{product['id']}/images", product["images"][0]["id"]
    asset = deployment.raw["assets"].find_one({"_id": kept})
    assert asset is not None
    with stored(deployment, "assets", wounded(asset, Wound(("state",), state))):
        assert deployment.admin.upload(shelf, a_picture()).status_code == 201
        deployment.raw["assets"].update_one({"_id": product["images"][1]["id"]}, {"$set": TRASHED})
        assert deployment.admin.upload(shelf, a_picture()).status_code == 201
    shown = [
        each["id"] for each in deployment.admin.get(f"{PRODUCTS}/{product['id']}").json["images"]
    ]
    assert (len(shown), shown[0]) == (3, kept)


TRASHED = {"state": "trash", "trash": {"at": utc_now()}}


def test_a_picture_comes_back_first_when_nobody_knows_where_it_was(deployment: Deployment) -> None:
    product = deployment.admin.a_product(a_picture(), a_picture())
    url, last = f"{PRODUCTS}/{product['id']}", product["images"][1]["id"]
    assert deployment.admin.delete(f"{url}/images/{last}").status_code in {200, 204}
    deployment.raw["assets"].update_one({"_id": last}, {"$unset": {"trash.position": ""}})
    assert deployment.admin.post(f"{url}/images/{last}/restore").status_code == 200
    assert deployment.admin.get(url).json["images"][0]["id"] == last


WRONG_NUMBERS: list[Any] = [float("inf"), 2**60, -1, [], {}, None]


@pytest.mark.parametrize(
    "value",
    [
        "zzz",
        float("nan"),
        *(pytest.param(each, marks=pytest.mark.long) for each in WRONG_NUMBERS),
    ],
)
def test_sums_leave_out_what_is_no_number_or_cannot_be_right(
    deployment: Deployment, value: Any
) -> None:
    asset = record_of(deployment, "assets")
    file_id = f"{DEFAULT_SITE}/{asset['versions'][0]['file']}"
    database = deployment.application.database
    library, assets = AssetStore(database), InspectedAssets(database)
    counts = StoredCounts(database, SiteCounts(database))
    file = deployment.raw["builder_media.files"].find_one({"_id": file_id})
    made = deployment.raw["renditions"].find_one({"asset": asset["_id"]})
    assert file is not None
    assert made is not None

    def sums() -> list[int]:
        survey = assets.survey(DEFAULT_SITE, "builder_media")
        stored = library.stored(Holder(site=DEFAULT_SITE)).bytes
        return [stored, survey.files()[1], counts.renditions(DEFAULT_SITE)["bytes"]]

    before = sums()
    with (
        stored(deployment, "assets", wounded(asset, Wound(("versions", 0, "bytes"), value))),
        stored(deployment, "builder_media.files", {**file, "length": value}),
        stored(deployment, "renditions", {**made, "bytes": value}),
    ):
        now = sums()
        deployment.snapshots.take()
        assert deployment.admin.get("/api/shop/debug/storage-status").status_code == 200
    sizes = [asset["versions"][0]["bytes"], file["length"], made["bytes"]]
    assert now == [one - size for one, size in zip(before, sizes, strict=True)]


@table("field", ["data", "n"])
@table("value", [GONE, None, 7, True, "zzz", [0], {}, 0.0])
def test_a_chunk_that_cannot_be_read_is_a_damaged_file(
    deployment: Deployment, field: str, value: Any
) -> None:
    asset = record_of(deployment, "assets")
    file_id = f"{DEFAULT_SITE}/{asset['versions'][0]['file']}"
    chunk = deployment.raw["builder_media.chunks"].find_one({"files_id": file_id})
    assert chunk is not None
    files = site(deployment.application.database, DEFAULT_SITE).files("builder_media")
    shown = asset["versions"][0]
    with stored(deployment, "builder_media.chunks", wounded(chunk, Wound((field,), value))):
        pieces = files.read(shown["file"], 3, 9, length=shown["bytes"])
        if (field, value) == ("n", 0.0):  # as a shell writes it
            assert b"".join(pieces) == chunk["data"][3:9]
        else:
            with pytest.raises(Incomplete):
                list(pieces)
        assert files.is_safe(shown["file"], length=shown["bytes"]) is (
            field == "data" or value == 0
        )


@table("value", [GONE, None, 0, -7, "zzz", [], {}, 2**40, 1024.0])
def test_a_file_is_read_whatever_its_document_says_of_its_chunks(
    deployment: Deployment, value: Any
) -> None:
    asset = record_of(deployment, "assets")
    file_id = f"{DEFAULT_SITE}/{asset['versions'][0]['file']}"
    file = deployment.raw["builder_media.files"].find_one({"_id": file_id})
    assert file is not None
    files = site(deployment.application.database, DEFAULT_SITE).files("builder_media")
    with stored(deployment, "builder_media.files", wounded(file, Wound(("chunkSize",), value))):
        length = file["length"]
        pieces = files.read(asset["versions"][0]["file"], 0, length, length=length)
        assert len(b"".join(pieces)) == length
        assert files._reading._chunk_bytes(file_id) > 0


@table("field, value", [("site", GONE), ("site", 7), ("bytes", 2**62)])
def test_a_counter_that_cannot_be_read_stops_no_count(
    deployment: Deployment, field: str, value: Any
) -> None:
    quotas, ledger = deployment.raw["quotas"], deployment.fsck._of.ledger
    ledger.count(Holder(site=DEFAULT_SITE))
    ledger.count(Holder(site=DEFAULT_SITE, person="a"))
    ledger.count(Holder(site=DEFAULT_SITE, person="b"))
    record = quotas.find_one({"_id": f"{DEFAULT_SITE}/a"})
    assert record is not None
    told: list[str] = []
    with stored(deployment, "quotas", wounded(record, Wound((field,), value))):
        ledger.count_all("", lambda after, _: told.append(after))
    assert told[-1] == f"{DEFAULT_SITE}/b"
    quotas.delete_many({"_id": {"$in": [f"{DEFAULT_SITE}/a", f"{DEFAULT_SITE}/b"]}})


@pytest.mark.parametrize(
    "value", [GONE, *(pytest.param(each, marks=pytest.mark.long) for each in ("zzz", None))]
)
def test_what_a_page_was_stays_though_it_cannot_be_read(
    deployment: Deployment, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KEPT", "KEPT_PUBLISHED", "KEPT_IN_ANY_CASE"):
        monkeypatch.setattr(f"avenue.builder.website.models.{name}", 1)
    admin, history, title = deployment.admin, deployment.raw["page_history"], unique("Página ")
    page = admin.post(PAGES, json={"title": title, "html": "<p>0</p>"}).json

    def save(html: str) -> None:
        nonlocal page
        changed = {"title": title, "html": html, "revision": page["revision"]}
        answer = admin.put(f"{PAGES}/{page['id']}", json=changed)
        assert answer.status_code == 200, answer.text
        page = admin.post(
            f"{PAGES}/{page['id']}/publish", json={"revision": answer.json["revision"]}
        ).json

    save("<p>1</p>")
    save("<p>2</p>")
    of_it = {"page": page["id"]}
    kept = history.find_one(of_it)
    assert kept is not None
    with stored(deployment, "page_history", wounded(kept, Wound(("number",), value))):
        save("<p>3</p>")
        save("<p>4</p>")
        assert history.find_one({"_id": kept["_id"]})
        assert history.count_documents(of_it) == 2
    history.delete_many(of_it)


def test_pictures_by_url_are_found_behind_an_owner_that_names_none(deployment: Deployment) -> None:
    group, product = deployment.admin.a_group(), deployment.admin.a_product()
    entries = {"images": {"url": 7}}
    deployment.raw["shop_products_grouped"].update_one({"_id": group["id"]}, {"$push": entries})
    url = {"images": {"url": "https://cdn.elsewhere.example/a.jpg"}}
    deployment.raw["shop_products"].update_one({"_id": product["id"]}, {"$push": url})
    pictures, last = ExternalPictures(deployment.application.database), None
    found: list[str] = []
    while some := pictures.external_after(DEFAULT_SITE, last):
        last = some[-1][0]
        found += [each.id for each, _ in some]
    assert product["id"] in found
    deployment.raw["shop_products_grouped"].delete_one({"_id": group["id"]})
    deployment.raw["shop_products"].delete_one({"_id": product["id"]})
