"""The fast lane takes what can be read in one way only, and reads it as gunicorn does."""

from http import HTTPStatus
from typing import NamedTuple

import gunicorn
import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from hypothesis import example, given, strategies as st

from avenue.server.fast_lane import PICTURE_ROUTE, FastLane, Given, Read, Tally
from avenue.server.request_fields import Reader
from tests.table import table

PATH = "/media/AbCdEfGhIjKlMnOpQrStUv/0123456789ab/thumb.webp"
ETAG = b'"abc123"'
BODY = b"picture" * 100
LINE = f"GET {PATH} HTTP/1.1".encode()
HOST = b"Host: shop.example"
BROWSER = (
    HOST,
    b"Connection: keep-alive",
    b'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99"',
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
    b"Accept: image/avif,image/webp,*/*;q=0.8",
    b"Referer: https://shop.example/products/1",
    b"Accept-Encoding: gzip, deflate, br",
    b"Accept-Language: es-PY,es;q=0.9",
    b"Cookie: avenue_language=es; other=x",
)


class Picture(NamedTuple):
    """What is known of the one picture there is."""

    head: bytes = b"Content-Length: 700\r\n"
    head_not_modified: bytes = b"ETag: x\r\n"
    site: str = "shoes"
    etag: bytes = ETAG
    head_partial: bytes = b"ETag: y\r\n"
    length: int = len(BODY)


class Shelf:
    """Has one picture, for one host; remembers who asked."""

    def __init__(self, body: bytes | None = BODY, look: Read | None = None) -> None:
        self.asked: list[tuple[str, str]] = []
        self._body = body
        self._look = look

    def find(self, host: str, path: str) -> Picture | None:
        self.asked.append((host, path))
        return Picture() if (host, path) == ("shop.example", PATH) else None

    def at_hand(self, known: Picture) -> bytes | None:
        return self._body

    def read(self, host: str, path: str, known: Picture) -> tuple[Picture, bytes]:
        return known, f"read for {host}{path}".encode()

    def cold_read(self, host: str, path: str) -> Read | None:
        return self._look


def look() -> tuple[Picture, bytes]:
    return Picture(head=b"Content-Length: 5\r\n"), b"found"


def head(*lines: bytes, first: bytes = LINE) -> bytes:
    return b"\r\n".join((first, *lines, b"", b""))


def given_to(request: bytes) -> Given | None:
    return FastLane(Shelf(), "gunicorn").answer(request)


def test_a_browser_gets_its_picture():
    answer = given_to(head(*BROWSER))
    assert answer is not None
    assert (answer.status, answer.body) == (200, BODY)
    lines = answer.head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    names = [line.partition(b":")[0] for line in lines[1:-2]]
    assert names == [b"Server", b"Date", b"Connection", b"Content-Length", b"X-Request-ID"]
    assert lines[-2:] == [b"", b""]


def test_head_gets_no_body():
    answer = given_to(head(HOST, first=LINE.replace(b"GET", b"HEAD")))
    assert answer is not None
    assert (answer.status, answer.body) == (200, b"")
    assert b"Content-Length: 700" in answer.head


def test_who_has_it_is_told_so_also_with_a_date():
    since = b"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"  # RFC 9110, 13.1.3: the tag decides
    for lines in ((b"If-None-Match: " + ETAG,), (since, b"if-none-match:" + ETAG + b" ")):
        answer = given_to(head(HOST, *lines))
        assert answer is not None
        assert (answer.status, answer.body) == (304, b"")


@table(
    "value, start, end",
    [
        (b"bytes=0-9", 0, 10),
        (b"bytes=690-", 690, 700),
        (b"bytes=0-", 0, 700),
        (b"bytes=600-9999", 600, 700),
        (b"bytes=-3", 697, 700),
        (b"bytes=-9999", 0, 700),
    ],
)
def test_a_part_is_given_wherever_the_field_stands(value: bytes, start: int, end: int):
    for lines in ((HOST, b"Range: " + value), (b"range:" + value + b" ", *BROWSER)):
        answer = given_to(head(*lines))
        assert answer is not None
        assert (answer.status, bytes(answer.body)) == (206, BODY[start:end])
        told = f"Content-Length: {end - start}\r\nContent-Range: bytes {start}-{end - 1}/700\r\n"
        assert b"ETag: y\r\n" + told.encode() in answer.head


