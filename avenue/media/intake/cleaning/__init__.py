"""Take out of a picture what is nobody's business, without touching a pixel.

A camera writes where and when a photograph was taken, and with which device, beside the picture; a
phone appends whole videos. `clean` removes all of it losslessly: the coded picture is copied byte
for byte, its colour profile and its orientation stay. It walks the file once, in time and memory
linear in its size, uses neither Pillow nor anything else outside the standard library, and runs in
the decode processes. What the coded picture itself holds is not looked at.

What stays, by format (everything else goes):

- JPEG: frames, scans and their tables, JFIF without its preview, ICC, Adobe's colour transform, and
  an EXIF segment of one tag if the picture is to be turned.
- PNG: the picture, palette, transparency, colour, size and APNG chunks, eXIf as above.
- WebP: the picture, frames, alpha, ICC, EXIF as above.
- GIF: frames, their timing, and how often they are repeated.
- AVIF and HEIC are edited in place, because their parts know each other by position: items that
  are no pictures, and stretches nothing refers to, are blanked; what stands behind the last needed
  box goes.

Every JPEG, PNG or WebP that is to be turned keeps the same 26 bytes of EXIF, so that cleaning a
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
"""The media types `clean` knows."""


def clean(data: bytes, media_type: str) -> Cleaned:
    """Return the picture `data`, one of the `CLEANABLE` types, without its metadata.

    With nothing to remove, `Cleaned.data` is `data` itself. Raise `BrokenStructure`, and nothing
    else, when the file's structure cannot be followed to its end.
    """
    try:
        return _CLEANERS[media_type](data)
    except (IndexError, struct.error) as error:
        raise BrokenStructure("the file ends within one of its parts") from error
