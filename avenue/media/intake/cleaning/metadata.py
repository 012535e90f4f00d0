"""Parses EXIF blocks and XMP packets, as far as cleaning needs it.

EXIF: CIPA DC-008 (Exif 2.32), section 4.6, which builds on TIFF 6.0, section 2. Nothing here
raises: damaged metadata is no reason to refuse a valid picture.
"""

import re
import struct
from collections.abc import Iterator

PREFIX = b"Exif\0\0"
"""Precedes the block in a JPEG; some programs write it elsewhere, too."""

_ORIENTATION, _GPS = 0x0112, 0x8825
_GPS_VERSION = 0
_UPRIGHT = 1
_ORIENTATIONS = range(2, 9)
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
"""TIFF's field types for integers, and their struct formats."""
_POINTERS = {4, 13}
_ENTRY_BYTES = 12
_HEADER_BYTES = 8
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}


def minimal_exif(orientation: int, order: str = ">") -> bytes:
    """Return an EXIF block with only the orientation, 26 bytes."""
    start = next(begin for begin, each in _ORDERS.items() if each == order)
    entry = struct.pack(order + "HHIHH", _ORIENTATION, 3, 1, orientation, 0)
    return start + struct.pack(order + "IH", _HEADER_BYTES, 1) + entry + bytes(4)


_MINIMAL = frozenset(minimal_exif(o, order) for o in _ORIENTATIONS for order in "<>")


def kept_exif(block: bytes) -> bytes:
    """Return the kept part of an EXIF `block`: its orientation, or nothing if it is upright.

    A block that is minimal already stays as it is, in its own byte order.
    """
    if block in _MINIMAL:
        return block
    orientation = _orientation(_tiff(block))
    return b"" if orientation == _UPRIGHT else minimal_exif(orientation)


def exif_names(block: bytes) -> set[str]:
    """Return the kinds of data in an EXIF `block`: `exif`, and `gps` and `thumbnail` if present."""
    tiff = _tiff(block)
    order = _ORDERS.get(tiff[:4])
    names = {"exif"}
    if order is None or len(tiff) < _HEADER_BYTES:
        return names
    first = _number(order, tiff, 4)
    for tag, kind, _, value in _entries(tiff, order, first):
        if tag == _GPS and kind in _POINTERS and _has_place(tiff, order, value):
            names.add("gps")
    if _next(tiff, order, first):
        names.add("thumbnail")
    return names


_PLACE_IN_XMP = re.compile(rb"GPS(?:Dest)?L(?:atitude|ongitude)")


def xmp_names(packet: bytes) -> set[str]:
    """Return the kinds of data in an XMP `packet`: `xmp`, and `gps` if it has a location."""
    return {"xmp", "gps"} if _PLACE_IN_XMP.search(packet) else {"xmp"}


def _tiff(block: bytes) -> bytes:
    return block.removeprefix(PREFIX)


def _orientation(tiff: bytes) -> int:
    """Return 1 to 8; 1 if there is none, or only invalid ones. The last one counts."""
    order = _ORDERS.get(tiff[:4])
    if order is None or len(tiff) < _HEADER_BYTES:
        return _UPRIGHT
    found = _UPRIGHT
    for tag, kind, count, value in _entries(tiff, order, _number(order, tiff, 4)):
        if tag == _ORIENTATION and count == 1 and kind in _NUMBERS:
            (found,) = struct.unpack_from(order + _NUMBERS[kind], struct.pack(order + "I", value))
    return found if found in _ORIENTATIONS else _UPRIGHT


def _has_place(tiff: bytes, order: str, at: int) -> bool:
    return any(tag != _GPS_VERSION for tag, *_ in _entries(tiff, order, at))


def _entries(tiff: bytes, order: str, at: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield tag, field type, count and raw value of the directory at `at`, as far as it is valid.

    The raw value is the entry's last four bytes as one number: a value, or its position.
    """
    start = at + 2
    if start > len(tiff):
        return
    (count,) = struct.unpack_from(order + "H", tiff, at)
    whole = min(count, (len(tiff) - start) // _ENTRY_BYTES)
    yield from struct.iter_unpack(order + "HHII", tiff[start : start + whole * _ENTRY_BYTES])


def _next(tiff: bytes, order: str, at: int) -> int:
    """Return the position of the directory after the one at `at`, 0 if there is none."""
    if at + 2 > len(tiff):
        return 0
    (count,) = struct.unpack_from(order + "H", tiff, at)
    after = at + 2 + count * _ENTRY_BYTES
    return _number(order, tiff, after) if after + 4 <= len(tiff) else 0


def _number(order: str, tiff: bytes, at: int) -> int:
    number: int = struct.unpack_from(order + "I", tiff, at)[0]
    return number
