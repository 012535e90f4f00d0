"""The debug endpoints: who may ask, what they tell, every planted fault, and how shops heal."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.builder.website.store.uses import PageReferrers
from avenue.clock import utc_now
from avenue.health.checks.inspection import INSPECT
from avenue.health.checks.store.inspections import INSPECTED
from avenue.health.views.status import service as status_service
from avenue.identity import new_id
from avenue.jobs.errors import Stopping
from avenue.jobs.runner import RunningJob
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.storage.status import DeploymentStatus
from tests.http.application import (
    GROUPS,
    HOST,
    OTHER_HOST,
    PRODUCTS,
    Application,
    Caller,
    a_picture,
    large_picture,
    unique,
)
from tests.http.debug_app import (
    CHUNKS,
    FILES,
    PRODUCTS_STATUS,
    STORAGE_STATUS,
    Hand,
    add_entries,
    inspected,
    nothing_runs_meanwhile,
    problems_of,
    status,
    storage,
)
from tests.http.test_products import assert_refused
from tests.mongod import Mongod, fail_point
from tests.prepared import counts
from tests.table import table

UNAUTHORIZED = 13
BOTH = pytest.mark.parametrize("url", [PRODUCTS_STATUS, STORAGE_STATUS])


@pytest.fixture(autouse=True)
def deep_looks_are_quick_too() -> Iterator[None]:
    with nothing_runs_meanwhile():
        yield


@pytest.fixture(scope="module")
def second_deployment(mongod: Mongod) -> Iterator[Application]:
    """Another one, for tests that want it empty."""
    with Application(mongod) as application:
        yield application


def empty(application: Application) -> None:
    """Leave the people and nothing that they have."""
    kept = {"users", "api_tokens", "sites", "avenue_meta", "rate_limits"}
    for name, count in counts(application.raw).items():
        if count and name not in kept:
            application.raw[name].delete_many({})
    application.raw["avenue_meta"].delete_one({"_id": INSPECTED})  # begin the pass anew


@pytest.fixture
def nothing_else(application: Application) -> None:
    """So that a pass over everything is short."""
    empty(application)


@pytest.fixture
def shop(second_deployment: Application) -> Iterator[Application]:
    """A shop without products for one test, where every number is known."""
    people = {who: second_deployment.caller(who) for who in ("ops", "admin", "seller")}
    empty(second_deployment)
    sites = list(second_deployment.raw["sites"].find())
    yield second_deployment
    for each in sites:
        second_deployment.raw["sites"].replace_one({"_id": each["_id"]}, each, upsert=True)
    ids = [each.id for each in people.values()]
    second_deployment.raw["users"].update_many(
        {"_id": {"$in": ids}}, {"$set": {"superuser": False}}
    )


@pytest.fixture(scope="module")
def ops(application: Application) -> Caller:
    return application.caller("ops")


@pytest.fixture(scope="module")
def seller(application: Application) -> Caller:
    return application.caller("seller")


# Who may ask, and in which form


@pytest.mark.long
@BOTH
@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("nobody", 401),
        ("seller", 403),
        ("client", 403),
        ("editor", 403),
        ("ops", 200),
        ("admin", 200),
    ],
)
def test_ops_and_administrators_may_ask(application, who, code, url):
    assert application.caller(who).get(url).status_code == code


@BOTH
def test_a_token_of_another_site_is_none_here(application, url):
    stranger = replace(application.caller("ops_on_other_site"), host=HOST)
    assert_refused(stranger.get(url), 401, "invalid_token")


@BOTH
def test_a_token_that_may_only_write_is_refused(application, ops, url):
    assert_refused(application.with_scopes(ops, "write").get(url), 403, "insufficient_scope")


@BOTH
@pytest.mark.parametrize("query", ["?deep=2", "?deep=yes", "?deep="])
def test_deep_is_1_or_0(ops, url, query):
    assert_refused(ops.get(url + query), 400, "invalid_request")


@pytest.mark.parametrize("query", ["?limit=0", "?limit=101", "?limit=x", "?after=%00"])
def test_a_page_that_is_none_is_refused(ops, query):
    assert ops.get(PRODUCTS_STATUS + query).status_code == 400


@table(
    "accept, media_type",
    [
        ("text/plain", "text/plain"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/plain;q=0.5, application/json", "application/json"),
        ("text/html", "application/json"),
    ],
)
@pytest.mark.parametrize(
    "url", [PRODUCTS_STATUS, pytest.param(STORAGE_STATUS, marks=pytest.mark.long)]
)
def test_text_for_those_who_want_text(ops, url, accept, media_type):
    answer = ops.get(url, headers={"Accept": accept})
    assert answer.mimetype == media_type
    assert "Accept" in answer.vary
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_text_has_every_fact_of_the_json_on_a_line(shop):
    owner = shop.caller("seller").a_product(a_picture(), sku="ZR\u2028-01")
    hand = Hand(shop, owner["images"][0]["id"])
    hand.chunk_gone()
    inspected(shop)
    text = shop.caller("ops").get(PRODUCTS_STATUS, headers={"Accept": "text/plain"}).text
    lines = text.splitlines()
    assert "verdict: at_risk" in lines
    assert "  missing: 1" in lines
    assert "problems: 1" in lines
    problem = next(line for line in lines if line.startswith("  - "))
    for fact in (owner["id"], "sku: ZR -01", hand.asset, "chunk_missing"):
        assert fact in problem
    asked = shop.caller("ops").get(STORAGE_STATUS, headers={"Accept": "text/plain"})
    assert "persistent: no" in asked.text.splitlines()
    assert "    incomplete_files: 1" in asked.text.splitlines()


# Numbers


def test_the_numbers_are_exact_and_live(shop):
    seller, ops = shop.caller("seller"), shop.caller("ops")
    seller.a_product(a_picture(), a_picture(), status="published")
    seller.a_product(a_picture())
    seller.a_product()
    seller.a_group(a_picture())
    seller.a_group()
    temporary = [seller.upload("/api/shop/temp-images", a_picture()).json["id"] for _ in range(3)]
    shop.raw["assets"].update_one(
        {"_id": temporary[0]}, [{"$set": {"expires_at": {"$subtract": ["$$NOW", 60_000]}}}]
    )
    removed = seller.a_product(a_picture(), a_picture())
    image = f"{PRODUCTS}/{removed['id']}/images/{removed['images'][0]['id']}"
    assert seller.delete(image).status_code == 204
    external = {"image_url": "https://cdn.example/a.jpg"}
    assert seller.post(f"{PRODUCTS}/{removed['id']}/images", json=external).status_code == 201
    shop.caller("seller_on_other_site").a_product(a_picture())

    found = status(ops)
    assert found["products"] == {
        "total": 4,
        "published": 1,
        "draft": 3,
        "with_images": 3,
        "without_images": 1,
        "counted_at": None,
        "total_at_least": None,
    }
    groups = {"total": 2, "with_images": 1, "without_images": 1}
    groups |= {"counted_at": None, "total_at_least": None}
    assert found["groups"] == groups
    assert found["temp_images"] == {"active": 2, "expired": 1}
    assert found["images"] == {
        "total": 6,
        "external": 1,
        "ephemeral": 0,
        "stored": 5,
        "missing": 0,
    }
    assert storage(ops)["assets"] == {
        "live": 5,
        "trash": 1,
        "unclaimed": 2,
        "expired": 1,
        "damaged": 0,
        "counted_at": None,
        "total_at_least": None,
    }
    product_images = storage(ops)["buckets"]["product_images"]
    assert (product_images["files"], product_images["chunks"]) == (9, 9)
    stored = shop.raw[FILES].find({"_id": {"$regex": "^default/"}})
    assert product_images["bytes"] == sum(each["length"] for each in stored)


@pytest.mark.long
def test_a_small_shop_is_looked_at_before_its_first_pass(shop):
    owner = shop.caller("seller").a_product(a_picture())
    found = status(shop.caller("ops"))
    assert (found["verdict"], found["coverage"]) == ("ok", 1)
    Hand(shop, owner["images"][0]["id"]).chunk_gone()
    found = status(shop.caller("ops"))
    assert (found["verdict"], found["images"]["missing"]) == ("at_risk", 1)


def test_before_the_first_pass_nothing_is_said_that_nobody_knows(shop, monkeypatch):
    monkeypatch.setattr(status_service, "SOON_LOOKED_AT", 0)
    shop.caller("seller").a_product(a_picture())
    found, stored = status(shop.caller("ops")), storage(shop.caller("ops"))
    assert (found["verdict"], found["checked_at"], found["coverage"]) == ("unknown", None, 0)
    assert (found["images"]["stored"], found["images"]["missing"]) == (None, None)
    assert stored["checked_at"] is None
    bucket = stored["buckets"]["product_images"]
    assert (bucket["orphan_chunks"], bucket["incomplete_files"]) == (None, None)


def test_a_healthy_shop_is_ok_after_a_pass(shop):
    seller, ops = shop.caller("seller"), shop.caller("ops")
    owner = seller.a_product(a_picture(), large_picture(seed=3))
    seller.upload(f"{PRODUCTS}/{owner['id']}/images/{owner['images'][0]['id']}/file", a_picture())
    seller.a_group(a_picture())
    url = owner["images"][1]["url"]
    add_entries(shop, "product", owner["id"], [{"url": url}, {"url": url.split(HOST)[1]}])
    inspected(shop)
    found = status(ops)
    assert (found["verdict"], found["coverage"], found["problems"]) == ("ok", 1, [])
    assert found["images"] == {
        "total": 5,
        "stored": 5,
        "external": 0,
        "ephemeral": 0,
        "missing": 0,
    }
    bucket = storage(ops)["buckets"]["product_images"]
    assert (bucket["orphan_chunks"], bucket["incomplete_files"]) == (0, 0)
    seller.a_product(a_picture())
    later = status(ops)
    assert (later["coverage"], later["images"]["total"]) == (round(5 / 6, 4), 6)
    assert later["checked_at"] == found["checked_at"]


# Planted faults


def problems_on(page: Any, owner: str) -> list[dict[str, Any]]:
    """The problems of one product or group on a page that has all there are."""
    assert page["next"] is None
    return [each for each in page["problems"] if owner in {each["product"], each["group"]}]


DAMAGE = [
    ("asset_gone", "asset_missing"),
    ("in_trash", "asset_in_trash"),
    ("purging", "asset_purging"),
    ("file_gone", "file_missing"),
    ("all_bytes_gone", "file_missing"),
    ("wrong_length", "wrong_length"),
    ("chunk_gone", "chunk_missing"),
    ("chunk_cut", "chunk_short"),
    ("chunk_emptied", "chunk_short"),
    ("chunk_lengthened", "chunk_long"),
    ("chunk_too_many", "chunk_surplus"),
]


@pytest.mark.usefixtures("nothing_else")
@pytest.mark.parametrize(
    ("kind", "damages"),
    [
        ("product", DAMAGE),
        pytest.param("group", DAMAGE, marks=pytest.mark.long),
    ],
)
def test_all_damage_is_found_by_one_pass(application, seller, ops, kind, damages, subtests):
    planted = []
    for damage, named in damages:
        fields = {"sku": unique("SKU-")} if kind == "product" else {}
        make = seller.a_product if kind == "product" else seller.a_group
        owner = make(a_picture(), **fields)
        hand = Hand(application, owner["images"][0]["id"])
        getattr(hand, damage)()
        planted.append((damage, named, owner, hand.asset))
    seller.a_product(a_picture())
    inspected(application)
    told = status(ops)
    for damage, named, owner, image in planted:
        with subtests.test(damage=damage):
            (problem,) = problems_on(told, owner["id"])
            assert (problem["kind"], problem["image"]) == (named, image)
            assert problem["sku"] == owner.get("sku")
            assert (problem["product"], problem["group"])[kind == "group"] == owner["id"]
            assert problem["detail"].endswith(".")
            assert problem["advice"].endswith(".")
    assert (told["verdict"], told["images"]["missing"]) == ("at_risk", len(damages))
    assert told["images"]["stored"] == 1


@pytest.mark.long
def test_a_chunk_in_the_middle_of_a_large_picture_is_missed(application, seller, ops):
    large = large_picture(seed=5)
    owner = seller.a_product(large)
    hand = Hand(application, owner["images"][0]["id"])
    assert application.raw[CHUNKS].count_documents({"files_id": hand.file}) > 1
    hand.chunk_gone(1)
    inspected(application)
    (problem,) = problems_of(ops, owner["id"])
    assert problem["kind"] == "chunk_missing"
    assert problem["detail"].endswith("gone: 1.")


ENTRIES: list[tuple[Any, str]] = [
    ({"url": "/uploads/zapato.jpg"}, "local_path"),
    ({"url": "uploads/zapato.jpg"}, "local_path"),
    ({"url": "/media/zapato.jpg"}, "local_path"),
    ({"url": f"https://{HOST}/static/uploads/zapato.jpg"}, "local_path"),
    ({"url": "file:///srv/app/uploads/zapato.jpg"}, "local_path"),
    ({"url": "http://localhost:8000/media/zapato.jpg"}, "localhost"),
    ({"url": "http://127.0.0.1:5000/uploads/zapato.jpg"}, "localhost"),
    ({"url": "http://web:8000/uploads/zapato.jpg"}, "localhost"),
    ({"url": f"https://{HOST}/media/{'x' * 22}/original"}, "asset_missing"),
    ({"asset": "nothing-has-this-id-ab"}, "asset_missing"),
    ({"asset": None}, "malformed_entry"),
    ({}, "malformed_entry"),
    ({"url": ""}, "malformed_entry"),
    ("http://localhost:8000/media/zapato.jpg", "malformed_entry"),
    (7, "malformed_entry"),
]


@pytest.mark.usefixtures("nothing_else")
def test_entries_that_lead_nowhere_are_found_by_one_pass(application, seller, ops, subtests):
    owners = [seller.a_product(sku=unique("SKU-")) for _ in ENTRIES]
    for owner, (entry, _) in zip(owners, ENTRIES, strict=True):
        add_entries(application, "product", owner["id"], [entry])
    inspected(application)
    told = status(ops)
    for owner, (entry, named) in zip(owners, ENTRIES, strict=True):
        with subtests.test(entry=entry):
            (problem,) = problems_on(told, owner["id"])
            assert (problem["kind"], problem["sku"]) == (named, owner["sku"])
    gone, *_, last = [owner["id"] for owner in owners]
    application.raw["shop_products"].delete_one({"_id": gone})
    assert problems_of(ops, gone) == []
    assert len(problems_of(ops, last)) == 1


@pytest.mark.long
def test_what_only_a_disk_had_asks_for_attention(shop):
    owner = shop.caller("seller").a_product(a_picture())
    entries = [{"url": "/uploads/a.jpg"}, {"url": "http://localhost/b.jpg"}]
    add_entries(shop, "product", owner["id"], [*entries, {"url": "https://cdn.example/c.jpg"}])
    before = status(shop.caller("ops"))
    assert (before["verdict"], before["images"]["ephemeral"]) == ("attention", 2)
    inspected(shop)
    found = status(shop.caller("ops"))
    assert found["verdict"] == "attention"
    assert found["images"] == {
        "total": 4,
        "stored": 1,
        "external": 1,
        "ephemeral": 2,
        "missing": 0,
    }
    assert [each["kind"] for each in found["problems"]] == ["local_path", "localhost"]


@pytest.mark.long
def test_an_old_path_that_names_a_picture_is_that_picture(shop):
    ops = shop.caller("ops")
    owner = shop.caller("seller").a_product(a_picture())
    asset = owner["images"][0]["id"]
    path = "/uploads/zapato rojo.jpg"
    LegacyUrls(shop.database).put("default", path, asset)
    add_entries(shop, "product", owner["id"], [{"url": "/uploads/zapato%20rojo.jpg"}])
    inspected(shop)
    assert status(ops)["verdict"] == "ok"
    Hand(shop, asset).asset_gone()
    inspected(shop)
    assert [each["kind"] for each in status(ops)["problems"]] == ["asset_missing"] * 2


@pytest.mark.long
def test_a_picture_that_belongs_to_something_else_asks_for_attention(shop):
    owner = shop.caller("seller").a_product(a_picture())
    Hand(shop, owner["images"][0]["id"]).given_away()
    inspected(shop)
    found = status(shop.caller("ops"))
    assert (found["verdict"], found["images"]["stored"]) == ("attention", 1)
    assert [each["kind"] for each in found["problems"]] == ["not_owned"]


def test_what_belongs_to_nothing_is_counted_and_the_sweeper_named(shop):
    ops = shop.caller("ops")
    for number in range(2):
        shop.raw[CHUNKS].insert_one({"files_id": "default/lost", "n": number, "data": b"x"})
    stray = {"_id": "default/stray", "length": 0, "chunkSize": 255, "metadata": {"asset": "none"}}
    shop.raw[FILES].insert_one(stray)
    inspected(shop)
    found = storage(ops)
    assert found["verdict"] == "at_risk"  # for the one member; the rest is advice
    assert found["buckets"]["product_images"]["orphan_chunks"] == 2
    assert any("2 chunks belong to no file" in each for each in found["advice"])
    assert any("1 files belong to no asset" in each for each in found["advice"])
    assert storage(shop.caller("ops_on_other_site"))["buckets"]["product_images"]["files"] == 0


@pytest.mark.long
def test_what_an_upload_is_writing_just_now_belongs_to_it(shop):
    file = new_id()
    shop.raw[CHUNKS].insert_one({"files_id": f"default/{file}", "n": 0, "data": b"x"})
    write = {"_id": "w", "site": "default", "files": [file], "state": "open"}
    shop.raw["writes"].insert_one(write)
    lease = {"$add": ["$$NOW", 60_000]}
    shop.raw["writes"].update_one({"_id": "w"}, [{"$set": {"lease_until": lease}}])
    inspected(shop)
    assert storage(shop.caller("ops"))["buckets"]["product_images"]["orphan_chunks"] == 0
    shop.raw["writes"].update_one({"_id": "w"}, [{"$set": {"lease_until": "$$NOW"}}])
    inspected(shop)
    assert storage(shop.caller("ops"))["buckets"]["product_images"]["orphan_chunks"] == 1


def test_sites_are_inspected_each_for_itself(shop):
    stranger = shop.caller("seller_on_other_site")
    theirs = stranger.a_product(a_picture())
    Hand(shop, theirs["images"][0]["id"]).chunk_gone()
    mine = shop.caller("seller").a_product(a_picture())
    add_entries(shop, "product", mine["id"], [{"asset": theirs["images"][0]["id"]}])
    inspected(shop)
    found = status(shop.caller("ops"))
    assert [(each["product"], each["kind"]) for each in found["problems"]] == [
        (mine["id"], "asset_missing")
    ]
    there = status(shop.caller("ops_on_other_site"))
    assert (there["site"], there["problems_total"]) == ("other", 1)
    assert there["problems"][0]["product"] == theirs["id"]
    assert OTHER_HOST not in shop.caller("ops").get(STORAGE_STATUS).text


def test_what_is_of_the_whole_deployment_is_for_who_runs_it(shop):
    whole, other = storage(shop.caller("ops")), storage(shop.caller("ops_on_other_site"))
    assert whole["mongodb"]["members"]
    assert whole["mongodb"]["version"]
    kind = {"topology": whole["mongodb"]["topology"], "write_concern": {"w": "majority", "j": True}}
    assert {name: value for name, value in other["mongodb"].items() if value is not None} == kind
    assert set(other["disk"].values()) == set(other["database"].values()) == {None}
    assert whole["mongodb"]["primary"] not in str(other)


# Pages


def test_problems_come_in_pages(shop):
    seller, ops = shop.caller("seller"), shop.caller("ops")
    for _ in range(3):
        owner = seller.a_product()
        entries = [{"url": f"/uploads/{number}.jpg"} for number in range(3)]
        add_entries(shop, "product", owner["id"], entries)
    inspected(shop)
    assert status(ops)["next"] is None
    page, seen = status(ops, "?limit=2"), []
    while True:
        assert page["problems_total"] == 9
        seen += [(each["product"], each["image"]) for each in page["problems"]]
        if page["next"] is None:
            break
        assert len(page["problems"]) == 2
        page = status(ops, f"?limit=2&after={page['next']}")
    assert len(seen) == len(set(seen)) == 9


@pytest.mark.long
def test_a_hundred_problems_are_the_first_page(shop):
    owner = shop.caller("seller").a_product()
    entries = [{"url": f"/uploads/{number}.jpg"} for number in range(101)]
    add_entries(shop, "product", owner["id"], entries)
    inspected(shop)
    first = status(shop.caller("ops"))
    assert (len(first["problems"]), first["problems_total"]) == (100, 101)
    last = status(shop.caller("ops"), f"?after={first['next']}")
    assert [each["image"] for each in last["problems"]] == ["/uploads/100.jpg"]
    assert last["next"] is None


# Looking now


def test_deep_looks_now(shop):
    ops = shop.caller("ops")
    owner = shop.caller("seller").a_product(a_picture(), a_picture())
    inspected(shop)
    before = status(ops)
    Hand(shop, owner["images"][0]["id"]).chunk_gone()
    assert status(ops)["verdict"] == "ok"
    found = status(ops, "?deep=1")
    assert (found["verdict"], found["coverage"], found["images"]["missing"]) == ("at_risk", 1, 1)
    assert found["checked_at"] > before["checked_at"]
    assert storage(ops)["buckets"]["product_images"]["incomplete_files"] == 0
    assert storage(ops, "?deep=1")["buckets"]["product_images"]["incomplete_files"] == 1


def test_only_a_deep_look_reads_the_bytes_and_what_it_found_stays(shop):
    ops, seller = shop.caller("ops"), shop.caller("seller")
    picture = a_picture()
    owner = seller.a_product(picture)
    Hand(shop, owner["images"][0]["id"]).bit_flipped()
    inspected(shop)
    assert status(ops)["verdict"] == "ok"
    for query in ("?deep=1", ""):
        (problem,) = status(ops, query)["problems"]
        assert problem["kind"] == "wrong_hash"
    inspected(shop)
    assert status(ops)["verdict"] == "at_risk"
    assert seller.upload(f"{PRODUCTS}/{owner['id']}/images", picture).status_code == 200
    assert status(ops)["verdict"] == "ok"
    assert status(ops, "?deep=1")["verdict"] == "ok"


@pytest.mark.long
def test_a_deep_look_that_has_no_time_says_so(shop, monkeypatch):
    ops = shop.caller("ops")
    owner = shop.caller("seller").a_product(a_picture())
    inspected(shop)
    before = status(ops)["checked_at"]
    Hand(shop, owner["images"][0]["id"]).chunk_gone()
    monkeypatch.setattr("avenue.health.views.status.service.DEEP_SHARE", -1.0)
    found = status(ops, "?deep=1")
    assert (found["coverage"], found["checked_at"]) == (0, before)
    assert any(
        "more than one request can look at" in each for each in storage(ops, "?deep=1")["advice"]
    )


# Healing


MENDABLE = [name for name, kind in DAMAGE if not kind.startswith("asset")] + ["bit_flipped"]


@pytest.mark.usefixtures("nothing_else")
@pytest.mark.parametrize(
    ("way", "damages"),
    [
        ("add", MENDABLE[::4]),
        pytest.param("add", MENDABLE, marks=pytest.mark.long),
        pytest.param("replace", MENDABLE, marks=pytest.mark.long),
    ],
)
def test_uploading_the_same_picture_again_mends_it(
    application, seller, ops, way, damages, subtests
):
    planted = []
    for number, damage in enumerate(damages):
        seed = 2 * number + (way == "add")
        large = large_picture(seed=seed)
        owner = seller.a_product(large)
        getattr(Hand(application, owner["images"][0]["id"]), damage)()
        planted.append((damage, large, owner["id"], owner["images"][0]))
    inspected(application)
    for damage, large, owner, image in planted:
        with subtests.test(damage=damage):
            images = f"{PRODUCTS}/{owner}/images"
            if way == "add":
                answer = seller.upload(images, large)
            else:
                answer = seller.upload(f"{images}/{image['id']}/file", large, method="PUT")
            assert (answer.status_code, answer.json["id"]) == (200, image["id"])
            assert problems_of(ops, owner) == []
            assert seller.get(image["url"]).data == large
    inspected(application)
    assert status(ops)["problems_total"] == 0
    assert application.raw["assets"].count_documents({"damaged": {"$exists": True}}) == 0


def test_a_picture_that_is_whole_is_not_written_again(application, seller):
    picture = a_picture()
    owner = seller.a_product(picture)
    hand = Hand(application, owner["images"][0]["id"])
    chunk = application.raw[CHUNKS].find_one({"files_id": hand.file})
    seen = dict(application.watch.seen)
    assert seller.upload(f"{PRODUCTS}/{owner['id']}/images", picture).status_code == 200
    assert application.raw[CHUNKS].find_one({"files_id": hand.file}) == chunk
    written = ("update", CHUNKS)
    assert application.watch.seen.get(written) == seen.get(written)


def test_another_picture_in_its_place_heals_the_product_too(application, seller, ops):
    owner = seller.a_product(a_picture())
    image = owner["images"][0]["id"]
    Hand(application, image).chunk_gone()
    inspected(application)
    assert len(problems_of(ops, owner["id"])) == 1
    url = f"{PRODUCTS}/{owner['id']}/images/{image}/file"
    assert seller.upload(url, a_picture(), method="PUT").status_code == 201
    assert problems_of(ops, owner["id"]) == []


@pytest.mark.long
@pytest.mark.parametrize("kind", ["product", "group"])
def test_entries_whose_pictures_are_gone_make_room_for_the_next_upload(
    application, seller, ops, kind
):
    taken = [a_picture() for _ in range(5)]
    base = PRODUCTS if kind == "product" else GROUPS
    owner = (seller.a_product if kind == "product" else seller.a_group)(*taken)
    for image in owner["images"][:2]:
        Hand(application, image["id"]).asset_gone()
    inspected(application)
    assert len(problems_of(ops, owner["id"])) == 2
    images = f"{base}/{owner['id']}/images"
    assert seller.upload(images, taken[0], taken[1]).status_code == 201
    assert len(seller.get(f"{base}/{owner['id']}").json["images"]) == 5
    assert problems_of(ops, owner["id"]) == []
    assert_refused(seller.upload(images, a_picture()), 409, "too_many_images")


@pytest.mark.long
def test_what_people_mended_is_gone_from_the_list_at_once(shop):
    seller, ops = shop.caller("seller"), shop.caller("ops")
    owner = seller.a_product(a_picture())
    add_entries(shop, "product", owner["id"], [{"url": "/uploads/a.jpg"}])
    inspected(shop)
    assert status(ops)["problems_total"] == 1
    images = f"{PRODUCTS}/{owner['id']}/images"
    revision = seller.get(f"{PRODUCTS}/{owner['id']}").json["revision"]
    assert revision
    shop.raw["shop_products"].update_one({"_id": owner["id"]}, {"$pop": {"images": 1}})
    found = status(ops)
    assert (found["problems"], found["problems_total"], found["verdict"]) == ([], 0, "ok")
    assert seller.upload(images, a_picture()).status_code == 201


@pytest.mark.long
@table(
    "percents, verdict, says",
    [
        (("97", "98", "99"), "ok", None),
        (
            ("50", "51", "99"),
            "attention",
            "The database disk is 52.0 % full. Plan a larger disk",
        ),
        (
            ("1", "2", "52"),
            "at_risk",
            "The database disk is 52.0 % full. Enlarge the database disk",
        ),
    ],
)
def test_a_disk_is_full_where_the_alerts_say_so(shop, monkeypatch, percents, verdict, says):
    inspected(shop)
    facts = replace(DeploymentStatus(shop.database).database(), disk_used_bytes=52)
    facts = replace(facts, disk_total_bytes=100)
    monkeypatch.setattr(DeploymentStatus, "database", lambda _: facts)
    app = shop.with_settings(alert_percents=percents, storage="volume")
    found = storage(replace(shop.caller("ops"), app=app))
    assert (found["disk"]["percent"], found["verdict"]) == (52.0, verdict)
    told = [each for each in found["advice"] if "% full" in each]
    assert len(told) == bool(says)
    assert all(each.startswith(says) for each in told)
    other = storage(replace(shop.caller("ops_on_other_site"), app=app))["advice"]
    assert not [each for each in other if "%" in each]
    assert ("The database needs attention" in str(other)) == bool(says)


# The pass


def test_a_run_looks_at_a_slice_and_at_what_is_new(shop, monkeypatch):
    seller, findings = shop.caller("seller"), shop.raw["findings"]

    def a_broken_product() -> None:
        owner = seller.a_product()
        add_entries(shop, "product", owner["id"], [{"url": "/uploads/a.jpg"}])

    for _ in range(3):
        a_broken_product()
    long_ago = {"$set": {"updated_at": utc_now() - timedelta(days=1)}}
    shop.raw["shop_products"].update_many({}, long_ago)
    monkeypatch.setattr("avenue.health.checks.inspection.SLICE", 3)
    inspected(shop)
    assert findings.count_documents({}) == 0
    a_broken_product()
    inspected(shop)
    assert findings.count_documents({}) == 1
    runs = 2
    while not shop.raw["inspections"].find_one({"_id": "other"}):
        inspected(shop)
        runs += 1
        assert runs < 50
    assert runs > 4
    assert findings.count_documents({}) == 4


def test_a_pass_that_was_cut_off_goes_on_where_it_was(shop, monkeypatch):
    seller = shop.caller("seller")
    for _ in range(3):
        owner = seller.a_product(a_picture())
        add_entries(shop, "product", owner["id"], [{"url": "/uploads/a.jpg"}])
    monkeypatch.setattr("avenue.health.checks.inspection.BATCH", 2)
    background = Background(shop.settings, shop.database)
    keep, saved = RunningJob.save, []

    def save(self: RunningJob, **kept: Any) -> None:
        keep(self, **kept)
        saved.append(kept["cursor"])
        raise Stopping  # after each and every step

    monkeypatch.setattr(RunningJob, "save", save)
    job = background.run_now(INSPECT)
    assert len(saved) == len({repr(each) for each in saved}) > 10
    assert job.result == {"looked_at": 6, "findings": 3}
    found = status(shop.caller("ops"))
    assert (found["coverage"], found["problems_total"]) == (1, 3)
    assert shop.raw["inspections"].find_one({"_id": "default"})["references"] == {
        "stored": 3,
        "missing": 0,
        "external": 0,
        "ephemeral": 3,
    }


# What MongoDB tells, and what it may not


def test_the_deployment_is_described(shop):
    found = storage(shop.caller("ops"))
    mongodb = found["mongodb"]
    assert mongodb["version"].startswith("6.")
    assert (mongodb["topology"], mongodb["storage_engine"]) == ("replica_set", "wiredTiger")
    assert mongodb["members"] == [{"host": shop.mongod.host, "state": "PRIMARY", "healthy": True}]
    assert mongodb["primary"] == shop.mongod.host
    assert mongodb["write_concern"] == {"w": "majority", "j": True}
    assert mongodb["oplog_window_hours"] >= 0
    assert 0 < found["disk"]["percent"] <= 100
    assert found["filesystem"]["files_found"] == 0


def test_one_member_is_not_persistent_unless_its_volume_is(shop):
    ops = shop.caller("ops")
    found = storage(ops)
    assert (found["persistent"], found["verdict"]) == (False, "at_risk")
    assert any("AVENUE_STORAGE=volume" in each for each in found["advice"])
    inspected(shop)
    declared = replace(ops, app=shop.with_settings(storage="volume"))
    found = storage(declared)
    assert (found["persistent"], found["verdict"]) == (True, "ok")
    tried_out = replace(ops, app=shop.with_settings(storage="volume", local=True))
    assert storage(tried_out)["persistent"] is False


def test_what_all_sites_keep_together_is_for_who_runs_the_deployment(shop):
    assert storage(shop.caller("ops"))["database"]["data_bytes"] > 0
    elsewhere = shop.caller("admin_on_other_site")
    assert set(storage(elsewhere)["database"].values()) == {None}
    shop.raw["users"].update_one({"_id": elsewhere.id}, {"$set": {"superuser": True}})
    assert storage(elsewhere)["database"]["storage_bytes"] > 0


@pytest.mark.parametrize(
    ("command", "place", "advice"),
    [
        ("serverStatus", ("mongodb", "storage_engine"), "clusterMonitor"),
        pytest.param("dbStats", ("disk", "percent"), "dbStats", marks=pytest.mark.long),
        pytest.param("buildInfo", ("mongodb", "version"), None, marks=pytest.mark.long),
    ],
)
def test_a_missing_privilege_is_null_and_an_advice(shop, command, place, advice):
    with fail_point(shop.mongod.client, [command], None, UNAUTHORIZED, app_name="avenue"):
        found = storage(shop.caller("ops"))
    assert found[place[0]][place[1]] is None
    assert advice is None or any(advice in each for each in found["advice"])


@pytest.mark.long
def test_members_without_the_privilege_are_those_everybody_is_told(shop):
    with fail_point(
        shop.mongod.client, ["replSetGetStatus"], None, UNAUTHORIZED, app_name="avenue"
    ):
        found = storage(shop.caller("ops"))["mongodb"]
    assert found["members"] == [{"host": shop.mongod.host, "state": "PRIMARY", "healthy": True}]


def test_the_oplog_without_the_privilege_is_null_and_an_advice(shop):
    with fail_point(
        shop.mongod.client,
        ["find"],
        None,
        UNAUTHORIZED,
        app_name="avenue",
        namespace="local.oplog.rs",
    ):
        found = storage(shop.caller("ops"))
    assert found["mongodb"]["oplog_window_hours"] is None
    assert any("on the database local" in each for each in found["advice"])


# Pages and the logo


@pytest.fixture
def library(shop: Application) -> list[str]:
    """Four pictures of the library: of a draft, of what visitors see, of previews, the logo."""
    editor, admin = shop.caller("editor"), shop.caller("admin")
    ids = [
        editor.upload("/api/builder/media", a_picture()).json["id"]
        for _ in ("draft", "published", "seo", "logo")
    ]
    seen, shown = f'<img src="avenue:{ids[1]}/w640">', f"h1{{background:url('avenue:{ids[1]}/og')}}"
    page = editor.post("/api/builder/pages", json={"title": "Inicio", "html": seen, "css": shown})
    url = f"/api/builder/pages/{page.json['id']}"
    editor.post(f"{url}/publish", json={"revision": 1})
    changes = {"html": f'<img src="avenue:{ids[0]}/w640">', "css": "", "seo": {"image": ids[2]}}
    assert editor.put(url, json={"revision": 2, **changes}).status_code == 200
    assert admin.put("/api/site/logo", json={"asset": ids[3]}).status_code == 200
    return ids


def told_of_website(shop: Application) -> dict[str, tuple[bool, str]]:
    """What is told of each picture: whether it is about a page, and which kind."""
    website = storage(shop.caller("ops"))["website"]
    assert website["problems_total"] == len(website["problems"])
    return {each["image"]: (each["page"] is not None, each["kind"]) for each in website["problems"]}


def test_what_pages_and_the_logo_name_is_looked_at(shop: Application, library: list[str]) -> None:
    inspected(shop)
    assert told_of_website(shop) == {}
    before = status(shop.caller("ops"))
    hands = [Hand(shop, each) for each in library]
    hands[0].in_trash()
    hands[1].asset_gone()
    hands[2].set(versions=[])
    hands[3].purging()
    inspected(shop)
    assert told_of_website(shop) == {
        library[0]: (True, "asset_in_trash"),
        library[1]: (True, "asset_missing"),
        library[2]: (True, "file_missing"),
        library[3]: (False, "asset_purging"),
    }
    told = storage(shop.caller("ops"))
    assert told["verdict"] == "at_risk"
    assert any("4 pictures that pages or the logo name" in each for each in told["advice"])
    # The shop's own figures know nothing of it.
    after = status(shop.caller("ops"))
    assert {**after, "generated_at": "", "checked_at": ""} == {
        **before,
        "generated_at": "",
        "checked_at": "",
    }
    # What is mended is gone at once.
    hands[0].set(state="live")
    assert shop.caller("admin").delete("/api/site/logo").status_code == 204
    assert set(told_of_website(shop)) == set(library[1:3])
    shop.raw["page_content"].delete_many({})
    assert told_of_website(shop) == {}


def test_pages_may_show_what_others_own_but_nothing_of_another_site_or_damaged(
    shop: Application, library: list[str]
) -> None:
    Hand(shop, library[0]).given_away()
    Hand(shop, library[1]).set(claim=None)
    Hand(shop, library[2]).set(site="other")
    asset = shop.raw["assets"].find_one({"_id": library[3]})
    file_id = f"{asset['site']}/{asset['versions'][0]['file']}"
    shop.raw["builder_media.chunks"].delete_one({"files_id": file_id})
    inspected(shop)
    assert told_of_website(shop) == {
        library[1]: (True, "not_owned"),
        library[2]: (True, "asset_missing"),
        library[3]: (False, "chunk_missing"),
    }


def test_a_page_that_is_saved_while_it_is_looked_at_has_nothing_against_it(
    shop: Application, library: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it named is gone only because it names it no more."""
    Hand(shop, library[0]).in_trash()
    whole = PageReferrers.these

    def these(self: PageReferrers, site_id: str, ids: Any) -> Any:
        found = whole(self, site_id, ids)
        shop.raw["page_content"].update_many({"site": site_id}, {"$inc": {"revision": 1}})
        return found

    monkeypatch.setattr(PageReferrers, "these", these)
    inspected(shop)
    assert shop.raw["findings"].count_documents({}) == 0


@pytest.mark.long
def test_texts_that_are_none_stop_nothing(shop: Application, library: list[str]) -> None:
    """Another program may have stored anything in a page."""
    shop.raw["page_content"].insert_many(
        [
            {"_id": "page-1", "site": "default"},
            {"_id": "page-2", "site": "default", "draft": "x", "published": [1]},
            {"_id": "page-3", "site": "default", "draft": {"html": 5, "seo": {"image": {}}}},
            {"_id": "page-4", "site": "default", "draft": {"html": f"avenue:{'x' * 22}/og"}},
        ]
    )
    inspected(shop)
    malformed = {None: (True, "malformed_record")}
    assert told_of_website(shop) == {"x" * 22: (True, "asset_missing"), **malformed}
