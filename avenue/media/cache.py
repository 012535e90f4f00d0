"""What a worker keeps at hand: facts of public assets for seconds, small files while they fit."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sized
from typing import Any

from avenue.media.models import Asset

MOST_ASSETS = 20_000


class ByteCache:
    """Keeps things that have a length in bytes, at most `most_bytes` in all.

    Those that were not asked for longest go first. Who puts something in knows what comes out.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._held_bytes = 0
        self._entries: OrderedDict[str, Sized] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Any:
        """Return what was put under `key`, or None."""
        with self._lock:
            data = self._entries.get(key)
            if data is not None:
                self._entries.move_to_end(key)
            return data

    def put(self, key: str, data: Sized) -> None:
        """Keep `data`, letting go of others as needed; too large a piece is not kept."""
        if len(data) > self._most_bytes // 8:
            return
        with self._lock:
            self._held_bytes += len(data) - len(self._entries.pop(key, b""))
            self._entries[key] = data
            while self._held_bytes > self._most_bytes:
                _, gone = self._entries.popitem(last=False)
                self._held_bytes -= len(gone)


class AssetCache:
    """Remembers assets for `seconds`, so that what was removed is gone everywhere after that."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._entries: OrderedDict[tuple[str, str], tuple[float, Asset]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, site_id: str, asset_id: str) -> Asset | None:
        """Return a remembered asset, or None."""
        entry = self._entries.get((site_id, asset_id))
        return entry[1] if entry and self._now() < entry[0] else None

    def put(self, asset: Asset) -> None:
        """Remember `asset` from now on."""
        if self._seconds <= 0:
            return
        with self._lock:
            key = (asset.site, asset.id)
            self._entries.pop(key, None)
            self._entries[key] = (self._now() + self._seconds, asset)
            while len(self._entries) > MOST_ASSETS:
                self._entries.popitem(last=False)
