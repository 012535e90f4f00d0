"""The fast lane: requests for pictures and `/healthz`, answered by the worker's event loop itself.

Uncached bytes are read by a thread first, which also looks up unknown addresses. Only the plainest
requests are handled: a complete `GET` or `HEAD` of HTTP/1.1 for `/media/…` without a body or
anything special, a `GET` of one range of it, too; and `/healthz`, which must not wait for a thread.
All others go, untouched, to gunicorn's parser and a thread. So there is nothing here that could be
interpreted in two ways (RFC 9112, section 11.2).
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol
from wsgiref.handlers import format_date_time

from avenue.identity import NumberedIds
from avenue.server.file_body import Body, FileBody, FilePart
from avenue.server.request_fields import FIELDS, UNSUITED, Reader, field, span_of

OK, PARTIAL, NOT_MODIFIED = HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED
"""The only statuses here; looking them up in the enumeration takes time."""

AT_HAND = "avenue.at_hand"
"""Key in a WSGI application's `extensions` for its cached answers."""

PICTURE_ROUTE = "/media/<asset_id>/<token>/<file_name>"
"""The route of the fast lane in the log of requests."""

HEALTH_ROUTE = "/healthz"

LONGEST_HEAD = 8 * 1024
# Without any ambiguous character.
_LINE = re.compile(
    rb"(GET|HEAD) (/media/[\w-]{22}/[0-9a-f]{12}/[a-z0-9]{1,12}\.[a-z0-9]{2,5}) HTTP/1\.1\r\n"
)
_SIZE_LINE = re.compile(rb"(?:GET|HEAD) /media/[^/? ]+/[^/? ]+/(?!original\.)[^/? ]+[? ]")
_HEALTH_LINE = re.compile(rb"(GET|HEAD) /healthz HTTP/1\.1\r\n")
Read = Callable[[], "tuple[KnownAnswer, Body] | None"]
"""Gets an answer and its body, in a thread. If it returns None or raises, a thread handles the
request."""


class KnownAnswer(Protocol):
    """A cached answer without its body."""

    @property
    def length(self) -> int:
        """Return the length of the body."""

    @property
    def head_partial(self) -> bytes:
        """Return the head lines of a 206, without Content-Length and Content-Range."""

    @property
    def head(self) -> bytes:
        """Return the application's header fields, each with its line end."""

    @property
    def head_not_modified(self) -> bytes:
        """Return the header fields of a 304."""

    @property
    def etag(self) -> bytes:
        """Return the tag that a 304 answers."""

    @property
    def site(self) -> str:
        """Return the id of its site."""


class AtHand(Protocol):
    """Provides cached answers, and finds others. A host is as sent, port included."""

    def find(self, host: str, path: str) -> KnownAnswer | None:
        """Return the answer for `path` on `host`, or None."""

    def at_hand(self, known: Any) -> Body | None:
        """Return the cached body of an answer of `find`, None if it has to be read."""

    def read(self, host: str, path: str, known: Any) -> tuple[KnownAnswer, Body] | None:
        """Return the answer of `find` for `host` and `path`, and its body; see `Read`."""

    def cold_read(self, host: str, path: str) -> Read | None:
        """Return a reader for an answer that `find` does not know; None if there cannot be one."""


@dataclass(slots=True)  # which is created faster than a named tuple, or a frozen one
class Given:
    """What to send: a whole head and a body (b"" for HEAD and 304), or the `span` of one.

    With `read` both have to be read first, which then has taken `read_seconds`, including waiting.
    Answers of one `key` are read together. `site` is "" if it is unknown. `closes`: the connection
    is closed after this answer.
    """

    method: bytes
    status: HTTPStatus
    head: bytes
    body: bytes | memoryview | FilePart
    read: Read | None = None
    read_seconds: float = 0.0
    route: str = PICTURE_ROUTE
    closes: bool = False
    site: str = ""
    span: tuple[int, int] | None = None
    key: str = ""


@dataclass(slots=True)
class Tally:
    """Number and bytes of the answers of a status.

    Of these, `read` had to be read first, the slowest within `slowest_seconds`.
    """

    answers: int = 0
    bytes: int = 0
    read: int = 0
    slowest_seconds: float = 0.0


def wants_size(request: bytes | bytearray) -> bool:
    """Return whether `request` is for a picture in a size that may have to be generated.

    It does not recognise all of them: the application limits the others (`Renditions`).
    """
    return _SIZE_LINE.match(request) is not None


