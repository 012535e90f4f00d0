"""What nobody has asked a worker for is found ahead of Flask, as the ordinary path answers it."""

from collections import Counter

import pytest
from flask import Flask

from avenue.errors import Unavailable
from avenue.identity import DEFAULT_SITE
from avenue.media.renditions.service import Renditions
from avenue.media.serving.reading import MediaReader
from avenue.media.serving.response_cache import ResponseCache
from avenue.media.store.documents import OTHER_BYTES
from avenue.server.fast_lane import AT_HAND
from avenue.storage.schema import Gate, NotMigrated
from tests import pictures
from tests.http.application import (
    HOST,
    OTHER_HOST,
    SITES,
    Application,
    Caller,
    a_picture,
    large_picture,
)
from tests.http.test_hot_pictures import told, warmed
from tests.http.test_product_images import Shelf
from tests.server import path_of
from tests.table import table
from tests.threads import Threads

READERS = 8

both = pytest.mark.parametrize("which", ["original", "thumb"])


@pytest.fixture
def fresh(application: Application) -> Flask:
    """A worker that has just been started."""
    app = application.with_settings(cache_seconds=3600)
    Caller(application, app, HOST).get("/media/anything")  # it knows its sites
    return app


@pytest.fixture
def hot(fresh: Flask) -> ResponseCache:
    """What it has at hand: nothing."""
    found = fresh.extensions[AT_HAND]
    assert isinstance(found, ResponseCache)
    return found


@pytest.fixture(scope="module")
def image(as_seller: Caller) -> dict[str, str]:
    shelf = Shelf(as_seller, a_picture())
    first = shelf.now()["images"][0]
    return {"id": first["id"], "original": first["url"], "thumb": first["variants"]["thumb"]["url"]}


def looked(
    application: Application, hot: ResponseCache, url: str, host: str = HOST
) -> tuple[list[tuple[str, str]], bytes] | None:
    """Headers and body of what the first look finds."""
    look = hot.cold_read(host, path_of(url))
    with application.watch.over(SITES.get(host)):
        found = look() if look else None
    if found is None:
        return None
    lines = found[0].head.decode("latin-1").removesuffix("\r\n").split("\r\n")
    return [(name, value) for name, _, value in (line.partition(": ") for line in lines)], found[1]


@both
def test_it_answers_as_the_ordinary_path_does(application, hot, nobody, image, which):
    found = looked(application, hot, image[which])
    ordinary = nobody.get(image[which])
    assert found is not None
    headers, body = found
    assert dict(headers) == told(ordinary)
    assert len(headers) == len(told(ordinary))
    assert body == ordinary.data


TOGETHER = ("aggregate", "assets")
COSTS = {
    "original": {("find", "assets"): 1, ("find", "product_images.chunks"): 1},
    "thumb": {TOGETHER: 1},
}


@both
def test_a_size_costs_one_query_an_original_two_and_then_none(
    application, hot, fresh, image, which
):
    before = Counter(application.watch.seen)
    assert looked(application, hot, image[which])
    assert Counter(application.watch.seen) - before == COSTS[which]
    before = Counter(application.watch.seen)
    answer = hot.find(HOST, path_of(image[which]))
    assert answer
    assert hot.at_hand(answer)
    assert Caller(application, fresh, HOST).get(image[which]).status_code == 200
    assert Counter(application.watch.seen) == before


def test_many_at_once_read_the_bytes_once(application, hot, image):
    looks = [hot.cold_read(HOST, path_of(image["thumb"])) for _ in range(READERS)]

    def watched(look):
        with application.watch.over(DEFAULT_SITE):
            return look()

    before = Counter(application.watch.seen)
    with Threads(READERS) as pool:
        found = list(pool.map(watched, looks))
    assert len({body for _, body in found}) == 1
    assert Counter(application.watch.seen) - before == {TOGETHER: 1}


@both
def test_what_is_believed_no_more_is_looked_for_again_and_at_hand_again(
    application, hot, fresh, image, which, monkeypatch
):
    assert looked(application, hot, image[which])
    known = fresh.extensions["avenue"][MediaReader]._assets
    later = known._now() + 3601
    monkeypatch.setattr(known, "_now", lambda: later)
    assert hot.find(HOST, path_of(image[which])) is None
    before = Counter(application.watch.seen)
    assert looked(application, hot, image[which])
    assert Counter(application.watch.seen) - before == {("find", "assets"): 1}
    assert hot.find(HOST, path_of(image[which]))


def changed(url: str, old: str, new: str) -> str:
    assert old in url
    return url.replace(old, new)


