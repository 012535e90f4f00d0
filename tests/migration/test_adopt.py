"""`python -m avenue adopt`: the database of the application that came before, brought in."""

import contextlib
import json
import os
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, ObjectId, Regex
from pymongo.errors import ServerSelectionTimeoutError, WriteError
from pymongo.monitoring import CommandStartedEvent

from avenue.app import create_app
from avenue.config import Settings
from avenue.media.intake.library import MediaLibrary
from avenue.migration.adopt.decoding import file_bytes, is_inline
from avenue.storage.earlier import EarlierDatabase, SourceAway
from tests.listening import listening
from tests.migration.deployment import Deployment
from tests.migration.earlier_shop import FORMS, PASSWORD, EarlierShop, fill, picture
from tests.mongod import database_name
from tests.table import table
from tests.waiting import DEADLINE_SECONDS, wait_until

BASE_URL = "https://shop.example"
LOGIN = "/api/auth/login"
KEY = "65a000000000000000000001"


@pytest.fixture
def shop(avenue: Deployment) -> Iterator[EarlierShop]:
    """The earlier application's database, beside ours."""
    client, name = avenue.database.client, database_name()
    yield fill(client[name])
    client.drop_database(name)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "products").mkdir()
    (tmp_path / "products" / "a.jpg").write_bytes(picture(40))
    return tmp_path


@pytest.fixture
def app(avenue: Deployment) -> Iterator[Any]:
    """Our application over the database, as a browser and an app see it."""
    settings = Settings(
        mongodb_uri=avenue.uri,
        secret_key="K8-fjWq2_zPd0vLr5Tn7yXbGh3Sm6Ca9Qe1U",
        public_base_url=BASE_URL,
        cache_seconds=0,
    )
    app = create_app(settings, avenue.database)
    yield app.test_client()
    app.extensions["avenue"][MediaLibrary]._examiner.close()


def uri_of(avenue: Deployment, shop: EarlierShop) -> str:
    return avenue.uri.replace(f"/{avenue.raw.name}", f"/{shop.raw.name}")


def adopt(
    avenue: Deployment, shop: EarlierShop, *more: str | Path, code: int = 1
) -> dict[str, Any]:
    done = avenue.command("adopt", "--from", uri_of(avenue, shop), *more, "--json")
    assert (done.returncode, bool(done.stdout)) == (code, True), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def owner_of(avenue: Deployment, kind: str, old_id: str) -> dict[str, Any]:
    """What had this id in the earlier application."""
    known = avenue.raw["adopted"].find_one({"kind": kind, "keys": old_id})
    return avenue.owner(kind, known["target"])


def hashes(avenue: Deployment, old_id: str) -> list[str]:
    """The pictures of a product, in order: the hashes of the bytes they were made of."""
    product = owner_of(avenue, "product", old_id)
    ids = [each["asset"] for each in product["images"] if "asset" in each]
    found = {each["_id"]: each for each in avenue.raw["assets"].find({"_id": {"$in": ids}})}
    assert all(each["claim"]["id"] == product["_id"] for each in found.values())
    return [found[each]["versions"][0]["source_sha256"] for each in ids]


def refused(report: dict[str, Any]) -> dict[str, str]:
    return {f"{each['collection']} {each['record']}": each["code"] for each in report["refused"]}


