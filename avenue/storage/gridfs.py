"""GridFS: files in the standard layout, which any client reads, with bounded memory.

The driver's own reader and writer are not used: `GridIn` holds up to 48 MB before its first insert
and leaves orphan chunks behind an exception; `GridOut` asks for up to 16 MB at once (10 parallel 19
MB downloads: +240 MiB against +15 MiB here).
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Protocol

from bson import Binary, ObjectId
from pymongo import ReadPreference, ReturnDocument
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from avenue.storage.chunks import (
    CHUNK_BYTES,
    Chunks,
    Digest,
    Incomplete,
    Sums,
    chunk_bytes_in,
    chunk_sizes,
)
from avenue.storage.connection import QUICK, Database
from avenue.storage.file_facts import FileFacts, facts_in

ANY_MEMBER = ReadPreference.PRIMARY_PREFERRED
LEASES = "leases"
BACKUP = "backup"
"""The lease of a backup. While it is held no bytes are deleted; a later sweep deletes them."""
IS_HELD = {"$expr": {"$gt": ["$until", "$$NOW"]}}
DELETE_SECONDS = 1.0
"""A file is deleted within this time after the lease was checked, or not at all."""


class OtherBytes(Exception):
    """The file id is already used for other bytes."""


class Readable(Protocol):
    """A source of bytes that can be read from its start."""

    def seek(self, offset: int, /) -> int:
        """Move the position and return it."""

    def read(self, size: int, /) -> bytes:
        """Return `size` bytes, fewer only at the end."""


class Files:
    """One GridFS bucket. Ids given and returned are without the scope's `prefix`."""

    def __init__(
        self, database: Database, bucket: str, *, prefix: str, of_any: bool = True
    ) -> None:
        self._database = database
        self._bucket = bucket
        self._prefix = prefix
        self._files = database.raw[f"{bucket}.files"]
        self._chunks = database.raw[f"{bucket}.chunks"]
        # Bytes of a file never change, so while there is no primary any member can be read.
        anywhere = ANY_MEMBER if of_any else ReadPreference.PRIMARY
        self._any_files = self._files.with_options(read_preference=anywhere)
        any_chunks = self._chunks.with_options(read_preference=anywhere)
        self._reading = Chunks(database, self._files, self._chunks, any_chunks)

    def of_primary(self) -> "Files":
        """Return the same bucket, read from the primary only.

        For chunks stored by `put_chunk`: another member may still have older ones.
        """
        return Files(self._database, self._bucket, prefix=self._prefix, of_any=False)

    def write(
        self,
        file_id: str,
        source: BinaryIO,
        *,
        length: int,
        name: str,
        metadata: Mapping[str, Any],
        waits: bool = True,
    ) -> None:
        """Store `length` bytes of `source` (read from its start) as `file_id`, repeatably.

        The same bytes under the same id again change nothing; other bytes raise `OtherBytes`. One
        chunk of 1 MiB is in memory at a time. The file document comes last, so half a file is never
        visible.

        Chunks wait for the primary only, the file document for a journaled majority; without
        `waits` not even that, for callers whose next write does. `is_safe` then tells whether an
        election in between has lost any of them.
        """
        stored_id = self._prefix + file_id
        source.seek(0)
        crc32 = []
        for number, size in enumerate(chunk_sizes(length)):
            data = source.read(size)
            if len(data) != size:
                raise Incomplete(f"{stored_id}: the source ended early")
            self._insert_chunk(stored_id, number, data, length)
            crc32.append(zlib.crc32(data))
        fresh = {
            "_id": stored_id,
            "length": length,
            "chunkSize": CHUNK_BYTES,
            "filename": name,
            "metadata": dict(metadata),
            "crc32": crc32,
        }
        is_new = {"$eq": [{"$type": "$length"}, "missing"]}
        stamped = {"$mergeObjects": [{"$literal": fresh}, {"uploadDate": "$$NOW"}]}
        stage = {"$replaceWith": {"$cond": [is_new, stamped, "$$ROOT"]}}
        files = self._files if waits else self._files.with_options(write_concern=QUICK)
        stored = self._database.repeat(
            lambda: files.find_one_and_update(
                {"_id": stored_id}, [stage], upsert=True, return_document=ReturnDocument.AFTER
            ),
            self._database.write_seconds,
        )
        if stored is None or stored["length"] != length:
            raise OtherBytes(stored_id)

    def rewrite(
        self,
        file_id: str,
        source: Readable,
        *,
        length: int,
        name: str,
        metadata: Mapping[str, Any],
    ) -> None:
        """Repair a damaged file: make it hold exactly `length` bytes of `source`, repeatably.

        The file document comes first, so that the chunks do not count as ones without a file.
        """
        stored_id, seconds = self._prefix + file_id, self._database.write_seconds
        self._put_record(stored_id, length, name, metadata)
        source.seek(0)
        sizes, crc32 = chunk_sizes(length), []
        for number, size in enumerate(sizes):
            data = source.read(size)
            change = {"$set": {"data": Binary(data)}, "$unset": {"crc32": ""}}
            self._set_chunks({"files_id": stored_id, "n": number}, change)
            crc32.append(zlib.crc32(data))
        surplus = {"files_id": stored_id, "_id": {"$nin": self._one_each(stored_id, len(sizes))}}
        self._database.repeat(lambda: self._chunks.delete_many(surplus), seconds)
        self.keep_sums(file_id, Sums(CHUNK_BYTES, tuple(crc32)), length=length)

    def put_chunk(self, file_id: str, number: int, data: bytes, *, turn: int) -> bool:
        """Store one chunk of a resumable upload, repeatably, replacing an older one.

        Return once a majority has it. Return False if a later `turn` (the epoch of the upload) has
        written the chunk: then it is not changed.
        """
        older = {"files_id": self._prefix + file_id, "n": number, "turn": {"$lte": turn}}
        change = {"$set": {"data": Binary(data), "turn": turn, "crc32": zlib.crc32(data)}}
        tries = 2  # the driver's own first attempt may have succeeded, with its answer lost
        while tries:
            tries -= 1
            try:
                self._database.repeat(
                    lambda: self._chunks.update_one(older, change, upsert=True),
                    self._database.write_seconds,
                )
            except DuplicateKeyError:
                continue
            return True
        return False

    def seal(
        self,
        file_id: str,
        *,
        length: int,
        name: str,
        metadata: Mapping[str, Any],
        sums: Sums | None = None,
    ) -> None:
        """Create a file from stored chunks, with these checksums if known; repeatable."""
        self._put_record(self._prefix + file_id, length, name, metadata)
        if sums:
            self.keep_sums(file_id, sums, length=length)

    def keep_sums(self, file_id: str, sums: Sums, *, length: int) -> None:
        """Add checksums to a file that has none; repeatable."""
        meant = {
            "_id": self._prefix + file_id,
            "length": length,
            "chunkSize": sums.chunk_bytes if len(sums.crc32) > 1 else {"$gte": length},
            "crc32": None,
        }
        change = {"$set": {"crc32": list(sums.crc32)}}
        self._database.repeat(
            lambda: self._files.update_one(meant, change), self._database.write_seconds
        )

    def sums(self, file_id: str, *, length: int) -> Sums | None:
        """Return the checksums of a file of `length` bytes, None if it has no readable ones."""
        found = self._database.repeat(
            lambda: self._any_files.find_one(
                {"_id": self._prefix + file_id}, {"length": 1, "chunkSize": 1, "crc32": 1}
            ),
            self._database.read_seconds,
        )
        chunk_bytes = chunk_bytes_in(found)
        crc32 = found.get("crc32") if found and found.get("length") == length else None
        if not isinstance(crc32, list) or not chunk_bytes:
            return None
        is_right = all(isinstance(each, int) for each in crc32)
        if not is_right or len(crc32) != -(-length // chunk_bytes):
            return None
        return Sums(chunk_bytes, tuple(crc32))

    def read(
        self, file_id: str, start: int, end: int, *, length: int, sums: Sums | None = None
    ) -> Iterator[bytes]:
        """Yield the bytes `start` to `end` (exclusive) of a file of `length` bytes.

        Raise `WrongBytes` for a chunk whose checksum differs from `sums`; without those, the bytes
        may be wrong.

        Every 2 MiB are one finished query, so a slow reader holds no cursor, and during an election
        the read continues with the next chunk, from any member that has it. Raise `Incomplete`
        instead of ending early, `Unavailable` if the database stays unreachable. Files with chunks
        of another size (stock drivers: 255 KiB) are supported, too.
        """
        stored_id = self._prefix + file_id
        if end > length:
            raise Incomplete(f"{stored_id}: {end} bytes were asked for, it has {length}")
        chunk_bytes = sums.chunk_bytes if sums else None
        while start < end:
            pieces, chunk_bytes = self._reading.pieces(
                stored_id, start, end, length, chunk_bytes, sums.crc32 if sums else ()
            )
            start += sum(map(len, pieces))
            while pieces:
                yield pieces.pop(0)  # so that none is still held while the next are read

    def digest(
        self, file_id: str, *, length: int, told: Callable[[int], None] = lambda _: None
    ) -> Digest | None:
        """Read a file of `length` bytes whole and return its checksums, None if bytes are missing.

        `told` is called with the number of bytes of each piece.
        """
        digest = Digest()
        try:
            for piece in self.read(file_id, 0, length, length=length):
                digest.update(piece)
                told(len(piece))
        except Incomplete:
            return None
        return digest

    def read_together(self, lengths: Mapping[str, int]) -> dict[str, bytes]:
        """Return the bytes of small files, by their ids, in one query.

        The bytes may be wrong. Files with another length are left out, and those with missing
        chunks on the queried member: `read` reports the cause.
        """
        wanted = {self._prefix + file_id: length for file_id, length in lengths.items()}
        found = self._reading.whole(wanted)
        return {each.removeprefix(self._prefix): data for each, data in found.items()}

    def is_safe(self, file_id: str, *, length: int) -> bool:
        """Return whether a majority of the members has a file of `length` bytes and all its chunks.

        To be called after a later write has waited for a majority, which then has all earlier ones.
        """
        stored_id, safely = self._prefix + file_id, ReadConcern("majority")
        files = self._files.with_options(read_concern=safely)
        chunks = self._chunks.with_options(read_concern=safely)
        seconds = self._database.read_seconds
        file = self._database.repeat(
            lambda: files.find_one({"_id": stored_id}, {"length": 1}), seconds
        )
        found = self._database.repeat(
            lambda: list(chunks.find({"files_id": stored_id}, {"_id": 0, "n": 1}).sort("n", 1)),
            seconds,
        )
        numbers = [each.get("n") for each in found]
        return bool(file and file.get("length") == length) and numbers == list(
            range(len(chunk_sizes(length)))
        )

    def find(self, file_id: str) -> FileFacts | None:
        """Return the file document, or None."""
        found = self._database.repeat(
            lambda: self._files.find_one({"_id": self._prefix + file_id}),
            self._database.read_seconds,
        )
        return facts_in(found, self._prefix) if found else None

    def delete(self, file_id: str) -> None:
        """Delete a file and its chunks; repeatable from any step.

        While a backup runs, nothing happens: a later sweep deletes unreferenced files.
        """
        stored_id = self._prefix + file_id
        seconds = self._database.write_seconds
        chunks = {"files_id": stored_id}
        if self._database.repeat(lambda: self._delete_record(stored_id), seconds):
            self._database.repeat(lambda: self._chunks.delete_many(chunks), seconds)

    def _delete_record(self, stored_id: str) -> bool:
        """Delete a file document unless a backup runs; return whether it may be deleted."""
        with self._database.deadline(DELETE_SECONDS):
            leases = self._database.home.raw[LEASES]
            if leases.find_one({"_id": BACKUP, **IS_HELD}, {"_id": 1}) is not None:
                return False
            self._files.delete_one({"_id": stored_id})
            return True

    def _one_each(self, stored_id: str, count: int) -> list[Any]:
        """Return the id of the first chunk, by its id, of each number below `count`."""
        found = self._database.repeat(
            lambda: list(self._chunks.find({"files_id": stored_id}, {"n": 1}).sort("_id", -1)),
            self._database.read_seconds,
        )
        numbered = [each for each in found if isinstance(each.get("n"), int | float)]
        by_number = {each["n"]: each["_id"] for each in numbered}
        return [by_number[number] for number in range(count) if number in by_number]

    def _put_record(
        self, stored_id: str, length: int, name: str, metadata: Mapping[str, Any]
    ) -> None:
        """Store the file document over an existing one, without checksums; `uploadDate` stays."""
        facts = {"length": length, "chunkSize": CHUNK_BYTES, "filename": name}
        record = {**facts, "metadata": dict(metadata)}
        since = {"uploadDate": {"$ifNull": ["$uploadDate", "$$NOW"]}}
        stage = {"$replaceWith": {"$mergeObjects": ["$$ROOT", {"$literal": record}, since]}}
        self._database.repeat(
            lambda: self._files.update_one(
                {"_id": stored_id}, [stage, {"$unset": "crc32"}], upsert=True
            ),
            self._database.write_seconds,
        )

    def _insert_chunk(self, stored_id: str, number: int, data: bytes, length: int) -> None:
        chunk = {"_id": ObjectId(), "files_id": stored_id, "n": number, "data": Binary(data)}
        chunks = self._chunks.with_options(write_concern=QUICK)
        try:
            self._database.repeat(lambda: chunks.insert_one(chunk), self._database.write_seconds)
        except DuplicateKeyError:
            # Our own insert whose answer was lost, or an earlier attempt of the same write.
            if not self._is_there(stored_id, number, data, length):
                raise OtherBytes(stored_id) from None

    def _set_chunks(self, chunk: Mapping[str, Any], change: Mapping[str, Any]) -> None:
        """Update all chunks of a number, in case the unique index was missing."""
        self._database.repeat(
            lambda: self._chunks.update_many(chunk, change, upsert=True),
            self._database.write_seconds,
        )

    def _is_there(self, stored_id: str, number: int, data: bytes, length: int) -> bool:
        """Return whether the chunk is stored and belongs to a file of this very `length`.

        Return once a majority of the members has it.
        """
        stored = self.find(stored_id.removeprefix(self._prefix))
        if stored is not None and stored.length != length:
            return False
        too_long = self._database.repeat(
            lambda: self._chunks.find_one(
                {"files_id": stored_id, "n": {"$gte": len(chunk_sizes(length))}}, {"_id": 1}
            ),
            self._database.read_seconds,
        )
        there = self._reading.find(stored_id, number, number)[0].get("data")
        if too_long is not None or there != data:
            return False
        self._database.wait_for_majority(self._chunks, {"files_id": stored_id, "n": number})
        return True
