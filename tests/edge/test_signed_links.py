"""Signed links behind the edge: they pass, nothing of them is kept, and no log has one."""

import re
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from tests import pictures
from tests.edge.deployment import MIB, talk
from tests.mongod import Guard
from tests.nginx import Nginx
from tests.server import Client, Server, path_of, prepare
from tests.waiting import DEADLINE_SECONDS, wait_until

LANE: dict[str, str] = {}
STOCK = {"GUNICORN_CMD_ARGS": "--worker-class=gthread --access-logfile=-"}
"""gunicorn's own worker and its log of requests, as nobody should run it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A private picture behind nginx, and everything that is written down."""

    app: Server
    edge: Nginx
    owner: Client
    id: str
    data: bytes = field(repr=False)

    def link(self, **wanted: object) -> str:
        """The address behind the host."""
        path = f"/api/uploads/{self.id}/sign"
        answer = self.owner.send_json("POST", path, wanted)
        assert answer.status == 200, answer
        url: str = answer.json["url"]
        return path_of(url) + "?" + url.partition("?")[2]

    def written(self) -> str:
        return self.app.log.read_text() + self.edge.log + self.edge.errors


by_lane = pytest.mark.parametrize("shared", ["lane"], indirect=True)


@pytest.fixture(scope="module", params=["lane", pytest.param("stock", marks=pytest.mark.long)])
def shared(request: pytest.FixtureRequest, shared_uri: str, guard: Guard) -> Iterator[Shared]:
    prepare(shared_uri)
    data = pictures.photo(1300, 900, format="PNG", seed=41)
    env = {"AVENUE_PROXY_HOPS": "1", **(STOCK if request.param == "stock" else LANE)}
    with Server(guard, shared_uri, **env) as app, Nginx(guard, [app.port]) as edge:
        owner = app.seller()
        yield Shared(app=app, edge=edge, owner=owner, id=stored(owner, data), data=data)


def stored(owner: Client, data: bytes) -> str:
    """The id of a private upload."""
    answer = owner.request("POST", "/api/uploads?name=comprobante", data)
    assert answer.status == 201, answer
    found: str = answer.json["id"]
    return found


def get(path: str, *lines: str, line: str = "GET {path} HTTP/1.1") -> bytes:
    fields = ("Host: localhost", "Connection: close", *lines)
    return "\r\n".join([line.format(path=path), *fields, "", ""]).encode("latin-1")


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


@by_lane
def test_a_link_passes_the_edge_and_leaves_nothing_there(shared):
    path, before = shared.link(expires_in=1000), shared.edge.stored()
    first, second = (talk(shared.edge.port, get(path)) for _ in range(2))
    assert body_of(first) == body_of(second) == shared.data
    found = re.search(rb"Cache-Control: private, max-age=([0-9]+), must-revalidate\r\n", first)
    assert found
    assert 0 < int(found[1]) <= 1250
    part = talk(shared.edge.port, get(path, "Range: bytes=1048570-1048590"))
    assert body_of(part) == shared.data[1048570:1048591]
    assert shared.edge.stored() == before
    plain = talk(shared.edge.port, get(path.partition("?")[0]))
    assert plain.startswith(b"HTTP/1.1 404 ")


@by_lane
def test_what_is_revoked_is_revoked_at_the_edge(shared):
    path = shared.link(expires_in=2000)
    assert talk(shared.edge.port, get(path)).startswith(b"HTTP/1.1 200 ")
    ended = shared.owner.request("POST", f"/api/uploads/{shared.id}/revoke")
    assert ended.status == 204
    for port in (shared.edge.port, shared.app.port):
        assert talk(port, get(path)).startswith(b"HTTP/1.1 404 ")


REQUESTS = {
    "good": ((), "GET {path} HTTP/1.1"),
    "head": ((), "HEAD {path} HTTP/1.1"),
    "a range": (("Range: bytes=0-9",), "GET {path} HTTP/1.1"),
    "altered": ((), "GET {path}x HTTP/1.1"),
    "longer": ((), "GET {path}&utm_source=a HTTP/1.1"),
    "another method": ((), "POST {path} HTTP/1.1"),
    "no method": ((), "G@T {path} HTTP/1.1"),
    "no version": ((), "GET {path} HTTP/9.9"),
    "no end": ((), "GET {path}"),
    "two targets": ((), "GET {path} {path} HTTP/1.1"),
    "absolute": ((), "GET http://localhost{path} HTTP/1.1"),
    "another host": ((), "GET http://elsewhere.example{path} HTTP/1.1"),
    "a bad field": (("Bad Field: {path}",), "GET {path} HTTP/1.1"),
    "a bad length": (("Content-Length: {path}",), "GET {path} HTTP/1.1"),
    "a coding": (("Transfer-Encoding: {path}",), "POST {path} HTTP/1.1"),
    "referred": (("Referer: http://localhost{path}",), "GET / HTTP/1.1"),
    "expecting": (("Expect: {path}",), "GET {path} HTTP/1.1"),
    "too long a line": ((), "GET {path}" + "x" * 20_000 + " HTTP/1.1"),
    "too long a field": (("X-Long: {path}" + "x" * 40_000,), "GET {path} HTTP/1.1"),
}


def test_no_log_has_a_link(shared):
    path = shared.link(download=True)
    signature = path.rpartition("s=")[2]
    for lines, line in REQUESTS.values():
        sent = get(path, *(each.format(path=path) for each in lines), line=line)
        for port in (shared.app.port, shared.edge.port):
            try:
                talk(port, sent, half_close=True)
            except ConnectionError:
                continue  # it was refused while it was still being sent
    marks = [answered(port) for port in (shared.app.port, shared.edge.port)]
    wait_until(lambda: all(each in shared.written() for each in marks), "all is written down")
    assert signature not in shared.written()
    assert shared.id not in shared.edge.log + shared.edge.errors


def answered(port: int) -> str:
    """The id of a request nobody else has sent, as it will be in the log."""
    found = re.search(rb"X-Request-ID: (\S+)", talk(port, get("/readyz")))
    assert found
    return found[1].decode()


@by_lane
def test_nginx_in_trouble_writes_down_no_link(shared, guard):
    """With its disk full or gone it could complain, with the request it was busy with."""
    large = b"PK\x03\x04" + bytes(20 * MIB)
    path = replace(shared, id=stored(shared.owner, large)).link()
    with Nginx(guard, [shared.app.port]) as edge:
        place = edge.directory / "answers"
        shutil.rmtree(place)
        place.write_text("not a folder")
        with socket.create_connection(("127.0.0.1", edge.port), DEADLINE_SECONDS) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.sendall(get(path))
            wait_until(lambda: edge.log, "nginx gives up")
        assert int(edge.lines()[0]["bytes"]) < len(large)
        assert path.rpartition("s=")[2] not in edge.errors + edge.log
        assert path.split("/")[2] not in edge.errors + edge.log
