"""A cleaned picture, and how one comes about."""

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
"""What may be found in a picture and removed, in the order it is reported.

- `exif`: EXIF: camera, time, settings, serial numbers
- `gps`: where it was taken, as part of EXIF or XMP; only said when something of it was there
- `xmp`: XMP, extended XMP too: what editing programs and phones write
- `iptc`: Photoshop's block with IPTC: captions, names, places
- `comment`: comments of JPEG and GIF
- `text`: text chunks of PNG, text blocks of GIF
- `time`: the time of the last change in a PNG
- `thumbnail`: an embedded preview, which may show what was cut off
- `mpf`: the index of further pictures behind a JPEG; they themselves are `tail`
- `unknown`: any other part a picture does not need, as it may hold anything
- `gap`: bytes between the parts, which belong to none
- `tail`: bytes behind the end: motion photos, further pictures, archives
"""


class BrokenStructure(ValueError):
    """The file does not keep to its format, so nobody could say what it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """A picture without metadata; `removed` names what went, in words of `REMOVABLE`.

    `data` is the very object that was given when nothing had to go.
    """

    data: bytes
    removed: tuple[str, ...]


def cleaned(data: bytes, names: set[str]) -> Cleaned:
    """Return `data` as cleaned of `names`, in the order of `REMOVABLE`."""
    return Cleaned(data=data, removed=tuple(name for name in REMOVABLE if name in names))


class Draft:
    """A file without some of its parts. They are named from the beginning to the end, once each."""

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
        """Leave out the bytes from `start` to `end`, known by `names`; put `instead` there."""
        if start > self._done:
            self._parts.append(self._view[self._done : start])
        if instead:
            self._parts.append(instead)
        self._done = end
        self._names.update(names)

    def note(self, *names: str) -> None:
        """Say more about what was dropped."""
        self._names.update(names)

    def finish(self) -> Cleaned:
        """Return what is left; the given object itself when nothing was dropped."""
        if not self._names:
            return Cleaned(data=self._data, removed=())
        self._parts.append(self._view[self._done :])
        return cleaned(b"".join(self._parts), self._names)
