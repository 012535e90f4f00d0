"""What a worker has at hand is answered as the ordinary path answers it, and without it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Barrier, Event
from typing import Any

import pytest
from flask import Flask, request_started
from werkzeug.test import TestResponse

from avenue.errors import Unavailable
from avenue.media.renditions.service import Renditions
from avenue.media.serving.reading import MediaReader
from avenue.media.store.assets import AssetStore
from avenue.storage.connection import Database
from avenue.storage.schema import Gate
from tests.http.application import HOST, OTHER_HOST, Application, Caller, a_picture
from tests.http.test_media import CONDITIONS, RANGES, conditional
from tests.http.test_product_images import Shelf
from tests.table import table
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS, let_pass

OF_ONE_REQUEST = {"X-Request-ID", "Date"}


@pytest.fixture(scope="module")
def remembering(application: Application) -> Flask:
    """The application as it runs elsewhere: a worker believes what it knows for a while."""
    return application.with_settings(cache_seconds=3600)


@pytest.fixture(scope="module")
def hot(application: Application, remembering: Flask) -> Caller:
    return Caller(application, remembering, HOST)


@pytest.fixture(scope="module")
def warm(application: Application) -> Caller:
    """A worker that knows what to answer, but has to read the bytes."""
    return Caller(application, application.with_settings(cache_seconds=3600, cache_mb=0), HOST)


@pytest.fixture(scope="module")
def urls(as_seller: Caller) -> dict[str, str]:
    """A small picture's original, and one of its sizes."""
    shelf = Shelf(as_seller, a_picture())
    image = shelf.now()["images"][0]
    return {"original": image["url"], "thumb": image["variants"]["thumb"]["url"]}


@contextmanager
def flask_seen(app: Flask) -> Iterator[list[str]]:
    """The paths that reached Flask."""
    seen: list[str] = []

    def note(sender: Flask, **_: Any) -> None:
        from flask import request

        seen.append(request.path)

    with request_started.connected_to(note, app):
        yield seen


def warmed(caller: Caller, url: str) -> TestResponse:
    """Ask once the ordinary way; from then on the answer is at hand."""
    first = caller.get(url)
    assert first.status_code == 200
    return first


def told(answer: TestResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers if name not in OF_ONE_REQUEST}


both = pytest.mark.parametrize("which", ["original", "thumb"])
REQUESTS = [
    ("whole", {}),
    *((row.name, row.headers) for row in CONDITIONS),
    *((f"range {row.name}", {"Range": row.range}) for row in RANGES),
    ("if-range same", {"Range": "bytes=0-9", "If-Range": "{etag}"}),
    ("if-range other", {"Range": "bytes=0-9", "If-Range": '"a"'}),
    ("if-range date", {"Range": "bytes=0-9", "If-Range": "{modified}"}),
    ("a cookie", {"Cookie": "avenue_session=rubbish; avenue_language=en"}),
    ("a bad token", {"Authorization": "Bearer rubbish"}),
    ("an origin", {"Origin": "https://elsewhere.example"}),
]


@pytest.mark.parametrize(
    ("way", "which"),
    [
        ("hot", "original"),
        *[
            pytest.param(*each, marks=pytest.mark.long)
            for each in (("hot", "thumb"), ("warm", "original"), ("warm", "thumb"))
        ],
    ],
)
@table("method", ["GET", "HEAD"])
@table("name, headers", REQUESTS)
def test_all_ways_answer_the_same(request, nobody, urls, way, which, method, name, headers):
    hot = request.getfixturevalue(way)
    first = warmed(hot, urls[which])
    asked = conditional(headers, first.headers)
    ordinary = nobody.ask(method, urls[which], headers=asked)
    with flask_seen(hot.app) as seen:
        answer = hot.ask(method, urls[which], headers=asked)
    assert answer.status == ordinary.status
    assert told(answer) == told(ordinary)
    if answer.status_code < 400:
        assert answer.data == ordinary.data
    assert bool(seen) == (answer.status_code >= 400)  # refusals are the ordinary path's


def test_a_request_keeps_its_id_and_its_line(hot, urls, caplog):
    warmed(hot, urls["thumb"])
    caplog.clear()
    with caplog.at_level("INFO", logger="avenue.request"), flask_seen(hot.app) as seen:
        answer = hot.get(urls["thumb"])
    assert seen == []
    (line,) = [record.facts for record in caplog.records if hasattr(record, "facts")]
    assert line["id"] == answer.headers["X-Request-ID"]
    assert (line["route"], line["status"], line["bytes"]) == (
        "/media/<asset_id>/<token>/<file_name>",
        200,
        len(answer.data),
    )


@both
def test_it_costs_no_query(application, hot, urls, which):
    warmed(hot, urls[which])
    before = dict(application.watch.seen)
    assert hot.get(urls[which]).status_code == 200
    assert dict(application.watch.seen) == before


