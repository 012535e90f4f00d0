"""Photographs of things that do not exist, for a shop that has none of its own yet.

Run as `python -m avenue.media.imaging.samples KIND #rrggbb WIDTHxHEIGHT SEED` it writes a JPEG to
its output; that is how `avenue.media.samples` calls it.
"""

import math
import sys
from collections.abc import Callable

from PIL import ImageChops, ImageFilter

from avenue.media.imaging.studio import (
    BLACK,
    WHITE,
    Point,
    Rgb,
    Studio,
    block,
    curve,
    ellipse,
    mixed,
    points,
    turned,
)

STEEL, BRASS, LEATHER, CREAM = (188, 194, 200), (196, 164, 96), (92, 58, 36), (240, 234, 222)
SOLE, LACE, DARK, YERBA = (244, 242, 236), (250, 250, 248), (34, 32, 34), (104, 122, 52)
LEAF_SHAPE = ((0.0, 0.0), (0.03, 0.03), (0.055, 0.025), (0.03, 0.005))
LEAF, TWIG = (112, 128, 82), (96, 104, 66)


def shoe(studio: Studio, color: Rgb) -> None:
    """Draw a light shoe from the side, a moon on it."""
    studio.shadow(0.06, 0.95, 0.735)
    inside = curve([(0.12, 0.37), (0.2, 0.31), (0.33, 0.31), (0.36, 0.4), (0.24, 0.46)])
    studio.put(studio.area(inside), mixed(color, BLACK, 0.75), gloss=0.1)
    upper = curve(
        points(
            "0.07,0.66 0.075,0.5 0.085,0.36 0.13,0.345 0.2,0.42 0.3,0.42 0.37,0.35 "
            "0.45,0.37 0.57,0.47 0.72,0.525 0.87,0.56 0.95,0.63 0.945,0.69 0.7,0.7 "
            "0.3,0.7"
        )
    )
    studio.put(studio.area(upper), color, round_by=0.06, grain=0.25)
    toe = curve(
        [(0.75, 0.71), (0.755, 0.6), (0.81, 0.545), (0.9, 0.575), (0.96, 0.65), (0.95, 0.71)]
    )
    on_it = ImageChops.darker(studio.area(toe), studio.area(upper))
    studio.put(on_it, mixed(color, BLACK, 0.3), round_by=0.04, grain=0.15)
    heel = curve(
        [(0.065, 0.71), (0.07, 0.5), (0.085, 0.36), (0.135, 0.37), (0.17, 0.55), (0.19, 0.71)]
    )
    on_it = ImageChops.darker(studio.area(heel), studio.area(upper))
    studio.put(on_it, mixed(color, BLACK, 0.35), round_by=0.03, grain=0.15)
    moon = ImageChops.subtract(
        studio.area(ellipse((0.4, 0.585), 0.085, 0.085)),
        studio.area(ellipse((0.435, 0.565), 0.075, 0.075)),
    )
    studio.put(moon, SOLE, round_by=0.01, gloss=0.3)
    for step in range(5):
        x, y = 0.4 + step * 0.055, 0.385 + step * 0.034
        lace = curve([(x - 0.03, y + 0.075), (x, y + 0.02), (x + 0.035, y - 0.005)], closed=False)
        studio.put(studio.line(lace, 0.017), LACE, round_by=0.008)
    seam = curve([(0.2, 0.5), (0.32, 0.5), (0.5, 0.52), (0.7, 0.6)], closed=False)
    studio.put(studio.dashes(seam), mixed(color, WHITE, 0.5), round_by=0.004)
    sole = curve(
        points(
            "0.045,0.67 0.25,0.685 0.5,0.685 0.8,0.685 0.975,0.655 0.98,0.71 "
            "0.9,0.75 0.5,0.75 0.1,0.755 0.045,0.72"
        )
    )
    studio.put(studio.area(sole), SOLE, round_by=0.02, gloss=0.3)
    tread = curve([(0.05, 0.735), (0.5, 0.735), (0.95, 0.722)], closed=False)
    studio.put(studio.line(tread, 0.012), mixed(color, BLACK, 0.2), round_by=0.006)


