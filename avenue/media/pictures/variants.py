"""The table of sizes of pictures, and everything derived from it.

All of it is computed from data, without a picture: which variants and formats exist, their pixels,
their crops, and the token in their URLs. A name that is not in the table is not a variant, so no
one can request arbitrary work. A site may add a few sizes of its own, whose names describe them
(`x600x800`); whether a site has one is checked where pictures are generated and shown.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from avenue.media.intake.sniffing import AVIF, JPEG, PNG, WEBP, MediaType

ORIGINAL = "original"
"""The name of the stored file itself in URLs: not a variant, never re-encoded."""

ENCODER_REVISION = 2
"""Rises with every change of the formats' options, or of how pictures are shrunk: bytes made
before must not be served at the same URL as bytes made after."""

LONGEST_SIDE_PIXELS = 16_383
"""The maximum of the WebP format."""

CENTRE = (0.5, 0.5)
_FOCAL_STEPS = 1000

Size = tuple[int, int]
Focal = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A row of the table, in pixels.

    Without a `height` it is the whole picture, `width` wide. With one it is cropped to that ratio.
    """

    name: str
    width: int
    height: int | None = None

    @property
    def cuts(self) -> bool:
        """Whether the picture is cropped, so that the focal point counts."""
        return self.height is not None


VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        row.name: row
        for row in (
            Variant(name="thumb", width=200, height=200),
            Variant(name="card", width=480),
            Variant(name="gallery", width=1280),
            Variant(name="og", width=1200, height=630),
            *(Variant(name=f"w{width}", width=width) for width in (320, 480, 640, 960, 1280, 1920)),
        )
    }
)

MOST_SIZES = 10
"""The number of a site's own sizes."""
LEAST_SIDE_PIXELS, MOST_SIDE_PIXELS, MOST_SIZE_PIXELS = 16, 2560, 4_000_000
"""Limits of a site's own size."""
_SIZE = re.compile(r"([0-9]{1,4})(?:x([0-9]{1,4}) cover)?")
_OWN_NAME = re.compile(r"x([1-9][0-9]{1,3})(?:x([1-9][0-9]{1,3}))?")
TAKEN_NAME = re.compile(r"original|[wx][0-9x]*")
"""Names that a site's own size may not have, in addition to those of the table."""

EAGER = ("thumb", "card", "gallery", "og")
"""Generated during the upload of a product picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How renditions of one extension are encoded, and the allowance for making one.

    `options` are the encoder's; those of `options_large` replace them from `LARGE_PIXELS` on.
    """

    extension: str
    media_type: MediaType
    options: Mapping[str, Any]
    options_large: Mapping[str, Any] = field(default_factory=dict)
    cpu_seconds: float
    memory_mb: int


LARGE_PIXELS = 500_000

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        each.extension: each
        for each in (
            # Method 2 takes half of the time of 4. Of small pictures quality 81 then is as much
            # SSIM as 80 with method 4, in 7 % more bytes; of large ones 80 loses 0.002.
            Format(
                extension="webp",
                media_type=WEBP,
                options={"quality": 81, "method": 2},
                options_large={"quality": 80},
                cpu_seconds=0.5,
                memory_mb=64,
            ),
            Format(
                extension="jpg",
                media_type=JPEG,
                options={"quality": 82, "progressive": True, "optimize": True},
                cpu_seconds=0.5,
                memory_mb=64,
            ),
            Format(
                extension="png",
                media_type=PNG,
                options={"compress_level": 4},
                cpu_seconds=4.0,
                memory_mb=64,
            ),
            Format(
                extension="avif",
                media_type=AVIF,
                options={"quality": 60, "speed": 10},
                cpu_seconds=2.0,
                memory_mb=384,
            ),
        )
    }
)
DEFAULT_EXTENSION = "webp"


def own_row(size: str) -> Variant | None:
    """Return the row of a size in the form `600x800 cover` or `800`; None if invalid."""
    found = _SIZE.fullmatch(size)
    return _named(f"x{found[1]}x{found[2]}" if found[2] else f"x{found[1]}") if found else None


def own_rows(sizes: Mapping[str, str]) -> dict[str, Variant]:
    """Return the rows of a site's own sizes, by the site's names."""
    rows = {name: own_row(size) for name, size in list(sizes.items())[:MOST_SIZES]}
    return {name: row for name, row in rows.items() if row and name not in VARIANTS}


def row_named(name: str) -> Variant | None:
    """Return the row with this name, of the table or in the form of a site's own."""
    return VARIANTS.get(name) or _named(name)


def row_of(name: str) -> Variant:
    """Return the row of an existing variant."""
    row = row_named(name)
    if row is None:
        raise KeyError(name)
    return row


