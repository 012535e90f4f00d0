"""Open pictures with Pillow, believing nothing they say.

The only module that knows Pillow. It runs in the decode processes (`avenue.media.decoder`), where
a picture that takes too long or too much memory ends nothing but itself.
"""

import io
import warnings

from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from avenue.errors import AvenueError
from avenue.media.errors import (
    BrokenImage,
    ImageTooCostly,
    ImageTooLarge,
    TooManyFrames,
)
from avenue.media.facts import PictureFacts
from avenue.media.headers import Header, read_header
from avenue.media.limits import MB, ImageLimits
from avenue.media.sniffing import JPEG, PNG, WEBP

# Our own limits decide, with numbers people understand; Pillow's would be half a warning.
Image.MAX_IMAGE_PIXELS = None
# A picture that was cut off is refused, never filled up with grey.
ImageFile.LOAD_TRUNCATED_IMAGES = False

# Naming the modules registers their formats: otherwise the first WebP makes Pillow load all of its
# plugins, among them readers with a long history of holes.
_FORMATS = {
    JPEG.name: JpegImagePlugin.JpegImageFile.format,
    PNG.name: PngImagePlugin.PngImageFile.format,
    WEBP.name: WebPImagePlugin.WebPImageFile.format,
}

PIXELS_PER_MEGAPIXEL = 1_000_000
_MOST_BYTES_PER_PIXEL = {JPEG.name: 8, PNG.name: 0, WEBP.name: 16}
"""The most a decoder that cannot tell "no memory" from "broken" takes while it opens a picture.

libjpeg keeps the coefficients of a JPEG in several scans (2 bytes, at most 4 components); for WebP
16.0 to 16.3 was measured, lossy and lossless. For PNG Pillow raises MemoryError.
"""

_ORIENTATION = 0x0112
_TURNED = {5, 6, 7, 8}  # a quarter turn: width and height change places


def examine(data: bytes, media_type: str, limits: ImageLimits) -> PictureFacts:
    """Open the picture `data`, detected as `media_type`, wholly and return its facts.

    Cheap checks come first: the header's numbers, then the decoder. An animation is checked for
    its number of frames and its first frame is decoded. Raise `ImageTooLarge`, `TooManyFrames`,
    `ImageTooCostly` or `BrokenImage`, and nothing else.
    """
    header = Header(width=0, height=0)
    try:
        header = read_header(data, media_type)
        _check(header, media_type, limits)
        return _decode(data, header, _FORMATS[media_type])
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


def _check(header: Header, media_type: str, limits: ImageLimits) -> None:
    width, height = header.width, header.height
    jpeg = media_type == JPEG.name
    # A JPEG is decoded at an eighth of its size, so that more pixels cost little memory.
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


def _decode(data: bytes, header: Header, image_format: str) -> PictureFacts:
    with warnings.catch_warnings():
        # Pillow warns of odd metadata; whether the picture can be shown is all that counts here.
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data), formats=[image_format]) as image:
            if image.size != (header.width, header.height):
                raise BrokenImage  # two readers see two pictures: it was crafted
            # For a JPEG, the smallest version the decoder offers: all data is still read and
            # checked, only the inverse transform is left out, about half the work of a photograph.
            image.draft(image.mode, (1, 1))
            image.load()
            orientation = _orientation(image)
    width, height = header.width, header.height
    if orientation in _TURNED:
        width, height = height, width
    return PictureFacts(width=width, height=height, orientation=orientation, frames=header.frames)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation; 1 when there is none, or none that could be meant.

    Only real EXIF counts, as in browsers; Pillow would also look into XMP.
    """
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        value = exif.get(_ORIENTATION, 1)
    except Exception:  # damaged metadata is no reason to refuse a good picture
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1  # noqa: PLR2004 - EXIF