def boot(studio: Studio, color: Rgb) -> None:
    """Draw a leather boot from the side."""
    studio.shadow(0.16, 0.9, 0.865)
    shaft = curve(
        points(
            "0.2,0.8 0.2,0.55 0.185,0.3 0.19,0.1 0.33,0.085 0.475,0.1 0.47,0.3 "
            "0.475,0.46 0.55,0.57 0.7,0.635 0.85,0.69 0.9,0.78 0.88,0.82 0.5,0.82"
        )
    )
    studio.put(studio.area(shaft), color, round_by=0.075, gloss=0.75, grain=0.35)
    elastic = curve([(0.3, 0.17), (0.4, 0.17), (0.395, 0.4), (0.36, 0.5), (0.32, 0.4)])
    studio.put(studio.area(elastic), mixed(color, BLACK, 0.6), round_by=0.01, grain=0.5)
    for seam in (
        curve([(0.21, 0.6), (0.33, 0.56), (0.44, 0.55), (0.54, 0.6)], closed=False),
        curve([(0.6, 0.62), (0.57, 0.7), (0.6, 0.8)], closed=False),
    ):
        studio.put(studio.dashes(seam), mixed(color, WHITE, 0.55), round_by=0.004)
    loop = curve([(0.2, 0.12), (0.17, 0.05), (0.23, 0.03), (0.25, 0.1)], closed=False)
    studio.put(studio.line(loop, 0.018), mixed(color, BLACK, 0.2), round_by=0.01)
    sole = curve(
        [
            (0.17, 0.8),
            (0.5, 0.81),
            (0.9, 0.795),
            (0.92, 0.83),
            (0.6, 0.845),
            (0.42, 0.85),
            (0.17, 0.85),
        ]
    )
    studio.put(studio.area(sole), LEATHER, round_by=0.015)
    studio.put(studio.area(block(0.17, 0.82, 0.4, 0.885, 0.012)), DARK, round_by=0.015)


