"""Old addresses from before Avenue, in MongoDB."""

import hashlib
from collections.abc import Iterable

from avenue.clock import utc_now
from avenue.media.old_urls import forms_of
from avenue.storage.scope import SiteRecords

LEGACY_URLS = "legacy_urls"


class LegacyUrls(SiteRecords):
    """The assets of old addresses; paths are in the form of `legacy_path`."""

    def find(self, site_id: str, path: str) -> str | None:
        """Return the id of the asset of `path`, in any state, or None.

        In one query, also for the addresses of services that transform pictures.
        """
        forms = forms_of(path)
        found = self.find_many(site_id, forms)
        return next((found[each] for each in forms if each in found), None)

    def find_many(self, site_id: str, paths: Iterable[str]) -> dict[str, str]:
        """Return the ids of the assets of `paths`, by path; unknown ones are left out."""
        ids = {_legacy_id(site_id, path): path for path in paths}
        found = self._records(site_id, LEGACY_URLS).values(
            lambda each: (each["_id"], each["asset"]), {"_id": {"$in": list(ids)}}, {"asset": 1}
        )
        return {ids[url_id]: asset for url_id, asset in found}

    def put(self, site_id: str, path: str, asset_id: str) -> None:
        """Set the asset of `path`, replacing any other; repeatable."""
        named = {"path": path, "asset": asset_id, "at": utc_now()}
        self._records(site_id, LEGACY_URLS).update(
            {"_id": _legacy_id(site_id, path)}, {"$set": named}, upsert=True
        )

    def remove(self, site_id: str, path: str) -> None:
        """Delete `path`; repeatable."""
        self._records(site_id, LEGACY_URLS).delete({"_id": _legacy_id(site_id, path)})

    def paths_of(self, site_id: str, asset_id: str) -> list[str]:
        """Return the old paths of an asset, sorted."""
        return self._records(site_id, LEGACY_URLS).values(
            lambda each: str(each["path"]), {"asset": asset_id}, {"path": 1}, sort=[("path", 1)]
        )


def _legacy_id(site_id: str, path: str) -> str:
    return f"{site_id}/{hashlib.sha256(path.encode()).hexdigest()}"