@table(
    "other",
    [
        lambda image: changed(image["thumb"], image["id"], "A" * 22),
        lambda image: changed(image["thumb"], image["thumb"].split("/")[-2], "0" * 12),
        lambda image: changed(image["original"], image["original"].split("/")[-2], "0" * 12),
        lambda image: changed(image["original"], ".jpg", ".png"),
        lambda image: changed(image["thumb"], "thumb.webp", "thumb.png"),
        lambda image: changed(image["thumb"], "thumb.webp", "huge.webp"),
        lambda image: changed(image["thumb"], "thumb.webp", "original.webp"),
    ],
)
def test_what_is_not_there_is_for_the_ordinary_path(application, hot, image, other):
    url = other(image)
    assert looked(application, hot, url) is None
    assert hot.cold_read(HOST, path_of(url)) is None


@table("host", [OTHER_HOST, "nowhere.example", f"{HOST}:81"])
def test_another_host_gets_nothing_of_it(application, hot, image, host):
    assert looked(application, hot, image["thumb"], host) is None


def test_what_is_not_made_yet_is_made_by_the_ordinary_path(application, hot, fresh, image):
    url = image["thumb"].replace(".webp", ".jpg")  # a token is of the size, whatever the format
    assert looked(application, hot, url) is None
    assert application.raw["renditions"].find_one({"_id": path_of(url)[len("/media/") :]}) is None
    answer = warmed(Caller(application, fresh, HOST), url)
    assert hot.find(HOST, path_of(url))
    fresh.extensions["avenue"][MediaReader]._assets.forget(DEFAULT_SITE, image["id"])
    found = looked(application, hot, url)
    assert found is not None
    assert found[1] == answer.data


@pytest.fixture
def own(as_seller: Caller) -> dict[str, str]:
    """A picture nobody else looks at."""
    shelf = Shelf(as_seller, pictures.photo(64, 48, seed=91))
    first = shelf.now()["images"][0]
    return {"id": first["id"], "original": first["url"], "thumb": first["variants"]["thumb"]["url"]}


@pytest.mark.parametrize(
    ("which", "change"),
    [
        ("original", {"visibility": "private"}),
        ("thumb", {"state": "trash"}),
        ("thumb", {"visibility": "private"}),
        pytest.param("original", {"state": "trash"}, marks=pytest.mark.long),
    ],
)
def test_what_not_everybody_may_see_is_not_found(application, hot, own, which, change):
    application.raw["assets"].update_one({"_id": own["id"]}, {"$set": change})
    assert looked(application, hot, own[which]) is None
    assert hot.find(HOST, path_of(own[which])) is None
    assert hot._cache.get(f"{DEFAULT_SITE}/{path_of(own[which])[len('/media/') :]}") is None


def test_what_is_known_to_be_damaged_is_not_given(application, hot, own):
    asset = application.raw["assets"].find_one({"_id": own["id"]})
    damaged = {"file": asset["versions"][0]["file"], "kind": OTHER_BYTES}
    application.raw["assets"].update_one({"_id": own["id"]}, {"$set": {"damaged": damaged}})
    assert looked(application, hot, own["original"]) is None
    assert (
        looked(application, hot, own["thumb"]) is not None
    )  # made before, from bytes that were right


def test_bytes_that_are_not_the_right_ones_are_not_given(application, hot, fresh, own):
    asset = application.raw["assets"].find_one({"_id": own["id"]})
    place = {"files_id": f"{asset['site']}/{asset['versions'][0]['file']}"}
    flipped = application.raw["product_images.chunks"].find_one(place)["data"]
    flipped = bytes([flipped[0] ^ 1]) + flipped[1:]
    application.raw["product_images.chunks"].update_one(place, {"$set": {"data": flipped}})
    assert looked(application, hot, own["original"]) is None
    answer = Caller(application, fresh, HOST).get(own["original"])
    assert (answer.status_code, answer.json["code"]) == (500, "damaged_file")


def test_what_is_too_large_to_be_kept_is_not_read(application, hot, as_seller):
    shelf = Shelf(as_seller, large_picture(seed=92))
    url = shelf.now()["images"][0]["url"]
    before = Counter(application.watch.seen)
    assert looked(application, hot, url) is None
    assert Counter(application.watch.seen) - before == {("find", "assets"): 1}


def test_a_database_that_is_away_is_told_of_and_asked_again(
    application, hot, fresh, image, monkeypatch
):
    store = fresh.extensions["avenue"][Renditions]._store
    with monkeypatch.context() as away:

        def fail(*_: object) -> None:
            raise Unavailable

        away.setattr(store, "find_with_asset", fail)
        with pytest.raises(Unavailable):
            looked(application, hot, image["thumb"])
    assert looked(application, hot, image["thumb"])


def test_a_database_that_may_not_be_used_is_not_asked(application, hot, image, monkeypatch):
    def refuse(self: Gate) -> None:
        raise NotMigrated

    monkeypatch.setattr(Gate, "pass_or_raise", refuse)
    before = dict(application.watch.seen)
    with pytest.raises(NotMigrated):
        looked(application, hot, image["thumb"])
    assert dict(application.watch.seen) == before
