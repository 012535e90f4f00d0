"""What pictures of samples are drawn with: a studio with its light, and shapes.

The same order gives the same pixels.
"""

import io
import math
import random
from collections.abc import Callable, Sequence
from functools import cached_property

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Point = tuple[float, float]
Rgb = tuple[int, int, int]

QUALITY = 86
FINE = 2
"""Edges are drawn this many times as large, and shrunk."""
STEPS = 14
"""Straight lines between two points of a curve."""

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
GROUNDS = (
    ((246, 244, 240), (216, 212, 205)),
    ((240, 243, 245), (203, 210, 215)),
    ((249, 240, 229), (222, 203, 180)),
    ((236, 240, 233), (199, 207, 193)),
)


class Studio:
    """One picture in the making. Things stand in a square of side 1, `thing_size` pixels large.

    Which ground, how near, how far aside and whether mirrored: `seed` decides.
    """

    def __init__(self, width: int, height: int, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - the same picture each time
        self._size = (width, height)
        self._near = self._dice.uniform(0.84, 0.96)
        self._aside = self._dice.uniform(-0.03, 0.03)
        self._mirrored = seed % 2 == 1
        self.picture = self._ground(*GROUNDS[seed % len(GROUNDS)])

    @cached_property
    def thing_size(self) -> float:
        """How many pixels the square's side has."""
        return min(self._size[0] * 0.82, self._size[1]) * self._near

    def place(self, point: Point) -> Point:
        """Return where a point of the square is in the picture."""
        x = 0.5 - point[0] if self._mirrored else point[0] - 0.5
        width, height = self._size
        return (
            width * (0.5 + self._aside) + x * self.thing_size,
            height * 0.51 + (point[1] - 0.5) * self.thing_size,
        )

    def area(self, *curves: Sequence[Point]) -> Image.Image:
        """Return the mask of what closed `curves` hold."""

        def draw(pen: ImageDraw.ImageDraw) -> None:
            for each in curves:
                pen.polygon(self._fine(each), 255)

        return self._mask(draw)

    def line(self, points: Sequence[Point], thick: float) -> Image.Image:
        """Return the mask of a line through `points`, `thick` in parts of the square."""
        wide = max(1, round(thick * self.thing_size * FINE))
        fine = self._fine(points)

        def draw(pen: ImageDraw.ImageDraw) -> None:
            pen.line(fine, 255, wide, joint="curve")
            for x, y in (fine[0], fine[-1]):
                pen.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), 255)

        return self._mask(draw)

    def dashes(self, points: Sequence[Point], thick: float = 0.004) -> Image.Image:
        """Return the mask of a seam along `points`."""
        parts = [points[at : at + 3] for at in range(0, len(points) - 2, 4)]
        mask = Image.new("L", self._size)
        for each in parts:
            mask = ImageChops.lighter(mask, self.line(each, thick))
        return mask

    def put(
        self,
        mask: Image.Image,
        color: Rgb,
        *,
        round_by: float = 0.035,
        gloss: float = 0.6,
        grain: float = 0.0,
    ) -> None:
        """Paint what `mask` covers as a body of that colour.

        `round_by` is how wide its edges turn away, in parts of the square, `gloss` how much light
        it throws back, `grain` how rough it is.
        """
        radius = max(1.0, round_by * self.thing_size)
        step, margin = max(1, round(radius * 0.6)), round(3 * radius)
        left, top, right, bottom = mask.getbbox() or (0, 0, 1, 1)
        box = (left - margin, top - margin, right + margin, bottom + margin)
        shape = mask.crop(box)
        soft = shape.filter(ImageFilter.GaussianBlur(radius))
        towards = ImageChops.offset(soft, -step, -step)
        away = ImageChops.offset(soft, step, step)
        light = ImageChops.subtract(towards, away).point(lambda v: min(255, round(v * 2 * gloss)))
        shade = ImageChops.subtract(away, towards).point(lambda v: min(255, round(v * 1.5)))
        body = Image.new("RGB", shape.size, color)
        if grain:
            body = ImageChops.multiply(body, self._rough(shape.size, grain))
        body.paste(mixed(color, WHITE, 0.75), mask=light)
        body.paste(mixed(color, BLACK, 0.7), mask=shade)
        self.picture.paste(body, box[:2], shape)

    def shadow(self, left: float, right: float, y: float, *, deep: float = 0.05) -> None:
        """Let something that stands from `left` to `right` at `y` throw its shadow."""
        for grow, strength, blur in ((1.35, 0.28, 0.05), (1.0, 0.5, 0.014)):
            middle, half = (left + right) / 2, (right - left) / 2 * grow
            mask = self.area(ellipse((middle, y), half, deep * grow))
            mask = mask.filter(ImageFilter.GaussianBlur(blur * self.thing_size))
            dark = mask.point(lambda v, s=strength: round(v * s))
            self.picture.paste((40, 34, 30), mask=dark)

    def finish(self) -> bytes:
        """Return the picture as a JPEG, with the grain of a sensor."""
        noise = self._noise(self._size, 0.5)
        grey = Image.merge("RGB", [noise] * 3)
        picture = Image.blend(self.picture, ImageChops.overlay(self.picture, grey), 0.22)
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=QUALITY, optimize=True)
        return buffer.getvalue()

    def _ground(self, above: Rgb, below: Rgb) -> Image.Image:
        down = Image.linear_gradient("L").resize(self._size)
        ground = Image.composite(
            Image.new("RGB", self._size, below), Image.new("RGB", self._size, above), down
        )
        corners = Image.radial_gradient("L").resize(self._size, Image.Resampling.BICUBIC)
        ground.paste(mixed(below, BLACK, 0.35), mask=corners.point(lambda v: max(0, v - 110) // 2))
        return ground

    def _rough(self, size: tuple[int, int], amount: float) -> Image.Image:
        small = (size[0] // 4 + 1, size[1] // 4 + 1)
        coarse = self._noise(small, 1.2).resize(size, Image.Resampling.BICUBIC)
        both = Image.blend(coarse, self._noise(size, 0.8), 0.4)
        level = both.point(lambda v: round(255 - amount * abs(v - 128) * 4))
        return Image.merge("RGB", [level] * 3)

    def _noise(self, size: tuple[int, int], blur: float) -> Image.Image:
        noise = Image.frombytes("L", size, self._dice.randbytes(size[0] * size[1]))
        return noise.filter(ImageFilter.GaussianBlur(blur))

    def _fine(self, points: Sequence[Point]) -> list[Point]:
        return [(x * FINE, y * FINE) for x, y in map(self.place, points)]

    def _mask(self, draw: Callable[[ImageDraw.ImageDraw], object]) -> Image.Image:
        width, height = self._size
        mask = Image.new("L", (width * FINE, height * FINE))
        draw(ImageDraw.Draw(mask))
        return mask.reduce(FINE)


# Shapes


def mixed(one: Rgb, other: Rgb, part: float) -> Rgb:
    """Return `one` with `part` (0 to 1) of `other` in it."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


def curve(points: Sequence[Point], *, closed: bool = True) -> list[Point]:
    """Return a smooth curve through `points` (Catmull and Rom's)."""
    count = len(points)
    found: list[Point] = []
    for at in range(count if closed else count - 1):
        if closed:
            a, b, c, d = (points[(at + step) % count] for step in (-1, 0, 1, 2))
        else:
            a, b, c, d = (points[min(max(at + step, 0), count - 1)] for step in (-1, 0, 1, 2))
        found += [_between(a, b, c, d, step / STEPS) for step in range(STEPS)]
    return found if closed else [*found, points[-1]]


def _between(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    x, y = (
        0.5
        * (
            2 * q
            + (r - p) * t
            + (2 * p - 5 * q + 4 * r - s) * t**2
            + (3 * q - p - 3 * r + s) * t**3
        )
        for p, q, r, s in zip(a, b, c, d, strict=True)
    )
    return x, y


def ellipse(centre: Point, wide: float, high: float) -> list[Point]:
    """Return an ellipse around `centre`; `wide` and `high` are half of what it measures."""
    return [
        (centre[0] + wide * math.cos(at), centre[1] + high * math.sin(at))
        for at in (math.tau * step / 96 for step in range(96))
    ]


def turned(profile: Sequence[Point]) -> list[Point]:
    """Return the outline of what was turned on a wheel: (half width, height) from top to bottom."""
    right = curve([(0.5 + half, y) for half, y in profile], closed=False)
    return [*right, *[(1 - x, y) for x, y in reversed(right)]]


def block(left: float, top: float, right: float, bottom: float, corner: float) -> list[Point]:
    """Return a rectangle with round corners."""
    corners = (
        (right - corner, top + corner, -math.pi / 2),
        (right - corner, bottom - corner, 0.0),
        (left + corner, bottom - corner, math.pi / 2),
        (left + corner, top + corner, math.pi),
    )
    return [
        (x + corner * math.cos(begin + at), y + corner * math.sin(begin + at))
        for x, y, begin in corners
        for at in (math.pi / 2 * step / 12 for step in range(13))
    ]


def points(text: str) -> list[Point]:
    """Return the points written as `0.5,0.25 1,1`."""
    return [(float(x), float(y)) for x, _, y in (each.partition(",") for each in text.split())]
