"""The table of `conformance.py` against real servers, along every way an answer can take.

Of each row the requests go over one connection to each server, so that an answer which is longer
or shorter than it says would break the next one.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest

from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, new_id
from avenue.media.models import Asset, State, Version, Visibility
from avenue.media.store.assets import AssetStore
from avenue.media.urls import original_path
from avenue.storage.connection import Database
from tests import pictures
from tests.http import conformance
from tests.http.application import HOST, large_picture
from tests.http.conformance import (
    CACHE_CONTROL,
    CACHING,
    CHOSEN,
    EMPTY,
    FILES,
    LARGE,
    MEDIA_TYPE,
    METHODS,
    MISSING,
    MOVED,
    ORIGINAL,
    PRIVATE,
    RANGES,
    REPRESENTATION,
    ROWS,
    STABLE,
    STATUS,
    SYNTAX,
    THUMB,
    Answer,
    Row,
)
from tests.http.test_fast_lane import lane_answers
from tests.http.ways import (
    COLD,
    FIRST,
    HOT,
    LANE,
    READING,
    STOCK,
    WARM,
    WAYS,
    Line,
    Wire,
    ask,
    servers,
)
from tests.mongod import Guard, Mongod
from tests.server import Client, Server, path_of, prepare
from tests.table import table
from tests.waiting import wait_until

CHUNK_BYTES = 1024 * 1024
FLASK_ALONE = (COLD, LANE, STOCK)
"""The ways of what is never at hand: no shorter one gives it."""

OF_ONE_REQUEST = frozenset({"date", "x-request-id", "connection"})
OF_THE_WHOLE = frozenset({"content-length", "content-range"})
KEPT_IN_A_304 = ("etag", "cache-control", "vary", "expires", "content-location")
STRONG_TAG = re.compile(r'"[!#-~]+"')
IMF_FIXDATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
)


STORED = (ORIGINAL, STABLE, LARGE, EMPTY, PRIVATE)


@cache
def data_of(name: str) -> bytes:
    """What is stored. The name and the type that come along with the pictures are wrong."""
    if name == LARGE:
        return large_picture(seed=32)
    return {EMPTY: b"", PRIVATE: b"secret " * 100}.get(name, pictures.photo(200, 150, seed=31))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Something to ask for, and what a plain GET of it answered the longest way."""

    path: str
    fields: tuple[str, ...] = ()
    usual: Wire
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The servers, by way, and what they have."""

    ways: Mapping[str, Server]
    resources: Mapping[str, Resource]
    seller: Client
    uri: str


def request_for(
    path: str, *fields: str, method: str = "GET", line: str = "", host: str = "Host: {host}"
) -> bytes:
    """One request as bytes."""
    start = line or f"{method} {path} HTTP/1.1"
    head = "\r\n".join([start, host.format(host=HOST), *fields])
    return f"{head}\r\n\r\n".encode("latin-1")


@pytest.fixture(scope="module")
def deployment(shared_uri: str, guard: Guard) -> Iterator[Deployment]:
    """Every way."""
    with opened(guard, shared_uri, *WAYS) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def small_deployment(shared_uri: str, guard: Guard) -> Iterator[Deployment]:
    """The longest way and the shortest one."""
    with opened(guard, shared_uri, COLD, LANE) as deployment:
        yield deployment


@contextmanager
def opened(guard: Guard, uri: str, *names: str) -> Iterator[Deployment]:
    prepare(uri)
    with servers(guard, uri, *names) as ways:
        seller = ways[COLD].seller()
        paths = pictures_of(seller) | {
            EMPTY: stored(uri, data_of(EMPTY), Visibility.PUBLIC, ""),
            PRIVATE: stored(uri, data_of(PRIVATE), Visibility.PRIVATE, own_id(seller)),
        }
        known = (f"Authorization: Bearer {seller.token}",)
        thumb = {"thumb": paths[THUMB], "thumb_jpg": paths[THUMB].replace(".webp", ".jpg")}
        resources = {
            name: resource_at(
                ways[COLD],
                path,
                known if name == PRIVATE else (),
                cache_control=CACHE_CONTROL[name],
                media_type=MEDIA_TYPE[name],
                **thumb,
            )
            for name, path in paths.items()
        }
        deployment = Deployment(ways=ways, resources=resources, seller=seller, uri=uri)
        warm(deployment, *resources.values())
        yield deployment


def pictures_of(seller: Client) -> dict[str, str]:
    """The paths of two pictures of a new product, one small and one of several chunks."""
    product = seller.create_product()
    small = seller.upload(product, data_of(ORIGINAL)).json
    assert CHUNK_BYTES < len(data_of(LARGE)) < 2 * CHUNK_BYTES
    large = seller.upload(product, data_of(LARGE)).json
    media = f"/media/{small['id']}"
    return {
        THUMB: path_of(small["file"]["variants"]["thumb"]["url"]),
        ORIGINAL: path_of(small["url"]),
        LARGE: path_of(large["url"]),
        STABLE: f"{media}/original",
        CHOSEN: f"{media}/thumb",
        MOVED: f"{media}/{'0' * 12}/original.jpg",
        MISSING: f"/media/{new_id()}/original",
    }


def own_id(seller: Client) -> str:
    return str(seller.get("/api/auth/me").json["id"])


def stored(uri: str, data: bytes, visibility: Visibility, owner: str) -> str:
    """The path of a file that nothing was uploaded for."""
    now, digest = datetime.now(UTC).replace(microsecond=0), hashlib.sha256(data).hexdigest()
    version = Version(
        file=new_id(),
        sha256=digest,
        source_sha256=digest,
        bytes=len(data),
        media_type="image/jpeg",
        width=64,
        height=48,
        at=now,
        by=owner,
    )
    asset = Asset(
        id=new_id(),
        site=DEFAULT_SITE,
        bucket="uploads",
        owner=owner,
        name="foto.jpg",
        visibility=visibility,
        state=State.LIVE,
        claim=None,
        versions=(version,),
        revision=1,
        created_at=now,
    )
    database = Database(Settings(mongodb_uri=uri, local=True))
    try:
        store = AssetStore(database)
        store.write_file(asset, version, BytesIO(data))
        store.insert_unclaimed(asset, hours=1)
    finally:
        database.close()
    return original_path(asset)


def resource_at(server: Server, path: str, fields: tuple[str, ...], **words: str) -> Resource:
    """What is at `path`, with the words a row may use for it."""
    usual = ask(server, request_for(path, *fields))
    etag, modified = usual.get("ETag") or '"none"', usual.get("Last-Modified")
    at = parsedate_to_datetime(modified) if modified else datetime.now(UTC).replace(microsecond=0)
    length, second = len(usual.body), timedelta(seconds=1)
    words |= {
        "origin": f"https://{HOST}",
        "host": HOST,
        "path": path,
        "doubled": path.replace("/media/", "/media//"),
        "etag": etag,
        "etag_upper": etag.upper(),
        "etag_bare": etag.strip('"'),
        "modified": fixdate(at),
        "modified_rfc850": at.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
        "modified_asctime": at.strftime(f"%a %b {at.day:2} %H:%M:%S %Y"),
        "before": fixdate(at - second),
        "after": fixdate(at + second),
        "length": str(length),
        "last": str(length - 1),
        "nines": "9" * 4000,
        "sha256": b64encode(hashlib.sha256(usual.body).digest()).decode(),
        "many": ",".join(f"{first}-{first}" for first in range(500)),
    }
    return Resource(path=path, fields=fields, usual=usual, words=words)


def fixdate(moment: datetime) -> str:
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")


def warm(deployment: Deployment, *resources: Resource) -> None:
    """Ask for each of `resources` on every way, so that the short ones have it at hand."""
    for server in deployment.ways.values():
        for each in resources:
            ask(server, request_for(each.path, *each.fields))


# The table

OF_EACH_ADDRESS = (*REPRESENTATION, *CACHING, *METHODS)
"""What a rendition says for itself; conditions and parts of it are those of any other bytes."""


def written(row: Row, asked: str, resource: Resource, method: str) -> bytes:
    """The request of a row as bytes."""
    fields = re.sub(r"(?<!\r)\n", "\r\n", asked.format(**resource.words))
    return request_for(
        resource.path,
        *resource.fields,
        *([fields] if fields else []),
        line=row.line.format(method=method, **resource.words),
        host=row.host,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Requests of a row for one resource; those before `heads` are sent with HEAD, too."""

    name: str
    row: Row
    on: str
    requests: tuple[str, ...]
    heads: int


