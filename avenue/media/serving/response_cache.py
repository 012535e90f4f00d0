"""Caches whole answers for public pictures, which are then sent without Flask.

An answer comes from the ordinary path or from a cold read (`cold_read.py`). If that was a public
picture at the URL of its bytes, its headers are stored here as they were sent; as long as the
worker's cached asset is valid, the same answer is sent without routing and cookies. Bytes that were
evicted from its cache are read by one query. All other requests (a query, another host, a condition
that fails, bytes that cannot be read) take the ordinary path.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from avenue.errors import AvenueError
from avenue.identity import Site
from avenue.media.models import Asset
from avenue.media.serving.cache import AssetCache, ByteCache, Place
from avenue.media.serving.conditional import Decision, Facts, decide_for
from avenue.server.fast_lane import Read
from avenue.server.file_body import Body, pieces_of
from avenue.web.requestlog import BY, ROUTE, SITE, TRIED_SECONDS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers = tuple[tuple[str, str], ...]

CANDIDATE = "avenue.candidate"
"""Key in the WSGI environ: set by the ordinary path if its answer may be cached."""

MEDIA = "/media/"
ANSWER_BYTES = 4096
"""The size an answer without its body counts as: about a dozen headers, three times."""
ANSWERS_BYTES = 4096 * ANSWER_BYTES
"""The total size of answers, separate from their bytes: a cache full of bytes would hold no
answers."""
MOST_IN_VAIN = 10_000
"""Number of addresses that a worker remembers as only answerable by the ordinary path: 2 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An answer that may be cached as long as the worker's cached `asset` is valid.

    `place` is where the cache has the bytes, `route` the kind of request in the log, `withheld` are
    the headers that a 304 lacks.
    """

    asset: Asset
    facts: Facts
    place: Place
    route: str
    withheld: Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedResponse:
    """A 200 as it was sent, without its body."""

    candidate: Candidate
    headers: Headers
    head: bytes = field(init=False)
    head_partial: bytes = field(init=False)
    head_not_modified: bytes = field(init=False)
    etag: bytes = field(init=False)
    length: int = field(init=False)

    def __post_init__(self) -> None:
        """Compute the header lines and the tag once, for the worker's fast lane."""
        object.__setattr__(self, "length", self.candidate.facts.length)
        object.__setattr__(self, "head", _lines(self.headers))
        object.__setattr__(self, "head_partial", _lines(_without_length(self.headers)))
        object.__setattr__(self, "head_not_modified", _lines(_of_a_304(self)))
        object.__setattr__(self, "etag", f'"{self.candidate.facts.etag}"'.encode())

    def __len__(self) -> int:
        """Return the size it counts as in the cache."""
        return ANSWER_BYTES

    @property
    def site(self) -> str:
        """The site of the picture."""
        return self.candidate.asset.site


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The result of a cold read: headers and body of a 200 that may be cached."""

    candidate: Candidate
    headers: Headers
    body: Body


Look = Callable[[Site, str], Looked | None]
"""Looks up a path of a site; None if only the ordinary path can answer."""


class ResponseCache:
    """The cached answers of a worker; their bytes are in its cache, or were."""

    def __init__(
        self,
        cache: ByteCache,
        assets: AssetCache,
        site_of: Callable[[str], Site | None],
        bounded: Callable[[], AbstractContextManager[None]] = nullcontext,
        look: Look = lambda *_: None,
    ) -> None:
        """`site_of` returns the site of a host without a query, or None.

        Reads, including those of `look`, run inside `bounded`, which ends them if they take too
        long.
        """
        self._answers = ByteCache(ANSWERS_BYTES)
        self._cache = cache
        self._assets = assets
        self._site_of = site_of
        self._bounded = bounded
        self._look = look
        self._in_vain: set[str] = set()

    def find(self, host: str, path: str) -> CachedResponse | None:
        """Return the cached answer for `path` on `host`, or None."""
        answer: CachedResponse | None = self._answers.get(host + path)
        if answer is None:
            return None
        asset = answer.candidate.asset
        if self._assets.get(asset.site, asset.id) is not asset:  # expired, deleted or replaced
            return None
        site = self._site_of(host)
        if site is None or site.id != asset.site:  # the host may belong to another site by now
            return None
        return answer

    def at_hand(self, answer: CachedResponse) -> Body | None:
        """Return the bytes of `answer` if the cache has them."""
        return _bytes_of(answer, self._cache.at_hand(answer.candidate.place))

    def fetch(self, answer: CachedResponse) -> Body | None:
        """Return the bytes of `answer` from the database, or None if they no longer exist.

        Raise `Unavailable` or `DamagedFile`.
        """
        with self._bounded():
            return _bytes_of(answer, self._cache.fetch(answer.candidate.place))

    def read(
        self, host: str, path: str, answer: CachedResponse
    ) -> tuple[CachedResponse, Body] | None:
        """Return the result of `find` and its bytes, None if they may not be sent.

        It is looked up again, because the request had to wait for a thread. Raises as `fetch`.
        """
        body = self.fetch(answer) if self.find(host, path) is answer else None
        return None if body is None else (answer, body)

    def cold_read(self, host: str, path: str) -> Read | None:
        """Return a reader for `path` on `host`, which caches the answer; None if it would fail.

        It fails for addresses that were not found last time, until the ordinary path has found
        them.
        """
        if self._site_of(host) is None or host + path in self._in_vain:
            return None
        return partial(self._look_for, host, path)

    def _look_for(self, host: str, path: str) -> tuple[CachedResponse, Body] | None:
        site = self._site_of(host)  # looked up again, because the request had to wait for a thread
        if site is None:
            return None
        with self._bounded():
            looked = self._look(site, path)
        if looked is None:
            if len(self._in_vain) >= MOST_IN_VAIN:
                self._in_vain.clear()
            self._in_vain.add(host + path)
            return None
        answer = CachedResponse(candidate=looked.candidate, headers=looked.headers)
        self.keep(host, path, answer)
        return answer, looked.body

    def keep(self, host: str, path: str, answer: CachedResponse) -> None:
        """Cache `answer`."""
        self._in_vain.discard(host + path)
        self._answers.put(host + path, answer)


class CachedResponses:
    """Wraps an application: sends cached answers, and caches those that may be."""

    def __init__(self, app: "WSGIApplication", pictures: ResponseCache) -> None:
        self._app = app
        self._pictures = pictures

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request."""
        path: str = environ["PATH_INFO"]
        host: str | None = environ.get("HTTP_HOST")
        method: str = environ["REQUEST_METHOD"]
        if host is None or not path.startswith(MEDIA) or method not in {"GET", "HEAD"}:
            return self._app(environ, start_response)
        if environ.get("QUERY_STRING"):
            return self._app(environ, start_response)
        answer = self._pictures.find(host, path)
        body = self._give(answer, environ, start_response) if answer else None
        if body is not None:
            return body
        return self._app(environ, self._watched(environ, host, path, start_response))

    def _give(
        self, answer: CachedResponse, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes] | None:
        """Answer one request with `answer`, or return None if the ordinary path has to."""
        decision = decide_for(environ, answer.candidate.facts)
        if decision.status >= HTTPStatus.BAD_REQUEST:
            return None
        body: Iterable[bytes] = ()
        if environ["REQUEST_METHOD"] == "GET" and decision.status != HTTPStatus.NOT_MODIFIED:
            data = self._pictures.at_hand(answer)
            if data is None:
                data = self._read(answer, environ)
            if data is None:
                return None
            body = pieces_of(data, decision.start, decision.end)
        environ[ROUTE] = answer.candidate.route
        environ[BY] = "hot"
        environ[SITE] = answer.site
        start_response(*_head(answer, decision))
        return body

    def _read(self, answer: CachedResponse, environ: "WSGIEnvironment") -> Body | None:
        """Return the bytes of `answer`, or None if the ordinary path has to report an error.

        It only has the remaining time, and is used at once if the fast lane has tried.
        """
        if TRIED_SECONDS in environ:
            return None
        began = time.monotonic()
        try:
            return self._pictures.fetch(answer)
        except AvenueError:
            environ[TRIED_SECONDS] = time.monotonic() - began
            return None

    def _watched(
        self, environ: "WSGIEnvironment", host: str, path: str, start_response: "StartResponse"
    ) -> "StartResponse":
        """Return `start_response`, wrapped to cache the answer of a candidate."""

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            candidate: Candidate | None = environ.get(CANDIDATE)
            if candidate and _is_for_everybody(headers):
                whole = _of_the_whole(status, headers, candidate)
                if whole:
                    answer = CachedResponse(candidate=candidate, headers=whole)
                    self._pictures.keep(host, path, answer)
            return start_response(status, headers, exc_info)

        return start


