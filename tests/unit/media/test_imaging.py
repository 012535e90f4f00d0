"""Pictures are opened wholly, and whatever is wrong with one is said in our words."""

import io
import random
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from PIL import Image

from avenue.config import Settings
from avenue.errors import AvenueError
from avenue.media.errors import (
    REFUSALS,
    BrokenImage,
    ImageTooCostly,
    ImageTooLarge,
    TooManyFrames,
)
from avenue.media.intake.picture_headers import read_header
from avenue.media.intake.policy import image_limits
from avenue.media.intake.sniffing import detect
from avenue.media.pictures.facts import PictureFacts
from tests import pictures
from tests.opening import examine
from tests.table import table

LIMITS = image_limits(Settings())
Make = Callable[[], bytes]


def facts_of(data: bytes) -> PictureFacts:
    media_type = detect(data)
    assert media_type is not None
    return examine(data, media_type.name, LIMITS).facts


GOOD: dict[str, tuple[Make, tuple[int, int]]] = {
    "JPEG": (pictures.photo, (320, 240)),
    "JPEG, progressive": (pictures.progressive, (320, 240)),
    "JPEG, gray": (pictures.gray, (320, 240)),
    "JPEG, CMYK": (pictures.cmyk, (320, 240)),
    "JPEG with GPS, turned": (pictures.with_gps, (240, 320)),
    "JPEG with HTML in its comment": (pictures.with_comment, (320, 240)),
    "JPEG with bytes behind its end": (lambda: pictures.zip_tail(pictures.photo()), (320, 240)),
    "JPEG with markers inside a comment": (pictures.markers_in_disguise, (320, 240)),
    "JPEG with a second picture, as phones make": (pictures.mpo, (320, 240)),
    "PNG": (lambda: pictures.photo(format="PNG"), (320, 240)),
    "PNG, 16 bit gray": (pictures.sixteen_bit_png, (64, 48)),
    "PNG, 16 bit colour": (pictures.sixteen_bit_color_png, (64, 48)),
    "PNG, gray and alpha": (pictures.gray_alpha_png, (64, 48)),
    "PNG, palette with a transparent colour": (pictures.transparent_palette_png, (64, 48)),
    "PNG with 10,000 texts": (pictures.with_many_texts, (16, 16)),
    "PNG with a profile of 900 KB": (pictures.with_large_profile, (64, 48)),
    "PNG with 60 MB too much data": (lambda: pictures.endless_data(60_000_000), (16, 16)),
    "PNG with a ZIP behind it": (
        lambda: pictures.zip_tail(pictures.photo(format="PNG")),
        (320, 240),
    ),
    "WebP": (lambda: pictures.photo(format="WEBP"), (320, 240)),
    "WebP, lossless": (lambda: pictures.photo(format="WEBP", lossless=True), (320, 240)),
    "WebP, transparent": (pictures.transparent_webp, (64, 48)),
    "GIF": (pictures.gif, (16, 16)),
    "GIF that just stops after its picture": (lambda: pictures.gif()[:-1], (16, 16)),
    "GIF with bytes behind its end": (lambda: pictures.zip_tail(pictures.gif()), (16, 16)),
    "AVIF": (pictures.avif, (64, 48)),
    "AVIF, transparent": (
        lambda: pictures.encoded(pictures.canvas(64, 48).convert("RGBA"), "AVIF"),
        (64, 48),
    ),
    "HEIC": (lambda: pictures.photo(format="HEIF"), (320, 240)),
}
LARGE: dict[str, tuple[Make, tuple[int, int]]] = {
    "JPEG, 12 megapixels": (pictures.large_photo, (4000, 3000)),
    "JPEG of 36 megapixels": (lambda: pictures.photo(7000, 5200, noise=False), (7000, 5200)),
    "PNG with 300 MB too much data": (pictures.endless_data, (16, 16)),
    "PNG of 25 megapixels, 73 KB": (lambda: pictures.solid_png(5000, 5000), (5000, 5000)),
}


@pytest.mark.parametrize("kinds", [GOOD, pytest.param(LARGE, marks=pytest.mark.long)])
def test_a_good_picture_is_taken(kinds: dict[str, tuple[Make, tuple[int, int]]]) -> None:
    for name, (make, size) in kinds.items():
        facts = facts_of(make())
        assert (facts.width, facts.height, facts.frames) == (*size, 1), name