@pytest.mark.parametrize(
    ("which", "where"), [("original", "product_images.chunks"), ("thumb", "renditions")]
)
def test_bytes_the_cache_has_let_go_of_cost_one_query(application, warm, urls, which, where):
    warmed(warm, urls[which])
    before = Counter(application.watch.seen)
    assert warm.get(urls[which], headers={"Range": "bytes=5-"}).status_code == 206
    assert Counter(application.watch.seen) - before == {("find", where): 1}


@pytest.mark.parametrize(("headers", "method"), [({"If-None-Match": "*"}, "GET"), ({}, "HEAD")])
def test_who_gets_no_bytes_costs_no_query(application, warm, urls, headers, method):
    warmed(warm, urls["thumb"])
    before = dict(application.watch.seen)
    assert warm.ask(method, urls["thumb"], headers=headers).status_code in {200, 304}
    assert dict(application.watch.seen) == before


@both
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {}),
        pytest.param("HEAD", {}, marks=pytest.mark.long),
        pytest.param("GET", {"If-None-Match": "*"}, marks=pytest.mark.long),
    ],
)
def test_whoever_has_it_makes_it_known(application, nobody, urls, which, method, headers):
    ordinary = nobody.ask(method, urls[which], headers=headers)
    fresh = Caller(application, application.with_settings(cache_seconds=3600), HOST)
    first = fresh.get(
        urls[which], headers={"If-None-Match": nobody.get(urls[which]).headers["ETag"]}
    )
    assert first.status_code == 304
    with flask_seen(fresh.app) as seen:
        answer = fresh.ask(method, urls[which], headers=headers)
    assert seen == []
    assert (answer.status, answer.data) == (ordinary.status, ordinary.data)
    assert told(answer) == told(ordinary)


def test_a_rendition_that_was_swept_is_made_again(application, warm, as_seller):
    # Of a picture of its own: what is made again is dated anew.
    thumb = Shelf(as_seller, a_picture()).now()["images"][0]["variants"]["thumb"]["url"]
    first = warmed(warm, thumb)
    key = thumb.partition("/media/")[2]
    assert application.raw["renditions"].delete_one({"_id": key}).deleted_count == 1
    again = warm.get(thumb)
    assert (again.status_code, again.data) == (200, first.data)


def test_the_ordinary_way_has_only_what_is_left_of_the_time(application, as_seller, monkeypatch):
    """Both would wait for a database that does not answer: together they must not take longer."""
    image = Shelf(as_seller, a_picture()).now()["images"][0]
    app = application.with_settings(cache_seconds=3600, cache_mb=0, read_seconds=3.0)
    caller, thumb = Caller(application, app, HOST), image["variants"]["thumb"]["url"]
    warmed(caller, thumb)
    store = app.extensions["avenue"][Renditions]._store
    given: list[float] = []
    request = Database.request

    def noted(self: Database, seconds: float) -> AbstractContextManager[None]:
        given.append(seconds)
        return request(self, seconds)

    def away(*_: Any) -> None:
        let_pass(0.5)
        raise Unavailable

    monkeypatch.setattr(Database, "request", noted)
    monkeypatch.setattr(store, "find", away)
    monkeypatch.setattr(store, "find_first", away)
    answer = caller.get(thumb)
    assert (answer.status_code, answer.json["code"]) == (503, "rendition_busy")
    first, second = given
    assert (first, second <= 2.5) == (3.0, True)


def test_whether_the_database_may_be_used_is_asked_within_that_time(nobody, urls, monkeypatch):
    done: list[str] = []
    request, ask = Database.request, Gate.pass_or_raise

    @contextmanager
    def timed(self: Database, seconds: float) -> Iterator[None]:
        with request(self, seconds):
            done.append("begun")
            yield
        done.append("ended")

    def asked(self: Gate) -> None:
        done.append("asked")
        ask(self)

    monkeypatch.setattr(Database, "request", timed)
    monkeypatch.setattr(Gate, "pass_or_raise", asked)
    assert nobody.get(urls["thumb"]).status_code == 200
    assert done == ["begun", "asked", "ended"]


@table(
    "change",
    [
        lambda url: url + "?download=1",
        lambda url: url + "?v=1",
        lambda url: url.replace("thumb.webp", "thumb.webp/"),
        lambda url: url.replace("/media/", "/media//"),
        lambda url: url.replace("/media/", "/MEDIA/"),
    ],
)
def test_what_is_not_exactly_that_goes_the_ordinary_way(nobody, hot, urls, change):
    warmed(hot, urls["thumb"])
    other = change(urls["thumb"])
    with flask_seen(hot.app) as seen:
        answer = hot.get(other)
    assert seen
    ordinary = nobody.get(other)
    assert (answer.status, told(answer)) == (ordinary.status, told(ordinary))


