"""The boxes of ISO media files: reading and editing in place. ISO/IEC 14496-12, section 4.2."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from avenue.media.intake.cleaning.draft import BrokenStructure, Cleaned, cleaned

_HEAD_BYTES = 8
_LARGE_HEAD_BYTES = 16

Stretch = tuple[int, int]
"""Start and end of bytes in the file."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box of the type `kind`; its content goes from `body` to `end`, bytes from the beginning."""

    kind: bytes
    start: int
    body: int
    end: int


def boxes_within(data: bytes, at: int, end: int) -> Iterator[Box]:
    """Yield the boxes that fill `data` from `at` to `end`; raise `BrokenStructure` otherwise."""
    while at < end:
        box = box_at(data, at, end)
        yield box
        at = box.end


def box_at(data: bytes, at: int, end: int) -> Box:
    """Return the box that begins at `at` and ends before `end`, or raise `BrokenStructure`."""
    body = at + _HEAD_BYTES
    if body > end:
        raise BrokenStructure("bytes that are no box")
    size, kind = struct.unpack_from(">I4s", data, at)
    if size == 1:
        (size,) = struct.unpack_from(">Q", data, body)
        body = at + _LARGE_HEAD_BYTES
    elif size == 0:  # to the end
        size = end - at
    if not body <= at + size <= end:
        raise BrokenStructure("a box of an impossible length")
    return Box(kind, at, body, at + size)


class Numbers:
    """Reads big-endian numbers one after the other from `data`, from `at` to `end`."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self._data = data
        self._at = at
        self._end = end

    def take(self, form: str) -> int:
        """Return the next number in struct's format; 0 for an empty format."""
        if not form:
            return 0
        at = self._at
        self._at += struct.calcsize(">" + form)
        if self._at > self._end:
            raise BrokenStructure("a list that is cut off")
        number: int = struct.unpack_from(">" + form, self._data, at)[0]
        return number

    def take_many(self, form: str, count: int) -> list[tuple[int, ...]]:
        """Return the next `count` rows of numbers."""
        at = self._at
        self._at += struct.calcsize(">" + form) * count
        if self._at > self._end:
            raise BrokenStructure("a list that is cut off")
        return list(struct.iter_unpack(">" + form, self._data[at : self._at]))


@dataclass(slots=True)
class Edit:
    """The edited file: nothing is moved, and the end may be cut off."""

    data: bytes
    _names: set[str] = field(default_factory=set)
    _changes: list[tuple[int, bytes]] = field(default_factory=list)

    def put(self, start: int, content: bytes, *names: str) -> None:
        """Overwrite the bytes at `start`, reported as `names`, unless they equal `content`."""
        if self.data[start : start + len(content)] != content:
            self._changes.append((start, content))
            self._names.update(names)

    def zero(self, start: int, end: int, *names: str) -> None:
        """Overwrite the range with zeros."""
        self.put(start, bytes(end - start), *names)

    def free(self, box: Box, *names: str) -> None:
        """Turn `box` into a free box of the same length."""
        self.put(box.start + 4, b"free", *names)
        self.zero(box.body, box.end, *names)

    def finish(self, end: int) -> Cleaned:
        """Return the file up to `end`; the original object if nothing was changed."""
        if end < len(self.data):
            self._names.add("tail")
        if not self._names:
            return Cleaned(data=self.data, removed=())
        data = bytearray(self.data)
        for start, content in self._changes:
            data[start : start + len(content)] = content
        del data[end:]
        return cleaned(bytes(data), self._names)
