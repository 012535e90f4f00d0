"""Opens pictures in the process of the test, as a decode process does."""

from collections.abc import Sequence

from avenue.media.pictures.facts import Examined, Rendition, Wanted
from avenue.media.pictures.imaging.opening import open_picture
from avenue.media.pictures.limits import ImageLimits


def examine(
    data: bytes,
    media_type: str,
    limits: ImageLimits,
    wanted: Sequence[Wanted] = (),
    *,
    threads: int = 1,
) -> Examined:
    """Decode the picture `data`, detected as `media_type`; return facts and `wanted` renditions."""
    return open_picture(data, media_type, limits, wanted).examined(wanted, threads=threads)


def render(
    data: bytes,
    media_type: str,
    limits: ImageLimits,
    wanted: Sequence[Wanted],
    *,
    threads: int = 1,
) -> list[Rendition]:
    """Return the renditions `wanted` of a picture, in that order."""
    return open_picture(data, media_type, limits, wanted).renditions(wanted, threads=threads)
