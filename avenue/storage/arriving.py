"""Files that come in parts: their chunks belong to somebody before there is a file or an asset."""

from avenue.storage.connection import Database
from avenue.storage.scope import site

TUS_UPLOADS = "tus_uploads"


class Arriving:
    """Says which stored chunks an unfinished upload in parts still needs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def holds(self, site_id: str, file_id: str) -> bool:
        """Tell whether `file_id` is of such an upload, expired or not: it is ended by itself."""
        uploads = site(self._database, site_id).collection(TUS_UPLOADS)
        # Whatever it says but that it is finished: that may be what is wrong with it.
        found = uploads.find_one({"file": file_id, "is_done": {"$ne": True}}, {"_id": 1})
        return found is not None
