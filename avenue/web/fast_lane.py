"""The fast lane: requests for pictures known here, answered by the worker's event loop itself.

Bytes that are not at hand are read by a thread first. Only the plainest request is taken: a whole
`GET` or `HEAD` of HTTP/1.1 for `/media/…` without a body, a range or anything else that wants
thought. Whatever is not exactly that is no business of this file and goes, untouched, to gunicorn's
parser and a thread, which answer it as they always did. So there is nothing here that could be read
in two ways (RFC 9112, section 11.2).
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol
from wsgiref.handlers import format_date_time

from avenue.identity import NumberedIds

OK, NOT_MODIFIED = HTTPStatus.OK, HTTPStatus.NOT_MODIFIED
"""The two there are here; an enumeration takes its time to find them."""

AT_HAND = "avenue.at_hand"
"""Where among a WSGI application's `extensions` the worker finds what is at hand."""

TRIED_SECONDS = "avenue.tried_seconds"
"""Where in the WSGI environ is said how long bytes were read for in vain before the ordinary path
was asked, which has only what is left of the time."""

LONGEST_HEAD = 8 * 1024
MOST_FIELDS = 100  # gunicorn's own limit
MOST_CONDITIONS = 2  # a tag and a date
MOST_READERS = 256
"""Whose fields are remembered, 2 MB at most: a browser sends the same with all pictures of a page.
Reading them is half of what an answer costs."""

# A request line and fields without one character that anybody could take for something else: no
# folded line, no name with an underscore, no bare CR or LF, no other control character.
_VALUE = rb"[\t\x20-\x7e\x80-\xff]*"
_LINE = re.compile(
    rb"(GET|HEAD) (/media/[\w-]{22}/[0-9a-f]{12}/[a-z0-9]{1,12}\.[a-z0-9]{2,5}) HTTP/1\.1\r\n"
)
_FIELDS = re.compile(rb"(?:[!#$%&'*+.^`|~0-9A-Za-z-]+:" + _VALUE + rb"\r\n)+\r\n")
_CONDITION = re.compile(
    rb"\r\n(?i:if-none-match:(" + _VALUE + rb")|if-modified-since:" + _VALUE + rb")(?=\r\n)"
)
"""What a browser says of one picture; all the rest it says of every picture of a page."""
_END = b"\r\n\r\n"
_UNSUITED = re.compile(
    rb"\r\n(?:range|if-match|if-unmodified-since|if-range|expect|te|trailer|transfer-encoding|"
    rb"content-length|upgrade|http2-settings|proxy-connection|keep-alive):"
)


Read = Callable[[], bytes | None]
"""Reads a body, in a thread. None, or whatever it raises, is for the ordinary path to tell."""


@dataclass(slots=True)  # which is made faster than a tuple with names, or a frozen one
class Prepared:
    """An answer as bytes: head lines of the 200 and of the 304, the quoted tag, and the body.

    In place of a `body` that is not at hand there is what reads it.
    """

    head: bytes
    head_not_modified: bytes
    etag: bytes
    body: bytes | Read


class AtHand(Protocol):
    """Who has answers at hand."""

    def prepared(self, host: str, path: str) -> Prepared | None:
        """Return the answer for `path` on `host` (as sent, port included), or None."""


@dataclass(slots=True)
class Given:
    """What to send: a whole head and a body (b"" for HEAD and 304).

    With `read` the body has to be got first, which then has taken `read_seconds`, waiting included.
    """

    method: bytes
    status: HTTPStatus
    head: bytes
    body: bytes
    read: Read | None = None
    read_seconds: float = 0.0


@dataclass(slots=True)
class Tally:
    """How many answers of a status were given, and of how many bytes.

    For `read` of them these had to be read first, the slowest within `slowest_seconds`.
    """

    answers: int = 0
    bytes: int = 0
    read: int = 0
    slowest_seconds: float = 0.0


