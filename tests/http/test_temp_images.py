"""Pictures of a product that is not saved yet: kept, claimed by the save, or gone in time."""

import threading
from datetime import datetime, timedelta

import pytest

from avenue.identity import new_id
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import Sweeper
from avenue.storage.site_data import BUCKETS
from tests.http.application import PRODUCTS, Application, Caller, a_picture, unique
from tests.http.test_product_images import FILE_KEYS, IMAGE_KEYS, REPLY_KEYS
from tests.http.test_products import assert_refused
from tests.table import table
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS

TEMP = "/api/shop/temp-images"


@pytest.fixture
def seller(application: Application) -> Caller:
    """A seller nobody else uses, so that the list is this test's own."""
    return application.new_person(unique("seller-"))


def waiting(seller: Caller) -> list[str]:
    listed = seller.get(TEMP).json
    assert (listed["next"], listed["total"]) == (None, len(listed["items"]))
    return [each["id"] for each in listed["items"]]


def keep(seller: Caller, *files: bytes) -> list[str]:
    answer = seller.upload(TEMP, *files)
    assert answer.status_code == 201, answer.text
    return [each["id"] for each in answer.json["files"]]


def expire(application: Application, *ids: str) -> None:
    past = [{"$set": {"expires_at": {"$subtract": ["$$NOW", 60_000]}}}]
    application.raw["assets"].update_many({"_id": {"$in": ids}}, past)


def sweep(application: Application) -> None:
    Sweeper(
        SweptStore(application.database),
        buckets=BUCKETS,
        trash_days=7,
        orphan_age=timedelta(hours=1),
    ).sweep()


def stored(application: Application, asset_id: str) -> tuple[int, int, int]:
    """How many asset documents, files and chunks there are of one picture."""
    raw, files = application.raw, {"metadata.asset": asset_id}
    found = [each["_id"] for each in raw["product_images.files"].find(files)]
    chunks = raw["product_images.chunks"].count_documents({"files_id": {"$in": found}})
    return raw["assets"].count_documents({"_id": asset_id}), len(found), chunks


def test_a_picture_waits_and_says_until_when(seller, nobody):
    data = a_picture()
    answer = seller.upload(TEMP, data)
    assert answer.status_code == 201
    assert set(answer.json) == REPLY_KEYS
    file = answer.json["file"]
    assert set(file) == IMAGE_KEYS | FILE_KEYS | {"expires_at"}
    left = datetime.fromisoformat(file["expires_at"]) - datetime.fromisoformat(file["created_at"])
    assert timedelta(hours=23, minutes=59) < left < timedelta(hours=24, minutes=1)
    listed = seller.get(TEMP).json["items"]
    assert listed == [{name: file[name] for name in IMAGE_KEYS | {"expires_at"}}]
    assert nobody.get(file["url"]).data == data


@pytest.mark.long
def test_the_newest_comes_first_and_only_ones_own_are_listed(seller, as_other_seller, as_admin):
    one, two = keep(seller, a_picture())[0], keep(seller, a_picture())[0]
    keep(as_other_seller, a_picture())
    assert waiting(seller) == [two, one]
    assert one not in waiting(as_other_seller) + waiting(as_admin)


def test_saving_claims_the_pictures_in_their_order(application, seller, nobody):
    one, two = keep(seller, a_picture(), a_picture())
    answer = seller.post(
        PRODUCTS, json={"name": "Bota", "status": "published", "temp_images": [two, one]}
    )
    assert answer.status_code == 201
    assert [each["id"] for each in answer.json["images"]] == [two, one]
    assert set(answer.json["images"][0]) == IMAGE_KEYS
    assert waiting(seller) == []
    expire(application, one, two)  # as if they still waited
    sweep(application)
    shown = nobody.get(f"{PRODUCTS}/{answer.json['id']}").json
    assert [nobody.get(url).status_code for url in shown["image_urls"]] == [200, 200]


@table(
    "gone", ["expired", "swept", "deleted", "used", "never there", "somebody else's", "a file's id"]
)
def test_one_that_is_gone_refuses_the_whole_save(application, seller, as_other_seller, gone):
    good, bad = keep(seller, a_picture(), a_picture())
    if gone in {"expired", "swept"}:
        expire(application, bad)
    if gone == "swept":
        sweep(application)
    if gone == "deleted":
        seller.delete(f"{TEMP}/{bad}")
    if gone == "used":
        seller.post(PRODUCTS, json={"name": "First", "temp_images": [bad]})
    if gone == "never there":
        bad = new_id()
    if gone == "somebody else's":
        bad = keep(as_other_seller, a_picture())[0]
    if gone == "a file's id":
        bad = application.raw["assets"].find_one({"_id": bad})["versions"][0]["file"]
    before = application.counts()
    body = {"name": "Bota", "sku": unique("SKU-"), "temp_images": [good, bad]}
    told = assert_refused(seller.post(PRODUCTS, json=body), 409, "temp_image_expired")
    assert told["images"] == [bad]
    assert application.counts() == before
    assert good in waiting(seller)
    assert seller.post(PRODUCTS, json={**body, "temp_images": [good]}).status_code == 201


