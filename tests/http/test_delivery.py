"""A stored file as an HTTP answer, by RFC 9110: in the test client, and from a real gunicorn."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings, strategies as st

from avenue.media.naming import display_name
from avenue.media.serving.delivery import IncompleteBody
from tests.http import OURS, STOCK
from tests.http.delivery_app import (
    CONTENT,
    ETAG,
    MODIFIED,
    NAMES,
    MemoryFile,
    make_app,
    make_files,
)
from tests.table import table
from tests.waiting import DEADLINE_SECONDS, ending

LENGTH = len(CONTENT)
CSP = "default-src 'none'; sandbox"


@pytest.fixture
def files():
    return make_files()


@pytest.fixture
def client(files):
    return make_app(files).test_client()


# --- the whole file ---------------------------------------------------------------------------


def test_get_gives_the_whole_file_with_its_validators(client, files):
    """RFC 9110 sections 9.3.1, 8.6, 8.8.2, 8.8.3 and 14.3."""
    answer = client.get("/immutable/picture")
    assert answer.status == "200 OK"
    assert answer.data == CONTENT
    assert answer.headers["Content-Length"] == str(LENGTH)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["ETag"] == ETAG
    assert answer.headers["Last-Modified"] == MODIFIED
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert "Content-Range" not in answer.headers
    assert files["picture"].asked == [(0, LENGTH)]
    assert files["picture"].open_readers == 0


def test_head_gives_the_headers_of_get_and_reads_nothing(client, files):
    """RFC 9110 section 9.3.2."""
    of_get = client.get("/immutable/picture").headers
    files["picture"].asked.clear()
    answer = client.head("/immutable/picture")
    assert answer.status_code == 200
    assert answer.data == b""
    assert dict(answer.headers) == dict(of_get)
    assert files["picture"].asked == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_empty_file_is_an_empty_answer(client, files, method):
    """RFC 9110 section 8.6: the length is sent even when it is 0."""
    answer = client.open("/immutable/empty-file", method=method)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == "0"
    assert files["empty-file"].asked == []


# --- a part of it -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "content_range", "part"),
    [
        ("0-99", "bytes 0-99/1024", CONTENT[:100]),
        ("500-", "bytes 500-1023/1024", CONTENT[500:]),
        ("-100", "bytes 924-1023/1024", CONTENT[-100:]),
        ("-99999", "bytes 0-1023/1024", CONTENT),
        ("0-", "bytes 0-1023/1024", CONTENT),
        ("150-349", "bytes 150-349/1024", CONTENT[150:350]),
        ("1023-99999999999999999999", "bytes 1023-1023/1024", CONTENT[-1:]),
    ],
)
def test_a_range_gives_a_part(client, files, asked, content_range, part):
    """RFC 9110 sections 14.1.2, 14.4 and 15.3.7."""
    whole = client.head("/immutable/picture").headers
    answer = client.get("/immutable/picture", headers={"Range": f"bytes={asked}"})
    assert answer.status == "206 Partial Content"
    assert answer.data == part
    assert answer.headers["Content-Range"] == content_range
    assert answer.headers["Content-Length"] == str(len(part))
    # 15.3.7: all else as in the 200.
    differing = {"Content-Range", "Content-Length"}
    assert {key: value for key, value in answer.headers if key not in differing} == {
        key: value for key, value in whole if key not in differing
    }
    [(start, end)] = files["picture"].asked
    assert CONTENT[start:end] == part
    assert files["picture"].open_readers == 0


def test_a_range_past_the_end_is_refused_with_the_length(client, files):
    """RFC 9110 sections 14.4 and 15.5.17."""
    answer = client.get("/immutable/picture", headers={"Range": "bytes=1024-"})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == "bytes */1024"
    assert answer.json == {"code": "range_not_satisfiable", "length": 1024}
    assert files["picture"].asked == []


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-0,5-6", "lines=0-9", "bytes=5-2", "bytes=abc", "bytes=" + "9" * 9000 + "x"],
)
def test_what_is_not_one_range_of_bytes_gives_the_whole_file(client, asked):
    """RFC 9110 section 14.2; never multipart/byteranges."""
    answer = client.get("/immutable/picture", headers={"Range": asked})
    assert (answer.status_code, answer.data) == (200, CONTENT)
    assert "Content-Range" not in answer.headers


def test_head_ignores_a_range(client):
    """RFC 9110 section 14.2."""
    answer = client.head("/immutable/picture", headers={"Range": "bytes=0-9"})
    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == str(LENGTH)
    assert "Content-Range" not in answer.headers


@pytest.mark.parametrize(
    ("freshness", "if_range", "status"),
    [
        ("immutable", ETAG, 206),
        ("immutable", f"W/{ETAG}", 200),
        ("immutable", '"other"', 200),
        ("immutable", MODIFIED, 206),
        ("immutable", "Sun, 06 Nov 1994 08:49:38 GMT", 200),
        ("short", ETAG, 206),
        ("short", MODIFIED, 200),
        ("private", ETAG, 206),
    ],
)
def test_if_range_wants_a_strong_validator(client, freshness, if_range, status):
    """RFC 9110 section 13.1.5; section 8.8.2.2 for the date."""
    headers = {"Range": "bytes=0-9", "If-Range": if_range}
    answer = client.get(f"/{freshness}/picture", headers=headers)
    assert answer.status_code == status
    assert answer.data == (CONTENT[:10] if status == 206 else CONTENT)


RANGES = st.one_of(
    st.tuples(st.integers(0, 1100), st.integers(0, 1100)).map(lambda pair: "{}-{}".format(*pair)),
    st.integers(0, 1100).map("{}-".format),
    st.integers(0, 1100).map("-{}".format),
    st.text("0123456789-, ", max_size=12),
)


@settings(max_examples=40 if settings.default.derandomize else 1000)
@given(RANGES)
def test_any_range_gives_exactly_the_bytes_it_announces(asked):
    """RFC 9110 section 14.4, against slices of the content."""
    file = MemoryFile()
    client = make_app({"picture": file}).test_client()
    answer = client.get("/immutable/picture", headers={"Range": f"bytes={asked}"}, buffered=True)
    assert file.open_readers == 0
    if answer.status_code == 416:
        assert answer.headers["Content-Range"] == f"bytes */{LENGTH}"
        assert file.asked == []
    elif answer.status_code == 206:
        told = re.fullmatch(r"bytes (\d+)-(\d+)/1024", answer.headers["Content-Range"])
        first, last = int(told[1]), int(told[2])
        assert answer.data == CONTENT[first : last + 1]
        assert len(answer.data) == last - first + 1 == int(answer.headers["Content-Length"])
        wanted_first, _, wanted_last = asked.strip(", ").partition("-")
        if wanted_first:
            assert first == int(wanted_first)
            assert last == min(int(wanted_last or LENGTH), LENGTH - 1)
        else:
            assert (first, last) == (max(LENGTH - int(wanted_last), 0), LENGTH - 1)
    else:
        assert (answer.status_code, answer.data) == (200, CONTENT)


# --- conditions -------------------------------------------------------------------------------


@table("method", ["GET", "HEAD"])
@table("freshness", ["immutable", "short", "private"])
@table(
    "condition",
    [
        {"If-None-Match": ETAG},
        {"If-None-Match": f'"x", W/{ETAG}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": MODIFIED},
        {"If-None-Match": ETAG, "Range": "bytes=0-9"},
    ],
)
def test_what_the_caller_has_is_not_sent_again(client, files, method, freshness, condition):
    """RFC 9110 section 15.4.5: these headers of the 200, no body, no metadata of one."""
    whole = client.head(f"/{freshness}/picture").headers
    answer = client.open(f"/{freshness}/picture", method=method, headers=condition)
    assert (answer.status, answer.data) == ("304 Not Modified", b"")
    for required in ("ETag", "Cache-Control", "Vary"):
        assert answer.headers.get(required) == whole.get(required)
    for foreign in ("Content-Length", "Content-Type", "Content-Range", "Content-Disposition"):
        assert foreign not in answer.headers
    assert "Repr-Digest" not in answer.headers
    assert files["picture"].asked == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "condition",
    [{"If-Match": '"x"'}, {"If-Unmodified-Since": "Sat, 05 Nov 1994 08:49:37 GMT"}],
)
def test_another_file_than_demanded_is_refused(client, files, method, condition):
    """RFC 9110 sections 13.1.1, 13.1.4 and 15.5.13."""
    answer = client.open("/immutable/picture", method=method, headers=condition)
    assert answer.status_code == 412
    assert answer.headers["Content-Type"] == "application/json"
    assert files["picture"].asked == []


def test_a_file_of_a_clock_that_is_ahead_was_not_changed_in_the_future():
    """RFC 9110 section 8.8.2.1: Last-Modified is never later than Date."""
    ahead = MemoryFile(modified_at=datetime.now(UTC) + timedelta(days=1))
    client = make_app({"ahead": ahead}).test_client()
    told = parsedate_to_datetime(client.get("/immutable/ahead").headers["Last-Modified"])
    assert told <= datetime.now(UTC)


# --- how long it may be kept, and what it may do ----------------------------------------------

ANSWERS = [
    ({}, 200),
    ({"Range": "bytes=0-9"}, 206),
    ({"If-None-Match": "*"}, 304),
    ({"If-Match": '"x"'}, 412),
    ({"Range": "bytes=9999-"}, 416),
]


@table("method", ["GET", "HEAD"])
@table("asked, status", ANSWERS)
@table("freshness", ["immutable", "short", "private"])
def test_every_answer_keeps_a_file_harmless(client, freshness, asked, status, method):
    answer = client.open(f"/{freshness}/picture", method=method, headers=asked)
    assert answer.status_code == (200 if method == "HEAD" and "Range" in asked else status)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == CSP
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(("asked", "status"), ANSWERS)
def test_public_answers_may_be_used_by_every_site(client, asked, status):
    answer = client.get("/immutable/picture", headers=asked)
    assert answer.status_code == status
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Content-Range", "Repr-Digest"} <= set(exposed)
    assert "Vary" not in answer.headers


@pytest.mark.parametrize(("asked", "status"), ANSWERS)
def test_private_answers_enter_no_cache_and_no_other_site(client, asked, status):
    answer = client.get("/private/picture", headers=asked)
    assert answer.status_code == status
    assert "no-store" in answer.headers["Cache-Control"]
    assert "public" not in answer.headers["Cache-Control"]
    assert answer.headers["Vary"] == "Cookie, Authorization"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-site"
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("freshness", "cache_control"),
    [
        ("immutable", "public, max-age=31536000, immutable"),
        ("short", "public, max-age=60, must-revalidate"),
        ("private", "private, no-store"),
    ],
)
def test_an_answer_says_how_long_it_may_be_kept(client, freshness, cache_control):
    """RFC 9111 section 5.2.2, RFC 8246."""
    for asked, status in ANSWERS:
        answer = client.get(f"/{freshness}/picture", headers=asked)
        kept = cache_control if status < 400 else "no-store"
        assert answer.headers["Cache-Control"] == kept


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("image/jpeg", "inline"),
        ("application/pdf", "inline"),
        ("video/mp4", "inline"),
        ("image/svg+xml", "attachment"),
        ("text/html", "attachment"),
        ("application/xml", "attachment"),
        ("application/xhtml+xml", "attachment"),
        ("text/xml", "attachment"),
        ("application/octet-stream", "attachment"),
    ],
)
def test_only_what_runs_nothing_opens_in_the_browser(media_type, kind):
    file = MemoryFile(media_type=media_type, name="a")
    answer = make_app({"file": file}).test_client().get("/immutable/file")
    assert answer.headers["Content-Disposition"].startswith(f"{kind}; filename=")
    could_run = media_type in {"text/html", "application/xml", "image/svg+xml"}
    told = "text/plain; charset=utf-8" if could_run else media_type
    assert answer.headers["Content-Type"] == told


def test_a_download_is_an_attachment(client):
    """RFC 6266 section 4.2."""
    answer = client.get("/immutable/picture?download=1")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="zapato.jpg"'


def test_the_name_ends_as_the_detected_type_says():
    file = MemoryFile(media_type="image/png", name="zapato.jpg")
    answer = make_app({"file": file}).test_client().get("/immutable/file")
    assert answer.headers["Content-Disposition"] == 'inline; filename="zapato.png"'


@pytest.mark.parametrize("key", NAMES)
def test_any_name_can_be_sent(client, key):
    """RFC 6266 section 4.3 and RFC 8187 section 3.2."""
    answer = client.get(f"/immutable/named-{key}")
    assert (answer.status_code, answer.data) == (200, CONTENT)
    check_disposition(answer.headers["Content-Disposition"], NAMES[key])


def check_disposition(value, name):
    """Both forms are plain ASCII, end in the detected extension, and the full one is the name."""
    found = re.fullmatch(
        r"inline; filename=\"([A-Za-z0-9_ .,+@()=-]+\.jpg)\"(?:; filename\*=UTF-8''([!-~]+))?",
        value,
    )
    assert found
    assert unquote(found[2] or found[1]) == display_name(name, "jpg")


# --- readers that break, and callers that leave -----------------------------------------------


def test_a_database_that_is_away_is_an_error_before_any_byte(client, files):
    """RFC 9110 section 15.6.4: the status is not sent before the first bytes are there."""
    answer = client.get("/immutable/away")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "immutable" not in answer.headers.get("Cache-Control", "")
    assert files["away"].open_readers == 0


def test_a_file_with_missing_bytes_never_ends_well(client, files):
    """RFC 9112 section 8: a body shorter than announced is an error the caller can see."""
    answer = client.get("/immutable/short")
    assert answer.headers["Content-Length"] == str(LENGTH)
    with pytest.raises(IncompleteBody):
        _ = answer.data
    assert files["short"].open_readers == 0


def test_a_file_without_any_bytes_is_an_error_at_once(client):
    assert client.get("/immutable/nothing").status_code == 500


def test_bytes_beyond_the_length_are_cut(client, files):
    """RFC 9110 section 8.6: never more than Content-Length."""
    answer = client.get("/immutable/long")
    assert answer.data == CONTENT
    assert files["long"].open_readers == 0


def test_a_reader_is_closed_with_its_last_byte(client, files):
    answer = client.get("/immutable/picture", buffered=False)
    pieces = iter(answer.response)
    read = b""
    while len(read) < LENGTH:
        assert files["picture"].open_readers == 1
        read += next(pieces)
    assert files["picture"].open_readers == 0
    answer.close()


def test_a_reader_is_closed_with_the_answer(client, files):
    answer = client.get("/immutable/big", buffered=False)
    next(iter(answer.response))
    assert files["big"].open_readers == 1
    answer.close()
    assert files["big"].open_readers == 0
    assert files["big"].read_bytes <= 2 * files["big"].piece_bytes


def test_a_reader_is_closed_when_the_answer_never_starts(client, files):
    answer = client.get("/immutable/picture", buffered=False)
    assert files["picture"].open_readers == 1
    answer.close()
    assert files["picture"].open_readers == 0


# --- the same from a real server --------------------------------------------------------------


@pytest.fixture(scope="module", params=[STOCK, OURS], ids=["gthread", "lane"])
def server(request):
    """Start gunicorn on a socket that listens already, so nobody has to wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", "gunicorn", *request.param, "--threads", "4"]
        command += ["--bind", f"fd://{listener.fileno()}", "--log-level", "critical"]
        command += ["--no-control-socket", "tests.http.delivery_app:app"]
        process = subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "AVENUE_LOCAL": "1"},
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
        )
        with ending(process):
            yield listener.getsockname()
            process.terminate()
            process.wait(DEADLINE_SECONDS)


