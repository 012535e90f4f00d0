"""Resumable uploads: protects their chunks before there is a file or an asset."""

from avenue.storage.scope import SiteRecords

TUS_UPLOADS = "tus_uploads"


class Arriving(SiteRecords):
    """Tells which stored chunks an unfinished resumable upload still needs."""

    def holds(self, site_id: str, file_id: str) -> bool:
        """Return whether `file_id` belongs to such an upload, expired or not."""
        uploads = self._records(site_id, TUS_UPLOADS)
        # Whatever its other fields say, because they may be what is wrong with it.
        found = uploads.find_one({"file": file_id, "is_done": {"$ne": True}}, {"_id": 1})
        return found is not None
