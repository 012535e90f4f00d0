"""Pictures in their sizes over HTTP: what is made when, under which address, and what is not."""

import contextvars
import io
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from pymongo import _csot

from avenue.config import Settings
from avenue.identity import new_id
from avenue.media.errors import DecodersBusy
from avenue.media.models import Visibility
from avenue.media.pictures.decoding import DecodePool
from avenue.media.pictures.variants import EAGER
from avenue.media.renditions.service import Renditions
from avenue.media.store.assets import AssetStore
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import Sweeper
from avenue.storage.site_data import BUCKETS
from tests import pictures
from tests.http.application import HOST, Application, Caller, a_picture
from tests.http.test_product_images import Shelf
from tests.http.test_products import assert_refused
from tests.table import table
from tests.threads import Threads
from tests.unit.media.test_cleaning import TELLING, traces
from tests.waiting import DEADLINE_SECONDS, wait_until

IMMUTABLE = "public, max-age=31536000, immutable"
SIZES = {"thumb": (200, 200), "card": (480, 360), "gallery": (1280, 960), "og": (1200, 630)}


def large(seed: int = 1, **options: Any) -> bytes:
    return pictures.photo(1600, 1200, seed=seed, noise=False, **options)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def kept(application: Application, image: dict[str, Any]) -> set[str]:
    """The renditions that are stored of a picture, as `variant.extension`."""
    found = application.raw["renditions"].find({"asset": image["id"]}, {"_id": 1})
    return {each["_id"].split("/")[2] for each in found}


@pytest.fixture
def image(as_seller: Caller) -> dict[str, Any]:
    return Shelf(as_seller, large()).now()["images"][0]


@pytest.fixture(scope="module")
def shown(as_seller: Caller) -> dict[str, Any]:
    """A picture that is only looked at."""
    return Shelf(as_seller, large()).now()["images"][0]


def test_the_upload_makes_four_and_tells_them(application, image, nobody):
    assert kept(application, image) == {f"{name}.webp" for name in SIZES}
    assert set(image["variants"]) == set(SIZES)
    for name, size in SIZES.items():
        told = image["variants"][name]
        assert ((told["width"], told["height"]), told["media_type"]) == (size, "image/webp")
        answer = nobody.get(told["url"])
        assert answer.status_code == 200
        assert (answer.mimetype, answer.headers["Cache-Control"]) == ("image/webp", IMMUTABLE)
        shown = opened(answer.data)
        assert (shown.format, shown.size) == ("WEBP", size)
        assert not {"exif", "xmp", "icc_profile"} & set(shown.info)
    assert image["display_url"] == image["variants"]["gallery"]["url"]
    assert kept(application, image) == {f"{name}.webp" for name in SIZES}


def test_srcset_has_each_width_once(shown, nobody):
    entries = [each.rsplit(" ", 1) for each in shown["srcset"].split(", ")]
    widths = [int(width.removesuffix("w")) for _, width in entries]
    assert widths == [320, 480, 640, 960, 1280, 1600]
    for url, width in (entries[0], entries[-1]):
        assert opened(nobody.get(url).data).width == int(width.removesuffix("w"))


def test_color_and_placeholder_are_told(shown):
    assert len(shown["color"]) == 7
    assert shown["placeholder"].startswith("data:image/webp;base64,")
    assert len(shown["placeholder"]) < 300
    assert all(0 <= each <= 1 for each in shown["focal"])


def test_a_small_picture_is_never_enlarged(as_seller, nobody):
    image = Shelf(as_seller, pictures.photo(300, 150)).now()["images"][0]
    assert (image["variants"]["gallery"]["width"], image["variants"]["gallery"]["height"]) == (
        300,
        150,
    )
    for told in image["variants"].values():
        shown = opened(nobody.get(told["url"]).data)
        assert shown.size == (told["width"], told["height"])
    assert image["srcset"].endswith(" 300w")
    assert len(image["srcset"].split(", ")) == 1


@table("extension", ["webp", "jpg", "avif"])
def test_other_formats_and_widths_are_made_when_asked_for(application, shown, nobody, extension):
    url = shown["variants"]["card"]["url"].replace(".webp", f".{extension}")
    answer = nobody.get(url)
    assert answer.status_code == 200
    assert answer.mimetype == {"jpg": "image/jpeg"}.get(extension, f"image/{extension}")
    assert opened(answer.data).size == (480, 360)
    assert f"card.{extension}" in kept(application, shown)
    assert nobody.get(url).data == answer.data


