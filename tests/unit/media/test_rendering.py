"""Renditions show the right pixels: upright, sRGB, cut where the subject is, and nothing else.

Pictures are smooth, so that what an encoder loses is small: compared is the mean difference of all
channels, of 255. What the encoders lose was at most 3.8, at hard borders of colours; a picture that
lies on its side, shows another part or has other colours differs by more than 12, mostly by 50.
"""

import io
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat
from PIL.PngImagePlugin import PngInfo

from avenue.config import Settings
from avenue.errors import AvenueError
from avenue.media.errors import ImageTooCostly
from avenue.media.intake.policy import image_limits
from avenue.media.intake.sniffing import detect
from avenue.media.pictures.facts import Examined, Rendition, Wanted
from avenue.media.pictures.imaging import colours, rendering
from avenue.media.pictures.variants import EAGER, FORMATS, VARIANTS, size_of
from tests import pictures
from tests.opening import examine, render
from tests.waiting import DEADLINE_SECONDS

LIMITS = image_limits(Settings())
CLOSE = 4
OTHER = 12
FOUR = [Wanted(variant=name, extension="webp") for name in EAGER]


def media_type_of(data: bytes) -> str:
    found = detect(data)
    assert found is not None
    return found.name


def examined(data: bytes, wanted=(), **options) -> Examined:
    return examine(data, media_type_of(data), LIMITS, wanted, **options)


def rendered(data: bytes, variant: str = "card", extension: str = "png", **options) -> Image.Image:
    (made,) = render(
        data,
        media_type_of(data),
        LIMITS,
        [Wanted(variant=variant, extension=extension, **options)],
    )
    return opened(made)


def opened(made: Rendition) -> Image.Image:
    image = Image.open(io.BytesIO(made.data))
    image.load()
    assert image.size == (made.width, made.height)
    return image


def difference(one: Image.Image, other: Image.Image) -> float:
    assert one.size == other.size
    means = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean
    return sum(means) / 3


def shrunk(image: Image.Image, width: int = 480) -> Image.Image:
    """What the card of `image` should look like."""
    width = min(width, image.width)
    return image.resize(
        (width, round(image.height * width / image.width)), Image.Resampling.LANCZOS
    )


# Upright


# `make test` turns JPEG each way, the others as phones do: 6 is held upright.
TURNS = [
    pytest.param(format, turn, marks=[] if format == "JPEG" or turn == 6 else pytest.mark.long)
    for format in ("JPEG", "PNG", "WEBP", "AVIF", "HEIF")  # noqa: A001
    for turn in range(1, 9)
]


@pytest.mark.parametrize(("format", "orientation"), TURNS)
def test_all_orientations_show_the_same_picture(format: str, orientation: int) -> None:  # noqa: A002
    upright = pictures.canvas(600, 400, noise=False)
    data = pictures.laid_down(upright, orientation, format, quality=90)
    wanted = [
        Wanted(variant="card", extension="webp"),
        Wanted(variant="thumb", extension="webp", focal=(0.1, 0.5)),
    ]
    result = examined(data, wanted)
    assert (result.width, result.height) == (600, 400)
    card, thumb = map(opened, result.renditions)
    assert difference(card, shrunk(upright)) < CLOSE
    left = upright.crop((0, 0, 400, 400)).resize((200, 200), Image.Resampling.LANCZOS)
    assert difference(thumb, left) < CLOSE
    assert difference(ImageOps.mirror(card), shrunk(upright)) > OTHER


@pytest.mark.parametrize(
    "orientation", [5, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2, 3, 4, 6, 7, 8))]
)
def test_a_large_photograph_is_turned_after_it_was_shrunk_as_before(orientation: int) -> None:
    upright = pictures.canvas(2001, 3001, noise=False)
    data = pictures.laid_down(upright, orientation, "JPEG", quality=90)
    for made in examined(data, FOUR).renditions:
        if not VARIANTS[made.variant].cuts:
            assert difference(opened(made), shrunk(upright, made.width)) < CLOSE


# Colours


