"""What existing mobile clients send, byte for byte, and what they are answered."""

import json
from itertools import product
from urllib.parse import quote

import pytest

from avenue.identity import new_id
from avenue.media.store.legacy_urls import LegacyUrls
from tests.http.application import HOST, PRODUCTS, Caller, Part, a_picture
from tests.http.test_product_images import Shelf
from tests.http.test_products import PRODUCT_KEYS, assert_refused
from tests.table import table

ADD = "/api/products/{id}/upload_images/"
REMOVE = "/api/products/{id}/delete_image/"


@pytest.fixture
def shelf(as_seller: Caller) -> Shelf:
    return Shelf(as_seller)


def path(template: str, shelf: Shelf) -> str:
    return template.format(id=shelf.product["id"])


def remove(shelf: Shelf, url: str):
    return shelf.seller.delete(path(REMOVE, shelf), json={"image_url": url})


@pytest.mark.parametrize("slash", ["/", pytest.param("", marks=pytest.mark.long)])
def test_uploading_shows_the_product_with_its_urls(shelf, nobody, slash):
    data = a_picture()
    url = path(ADD, shelf).rstrip("/") + slash
    answer = shelf.seller.upload(url, Part(data, field="images"))
    assert answer.status_code == 201
    assert set(answer.json) == PRODUCT_KEYS
    now = shelf.now()
    assert answer.json == {**now, "images": now["image_urls"]}
    assert [nobody.get(each).data for each in answer.json["images"]] == [data]


@pytest.mark.parametrize("slash", ["", pytest.param("/", marks=pytest.mark.long)])
def test_deleting_shows_the_product_with_the_urls_left(shelf, nobody, slash):
    one, two = shelf.add(a_picture(), a_picture()).json["files"]
    url = path(REMOVE, shelf).rstrip("/") + slash
    answer = shelf.seller.delete(url, json={"image_url": one["url"]})
    assert answer.status_code == 200
    assert set(answer.json) == PRODUCT_KEYS
    assert answer.json["images"] == answer.json["image_urls"] == [two["url"]]
    assert nobody.get(one["url"]).status_code == 404


def dart(boundary: str, name: str, data: bytes) -> bytes:
    """A part as Dart's http package writes it: lower-case headers, no real type."""
    head = (
        f"--{boundary}\r\ncontent-type: application/octet-stream\r\n"
        f'content-disposition: form-data; name="images"; filename="{name}"\r\n\r\n'
    )
    return head.encode() + data + b"\r\n"


def react_native(boundary: str, name: str, data: bytes) -> bytes:
    """A part as React Native writes it on a phone: lower-case headers, a type that is none."""
    head = (
        f'--{boundary}\r\ncontent-disposition: form-data; name="images"; filename="{name}"\r\n'
        "content-type: image/jpg\r\n\r\n"
    )
    return head.encode() + data + b"\r\n"


@pytest.mark.parametrize("client", [dart, react_native])
def test_their_parts_are_understood(shelf, client):
    files = [a_picture(), a_picture(format="PNG")]
    field = b'content-disposition: form-data; name="note"\r\n\r\nhola\r\n'
    boundary = "dart-http-boundary-Zq.A+7xY_0w"
    body = b"".join(client(boundary, f"foto {n}.jpg", data) for n, data in enumerate(files))
    body += f"--{boundary}\r\n".encode() + field + f"--{boundary}--\r\n".encode()
    answer = shelf.seller.post(
        path(ADD, shelf), data=body, content_type=f"multipart/form-data; boundary={boundary}"
    )
    assert answer.status_code == 201, answer.text
    shown = shelf.now()["images"]
    assert [each["name"] for each in shown] == ["foto 0.jpg", "foto 1.png"]
    assert [each["media_type"] for each in shown] == ["image/jpeg", "image/png"]
    assert answer.json["images"] == [each["url"] for each in shown]


def test_some_taken_and_some_not_says_which(shelf):
    answer = shelf.seller.upload(
        path(ADD, shelf), Part(a_picture(), field="images"), Part(b"no", name="notes.txt")
    )
    assert answer.status_code == 201
    assert set(answer.json) == PRODUCT_KEYS | {"errors"}
    assert [(each["name"], each["code"]) for each in answer.json["errors"]] == [
        ("notes.txt", "unsupported_media_type")
    ]
    assert len(answer.json["images"]) == 1


def test_none_taken_is_the_first_ones_error(application, shelf):
    before = application.counts()
    refused = shelf.seller.upload(path(ADD, shelf), Part(b"no", field="images"))
    assert_refused(refused, 415, "unsupported_media_type")
    assert application.counts() == before