@table(
    "number, left, top, size",
    [(0, 5, 5, (21, 21)), (0, 40, 0, (56, 16)), (1, 5, 5, (16, 16)), (1, 40, 40, (16, 16))],
)
def test_a_gif_with_frames_outside_its_screen_is_what_browsers_make_of_it(
    number: int, left: int, top: int, size: tuple[int, int]
) -> None:
    facts = facts_of(pictures.gif_with_frame(left, top, 16, 16, number=number))
    assert (facts.width, facts.height, facts.frames) == (*size, 2)


BAD: dict[str, tuple[Make, type[AvenueError]]] = {
    "PNG header of 50,000 by 50,000": (pictures.png_header, ImageTooLarge),
    "PNG header of 2^31": (lambda: pictures.png_header(2**31 - 1, 2**31 - 1), ImageTooLarge),
    "PNG, 49 megapixels of nothing": (lambda: pictures.png_header(7000, 7000), ImageTooLarge),
    "PNG, 1 by 49,000,000": (lambda: pictures.png_header(1, 49_000_000), ImageTooLarge),
    "PNG without width": (lambda: pictures.png_header(0, 10), BrokenImage),
    "PNG of 64 megapixels behind a header of 16 by 16": (
        pictures.png_with_two_headers,
        BrokenImage,
    ),
    "JPEG with two headers": (pictures.jpeg_with_two_headers, BrokenImage),
    "JPEG header of 65,500 by 65,500": (
        lambda: pictures.jpeg_claiming(65_500, 65_500),
        ImageTooLarge,
    ),
    "JPEG header of 7,200 by 7,200": (lambda: pictures.jpeg_claiming(7200, 7200), ImageTooLarge),
    "JPEG header of 12,001 by 10": (lambda: pictures.jpeg_claiming(12_001, 10), ImageTooLarge),
    "JPEG header of 7,000 by 7,000, little data": (
        lambda: pictures.truncated(pictures.jpeg_claiming(7000, 7000), missing=2),
        BrokenImage,
    ),
    "WebP of 40 bytes, 16,383 by 3,000": (pictures.webp_claiming, ImageTooLarge),
    "WebP on a canvas of 2^24 by 2^24": (pictures.webp_with_canvas, ImageTooLarge),
    "WebP smaller than its canvas": (lambda: pictures.webp_with_canvas(50, 50), BrokenImage),
    "JPEG of 20,000 scans": (pictures.scan_bomb, ImageTooCostly),
    "JPEG of 101 scans": (lambda: pictures.scan_bomb(101, width=16, height=16), ImageTooCostly),
    "APNG claiming 2^31 frames": (pictures.apng_claiming_frames, TooManyFrames),
    "APNG of 101 frames": (lambda: pictures.animated_png(101), TooManyFrames),
    "WebP of 101 frames": (lambda: pictures.animated_webp(101), TooManyFrames),
    "PNG with a text of 60 MB": (pictures.text_bomb, BrokenImage),
    "PNG with a profile of 60 MB": (lambda: pictures.profile_bomb(60_000_000), BrokenImage),
    "GIF of 101 frames": (lambda: pictures.gif(101), TooManyFrames),
    "GIF of 100,000 frames": (pictures.endless_gif, TooManyFrames),
    "GIF of 65,535 by 65,535": (lambda: pictures.gif_claiming(65_535, 65_535), ImageTooLarge),
    "GIF with a frame of 65,535 by 65,535 on a small screen": (
        lambda: pictures.gif_with_frame(0, 0, 65_535, 65_535),
        ImageTooLarge,
    ),
    "GIF cut in half": (lambda: pictures.truncated(pictures.gif(3)), BrokenImage),
    "GIF that is a JavaScript": (pictures.gif_script, BrokenImage),
    "GIF without a picture": (lambda: pictures.gif()[:13] + b";", BrokenImage),
    "GIF's first bytes only": (lambda: b"GIF89a", BrokenImage),
    "AVIF claiming 30,000 by 30,000": (
        lambda: pictures.avif_claiming(30_000, 30_000),
        ImageTooLarge,
    ),
    "AVIF of 101 frames": (lambda: pictures.long_avif(101), TooManyFrames),
    "AVIF cut in half": (lambda: pictures.truncated(pictures.avif()), BrokenImage),
    "AVIF's first bytes only": (lambda: pictures.avif()[:40], BrokenImage),
    "AVIF of 20,000 empty boxes": (pictures.avif_of_boxes, BrokenImage),
    "HEIC's first bytes only": (pictures.heic, BrokenImage),
    "JPEG cut in half": (lambda: pictures.truncated(pictures.photo()), BrokenImage),
    "JPEG without its last bytes": (
        lambda: pictures.truncated(pictures.photo(), missing=2),
        BrokenImage,
    ),
    "progressive JPEG cut in half": (
        lambda: pictures.truncated(pictures.progressive()),
        BrokenImage,
    ),
    "PNG cut in half": (lambda: pictures.truncated(pictures.photo(format="PNG")), BrokenImage),
    "WebP cut in half": (lambda: pictures.truncated(pictures.photo(format="WEBP")), BrokenImage),
    "JPEG's first bytes only": (lambda: b"\xff\xd8\xff", BrokenImage),
    "PNG's first bytes only": (lambda: b"\x89PNG\r\n\x1a\n", BrokenImage),
    "WebP's first bytes only": (lambda: b"RIFF\0\0\0\0WEBP", BrokenImage),
    "JPEG's first bytes before a text": (lambda: b"\xff\xd8\xff" + pictures.html(), BrokenImage),
}


