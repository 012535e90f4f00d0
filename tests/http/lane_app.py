"""The application behind the worker in `test_lane.py`; it counts what it was made to believe."""

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from avenue.errors import AvenueError, Unavailable
from avenue.server.fast_lane import AT_HAND
from avenue.server.file_body import Body, FileBody
from avenue.web.requestlog import TRIED_SECONDS
from tests.waiting import let_pass, wait_until

COUNTS = {"whole_bodies": 0, "unfinished_answers": 0, "held_answers": 0}
PIECE = b"a" * 65_536


def app(environ, start_response):
    parts = parse_qs(environ["QUERY_STRING"])
    try:
        return ROUTES[environ["PATH_INFO"]](environ, parts, start_response)
    except AvenueError as error:
        return _json(start_response, {"code": error.code}, f"{error.status} Refused")


def hello(environ, parts, start_response):
    return _json(start_response, {"hello": parts.get("name", ["world"])[0]})


def body(environ, parts, start_response):
    digest, size = hashlib.sha256(), 0
    while piece := environ["wsgi.input"].read(65_536):
        size += len(piece)
        digest.update(piece)
    COUNTS["whole_bodies"] += 1
    return _json(start_response, {"bytes": size, "sha256": digest.hexdigest()})


def note(environ, parts, start_response):
    """Read the body, and leave the `id` of the request in the file `path`."""
    digest = hashlib.sha256(environ["wsgi.input"].read()).hexdigest()
    with Path(parts["path"][0]).open("a") as notes:
        notes.write(f"{parts['id'][0]}\n")
    return _json(start_response, {"id": parts["id"][0], "sha256": digest, "pid": os.getpid()})


def whole(environ, parts, start_response):
    return _json(start_response, {"bytes": len(environ["wsgi.input"].read())})


def refuse(environ, parts, start_response):
    return _json(start_response, {"code": "file_too_large"}, "413 Content Too Large")


def big(environ, parts, start_response):
    pieces = int(parts["mb"][0]) * 16
    start_response("200 OK", [("Content-Length", str(pieces * len(PIECE)))])
    return _pieces(pieces)


def chunks(environ, parts, start_response):
    start_response("200 OK", [])
    return _pieces(int(parts["mb"][0]) * 16)


