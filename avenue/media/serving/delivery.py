"""Turns a stored file into an HTTP answer.

Every stored file is sent by `deliver`: whole, in part, as a 304 or as a refusal, always with the
headers that keep a hostile file from running and a private one out of caches.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Protocol

from flask import Response

from avenue.clock import utc_now
from avenue.errors import AvenueError
from avenue.media.intake.filetypes import FILE_TYPES, file_name
from avenue.media.naming import content_disposition
from avenue.media.serving.conditional import Decision, Facts, decide_for, http_date
from avenue.web.errors import RangeNotSatisfiable


class KnownFile(Protocol):
    """The facts of a stored file that delivery needs, without its bytes."""

    @property
    def length(self) -> int:
        """Bytes."""

    @property
    def etag(self) -> str:
        """An opaque tag without quotes; the same tag always means the same bytes."""

    @property
    def sha256(self) -> str:
        """The hash of all its bytes, as hex."""

    @property
    def modified_at(self) -> datetime:
        """When these bytes were stored, aware."""

    @property
    def media_type(self) -> str:
        """As detected from the bytes."""

    @property
    def name(self) -> str:
        """The display name; may contain anything."""


class OpenFile(KnownFile, Protocol):
    """A stored file that is open for delivery."""

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to before `end`, holding little of them at a time.

        Closing the iterator releases everything; it raises if it cannot continue.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How long an answer may be cached and by whom.

    `unchanging`: the URL identifies these very bytes and will never give others.
    """

    headers: tuple[tuple[str, str], ...]
    unchanging: bool = False


class PreconditionFailed(AvenueError):
    """The file does not match the precondition of the request (RFC 9110 section 15.5.13)."""

    status = 412
    message = "The file has changed since you last saw it."
    hint = (
        "Request it again without If-Match and If-Unmodified-Since, and continue with what you get."
    )


class IncompleteBody(Exception):
    """A stored file gave fewer bytes than it has.

    The connection is cut instead of ending normally.
    """


# A file cannot run anything, even opened on its own: no script, no form, no frame, no origin.
_HARMLESS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; sandbox"),
    ("Referrer-Policy", "no-referrer"),
    ("Accept-Ranges", "bytes"),
)
_PUBLIC = (
    *_HARMLESS,
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("Access-Control-Allow-Origin", "*"),
    (
        "Access-Control-Expose-Headers",
        "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Repr-Digest",
    ),
)

IMMUTABLE = Freshness(
    headers=(("Cache-Control", "public, max-age=31536000, immutable"), *_PUBLIC), unchanging=True
)
"""For a URL with the token of its bytes."""

# Without must-revalidate a cache may continue to show a replaced or deleted file for as long as it
# cannot reach us (RFC 9111 section 4.2.4); revalidating costs it a 304.
SHORT = Freshness(headers=(("Cache-Control", "public, max-age=60, must-revalidate"), *_PUBLIC))
"""For the URL of the current version."""

STAND_IN_SECONDS = 10
STAND_IN = Freshness(
    headers=(
        ("Cache-Control", f"public, max-age={STAND_IN_SECONDS}, must-revalidate"),
        *_PUBLIC,
    )
)
"""For a stand-in until the right size is generated."""

PRIVATE = Freshness(
    headers=(
        ("Cache-Control", "private, no-store"),
        ("Vary", "Cookie, Authorization"),
        *_HARMLESS,
        ("Cross-Origin-Resource-Policy", "same-site"),
    )
)
"""For private files."""


def by_link(freshness: Freshness, seconds: int, edge_seconds: int | None = None) -> Freshness:
    """Return how a private file is cached with a signed link that is valid for `seconds` more.

    Anyone with the link has the file until then, on any page. `freshness` is that of a public file;
    a stand-in is cached for less. With `edge_seconds` shared caches may store it, too, and
    revalidate so often; otherwise only the browser. After the link's end no cache shows it, not
    even one that cannot reach us. Search engines must not index it.
    """
    if freshness is STAND_IN:
        seconds = min(seconds, STAND_IN_SECONDS)
    kept = f"private, max-age={seconds}"
    if edge_seconds is not None:
        # RFC 9111, section 5.2.2.10: a shared cache serves nothing older without revalidating.
        kept = f"public, max-age={seconds}, s-maxage={min(seconds, edge_seconds)}"
    kept = f"{kept}, must-revalidate"
    headers = (("Cache-Control", kept), *_PUBLIC, ("X-Robots-Tag", "noindex"))
    return Freshness(headers=headers, unchanging=freshness.unchanging)


