"""Decodes bytes to pixels: checks first, then as small a decode as possible."""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache

from PIL import GifImagePlugin, Image

from avenue.errors import AvenueError
from avenue.media.errors import (
    BrokenImage,
    ImageTooCostly,
    ImageTooLarge,
    NoDecoder,
    TooManyFrames,
)
from avenue.media.intake.picture_headers import Header, read_header
from avenue.media.intake.sniffing import AVIF, GIF, HEIC, JPEG, PNG, WEBP
from avenue.media.pictures.facts import Examined, PictureFacts, Rendition, Wanted
from avenue.media.pictures.imaging.colours import colours_of, plain
from avenue.media.pictures.imaging.formats import PILLOW_NAMES
from avenue.media.pictures.imaging.looking import LOOK_PIXELS, focal_point, look_at, small_copy
from avenue.media.pictures.imaging.rendering import Source, make, whole_width
from avenue.media.pictures.limits import MB, ImageLimits
from avenue.media.pictures.variants import row_of

PIXELS_PER_MEGAPIXEL = 1_000_000
_MOST_BYTES_PER_PIXEL = {
    JPEG.name: 8,
    PNG.name: 0,
    WEBP.name: 16,
    GIF.name: 0,
    AVIF.name: 16,
    HEIC.name: 16,
}
"""The most memory that decoders which cannot tell "no memory" from "broken" use while opening.

libjpeg keeps the coefficients of a JPEG in several scans (2 bytes, at most 4 components); for WebP
16.0 to 16.3 was measured, lossy and lossless. For PNG and GIF Pillow raises MemoryError."""
_SIZE_SAID_TWICE = frozenset({JPEG.name, PNG.name, WEBP.name, GIF.name})
"""Formats whose decoder must see the size in the header. The others rotate and crop while decoding.
"""

SPARE = 1.5
"""How much larger than its largest rendition a picture is decoded. The decoder's own shrinking is
coarser than our filter: with 1.06 a photograph lost 0.02 SSIM, with 1.5 0.002."""

_LEFT = 2.0
"""How much larger than its largest rendition a picture stays that our own filter has halved."""

_ORIENTATION = 0x0112
_TURNED = {5, 6, 7, 8}  # a quarter turn: width and height are swapped


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPicture:
    """A decoded picture, which no longer needs its bytes."""

    facts: PictureFacts
    pixels: Source
    has_alpha: bool
    limits: ImageLimits

    def examined(self, wanted: Sequence[Wanted] = (), *, threads: int = 1) -> Examined:
        """Return facts, look and the renditions `wanted`; raise `ImageTooCostly`."""
        with _affording(self.limits, wanted):
            look = look_at(self.pixels, self.has_alpha)
            renditions = make(self.pixels, wanted, lambda: look.focal, threads=threads)
            return Examined(facts=self.facts, look=look, renditions=tuple(renditions))

    def renditions(self, wanted: Sequence[Wanted], *, threads: int = 1) -> list[Rendition]:
        """Return the renditions `wanted`; raise `ImageTooCostly`."""
        with _affording(self.limits, wanted):
            focal = cache(lambda: focal_point(small_copy(self.pixels)))
            return make(self.pixels, wanted, focal, threads=threads)


def open_picture(
    data: bytes, media_type: str, limits: ImageLimits, wanted: Sequence[Wanted] = ()
) -> OpenPicture:
    """Decode the picture `data`, detected as `media_type`, large enough for what is `wanted`.

    Cheap checks come first: the header's numbers, then the decoder. All data is read and checked;
    of an animation, its first frame is decoded and its number of frames checked. Raise
    `ImageTooLarge`, `TooManyFrames`, `ImageTooCostly`, `BrokenImage` or `NoDecoder`.
    """
    header = check_header(data, media_type, limits)
    with _refusing(media_type, header, limits):
        return _decode(data, header, media_type, limits, wanted)


def check_header(data: bytes, media_type: str, limits: ImageLimits) -> Header:
    """Return the header of the picture, if it may be opened. Raises as `open_picture`.

    Nothing is decoded.
    """
    if media_type not in PILLOW_NAMES:
        raise NoDecoder(detected=media_type, allowed=sorted(PILLOW_NAMES))
    with _refusing(media_type, Header(width=0, height=0), limits):
        header = read_header(data, media_type)
        _check(header, media_type, limits)
        return header


@contextmanager
def _refusing(media_type: str, header: Header, limits: ImageLimits) -> Iterator[None]:
    """Turn every exception of a decoder into a refusal."""
    try:
        yield
    except AvenueError:
        raise
    except MemoryError as error:
        raise ImageTooCostly(memory_mb=limits.memory_mb) from error
    except Exception as error:
        # Pillow raises ValueError, IndexError, SyntaxError, struct.error, … besides OSError.
        needed_bytes = header.width * header.height * _MOST_BYTES_PER_PIXEL[media_type]
        if needed_bytes > limits.memory_mb * MB:
            raise ImageTooCostly(memory_mb=limits.memory_mb) from error
        raise BrokenImage from error