def test_a_picture_for_print_without_a_profile_looks_as_pillow_shows_it() -> None:
    picture = pictures.canvas(640, 480, noise=False)
    data = pictures.encoded(picture.convert("CMYK"), "JPEG", quality=95)
    assert difference(rendered(data), shrunk(picture)) < CLOSE


def test_a_picture_for_print_has_the_colours_of_its_press() -> None:
    ink = Image.new("CMYK", (640, 480), (255, 0, 0, 0))
    profile = pictures.cmyk_profile()
    data = pictures.encoded(ink, "JPEG", quality=95, icc_profile=profile)
    red, green, blue = rendered(data).convert("RGB").getpixel((100, 100))
    assert (red > 220, green < 60, blue < 60) == (True, True, True), (red, green, blue)
    plain = rendered(pictures.encoded(ink, "JPEG", quality=95))
    assert difference(plain, rendered(data)) > OTHER


@pytest.mark.parametrize(
    "format",
    ["JPEG", *(pytest.param(each, marks=pytest.mark.long) for each in ("PNG", "WEBP", "AVIF"))],
)
def test_a_profile_is_converted_not_dropped(format: str) -> None:  # noqa: A002
    meant = pictures.canvas(640, 480, noise=False)
    red, green, blue = meant.split()
    stored = Image.merge("RGB", (blue, green, red))
    profile = pictures.rgb_profile(swapped=True)
    data = pictures.encoded(stored, format, quality=95, icc_profile=profile)
    # 2.2 is not exactly the curve of sRGB.
    assert difference(rendered(data), shrunk(meant)) < CLOSE
    assert difference(rendered(pictures.encoded(stored, format, quality=95)), shrunk(meant)) > OTHER


def test_a_profile_is_converted_where_something_is_transparent() -> None:
    stored = Image.new("RGBA", (64, 48), (250, 10, 10, 255))
    stored.paste((250, 10, 10, 100), (0, 0, 32, 48))
    data = pictures.encoded(stored, "PNG", icc_profile=pictures.rgb_profile(swapped=True))
    image = rendered(data)
    assert image.mode == "RGBA"
    red, _, blue, alpha = image.getpixel((8, 24))
    assert (red < 40, blue > 240, alpha) == (True, True, 100)
    assert image.getpixel((56, 24))[3] == 255


def test_a_gray_profile_is_converted() -> None:
    stored = Image.new("L", (64, 48), 55)
    data = pictures.encoded(stored, "PNG", icc_profile=pictures.gray_profile(gamma=1.0))
    # Linear light of 55 is 128 in sRGB.
    assert difference(rendered(data), Image.new("RGB", (64, 48), (128, 128, 128))) < CLOSE


def test_a_gray_picture_may_have_a_profile_of_colours() -> None:
    stored = Image.new("L", (64, 48), 100)
    data = pictures.encoded(stored, "JPEG", icc_profile=pictures.rgb_profile(gamma=1.0))
    assert rendered(data).convert("L").getpixel((5, 5)) > 150


@pytest.mark.parametrize(
    "profile",
    [
        b"no profile at all",
        pytest.param(bytes(200), marks=pytest.mark.long),
        pytest.param(pictures.rgb_profile(swapped=True)[:200], marks=pytest.mark.long),
        pictures.rgb_profile(swapped=True)[:-60],
        pictures.cmyk_profile(),
        pytest.param(pictures.gray_profile(), marks=pytest.mark.long),
        pictures.rgb_profile(swapped=True) + bytes(4_000_000),
    ],
    ids=["text", "zeros", "half", "cut off", "of print", "of gray", "huge"],
)
def test_a_profile_that_cannot_be_meant_is_passed_over(profile: bytes) -> None:
    picture = pictures.canvas(640, 480, noise=False)
    data = pictures.encoded(picture, "JPEG", quality=95, icc_profile=profile)
    assert difference(rendered(data), shrunk(picture)) < CLOSE


# Kinds of pictures