def test_who_needs_no_bytes_is_answered_without_them():
    lane = FastLane(Shelf(body=None), "gunicorn")
    known = lane.answer(head(*BROWSER, b"If-None-Match: " + ETAG))
    assert known is not None
    assert (known.status, known.body, known.read) == (304, b"", None)
    asked = lane.answer(head(HOST, first=LINE.replace(b"GET", b"HEAD")))
    assert asked is not None
    assert (asked.status, asked.body, asked.read) == (200, b"", None)


def test_bytes_that_are_not_at_hand_are_to_be_read_first():
    lane = FastLane(Shelf(body=None), "gunicorn")
    answer = lane.answer(head(*BROWSER))
    assert answer is not None
    assert (answer.status, answer.head, answer.body) == (200, b"", b"")
    assert answer.read is not None
    lane.complete(answer, *answer.read())
    assert answer.body == f"read for shop.example{PATH}".encode()
    assert answer.head.startswith(b"HTTP/1.1 200 OK\r\nServer: gunicorn\r\nDate: ")
    assert b"\r\nContent-Length: 700\r\nX-Request-ID: " in answer.head


ELSEWHERE = b"Host: other.example"
"""Where nothing is known of the picture."""


def test_what_nobody_has_asked_for_is_looked_for():
    lane = FastLane(Shelf(look=look), "gunicorn")
    answer = lane.answer(head(ELSEWHERE))
    assert answer is not None
    assert (answer.method, answer.status, answer.read) == (b"GET", 200, look)
    lane.complete(answer, *look())
    assert answer.body == b"found"
    assert b"\r\nContent-Length: 5\r\nX-Request-ID: " in answer.head


@pytest.mark.parametrize(
    "request_",
    [
        head(ELSEWHERE, first=LINE.replace(b"GET", b"HEAD")),
        head(ELSEWHERE, b"If-None-Match: " + ETAG),
        head(ELSEWHERE, b"Range: bytes=0-9"),
        head(ELSEWHERE, first=LINE.replace(b".webp", b".webp?e=1&s=2")),
    ],
)
def test_only_the_whole_of_a_picture_is_looked_for(request_: bytes):
    """The ordinary path answers the others without reading as much, or has to think."""
    assert FastLane(Shelf(look=look), "gunicorn").answer(request_) is None


def test_what_was_read_is_counted_apart():
    lane = FastLane(Shelf(), "gunicorn")
    for seconds in (0.2, 0.5, 0.1):
        lane.count(Given(b"GET", HTTPStatus.OK, b"", BODY, look, seconds))
    lane.count(Given(b"GET", HTTPStatus.OK, b"", BODY))
    tally = Tally(4, 2800, read=3, slowest_seconds=0.5)
    assert list(lane.counted()) == [("GET", PICTURE_ROUTE, 200, tally)]
    assert list(lane.counted()) == []
    assert sum(lane.counted_sites().values()) == tally.answers
    assert lane.counted_sites() == {}


def test_a_tag_is_compared_as_it_was_sent():
    assert given_to(head(HOST, b"If-None-Match: " + ETAG.upper())) is None


def test_the_fields_of_one_browser_are_nobody_elses():
    """They are remembered, for a browser sends the same with the next picture."""
    shelf = Shelf()
    lane = FastLane(shelf, "gunicorn")
    other = head(b"Host: other.example", *BROWSER[1:])
    assert lane.answer(head(*BROWSER))
    assert lane.answer(other) is None
    assert lane.answer(head(*BROWSER, b"Range: bytes=0-9")).status == 206
    assert lane.answer(head(*BROWSER, b"If-None-Match: " + ETAG)).status == 304
    assert lane.answer(head(*BROWSER)).status == 200
    assert [host for host, _ in shelf.asked] == [
        "shop.example",
        "other.example",
        *["shop.example"] * 3,
    ]