def test_an_earlier_shop_moves_in_whole_and_a_second_run_finds_nothing_to_do(
    avenue: Deployment, shop: EarlierShop, files: Path, app: Any
) -> None:
    before, everything = shop.raw.command("dbHash")["md5"], ("--files", files)
    dry = adopt(avenue, shop, *everything, "--dry-run")
    assert not any(avenue.raw[name].count_documents({}) for name in ("assets", "adopted", "users"))
    held = {each["name"]: (each["holds"], each["documents"]) for each in dry["recognised"]}
    assert held["fotos"] == ("files", 2)
    assert held["temp_images"] == ("temporary", 1)
    assert [each["name"] for each in dry["left_alone"]] == ["admin_settings", "orders"]

    report = adopt(avenue, shop, *everything)
    assert {name: hashes(avenue, name) for name in shop.wanted} == shop.wanted
    assert dry["counts"]["people"] == report["counts"]["people"]
    for kind, counts in dry["counts"].items():  # what opening shows beside: no picture
        assert sum(counts.values()) == sum(report["counts"][kind].values()), kind
    named = refused(report)
    (caro,) = (each for each, code in named.items() if code == "password_needs_reset")
    assert named["shop_products broken"] == "broken_image"
    assert named[f"shop_products {KEY}"] == "shared_sku"
    assert named["shop_products lost"] in {"lost_picture", "bad_field"}
    assert named["shop_products_grouped g1"] == "member_gone"
    assert sorted(each["code"] for each in report["refused"] if each["collection"] == "users") == [
        "invalid_email",
        "password_needs_reset",
    ]
    product = owner_of(avenue, "product", KEY)
    assert product["images"][-1] == {"url": "https://cdn.example/afuera.jpg"}
    assert (str(product["price"]), product["status"]) == ("150000", "published")
    assert [owner_of(avenue, "product", each).get("sku") for each in (KEY, "shared")] == [
        None,
        "REFS",
    ]
    assert owner_of(avenue, "product", "owned")["status"] == "draft"
    assert owner_of(avenue, "product", "lost")["images"] == [{"url": "/uploads/gone.jpg"}]
    group = owner_of(avenue, "group", "g1")
    assert owner_of(avenue, "product", "inline")["group"] == group["_id"]
    contract = avenue.raw["assets"].find_one({"name": "contrato.pdf"})
    assert (contract["visibility"], contract["claim"]["kind"]) == ("private", "upload")
    page = avenue.raw["page_content"].find_one({"slug": "inicio"})
    assert page["draft"]["html"].count("avenue:") == 2 == len(page["assets"])
    assert app.get("/p/inicio", base_url=BASE_URL).status_code == 200

    after = avenue.everything()
    again = adopt(avenue, shop, *everything)
    assert avenue.everything() == after
    assert refused(again).keys() == named.keys() - {caro}
    assert set(again["counts"]["products"]) == {"unchanged"}
    assert "stored" not in again["counts"]["pictures"]
    assert shop.raw.command("dbHash")["md5"] == before

    for address in ("/api/shop/products/form-0", f"/api/shop/products/{KEY}"):
        found = app.get(address, base_url=BASE_URL)
        assert (found.status_code, found.json["status"]) == (200, "published")
    # By each id that a picture had.
    for address, seed in (("/uploads/nadie.jpg", 70), ("/api/shop/images/foto-21-uuid-like", 21)):
        seen = app.get(address, base_url=BASE_URL, follow_redirects=True)
        assert seen.data == picture(seed), address


def sign_in(app: Any, users: Any) -> None:
    """Sign people in with the password they had."""
    who = {"email": "ana@tienda.example", "password": PASSWORD}
    wrong = app.post(LOGIN, json={**who, "password": "otra"}, base_url=BASE_URL)
    assert wrong.status_code == 401
    assert users.find_one({"email": who["email"]})["password_hash"].startswith("$2b$")
    for _ in range(2):
        found = app.post(LOGIN, json=who, base_url=BASE_URL)
        assert (found.status_code, found.json["user"]["role"]) == (200, "admin")
        kept = users.find_one({"email": who["email"]})
        assert kept["password_hash"].startswith("$argon2id$")
        assert (kept["superuser"], kept["password_is_own"]) == (False, False)
    for email in ("beto@tienda.example", "caro@tienda.example"):  # disabled; of no known form
        one = app.post(LOGIN, json={**who, "email": email}, base_url=BASE_URL)
        assert one.status_code == 401


