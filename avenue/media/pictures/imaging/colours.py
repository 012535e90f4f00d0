"""Converts the colours of a file to sRGB, which browsers show.

A picture is first brought into one of five plain modes; the conversion itself, the expensive part,
comes after shrinking.
"""

import io
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageChops, ImageCms

LARGEST_PROFILE_BYTES = 4_000_000
"""Profiles for print have at most 3 MB; a larger one is no profile anybody meant."""
LARGEST_KNOWN_BYTES = 32_768
"""Larger ones are not cached. Those of cameras and phones have at most 4 KB."""

_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B")
_PLAIN = ("L", "LA", "RGB", "RGBA", "CMYK")
# By the colour space of a profile: the mode its transform accepts, and the modes it is right for.
# Gray pictures with an RGB profile are common; any other mismatch is ignored.
_TAKES = {
    "RGB ": ("RGB", ("L", "LA", "RGB", "RGBA")),
    "GRAY": ("L", ("L", "LA")),
    "CMYK": ("CMYK", ("CMYK",)),
}
_PROFILES = 16
"""Of how many profiles a process knows what to do; reading one takes as long as half a decode."""
_UNSEEN = 2
"""A profile that changes no colour by more than this is equivalent to sRGB."""


def plain(image: Image.Image) -> Image.Image:
    """Return the decoded `image` as L, LA, RGB, RGBA or CMYK, 8 bits each.

    It has an alpha channel only if something is transparent.
    """
    image = _plain_mode(image)
    opaque = (255, 255)
    if image.mode in {"LA", "RGBA"} and image.getchannel("A").getextrema() == opaque:
        return image.convert(image.mode[:-1])
    return image


def _plain_mode(image: Image.Image) -> Image.Image:
    if image.mode in _SIXTEEN_BIT:
        # Pillow would clip; the upper byte of each value is the value in 8 bits.
        upper = slice(0, None, 2) if image.mode == "I;16B" else slice(1, None, 2)
        return Image.frombytes("L", image.size, image.tobytes()[upper])
    if image.mode == "I":
        return image.point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data and image.mode not in {"LA", "RGBA"}:
        return _with_alpha(image)
    if image.mode in _PLAIN:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _with_alpha(image: Image.Image) -> Image.Image:
    """Return a picture with a transparent colour as RGBA."""
    try:
        return image.convert("RGBA")
    except ValueError:  # a colour that this picture cannot contain
        return image.convert("RGB")


def on_white(image: Image.Image) -> Image.Image:
    """Return a plain sRGB picture without transparency, composed on white."""
    if image.mode != "RGBA":
        return image
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


@dataclass(frozen=True, slots=True)
class Colours:
    """The conversion of plain pictures with one file's colours to sRGB."""

    transform: ImageCms.ImageCmsTransform | None = None
    takes: str = "RGB"

    def srgb(self, image: Image.Image) -> Image.Image:
        """Return the plain `image` as sRGB: L, RGB or RGBA."""
        if self.transform is None:
            mode = _WITHOUT_PROFILE.get(image.mode)
            return image.convert(mode) if mode else image
        alpha = image.getchannel("A") if image.mode in {"LA", "RGBA"} else None
        converted = self.transform.apply(image.convert(self.takes))
        if alpha:
            converted.putalpha(alpha)
        return converted


_WITHOUT_PROFILE = {"LA": "RGBA", "CMYK": "RGB"}
SRGB = Colours()
"""For pictures that are sRGB already, which those without a profile are assumed to be."""


def colours_of(profile: bytes | None, mode: str) -> Colours:
    """Return the conversion for a plain picture of `mode` with the ICC `profile`.

    Relative colorimetric, with black point compensation, as browsers and print shops expect. A
    broken profile, or one of other colours than the picture has, is ignored.
    """
    if not profile or len(profile) > LARGEST_PROFILE_BYTES:
        return SRGB
    read = _read if len(profile) > LARGEST_KNOWN_BYTES else _known
    try:
        return read(profile, mode)
    except (ImageCms.PyCMSError, OSError, KeyError, ValueError, TypeError):
        return SRGB


def _read(profile: bytes, mode: str) -> Colours:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    takes, fitting = _TAKES[source.profile.xcolor_space]
    if mode not in fitting:
        return SRGB
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        takes,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return SRGB if _changes_nothing(transform, takes) else Colours(transform, takes)


# What is raised is not remembered: a profile that one picture left no memory for is read again.
_known = lru_cache(_PROFILES)(_read)


def _changes_nothing(transform: ImageCms.ImageCmsTransform, takes: str) -> bool:
    """Return whether the transform leaves a sample of all colours visibly unchanged."""
    if takes == "CMYK":
        return False
    sample = _SAMPLES[takes]
    change = ImageChops.difference(transform.apply(sample), sample.convert("RGB"))
    return max(change.tobytes()) <= _UNSEEN


_STEPS = (0, 36, 73, 109, 146, 182, 219, 255)
_SAMPLES = {
    "RGB": Image.frombytes(
        "RGB",
        (64, 8),
        bytes(part for r in _STEPS for g in _STEPS for b in _STEPS for part in (r, g, b)),
    ),
    "L": Image.frombytes("L", (256, 1), bytes(range(256))),
}
