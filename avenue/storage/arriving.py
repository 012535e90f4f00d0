"""Resumable uploads: protects their chunks before there is a file or an asset."""

from avenue.storage.connection import Database
from avenue.storage.scope import site

TUS_UPLOADS = "tus_uploads"


class Arriving:
    """Tells which stored chunks an unfinished resumable upload still needs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def holds(self, site_id: str, file_id: str) -> bool:
        """Tell whether `file_id` belongs to such an upload, expired or not."""
        uploads = site(self._database, site_id).collection(TUS_UPLOADS)
        # Whatever its other fields say, because they may be what is wrong with it.
        found = uploads.find_one({"file": file_id, "is_done": {"$ne": True}}, {"_id": 1})
        return found is not None