class FastLane:
    """Answers cached requests, and counts them; for the single thread of the event loop."""

    def __init__(
        self, at_hand: AtHand | None, server: str, alive: tuple[bytes, bytes] | None = None
    ) -> None:
        """`server` is gunicorn's name in its answers, `alive` head lines and body of `/healthz`.

        Without `at_hand` or `alive`, threads answer these requests.
        """
        self._at_hand = at_hand
        self._alive = alive
        self._server = f"Server: {server}\r\n"
        self._ids = NumberedIds()
        self._second = 0
        self._beginnings: dict[HTTPStatus, bytes] = {}
        self.tallies: dict[tuple[bytes, str, HTTPStatus], Tally] = {}
        self.sites: dict[str, int] = {}

    def answer(self, request: bytes, reader: Reader | None = None) -> Given | None:
        """Return the answer to the whole `request`, None if a thread has to answer it.

        `reader` is that of the connection; a new one gives the same result.
        """
        line = _LINE.match(request) if len(request) <= LONGEST_HEAD else None
        if line is None or self._at_hand is None:
            return self._answer_alive(request)
        reader = reader or Reader()
        host, tag, part = reader.read(request, line.end() - 2)
        return self._answer_picture(self._at_hand, line, host, tag, part) if host else None

    def _answer_picture(
        self,
        at_hand: AtHand,
        line: re.Match[bytes],
        host: str,
        tag: bytes | None,
        part: bytes | None,
    ) -> Given | None:
        method, path = line[1], line[2].decode("ascii")
        known = at_hand.find(host, path)
        if known is None:
            is_plain = tag is None and part is None
            return self._look(at_hand, method, host, path) if is_plain else None
        if tag is not None:
            # A list, a weak tag, an older one: left to a thread.
            return self._not_modified(method, known) if tag == known.etag else None
        if method == b"GET":
            return self._get(at_hand, host, path, known, part)
        if part is not None:  # RFC 9110, section 14.2: a HEAD has none
            return None
        return Given(method, OK, self._head(OK, known.head), b"", site=known.site)

    def _get(
        self, at_hand: AtHand, host: str, path: str, known: KnownAnswer, part: bytes | None
    ) -> Given | None:
        given = Given(b"GET", OK, b"", b"", site=known.site)
        if part is not None:
            given.status, given.span = PARTIAL, span_of(part, known.length)
            if given.span is None:  # several ranges, or an invalid one
                return None
        body = at_hand.at_hand(known)
        if body is None:
            given.read, given.key = partial(at_hand.read, host, path, known), host + path
        else:
            self.complete(given, known, body)
        return given

    def complete(self, given: Given, known: KnownAnswer, body: Body) -> None:
        """Set head and body in `given` from `known`, or the requested part."""
        if given.span is None:
            given.head = self._head(OK, known.head)
            given.body = FilePart(body, 0, len(body)) if isinstance(body, FileBody) else body
            return
        start, end = given.span
        length = f"Content-Length: {end - start}\r\n"
        where = f"Content-Range: bytes {start}-{end - 1}/{known.length}\r\n"
        given.head = self._head(PARTIAL, known.head_partial + (length + where).encode())
        if isinstance(body, FileBody):
            given.body = FilePart(body, start, end)
        else:
            given.body = memoryview(body)[start:end]

    def _answer_alive(self, request: bytes) -> Given | None:
        if self._alive is None or len(request) > LONGEST_HEAD:
            return None
        line = _HEALTH_LINE.match(request)
        if line is None or FIELDS.fullmatch(request, line.end()) is None:
            return None
        lower = request.lower()
        connection = field(lower, lower, b"connection")
        if connection not in {None, b"keep-alive", b"close"}:
            return None
        if not field(lower, lower, b"host") or UNSUITED.search(lower):
            return None
        lines, body = self._alive
        closes = connection == b"close"
        head = self._head(OK, lines)
        if closes:
            head = head.replace(b"\r\nConnection: keep-alive\r\n", b"\r\nConnection: close\r\n", 1)
        method = line[1]
        sent = b"" if method == b"HEAD" else body
        return Given(method, OK, head, sent, route=HEALTH_ROUTE, closes=closes)

    def _look(self, at_hand: AtHand, method: bytes, host: str, path: str) -> Given | None:
        look = at_hand.cold_read(host, path) if method == b"GET" else None
        return Given(method, OK, b"", b"", look, key=host + path) if look else None

    def _not_modified(self, method: bytes, known: KnownAnswer) -> Given:
        head = self._head(NOT_MODIFIED, known.head_not_modified)
        return Given(method, NOT_MODIFIED, head, b"", site=known.site)

    def _head(self, status: HTTPStatus, lines: bytes) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._begin(second)
        identity = f"X-Request-ID: {next(self._ids)}\r\n\r\n".encode()
        return b"".join((self._beginnings[status], lines, identity))

    def _begin(self, second: int) -> None:
        """Prepare the common beginning of all answers of this second."""
        self._second = second
        lines = f"{self._server}Date: {format_date_time(second)}\r\nConnection: keep-alive\r\n"
        for status in (OK, PARTIAL, NOT_MODIFIED):
            line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            self._beginnings[status] = f"{line}{lines}".encode("latin-1")

    def count(self, given: Given) -> None:
        """Count an answer that was sent completely."""
        key = given.method, given.route, given.status
        tally = self.tallies.get(key)
        if tally is None:
            tally = self.tallies[key] = Tally()
        tally.answers += 1
        tally.bytes += len(given.body)
        self.sites[given.site] = self.sites.get(given.site, 0) + 1
        if given.read:
            tally.read += 1
            tally.slowest_seconds = max(tally.slowest_seconds, given.read_seconds)

    def counted(self) -> Iterator[tuple[str, str, HTTPStatus, Tally]]:
        """Return method, route, status and numbers since the last call."""
        tallies, self.tallies = self.tallies, {}
        for (method, route, status), tally in tallies.items():
            yield method.decode(), route, status, tally

    def counted_sites(self) -> dict[str, int]:
        """Return the number of answers of each site since the last call; "" for unknown ones."""
        sites, self.sites = self.sites, {}
        return sites