def form_on(sizes: Mapping[str, str], name: str) -> str:
    """Return the form that `name` stands for with these own sizes of a site.

    A name of the site's own is translated; a size that the site no longer has becomes the next
    wider row of the table. All other names are unchanged.
    """
    own = own_rows(sizes)
    if name in own:
        return own[name].name
    former = None if name in VARIANTS else _named(name)
    if former and former not in own.values():
        return form_as_wide_as(former.width)
    return name


def _named(name: str) -> Variant | None:
    found = _OWN_NAME.fullmatch(name)
    if not found:
        return None
    width, height = int(found[1]), int(found[2]) if found[2] else None
    sides = [width] if height is None else [width, height]
    is_bounded = all(LEAST_SIDE_PIXELS <= each <= MOST_SIDE_PIXELS for each in sides)
    if not is_bounded or width * (height or 1) > MOST_SIZE_PIXELS:
        return None
    return Variant(name=name, width=width, height=height)


def form_as_wide_as(width: int) -> str:
    """Return the narrowest variant of the whole picture with `width` pixels, or `original`."""
    rows = (row for row in VARIANTS.values() if row.name.startswith("w") and row.width >= width)
    found = min(rows, key=lambda row: row.width, default=None)
    return found.name if found else ORIGINAL


def extensions(has_alpha: bool) -> tuple[str, ...]:
    """Return the extensions of a picture's variants, preferred ones first.

    `png` exists only for pictures with transparency, which `jpg` shows on white; a photograph as
    PNG would be many times larger and no better.
    """
    return ("avif", "webp", "png", "jpg") if has_alpha else ("avif", "webp", "jpg")


def fallback_extension(has_alpha: bool) -> str:
    """Return the extension for a client that accepts no modern format."""
    return "png" if has_alpha else "jpg"


def size_of(variant: Variant, width: int, height: int) -> Size:
    """Return width and height of `variant` of an upright picture, in pixels; never enlarged.

    A cropped variant has exactly the size of its row or, if the picture is too small, the size of
    the largest crop of the same ratio that fits into it.
    """
    if variant.height is None:
        wide = min(variant.width, width, max(1, LONGEST_SIDE_PIXELS * width // height))
        return wide, min(max(1, _rounded(height * wide, width)), LONGEST_SIDE_PIXELS)
    target = (variant.width, variant.height)
    if width >= target[0] and height >= target[1]:
        return target
    if width * target[1] <= height * target[0]:  # limited by the width
        return width, max(1, _rounded(width * target[1], target[0]))
    return max(1, _rounded(height * target[0], target[1])), height


def box_of(variant: Variant, width: int, height: int, focal: Focal | None) -> Box:
    """Return the part of an upright picture that `variant` shows: left, top, right, bottom.

    The whole picture, or the largest box of the row's ratio, centred on the focal point as far as
    possible.
    """
    if variant.height is None:
        return 0.0, 0.0, float(width), float(height)
    box_width = min(float(width), height * variant.width / variant.height)
    box_height = min(float(height), width * variant.height / variant.width)
    x, y = _on_grid(focal)
    left = min(max(0.0, x * width - box_width / 2), width - box_width)
    top = min(max(0.0, y * height - box_height / 2), height - box_height)
    return left, top, left + box_width, top + box_height


def token(file_sha256: str, name: str, focal: Focal | None = None, epoch: int = 0) -> str:
    """Return the 12 hex digits that change whenever the bytes at this URL would change.

    `name` is of a variant, or `original`. A variant's bytes depend on the file, the row, the focal
    point if it is cropped, and the encoders. `epoch` is the asset's `visibility_epoch`.
    """
    file = f"{file_sha256}.{epoch}" if epoch else file_sha256
    if name == ORIGINAL:
        return _digest(f"{file}/{ORIGINAL}")
    row = row_of(name)
    parts = [file, row.name, f"{row.width}x{row.height or ''}", f"e{ENCODER_REVISION}"]
    if row.cuts:
        x, y = _on_grid(focal)
        parts.append(f"{x:.3f},{y:.3f}")
    return _digest("/".join(parts))


def _on_grid(focal: Focal | None) -> Focal:
    """Return the focal point rounded to thousandths, inside the picture."""
    x, y = (
        min(max(round(part * _FOCAL_STEPS), 0), _FOCAL_STEPS) / _FOCAL_STEPS
        for part in focal or CENTRE
    )
    return x, y


def _rounded(dividend: int, divisor: int) -> int:
    """Return the quotient rounded half up, with integers: the same everywhere."""
    return (2 * dividend + divisor) // (2 * divisor)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
