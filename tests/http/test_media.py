"""Stored pictures over HTTP, through the whole application (RFC 9110, RFC 6266, RFC 8187)."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import NamedTuple

import pytest
from flask.testing import FlaskClient
from werkzeug.http import parse_options_header

from avenue.identity import new_id
from avenue.media.models import Asset, State, Version, Visibility
from avenue.media.store.assets import AssetStore
from avenue.media.urls import original_path
from tests.http.application import (
    HOST,
    OTHER_HOST,
    PASSWORD,
    Application,
    Caller,
    Part,
    a_picture,
    large_picture,
    unique,
)
from tests.http.test_fast_lane import lane_answers
from tests.http.test_product_images import Shelf
from tests.http.ways import LANE, STOCK, DistantCaller, servers
from tests.mongod import Guard
from tests.server import Server
from tests.table import table
from tests.waiting import wait_until

IMMUTABLE = "public, max-age=31536000, immutable"
SHORT = "public, max-age=60, must-revalidate"
PRIVATE = "private, no-store"


class Picture(NamedTuple):
    id: str
    url: str
    data: bytes

    @property
    def stable(self) -> str:
        return f"https://{HOST}/media/{self.id}/original"

    def at(self, which: str) -> str:
        return {"immutable": self.url, "stable": self.stable}[which]


def stored(seller: Caller, data: bytes) -> Picture:
    reply = Shelf(seller).add(data).json
    return Picture(reply["id"], reply["url"], data)


@pytest.fixture(scope="module")
def lane(application: Application, guard: Guard) -> Iterator[Server]:
    """A real server over the application's database, with the fast lane."""
    with servers(guard, application.settings.mongodb_uri, LANE) as found:
        yield found[LANE]


@pytest.fixture(scope="module")
def stock(application: Application, guard: Guard) -> Iterator[Server]:
    """The same with gunicorn's own worker."""
    with servers(guard, application.settings.mongodb_uri, STOCK) as found:
        yield found[STOCK]


@pytest.fixture(
    scope="module",
    params=["here", *(pytest.param(each, marks=pytest.mark.long) for each in (LANE, STOCK))],
)
def nobody(request: pytest.FixtureRequest, application: Application) -> Caller:
    """Nobody in particular, who gets the answers of every way alike.

    `make test` has the servers answer in test_conformance.py and test_fast_lane.py.
    """
    if request.param == "here":
        return application.caller("nobody")
    server = request.getfixturevalue(request.param)
    return DistantCaller(application, application.app, HOST, server=server)


@pytest.fixture(scope="module")
def picture(as_seller: Caller) -> Picture:
    """A picture of three chunks."""
    data = large_picture(1000, 800, seed=12)
    assert 2 * 1024 * 1024 < len(data) < 3 * 1024 * 1024
    return stored(as_seller, data)


@pytest.fixture(scope="module")
def small(as_seller: Caller) -> Picture:
    """A picture of one chunk, kept at hand by the worker."""
    return stored(as_seller, a_picture())


both_urls = table("which", ["immutable", "stable"])
both_sizes = pytest.mark.parametrize("size", ["small", "picture"])
one_url = pytest.mark.parametrize(
    "which", ["immutable", pytest.param("stable", marks=pytest.mark.long)]
)
"""Where conditions and ranges are judged does not depend on the address."""


@pytest.fixture
def shown(request: pytest.FixtureRequest, size: str) -> Picture:
    found: Picture = request.getfixturevalue(size)
    return found


# Whole


@both_urls
@both_sizes
def test_anybody_gets_the_very_bytes(nobody, shown, which):
    for _ in range(2):  # the second comes from memory
        answer = nobody.get(shown.at(which))
        assert (answer.status_code, answer.data) == (200, shown.data)
        assert answer.headers["Content-Length"] == str(len(shown.data))
        assert answer.headers["Cache-Control"] == (IMMUTABLE if which == "immutable" else SHORT)


@both_urls
@both_sizes
def test_head_tells_what_get_would(nobody, shown, which):
    get, head = nobody.get(shown.at(which)), nobody.ask("HEAD", shown.at(which))
    assert (head.status_code, head.data) == (200, b"")
    for answer in (get, head):
        answer.headers.remove("X-Request-ID")
    assert dict(head.headers) == dict(get.headers)