def _pieces(count):
    COUNTS["unfinished_answers"] += 1
    COUNTS["held_answers"] += 1
    try:
        for number in range(count):
            yield number.to_bytes(4) * (len(PIECE) // 4)
        COUNTS["unfinished_answers"] -= 1
    finally:
        COUNTS["held_answers"] -= 1


def fails(environ, parts, start_response):
    start_response("200 OK", [("Content-Length", str(200 * len(PIECE)))])
    return _failing()


def _failing():
    yield from (PIECE for _ in range(100))
    raise RuntimeError("the database is gone")


def file(environ, parts, start_response):
    handle = tempfile.TemporaryFile()  # noqa: SIM115 - gunicorn closes it
    handle.write(PIECE * 100)
    handle.seek(0)
    start_response("200 OK", [("Content-Length", str(100 * len(PIECE)))])
    return environ["wsgi.file_wrapper"](handle)


def until(environ, parts, start_response):
    """Work until the file `path` is there."""
    Path(parts["started"][0]).touch()
    wait_until(Path(parts["path"][0]).exists, "the test says so")
    return hello(environ, parts, start_response)


def size(environ, parts, start_response):
    """Make a size until the file `path` is there; `started` tells who began, in order."""
    with Path(parts["started"][0]).open("a") as started:
        started.write(f"{parts['name'][0]}\n")
    wait_until(Path(parts["path"][0]).exists, "the test says so")
    return hello(environ, parts, start_response)


def counts(environ, parts, start_response):
    switch = sys.getswitchinterval()
    return _json(start_response, {**COUNTS, "pid": os.getpid(), "switch_seconds": switch})


def broken(environ, parts, start_response):
    raise RuntimeError("as it is")


def scheme(environ, parts, start_response):
    names = ("wsgi.url_scheme", "REMOTE_ADDR", "SCRIPT_NAME", "HTTP_X_FORWARDED_PROTO")
    return _json(start_response, {name: environ.get(name) for name in names})


class Gallery:
    """What the fast lane has at hand: a picture larger than any socket takes at once, a photo.

    And what it has to read first, or tries to, and what it has to look for.
    """

    path = "/media/AbCdEfGhIjKlMnOpQrStUv/0123456789ab/large.webp"
    body = bytes(range(256)) * 4096 * 16
    photo_path = path.replace("large", "photo")
    photo = body[: 400 * 1024]
    read_path = path.replace("large", "read")
    read_large_path = path.replace("large", "readlarge")
    waited_paths = tuple(map(path.replace("large", "waited{}").format, range(10)))
    waited_path = waited_paths[0]
    looked_path = path.replace("large", "looked")
    file_path = path.replace("large", "file")
    ordinary_paths = (photo_path, read_path, read_large_path, *waited_paths, looked_path)
    unreadable_paths = (
        path.replace("large", "away"),
        path.replace("large", "gone"),
        path.replace("large", "bug"),
    )

    def find(self, host, path):
        return Picture(BODIES[path]) if path in BODIES else None

    def at_hand(self, known):
        return known.body if isinstance(known.body, Body) else None

    def read(self, host, path, known):
        return found(known.body())

    def cold_read(self, host, path):
        return (lambda: found(Gallery.photo)) if path == self.looked_path else None


class Picture(NamedTuple):
    """One of the gallery: its body, or what reads that."""

    body: Any
    head_not_modified: bytes = b""
    head_partial: bytes = b""
    site: str = ""
    etag: bytes = b'"x"'

    @property
    def length(self):
        return len(Gallery.photo if callable(self.body) else self.body)

    @property
    def head(self):
        return f"Content-Length: {self.length}\r\n".encode()


def found(body):
    return body and (Picture(body), body)


def in_file(body):
    """The same, in a file without a name."""
    with tempfile.TemporaryFile() as file:
        file.write(body + b"what is behind it")
        file.flush()
        return FileBody(os.dup(file.fileno()), len(body))


def waited_for():
    """Read until somebody opens the gate, the file that the environment names; tell who began."""
    with Path(os.environ["GATE"] + ".begun").open("a") as begun:
        begun.write("1")
    wait_until(Path(os.environ["GATE"]).exists, "the test says so")
    return Gallery.photo


TRIES_SECONDS = 0.2


def away():
    let_pass(TRIES_SECONDS)
    raise Unavailable


def gone():
    let_pass(TRIES_SECONDS)


def bug():
    let_pass(TRIES_SECONDS)
    raise KeyError("nobody has thought of this")


BODIES = {
    Gallery.path: Gallery.body,
    Gallery.photo_path: Gallery.photo,
    Gallery.file_path: in_file(Gallery.body),
    Gallery.read_path: lambda: Gallery.photo,
    Gallery.read_large_path: lambda: Gallery.body,
    **dict.fromkeys(Gallery.waited_paths, waited_for),
    **dict(zip(Gallery.unreadable_paths, (away, gone, bug), strict=True)),
}
app.extensions = {AT_HAND: Gallery()}


def tried(environ, parts, start_response):
    return _json(start_response, {"tried_seconds": environ.get(TRIED_SECONDS)})


def picture(environ, parts, start_response):
    """Answer the ordinary way what the fast lane answers as long as the worker stays."""
    body = Gallery.body if environ["PATH_INFO"] == Gallery.read_large_path else Gallery.photo
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def _json(start_response, value, status="200 OK"):
    text = json.dumps(value).encode()
    start_response(
        status, [("Content-Type", "application/json"), ("Content-Length", str(len(text)))]
    )
    return [text]


ROUTES = {
    "/hello": hello,
    "/body": body,
    "/media/a/b/w640.webp": size,
    "/note": note,
    "/whole": whole,
    "/refuse": refuse,
    "/big": big,
    "/file": file,
    "/until": until,
    "/counts": counts,
    "/scheme": scheme,
    "/broken": broken,
    "/fails": fails,
    "/chunks": chunks,
    **dict.fromkeys(Gallery.ordinary_paths, picture),
    **dict.fromkeys(Gallery.unreadable_paths, tried),
}
