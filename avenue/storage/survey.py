"""What is stored of files, learnt without fetching their bytes: counts, lengths, chunk sizes.

Everything is asked for by a range or list of ids that begin with the site, so one site never
looks at another's files.
"""

import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, TypeVar

from avenue.storage.connection import Database, Document
from avenue.storage.records import whole

T = TypeVar("T")
ID_LETTERS = sorted(f"{string.ascii_letters}{string.digits}-_")
"""What ids are made of, in the order of indexes."""
RECORD = {"length": 1, "chunkSize": 1, "uploadDate": 1, "metadata.asset": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketTotals:
    """How much a bucket holds; `bytes` is what its file documents say."""

    files: int
    bytes: int
    chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A file document. What it does not hold, or only as something else, is None."""

    id: str
    length: int | None
    chunk_bytes: int | None
    uploaded_at: datetime | None
    asset: str | None


@dataclass(frozen=True, slots=True)
class ChunkSize:
    """One stored chunk: its number and how many bytes it has (-1: it holds none at all)."""

    number: int
    bytes: int


class Survey:
    """One bucket, seen by ids without their `prefix`."""

    def __init__(self, database: Database, bucket: str, *, prefix: str) -> None:
        self._database = database
        self._prefix = prefix
        self._end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        self._files = database.raw[f"{bucket}.files"]
        self._chunks = database.raw[f"{bucket}.chunks"]

    def totals(self, most: int | None = None) -> BucketTotals | None:
        """Count what is there, through indexes alone.

        With `most`, None when there are more files or chunks; else all, in steps.
        """
        together = BucketTotals(files=0, bytes=0, chunks=0)
        for part in [self._range()] if most is not None else self._parts():
            found = self._totals(part, most)
            if found is None:
                return None
            together = BucketTotals(
                files=together.files + found.files,
                bytes=together.bytes + found.bytes,
                chunks=together.chunks + found.chunks,
            )
        return together

    def files(self) -> tuple[int, int]:
        """Count the files and their bytes, without their chunks."""
        return self._summed([{"$match": {"_id": self._range()}}])

    def _totals(self, part: Document, most: int | None) -> BucketTotals | None:
        bound: list[Document] = [] if most is None else [{"$limit": most + 1}]
        files, length = self._summed([{"$match": {"_id": part}}, *bound])
        of_files = [{"$match": {"files_id": part}}, *bound, {"$count": "chunks"}]
        counted = self._aggregate(self._chunks, of_files)
        chunks = counted[0]["chunks"] if counted else 0
        if most is not None and max(files, chunks) > most:
            return None
        return BucketTotals(files=files, bytes=length, chunks=chunks)

    def _summed(self, stages: Sequence[Document]) -> tuple[int, int]:
        sums = {"files": {"$sum": 1}, "bytes": {"$sum": whole("$length")}}
        summed = self._aggregate(self._files, [*stages, {"$group": {"_id": None, **sums}}])
        return (summed[0]["files"], summed[0]["bytes"]) if summed else (0, 0)

    def _parts(self) -> Iterator[Document]:
        """Yield the conditions for ids of this prefix, by their next characters, without gaps."""
        bounds = [self._prefix, *(self._prefix + each for each in ID_LETTERS), self._end]
        for low, high in pairwise(bounds):
            yield {"$gte": low, "$lt": high}

    def records(self, file_ids: Iterable[str]) -> dict[str, FileRecord]:
        """Return the file documents of `file_ids` that exist, by id."""
        ids = [self._prefix + each for each in file_ids]
        found = self._read(lambda: list(self._files.find({"_id": {"$in": ids}}, RECORD)))
        return {each.id: each for each in map(self._record, found)}

    def records_after(self, file_id: str, limit: int) -> list[FileRecord]:
        """Return up to `limit` file documents in the order of their ids, after `file_id`."""
        found = self._read(
            lambda: list(
                self._files.find({"_id": self._range(file_id)}, RECORD).sort("_id", 1).limit(limit)
            )
        )
        return [self._record(each) for each in found]

    def chunk_owners_after(self, file_id: str, limit: int) -> list[str]:
        """Return the file ids that the next `limit` chunks name, those after `file_id`, in order.

        Read from the index {files_id, n} alone.
        """
        found = self._read(
            lambda: list(
                self._chunks.find({"files_id": self._range(file_id)}, {"_id": 0, "files_id": 1})
                .sort([("files_id", 1), ("n", 1)])
                .limit(limit)
            )
        )
        # A list of texts matches like a text, and would lead nowhere.
        owners = dict.fromkeys(
            each["files_id"] for each in found if isinstance(each["files_id"], str)
        )
        return [self._own(each) for each in owners]

    def chunk_count(self, file_id: str) -> int:
        """Return how many chunks name `file_id`."""
        query = {"files_id": self._prefix + file_id}
        return self._read(lambda: self._chunks.count_documents(query))

    def chunk_sizes(
        self, file_ids: Sequence[str], first: int | None = None, end: int | None = None
    ) -> dict[str, list[ChunkSize]]:
        """Return the chunks of `file_ids` in order, those from `first` to before `end` if given.

        The server reads the chunks; only their sizes travel.
        """
        meant: Document = {"files_id": {"$in": [self._prefix + each for each in file_ids]}}
        bounds = {"$gte": first, "$lt": end}
        numbers = {name: value for name, value in bounds.items() if value is not None}
        if numbers:
            meant["n"] = numbers
        is_data = {"$eq": [{"$type": "$data"}, "binData"]}
        size = {"$cond": [is_data, {"$binarySize": "$data"}, -1]}
        rows = self._aggregate(
            self._chunks,
            [
                {"$match": meant},
                {"$project": {"_id": 0, "files_id": 1, "n": 1, "size": size}},
                {"$sort": {"files_id": 1, "n": 1}},
            ],
        )
        found: dict[str, list[ChunkSize]] = {}
        for row in rows:
            chunk = ChunkSize(number=_whole(row.get("n"), -1), bytes=row["size"])
            found.setdefault(self._own(row["files_id"]), []).append(chunk)
        return found

    def _range(self, after: str | None = None) -> Document:
        """Return the condition for the ids of this prefix, all or those after one."""
        if after:
            return {"$gt": self._prefix + after, "$lt": self._end}
        return {"$gte": self._prefix, "$lt": self._end}

    def _record(self, document: Document) -> FileRecord:
        metadata, uploaded_at = document.get("metadata"), document.get("uploadDate")
        asset = metadata.get("asset") if isinstance(metadata, dict) else None
        return FileRecord(
            id=self._own(document["_id"]),
            length=_whole(document.get("length"), None),
            chunk_bytes=_whole(document.get("chunkSize"), None),
            uploaded_at=uploaded_at if isinstance(uploaded_at, datetime) else None,
            asset=asset if isinstance(asset, str) else None,
        )

    def _own(self, stored_id: str) -> str:
        return stored_id.removeprefix(self._prefix)

    def _aggregate(self, source: Any, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        return self._read(lambda: list(source.aggregate(pipeline)))

    def _read(self, operation: Callable[[], T]) -> T:
        return self._database.repeat(operation, self._database.read_seconds)


def _whole(value: object, otherwise: Any) -> Any:
    """Return `value` where it is a whole number, of whatever BSON type."""
    is_number = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return int(value) if is_number else otherwise  # type: ignore[call-overload]