@both_urls
def test_a_picture_runs_nothing_and_is_for_everybody(nobody, small, which):
    headers = nobody.get(small.at(which)).headers
    assert headers["Content-Type"] == "image/jpeg"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["Accept-Ranges"] == "bytes"


@table("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_has_its_own_extension_and_no_other(nobody, as_seller, kind):
    found = stored(as_seller, a_picture(format=kind))
    own = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}[kind]
    stem = found.url.removesuffix(own)
    for extension in ("jpg", "jpeg", "png", "webp", "gif", "html", "JPG", "", f"{own}.html"):
        expected = 200 if extension == own else 404
        assert nobody.get(stem + extension).status_code == expected, extension


def test_both_addresses_have_one_strong_etag(nobody, small):
    tags = {nobody.get(small.at(which)).headers["ETag"] for which in ("immutable", "stable")}
    assert len(tags) == 1
    assert not tags.pop().startswith("W/")


@pytest.mark.long
@pytest.mark.parametrize("nobody", [LANE], indirect=True)
def test_the_fast_lane_is_tried_here_as_well(nobody, small):
    nobody.get(small.url)
    wait_until(lambda: lane_answers(nobody.server) > 0, "the lane counts its answers")


# Only when changed: RFC 9110 section 13


class Condition(NamedTuple):
    name: str
    headers: dict[str, str]  # {etag} and {modified} are the picture's
    status: int


LONG_AGO, TOMORROW = "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 01 Jan 2049 00:00:00 GMT"
CONDITIONS = (
    Condition("13.1.2 same tag", {"If-None-Match": "{etag}"}, 304),
    Condition("13.1.2 weak tag", {"If-None-Match": "W/{etag}"}, 304),
    Condition("13.1.2 in a list", {"If-None-Match": '"a", W/"b,c", {etag}'}, 304),
    Condition("13.1.2 any", {"If-None-Match": "*"}, 304),
    Condition("13.1.2 other tags", {"If-None-Match": '"a", "b"'}, 200),
    Condition("13.1.2 no tag at all", {"If-None-Match": "rubbish"}, 200),
    Condition("13.1.3 not since", {"If-Modified-Since": "{modified}"}, 304),
    Condition("13.1.3 not since later", {"If-Modified-Since": TOMORROW}, 304),
    Condition("13.1.3 since long ago", {"If-Modified-Since": LONG_AGO}, 200),
    Condition("13.1.3 no date", {"If-Modified-Since": "yesterday"}, 200),
    Condition(
        "13.1.3 the tag decides", {"If-None-Match": '"a"', "If-Modified-Since": "{modified}"}, 200
    ),
    Condition("13.1.1 must be this", {"If-Match": "{etag}"}, 200),
    Condition("13.1.1 must be any", {"If-Match": "*"}, 200),
    Condition("13.1.1 must be another", {"If-Match": '"a"'}, 412),
    Condition("13.1.1 weak never matches", {"If-Match": "W/{etag}"}, 412),
    Condition("13.1.4 unchanged since", {"If-Unmodified-Since": "{modified}"}, 200),
    Condition("13.1.4 changed since", {"If-Unmodified-Since": LONG_AGO}, 412),
)


def conditional(headers: dict[str, str], first: dict[str, str]) -> dict[str, str]:
    known = {"etag": first["ETag"], "modified": first["Last-Modified"]}
    return {name: value.format(**known) for name, value in headers.items()}


@one_url
@table("method", ["GET", "HEAD"])
@table("row", CONDITIONS)
def test_conditions(nobody, small, which, method, row):
    first = nobody.get(small.at(which)).headers
    answer = nobody.ask(method, small.at(which), headers=conditional(row.headers, first))
    assert answer.status_code == row.status
    if row.status == 304:
        assert answer.data == b""
        assert answer.headers["ETag"] == first["ETag"]
        assert answer.headers["Cache-Control"] == first["Cache-Control"]
        assert "Content-Length" not in answer.headers
    elif row.status == 412:
        assert answer.headers["Cache-Control"] == "no-store"
        if method == "GET":
            assert answer.json["code"] == "precondition_failed"


# In part: RFC 9110 section 14


