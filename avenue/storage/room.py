"""Whether there is room for more: the database's disk, and the quota of a site."""

import threading
import time
from collections.abc import Callable, Hashable

from pymongo.errors import PyMongoError

from avenue.config import Settings
from avenue.errors import StorageFull
from avenue.identity import Site
from avenue.storage.connection import Database

MB = 1024 * 1024
KNOWN_SECONDS = 20


class QuotaExceeded(StorageFull):
    """The site has used up what it may store."""

    code = "quota_exceeded"
    message = "This site has used up its storage."
    hint = "Remove files you no longer need, or ask for a larger quota."


class StorageRoom:
    """Refuses uploads before the disk is full: a mongod whose disk is full aborts.

    Both figures may be `KNOWN_SECONDS` old, so that uploads do not ask each time.
    """

    def __init__(
        self, database: Database, settings: Settings, stored_bytes: Callable[[str], int]
    ) -> None:
        self._database = database
        self._most_percent = settings.max_disk_percent
        self._default_bytes = settings.max_site_mb * MB
        self._stored_bytes = stored_bytes
        self._known: dict[Hashable, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def check(self, site: Site, incoming_bytes: int) -> None:
        """Raise `StorageFull` or `QuotaExceeded` when `incoming_bytes` more are too many."""
        percent = self._recent("disk", self._disk_percent)
        if percent >= self._most_percent:
            raise StorageFull(used_percent=round(percent), limit_percent=self._most_percent)
        quota_bytes = self._default_bytes if site.quota_bytes is None else site.quota_bytes
        if not quota_bytes:
            return
        key = ("site", site.id)
        used = self._recent(key, lambda: float(self._stored_bytes(site.id)))
        if used + incoming_bytes > quota_bytes:
            raise QuotaExceeded(used_bytes=int(used), limit_bytes=quota_bytes)
        with self._lock:
            known_at, _ = self._known[key]
            self._known[key] = (known_at, used + incoming_bytes)

    def _recent(self, key: Hashable, measure: Callable[[], float]) -> float:
        known_at, value = self._known.get(key, (float("-inf"), 0.0))
        if time.monotonic() - known_at > KNOWN_SECONDS:
            value = measure()
            with self._lock:
                self._known[key] = (time.monotonic(), value)
        return value

    def _disk_percent(self) -> float:
        """Return how full the database's disk is; 0 where the database does not tell."""
        try:
            stats = self._database.repeat(
                lambda: self._database.raw.command("dbStats"), self._database.read_seconds
            )
        except PyMongoError:  # no privilege: a refusal must not come from not knowing
            return 0.0
        total = stats.get("fsTotalSize") or 0
        return 100 * stats.get("fsUsedSize", 0) / total if total else 0.0
