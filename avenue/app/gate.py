"""Checks the database before requests use it, limits its time, and lets writes wait for moves."""

import threading

from flask import Flask, g, request

from avenue.config import Settings
from avenue.errors import SiteMoves
from avenue.slots import slot
from avenue.storage.connection import Database
from avenue.storage.schema import Gate
from avenue.web import limits
from avenue.web.marks import current_view
from avenue.web.requestlog import TRIED_SECONDS

MB = 1024 * 1024
LONGEST_REQUEST_SECONDS = 3600.0
MOST_WAITING_SECONDS = 2.0
"""The most seconds a write waits while its site moves to another cluster."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})
NEEDS_NO_DATABASE = ("/healthz", "/readyz", "/metrics", "/static/")


def install_gate(app: Flask, gate: Gate, database: Database, settings: Settings) -> None:
    """Check the database before a request uses it, and set a deadline for its queries."""

    def enter() -> None:
        if request.path.startswith(NEEDS_NO_DATABASE):
            return
        tried = request.environ.get(TRIED_SECONDS, 0.0)
        deadline = database.request(seconds_for(request.method, settings) - tried)
        request.environ["avenue.deadline"] = deadline
        deadline.__enter__()
        gate.pass_or_raise()

    def leave(_: BaseException | None) -> None:
        deadline = request.environ.pop("avenue.deadline", None)
        if deadline is not None:
            deadline.__exit__(None, None, None)

    app.before_request(enter)
    app.teardown_request(leave)


def seconds_for(method: str, settings: Settings) -> float:
    """Return the seconds of database time for a request: writing plus transferring its body."""
    if method in READING:
        return settings.read_seconds
    view = current_view()
    takes_files = limits.upload_route.is_on(view) or limits.resumable_route.is_on(view)
    if takes_files and "Transfer-Encoding" in request.headers:  # a body of unknown length
        return LONGEST_REQUEST_SECONDS
    declared_bytes = request.content_length or 0
    seconds = settings.write_seconds + declared_bytes / MB
    if declared_bytes > settings.max_drain_mb * MB:  # read while it arrives, not collected before
        seconds += declared_bytes / (settings.min_body_kb_per_second * 1024)
    if request.is_json and limits.fetching_route.is_on(view):
        seconds += settings.fetch_seconds
    if limits.resumable_route.is_on(view):
        seconds += settings.max_tus_mb  # the last part may be small; all of it is read
    return min(seconds, LONGEST_REQUEST_SECONDS)


def let_writes_wait(app: Flask, database: Database, settings: Settings) -> None:
    """Let requests that write to a site wait while it moves to another cluster.

    After that they are refused with `SiteMoves`. With a single cluster, nothing waits.
    """
    if database.clusters:
        turns = _WritingRequests(database, max(settings.threads // 2, 1))
        app.before_request(turns.begin)
        app.teardown_request(turns.end)


class _WritingRequests:
    """Tracks the writing requests; at most `slots` of the threads wait."""

    def __init__(self, database: Database, slots: int) -> None:
        self._database = database
        self._slots = threading.Semaphore(slots)

    def begin(self) -> None:
        """Begin to write, if this request does; raise `SiteMoves`."""
        found = g.get("site")
        if found is None or request.method in READING:
            return
        self._database.instance.begin()
        if not self._database.directory.begin_writing(found.id, 0):
            self._wait(found.id)
        g.writes_into = found.id

    def end(self, _: BaseException | None) -> None:
        """Note that the request no longer writes."""
        if (site_id := g.pop("writes_into", None)) is not None:
            self._database.directory.end_writing(site_id)

    def _wait(self, site_id: str) -> None:
        with slot(self._slots, SiteMoves):
            if not self._database.directory.begin_writing(site_id, MOST_WAITING_SECONDS):
                raise SiteMoves
