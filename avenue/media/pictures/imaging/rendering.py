"""Makes renditions of a decoded picture, each from the smallest sufficient picture."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

from PIL import Image

from avenue.media.errors import ImageTooCostly
from avenue.media.intake.sniffing import JPEG
from avenue.media.pictures.facts import Rendition, Wanted
from avenue.media.pictures.imaging.colours import SRGB, Colours, on_white
from avenue.media.pictures.imaging.formats import PILLOW_NAMES
from avenue.media.pictures.limits import MB
from avenue.media.pictures.variants import (
    FORMATS,
    LARGE_PIXELS,
    Box,
    Focal,
    Format,
    Size,
    Variant,
    box_of,
    row_of,
    size_of,
)

ENOUGH, ENOUGH_LARGE = 1.3, 1.05
"""How much larger a finished picture must be for a smaller one to be made from it.

Shrunk twice, photographs lost 0.0005 SSIM at most, and no more than chance. Of what has
`LARGE_PIXELS` the encoder takes more away than 1.05 does; thumbs would lose 0.003 by that.
"""

MOST_RENDITION_BYTES = 15 * MB
"""A rendition is stored in one document of the database, which may have 16 MB."""

# How a stored picture is rotated upright, by its EXIF orientation.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Where left, top, right and bottom of a box in the upright picture are in the stored one. The box
# is given as (left, top, from the right, from the bottom) and so is the result.
_STORED_SIDES = {
    1: (0, 1, 2, 3),
    2: (2, 1, 0, 3),
    3: (2, 3, 0, 1),
    4: (0, 3, 2, 1),
    5: (1, 0, 3, 2),
    6: (1, 2, 3, 0),
    7: (3, 2, 1, 0),
    8: (3, 0, 1, 2),
}
_FIRST_TURNED = 5  # from here on width and height are swapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A whole picture from which smaller ones are made.

    `width` and `height` are those of the upright original; `image` may be smaller than that, by
    `scale` for each of its own sides, have the EXIF `orientation`, and `colours` of its own.
    """

    image: Image.Image
    width: int
    height: int
    scale: tuple[float, float]
    orientation: int = 1
    colours: Colours = SRGB

    def reach(self, box: Box, size: Size) -> float:
        """Return how much larger this is than a rendition of `size` showing `box`."""
        across = self.scale[self.orientation >= _FIRST_TURNED]
        return across * (box[2] - box[0]) / size[0]

    def resized(self, box: Box, size: Size, *, rough: bool = False) -> Image.Image:
        """Return the `box` (pixels of the upright original), upright, sRGB, resized to `size`.

        `rough` is faster and good enough for analysing colours and edges.
        """
        sides = (box[0], box[1], self.width - box[2], self.height - box[3])
        left, top, right, bottom = (sides[side] for side in _STORED_SIDES[self.orientation])
        width, height = self.width, self.height
        if self.orientation >= _FIRST_TURNED:
            width, height, size = height, width, (size[1], size[0])
        across, down = self.scale
        stored_box = (
            left * across,
            top * down,
            min((width - right) * across, self.image.width),
            min((height - bottom) * down, self.image.height),
        )
        resized = self.image.resize(
            size,
            Image.Resampling.BOX if rough else Image.Resampling.LANCZOS,
            box=stored_box,
            reducing_gap=1.0 if rough else None,
        )
        upright = self.colours.srgb(resized)
        if self.orientation in _TURNS:
            upright = upright.transpose(_TURNS[self.orientation])
        upright.info = {}  # metadata of the file does not go into renditions
        return upright


def whole_width(variant: Variant, width: int, height: int) -> float:
    """Return the width in pixels of the whole picture at the scale of `variant`."""
    box = box_of(variant, width, height, None)
    return size_of(variant, width, height)[0] * width / (box[2] - box[0])


