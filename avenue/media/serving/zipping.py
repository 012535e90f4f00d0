"""A ZIP of stored files, made while it is sent: nothing is packed, and one piece is in memory.

Most of what is stored is packed already, and what is only put in has a length that is known before
the first byte is read.
"""

import hashlib
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from avenue.media.errors import ZipTooLarge
from avenue.media.intake.filetypes import FILE_TYPES, file_name
from avenue.media.intake.sniffing import ZIP
from avenue.media.naming import MAX_NAME_CHARACTERS
from avenue.media.pictures.limits import MB
from avenue.media.serving.reading import DamagedFile

ZIP_TYPE = ZIP.name
MOST_FILES = 500
"""In one ZIP that somebody asks for."""
LARGEST_MB = 1900
"""From 2 GiB on, all lengths are written another way (APPNOTE 4.5.3) that not everybody reads;
`zipfile` turns to it 5 % before."""

_LOCAL_BYTES, _DESCRIPTOR_BYTES, _CENTRAL_BYTES, _END_BYTES = 30, 16, 46, 22
# APPNOTE 4.3.7, 4.3.9, 4.3.12 and 4.3.16, each without the name.

_FIRST = datetime(1980, 1, 1, tzinfo=UTC)  # what a ZIP can say of time (4.4.6)
_LAST = datetime(2107, 12, 31, tzinfo=UTC)
_NOT_ON_WINDOWS = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|\Z)", re.IGNORECASE)


class ZippedFile(Protocol):
    """What is asked of a stored file."""

    @property
    def name(self) -> str:
        """For people; may hold anything."""

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
    """A ZIP to be made of `files`, which need `LARGEST_MB` at most."""

    files: Sequence[ZippedFile]

    @property
    def names(self) -> list[str]:
        """What the files are called in it: plain names, each once, whoever unpacks it."""
        taken: set[str] = set()
        return [_free(_plain(each), taken) for each in self.files]

    @property
    def length(self) -> int:
        """How many bytes it will have."""
        names = sum(len(name.encode()) for name in self.names)
        overhead = _LOCAL_BYTES + _DESCRIPTOR_BYTES + _CENTRAL_BYTES
        stored = sum(each.length + overhead for each in self.files)
        return stored + 2 * names + _END_BYTES

    def pieces(self) -> Iterator[bytes]:
        """Yield its bytes; raise `DamagedFile` at a file whose bytes are not the stored ones.

        Also what reading raises. Then the end is missing, and nobody takes it for whole.
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
    """Return the ZIP of `files`, of which nothing is read yet; raise `ZipTooLarge`."""
    made = Zip(files)
    if made.length > limit_mb * MB:
        raise ZipTooLarge(length=made.length, limit_mb=limit_mb)
    return made


class _Sink:
    """Where `zipfile` writes to; it cannot go back there."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Keep `data` until it is taken."""
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing; `zipfile` asks for it."""

    def close(self) -> None:
        """Do nothing; it has nothing to close."""

    def taken(self) -> bytes:
        """Return what was written since."""
        data = b"".join(self._written)
        self._written.clear()
        return data


def _entry(name: str, file: ZippedFile) -> zipfile.ZipInfo:
    at = min(max(file.modified_at, _FIRST), _LAST).astimezone(UTC)
    entry = zipfile.ZipInfo(name, at.timetuple()[:6])
    entry.file_size = file.length
    return entry


def _plain(file: ZippedFile) -> str:
    """Return a name that is one everywhere: no path, nothing that Windows forbids."""
    kind = FILE_TYPES.get(file.media_type)
    name = file_name(file.name, kind) if kind else file.name
    name = _NOT_ON_WINDOWS.sub("_", name)[:MAX_NAME_CHARACTERS].strip(" .") or "file"
    return f"_{name}" if _DEVICES.match(name) else name


def _free(name: str, taken: set[str]) -> str:
    """Return `name`, numbered if it is taken; to Windows and macOS case makes no difference."""
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    number, free = 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{stem} ({number}){dot}{extension}"
    taken.add(free.casefold())
    return free
