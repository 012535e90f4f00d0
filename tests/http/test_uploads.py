"""General uploads over HTTP: what comes in, who sees it, how it is listed and removed."""

import functools
import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from avenue.identity import Role, Scope
from avenue.media.serving.delivery import repr_digest
from avenue.media.store.swept import SweptStore
from avenue.uploads.store import UploadStore
from tests import pictures
from tests.http.application import (
    HOST,
    PASSWORD,
    Application,
    Caller,
    Part,
    a_picture,
    unique,
    zipped,
)
from tests.http.test_product_images import FILE_KEYS, IMAGE_KEYS, REPLY_KEYS
from tests.listening import recorded
from tests.table import table
from tests.threads import at_once

UPLOADS = "/api/uploads"
OF_PICTURES = {"width", "height", "variants"}
UPLOAD_KEYS = IMAGE_KEYS - OF_PICTURES | {"category", "reference", "owner", "expires_at", "hold"}


def upload(caller: Caller, data: bytes, **query: object) -> Any:
    """Store one file and return the answer's body."""
    answer = caller.post(UPLOADS, query_string=query, data=data)
    assert answer.status_code == 201, answer.text
    return answer.json


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


# What comes in


def test_a_picture_is_answered_as_everywhere_with_what_an_upload_has(as_client):
    data, reference = a_picture(), unique("ORD-")
    told = upload(as_client, data, name="foto.jpg", category="orders", reference=reference)
    assert set(told) == REPLY_KEYS
    assert set(told["file"]) == UPLOAD_KEYS | OF_PICTURES | FILE_KEYS | {"title"}
    file = told["file"]
    assert (file["category"], file["reference"]) == ("orders", reference)
    assert (file["owner"], file["visibility"], file["hold"]) == (as_client.id, "private", False)
    assert (file["expires_at"], file["width"], file["height"]) == (None, 64, 48)
    shown = as_client.get(f"{UPLOADS}/{told['id']}")
    assert (shown.status_code, set(shown.json)) == (200, UPLOAD_KEYS | OF_PICTURES)
    assert shown.json == {name: each for name, each in file.items() if name in shown.json}
    assert as_client.get(told["url"]).data == data


def test_what_is_no_picture_has_no_width_and_no_variants(as_client):
    told = upload(as_client, pictures.pdf(), name="factura.pdf")
    assert set(told["file"]) == UPLOAD_KEYS | FILE_KEYS | {"title"}
    assert (told["file"]["type"], told["file"]["category"]) == ("file", "general")
    assert set(as_client.get(f"{UPLOADS}/{told['id']}").json) == UPLOAD_KEYS
    assert as_client.get(told["url"]).data == pictures.pdf()
    for variant in ("thumb", "gallery", "w640"):
        assert as_client.get(f"/media/{told['id']}/{variant}").status_code == 404


@pytest.mark.long
def test_a_form_says_where_its_files_go(as_client):
    reference = unique("ORD-")
    fields = {"category": "orders", "reference": f"  {reference} "}
    parts = [Part(a_picture(), field="a"), Part(pictures.pdf(), name="b.pdf", field="b")]
    data = {**fields, **{each.field: (BytesIO(each.data), each.name) for each in parts}}
    answer = as_client.post(UPLOADS, data=data, content_type="multipart/form-data")
    assert answer.status_code == 201
    told = answer.json["files"]
    assert [each["name"] for each in told] == ["foto.jpg", "b.pdf"]
    assert {(each["category"], each["reference"]) for each in told} == {("orders", reference)}


def test_an_unknown_category_takes_nothing(application, as_client):
    before = application.counts()
    answer = as_client.post(UPLOADS, query_string={"category": "nope"}, data=a_picture())
    assert code(answer) == (400, "unknown_category")
    known = ["general", "orders", "deposit_proofs", "txid_proofs"]
    assert answer.json["categories"][:4] == known
    assert application.counts() == before


def test_a_category_takes_its_types_only(application, as_client):
    before = application.counts()
    answer = as_client.post(UPLOADS, query_string={"category": "orders"}, data=b"just text")
    assert code(answer) == (415, "unsupported_media_type")
    assert answer.json["detected"] == "text/plain"
    assert application.counts() == before


# Who sees it


@pytest.mark.long
def test_it_is_for_its_owner_and_administrators(application, as_client, as_admin, nobody):
    told = upload(as_client, a_picture())
    path = f"{UPLOADS}/{told['id']}"
    for caller in (as_client, as_admin):
        assert caller.get(path).status_code == 200
        assert caller.get(told["url"]).status_code == 200
    for who in ("other_client", "seller", "editor", "ops", "admin_on_other_site"):
        assert code(application.caller(who).get(path)) == (404, "upload_not_found")
        assert application.caller(who).get(f"/media/{told['id']}/original").status_code == 404
    assert code(nobody.get(path)) == (401, "unauthenticated")
    assert nobody.get(told["url"]).status_code == 404


