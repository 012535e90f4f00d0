"""The rules of tus 1.0.0: its headers, and the division of parts into chunks.

Sources: https://tus.io/protocols/resumable-upload, sections "Core Protocol", "Creation" and
"Checksum". This module uses neither the database nor HTTP.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from avenue.storage.chunks import CHUNK_BYTES
from avenue.uploads.tus.errors import InvalidTusHeader, UnsupportedTusVersion

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,expiration,checksum"
PART_TYPE = "application/offset+octet-stream"
ALGORITHMS = {
    "sha1": hashlib.sha1,  # every implementation must support it
    "sha256": hashlib.sha256,
    "md5": hashlib.md5,
}
LENGTH, OFFSET = "Upload-Length", "Upload-Offset"
METADATA, CHECKSUM, CONCAT = "Upload-Metadata", "Upload-Checksum", "Upload-Concat"
NUMBER = re.compile(r"[0-9]{1,15}")
KEY = re.compile(r"[!-+\--~]+")  # ASCII without blanks and commas


class Digest(Protocol):
    """A hash in progress."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""

    def digest(self) -> bytes:
        """Return the hash of all bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """The checksum of a part: the `algorithm` and the expected value."""

    algorithm: str
    expected: bytes

    def begin(self) -> Digest:
        """Return a new hash of the algorithm."""
        digest: Digest = ALGORITHMS[self.algorithm](usedforsecurity=False)
        return digest

    def fits(self, digest: Digest) -> bool:
        """Return whether the bytes match the checksum."""
        return hmac.compare_digest(digest.digest(), self.expected)


def check_version(sent: str | None) -> None:
    """Raise `UnsupportedTusVersion` unless the client uses our version."""
    if sent != VERSION:
        raise UnsupportedTusVersion


def number(header: str, sent: str | None) -> int:
    """Return the number in a header, or raise `InvalidTusHeader`."""
    if sent is None or not NUMBER.fullmatch(sent):
        raise InvalidTusHeader(header=header)
    return int(sent)


def metadata(sent: str | None) -> Mapping[str, str]:
    """Return the pairs in `Upload-Metadata`, by key; raise `InvalidTusHeader`.

    Pairs of a key and an optional value in base64, separated by commas.
    """
    found: dict[str, str] = {}
    for pair in (sent or "").split(",") if sent else ():
        key, _, value = pair.strip(" ").partition(" ")
        if not KEY.fullmatch(key) or key in found:
            raise InvalidTusHeader(header=METADATA)
        try:
            found[key] = _from_base64(METADATA, value).decode()
        except UnicodeDecodeError:
            raise InvalidTusHeader(header=METADATA) from None
    return found


def checksum(sent: str | None) -> Checksum | None:
    """Return the checksum of a part, None without one; raise `InvalidTusHeader`."""
    if sent is None:
        return None
    algorithm, _, value = sent.partition(" ")
    expected = _from_base64(CHECKSUM, value)
    if algorithm not in ALGORITHMS or len(expected) != ALGORITHMS[algorithm]().digest_size:
        raise InvalidTusHeader(header=CHECKSUM)
    return Checksum(algorithm=algorithm, expected=expected)


def _from_base64(header: str, value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidTusHeader(header=header) from None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A whole chunk of a file: its number and its bytes, which end at byte `end` of the file."""

    number: int
    data: bytes
    end: int


class Cutter:
    """Divides the bytes of a file into chunks as they arrive; one chunk and a block are in memory.

    It continues at byte `offset`, whose chunk begins with `tail`.
    """

    def __init__(self, offset: int, tail: bytes, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._chunk_bytes = chunk_bytes
        self._tail = bytearray(tail)
        self._number = (offset - len(tail)) // chunk_bytes

    @property
    def offset(self) -> int:
        """The number of received bytes."""
        return self._number * self._chunk_bytes + len(self._tail)

    @property
    def rest(self) -> Chunk:
        """The bytes after the last whole chunk."""
        return Chunk(self._number, bytes(self._tail), self.offset)

    def add(self, block: bytes) -> Iterator[Chunk]:
        """Add the next bytes of the file and yield the chunks that are now whole."""
        self._tail += block
        while len(self._tail) >= self._chunk_bytes:
            data = bytes(memoryview(self._tail)[: self._chunk_bytes])
            del self._tail[: self._chunk_bytes]
            self._number += 1
            yield Chunk(self._number - 1, data, self._number * self._chunk_bytes)
