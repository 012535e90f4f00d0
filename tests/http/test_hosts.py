"""A request belongs to the site whose host it was sent to; no other name is believed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, request

from avenue.config import Settings
from tests.http.web_app import HOST, Server, gunicorn, whole_app
from tests.table import table

SENT = {
    "X-Forwarded-For": "203.0.113.9, 198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "b.example",
}


def app_behind(proxies: int) -> Flask:
    app = whole_app(Settings(local=True, proxy_hops=proxies))

    @app.get("/seen")
    def seen() -> dict[str, object]:
        return {"address": request.remote_addr, "scheme": request.scheme, "host": request.host}

    return app


@pytest.mark.parametrize(("host", "name"), [(HOST, "Zapatos"), ("B.example", "B")])
def test_the_host_names_the_site(host: str, name: str) -> None:
    answer = whole_app().test_client().get("/page", headers={"Host": host})
    assert answer.text == f"<p>{name}</p>"


@table(
    "host", ["evil.example", "shop.example:81", "shop.example.", "", "a b/../", "shop.example@x"]
)
@table("path", ["/page", "/api/things", "/nowhere"])
def test_any_other_host_is_refused(host: str, path: str) -> None:
    answer = whole_app().test_client().get(path, headers={"Host": host})
    assert (answer.status_code, answer.json["code"]) == (400, "unknown_host")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_machines_need_no_host(path: str) -> None:
    app = whole_app()
    if path != "/healthz":
        app.add_url_rule(path, path[1:], lambda: "ok")
    assert app.test_client().get(path, headers={"Host": "10.0.0.7:8000"}).text == "ok"


def test_without_a_proxy_nothing_forwarded_is_believed() -> None:
    answer = app_behind(0).test_client().get("/seen", headers={"Host": HOST, **SENT})
    assert answer.json == {"address": "127.0.0.1", "scheme": "http", "host": HOST}


@pytest.mark.parametrize(("proxies", "address"), [(1, "198.51.100.7"), (2, "203.0.113.9")])
def test_behind_proxies_the_nearest_ones_are_believed(proxies: int, address: str) -> None:
    sent = {**SENT, "X-Forwarded-Proto": "https, https"}
    answer = app_behind(proxies).test_client().get("/seen", headers={"Host": HOST, **sent})
    assert answer.json == {"address": address, "scheme": "https", "host": HOST}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with gunicorn(tmp_path_factory.mktemp("gunicorn") / "log") as running:
        yield running


@pytest.mark.long
@pytest.mark.parametrize("line", [b"", b"Host: \r\n", b"Host: a b/../\r\n", b"Host: \xff\r\n"])
def test_no_host_or_none_that_can_be_one_is_400(server: Server, line: bytes) -> None:
    answer = server.say(b"GET /page HTTP/1.1\r\n" + line + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.long
def test_a_whole_address_in_the_request_line_does_not_choose_the_site(server: Server) -> None:
    sent = b"GET http://b.example/page HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    assert server.say(sent).startswith(b"HTTP/1.1 400 ")


@pytest.mark.long
def test_the_server_ran_without_a_traceback(server: Server) -> None:
    server.say(b"GET /page HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n\r\n")
    assert "Traceback" not in Path(server.log).read_text()
