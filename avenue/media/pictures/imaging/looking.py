"""The placeholder, the dominant colour and the focal point of a picture.

Integers only, on a copy of a few pixels: the same pixels give the same answer everywhere.
"""

import io

from PIL import Image

from avenue.media.pictures.facts import Look
from avenue.media.pictures.imaging.colours import on_white
from avenue.media.pictures.imaging.rendering import Source
from avenue.media.pictures.variants import Focal

LOOK_PIXELS = 48
"""The longer side of that copy."""

PLACEHOLDER_BYTES = 200
_PLACEHOLDER_SIDES = (16, 12, 8, 4, 1)
HALF_TRANSPARENT = 128
_STEPS = 1000


def look_at(source: Source, has_alpha: bool) -> Look:
    """Return the dominant colour, the placeholder and the focal point of a picture."""
    small = small_copy(source)
    return Look(
        has_alpha=has_alpha,
        color=dominant_colour(small),
        placeholder=placeholder(small),
        focal=focal_point(small),
    )


def small_copy(source: Source) -> Image.Image:
    """Return the whole picture, upright and sRGB, with `LOOK_PIXELS` on its longer side."""
    longer = max(source.width, source.height)
    across, down = (
        max(1, round(side * min(LOOK_PIXELS, longer) / longer))
        for side in (source.width, source.height)
    )
    whole = (0.0, 0.0, float(source.width), float(source.height))
    return source.resized(whole, (across, down), rough=True)


def dominant_colour(small: Image.Image) -> str:
    """Return the dominant colour as `#rrggbb`; transparent pixels do not count.

    The mean of those pixels that share the most common upper bits.
    """
    pixels = small.convert("RGBA").tobytes()
    alike: dict[tuple[int, int, int], list[int]] = {}
    for red, green, blue, alpha in zip(*[iter(pixels)] * 4, strict=True):
        if alpha < HALF_TRANSPARENT:
            continue
        sums = alike.setdefault((red >> 5, green >> 5, blue >> 5), [0, 0, 0, 0])
        sums[0] += 1
        sums[1] += red
        sums[2] += green
        sums[3] += blue
    count, *sums = max(alike.values(), default=[1, 255, 255, 255])
    return "#" + "".join(f"{(2 * part + count) // (2 * count):02x}" for part in sums)


def placeholder(small: Image.Image) -> bytes:
    """Return a WebP of less than `PLACEHOLDER_BYTES`, to be shown enlarged and blurred."""
    data = b""
    for side in _PLACEHOLDER_SIDES:
        tiny = small.copy()
        tiny.thumbnail((side, side), Image.Resampling.BOX)
        buffer = io.BytesIO()
        tiny.save(buffer, "WEBP", quality=40, method=4, alpha_quality=20)
        data = buffer.getvalue()
        if len(data) < PLACEHOLDER_BYTES:
            break
    return data


def focal_point(small: Image.Image) -> Focal:
    """Return the default focal point of an asset: where the subject seems to be.

    The centre of gravity of what stands out: edges, and grey values that differ from those along
    the border, weighted by the square of how far they exceed the average. The middle counts up to
    four times as much as the corners, so that a picture without a subject has its point in the
    middle.
    """
    grey = on_white(small).convert("L")
    width, height = grey.size
    salience = _salience(grey.tobytes(), width, height)
    total, sum_x, sum_y = 0, 0, 0
    for y in range(height):
        weight_y = _weight(y, height)
        for x in range(width):
            here = salience[y * width + x] * weight_y * _weight(x, width)
            total += here
            sum_x += here * (2 * x + 1)
            sum_y += here * (2 * y + 1)
    if not total:
        return 0.5, 0.5
    return (
        (2 * _STEPS * sum_x // (2 * width * total) + 1) // 2 / _STEPS,
        (2 * _STEPS * sum_y // (2 * height * total) + 1) // 2 / _STEPS,
    )


def _salience(grey: bytes, width: int, height: int) -> list[int]:
    """Return how much each pixel stands out."""
    last_row = (height - 1) * width
    border = sorted(grey[:width] + grey[last_row:] + grey[::width] + grey[width - 1 :: width])
    usual = border[len(border) // 2]
    values = []
    for at, value in enumerate(grey):
        across = grey[at - 1] if at % width else value
        down = grey[at - width] if at >= width else value
        values.append(2 * abs(value - across) + 2 * abs(value - down) + abs(value - usual))
    average = sum(values) // len(values)
    return [max(0, value - average) ** 2 for value in values]


def _weight(at: int, count: int) -> int:
    """Return 2 in the middle of `count` positions and 1 at both ends, times `_STEPS`."""
    off = abs(2 * at + 1 - count)
    return 2 * _STEPS - _STEPS * off * off // (count * count)
