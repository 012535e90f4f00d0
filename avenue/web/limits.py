"""Rate limits. Requests beyond a limit are refused at once; none is delayed.

`limit_of` is the table: it names the limit of each route. Requests to `/api` and the panel
(`/admin`) count together, because a form of the panel does what the API does. They are counted in
the database, exactly for all instances. Public pages count by address in this process only, so that
reading them writes nothing.

Every counted answer that no cache shares says how much is left, twice: in `RateLimit-Policy` and
`RateLimit` as in the IETF draft (draft-ietf-httpapi-ratelimit-headers, from its eighth version on),
and in the three fields of its first versions, which clients read today. Seconds are from now on in
both.

Reads never wait for the count: a read that cannot be counted in time is allowed.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from flask import Flask, Response, current_app, g, request

from avenue.config import Settings
from avenue.errors import TooManyRequests, Unauthenticated, Unavailable, sentence
from avenue.identity import Actor, Role, network_of
from avenue.web import metrics
from avenue.web.marks import AnyView, Flag, current_view
from avenue.web.request_kinds import API, MCP, PANEL, under

PUBLIC = frozenset(
    {
        "/",
        "/products/<product_id>",
        "/categories/<path:key>",
        "/products/<product_id>/<slug>",
        "/p/<slug>",
        "/preview/<token>",
        "/status",
        "/status.json",
        "/status/badge.svg",
        "/sitemap.xml",
        "/sitemap/pages.xml",
        "/sitemap/products-<int:number>.xml",
        "/login",
        "/login/oidc",
        "/login/oidc/callback",
        "/login/passkey",
        "/login/second-factor",
        "/login/forgotten",
        "/login/reset",
        "/login/reset/<secret>",
        "/logout",
        "/preferences",
        "/metrics",
    }
)
"""The routes outside of API and panel that may need a query."""
_DELIVERY = "Files, from memory where they can be; made of one are the usual sizes, 10 of its site."
_ORCHESTRATOR = "An orchestrator ends an instance that gives no good answer, even under a flood."
_NO_QUERY = "Costs no query."
UNLIMITED: Mapping[str, str] = {
    "/media/<asset_id>/<token>/<file_name>": _DELIVERY,
    "/media/<asset_id>/<variant>": _DELIVERY,
    "/media/<path:path>": _DELIVERY,
    "/uploads/<path:path>": _DELIVERY,
    "/healthz": _ORCHESTRATOR,
    "/readyz": _ORCHESTRATOR,
    "/robots.txt": _NO_QUERY,
    "/site.css": _NO_QUERY,
    "/theme.css": _NO_QUERY,
    "/static/<path:name>": _NO_QUERY,
}
"""The routes without a limit, and why."""
NONE, PAGES = "none", "pages"
READING = frozenset({"GET", "HEAD", "OPTIONS"})
BRINGING = frozenset({"POST", "PUT", "PATCH"})
upload_route = Flag("is_upload_route")
"""Marks a view that accepts files: it has its own limit."""
begins_upload = Flag("begins_upload")
"""Marks a view that starts an upload: it counts as `upload_route` does."""
resumable_route = Flag("is_resumable_route")
"""Marks a view that may check a whole file, even if its last part is small."""
fetching_route = Flag("is_fetching_route")
"""Marks a view that fetches a file by its URL if it gets JSON."""
reading_route = Flag("is_reading_route")
"""Marks a view as reading, whatever the method; it counts its own changes, see `count_as`."""
EXTENSION = "avenue.limits"
TOO_OFTEN = {
    "reads": sentence("More than {limit} reads per minute."),
    "writes": sentence("More than {limit} writes per minute."),
    "uploads": sentence("More than {limit} uploads per minute."),
    "parts": sentence("More than {limit} file parts per minute."),
    "pages": sentence("More than {limit} pages per minute."),
}
LARGE_PART_BYTES = 1024 * 1024
LARGE_PARTS_PER_MINUTE = 6000
"""No client pauses by itself, so no fast connection may reach it: this is 100 MB a second."""
WINDOW_SECONDS = 60
COUNTING_SECONDS = 0.5
"""How long a read waits to be counted; usually that takes one or two milliseconds."""
RESTING_SECONDS = 1.0
"""How long reads are not counted after a timeout, so that they do not all wait."""
MOST_ADDRESSES = 50_000
"""Addresses counted at the same time in a process; that took 6 MB."""
HEADERS = (
    "RateLimit-Policy",
    "RateLimit",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
)


class Window(Protocol):
    """The current minute of a caller."""

    @property
    def tries(self) -> int:
        """Return the number of tries, including this one."""

    @property
    def seconds_left(self) -> int:
        """Return the seconds until it ends, at least one."""


class Counts(Protocol):
    """Counts for all instances together."""

    def count(self, key: str, *, within_seconds: float | None = None) -> Window:
        """Count one try of `key`; raise `Unavailable` if that fails, or takes too long."""

    def mark(self, text: str) -> str:
        """Return a keyed hash of a part of a key that must not be readable."""


def limit_of(method: str, rule: str, view: AnyView | None) -> str | None:
    """Return the name of the limit that `method` of the route `rule` counts for.

    `none` is for those in `UNLIMITED`; None means that the route is not classified yet. Large parts
    of files are the only case that depends on the request: `parts`, not `writes`.
    """
    if rule in UNLIMITED:
        return NONE
    if not _is_api_or_panel(rule):
        if rule not in PUBLIC:
            return None
        if method in READING:
            return PAGES
    if method in READING or reading_route.is_on(view):
        return "reads"
    takes_files = upload_route.is_on(view) or begins_upload.is_on(view)
    return "uploads" if method in BRINGING and takes_files else "writes"


def install(
    app: Flask, counts: Counts, settings: Settings, current_actor: Callable[[], Actor]
) -> None:
    """Count the requests to `app`; raise `TooManyRequests` above the limits.

    Signed-in people are counted as persons, all others by address (IPv6 by /64); public pages
    always by address, and unclassified routes as public ones. An invalid token counts by address
    too, and is refused later by the code that asks for the actor; install this before anything that
    refuses, so that guessing tokens is counted.
    """
    count_for = partial(_count_for, Limiter(counts), settings, current_actor)

    def count() -> None:
        name = _limit_here()
        if name != NONE:
            count_for(name)

    def add_headers(response: Response) -> Response:
        # a cache would show everyone what one person has left
        if not response.cache_control.public:
            response.headers.update(g.get("rate_limit") or {})
        return response

    app.extensions[EXTENSION] = count_for
    app.before_request(count)
    app.after_request(add_headers)


def _count_for(
    limiter: "Limiter", settings: Settings, current_actor: Callable[[], Actor], name: str
) -> None:
    actor = None if name == PAGES else _known(current_actor)
    kind = _kind_for(name, actor, settings)
    window = limiter.count(kind, _caller(actor))
    if window is None:
        return
    if name != PAGES:  # each process knows only those that it has counted itself
        g.rate_limit = _rate_limit_headers(kind, window)
    if window.tries > kind.per_minute:
        raise TooManyRequests(
            TOO_OFTEN[kind.name],
            retry_after_seconds=window.seconds_left,
            words={"limit": kind.per_minute},
        )


def count_as(name: str) -> None:
    """Also count the current request for the limit `name`; raise `TooManyRequests`.

    For a `reading_route` that is about to change something.
    """
    current_app.extensions[EXTENSION](name)


@dataclass(frozen=True, slots=True)
class Kind:
    """A group of requests counted together; `waits`: refused if it cannot be counted."""

    name: str
    per_minute: int
    waits: bool = True


class Limiter:
    """Counts requests, and allows reads if counting fails or takes too long."""

    def __init__(self, counts: Counts, now: Callable[[], float] = time.monotonic) -> None:
        self._counts = counts
        self._pages = OwnCounts(now)
        self._now = now
        self._resting_until = float("-inf")

    def count(self, kind: Kind, caller: str) -> Window | None:
        """Count one try of `caller`; return None for a read that could not be counted.

        Raise `Unavailable` for anything else that could not be counted.
        """
        if kind.name == PAGES:
            return self._pages.count(caller)
        key = f"{kind.name}:{self._counts.mark(caller)}"
        if kind.waits:
            return self._counts.count(key)
        if self._now() >= self._resting_until:
            try:
                return self._counts.count(key, within_seconds=COUNTING_SECONDS)
            except Unavailable:
                self._resting_until = self._now() + RESTING_SECONDS
        metrics.count_uncounted(kind.name)
        return None


@dataclass(frozen=True, slots=True)
class Minute:
    """A window of `OwnCounts`."""

    tries: int
    seconds_left: int


class OwnCounts:
    """Counts in the memory of this process, in minutes that are the same for all keys.

    With more than `most` keys in a minute all of them start over, so an attacker with that many
    addresses, who would pass a limit per address anyway, cannot use up the memory.
    """

    def __init__(
        self, now: Callable[[], float] = time.monotonic, most: int = MOST_ADDRESSES
    ) -> None:
        self._now = now
        self._most = most
        self._counts: dict[str, int] = {}
        self._ends_at = float("-inf")
        self._lock = threading.Lock()

    def count(self, key: str) -> Minute:
        """Count one try of `key`."""
        with self._lock:
            now = self._now()
            if now >= self._ends_at:
                self._counts.clear()
                self._ends_at = now + WINDOW_SECONDS
            if len(self._counts) >= self._most and key not in self._counts:
                self._counts.clear()
            tries = self._counts[key] = self._counts.get(key, 0) + 1
            return Minute(tries, math.ceil(self._ends_at - now))


def _rate_limit_headers(kind: Kind, window: Window) -> Mapping[str, str]:
    """Return the rate limit headers for a count."""
    left = max(kind.per_minute - window.tries, 0)
    return {
        "RateLimit-Policy": f'"{kind.name}";q={kind.per_minute};w={WINDOW_SECONDS}',
        "RateLimit": f'"{kind.name}";r={left};t={window.seconds_left}',
        "RateLimit-Limit": str(kind.per_minute),
        "RateLimit-Remaining": str(left),
        "RateLimit-Reset": str(window.seconds_left),
    }


def _kind_for(name: str, actor: Actor | None, settings: Settings) -> Kind:
    if name == PAGES:
        return Kind(name, settings.max_pages_per_minute)
    if name == "reads":
        return Kind(name, settings.max_reads_per_minute, waits=False)
    if _is_large_part():
        return Kind("parts", LARGE_PARTS_PER_MINUTE)
    if name == "writes":
        return Kind(name, settings.max_writes_per_minute)
    if actor and actor.role is Role.CLIENT and not actor.superuser:
        return Kind(name, settings.max_client_uploads_per_minute)
    return Kind(name, settings.max_uploads_per_minute)


def _limit_here() -> str:
    if request.url_rule is not None:
        return limit_of(request.method, request.url_rule.rule, current_view()) or PAGES
    # An unknown address or method: outside of API and panel that costs no query, and /metrics has
    # no site in which to look up a person.
    is_counted = _is_api_or_panel(request.path)
    return (is_counted and limit_of(request.method, request.path, None)) or PAGES


def _is_api_or_panel(path: str) -> bool:
    return under(API, path) or under(PANEL, path) or path == MCP


def _known(current_actor: Callable[[], Actor]) -> Actor | None:
    try:
        return current_actor()
    except Unauthenticated:
        return None


def _is_large_part() -> bool:
    is_part = request.method == "PATCH" and resumable_route.is_on(current_view())
    return is_part and (request.content_length or 0) >= LARGE_PART_BYTES


def _caller(actor: Actor | None) -> str:
    if actor and actor.id:
        return f"user:{actor.id}"
    return f"address:{network_of(request.remote_addr or '')}"
