"""GIF: keeps the frames, their timing and the number of repetitions.

GIF89a specification, sections 17 to 27; Netscape's application block for the repetitions.
"""

import struct

from avenue.media.intake.cleaning.draft import BrokenStructure, Cleaned, Draft
from avenue.media.intake.cleaning.metadata import xmp_names

_HEAD_BYTES = 13
_IMAGE_HEAD_BYTES = 10
_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_TEXT, _TIMING, _COMMENT, _APPLICATION = 0x01, 0xF9, 0xFE, 0xFF
_TABLE = 0x80
"""A flag: a table of colours follows, of 2 to the power of (the lowest three bits + 1)."""
_LOOPS = {b"NETSCAPE2.0", b"ANIMEXTS1.0"}
_TIMING_BYTES = 8
_NAMES = {_TEXT: "text", _COMMENT: "comment"}


def clean(data: bytes) -> Cleaned:
    """Clean a GIF; see `avenue.media.intake.cleaning.clean`."""
    if data[:6] not in {b"GIF87a", b"GIF89a"}:
        raise BrokenStructure("a GIF without a header")
    draft = Draft(data)
    at, images = _HEAD_BYTES + _table_bytes(data[10]), 0
    # Many programs omit the trailer, and no reader needs it.
    while at < len(data) and data[at] != _TRAILER:
        start = at
        if data[at] == _IMAGE:
            at += _IMAGE_HEAD_BYTES + _table_bytes(data[at + 9])
            at = _behind(data, at + 1)  # the first byte is the width of the codes
            images += 1
        elif data[at] == _EXTENSION:
            at = _behind(data, at + 2)
            _extension(draft, data, start, at)
        else:
            raise BrokenStructure("a GIF with bytes between its blocks")
    if not images:
        raise BrokenStructure("a GIF without a picture")
    if at + 1 < len(data):
        draft.drop(at + 1, len(data), "tail")
    return draft.finish()


def _table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & _TABLE else 0


def _behind(data: bytes, at: int) -> int:
    """Return the end of the sub-blocks at `at`: each begins with its length, the last is empty."""
    while size := data[at]:
        at += 1 + size
    return at + 1


def _extension(draft: Draft, data: bytes, start: int, end: int) -> None:
    label = data[start + 1]
    if label == _TIMING:
        kept = data[start : start + _TIMING_BYTES - 1] + b"\0"
        if data[start + 2] != _TIMING_BYTES - 4:
            raise BrokenStructure("a GIF with a timing block of the wrong length")
        if data[start:end] != kept:
            draft.drop(start, end, "unknown", instead=kept)
    elif label == _APPLICATION:
        _application(draft, data, start, end)
    else:
        draft.drop(start, end, _NAMES.get(label, "unknown"))


def _application(draft: Draft, data: bytes, start: int, end: int) -> None:
    name = data[start + 3 : start + 14]
    if name.startswith(b"XMP Data"):
        draft.drop(start, end, *xmp_names(data[start:end]))
        return
    kept = b""
    if name in _LOOPS and data[start + 2] == len(name) and data[start + 14 : start + 16] == b"\3\1":
        (loops,) = struct.unpack_from("<H", data, start + 16)
        kept = data[start : start + 14] + struct.pack("<BBHB", 3, 1, loops, 0)
    if data[start:end] != kept:
        draft.drop(start, end, "unknown", instead=kept)
