"""What a picture tells of its maker goes, and not one pixel changes."""

import io
import struct
import time
import zlib
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from PIL import Image, ImageOps, ImageSequence

from avenue.media.intake.cleaning import CLEANABLE, REMOVABLE, BrokenStructure, Cleaned, clean
from avenue.media.intake.sniffing import HEIC, detect
from tests import pictures
from tests.pictures import (
    COMPRESSED_SECRET,
    SECRET,
    TRACES,
    XMP,
    animated_avif,
    animated_png,
    animated_webp,
    avif_with_track_box,
    box,
    full_box,
    gif,
    gif_with,
    gif_with_xmp,
    heic_exif,
    heic_with,
    jpeg_between_scans,
    jpeg_damaged_in_its_scan,
    jpeg_with,
    jpeg_with_extended_xmp,
    jpeg_with_preview,
    motion_photo,
    photo,
    png_with,
    riff_chunk,
    segment,
    telling_exif,
    webp_with,
    webp_with_frame_parts,
)
from tests.table import table

Make = Callable[[], bytes]
EXIF = b"Exif\0\0" + telling_exif()
UPRIGHT_EXIF = b"Exif\0\0" + telling_exif(1)
XMP_IN_JPEG = b"http://ns.adobe.com/xap/1.0/\0" + XMP
XMP_TYPE = b"application/rdf+xml"


def cleaned(data: bytes) -> Cleaned:
    media_type = detect(data)
    assert media_type is not None
    return clean(data, media_type.name)


def traces(data: bytes) -> list[bytes]:
    return [each for each in TRACES if each in data]


def shown(data: bytes) -> tuple[list[bytes], list[tuple[int, int]], bytes | None, list[object]]:
    """What people see: the pixels of each frame, upright, with its size, profile and timing."""
    with Image.open(io.BytesIO(data)) as image:
        profile = image.info.get("icc_profile")
        pixels, sizes, timing = [], [], [image.info.get("loop")]
        # What Pillow calls the further frames of an MPO are other pictures.
        frames = [image] if image.format == "MPO" else ImageSequence.Iterator(image)
        for frame in frames:
            timing.append(frame.info.get("duration"))
            upright = ImageOps.exif_transpose(frame)
            pixels.append(upright.convert("RGBA").tobytes())
            sizes.append(upright.size)
    return pixels, sizes, profile, timing


# Where the secret is, how such a picture is made, what is reported