def bag(studio: Studio, color: Rgb) -> None:
    """Draw a bag with a flap and a strap."""
    strap = curve([(0.2, 0.42), (0.22, 0.12), (0.5, 0.03), (0.78, 0.12), (0.8, 0.42)], closed=False)
    studio.put(studio.line(strap, 0.035), mixed(color, BLACK, 0.25), round_by=0.015)
    studio.shadow(0.1, 0.9, 0.9)
    body = curve(
        points("0.13,0.4 0.5,0.375 0.87,0.4 0.91,0.65 0.9,0.88 0.5,0.905 0.1,0.88 0.09,0.65")
    )
    studio.put(studio.area(body), color, round_by=0.07, grain=0.4)
    flap = curve(
        points("0.12,0.38 0.5,0.355 0.88,0.38 0.9,0.5 0.84,0.66 0.5,0.71 0.16,0.66 0.1,0.5")
    )
    fall = studio.area([(x, y + 0.02) for x, y in flap]).filter(ImageFilter.GaussianBlur(12))
    studio.picture.paste(mixed(color, BLACK, 0.7), mask=fall.point(lambda v: v // 2))
    studio.put(studio.area(flap), mixed(color, WHITE, 0.06), round_by=0.05, grain=0.4)
    seam = curve(
        [(0.14, 0.46), (0.19, 0.63), (0.5, 0.675), (0.81, 0.63), (0.86, 0.46)], closed=False
    )
    studio.put(studio.dashes(seam), mixed(color, WHITE, 0.55), round_by=0.004)
    for x in (0.2, 0.8):
        studio.put(studio.area(ellipse((x, 0.41), 0.028, 0.028)), BRASS, round_by=0.01, gloss=1.2)
    studio.put(studio.area(block(0.445, 0.62, 0.555, 0.76, 0.02)), mixed(color, BLACK, 0.3))
    studio.put(
        studio.area(block(0.465, 0.68, 0.535, 0.745, 0.01)), BRASS, round_by=0.012, gloss=1.3
    )


def backpack(studio: Studio, color: Rgb) -> None:
    """Draw a backpack from the front."""
    studio.shadow(0.2, 0.8, 0.935)
    handle = curve([(0.42, 0.1), (0.44, 0.03), (0.56, 0.03), (0.58, 0.1)], closed=False)
    studio.put(studio.line(handle, 0.025), DARK, round_by=0.012)
    for side in (-1, 1):
        strap = curve(
            [(0.5 + side * x, y) for x, y in ((0.2, 0.15), (0.33, 0.4), (0.31, 0.85))], closed=False
        )
        studio.put(studio.line(strap, 0.05), mixed(color, BLACK, 0.5), round_by=0.02)
    body = curve(
        points(
            "0.3,0.12 0.5,0.075 0.7,0.12 0.785,0.35 0.8,0.7 0.76,0.92 0.5,0.945 "
            "0.24,0.92 0.2,0.7 0.215,0.35"
        )
    )
    studio.put(studio.area(body), color, round_by=0.08, gloss=0.45, grain=0.5)
    zipper = curve(
        [(0.25, 0.48), (0.3, 0.22), (0.5, 0.165), (0.7, 0.22), (0.75, 0.48)], closed=False
    )
    studio.put(studio.line(zipper, 0.014), DARK, round_by=0.005)
    studio.put(studio.dashes(zipper, 0.006), STEEL, round_by=0.004)
    studio.put(
        studio.area(block(0.27, 0.56, 0.73, 0.87, 0.06)),
        mixed(color, BLACK, 0.12),
        round_by=0.04,
        gloss=0.45,
        grain=0.5,
    )
    studio.put(studio.line([(0.3, 0.63), (0.7, 0.63)], 0.013), DARK, round_by=0.005)
    studio.put(studio.line([(0.66, 0.635), (0.66, 0.69)], 0.014), LEATHER, round_by=0.006)
    studio.put(studio.area(block(0.43, 0.72, 0.57, 0.8, 0.012)), LEATHER, round_by=0.012, grain=0.3)


def thermos(studio: Studio, color: Rgb) -> None:
    """Draw a thermos in its leather, as people carry it for cold mate."""
    studio.shadow(0.33, 0.67, 0.95, deep=0.035)
    handle = curve([(0.64, 0.36), (0.79, 0.4), (0.8, 0.6), (0.64, 0.66)], closed=False)
    studio.put(studio.line(handle, 0.038), mixed(color, BLACK, 0.35), round_by=0.016)
    studio.put(studio.area(turned([(0.085, 0.05), (0.09, 0.1), (0.09, 0.19)])), DARK, round_by=0.04)
    studio.put(studio.area(block(0.35, 0.075, 0.45, 0.105, 0.014)), DARK, round_by=0.012)
    studio.put(
        studio.area(turned([(0.1, 0.18), (0.13, 0.21), (0.135, 0.25)])),
        STEEL,
        round_by=0.05,
        gloss=1.1,
    )
    body = turned([(0.15, 0.25), (0.165, 0.32), (0.165, 0.6), (0.165, 0.9), (0.155, 0.945)])
    studio.put(studio.area(body), color, round_by=0.085, gloss=0.7, grain=0.4)
    for y in (0.285, 0.9):
        seam = [(0.345 + step * 0.31 / 44, y) for step in range(45)]
        studio.put(studio.dashes(seam), CREAM, round_by=0.004)
    seam = curve([(0.5, 0.3), (0.5, 0.6), (0.5, 0.88)], closed=False)
    studio.put(studio.line(seam, 0.006), mixed(color, BLACK, 0.4), round_by=0.004)
    badge = ellipse((0.42, 0.56), 0.055, 0.075)
    studio.put(studio.area(badge), mixed(color, WHITE, 0.2), round_by=0.02, grain=0.3)
    star = [
        (0.42 + r * 0.7 * math.sin(at), 0.56 - r * math.cos(at))
        for at, r in ((math.tau * n / 10, 0.05 if n % 2 == 0 else 0.021) for n in range(10))
    ]
    studio.put(studio.area(star), BRASS, round_by=0.01)


def guampa(studio: Studio, color: Rgb) -> None:
    """Draw a cup for mate with its herb and its straw."""
    studio.shadow(0.36, 0.64, 0.935, deep=0.035)
    body = turned([(0.215, 0.36), (0.21, 0.46), (0.19, 0.65), (0.16, 0.84), (0.14, 0.93)])
    studio.put(studio.area(body), color, round_by=0.1, gloss=0.75, grain=0.7)
    for y, half in ((0.6, 0.2), (0.63, 0.196)):
        ring = curve([(0.5 - half, y), (0.5, y + 0.04), (0.5 + half, y)], closed=False)
        studio.put(studio.line(ring, 0.007), mixed(color, BLACK, 0.5), round_by=0.004)
    studio.put(studio.area(ellipse((0.5, 0.36), 0.228, 0.07)), STEEL, round_by=0.02, gloss=1.2)
    studio.put(
        studio.area(ellipse((0.5, 0.362), 0.2, 0.055)),
        mixed(YERBA, BLACK, 0.3),
        gloss=0.1,
        grain=0.9,
    )
    herb = curve(
        [(0.31, 0.365), (0.4, 0.32), (0.5, 0.33), (0.55, 0.36), (0.45, 0.395), (0.36, 0.39)]
    )
    studio.put(studio.area(herb), YERBA, round_by=0.02, gloss=0.25, grain=1.0)
    straw = curve([(0.56, 0.37), (0.66, 0.17), (0.71, 0.06), (0.78, 0.03)], closed=False)
    studio.put(studio.line(straw, 0.02), STEEL, round_by=0.01, gloss=1.4)
    studio.put(studio.area(ellipse((0.655, 0.18), 0.022, 0.018)), BRASS, round_by=0.01, gloss=1.3)


def bombilla(studio: Studio, color: Rgb) -> None:
    """Draw a straw for mate, lying."""
    straw = curve([(0.1, 0.2), (0.18, 0.22), (0.4, 0.42), (0.72, 0.72)], closed=False)
    low = studio.line([(x + 0.012, y + 0.03) for x, y in straw], 0.04)
    low = low.filter(ImageFilter.GaussianBlur(14)).point(lambda v: v // 2)
    studio.picture.paste((50, 44, 40), mask=low)
    studio.put(studio.line(straw, 0.03), color, round_by=0.014, gloss=1.3)
    head = curve([(0.69, 0.7), (0.76, 0.7), (0.86, 0.8), (0.85, 0.87), (0.78, 0.86), (0.69, 0.77)])
    studio.put(studio.area(head), color, round_by=0.03, gloss=1.2)
    holes = [
        (0.75 + row * 0.024 + column * 0.014, 0.755 + row * 0.024 - column * 0.014)
        for row in range(4)
        for column in range(3)
    ]
    studio.put(studio.area(*[ellipse(at, 0.006, 0.006) for at in holes]), DARK, round_by=0.004)
    for part in (0.34, 0.38):
        studio.put(
            studio.line([(part, part + 0.02), (part + 0.02, part)], 0.02),
            BRASS,
            round_by=0.008,
            gloss=1.3,
        )
    studio.put(studio.line([(0.1, 0.2), (0.135, 0.206)], 0.038), BRASS, round_by=0.012, gloss=1.3)


def mug(studio: Studio, color: Rgb) -> None:
    """Draw a mug of glazed clay."""
    studio.shadow(0.2, 0.66, 0.87)
    handle = curve(
        [(0.64, 0.38), (0.83, 0.36), (0.87, 0.52), (0.8, 0.68), (0.63, 0.71)], closed=False
    )
    studio.put(studio.line(handle, 0.055), color, round_by=0.024, grain=0.2)
    body = [
        (x - 0.07, y) for x, y in turned([(0.235, 0.24), (0.24, 0.5), (0.23, 0.75), (0.19, 0.87)])
    ]
    studio.put(studio.area(body), color, round_by=0.1, gloss=0.85, grain=0.25)
    drip = curve(
        points(
            "0.19,0.24 0.19,0.42 0.25,0.5 0.3,0.41 0.37,0.46 0.42,0.58 0.47,0.44 "
            "0.55,0.4 0.6,0.5 0.67,0.42 0.67,0.24"
        )
    )
    on_it = ImageChops.darker(studio.area(drip), studio.area(body))
    studio.put(on_it, CREAM, round_by=0.04, gloss=0.9)
    studio.put(
        studio.area(ellipse((0.43, 0.24), 0.236, 0.062)), mixed(CREAM, BLACK, 0.06), round_by=0.015
    )
    studio.put(
        studio.area(ellipse((0.43, 0.245), 0.215, 0.05)), mixed(CREAM, BLACK, 0.35), round_by=0.05
    )


def vase(studio: Studio, color: Rgb) -> None:
    """Draw a vase with three twigs."""
    leaves = []
    for bend, top in ((-0.16, 0.04), (0.02, 0.0), (0.17, 0.07)):
        twig = curve([(0.5, 0.4), (0.5 + bend * 0.4, 0.22), (0.5 + bend, top)], closed=False)
        studio.put(studio.line(twig, 0.008), TWIG, round_by=0.004)
        leaves += [_leaf(at, side) for at in twig[6::3] for side in (-1, 1)]
    studio.put(studio.area(*leaves), LEAF, round_by=0.008, gloss=0.3)
    studio.shadow(0.36, 0.64, 0.945, deep=0.035)
    body = turned(
        [(0.065, 0.38), (0.055, 0.46), (0.16, 0.6), (0.2, 0.72), (0.15, 0.88), (0.11, 0.945)]
    )
    studio.put(studio.area(body), color, round_by=0.1, gloss=0.7, grain=0.45)
    for y, half in ((0.62, 0.172), (0.66, 0.187)):
        ring = curve([(0.5 - half, y), (0.5, y + 0.035), (0.5 + half, y)], closed=False)
        studio.put(studio.line(ring, 0.01), CREAM, round_by=0.004, grain=0.3)
    studio.put(
        studio.area(ellipse((0.5, 0.38), 0.066, 0.017)), mixed(color, BLACK, 0.55), round_by=0.01
    )


def bowl(studio: Studio, color: Rgb) -> None:
    """Draw a wide bowl."""
    studio.shadow(0.3, 0.7, 0.78)
    body = turned([(0.4, 0.42), (0.37, 0.55), (0.26, 0.7), (0.13, 0.76), (0.13, 0.79)])
    studio.put(studio.area(body), color, round_by=0.09, gloss=0.7, grain=0.45)
    studio.put(
        studio.area(ellipse((0.5, 0.42), 0.4, 0.115)), mixed(color, WHITE, 0.25), round_by=0.015
    )
    studio.put(
        studio.area(ellipse((0.5, 0.428), 0.375, 0.1)),
        mixed(color, BLACK, 0.3),
        round_by=0.07,
        grain=0.3,
    )
    turns = [math.tau * turn / 28 for turn in range(28)]
    spots = [(0.5 + 0.33 * math.cos(at), 0.43 + 0.08 * math.sin(at)) for at in turns]
    studio.put(studio.area(*[ellipse(at, 0.012, 0.006) for at in spots]), CREAM, round_by=0.004)


def lace(studio: Studio, color: Rgb) -> None:
    """Draw ñandutí: lace like a spider's web, from above."""
    middle = (0.5, 0.5)
    cloth = studio.area(ellipse(middle, 0.44, 0.44))
    low = ImageChops.offset(cloth, 8, 12).filter(ImageFilter.GaussianBlur(18))
    studio.picture.paste((60, 52, 46), mask=low.point(lambda v: v // 3))
    turns = [math.tau * turn / 24 for turn in range(24)]
    knots = [ellipse(_around(0.45, at), 0.02, 0.02) for at in turns]
    thread = studio.area(*knots)
    for ring in (0.06, 0.1, 0.155, 0.22, 0.25, 0.33, 0.36, 0.42, 0.44):
        circle = ellipse(middle, ring, ring)
        thread = ImageChops.lighter(thread, studio.line([*circle, circle[0]], 0.006))
    for at in turns:
        spoke = studio.line([_around(0.02, at), _around(0.44, at)], 0.004)
        thread = ImageChops.lighter(thread, spoke)
    petals = [_petal(at, *size) for at in turns for size in ((0.1, 0.22, 0.1), (0.25, 0.36, 0.09))]
    studio.put(thread, CREAM, round_by=0.006, gloss=0.5)
    studio.put(studio.area(*petals), color, round_by=0.01, gloss=0.5, grain=0.6)
    heart = ellipse(middle, 0.035, 0.035)
    studio.put(studio.area(heart), color, round_by=0.02, grain=0.5)


def _leaf(at: Point, side: int) -> list[Point]:
    x, y = at
    return curve([(x + side * dx, y - dy) for dx, dy in LEAF_SHAPE])


def _around(far: float, turn: float) -> Point:
    return 0.5 + far * math.cos(turn), 0.5 + far * math.sin(turn)


def _petal(turn: float, near: float, far: float, wide: float) -> list[Point]:
    middle = (near + far) / 2
    corners = ((near, 0.0), (middle, wide), (far, 0.0), (middle, -wide))
    return curve([_around(distance, turn + aside) for distance, aside in corners])


KINDS: dict[str, Callable[[Studio, Rgb], None]] = {
    each.__name__: each
    for each in (
        shoe, boot, bag, backpack, thermos, guampa, bombilla, mug, vase, bowl, lace,
    )
}  # fmt: skip


def drawn(kind: str, color: str, width: int, height: int, seed: int) -> bytes:
    """Return a JPEG of a thing of that kind and colour (`#rrggbb`)."""
    studio = Studio(width, height, seed)
    KINDS[kind](studio, (int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)))
    return studio.finish()


def main() -> None:
    """Write the picture that the arguments order to the standard output."""
    kind, color, size, seed = sys.argv[1:]
    width, height = map(int, size.split("x"))
    sys.stdout.buffer.write(drawn(kind, color, width, height, int(seed)))


if __name__ == "__main__":
    main()
