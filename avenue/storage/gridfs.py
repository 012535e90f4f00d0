"""The bytes: standard GridFS that any GridFS client reads, written and read with bounded memory.

The driver's own reader and writer are not used: `GridIn` holds up to 48 MB before its first
insert and leaves orphan chunks behind an exception; `GridOut` asks for up to 16 MB at once
(10 parallel 19 MB downloads: +240 MiB against +15 MiB here).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from bson import Binary, ObjectId
from pymongo.errors import DuplicateKeyError

from avenue.storage.connection import Database, Document

CHUNK_BYTES = 1024 * 1024
READ_CHUNKS = 2  # a read holds two chunks: 2 MiB of one answer in memory


class Incomplete(Exception):
    """Stored bytes are missing or have another length than their file says."""


class OtherBytes(Exception):
    """The file id is already taken by other bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What a GridFS file document says."""

    id: str
    length: int
    uploaded_at: datetime
    metadata: Mapping[str, Any]


class Files:
    """One GridFS bucket. Ids given and returned are without the scope's `prefix`."""

    def __init__(self, database: Database, bucket: str, *, prefix: str) -> None:
        self._database = database
        self._prefix = prefix
        self._files = database.raw[f"{bucket}.files"]
        self._chunks = database.raw[f"{bucket}.chunks"]

    def write(
        self,
        file_id: str,
        source: BinaryIO,
        *,
        length: int,
        name: str,
        metadata: Mapping[str, Any],
    ) -> None:
        """Store `length` bytes of `source` (read from its start) as `file_id`, repeatably.

        The same bytes under the same id again change nothing; other bytes raise `OtherBytes`.
        One chunk of 1 MiB is in memory at a time. The file document comes last, so half a file
        is never visible.
        """
        stored_id = self._prefix + file_id
        source.seek(0)
        number = 0
        for number, size in enumerate(_chunk_sizes(length)):
            data = source.read(size)
            if len(data) != size:
                raise Incomplete(f"{stored_id}: the source ended early")
            self._insert_chunk(stored_id, number, data)
        fresh = {
            "_id": stored_id,
            "length": length,
            "chunkSize": CHUNK_BYTES,
            "filename": name,
            "metadata": dict(metadata),
        }
        is_new = {"$eq": [{"$type": "$length"}, "missing"]}
        stamped = {"$mergeObjects": [{"$literal": fresh}, {"uploadDate": "$$NOW"}]}
        stage = {"$replaceWith": {"$cond": [is_new, stamped, "$$ROOT"]}}
        self._database.repeat(
            lambda: self._files.update_one({"_id": stored_id}, [stage], upsert=True),
            self._database.write_seconds,
        )

    def read(self, file_id: str, start: int, end: int, *, length: int) -> Iterator[bytes]:
        """Yield the bytes `start` to `end` (exclusive) of a file of `length` bytes.

        Every two chunks are one finished query, so a slow reader holds no cursor, and after an
        election the read goes on with the next chunk. Raise `Incomplete` instead of ending early,
        `Unavailable` when the database stays away.
        """
        stored_id = self._prefix + file_id
        last = (end - 1) // CHUNK_BYTES if end > start else -1
        number = start // CHUNK_BYTES
        while number <= last:
            upto = min(number + READ_CHUNKS - 1, last)
            for document in self._find_chunks(stored_id, number, upto):
                data: bytes = document["data"]
                first_byte = document["n"] * CHUNK_BYTES
                if len(data) != min(CHUNK_BYTES, length - first_byte):
                    raise Incomplete(f"{stored_id}: chunk {document['n']} has {len(data)} bytes")
                low, high = max(start - first_byte, 0), min(end - first_byte, CHUNK_BYTES)
                yield data if (low, high) == (0, len(data)) else data[low:high]
            number = upto + 1

    def find(self, file_id: str) -> FileFacts | None:
        """Return what is known of a file, or None."""
        found = self._database.repeat(
            lambda: self._files.find_one({"_id": self._prefix + file_id}),
            self._database.read_seconds,
        )
        return self._facts(found) if found else None

    def delete(self, file_id: str) -> None:
        """Remove a file and its chunks; repeatable from any step."""
        stored_id = self._prefix + file_id
        seconds = self._database.write_seconds
        self._database.repeat(lambda: self._files.delete_one({"_id": stored_id}), seconds)
        self._database.repeat(lambda: self._chunks.delete_many({"files_id": stored_id}), seconds)

    def files_after(self, file_id: str, limit: int) -> list[FileFacts]:
        """Return up to `limit` files in the order of their ids, beginning after `file_id`."""
        found = self._database.repeat(
            lambda: list(self._files.find({"_id": {"$gt": file_id}}).sort("_id", 1).limit(limit)),
            self._database.read_seconds,
        )
        return [self._facts(document) for document in found]

    def chunk_owners_after(self, file_id: str, limit: int) -> list[str]:
        """Return up to `limit` file ids that own chunks, in order, beginning after `file_id`.

        Reads the index {files_id, n} only, hopping from owner to owner.
        """
        owners: list[str] = []
        while len(owners) < limit:
            found = self._next_owner(owners[-1] if owners else file_id)
            if found is None:
                break
            owners.append(found)
        return owners

    def newest_chunk_at(self, file_id: str) -> datetime | None:
        """Return when the newest chunk of `file_id` was made, by the writer's clock."""
        found = self._database.repeat(
            lambda: self._chunks.find_one(
                {"files_id": self._prefix + file_id}, {"_id": 1}, sort=[("n", -1)]
            ),
            self._database.read_seconds,
        )
        if found is None or not isinstance(found["_id"], ObjectId):
            return None
        return found["_id"].generation_time

    def _next_owner(self, after: str) -> str | None:
        found = self._database.repeat(
            lambda: self._chunks.find_one(
                {"files_id": {"$gt": after}},
                {"_id": 0, "files_id": 1},
                sort=[("files_id", 1), ("n", 1)],
            ),
            self._database.read_seconds,
        )
        return str(found["files_id"]) if found else None

    def _insert_chunk(self, stored_id: str, number: int, data: bytes) -> None:
        chunk = {"_id": ObjectId(), "files_id": stored_id, "n": number, "data": Binary(data)}
        try:
            self._database.repeat(
                lambda: self._chunks.insert_one(chunk), self._database.write_seconds
            )
        except DuplicateKeyError:
            # Our own insert whose answer was lost, or an earlier try of the same write.
            there = self._find_chunks(stored_id, number, number)
            if [each["data"] for each in there] != [data]:
                raise OtherBytes(stored_id) from None

    def _find_chunks(self, stored_id: str, first: int, last: int) -> list[Document]:
        """Return the chunks `first` to `last`, all of them, or raise `Incomplete`."""
        found = self._database.repeat(
            lambda: list(
                self._chunks.find(
                    {"files_id": stored_id, "n": {"$gte": first, "$lte": last}}, {"_id": 0}
                ).sort("n", 1)
            ),
            self._database.read_seconds,
        )
        if [chunk["n"] for chunk in found] != list(range(first, last + 1)):
            raise Incomplete(f"{stored_id}: chunks {first} to {last} are not all there")
        return found

    def _facts(self, document: Document) -> FileFacts:
        return FileFacts(
            id=document["_id"].removeprefix(self._prefix),
            length=document["length"],
            uploaded_at=document["uploadDate"],
            metadata=document.get("metadata", {}),
        )


def _chunk_sizes(length: int) -> list[int]:
    whole, rest = divmod(length, CHUNK_BYTES)
    return [CHUNK_BYTES] * whole + ([rest] if rest else [])