@contextmanager
def _affording(limits: ImageLimits, wanted: Sequence[Wanted]) -> Iterator[None]:
    """Turn errors about missing memory into `ImageTooCostly`.

    The picture is valid, so there is no other cause; some encoders raise OSError, ValueError or
    RuntimeError.
    """
    try:
        yield
    except (MemoryError, OSError, ValueError, RuntimeError) as error:
        raised = limits.with_renditions(each.extension for each in wanted)
        raise ImageTooCostly(memory_mb=raised.memory_mb) from error


def _check(header: Header, media_type: str, limits: ImageLimits) -> None:
    width, height = header.width, header.height
    jpeg = media_type == JPEG.name
    # A JPEG is decoded reduced, so more pixels cost little memory.
    max_megapixels = limits.max_megapixels
    if jpeg:
        max_megapixels = max(max_megapixels, limits.max_jpeg_megapixels)
    too_many = width * height > max_megapixels * PIXELS_PER_MEGAPIXEL
    if too_many or max(width, height) > limits.max_side_pixels:
        raise ImageTooLarge(
            width=width,
            height=height,
            max_megapixels=max_megapixels,
            max_side_pixels=limits.max_side_pixels,
        )
    if header.frames > limits.max_frames:
        raise TooManyFrames(frames=header.frames, max_frames=limits.max_frames)
    if header.scans > limits.max_scans:
        raise ImageTooCostly(scans=header.scans, max_scans=limits.max_scans)


def _decode(
    data: bytes, header: Header, media_type: str, limits: ImageLimits, wanted: Sequence[Wanted]
) -> OpenPicture:
    with warnings.catch_warnings():
        # Pillow warns about odd metadata; all that counts here is whether the picture can be shown.
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data), formats=[PILLOW_NAMES[media_type]]) as image:
            header = _agreed(header, image, media_type, limits)
            orientation = _orientation(image)
            width, height = header.width, header.height
            if orientation in _TURNED:
                width, height = height, width
            spare = _spare(width, height, wanted)
            drafted = image.draft(image.mode, _draft_size(image.size, spare))
            image.load()
            profile = image.info.get("icc_profile")
            decoded = plain(_on_canvas(image))
    scale = drafted[1][2] / header.width if drafted else 1.0
    # What a JPEG's decoder does while it decodes is done with the others afterwards.
    again = int(spare * SPARE / _LEFT)
    if again > 1 and not drafted:
        scale /= again
        decoded = decoded.reduce(again)
    return OpenPicture(
        facts=PictureFacts(
            width=width, height=height, orientation=orientation, frames=header.frames
        ),
        pixels=Source(
            image=decoded,
            width=width,
            height=height,
            scale=(scale, scale),
            orientation=orientation,
            colours=colours_of(profile, decoded.mode),
        ),
        has_alpha=decoded.mode in {"LA", "RGBA"},
        limits=limits,
    )


def _agreed(header: Header, image: Image.Image, media_type: str, limits: ImageLimits) -> Header:
    """Return the numbers of both readers if they agree; otherwise the file is deceptive."""
    if media_type in _SIZE_SAID_TWICE:
        if image.size != (header.width, header.height):
            raise BrokenImage
        return header
    seen = replace(header, width=image.width, height=image.height)
    _check(seen, media_type, limits)
    return seen


def _on_canvas(image: Image.Image) -> Image.Image:
    """Return a decoded picture with transparency around a frame that is smaller than its GIF.

    Browsers show it so; Pillow would use some colour of the palette.
    """
    if not isinstance(image, GifImagePlugin.GifImageFile):
        return image
    frame = image.dispose_extent
    if frame == (0, 0, *image.size):
        return image
    canvas = Image.new("RGBA", image.size)
    canvas.paste(image.convert("RGBA").crop(frame), frame)
    return canvas


def _spare(width: int, height: int, wanted: Sequence[Wanted]) -> float:
    """Return how many times smaller the picture may be decoded for the `wanted` renditions."""
    needed = [whole_width(row_of(each.variant), width, height) for each in wanted]
    if any(each >= width for each in needed):
        return 1.0
    to_look_at = LOOK_PIXELS * width / max(width, height)
    return width / (SPARE * max([to_look_at, *needed]))


def _draft_size(size: tuple[int, int], spare: float) -> tuple[int, int]:
    """Return the size that makes a JPEG decoder shrink by 8, 4, 2 or 1, at most by `spare`.

    All data is read and checked all the same; only the inverse transform is left out, about half of
    the work of a photograph.
    """
    by = next(each for each in (8, 4, 2, 1) if each <= max(1.0, spare))
    return max(1, size[0] // by), max(1, size[1] // by)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation; 1 if there is none, or an invalid one.

    Only real EXIF counts, as in browsers; Pillow would also use XMP.
    """
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        value = exif.get(_ORIENTATION, 1)
    except Exception:  # damaged metadata is no reason to refuse a valid picture
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1  # noqa: PLR2004 - EXIF