def make(
    source: Source, wanted: Sequence[Wanted], focal: Callable[[], Focal], *, threads: int
) -> list[Rendition]:
    """Return the renditions `wanted`, in that order; raise `ImageTooCostly` for one too large.

    The largest comes first, and smaller ones are made from it if that loses nothing. While one is
    encoded the next is reduced, in at most `threads` threads. `focal` is called for the default
    focal point when a crop needs it.
    """
    shrinking = _Shrinking(source, focal)
    places = sorted(range(len(wanted)), key=lambda place: -shrinking.whole_width(wanted[place]))
    tasks: dict[int, _Task] = {}
    with ThreadPoolExecutor(threads - 1) if threads > 1 else nullcontext() as helpers:
        for place in places:
            task = _Task(wanted[place], shrinking.image_for(wanted[place]))
            task.future = helpers.submit(task.encoded) if helpers else None
            tasks[place] = task
        # Nothing is left to reduce: this thread encodes what no other has begun, from the end.
        for place in reversed(places):
            tasks[place].take_over()
        return [tasks[place].rendition() for place in range(len(wanted))]


class _Shrinking:
    """Makes the pictures to be encoded, and keeps the whole ones for smaller renditions."""

    def __init__(self, source: Source, focal: Callable[[], Focal]) -> None:
        self._sources = [source]
        self._focal = focal
        self._done: dict[tuple[str, Focal | None], Image.Image] = {}

    def whole_width(self, wanted: Wanted) -> float:
        """Return the width in pixels of the whole picture at the scale of `wanted`."""
        return whole_width(row_of(wanted.variant), self._sources[0].width, self._sources[0].height)

    def image_for(self, wanted: Wanted) -> Image.Image:
        """Return the upright sRGB picture to be encoded, for this rendition only.

        Pillow keeps an encoder's options with the picture, so two must not share one.
        """
        row, source = row_of(wanted.variant), self._sources[0]
        focal = (wanted.focal or self._focal()) if row.cuts else None
        if (row.name, focal) in self._done:
            return self._done[row.name, focal].copy()
        size = size_of(row, source.width, source.height)
        image = self._shrunk(box_of(row, source.width, source.height, focal), size)
        self._done[row.name, focal] = image
        if not row.cuts:
            scale = (size[0] / source.width, size[1] / source.height)
            self._sources.append(
                Source(image=image, width=source.width, height=source.height, scale=scale)
            )
        return image

    def _shrunk(self, box: Box, size: Size) -> Image.Image:
        """Return `box` resized to `size`, from the smallest picture with enough pixels."""
        original, *smaller = self._sources
        least = ENOUGH_LARGE if size[0] * size[1] >= LARGE_PIXELS else ENOUGH
        enough = [each for each in smaller if each.reach(box, size) >= least]
        return min(enough, key=lambda each: each.scale, default=original).resized(box, size)


class _Task:
    """A picture to be encoded, here or in a helper thread."""

    def __init__(self, wanted: Wanted, image: Image.Image) -> None:
        self._wanted = wanted
        self._image = image
        self.future: Future[bytes] | None = None
        self._data = b""

    def encoded(self) -> bytes:
        """Return the encoded picture."""
        return encoded(self._image, FORMATS[self._wanted.extension])

    def take_over(self) -> None:
        """Encode it here and now, unless another thread has begun."""
        if self.future is None or self.future.cancel():
            self._data = self.encoded()
            self.future = None

    def rendition(self) -> Rendition:
        """Return the result once it is ready."""
        data = self._data if self.future is None else self.future.result()
        width, height = self._image.size
        return Rendition(
            variant=self._wanted.variant,
            extension=self._wanted.extension,
            width=width,
            height=height,
            data=data,
        )


def encoded(image: Image.Image, encoding: Format) -> bytes:
    """Return an upright sRGB picture as a file without metadata; raise `ImageTooCostly`."""
    if encoding.media_type is JPEG:
        image = on_white(image)
    options = dict(encoding.options)
    if image.width * image.height >= LARGE_PIXELS:
        options |= encoding.options_large
    buffer = io.BytesIO()
    image.save(buffer, PILLOW_NAMES[encoding.media_type.name], **options)
    if buffer.tell() > MOST_RENDITION_BYTES:
        raise ImageTooCostly(rendition_bytes=buffer.tell())
    return buffer.getvalue()