@table("name", BAD)
def test_a_bad_picture_is_refused_for_the_right_reason(name: str) -> None:
    make, reason = BAD[name]
    with pytest.raises(AvenueError) as refused:
        facts_of(make())
    assert type(refused.value) is reason
    assert refused.value.status == 422


def test_a_refusal_gives_the_numbers() -> None:
    with pytest.raises(ImageTooLarge) as refused:
        facts_of(pictures.png_header())
    assert refused.value.facts == {
        "width": 50_000,
        "height": 50_000,
        "max_megapixels": 25,
        "max_side_pixels": 12_000,
    }
    with pytest.raises(TooManyFrames) as long:
        facts_of(pictures.apng_claiming_frames(5000))
    assert long.value.facts == {"frames": 5000, "max_frames": 100}
    with pytest.raises(ImageTooCostly) as costly:
        facts_of(pictures.scan_bomb(101, width=16, height=16))
    assert costly.value.facts == {"scans": 101, "max_scans": 100}


def test_scans_are_not_hidden_by_a_reserved_code() -> None:
    """Taken for a segment, it would be as long as all that follows it."""
    damaged = pictures.jpeg_damaged_in_its_scan(body=b"\xff\x00", progressive=True)
    scans = read_header(pictures.progressive(), "image/jpeg").scans
    assert read_header(damaged, "image/jpeg").scans == scans


@pytest.mark.alone
@pytest.mark.parametrize(
    "make",
    [
        pictures.png_header,
        pictures.scan_bomb,
        pictures.webp_claiming,
        lambda: pictures.avif_claiming(30_000, 30_000),
    ],
)
def test_a_bomb_is_refused_without_being_opened(make: Make) -> None:
    """Opened, the one of many scans takes 20,000 times as long as a good picture."""
    data = make()

    def refuse() -> None:
        with pytest.raises(AvenueError):
            facts_of(data)

    good = pictures.photo(2000, 1500, noise=False)
    assert least_seconds(refuse) < 20 * least_seconds(lambda: facts_of(good))


def least_seconds(work: Callable[[], object]) -> float:
    """The least time of the processor of three: the garbage of other tests comes any time."""
    times = []
    for _ in range(3):
        before = time.thread_time()
        work()
        times.append(time.thread_time() - before)
    return min(times)


def test_a_jpeg_may_have_more_pixels_than_others() -> None:
    limits = replace(LIMITS, max_megapixels=1, max_jpeg_megapixels=2)
    size = (1400, 1400)
    assert examine(pictures.photo(*size, noise=False), "image/jpeg", limits).width == size[0]
    with pytest.raises(ImageTooLarge) as refused:
        examine(pictures.solid_png(*size), "image/png", limits)
    assert refused.value.facts["max_megapixels"] == 1