def sixteen_bits() -> bytes:
    """From black to white in 64 columns, the same for each."""
    values = b"".join(int(65535 * x / 63).to_bytes(2, "little") for x in range(64))
    return pictures.encoded(Image.frombytes("I;16", (64, 48), values * 48), "PNG")


def ramp() -> Image.Image:
    """What `sixteen_bits` shows."""
    return Image.frombytes("L", (64, 48), bytes(255 * x // 63 for x in range(64)) * 48)


SMOOTH = pictures.canvas(600, 400, noise=False)


@cache
def few_colours() -> Image.Image:
    return SMOOTH.quantize(64, dither=Image.Dither.NONE)


KINDS: dict[str, tuple[Callable[[], bytes], Callable[[], Image.Image]]] = {
    "JPEG": (lambda: pictures.encoded(SMOOTH, "JPEG", quality=92), lambda: SMOOTH),
    "JPEG, progressive": (
        lambda: pictures.encoded(SMOOTH, "JPEG", quality=92, progressive=True),
        lambda: SMOOTH,
    ),
    "JPEG, gray": (
        lambda: pictures.encoded(SMOOTH.convert("L"), "JPEG", quality=92),
        lambda: SMOOTH.convert("L"),
    ),
    "JPEG of 3 megapixels": (
        lambda: pictures.encoded(SMOOTH.resize((2100, 1400)), "JPEG", quality=92),
        lambda: SMOOTH,
    ),
    "PNG": (lambda: pictures.encoded(SMOOTH, "PNG"), lambda: SMOOTH),
    "PNG of 3 megapixels": (
        lambda: pictures.encoded(SMOOTH.resize((2100, 1400)), "PNG"),
        lambda: SMOOTH,
    ),
    "PNG, interlaced": (lambda: pictures.interlaced_png(SMOOTH), lambda: SMOOTH),
    "PNG, 16 bits": (sixteen_bits, ramp),
    "PNG, palette": (
        lambda: pictures.encoded(few_colours(), "PNG"),
        lambda: few_colours().convert("RGB"),
    ),
    "PNG, black and white": (
        lambda: pictures.encoded(SMOOTH.convert("1", dither=Image.Dither.NONE), "PNG"),
        lambda: SMOOTH.convert("1", dither=Image.Dither.NONE).convert("L"),
    ),
    "PNG, gray and opaque": (
        lambda: pictures.encoded(SMOOTH.convert("LA"), "PNG"),
        lambda: SMOOTH.convert("L"),
    ),
    "WebP": (lambda: pictures.encoded(SMOOTH, "WEBP", quality=92), lambda: SMOOTH),
    "WebP, lossless": (lambda: pictures.encoded(SMOOTH, "WEBP", lossless=True), lambda: SMOOTH),
    "GIF": (
        lambda: pictures.encoded(few_colours(), "GIF"),
        lambda: few_colours().convert("RGB"),
    ),
    "AVIF": (lambda: pictures.encoded(SMOOTH, "AVIF", quality=90), lambda: SMOOTH),
    "HEIC": (lambda: pictures.encoded(SMOOTH, "HEIF", quality=90), lambda: SMOOTH),
}


# `make test` makes WebP of kinds that are decoded differently, and each format of one;
# `make test-long` all of all.
DIFFERENT = {"JPEG", "JPEG, gray", "PNG, 16 bits", "PNG, gray and opaque", "GIF", "AVIF", "HEIC"}
LOOKS = [
    pytest.param(kind, extension, marks=[] if usual else pytest.mark.long)
    for kind in KINDS
    for extension in FORMATS
    for usual in [(extension == "webp" and kind in DIFFERENT) or kind == "PNG, palette"]
]


@pytest.mark.parametrize(("kind", "extension"), LOOKS)
def test_a_rendition_looks_like_its_picture(kind: str, extension: str) -> None:
    data, shown = made_of(kind)
    assert difference(rendered(data, extension=extension), shown) < CLOSE


@cache
def made_of(kind: str) -> tuple[bytes, Image.Image]:
    """A picture of a kind as bytes, and what its card shows."""
    make, shows = KINDS[kind]
    return make(), shrunk(shows())


def half_transparent() -> Image.Image:
    """Red, and green behind glass that gets thinner from left to right."""
    image = Image.new("RGBA", (640, 480), (220, 30, 30, 255))
    image.paste((30, 200, 30, 255), (0, 240, 640, 480))
    image.putalpha(Image.linear_gradient("L").rotate(90).resize((640, 480)))
    return image


TRANSPARENT: dict[str, Callable[[], Image.Image]] = {
    "RGBA": half_transparent,
    "LA": lambda: half_transparent().convert("LA"),
}


@pytest.mark.parametrize("kind", TRANSPARENT)
@pytest.mark.parametrize("extension", ["webp", "png", "avif"])
def test_what_is_transparent_stays_so(kind: str, extension: str) -> None:
    picture = TRANSPARENT[kind]()
    image = rendered(pictures.encoded(picture, "PNG"), extension=extension)
    assert image.mode == "RGBA"
    expected = shrunk(picture.convert("RGBA"))
    assert difference(image.getchannel("A"), expected.getchannel("A")) < CLOSE
    black = Image.new("RGBA", image.size, "black")
    shown = Image.alpha_composite(black, image), Image.alpha_composite(black, expected)
    assert difference(*shown) < CLOSE


@pytest.mark.parametrize("kind", TRANSPARENT)
def test_a_jpeg_of_something_transparent_lies_on_white(kind: str) -> None:
    picture = TRANSPARENT[kind]().convert("RGBA")
    image = rendered(pictures.encoded(picture, "PNG"), extension="jpg")
    white = Image.new("RGBA", picture.size, "white")
    assert difference(image, shrunk(Image.alpha_composite(white, picture))) < CLOSE


def test_a_transparent_colour_of_a_palette_is_transparent() -> None:
    picture = Image.new("P", (60, 40), 1)
    picture.putpalette([0, 0, 0, 200, 20, 20])
    picture.paste(0, (0, 0, 30, 40))
    for format_ in ("PNG", "GIF"):
        image = rendered(pictures.encoded(picture, format_, transparency=0))
        assert image.getpixel((5, 20))[3] == 0
        assert image.getpixel((55, 20)) == (200, 20, 20, 255)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_transparent_colour_without_a_palette_is_transparent(mode: str) -> None:
    picture = Image.new(mode, (60, 40), 0)
    picture.paste(200 if mode == "L" else (200, 200, 200), (0, 0, 30, 40))
    white = 200 if mode == "L" else (200, 200, 200)
    image = rendered(pictures.encoded(picture, "PNG", transparency=white))
    assert image.getpixel((5, 20))[3] == 0
    assert image.getpixel((55, 20))[3] == 255


def test_alpha_without_anything_transparent_is_no_transparency() -> None:
    opaque = pictures.canvas(64, 48).convert("RGBA")
    assert not examined(pictures.encoded(opaque, "PNG")).look.has_alpha
    assert examined(pictures.encoded(half_transparent(), "PNG")).look.has_alpha
    assert examined(pictures.gif_with_small_first_frame()).look.has_alpha


# Animations


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF"])
def test_the_first_frame_of_an_animation_is_shown(format: str) -> None:  # noqa: A002
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "lime", "blue")]
    data = pictures.encoded(frames[0], format, save_all=True, append_images=frames[1:])
    result = examined(data, [Wanted(variant="card", extension="png")])
    assert result.facts.frames == 3
    assert difference(opened(result.renditions[0]), frames[0]) < CLOSE


