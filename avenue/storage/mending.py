"""Repairs a file from its stored chunks: only what its hash proves to be right is kept."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from avenue.storage.connection import Database, Document

T = TypeVar("T")
MOST_CHOICES = 16
"""How many combinations of chunks are followed at once; normally a file has one."""


class Mender:
    """The files of one bucket, by ids without their `prefix`."""

    def __init__(self, database: Database, bucket: str, *, prefix: str) -> None:
        self._database = database
        self._prefix = prefix
        self._files = database.raw[f"{bucket}.files"]
        self._chunks = database.raw[f"{bucket}.chunks"]

    def right_chunks(
        self, file_id: str, *, length: int, chunk_bytes: int, sha256: str
    ) -> list[Any] | None:
        """Return the ids of the stored chunks that together have this hash, or None.

        If a number is stored more than once, each of them is tried. They are read one by one.
        """
        ways: list[tuple[Any, list[Any]]] = [(hashlib.sha256(), [])]
        for number in range(-(-length // chunk_bytes)):
            size = min(chunk_bytes, length - number * chunk_bytes)
            found = self._candidates(self._prefix + file_id, number, size)
            ways = [_further(way, each) for way in ways for each in found]
            if not 0 < len(ways) <= MOST_CHOICES:
                return None
        return next((ids for digest, ids in ways if digest.hexdigest() == sha256), None)

    def keep_only(self, file_id: str, chunk_ids: Sequence[Any]) -> None:
        """Delete all other chunks of a file; repeatable."""
        others = {"files_id": self._prefix + file_id, "_id": {"$nin": list(chunk_ids)}}
        self._write(lambda: self._chunks.delete_many(others))

    def correct(self, file_id: str, *, length: int, chunk_bytes: int) -> None:
        """Correct length and chunk size in the document of a file; repeatable.

        Its checksums may have been wrong, too, and are removed.
        """
        right = {"$set": {"length": length, "chunkSize": chunk_bytes}, "$unset": {"crc32": ""}}
        self._write(lambda: self._files.update_one({"_id": self._prefix + file_id}, right))

    def _candidates(self, stored_id: str, number: int, size: int) -> list[Document]:
        """Return the chunks of this number and size, without duplicates of the same bytes."""
        query = {"files_id": stored_id, "n": number}
        found = self._database.repeat(
            # In the same order as `Files.rewrite`: otherwise two simultaneous repairs could each
            # delete what the other keeps.
            lambda: list(
                self._chunks.find(query, {"data": 1}).sort("_id", 1).limit(MOST_CHOICES + 1)
            ),
            self._database.read_seconds,
        )
        by_bytes: dict[bytes, Document] = {}
        for each in found:
            data = each.get("data")
            if isinstance(data, bytes) and len(data) == size:
                by_bytes.setdefault(data, each)
        return list(by_bytes.values())

    def _write(self, operation: Callable[[], T]) -> T:
        return self._database.repeat(operation, self._database.write_seconds)


def _further(way: tuple[Any, list[Any]], chunk: Document) -> tuple[Any, list[Any]]:
    digest = way[0].copy()
    digest.update(chunk["data"])
    return digest, [*way[1], chunk["_id"]]
