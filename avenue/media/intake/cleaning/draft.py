"""A cleaned picture, and how it is built."""

from dataclasses import dataclass

REMOVABLE = (
    "exif",
    "gps",
    "xmp",
    "iptc",
    "comment",
    "text",
    "time",
    "thumbnail",
    "mpf",
    "unknown",
    "gap",
    "tail",
)
"""The names of removable metadata, in the order of reports.

- `exif`: EXIF: camera, time, settings, serial numbers
- `gps`: the location, as part of EXIF or XMP; only reported if present
- `xmp`: XMP, including extended XMP: data of editing programs and phones
- `iptc`: Photoshop's block with IPTC: captions, names, places
- `comment`: comments of JPEG and GIF
- `text`: text chunks of PNG, text blocks of GIF
- `time`: the time of the last change in a PNG
- `thumbnail`: an embedded preview, which may show what was cropped
- `mpf`: the index of further pictures after a JPEG; they themselves are `tail`
- `unknown`: any other part a picture does not need, because it may contain anything
- `gap`: bytes between the parts
- `tail`: bytes after the end: motion photos, further pictures, archives"""


class BrokenStructure(ValueError):
    """The file violates its format, so its content cannot be determined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """A picture without metadata; `removed` are the removed parts, from `REMOVABLE`.

    `data` is the original object if nothing had to be removed.
    """

    data: bytes
    removed: tuple[str, ...]


def cleaned(data: bytes, names: set[str]) -> Cleaned:
    """Return `data` as cleaned of `names`, in the order of `REMOVABLE`."""
    return Cleaned(data=data, removed=tuple(name for name in REMOVABLE if name in names))


class Draft:
    """A copy of a file without some of its parts, which are dropped in order."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._view = memoryview(data)
        self._parts: list[bytes | memoryview] = []
        self._done = 0
        self._names: set[str] = set()

    @property
    def changed(self) -> bool:
        """Whether anything was dropped so far."""
        return bool(self._names)

    def drop(self, start: int, end: int, *names: str, instead: bytes = b"") -> None:
        """Leave out the bytes from `start` to `end`, reported as `names`; put `instead` there."""
        if start > self._done:
            self._parts.append(self._view[self._done : start])
        if instead:
            self._parts.append(instead)
        self._done = end
        self._names.update(names)

    def note(self, *names: str) -> None:
        """Report more names about the dropped parts."""
        self._names.update(names)

    def finish(self) -> Cleaned:
        """Return the result; the original object if nothing was dropped."""
        if not self._names:
            return Cleaned(data=self._data, removed=())
        self._parts.append(self._view[self._done :])
        return cleaned(b"".join(self._parts), self._names)
