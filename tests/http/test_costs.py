"""What a request costs the database: waits for the journals of a majority, and queries."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from avenue.media.intake.library import TRIES
from avenue.media.store.assets import AssetStore
from tests.http.application import HOST, Application, Caller, a_picture
from tests.http.test_product_images import Shelf
from tests.pictures import noise_png

MOST_WAITS = 4  # the open write, the asset, the claim, the audit log
CHUNKS = "product_images.chunks"


@contextmanager
def waits(application: Application) -> Iterator[list[int]]:
    """How often a journaled majority was waited for, known after the block."""
    count: list[int] = []
    before = application.watch.journaled
    yield count
    count.append(application.watch.journaled - before)


@contextmanager
def queries(application: Application) -> Iterator[Counter[tuple[str, str]]]:
    """The commands that were sent, known after the block; sites are looked up now and then."""
    sent: Counter[tuple[str, str]] = Counter()
    before = Counter(application.watch.seen)
    yield sent
    sent.update(Counter(application.watch.seen) - before)
    del sent["find", "sites"]


@pytest.fixture
def shelf(as_seller: Caller) -> Shelf:
    return Shelf(as_seller, a_picture())


def three_chunks() -> bytes:
    return noise_png(1000, 701)


@pytest.mark.parametrize("make", [pytest.param(a_picture, marks=pytest.mark.long), three_chunks])
def test_an_upload_with_four_sizes_waits_four_times(application, shelf, make):
    with waits(application) as count:
        answer = shelf.add(make())
    assert answer.status_code == 201
    assert len(application.raw["renditions"].distinct("_id", {"asset": answer.json["id"]})) == 4
    assert count == [MOST_WAITS]


def test_each_picture_more_in_one_upload_waits_once_more(application, shelf):
    with waits(application) as count:
        assert shelf.add(a_picture(), a_picture(), a_picture()).status_code == 201
    assert count == [MOST_WAITS + 2]


@pytest.mark.long
def test_replacing_and_temporary_pictures_wait_as_often(application, as_seller, shelf):
    (picture,) = shelf.ids()
    with waits(application) as count:
        assert shelf.replace(picture, three_chunks()).status_code == 201
    assert count == [MOST_WAITS]
    with waits(application) as count:
        answer = as_seller.upload("/api/shop/temp-images", three_chunks())
    assert answer.status_code == 201
    assert count == [MOST_WAITS]


# What an election loses between a chunk and the write that waits for a majority.


def losing(monkeypatch: pytest.MonkeyPatch, application: Application, times: int) -> list[str]:
    """Let the first `times` looks come after an election that lost something."""
    look, lost = AssetStore.is_safe, []

    def is_safe(store: AssetStore, asset: Any, version: Any) -> bool:
        if len(lost) < times:
            collection = [CHUNKS, "product_images.files"][len(lost) % 2]
            key = "files_id" if collection == CHUNKS else "_id"
            gone = application.raw[collection].delete_one({key: f"{asset.site}/{version.file}"})
            assert gone.deleted_count == 1
            lost.append(collection)
        return look(store, asset, version)

    monkeypatch.setattr(AssetStore, "is_safe", is_safe)
    return lost


@pytest.mark.parametrize(
    "is_new",
    [True, pytest.param(False, marks=pytest.mark.long)],
    ids=["upload", "replacement"],
)
def test_what_an_election_lost_is_written_again(application, shelf, nobody, monkeypatch, is_new):
    (picture,) = shelf.ids()
    lost, data = losing(monkeypatch, application, TRIES - 1), three_chunks()
    answer = shelf.add(data) if is_new else shelf.replace(picture, data)
    assert answer.status_code == 201
    assert len(lost) == TRIES - 1
    assert nobody.get(answer.json["url"]).data == data


def test_what_is_lost_again_and_again_is_not_acknowledged(application, shelf, monkeypatch):
    before = application.counts()
    lost = losing(monkeypatch, application, TRIES)
    answer = shelf.add(three_chunks())
    assert (answer.status_code, len(lost)) == (503, TRIES)
    assert application.counts() == before


# Queries


@pytest.fixture(scope="module")
def remembering(application: Application) -> Flask:
    return application.with_settings(cache_seconds=3600)


FACTS, RENDITION, BYTES = ("find", "assets"), ("find", "renditions"), ("find", CHUNKS)


def test_a_picture_costs_two_queries_then_one_then_none(application, remembering, shelf):
    visitor = Caller(application, remembering, HOST)
    assert visitor.get("/healthz").status_code == 200
    assert visitor.get("/api/shop/products?limit=1").status_code == 200  # a worker's first request
    image = shelf.now()["images"][0]
    thumb, card = (image["variants"][each]["url"] for each in ("thumb", "card"))
    for url, expected in [
        (thumb, {FACTS: 1, RENDITION: 1}),
        (card, {RENDITION: 1}),  # the steady state: the picture is known, this size is not at hand
        (image["url"], {BYTES: 1}),
        (thumb, {}),
    ]:
        with queries(application) as sent:
            assert visitor.get(url).status_code == 200
        assert sent == expected