def alts_of(avenue: Deployment, old_id: str) -> list[Any]:
    """The alternative texts of the pictures of a product."""
    entries = owner_of(avenue, "product", old_id)["images"]
    found = {each["_id"]: each["alt"] for each in avenue.raw["assets"].find()}
    return [found[each["asset"]] for each in entries if "asset" in each]


def test_only_what_changed_is_brought_in_and_what_was_changed_here_stays(
    avenue: Deployment, shop: EarlierShop, app: Any
) -> None:
    """Products, alternative texts, and people, who sign in and have their password renewed."""
    adopt(avenue, shop)
    users = avenue.raw["users"]
    sign_in(app, users)
    front = {"es": "De frente", "en": "From the front"}
    assert alts_of(avenue, KEY) == [front, {"es": "De costado"}, {}]
    assert alts_of(avenue, "form-2") == [{}]

    products, pictures = shop.raw["shop_products"], shop.raw["product_images_data"]
    products.update_one({"_id": "form-0"}, {"$set": {"price": 7, "images": shop_images(shop, 5)}})
    products.update_one({"_id": "form-1"}, {"$set": {"name": "Otro"}})
    mine = owner_of(avenue, "product", "form-1")
    change = {"$set": {"name": "Mío"}, "$inc": {"revision": 1}}
    avenue.raw["shop_products"].update_one({"_id": mine["_id"]}, change)
    pictures.update_one({"filename": "2.jpg"}, {"$set": {"alt": "Marrón"}})
    pictures.update_one({"filename": "3.jpg"}, {"$set": {"alt": "Negro"}})
    (black,) = avenue.assets_of("product", owner_of(avenue, "product", "form-3")["_id"])
    avenue.raw["assets"].update_one({"_id": black["_id"]}, {"$set": {"alt": {"es": "Mío"}}})
    users.update_one({"email": "ana@tienda.example"}, {"$set": {"name": "Ana María"}})

    report = adopt(avenue, shop)
    assert report["counts"]["products"]["updated"] == 3  # form-0, form-2 and form-3
    assert refused(report)["shop_products form-1"] == "changed_here"
    assert str(owner_of(avenue, "product", "form-0")["price"]) == "7"
    assert hashes(avenue, "form-0") == [*shop.wanted["form-5"], *shop.wanted["form-0"]]
    assert owner_of(avenue, "product", "form-1")["name"] == "Mío"
    assert alts_of(avenue, "form-2") == [{"es": "Marrón"}]
    assert alts_of(avenue, "form-3") == [{"es": "Mío"}]
    assert users.find_one({"email": "ana@tienda.example"})["name"] == "Ana María"
    assert "updated" not in adopt(avenue, shop)["counts"]["products"]


def shop_images(shop: EarlierShop, other: int) -> list[str]:
    """The pictures of the product `form-0`, those of another one before."""
    found = shop.raw["shop_products"].find({"_id": {"$in": ["form-0", f"form-{other}"]}})
    images = {each["_id"]: each["images"] for each in found}
    return [*images[f"form-{other}"], *images["form-0"]]


def test_following_brings_what_changes_until_it_is_ended_and_a_map_says_what_is_not_seen(
    avenue: Deployment, shop: EarlierShop, tmp_path: Path
) -> None:
    shop.raw["fotos_viejas"].insert_one({"_id": 5, "blob": picture(80), "prod_id": "mapped"})
    shop.add_product("mapped", None, [80])
    file = tmp_path / "map.toml"
    file.write_text(
        '[collections.fotos_viejas]\nholds = "pictures"\n[collections.fotos_viejas.fields]\n'
        'data = "blob"\nproduct = "prod_id"\n[collections.page_content]\nholds = "other"\n'
    )
    source = ("--from", uri_of(avenue, shop))
    process = avenue.start("adopt", *source, "--map", file, "--follow", "--json")
    products = avenue.raw["shop_products"]
    wait_until(lambda: products.count_documents({}) == len(shop.wanted))
    shop.add_picture(90, bytes, product_id="late")
    shop.add_product("late", None, [90])
    wait_until(lambda: avenue.raw["adopted"].find_one({"keys": "late"}))
    assert hashes(avenue, "late") == shop.wanted["late"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE_SECONDS) == 1  # this shop has records with faults
    assert hashes(avenue, "mapped") == shop.wanted["mapped"]
    assert avenue.raw["page_content"].count_documents({}) == 0