@table(
    "name",
    [
        "card.png",
        "card.gif",
        "card.svg",
        "w321.webp",
        "huge.webp",
        "thumb.",
        "original.webp",
        "w0.webp",
    ],
)
def test_what_is_not_in_the_table_is_not_there(application, shown, nobody, name):
    token = shown["variants"]["card"]["url"].split("/")[5]
    before = application.counts()
    assert nobody.get(f"/media/{shown['id']}/{token}/{name}").status_code in {404, 308}
    assert nobody.get(f"/media/{shown['id']}/{name.partition('.')[0]}x").status_code == 404
    assert application.counts() == before


def test_a_transparent_picture_has_png_and_shows_jpg_on_white(as_seller, nobody):
    image = Shelf(as_seller, pictures.transparent_webp()).now()["images"][0]
    url = image["variants"]["card"]["url"]
    assert opened(nobody.get(url.replace(".webp", ".png")).data).mode == "RGBA"
    assert opened(nobody.get(url.replace(".webp", ".jpg")).data).mode == "RGB"


@table(
    "accept, extension",
    [
        ("image/avif,image/webp,*/*", "webp"),
        ("image/avif,*/*;q=0.1", "avif"),
        ("*/*", "webp"),
        ("", "webp"),
        ("text/html,*/*", "webp"),
        ("image/png,image/*;q=0.8,*/*;q=0.5", "jpg"),
        ("image/webp;q=0,image/jpeg", "jpg"),
    ],
)
def test_without_extension_the_reader_is_led_to_what_it_takes(shown, nobody, accept, extension):
    answer = nobody.get(f"/media/{shown['id']}/card", headers={"Accept": accept})
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(f"/card.{extension}")
    assert answer.headers["Cache-Control"] == "private, max-age=60"
    assert "Accept" in answer.headers["Vary"]
    assert nobody.get(answer.headers["Location"]).status_code == 200


def test_an_old_token_leads_to_the_current_one(as_seller, nobody):
    shelf = Shelf(as_seller, large())
    old = shelf.now()["images"][0]
    shelf.replace(old["id"], large(seed=2))
    new = shelf.now()["images"][0]
    for name in SIZES:
        answer = nobody.get(old["variants"][name]["url"])
        assert (answer.status_code, answer.headers["Location"]) == (
            308,
            new["variants"][name]["url"],
        )


@pytest.mark.long
def test_the_focal_point_moves_exactly_what_is_cut(as_seller, nobody):
    shelf = Shelf(as_seller, large())
    before = shelf.now()["images"][0]
    answer = as_seller.patch(f"{shelf.images}/{before['id']}", json={"focal": [0, 0]})
    after = answer.json
    moved = {n for n in SIZES if before["variants"][n]["url"] != after["variants"][n]["url"]}
    assert moved == {"thumb", "og"}
    assert (after["url"], after["srcset"]) == (before["url"], before["srcset"])
    one, two = (
        nobody.get(each["variants"]["thumb"]["url"], follow_redirects=False)
        for each in (before, after)
    )
    assert (one.status_code, two.status_code) == (308, 200)
    corner = opened(two.data).convert("RGB").resize((8, 8))
    whole = opened(nobody.get(after["url"]).data).convert("RGB").crop((0, 0, 1200, 1200))
    expected = whole.resize((8, 8))
    differences = [
        abs(a - b)
        for x in range(8)
        for y in range(8)
        for a, b in zip(corner.getpixel((x, y)), expected.getpixel((x, y)), strict=True)
    ]
    assert sum(differences) / len(differences) < 6


@pytest.fixture
def calls(monkeypatch):
    """What the decoders were asked to make."""
    calls, render = [], DecodePool.render

    def counted(self, *args):
        calls.append(args)
        return render(self, *args)

    monkeypatch.setattr(DecodePool, "render", counted)
    return calls


@pytest.mark.parametrize(
    "visibility",
    [Visibility.PUBLIC, pytest.param(Visibility.PRIVATE, marks=pytest.mark.long)],
)
def test_who_looked_before_another_one_made_it_does_not_make_it_again(
    application, image, calls, monkeypatch, visibility
):
    application.raw["assets"].update_one({"_id": image["id"]}, {"$set": {"visibility": visibility}})
    asset = AssetStore(application.database).get(application.caller("nobody").site.id, image["id"])
    renditions = application.app.extensions["avenue"][Renditions]
    made = renditions._made

    def made_too_late(*args):
        monkeypatch.setattr(renditions, "_made", made)
        made(*args)  # by another thread, before ours goes on
        return made(*args)

    monkeypatch.setattr(renditions, "_made", made_too_late)
    assert renditions.find_or_make(asset, "card", "jpg").file.data
    assert len(calls) == 1


