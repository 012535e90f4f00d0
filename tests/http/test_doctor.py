"""The doctor on a real database: what it finds in it, and what it mends."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from avenue.app.services import Services
from avenue.config import new_secret
from avenue.health.checks.addresses.store import DocumentStore
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.storage.indexes import INDEXES, create_indexes
from avenue.storage.mongo_facts import differing
from avenue.storage.sites import Sites
from avenue.storage.status import DeploymentStatus
from tests.commands import Commands
from tests.http.application import HOST, Application, Caller, a_picture
from tests.http.debug_app import add_entries
from tests.mongod import OPLOG_MB, Mongod, fail_point, free_port
from tests.table import table

UNAUTHORIZED = 13
PLANTED = ("geheim-im-link", "geheim-im-uri")
UNKNOWN = "x" * 22
NEW = "https://cdn.elsewhere.example/neu.jpg"


@dataclass
class Deployment:
    """An application with things in it, and the command line over its database."""

    application: Application
    commands: Commands
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.application.settings.as_env(),
            "PATH": os.environ["PATH"],
            "AVENUE_TMP_DIR": str(self.folder),
            "AVENUE_PROXY_HOPS": "1",
            "AVENUE_READ_SECONDS": "1",
        }

    def doctor(self, *arguments: str, code: int | None = None, **env: str) -> Any:
        done = self.commands.run(
            "doctor", *arguments, "--json", env={**self.environment, **env}, cwd=self.folder
        )
        if code is not None:
            assert done.returncode == code, done.stderr.decode()
        for secret in (*PLANTED, self.application.settings.secret_key):
            assert secret.encode() not in done.stdout + done.stderr
        return json.loads(done.stdout)

    def check(self, name: str) -> dict[str, Any]:
        report = self.doctor(code=1)  # this MongoDB has had its day
        (found,) = [each for each in report["checks"] if each["check"] == name]
        return found


@pytest.fixture(scope="module")
def avenue(
    mongod: Mongod, commands: Commands, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    with Application(mongod) as application:
        yield Deployment(application, commands, tmp_path_factory.mktemp("machine"))


@pytest.fixture
def fresh(own_application: Application, commands: Commands, tmp_path: Path) -> Deployment:
    """A deployment in which nobody has planted anything."""
    return Deployment(own_application, commands, tmp_path)


@pytest.fixture(scope="module")
def seller(avenue: Deployment) -> Caller:
    return avenue.application.caller("seller")


def test_a_good_deployment_has_few_findings_and_none_about_its_data(fresh):
    fresh.application.caller("seller").a_product(a_picture())
    report = fresh.doctor(code=1)
    levels = {each["check"]: each["level"] for each in report["checks"]}
    assert {name for name, level in levels.items() if level == "problem"} <= {
        "version",
        "members",
        "oplog",
    }
    assert {levels[name] for name in ("indexes", "urls", "clock", "secret", "decoders")} == {"ok"}
    assert report["skipped"] == []
    assert report["database"] is True


def test_missing_altered_and_needless_indexes(avenue):
    raw = avenue.application.raw
    raw["legacy_urls"].drop_index("site_1_asset_1_path_1")
    raw["users"].drop_index("email_1")
    raw["users"].create_index("email", name="email_1")
    raw["users"].create_index("shoe_size")
    found = {each["place"]: each["level"] for each in avenue.check("indexes")["findings"]}
    assert found == {
        "legacy_urls.site_1_asset_1_path_1": "problem",
        "users.email_1": "problem",
        "users.shoe_size_1": "notice",
    }
    raw["users"].drop_index("email_1")
    raw["users"].drop_index("shoe_size_1")
    create_indexes(avenue.application.database)
    known = DeploymentStatus(avenue.application.database).indexes()
    assert {each.place for each in known} == {f"{e.collection}.{e.name}" for e in INDEXES}
    assert differing(known) == []


@pytest.mark.long
def test_what_the_database_user_may_not_ask_is_said_with_the_role_it_needs(avenue):
    application = avenue.application
    with fail_point(
        application.mongod.client,
        ["aggregate", "replSetGetStatus", "collStats", "getDefaultRWConcern"],
        None,
        error_code=UNAUTHORIZED,
        app_name="avenue",
    ):
        report = avenue.doctor(code=1)
    checks = {each["check"]: each["findings"] for each in report["checks"]}
    assert "clusterMonitor" in checks["indexes"][0]["cure"]
    assert "clusterMonitor" in checks["oplog"][0]["cure"]
    assert "missing privilege" in checks["urls"][0]["cure"]
    assert checks["write_concern"] == []


def test_our_connection_and_the_oplog_are_as_they_are(avenue):
    diagnosis = DeploymentStatus(avenue.application.database)
    assert diagnosis.own_write_concern() == {"w": "majority", "j": True}
    oplog = diagnosis.oplog()
    assert oplog is not None
    assert oplog.most_bytes == OPLOG_MB * 1024 * 1024
    assert oplog.bytes > 0


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://ana:geheim-im-uri@127.0.0.1:{port}/avenue?directConnection=true",
        pytest.param("nonsense", marks=pytest.mark.long),
    ],
)
def test_the_rest_is_done_while_the_database_is_away(avenue, uri):
    report = avenue.doctor(code=2, MONGODB_URI=uri.format(port=free_port()))
    assert report["database"] is False
    assert "indexes" in report["skipped"]
    checks = {each["check"]: each for each in report["checks"]}
    assert checks["decoders"]["level"] == "ok"
    assert checks["database"]["findings"][0]["place"] == "MONGODB_URI"


def test_a_database_of_somebody_else_is_left_alone(avenue, mongod):
    name = f"{avenue.application.raw.name}_foreign"
    mongod.client[name]["users"].insert_one({"name": "Ana"})
    try:
        report = avenue.doctor(code=2, MONGODB_URI=mongod.uri_of(name))
        assert mongod.client[name].list_collection_names() == ["users"]
    finally:
        mongod.client.drop_database(name)
    (found,) = [each for each in report["checks"] if each["check"] == "database"]
    assert "already holds documents in users" in found["findings"][0]["says"]


@pytest.mark.long
def test_a_database_that_is_not_prepared_is_told_once(avenue, mongod):
    name = f"{avenue.application.raw.name}_empty"
    report = avenue.doctor(code=1, MONGODB_URI=mongod.uri_of(name))
    checks = {each["check"]: each for each in report["checks"]}
    assert "python -m avenue migrate" in checks["schema"]["findings"][0]["cure"]
    assert report["skipped"] == ["indexes", "urls"]
    assert name not in mongod.client.list_database_names()


@pytest.mark.long
def test_mistakes_in_the_settings_do_not_hinder_the_rest(avenue):
    report = avenue.doctor(code=1, SECRET_KEY="changeme" * 6, AVENUE_PORTS="x", PORT="many")
    checks = {each["check"]: each for each in report["checks"]}
    places = {each["place"] for each in checks["settings"]["findings"]}
    assert places == {"SECRET_KEY", "PORT"}
    assert checks["indexes"]["level"] == "ok"


# Addresses


@dataclass
class Planted:
    """Products, a group and a page with addresses of every kind."""

    raw: Any
    product: str
    mine: str
    other: str
    group: str
    of_group: str
    page: str
    media: str

    def images(self, kind: str, owner: str) -> list[Any]:
        found: list[Any] = self.raw[kind].find_one({"_id": owner})["images"]
        return found


@pytest.fixture
def planted(avenue: Deployment, seller: Caller) -> Planted:
    application = avenue.application
    for name in ("shop_products", "shop_products_grouped", "page_content"):
        application.raw[name].delete_many({})
    product, other = seller.a_product(a_picture(), a_picture()), seller.a_product(a_picture())
    group = seller.a_group(a_picture())
    media = application.caller("editor").upload("/api/builder/media", a_picture()).json["id"]
    mine, of_group = product["images"][0]["id"], group["images"][0]["id"]
    LegacyUrls(application.database).put("default", "/uploads/viejo.jpg", mine)
    page = "pagina-de-antes-000000"
    text = (
        f'<img src="http://localhost:8000/media/{media}/{"0" * 12}/w640.webp">'
        f"<a href='https://{HOST}/media/{media}/original'>x</a>"
        '<a href="https://instagram.com/x">y</a> <a href="/contacto">z</a>'
        f'<img src="https://{HOST}/media/{mine}/original">'
        '<div style="background: url(&quot;/uploads/perdido.jpg&quot;)">'
    )
    application.raw["page_content"].insert_one(
        {
            "_id": page,
            "site": "default",
            "slug": "inicio",
            "title": "Inicio",
            "revision": 4,
            "draft": {"html": text, "css": "", "seo": {"image": f"/media/{media}/thumb"}},
            "published": {
                "html": text,
                "css": f"a{{background:url(//old.example/media/{media}/card)}}",
            },
            "assets": [],
        }
    )
    result = Planted(
        application.raw,
        product["id"],
        mine,
        other["images"][0]["id"],
        group["id"],
        of_group,
        page,
        media,
    )
    application.raw["shop_products"].update_one(
        {"_id": product["id"]},
        {
            "$set": {
                "images.0": {
                    "url": f"http://ana:geheim-im-link@localhost:3000/media/{mine}/thumb?s=geheim-im-link"
                },
                "description": f"Siehe http://127.0.0.1/media/{mine}/original dort.",
            }
        },
    )
    add_entries(
        application,
        "product",
        product["id"],
        [
            {"url": "/uploads/viejo.jpg"},
            {"url": "/uploads/perdido.jpg"},
            {"url": "https://cdn.elsewhere.example/a.jpg"},
            {"url": f"https://{HOST}/media/{result.other}/original"},
            {"url": f"https://{HOST}/media/{UNKNOWN}/original"},
            "neither",
        ],
    )
    key = f"https://old.example/media/{of_group}/original"
    application.raw["shop_products_grouped"].update_one(
        {"_id": group["id"]},
        {"$set": {"images": [{"url": key}], "options": [{"name": "rojo", "images": [key]}]}},
    )
    return result


@pytest.mark.long
def test_addresses_are_told_by_what_can_be_done_about_them(avenue, planted):
    check = avenue.check("urls")
    said = {each["place"]: each["says"] for each in check["findings"]}
    product = f"default: product {planted.product}"
    page = f"default: page {planted.page}"
    assert sorted((each["place"], each["level"]) for each in check["findings"]) == sorted(
        [
            (f"{product} images.0.url", "problem"),
            (f"{product} images.2.url", "notice"),
            (f"{product} images.3.url", "problem"),
            (f"{product} images.5.url", "notice"),
            (f"{product} images.6.url", "problem"),
            (f"{product} description", "problem"),
            (f"default: group {planted.group} images.0.url", "problem"),
            (f"{page} draft.seo.image", "notice"),
            (f"{page} published.css", "problem"),
            *[(f"{page} {part}.html", "problem") for part in ("draft", "published")] * 2,
            *[(f"{page} {part}.html", "notice") for part in ("draft", "published")] * 2,
        ]
    )
    assert "4 documents looked at; on other hosts by design: " in check["told"]
    assert "cdn.elsewhere.example 1" in check["told"]
    assert "only people can change that" in said[f"{product} description"]


def test_a_dry_run_lists_and_changes_nothing(avenue, planted):
    before = everything(avenue)
    facts = avenue.doctor("--fix", "urls", code=1)
    assert facts["applied"] is False
    assert facts["rewritten"] == 0
    assert facts["mendable"] == len([e for e in facts["items"] if e["fate"] == "mendable"]) == 9
    assert everything(avenue) == before
    done = avenue.commands.run("doctor", "--fix", "urls", env=avenue.environment)
    assert b"9 can be rewritten (`--apply` does)" in done.stdout
    assert done.stderr == b""  # how far it is, it says to a terminal only


def test_what_leads_to_our_files_becomes_their_name_and_nothing_else_changes(avenue, planted):
    before = everything(avenue)
    avenue.application.raw["audit_logs"].delete_many({"action": "addresses.mended"})
    facts = avenue.doctor("--fix", "urls", "--apply", code=1)
    assert (facts["rewritten"], facts["mendable"]) == (9, 0)
    kept = [{"url": "/uploads/perdido.jpg"}, {"url": "https://cdn.elsewhere.example/a.jpg"}]
    images = planted.images("shop_products", planted.product)
    assert images[0] == {"asset": planted.mine}
    assert images[2:4] == kept  # the old address was of the picture that stands there already
    assert images[4] == {"url": f"https://{HOST}/media/{planted.other}/original"}
    assert images[-1] == "neither"
    group = avenue.application.raw["shop_products_grouped"].find_one({"_id": planted.group})
    assert group["images"] == [{"asset": planted.of_group}]
    assert group["options"] == [{"name": "rojo", "images": [planted.of_group]}]
    page = avenue.application.raw["page_content"].find_one({"_id": planted.page})
    assert f'<img src="avenue:{planted.media}/w640">' in page["draft"]["html"]
    assert f"<a href='avenue:{planted.media}/original'>" in page["draft"]["html"]
    assert page["draft"]["html"] == page["published"]["html"]
    assert page["draft"]["seo"]["image"] == planted.media
    assert page["published"]["css"] == f"a{{background:url(avenue:{planted.media}/card)}}"
    assert (page["revision"], page["assets"]) == (5, [planted.media])
    assert "/contacto" in page["draft"]["html"]
    assert planted.mine in page["draft"]["html"]  # a product's picture: the page may not keep it
    unchanged = {(name, each) for name, found in before.items() for each in found}
    changed = unchanged - {(n, each) for n, found in everything(avenue).items() for each in found}
    assert {name for name, _ in changed} == {
        "shop_products",
        "shop_products_grouped",
        "page_content",
    }
    assert len(changed) == 3
    again = avenue.doctor("--fix", "urls", "--apply", code=1)
    assert (again["rewritten"], again["mendable"], again["left"]) == (0, 0, facts["left"])
    (entry,) = avenue.application.raw["audit_logs"].find({"action": "addresses.mended"})
    assert entry["details"]["rewritten"] == 9
    assert f"page {planted.page}" in entry["details"]["documents"]
    avenue.application.raw["audit_logs"].delete_one({"_id": entry["_id"]})


def everything(avenue: Deployment) -> dict[str, list[str]]:
    names = ("shop_products", "shop_products_grouped", "page_content", "sites", "legacy_urls")
    raw = avenue.application.raw
    return {name: [repr(each) for each in raw[name].find().sort("_id")] for name in names}


def test_nobodys_change_is_written_over(avenue, planted, monkeypatch):
    """Somebody saves the product between the look and the change."""
    application, asked = avenue.application, DocumentStore.change
    saved: list[str] = []

    def change(self: DocumentStore, site_id: str, kept: Any, *args: Any) -> bool:
        if kept.id == planted.product and not saved:
            saved.append(kept.id)
            added = {"$push": {"images": {"url": NEW}}, "$inc": {"revision": 1}}
            application.raw["shop_products"].update_one({"_id": kept.id}, added)
        return asked(self, site_id, kept, *args)

    monkeypatch.setattr(DocumentStore, "change", change)
    site = Sites(application.database, application.settings).named("default")
    work = Services(application.settings, application.database).mender
    work.look(site, mends=True, tell=lambda _: None)
    assert saved
    images = planted.images("shop_products", planted.product)
    assert (images[0], images[-1]) == ({"asset": planted.mine}, {"url": NEW})


def test_a_picture_that_goes_meanwhile_is_not_named(avenue, planted):
    application = avenue.application
    store = DocumentStore(application.database)
    kept = store.get("default", "product", planted.product)
    assert kept is not None
    application.raw["assets"].update_one({"_id": planted.mine}, {"$set": {"state": "trash"}})
    values = {"images": [{"asset": planted.mine}]}
    assert store.change("default", kept, values, [planted.mine]) is False
    assert planted.images("shop_products", planted.product)[0] != {"asset": planted.mine}


def test_caches_of_what_is_changed_are_purged(avenue, planted, monkeypatch):
    database, raw = avenue.application.database, avenue.application.raw
    monkeypatch.setattr(database, "purges_caches", True)
    raw["shop_products"].update_one({"_id": planted.product}, {"$set": {"status": "published"}})
    store = DocumentStore(database)
    values = {"product": {"description": "x"}, "page": {"published": {"html": "x"}}}
    for kind, changed in values.items():
        kept = store.get("default", kind, getattr(planted, kind))
        assert store.change("default", kept, changed, [])
    purges = list(raw["notifications"].find({"kind": "paths.purge"}))
    raw["notifications"].delete_many({"kind": "paths.purge"})
    paths = {path for each in purges for path in each["content"]["paths"]}
    assert {"/p/inicio", f"/products/{planted.product}"} <= paths


def test_another_sites_file_is_nobodys_business(avenue, planted):
    stranger = avenue.application.caller("seller_on_other_site").a_product(a_picture())
    url = f"https://old.example/media/{stranger['images'][0]['id']}/original"
    add_entries(avenue.application, "product", planted.product, [{"url": url}])
    facts = avenue.doctor("--fix", "urls", code=1)
    assert url not in {each["address"] for each in facts["items"]}
    assert avenue.doctor("--fix", "urls", "--site", "other", code=0)["items"] == []


@pytest.mark.long
def test_the_address_of_a_site_itself(avenue):
    raw = avenue.application.raw
    raw["sites"].update_one({"_id": "other"}, {"$set": {"base_url": "http://localhost:5000"}})
    try:
        findings = avenue.check("urls")["findings"]
    finally:
        raw["sites"].update_one({"_id": "other"}, {"$set": {"base_url": "https://other.example"}})
    assert "site other base_url" in {each["place"] for each in findings}


@pytest.mark.long
def test_usage(avenue):
    done = avenue.commands.run("doctor", "--apply", env=avenue.environment)
    assert done.returncode == 2
    assert b"--apply needs --fix." in done.stderr
    done = avenue.commands.run(
        "doctor", env={"PATH": os.environ["PATH"], "SECRET_KEY": new_secret()}, cwd=avenue.folder
    )
    assert done.returncode == 2
    assert b"PROBLEM  MONGODB_URI: MONGODB_URI is missing" in done.stdout
    assert b"skipped  version, members" in done.stdout


UNREADABLE: list[tuple[str, Any]] = [
    ("revision", "zzz"),
    ("options", 7),
    ("options", [{"name": "rojo", "images": [{"zzz": 7}]}]),
]


@table("field, value", UNREADABLE)
def test_a_record_that_cannot_be_read_is_left_and_the_others_are_mended(avenue, field, value):
    application = avenue.application
    groups, seller = application.raw["shop_products_grouped"], application.caller("seller")
    ids, pictures = [], []
    for changes in ({}, {field: value}):
        made = seller.a_group(a_picture())
        picture = made["images"][0]["id"]
        local = {"images": [{"url": f"http://localhost:3000/media/{picture}/thumb"}]}
        groups.update_one({"_id": made["id"]}, {"$set": {**local, **changes}})
        ids.append(made["id"])
        pictures.append(picture)
    site = Sites(application.database, application.settings).named("default")
    work = Services(application.settings, application.database).mender
    before = groups.find_one({"_id": ids[1]})
    done = work.look(site, mends=True, tell=lambda _: None)
    assert groups.find_one({"_id": ids[0]})["images"] == [{"asset": pictures[0]}]
    assert groups.find_one({"_id": ids[1]}) == before
    (left,) = [each for each in done.addresses if each.document == ids[1]]
    assert f"see its field {field}" in left.why
    groups.delete_many({"_id": {"$in": ids}})