def test_a_first_frame_smaller_than_its_animation_lies_where_it_belongs() -> None:
    image = rendered(pictures.gif_with_small_first_frame()).convert("RGBA")
    assert image.size == (40, 30)
    assert image.getpixel((25, 20)) == (250, 10, 20, 255)
    assert image.getpixel((5, 5))[3] == 0
    assert image.getpixel((35, 28))[3] == 0


# Sizes and cuts


@pytest.mark.parametrize(
    ("format", "size"),
    [
        pytest.param(format, size, marks=[] if usual else pytest.mark.long)
        for format in ("JPEG", "PNG")  # noqa: A001
        for size in ((1, 1), (7, 5), (150, 3000), (1281, 853), (3000, 40), (40, 3000))
        for usual in [format == "JPEG" and size in {(1, 1), (1281, 853), (3000, 40), (40, 3000)}]
    ],
)
def test_every_variant_has_the_size_the_table_gives(format: str, size: tuple[int, int]) -> None:  # noqa: A002
    data = pictures.photo(*size, format=format, noise=False)
    wanted = [Wanted(variant=name, extension="webp") for name in VARIANTS]
    result = examined(data, wanted)
    assert [each.variant for each in result.renditions] == list(VARIANTS)
    for made in result.renditions:
        assert opened(made).size == size_of(VARIANTS[made.variant], *size)


