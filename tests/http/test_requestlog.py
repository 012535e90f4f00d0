"""One line per request: what was asked for, how it went, how much was really sent. No secrets."""

import io
import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from avenue.identity import is_id
from avenue.web.requestlog import TRIED_SECONDS, JsonLines, RequestLog, request_id
from tests.http.web_app import (
    HOST,
    STREAMED_BLOCK,
    STREAMED_BLOCKS,
    Server,
    eventually_line,
    gunicorn,
    whole_app,
)
from tests.waiting import DEADLINE_SECONDS


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("avenue")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def app() -> Flask:
    return whole_app()


def ask(app: Flask, path: str, **kwargs: object) -> object:
    """Ask `app` and read the answer to its end, as servers do."""
    return app.test_client().open(path, buffered=True, **kwargs)


def written(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_has_one_line(app: Flask, lines: io.StringIO) -> None:
    answer = ask(app, "/api/things", headers={"Host": HOST})
    [line] = written(lines)
    assert list(line) == ["at", "id", "method", "route", "status", "bytes", "ms"]
    assert line["id"] == answer.headers["X-Request-ID"]
    assert is_id(str(line["id"]))
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/things", 200)
    assert line["bytes"] == len(answer.data)
    assert isinstance(line["ms"], float)
    assert str(line["at"]).endswith("Z")


def test_the_time_that_was_tried_before_counts(app: Flask, lines: io.StringIO) -> None:
    """The fast lane has asked a database that did not answer; the caller waited for that, too."""
    ask(app, "/api/things", headers={"Host": HOST}, environ_overrides={TRIED_SECONDS: 3.0})
    [line] = written(lines)
    assert 3000 <= line["ms"] < 60_000


def test_the_line_holds_no_secret(app: Flask, lines: io.StringIO) -> None:
    ask(
        app,
        "/api/secret/ana@example.com?token=hunter2",
        headers={
            "Host": HOST,
            "Authorization": "Bearer hunter2",
            "Cookie": "session=hunter2",
            "X-Request-ID": "hunter2",
            "User-Agent": "hunter2",
        },
        environ_base={"REMOTE_ADDR": "192.0.2.77"},
    )
    line = written(lines)[-1]
    assert line["route"] == "/api/secret/<name>"
    for secret in ("hunter2", "ana@example.com", "192.0.2.77"):
        assert secret not in json.dumps(line)


def test_our_fault_has_its_traceback_with_the_same_id(app: Flask, lines: io.StringIO) -> None:
    answer = ask(app, "/api/secret/x", headers={"Host": HOST})
    fault, line = written(lines)
    assert fault["id"] == line["id"] == answer.json["request_id"]
    assert fault["level"] == "error"
    assert "RuntimeError" in str(fault["traceback"])
    assert line["status"] == 500


@pytest.mark.parametrize(
    ("path", "host", "status", "route"),
    [
        ("/nowhere/ana", HOST, 404, None),
        ("/api/things", "evil.example", 400, "/api/things"),
        ("/healthz", "x", 200, "/healthz"),
    ],
)
def test_refused_requests_have_a_line_too(
    app: Flask, lines: io.StringIO, path: str, host: str, status: int, route: str | None
) -> None:
    answer = ask(app, path, headers={"Host": host})
    [line] = written(lines)
    assert (line["status"], line["route"]) == (status, route)
    assert line["id"] == answer.headers["X-Request-ID"]


def test_line_ends_of_others_cannot_end_a_line(app: Flask, lines: io.StringIO) -> None:
    ask(app, "/api/things", method="GET\r\n{}\u2028", headers={"Host": HOST})
    logging.getLogger("avenue").warning("name: %s", "a\r\nb\u2028c")
    assert len(lines.getvalue().splitlines()) == 2
    assert lines.getvalue().count("\r") == 0


def test_the_id_ends_with_the_request(app: Flask, lines: io.StringIO) -> None:
    ask(app, "/healthz")
    assert request_id() == ""
    logging.getLogger("avenue").warning("alone")
    assert "id" not in written(lines)[-1]


def test_what_nobody_answered_is_logged_and_passed_on(lines: io.StringIO) -> None:
    def broken(_environ: object, _start: object) -> list[bytes]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        RequestLog(broken)({"REQUEST_METHOD": "GET"}, lambda *_: lambda _: None)
    fault, line = written(lines)
    assert "ZeroDivisionError" in str(fault["traceback"])
    assert (line["status"], line["aborted"]) == (500, True)


def test_an_answer_that_breaks_off_says_so(app: Flask, lines: io.StringIO) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"abc"
        raise ConnectionResetError

    app.add_url_rule("/broken", "broken", lambda: app.response_class(pieces()))
    with pytest.raises(ConnectionResetError):
        ask(app, "/broken", headers={"Host": HOST})
    fault, line = written(lines)
    assert "ConnectionResetError" in str(fault["traceback"])
    assert (line["status"], line["bytes"], line["aborted"]) == (200, 3, True)
    assert fault["id"] == line["id"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with gunicorn(tmp_path_factory.mktemp("gunicorn") / "log") as running:
        yield running


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()


def answered_id(head: bytes) -> str:
    [line] = [each for each in head.split(b"\r\n") if each.lower().startswith(b"x-request-id:")]
    return line.split(b":")[1].strip().decode()


@pytest.mark.long
class TestUnderGunicorn:
    def test_all_bytes_of_a_stream_are_counted(self, server: Server) -> None:
        answer = server.say(get("/api/stream"))
        line = json.loads(eventually_line(server.log, answered_id(answer)))
        assert line["bytes"] == len(STREAMED_BLOCK) * STREAMED_BLOCKS
        assert "aborted" not in line

    def test_a_client_that_leaves_is_seen(self, server: Server) -> None:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.sendall(get("/api/stream"))
            head = peer.recv(4096)
        line = json.loads(eventually_line(server.log, f'"id": "{answered_id(head)}"'))
        assert line["aborted"] is True
        assert line["bytes"] < len(STREAMED_BLOCK) * STREAMED_BLOCKS

    def test_head_counts_no_bytes(self, server: Server) -> None:
        answer = server.say(get("/api/things").replace(b"GET", b"HEAD"))
        line = json.loads(eventually_line(server.log, answered_id(answer)))
        assert (line["method"], line["bytes"], line["status"]) == ("HEAD", 0, 200)
        assert "aborted" not in line

    def test_every_line_of_the_worker_is_json_in_the_end(self, server: Server) -> None:
        answer = server.say(get("/api/secret/x"))
        eventually_line(server.log, f'"id": "{answered_id(answer)}", "method"')
        text = server.log.read_text()
        ours = text[text.index('{"at"') :].splitlines()
        assert all(json.loads(line)["at"] for line in ours)
        assert any("RuntimeError" in line and answered_id(answer) in line for line in ours)


def test_the_whole_process_speaks_json() -> None:
    program = """
import logging, warnings
from avenue.web.requestlog import configure_logging
logging.getLogger("gunicorn.error").addHandler(logging.StreamHandler())
logging.getLogger("gunicorn.error").propagate = False
configure_logging()
configure_logging()
logging.getLogger("avenue.jobs").info("swept %d", 3)
logging.getLogger("gunicorn.error").info("booting")
logging.getLogger("avenue").debug("too quiet")
warnings.warn("old")
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_SECONDS,
    )
    assert done.stderr == ""
    messages = [json.loads(line)["message"] for line in done.stdout.splitlines()]
    assert messages[:2] == ["swept 3", "booting"]
    assert "old" in messages[2]
    assert len(messages) == 3


def test_with_a_file_the_terminal_has_one_line_for_each_error(tmp_path: Path) -> None:
    file = tmp_path / "avenue.log"
    program = f"""
import logging
from avenue.web.requestlog import configure_logging
logging.getLogger("gunicorn.error").setLevel(logging.ERROR)
configure_logging({str(file)!r})
logging.getLogger("gunicorn.error").info("booting")
logging.getLogger("avenue").error("of a link: /f/a?s=geheim\\nand more")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("avenue").exception("the request ended in an exception")
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_SECONDS,
    )
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "Error: of a link: /f/a?s=*** and more",
        "Error: the request ended in an exception: ZeroDivisionError: division by zero",
    ]
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines[0]["message"] == "booting"
    assert "Traceback" in lines[2]["traceback"]
