"""Removes metadata from a picture without changing a pixel.

A camera writes where and when a photograph was taken, and with which device, into the file; a phone
appends whole videos. `clean` removes all of it losslessly: the coded picture is copied byte for
byte, its colour profile and its orientation stay. It walks the file once, in time and memory linear
in its size, uses neither Pillow nor anything else outside the standard library, and runs in the
decode processes. The coded picture itself is not checked.

What is kept, by format (everything else is removed):

- JPEG: frames, scans and their tables, JFIF without its preview, ICC, Adobe's colour transform, and
  an EXIF segment of one tag if the picture has to be rotated.
- PNG: the picture, palette, transparency, colour, size and APNG chunks, eXIf as above.
- WebP: the picture, frames, alpha, ICC, EXIF as above.
- GIF: frames, their timing, and the number of repetitions.
- AVIF and HEIC are edited in place, because their parts refer to each other by position: items that
  are not pictures, and unreferenced stretches, are blanked; everything after the last needed box is
  cut off.

Every JPEG, PNG or WebP that has to be rotated keeps the same 26 bytes of EXIF, so that cleaning a
cleaned picture changes nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from avenue.media.intake.cleaning import gif, isomedia, jpeg, png, webp
from avenue.media.intake.cleaning.draft import REMOVABLE, BrokenStructure, Cleaned
from avenue.media.intake.sniffing import AVIF, GIF, HEIC, JPEG, PNG, WEBP

__all__ = ["CLEANABLE", "REMOVABLE", "BrokenStructure", "Cleaned", "clean"]

_CLEANERS: dict[str, Callable[[bytes], Cleaned]] = {
    JPEG.name: jpeg.clean,
    PNG.name: png.clean,
    WEBP.name: webp.clean,
    GIF.name: gif.clean,
    AVIF.name: isomedia.clean,
    HEIC.name: isomedia.clean,
}
CLEANABLE = frozenset(_CLEANERS)
"""The media types that `clean` supports."""


def clean(data: bytes, media_type: str) -> Cleaned:
    """Return the picture `data`, one of the `CLEANABLE` types, without its metadata.

    If there is nothing to remove, `Cleaned.data` is `data` itself. Raise only `BrokenStructure`, if
    the file's structure is invalid.
    """
    try:
        return _CLEANERS[media_type](data)
    except (IndexError, struct.error) as error:
        raise BrokenStructure("the file ends within one of its parts") from error