@pytest.mark.parametrize(
    ("variant", "size", "focal"),
    [
        pytest.param(variant, size, focal, marks=[] if usual else pytest.mark.long)
        for variant in ("thumb", "og")
        for size in ((1600, 800), (600, 800), (150, 400))
        for focal in ((0.0, 0.0), (0.3, 0.7), (1.0, 1.0))
        for usual in [focal == (0.3, 0.7) or (variant == "thumb" and size == (600, 800))]
    ],
)
def test_a_cut_shows_what_is_around_the_focal_point(
    variant: str, size: tuple[int, int], focal: tuple[float, float]
) -> None:
    picture = pictures.canvas(*size, noise=False)
    width, height = size
    box_width = min(width, height * VARIANTS[variant].width / VARIANTS[variant].height)
    box_height = box_width * VARIANTS[variant].height / VARIANTS[variant].width
    left = min(max(0, focal[0] * width - box_width / 2), width - box_width)
    top = min(max(0, focal[1] * height - box_height / 2), height - box_height)
    expected = picture.resize(
        size_of(VARIANTS[variant], *size),
        Image.Resampling.LANCZOS,
        box=(left, top, left + box_width, top + box_height),
    )
    data = pictures.encoded(picture, "JPEG", quality=92)
    assert difference(rendered(data, variant, focal=focal), expected) < CLOSE


def test_what_there_was_no_memory_for_is_not_remembered_of_a_profile(monkeypatch) -> None:
    picture = pictures.canvas(64, 48, noise=False)
    data = pictures.encoded(picture, "PNG", icc_profile=pictures.rgb_profile(swapped=True))
    colours._known.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(ImageCms, "buildTransform", raising(ImageCms.PyCMSError))
        assert difference(rendered(data), picture) < CLOSE
    swapped = Image.merge("RGB", [picture.getchannel(each) for each in "BGR"])
    for _ in range(2):
        assert difference(rendered(data), swapped) < CLOSE


def raising(error: type[Exception]) -> Callable[..., None]:
    def work(*_: object) -> None:
        raise error

    return work


def test_a_picture_made_from_a_larger_rendition_is_as_good() -> None:
    data = pictures.photo(1500, 1000, quality=92)
    four = [Wanted(variant=name, extension="png", focal=(0.5, 0.5)) for name in EAGER]
    together = {made.variant: opened(made) for made in examined(data, four).renditions}
    for name in ("card", "thumb", "og"):
        assert difference(together[name], rendered(data, name, focal=(0.5, 0.5))) < CLOSE


def test_threads_change_nothing() -> None:
    data = pictures.photo(800, 600)
    wanted = [
        *FOUR,
        Wanted(variant="w960", extension="jpg"),
        Wanted(variant="card", extension="avif"),
    ]
    assert examined(data, wanted, threads=3) == examined(data, wanted, threads=1)


def test_the_same_variant_may_be_wanted_in_several_formats_and_cuts() -> None:
    data = pictures.photo(600, 400)
    wanted = [
        Wanted(variant="thumb", extension="webp", focal=(0.0, 0.5)),
        Wanted(variant="thumb", extension="jpg", focal=(0.0, 0.5)),
        Wanted(variant="thumb", extension="jpg", focal=(1.0, 0.5)),
    ]
    left, left_too, right = map(opened, examined(data, wanted).renditions)
    assert (left.format, left_too.format) == ("WEBP", "JPEG")
    assert difference(left, left_too) < CLOSE  # it has grain
    assert difference(left, right) > OTHER


