"""Opens stored files for people with permission, with few queries and bounded memory."""

import threading

from avenue.errors import Unavailable
from avenue.identity import Site
from avenue.media.errors import VersionNotFound
from avenue.media.models import Asset, State, Visibility
from avenue.media.scans import check_scanned
from avenue.media.serving.cache import AssetCache, ByteCache
from avenue.media.serving.single_flight import SingleFlight, Turn, without_end
from avenue.media.serving.stored_file import RightBytes, StoredFile
from avenue.media.store.assets import AssetStore

PUBLIC = Visibility.PUBLIC
GLANCE_SECONDS = 2.0
"""How long a request waits for the database if it could show an expired asset."""


class MediaReader:
    """Finds the asset of a URL. Assets that may not be seen do not exist."""

    def __init__(
        self,
        store: AssetStore,
        assets: AssetCache,
        cache: ByteCache,
        turn: Turn = without_end,
    ) -> None:
        """`turn` decides who may wait for a lookup by another thread."""
        self._store = store
        self._assets = assets
        self._cache = cache
        self._right_bytes = RightBytes()
        self._looks: SingleFlight[Asset | None] = SingleFlight(turn)

    def find(self, site: Site, asset_id: str) -> Asset | None:
        """Return a live asset of `site`, or None; public ones may be cached for some seconds.

        The seconds count from the query, however often it is requested; only while the database is
        unreachable may they be more.
        """
        known = self._assets.get(site.id, asset_id)
        if known is not None:
            return known
        try:
            return self._look(site, asset_id)
        except Unavailable:
            late = self._assets.get_late(site.id, asset_id)
            if late is None:
                raise
            return late

    def _look(self, site: Site, asset_id: str) -> Asset | None:
        """Query the database, once for all threads that request the same now."""
        looked = threading.Event()
        seconds = GLANCE_SECONDS if self._assets.has_late(site.id, asset_id) else None

        def look() -> Asset | None:
            looked.set()
            return self.noted(site, asset_id, self._store.shown(site.id, asset_id, seconds))

        asset = self._looks.share(f"{site.id}/{asset_id}", look)
        if asset is None or asset.visibility is PUBLIC or looked.is_set():
            return asset
        return self.find_now(site, asset_id)  # a private one is checked for each request

    def find_now(self, site: Site, asset_id: str) -> Asset | None:
        """Return a live asset of `site` as the database has it, or None."""
        return self.noted(site, asset_id, self._store.shown(site.id, asset_id))

    def knows(self, site: Site, asset_id: str) -> bool:
        """Return whether an asset was looked at lately, if only to be shown late."""
        return self._assets.has_late(site.id, asset_id)

    def noted(self, site: Site, asset_id: str, asset: Asset | None) -> Asset | None:
        """Remember an asset as it was just read; return it if it is live, else None."""
        if asset is None or asset.state is not State.LIVE or asset.visibility is not PUBLIC:
            self._assets.forget(site.id, asset_id)
            return asset if asset is not None and asset.state is State.LIVE else None
        return self._assets.put(asset)

    def open(self, asset: Asset) -> StoredFile:
        """Open the current version of `asset`; raise `NotScanned` or `InQuarantine`."""
        check_scanned(asset.current)
        return self.open_to_take_apart(asset)

    def open_to_take_apart(self, asset: Asset) -> StoredFile:
        """Open the current version for work that shows it to no one, and scans each part of it."""
        return StoredFile(
            asset=asset,
            version=asset.current,
            store=self._store,
            cache=self._cache if asset.visibility is PUBLIC else None,
            right_bytes=self._right_bytes,
        )

    def open_version(self, asset: Asset, version: str) -> StoredFile:
        """Open a version (its twelve digits) of `asset`, for people who may see earlier versions.

        Raise `VersionNotFound`, `NotScanned` or `InQuarantine`.
        """
        for each in asset.versions:
            if each.version == version:
                check_scanned(each)
                return StoredFile(
                    asset=asset, version=each, store=self._store, right_bytes=self._right_bytes
                )
        raise VersionNotFound