def fetch(server, path, headers=None, method="GET"):
    connection = http.client.HTTPConnection(*server, timeout=60)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def raw(server, request):
    """Send `request` as it is and return all that comes until the server closes."""
    with socket.create_connection(server, timeout=60) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def raw_request(method, path, *fields):
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *fields, "", ""]
    return "\r\n".join(lines).encode()


@table("key", NAMES)
def test_the_server_sends_any_name(server, key):
    """RFC 9110 section 5.5: not a byte in a header that does not belong there."""
    head, _, body = raw(server, raw_request("GET", f"/immutable/named-{key}")).partition(
        b"\r\n\r\n"
    )
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == CONTENT
    fields = [line.partition(": ") for line in head.decode("ascii").split("\r\n")[1:]]
    names = [name.lower() for name, _, _ in fields]
    assert len(names) == len(set(names))
    assert "set-cookie" not in names
    assert re.fullmatch(r"[ -~\r\n]+", head.decode("ascii"))
    [value] = [value for name, _, value in fields if name == "Content-Disposition"]
    check_disposition(value, NAMES[key])


@table(
    "method, asked, status, announced, body",
    [
        ("GET", [], "200 OK", "1024", CONTENT),
        ("HEAD", [], "200 OK", "1024", b""),
        ("HEAD", ["Range: bytes=0-9"], "200 OK", "1024", b""),
        ("GET", ["Range: bytes=-24"], "206 Partial Content", "24", CONTENT[-24:]),
        ("GET", ["Range: bytes=0-1", "Range: bytes=4-5"], "200 OK", "1024", CONTENT),
        ("GET", [f"If-None-Match: {ETAG}"], "304 Not Modified", None, b""),
        ("GET", ['If-None-Match: "x"', f"If-None-Match: {ETAG}"], "304 Not Modified", None, b""),
        ("HEAD", [f"If-None-Match: {ETAG}"], "304 Not Modified", None, b""),
    ],
)
def test_the_server_sends_exactly_the_announced_bytes(
    server, method, asked, status, announced, body
):
    """RFC 9110 sections 6.4.1, 8.6, 9.3.2, 14.2 and 15.4.5; 5.3 for repeated fields."""
    head, _, sent = raw(server, raw_request(method, "/immutable/picture", *asked)).partition(
        b"\r\n\r\n"
    )
    lines = head.decode("ascii").split("\r\n")
    assert lines[0] == f"HTTP/1.1 {status}"
    fields = dict(line.split(": ", 1) for line in lines[1:])
    assert fields.get("Content-Length") == announced
    assert "Transfer-Encoding" not in fields
    assert fields["ETag"] == ETAG
    assert fields["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Date" in fields
    assert sent == body


@pytest.mark.parametrize("name", ["picture", "empty-file"])
def test_the_server_names_the_length_when_it_refuses_a_range(server, name):
    """RFC 9110 section 15.5.17."""
    length = LENGTH if name == "picture" else 0
    answer, body = fetch(server, f"/private/{name}", {"Range": f"bytes={length}-"})
    assert answer.status == 416
    assert answer.headers["Content-Range"] == f"bytes */{length}"
    assert answer.headers["Content-Security-Policy"] == CSP
    assert answer.headers["Cache-Control"] == "no-store"
    assert json.loads(body) == {"code": "range_not_satisfiable", "length": length}


def test_the_connection_stays_usable_after_every_kind_of_answer(server):
    """RFC 9112 section 9.3: nobody has to guess where an answer ends."""
    connection = http.client.HTTPConnection(*server, timeout=60)
    try:
        connection.connect()
        first_socket = connection.sock
        for method in ("GET", "HEAD"):
            for asked, _ in ANSWERS:
                connection.request(method, "/immutable/picture", headers=asked)
                connection.getresponse().read()
                assert connection.sock is first_socket
    finally:
        connection.close()


@pytest.mark.parametrize("name", ["breaks", pytest.param("short", marks=pytest.mark.long)])
def test_the_server_cuts_the_connection_when_a_body_cannot_go_on(server, name):
    """RFC 9112 section 8: incomplete, and visibly so."""
    with pytest.raises(http.client.IncompleteRead) as cut:
        fetch(server, f"/immutable/{name}")
    assert CONTENT.startswith(cut.value.partial)
    answer, body = fetch(server, "/immutable/picture")
    assert (answer.status, body) == (200, CONTENT)


def test_the_server_says_503_when_the_first_bytes_do_not_come(server):
    answer, _ = fetch(server, "/immutable/away")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")


def test_the_reader_is_closed_when_the_caller_leaves(server):
    with socket.create_connection(server, timeout=60) as connection:
        connection.sendall(raw_request("GET", "/immutable/big"))
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")
    _, body = fetch(server, "/closed/big/wait")
    told = json.loads(body)
    assert (told["closed"], told["open"]) == (True, 0)
    assert told["read"] < 64 * 1024 * 1024
