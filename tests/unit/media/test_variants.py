"""The table of variants, and what follows from it without a picture."""

import dataclasses
import hashlib
import json
import re

import pytest
from hypothesis import example, given, strategies as st

from avenue.media.pictures.variants import (
    EAGER,
    ENCODER_REVISION,
    FORMATS,
    LARGE_PIXELS,
    LONGEST_SIDE_PIXELS,
    ORIGINAL,
    VARIANTS,
    Size,
    box_of,
    extensions,
    fallback_extension,
    size_of,
    token,
)
from tests.table import table

FILE = hashlib.sha256(b"a file").hexdigest()
SIDES = st.integers(1, 70_000)
PARTS = st.floats(0, 1)
CUTTING = [name for name, row in VARIANTS.items() if row.cuts]


def test_the_table_has_the_variants_pages_need_and_no_others() -> None:
    rows = {row.name: (row.width, row.height) for row in VARIANTS.values()}
    assert rows == {
        "thumb": (200, 200),
        "card": (480, None),
        "gallery": (1280, None),
        "og": (1200, 630),
        "w320": (320, None),
        "w480": (480, None),
        "w640": (640, None),
        "w960": (960, None),
        "w1280": (1280, None),
        "w1920": (1920, None),
    }
    assert EAGER == ("thumb", "card", "gallery", "og")
    assert list(FORMATS) == ["webp", "jpg", "png", "avif"]


# Sizes


@table(
    "name, original, size",
    [
        ("card", (4000, 3000), (480, 360)),
        ("card", (3000, 4000), (480, 640)),
        ("card", (480, 20), (480, 20)),
        ("card", (479, 1000), (479, 1000)),
        ("card", (12_000, 1), (480, 1)),
        ("w1920", (1280, 853), (1280, 853)),
        ("w1280", (1281, 854), (1280, 853)),
        ("gallery", (1000, 65_000), (252, 16_380)),
        ("thumb", (4000, 3000), (200, 200)),
        ("thumb", (200, 200), (200, 200)),
        ("thumb", (150, 3000), (150, 150)),
        ("thumb", (3000, 1), (1, 1)),
        ("og", (4000, 3000), (1200, 630)),
        ("og", (800, 3000), (800, 420)),
        ("og", (3000, 315), (600, 315)),
        ("og", (1, 1), (1, 1)),
    ],
)
def test_the_size_of_a_variant(name: str, original: Size, size: Size) -> None:
    assert size_of(VARIANTS[name], *original) == size


@given(st.sampled_from(sorted(VARIANTS)), SIDES, SIDES)
@example("card", 1, 16_384)
def test_no_variant_is_enlarged_or_empty(name: str, width: int, height: int) -> None:
    row = VARIANTS[name]
    across, down = size_of(row, width, height)
    assert 1 <= across <= min(width, row.width)
    assert 1 <= down <= min(height, row.height or LONGEST_SIDE_PIXELS)


@given(st.sampled_from(CUTTING), st.integers(40, 12_000), st.integers(40, 12_000))
def test_a_cut_is_the_largest_of_its_ratio(name: str, width: int, height: int) -> None:
    row = VARIANTS[name]
    assert row.height is not None
    across, down = size_of(row, width, height)
    # One pixel of rounding on the shorter side.
    assert abs(across * row.height - down * row.width) <= max(row.width, row.height)
    assert across in {width, row.width} or down in {height, row.height}


# What is cut away


@given(st.sampled_from(sorted(VARIANTS)), SIDES, SIDES, PARTS, PARTS)
def test_what_is_shown_lies_in_the_picture(
    name: str, width: int, height: int, x: float, y: float
) -> None:
    left, top, right, bottom = box_of(VARIANTS[name], width, height, (x, y))
    assert 0 <= left < right <= width * (1 + 1e-9)
    assert 0 <= top < bottom <= height * (1 + 1e-9)


@pytest.mark.parametrize(
    ("focal", "box"),
    [
        (None, (500, 0, 3500, 3000)),
        ((0.5, 0.5), (500, 0, 3500, 3000)),
        ((0.4, 0.9), (100, 0, 3100, 3000)),
        ((0.0, 0.0), (0, 0, 3000, 3000)),
        ((0.99, 0.5), (1000, 0, 4000, 3000)),
    ],
)
def test_a_cut_follows_the_focal_point_as_far_as_the_picture_goes(
    focal: tuple[float, float] | None, box: tuple[int, ...]
) -> None:
    assert box_of(VARIANTS["thumb"], 4000, 3000, focal) == pytest.approx(box)


def test_the_whole_picture_is_shown_wherever_the_focal_point_is() -> None:
    assert box_of(VARIANTS["card"], 4000, 3000, (0.1, 0.9)) == (0, 0, 4000, 3000)


# Formats


def test_png_stands_in_for_jpeg_only_where_something_is_transparent() -> None:
    assert extensions(has_alpha=False) == ("avif", "webp", "jpg")
    assert extensions(has_alpha=True) == ("avif", "webp", "png", "jpg")
    assert fallback_extension(has_alpha=False) == "jpg"
    assert fallback_extension(has_alpha=True) == "png"


# Tokens


def test_a_token_is_twelve_hex_digits() -> None:
    assert re.fullmatch("[0-9a-f]{12}", token(FILE, "thumb", (0.2, 0.3)))


def test_every_variant_of_a_file_has_a_token_of_its_own() -> None:
    names = [*VARIANTS, ORIGINAL]
    assert len({token(FILE, name) for name in names}) == len(names)


def test_another_file_has_other_tokens() -> None:
    other = hashlib.sha256(b"another").hexdigest()
    assert not {token(FILE, name) for name in VARIANTS} & {token(other, name) for name in VARIANTS}


@pytest.mark.parametrize("name", VARIANTS)
def test_moving_the_focal_point_changes_the_tokens_of_cuts_only(name: str) -> None:
    moved = token(FILE, name, (0.5, 0.4)) != token(FILE, name, (0.5, 0.41))
    assert moved == VARIANTS[name].cuts


@given(PARTS, PARTS, PARTS, PARTS)
def test_the_same_token_means_the_same_cut(x: float, y: float, u: float, v: float) -> None:
    same_token = token(FILE, "og", (x, y)) == token(FILE, "og", (u, v))
    boxes = [box_of(VARIANTS["og"], 1200, 1000, focal) for focal in ((x, y), (u, v))]
    if same_token:
        assert boxes[0] == boxes[1]


def test_without_a_focal_point_the_middle_counts() -> None:
    assert token(FILE, "thumb") == token(FILE, "thumb", (0.5, 0.5))


def test_the_token_of_the_original_is_that_of_addresses_given_out_long_ago() -> None:
    expected = hashlib.sha256(f"{FILE}/original".encode()).hexdigest()[:12]
    assert token(FILE, "original") == token(FILE, "original", (0.1, 0.9)) == expected


def test_other_encoder_options_have_another_revision() -> None:
    """Else bytes made before would be served beside new ones at the same immutable URL."""
    told = [
        [each.extension, dict(each.options), dict(each.options_large)] for each in FORMATS.values()
    ]
    digest = hashlib.sha256(json.dumps([told, LARGE_PIXELS]).encode()).hexdigest()[:12]
    assert {ENCODER_REVISION: digest} == {2: "3bde0cac98ae"}


def test_rows_and_formats_cannot_be_changed_while_running() -> None:
    with pytest.raises(TypeError):
        VARIANTS["huge"] = VARIANTS["card"]  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        VARIANTS["card"].width = 9999  # type: ignore[misc]