def test_the_source_is_only_read(avenue: Deployment, shop: EarlierShop) -> None:
    """What the earlier database is asked: nothing that a user with the role `read` may not."""

    asked: set[str] = set()

    def hear(event: CommandStartedEvent) -> None:
        if event.database_name == shop.raw.name:
            asked.add(event.command_name)

    with listening(hear):
        source = EarlierDatabase(uri_of(avenue, shop))
        for name in source.collections():
            for record in source.records(name):
                source.get(name, record.handle)
        source.close()
    assert asked <= {"listCollections", "count", "find", "getMore", "endSessions"}


@table(
    "arguments, written, said",
    [
        (["--from", "mongodb://127.0.0.1:1/"], "", "Write mongodb://HOST:PORT/NAME"),
        (["--from", "http://x/y"], "", "Write mongodb://HOST:PORT/NAME"),
        (["--from", "OURS"], "", "That is the database Avenue runs on."),
        (["--from", "EMPTY"], "", "Nothing was recognised in the database"),
        (["--from", "EMPTY", "--map", "MAP"], "[roles]\na = 1", "roles.a must be one of"),
        (["--from", "EMPTY", "--map", "MAP"], "[colections]", "the file has colections"),
        (["--from", "EMPTY", "--map", "MAP"], "[collections.a]", "holds = one of"),
        (["--from", "EMPTY", "--map", "MAP"], "=", "The map file cannot be used"),
    ],
)
def test_mistakes_are_sentences_and_nothing_is_done(
    avenue: Deployment, tmp_path: Path, arguments: list[str], written: str, said: str
) -> None:
    (tmp_path / "map.toml").write_text(written)
    empty = avenue.uri.replace(f"/{avenue.raw.name}", "/empty_one")
    places = {"OURS": avenue.uri, "EMPTY": empty, "MAP": str(tmp_path / "map.toml")}
    done = avenue.command("adopt", *(places.get(each, each) for each in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_source_that_does_not_answer_is_told_without_the_topology() -> None:
    said = "db:1: refused (configured timeouts: x: 1ms), Timeout: 10.0s, Topology Description: <…>"
    error = SourceAway(ServerSelectionTimeoutError(said))
    assert error.message.endswith("is not responding: db:1: refused.")


@pytest.mark.long
def test_the_walk_through_of_the_document_works(
    avenue: Deployment, shop: EarlierShop, files: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every command of docs/moving.md before those of other services (test_sources.py)."""
    text = (Path(__file__).parents[2] / "docs/moving.md").read_text()
    text = text.partition("\n## Files of other services")[0]
    lines = re.findall(r"^ *python -m avenue (.*)$", text, re.MULTILINE)
    assert len(lines) == 11
    (files / "map.toml").write_text(re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0])
    environment = {**avenue.environment, "AVENUE_ADOPT_FROM": uri_of(avenue, shop)}
    out = tmp_path_factory.mktemp("out")
    places = {
        "old/uploads": str(files),
        "map.toml": str(files / "map.toml"),
        "backups": str(out / "backups"),
        "taken": str(out / "taken"),
    }
    before = shop.raw.command("dbHash")["md5"]
    for line in lines:
        arguments = [places.get(each, each) for each in line.split()]
        done = avenue.commands.run(*arguments, env=environment)
        # This shop has records with faults, and they are told of.
        has_faults = line.startswith(("adopt", "fsck"))
        assert done.returncode == int(has_faults), (line, done.stdout.decode(), done.stderr)
        if line == "fsck":  # the one picture that is lost
            assert b"\n1 local_path\n" in done.stdout
    assert hashes(avenue, "folder") == shop.wanted["folder"]
    assert avenue.raw["sites"].find_one({"_id": "default"})["hosts"][-1] == "tienda.example"
    assert len(list((out / "backups/snapshots").iterdir())) == 1
    assert (out / "taken/products/F0/1.jpg").is_file()
    assert shop.raw.command("dbHash")["md5"] == before


def test_a_foreign_database_is_told_the_way(avenue: Deployment, shop: EarlierShop) -> None:
    environment = {**avenue.environment, "MONGODB_URI": uri_of(avenue, shop)}
    done = avenue.commands.run("migrate", env=environment)
    assert done.returncode == 1
    assert "python -m avenue adopt --from" in done.stderr.decode()


@table("name, form", FORMS)
def test_a_picture_is_read_in_every_form(name: str, form: Any) -> None:
    data = picture(3)
    assert is_inline(form(data)), name
    assert file_bytes(form(data), 10**6) == data


RUBBISH: tuple[Any, ...] = (
    None,
    True,
    -1,
    float("nan"),
    float("inf"),
    "",
    "\x00\ud7ff %%% ñ 空",
    "data:,",
    "data:image/png;base64,****",
    "http://[::1",
    "//",
    "x" * 5000,
    b"",
    b"\xff" * 70,
    [],
    [None, [[]], {}, 5, {"url": {}}, {"data": b""}],
    {"a": 1},
    {"type": "Buffer", "data": ["x"]},
    {"$binary": "*"},
    datetime(1, 1, 1, tzinfo=UTC),
    ObjectId(),
    Decimal128("NaN"),
    Regex("("),
)


@pytest.mark.parametrize("is_dry", [False, pytest.param(True, marks=pytest.mark.long)])
def test_no_record_whatever_is_in_it_ends_the_pass(
    avenue: Deployment, shop: EarlierShop, *, is_dry: bool
) -> None:
    named = {
        "shop_products": ("name", "sku", "price", "images", "status", "group", "owner", "currency"),
        "shop_products_grouped": ("name", "model", "product_ids", "images"),
        "product_images_data": ("data", "filename", "product_id", "position", "id"),
        "page_content": ("title", "slug", "html", "css", "status", "description"),
        "users": ("email", "name", "password", "role", "is_active", "created_at"),
    }
    for collection, names in named.items():
        whole = [dict.fromkeys(names, each) for each in RUBBISH]
        one = [{"_id": each} for each in RUBBISH if not isinstance(each, list | Regex)]
        shop.raw[collection].insert_many(whole)
        for each in one:
            with contextlib.suppress(WriteError):
                shop.raw[collection].insert_one(each)
    report = adopt(avenue, shop, *(["--dry-run"] if is_dry else []))
    assert sum(report["counts"]["products"].values()) > len(shop.wanted) + len(RUBBISH)
    for name, wanted in shop.wanted.items() if not is_dry else ():
        assert name == "folder" or hashes(avenue, name)[-len(wanted) or None :] == wanted, name


@pytest.mark.long
def test_a_killed_run_is_finished_by_the_next(avenue: Deployment, shop: EarlierShop) -> None:
    """SIGKILL after some of the products; the end is that of a run nobody disturbed."""
    for killed_at in (1, 4, 8, 12, 16):
        process = avenue.start("adopt", "--from", uri_of(avenue, shop))
        while process.poll() is None and avenue.raw["adopted"].count_documents({}) < killed_at:
            os.sched_yield()
        process.kill()
        process.wait(DEADLINE_SECONDS)
    adopt(avenue, shop)
    assert {name: hashes(avenue, name) for name in shop.wanted if name != "folder"} == {
        name: wanted for name, wanted in shop.wanted.items() if name != "folder"
    }
    assert avenue.raw["shop_products"].count_documents({}) == len(shop.wanted)