def test_one_hundred_scans_and_frames_are_taken() -> None:
    assert facts_of(pictures.scan_bomb(100, width=16, height=16)).width == 16
    assert facts_of(pictures.animated_webp(100)).frames == 100
    assert facts_of(pictures.animated_png(100)).frames == 100


@table("orientation", range(1, 9))
@table("format", ["JPEG", "PNG", "WEBP"])
def test_width_and_height_are_as_people_see_them(format: str, orientation: int) -> None:  # noqa: A002
    facts = facts_of(pictures.photo(320, 240, format=format, orientation=orientation))
    upright = (320, 240) if orientation < 5 else (240, 320)
    assert (facts.width, facts.height, facts.orientation) == (*upright, orientation)


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation: int) -> None:
    facts = facts_of(pictures.photo(orientation=orientation))
    assert (facts.width, facts.height, facts.orientation) == (320, 240, 1)


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0junk"])
def test_damaged_metadata_is_no_reason_to_refuse_a_good_picture(exif: bytes) -> None:
    assert facts_of(pictures.photo(exif=exif)).orientation == 1


def test_a_picture_that_failed_where_memory_may_have_been_short_is_not_called_broken() -> None:
    data = pictures.truncated(pictures.photo(1000, 1000, format="WEBP"))
    with pytest.raises(BrokenImage):
        examine(data, "image/webp", LIMITS)
    with pytest.raises(ImageTooCostly) as refused:
        examine(data, "image/webp", replace(LIMITS, memory_mb=15))
    assert refused.value.facts == {"memory_mb": 15}


@pytest.mark.parametrize("wrong", ["image/png", "image/webp"])
def test_only_the_reader_of_the_detected_type_is_asked(wrong: str) -> None:
    with pytest.raises(BrokenImage):
        examine(pictures.photo(), wrong, LIMITS)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """`data` with a few bytes changed, taken away, doubled or cut off."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        at = chance.randrange(12, len(changed))
        length = chance.randrange(1, 32)
        match chance.randrange(6):
            case 0 | 1 | 2:
                changed[at] = chance.randrange(256)
            case 3:
                del changed[at : at + length]
            case 4:
                changed[at:at] = changed[at : at + length]
            case _:
                del changed[max(20, len(changed) - length) :]
        if len(changed) < 20:
            break
    return bytes(changed)


SEEDS: dict[str, list[bytes]] = {
    "image/gif": [pictures.gif(3), pictures.gif_with_small_first_frame()],
    "image/avif": [pictures.avif(), pictures.photo(48, 32, format="AVIF", orientation=6)],
    "image/heic": [pictures.photo(48, 32, format="HEIF")],
    "image/jpeg": [
        pictures.photo(48, 32),
        pictures.photo(48, 32, progressive=True, orientation=6),
        pictures.photo(48, 32, mode="CMYK"),
        pictures.with_gps(),
    ],
    "image/png": [
        pictures.photo(48, 32, format="PNG", orientation=6),
        pictures.transparent_palette_png(),
        pictures.sixteen_bit_color_png(),
        pictures.animated_png(3),
    ],
    "image/webp": [
        pictures.photo(48, 32, format="WEBP", orientation=6),
        pictures.photo(48, 32, format="WEBP", lossless=True),
        pictures.transparent_webp(),
        pictures.animated_webp(3),
    ],
}


@pytest.mark.parametrize("rounds", [60, pytest.param(3_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("media_type", SEEDS)
def test_a_damaged_picture_is_shown_or_refused_and_nothing_else(
    media_type: str, rounds: int
) -> None:
    chance = random.Random(media_type)
    outcomes = set()
    for _ in range(rounds):
        data = mutated(chance.choice(SEEDS[media_type]), chance)
        try:
            outcomes.add(type(examine(data, media_type, LIMITS).facts))
        except AvenueError as refusal:
            outcomes.add(type(refusal))
    assert {PictureFacts, BrokenImage} <= outcomes
    assert outcomes <= {PictureFacts, *REFUSALS.values()}


def test_a_good_picture_with_odd_metadata_is_taken_without_a_warning() -> None:
    data = pictures.malformed_mpo()
    with pytest.warns(UserWarning, match="malformed MPO"):
        Image.open(io.BytesIO(data)).close()
    assert facts_of(data).width == 320