def cases(*, rest: bool) -> Iterator[Case]:
    """One resource of each kind, or the `rest`.

    Every row is sent with GET and HEAD for one resource of each kind, and whatever else a row has
    with GET for one of them. To read large files in parts is a way of its own.
    """
    for number, row in enumerate(ROWS):
        for name in row.on:
            sent = len(row.requests)
            if ORIGINAL in row.on and name != ORIGINAL:
                is_like_another = name == THUMB and row not in OF_EACH_ADDRESS
                is_not_looked_at = name in FILES and row in SYNTAX
                is_read_apart = name == LARGE and row in RANGES
                sent = 0 if is_like_another or is_not_looked_at else sent if is_read_apart else 1
            case = Case(
                name=f"{number} {row.section} {name}",
                row=row,
                on=name,
                requests=row.requests[:sent],
                heads=min(sent, 1),
            )
            if rest:
                case = replace(case, requests=row.requests[case.heads :], heads=len(row.requests))
            if case.requests:
                yield case


def in_short() -> Iterator[Case]:
    """Every row once with GET and HEAD, which `make test` asks."""
    rows = set()
    for case in cases(rest=False):
        if id(case.row) not in rows:
            rows.add(id(case.row))
            yield replace(case, requests=case.requests[:1])


@table("case", in_short())
def test_the_longest_and_the_shortest_way_answer_as_the_standards_say(
    small_deployment: Deployment, case: Case
) -> None:
    every_way_answers(small_deployment, case)


