"""What a worker keeps at hand: bounded bytes, and facts that grow old."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from avenue.media.models import Asset, State, Visibility
from avenue.media.serving import cache
from avenue.media.serving.cache import AssetCache, ByteCache, Place
from tests.threads import at_once


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


ASSET = Asset(
    id="A" * 22,
    site="a",
    bucket="product_images",
    owner=None,
    name="zapato.jpg",
    visibility=Visibility.PUBLIC,
    state=State.LIVE,
    claim=None,
    versions=(),
    revision=1,
    created_at=datetime(2026, 1, 31, tzinfo=UTC),
)


# Bytes


def test_bytes_are_kept_under_their_key():
    kept = ByteCache(1000)
    kept.put("a", b"1")
    assert (kept.get("a"), kept.get("b")) == (b"1", None)


def test_the_longest_unasked_go_first():
    kept = ByteCache(80)
    for key in "abcdefgh":
        kept.put(key, bytes(10))
    assert kept.get("a") is not None  # asked for, so it stays
    kept.put("i", bytes(10))
    assert kept.get("b") is None
    assert all(kept.get(key) is not None for key in "acdefghi")


def test_a_key_put_again_counts_once():
    kept = ByteCache(80)
    for _ in range(100):
        kept.put("a", bytes(10))
    for key in "bcdefgh":
        kept.put(key, bytes(10))
    assert all(kept.get(key) is not None for key in "abcdefgh")


def test_one_piece_never_takes_most_of_the_room():
    kept = ByteCache(80)
    kept.put("a", bytes(10))
    kept.put("b", bytes(11))
    assert (kept.get("a"), kept.get("b")) == (bytes(10), None)


def test_no_room_keeps_nothing():
    kept = ByteCache(0)
    kept.put("a", b"1")
    assert kept.get("a") is None


def test_who_looked_before_another_one_read_it_does_not_read_it_again(monkeypatch):
    kept, reads = ByteCache(1000), []
    place = Place("a", lambda: reads.append("a") or b"123")
    look = kept.get

    def looked_too_early(key: str) -> None:
        monkeypatch.setattr(kept, "get", look)
        assert kept.fetch(place) == b"123"  # by another thread, before ours goes on

    monkeypatch.setattr(kept, "get", looked_too_early)
    assert kept.fetch(place) == b"123"
    assert reads == ["a"]


def test_the_bound_holds_under_many_threads():
    kept = ByteCache(8_000)

    def work(name: int) -> None:
        for number in range(2_000):
            kept.put(f"{name}.{number % 50}", bytes(1 + number % 1000))
            kept.get(f"{name}.{(number + 7) % 50}")

    at_once(4, work)
    held = sum(map(len, kept._entries.values()))
    assert held == kept._held_bytes
    assert 0 < held <= 8_000


# Facts


def test_an_asset_is_known_for_some_seconds():
    clock = Clock()
    known = AssetCache(30, now=clock)
    known.put(ASSET)
    clock.seconds += 29.9
    assert known.get("a", ASSET.id) is ASSET
    clock.seconds += 0.2
    assert known.get("a", ASSET.id) is None


def test_asking_does_not_make_it_younger_and_putting_does():
    clock = Clock()
    known = AssetCache(30, now=clock)
    known.put(ASSET)
    clock.seconds += 20
    assert known.get("a", ASSET.id)
    clock.seconds += 20
    assert known.get("a", ASSET.id) is None
    known.put(replace(ASSET, name="bota.jpg"))
    assert known.get("a", ASSET.id) == replace(ASSET, name="bota.jpg")


def test_while_the_database_is_away_it_is_known_for_longer_and_not_for_ever():
    clock, outages = Clock(), [True]
    known = AssetCache(30, now=clock, is_away=lambda _: outages[0])
    known.put(ASSET)
    clock.seconds += 31
    assert known.get("a", ASSET.id) is ASSET
    outages[0] = False
    assert known.get("a", ASSET.id) is None
    outages[0] = True
    clock.seconds += cache.LATE_SECONDS
    assert known.get("a", ASSET.id) is None


def test_sites_do_not_share_what_they_know():
    known = AssetCache(30, now=Clock())
    known.put(ASSET)
    assert known.get("b", ASSET.id) is None


@pytest.mark.parametrize("seconds", [0, -1])
def test_for_no_seconds_nothing_is_known(seconds):
    known = AssetCache(seconds, now=Clock())
    known.put(ASSET)
    assert known.get("a", ASSET.id) is None


def test_only_so_many_are_known(monkeypatch):
    monkeypatch.setattr(cache, "MOST_ASSETS", 3)
    known = AssetCache(30, now=Clock())
    for name in "abcd":
        known.put(replace(ASSET, id=name))
    assert [known.get("a", name) is not None for name in "abcd"] == [False, True, True, True]