@table("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_reading_is_answered_here(nobody, hot, urls, method):
    warmed(hot, urls["thumb"])
    assert (
        hot.ask(method, urls["thumb"]).status_code == nobody.ask(method, urls["thumb"]).status_code
    )


@table("host", [OTHER_HOST, "nowhere.example", f"{HOST}:81", f"{HOST}."])
def test_another_host_gets_nothing_of_it(application, hot, urls, host):
    path = warmed(hot, urls["thumb"]).request.path
    answer = hot.app.test_client().get(path, base_url=f"https://{host}")
    ordinary = application.app.test_client().get(path, base_url=f"https://{host}")
    assert answer.status_code == ordinary.status_code >= 400


def test_private_pictures_are_never_at_hand(application, hot, as_seller):
    shelf = Shelf(as_seller, a_picture())
    url = shelf.now()["image_urls"][0]
    application.raw["assets"].update_one(
        {"_id": shelf.ids()[0]}, {"$set": {"visibility": "private"}}
    )
    owner = Caller(application, hot.app, HOST, token=as_seller.token)
    for _ in range(2):
        with flask_seen(hot.app) as seen:
            assert owner.get(url).status_code == 200
        assert seen
    assert hot.get(url).status_code == 404


def test_what_was_removed_is_gone_as_soon_as_the_worker_knows(application, as_seller):
    """Its time is up, or somebody asked for something newer: then the answer is not given."""
    shelf = Shelf(as_seller, a_picture())
    url = shelf.now()["image_urls"][0]
    app = application.with_settings(cache_seconds=3600)
    hot = Caller(application, app, HOST)
    warmed(hot, url)
    as_seller.delete(f"{shelf.images}/{shelf.ids()[0]}")
    assert hot.get(url).status_code == 200  # for as long as a worker may believe what it knows
    app.extensions["avenue"][MediaReader]._assets._entries.clear()  # which is over now
    assert hot.get(url).status_code == 404


def test_a_thousand_who_miss_at_once_cost_one_read(application, as_seller, monkeypatch):
    image = Shelf(as_seller, a_picture()).now()["images"][0]
    app = application.with_settings(cache_seconds=3600)
    reads: list[str] = []
    everybody_waits, many = Event(), 50
    find = AssetStore.get

    def slow(self: AssetStore, *args: Any) -> Any:
        reads.append("asset")
        assert everybody_waits.wait(DEADLINE_SECONDS)
        return find(self, *args)

    monkeypatch.setattr(AssetStore, "shown", slow)
    rendition = app.extensions["avenue"][Renditions]._store
    monkeypatch.setattr(
        rendition,
        "find",
        lambda *args: reads.append("bytes") or type(rendition).find(rendition, *args),
    )
    begun = Barrier(many + 1)

    def ask(_: int) -> int:
        begun.wait(DEADLINE_SECONDS)
        return (
            app.test_client()
            .get(
                image["variants"]["thumb"]["url"].removeprefix(f"https://{HOST}"),
                base_url=f"https://{HOST}",
            )
            .status_code
        )

    with Threads(many) as pool:
        answers = [pool.submit(ask, number) for number in range(many)]
        begun.wait(DEADLINE_SECONDS)
        everybody_waits.set()
        assert {each.result(DEADLINE_SECONDS) for each in answers} == {200}
    assert reads.count("bytes") == 1
    assert reads.count("asset") < many / 2  # who comes after the first look needs none


def test_a_304_reads_no_bytes(application, nobody, urls, monkeypatch):
    first = nobody.get(urls["thumb"])
    monkeypatch.setattr(
        application.app.extensions["avenue"][Renditions]._store,
        "find",
        lambda *_: pytest.fail("the bytes were read"),
    )
    cold = application.with_settings(cache_mb=0)
    monkeypatch.setattr(
        cold.extensions["avenue"][Renditions]._store,
        "find",
        lambda *_: pytest.fail("the bytes were read"),
    )
    answer = Caller(application, cold, HOST).get(
        urls["thumb"], headers={"If-None-Match": first.headers["ETag"]}
    )
    assert answer.status_code == 304


def test_while_the_database_is_away_what_is_at_hand_is_shown(application, as_seller, monkeypatch):
    image = Shelf(as_seller, a_picture()).now()["images"][0]
    app = application.with_settings(cache_seconds=3600)
    hot = Caller(application, app, HOST)
    thumb = image["variants"]["thumb"]["url"]
    warmed(hot, thumb)
    known = app.extensions["avenue"][MediaReader]._assets
    for each in known._entries.values():
        each.good_until = 0.0  # the usual time is up

    def away(*_: Any) -> None:
        raise Unavailable

    monkeypatch.setattr(AssetStore, "shown", away)
    assert hot.get(thumb).status_code == 200
    with flask_seen(app) as seen:  # and believed for a moment, so that not each request waits
        assert hot.get(thumb).status_code == 200
    assert seen == []
    refused = hot.get(Shelf(as_seller, a_picture()).now()["image_urls"][0])
    assert refused.status_code == 503
    assert "Retry-After" in refused.headers
    for each in known._entries.values():
        each.good_until = each.late_until = 0.0  # and the longer one
    assert hot.get(thumb).status_code == 503