@pytest.mark.long
@table("case", cases(rest=False))
def test_every_way_answers_as_the_standards_say(deployment: Deployment, case: Case) -> None:
    every_way_answers(deployment, case)


@pytest.mark.long
@table("case", cases(rest=True))
def test_every_way_answers_whatever_else_the_table_has(deployment: Deployment, case: Case) -> None:
    every_way_answers(deployment, case)


def every_way_answers(deployment: Deployment, case: Case) -> None:
    row, name, resource = case.row, case.on, deployment.resources[case.on]
    with ExitStack() as leaving:
        lines = {
            way: leaving.enter_context(Line(deployment.ways[way].port))
            for way in (WAYS if name in FILES else FLASK_ALONE)
            if way in deployment.ways
        }
        for number, asked in enumerate(case.requests):
            for method in row.methods:
                request = written(row, asked, resource, method)
                answer = along_every_way(lines, row, request)
                check(answer, row.answer, name, resource, method)
                if method == "GET" and not row.by_parser and number < case.heads:
                    request = written(row, asked, resource, "HEAD")
                    check_head(along_every_way(lines, row, request), answer, resource)


def along_every_way(lines: Mapping[str, Line], row: Row, request: bytes) -> Wire:
    """The answer to `request`: the same everywhere, but for what is of one request."""
    answers = {way: line.ask(request) for way, line in lines.items()}
    first = answers[COLD]
    for way, answer in answers.items():
        if row.by_parser and way == STOCK:
            assert answer.status == first.status
            continue
        check_any(answer, request)
        assert comparable(answer) == comparable(first), f"{way}: {request!r}"
    return first


def comparable(wire: Wire) -> tuple[object, ...]:
    fields = sorted((name.lower(), value) for name, value in wire.fields)
    body = re.sub(rb'"request_id":"[^"]*"', b"", wire.body)
    return wire.status, [each for each in fields if each[0] not in OF_ONE_REQUEST], body


def check_any(wire: Wire, request: bytes) -> None:
    """What is true of any answer (`conformance.ON_ALL`)."""
    names = [name.lower() for name, _ in wire.fields]
    assert len(names) == len(set(names)), names
    assert not {"transfer-encoding", "set-cookie", "age", "trailer"} & set(names)
    assert wire.get("Cache-Control")
    if wire.status >= 400:
        assert wire.get("Cache-Control") == "no-store"
    if wire.status != 304:
        assert wire.get("Content-Length") is not None, request
    assert STRONG_TAG.fullmatch(wire.get("ETag") or '"none"')
    check_dates(wire)


def check_dates(wire: Wire) -> None:
    date, modified = wire.get("Date"), wire.get("Last-Modified")
    assert date is not None
    assert IMF_FIXDATE.fullmatch(date)
    assert abs(parsedate_to_datetime(date) - datetime.now(UTC)) < timedelta(minutes=5)
    if modified is not None:
        assert IMF_FIXDATE.fullmatch(modified)
        assert parsedate_to_datetime(modified) <= parsedate_to_datetime(date)


def check(wire: Wire, expected: Answer, name: str, resource: Resource, method: str) -> None:
    """What a row demands, and what its status does."""
    status = expected.status or STATUS[name]
    assert wire.status == status
    for field, value in expected.fields.items():
        assert wire.get(field) == (value and value.format(**resource.words)), field
    if status == 206:
        check_part(wire, expected, resource)
    elif status == 304:
        kept = {each: resource.usual.get(each) for each in KEPT_IN_A_304}
        assert {each: wire.get(each) for each in KEPT_IN_A_304} == kept
    elif status == resource.usual.status and method in {"GET", "HEAD"}:
        differs = {each.lower() for each in expected.fields}
        if "Location" in expected.fields:  # the page for people has it, too
            differs.add("content-length")
        assert described(wire, differs) == described(resource.usual, differs)
        if method == "GET" and status == 200:
            assert wire.body == resource.usual.body


def check_part(wire: Wire, expected: Answer, resource: Resource) -> None:
    assert expected.part is not None
    whole = resource.usual.body
    start, end, _ = slice(*expected.part).indices(len(whole))
    assert wire.body == whole[start:end]
    assert wire.get("Content-Range") == f"bytes {start}-{end - 1}/{len(whole)}"
    assert described(wire, OF_THE_WHOLE) == described(resource.usual, OF_THE_WHOLE)