def test_a_rendition_too_large_for_the_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "MOST_RENDITION_BYTES", 1000)
    with pytest.raises(ImageTooCostly):
        examined(pictures.photo(600, 400), FOUR)


# Nothing but pixels


def tell_tale(kind: str) -> bytes:
    """A picture full of what must not be passed on."""
    exif = Image.Exif()
    exif[pictures.ORIENTATION] = 1
    exif[0x010E] = "SECRET"
    exif.get_ifd(pictures.GPS).update({1: "N", 2: (40.0, 26.0, 46.0)})
    profile = pictures.rgb_profile()
    xmp = b"<x:xmpmeta>SECRET</x:xmpmeta>"
    image = pictures.canvas(600, 400)
    text = PngInfo()
    text.add_text("Comment", "SECRET")
    if kind == "GIF":
        return pictures.encoded(image.quantize(32), "GIF", comment=b"SECRET")
    only_there: dict[str, dict[str, Any]] = {
        "JPEG": {"comment": b"SECRET", "dpi": (300, 300)},
        "PNG": {"pnginfo": text, "dpi": (300, 300)},
    }
    options = {"exif": exif, "icc_profile": profile, "xmp": xmp, **only_there.get(kind, {})}
    name = {"WebP": "WEBP", "HEIC": "HEIF"}.get(kind, kind)
    return pictures.encoded(image, name, **options)


# What an encoder would pass on is handed to it by Pillow in the same way from each kind.
CARRIERS = [
    pytest.param(kind, extension, marks=[] if usual else pytest.mark.long)
    for kind in ("JPEG", "PNG", "WebP", "AVIF", "GIF", "HEIC")
    for extension in FORMATS
    for usual in [(extension == "webp" and kind in {"PNG", "GIF"}) or kind == "JPEG"]
]


@pytest.mark.parametrize(("kind", "extension"), CARRIERS)
def test_a_rendition_carries_nothing_but_pixels(kind: str, extension: str) -> None:
    data = tell_tale(kind)
    assert b"SECRET" in data
    wanted = [Wanted(variant=name, extension=extension) for name in ("card", "thumb")]
    result = examined(data, wanted)
    for made in result.renditions:
        assert b"SECRET" not in made.data
        said = set(opened(made).info) - {
            "jfif", "jfif_version", "jfif_unit", "jfif_density",
            "progressive", "progression", "loop", "background", "timestamp", "duration",
        }  # fmt: skip
        assert said == set()
    assert b"SECRET" not in result.look.placeholder


# HEIC may be missing


def test_without_its_decoder_a_heic_is_refused_in_words(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['pillow_heif'] = None\n"
        "from avenue.config import Settings\n"
        "from avenue.media.intake.policy import image_limits\n"
        "from tests.opening import examine\n"
        "jpeg, heic = (open(name, 'rb').read() for name in sys.argv[1:])\n"
        "assert examine(jpeg, 'image/jpeg', image_limits(Settings())).width == 320\n"
        "try: examine(heic, 'image/heic', image_limits(Settings()))\n"
        "except Exception as error: print(error.status, error.code, error.message)\n"
    )
    (tmp_path / "photo.jpg").write_bytes(pictures.photo())
    (tmp_path / "photo.heic").write_bytes(pictures.photo(format="HEIF"))
    told = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "photo.jpg", tmp_path / "photo.heic"],
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_SECONDS,
    ).stdout
    assert told.startswith("415 unsupported_media_type The file type is HEIC")


def test_a_damaged_heic_is_refused() -> None:
    data = pictures.photo(320, 240, format="HEIF")
    for broken in (pictures.truncated(data), data[:200], pictures.heic()):
        with pytest.raises(AvenueError) as refused:
            examined(broken)
        assert refused.value.code == "broken_image"
