"""The fast lane: requests for pictures at hand, answered by the worker's event loop itself.

Only the plainest request is taken: a complete `GET` or `HEAD` of HTTP/1.1 for `/media/…` without a
body, a range or anything else that wants thought. Whatever is not exactly that is no business of
this file and goes, untouched, to gunicorn's parser and a thread, which answer it as they always
did. So there is nothing here that could be read in two ways (RFC 9112, section 11.2).
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple, Protocol
from wsgiref.handlers import format_date_time

from avenue.identity import NumberedIds

AT_HAND = "avenue.at_hand"
"""Where among a WSGI application's `extensions` the worker finds what is at hand."""

LONGEST_HEAD = 8 * 1024
MOST_FIELDS = 100  # gunicorn's own limit
MOST_CONDITIONS = 2  # a tag and a date
MOST_READERS = 256
"""Whose fields are remembered, 2 MB at most: a browser sends the same with all pictures of a page.
Reading them is half of what an answer costs."""

# A request line and fields without one character that anybody could take for something else: no
# folded line, no name with an underscore, no bare CR or LF, no other control character.
_LINE = re.compile(
    rb"(GET|HEAD) (/media/[\w-]{22}/[0-9a-f]{12}/[a-z0-9]{1,12}\.[a-z0-9]{2,5}) HTTP/1\.1\r\n"
)
_FIELDS = re.compile(rb"(?:[!#$%&'*+.^`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+\r\n")
_CONDITION = re.compile(
    rb"\r\n((?i:if-none-match|if-modified-since)):([\t\x20-\x7e\x80-\xff]*)(?=\r\n)"
)
"""What a browser says of one picture; all the rest it says of every picture of a page."""
_END = b"\r\n\r\n"
_UNSUITED = re.compile(
    rb"\r\n(?:range|if-match|if-unmodified-since|if-range|expect|te|trailer|transfer-encoding|"
    rb"content-length|upgrade|http2-settings|proxy-connection|keep-alive):"
)


class Prepared(NamedTuple):
    """An answer as bytes: head lines of the 200 and of the 304, the quoted tag, and the body.

    `body` is None where it would have to be read first.
    """

    head: bytes
    head_not_modified: bytes
    etag: bytes
    body: bytes | None


class AtHand(Protocol):
    """Who has answers at hand."""

    def prepared(self, host: str, path: str) -> Prepared | None:
        """Return the answer for `path` on `host` (as sent, port included), or None."""


class Given(NamedTuple):
    """What to send: a whole head and a body (b"" for HEAD and 304)."""

    method: bytes
    status: HTTPStatus
    head: bytes
    body: bytes


@dataclass(slots=True)
class Tally:
    """How many answers of a status were given, and of how many bytes."""

    answers: int = 0
    bytes: int = 0


class FastLane:
    """Answers what is at hand, and counts; for the one thread of the event loop."""

    def __init__(self, at_hand: AtHand, server: str) -> None:
        """`server` is what gunicorn calls itself in its answers."""
        self._at_hand = at_hand
        self._server = f"Server: {server}\r\n".encode("latin-1")
        self._ids = NumberedIds()
        self._second = 0
        self._times = b""
        self.tallies: dict[tuple[bytes, HTTPStatus], Tally] = {}

    def answer(self, request: bytes) -> Given | None:
        """Return the answer to the whole `request`, None when it is one for the ordinary path."""
        line = _LINE.match(request) if len(request) <= LONGEST_HEAD else None
        wants = _wants(request[line.end() - 2 :]) if line else None
        if line is None or wants is None:
            return None
        prepared = self._at_hand.prepared(wants.host, line[2].decode("ascii"))
        if prepared is None:
            return None
        method, tag = line[1], wants.tag
        if tag is None:
            body = prepared.body if method == b"GET" else b""
            if body is None:
                return None
            return self._whole(method, HTTPStatus.OK, prepared.head, body)
        if tag != prepared.etag:  # a list, a weak tag, an older one: all for the ordinary path
            return None
        return self._whole(method, HTTPStatus.NOT_MODIFIED, prepared.head_not_modified, b"")

    def _whole(self, method: bytes, status: HTTPStatus, head: bytes, body: bytes) -> Given:
        now = int(time.time())
        if now != self._second:
            self._second = now
            date = format_date_time(now).encode()
            self._times = self._server + b"Date: " + date + b"\r\nConnection: keep-alive\r\n"
        identity = f"X-Request-ID: {next(self._ids)}\r\n\r\n".encode()
        return Given(method, status, b"".join((_LINES[status], self._times, head, identity)), body)

    def count(self, given: Given) -> None:
        """Count an answer that was sent whole."""
        key = given.method, given.status
        tally = self.tallies.get(key)
        if tally is None:
            tally = self.tallies[key] = Tally()
        tally.answers += 1
        tally.bytes += len(given.body)

    def counted(self) -> Iterator[tuple[str, HTTPStatus, Tally]]:
        """Give method, status and how many since the last call."""
        tallies, self.tallies = self.tallies, {}
        for (method, status), tally in tallies.items():
            yield method.decode(), status, tally


_LINES = {
    status: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
    for status in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)
}


class _Wants(NamedTuple):
    """What counts of the fields of a request for the lane; `tag` is that of If-None-Match."""

    host: str
    tag: bytes | None


def _wants(fields: bytes) -> _Wants | None:
    """Read the fields of a head; None when they are for the ordinary path.

    `fields` begin with the end of the line before them, and the empty line is included.
    """
    if fields.find(_END) != len(fields) - len(_END):
        return None  # or a line behind the end would be taken for one of them
    conditions = _CONDITION.findall(fields)
    host = _host(_CONDITION.sub(b"", fields) if conditions else fields)
    if host is None or not conditions:
        return _Wants(host, None) if host else None
    tags = [value for name, value in conditions if name.lower() == b"if-none-match"]
    if len(tags) != 1 or len(conditions) > MOST_CONDITIONS:
        return None
    return _Wants(host, tags[0].strip(b" \t"))  # section 13.1.3: beside it a date counts nothing


@lru_cache(MOST_READERS)
def _host(fields: bytes) -> str | None:
    """Return the host, None when these fields, conditions left out, are for the ordinary path."""
    if _FIELDS.fullmatch(fields, 2) is None:
        return None
    lower = fields.lower()
    if _UNSUITED.search(lower) or fields.count(b"\r\n") > MOST_FIELDS - MOST_CONDITIONS:
        return None
    host = _field(fields, lower, b"host")
    if not host or _field(lower, lower, b"connection") not in {None, b"keep-alive"}:
        return None
    return host.decode("latin-1")


def _field(fields: bytes, lower: bytes, name: bytes) -> bytes | None:
    """Return the value of the field `name` as sent, None without one; b"" for several.

    `lower` are the `fields` in lower case, for names have none; values may (a tag does).
    """
    start = lower.find(b"\r\n" + name + b":")
    if start < 0:
        return None
    start += len(name) + 3
    if lower.find(b"\r\n" + name + b":", start) >= 0:
        return b""
    return fields[start : lower.index(b"\r\n", start)].strip(b" \t")
