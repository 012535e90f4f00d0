"""JPEG: keeps frames, scans, tables, colour and orientation.

ITU-T T.81 annex B; JFIF 1.02; ICC.1 annex B.4; Exif 2.32, section 4.7; XMP part 3, section 1.1.3;
CIPA DC-007 (MPF); Adobe's APP14 as in T.872, section 6.5.3.
"""

import struct

from avenue.media.intake.cleaning.draft import BrokenStructure, Cleaned, Draft
from avenue.media.intake.cleaning.metadata import PREFIX, exif_names, kept_exif, xmp_names
from avenue.media.intake.picture_headers import JPEG_MARKER, JPEG_SCAN_END

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_APP0, _APP1, _APP2, _APP13, _APP14, _APP15 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF
_PICTURE = frozenset(range(0xC0, 0xE0)) - {0xC8, *range(0xD0, 0xDA)} | {_SOS}
"""Frames, tables, scans and what belongs to them; not JPG, RSTn, SOI, EOI."""

_HEAD_BYTES = 4
_JFIF = b"JFIF\0"
_JFIF_BYTES = 14
_ADOBE_BYTES = 12
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENDED_HEAD_BYTES = len(_EXTENDED_XMP) + 32 + 4 + 4
_APPLICATIONS = (
    (_APP0, b"JFXX\0", "thumbnail"),
    (_APP2, b"MPF\0", "mpf"),
    (_APP13, b"", "iptc"),
)


def clean(data: bytes) -> Cleaned:
    """Clean a JPEG; see `avenue.media.intake.cleaning.clean`."""
    return _Walk(data).result()


class _Walk:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._draft = Draft(data)
        self._scans = 0
        self._has_jfif = False
        self._has_exif = False
        self._xmp: list[bytes] = []

    def result(self) -> Cleaned:
        """Go through the segments; the coded data of a scan follows its SOS up to a marker."""
        data = self._data
        if data[:2] != b"\xff\xd8":
            raise BrokenStructure("a JPEG without a beginning")
        at, within_scan = 2, False
        while True:
            found = (JPEG_SCAN_END if within_scan else JPEG_MARKER).search(data, at)
            if found is None:
                raise BrokenStructure("a JPEG without an end")
            start, code = found.start(), found[1][0]
            if not within_scan and data[at:start].strip(b"\xff"):
                self._draft.drop(at, start, "gap")
            if code == _EOI:
                return self._end(found.end())
            at = start + 2 + struct.unpack_from(">H", data, start + 2)[0]
            if code not in _PICTURE:
                # libjpeg, which browsers use, takes a length below 2 for 2 in skipped segments.
                at = max(at, start + _HEAD_BYTES)
            if at < start + _HEAD_BYTES or at > len(data):
                raise BrokenStructure("a JPEG segment of an impossible length")
            within_scan = code == _SOS
            self._scans += within_scan
            self._segment(code, start, at)

    def _end(self, end: int) -> Cleaned:
        if not self._scans:
            raise BrokenStructure("a JPEG without a picture")
        if end < len(self._data):
            self._draft.drop(end, len(self._data), "tail")
        if self._xmp:
            self._draft.note(*xmp_names(b"".join(self._xmp)))
        return self._draft.finish()

    def _segment(self, code: int, start: int, end: int) -> None:
        if code in _PICTURE:
            return
        if code == _COM:
            self._draft.drop(start, end, "comment")
        elif _APP0 <= code <= _APP15:
            self._application(code, start, end)
        else:
            raise BrokenStructure(f"a JPEG with a marker no picture has: {code:#x}")

    def _application(self, code: int, start: int, end: int) -> None:
        body = self._data[start + _HEAD_BYTES : end]
        if code == _APP0 and body.startswith(_JFIF):
            self._jfif(body, start, end)
        elif code == _APP1 and body.startswith(PREFIX[:5]):
            self._exif(body[len(PREFIX) :], start, end)
        elif code == _APP1 and body.startswith(_XMP):
            self._xmp.append(body[len(_XMP) :])
            self._draft.drop(start, end, "xmp")
        elif code == _APP1 and body.startswith(_EXTENDED_XMP):
            self._xmp.append(body[_EXTENDED_HEAD_BYTES:])
            self._draft.drop(start, end, "xmp")
        elif code == _APP14 and body.startswith(b"Adobe") and len(body) >= _ADOBE_BYTES:
            self._keep(code, body, body[:_ADOBE_BYTES], start, end, "unknown")
        elif not (code == _APP2 and body.startswith(b"ICC_PROFILE\0")):
            self._draft.drop(start, end, _name(code, body))

    def _jfif(self, body: bytes, start: int, end: int) -> None:
        """Keep the first one; its last two bytes are the size of the preview after them."""
        if self._has_jfif or len(body) < _JFIF_BYTES:
            self._draft.drop(start, end, "unknown")
            return
        self._has_jfif = True
        kept = body[: _JFIF_BYTES - 2] + bytes(2)
        self._keep(_APP0, body, kept, start, end, "thumbnail")

    def _exif(self, block: bytes, start: int, end: int) -> None:
        """Keep the orientation of the first EXIF segment before the picture, which readers use."""
        kept = b"" if self._has_exif or self._scans else kept_exif(block)
        self._has_exif = True
        if kept:
            body = self._data[start + _HEAD_BYTES : end]
            self._keep(_APP1, body, PREFIX + kept, start, end, *exif_names(block))
        else:
            self._draft.drop(start, end, *exif_names(block))

    def _keep(self, code: int, body: bytes, kept: bytes, start: int, end: int, *names: str) -> None:
        if kept != body:
            head = struct.pack(">BBH", 0xFF, code, 2 + len(kept))
            self._draft.drop(start, end, *names, instead=head + kept)


def _name(code: int, body: bytes) -> str:
    for application, beginning, name in _APPLICATIONS:
        if code == application and body.startswith(beginning):
            return name
    return "unknown"