class Piece(NamedTuple):
    name: str
    range: str
    expected: tuple[int, int] | int | None  # (from, before), 416, or None for the whole


MIB = 1024 * 1024
RANGES = (
    Piece("first hundred", "bytes=0-99", (0, 100)),
    Piece("one byte", "bytes=0-0", (0, 1)),
    Piece("from 500", "bytes=500-", (500, -1)),
    Piece("last hundred", "bytes=-100", (-100, -1)),
    Piece("suffix longer than the file", "bytes=-99999999", (0, -1)),
    Piece("end behind the end", "bytes=10-99999999", (10, -1)),
    Piece("over a chunk's end", f"bytes={MIB - 5}-{MIB + 5}", (MIB - 5, MIB + 6)),
    Piece("a chunk", f"bytes={MIB}-{2 * MIB - 1}", (MIB, 2 * MIB)),
    Piece("from the first chunk to the last", f"bytes=7-{2 * MIB + 7}", (7, 2 * MIB + 8)),
    Piece("behind the end", "bytes=99999999-", 416),
    Piece("nothing at the end", "bytes=-0", 416),
    Piece("several parts", "bytes=0-1,5-6", None),
    Piece("another unit", "pages=1-2", None),
    Piece("from behind", "bytes=9-5", None),
    Piece("rubbish", "bytes=a-b", None),
    Piece("no number", "bytes=-", None),
)


@one_url
@table("row", RANGES)
def test_ranges(nobody, picture, which, row):
    length = len(picture.data)
    answer = nobody.get(picture.at(which), headers={"Range": row.range})
    if row.expected is None:
        assert (answer.status_code, answer.data) == (200, picture.data)
        assert "Content-Range" not in answer.headers
    elif row.expected == 416:
        assert (answer.status_code, answer.json["code"]) == (416, "range_not_satisfiable")
        assert answer.headers["Content-Range"] == f"bytes */{length}"
        assert answer.headers["Cache-Control"] == "no-store"
    else:
        first, before = row.expected
        start = first if first >= 0 else length + first
        end = before if before >= 0 else length
        assert answer.status_code == 206
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{length}"
        assert answer.data == picture.data[start:end]


@one_url
@table(
    "condition, status",
    [
        ("{etag}", 206),
        ("W/{etag}", 200),
        ('"a"', 200),
        (LONG_AGO, 200),
        (TOMORROW, 200),
        ("rubbish", 200),
    ],
)
def test_if_range_takes_a_strong_match_only(nobody, picture, which, condition, status):
    first = nobody.ask("HEAD", picture.at(which)).headers
    headers = {"Range": "bytes=0-9", **conditional({"If-Range": condition}, first)}
    answer = nobody.get(picture.at(which), headers=headers)
    assert answer.status_code == status
    assert answer.data == (picture.data[:10] if status == 206 else picture.data)


def test_a_download_is_collected_from_its_parts(nobody, picture):
    pieces = [
        nobody.get(picture.url, headers={"Range": f"bytes={at}-{at + 700_000 - 1}"}).data
        for at in range(0, len(picture.data), 700_000)
    ]
    assert b"".join(pieces) == picture.data


# Names

NAMES = (
    ("Zapato rojo (2).JPEG", "Zapato rojo (2).jpg"),
    ("👟👨\u200d👩\u200d👧.jpg", "👟👨\u200d👩\u200d👧.jpg"),
    ('say "cheese".jpg', 'say "cheese".jpg'),
    ("it's; a=b, 100%.jpg", "it's; a=b, 100%.jpg"),
    ("a\r\nSet-Cookie: stolen=1.jpg", "a Set-Cookie: stolen=1.jpg"),
    ("photo\u202egpj.exe", "photogpj.jpg"),
    ("../../etc/passwd", "passwd.jpg"),
    ("ñ" * 1000 + ".jpg", "ñ" * 196 + ".jpg"),
)
MORE_NAMES = (
    ("zapato.jpg", "zapato.jpg"),
    ("niño.jpg", "niño.jpg"),
    ("中文图片.jpg", "中文图片.jpg"),
    ("صورة.jpg", "صورة.jpg"),
    ("תמונה.jpg", "תמונה.jpg"),
    ("नमस्ते.jpg", "नमस्ते.jpg"),
    ("ภาพ.jpg", "ภาพ.jpg"),
    ("нога.jpg", "нога.jpg"),
    ("back\\slash.jpg", "slash.jpg"),
    ("n\0ul.jpg", "nul.jpg"),
    ("C:\\fotos\\zapato.png", "zapato.jpg"),
    ("archivo.tar.gz", "archivo.tar.jpg"),
    ("informe v1.2", "informe v1.2.jpg"),
    (".htaccess", "htaccess.jpg"),
    ("   ", "picture.jpg"),
    ("e\u0301.jpg", "é.jpg"),
)


