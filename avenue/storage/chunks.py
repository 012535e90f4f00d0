"""The chunks of files in GridFS: their sizes and checksums, and reading them."""

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pymongo.collection import Collection as MongoCollection
from pymongo.errors import AutoReconnect

from avenue.storage.connection import Database, Document

CHUNK_BYTES = 1024 * 1024
MOST_CHUNK_BYTES = 16 * CHUNK_BYTES
"""The maximum of a document."""
NO_LENGTH = -1
READ_BYTES = 2 * CHUNK_BYTES  # the part of an answer that a read holds in memory


class Incomplete(Exception):
    """Stored bytes are missing or have another length than the file document."""


class WrongBytes(Incomplete):
    """Stored bytes have changed."""


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


class Chunks:
    """The stored chunks of a bucket, by the stored ids of their files."""

    def __init__(
        self,
        database: Database,
        files: MongoCollection[Document],
        chunks: MongoCollection[Document],
        any_chunks: MongoCollection[Document],
    ) -> None:
        """`any_chunks` are the `chunks`, read from any member."""
        self._database = database
        self._files = files
        self._chunks = chunks
        self._any_chunks = any_chunks

    def pieces(
        self,
        stored_id: str,
        start: int,
        end: int,
        length: int,
        chunk_bytes: int | None,
        crc32: Sequence[int],
    ) -> tuple[list[bytes], int]:
        """Return the result of `_read`, and the chunk size, which may be unknown (None)."""
        # The length of chunk 0 shows it; without it, only the file document knows.
        if chunk_bytes is None and start >= CHUNK_BYTES:
            chunk_bytes = self._chunk_bytes(stored_id)
        cut = chunk_bytes or CHUNK_BYTES
        try:
            return self._read(stored_id, start, end, length, cut, crc32), cut
        except WrongBytes:
            # Another member may still have the bytes from before a repair.
            found = self._read(stored_id, start, end, length, cut, crc32, of_primary=True)
            return found, cut
        except Incomplete:
            if chunk_bytes is not None:
                raise
            cut = self._chunk_bytes(stored_id)
            return self._read(stored_id, start, end, length, cut, crc32), cut

    def find(
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

        def look_in(source: MongoCollection[Document]) -> list[Document]:
            return list(source.find(query, {"_id": 0}).sort("n", 1))

        def look() -> list[Document]:
            found = look_in(self._chunks if of_primary else self._any_chunks)
            if [chunk["n"] for chunk in found] == right:
                return found
            # A secondary may lag behind: only the primary can tell that a chunk is missing.
            if self._database.is_away():
                raise AutoReconnect("this member does not have it, another one may")
            return look_in(self._chunks)

        found = self._database.repeat(look, self._database.read_seconds)
        if [chunk["n"] for chunk in found] != right:
            raise Incomplete(f"{stored_id}: chunks {first} to {last} are not exactly there")
        return found

    def whole(self, wanted: Mapping[str, int]) -> dict[str, bytes]:
        """Return the bytes of small files of these lengths; see `Files.read_together`."""
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
        return {each: b"".join(its) for each, its in found.items()}

    def _read(
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
        found = self.find(stored_id, first, last, beyond=beyond, of_primary=of_primary)
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
        return chunk_bytes_in(found) or CHUNK_BYTES


def chunk_bytes_in(document: Document | None) -> int | None:
    """Return the chunk size in a file document, None without a valid one."""
    size = document.get("chunkSize") if document else None
    if isinstance(size, int | float) and 1 <= size <= MOST_CHUNK_BYTES:
        return int(size)
    return None


def chunk_sizes(length: int) -> list[int]:
    """Return the sizes of the chunks of a file of `length` bytes."""
    whole, rest = divmod(length, CHUNK_BYTES)
    return [CHUNK_BYTES] * whole + ([rest] if rest else [])