def _bytes_of(answer: CachedResponse, kept: Any) -> Body | None:
    """Return the bytes for `answer`, None if they are not cached.

    Also if they do not match its headers: a rendition may have been generated again.
    """
    if kept is None or isinstance(kept, Body):
        return kept
    # an original without space in the cache: the ordinary path sends it
    if not hasattr(kept, "data"):
        return None
    return kept.data if kept.sha256.startswith(answer.candidate.facts.etag) else None


def _is_for_everybody(headers: Iterable[tuple[str, str]]) -> bool:
    """Return whether an answer is the same for everyone: a cookie in it would be personal."""
    return not any(name.lower() in {"set-cookie", "vary"} for name, _ in headers)


def _of_the_whole(
    status: str, headers: Iterable[tuple[str, str]], candidate: Candidate
) -> Headers | None:
    """Return the headers of the 200 for this answer; None for a part or a refusal."""
    if status.startswith("200 "):
        return tuple(headers)
    if status.startswith("206 "):
        kept = (each for each in headers if each[0] != "Content-Range")
        return (*_without_length(kept), ("Content-Length", str(candidate.facts.length)))
    if status.startswith("304 "):
        return (*headers, *candidate.withheld)
    return None


def _head(answer: CachedResponse, decision: Decision) -> tuple[str, list[tuple[str, str]]]:
    """Return status and headers of the 200, the 206 or the 304 of `decision`."""
    if decision.status == HTTPStatus.OK:
        return "200 OK", list(answer.headers)
    if decision.status == HTTPStatus.NOT_MODIFIED:
        return "304 Not Modified", list(_of_a_304(answer))
    return "206 Partial Content", [
        *_without_length(answer.headers),
        ("Content-Length", str(decision.end - decision.start)),
        ("Content-Range", f"bytes {decision.start}-{decision.end - 1}/{answer.length}"),
    ]


def _without_length(headers: Iterable[tuple[str, str]]) -> Headers:
    return tuple(each for each in headers if each[0] != "Content-Length")


def _of_a_304(answer: CachedResponse) -> Headers:
    left_out = {name for name, _ in answer.candidate.withheld}
    return tuple(each for each in answer.headers if each[0] not in left_out)


def _lines(headers: Headers) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("latin-1")