def test_a_save_that_is_refused_for_its_sku_leaves_the_pictures_waiting(seller):
    sku, kept = unique("SKU-"), keep(seller, a_picture())
    seller.a_product(sku=sku)
    body = {"name": "Bota", "sku": sku, "temp_images": kept}
    assert_refused(seller.post(PRODUCTS, json=body), 409, "sku_taken")
    assert waiting(seller) == kept


@pytest.mark.parametrize(
    ("temp_images", "status", "code"),
    [
        pytest.param(["A" * 22, "A" * 22], 400, "invalid_body", marks=pytest.mark.long),
        pytest.param(["short"], 400, "invalid_body", marks=pytest.mark.long),
        ([{"$ne": None}], 400, "invalid_body"),
        pytest.param("A" * 22, 400, "invalid_body", marks=pytest.mark.long),
        pytest.param([f"{n:022}" for n in range(101)], 400, "invalid_body", marks=pytest.mark.long),
        ([f"{n:022}" for n in range(6)], 409, "too_many_images"),
    ],
)
def test_a_list_that_cannot_be_is_refused(application, seller, temp_images, status, code):
    before = application.counts()
    body = {"name": "Bota", "temp_images": temp_images}
    assert_refused(seller.post(PRODUCTS, json=body), status, code)
    assert application.counts() == before


def test_of_two_saves_at_once_one_gets_the_picture(seller):
    for _ in range(5):
        kept = keep(seller, a_picture())
        start = threading.Barrier(2)

        def save(kept=kept, start=start):
            start.wait(DEADLINE_SECONDS)
            return seller.post(PRODUCTS, json={"name": "Bota", "temp_images": kept}).status_code

        with Threads(2) as threads:
            saves = [threads.submit(save) for _ in range(2)]
        assert sorted(each.result(DEADLINE_SECONDS) for each in saves) == [201, 409]


@pytest.mark.long
def test_the_same_bytes_twice_are_two_pictures_for_two_products(seller):
    data = a_picture()
    one, two = keep(seller, data), keep(seller, data)
    assert one != two
    for kept in (one, two):
        body = {"name": "Bota", "temp_images": kept}
        assert seller.post(PRODUCTS, json=body).status_code == 201


def test_sent_again_with_its_key_it_is_the_same_picture(seller):
    data, key = a_picture(), {"headers": {"Idempotency-Key": new_id()}}
    first, second = seller.upload(TEMP, data, **key), seller.upload(TEMP, data, **key)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.json == first.json
    assert waiting(seller) == [first.json["id"]]


def test_what_is_refused_leaves_nothing(application, seller):
    before = application.counts()
    assert_refused(seller.upload(TEMP, b"not a picture"), 415, "unsupported_media_type")
    assert application.counts() == before


def test_forgetting_one_takes_its_bytes_at_once(application, seller, nobody):
    answer = seller.upload(TEMP, a_picture())
    kept = answer.json["id"]
    assert seller.delete(f"{TEMP}/{kept}").status_code == 204
    assert stored(application, kept) == (0, 0, 0)
    assert nobody.get(answer.json["url"]).status_code == 404
    assert_refused(seller.delete(f"{TEMP}/{kept}"), 404, "temp_image_not_found")


@pytest.mark.parametrize(
    "whose",
    [
        pytest.param("other_seller", marks=pytest.mark.long),
        pytest.param("admin", marks=pytest.mark.long),
        "seller_on_other_site",
    ],
)
def test_nobody_else_can_forget_it(application, seller, whose):
    kept = keep(seller, a_picture())
    refused = application.caller(whose).delete(f"{TEMP}/{kept[0]}")
    assert_refused(refused, 404, "temp_image_not_found")
    assert waiting(seller) == kept


def test_a_picture_of_a_product_is_no_temporary_one(seller):
    product = seller.a_product(a_picture())
    refused = seller.delete(f"{TEMP}/{product['images'][0]['id']}")
    assert_refused(refused, 404, "temp_image_not_found")


def test_what_expires_is_no_longer_listed_and_then_swept(application, seller):
    kept = keep(seller, a_picture())
    expire(application, *kept)
    assert waiting(seller) == []
    sweep(application)
    assert stored(application, kept[0]) == (0, 0, 0)


def test_only_so_many_wait(application):
    app = application.with_settings(max_temp_images=3)
    seller = application.new_person(unique("seller-"), app=app)
    keep(seller, a_picture(), a_picture())
    answer = seller.upload(TEMP, a_picture(), a_picture())
    assert answer.status_code == 201
    assert [each["code"] for each in answer.json["errors"]] == ["too_many_temp_images"]
    before = application.counts()
    told = assert_refused(seller.upload(TEMP, a_picture()), 409, "too_many_temp_images")
    assert (told["limit"], application.counts()) == (3, before)
    seller.delete(f"{TEMP}/{waiting(seller)[0]}")
    assert seller.upload(TEMP, a_picture()).status_code == 201
