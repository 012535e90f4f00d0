"""Checks the database before a request uses it, and limits how long its queries take."""

from flask import Flask, request

from avenue.config import Settings
from avenue.storage.connection import Database
from avenue.storage.schema import Gate
from avenue.web import limits
from avenue.web.marks import current_view
from avenue.web.requestlog import TRIED_SECONDS

MB = 1024 * 1024
LONGEST_REQUEST_SECONDS = 3600.0
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
    if method in {"GET", "HEAD", "OPTIONS"}:
        return settings.read_seconds
    declared_bytes = request.content_length or 0
    seconds = settings.write_seconds + declared_bytes / MB
    if declared_bytes > settings.max_drain_mb * MB:  # read while it arrives, not collected before
        seconds += declared_bytes / (settings.min_body_kb_per_second * 1024)
    view = current_view()
    if request.is_json and limits.fetching_route.is_on(view):
        seconds += settings.fetch_seconds
    if limits.resumable_route.is_on(view):
        seconds += settings.max_tus_mb  # the last part may be small; all of it is read
    return min(seconds, LONGEST_REQUEST_SECONDS)