def test_every_answer_has_an_id_of_its_own():
    lane = FastLane(Shelf(), "gunicorn")
    heads = [given.head for _ in range(3) if (given := lane.answer(head(HOST)))]
    ids = {each.partition(b"X-Request-ID: ")[2].strip() for each in heads}
    assert {len(each) for each in ids} == {22}
    assert len(ids) == 3


ORDINARY = {
    "another method": head(HOST, first=LINE.replace(b"GET", b"POST")),
    "a method in lower case": head(HOST, first=LINE.replace(b"GET", b"get")),
    "HTTP/1.0": head(HOST, first=LINE.replace(b"1.1", b"1.0")),
    "HTTP/2": head(HOST, first=LINE.replace(b"1.1", b"2")),
    "absolute form": head(HOST, first=LINE.replace(b"/media", b"http://shop.example/media")),
    "a query": head(HOST, first=LINE.replace(b".webp", b".webp?download=1")),
    "an empty query": head(HOST, first=LINE.replace(b".webp", b".webp?")),
    "a fragment": head(HOST, first=LINE.replace(b".webp", b".webp#x")),
    "an escaped path": head(HOST, first=LINE.replace(b"/thumb", b"/%74humb")),
    "dots": head(HOST, first=LINE.replace(b"/media/", b"/media/../media/")),
    "another place": head(HOST, first=LINE.replace(b"/media/", b"/api/")),
    "two spaces": head(HOST, first=LINE.replace(b" /", b"  /")),
    "no field": head(),
    "no host": head(*BROWSER[1:]),
    "two hosts": head(HOST, HOST),
    "two hosts, one in capitals": head(HOST, b"HOST: shop.example"),
    "another host": head(b"Host: other.example"),
    "a host with a port": head(b"Host: shop.example:81"),
    "a host in capitals": head(b"Host: SHOP.example"),
    "an empty host": head(b"Host:"),
    "a length": head(HOST, b"Content-Length: 0"),
    "a length and a body": head(HOST, b"Content-Length: 5") + b"hello",
    "a coding": head(HOST, b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "a type": head(HOST, b"Content-Type: text/plain"),
    "two types": head(HOST, b"Content-Type: text/plain", b"Content-Type: text/html"),
    "a length in disguise": head(HOST, b"Content_Length: 5") + b"hello",
    "a space before the colon": head(HOST, b"Content-Length : 5"),
    "a folded line": head(HOST, b"X: a", b" b"),
    "a bare LF": head(HOST).replace(b"\r\n", b"\n"),
    "one bare LF": head(HOST, b"X: a\nContent-Length: 5"),
    "a bare CR": head(HOST, b"X: a\rContent-Length: 5"),
    "a NUL": head(HOST, b"X: \0"),
    "an empty line first": b"\r\n" + head(HOST),
    "half a head": head(HOST)[:-2],
    "two requests": head(HOST) + head(HOST),
    "something behind": head(HOST) + b"x",
    "two ranges": head(HOST, b"Range: bytes=0-9,20-29"),
    "two fields of ranges": head(HOST, b"Range: bytes=0-9", b"Range: bytes=0-9"),
    "a range there is not": head(HOST, b"Range: bytes=700-"),
    "a range that ends before it begins": head(HOST, b"Range: bytes=9-8"),
    "a range of nothing": head(HOST, b"Range: bytes=-0"),
    "a range of something else": head(HOST, b"Range: lines=0-9"),
    "a range of a head": head(HOST, b"Range: bytes=0-9", first=LINE.replace(b"GET", b"HEAD")),
    "a range and a tag": head(HOST, b"Range: bytes=0-9", b"If-None-Match: " + ETAG),
    "a range and a date": head(HOST, b"Range: bytes=0-9", b"If-Modified-Since: x"),
    "a condition on a range": head(HOST, b"If-Range: " + ETAG),
    "a date only": head(HOST, b"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"),
    "must be this": head(HOST, b"If-Match: " + ETAG),
    "must not have changed": head(HOST, b"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT"),
    "another tag": head(HOST, b'If-None-Match: "other"'),
    "the tag in capitals": head(HOST, b"If-None-Match: " + ETAG.upper()),
    "several tags": head(HOST, b'If-None-Match: "other", ' + ETAG),
    "two fields of tags": head(HOST, b"If-None-Match: " + ETAG, b"If-None-Match: " + ETAG),
    "close": head(HOST, b"Connection: close"),
    "an upgrade": head(HOST, b"Connection: upgrade", b"Upgrade: h2c"),
    "two connections": head(HOST, b"Connection: keep-alive", b"Connection: close"),
    "an expectation": head(HOST, b"Expect: 100-continue"),
    "many fields": head(HOST, *[b"X: a"] * 101),
    "a long head": head(HOST, b"X: " + b"a" * 9000),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "nothing": b"",
}


@table("request_", ORDINARY.values())
def test_whatever_is_not_the_plainest_request_goes_the_ordinary_way(request_: bytes):
    assert given_to(request_) is None


def as_gunicorn_reads(data: bytes) -> list[tuple[str, str, list[str], bytes, bool]]:
    """Method, target, hosts, body and whether to close, of each request in `data`."""
    config = Config()
    parser = RequestParser(config, iter([data]), ("127.0.0.1", 1))
    found = []
    for each in parser:
        hosts = [value for name, value in each.headers if name == "HOST"]
        found.append((each.method, each.uri, hosts, each.body.read(), each.should_close()))
    return found


PIECES = st.sampled_from(
    [b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b"\0", b"_", b"\x7f", b"\xff", b"Host: a", b"GET",
     b"\r\nContent-Length: 5", b"\r\nTransfer-Encoding: chunked", b"\r\nHost: b", b"\r\n\r\n",
     b"\r\nConnection: close", b"HTTP/1.0", b"%", b"?", b"/", b"\r\n X", b"\r\nX-Y: z"]
) | st.binary(max_size=3)  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 6), PIECES), min_size=1, max_size=3))
@example([(len(LINE) + 2, 0, b"X-Y: z\r\n")])
def test_what_is_answered_gunicorn_would_have_read_the_same(
    changes: list[tuple[int, int, bytes]],
):
    request = head(*BROWSER)
    for place, left_out, piece in changes:
        at = place % len(request)
        request = request[:at] + piece + request[at + left_out :]
    shelf = Shelf()
    if FastLane(shelf, "gunicorn").answer(request) is None:
        return
    ((host, path),) = shelf.asked
    method = request.partition(b" ")[0].decode()
    assert as_gunicorn_reads(request) == [(method, path, [host], b"", False)]


CONDITIONS = st.sampled_from(
    [
        b"",
        b"\r\nIf-None-Match: " + ETAG,
        b'\r\nif-none-match: "b"',
        b"\r\nIf-Modified-Since: x",
        b"\r\nRange: bytes=0-9",
        b"\r\nrange:bytes=5-",
    ]
)


@given(
    st.lists(
        st.tuples(st.integers(0, 300), PIECES | CONDITIONS, CONDITIONS), min_size=2, max_size=6
    )
)
@example([(0, b"\r\nIf-None-Match", b""), (0, b"\r\nIf-None-Match", b": " + ETAG)])
def test_a_connection_is_read_as_if_each_request_came_over_a_new_one(
    said: list[tuple[int, bytes, bytes]],
) -> None:
    """What it remembers of the last one hides nothing of the next, which differs by a little."""
    plain, end, reader = head(*BROWSER)[:-4], b"\r\n\r\n", Reader()
    for from_end, piece, condition in said:
        at = len(plain) - from_end
        request = plain[:at] + piece + plain[at:] + condition + end
        assert reader.read(request, len(LINE)) == Reader().read(request, len(LINE))


def test_gunicorn_is_the_one_this_was_compared_with():
    assert gunicorn.version_info[0] == 27