def test_the_same_picture_again_is_no_second_one(shelf):
    data = a_picture()
    shelf.seller.upload(path(ADD, shelf), data)
    again = shelf.seller.upload(path(ADD, shelf), data)
    assert (again.status_code, len(again.json["images"])) == (200, 1)


def test_sent_again_with_its_key_it_is_answered_again(shelf):
    data, key = a_picture(), {"headers": {"Idempotency-Key": new_id()}}
    first = shelf.seller.upload(path(ADD, shelf), data, **key)
    second = shelf.seller.upload(path(ADD, shelf), data, **key)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.json == first.json


def test_the_sixth_picture_is_refused(shelf):
    shelf.add(*(a_picture() for _ in range(5)))
    refused = shelf.seller.upload(path(ADD, shelf), a_picture())
    assert_refused(refused, 409, "too_many_images")


FORMS = {
    "absolute": "{url}",
    "path": "{path}",
    "another scheme": f"http://{HOST}{{path}}",
    "without scheme": f"//{HOST}{{path}}",
    "a name it had before": "http://localhost:8000{path}",
    "an older token": "/media/{id}/0123456789ab/original.jpg",
    "a variant": f"https://{HOST}/media/{{id}}/0123456789ab/thumb.webp",
    "stable": "/media/{id}/original",
    "stable variant": f"https://{HOST}/media/{{id}}/card",
    "with a query": "{url}?download=1",
    "with a fragment": "{path}#x",
    "percent-encoded": "/media/{id}/0123456789ab/%6Friginal.jpg",
    "with blanks around it": " {url} ",
    "from before Avenue": "http://localhost:8000/uploads/products/zapato%20rojo.jpg",
    "a path from before Avenue": "/uploads/products/zapato rojo.jpg",
}


SOME_FORMS = ("absolute", "with a query", "from before Avenue")
"""Of which each way is tried; how an address is read does not depend on how it came."""


@pytest.mark.parametrize(
    ("ways", "names"),
    [
        (("json",), tuple(FORMS)),
        (("form", "query"), SOME_FORMS),
        pytest.param(
            ("form", "query"),
            tuple(each for each in FORMS if each not in SOME_FORMS),
            marks=pytest.mark.long,
        ),
    ],
    ids=["json", "other ways", "any way"],
)
def test_any_address_of_a_picture_names_it(application, shelf, ways, names):
    stays, goes = shelf.add(a_picture(), a_picture()).json["files"]
    legacy = LegacyUrls(application.database)
    legacy.put("default", "/uploads/products/zapato rojo.jpg", goes["id"])
    for way, name in product(ways, names):
        answer = removed(shelf, goes, FORMS[name], way)
        assert answer.status_code == 200, (way, name, answer.text)
        assert answer.json["images"] == [stays["url"]], (way, name)
        assert shelf.restore(goes["id"]).status_code == 200


def removed(shelf, goes, form, way):
    """Remove a picture by an address of it that is sent in some way."""
    url = form.format(
        url=goes["url"], path=goes["url"].removeprefix(f"https://{HOST}"), id=goes["id"]
    )
    target, field = path(REMOVE, shelf), {"image_url": url}
    return {
        "json": lambda: shelf.seller.delete(target, json=field),
        "form": lambda: shelf.seller.delete(target, data=field),
        "query": lambda: shelf.seller.delete(f"{target}?image_url={quote(url)}"),
    }[way]()


def test_an_external_picture_is_named_by_its_url(shelf):
    url = "https://images.example/media/zapato.jpg?x=1"
    shelf.seller.post(shelf.images, json={"image_url": url})
    shown = shelf.seller.upload(path(ADD, shelf), a_picture()).json["images"]
    assert shown[0] == url
    assert remove(shelf, url).json["images"] == shown[1:]


def test_json_without_its_type_is_told_so(shelf):
    body = json.dumps({"image_url": "https://images.example/a.jpg"})
    refused = shelf.seller.delete(path(REMOVE, shelf), data=body, content_type="text/plain")
    assert_refused(refused, 400, "invalid_request")


@table("url", ["", "x" * 2049])
def test_an_address_that_is_none_is_refused(shelf, url):
    assert_refused(remove(shelf, url), 400, "invalid_body")


def test_a_picture_of_another_product_is_not_there(shelf, as_seller):
    other = Shelf(as_seller, a_picture())
    assert_refused(remove(shelf, other.now()["image_urls"][0]), 404, "image_not_found")
    assert len(other.ids()) == 1


def test_a_removed_picture_comes_back_by_the_shop_route(shelf):
    url = shelf.add(a_picture()).json["url"]
    remove(shelf, url)
    asset_id = url.split("/")[4]
    assert shelf.seller.post(f"{PRODUCTS}/{shelf.product['id']}/images/{asset_id}/restore").json[
        "image_urls"
    ] == [url]
