"""Walks through the files of every site on a cluster, and through their chunks."""

from datetime import datetime

from bson import ObjectId

from avenue.storage.connection import Database, Document
from avenue.storage.file_facts import FileFacts, facts_in


class FileWalk:
    """The files of one bucket with ids as they are stored (`<site>/<id>`)."""

    def __init__(self, database: Database, bucket: str) -> None:
        self._database = database
        self._files = database.raw[f"{bucket}.files"]
        self._chunks = database.raw[f"{bucket}.chunks"]

    def files_after(self, file_id: str, limit: int) -> list[FileFacts]:
        """Return up to `limit` files in the order of their ids, after `file_id`."""
        found = self._database.repeat(
            lambda: list(
                self._files.find({"_id": {"$gt": file_id, **self._others()}})
                .sort("_id", 1)
                .limit(limit)
            ),
            self._database.read_seconds,
        )
        return [facts_in(document, "") for document in found]

    def chunk_owners_after(self, file_id: str, limit: int) -> list[str]:
        """Return the file ids of the next `limit` chunks after those of `file_id`, in order.

        Read from the index {files_id, n} only.
        """
        found = self._database.repeat(
            lambda: list(
                self._chunks.find(
                    {"files_id": {"$gt": file_id, **self._others()}}, {"_id": 0, "files_id": 1}
                )
                .sort([("files_id", 1), ("n", 1)])
                .limit(limit)
            ),
            self._database.read_seconds,
        )
        # A list of texts matches like a text, and would not advance.
        owners = [chunk["files_id"] for chunk in found]
        return list(dict.fromkeys(each for each in owners if isinstance(each, str)))

    def newest_chunk_at(self, file_id: str) -> datetime | None:
        """Return when the newest chunk of `file_id` was created, by the writer's clock."""
        found = self._database.repeat(
            lambda: self._chunks.find_one({"files_id": file_id}, {"_id": 1}, sort=[("n", -1)]),
            self._database.read_seconds,
        )
        if found is None or not isinstance(found["_id"], ObjectId):
            return None
        return found["_id"].generation_time

    def _others(self) -> Document:
        """Return the condition that leaves out files of sites that are on another cluster."""
        left = self._database.home.directory.not_of(self._database.cluster)
        return {"$not": {"$regex": f"^({'|'.join(left)})/"}} if left else {}
