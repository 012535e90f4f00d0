"""Pictures for the tests, good and hostile, made when needed and never shipped.

All are deterministic. Those that lie do so in their headers; the rest is as small as it can be.
"""

import io
import random
import re
import struct
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()

ORIENTATION = 0x0112
GPS = 0x8825


@cache
def photo(
    width: int = 320,
    height: int = 240,
    *,
    format: str = "JPEG",  # noqa: A002 - Pillow's word for it
    mode: str = "RGB",
    orientation: int | None = None,
    noise: bool = True,
    seed: int = 1,
    **options: Any,
) -> bytes:
    """A photograph as cameras make them: soft shapes, and grain when `noise`.

    Its left half is darker than its right half, so that a test can see how it was turned.
    `options` go to Pillow (`quality=90`, `progressive=True`, `lossless=True`).
    """
    image = canvas(width, height, mode=mode, noise=noise, seed=seed)
    if orientation is not None:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif
    return encoded(image, format, **options)


def canvas(
    width: int, height: int, *, mode: str = "RGB", noise: bool = True, seed: int = 1
) -> Image.Image:
    """The picture behind `photo`, not yet encoded."""
    shapes = Image.frombytes("RGB", (16, 12), random.Random(seed).randbytes(16 * 12 * 3))
    image = shapes.resize((width, height), Image.Resampling.BICUBIC)
    if noise:
        small = (max(1, width // 4), max(1, height // 4))
        grain = Image.frombytes(
            "RGB", small, random.Random(seed + 1).randbytes(3 * small[0] * small[1])
        )
        image = Image.blend(image, grain.resize((width, height), Image.Resampling.BILINEAR), 0.25)
    light = Image.new("L", (2, 1))
    light.putdata([90, 255])
    dark = Image.new("RGB", (width, height))
    image = Image.composite(image, dark, light.resize((width, height), Image.Resampling.NEAREST))
    return image.convert(mode)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:  # noqa: A002
    """`image` as a file of the `format`."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


# Good pictures of rarer kinds


def large_photo() -> bytes:
    """A photograph of 12 megapixels, as a phone takes it."""
    return photo(4000, 3000, quality=88)


def noise_png(width: int, height: int, *, seed: int = 1) -> bytes:
    """A PNG nobody can make smaller: 3 bytes for each pixel and next to nothing more."""
    image = Image.frombytes(
        "RGB", (width, height), random.Random(seed).randbytes(width * height * 3)
    )
    return encoded(image, "PNG", compress_level=0)


def cmyk() -> bytes:
    """A JPEG for print."""
    return photo(mode="CMYK")


def gray() -> bytes:
    return photo(mode="L")


def progressive() -> bytes:
    return photo(progressive=True)


def sixteen_bit_png() -> bytes:
    values = Image.frombytes("I;16", (64, 48), random.Random(3).randbytes(64 * 48 * 2))
    return encoded(values, "PNG")


def sixteen_bit_color_png() -> bytes:
    """Pillow writes none, so it is put together here: 64 by 48, RGB, 16 bits."""
    row = b"\0" + random.Random(4).randbytes(64 * 6)
    return png(64, 48, bit_depth=16, color_type=2, data=zlib.compress(row * 48))


def gray_alpha_png() -> bytes:
    return encoded(canvas(64, 48).convert("LA"), "PNG")


def transparent_palette_png() -> bytes:
    return encoded(canvas(64, 48).quantize(16), "PNG", transparency=3)


def transparent_webp() -> bytes:
    image = canvas(64, 48).convert("RGBA")
    image.putalpha(128)
    return encoded(image, "WEBP")


def animated_webp(frames: int, *, width: int = 16, height: int = 16) -> bytes:
    return _animation(frames, "WEBP", width, height)


def animated_png(frames: int, *, width: int = 16, height: int = 16) -> bytes:
    return _animation(frames, "PNG", width, height)


def gif(frames: int = 1, *, width: int = 16, height: int = 16) -> bytes:
    return _animation(frames, "GIF", width, height)


def _animation(frames: int, format: str, width: int, height: int) -> bytes:  # noqa: A002
    pictures = [Image.new("RGB", (width, height), (i % 251, i * 7 % 253, 9)) for i in range(frames)]
    return encoded(pictures[0], format, save_all=True, append_images=pictures[1:])


def with_gps(orientation: int = 6) -> bytes:
    """A photograph that tells where it was taken."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif.get_ifd(GPS).update({1: "N", 2: (40.0, 26.0, 46.0), 3: "W", 4: (3.0, 41.0, 13.0)})
    return encoded(canvas(320, 240), "JPEG", exif=exif)


def with_comment(comment: bytes = b"<script>alert(1)</script>") -> bytes:
    return photo(comment=comment)


def mpo() -> bytes:
    """A photograph with a second one behind it, as phones keep depth and portrait modes."""
    return encoded(canvas(320, 240), "MPO", save_all=True, append_images=[canvas(160, 120)])


def malformed_mpo() -> bytes:
    """A photograph that claims pictures behind it and has none."""
    entries = struct.pack("<HI4sHHI4sHHIII", 0, 0, b"", 0, 0, 0, b"", 0, 0, 0, 0, 0)
    tags = struct.pack("<HHHIIHHIII", 2, 0xB001, 4, 1, 2, 0xB002, 7, 4, 0, 0) + entries
    body = b"MPF\0II*\0\x08\0\0\0" + tags
    data = photo()
    return data[:2] + b"\xff\xe2" + struct.pack(">H", 2 + len(body)) + body + data[2:]


def with_many_texts(count: int = 10_000) -> bytes:
    texts = [(b"tEXt", b"k%d\0v" % i) for i in range(count)]
    return png(16, 16, data=zlib.compress(bytes(17 * 16)), color_type=0, before=texts)


def with_large_profile() -> bytes:
    """A PNG with an ICC profile of 900 KB."""
    return encoded(canvas(64, 48), "PNG", icc_profile=random.Random(5).randbytes(900_000))


# Pictures that tell too much

SECRET = b"GEHEIM"
PLACE = (40, 26, 46)
"""Degrees, minutes and seconds; so odd in a row that nothing else holds them."""
COMPRESSED_SECRET = zlib.compress(SECRET * 3)
TRACES = (
    SECRET,
    SECRET.hex().encode(),
    COMPRESSED_SECRET,
    b"GPSLatitude",
    *(struct.pack(f"{order}6I", *(n for each in PLACE for n in (each, 1))) for order in "<>"),
)
"""The bytes none of which may be found in what is public."""
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf exif:GPSLatitude="GEHEIM"/></x:xmpmeta>'


def telling_exif(orientation: int = 6, *, order: str = "<") -> bytes:
    """An EXIF block with a description, an orientation, a place and a preview."""
    preview = b"\xff\xd8" + SECRET + b"\xff\xd9"
    # Header 8, three entries 42, one entry 18, two entries 30, then what they point at.
    gps_at, second_at, place_at, preview_at = 8 + 42, 50 + 18, 68 + 30, 98 + 24

    def directory(*entries: tuple[int, int, int, bytes], after: int = 0) -> bytes:
        packed = [
            struct.pack(order + "HHI", *entry[:3]) + entry[3].ljust(4, b"\0") for entry in entries
        ]
        return (
            struct.pack(order + "H", len(packed))
            + b"".join(packed)
            + struct.pack(order + "I", after)
        )

    def long(value: int) -> bytes:
        return struct.pack(order + "I", value)

    first = directory(
        (0x010E, 2, len(SECRET), long(preview_at + 2)),
        (ORIENTATION, 3, 1, struct.pack(order + "H", orientation)),
        (GPS, 4, 1, long(gps_at)),
        after=second_at,
    )
    gps = directory((2, 5, 3, long(place_at)))
    second = directory((0x0201, 4, 1, long(preview_at)), (0x0202, 4, 1, long(len(preview))))
    place = struct.pack(order + "6I", *(n for each in PLACE for n in (each, 1)))
    start = {"<": b"II*\0", ">": b"MM\0*"}[order] + long(8)
    return start + first + gps + second + place + preview


def segment(code: int, body: bytes) -> bytes:
    """A segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, code, 2 + len(body)) + body


def jpeg_with(*segments: bytes, data: bytes | None = None) -> bytes:
    """A JPEG with these `segments` behind its first one."""
    data = data or photo()
    at = 4 + struct.unpack_from(">H", data, 4)[0]
    return data[:at] + b"".join(segments) + data[at:]


def jpeg_with_extended_xmp() -> bytes:
    """A JPEG whose XMP is so long that it is cut into pieces, in the middle of a word."""
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"0123456789ABCDEF" * 2
    cut = XMP.index(b"GPSLatitude") + 5
    main = b'http://ns.adobe.com/xap/1.0/\0<xmpNote:HasExtendedXMP="0123456789ABCDEF"/>'
    pieces = [
        head + struct.pack(">II", len(XMP), at) + XMP[at:end] for at, end in ((0, cut), (cut, 999))
    ]
    return jpeg_with(*(segment(0xE1, body) for body in (main, *pieces)))


def jpeg_between_scans(*segments: bytes) -> bytes:
    """A progressive JPEG with these `segments` before its last scan."""
    data = progressive()
    last = data.rindex(b"\xff\xda")
    return data[:last] + b"".join(segments) + data[last:]


def jpeg_damaged_in_its_scan(code: int = 0x9F, body: bytes = b"", **options: Any) -> bytes:
    """A photograph as failing memory cards leave them: a reserved code amid the coded data."""
    data = photo(restart_marker_rows=1, **options)
    at = data.index(b"\xff\xd0", data.index(b"\xff\xda")) + 40
    return data[:at] + bytes([0xFF, code]) + body + data[at:]


def jpeg_with_preview() -> bytes:
    """A JPEG whose first segment holds a preview of 2 by 1 pixels."""
    data = photo()
    body = data[6:18] + b"\2\1" + SECRET
    return data[:2] + segment(0xE0, body) + data[20:]


def motion_photo() -> bytes:
    """A JPEG with a video behind it that says where it was taken."""
    return photo() + b"\0\0\0\x18ftypmp42" + bytes(12) + b"\0\0\0\x1cudta\xa9xyz" + SECRET


def png_with(
    *chunks: tuple[bytes, bytes], data: bytes | None = None, behind: bool = False
) -> bytes:
    """A PNG with these `chunks` before its data, or `behind` it."""
    data = data or photo(64, 48, format="PNG")
    at = data.rindex(b"\0\0\0\0IEND") if behind else data.index(b"IDAT") - 4
    return data[:at] + b"".join(_chunk(kind, body) for kind, body in chunks) + data[at:]


def webp_with(
    *chunks: tuple[bytes, bytes], data: bytes | None = None, flags: int | None = None
) -> bytes:
    """A WebP with these `chunks` at its end, and these VP8X `flags`."""
    data = data or photo(64, 48, format="WEBP", icc_profile=b"profile" * 9)
    body = data[8:] + b"".join(riff_chunk(kind, content) for kind, content in chunks)
    whole = bytearray(b"RIFF" + struct.pack("<I", len(body)) + body)
    if flags is not None:
        whole[20] |= flags
    return bytes(whole)


def riff_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def webp_with_frame_parts(*chunks: tuple[bytes, bytes]) -> bytes:
    """An animated WebP with these `chunks` within its first frame."""
    data = animated_webp(3)
    at = data.index(b"ANMF")
    end = at + 8 + struct.unpack_from("<I", data, at + 4)[0]
    frame = data[at + 8 : end] + b"".join(riff_chunk(*each) for each in chunks)
    body = data[8:at] + riff_chunk(b"ANMF", frame) + data[end:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif_with(label: int, *blocks: bytes, data: bytes | None = None) -> bytes:
    """An animated GIF with an extension of these `blocks` before its first frame."""
    data = data or gif(3)
    at = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    body = b"".join(bytes([len(block)]) + block for block in blocks)
    return data[:at] + bytes([0x21, label]) + body + b"\0" + data[at:]


def gif_with_xmp() -> bytes:
    """An animated GIF with XMP as Adobe writes it: no blocks, and a ladder of bytes at its end."""
    data = gif(3)
    at = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    ladder = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    return data[:at] + b"\x21\xff\x0bXMP DataXMP" + XMP + ladder + data[at:]


def box(kind: bytes, *bodies: bytes) -> bytes:
    """A box of an ISO media file."""
    body = b"".join(bodies)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full_box(kind: bytes, *bodies: bytes, version: int = 0) -> bytes:
    return box(kind, bytes([version, 0, 0, 0]), *bodies)


HEIC_PICTURE = random.Random(6).randbytes(500)
"""The coded picture of `heic_with`, which only its place in the file is tested of."""


def heic_with(
    *items: tuple[bytes, bytes],
    in_idat: bool = False,
    pieces: int = 1,
    properties: bytes = b"",
    meta: bytes = b"",
    between: bytes = b"",
    unused: bytes = b"",
    kind: bytes = b"hvc1",
) -> bytes:
    """A HEIC of one picture and further `items`: type (or media type) and content.

    The contents are in the media data, cut into `pieces`, or `in_idat`; further boxes are the
    `properties`, those of the `meta` box, and those `between` it and the media data, which ends
    with `unused` bytes.
    """
    entries = [
        full_box(b"infe", struct.pack(">HH4sx", number, 0, item_kind), content_type, version=2)
        for number, (item_kind, content_type) in enumerate(
            [
                (kind, b""),
                *((b"mime", each + b"\0") if b"/" in each else (each, b"") for each, _ in items),
            ],
            start=1,
        )
    ]
    iinf = full_box(b"iinf", struct.pack(">H", len(entries)), *entries)
    contents = b"".join(content for _, content in items)
    idat = box(b"idat", contents) if in_idat else b""
    props = box(b"ipco", full_box(b"ispe", struct.pack(">II", 64, 48)), properties)
    iprp = box(b"iprp", props, full_box(b"ipma", struct.pack(">IHBB", 1, 1, 1, 1)))
    handler = full_box(b"hdlr", bytes(4), b"pict", bytes(13))

    def whole(media_at: int) -> bytes:
        places = [struct.pack(">HHHHII", 1, 0, 0, 1, media_at, len(HEIC_PICTURE))]
        at = 0 if in_idat else media_at + len(HEIC_PICTURE)
        for number, (_, content) in enumerate(items, start=2):
            ends = [len(content) * i // pieces for i in range(pieces + 1)]
            extents = [struct.pack(">II", at + a, b - a) for a, b in pairwise(ends)]
            head = struct.pack(">HHHH", number, int(in_idat), 0, pieces)
            places.append(head + b"".join(extents))
            at += len(content)
        iloc = full_box(b"iloc", struct.pack(">HH", 0x4400, len(places)), *places, version=1)
        inner = full_box(b"meta", handler, iinf, iloc, iprp, idat, meta)
        media = box(b"mdat", HEIC_PICTURE, b"" if in_idat else contents, unused)
        return box(b"ftyp", b"heic", bytes(4), b"mif1heic") + inner + between + media

    return whole(whole(0).index(HEIC_PICTURE))


def heic_exif() -> bytes:
    """The content of an EXIF item."""
    return struct.pack(">I", 6) + b"Exif\0\0" + telling_exif(order=">")


def animated_avif(**options: Any) -> bytes:
    frames = [canvas(64, 48, seed=seed) for seed in (1, 2, 3)]
    return encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:], **options)


def avif_with_track_box(kind: bytes, body: bytes) -> bytes:
    """An animated AVIF whose sequence holds one more box, in the place of its end."""
    data = animated_avif()
    at = data.index(b"moov") - 4
    (size,) = struct.unpack_from(">I", data, at)
    new = box(kind, body)
    moved = bytearray(data[: at + size] + new + data[at + size :])
    struct.pack_into(">I", moved, at, size + len(new))
    for table in (b"iloc", b"stco"):
        place = moved.index(table) + (18 if table == b"iloc" else 12)
        (offset,) = struct.unpack_from(">I", moved, place)
        struct.pack_into(">I", moved, place, offset + len(new))
    return bytes(moved)


# Lies and damage


def png(
    width: int,
    height: int,
    *,
    bit_depth: int = 8,
    color_type: int = 2,
    data: bytes = b"",
    before: Iterable[tuple[bytes, bytes]] = (),
) -> bytes:
    """A PNG put together from its header, chunks `before` its data, and its compressed `data`."""
    header = struct.pack(">IIBBBBB", width, height, bit_depth, color_type, 0, 0, 0)
    chunks: Sequence[tuple[bytes, bytes]] = [
        (b"IHDR", header),
        *before,
        (b"IDAT", data),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int = 50_000, height: int = 50_000) -> bytes:
    """A PNG that claims its size and holds next to nothing."""
    return png(width, height, data=zlib.compress(bytes(100)))


def jpeg_claiming(width: int, height: int) -> bytes:
    """A small photograph whose header claims another size."""
    data = photo(64, 48, noise=False)
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def webp_claiming(width: int = 16_383, height: int = 3_000) -> bytes:
    """A lossless WebP of 40 bytes that is a whole picture of one colour."""
    size = struct.pack("<I", (width - 1) | (height - 1) << 14)
    body = b"\x2f" + size + b"\x88\x88\x08"
    return _riff(b"VP8L", body.ljust(20, b"\0"))


def webp_with_canvas(width: int = 1 << 24, height: int = 1 << 24) -> bytes:
    """A small WebP on a canvas that claims another size."""
    canvas_size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    extended = b"VP8X" + struct.pack("<I", 10) + bytes(4) + canvas_size
    inner = webp_claiming(16, 16)[12:]
    return b"RIFF" + struct.pack("<I", 4 + len(extended) + len(inner)) + b"WEBP" + extended + inner


def _riff(kind: bytes, body: bytes) -> bytes:
    return (
        b"RIFF"
        + struct.pack("<I", 12 + len(body))
        + b"WEBP"
        + kind
        + struct.pack("<I", len(body))
        + body
    )


def apng_claiming_frames(frames: int = 2**31 - 1) -> bytes:
    """A PNG of one frame that claims to be an animation of many."""
    control = (b"acTL", struct.pack(">II", frames, 0))
    return png(16, 16, color_type=0, data=zlib.compress(bytes(17 * 16)), before=[control])


@cache
def scan_bomb(scans: int = 20_000, *, width: int = 3000, height: int = 3000) -> bytes:
    """A progressive JPEG that goes over the same blocks `scans` times, in a few bytes each."""
    data = encoded(Image.new("L", (width, height), 128), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    end = data.rindex(b"\xff\xd9")
    count = data.count(b"\xff\xda")
    return data[:last] + data[last:end] * (1 + max(0, scans - count)) + data[end:]


def markers_in_disguise() -> bytes:
    """A JPEG whose comment and EXIF preview look like 500 scans; it has one."""
    return photo(comment=b"\xff\xda\x00\x08" * 500)


def text_bomb(size_bytes: int = 60_000_000) -> bytes:
    """A PNG with a compressed text that unfolds to `size_bytes`."""
    text = b"comment\0\0" + zlib.compress(bytes(size_bytes), 9)
    return png(16, 16, color_type=0, data=zlib.compress(bytes(17 * 16)), before=[(b"zTXt", text)])


def profile_bomb(size_bytes: int = 200_000_000) -> bytes:
    """A PNG with a colour profile that unfolds to `size_bytes`."""
    profile = b"icc\0\0" + zlib.compress(bytes(size_bytes), 9)
    return png(
        16, 16, color_type=0, data=zlib.compress(bytes(17 * 16)), before=[(b"iCCP", profile)]
    )


def endless_data(size_bytes: int = 300_000_000) -> bytes:
    """A PNG whose compressed data goes on far beyond its last row."""
    return png(16, 16, color_type=0, data=zlib.compress(bytes(size_bytes), 9))


def solid_png(width: int, height: int, *, color_type: int = 2) -> bytes:
    """A whole picture of nothing, thousands of times smaller than its pixels."""
    bytes_per_pixel = {0: 1, 2: 3, 6: 4}[color_type]
    packer = zlib.compressobj(1)
    row = bytes(1 + width * bytes_per_pixel)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png(width, height, color_type=color_type, data=packed)


def png_with_two_headers(width: int = 8000, height: int = 8000) -> bytes:
    """A PNG that claims 16 by 16 pixels and then, in a second header, what it really has."""
    second = solid_png(width, height, color_type=0)[8:]
    return png(16, 16, color_type=0)[: 8 + 25] + second


def jpeg_with_two_headers() -> bytes:
    """A JPEG whose frame header is there twice, the first time claiming 16 by 16 pixels."""
    data = photo()
    at = data.index(b"\xff\xc0")
    header = data[at : at + 2 + struct.unpack_from(">H", data, at + 2)[0]]
    return data[:at] + header[:5] + struct.pack(">HH", 16, 16) + header[9:] + data[at:]


def gif_claiming(width: int, height: int) -> bytes:
    """A GIF of 16 by 16 pixels whose screen claims another size."""
    data = gif()
    return data[:6] + struct.pack("<HH", width, height) + data[10:]


def gif_with_frame(left: int, top: int, width: int, height: int, *, number: int = 0) -> bytes:
    """A GIF of 16 by 16 pixels, of which one of two frames claims another place and size."""
    data = gif(2)
    at = [found.start() for found in re.finditer(rb",(?=\0\0\0\0\x10\0\x10\0)", data)][number]
    return data[: at + 1] + struct.pack("<4H", left, top, width, height) + data[at + 9 :]


@cache
def endless_gif(frames: int = 100_000) -> bytes:
    """The same small frame over and over."""
    data = gif()
    at = data.index(b",", 13 + 3 * 4)
    return data[:at] + data[at:-1] * frames + b";"


def avif_claiming(width: int, height: int) -> bytes:
    """A small AVIF whose header claims another size."""
    data = avif()
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


def long_avif(frames: int) -> bytes:
    return _animation(frames, "AVIF", 16, 16)


def avif_of_boxes(boxes: int = 20_000) -> bytes:
    """An AVIF with nothing but boxes in it."""
    return avif()[:32] + struct.pack(">I4s", 8, b"free") * boxes


def truncated(data: bytes, *, missing: int | None = None) -> bytes:
    """The first half of `data`, or all but the `missing` last bytes."""
    return data[: len(data) // 2 if missing is None else -missing]


def zip_tail(data: bytes) -> bytes:
    """`data` with the beginning of a ZIP archive behind it."""
    return data + b"PK\x03\x04" + b"\0" * 200


# No pictures for a shop


def svg() -> bytes:
    return b'<?xml version="1.0"?>\n<!-- a logo -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'


def text_as_jpg() -> bytes:
    return b"This is a text, and the file's name ends with .jpg all the same.\n"


def html() -> bytes:
    return b"<!doctype html><html><body><script>alert(1)</script></body></html>"


def php() -> bytes:
    return b"<?php system($_GET['c']); ?>"


def gif_script() -> bytes:
    """A GIF that is a JavaScript, too."""
    return b"GIF89a/*" + b"\0" * 20 + b"*/=1;alert(1)"


def bmp() -> bytes:
    return encoded(canvas(16, 16), "BMP")


def psd() -> bytes:
    """The head of a Photoshop document of 8 by 8 grey pixels."""
    return b"8BPS" + struct.pack(">H6xHIIHH", 1, 1, 8, 8, 8, 1) + bytes(14) + bytes(64)


def tiff() -> bytes:
    return encoded(canvas(16, 16), "TIFF")


def avif() -> bytes:
    return encoded(canvas(64, 48), "AVIF")


def heic() -> bytes:
    """The beginning of a HEIC photograph."""
    return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)


def pdf() -> bytes:
    return b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


# Pictures that lie down, and colours that are not sRGB

# What undoes the turn an EXIF orientation asks for.
_LAID_DOWN = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def laid_down(image: Image.Image, orientation: int, format: str, **options: Any) -> bytes:  # noqa: A002
    """The upright `image` as a camera stores it that was held so: `orientation` turns it back."""
    turn = _LAID_DOWN[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = image if turn is None else image.transpose(turn)
    return encoded(stored, format, exif=exif.tobytes(), **options)


def rgb_profile(*, swapped: bool = False, gamma: float = 2.2) -> bytes:
    """An ICC profile of a screen with sRGB's primaries, or with red and blue `swapped`."""
    red, green, blue = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
    if swapped:
        red, blue = blue, red
    curve = _gamma(gamma)
    tags = {b"rXYZ": _xyz(red), b"gXYZ": _xyz(green), b"bXYZ": _xyz(blue)}
    tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def gray_profile(gamma: float = 1.0) -> bytes:
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _gamma(gamma)})


