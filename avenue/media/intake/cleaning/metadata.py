"""What is in an EXIF block or an XMP packet, as far as cleaning wants to know.

EXIF: CIPA DC-008 (Exif 2.32), section 4.6, which builds on TIFF 6.0, section 2. Nothing here
raises: damaged metadata is no reason to refuse a good picture.
"""

import re
import struct
from collections.abc import Iterator

PREFIX = b"Exif\0\0"
"""Stands before the block in a JPEG; some programs write it elsewhere, too."""

_ORIENTATION, _GPS = 0x0112, 0x8825
_GPS_VERSION = 0
_UPRIGHT = 1
_ORIENTATIONS = range(2, 9)
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
"""TIFF's field types that hold whole numbers, and how struct reads one."""
_POINTERS = {4, 13}
_ENTRY_BYTES = 12
_HEADER_BYTES = 8
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}


def minimal_exif(orientation: int, order: str = ">") -> bytes:
    """Return an EXIF block with the orientation and nothing else, 26 bytes."""
    start = next(begin for begin, each in _ORDERS.items() if each == order)
    entry = struct.pack(order + "HHIHH", _ORIENTATION, 3, 1, orientation, 0)
    return start + struct.pack(order + "IH", _HEADER_BYTES, 1) + entry + bytes(4)


_MINIMAL = frozenset(minimal_exif(o, order) for o in _ORIENTATIONS for order in "<>")


def kept_exif(block: bytes) -> bytes:
    """Return what stays of an EXIF `block`: its orientation alone, nothing when it is upright.

    A block that already is no more than that stays as it is, in its own byte order.
    """
    if block in _MINIMAL:
        return block
    orientation = _orientation(_tiff(block))
    return b"" if orientation == _UPRIGHT else minimal_exif(orientation)


def exif_names(block: bytes) -> set[str]:
    """Return what an EXIF `block` holds: `exif`, and `gps` and `thumbnail` if they are there."""
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
    """Return what an XMP `packet` holds: `xmp`, and `gps` if it names a place."""
    return {"xmp", "gps"} if _PLACE_IN_XMP.search(packet) else {"xmp"}


def _tiff(block: bytes) -> bytes:
    return block.removeprefix(PREFIX)


def _orientation(tiff: bytes) -> int:
    """Return 1 to 8; 1 when there is none, or none that could be meant. The last one counts."""
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
    """Yield tag, field type, count and raw value of the directory at `at`, as far as it is there.

    The raw value is the entry's last four bytes as one number: a value, or where it is.
    """
    start = at + 2
    if start > len(tiff):
        return
    (count,) = struct.unpack_from(order + "H", tiff, at)
    whole = min(count, (len(tiff) - start) // _ENTRY_BYTES)
    yield from struct.iter_unpack(order + "HHII", tiff[start : start + whole * _ENTRY_BYTES])


def _next(tiff: bytes, order: str, at: int) -> int:
    """Return where the directory after the one at `at` is, 0 when there is none."""
    if at + 2 > len(tiff):
        return 0
    (count,) = struct.unpack_from(order + "H", tiff, at)
    after = at + 2 + count * _ENTRY_BYTES
    return _number(order, tiff, after) if after + 4 <= len(tiff) else 0


def _number(order: str, tiff: bytes, at: int) -> int:
    number: int = struct.unpack_from(order + "I", tiff, at)[0]
    return number