def told_name(disposition: str) -> str:
    """The name a browser saves a file under: `filename*` where there is one."""
    assert disposition.isascii()
    assert disposition.isprintable()
    _, options = parse_options_header(disposition)
    return options["filename"]


@table("sent, shown", NAMES)
def test_a_name_comes_back_as_it_went_in(application, as_seller, sent, shown):
    comes_back(application, as_seller, sent, shown)


@pytest.mark.long
@table("sent, shown", MORE_NAMES)
def test_any_name_comes_back_as_it_went_in(application, as_seller, sent, shown):
    comes_back(application, as_seller, sent, shown)


def comes_back(application: Application, as_seller: Caller, sent: str, shown: str) -> None:
    nobody = application.caller("nobody")
    answer = as_seller.post(
        Shelf(as_seller).images,
        query_string={"name": sent},
        data=a_picture(),
        content_type="image/jpeg",
    )
    assert answer.status_code == 201
    assert answer.json["file"]["name"] == shown
    url = answer.json["url"]
    inline = nobody.get(url).headers["Content-Disposition"]
    download = nobody.get(f"{url}?download=1").headers["Content-Disposition"]
    assert inline.startswith("inline; ")
    assert download.startswith("attachment; ")
    assert told_name(inline) == told_name(download) == shown
    # The plain name for old clients keeps the extension, too.
    assert download.split('"')[1].endswith(".jpg")


@table("name", ["niño.jpg", "👟.jpg"])
def test_a_name_in_a_form_comes_back_as_well(as_seller, nobody, name):
    reply = Shelf(as_seller).add(Part(a_picture(), name=name)).json
    assert told_name(nobody.get(reply["url"]).headers["Content-Disposition"]) == name


@table("asked", ["0", "", "yes", "11"])
def test_only_download_1_is_a_download(nobody, small, asked):
    disposition = nobody.get(f"{small.url}?download={asked}").headers["Content-Disposition"]
    assert disposition.startswith("inline")


# What is not there


def test_what_is_no_address_of_a_picture_is_not_there(nobody, small):
    token, file_name = small.url.split("/")[-2:]
    media = f"/media/{small.id}"
    for path in (
        "/media",
        "/media/",
        f"/media/{new_id()}/original",
        f"/media/{new_id()}/{token}/{file_name}",
        f"/media/{small.id[:-1]}/original",
        f"/media/{small.id}x/original",
        f"/media/{small.id[:-1]}!/original",
        "/media/%2e%2e/original",
        "/media/../../etc/passwd/original",
        f"/media/{'A' * 3000}/original",
        f"{media}/",
        f"{media}/original.jpg",
        f"{media}/huge",
        f"{media}/ORIGINAL",
        f"{media}/{token}",
        f"{media}/{token}/",
        f"{media}/{'A' * 12}/{file_name}",
        f"{media}/{token[:-1]}/{file_name}",
        f"{media}/{token}0/{file_name}",
        f"{media}/{'g' * 12}/{file_name}",
        f"{media}/{token}/huge.jpg",
        f"{media}/{token}/original",
        f"{media}/{token}/original.jpg/",
        f"{media}/{token}/original.jpg/x",
        f"{media}/{token}/x%00.jpg",
    ):
        answer = nobody.get(path)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), path
        assert answer.headers["Cache-Control"] == "no-store"
        assert nobody.ask("HEAD", path).data == b""


