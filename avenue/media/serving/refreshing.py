"""Refreshes cached assets in demand before they expire, many in one query.

Otherwise each picture of a busy shop would take the ordinary path every `AVENUE_CACHE_SECONDS`,
once in each worker, for a request that reads it alone.
"""

import logging
import time
from collections.abc import Callable, Sequence

from avenue.errors import Unavailable
from avenue.media.models import Asset, State, Visibility
from avenue.media.serving.cache import AssetCache
from avenue.media.store.assets import AssetStore

MOST_AT_ONCE = 500
TURNS_PER_LIFE = 6
"""How often it runs within the lifetime of a cached asset; assets with half of it left are due."""

log = logging.getLogger(__name__)


class Refresher:
    """Keeps `assets` fresh from the `store`, and `others` that are cached in the same way."""

    def __init__(
        self,
        store: AssetStore,
        assets: AssetCache,
        cache_seconds: float,
        *others: Callable[[], object],
    ) -> None:
        self._store = store
        self._assets = assets
        self._seconds = cache_seconds
        self._others = others

    def run_forever(self) -> None:
        """Refresh periodically; an unreachable database is tried again the next time."""
        while True:
            time.sleep(self._seconds / TURNS_PER_LIFE)
            try:
                self.refresh()
            except Unavailable:
                continue
            except Exception:
                log.exception("what is known of pictures was not looked at again")

    def refresh(self) -> None:
        """Refresh everything that is due. Raise `Unavailable`."""
        for each in self._others:
            each()
        for site_id, due in self._assets.ending(self._seconds / 2).items():
            for start in range(0, len(due), MOST_AT_ONCE):
                self._look(site_id, due[start : start + MOST_AT_ONCE])

    def _look(self, site_id: str, due: Sequence[Asset]) -> None:
        seen_at = time.monotonic()
        found = self._store.get_many(site_id, [each.id for each in due])
        for each in due:
            seen = found.get(each.id)
            if seen and seen.state is State.LIVE and seen.visibility is Visibility.PUBLIC:
                self._assets.renew(seen, seen_at=seen_at)
            else:
                self._assets.forget(site_id, each.id)
