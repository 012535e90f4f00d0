"""A worker's memory cache: facts of public assets for seconds, bytes of files while they fit."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Any

from avenue.media.models import Asset
from avenue.media.serving.disk_cache import DiskCache, OnDisk
from avenue.media.serving.single_flight import SingleFlight, Turn, without_end
from avenue.server.file_body import FileBody
from avenue.web import metrics

MOST_ASSETS = 20_000
LATE_SECONDS = 600.0
"""How long an expired asset may be shown while the database is unreachable."""
RETRY_SECONDS = 2.0
"""How soon the database is asked again then."""


@dataclass(frozen=True, slots=True)
class Place:
    """A key of a `ByteCache` and the function that reads its value.

    `on_disk` is for values that may be stored in a file, too.
    """

    key: str
    read: Callable[[], Sized | None]
    on_disk: OnDisk | None = None


class ByteCache:
    """Caches values that have a length in bytes, at most `most_bytes` in total.

    The least recently used ones are evicted first. The caller knows the type of a value. With a
    `disk` large ones are cached there; the value here is then an open file.
    """

    def __init__(
        self, most_bytes: int, turn: Turn = without_end, disk: DiskCache | None = None
    ) -> None:
        """`turn` decides who may wait for a read by another thread."""
        self._most_bytes = most_bytes
        self._held_bytes = 0
        self._entries: OrderedDict[str, Sized] = OrderedDict()
        self._lock = threading.Lock()
        self._reads: SingleFlight[Any] = SingleFlight(turn)
        self._disk = disk

    @property
    def most_file_bytes(self) -> int:
        """The maximum size of a file in the disk cache."""
        return self._disk.most_file_bytes if self._disk else 0

    def fetch(self, place: Place) -> Any:
        """Return the value of `place`, or read it, and cache it unless it is None.

        If several threads miss the same value at once, one of them reads it.
        """
        kept = self.get(place.key)
        metrics.count_lookup(found=kept is not None)
        if kept is not None:
            return kept
        return self._reads.share(place.key, lambda: self._read(place))

    def _read(self, place: Place) -> Any:
        kept = self.get(place.key)
        if kept is not None:  # another thread has read it since the lookup
            return kept
        if self._disk and place.on_disk:
            kept = self._disk.find(place.on_disk)
            if kept is not None:
                metrics.count_disk_hit()
                self.put(place.key, kept)
                return kept
        return self.keep(place, place.read())

    def keep(self, place: Place, kept: Any) -> Any:
        """Cache the value of `place`, and return it; None is not cached."""
        if kept is None:
            return None
        if self._disk and place.on_disk and self._disk.takes(len(kept)):
            kept = self._disk.keep(place.on_disk, kept)
        self.put(place.key, kept)
        return kept

    def at_hand(self, place: Place) -> Any:
        """Return the value of `place` if that needs no waiting, or None."""
        kept = self.get(place.key)
        if kept is None and self._disk and place.on_disk:
            kept = self._disk.at_hand(place.on_disk)
            if kept is not None:
                self.put(place.key, kept)
        return kept

    def touch_files(self) -> None:
        """Note that the open files are in use, because no one opens them again."""
        with self._lock:
            held = list(self._entries.values())
        for each in held:
            body = getattr(each, "data", each)
            if isinstance(body, FileBody):
                body.touch()

    def get(self, key: str) -> Any:
        """Return the value of `key`, or None."""
        try:  # without the lock: each of the two is one step of the interpreter
            data = self._entries[key]
            self._entries.move_to_end(key)
        except KeyError:  # evicted by another thread in between
            return None
        return data

    def put(self, key: str, data: Sized) -> None:
        """Cache `data`, evicting others as needed; a value that is too large is not cached."""
        if len(data) > self._most_bytes // 8:
            return
        with self._lock:
            self._held_bytes += len(data) - len(self._entries.pop(key, b""))
            self._entries[key] = data
            while self._held_bytes > self._most_bytes:
                _, gone = self._entries.popitem(last=False)
                self._held_bytes -= len(gone)


@dataclass(slots=True)
class _Known:
    """A cached asset, its expiry, and its expiry while the database is unreachable.

    `asked`: it was requested since its last refresh.
    """

    asset: Asset
    good_until: float
    late_until: float
    asked: bool = False


class AssetCache:
    """Caches assets for `seconds`, so that deletions take effect everywhere after that.

    While the database is unreachable they may be shown for `LATE_SECONDS` more: showing the site
    then is worth more than deletions that another process may have made.
    """

    def __init__(
        self,
        seconds: float,
        now: Callable[[], float] = time.monotonic,
        *,
        is_away: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`is_away` tells, without a query, whether the database of a site is unreachable."""
        self._is_away = is_away
        self._seconds = seconds
        self._now = now
        self._entries: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, site_id: str, asset_id: str) -> Asset | None:
        """Return a cached asset, or None."""
        known = self._entries.get((site_id, asset_id))
        if known is None:
            return None
        known.asked = True
        now = self._now()
        if now < known.good_until or (now < known.late_until and self._is_away(site_id)):
            return known.asset
        return None

    def has_late(self, site_id: str, asset_id: str) -> bool:
        """Return whether there is an expired asset to show if the database does not answer."""
        known = self._entries.get((site_id, asset_id))
        return known is not None and self._now() < known.late_until

    def get_late(self, site_id: str, asset_id: str) -> Asset | None:
        """Return an expired asset, and cache it for another `RETRY_SECONDS`; or None."""
        known = self._entries.get((site_id, asset_id))
        if known is None or self._now() >= known.late_until:
            return None
        known.good_until = min(self._now() + RETRY_SECONDS, known.late_until)
        return known.asset

    def put(self, asset: Asset) -> Asset:
        """Cache `asset`; return the cached object.

        If it has not changed, the same object is kept, and with it what was computed for that.
        """
        if self._seconds <= 0:
            return asset
        with self._lock:
            return self._remember(asset, self._now())

    def _remember(self, asset: Asset, seen_at: float) -> Asset:
        key, good_until = (asset.site, asset.id), seen_at + self._seconds
        known = self._entries.pop(key, None)
        same = known.asset if known and known.asset == asset else asset
        self._entries[key] = _Known(same, good_until, good_until + LATE_SECONDS)
        while len(self._entries) > MOST_ASSETS:
            self._entries.popitem(last=False)
        return same

    def ending(self, within_seconds: float) -> dict[str, list[Asset]]:
        """Return, by site, the requested assets that expire within this time."""
        before = self._now() + within_seconds
        with self._lock:
            known = list(self._entries.values())
        ending: dict[str, list[Asset]] = {}
        for each in known:
            if each.asked and each.good_until < before:
                ending.setdefault(each.asset.site, []).append(each.asset)
        return ending

    def renew(self, seen: Asset, *, seen_at: float) -> None:
        """Extend `seen` from `seen_at` (monotonic seconds), if it is the cached asset.

        Otherwise it was changed, here or elsewhere, and is dropped from the cache.
        """
        with self._lock:  # otherwise a deletion in this process just now would be reverted
            known = self._entries.get((seen.site, seen.id))
            if known is None or known.asset != seen:
                self._entries.pop((seen.site, seen.id), None)
            elif known.good_until < seen_at + self._seconds:
                self._remember(seen, seen_at)

    def forget(self, site_id: str, asset_id: str) -> None:
        """Drop an asset from the cache because it has changed."""
        with self._lock:
            self._entries.pop((site_id, asset_id), None)
