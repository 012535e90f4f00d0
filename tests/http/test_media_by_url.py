"""Pictures of the library by their URL: fetched, checked, and stored like any other."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from avenue.app.gate import seconds_for
from avenue.builder.library.service import MediaService
from avenue.media.pictures.limits import MB
from avenue.outside.dialling import dial
from avenue.outside.fetching import Fetcher
from tests.http.application import Application, Caller, a_picture, unique
from tests.http.test_media_library import FILED_KEYS, MEDIA, a_folder, code
from tests.table import table
from tests.unit.outside.test_fetching import HOST, PUBLIC, Origin, redirect, reply, whole

URL = f"http://{HOST}/fotos/playa.png"


@pytest.fixture
def origin() -> Iterator[Origin]:
    origin = Origin(None)
    yield origin
    origin.close()


@pytest.fixture
def editor(application: Application, as_editor: Caller, origin: Origin) -> Caller:
    """An editor for whose application every public address is the origin."""
    app = application.with_settings(max_media_mb=1)

    def connect(address: str, _port: int, seconds: float) -> socket.socket:
        assert address == PUBLIC
        return dial("127.0.0.1", origin.port, seconds)

    service: MediaService = app.extensions["avenue"][MediaService]
    service._fetcher = Fetcher(
        seconds=5,
        tmp_dir=application.settings.tmp_dir,
        resolve=lambda _host, _seconds: [PUBLIC],
        connect=connect,
    )
    return replace(as_editor, app=app)


def test_a_picture_is_fetched_into_its_folder(editor, origin, nobody):
    data, folder = a_picture(), a_folder(editor)["id"]
    origin.answers = [whole(data)]
    answer = editor.post(MEDIA, json={"url": URL, "folder": folder})
    assert answer.status_code == 201, answer.text
    file = answer.json["file"]
    assert set(file) == FILED_KEYS
    # What it is, its bytes say, not its address.
    assert (file["name"], file["folder"]) == ("playa.jpg", folder)
    assert nobody.get(file["url"]).data == data


def test_the_same_bytes_from_there_are_the_picture_that_is_there(editor, origin):
    data = a_picture()
    origin.answers = [whole(data)] * 3
    first = editor.post(MEDIA, json={"url": URL}).json
    assert editor.post(MEDIA, json={"url": URL}).json["file"]["duplicate_of"] == first["id"]
    used = editor.post(MEDIA, query_string={"duplicates": "use"}, json={"url": URL})
    assert (used.status_code, used.json["id"]) == (200, first["id"])


def test_a_request_sent_again_with_its_key_is_one_picture(editor, origin):
    origin.answers, key = [whole(a_picture())] * 2, {"Idempotency-Key": unique("key-")}
    first, second = (editor.post(MEDIA, json={"url": URL}, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json["files"] == first.json["files"]


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
LOST = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"


@table(
    "url, answers, refusal",
    [
        ("ftp://pictures.example/a.png", [], (400, "bad_url")),
        ("cannot be fetched from this address", [], (400, "bad_url")),
        ("http://127.0.0.1/a.png", [], (422, "address_not_allowed")),
        ("http://[::ffff:10.0.0.1]/", [], (422, "address_not_allowed")),
        (URL, [redirect("http://169.254.169.254/")], (422, "address_not_allowed")),
        (URL, [reply(LOST)], (422, "fetch_failed")),
        (URL, [whole(b"x" * (MB + 1))], (413, "file_too_large")),
        (URL, [whole(SVG)], (415, "unsupported_media_type")),
        (URL, [whole(b"")], (422, "empty_file")),
    ],
)
def test_what_is_not_taken_leaves_nothing(application, editor, origin, url, answers, refusal):
    origin.answers = list(answers)
    before = application.counts()
    assert code(editor.post(MEDIA, json={"url": url})) == refusal
    assert application.counts() == before


@table("body", [{}, {"url": 7}, {"url": ""}, {"url": "x" * 2001}, {"src": URL}])
def test_what_is_no_address(editor, body):
    assert code(editor.post(MEDIA, json=body)) == (400, "invalid_body")


@table(
    "method, path, body, is_long",
    [
        ("POST", MEDIA, {"json": {"url": URL}}, True),
        ("POST", MEDIA, {"data": b"x", "content_type": "image/png"}, False),
        ("POST", f"{MEDIA}/move", {"json": {"url": URL}}, False),
        ("PUT", f"{MEDIA}/{'x' * 22}/file", {"data": b"x"}, False),
    ],
)
def test_a_picture_that_is_fetched_has_the_time_to_come(
    application: Application, method: str, path: str, body: dict[str, Any], is_long: bool
) -> None:
    settings = replace(application.settings, fetch_seconds=30, write_seconds=15)
    with application.app.test_request_context(path, method=method, **body):
        seconds = seconds_for(method, settings)
    assert seconds == pytest.approx(45 if is_long else 15, abs=1)