def freshness_of(
    wanted: Freshness,
    *,
    is_public: bool = False,
    is_open: bool = False,
    link_seconds: int = 0,
    edge_seconds: int | None = None,
) -> Freshness:
    """Return `wanted`, which is that of a public file, restricted for this one.

    A private one may be `is_open` to everyone in this form, or have a link that is valid for
    `link_seconds`; see `by_link`.
    """
    if is_public:
        return wanted
    if is_open:  # until its category changes, which purges no edge
        return STAND_IN if wanted is STAND_IN else SHORT
    return by_link(wanted, link_seconds, edge_seconds) if link_seconds else PRIVATE


_STATUS_LINES = {
    HTTPStatus.OK: "200 OK",
    HTTPStatus.PARTIAL_CONTENT: "206 Partial Content",
    HTTPStatus.NOT_MODIFIED: "304 Not Modified",
}
# Types that a browser could execute are sent as text, and as a download; text is UTF-8.
_SERVED_AS = dict.fromkeys(
    ("text/plain", "text/html", "application/xml", "image/svg+xml"), "text/plain; charset=utf-8"
)
# Types a browser shows without executing anything. All others, SVG and HTML first, are downloads.
_SHOWN_INLINE = frozenset(
    {"application/pdf", "text/plain"}
    | {f"image/{kind}" for kind in ("jpeg", "png", "webp", "gif", "avif", "heic", "heif")}
    | {f"{medium}/{kind}" for medium in ("audio", "video") for kind in ("mp4", "ogg", "webm")}
    | {"audio/mpeg", "audio/wav", "audio/flac"}
)


def deliver(
    environ: Mapping[str, Any], file: OpenFile, freshness: Freshness, *, download: bool = False
) -> Response:
    """Answer the GET or HEAD in the WSGI `environ` with `file`: 200, 206 or 304.

    The first bytes are read here, so an unreachable database becomes a proper error. Raise
    `PreconditionFailed` (412) and `RangeNotSatisfiable` (416), both with their headers, and the
    errors of `file.chunks` at its start.
    """
    facts = facts_of(file, freshness)
    decision = decide_for(environ, facts)
    _refuse(decision, file, freshness)
    if decision.status == HTTPStatus.NOT_MODIFIED:
        return _not_modified(facts, freshness)
    start, end = decision.start, decision.end
    headers = _headers(file, facts, freshness, end - start, download=download)
    if decision.status == HTTPStatus.PARTIAL_CONTENT:
        headers.append(("Content-Range", f"bytes {start}-{end - 1}/{file.length}"))
    body: Iterable[bytes] = ()
    if environ["REQUEST_METHOD"] == "GET" and start < end:
        body = _Body(file.chunks(start, end), end - start)
    return Response(body, _STATUS_LINES[decision.status], headers)


def deliver_made(pieces: Iterator[bytes], length: int, *, name: str, media_type: str) -> Response:
    """Answer with a file that is generated while it is sent, as a download that is not cached.

    Its first piece is generated here, so that early errors become proper answers.
    """
    headers = [
        *(each for each in PRIVATE.headers if each[0] != "Accept-Ranges"),
        ("Content-Type", media_type),
        ("Content-Length", str(length)),
        ("Content-Disposition", content_disposition(name, download=True)),
    ]
    return Response(_Body(pieces, length), _STATUS_LINES[HTTPStatus.OK], headers)


def repr_digest(sha256: str) -> str:
    """Return the `Repr-Digest` of a file with this hash (RFC 9530, section 3).

    A byte sequence in a dictionary (RFC 8941, section 3.3.5). It is of the whole file in a 206,
    too, so a client that has joined all parts can verify them.
    """
    return f"sha-256=:{b64encode(bytes.fromhex(sha256)).decode()}:"


