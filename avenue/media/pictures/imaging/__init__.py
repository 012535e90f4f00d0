"""Opens untrusted pictures with Pillow, and makes renditions of them.

The only package that uses Pillow. It runs in the decode processes (`pictures/decoder.py`), where a
picture that takes too long or too much memory ends only that process.
"""

from collections.abc import Sequence

from avenue.media.pictures.facts import Examined, Rendition, Wanted
from avenue.media.pictures.imaging.opening import OpenPicture, check_header, open_picture
from avenue.media.pictures.limits import ImageLimits

__all__ = ["OpenPicture", "check_header", "examine", "open_picture", "render"]


def examine(
    data: bytes,
    media_type: str,
    limits: ImageLimits,
    wanted: Sequence[Wanted] = (),
    *,
    threads: int = 1,
) -> Examined:
    """Decode the picture `data`, detected as `media_type`; return facts and `wanted` renditions.

    At most `threads` threads encode. Raise only `ImageTooLarge`, `TooManyFrames`, `ImageTooCostly`,
    `BrokenImage` or `NoDecoder`.
    """
    return open_picture(data, media_type, limits, wanted).examined(wanted, threads=threads)


def render(
    data: bytes,
    media_type: str,
    limits: ImageLimits,
    wanted: Sequence[Wanted],
    *,
    threads: int = 1,
) -> list[Rendition]:
    """Return the renditions `wanted` of a picture, in that order. Raises as `examine`."""
    return open_picture(data, media_type, limits, wanted).renditions(wanted, threads=threads)
