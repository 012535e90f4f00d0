"""Pictures that live elsewhere: kept, shown, ordered and deleted by their URL, never fetched."""

import pytest

from tests.http.application import GROUPS, HOST, PRODUCTS, Caller, a_picture
from tests.http.test_product_images import REPLY_KEYS, Shelf
from tests.http.test_products import assert_refused
from tests.table import table

URL = "https://images.example/zapato.jpg?w=800&h=600#a"


@pytest.fixture(
    params=[PRODUCTS, pytest.param(GROUPS, marks=pytest.mark.long)], ids=["product", "group"]
)
def shelf(as_seller: Caller, request: pytest.FixtureRequest) -> Shelf:
    return Shelf(as_seller, kind=request.param)


def keep(shelf: Shelf, url: str):
    return shelf.seller.post(shelf.images, json={"image_url": url})


def forget(shelf: Shelf, url: str):
    return shelf.seller.delete(shelf.images, json={"image_url": url})


def test_it_is_kept_and_shown_as_it_was_given(shelf):
    answer = keep(shelf, URL)
    assert answer.status_code == 201
    reply = answer.json
    assert set(reply) == REPLY_KEYS
    assert (reply["id"], reply["url"], reply["location"]) == (None, URL, URL)
    assert reply["files"] == reply["data"] == [reply["file"]]
    now = shelf.now()
    assert now["images"] == [{"id": None, "external": True, "url": URL, "variants": {}}]
    assert now["image_urls"] == [URL]
    assert now["revision"] == 2


def test_the_same_url_again_is_the_same_picture(shelf):
    keep(shelf, URL)
    before = shelf.now()
    answer = keep(shelf, URL)
    assert (answer.status_code, answer.json["url"]) == (200, URL)
    assert shelf.now() == before


@table(
    "url",
    [
        "http://images.example/a.jpg",
        "https://images.example:8443/ñandú.jpg",
        "https://[2001:db8::1]/a.jpg",
        "http://localhost:8000/media/a.jpg",
        "/uploads/products/zapato.jpg",
        "https://elsewhere.example/media/" + "A" * 22 + "/original",
        "https://x.example/" + "a" * 2000,
    ],
)
def test_these_are_addresses(shelf, url):
    assert keep(shelf, url).status_code == 201
    assert shelf.now()["image_urls"] == [url]
    assert forget(shelf, url).status_code == 204
    assert shelf.now()["images"] == []


@table(
    "url",
    [
        "",
        "zapato.jpg",
        "//images.example/a.jpg",
        "ftp://images.example/a.jpg",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "https://",
        "https:///a.jpg",
        "https://user:secret@images.example/a.jpg",
        "https://images.example:99999/a.jpg",
        "https://images.example/a b.jpg",
        "https://images.example/a\n.jpg",
        "https://images.example/<script>",
        'https://images.example/"onerror=',
        "https://images.example\\@evil.example/a.jpg",
        "https://[::1/a.jpg",
        "https://x.example/" + "a" * 2040,
        None,
        5,
        {"$ne": ""},
    ],
)
def test_these_are_none(application, shelf, url):
    before = application.counts()
    answer = shelf.seller.post(shelf.images, json={"image_url": url})
    told = assert_refused(answer, 400, "invalid_body")
    assert "secret" not in answer.text
    assert told["fields"][0]["field"] == "image_url"
    assert application.counts() == before
    assert shelf.now()["images"] == []


@pytest.fixture(scope="module")
def picture(as_seller: Caller) -> dict[str, str]:
    """One of ours."""
    return as_seller.a_product(a_picture())["images"][0]


@table("form", ["{url}", "{path}", f"http://{HOST}{{path}}", "/media/{id}/original"])
def test_one_of_ours_is_not_elsewhere(shelf, picture, form):
    path = picture["url"].removeprefix(f"https://{HOST}")
    url = form.format(url=picture["url"], path=path, id=picture["id"])
    assert_refused(keep(shelf, url), 422, "own_url")
    assert shelf.now()["images"] == []


def test_it_counts_toward_the_limit(shelf):
    shelf.add(a_picture(), a_picture())
    for number in range(3):
        assert keep(shelf, f"{URL}{number}").status_code == 201
    told = assert_refused(keep(shelf, URL), 409, "too_many_images")
    assert told["limit"] == 5
    assert_refused(shelf.add(a_picture()), 409, "too_many_images")
    assert keep(shelf, f"{URL}0").status_code == 200  # it is already there


def test_its_url_stands_for_it_in_an_order(shelf):
    stored = shelf.add(a_picture()).json["id"]
    keep(shelf, URL)
    body = {"order": [URL, stored], "revision": shelf.now()["revision"]}
    ordered = shelf.seller.put(shelf.images, json=body).json
    assert [each["id"] for each in ordered["images"]] == [None, stored]
    short = {"order": [stored], "revision": ordered["revision"]}
    assert_refused(shelf.seller.put(shelf.images, json=short), 409, "order_mismatch")


def test_removing_another_picture_leaves_it(shelf):
    stored = shelf.add(a_picture()).json["id"]
    keep(shelf, URL)
    shelf.remove(stored)
    assert shelf.now()["image_urls"] == [URL]
    shelf.restore(stored)
    assert shelf.ids() == [stored, None]


@table("url", ["https://images.example/other.jpg", "x", "/", "/media/", "%"])
def test_what_is_not_there_cannot_be_removed(shelf, url):
    keep(shelf, URL)
    before = shelf.now()
    assert_refused(forget(shelf, url), 404, "image_not_found")
    assert shelf.now() == before


def test_deleting_the_owner_forgets_it(shelf):
    keep(shelf, URL)
    assert shelf.seller.delete(shelf.url).status_code == 204