class _Body:
    """Exactly `length` bytes of `pieces`, or an exception; closes `pieces` as soon as possible."""

    __slots__ = ("_first", "_left", "_pieces")

    def __init__(self, pieces: Iterator[bytes], length: int) -> None:
        self._pieces = pieces
        self._left = length
        self._first: bytes | None = self._read()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._left == 0:
            raise StopIteration
        return self._read()

    def close(self) -> None:
        """Release the reader's resources.

        Called by the server at the end, or if the client left.
        """
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

    def _read(self) -> bytes:
        piece = None
        try:
            piece = next(self._pieces, None)
        finally:
            if piece is None:
                self.close()
        if piece is None:
            raise IncompleteBody(f"{self._left} bytes of a stored file are missing")
        piece = piece[: self._left]
        self._left -= len(piece)
        if self._left == 0:
            self.close()
        return piece


def not_modified(
    environ: Mapping[str, Any], file: KnownFile, freshness: Freshness
) -> Response | None:
    """Return the 304 to the GET or HEAD in `environ` if the caller has the file already."""
    facts = facts_of(file, freshness)
    known = decide_for(environ, facts).status == HTTPStatus.NOT_MODIFIED
    return _not_modified(facts, freshness) if known else None


def whole_headers(file: KnownFile, freshness: Freshness) -> list[tuple[str, str]]:
    """Return the headers of the 200 with the whole `file`, for code that sends its bytes itself."""
    return _headers(file, facts_of(file, freshness), freshness, file.length)


def _headers(
    file: KnownFile, facts: Facts, freshness: Freshness, length: int, *, download: bool = False
) -> list[tuple[str, str]]:
    return [
        *_validators(facts, freshness),
        *_description(file, download),
        ("Content-Length", str(length)),
    ]


def withheld(file: KnownFile, *, download: bool = False) -> tuple[tuple[str, str], ...]:
    """Return the headers of the 200 for `file` that its 304 lacks (RFC 9110, section 15.4.5)."""
    return (
        _last_modified(file.modified_at),
        *_description(file, download),
        ("Content-Length", str(file.length)),
    )


def _description(file: KnownFile, download: bool) -> tuple[tuple[str, str], ...]:
    return (
        ("Content-Type", _SERVED_AS.get(file.media_type, file.media_type)),
        ("Content-Disposition", _disposition(file.name, file.media_type, download)),
        ("Repr-Digest", repr_digest(file.sha256)),
    )


def _not_modified(facts: Facts, freshness: Freshness) -> Response:
    status = _STATUS_LINES[HTTPStatus.NOT_MODIFIED]
    response = Response(status=status, headers=_validators(facts, freshness))
    del response.headers["Content-Type"]  # Flask's default, which does not apply here
    return response


def _validators(facts: Facts, freshness: Freshness) -> list[tuple[str, str]]:
    return [
        *freshness.headers,
        ("ETag", f'"{facts.etag}"'),
        _last_modified(facts.modified_at),
    ]


def _last_modified(at: datetime) -> tuple[str, str]:
    # Section 8.8.2.1: never later than our own Date, whatever another machine's clock was.
    return "Last-Modified", http_date(min(at, utc_now()))


def facts_of(file: KnownFile, freshness: Freshness) -> Facts:
    """Return the facts for conditions and ranges."""
    return Facts(
        etag=file.etag,
        modified_at=file.modified_at,
        length=file.length,
        unchanging=freshness.unchanging,
    )


def _refuse(decision: Decision, file: OpenFile, freshness: Freshness) -> None:
    # A refusal answers this one request; cached for a year it would hide the file.
    if decision.status == HTTPStatus.PRECONDITION_FAILED:
        raise PreconditionFailed(headers={**dict(freshness.headers), "Cache-Control": "no-store"})
    if decision.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise RangeNotSatisfiable(
            headers={
                **dict(freshness.headers),
                "Cache-Control": "no-store",
                "Content-Range": f"bytes */{file.length}",
            },
            length=file.length,
        )


@lru_cache(maxsize=1024)
def _disposition(name: str, media_type: str, download: bool) -> str:
    """Return the Content-Disposition; kept, since the same few pictures are asked for often."""
    kind = FILE_TYPES.get(media_type)
    if kind is not None:
        name = file_name(name, kind)
    return content_disposition(name, download or media_type not in _SHOWN_INLINE)
