"""How long a worker believes what it knows of a public picture."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from avenue.identity import Site
from avenue.media.errors import DamagedFile
from avenue.media.models import Asset, State, Version, Visibility
from avenue.media.serving import stored_file
from avenue.media.serving.cache import AssetCache, ByteCache
from avenue.media.serving.reading import MediaReader
from avenue.media.serving.stored_file import RightBytes

SECONDS = 30
SITE = Site(id="default", hosts=(), base_url="https://shop.example", name="Shop")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
VERSION = Version(
    file="file",
    sha256="0" * 64,
    source_sha256="0" * 64,
    bytes=1,
    media_type="image/png",
    width=1,
    height=1,
    at=NOW,
    by=None,
)
PICTURE = Asset(
    id="a" * 22,
    site=SITE.id,
    bucket="product_images",
    owner=None,
    name="a.png",
    visibility=Visibility.PUBLIC,
    state=State.LIVE,
    claim=None,
    versions=(VERSION,),
    revision=1,
    created_at=NOW,
)


class Shelf:
    """A store of one picture that counts how often it is asked, and a clock."""

    def __init__(self) -> None:
        self.picture = PICTURE
        self.asked = 0
        self.seconds = 0.0
        known = AssetCache(SECONDS, now=lambda: self.seconds)
        self.reader = MediaReader(self, known, ByteCache(0))  # type: ignore[arg-type]

    def shown(
        self, site_id: str, asset_id: str, within_seconds: float | None = None
    ) -> Asset | None:
        self.asked += 1
        return self.picture


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def test_a_removed_picture_is_gone_in_time_however_often_it_is_asked_for(shelf: Shelf) -> None:
    assert shelf.reader.find(SITE, PICTURE.id) == PICTURE
    shelf.picture = replace(PICTURE, state=State.TRASH)
    while shelf.seconds < SECONDS - 1:
        shelf.seconds += 1
        assert shelf.reader.find(SITE, PICTURE.id) == PICTURE
    shelf.seconds += 1
    assert shelf.reader.find(SITE, PICTURE.id) is None


def test_within_its_seconds_the_database_is_asked_once(shelf: Shelf) -> None:
    for _ in range(3):
        shelf.reader.find(SITE, PICTURE.id)
    assert shelf.asked == 1


def test_who_asks_for_now_gets_now_and_everybody_after(shelf: Shelf) -> None:
    shelf.reader.find(SITE, PICTURE.id)
    shelf.picture = replace(PICTURE, name="b.png")
    assert shelf.reader.find_now(SITE, PICTURE.id) == shelf.picture
    assert shelf.reader.find(SITE, PICTURE.id) == shelf.picture


def test_a_private_picture_is_asked_for_every_time(shelf: Shelf) -> None:
    shelf.picture = replace(PICTURE, visibility=Visibility.PRIVATE)
    for _ in range(3):
        shelf.reader.find(SITE, PICTURE.id)
    assert shelf.asked == 3


def test_a_version_that_is_known_to_have_other_bytes_is_not_read(shelf: Shelf) -> None:
    older = replace(VERSION, file="older", sha256="1" * 64)
    spoiled = replace(PICTURE, versions=(VERSION, older), spoiled_file=VERSION.file)
    file = shelf.reader.open(spoiled)
    assert file.is_spoiled
    with pytest.raises(DamagedFile):
        next(file.chunks(0, 1))
    assert not shelf.reader.open_version(spoiled, older.version).is_spoiled


def test_bytes_are_known_to_be_right_the_second_time_as_the_first():
    right, data = RightBytes(), bytes(range(256)) * 1000
    sha256 = hashlib.sha256(data).hexdigest()
    for wrong in (data[:-1], data + b"a", b"\x01" + data[1:]):
        assert not right.are(wrong, sha256)
        assert right.are(data, sha256)
        assert right.are(data, sha256)
        assert not right.are(wrong, sha256)
        assert not right.are(data, sha256[::-1])


def test_what_is_known_of_bytes_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stored_file, "MOST_SUMS", 3)
    right = RightBytes()
    for number in range(10):
        data = bytes([number])
        assert right.are(data, hashlib.sha256(data).hexdigest())
        assert len(right._sums) <= 3