def test_an_old_or_unknown_token_leads_to_the_current_address(nobody, small):
    answer = nobody.get(f"/media/{small.id}/{'0' * 12}/original.jpg")
    assert (answer.status_code, answer.headers["Location"]) == (308, small.url)
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@table("who", ["nobody_on_other_site", "admin_on_other_site"])
@both_urls
def test_a_picture_of_another_site_is_not_there(application, small, who, which):
    stranger = application.caller(who)
    path = small.at(which).removeprefix(f"https://{HOST}")
    assert stranger.get(path).status_code == 404
    old = f"/media/{small.id}/{'0' * 12}/original.jpg"
    assert stranger.get(old).status_code == 404


def test_each_site_has_its_own_addresses(on_other_site, nobody):
    data = a_picture()
    reply = Shelf(on_other_site).add(data).json
    assert reply["url"].startswith(f"https://{OTHER_HOST}/media/")
    assert on_other_site.get(reply["url"]).data == data
    assert nobody.get(reply["path"]).status_code == 404


@table("host", ["elsewhere.example", f"{HOST}.evil.example", f"{HOST}:8443", ""])
def test_an_unknown_host_gets_nothing(application, small, host):
    stranger = Caller(application, application.app, HOST)
    answer = stranger.get(small.url, headers={"Host": host})
    assert (answer.status_code, answer.json["code"]) == (400, "unknown_host")


@table("method", ["POST", "PUT", "PATCH", "DELETE"])
@both_urls
def test_a_picture_is_only_read_here(as_admin, small, method, which):
    answer = as_admin.ask(method, small.at(which))
    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")


def test_a_worker_may_believe_what_it_knows_only_so_long(application, as_seller):
    shelf = Shelf(as_seller, a_picture())
    url = shelf.now()["image_urls"][0]
    forgetful = Caller(application, application.app, HOST)
    believing = Caller(application, application.with_settings(cache_seconds=3600), HOST)
    assert [each.get(url).status_code for each in (forgetful, believing)] == [200, 200]
    shelf.remove(shelf.ids()[0])
    assert [each.get(url).status_code for each in (forgetful, believing)] == [404, 200]


def test_the_address_of_a_replacement_never_leads_back(application, as_seller):
    shelf = Shelf(as_seller, a_picture())
    before = shelf.now()["image_urls"][0]
    believing = Caller(application, application.with_settings(cache_seconds=3600), HOST)
    assert believing.get(before).status_code == 200
    data = a_picture()
    after = as_seller.upload(f"{shelf.images}/{shelf.ids()[0]}/file", data, method="PUT").json[
        "url"
    ]
    answer = believing.get(after)
    assert (answer.status_code, answer.data) == (200, data)
    assert believing.get(before).headers["Location"] == after


# Caches and cookies


@pytest.fixture
def with_session(application: Application) -> FlaskClient:
    """A browser that is signed in."""
    name = unique("browser")
    application.new_person(name)
    client = FlaskClient(application.app, use_cookies=True)
    answer = client.post(
        "/login",
        base_url=f"https://{HOST}",
        data={"email": f"{name}@{HOST}", "password": PASSWORD},
        headers={"Origin": f"https://{HOST}"},
    )
    assert answer.status_code == 303, answer.text
    assert client.get_cookie("avenue_session", domain=HOST) is not None
    return client


@both_urls
def test_public_pictures_know_no_cookies(with_session, small, which):
    for headers in (
        {},
        {"Range": "bytes=0-1"},
        {"If-None-Match": "*"},
        {"Range": "bytes=9999999-"},
    ):
        answer = with_session.get(small.at(which), headers=headers)
        assert answer.status_code in {200, 206, 304, 416}
        assert "Set-Cookie" not in answer.headers
        assert "Vary" not in answer.headers


@both_urls
def test_public_pictures_are_shown_whatever_token_comes_along(application, small, which):
    stranger = Caller(application, application.app, HOST, token="av_no-such-token")
    assert stranger.get(small.at(which)).data == small.data


# Private


