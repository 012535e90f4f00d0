"""WebP: keeps the picture, its frames, alpha and colour profile. RFC 9649."""

import struct
from collections.abc import Iterator

from avenue.media.intake.cleaning.draft import BrokenStructure, Cleaned, Draft
from avenue.media.intake.cleaning.metadata import exif_names, kept_exif, xmp_names

_HEAD_BYTES = 8  # a chunk's type and length
_FIRST = 12  # position of the first chunk: after RIFF, length, WEBP
_FLAGS_AT = _FIRST + _HEAD_BYTES
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04
_FRAME_HEAD_BYTES = 16
_FIXED_BYTES = {b"VP8X": 10, b"ANIM": 6}
_PICTURE = {b"VP8 ", b"VP8L"}
_ONCE = {b"VP8X", b"ICCP", b"ANIM", b"ALPH"}
"""Parts of an extended file of which only the first one counts, as for the picture."""


def clean(data: bytes) -> Cleaned:
    """Clean a WebP; see `avenue.media.intake.cleaning.clean`."""
    length, kind = struct.unpack_from("<4xI4s", data)
    end = _HEAD_BYTES + length + length % 2
    if data[:4] != b"RIFF" or kind != b"WEBP" or end > len(data):
        raise BrokenStructure("a WebP that is cut off")
    walk = _Walk(data, end)
    walk.go()
    return walk.result()


class _Walk:
    def __init__(self, data: bytes, end: int) -> None:
        self._data = data
        self._end = end
        self._draft = Draft(data)
        self._extended = data[_FIRST : _FIRST + 4] == b"VP8X"
        self._flags = data[_FLAGS_AT] if self._extended else 0
        self._exif_stays = False
        self._seen: set[bytes] = set()

    def go(self) -> None:
        """Process every chunk."""
        for kind, start, end in _chunks(self._data, _FIRST, self._end):
            self._chunk(kind, start, end)
        if not self._seen & (_PICTURE | {b"ANMF"}):
            raise BrokenStructure("a WebP without a picture")
        if self._end < len(self._data):
            self._draft.drop(self._end, len(self._data), "tail")

    def result(self) -> Cleaned:
        """Return the result, with the file's length and flags updated."""
        cleaned = self._draft.finish()
        if not cleaned.removed:
            return cleaned
        data = bytearray(cleaned.data)
        struct.pack_into("<I", data, 4, len(data) - _HEAD_BYTES)
        if self._extended:
            data[_FLAGS_AT] &= ~(_EXIF_FLAG | _XMP_FLAG)
            data[_FLAGS_AT] |= _EXIF_FLAG * self._exif_stays
        return Cleaned(data=bytes(data), removed=cleaned.removed)

    def _chunk(self, kind: bytes, start: int, end: int) -> None:
        if kind == b"EXIF":
            self._exif(start, end)
        elif kind == b"XMP ":
            self._draft.drop(start, end, *xmp_names(_body(self._data, start)))
        elif kind == b"ANMF" and self._extended:
            self._frame(start, end)
        elif not self._stays(kind, start):
            self._draft.drop(start, end, "unknown")
            return
        self._seen.add(kind)

    def _stays(self, kind: bytes, start: int) -> bool:
        """Return whether a part is kept: the first picture, and in an extended file the rest."""
        if kind in _PICTURE:
            return not self._seen & _PICTURE
        if not self._extended or kind not in _ONCE or kind in self._seen:
            return False
        (length,) = struct.unpack_from("<I", self._data, start + 4)
        if length != _FIXED_BYTES.get(kind, length):
            raise BrokenStructure("a WebP chunk of the wrong length")
        return True

    def _exif(self, start: int, end: int) -> None:
        """Keep the orientation of the first EXIF chunk, if the file announces one."""
        block = _body(self._data, start)
        announced = self._flags & _EXIF_FLAG and b"EXIF" not in self._seen
        kept = kept_exif(block) if announced else b""
        if kept:
            self._exif_stays = True
        if kept != block or not kept:
            instead = struct.pack("<4sI", b"EXIF", len(kept)) + kept if kept else b""
            self._draft.drop(start, end, *exif_names(block), instead=instead)

    def _frame(self, start: int, end: int) -> None:
        """Clean a frame of an animation: a header followed by chunks, its alpha and its picture."""
        frame = self._data[start:end]
        draft = Draft(frame)
        seen: set[bytes] = set()
        for kind, at, part_end in _chunks(frame, _HEAD_BYTES + _FRAME_HEAD_BYTES, len(frame)):
            first = not seen & (_PICTURE if kind in _PICTURE else {kind})
            if kind not in _PICTURE | {b"ALPH"} or not first:
                draft.drop(at, part_end, "unknown")
            seen.add(kind)
        if draft.changed:
            kept = draft.finish().data[_HEAD_BYTES:]
            head = struct.pack("<4sI", b"ANMF", len(kept))
            self._draft.drop(start, end, "unknown", instead=head + kept)


def _chunks(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and end of each chunk; an odd length is followed by a padding byte."""
    while at < end:
        kind, length = struct.unpack_from("<4sI", data, at)
        after = at + _HEAD_BYTES + length + length % 2
        if after > end:
            raise BrokenStructure("a WebP chunk longer than its file")
        yield kind, at, after
        at = after


def _body(data: bytes, start: int) -> bytes:
    (length,) = struct.unpack_from("<I", data, start + 4)
    return data[start + _HEAD_BYTES : start + _HEAD_BYTES + length]