TELLING: dict[str, tuple[Make, tuple[str, ...]]] = {
    "JPEG: EXIF with place and preview": (
        lambda: jpeg_with(segment(0xE1, EXIF)),
        ("exif", "gps", "thumbnail"),
    ),
    "JPEG: EXIF, big-endian, upright": (
        lambda: jpeg_with(segment(0xE1, b"Exif\0\0" + telling_exif(1, order=">"))),
        ("exif", "gps", "thumbnail"),
    ),
    "JPEG: a second EXIF": (
        lambda: jpeg_with(
            segment(0xE1, b"Exif\0\0" + telling_exif(1)), segment(0xE1, UPRIGHT_EXIF)
        ),
        ("exif", "gps", "thumbnail"),
    ),
    "JPEG: EXIF as Pillow writes it": (pictures.with_gps, ("exif", "gps")),
    "JPEG: damaged EXIF": (
        lambda: jpeg_with(segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff" + SECRET)),
        ("exif",),
    ),
    "JPEG: XMP": (lambda: jpeg_with(segment(0xE1, XMP_IN_JPEG)), ("gps", "xmp")),
    "JPEG: XMP without a place": (
        lambda: jpeg_with(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>GEHEIM</x>")),
        ("xmp",),
    ),
    "JPEG: extended XMP": (jpeg_with_extended_xmp, ("gps", "xmp")),
    "JPEG: IPTC": (
        lambda: jpeg_with(segment(0xED, b"Photoshop 3.0\x008BIM\4\4" + SECRET)),
        ("iptc",),
    ),
    "JPEG: comment": (lambda: jpeg_with(segment(0xFE, SECRET)), ("comment",)),
    "JPEG: preview in JFIF": (jpeg_with_preview, ("thumbnail",)),
    "JPEG: preview in JFXX": (
        lambda: jpeg_with(segment(0xE0, b"JFXX\0\x10\xff\xd8" + SECRET)),
        ("thumbnail",),
    ),
    "JPEG: a second JFIF": (
        lambda: jpeg_with(segment(0xE0, b"JFIF\0" + SECRET + bytes(3))),
        ("unknown",),
    ),
    "JPEG: a second picture": (
        lambda: pictures.mpo()[:-2] + SECRET + b"\xff\xd9",
        ("mpf", "tail"),
    ),
    "JPEG: a segment for other programs": (
        lambda: jpeg_with(segment(0xEB, b"JP\0\1" + SECRET), segment(0xE4, SECRET)),
        ("unknown",),
    ),
    "JPEG: a segment longer than Adobe's": (
        lambda: jpeg_with(
            segment(0xEE, b"Adobe\0\x64\0\0\0\0\0" + SECRET), data=photo(mode="CMYK")
        ),
        ("unknown",),
    ),
    "JPEG: Adobe's segment cut short": (
        lambda: jpeg_with(segment(0xEE, b"Adobe" + SECRET)),
        ("unknown",),
    ),
    "JPEG: a comment that says it has no length": (
        lambda: jpeg_with(b"\xff\xfe\0\0" + SECRET),
        ("comment", "gap"),
    ),
    "JPEG: between two segments": (lambda: jpeg_with(SECRET), ("gap",)),
    "JPEG: between two scans": (
        lambda: jpeg_between_scans(segment(0xFE, SECRET), segment(0xE1, EXIF)),
        ("exif", "gps", "comment", "thumbnail"),
    ),
    "JPEG: damaged in its scan": (
        lambda: jpeg_damaged_in_its_scan(exif=EXIF) + SECRET,
        ("exif", "gps", "thumbnail", "tail"),
    ),
    "JPEG: motion photo": (motion_photo, ("tail",)),
    "JPEG: behind the end": (lambda: photo() + EXIF, ("tail",)),
    "JPEG: a page in its comment": (
        lambda: jpeg_with(segment(0xFE, b"<script>GEHEIM</script>")),
        ("comment",),
    ),
    "JPEG: a ZIP behind it": (lambda: pictures.zip_tail(photo()) + SECRET, ("tail",)),
    "PNG: EXIF": (
        lambda: png_with((b"eXIf", telling_exif())),
        ("exif", "gps", "thumbnail"),
    ),
    "PNG: EXIF behind the picture": (
        lambda: png_with((b"eXIf", telling_exif(8)), behind=True),
        ("exif", "gps", "thumbnail"),
    ),
    "PNG: EXIF, upright, twice": (
        lambda: png_with((b"eXIf", telling_exif(1)), (b"eXIf", telling_exif(1))),
        ("exif", "gps", "thumbnail"),
    ),
    "PNG: EXIF as a text": (
        lambda: png_with(
            (b"tEXt", b"Raw profile type exif\0\nexif\n  1\n" + UPRIGHT_EXIF.hex().encode())
        ),
        ("exif",),
    ),
    "PNG: text": (lambda: png_with((b"tEXt", b"Comment\0" + SECRET)), ("text",)),
    "PNG: packed text": (
        lambda: png_with((b"zTXt", b"Comment\0\0" + COMPRESSED_SECRET)),
        ("text",),
    ),
    "PNG: international text": (
        lambda: png_with((b"iTXt", b"Comment\0\0\0\0\0" + SECRET)),
        ("text",),
    ),
    "PNG: XMP": (
        lambda: png_with((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
        ("gps", "xmp"),
    ),
    "PNG: packed XMP": (
        lambda: png_with(
            (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP)),
            (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + COMPRESSED_SECRET),
        ),
        ("gps", "xmp"),
    ),
    "PNG: time": (lambda: png_with((b"tIME", SECRET + b"\0")), ("time",)),
    "PNG: a chunk for other programs": (
        lambda: png_with((b"caBX", SECRET), (b"prVw", SECRET), behind=True),
        ("unknown",),
    ),
    "PNG: a chunk too long for what it says": (
        lambda: png_with((b"pHYs", bytes(9) + SECRET)),
        ("unknown",),
    ),
    "PNG: within its end": (
        lambda: photo(format="PNG")[:-12] + pictures._chunk(b"IEND", SECRET),
        ("tail",),
    ),
    "PNG: a ZIP behind it": (
        lambda: pictures.zip_tail(photo(format="PNG")) + SECRET,
        ("tail",),
    ),
    "PNG: animation with text": (
        lambda: png_with((b"tEXt", b"Comment\0" + SECRET), data=animated_png(3)),
        ("text",),
    ),
    "WebP: EXIF": (
        lambda: webp_with((b"EXIF", telling_exif()), flags=0x08),
        ("exif", "gps", "thumbnail"),
    ),
    "WebP: EXIF, upright, as in a JPEG": (
        lambda: webp_with((b"EXIF", UPRIGHT_EXIF), flags=0x08),
        ("exif", "gps", "thumbnail"),
    ),
    "WebP: EXIF that is not announced": (
        lambda: webp_with((b"EXIF", telling_exif())),
        ("exif", "gps", "thumbnail"),
    ),
    "WebP: EXIF behind a simple picture": (
        lambda: webp_with((b"EXIF", telling_exif()), data=photo(format="WEBP")),
        ("exif", "gps", "thumbnail"),
    ),
    "WebP: XMP": (lambda: webp_with((b"XMP ", XMP), flags=0x04), ("gps", "xmp")),
    "WebP: a chunk for other programs": (lambda: webp_with((b"PrVt", SECRET)), ("unknown",)),
    "WebP: a second picture": (
        lambda: webp_with((b"VP8 ", SECRET), data=photo(format="WEBP")),
        ("unknown",),
    ),
    "WebP: a second profile": (lambda: webp_with((b"ICCP", SECRET)), ("unknown",)),
    "WebP: within a frame": (lambda: webp_with_frame_parts((b"PrVt", SECRET)), ("unknown",)),
    "WebP: animation with EXIF": (
        lambda: webp_with((b"EXIF", telling_exif(1)), data=animated_webp(3), flags=0x08),
        ("exif", "gps", "thumbnail"),
    ),
    "WebP: behind the end": (lambda: photo(format="WEBP") + SECRET, ("tail",)),
    "GIF: comment": (lambda: gif_with(0xFE, SECRET, SECRET), ("comment",)),
    "GIF: XMP": (gif_with_xmp, ("gps", "xmp")),
    "GIF: another program's block": (
        lambda: gif_with(0xFF, b"MGKIPTC0000", SECRET),
        ("unknown",),
    ),
    "GIF: behind the repetitions": (
        lambda: gif_with(0xFF, b"NETSCAPE2.0", b"\1\0\0", SECRET),
        ("unknown",),
    ),
    "GIF: behind the timing": (
        lambda: gif_with(0xF9, b"\0\5\0\0", SECRET, data=gif(1)),
        ("unknown",),
    ),
    "GIF: text": (lambda: gif_with(0x01, bytes(12), SECRET), ("text",)),
    "GIF: a block nobody knows": (lambda: gif_with(0x77, SECRET), ("unknown",)),
    "GIF: a script behind it": (lambda: gif(2) + b"/*GEHEIM*/alert(1)", ("tail",)),
    "AVIF: EXIF and XMP": (
        lambda: photo(64, 48, format="AVIF", exif=telling_exif(), xmp=XMP),
        ("exif", "gps", "xmp"),
    ),
    "AVIF: a sequence that has them twice": (
        lambda: animated_avif(exif=telling_exif(1), xmp=XMP),
        ("exif", "gps", "xmp", "unknown"),
    ),
    "AVIF: user data of a sequence": (lambda: avif_with_track_box(b"udta", SECRET), ("unknown",)),
    "AVIF: behind the end": (lambda: pictures.avif() + SECRET, ("tail",)),
    "AVIF: a video behind it": (
        lambda: pictures.avif() + box(b"mpvd", box(b"moov", SECRET)),
        ("tail",),
    ),
    "AVIF: another file behind it": (
        lambda: pictures.avif() + heic_with((b"Exif", heic_exif())),
        ("tail",),
    ),
    "HEIC: EXIF and XMP": (
        lambda: heic_with((b"Exif", heic_exif()), (XMP_TYPE, XMP)),
        ("exif", "gps", "xmp", "thumbnail"),
    ),
    "HEIC: EXIF in pieces": (
        lambda: heic_with((b"Exif", heic_exif()), pieces=40),
        ("exif", "gps", "thumbnail"),
    ),
    "HEIC: EXIF and XMP within the list": (
        lambda: heic_with((b"Exif", heic_exif()), (XMP_TYPE, XMP), in_idat=True),
        ("exif", "gps", "xmp", "thumbnail"),
    ),
    "HEIC: XMP and EXIF too short to be any": (
        lambda: heic_with((b"Exif", SECRET), (XMP_TYPE, SECRET)),
        ("exif", "xmp"),
    ),
    "HEIC: other items": (
        lambda: heic_with((b"uri ", SECRET), (b"text/plain", SECRET)),
        ("unknown",),
    ),
    "HEIC: what no item refers to": (lambda: heic_with(unused=heic_exif()), ("gap",)),
    "HEIC: a description": (
        lambda: heic_with(properties=full_box(b"udes", b"\0" + SECRET)),
        ("unknown",),
    ),
    "HEIC: XML beside the items": (lambda: heic_with(meta=full_box(b"xml ", XMP)), ("gps", "xmp")),
    "HEIC: boxes between": (
        lambda: heic_with(between=box(b"free", SECRET) + box(b"uuid", bytes(16), XMP)),
        ("unknown",),
    ),
    "HEIC: a video behind it": (
        lambda: heic_with() + box(b"mpvd", SECRET) + box(b"sefd", SECRET),
        ("tail",),
    ),
    "HEIC: behind the end": (lambda: heic_with() + SECRET, ("tail",)),
    "HEIC: zeros and more behind the end": (lambda: heic_with() + bytes(9) + SECRET, ("tail",)),
}


@table("name", TELLING)
def test_the_secret_is_gone_and_said_so(name: str) -> None:
    make, removed = TELLING[name]
    data = make()
    assert traces(data), "the test has nothing to find"
    result = cleaned(data)
    assert traces(result.data) == []
    assert result.removed == removed


@table("name", TELLING)
def test_a_cleaned_picture_stays_as_it_is(name: str) -> None:
    once = cleaned(TELLING[name][0]())
    again = cleaned(once.data)
    assert again.data is once.data
    assert again.removed == ()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@table("name", [name for name in TELLING if not name.startswith("HEIC")])
def test_the_picture_looks_the_same(name: str) -> None:
    data = TELLING[name][0]()
    assert shown(cleaned(data).data) == shown(data)


def test_a_marker_that_stands_for_nothing_is_dropped() -> None:
    """Browsers show a JPEG with TEM (T.81, table B.1) between its segments; Pillow does not."""
    assert cleaned(jpeg_with(b"\xff\x01")).data == photo()


@pytest.mark.parametrize("name", [name for name in TELLING if name.startswith("HEIC")])
def test_the_coded_picture_of_a_heic_stays_in_its_place(name: str) -> None:
    data = TELLING[name][0]()
    after = cleaned(data).data
    at = data.index(pictures.HEIC_PICTURE)
    assert after.index(pictures.HEIC_PICTURE) == at
    assert len(after) == len(data) or "tail" in TELLING[name][1]


CLEAN: dict[str, Make] = {
    "JPEG": photo,
    "JPEG, progressive": pictures.progressive,
    "JPEG, gray": pictures.gray,
    "JPEG, CMYK": pictures.cmyk,
    "JPEG with a profile in two segments": lambda: photo(icc_profile=b"icc" * 30_000),
    "JPEG, turned": lambda: photo(orientation=6),
    "JPEG with padding before a marker": lambda: jpeg_with(b"\xff\xff\xff"),
    "PNG": lambda: photo(format="PNG"),
    "PNG, 16 bit colour": pictures.sixteen_bit_color_png,
    "PNG, palette with a transparent colour": pictures.transparent_palette_png,
    "PNG with a profile": pictures.with_large_profile,
    "PNG, turned": lambda: photo(format="PNG", orientation=8),
    "PNG with size, colours and light": lambda: png_with(
        (b"gAMA", bytes(4)), (b"cHRM", bytes(32)), (b"sRGB", b"\0"), (b"cICP", b"\1\r\0\1")
    ),
    "PNG, animated": lambda: animated_png(3),
    "WebP": lambda: photo(format="WEBP"),
    "WebP, lossless": lambda: photo(format="WEBP", lossless=True),
    "WebP, transparent": pictures.transparent_webp,
    "WebP, turned": lambda: photo(format="WEBP", orientation=3),
    "WebP, animated": lambda: animated_webp(3),
    "WebP with a profile": lambda: photo(format="WEBP", icc_profile=b"profile"),
    "GIF": gif,
    "GIF, animated, repeated": lambda: gif_with(0xFF, b"NETSCAPE2.0", b"\1\0\0"),
    "GIF without its last byte": lambda: gif(2)[:-1],
    "AVIF": pictures.avif,
    "AVIF, animated": animated_avif,
    "AVIF, transparent": lambda: photo(64, 48, format="AVIF", mode="RGBA"),
    "HEIC": heic_with,
    "HEIC of tiles": lambda: heic_with(kind=b"grid"),
}


@table("name", CLEAN)
def test_a_picture_that_tells_nothing_is_kept_byte_for_byte(name: str) -> None:
    data = CLEAN[name]()
    result = cleaned(data)
    assert result.data is data
    assert result.removed == ()


def test_every_type_and_every_name_is_tested() -> None:
    assert {name for _, names in TELLING.values() for name in names} == set(REMOVABLE)
    assert {type_of(make()) for make in CLEAN.values()} == CLEANABLE


def type_of(data: bytes) -> str:
    found = detect(data)
    assert found is not None
    return found.name


def with_exif(format: str, block: bytes, **options: bytes) -> bytes:  # noqa: A002
    return photo(32, 24, format=format, exif=b"Exif\0\0" + block, **options)


@table("order", "<>")
@table("orientation", range(1, 9))
@table("format", ["JPEG", "PNG", "WEBP"])
def test_a_turned_picture_stays_turned(format: str, orientation: int, order: str) -> None:  # noqa: A002
    data = with_exif(format, telling_exif(orientation, order=order))
    result = cleaned(data)
    assert traces(result.data) == []
    assert shown(result.data) == shown(data)
    with Image.open(io.BytesIO(result.data)) as image:
        kept = dict(image.getexif())
    assert kept == ({pictures.ORIENTATION: orientation} if orientation > 1 else {})
    if orientation > 1:
        assert cleaned(result.data).data is result.data


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_the_colour_profile_stays(format: str) -> None:  # noqa: A002
    profile = bytes(range(256)) * 400
    data = with_exif(format, telling_exif(), icc_profile=profile)
    result = cleaned(data)
    assert result.removed == ("exif", "gps", "thumbnail")
    with Image.open(io.BytesIO(result.data)) as image:
        assert image.info["icc_profile"] == profile


def test_an_empty_list_of_places_is_no_place() -> None:
    """Some cameras write only the version of what they would write if they knew."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(pictures.GPS)[0] = b"\2\3\0\0"
    assert cleaned(photo(exif=exif.tobytes())).removed == ("exif",)


def test_a_second_picture_is_no_longer_announced() -> None:
    with Image.open(io.BytesIO(cleaned(pictures.mpo()).data)) as image:
        assert image.format == "JPEG"
        assert getattr(image, "n_frames", 1) == 1


def test_the_flags_of_a_webp_tell_what_is_there() -> None:
    both = webp_with((b"EXIF", telling_exif(1)), (b"XMP ", XMP), flags=0x0C)
    assert both[20] & 0x0C
    assert not cleaned(both).data[20] & 0x0C
    turned = webp_with((b"EXIF", telling_exif(6)), (b"XMP ", XMP), flags=0x0C)
    assert cleaned(turned).data[20] & 0x0C == 0x08


def test_what_is_left_of_exif_and_xmp_in_an_avif_can_be_read() -> None:
    data = cleaned(photo(64, 48, format="AVIF", exif=telling_exif(), xmp=XMP)).data
    with Image.open(io.BytesIO(data)) as image:
        assert dict(image.getexif()) == {pictures.ORIENTATION: 6}  # by `irot`, not by EXIF
        assert ElementTree.fromstring(image.info["xmp"]).tag.endswith("xmpmeta")  # noqa: S314


@pytest.mark.alone
def test_a_bomb_of_text_is_not_unpacked() -> None:
    packet = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(100_000_000), 9)
    data = png_with((b"iTXt", packet), (b"iTXt", packet))
    began = time.thread_time()
    assert cleaned(data).removed == ("xmp",)
    assert time.thread_time() - began < 0.2


# What cannot be followed is refused


def _png_chunk_of(length: int) -> bytes:
    data = photo(64, 48, format="PNG")
    return data[:33] + struct.pack(">I4s", length, b"tEXt") + data[33:]


def _iloc_patched(at: int, value: bytes, **options: bool) -> bytes:
    """A HEIC with EXIF whose list of places has `value` at the byte `at` of its content."""
    data = heic_with((b"Exif", heic_exif()), **options)
    start = data.index(b"iloc") + 4 + at
    return data[:start] + value + data[start + len(value) :]


# Content of the list: version 4, sizes 2, count 2; the picture: number 2, construction 2, file 2,
# pieces 2, offset 4, length 4; the EXIF the same.
BROKEN: dict[str, Make] = {
    "JPEG cut in half": lambda: pictures.truncated(photo()),
    "JPEG without its end": lambda: photo()[:-2],
    "JPEG cut within a segment": lambda: photo()[:10],
    "JPEG with a table of no length": lambda: jpeg_with(b"\xff\xdb\0\0"),
    "JPEG with a segment longer than the file": lambda: jpeg_with(b"\xff\xfe\xff\xff"),
    "JPEG that ends before its picture": lambda: jpeg_with(b"\xff\xd9"),
    "JPEG within a JPEG": lambda: jpeg_with(b"\xff\xd8\0\4ab"),
    "JPEG with a marker no picture has": lambda: jpeg_with(b"\xff\x55\0\4ab"),
    "JPEG's first bytes": lambda: b"\xff\xd8\xff",
    "PNG cut in half": lambda: pictures.truncated(photo(format="PNG")),
    "PNG without its end": lambda: photo(format="PNG")[:-12],
    "PNG with a chunk longer than the file": lambda: _png_chunk_of(2**32 - 1),
    "PNG with a critical chunk no picture has": lambda: png_with((b"GEHE", SECRET)),
    "PNG with a chunk of no type": lambda: png_with((b"a\0b1", SECRET)),
    "PNG's first bytes": lambda: b"\x89PNG\r\n\x1a\n",
    "WebP cut in half": lambda: pictures.truncated(photo(format="WEBP")),
    "WebP without a picture": lambda: b"RIFF\x0c\0\0\0WEBP" + riff_chunk(b"EXIF", b""),
    "WebP with a chunk longer than the file": lambda: webp_with((b"XMP ", b""))[:-4] + b"\xff" * 4,
    "WebP with a chunk longer than its frame": lambda: webp_with_frame_parts(
        (b"PrVt\xff\0\0\0"[:4], b"PrVt\xff\xff")
    ).replace(b"PrVt\6", b"PrVt\7"),
    "WebP with settings too long": lambda: webp_with((b"ANIM", bytes(7))),
    "GIF cut in half": lambda: pictures.truncated(photo(format="GIF")),
    "GIF without a picture": lambda: gif()[:13] + b";",
    "GIF with bytes between its blocks": lambda: gif_with(0xFE, b"x")[:-1] + SECRET,
    "GIF that is a script": pictures.gif_script,
    "AVIF cut in half": lambda: pictures.truncated(pictures.avif()),
    "AVIF without its last byte": lambda: pictures.avif()[:-1],
    "AVIF sequence without its last byte": lambda: animated_avif()[:-1],
    "AVIF with a track of sound": lambda: animated_avif().replace(b"pict", b"soun"),
    "HEIC's first box": pictures.heic,
    "HEIC with a list of an unknown kind": lambda: _iloc_patched(4, b"\x33\x00"),
    "HEIC that places too many items": lambda: _iloc_patched(6, b"\xff\xff"),
    "HEIC that places an item twice": lambda: _iloc_patched(24, b"\0\1"),
    "HEIC with EXIF in another item": lambda: _iloc_patched(26, b"\0\2"),
    "HEIC with EXIF in another file": lambda: _iloc_patched(28, b"\0\1"),
    "HEIC with EXIF where its first box is": lambda: _iloc_patched(32, bytes(4)),
    "HEIC with EXIF behind its end": lambda: _iloc_patched(36, b"\x7f"),
    "HEIC with EXIF where its picture is": lambda: _iloc_patched(
        32, _iloc_patched(0, b"")[_iloc_patched(0, b"").index(b"iloc") + 20 :][:4]
    ),
    "HEIC with items nobody described": lambda: heic_with((b"Exif", b"12")).replace(
        b"infe", b"free"
    ),
}


@table("name", BROKEN)
def test_what_cannot_be_followed_is_refused(name: str) -> None:
    data = BROKEN[name]()
    with pytest.raises(BrokenStructure):
        cleaned(data)


SEEDS = [
    jpeg_with(segment(0xE1, EXIF), segment(0xE1, XMP_IN_JPEG), data=photo(16, 16)) + SECRET,
    jpeg_with_preview(),
    png_with((b"eXIf", telling_exif()), (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
    animated_png(3),
    webp_with((b"EXIF", telling_exif()), (b"XMP ", XMP), flags=0x0C),
    webp_with_frame_parts((b"PrVt", SECRET)),
    gif_with(0xFF, b"NETSCAPE2.0", b"\1\0\0", data=gif_with_xmp()),
    photo(32, 24, format="AVIF", exif=telling_exif(), xmp=XMP),
    animated_avif(xmp=XMP),
    heic_with((b"Exif", heic_exif()), (XMP_TYPE, XMP), pieces=2, between=box(b"free", SECRET)),
    heic_with((b"Exif", heic_exif()), in_idat=True, meta=full_box(b"xml ", XMP)) + SECRET,
]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[bytes, str]:
    """A picture that tells too much, cut, changed, with parts lost or repeated."""
    data = draw(st.sampled_from(SEEDS))
    media_type = type_of(data)
    # Structure is at both ends; in the middle is mostly coded picture.
    place = st.integers(0, len(data)) | st.integers(0, min(800, len(data)))
    for _ in range(draw(st.integers(1, 4))):
        at, end = sorted((draw(place), draw(place)))
        what = draw(st.sampled_from(["cut", "lose", "repeat", "flip", "set"]))
        if what == "cut":
            data = data[:end]
        elif what == "lose":
            data = data[:at] + data[at + (end - at) % 40 :]
        elif what == "repeat":
            data = data[:end] + data[at:]
        elif what == "flip":
            data = data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
        else:
            number = draw(st.sampled_from([0, 1, 2, 7, 8, 0x7FFF, 0xFFFF, 2**31, 2**32 - 1]))
            order = draw(st.sampled_from("<>"))
            data = data[:at] + struct.pack(order + "I", number) + data[at + 4 :]
    return data, media_type


def _cleaned_in_time(data: bytes, media_type: str) -> Cleaned | None:
    """What is left of a picture, or None for one that is refused; neither takes half a second.

    One that takes longer is measured again: any of 60,000 may be the one garbage is collected in.
    """
    for _ in range(3):
        began = time.thread_time()
        try:
            result = clean(data, media_type)
        except BrokenStructure:
            result = None
        if time.thread_time() - began < 0.5:
            return result
    pytest.fail("It takes too long each time.")


def _judge_damaged(picture: tuple[bytes, str]) -> None:
    data, media_type = picture
    result = _cleaned_in_time(data, media_type)
    if result is None:
        return
    assert (result.data is data) == (result.removed == ())
    assert len(result.data) <= len(data) + 26
    again = clean(result.data, media_type)
    assert again.data is result.data


@given(damaged())
@settings(max_examples=250, suppress_health_check=list(HealthCheck))
def test_a_damaged_picture_is_cleaned_or_refused(picture: tuple[bytes, str]) -> None:
    _judge_damaged(picture)


@pytest.mark.long
@given(damaged())
@settings(max_examples=60_000, suppress_health_check=list(HealthCheck))
def test_a_damaged_picture_is_cleaned_or_refused_at_length(picture: tuple[bytes, str]) -> None:
    _judge_damaged(picture)


# Work in proportion to the size


def _many_items(count: int) -> bytes:
    return heic_with(*[(b"Exif", b"12345678")] * count)


CROWDED: dict[str, Callable[[int], bytes]] = {
    "JPEG of comments": lambda n: jpeg_with(segment(0xFE, b"") * n),
    "JPEG of EXIF": lambda n: jpeg_with(segment(0xE1, EXIF) * (n // 20)),
    "JPEG of gaps": lambda n: jpeg_with(b"x\xff\xfe\0\2" * n),
    "JPEG of padding": lambda n: jpeg_with(b"\xff" * 20 * n),
    "JPEG of extended XMP": lambda n: jpeg_with(
        segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(40)) * (n // 4)
    ),
    "PNG of texts": lambda n: png_with(*[(b"tEXt", b"a\0")] * n),
    "PNG of XMP": lambda n: png_with(
        *[(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + COMPRESSED_SECRET)] * n
    ),
    "PNG of EXIF": lambda n: png_with(*[(b"eXIf", b"II*\0\x08\0\0\0")] * n),
    "WebP of chunks": lambda n: webp_with(*[(b"PrVt", b"")] * n),
    "WebP of EXIF": lambda n: webp_with(*[(b"EXIF", b"")] * n, flags=0x08),
    "WebP frame of chunks": lambda n: webp_with_frame_parts(*[(b"PrVt", b"")] * n),
    "GIF of comments": lambda n: gif_with(0xFE, *[b"x"] * n),
    "GIF of blocks": lambda n: gif()[:-1] + b"\x21\xfe\0" * n + b";",
    "HEIC of boxes": lambda n: heic_with(between=box(b"free") * n),
    "HEIC of media": lambda n: heic_with(between=box(b"mdat", b"x") * n),
    "HEIC of lists": lambda n: heic_with(meta=box(b"xml ") * n),
    "HEIC of properties": lambda n: heic_with(properties=box(b"udes", b"x") * n),
    "HEIC of items": lambda n: _many_items(min(n, 60_000) // 4),
    "HEIC of pieces": lambda n: heic_with((b"Exif", bytes(2 * n)), pieces=min(n, 60_000)),
    "AVIF of tracks": lambda n: avif_with_track_box(b"trak", box(b"free") * n),
}


@pytest.mark.alone
@pytest.mark.parametrize("name", CROWDED)
def test_work_grows_with_the_size_and_not_faster(name: str) -> None:
    """Four times the parts may take four times as long; were it quadratic, sixteen times."""
    make = CROWDED[name]
    small, large = make(6_000), make(24_000)
    assert seconds(large) < 9 * seconds(small) + 0.02


def seconds(data: bytes) -> float:
    times: list[float] = []
    for _ in range(3):
        began = time.thread_time()
        cleaned(data)
        times.append(time.thread_time() - began)
    return min(times)


def test_no_list_of_a_heic_can_claim_more_than_it_holds() -> None:
    """65,535 pieces of no size would be 20 bytes of file for each."""
    data = heic_with((b"Exif", heic_exif()))
    at = data.index(b"iloc") + 8
    for sizes in (b"\0\0", b"\x40\0", b"\0\x04"):
        with pytest.raises(BrokenStructure):
            clean(data[:at] + sizes + data[at + 2 :], HEIC.name)
