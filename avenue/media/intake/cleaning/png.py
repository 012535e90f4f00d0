"""PNG and APNG: keeps the chunks of the picture.

W3C PNG specification (third edition), sections 5, 11 and 13.
"""

import struct
import zlib

from avenue.media.intake.cleaning.draft import BrokenStructure, Cleaned, Draft
from avenue.media.intake.cleaning.metadata import exif_names, kept_exif, xmp_names

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FRAME_BYTES = 12  # length, type and checksum
_MAX_BYTES = 2**31 - 1

_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_MOST_BYTES = {
    b"tRNS": _MAX_BYTES,
    b"iCCP": _MAX_BYTES,
    b"fdAT": _MAX_BYTES,
    b"gAMA": 4,
    b"cHRM": 32,
    b"sRGB": 1,
    b"cICP": 4,
    b"mDCV": 24,
    b"cLLI": 8,
    b"sBIT": 4,
    b"bKGD": 6,
    b"hIST": 512,
    b"pHYs": 9,
    b"acTL": 8,
    b"fcTL": 26,
}
"""The optional chunks that are kept, and their maximum length: a longer one is invalid."""
_NAMES = {b"tEXt": "text", b"zTXt": "text", b"tIME": "time"}
_LEGACY = {b"exif": "exif", b"APP1": "exif", b"xmp": "xmp", b"iptc": "iptc", b"8bim": "iptc"}
"""Before eXIf existed, programs wrote such blocks as texts: `Raw profile type exif`."""
_RAW = b"Raw profile type "
_XMP = b"XML:com.adobe.xmp\0"
_LOOKED_INTO_BYTES = 1024 * 1024
"""How much of a compressed XMP packet is unpacked to look for a location."""


def clean(data: bytes) -> Cleaned:
    """Clean a PNG; see `avenue.media.intake.cleaning.clean`."""
    return _Walk(data).result()


class _Walk:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._draft = Draft(data)
        self._has_exif = False
        self._unpacked = False

    def result(self) -> Cleaned:
        data = self._data
        if data[:8] != _SIGNATURE or data[8:16] != struct.pack(">I4s", 13, b"IHDR"):
            raise BrokenStructure("a PNG without a header")
        at, kind = len(_SIGNATURE), b""
        while kind != b"IEND":
            length, kind = struct.unpack_from(">I4s", data, at)
            end = at + _FRAME_BYTES + length
            if end > len(data):
                raise BrokenStructure("a PNG chunk longer than its file")
            self._chunk(kind, at, end)
            at = end
        if at < len(data):
            self._draft.drop(at, len(data), "tail")
        return self._draft.finish()

    def _chunk(self, kind: bytes, start: int, end: int) -> None:
        length = end - start - _FRAME_BYTES
        if kind == b"IEND" and length:
            self._draft.drop(start, end, "tail", instead=_chunk(kind, b""))
        elif kind in _CRITICAL or length <= _MOST_BYTES.get(kind, -1):
            return
        elif kind == b"eXIf":
            self._exif(start, end)
        elif kind == b"iTXt":
            self._international(start, end)
        elif kind[:1].islower() and kind.isalpha():
            self._draft.drop(start, end, _name(kind, self._data[start + 8 : start + 40]))
        else:
            # No reader may show a picture with an unknown critical chunk.
            raise BrokenStructure("a PNG with a critical chunk no picture has")

    def _exif(self, start: int, end: int) -> None:
        block = self._data[start + 8 : end - 4]
        kept = b"" if self._has_exif else kept_exif(block)
        self._has_exif = True
        if not kept:
            self._draft.drop(start, end, *exif_names(block))
        elif kept != block:
            self._draft.drop(start, end, *exif_names(block), instead=_chunk(b"eXIf", kept))

    def _international(self, start: int, end: int) -> None:
        body = self._data[start + 8 : end - 4]
        if body.startswith(_XMP):
            self._draft.drop(start, end, *xmp_names(self._text(body)))
        else:
            self._draft.drop(start, end, "text")

    def _text(self, body: bytes) -> bytes:
        """Return the text of an iTXt chunk, unpacked if it is compressed."""
        flag = body[len(_XMP) : len(_XMP) + 1]
        text = body[len(_XMP) + 2 :].split(b"\0", 2)[-1]
        if flag != b"\1":
            return text
        if self._unpacked:
            return b""
        self._unpacked = True
        try:
            return zlib.decompressobj().decompress(text, _LOOKED_INTO_BYTES)
        except zlib.error:
            return b""


def _name(kind: bytes, beginning: bytes) -> str:
    """Return the name of a chunk by its type or, for a text with another block, by its keyword."""
    if kind in {b"tEXt", b"zTXt"} and beginning.startswith(_RAW):
        profile = beginning.removeprefix(_RAW).partition(b"\0")[0]
        return _LEGACY.get(profile, "text")
    return _NAMES.get(kind, "unknown")


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)
