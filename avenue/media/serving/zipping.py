"""Generates a ZIP of stored files while it is sent, uncompressed, with one piece in memory.

Most stored files are compressed already, and without compression the length is known before the
first byte is read.
"""

import hashlib
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from avenue.media.errors import DamagedFile, ZipTooLarge
from avenue.media.intake.filetypes import FILE_TYPES, file_name
from avenue.media.intake.sniffing import ZIP
from avenue.media.naming import MAX_NAME_CHARACTERS
from avenue.media.pictures.limits import MB

ZIP_TYPE = ZIP.name
MOST_FILES = 500
"""Number of files in one ZIP."""
LARGEST_MB = 1900
"""From 2 GiB on, all lengths are written in a form (APPNOTE 4.5.3) that not every program reads;
`zipfile` switches to it 5 % before."""

_LOCAL_BYTES, _DESCRIPTOR_BYTES, _CENTRAL_BYTES, _END_BYTES = 30, 16, 46, 22
# APPNOTE 4.3.7, 4.3.9, 4.3.12 and 4.3.16, each without the name.

_FIRST = datetime(1980, 1, 1, tzinfo=UTC)  # the range of times in a ZIP (4.4.6)
_LAST = datetime(2107, 12, 31, tzinfo=UTC)
_NOT_ON_WINDOWS = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|\Z)", re.IGNORECASE)


class ZippedFile(Protocol):
    """The stored file that is put into a ZIP."""

    @property
    def name(self) -> str:
        """The display name; may contain anything."""

    @property
    def media_type(self) -> str:
        """As detected from the bytes."""

    @property
    def length(self) -> int:
        """Bytes."""

    @property
    def sha256(self) -> str:
        """The hash of all its bytes, as hex."""

    @property
    def modified_at(self) -> datetime:
        """When these bytes were stored, aware."""

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to before `end`, holding little of them at a time."""


@dataclass(frozen=True, slots=True)
class Zip:
    """A ZIP of `files`, which need `LARGEST_MB` at most."""

    files: Sequence[ZippedFile]

    @property
    def names(self) -> list[str]:
        """The names of the files in it: portable and unique."""
        taken: set[str] = set()
        return [_free(_plain(each), taken) for each in self.files]

    @property
    def length(self) -> int:
        """The length in bytes."""
        names = sum(len(name.encode()) for name in self.names)
        overhead = _LOCAL_BYTES + _DESCRIPTOR_BYTES + _CENTRAL_BYTES
        stored = sum(each.length + overhead for each in self.files)
        return stored + 2 * names + _END_BYTES

    def pieces(self) -> Iterator[bytes]:
        """Yield its bytes.

        Raise `DamagedFile` at a file with wrong bytes, and the errors of reading.

        Then the end is missing, and no program takes it for complete.
        """
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
            for name, file in zip(self.names, self.files, strict=True):
                digest = hashlib.sha256()
                with archive.open(_entry(name, file), "w") as entry:
                    for piece in file.chunks(0, file.length):
                        digest.update(piece)
                        entry.write(piece)
                        yield sink.taken()
                if digest.hexdigest() != file.sha256:
                    raise DamagedFile
        yield sink.taken()


def bounded_zip(files: Sequence[ZippedFile], limit_mb: int) -> Zip:
    """Return the ZIP of `files`, without reading them; raise `ZipTooLarge`."""
    made = Zip(files)
    if made.length > limit_mb * MB:
        raise ZipTooLarge(length=made.length, limit_mb=limit_mb)
    return made


class _Sink:
    """The output of `zipfile`; it cannot seek back."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Collect `data`."""
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing; required by `zipfile`."""

    def close(self) -> None:
        """Do nothing; required by `zipfile`."""

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        data = b"".join(self._written)
        self._written.clear()
        return data


def _entry(name: str, file: ZippedFile) -> zipfile.ZipInfo:
    at = min(max(file.modified_at, _FIRST), _LAST).astimezone(UTC)
    entry = zipfile.ZipInfo(name, at.timetuple()[:6])
    entry.file_size = file.length
    return entry


def _plain(file: ZippedFile) -> str:
    """Return a name that is valid everywhere: no path, nothing that Windows forbids."""
    kind = FILE_TYPES.get(file.media_type)
    name = file_name(file.name, kind) if kind else file.name
    name = _NOT_ON_WINDOWS.sub("_", name)[:MAX_NAME_CHARACTERS].strip(" .") or "file"
    return f"_{name}" if _DEVICES.match(name) else name


def _free(name: str, taken: set[str]) -> str:
    """Return `name`, numbered if it is taken; Windows and macOS ignore case."""
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    number, free = 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{stem} ({number}){dot}{extension}"
    taken.add(free.casefold())
    return free
