"""A tiny application that delivers files from memory, for the test client and for gunicorn."""

import hashlib
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flask import Flask, Response, request

from avenue.errors import AvenueError, Unavailable
from avenue.media.serving.delivery import IMMUTABLE, PRIVATE, SHORT, deliver

CONTENT = bytes(range(256)) * 4
MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT"
ETAG = '"abc123"'
FRESHNESS = {"immutable": IMMUTABLE, "short": SHORT, "private": PRIVATE}


@dataclass
class MemoryFile:
    """A stored file in memory that keeps account of its readers.

    `gives` are the bytes it really has, `breaks_after` how many of them before it raises.
    """

    content: bytes = CONTENT
    gives: bytes | None = None
    breaks_after: int | None = None
    etag: str = "abc123"
    modified_at: datetime = datetime(1994, 11, 6, 8, 49, 37, 500_000, UTC)
    media_type: str = "image/jpeg"
    name: str = "zapato.jpg"
    piece_bytes: int = 100
    asked: list = field(default_factory=list)
    read_bytes: int = 0
    open_readers: int = 0
    closed: threading.Event = field(default_factory=threading.Event)

    @property
    def length(self):
        return len(self.content)

    @property
    def sha256(self):
        return hashlib.sha256(self.content).hexdigest()

    def chunks(self, start, end):
        self.asked.append((start, end))
        self.open_readers += 1
        return Reader(self, start, end)

    def pieces(self, start, end):
        data = self.content[start:end] if self.gives is None else self.gives
        for at in range(0, len(data), self.piece_bytes):
            if self.breaks_after is not None and at >= self.breaks_after:
                raise Unavailable
            piece = data[at : at + self.piece_bytes]
            self.read_bytes += len(piece)
            yield piece


class Reader:
    """Stays open until somebody closes it: not with its last piece, not with an exception."""

    def __init__(self, file, start, end):
        self.file = file
        self.pieces = file.pieces(start, end)
        self.is_open = True

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.pieces)

    def close(self):
        if self.is_open:
            self.is_open = False
            self.file.open_readers -= 1
            self.file.closed.set()


NAMES = {
    "quotes": 'say "cheese".jpg',
    "chinese": "中文图片.jpg",
    "emoji": "👟👨\u200d👩\u200d👧.jpg",
    "crlf": "a\r\nSet-Cookie: stolen=1\r\n\r\n<script>.jpg",
    "nul": "a\0b.jpg",
    "override": "photo\u202egpj.exe",
    "surrogate": "a\ud800b\udfff.jpg",
    "long": "ñ" * 4096 + ".jpg",
    "empty": "",
    "latin": "niño\xa0\x85.jpg",
}


def make_app(files):
    app = Flask(__name__)

    @app.get("/<freshness>/<name>")
    def media(freshness, name):
        return deliver(
            request.environ,
            files[name],
            FRESHNESS[freshness],
            download="download" in request.args,
        )

    @app.get("/closed/<name>/wait")
    def wait_until_closed(name):
        file = files[name]
        done = file.closed.wait(50)
        return {"closed": done, "open": file.open_readers, "read": file.read_bytes}

    @app.errorhandler(AvenueError)
    def problem(error):
        return {"code": error.code} | error.facts, error.status, error.headers

    @app.after_request
    def stamp(response: Response):
        response.headers["X-Request-ID"] = "r1"
        return response

    return app


def make_files():
    return {
        "picture": MemoryFile(),
        "empty-file": MemoryFile(content=b""),
        "big": MemoryFile(content=bytes(64 * 1024 * 1024), piece_bytes=1024 * 1024),
        "away": MemoryFile(breaks_after=0),
        "breaks": MemoryFile(breaks_after=500),
        "short": MemoryFile(gives=CONTENT[:-1]),
        "long": MemoryFile(gives=CONTENT + b"more"),
        "nothing": MemoryFile(gives=b""),
    } | {f"named-{key}": MemoryFile(name=name) for key, name in NAMES.items()}


app = make_app(make_files())