# Categories


def categories(as_admin: Caller, **changes: Any) -> None:
    """Change categories of the site; everybody's other tests leave these alone."""
    answer = as_admin.patch("/api/site", json={"upload_categories": changes})
    assert answer.status_code == 200, answer.text


def test_a_category_says_how_large_and_how_many(application, as_admin, as_client):
    categories(as_admin, tight={"max_mb": 1, "max_files": 2})
    reference = unique("ORD-")
    query = {"category": "tight", "reference": reference, "name": "a.txt"}
    before = application.counts()
    answer = as_client.post(UPLOADS, query_string=query, data=b"x" * (1024 * 1024 + 1))
    assert code(answer) == (413, "file_too_large")
    assert answer.json["limit_bytes"] == 1024 * 1024
    assert application.counts() == before
    first = upload(as_client, b"one", **query)
    upload(as_client, b"two", **query)
    answer = as_client.post(UPLOADS, query_string=query, data=b"three")
    assert code(answer) == (409, "too_many_uploads")
    assert answer.json["limit"] == 2
    # What is there already needs no room, other references and other people have their own.
    again = as_client.post(UPLOADS, query_string=query, data=b"one")
    assert (again.status_code, again.json["id"]) == (200, first["id"])
    upload(as_client, b"three", **{**query, "reference": unique("ORD-")})
    upload(application.caller("other_client"), b"three", **query)
    # What is in the trash does not count, and finds no room when it comes back.
    assert as_client.delete(f"{UPLOADS}/{first['id']}").status_code == 204
    upload(as_client, b"three", **query)
    restored = as_client.post(f"{UPLOADS}/{first['id']}/restore")
    assert code(restored) == (409, "too_many_uploads")


def test_what_has_no_limit_is_not_counted(application, as_client):
    with recorded(application.raw.name) as sent:
        upload(as_client, b"without a reference", name="a.txt")
        upload(as_client, b"without a limit", name="a.txt", reference=unique("ORD-"))
    assert [each for each in sent if each.get("aggregate") == "assets"] == []


@pytest.mark.long
def test_of_many_files_those_that_fit_are_taken(as_admin, as_client):
    categories(as_admin, tight={"max_mb": 1, "max_files": 2})
    query = {"category": "tight", "reference": unique("ORD-")}
    parts = [Part(text, name="a.txt", media_type="text/plain") for text in (b"a", b"b", b"c")]
    answer = as_client.upload(UPLOADS, *parts, query_string=query)
    assert (answer.status_code, len(answer.json["files"])) == (201, 2)
    assert [each["code"] for each in answer.json["errors"]] == ["too_many_uploads"]


def test_as_many_as_fit_whoever_comes_at_once(application, as_admin, as_client):
    categories(as_admin, tight={"max_mb": 1, "max_files": 2})
    query = {"category": "tight", "reference": unique("ORD-"), "name": "a.txt"}

    def send(number: int) -> int:
        data = f"file {number}".encode()
        return int(as_client.post(UPLOADS, query_string=query, data=data).status_code)

    assert sorted(at_once(5, send)) == [201, 201, 409, 409, 409]
    there = {"reference": query["reference"]}
    assert application.raw["assets"].count_documents(there) == 2


@pytest.mark.long
def test_the_same_file_for_the_same_record_at_once_is_one(application, as_client):
    query = {"reference": unique("ORD-"), "name": "a.txt"}
    answers = at_once(
        4, lambda _: as_client.post(UPLOADS, query_string=query, data=b"the very same")
    )
    assert {each.status_code for each in answers} <= {200, 201}
    assert len({each.json["id"] for each in answers}) == 1
    there = {"reference": query["reference"]}
    assert application.raw["assets"].count_documents(there) == 1


@pytest.mark.long
def test_without_a_reference_the_same_file_is_another_upload(as_client):
    first, second = (upload(as_client, b"the very same", name="a.txt") for _ in range(2))
    assert first["id"] != second["id"]


