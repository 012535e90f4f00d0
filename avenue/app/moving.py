"""Lets writes wait for a moment while their site moves to another cluster."""

import threading

from flask import Flask, g, request

from avenue.config import Settings
from avenue.errors import SiteMoves
from avenue.storage.connection import Database

MOST_WAITING_SECONDS = 2.0
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def let_writes_wait(app: Flask, database: Database, settings: Settings) -> None:
    """Let requests that write to a site wait while it moves to another cluster.

    After that they are refused with `SiteMoves`. With a single cluster, nothing waits.
    """
    if database.clusters:
        turns = _WritingRequests(database, max(settings.threads // 2, 1))
        app.before_request(turns.begin)
        app.teardown_request(turns.end)


class _WritingRequests:
    """Tracks the writing requests; at most `seats` of the threads wait."""

    def __init__(self, database: Database, seats: int) -> None:
        self._database = database
        self._seats = threading.Semaphore(seats)

    def begin(self) -> None:
        """Begin to write, if this request does; raise `SiteMoves`."""
        found = g.get("site")
        if found is None or request.method in READING:
            return
        self._database.instance.begin()
        if not self._database.directory.begin_writing(found.id, 0) and not self._wait(found.id):
            raise SiteMoves
        g.writes_into = found.id

    def end(self, _: BaseException | None) -> None:
        """Note that the request no longer writes."""
        if (site_id := g.pop("writes_into", None)) is not None:
            self._database.directory.end_writing(site_id)

    def _wait(self, site_id: str) -> bool:
        if not self._seats.acquire(blocking=False):
            return False
        try:
            return self._database.directory.begin_writing(site_id, MOST_WAITING_SECONDS)
        finally:
            self._seats.release()
