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
NEVER = (float("-inf"), 0.0)
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
        self._recent(key, lambda: float(self._stored_bytes(site.id)))
        with self._lock:  # or two at once would each see room for one
            known_at, used = self._known[key]
            if used + incoming_bytes > quota_bytes:
                raise QuotaExceeded(used_bytes=int(used), limit_bytes=quota_bytes)
            self._known[key] = (known_at, used + incoming_bytes)

    def _recent(self, key: Hashable, measure: Callable[[], float]) -> float:
        seen = self._known.get(key, NEVER)
        if time.monotonic() - seen[0] <= KNOWN_SECONDS:
            return seen[1]
        value = measure()
        with self._lock:
            if self._known.get(key, NEVER) is seen:  # nobody else has measured, and added, since
                self._known[key] = (time.monotonic(), value)
            return self._known[key][1]

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
