"""The pictures of a product over HTTP: added, ordered, described, replaced, removed, restored."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from avenue.errors import Unavailable
from avenue.identity import new_id
from avenue.media.errors import DecodersBusy
from avenue.media.pictures.decoding import DecodePool
from avenue.media.store.assets import AssetStore
from avenue.media.store.transitions import replace_one
from avenue.shop.errors import RevisionConflict
from avenue.shop.store.pictures import PictureStore
from avenue.shop.store.products import ProductStore
from avenue.storage.idempotency import Writes
from avenue.storage.scope import site
from tests import pictures
from tests.faults.deployment import end_leases
from tests.http.application import (
    GROUPS,
    HOST,
    PRODUCTS,
    VERSIONS_KEEP,
    Caller,
    Part,
    a_picture,
    large_picture,
    unique,
)
from tests.http.test_products import assert_refused
from tests.table import table

IMAGE_KEYS = {
    "id",
    "name",
    "version",
    "url",
    "display_url",
    "media_type",
    "bytes",
    "width",
    "height",
    "sha256",
    "alt",
    "decorative",
    "focal",
    "color",
    "placeholder",
    "has_alpha",
    "visibility",
    "variants",
    "srcset",
    "created_at",
}
FILE_KEYS = {"src", "size", "mime", "type", "removed"}
REPLY_KEYS = {
    "success",
    "id",
    "url",
    "location",
    "path",
    "file",
    "files",
    "data",
    "urls",
    "errors",
}


class Shelf:
    """One product or group of a seller, asked about by its address."""

    def __init__(self, seller: Caller, *images: bytes, kind: str = PRODUCTS) -> None:
        self.seller = seller
        made = seller.a_product if kind == PRODUCTS else seller.a_group
        self.product = made(*images)
        self.url = f"{kind}/{self.product['id']}"
        self.images = f"{self.url}/images"

    def now(self) -> dict[str, Any]:
        return self.seller.get(self.url).json

    def ids(self) -> list[str]:
        return [each["id"] for each in self.now()["images"]]

    def add(self, *files: bytes | Part, **options: Any):
        return self.seller.upload(self.images, *files, **options)

    def replace(self, image_id: str, file: bytes | Part, **options: Any):
        return self.seller.upload(f"{self.images}/{image_id}/file", file, method="PUT", **options)

    def remove(self, image_id: str):
        return self.seller.delete(f"{self.images}/{image_id}")

    def restore(self, image_id: str):
        return self.seller.post(f"{self.images}/{image_id}/restore")


@pytest.fixture(params=[PRODUCTS, pytest.param(GROUPS, marks=pytest.mark.long)])
def shelf(as_seller: Caller, request: pytest.FixtureRequest) -> Shelf:
    return Shelf(as_seller, kind=request.param)


products_and_groups = pytest.mark.parametrize("shelf", [PRODUCTS, GROUPS], indirect=True)
"""For the promises; `make test-long` looks whether groups are alike in all the rest."""


# Adding


@products_and_groups
def test_a_picture_is_kept_byte_for_byte_and_told_in_full(shelf, nobody):
    data = pictures.photo(300, 200, quality=91, seed=77)
    answer = shelf.add(Part(data, name="Zapato rojo.jpeg"))
    assert answer.status_code == 201
    reply = answer.json
    assert set(reply) == REPLY_KEYS
    assert answer.headers["Location"] == reply["url"] == reply["location"]
    assert "Idempotent-Replayed" not in answer.headers
    assert reply["url"] == f"https://{HOST}{reply['path']}"
    assert reply["path"].startswith(f"/media/{reply['id']}/")
    assert reply["path"].endswith("/original.jpg")
    assert (reply["success"], reply["errors"]) == (1, [])
    assert reply["files"] == reply["data"] == [reply["file"]]
    assert reply["urls"]["default"] == reply["url"]
    file = reply["file"]
    assert set(file) == IMAGE_KEYS | FILE_KEYS
    assert (file["src"], file["size"], file["mime"]) == (reply["url"], len(data), "image/jpeg")
    digest = hashlib.sha256(data).hexdigest()
    image = {name: file[name] for name in IMAGE_KEYS}
    assert (
        image
        | {
            "id": reply["id"],
            "name": "Zapato rojo.jpg",
            "version": digest[:12],
            "media_type": "image/jpeg",
            "bytes": len(data),
            "width": 300,
            "height": 200,
            "sha256": digest,
            "alt": {},
            "decorative": False,
            "visibility": "public",
        }
        == image
    )
    product = shelf.now()
    assert product["images"] == [image]
    assert product["image_urls"] == [reply["url"]]
    assert product["revision"] == 2
    assert nobody.get(reply["url"]).data == data


@table("kind", ["JPEG", "PNG", "WEBP"])
def test_the_three_kinds_of_pictures_are_taken(shelf, nobody, kind):
    data = a_picture(format=kind)
    reply = shelf.add(data).json
    assert reply["file"]["media_type"] == f"image/{kind.lower()}"
    assert nobody.get(reply["url"]).data == data


def test_a_picture_on_its_side_has_the_size_people_see(shelf):
    file = shelf.add(pictures.photo(64, 48, orientation=6)).json["file"]
    assert (file["width"], file["height"]) == (48, 64)


def test_many_come_at_once_and_keep_their_order(shelf):
    files = [a_picture() for _ in range(5)]
    answer = shelf.add(*(Part(data, field=f"f{n}") for n, data in enumerate(files)))
    assert answer.status_code == 201
    assert [each["sha256"] for each in answer.json["files"]] == [
        hashlib.sha256(data).hexdigest() for data in files
    ]
    assert shelf.ids() == [each["id"] for each in answer.json["files"]]
    assert answer.json["id"] == shelf.ids()[0]


@table("declared", ["image/jpeg", "application/octet-stream", "text/plain", ""])
def test_one_comes_as_the_body_with_its_name_beside_it(shelf, declared):
    data = a_picture(format="PNG")
    answer = shelf.seller.post(
        shelf.images, query_string={"name": "Ñandú.jpg"}, data=data, content_type=declared
    )
    assert answer.status_code == 201, answer.text
    file = answer.json["file"]
    assert (file["name"], file["media_type"], file["bytes"]) == (
        "Ñandú.png",
        "image/png",
        len(data),
    )


@pytest.mark.long
def test_a_body_without_a_name_gets_one(shelf):
    answer = shelf.seller.post(shelf.images, data=a_picture(), content_type="image/jpeg")
    assert answer.json["file"]["name"] == "picture.jpg"


@table("dialect", ["ckeditor", "filepond"])
def test_editors_get_the_reply_they_know(shelf, dialect):
    answer = shelf.add(a_picture(), query_string={"as": dialect})
    assert answer.status_code == 201
    if dialect == "filepond":
        assert answer.mimetype == "text/plain"
        assert answer.text == shelf.ids()[-1]
    else:
        assert set(answer.json) == REPLY_KEYS - {"url"}
        assert answer.json["urls"]["default"] == shelf.now()["image_urls"][-1]


def test_ckeditor_gets_its_error_as_an_object(shelf):
    answer = shelf.add(pictures.svg(), query_string={"as": "ckeditor"})
    assert answer.status_code == 415
    assert answer.json["error"] == {"message": answer.json["message"]}


@products_and_groups
def test_a_sixth_picture_is_refused_and_what_is_there_known(application, shelf):
    files, key = [a_picture() for _ in range(4)], keyed(new_id())
    first = shelf.add(*files, **key)
    shelf.add(a_picture())
    before, counts = shelf.now(), application.counts()
    told = assert_refused(shelf.add(a_picture()), 409, "too_many_images")
    assert told["limit"] == 5
    # Neither a repeated key nor the same bytes need a place.
    assert shelf.add(*files, **key).json == first.json
    assert (shelf.now(), application.counts()) == (before, counts)
    assert shelf.add(files[3]).status_code == 200
    assert shelf.now() == before


def test_of_too_many_the_first_are_kept(application, shelf):
    shelf.add(*(a_picture() for _ in range(3)))
    answer = shelf.add(*(Part(a_picture(), name=f"{n}.jpg") for n in range(4)))
    assert answer.status_code == 201
    assert [each["name"] for each in answer.json["files"]] == ["0.jpg", "1.jpg"]
    assert [(each["name"], each["code"]) for each in answer.json["errors"]] == [
        ("2.jpg", "too_many_images"),
        ("3.jpg", "too_many_images"),
    ]
    assert len(shelf.ids()) == 5


@pytest.mark.long
def test_the_limit_of_pictures_is_a_setting(application):
    seller = application.new_person(
        unique("generous"), app=application.with_settings(max_images_per_product=2)
    )
    shelf = Shelf(seller, a_picture(), a_picture())
    assert assert_refused(shelf.add(a_picture()), 409, "too_many_images")["limit"] == 2


def test_refused_files_are_told_in_the_callers_language_also_when_it_is_sent_again(shelf):
    good, bad = Part(a_picture()), Part(bytes(6 * 1024 * 1024), name="large.jpg")
    key = unique("key")
    told = [
        shelf.add(good, bad, headers={"Idempotency-Key": key, **asked}).json["errors"][0]["message"]
        for asked in ({"Accept-Language": "en"}, {"Accept-Language": "es"}, {})
    ]
    assert told == [
        "The file is larger than 5 MB.",
        "El archivo supera 5 MB.",
        "El archivo supera 5 MB.",
    ]


def test_of_good_and_bad_files_the_good_are_kept(shelf):
    good = a_picture()
    answer = shelf.add(
        Part(pictures.text_as_jpg(), name="text.jpg"),
        Part(good, name="good.jpg"),
        Part(pictures.truncated(a_picture()), name="half.jpg"),
        Part(bytes(6 * 1024 * 1024), name="large.jpg"),
        Part(b"", name="empty.jpg"),
    )
    assert answer.status_code == 201
    assert [each["name"] for each in answer.json["files"]] == ["good.jpg"]
    errors = {each["name"]: each for each in answer.json["errors"]}
    assert {name: each["code"] for name, each in errors.items()} == {
        "text.jpg": "unsupported_media_type",
        "half.jpg": "broken_image",
        "large.jpg": "file_too_large",
        "empty.jpg": "empty_file",
    }
    assert all(each["message"].endswith(".") for each in errors.values())
    assert set(errors["text.jpg"]) == {"name", "code", "message"}
    # An app that asks for no language tells its people in that of their shop.
    assert errors["large.jpg"]["message"] == "El archivo supera 5 MB."
    assert errors["text.jpg"]["message"].endswith("aquí se aceptan JPEG, PNG o WebP.")
    assert [each["sha256"] for each in shelf.now()["images"]] == [hashlib.sha256(good).hexdigest()]


@pytest.mark.long
def test_when_all_are_refused_the_first_reason_counts(application, shelf):
    counts = application.counts()
    answer = shelf.add(pictures.truncated(a_picture()), pictures.svg())
    assert_refused(answer, 422, "broken_image")
    assert application.counts() == counts


def test_the_same_bytes_again_are_the_picture_that_is_there(application, shelf):
    data = a_picture()
    first = shelf.add(Part(data, name="a.jpg"))
    before, counts = shelf.now(), application.counts()
    again = shelf.add(Part(data, name="b.jpg"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json == first.json
    assert again.headers["Location"] == first.headers["Location"]
    assert (shelf.now(), application.counts()) == (before, counts)


def test_the_same_bytes_twice_in_one_form_are_one_picture(application, shelf):
    data = a_picture()
    counts = application.counts()
    answer = shelf.add(data, data)
    assert answer.status_code == 201
    assert len(shelf.ids()) == 1
    assert {each["id"] for each in answer.json["files"]} == set(shelf.ids())
    added = {name: n - counts.get(name, 0) for name, n in application.counts().items()}
    assert {name: n for name, n in added.items() if n} == {
        "assets": 1,
        "product_images.chunks": 1,
        "product_images.files": 1,
        "renditions": 4,
        "audit_logs": 1,
        "writes": 1,
    }


@pytest.mark.long
def test_the_same_bytes_twice_need_one_place(shelf):
    shelf.add(*(a_picture() for _ in range(4)))
    data = a_picture()
    answer = shelf.add(data, data)
    assert (answer.status_code, answer.json["errors"]) == (201, [])
    assert len(shelf.ids()) == 5


def test_the_same_bytes_are_another_picture_of_another_product(as_seller):
    data = a_picture()
    one, two = Shelf(as_seller, data), Shelf(as_seller, data)
    assert one.ids() != two.ids()
    one.remove(one.ids()[0])
    assert as_seller.get(two.now()["image_urls"][0]).data == data


# Sending it again


def keyed(key: str) -> dict[str, dict[str, str]]:
    return {"headers": {"Idempotency-Key": key}}


def test_a_repeated_key_gets_the_same_answer(application, shelf):
    files, key = [a_picture(), pictures.svg()], keyed(new_id())
    first = shelf.add(*files, **key)
    before, counts = shelf.now(), application.counts()
    again = shelf.add(*files, **key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json == first.json
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (shelf.now(), application.counts()) == (before, counts)


def test_a_repeated_key_with_other_content_is_refused(application, shelf):
    key = keyed(new_id())
    shelf.add(a_picture(), **key)
    before, counts = shelf.now(), application.counts()
    assert_refused(shelf.add(a_picture(), **key), 422, "idempotency_key_reused")
    assert (shelf.now(), application.counts()) == (before, counts)


def test_keys_of_others_and_of_other_products_do_not_matter(as_seller, as_other_seller):
    key, data = keyed(new_id()), a_picture()
    shelves = [Shelf(as_seller), Shelf(as_seller), Shelf(as_other_seller)]
    assert [each.add(data, **key).status_code for each in shelves] == [201, 201, 201]


def test_a_key_of_a_refused_upload_can_be_used_again(shelf):
    key = keyed(new_id())
    assert_refused(shelf.add(pictures.svg(), **key), 415, "unsupported_media_type")
    assert shelf.add(a_picture(), **key).status_code == 201


def test_a_key_whose_pictures_were_purged_says_so(application, shelf):
    key, data = keyed(new_id()), a_picture()
    picture = shelf.add(data, **key).json["id"]
    shelf.remove(picture)
    application.raw["assets"].delete_one({"_id": picture})
    assert_refused(shelf.add(data, **key), 410, "gone")
    assert shelf.add(data, **keyed(new_id())).status_code == 201


def test_a_retry_after_a_crash_may_find_more_room_than_the_first_try(
    application, as_seller, monkeypatch
):
    shelf = Shelf(as_seller, *(a_picture() for _ in range(4)))
    key, files = keyed(new_id()), [a_picture(), a_picture()]
    with monkeypatch.context() as crash:
        crash.setattr(PictureStore, "add", raise_unavailable)
        crash.setattr(Writes, "abandon", lambda *_: False)
        assert_refused(shelf.add(*files, **key), 503, "unavailable")
    end_leases(application.raw)
    shelf.remove(shelf.ids()[0])
    answer = shelf.add(*files, **key)
    assert (answer.status_code, answer.json["errors"]) == (201, [])
    assert len(answer.json["files"]) == 2
    assert [each["sha256"] for each in shelf.now()["images"]][3:] == [
        hashlib.sha256(each).hexdigest() for each in files
    ]


@pytest.mark.parametrize(
    ("store", "step", "is_committed"), [(Writes, "finish", False), (PictureStore, "add", True)]
)
def test_what_is_stored_is_deleted_unless_its_transaction_was_committed(
    application, as_seller, monkeypatch, store, step, is_committed
):
    shelf, data, key = Shelf(as_seller), a_picture(), keyed(new_id())
    counts, work = application.counts(), getattr(store, step)

    def failing_afterwards(*args, **options):
        work(*args, **options)
        raise Unavailable

    with monkeypatch.context() as fault:
        fault.setattr(store, step, failing_afterwards)
        assert_refused(shelf.add(data, **key), 503, "unavailable")
    assert (application.counts() == counts) is not is_committed
    assert shelf.add(data, **key).status_code == (200 if is_committed else 201)
    assert [each["sha256"] for each in shelf.now()["images"]] == [hashlib.sha256(data).hexdigest()]


def test_when_nobody_can_look_at_one_file_none_is_stored_and_the_key_stays_good(
    application, shelf, monkeypatch
):
    key, files = keyed(new_id()), [a_picture(), a_picture()]
    counts, examine = application.counts(), DecodePool.examine

    def busy_with_the_second(self, file, *args, **options):
        if file.read() == files[1]:
            raise DecodersBusy
        return examine(self, file, *args, **options)

    with monkeypatch.context() as crowd:
        crowd.setattr(DecodePool, "examine", busy_with_the_second)
        assert_refused(shelf.add(*files, **key), 503, "decoders_busy")
    assert application.counts() == counts
    assert len(shelf.add(*files, **key).json["files"]) == 2


def raise_unavailable(*_: object, **__: object) -> None:
    raise Unavailable


@table("key", ["", "é", "k" * 256, "tab\there"])
def test_a_key_must_be_one(application, shelf, key):
    counts = application.counts()
    assert_refused(shelf.add(a_picture(), **keyed(key)), 400, "bad_idempotency_key")
    assert application.counts() == counts


# Order


def test_pictures_are_put_into_another_order(as_seller, nobody):
    shelf = Shelf(as_seller, a_picture(), a_picture(), a_picture())
    first, second, third = shelf.ids()
    body = {"order": [third, first, second], "revision": shelf.now()["revision"]}
    answer = as_seller.put(shelf.images, json=body)
    assert answer.status_code == 200
    assert [each["id"] for each in answer.json["images"]] == [third, first, second]
    assert answer.json["revision"] == body["revision"] + 1
    assert answer.json == shelf.now()


def test_an_order_from_another_state_is_refused_with_the_current_one(as_seller):
    shelf = Shelf(as_seller, a_picture(), a_picture())
    order = shelf.ids()[::-1]
    revision = shelf.now()["revision"]
    shelf.add(a_picture())
    answer = as_seller.put(shelf.images, json={"order": order, "revision": revision})
    told = assert_refused(answer, 409, "revision_conflict")
    assert told["current"] == shelf.now()
    assert len(told["current"]["images"]) == 3


def test_an_order_says_which_state_it_is_made_from(as_seller):
    shelf = Shelf(as_seller, a_picture(), a_picture())
    before = shelf.now()
    answer = as_seller.put(shelf.images, json={"order": shelf.ids()[::-1]})
    assert_refused(answer, 428, "revision_required")
    assert shelf.now() == before


def test_an_order_names_each_picture_once(as_seller):
    shelf = Shelf(as_seller, a_picture(), a_picture())
    before = shelf.now()
    one, two = shelf.ids()
    for order in ([one], [one, two, new_id()], [one, two, one], [one, one], [], [one, "not an id"]):
        body = {"order": order, "revision": before["revision"]}
        assert_refused(as_seller.put(shelf.images, json=body), 409, "order_mismatch")
        assert shelf.now() == before, order


def test_an_order_is_never_made_from_a_state_that_was_not_looked_at(application, as_seller):
    shelf = Shelf(as_seller, a_picture(), a_picture())
    looked_at = ProductStore(application.database).get("default", shelf.product["id"])
    pictures = PictureStore(application.database)
    as_seller.patch(shelf.url, json={"name": unique("Bota ")})
    before = shelf.now()
    with pytest.raises(RevisionConflict):
        pictures.order("default", looked_at, [new_id()], looked_at.revision + 1)
    assert shelf.now() == before


@table(
    "body",
    [
        {"order": "abc", "revision": 1},
        {"order": [1, 2], "revision": 1},
        {"order": [{"$ne": ""}], "revision": 1},
        {"order": ["a"] * 1001, "revision": 1},
        {"revision": 1},
        {"order": [], "revision": 10**30},
        {"order": [], "revision": 1, "images": []},
    ],
)
def test_an_order_is_a_list_of_ids(shelf, body):
    assert_refused(shelf.seller.put(shelf.images, json=body), 400, "invalid_body")


# What is said about a picture


def test_a_picture_is_described(as_seller):
    shelf = Shelf(as_seller, a_picture())
    suggested = shelf.now()["images"][0]["focal"]
    url = f"{shelf.images}/{shelf.ids()[0]}"
    said = {"alt": {"es": " Zapato rojo ", "pt-BR": "Sapato"}, "decorative": True, "focal": [0, 1]}
    answer = as_seller.patch(url, json=said)
    assert answer.status_code == 200
    assert set(answer.json) == IMAGE_KEYS
    assert answer.json["alt"] == {"es": "Zapato rojo", "pt-BR": "Sapato"}
    assert (answer.json["decorative"], answer.json["focal"]) == (True, [0, 1])
    assert shelf.now()["images"] == [answer.json]
    changed = as_seller.patch(url, json={"focal": None}).json  # as the picture suggests
    assert (changed["focal"], changed["alt"]) == (suggested, answer.json["alt"])
    assert as_seller.patch(url, json={"alt": {}}).json["alt"] == {}


@pytest.fixture
def described(as_seller: Caller) -> Shelf:
    """A product with a picture that nobody says anything of."""
    return Shelf(as_seller, a_picture())


@table(
    "said, field",
    [
        ({"alt": "Zapato"}, "alt"),
        ({"alt": {"Spanish!": "Zapato"}}, "alt"),
        ({"alt": {"$set": "x"}}, "alt"),
        ({"alt": {"e.s": "x"}}, "alt"),
        ({"alt": {"es": "z" * 1001}}, "alt"),
        ({"alt": {"es": None}}, "alt"),
        ({"alt": None}, "alt"),
        ({"alt": {f"{a}{b}": "x" for a in "abcde" for b in "abcde"}}, "alt"),
        ({"decorative": "yes"}, "decorative"),
        ({"decorative": None}, "decorative"),
        ({"focal": [0.5]}, "focal"),
        ({"focal": [0.5, 0.5, 0.5]}, "focal"),
        ({"focal": [0.5, 1.01]}, "focal"),
        ({"focal": [-0.01, 0.5]}, "focal"),
        ({"focal": ["0.5", "0.5"]}, "focal"),
        ({"focal": {"x": 1, "y": 1}}, "focal"),
        ({"name": "x.jpg"}, "name"),
        ({"owner": "x"}, "owner"),
        ({"versions": []}, "versions"),
        ({"state": "trash"}, "state"),
        ({"claim": None}, "claim"),
    ],
)
def test_a_picture_is_not_described_by(as_seller, described, said, field):
    before = described.now()
    answer = as_seller.patch(f"{described.images}/{before['images'][0]['id']}", json=said)
    told = assert_refused(answer, 400, "invalid_body")
    assert {each["field"].partition(".")[0] for each in told["fields"]} == {field}
    assert described.now() == before


# Replacing


def test_a_replaced_picture_keeps_its_id_and_place(as_seller, nobody):
    shelf = Shelf(as_seller, a_picture(), a_picture(), a_picture())
    before = shelf.now()
    old = before["images"][1]
    as_seller.patch(f"{shelf.images}/{old['id']}", json={"alt": {"es": "Zapato"}})
    data = pictures.photo(100, 80, format="PNG")
    answer = shelf.replace(old["id"], Part(data, name="nuevo.png"))
    assert answer.status_code == 201
    after = shelf.now()
    assert [each["id"] for each in after["images"]] == [each["id"] for each in before["images"]]
    new = after["images"][1]
    assert set(answer.json) == REPLY_KEYS
    assert {name: answer.json["file"][name] for name in IMAGE_KEYS} == new
    assert (new["name"], new["media_type"], new["width"]) == ("nuevo.png", "image/png", 100)
    assert new["alt"] == {"es": "Zapato"}
    assert new["created_at"] == old["created_at"]
    assert new["version"] != old["version"]
    assert new["url"].endswith("/original.png")
    assert after["revision"] > before["revision"]
    assert nobody.get(new["url"]).data == data
    moved = nobody.get(old["url"])
    assert (moved.status_code, moved.headers["Location"]) == (308, new["url"])
    assert nobody.get(f"/media/{old['id']}/original").data == data


def test_replacing_by_the_same_bytes_changes_nothing(application, as_seller):
    data = a_picture()
    shelf = Shelf(as_seller, data)
    before, counts = shelf.now(), application.counts()
    answer = shelf.replace(shelf.ids()[0], data)
    assert (answer.status_code, answer.json["url"]) == (200, before["image_urls"][0])
    assert (shelf.now(), application.counts()) == (before, counts)


def test_replacing_by_something_else_than_a_picture_changes_nothing(application, as_seller, nobody):
    shelf = Shelf(as_seller, a_picture())
    before, counts = shelf.now(), application.counts()
    assert_refused(shelf.replace(shelf.ids()[0], pictures.svg()), 415, "unsupported_media_type")
    broken = pictures.truncated(a_picture())
    assert_refused(shelf.replace(shelf.ids()[0], broken), 422, "broken_image")
    assert (shelf.now(), application.counts()) == (before, counts)
    assert nobody.get(before["image_urls"][0]).status_code == 200


def test_a_picture_is_replaced_by_one_file_only(application, as_seller):
    shelf = Shelf(as_seller, a_picture())
    (picture,) = shelf.ids()
    counts, chosen = application.counts(), a_picture()
    url = f"{shelf.images}/{picture}/file"
    other = Part(a_picture(), name="b.jpg")
    answer = as_seller.upload(url, chosen, chosen, other, method="PUT")
    assert answer.status_code == 201
    assert [(e["name"], e["code"]) for e in answer.json["errors"]] == [("b.jpg", "one_file_only")]
    assert as_seller.get(answer.json["url"]).data == chosen
    added = {name: n - counts.get(name, 0) for name, n in application.counts().items()}
    assert {name: n for name, n in added.items() if n} == {
        "product_images.chunks": 1,
        "product_images.files": 1,
        "renditions": 4,
        "audit_logs": 1,
        "writes": 1,
    }


def test_replacing_is_repeated_by_its_key(application, as_seller):
    shelf = Shelf(as_seller, a_picture())
    data, key = a_picture(), keyed(new_id())
    first = shelf.replace(shelf.ids()[0], data, **key)
    before, counts = shelf.now(), application.counts()
    again = shelf.replace(shelf.ids()[0], data, **key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (shelf.now(), application.counts()) == (before, counts)
    other = shelf.replace(shelf.ids()[0], a_picture(), **key)
    assert_refused(other, 422, "idempotency_key_reused")


def test_only_so_many_versions_are_kept_with_their_bytes(application, as_seller, nobody):
    shelf = Shelf(as_seller, a_picture())
    picture = shelf.ids()[0]
    urls = [shelf.now()["image_urls"][0]]
    urls += [shelf.replace(picture, a_picture()).json["url"] for _ in range(VERSIONS_KEEP + 2)]
    asset = application.raw["assets"].find_one({"_id": picture})
    assert len(asset["versions"]) == VERSIONS_KEEP
    assert shelf.now()["images"][0]["version"] == asset["versions"][0]["sha256"][:12]
    kept = {f"default/{each['file']}" for each in asset["versions"]}
    files = application.raw["product_images.files"].find({"metadata.asset": picture})
    assert {each["_id"] for each in files} == kept
    chunks = application.raw["product_images.chunks"]
    assert {each["files_id"] for each in chunks.find({"files_id": {"$in": list(kept)}})} == kept
    assert {nobody.get(each).headers.get("Location") for each in urls[:-1]} == {urls[-1]}
    assert nobody.get(urls[-1]).status_code == 200


def test_a_replacement_done_twice_drops_no_bytes_that_are_shown(application, as_seller):
    picture = Shelf(as_seller, a_picture()).ids()[0]
    scope = site(application.database, "default")
    asset = AssetStore(application.database).get("default", picture)
    again = replace(asset.current, file=new_id())

    def work(session):
        assets = scope.collection("assets").within(session)
        return [
            replace_one(assets, picture, asset.claim, version=version, name="a.jpg", keep=1)
            for version in (again, again, asset.current)
        ]

    assert scope.transaction(work) == [(asset.current.file,), (), (again.file,)]


def test_a_replaced_picture_is_taken_back(shelf, as_other_seller, nobody):
    first, second = pictures.photo(90, 60, seed=5), pictures.photo(60, 90, format="PNG")
    picture = shelf.add(first).json["id"]
    own = shelf.now()["images"][0]
    shelf.replace(picture, second)
    versions = f"{shelf.images}/{picture}/versions"
    listed = shelf.seller.get(versions).json
    assert (listed["total"], [each["current"] for each in listed["items"]]) == (2, [True, False])
    assert [each["bytes"] for each in listed["items"]] == [len(second), len(first)]
    old = listed["items"][1]
    bytes_of_old = shelf.seller.get(old["url"])
    assert (bytes_of_old.status_code, bytes_of_old.data) == (200, first)
    assert bytes_of_old.headers["Cache-Control"] == "private, no-store"
    for stranger, status in ((as_other_seller, 404), (nobody, 401)):
        assert stranger.get(old["url"]).status_code == status
        assert stranger.get(versions).status_code == status
        assert stranger.post(f"{versions}/{old['version']}/restore").status_code == status
    before = shelf.now()
    told = shelf.seller.post(f"{versions}/{old['version']}/restore")
    assert (told.status_code, told.json["id"], told.json["url"]) == (200, picture, own["url"])
    after = shelf.now()
    assert after["images"] == [told.json]
    assert after["revision"] > before["revision"]
    assert nobody.get(own["url"]).data == first
    again = shelf.seller.post(f"{versions}/{old['version']}/restore")
    assert (again.status_code, shelf.now()) == (200, after)
    for wrong in ("0" * 12, "zz"):
        answer = shelf.seller.post(f"{versions}/{wrong}/restore")
        assert_refused(answer, 404, "version_not_found")
        assert_refused(shelf.seller.get(f"{versions}/{wrong}/file"), 404, "version_not_found")
    shelf.remove(picture)
    answer = shelf.seller.post(f"{versions}/{old['version']}/restore")
    assert_refused(answer, 404, "image_not_found")


# Removing and restoring


def test_a_removed_picture_is_gone_until_it_is_restored_at_its_place(as_seller, nobody):
    shelf = Shelf(as_seller, a_picture(), a_picture(), a_picture())
    before = shelf.now()
    first, second, third = shelf.ids()
    answer = shelf.remove(second)
    assert (answer.status_code, answer.data) == (204, b"")
    assert shelf.ids() == [first, third]
    url = before["image_urls"][1]
    assert nobody.get(url).status_code == 404
    assert nobody.get(f"/media/{second}/original").status_code == 404
    assert_refused(shelf.remove(second), 404, "image_not_found")
    restored = shelf.restore(second)
    assert restored.status_code == 200
    assert restored.json["images"] == before["images"]
    assert restored.json == shelf.now()
    assert nobody.get(url).status_code == 200


def test_what_never_was_there_cannot_be_restored(as_seller):
    shelf = Shelf(as_seller, a_picture())
    before = shelf.now()
    assert_refused(shelf.restore(new_id()), 404, "image_not_found")
    assert shelf.now() == before


@pytest.mark.long
def test_restoring_again_changes_nothing(as_seller):
    shelf = Shelf(as_seller, a_picture())
    picture = shelf.ids()[0]
    shelf.remove(picture)
    restored = shelf.restore(picture)
    again = shelf.restore(picture)
    assert (again.status_code, again.json) == (200, restored.json)
    assert shelf.ids() == [picture]


def test_nothing_is_restored_into_a_full_product(as_seller, nobody):
    shelf = Shelf(as_seller, *(a_picture() for _ in range(5)))
    gone, url = shelf.ids()[2], shelf.now()["image_urls"][2]
    shelf.remove(gone)
    shelf.add(a_picture())
    before = shelf.now()
    assert assert_refused(shelf.restore(gone), 409, "too_many_images")["limit"] == 5
    assert shelf.now() == before
    assert nobody.get(url).status_code == 404
    shelf.remove(shelf.ids()[0])
    assert shelf.restore(gone).status_code == 200
    assert nobody.get(url).status_code == 200


def test_a_picture_in_the_trash_is_neither_described_nor_replaced(as_seller):
    shelf = Shelf(as_seller, a_picture())
    gone = shelf.ids()[0]
    shelf.remove(gone)
    answer = as_seller.patch(f"{shelf.images}/{gone}", json={"decorative": True})
    assert_refused(answer, 404, "image_not_found")
    assert_refused(shelf.replace(gone, a_picture()), 404, "image_not_found")


@pytest.mark.long
def test_the_same_bytes_may_come_again_after_removing(shelf):
    data = a_picture()
    first = shelf.add(data).json["id"]
    shelf.remove(first)
    again = shelf.add(data)
    assert again.status_code == 201
    assert again.json["id"] != first


def test_a_site_may_have_a_quota(application):
    app = application.with_settings(max_site_mb=1)
    seller = application.new_person(unique("small"), app=app)
    shelf = Shelf(seller)
    counts = application.counts()
    large = large_picture(seed=5)
    assert len(large) > 1024 * 1024
    told = assert_refused(shelf.add(large), 507, "quota_exceeded")
    assert told["limit_bytes"] == 1024 * 1024
    assert application.counts() == counts


def test_the_quota_of_a_site_goes_before_the_default(application):
    sites, own = application.raw["sites"], {"_id": "default"}
    sites.update_one(own, {"$set": {"quotas": {"bytes": 1000}}})
    try:
        seller = application.new_person(
            unique("tiny"), app=application.with_settings(max_site_mb=0)
        )
        told = assert_refused(Shelf(seller).add(a_picture()), 507, "quota_exceeded")
    finally:
        sites.update_one(own, {"$unset": {"quotas": ""}})
    assert told["limit_bytes"] == 1000


def test_nothing_is_taken_once_the_disk_of_the_database_is_full(application):
    app = application.with_settings(max_disk_percent=0)  # as if it were: any disk is fuller
    shelf = Shelf(application.new_person(unique("full"), app=app))
    counts = application.counts()
    told = assert_refused(shelf.add(a_picture()), 507, "storage_full")
    assert told["limit_percent"] == 0
    assert application.counts() == counts