@pytest.fixture(scope="module")
def private(application: Application, as_seller: Caller) -> Picture:
    """A picture of the seller that is not for everybody, in the bucket of general uploads."""
    data = a_picture()
    now = datetime.now(UTC).replace(microsecond=0)
    version = Version(
        file=new_id(),
        sha256=hashlib.sha256(data).hexdigest(),
        source_sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        media_type="image/jpeg",
        width=64,
        height=48,
        at=now,
        by=as_seller.id,
    )
    asset = Asset(
        id=new_id(),
        site=as_seller.site.id,
        bucket="uploads",
        owner=as_seller.id,
        name="comprobante.jpg",
        visibility=Visibility.PRIVATE,
        state=State.LIVE,
        claim=None,
        versions=(version,),
        revision=1,
        created_at=now,
    )
    store = AssetStore(application.database)
    store.write_file(asset, version, BytesIO(data))
    store.insert_unclaimed(asset, hours=1)
    return Picture(asset.id, f"https://{HOST}{original_path(asset)}", data)


MAY = ("seller", "admin")
MAY_NOT = ("nobody", "client", "editor", "ops", "other_seller")
ELSEWHERE = ("nobody_on_other_site", "seller_on_other_site", "admin_on_other_site")


@both_urls
@table("who", MAY)
def test_a_private_picture_is_for_its_owner_and_administrators(application, private, who, which):
    answer = application.caller(who).get(private.at(which))
    assert (answer.status_code, answer.data) == (200, private.data)
    assert answer.headers["Cache-Control"] == PRIVATE
    assert set(answer.headers["Vary"].split(", ")) == {"Cookie", "Authorization"}
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-site"


@both_urls
@table("who", MAY_NOT + ELSEWHERE)
def test_a_private_picture_does_not_exist_for_others(application, private, who, which):
    caller = application.caller(who)
    path = private.at(which).removeprefix(f"https://{HOST}")
    there, not_there = caller.get(path), caller.get(path.replace(private.id, new_id()))
    assert (there.status_code, not_there.status_code) == (404, 404)
    assert told(there) == told(not_there)
    assert there.headers["Cache-Control"] == "no-store"


def told(answer) -> tuple[dict, dict]:
    """A refusal without what is different in each answer."""
    headers = {name: value for name, value in answer.headers if name != "X-Request-ID"}
    return {**answer.json, "request_id": ""}, headers


@both_urls
def test_a_bad_token_does_not_tell_that_something_is_there(application, private, which):
    stranger = Caller(application, application.app, HOST, token="av_no-such-token")
    there = stranger.get(private.at(which))
    not_there = stranger.get(private.at(which).replace(private.id, new_id()))
    assert there.status_code == 404
    assert told(there) == told(not_there)


@table("who", [*MAY, "nobody"])
def test_a_private_picture_has_no_old_addresses(application, private, who):
    old = f"/media/{private.id}/{'0' * 12}/original.jpg"
    assert application.caller(who).get(old).status_code == 404


def test_a_private_picture_never_enters_a_cache(application, private, as_seller, nobody):
    believing = application.with_settings(cache_seconds=3600)
    owner = Caller(application, believing, HOST, token=as_seller.token, id=as_seller.id)
    stranger = Caller(application, believing, HOST)
    assert owner.get(private.url).status_code == 200
    assert stranger.get(private.url).status_code == 404


@table(
    "headers, status",
    [({"Range": "bytes=0-9"}, 206), ({"If-None-Match": "*"}, 304), ({"Range": "bytes=9999-"}, 416)],
)
def test_every_answer_of_a_private_picture_stays_out_of_caches(as_seller, private, headers, status):
    answer = as_seller.get(private.url, headers=headers)
    assert answer.status_code == status
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Authorization" in answer.headers["Vary"]


def test_a_session_reads_a_private_picture_of_ones_own(application, with_session, as_seller):
    me = with_session.get("/api/auth/me", base_url=f"https://{HOST}").json
    picture = stored(as_seller, a_picture())
    change = {"visibility": "private", "owner": me["id"]}
    application.raw["assets"].update_one({"_id": picture.id}, {"$set": change})
    assert with_session.get(picture.url).data == picture.data
    application.raw["assets"].update_one({"_id": picture.id}, {"$set": {"owner": "else"}})
    assert with_session.get(picture.url).status_code == 404


def test_a_token_not_made_for_reading_sees_no_private_picture(application, private, as_seller):
    writer = application.with_scopes(as_seller, "write")
    assert writer.get(private.at("stable")).status_code == 404
    assert as_seller.get(private.at("stable")).status_code == 200