def test_a_request_sent_again_with_its_key_is_one_upload(as_client):
    data, key = a_picture(), {"Idempotency-Key": unique("key-")}
    first, second = (as_client.post(UPLOADS, data=data, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.json["files"] == first.json["files"]


def test_visibility_and_retention_are_those_of_the_day_of_the_upload(as_admin, as_client, nobody):
    categories(as_admin, fading={"visibility": "public", "retention_days": 30})
    told = upload(as_client, a_picture(), category="fading")["file"]
    kept = datetime.fromisoformat(told["expires_at"]) - datetime.fromisoformat(told["created_at"])
    assert abs(kept - timedelta(days=30)) < timedelta(hours=1)
    assert nobody.get(told["url"]).status_code == 200
    categories(as_admin, fading={"visibility": "private", "retention_days": None})
    assert as_client.get(f"{UPLOADS}/{told['id']}").json["expires_at"] == told["expires_at"]
    assert nobody.get(told["url"]).status_code == 200
    later = upload(as_client, a_picture(), category="fading")["file"]
    assert (later["visibility"], later["expires_at"]) == ("private", None)
    assert nobody.get(later["url"]).status_code == 404


def test_the_sweeper_leaves_what_has_a_day_to_go_on(application, as_admin, as_client):
    categories(as_admin, fading={"visibility": "private", "retention_days": 30})
    told = upload(as_client, b"kept", name="a.txt", category="fading")
    past = datetime(2001, 1, 1, tzinfo=UTC)
    application.raw["assets"].update_one({"_id": told["id"]}, {"$set": {"expires_at": past}})
    # Of this one only: what other tests let expire is swept, as it should be.
    assert SweptStore(application.database).condemn_one(told["id"]) is None
    assert as_client.get(told["url"]).data == b"kept"


@table("reference", ["x" * 201, "a\nb", "a\u202eb"])
def test_a_reference_must_be_one(application, as_client, reference):
    before = application.counts()
    query = {"reference": reference}
    assert code(as_client.post(UPLOADS, query_string=query, data=b"x")) == (400, "bad_reference")
    parts = {"reference": reference, "file": (BytesIO(b"x"), "a.txt")}
    answer = as_client.post(UPLOADS, data=parts, content_type="multipart/form-data")
    assert code(answer) == (400, "bad_reference")
    assert application.counts() == before


# Whatever it is

RUNS = "<script>parent.document.title = 'taken'</script>"
HOSTILE = {
    "page.html": f"<!doctype html>{RUNS}".encode(),
    "no doctype.html": RUNS.encode(),
    "drawing.svg": f'<svg xmlns="http://www.w3.org/2000/svg">{RUNS}</svg>'.encode(),
    "page.xhtml": f'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">{RUNS}</html>'.encode(),
    "script.js": b"document.title = 'taken'",
    "comment first.html": f"<!-- {'x' * 5000} -->{RUNS}".encode(),
    "words first.html": f"Hello {RUNS}".encode(),
}


@table("name, visibility", [*((each, "public") for each in HOSTILE), ("page.html", "private")])
def test_what_could_run_is_text(as_admin, as_client, name, visibility):
    categories(as_admin, hostile={"visibility": visibility})
    told = upload(as_client, HOSTILE[name], name=name, category="hostile")
    for url in (told["url"], f"/media/{told['id']}/original"):
        answer = as_client.get(url)
        assert answer.data == HOSTILE[name]
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        if told["file"]["mime"] != "text/plain":
            assert answer.headers["Content-Disposition"].startswith("attachment;")


def test_what_could_run_is_text_where_a_worker_knows_the_answer_by_heart(
    application, as_admin, as_client
):
    categories(as_admin, hostile={"visibility": "public"})
    url = upload(as_client, HOSTILE["page.html"], name="page.html", category="hostile")["url"]
    ordinary = as_client.get(url)
    worker = Caller(application, application.with_settings(cache_seconds=3600), HOST)
    known = worker.get(url, headers={"If-None-Match": ordinary.headers["ETag"]})
    assert known.status_code == 304
    for _again in range(2):
        answer = worker.get(url)
        assert answer.data == ordinary.data
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        for name in ("Content-Disposition", "Content-Security-Policy"):
            assert answer.headers[name] == ordinary.headers[name]


@pytest.mark.parametrize("form", ["original", pytest.param("thumb", marks=pytest.mark.long)])
def test_no_worker_knows_by_heart_what_only_some_may_see(application, as_client, form):
    picture = upload(as_client, a_picture())["file"]
    url = picture["url"] if form == "original" else picture["variants"][form]["url"]
    app = application.with_settings(cache_seconds=3600)
    owner, nobody = replace(as_client, app=app), Caller(application, app, HOST)
    tag = owner.get(url).headers["ETag"]
    assert owner.get(url, headers={"If-None-Match": tag}).status_code == 304
    for headers in ({}, {"If-None-Match": tag}):
        assert nobody.get(url, headers=headers).status_code == 404


@pytest.mark.long
def test_what_nobody_knows_is_a_download(as_client):
    told = upload(as_client, b"\0\1\2\3", name="datos.dat")
    answer = as_client.get(told["url"])
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="datos.dat"'
    assert told["url"].endswith("/original.bin")


@pytest.mark.long
def test_a_broken_picture_is_refused_and_leaves_nothing(application, as_client):
    before = application.counts()
    answer = as_client.post(UPLOADS, data=pictures.truncated(a_picture()))
    assert code(answer) == (422, "broken_image")
    assert application.counts() == before


@pytest.mark.long
def test_a_picture_gets_its_sizes_when_they_are_asked_for(application, as_client):
    told = upload(as_client, a_picture())
    made = {"asset": told["id"]}
    assert application.raw["renditions"].count_documents(made) == 0
    answer = as_client.get(told["file"]["variants"]["thumb"]["url"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert application.raw["renditions"].count_documents(made) == 1


@pytest.mark.long
def test_the_bytes_are_in_their_own_bucket_in_chunks_of_gridfs(application, as_client):
    data = random.Random(7).randbytes(2 * 1024 * 1024 + 5)
    told = upload(as_client, data, name="a.bin")
    file = application.raw["uploads.files"].find_one({"metadata.asset": told["id"]})
    assert (file["length"], file["chunkSize"]) == (len(data), 1024 * 1024)
    sizes = [
        len(each["data"])
        for each in application.raw["uploads.chunks"].find({"files_id": file["_id"]}).sort("n", 1)
    ]
    assert sizes == [1024 * 1024, 1024 * 1024, 5]
    part = as_client.get(told["url"], headers={"Range": "bytes=1048570-1048580"})
    assert (part.status_code, part.data) == (206, data[1048570:1048581])


CHUNK = 1024 * 1024
NEAR_EDGES = st.builds(
    lambda edge, off: max(0, edge + off),
    st.sampled_from([0, CHUNK, 2 * CHUNK, 3 * CHUNK]),
    st.integers(-6, 6),
)
RANGES = st.one_of(
    st.tuples(NEAR_EDGES, NEAR_EDGES)
    .map(sorted)
    .map(lambda ends: (f"{ends[0]}-{ends[1]}", slice(ends[0], ends[1] + 1))),
    NEAR_EDGES.map(lambda start: (f"{start}-", slice(start, None))),
    NEAR_EDGES.map(lambda count: (f"-{count}", slice(-count if count else 4 * CHUNK, None))),
)
"""As it is written in `Range`, and the slice it stands for."""


@dataclass(frozen=True, slots=True)
class OfChunks:
    """A file that ends near the end of a chunk, and a signed link to it."""

    link: str
    data: bytes = field(repr=False)


@pytest.fixture(
    scope="module",
    params=[
        2 * CHUNK + 5,
        *(pytest.param(each, marks=pytest.mark.long) for each in (2 * CHUNK - 1, 2 * CHUNK)),
    ],
)
def of_chunks(request: pytest.FixtureRequest, as_client: Caller) -> OfChunks:
    data = random.Random(8).randbytes(request.param)
    told = upload(as_client, data, name="a.bin", reference=unique("ORD-"))
    signed = as_client.post(f"{UPLOADS}/{told['id']}/sign", json={}).json
    return OfChunks(signed["url"].removeprefix(f"https://{HOST}"), data)


@settings(max_examples=40)
@given(asked=RANGES)
def test_a_range_at_the_edge_of_chunks_is_the_slice(nobody, of_chunks, asked):
    (written, part), data = asked, of_chunks.data
    answer = nobody.get(of_chunks.link, headers={"Range": f"bytes={written}"})
    first, end, _ = part.indices(len(data))
    if first >= end:
        assert answer.status_code == 416
        return
    told = f"bytes {first}-{end - 1}/{len(data)}"
    assert (answer.status_code, answer.headers["Content-Range"]) == (206, told)
    assert answer.data == data[part]
    assert answer.headers["Repr-Digest"] == repr_digest(hashlib.sha256(data).hexdigest())


# Who reads: role, visibility, variant, method


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody, and which uploads of a client they may read."""

    who: str
    reads: frozenset[str]


EVERY = frozenset({"private", "for sellers", "public"})
READERS = [
    Reader("owner", EVERY),
    Reader("admin", EVERY),
    Reader("superuser", EVERY),
    Reader("seller", frozenset({"for sellers", "public"})),
    *(
        Reader(who, frozenset({"public"}))
        for who in (
            "nobody",
            "a bad token",
            "other_client",
            "editor",
            "ops",
            "owner without read",
            "seller without read",
        )
    ),
]
"""Who may read the bytes; on another site there is nothing, not even what is public."""

ADDRESSES = ("original", "old token", "stable", "stable thumb", "thumb", "w320", "og as jpg")
METHODS = ("GET", "HEAD", "range", "condition", "download")


@dataclass(frozen=True, slots=True)
class Shown:
    """An upload of the owner, by visibility, with the addresses it has."""

    id: str
    data: bytes
    etag: str
    urls: dict[str, str]


@pytest.fixture(scope="module")
def owner(application: Application) -> Caller:
    return application.new_person(unique("duena"), role=Role.CLIENT)


@pytest.fixture(scope="module")
def shelf(application: Application, as_admin: Caller, owner: Caller) -> dict[str, Shown]:
    """A picture in each kind of category."""
    categories(
        as_admin,
        **{"for-sellers": {"readers": ["seller"]}, "open": {"visibility": "public"}},
    )
    names = {"private": "general", "for sellers": "for-sellers", "public": "open"}
    return {kind: shown_in(owner, category) for kind, category in names.items()}


def shown_in(owner: Caller, category: str) -> Shown:
    data = a_picture()
    file = upload(owner, data, category=category)["file"]
    stable = f"/media/{file['id']}"
    jpg = file["variants"]["og"]["url"].removesuffix("webp") + "jpg"
    return Shown(
        id=file["id"],
        data=data,
        etag=owner.get(file["url"]).headers["ETag"],
        urls={
            "original": file["url"],
            "old token": f"{stable}/{'0' * 12}/original.jpg",
            "stable": f"{stable}/original",
            "stable thumb": f"{stable}/thumb",
            "thumb": file["variants"]["thumb"]["url"],
            "w320": file["srcset"].split()[0],
            "og as jpg": jpg,
        },
    )


@pytest.fixture(scope="module")
def people(application: Application, owner: Caller) -> dict[str, Caller]:
    nobody, seller = application.caller("nobody"), application.caller("seller")
    email = f"{unique('super')}@shop.example"
    root = application.accounts.add_user(email, PASSWORD, roles={}, superuser=True).user
    made = application.accounts.add_token(
        email, "default", name="t", scopes=frozenset(Scope), days=1
    )
    some = {name: application.caller(name) for name in ("admin", "other_client", "editor", "ops")}
    return {
        **some,
        "nobody": nobody,
        "owner": owner,
        "seller": seller,
        "superuser": replace(nobody, token=made.secret, id=root.id),
        "a bad token": replace(nobody, token="av_nothing"),
        "owner without read": application.with_scopes(owner, Scope.WRITE),
        "seller without read": application.with_scopes(seller, Scope.WRITE),
    }


def asked(caller: Caller, url: str, how: str, shown: Shown) -> Any:
    headers = {"range": {"Range": "bytes=3-9"}, "condition": {"If-None-Match": shown.etag}}
    query = {"download": "1"} if how == "download" else {}
    method = "HEAD" if how == "HEAD" else "GET"
    return caller.ask(method, url, headers=headers.get(how, {}), query_string=query)


def expected_status(kind: str, address: str, how: str) -> set[int]:
    """What somebody who may read gets."""
    if address == "old token":
        return {308} if kind == "public" else {404}
    if address == "stable thumb":
        return {302}
    known = {304, 200} if address not in {"original", "stable"} else {304}
    return {"range": {206}, "condition": known}.get(how, {200})


@pytest.fixture(scope="module")
def nothing_there(shelf, people) -> Callable[[str, str], Any]:
    """What somebody is told of a picture that never was."""

    @functools.cache
    def answer(who: str, how: str) -> Any:
        any_shown = next(iter(shelf.values()))
        return asked(people[who], f"/media/{'x' * 22}/original", how, any_shown)

    return answer


WAYS_TO_ASK = [(address, how) for address in ADDRESSES for how in METHODS]
SOME_WAYS = [each for each in WAYS_TO_ASK if "GET" in each or "original" in each]
SOME_READERS = [
    each
    for each in READERS
    if each.who in {"owner", "admin", "seller", "nobody", "other_client", "seller without read"}
]
"""One of each kind, who ask for every address; `make test-long` asks for all and in every way."""


@table("address, how", SOME_WAYS)
@table("kind", sorted(EVERY))
def test_who_reads_what(shelf, people, nothing_there, kind, address, how):
    each_reads(SOME_READERS, shelf, people, nothing_there, kind, address, how)


@pytest.mark.long
@table("address, how", WAYS_TO_ASK)
@table("kind", sorted(EVERY))
def test_who_reads_what_in_every_way(shelf, people, nothing_there, kind, address, how):
    each_reads(READERS, shelf, people, nothing_there, kind, address, how)


def each_reads(
    readers: list[Reader],
    shelf: dict[str, Shown],
    people: dict[str, Caller],
    nothing_there: Callable[[str, str], Any],
    kind: str,
    address: str,
    how: str,
) -> None:
    shown = shelf[kind]
    for reader in readers:
        answer = asked(people[reader.who], shown.urls[address], how, shown)
        if kind in reader.reads:
            assert answer.status_code in expected_status(kind, address, how), reader
            if kind != "public":
                assert answer.headers["Cache-Control"] in {"private, no-store", "no-store"}, reader
            if address == "original" and how == "GET":
                assert answer.data == shown.data
        else:
            assert_is_like(answer, nothing_there(reader.who, how), reader)


def assert_is_like(answer: Any, nothing: Any, reader: Reader) -> None:
    """Neither status nor headers nor body say that something is there."""
    assert answer.status_code == 404, reader
    names = ("X-Request-ID", "Content-Length", "Date")
    left, right = (
        sorted((name, value) for name, value in each.headers if name not in names)
        for each in (answer, nothing)
    )
    assert left == right, reader
    if answer.is_json and answer.data:
        told = [{**each.json, "request_id": ""} for each in (answer, nothing)]
        assert told[0] == told[1], reader


@table("kind", sorted(EVERY))
def test_on_another_site_there_is_nothing(application, shelf, kind):
    for who in ("admin_on_other_site", "client_on_other_site", "nobody_on_other_site"):
        caller = application.caller(who)
        for url in shelf[kind].urls.values():
            path = url.removeprefix(f"https://{HOST}")
            assert caller.get(path).status_code == 404
        answer = caller.get(f"{UPLOADS}/{shelf[kind].id}")
        assert answer.status_code == (401 if caller.token is None else 404)


SEES_RECORD = {"owner": EVERY, "admin": EVERY, "superuser": EVERY, "seller": {"for sellers"}}
CHANGES_IT = {"owner", "admin", "superuser"}


@pytest.mark.parametrize(
    "kind",
    [
        "for sellers",
        *(pytest.param(each, marks=pytest.mark.long) for each in ("private", "public")),
    ],
)
def test_who_sees_the_record_and_who_changes_it(application, shelf, people, kind):
    url = f"{UPLOADS}/{shelf[kind].id}"
    before = application.raw["assets"].find_one({"_id": shelf[kind].id})
    for who in ("owner", "admin", "superuser", "seller", "other_client", "editor", "ops"):
        caller = people[who]
        seen = kind in SEES_RECORD.get(who, set())
        assert caller.get(url).status_code == (200 if seen else 404), who
        items = caller.get(UPLOADS, query_string={"owner": people["owner"].id}).json["items"]
        assert (shelf[kind].id in {each["id"] for each in items}) == seen, who
        if who not in CHANGES_IT:
            assert code(caller.patch(url, json={"name": "mine"})) == (404, "upload_not_found")
            assert code(caller.delete(url)) == (404, "upload_not_found")
            assert code(caller.post(f"{url}/restore")) == (404, "upload_not_found")
    for who in ("nobody", "a bad token"):
        for method in ("GET", "PATCH", "DELETE"):
            assert people[who].ask(method, url, json={}).status_code == 401, (who, method)
    assert application.raw["assets"].find_one({"_id": shelf[kind].id}) == before
    for who in CHANGES_IT:
        assert people[who].patch(url, json={"name": f"of {who}.jpg"}).status_code == 200
        assert people[who].delete(url).status_code == 204
        assert people[who].get(url).status_code == 404
        assert people["owner"].get(shelf[kind].urls["original"]).status_code == 404
        assert people[who].post(f"{url}/restore").json["name"] == f"of {who}.jpg"


def test_readers_are_those_the_category_names_now(application, as_admin, as_editor, as_client):
    categories(as_admin, changing={"readers": ["editor"]})
    told = upload(as_client, a_picture(), category="changing")
    assert as_editor.get(told["url"]).status_code == 200
    categories(as_admin, changing={"readers": ["ops"]})
    assert as_editor.get(told["url"]).status_code == 404
    assert application.caller("ops").get(told["url"]).status_code == 200
    categories(as_admin, changing=None)
    assert application.caller("ops").get(told["url"]).status_code == 404
    assert as_client.get(told["url"]).status_code == 200
    assert as_client.patch(f"{UPLOADS}/{told['id']}", json={"reference": "A"}).status_code == 200


def test_roles_do_not_read_files_that_are_no_uploads(application, as_admin, as_seller):
    """A ZIP of pictures that waits to be applied lies in the same bucket."""
    categories(as_admin, general={"readers": ["editor"]})
    archive = {"data": zipped({"x.jpg": a_picture()}), "content_type": "application/zip"}
    begun = as_seller.post("/api/shop/pictures/import", **archive).json
    asset = application.raw["shop_picture_imports"].find_one({"_id": begun["id"]})["archive"]
    assert as_seller.get(f"/media/{asset}/original").status_code == 200
    assert application.caller("editor").get(f"/media/{asset}/original").status_code == 404
    assert as_seller.get(f"{UPLOADS}/{asset}").status_code == 404
    categories(as_admin, general=None)


# Changing and removing


def test_what_is_given_changes(as_client):
    told = upload(as_client, a_picture(), name="foto.jpg")
    url, reference = f"{UPLOADS}/{told['id']}", unique("ORD-")
    changes = {
        "name": "comprobante.exe",
        "reference": f" {reference} ",
        "alt": {"es": "Recibo"},
        "decorative": True,
        "focal": [0.25, 0.5],
    }
    changed = as_client.patch(url, json=changes).json
    assert changed == as_client.get(url).json
    assert (changed["name"], changed["reference"]) == ("comprobante.jpg", reference)
    assert (changed["alt"], changed["focal"]) == ({"es": "Recibo"}, [0.25, 0.5])
    assert changed["url"] == told["url"]
    assert changed["variants"]["og"]["url"] != told["file"]["variants"]["og"]["url"]
    found = as_client.get(UPLOADS, query_string={"search": "COMPROB"}).json
    assert [each["id"] for each in found["items"]] == [told["id"]]
    assert as_client.patch(url, json={"reference": None}).json["reference"] is None


UNCHANGEABLE = [
    {"category": "orders"},
    {"visibility": "secret"},
    {"owner": "x"},
    {"expires_at": None},
    {"name": ""},
    {"name": "x" * 201},
    {"reference": "x" * 201},
    {"reference": "a\tb"},
    {"focal": [2, 0]},
    {"hold": "yes"},
]


def test_what_cannot_be_changed_is_refused(as_client):
    told = upload(as_client, b"a text", name="a.txt")
    url = f"{UPLOADS}/{told['id']}"
    before = as_client.get(url).json
    for change in UNCHANGEABLE:
        assert code(as_client.patch(url, json=change)) == (400, "invalid_body"), change
        assert as_client.get(url).json == before


def test_it_is_found_by_what_two_have_changed_at_once(application, as_client, monkeypatch):
    """Both had read it as it was before."""
    words = {"name": unique("nombre"), "reference": unique("PEDIDO")}
    told = upload(as_client, b"x", name="a.txt")
    change = UploadStore.change

    def late(self: UploadStore, *what: Any) -> Any:
        monkeypatch.setattr(UploadStore, "change", change)
        as_client.patch(f"{UPLOADS}/{told['id']}", json={"reference": words["reference"]})
        return change(self, *what)

    monkeypatch.setattr(UploadStore, "change", late)
    as_client.patch(f"{UPLOADS}/{told['id']}", json={"name": words["name"]})
    for word in words.values():
        assert ids(as_client.get(UPLOADS, query_string={"search": word})) == [told["id"]]


@pytest.mark.long
def test_to_another_record_only_if_that_has_room(as_admin, as_client):
    categories(as_admin, tight={"max_mb": 1, "max_files": 2})
    one, other = unique("ORD-"), unique("ORD-")
    for text in (b"a", b"b"):
        upload(as_client, text, name="a.txt", category="tight", reference=one)
    told = upload(as_client, b"c", name="a.txt", category="tight", reference=other)
    url = f"{UPLOADS}/{told['id']}"
    assert code(as_client.patch(url, json={"reference": one})) == (409, "too_many_uploads")
    assert as_client.patch(url, json={"reference": other}).status_code == 200
    assert as_client.patch(url, json={"reference": unique("ORD-")}).status_code == 200


def test_a_hold_is_for_administrators_and_keeps_it_from_the_trash(as_admin, as_client):
    told = upload(as_client, b"evidence", name="a.txt")
    url = f"{UPLOADS}/{told['id']}"
    assert code(as_client.patch(url, json={"hold": True})) == (403, "forbidden")
    assert as_admin.patch(url, json={"hold": True}).json["hold"] is True
    for caller in (as_client, as_admin):
        assert code(caller.delete(url)) == (409, "upload_held")
    assert as_client.get(told["url"]).data == b"evidence"
    assert as_admin.patch(url, json={"hold": False}).json["hold"] is False
    assert as_client.delete(url).status_code == 204


def test_the_trash_gives_back_what_was_put_there(as_client):
    told = upload(as_client, a_picture())
    url = f"{UPLOADS}/{told['id']}"
    before = as_client.get(url).json
    assert as_client.delete(url).status_code == 204
    for gone in (url, told["url"], told["file"]["variants"]["thumb"]["url"]):
        assert as_client.get(gone).status_code == 404
    assert code(as_client.delete(url)) == (404, "upload_not_found")
    assert as_client.post(f"{url}/restore").json == before
    assert as_client.post(f"{url}/restore").json == before  # the same request again
    assert as_client.get(told["url"]).status_code == 200


@pytest.mark.parametrize(
    "upload_id",
    [
        "..%2f..%2fetc",
        *(pytest.param(each, marks=pytest.mark.long) for each in ("x" * 22, "short", "ñ" * 22)),
    ],
)
def test_what_is_no_upload_is_not_there(as_client, as_seller, upload_id):
    for method, rest in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/restore")):
        answer = as_client.ask(method, f"{UPLOADS}/{upload_id}{rest}", json={})
        assert answer.status_code == 404
    picture = as_seller.a_product(a_picture())["images"][0]["id"]
    assert code(as_seller.get(f"{UPLOADS}/{picture}")) == (404, "upload_not_found")
    assert code(as_seller.delete(f"{UPLOADS}/{picture}")) == (404, "upload_not_found")


def test_every_change_is_in_the_log(as_admin, as_client):
    told = upload(as_client, b"a text", name="a.txt", reference=unique("ORD-"))
    url = f"{UPLOADS}/{told['id']}"
    as_client.patch(url, json={"name": "b.txt"})
    as_client.delete(url)
    as_client.post(f"{url}/restore")
    entries = as_admin.get("/api/audit", query_string={"object": told["id"]}).json["items"]
    actions = ["upload.restored", "upload.removed", "upload.changed", "upload.added"]
    assert [each["action"] for each in entries] == actions
    assert entries[-1]["details"] == {"assets": [told["id"]]}
    assert entries[1]["object"] == {"kind": "upload", "id": told["id"]}
    page = as_admin.get("/admin/audit", query_string={"object": told["id"]})
    assert "1 archivo" in page.text


# Lists


@pytest.fixture(scope="module")
def hoard(application: Application) -> tuple[Caller, list[str]]:
    """Somebody with seven uploads, the newest first."""
    caller = application.new_person(unique("acopio"), role=Role.CLIENT)
    made = [
        upload(
            caller,
            f"number {number}".encode(),
            name=f"recibo {number} señal.txt",
            reference=f"LOTE-{number % 2}",
        )["id"]
        for number in range(7)
    ]
    return caller, made[::-1]


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json["items"]]


def test_a_list_is_read_page_by_page_while_others_come_and_go(hoard):
    caller, wanted = hoard
    found, after = [], None
    for _ in range(4):
        page = caller.get(UPLOADS, query_string={"limit": 2, **({"after": after} if after else {})})
        assert page.json["total"] >= 7
        found += ids(page)
        after = page.json["next"]
        extra = upload(caller, unique("x").encode(), name="x.txt")["id"]
        caller.delete(f"{UPLOADS}/{extra}")
    assert found == wanted
    assert after is None


@table(
    "query, numbers",
    [
        ({}, [6, 5, 4, 3, 2, 1, 0]),
        ({"reference": "LOTE-1"}, [5, 3, 1]),
        ({"reference": " LOTE-1 "}, [5, 3, 1]),
        ({"reference": "lote-1"}, []),
        ({"category": "general", "reference": "LOTE-0"}, [6, 4, 2, 0]),
        ({"category": "orders"}, []),
        ({"category": "nope"}, []),
        ({"owner": "me", "search": "recibo 3"}, [3]),
        ({"search": "SENAL lote"}, [6, 5, 4, 3, 2, 1, 0]),
        ({"search": "cibo"}, []),
        ({"search": "***"}, []),
        ({"search": "\0"}, []),
        ({"search": "", "category": "", "reference": "", "owner": ""}, [6, 5, 4, 3, 2, 1, 0]),
        ({"owner": "x" * 22}, []),
    ],
)
def test_a_list_is_narrowed(hoard, query, numbers):
    caller, newest_first = hoard
    answer = caller.get(UPLOADS, query_string=query)
    assert ids(answer) == [newest_first[6 - number] for number in numbers]
    assert (answer.json["total"], answer.json["next"]) == (len(numbers), None)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"limit": 0}, "invalid_query"),
        ({"limit": 101}, "invalid_query"),
        ({"after": "x"}, "bad_cursor"),
        ({"after": "W10"}, "bad_cursor"),
        ({"after": "WzEsMl0"}, "bad_cursor"),
        ({"after": "bnVsbA"}, "bad_cursor"),
        ({"after": "ñ"}, "invalid_query"),
    ],
)
def test_a_list_that_cannot_be_is_refused(as_client, query, problem):
    assert code(as_client.get(UPLOADS, query_string=query)) == (400, problem)


def test_what_was_brought_in_before_there_were_categories_is_general(application, as_admin):
    caller = application.new_person(unique("antes"), role=Role.CLIENT)
    told = upload(caller, b"old", name="a.txt")
    gone = dict.fromkeys(("category", "reference", "hold", "words"), "")
    application.raw["assets"].update_one({"_id": told["id"]}, {"$unset": gone})
    shown = caller.get(f"{UPLOADS}/{told['id']}").json
    assert (shown["category"], shown["reference"], shown["hold"]) == ("general", None, False)
    assert ids(caller.get(UPLOADS, query_string={"category": "general"})) == [told["id"]]
    assert ids(caller.get(UPLOADS, query_string={"category": "orders"})) == []