def described(wire: Wire, but: set[str] | frozenset[str]) -> dict[str, str]:
    """The header fields but for `but` and what is of one request."""
    apart = but | OF_ONE_REQUEST
    return {name.lower(): value for name, value in wire.fields if name.lower() not in apart}


def check_head(head: Wire, get: Wire, resource: Resource) -> None:
    """The header fields of GET; where a range was asked for, those of the GET without one."""
    twin = resource.usual if get.status in {206, 416} else get
    assert head.body == b""
    assert head.status == twin.status
    assert described(head, set()) == described(twin, set())


# What no table says


@pytest.mark.parametrize("name", STORED)
def test_what_is_sent_is_what_was_stored(small_deployment: Deployment, name: str) -> None:
    usual = small_deployment.resources[name].usual
    assert usual.body == data_of(name)
    assert usual.get("ETag") == f'"{hashlib.sha256(usual.body).hexdigest()[:32]}"'


def test_what_is_replaced_is_seen_by_whoever_asks_again(small_deployment: Deployment) -> None:
    """RFC 9111 section 4.4: caches forget by themselves or ask; the origin must know better."""
    server, seller = small_deployment.ways[COLD], small_deployment.seller
    product = seller.create_product()
    image = seller.upload(product, pictures.photo(64, 48, seed=51)).json
    stable, before = f"/media/{image['id']}/original", path_of(image["url"])
    tag = ask(server, request_for(stable)).get("ETag")
    same = (f"If-None-Match: {tag}",)
    assert ask(server, request_for(stable, *same)).status == 304
    place = f"/api/shop/products/{product}/images/{image['id']}/file"
    picture = pictures.photo(64, 48, seed=52)
    jpeg = {"Content-Type": "image/jpeg"}

    # RFC 9110 section 14.5: a part is refused rather than taken for the whole.
    a_part = {**jpeg, "Content-Range": f"bytes 0-{len(picture) - 1}/{2 * len(picture)}"}
    assert seller.request("PUT", place, picture, a_part).status == 400
    assert ask(server, request_for(stable, *same)).status == 304

    replaced = seller.request("PUT", place, picture, jpeg)
    assert replaced.status == 201
    now = ask(server, request_for(stable, *same))
    assert (now.status, now.body) == (200, picture)
    assert now.get("ETag") != tag
    moved = ask(server, request_for(before, *same))
    assert (moved.status, moved.get("Location")) == (308, replaced.json["url"])


def test_the_page_says_what_the_table_does() -> None:
    page = Path(__file__).parents[2] / "docs" / "http.md"
    assert page.read_text() == conformance.page()


@pytest.mark.long
def test_every_way_is_the_one_it_is_called(deployment: Deployment, mongod: Mongod) -> None:
    """What is gone from the database is still answered by those who need not ask it."""
    product = deployment.seller.create_product()
    paths = {}
    for seed in (41, 42):
        reply = deployment.seller.upload(product, pictures.photo(64, 48, seed=seed)).json
        paths[reply["id"]] = path_of(reply["url"])
    for path in paths.values():
        for server in deployment.ways.values():
            assert plain_status(server, path) == 200
    raw = mongod.client[deployment.uri.rpartition("/")[2].partition("?")[0]]
    (no_asset, lost), (no_bytes, damaged) = paths.items()
    asset = raw["assets"].find_one({"_id": no_bytes})
    assert asset is not None
    raw["product_images.chunks"].delete_many(
        {"files_id": {"$regex": f"{asset['versions'][0]['file']}$"}}
    )
    raw["assets"].delete_one({"_id": no_asset})
    statuses = {
        way: (plain_status(server, lost), plain_status(server, damaged))
        for way, server in deployment.ways.items()
    }
    assert statuses == {
        COLD: (404, 500),
        WARM: (404, 200),
        HOT: (200, 200),
        LANE: (200, 200),
        FIRST: (404, 500),
        READING: (200, 500),
        STOCK: (200, 200),
    }


@pytest.mark.long
def test_only_the_fast_lane_counts_its_answers_itself(deployment: Deployment) -> None:
    resource = deployment.resources[THUMB]
    warm(deployment, resource)
    warm(deployment, resource)
    expected = {LANE, FIRST, READING}
    # Each writes its count once a second, by a clock of its own.
    for way in expected:
        wait_until(
            lambda way=way: lane_answers(deployment.ways[way]) > 0, f"{way}: it is in the log"
        )
    assert {way for way, server in deployment.ways.items() if lane_answers(server)} == expected


def plain_status(server: Server, path: str) -> int:
    return ask(server, request_for(path)).status
