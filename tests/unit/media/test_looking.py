"""What a page shows before a picture has come, and where its subject is taken to be."""

import io
import random

import pytest
from PIL import Image

from avenue.config import Settings
from avenue.media.intake.policy import image_limits
from avenue.media.intake.sniffing import detect
from avenue.media.pictures.facts import Look, Wanted
from tests import pictures
from tests.opening import examine
from tests.table import table

LIMITS = image_limits(Settings())


def look_of(data: bytes, wanted=()) -> Look:
    media_type = detect(data)
    assert media_type is not None
    return examine(data, media_type.name, LIMITS, wanted).look


def png(image: Image.Image) -> bytes:
    return pictures.encoded(image, "PNG")


# Colour


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (17, 128, 201), (250, 3, 3)])
def test_the_colour_of_one_colour_is_that_colour(colour: tuple[int, int, int]) -> None:
    assert look_of(png(Image.new("RGB", (300, 200), colour))).color == "#" + bytes(colour).hex()


def test_the_colour_is_the_one_most_of_the_picture_has() -> None:
    image = Image.new("RGB", (300, 200), (20, 40, 160))
    image.paste((250, 250, 0), (0, 0, 120, 200))
    assert look_of(png(image)).color == "#1428a0"


def test_what_is_transparent_has_no_colour() -> None:
    image = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
    image.paste((10, 200, 10, 255), (100, 50, 160, 100))
    assert look_of(png(image)).color == "#0ac80a"
    assert look_of(png(Image.new("RGBA", (30, 20), (9, 9, 9, 0)))).color == "#ffffff"


def test_the_colour_is_that_of_the_profile() -> None:
    image = Image.new("RGB", (300, 200), (0, 0, 255))
    data = pictures.encoded(image, "PNG", icc_profile=pictures.rgb_profile(swapped=True))
    assert look_of(data).color == "#ff0000"


# Placeholder


@pytest.mark.parametrize(
    "data",
    [
        pictures.photo(1600, 1200),
        pictures.noise_png(200, 200),
        pictures.noise_png(16, 16),
        pictures.photo(3000, 40),
        pictures.photo(40, 3000),
        pictures.photo(1, 1, format="PNG"),
        pictures.encoded(
            Image.frombytes("RGBA", (64, 64), random.Random(9).randbytes(64 * 64 * 4)), "PNG"
        ),
    ],
    ids=["photo", "noise", "small noise", "wide", "tall", "one pixel", "transparent noise"],
)
def test_a_placeholder_is_a_webp_of_less_than_200_bytes(data: bytes) -> None:
    placeholder = look_of(data).placeholder
    assert len(placeholder) < 200
    shown = Image.open(io.BytesIO(placeholder))
    assert shown.format == "WEBP"
    assert max(shown.size) <= 16


def test_a_placeholder_is_upright_and_has_the_picture_in_it() -> None:
    image = Image.new("RGB", (800, 600), "white")
    image.paste("black", (0, 0, 400, 600))
    shown = Image.open(io.BytesIO(look_of(pictures.laid_down(image, 6, "JPEG")).placeholder))
    assert shown.size == (16, 12)
    assert shown.convert("L").getpixel((2, 6)) < 40
    assert shown.convert("L").getpixel((13, 6)) > 215


# Focal point

CORNERS = [(0.2, 0.25), (0.8, 0.25), (0.2, 0.75), (0.8, 0.75), (0.5, 0.2), (0.15, 0.5), (0.5, 0.5)]


@table("at", CORNERS)
@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.long) for n in (2, 3))])
def test_the_focal_point_is_where_the_subject_is(at: tuple[float, float], seed: int) -> None:
    found = look_of(png(pictures.with_subject(at, seed=seed))).focal
    assert found == pytest.approx(at, abs=0.08)


@pytest.mark.parametrize(
    "at", [CORNERS[0], *(pytest.param(each, marks=pytest.mark.long) for each in CORNERS[1:4])]
)
def test_a_cut_around_it_keeps_the_subject(at: tuple[float, float]) -> None:
    """The object is a quarter of the height; a square cut from the middle would lose half of it."""
    image = pictures.with_subject(at, width=1200, height=480)
    marked = image.copy()
    side = 480 // 4
    left, top = round(at[0] * 1200 - side / 2), round(at[1] * 480 - side / 2)
    marked.paste((0, 0, 0), (left, top, left + side, top + side))
    data = png(marked)
    (thumb,) = examine(
        data, "image/png", LIMITS, [Wanted(variant="thumb", extension="png")]
    ).renditions
    shown = Image.open(io.BytesIO(thumb.data)).convert("L")
    black = sum(shown.histogram()[:20])
    assert black == pytest.approx((200 / 4) ** 2, rel=0.1)


@pytest.mark.parametrize("colour", ["white", "black", (120, 130, 90)])
def test_a_picture_of_nothing_has_its_point_in_the_middle(colour: str) -> None:
    assert look_of(png(Image.new("RGB", (300, 200), colour))).focal == (0.5, 0.5)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 90), (90, 1), (3, 3)])
def test_a_picture_of_hardly_any_pixels_has_a_point_inside(size: tuple[int, int]) -> None:
    x, y = look_of(png(pictures.canvas(*size))).focal
    assert 0 <= x <= 1
    assert 0 <= y <= 1


def test_grain_all_over_has_its_point_near_the_middle() -> None:
    found = look_of(pictures.noise_png(400, 300)).focal
    assert found == pytest.approx((0.5, 0.5), abs=0.05)


def test_a_mirrored_picture_has_a_mirrored_point() -> None:
    image = pictures.with_subject((0.25, 0.4))
    x, y = look_of(png(image)).focal
    mirrored = look_of(png(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))).focal
    assert mirrored == pytest.approx((1 - x, y), abs=0.02)


@pytest.mark.parametrize(
    "orientation", [6, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2, 3, 4, 5, 7, 8))]
)
def test_a_turned_picture_has_the_same_point(orientation: int) -> None:
    image = pictures.with_subject((0.3, 0.7))
    upright = look_of(png(image)).focal
    turned = look_of(pictures.laid_down(image, orientation, "PNG")).focal
    assert turned == pytest.approx(upright, abs=0.01)


def test_the_same_pixels_have_the_same_look_whatever_is_made_of_them() -> None:
    data = png(pictures.with_subject((0.3, 0.7)))
    plain = look_of(data)
    assert plain == look_of(data)
    large = look_of(data, [Wanted(variant="w1920", extension="webp")])
    assert large.focal == pytest.approx(plain.focal, abs=1.5 / 48)  # pixels of what is looked at


def test_the_look_of_these_pixels_is_known() -> None:
    """Whole numbers only: any other result on another machine would move pictures about."""
    rows = bytes(
        (x * 7 + y * 3) % 90 + 150 * (30 < x < 40 and 5 < y < 15)
        for y in range(36)
        for x in range(48)
    )
    look = look_of(png(Image.frombytes("L", (48, 36), rows)))
    assert (look.focal, look.color) == ((0.6, 0.411), "#303030")
