"""Open pictures with Pillow, believing nothing they say, and make renditions of them.

The only package that knows Pillow. It runs in the decode processes (`pictures/decoder.py`), where a
picture that takes too long or too much memory ends nothing but itself.
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
    """Open the picture `data`, detected as `media_type`, wholly: its facts and what is `wanted`.

    At most `threads` threads encode. Raise `ImageTooLarge`, `TooManyFrames`, `ImageTooCostly`,
    `BrokenImage` or `NoDecoder`, and nothing else.
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
    """Make the renditions `wanted` of a picture, in that order; raise what `examine` raises."""
    return open_picture(data, media_type, limits, wanted).renditions(wanted, threads=threads)
