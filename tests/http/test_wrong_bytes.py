"""No wrong byte leaves: what is read from the database is compared before it is sent."""

import functools
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.clock import utc_now
from avenue.health.checks.scrub import SCRUB
from avenue.health.facts.work import WATCH
from avenue.media.errors import DamagedFile
from avenue.media.serving import stored_file
from avenue.media.serving.stored_file import StoredFile
from avenue.media.store.assets import AssetStore
from avenue.storage.chunks import CHUNK_BYTES, READ_BYTES
from tests.http.application import HOST, PRODUCTS, Application, Caller, a_picture, large_picture
from tests.http.debug_app import storage
from tests.server import path_of
from tests.table import table

CHUNKS, FILES = "product_images.chunks", "product_images.files"


COUNT = 3
"""The chunks of a picture."""


@functools.cache
def picture(seed: int = 7) -> bytes:
    return large_picture(1000, 800, seed=seed)


class Stored:
    """A published picture of several chunks, of which this can spoil one."""

    def __init__(self, application: Application, seed: int = 7) -> None:
        self.application = application
        self.raw = application.raw
        product = application.caller("seller").a_product(picture(seed), status="published")
        self.product = product["id"]
        self.image: dict[str, Any] = product["images"][0]
        self.nobody = application.caller("nobody")
        self.asset = {"_id": self.image["id"]}
        file = self.record["versions"][0]["file"]
        self.file = f"{self.record['site']}/{file}"

    @property
    def record(self) -> Any:
        return self.raw["assets"].find_one(self.asset)

    @property
    def sums(self) -> Any:
        return self.raw[FILES].find_one({"_id": self.file}).get("crc32")

    def without_sums(self) -> None:
        """As it was stored before there were any."""
        self.raw[FILES].update_one({"_id": self.file}, {"$unset": {"crc32": ""}})

    def flip(self, number: int) -> None:
        """Change one bit of a chunk."""
        chunk = {"files_id": self.file, "n": number}
        data = bytearray(self.raw[CHUNKS].find_one(chunk)["data"])
        data[len(data) // 2] ^= 1
        self.raw[CHUNKS].update_one(chunk, {"$set": {"data": bytes(data)}})

    def sent(self, piece: str | None = None) -> tuple[int, bytes]:
        """Status and what arrives: less than was promised when it is cut, nothing of an error."""
        headers = {"Range": piece} if piece else {}
        arrived = bytearray()
        with self.application.watch.over("default"):
            answer = self.nobody.client().get(
                path_of(self.image["url"]), base_url=f"https://{HOST}", headers=headers
            )
            try:
                for some in answer.response:
                    arrived += some
            except DamagedFile:
                assert len(arrived) < answer.content_length
        if answer.status_code == 500:
            assert json.loads(arrived)["code"] == "damaged_file"
            return 500, b""
        return answer.status_code, bytes(arrived)


@pytest.fixture
def stored(own_application: Application) -> Stored:
    return Stored(own_application)


@pytest.mark.parametrize(
    "number", [*(pytest.param(each, marks=pytest.mark.long) for each in (0, 1)), COUNT - 1]
)
def test_a_flipped_bit_of_an_original_is_never_sent(own_application, stored, number):
    assert stored.sent() == (200, picture())
    stored.flip(number)
    begin = number * CHUNK_BYTES
    other = (number + 1) % COUNT * CHUNK_BYTES
    assert stored.sent(f"bytes={other}-{other + 9}") == (206, picture()[other : other + 10])
    assert stored.sent(f"bytes={begin}-{begin}") == (500, b"")
    assert storage(own_application.caller("ops"))["assets"]["damaged"] == 1
    stored.raw["assets"].update_one(stored.asset, {"$unset": {"damaged": ""}})
    status, arrived = stored.sent()
    # Two chunks are read for the first byte: a wrong one among them is a clean error.
    assert status == (500 if begin < READ_BYTES else 200)
    assert arrived == (b"" if status == 500 else picture()[:READ_BYTES])
    assert stored.record["damaged"]["kind"] == "wrong_hash"
    assert stored.sent() == (500, b"")


@pytest.mark.long
def test_a_file_from_before_sums_is_read_through_before_its_first_byte(stored):
    stored.without_sums()
    assert stored.sent("bytes=0-9") == (206, picture()[:10])
    assert stored.sent() == (200, picture())


def test_a_range_of_such_a_file_is_not_sent_before_all_of_it_was_read(own_application, stored):
    stored.without_sums()
    stored.flip(COUNT - 1)
    assert stored.sent("bytes=0-9") == (500, b"")
    assert stored.sent() == (500, b"")
    assert stored.record["damaged"]["kind"] == "wrong_hash"
    own_application.forget_jobs()
    assert (
        Background(own_application.settings, own_application.database).run_now(WATCH).error is None
    )
    (alert,) = stored.raw["infra_alerts"].find({"site": "default", "open_key": {"$exists": True}})
    assert alert["measure"] == "damaged"


def test_a_large_one_is_cut_before_its_last_byte(stored, monkeypatch):
    monkeypatch.setattr(stored_file, "MOST_HASHED_FIRST_BYTES", CHUNK_BYTES)
    stored.without_sums()
    assert stored.sent() == (200, picture())
    stored.flip(0)
    status, arrived = stored.sent()
    assert status == 200
    assert len(arrived) == (COUNT - 1) * CHUNK_BYTES
    assert stored.sent("bytes=0-9") == (500, b"")


@pytest.mark.long
def test_the_scrub_gives_sums_to_what_is_right(own_application, stored):
    right, wrong = stored, Stored(own_application, seed=8)
    known = right.sums
    for each in (right, wrong):
        each.without_sums()
    wrong.flip(1)
    place = {"began_at": utc_now() - timedelta(days=99), "after": "", "read_bytes": 0}
    own_application.raw["inspections"].replace_one(
        {"_id": "default/scrub"}, {"site": "default", **place}, upsert=True
    )
    own_application.forget_jobs()
    job = Background(own_application.settings, own_application.database).run_now(SCRUB)
    assert (job.error, job.result["damaged"]) == (None, 1)
    assert right.sums == known
    assert len(known) == COUNT
    assert wrong.sums is None


def test_what_is_mended_has_sums(own_application, stored):
    known = stored.sums
    stored.flip(0)
    assert stored.sent() == (500, b"")
    seller, images = own_application.caller("seller"), f"{PRODUCTS}/{stored.product}/images"
    answer = seller.upload(images, picture())
    assert (answer.status_code, answer.headers["Avenue-Mended"]) == (200, stored.image["id"])
    assert stored.sums == known
    assert stored.sent() == (200, picture())
    assert "Avenue-Mended" not in seller.upload(images, picture()).headers
    stored.flip(0)
    page = f"/admin/products/{stored.product}/pictures"
    assert "said=mended" in seller.upload(page, picture(), headers={"Accept": "text/html"}).location


@table("sums", [[], [1], "none", [1] * COUNT + [2], ["a"] * COUNT, None])
def test_sums_that_cannot_be_right_stop_nothing(stored, sums):
    stored.raw[FILES].update_one({"_id": stored.file}, {"$set": {"crc32": sums}})
    assert stored.sent() == (200, picture())


def test_a_flipped_bit_of_a_rendition_is_made_anew(own_application, stored):
    url = stored.image["variants"]["thumb"]["url"]
    made = stored.nobody.get(url).data
    thumb = {"asset": stored.image["id"], "variant": "thumb", "media_type": "image/webp"}
    flipped = bytes([made[0] ^ 1]) + made[1:]
    changed = own_application.raw["renditions"].update_many(thumb, {"$set": {"data": flipped}})
    assert changed.modified_count == 1
    new_worker = Caller(own_application, own_application.with_settings(cache_seconds=60), HOST)
    answer = new_worker.get(url)
    assert answer.status_code == 200
    now = own_application.raw["renditions"].find_one(thumb)
    assert answer.data == now["data"] != flipped
    assert hashlib.sha256(now["data"]).hexdigest() == now["sha256"]


@pytest.mark.long
def test_a_private_file_and_an_earlier_version_are_compared_too(own_application, stored):
    small = a_picture()
    product = own_application.caller("seller").a_product(small, status="published")
    asset = own_application.raw["assets"].find_one({"_id": product["images"][0]["id"]})
    file = AssetStore(own_application.database).get(asset["site"], asset["_id"])
    opened = StoredFile(
        asset=file, version=file.current, store=AssetStore(own_application.database)
    )  # as renditions, versions and private files are
    assert b"".join(opened.chunks(0, opened.length)) == small
    place = {"files_id": f"{asset['site']}/{asset['versions'][0]['file']}"}
    flipped = bytes([small[0] ^ 1]) + small[1:]
    own_application.raw[CHUNKS].update_one(place, {"$set": {"data": flipped}})
    with pytest.raises(DamagedFile):
        b"".join(opened.chunks(0, 1))