def test_fifty_who_ask_at_once_make_one_work(application, image, calls, monkeypatch):
    url, start = image["variants"]["card"]["url"].replace(".webp", ".jpg"), threading.Barrier(50)
    site, asset = application.caller("nobody").site, None
    asset = AssetStore(application.database).get(site.id, image["id"])
    renditions = application.app.extensions["avenue"][Renditions]
    monkeypatch.setattr(renditions, "_makers", threading.Semaphore(50))  # as of 100 threads

    def ask(_: int) -> bytes:
        start.wait(DEADLINE_SECONDS)
        return renditions.find_or_make(asset, "card", "jpg").file.data

    with Threads(50) as threads:
        answers = set(threads.map(ask, range(50)))
    assert len(calls) == 1
    assert answers == {application.caller("nobody").get(url).data}


def test_sizes_hold_half_of_the_threads_at_most(application, image, nobody, monkeypatch):
    """Whatever the event loop, which lets others wait, takes for no request for a size."""
    urls = [*(each["url"] for each in image["variants"].values()), image["srcset"].split(" ")[0]]
    wanted = [each.rpartition(".")[0] + ".avif" for each in urls]
    half = Settings().threads // 2
    begun, go_on, render = threading.Semaphore(0), threading.Event(), DecodePool.render

    def held(self, *args):
        begun.release()
        assert go_on.wait(DEADLINE_SECONDS)
        return render(self, *args)

    monkeypatch.setattr(DecodePool, "render", held)
    with Threads(half) as threads:
        making = [threads.submit(application.caller("nobody").get, each) for each in wanted[:half]]
        for _ in making:
            assert begun.acquire(timeout=DEADLINE_SECONDS)
        assert_refused(nobody.get(wanted[half]), 503, "rendition_busy")
        go_on.set()
        assert [each.result(DEADLINE_SECONDS).status_code for each in making] == [200] * half
    assert nobody.get(wanted[half]).status_code == 200


def test_a_size_that_takes_longer_than_its_request_may_is_kept(application, image, monkeypatch):
    """Otherwise each request for it would render it in vain."""
    asset = AssetStore(application.database).get(application.caller("nobody").site.id, image["id"])
    renditions = application.app.extensions["avenue"][Renditions]
    render, calls = DecodePool.render, []

    def slow(self, *args):
        calls.append(render(self, *args))
        _csot.DEADLINE.set(time.monotonic() - 1)
        return calls[-1]

    monkeypatch.setattr(DecodePool, "render", slow)
    for _ in range(2):
        found = contextvars.copy_context().run(renditions.find_or_make, asset, "og", "avif")
        assert (found.file.data, found.stands_in) == (calls[0][0].data, False)
    assert len(calls) == 1


def test_while_nobody_can_make_it_a_larger_one_stands_in(image, nobody, monkeypatch):
    def busy(*_: object) -> None:
        raise DecodersBusy

    monkeypatch.setattr(DecodePool, "render", busy)
    token_of_w320 = image["srcset"].split(" ")[0]
    answer = nobody.get(token_of_w320)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=10, must-revalidate"
    assert opened(answer.data).size == (480, 360)  # the card

    jpg = image["variants"]["thumb"]["url"].replace(".webp", ".jpg")
    told = assert_refused(nobody.get(jpg), 503, "rendition_busy")
    assert told
    monkeypatch.undo()
    assert opened(nobody.get(token_of_w320).data).size == (320, 240)


def test_a_picture_that_goes_meanwhile_leaves_no_rendition(application, as_seller, monkeypatch):
    shelf = Shelf(as_seller, large())
    image, render = shelf.now()["images"][0], DecodePool.render

    def overtaken(self, *args):
        made = render(self, *args)
        shelf.remove(image["id"])
        return made

    before = kept(application, image)
    monkeypatch.setattr(DecodePool, "render", overtaken)
    url = image["variants"]["card"]["url"].replace(".webp", ".jpg")
    assert application.caller("nobody").get(url).status_code == 404
    assert kept(application, image) == before


