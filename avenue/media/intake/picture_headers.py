"""Reads pixels, frames and scans of a picture before anything is decoded.

A few bytes can claim a picture that takes gigabytes to open, so these numbers are read by plain
walks over the file, without a decoder. JPEG: ITU-T T.81 annex B; PNG: the W3C PNG specification
(third edition, with APNG), sections 5 and 11; WebP: RFC 9649; GIF: the GIF89a specification,
sections 17 to 27; AVIF and HEIC: `avenue.media.intake.isofile`.
"""

import re
import struct
from dataclasses import dataclass

from avenue.media.intake import isofile
from avenue.media.intake.sniffing import AVIF, GIF, HEIC, JPEG, PNG, WEBP


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """`width` and `height` as stored (not yet rotated), claimed frames, scans of a JPEG."""

    width: int
    height: int
    frames: int = 1
    scans: int = 1


def read_header(data: bytes, media_type: str) -> Header:
    """Read the header of `data`; raise ValueError or struct.error if it is invalid."""
    return _READERS[media_type](data)


# A marker is FF and a code. FF 00 is a data byte FF, FF D0 to FF D7 only mark places within a
# scan, FF FF is padding: in the coded data of a scan none of them ends it.
JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
JPEG_SCAN_END = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])")
"""The same within a scan. A code below C0 there is damage: libjpeg, which browsers and Pillow use,
continues at the next marker (`jpeg_resync_to_restart`)."""

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOFn, but not DHT, JPG, DAC


def _jpeg(data: bytes) -> Header:
    """Walk the segments; what a segment holds (an embedded preview) is skipped by its length."""
    size: tuple[int, int] | None = None
    scans, at, ending = 0, 0, JPEG_MARKER
    while found := ending.search(data, at):
        code, at = found[1][0], found.end()
        if code == _EOI:
            break
        if code == _SOI:
            continue
        if code in _SIZES:
            size = struct.unpack_from(">HH", data, at + 3)
        scans += code == _SOS
        ending = JPEG_SCAN_END if code == _SOS else JPEG_MARKER
        at += max(2, struct.unpack_from(">H", data, at)[0])  # as libjpeg skips a segment
    if size is None:
        raise ValueError("a JPEG without a frame header")
    return Header(width=size[1], height=size[0], scans=scans)


def _png(data: bytes) -> Header:
    if data[12:16] != b"IHDR":
        raise ValueError("a PNG without a header")
    width, height = struct.unpack_from(">II", data, 16)
    at, frames = 8, 1
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"acTL":
            (frames,) = struct.unpack_from(">I", data, at + 8)
        if kind in {b"acTL", b"IDAT"}:  # the animation is announced before the picture, or not
            break
        at += 12 + length
    return Header(width=width, height=height, frames=max(1, frames))


def _webp(data: bytes) -> Header:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header(width=width & 0x3FFF, height=height & 0x3FFF)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return Header(width=(bits & 0x3FFF) + 1, height=(bits >> 14 & 0x3FFF) + 1)
    if kind != b"VP8X":
        raise ValueError("a WebP without a picture")
    low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", data, 24)
    return Header(
        width=low_width + (high_width << 16) + 1,
        height=low_height + (high_height << 16) + 1,
        frames=max(1, _webp_frames(data)),
    )


def _webp_frames(data: bytes) -> int:
    at, frames = 12, 0
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        frames += kind == b"ANMF"
        at += 8 + length + length % 2
    return frames


_GIF_EXTENSION, _GIF_FRAME, _GIF_END = b"!", b",", b";"
_GIF_HAS_COLOURS, _GIF_COLOURS = 0x80, 0x07


def _gif(data: bytes) -> Header:
    """Walk the blocks; a file that just stops after one is accepted, as by every viewer.

    The first frame enlarges a screen that is too small for it; browsers (Chromium was tested) crop
    later ones.
    """
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at, frames = 13 + _gif_colours(flags), 0
    while at < len(data) and (kind := data[at : at + 1]) != _GIF_END:
        at += 2
        if kind == _GIF_FRAME:
            left, top, across, down, flags = struct.unpack_from("<HHHHB", data, at - 1)
            if not frames:
                width, height = max(width, left + across), max(height, top + down)
            frames += 1
            at += 9 + _gif_colours(flags)  # and the least code length before its data
        elif kind != _GIF_EXTENSION:
            raise ValueError("a GIF with something else in it")
        while length := data[at]:
            at += 1 + length
        at += 1
    if not frames:
        raise ValueError("a GIF without a picture")
    return Header(width=width, height=height, frames=frames)


def _gif_colours(flags: int) -> int:
    """Return the length of the colour table that `flags` announce, in bytes."""
    return 3 << (1 + (flags & _GIF_COLOURS)) if flags & _GIF_HAS_COLOURS else 0


def _iso(data: bytes) -> Header:
    width, height, frames = isofile.size_and_frames(data)
    return Header(width=width, height=height, frames=frames)


_READERS = {
    JPEG.name: _jpeg,
    PNG.name: _png,
    WEBP.name: _webp,
    GIF.name: _gif,
    AVIF.name: _iso,
    HEIC.name: _iso,
}