def cmyk_profile() -> bytes:
    """A press whose cyan prints red, whose magenta prints green, and whose yellow prints blue."""
    paper, inks = (100.0, 0.0, 0.0), ((54.0, 81.0, 70.0), (88.0, -79.0, 81.0), (30.0, 68.0, -112.0))
    table = bytearray()
    for corner in range(16):
        used = [ink for bit, ink in enumerate(inks) if corner & (8 >> bit)]
        light, a, b = (sum(part) / len(used) for part in zip(*used, strict=True)) if used else paper
        if corner & 1:  # and black
            light = a = b = 0.0
        table += bytes([round(light * 2.55), round(a + 128), round(b + 128)])
    straight = bytes(range(256))
    identity = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + straight * 4 + bytes(table)
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut + straight * 3})


def _profile(kind: bytes, colours: bytes, space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Put a profile together: ICC.1, sections 7.2 and 7.3."""
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78)
    tags = {b"desc": name, b"wtpt": _xyz((0.9642, 1.0, 0.8249)), **tags}
    at = 128 + 4 + 12 * len(tags)
    table, bodies = struct.pack(">I", len(tags)), b""
    for tag, body in tags.items():
        table += tag + struct.pack(">II", at + len(bodies), len(body))
        bodies += body + bytes(-len(body) % 4)
    header = struct.pack(
        ">I4sI4s4s4s", at + len(bodies), bytes(4), 0x02400000, kind, colours, space
    )
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + bodies


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * each) for each in values))


def _gamma(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * gamma)) + b"\0\0"


def interlaced_png(image: Image.Image) -> bytes:
    """An RGB picture in seven passes (Adam7), which Pillow does not write."""
    rows = bytearray()
    pixels = image.load()
    for x0, y0, dx, dy in _ADAM7:
        for y in range(y0, image.height, dy):
            row = b"".join(bytes(pixels[x, y]) for x in range(x0, image.width, dx))
            rows += b"\0" + row if row else b""
    data = png(image.width, image.height, data=zlib.compress(bytes(rows)))
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, 2, 0, 0, 1)
    return data[:8] + _chunk(b"IHDR", header) + data[33:]


_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def with_subject(
    at: tuple[float, float], *, width: int = 640, height: int = 480, seed: int = 1
) -> Image.Image:
    """A plain, softly lit ground with grain, and one object around the point `at` (parts)."""
    chance = random.Random(seed)
    ground = Image.frombytes("RGB", (2, 2), bytes(chance.randrange(200, 230) for _ in range(12)))
    image = ground.resize((width, height), Image.Resampling.BICUBIC)
    grain = Image.frombytes("L", (width, height), chance.randbytes(width * height))
    image = Image.blend(image, Image.merge("RGB", [grain] * 3), 0.04)
    side = height // 4
    object_ = canvas(side, side, noise=True, seed=seed)
    image.paste(object_, (round(at[0] * width - side / 2), round(at[1] * height - side / 2)))
    return image


def gif_with_small_first_frame() -> bytes:
    """A GIF of 40 by 30 whose first frame covers only a part, with transparency around it."""
    red = Image.new("P", (10, 10), 1)
    red.putpalette([0, 0, 0, 250, 10, 20])
    frame = encoded(red, "GIF")
    at = frame.index(b",", 13)
    placed = frame[:at] + struct.pack("<cHH", b",", 20, 15) + frame[at + 5 :]
    return placed[:6] + struct.pack("<HH", 40, 30) + placed[10:]
