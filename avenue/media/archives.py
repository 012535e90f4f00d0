"""Reads a ZIP in place, without trusting anything in it.

Nothing is unpacked to disk and no link is followed, so no name can lead out of it. Its directory is
in memory, with a limit; its files are read in blocks.
"""

import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from avenue.media.errors import DamagedEntry, UnsafeArchive

BLOCK_BYTES = 1024 * 1024
MOST_LEVELS = 50
MOST_DIRECTORY_BYTES = 8 * 1024 * 1024
"""Limit of a ZIP's own directory, about 80,000 files; opening it takes 20 times as much memory."""
MOST_UNFOLDING = 100
"""Limit of the unpacked size, as a multiple of the ZIP. Pictures hardly shrink, so more is a bomb.
"""

_READ_HERE = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""The other methods unpack without a limit: a megabyte of bzip2 may become gigabytes at once."""
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # encrypted after all
    NotImplementedError,
)
_ENCRYPTED, _UTF8 = 0x1, 0x800  # bits of a ZIP entry, APPNOTE 4.4.4
_UNICODE_PATH = 0x7075  # the kind of an extra field
_LEADS_OUT = re.compile(rb"(?:\A|/)\.\.(?:/|\Z)|\A/|\A[A-Za-z]:")
_MADE_BY_SYSTEMS = frozenset({b"thumbs.db", b"ehthumbs.db", b"desktop.ini", b"__macosx"})


class Why(StrEnum):
    """Why an entry of a tree is not imported; `HIDDEN` does not count as refused."""

    HIDDEN = "hidden_file"
    LINK = "link"
    NOT_A_FILE = "not_a_file"
    TOO_DEEP = "too_deep"
    UNREADABLE = "unreadable_file"
    UNSAFE_NAME = "unsafe_name"
    SAME_ADDRESS = "same_address"
    ENCRYPTED = "encrypted"
    PACKED_OTHERWISE = "unknown_compression"


SENTENCES = {
    Why.HIDDEN: "Hidden files and those that systems leave in folders are passed over.",
    Why.LINK: "Links are not followed; put the file itself in its place.",
    Why.NOT_A_FILE: "This is a device, a pipe or a socket.",
    Why.TOO_DEEP: f"Folders are read {MOST_LEVELS} levels deep.",
    Why.UNREADABLE: "This cannot be read; look at its permissions.",
    Why.UNSAFE_NAME: "The name leads out of the folder, or no address can hold it.",
    Why.SAME_ADDRESS: "Another file, of other content, has the same address.",
    Why.ENCRYPTED: "The entry has a password; unpack the archive first.",
    Why.PACKED_OTHERWISE: "The entry is packed in a way not read here; unpack the archive first.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFile:
    """A file: its path in the tree as raw bytes, the key to open it, and its claimed length."""

    name: bytes
    key: bytes
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """An entry that is not imported."""

    name: bytes
    why: Why


class ArchiveFile(Protocol):
    """The file that a ZIP is read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return as many bytes, fewer only at the end."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move the position and return it."""

    def tell(self) -> int:
        """Return the position."""


