"""GridFS: files in the standard layout, which any client reads, with bounded memory.

The driver's own reader and writer are not used: `GridIn` holds up to 48 MB before its first insert
and leaves orphan chunks behind an exception; `GridOut` asks for up to 16 MB at once (10 parallel 19
MB downloads: +240 MiB against +15 MiB here).
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Protocol

from bson import Binary, ObjectId
from pymongo import ReadPreference, ReturnDocument
from pymongo.collection import Collection as MongoCollection
from pymongo.errors import AutoReconnect, DuplicateKeyError
from pymongo.read_concern import ReadConcern

from avenue.clock import utc_now
from avenue.storage.connection import QUICK, Database, Document

CHUNK_BYTES = 1024 * 1024
MOST_CHUNK_BYTES = 16 * CHUNK_BYTES
"""The maximum of a document."""
NO_LENGTH = -1
ANY_MEMBER = ReadPreference.PRIMARY_PREFERRED
READ_BYTES = 2 * CHUNK_BYTES  # the part of an answer that a read holds in memory
LEASES = "leases"
BACKUP = "backup"
"""The lease of a backup. While it is held no bytes are deleted; a later sweep deletes them."""
IS_HELD = {"$expr": {"$gt": ["$until", "$$NOW"]}}
DELETE_SECONDS = 1.0
"""A file is deleted within this time after the lease was checked, or not at all."""


class Incomplete(Exception):
    """Stored bytes are missing or have another length than the file document."""


class WrongBytes(Incomplete):
    """Stored bytes have changed."""


class OtherBytes(Exception):
    """The file id is already used for other bytes."""


@dataclass(frozen=True, slots=True)
class Sums:
    """The CRC-32 of each chunk of a file; each has `chunk_bytes`, the last one perhaps fewer."""

    chunk_bytes: int
    crc32: tuple[int, ...]

    @classmethod
    def of(cls, sizes_and_sums: Sequence[tuple[int, int]]) -> "Sums":
        """Return those of chunks with these sizes and checksums, in order."""
        return cls(
            chunk_bytes=sizes_and_sums[0][0] if sizes_and_sums else CHUNK_BYTES,
            crc32=tuple(crc32 for _, crc32 in sizes_and_sums),
        )


class Digest:
    """The SHA-256 and chunk checksums of a file that is read from its start."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._chunks: list[tuple[int, int]] = []

    def update(self, chunk: bytes) -> None:
        """Add the next piece, as `Files.read` yields it for a whole file."""
        self._sha256.update(chunk)
        self._chunks.append((len(chunk), zlib.crc32(chunk)))

    @property
    def sha256(self) -> str:
        """The hash so far, as hex."""
        return self._sha256.hexdigest()

    @property
    def sums(self) -> Sums:
        """The checksums so far."""
        return Sums.of(self._chunks)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """The fields of a GridFS file document."""

    id: str
    length: int
    uploaded_at: datetime
    metadata: Mapping[str, Any]


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
        self._any_chunks = self._chunks.with_options(read_preference=anywhere)
        self._any_files = self._files.with_options(read_preference=anywhere)

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
        for number, size in enumerate(_chunk_sizes(length)):
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
        sizes, crc32 = _chunk_sizes(length), []
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
        chunk = {"files_id": self._prefix + file_id, "n": number}
        change = {"$set": {"data": Binary(data), "turn": turn, "crc32": zlib.crc32(data)}}
        tries = 2  # the driver's own first attempt may have succeeded, with its answer lost
        while tries:
            tries -= 1
            try:
                self._set_chunk({**chunk, "turn": {"$lte": turn}}, change)
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
        chunk_bytes = _chunk_bytes_in(found)
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
            pieces, chunk_bytes = self._next_pieces(
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
        query, order = {"files_id": {"$in": list(wanted)}}, [("files_id", 1), ("n", 1)]

        def look() -> dict[str, list[bytes]]:
            pieces: dict[str, list[bytes]] = {each: [] for each in wanted}
            left = dict(wanted)
            with self._any_chunks.find(query, {"_id": 0}).sort(order) as found:
                for chunk in found:
                    stored_id, data = chunk["files_id"], chunk.get("data")
                    data = data if isinstance(data, bytes) else b""
                    is_next = chunk.get("n") == len(pieces[stored_id])
                    if not is_next or not 0 < len(data) <= left[stored_id]:
                        left[stored_id] = NO_LENGTH
                        continue
                    pieces[stored_id].append(data)
                    left[stored_id] -= len(data)
            return {each: its for each, its in pieces.items() if not left[each]}

        found = self._database.repeat(look, self._database.read_seconds)
        return {each.removeprefix(self._prefix): b"".join(its) for each, its in found.items()}

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
            range(len(_chunk_sizes(length)))
        )

    def find(self, file_id: str) -> FileFacts | None:
        """Return the file document, or None."""
        found = self._database.repeat(
            lambda: self._files.find_one({"_id": self._prefix + file_id}),
            self._database.read_seconds,
        )
        return self._facts(found) if found else None

    def delete(self, file_id: str) -> None:
        """Delete a file and its chunks; repeatable from any step.

        While a backup runs, nothing happens: a later sweep deletes unreferenced files.
        """
        stored_id = self._prefix + file_id
        seconds = self._database.write_seconds
        chunks = {"files_id": stored_id}
        if self._database.repeat(lambda: self._delete_record(stored_id), seconds):
            self._database.repeat(lambda: self._chunks.delete_many(chunks), seconds)

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
        return [self._facts(document) for document in found]

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
            lambda: self._chunks.find_one(
                {"files_id": self._prefix + file_id}, {"_id": 1}, sort=[("n", -1)]
            ),
            self._database.read_seconds,
        )
        if found is None or not isinstance(found["_id"], ObjectId):
            return None
        return found["_id"].generation_time

    def _others(self) -> Document:
        """Return the condition that leaves out files of sites that are on another cluster."""
        left = self._database.home.directory.not_of(self._database.cluster)
        return {"$not": {"$regex": f"^({'|'.join(left)})/"}} if left else {}

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

    def _set_chunk(self, chunk: Mapping[str, Any], change: Mapping[str, Any]) -> None:
        self._database.repeat(
            lambda: self._chunks.update_one(chunk, change, upsert=True),
            self._database.write_seconds,
        )

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
                {"files_id": stored_id, "n": {"$gte": len(_chunk_sizes(length))}}, {"_id": 1}
            ),
            self._database.read_seconds,
        )
        there = self._find_chunks(stored_id, number, number)[0].get("data")
        if too_long is not None or there != data:
            return False
        self._database.wait_for_majority(self._chunks, {"files_id": stored_id, "n": number})
        return True

    def _next_pieces(
        self,
        stored_id: str,
        start: int,
        end: int,
        length: int,
        chunk_bytes: int | None,
        crc32: Sequence[int],
    ) -> tuple[list[bytes], int]:
        """Return the result of `_pieces`, and the chunk size, which may be unknown (None)."""
        # The length of chunk 0 shows it; without it, only the file document knows.
        if chunk_bytes is None and start >= CHUNK_BYTES:
            chunk_bytes = self._chunk_bytes(stored_id)
        cut = chunk_bytes or CHUNK_BYTES
        try:
            return self._pieces(stored_id, start, end, length, cut, crc32), cut
        except WrongBytes:
            # Another member may still have the bytes from before a repair.
            found = self._pieces(stored_id, start, end, length, cut, crc32, of_primary=True)
            return found, cut
        except Incomplete:
            if chunk_bytes is not None:
                raise
            cut = self._chunk_bytes(stored_id)
            return self._pieces(stored_id, start, end, length, cut, crc32), cut

    def _pieces(
        self,
        stored_id: str,
        start: int,
        end: int,
        length: int,
        chunk_bytes: int,
        crc32: Sequence[int],
        *,
        of_primary: bool = False,
    ) -> list[bytes]:
        """Return the bytes from `start` on: up to `end` or 2 MiB of chunks, but at least one."""
        first, last = start // chunk_bytes, (end - 1) // chunk_bytes
        last = min(last, first + max(READ_BYTES // chunk_bytes, 1) - 1)
        # A chunk after the file's last one shows that these are not its bytes.
        beyond = 1 if (last + 1) * chunk_bytes >= length else 0
        pieces = []
        found = self._find_chunks(stored_id, first, last, beyond=beyond, of_primary=of_primary)
        for chunk in found:
            data = chunk.get("data")
            data = data if isinstance(data, bytes) else b""
            first_byte = int(chunk["n"]) * chunk_bytes
            if len(data) != min(chunk_bytes, length - first_byte):
                raise Incomplete(f"{stored_id}: chunk {chunk['n']} has {len(data)} bytes")
            sum_of_it = crc32[int(chunk["n"])] if crc32 else chunk.get("crc32")
            if sum_of_it is not None and zlib.crc32(data) != sum_of_it:
                raise WrongBytes(f"{stored_id}: chunk {chunk['n']} has other bytes")
            low, high = max(start - first_byte, 0), min(end - first_byte, len(data))
            pieces.append(data if (low, high) == (0, len(data)) else data[low:high])
        return pieces

    def _chunk_bytes(self, stored_id: str) -> int:
        """Return the chunk size of a file."""
        found = self._database.repeat(
            lambda: self._files.find_one({"_id": stored_id}, {"chunkSize": 1}),
            self._database.read_seconds,
        )
        return _chunk_bytes_in(found) or CHUNK_BYTES

    def _find_chunks(
        self,
        stored_id: str,
        first: int,
        last: int,
        *,
        beyond: int = 0,
        of_primary: bool = False,
    ) -> list[Document]:
        """Return the chunks `first` to `last`, all of them, or raise `Incomplete`.

        There must be none among the `beyond` chunks that follow them.
        """
        numbers = {"$gte": first, "$lte": last + beyond}
        query, right = {"files_id": stored_id, "n": numbers}, list(range(first, last + 1))

        def find(source: MongoCollection[Document]) -> list[Document]:
            return list(source.find(query, {"_id": 0}).sort("n", 1))

        def look() -> list[Document]:
            found = find(self._chunks if of_primary else self._any_chunks)
            if [chunk["n"] for chunk in found] == right:
                return found
            # A secondary may lag behind: only the primary can tell that a chunk is missing.
            if self._database.is_away():
                raise AutoReconnect("this member does not have it, another one may")
            return find(self._chunks)

        found = self._database.repeat(look, self._database.read_seconds)
        if [chunk["n"] for chunk in found] != right:
            raise Incomplete(f"{stored_id}: chunks {first} to {last} are not exactly there")
        return found

    def _facts(self, document: Document) -> FileFacts:
        length, at = document.get("length"), document.get("uploadDate")
        metadata = document.get("metadata")
        return FileFacts(
            id=document["_id"].removeprefix(self._prefix),
            length=length if isinstance(length, int) else NO_LENGTH,
            # Of unknown age it counts as new, so it is not deleted.
            uploaded_at=at if isinstance(at, datetime) else utc_now(),
            metadata=metadata if isinstance(metadata, dict) else {},
        )


def _chunk_bytes_in(document: Document | None) -> int | None:
    size = document.get("chunkSize") if document else None
    if isinstance(size, int | float) and 1 <= size <= MOST_CHUNK_BYTES:
        return int(size)
    return None


def _chunk_sizes(length: int) -> list[int]:
    whole, rest = divmod(length, CHUNK_BYTES)
    return [CHUNK_BYTES] * whole + ([rest] if rest else [])
