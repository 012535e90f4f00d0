"""What one person sends never changes what the next one gets: at the edge, and at Avenue itself.

Each row is sent before anybody has asked (cold) and once the answer is at hand (hot); each time the
next plain answer is the clean one, byte for byte. A new name of the shop is a place where nothing
is kept yet.
"""

import contextlib
import socket
from itertools import cycle

import pytest

from tests.edge.deployment import Deployment, comparable, new_host, plain, plainest, talk
from tests.http.test_fast_lane import lane_answers
from tests.waiting import DEADLINE_SECONDS, wait_until

EVIL = "evil.example"
FIELDS = {
    "host": (f"Host: {EVIL}",),
    "host twice": ("Host: {host}", f"Host: {EVIL}"),
    "host with a port": ("Host: {host}:81",),
    "host with a user": (f"Host: {EVIL}@{{host}}",),
    "host with a path": ("Host: {host}/media",),
    "host in capitals": ("Host: {HOST}",),
    "host with a dot": ("Host: {host}.",),
    "no host": (),
    "x-forwarded-host": ("Host: {host}", f"X-Forwarded-Host: {EVIL}"),
    "x-host": ("Host: {host}", f"X-Host: {EVIL}"),
    "x-forwarded-server": ("Host: {host}", f"X-Forwarded-Server: {EVIL}"),
    "x-forwarded-proto": ("Host: {host}", "X-Forwarded-Proto: http"),
    "x-forwarded-proto nonsense": ("Host: {host}", 'X-Forwarded-Proto: javascript"><'),
    "x-forwarded-scheme": ("Host: {host}", "X-Forwarded-Scheme: http"),
    "x-forwarded-ssl": ("Host: {host}", "X-Forwarded-Ssl: on"),
    "x-forwarded-port": ("Host: {host}", "X-Forwarded-Port: 1"),
    "x-forwarded-prefix": ("Host: {host}", f"X-Forwarded-Prefix: //{EVIL}"),
    "x-forwarded-for": ("Host: {host}", "X-Forwarded-For: 127.0.0.1, 10.0.0.1"),
    "x-real-ip": ("Host: {host}", "X-Real-IP: 127.0.0.1"),
    "forwarded": ("Host: {host}", f"Forwarded: for=127.0.0.1;host={EVIL};proto=http"),
    "x-original-url": ("Host: {host}", "X-Original-URL: /login"),
    "x-rewrite-url": ("Host: {host}", "X-Rewrite-URL: /login"),
    "x-script-name": ("Host: {host}", "X-Script-Name: /login"),
    "script_name": ("Host: {host}", "SCRIPT_NAME: /login"),
    "path_info": ("Host: {host}", "PATH-INFO: /login"),
    "x-http-method-override": ("Host: {host}", "X-HTTP-Method-Override: DELETE"),
    "x-http-method": ("Host: {host}", "X-HTTP-Method: DELETE"),
    "x-method-override": ("Host: {host}", "X-Method-Override: POST"),
    "range": ("Host: {host}", "Range: bytes=0-0"),
    "range behind the end": ("Host: {host}", "Range: bytes=999999999-"),
    "range twice": ("Host: {host}", "Range: bytes=0-0", "Range: bytes=1-1"),
    "ranges": ("Host: {host}", "Range: bytes=0-0,2-3"),
    "if-range": ("Host: {host}", 'If-Range: "a"', "Range: bytes=0-0"),
    "if-none-match": ("Host: {host}", "If-None-Match: *"),
    "if-match": ("Host: {host}", 'If-Match: "a"'),
    "if-modified-since": ("Host: {host}", "If-Modified-Since: Fri, 31 Dec 2100 23:59:59 GMT"),
    "if-unmodified-since": ("Host: {host}", "If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT"),
    "accept": ("Host: {host}", "Accept: application/json"),
    "accept-encoding": ("Host: {host}", "Accept-Encoding: gzip, br, identity;q=0"),
    "accept-language": ("Host: {host}", "Accept-Language: en"),
    "accept-charset": ("Host: {host}", "Accept-Charset: utf-16"),
    "cookie": ("Host: {host}", "Cookie: avenue_language=en; avenue_theme=dark"),
    "a session": ("Host: {host}", "Cookie: avenue_session=rubbish"),
    "authorization": ("Host: {host}", "Authorization: Bearer rubbish"),
    "basic authorization": ("Host: {host}", "Authorization: Basic YTpi"),
    "origin": ("Host: {host}", f"Origin: https://{EVIL}"),
    "referer": ("Host: {host}", f"Referer: https://{EVIL}/"),
    "cache-control": ("Host: {host}", "Cache-Control: no-store, no-cache, max-age=0"),
    "pragma": ("Host: {host}", "Pragma: no-cache"),
    "x-accel-expires": ("Host: {host}", "X-Accel-Expires: 99999"),
    "x-accel-redirect": ("Host: {host}", "X-Accel-Redirect: /metrics"),
    "x-request-id": ("Host: {host}", "X-Request-ID: mine"),
    "connection names host": ("Host: {host}", "Connection: close, host, range"),
    "upgrade": ("Host: {host}", "Connection: upgrade", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
    "expect": ("Host: {host}", "Expect: 100-continue"),
    "te": ("Host: {host}", "TE: trailers"),
    "user-agent": ("Host: {host}", "User-Agent: " + "a" * 4000),
    "a long field": ("Host: {host}", "X-Long: " + "a" * 7000),
    "an odd name": ("Host: {host}", "X_Forwarded_Host: evil.example"),
    "a control character": ("Host: {host}", "X-Odd: a\x01b"),
}
LINES = {
    "a query": "GET {path}?x=1 HTTP/1.1",
    "an empty query": "GET {path}? HTTP/1.1",
    "a download": "GET {path}?download=1 HTTP/1.1",
    "a signature": "GET {path}?e=1&k=2&s=3 HTTP/1.1",
    "a query that is cut": "GET {path}?utm_source=x;download=1 HTTP/1.1",
    "an encoded dot": "GET {dotted} HTTP/1.1",
    "an encoded slash": "GET {slashed} HTTP/1.1",
    "doubled slashes": "GET /{path} HTTP/1.1",
    "a parameter": "GET {path};x=1 HTTP/1.1",
    "up and down": "GET /login/..{path} HTTP/1.1",
    "a dot": "GET /.{path} HTTP/1.1",
    "a slash behind": "GET {path}/ HTTP/1.1",
    "another extension behind": "GET {path}/a.css HTTP/1.1",
    "an encoded end": "GET {path}%00.css HTTP/1.1",
    "an encoded query": "GET {path}%3Fdownload=1 HTTP/1.1",
    "a backslash": "GET {path}\\..\\ HTTP/1.1",
    "absolute": f"GET http://{EVIL}{{path}} HTTP/1.1",
    "absolute with our host": "GET http://{host}{path} HTTP/1.1",
    "absolute with a query": "GET http://{host}{path}?x=1 HTTP/1.1",
    "head": "HEAD {path} HTTP/1.1",
    "options": "OPTIONS {path} HTTP/1.1",
    "post": "POST {path} HTTP/1.1",
    "delete": "DELETE {path} HTTP/1.1",
    "purge": "PURGE {path} HTTP/1.1",
    "small letters": "get {path} HTTP/1.1",
    "http 1.0": "GET {path} HTTP/1.0",
    "http 1.2": "GET {path} HTTP/1.2",
}
GET = "GET {path} HTTP/1.1\r\nHost: {host}\r\n"
SMUGGLED = "GET /login HTTP/1.1\r\nHost: evil.example\r\n\r\n"
BODIES = {
    "a fat get": GET + "Content-Length: 9\r\n\r\ndownload=",
    "a fat get of a form": GET
    + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\ndownload=1",
    "a chunked get": GET + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "length and chunks": GET
    + f"Content-Length: {len(SMUGGLED) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n"
    + f"0\r\n\r\n{SMUGGLED}",
    "chunks and length": GET
    + f"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n2a\r\n{SMUGGLED}\r\n0\r\n\r\n",
    "two lengths": GET + f"Content-Length: 0\r\nContent-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "a list of lengths": GET + f"Content-Length: 0, {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "a plus before the length": GET + f"Content-Length: +{len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "unknown coding": GET + f"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "two codings": GET + f"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "a space before the colon": GET
    + f"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "a tab before the value": GET + f"Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "a folded field": GET + f"X: a\r\n Transfer-Encoding: chunked\r\n\r\n{SMUGGLED}",
    "a bare line feed": GET + f"X: a\nContent-Length: 5\r\n\r\n{SMUGGLED}",
    "a bare return": GET + f"X: a\rContent-Length: 5\r\n\r\n{SMUGGLED}",
    "a size of chunk with more": GET
    + f"Transfer-Encoding: chunked\r\n\r\n0;{'a' * 50}\r\n\r\n{SMUGGLED}",
    "a broken chunk": GET + f"Transfer-Encoding: chunked\r\n\r\nzz\r\n{SMUGGLED}",
    "a second request": GET + f"\r\n{SMUGGLED}",
    "a body nobody announced": GET + "\r\nhello\r\n\r\n",
    "a cut line": "GET {path} HTTP/1.1\r\nHost: {host}",
}


def requests() -> dict[str, str]:
    """Every hostile request, with places for path and host."""
    close = "Connection: close\r\n\r\n"
    fields = {
        f"field {name}": "\r\n".join(("GET {path} HTTP/1.1", *lines)) + f"\r\n{close}"
        for name, lines in FIELDS.items()
    }
    lines = {f"line {name}": f"{line}\r\nHost: {{host}}\r\n{close}" for name, line in LINES.items()}
    return {**fields, **lines, **{f"body {name}": text for name, text in BODIES.items()}}


def hostile(text: str, path: str, host: str) -> bytes:
    """One hostile request for `path` of `host`."""
    places = {
        "{path}": path,
        "{host}": host,
        "{HOST}": host.upper(),
        "{dotted}": path.replace(".", "%2e"),
        "{slashed}": path.replace("/media/", "/media%2F"),
    }
    for place, value in places.items():
        text = text.replace(place, value)
    return text.encode("latin-1")


def send(port: int, data: bytes) -> None:
    """Send what may never be answered, and go."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS) as client,
    ):
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while client.recv(1 << 16):
            pass


@pytest.fixture(params=["edge", "avenue"])
def port(request: pytest.FixtureRequest, deployment: Deployment) -> int:
    """Who is asked: nginx, or Avenue without anything in front."""
    return deployment.edge.port if request.param == "edge" else deployment.app.port


def asked(deployment: Deployment, port: int, path: str, host: str) -> list[bytes]:
    """What the next one gets: from Avenue by a thread, and then by the event loop's fast lane."""
    answers = [talk(port, plain(path, host))]
    if port == deployment.app.port:
        answers.append(talk(port, plainest(path, host), half_close=True))
    return [comparable(each) for each in answers]


def test_the_next_one_gets_the_clean_answer(deployment: Deployment) -> None:
    """Each is sent for one of the two files, and to one of the two who may be asked."""
    ways = [
        (port, which)
        for which in ("thumb", "original")
        for port in (deployment.edge.port, deployment.app.port)
    ]
    clean = {way: the_clean_answer(deployment, *way) for way in ways}
    for name, way in zip(requests(), cycle(ways)):
        assert_the_next_one_gets(clean[way], deployment, *way, name)


@pytest.mark.long
@pytest.mark.parametrize("which", ["thumb", "original"])
def test_the_next_one_gets_the_clean_answer_of_everybody(
    deployment: Deployment, port: int, which: str
) -> None:
    clean = the_clean_answer(deployment, port, which)
    for name in requests():
        assert_the_next_one_gets(clean, deployment, port, which, name)


def the_clean_answer(deployment: Deployment, port: int, which: str) -> list[bytes]:
    clean = asked(deployment, port, getattr(deployment, which), new_host())
    assert all(each.startswith(b"HTTP/1.1 200 ") for each in clean)
    return clean


def assert_the_next_one_gets(
    clean: list[bytes], deployment: Deployment, port: int, which: str, name: str
) -> None:
    path, host = getattr(deployment, which), new_host()
    for when in ("cold", "hot"):
        send(port, hostile(requests()[name], path, host))
        assert asked(deployment, port, path, host) == clean, (name, when, which, port)


def test_the_fast_lane_is_among_those_who_were_asked(deployment: Deployment) -> None:
    host = new_host()
    asked(deployment, deployment.app.port, deployment.thumb, host)
    before = lane_answers(deployment.app)
    asked(deployment, deployment.app.port, deployment.thumb, host)
    wait_until(lambda: lane_answers(deployment.app) > before, "its line in the log")


def test_nothing_evil_is_kept(deployment: Deployment) -> None:
    """After all of the above, and again at once."""
    for text in requests().values():
        send(deployment.edge.port, hostile(text, deployment.thumb, new_host()))
    assert not [each for each in deployment.edge.stored() if EVIL.encode() in each]