class Archive:
    """A ZIP, read in place."""

    def __init__(
        self,
        file: "ArchiveFile",
        *,
        top: str = "",
        most_directory_bytes: int = MOST_DIRECTORY_BYTES,
    ) -> None:
        """Read the directory of the ZIP in `file`; raise `UnsafeArchive`.

        If all entries are in one folder called `top`, it becomes the root.
        """
        try:
            self._zip = zipfile.ZipFile(_Bounded(file, most_directory_bytes))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise UnsafeArchive from error
        self._entries = self._zip.infolist()
        self._check_sizes(file.seek(0, os.SEEK_END))
        self._top = self._top_folder(top.encode() + b"/") if top else b""

    def close(self) -> None:
        """Close the archive."""
        self._zip.close()

    def walk(self) -> Iterator[TreeFile | PassedOver]:
        """Yield the entries, in the order of its directory; paths are separated by `/`."""
        for number, entry in enumerate(self._entries):
            name = _raw_name(entry).removeprefix(self._top)
            if not name or name.endswith(b"/"):
                continue
            why = _why_not(entry, name)
            if why:
                yield PassedOver(name=name, why=why)
            else:
                yield TreeFile(name=name, key=b"%d" % number, length=entry.file_size)

    def read(self, key: bytes) -> Iterator[bytes]:
        """Yield the bytes of a file in blocks of at most 1 MiB; raise `DamagedEntry`."""
        entry = self._entries[int(key)]
        try:
            with self._zip.open(entry) as file:
                while block := file.read(BLOCK_BYTES):
                    yield block
        except _DAMAGES as error:
            raise DamagedEntry from error

    def head(self, key: bytes, most_bytes: int) -> bytes:
        """Return the first bytes of a file without unpacking more; raise `DamagedEntry`."""
        try:
            with self._zip.open(self._entries[int(key)]) as file:
                return file.read(most_bytes)
        except _DAMAGES as error:
            raise DamagedEntry from error

    def _check_sizes(self, archive_bytes: int) -> None:
        """Raise `UnsafeArchive` for entries that share their bytes, or unpack to too much."""
        packed = sum(entry.compress_size for entry in self._entries)
        unfolded = sum(entry.file_size for entry in self._entries)
        if packed > archive_bytes or unfolded > MOST_UNFOLDING * archive_bytes:
            raise UnsafeArchive

    def _top_folder(self, top: bytes) -> bytes:
        names = (_raw_name(entry) for entry in self._entries)
        beside = any(
            not name.startswith(top) for name in names if not is_hidden(name.split(b"/")[0])
        )
        return b"" if beside else top


class _Bounded:
    """A file that refuses to read pieces that would not fit into memory.

    `zipfile` reads an archive's directory in one piece, of the length the archive claims.
    """

    def __init__(self, file: ArchiveFile, most_bytes: int) -> None:
        self._file = file
        self._most_bytes = most_bytes
        self.seek, self.tell = file.seek, file.tell

    def seekable(self) -> bool:
        """Tell `zipfile` that `seek` may be used."""
        return True

    def close(self) -> None:
        """Do nothing: the caller closes the file."""

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; raise ValueError if that exceeds the limit."""
        if size > self._most_bytes:
            raise ValueError(f"{size} bytes at once")
        return self._file.read(size if size >= 0 else BLOCK_BYTES)


def _raw_name(entry: zipfile.ZipInfo) -> bytes:
    """Return an entry's path as UTF-8.

    A name without the UTF-8 mark should be in code page 437, but many programs (macOS) write
    UTF-8 there too; 437 hardly ever looks like it.
    """
    name = entry.orig_filename  # `filename` is from the Unicode path field since Python 3.12
    found = name.encode()
    if not entry.flag_bits & _UTF8:
        raw = name.encode("cp437")
        found = _unicode_path(entry.extra, raw) or (raw if _is_utf8(raw) else found)
    return found.partition(b"\0")[0].replace(b"\\", b"/")


def _unicode_path(extra: bytes, raw_name: bytes) -> bytes | None:
    """Return the path in a Unicode path field of `extra`; None without one for `raw_name`.

    Programs write it beside a name in an encoding of their own (APPNOTE 4.6.9).
    """
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + length]
        at += 4 + length
        is_for_name = field[:5] == struct.pack("<BL", 1, zlib.crc32(raw_name))
        if kind == _UNICODE_PATH and is_for_name and _is_utf8(field[5:]):
            return field[5:]
    return None


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _why_not(entry: zipfile.ZipInfo, name: bytes) -> Why | None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    reasons = (
        (_LEADS_OUT.search(name), Why.UNSAFE_NAME),
        (any(map(is_hidden, name.split(b"/"))), Why.HIDDEN),
        (kind == stat.S_IFLNK, Why.LINK),
        (kind not in {0, stat.S_IFREG}, Why.NOT_A_FILE),
        (name.count(b"/") >= MOST_LEVELS, Why.TOO_DEEP),
        (entry.flag_bits & _ENCRYPTED, Why.ENCRYPTED),
        (entry.compress_type not in _READ_HERE, Why.PACKED_OTHERWISE),
    )
    return next((why for holds, why in reasons if holds), None)


def is_hidden(name: bytes) -> bool:
    """Return whether a file or folder of this name is hidden, or created by an operating system."""
    dotted = name.startswith(b".") and name not in {b".", b".."}
    return dotted or name.lower() in _MADE_BY_SYSTEMS
