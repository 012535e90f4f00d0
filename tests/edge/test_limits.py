"""What one address may have of nginx itself."""

import contextlib
import http.client
import itertools
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.mongod import Guard
from tests.nginx import Nginx
from tests.threads import Threads


def test_an_address_has_no_more_connections_than_it_may(guard: Guard) -> None:
    """Two wait for an answer that never comes, and the third is told so."""
    changes = {"limit_conn connections 500;": "limit_conn connections 2;"}
    with socket.create_server(("127.0.0.1", 0)) as silent, contextlib.ExitStack() as stack:
        silent.settimeout(60)
        port = silent.getsockname()[1]
        edge = stack.enter_context(Nginx(guard, [port, port], changes))
        for number in range(3):
            client = socket.create_connection(("127.0.0.1", edge.port), 60)
            stack.enter_context(client).sendall(b"GET / HTTP/1.1\r\nHost: any\r\n\r\n")
            if number < 2:
                stack.enter_context(silent.accept()[0])
        assert client.recv(12) == b"HTTP/1.1 429"


class Page(BaseHTTPRequestHandler):
    """An application that has the same answer for everything."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page() -> Iterator[int]:
    """The port of an application that answers at once."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server, Threads(1) as threads:
        threads.submit(server.serve_forever)
        yield server.server_port
        server.shutdown()


def asked(port: int, count: int, clients: int = 1) -> list[int]:
    """Ask for `count` different pages in turn by `clients` connections; return the statuses."""
    lines = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(clients)]
    statuses = []
    for number, line in zip(range(count), itertools.cycle(lines), strict=False):
        line.request("GET", f"/?n={number}")
        with line.getresponse() as answer:
            answer.read()
            statuses.append(answer.status)
    for line in lines:
        line.close()
    return statuses


def test_an_address_asks_no_more_than_it_may(guard: Guard, page: int) -> None:
    changes = {"rate=300r/s": "rate=1r/m", "burst=3000": "burst=9"}
    with Nginx(guard, [page, page], changes) as edge:
        assert asked(edge.port, 12) == [204] * 10 + [429] * 2


def test_an_office_behind_one_address_is_not_refused(guard: Guard, page: int) -> None:
    """50 people open a page of 20 pictures at the same time."""
    with Nginx(guard, [page, page], {}) as edge:
        assert set(asked(edge.port, 1000, clients=50)) == {204}


def answered(port: int, method: str, path: str, agent: str = "Mozilla/5.0") -> int:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as line:
        line.request(method, path, headers={"User-Agent": agent})
        return line.getresponse().status


def test_what_nobody_should_ask_for_never_reaches_avenue(guard: Guard, page: int) -> None:
    with Nginx(guard, [page, page]) as edge:
        for path in (
            *("/wp-login.php", "/WP-admin/x", "/.env", "/.git/config", "/%2egit/config"),
            *("/cgi-bin/x", "/xmlrpc.php", "/vendor/phpunit/x", "//.env"),
        ):
            assert answered(edge.port, "GET", path) == 404, path
        assert answered(edge.port, "GET", "/", "sqlmap/1.8") == 404
        for method in ("TRACK", "PROPFIND", "FOO"):
            assert answered(edge.port, method, "/") == 404, method
        for path in (
            *("/", "/products/x/git", "/uploads/old.env.jpg", "/p/wp-login", "/api/uploads/a.git"),
            *("/.well-known/acme-challenge/x", "/images/foto.php", "/wp-content/uploads/foto.jpg"),
        ):
            assert answered(edge.port, "GET", path) == 204, path


def test_who_guesses_is_stopped_and_nobody_else(guard: Guard, page: int) -> None:
    changes = {
        "limit_req zone=guesses burst=30 nodelay;": "limit_req zone=guesses burst=2 nodelay;"
    }
    with Nginx(guard, [page, page], changes) as edge:
        paths = ("/login", "/login/second-factor", "/api/auth/login", "/api/auth/tokens")
        statuses = [answered(edge.port, "POST", path) for path in paths]
        assert statuses == [204, 204, 204, 429]
        for method, path in (("GET", "/login"), ("POST", "/loginx"), ("POST", "/api/uploads")):
            assert answered(edge.port, method, path) == 204, path