@pytest.mark.long
def test_what_is_stale_is_swept_and_what_is_shown_stays(application, as_seller):
    shelf = Shelf(as_seller, large())
    old = shelf.now()["images"][0]
    shelf.replace(old["id"], large(seed=3))
    new = shelf.now()["images"][0]
    assert application.raw["renditions"].count_documents({"asset": new["id"]}) == 8
    sweeper = Sweeper(
        SweptStore(application.database), buckets=BUCKETS, trash_days=7, orphan_age=timedelta(0)
    )
    sweeper.sweep()
    left = application.raw["renditions"].find({"asset": new["id"]}, {"_id": 1})
    shown = {
        each["url"].removeprefix(f"https://{HOST}/media/") for each in new["variants"].values()
    }
    assert {each["_id"] for each in left} == shown
    application.raw["assets"].delete_one({"_id": new["id"]})
    sweeper.sweep()
    assert application.raw["renditions"].count_documents({"asset": new["id"]}) == 0


@pytest.mark.long
def test_what_is_refused_or_undone_leaves_no_rendition(application, as_seller):
    shelf = Shelf(as_seller, *(a_picture() for _ in range(5)))
    before = application.counts()
    assert_refused(shelf.add(large()), 409, "too_many_images")
    assert application.counts() == before
    temporary = as_seller.upload("/api/shop/temp-images", large()).json["id"]
    assert as_seller.delete(f"/api/shop/temp-images/{temporary}").status_code == 204
    assert application.counts()["renditions"] == before["renditions"]


@pytest.mark.parametrize("mode", ["lazy", "off"])
def test_the_mode_says_when(application, mode):
    app = application.with_settings(pipeline_mode=mode)
    seller = application.new_person(f"{mode}-{new_id()[:6].lower()}", app=app)
    image = Shelf(seller, large(seed=9)).now()["images"][0]
    assert kept(application, image) == set()
    if mode == "off":
        assert (image["variants"], image["srcset"], image["display_url"]) == ({}, "", image["url"])
        return
    assert seller.get(image["variants"]["card"]["url"]).status_code == 200
    assert kept(application, image) == {"card.webp"}


def test_large_sizes_may_follow_the_reply(application):
    app = application.with_settings(pipeline_mode="eager-after")
    seller = application.new_person(f"after-{new_id()[:6].lower()}", app=app)
    image = Shelf(seller, large(seed=10)).now()["images"][0]
    assert kept(application, image) >= {"thumb.webp", "card.webp"}
    wait_until(lambda: kept(application, image) == {f"{each}.webp" for each in EAGER})


# What a camera writes beside the picture


def test_no_trace_of_a_place_is_left(application, as_seller, nobody):
    data = pictures.with_gps(orientation=6)
    answer = Shelf(as_seller).add(data)
    file = answer.json["file"]
    assert "gps" in file["removed"]
    stored = nobody.get(file["url"]).data
    assert stored != data
    assert opened(stored).getexif().get_ifd(0x8825) == {}
    assert opened(stored).getexif().get(0x0112) == 6
    assert (file["width"], file["height"]) == tuple(reversed(opened(data).size))
    asset = application.raw["assets"].find_one({"_id": file["id"]})
    assert asset["versions"][0]["sha256"] != asset["versions"][0]["source_sha256"]


UPLOADED = [each for each in TELLING if each.startswith(("JPEG", "PNG", "WebP"))]


@table("name", UPLOADED[::15])
def test_no_public_byte_tells_what_the_picture_told(as_seller, nobody, name):
    """What is removed from each kind is looked at in tests/unit/media/test_cleaning.py."""
    assert_nothing_is_told(as_seller, nobody, name)


@pytest.mark.long
@table("name", UPLOADED)
def test_no_public_byte_tells_what_any_picture_told(as_seller, nobody, name):
    assert_nothing_is_told(as_seller, nobody, name)


def assert_nothing_is_told(as_seller: Caller, nobody: Caller, name: str) -> None:
    make, removed = TELLING[name]
    answer = Shelf(as_seller).add(make())
    assert answer.status_code == 201, answer.text
    file = answer.json["file"]
    assert file["removed"] == list(removed)
    for url in (file["url"], *(each["url"] for each in file["variants"].values())):
        assert traces(nobody.get(url).data) == []


@pytest.mark.long
def test_sent_again_it_is_the_same_picture_and_mends_it(application, as_seller, nobody):
    shelf, data = Shelf(as_seller), pictures.with_gps()
    first = shelf.add(data).json["file"]
    file = application.raw["assets"].find_one({"_id": first["id"]})["versions"][0]["file"]
    application.raw["product_images.chunks"].delete_many({"files_id": f"default/{file}"})
    again = shelf.add(data)
    assert (again.status_code, again.json["id"]) == (200, first["id"])
    assert nobody.get(first["url"]).status_code == 200
    assert len(shelf.ids()) == 1
