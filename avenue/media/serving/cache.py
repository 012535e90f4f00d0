"""What a worker keeps at hand: facts of public assets for seconds, files while they fit."""

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
"""How long after its time an asset may be shown while the database is away."""
RETRY_SECONDS = 2.0
"""How soon the database is asked again then."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a `ByteCache` has something under `key`, and what gets it there.

    `on_disk` is for what may be kept in a file, too.
    """

    key: str
    read: Callable[[], Sized | None]
    on_disk: OnDisk | None = None


class ByteCache:
    """Keeps things that have a length in bytes, at most `most_bytes` in all.

    Those that were not asked for longest go first. Who puts something in knows what comes out. With
    a `disk` large ones are kept there; what is here then is an open file.
    """

    def __init__(
        self, most_bytes: int, turn: Turn = without_end, disk: DiskCache | None = None
    ) -> None:
        """`turn` says who may wait for what another one reads."""
        self._most_bytes = most_bytes
        self._held_bytes = 0
        self._entries: OrderedDict[str, Sized] = OrderedDict()
        self._lock = threading.Lock()
        self._reads: SingleFlight[Any] = SingleFlight(turn)
        self._disk = disk

    @property
    def most_file_bytes(self) -> int:
        """How large a file may be that is kept on the disk."""
        return self._disk.most_file_bytes if self._disk else 0

    def fetch(self, place: Place) -> Any:
        """Return what is at `place`, or what it reads, which is kept unless it is None.

        However many threads miss the same at once, one of them reads.
        """
        kept = self.get(place.key)
        metrics.count_lookup(found=kept is not None)
        if kept is not None:
            return kept
        return self._reads.share(place.key, lambda: self._read(place))

    def _read(self, place: Place) -> Any:
        kept = self.get(place.key)
        if kept is not None:  # another one has read it since we looked
            return kept
        if self._disk and place.on_disk:
            kept = self._disk.find(place.on_disk)
            if kept is not None:
                metrics.count_disk_hit()
                self.put(place.key, kept)
                return kept
        return self.keep(place, place.read())

    def keep(self, place: Place, kept: Any) -> Any:
        """Keep what was read or made for `place`, and return it; nothing for None."""
        if kept is None:
            return None
        if self._disk and place.on_disk and self._disk.takes(len(kept)):
            kept = self._disk.keep(place.on_disk, kept)
        self.put(place.key, kept)
        return kept

    def at_hand(self, place: Place) -> Any:
        """Return what is at `place` if that needs no waiting, or None."""
        kept = self.get(place.key)
        if kept is None and self._disk and place.on_disk:
            kept = self._disk.at_hand(place.on_disk)
            if kept is not None:
                self.put(place.key, kept)
        return kept

    def touch_files(self) -> None:
        """Note that the files which are open here are used: nobody opens them again."""
        with self._lock:
            held = list(self._entries.values())
        for each in held:
            body = getattr(each, "data", each)
            if isinstance(body, FileBody):
                body.touch()

    def get(self, key: str) -> Any:
        """Return what was put under `key`, or None."""
        try:  # without the lock: each of the two is one step of the interpreter
            data = self._entries[key]
            self._entries.move_to_end(key)
        except KeyError:  # or another thread has let go of it in between
            return None
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


@dataclass(slots=True)
class _Known:
    """An asset, until when it is believed, and until when it is at least better than nothing.

    `asked`: somebody wanted it since it was looked at last.
    """

    asset: Asset
    good_until: float
    late_until: float
    asked: bool = False


class AssetCache:
    """Remembers assets for `seconds`, so that what was removed is gone everywhere after that.

    While the database is away they may be shown for `LATE_SECONDS` more: what a site shows then
    is worth more than what somebody behind another connection may have removed.
    """

    def __init__(
        self,
        seconds: float,
        now: Callable[[], float] = time.monotonic,
        *,
        is_away: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`is_away` tells of a site, without asking anybody, whether its database is away."""
        self._is_away = is_away
        self._seconds = seconds
        self._now = now
        self._entries: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, site_id: str, asset_id: str) -> Asset | None:
        """Return a remembered asset, or None."""
        known = self._entries.get((site_id, asset_id))
        if known is None:
            return None
        known.asked = True
        now = self._now()
        if now < known.good_until or (now < known.late_until and self._is_away(site_id)):
            return known.asset
        return None

    def has_late(self, site_id: str, asset_id: str) -> bool:
        """Tell whether there is an asset that could be shown if the database does not answer."""
        known = self._entries.get((site_id, asset_id))
        return known is not None and self._now() < known.late_until

    def get_late(self, site_id: str, asset_id: str) -> Asset | None:
        """Return an asset whose time is up, and believe it for `RETRY_SECONDS`; or None."""
        known = self._entries.get((site_id, asset_id))
        if known is None or self._now() >= known.late_until:
            return None
        known.good_until = min(self._now() + RETRY_SECONDS, known.late_until)
        return known.asset

    def put(self, asset: Asset) -> Asset:
        """Remember `asset` from now on; return what is remembered.

        While it is as it was the same object stays, and with it what was made for that.
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
        """Return, by site, those that were asked for and will not be believed much longer."""
        before = self._now() + within_seconds
        with self._lock:
            known = list(self._entries.values())
        ending: dict[str, list[Asset]] = {}
        for each in known:
            if each.asked and each.good_until < before:
                ending.setdefault(each.asset.site, []).append(each.asset)
        return ending

    def renew(self, seen: Asset, *, seen_at: float) -> None:
        """Believe `seen` on from `seen_at` (monotonic seconds), if it is what is remembered.

        Else it has changed, here or elsewhere: it is remembered no more.
        """
        with self._lock:  # or what is removed here just now would be put back
            known = self._entries.get((seen.site, seen.id))
            if known is None or known.asset != seen:
                self._entries.pop((seen.site, seen.id), None)
            elif known.good_until < seen_at + self._seconds:
                self._remember(seen, seen_at)

    def forget(self, site_id: str, asset_id: str) -> None:
        """Remember an asset no more: it is not what it was."""
        with self._lock:
            self._entries.pop((site_id, asset_id), None)
