"""A stored file with the interface of a file on disk."""

import os
from collections.abc import Iterator
from typing import Protocol

from avenue.storage.chunks import CHUNK_BYTES


class Pieces(Protocol):
    """Stored bytes that can be read from any position."""

    @property
    def length(self) -> int:
        """Their length."""

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes `start` to `end` (exclusive)."""


class SeekableFile:
    """A stored file with the interface of a file on disk.

    One piece of it is in memory at a time.
    """

    def __init__(self, file: Pieces) -> None:
        self._file = file
        self._at = 0
        self._piece_at, self._piece = 0, b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position and return it."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._file.length}[whence]
        if start + offset < 0:
            raise ValueError("before the beginning")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes (all, if negative), fewer only at the end.

        Raise `DamagedFile` or `Unavailable`.
        """
        end = self._file.length if size < 0 else min(self._at + size, self._file.length)
        read = bytearray()
        while self._at < end:
            start = self._at - self._piece_at
            if not 0 <= start < len(self._piece):
                self._load(self._at - self._at % CHUNK_BYTES)
                continue
            some = self._piece[start : start + end - self._at]
            read += some
            self._at += len(some)
        return bytes(read)

    def _load(self, start: int) -> None:
        end = min(start + CHUNK_BYTES, self._file.length)
        self._piece_at, self._piece = start, b"".join(self._file.chunks(start, end))
