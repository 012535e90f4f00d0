"""The rules of tus 1.0.0: what its headers say, and how the bytes of parts become chunks.

Sources: https://tus.io/protocols/resumable-upload, sections "Core Protocol", "Creation" and
"Checksum". Nothing here asks a database or knows HTTP.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from avenue.storage.gridfs import CHUNK_BYTES
from avenue.uploads.tus.errors import InvalidTusHeader, UnsupportedTusVersion

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,expiration,checksum"
PART_TYPE = "application/offset+octet-stream"
ALGORITHMS = {
    "sha1": hashlib.sha1,  # every implementation must know it
    "sha256": hashlib.sha256,
    "md5": hashlib.md5,
}
LENGTH, OFFSET = "Upload-Length", "Upload-Offset"
METADATA, CHECKSUM, CONCAT = "Upload-Metadata", "Upload-Checksum", "Upload-Concat"
NUMBER = re.compile(r"[0-9]{1,15}")
KEY = re.compile(r"[!-+\--~]+")  # ASCII without blanks and commas


class Digest(Protocol):
    """A hash that is being computed."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""

    def digest(self) -> bytes:
        """Return the hash of all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """The checksum a part came with: which `algorithm`, and what must come out."""

    algorithm: str
    expected: bytes

    def begin(self) -> Digest:
        """Return what is to be given the bytes."""
        digest: Digest = ALGORITHMS[self.algorithm](usedforsecurity=False)
        return digest

    def fits(self, digest: Digest) -> bool:
        """Tell whether the bytes were those that the client meant."""
        return hmac.compare_digest(digest.digest(), self.expected)


def check_version(sent: str | None) -> None:
    """Raise `UnsupportedTusVersion` unless the client speaks our version."""
    if sent != VERSION:
        raise UnsupportedTusVersion


def number(header: str, sent: str | None) -> int:
    """Return the number a header holds, or raise `InvalidTusHeader`."""
    if sent is None or not NUMBER.fullmatch(sent):
        raise InvalidTusHeader(header)
    return int(sent)


def metadata(sent: str | None) -> Mapping[str, str]:
    """Return what `Upload-Metadata` says, by key; raise `InvalidTusHeader`.

    Pairs of a key and a value in base64, which may be left out, separated by commas.
    """
    found: dict[str, str] = {}
    for pair in (sent or "").split(",") if sent else ():
        key, _, value = pair.strip(" ").partition(" ")
        if not KEY.fullmatch(key) or key in found:
            raise InvalidTusHeader(METADATA)
        try:
            found[key] = _from_base64(METADATA, value).decode()
        except UnicodeDecodeError:
            raise InvalidTusHeader(METADATA) from None
    return found


def checksum(sent: str | None) -> Checksum | None:
    """Return the checksum of a part, None when it came without; raise `InvalidTusHeader`."""
    if sent is None:
        return None
    algorithm, _, value = sent.partition(" ")
    expected = _from_base64(CHECKSUM, value)
    if algorithm not in ALGORITHMS or len(expected) != ALGORITHMS[algorithm]().digest_size:
        raise InvalidTusHeader(CHECKSUM)
    return Checksum(algorithm=algorithm, expected=expected)


def _from_base64(header: str, value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidTusHeader(header) from None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A whole chunk of a file: its number and its bytes, which end at byte `end` of the file."""

    number: int
    data: bytes
    end: int


class Cutter:
    """Cuts the bytes of a file into chunks as they come; one chunk and a block are in memory.

    It goes on at byte `offset`, whose chunk has begun with `tail`.
    """

    def __init__(self, offset: int, tail: bytes, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._chunk_bytes = chunk_bytes
        self._tail = bytearray(tail)
        self._number = (offset - len(tail)) // chunk_bytes

    @property
    def offset(self) -> int:
        """How many bytes of the file are here."""
        return self._number * self._chunk_bytes + len(self._tail)

    @property
    def rest(self) -> Chunk:
        """What came behind the last whole chunk."""
        return Chunk(self._number, bytes(self._tail), self.offset)

    def add(self, block: bytes) -> Iterator[Chunk]:
        """Take the next bytes of the file and yield the chunks that are whole with them."""
        self._tail += block
        while len(self._tail) >= self._chunk_bytes:
            data = bytes(memoryview(self._tail)[: self._chunk_bytes])
            del self._tail[: self._chunk_bytes]
            self._number += 1
            yield Chunk(self._number - 1, data, self._number * self._chunk_bytes)