class FastLane:
    """Answers what is known, and counts; for the one thread of the event loop."""

    def __init__(self, at_hand: AtHand, server: str) -> None:
        """`server` is what gunicorn calls itself in its answers."""
        self._at_hand = at_hand
        self._server = f"Server: {server}\r\n"
        self._ids = NumberedIds()
        self._second = 0
        self._beginnings: dict[HTTPStatus, bytes] = {}
        self.tallies: dict[tuple[bytes, HTTPStatus], Tally] = {}

    def answer(self, request: bytes, reader: "Reader | None" = None) -> Given | None:
        """Return the answer to the whole `request`, None when it is one for the ordinary path.

        `reader` is that of the connection; a new one reads the same.
        """
        line = _LINE.match(request) if len(request) <= LONGEST_HEAD else None
        reader = reader or Reader()
        host, tag = reader.read(request, line.end() - 2) if line else (None, None)
        if line is None or host is None:
            return None
        method, path = line.groups()
        prepared = self._at_hand.prepared(host, path.decode("ascii"))
        if prepared is None:
            return None
        if tag is None:
            return self._whole(method, OK, prepared.head, prepared.body)
        if tag != prepared.etag:  # a list, a weak tag, an older one: all for the ordinary path
            return None
        return self._whole(method, NOT_MODIFIED, prepared.head_not_modified, b"")

    def _whole(self, method: bytes, status: HTTPStatus, head: bytes, body: bytes | Read) -> Given:
        second = int(time.time())
        if second != self._second:
            self._begin(second)
        identity = f"X-Request-ID: {next(self._ids)}\r\n\r\n".encode()
        head = b"".join((self._beginnings[status], head, identity))
        if method == b"HEAD":
            body = b""
        if isinstance(body, bytes):
            return Given(method, status, head, body)
        return Given(method, status, head, b"", body)

    def _begin(self, second: int) -> None:
        """Write how all answers of this second begin."""
        self._second = second
        lines = f"{self._server}Date: {format_date_time(second)}\r\nConnection: keep-alive\r\n"
        for status in (OK, NOT_MODIFIED):
            line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            self._beginnings[status] = f"{line}{lines}".encode("latin-1")

    def count(self, given: Given) -> None:
        """Count an answer that was sent whole."""
        key = given.method, given.status
        tally = self.tallies.get(key)
        if tally is None:
            tally = self.tallies[key] = Tally()
        tally.answers += 1
        tally.bytes += len(given.body)
        if given.read:
            tally.read += 1
            tally.slowest_seconds = max(tally.slowest_seconds, given.read_seconds)

    def counted(self) -> Iterator[tuple[str, HTTPStatus, Tally]]:
        """Give method, status and how many since the last call."""
        tallies, self.tallies = self.tallies, {}
        for (method, status), tally in tallies.items():
            yield method.decode(), status, tally


class Reader:
    """Reads the fields of a connection's requests.

    They are the same again with every picture of a page but for conditions, so the host is kept for
    what stood before the conditions and after them, and only what is in between is looked at.
    """

    __slots__ = ("_after", "_before", "_host")

    def __init__(self) -> None:
        self._before = self._after = b""
        self._host: str | None = None

    def read(self, request: bytes, start: int) -> tuple[str | None, bytes | None]:
        """Return host and tag of If-None-Match; no host when it is one for the ordinary path.

        At `start` is the end of the request line.
        """
        before = self._before if request.startswith(self._before, start) else b""
        between = _CONDITION.split(request[start + len(before) :])
        after = b"".join(between[::2])
        if before != self._before or after != self._after:
            self._learn(before + after, before + between[0])
        if len(between) == 1:
            return self._host, None
        conditions = between[1::2]
        tags = [each for each in conditions if each is not None]
        if len(tags) != 1 or len(conditions) > MOST_CONDITIONS or not request.endswith(_END):
            return None, None  # or a condition behind the empty line would count
        return self._host, tags[0].strip(b" \t")  # 13.1.3: beside it a date counts nothing

    def _learn(self, fields: bytes, before: bytes) -> None:
        self._host = _host(fields)
        # Half a line must not hide that the next one is a condition.
        self._before = before.removesuffix(_END) if self._host else b""
        self._after = fields[len(self._before) :]


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
