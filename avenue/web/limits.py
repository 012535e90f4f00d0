"""How often one caller may call the API. Too often is answered at once; nobody is made to wait."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from flask import Flask, current_app, request

from avenue.config import Settings
from avenue.errors import TooManyRequests, Unauthenticated, sentence
from avenue.identity import Actor, Role
from avenue.web.places import is_api

View = TypeVar("View", bound=Callable[..., object])

READING = frozenset({"GET", "HEAD", "OPTIONS"})
BRINGING = frozenset({"POST", "PUT", "PATCH"})
MARK = "is_upload_route"
BEGINS = "begins_upload"
RESUMABLE = "is_resumable_route"
FETCHING = "is_fetching_route"
TOO_OFTEN = {
    "reads": sentence("More than {limit} reads a minute."),
    "writes": sentence("More than {limit} writes a minute."),
    "uploads": sentence("More than {limit} uploads a minute."),
    "parts": sentence("More than {limit} parts of files a minute."),
}
LARGE_PART_BYTES = 1024 * 1024
LARGE_PARTS_PER_MINUTE = 6000
"""No client waits when it is told to, so no fast line may get there: this is 100 MB a second."""
IPV6_CALLER_BITS = 64  # the least one customer is given; inside it they choose (RFC 6177)


class Counts(Protocol):
    """Who counts, for all instances together."""

    def hit(self, key: str, limit: int) -> int:
        """Count one try of `key` within a minute; return 0, or the seconds to wait."""


def upload_route(view: View) -> View:
    """Mark `view` as one that takes files: it has a limit of its own."""
    setattr(view, MARK, True)
    return view


def begins_upload(view: View) -> View:
    """Mark `view` as one that files begin to come through: it counts as `upload_route` does."""
    setattr(view, BEGINS, True)
    return view


def resumable_route(view: View) -> View:
    """Mark `view` as one that may have to look at a whole file, whose last part is small."""
    setattr(view, RESUMABLE, True)
    return view


def is_resumable_view(view: Callable[..., object] | None) -> bool:
    """Tell whether `view` is marked as one that may have to look at a whole file."""
    return bool(getattr(view, RESUMABLE, False))


def fetching_route(view: View) -> View:
    """Mark `view` as one that fetches a file by its URL when it is sent JSON."""
    setattr(view, FETCHING, True)
    return view


def is_fetching_view(view: Callable[..., object] | None) -> bool:
    """Tell whether `view` is marked as one that fetches files."""
    return bool(getattr(view, FETCHING, False))


def is_upload_view(view: Callable[..., object] | None) -> bool:
    """Tell whether `view` is marked as one that takes files."""
    return bool(getattr(view, MARK, False))


def install(
    app: Flask, counts: Counts, settings: Settings, current_actor: Callable[[], Actor]
) -> None:
    """Count every request to `/api` of `app`; raise `TooManyRequests` above the limits.

    Who is signed in is counted as a person, everybody else by address (IPv6 by /64). A token
    that is no longer good counts by address too, and is refused by whoever asks for the actor;
    install this before anything that refuses, so that guessing tokens is counted.
    """

    def count() -> None:
        if not is_api():
            return
        try:
            actor: Actor | None = current_actor()
        except Unauthenticated:
            actor = None
        kind = _kind_for(actor, settings)
        wait_seconds = counts.hit(f"{kind.name}:{_caller(actor)}", kind.per_minute)
        if wait_seconds:
            raise TooManyRequests(
                TOO_OFTEN[kind.name],
                retry_after_seconds=wait_seconds,
                words={"limit": kind.per_minute},
            )

    app.before_request(count)


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    per_minute: int


def _kind_for(actor: Actor | None, settings: Settings) -> _Kind:
    if request.method in READING:
        return _Kind("reads", settings.max_reads_per_minute)
    if _is_large_part():
        return _Kind("parts", LARGE_PARTS_PER_MINUTE)
    if request.method not in BRINGING or not _is_upload():
        return _Kind("writes", settings.max_writes_per_minute)
    if actor and actor.role is Role.CLIENT and not actor.superuser:
        return _Kind("uploads", settings.max_client_uploads_per_minute)
    return _Kind("uploads", settings.max_uploads_per_minute)


def _is_upload() -> bool:
    view = _view()
    return is_upload_view(view) or bool(getattr(view, BEGINS, False))


def _is_large_part() -> bool:
    is_part = request.method == "PATCH" and is_resumable_view(_view())
    return is_part and (request.content_length or 0) >= LARGE_PART_BYTES


def _view() -> Callable[..., object] | None:
    return current_app.view_functions.get(request.endpoint or "")


def _caller(actor: Actor | None) -> str:
    if actor and actor.id:
        return f"user:{actor.id}"
    return f"address:{_network(request.remote_addr or '')}"


def _network(address: str) -> str:
    """Return `address`; of an IPv6 one the part its owner cannot choose."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_CALLER_BITS), strict=False))
