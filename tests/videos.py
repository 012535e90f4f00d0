"""Videos made by the tests: WebM (https://www.webmproject.org/docs/container/) of VP8 pictures.

A lossy WebP has one VP8 key frame in it (RFC 9649, section 2.5), so nothing else is needed to
encode them.
"""

import io
import random
import struct
from collections.abc import Sequence
from itertools import accumulate

from PIL import Image

EBML, SEGMENT, INFO, TRACKS, CUES, CLUSTER = (
    *(0x1A45DFA3, 0x18538067, 0x1549A966),
    *(0x1654AE6B, 0x1C53BB6B, 0x1F43B675),
)
RIFF_HEAD, CHUNK_HEAD = 12, 8


def video(
    colors: Sequence[tuple[int, int, int]], *, seconds_each: int = 1, size: int = 320
) -> bytes:
    """A video that shows each of `colors` for so long, in noise, so that it has many bytes."""
    tints: dict[tuple[int, int, int], bytes] = {}
    for color in colors:
        tints.setdefault(color, _key_frame(color, size))
    step = seconds_each * 1000
    clusters = [
        _element(CLUSTER, _number(0xE7, at * step), _element(0xA3, b"\x81\0\0\x80" + tints[color]))
        for at, color in enumerate(colors)
    ]
    head = _element(
        INFO,
        _number(0x2AD7B1, 1_000_000),  # times are in milliseconds
        _element(0x4489, struct.pack(">d", len(colors) * step)),
        _element(0x4D80, b"tests"),
        _element(0x5741, b"tests"),
    )
    picture = _element(0xE0, _number(0xB0, size), _number(0xBA, size))
    track = (_number(0xD7, 1), _number(0x73C5, 1), _number(0x83, 1), _element(0x86, b"V_VP8"))
    head += _element(TRACKS, _element(0xAE, *track, picture))
    index_bytes = len(_index([0] * len(clusters), step))
    first = len(head) + index_bytes
    places = accumulate(map(len, clusters[:-1]), initial=first)
    return _element(EBML, _element(0x4282, b"webm"), _number(0x4287, 2), _number(0x4285, 2)) + (
        _element(SEGMENT, head, _index(list(places), step), *clusters)
    )


def _index(places: Sequence[int], step: int) -> bytes:
    """Where to find which moment: what a player needs to go there at once."""
    return _element(
        CUES,
        *(
            _element(
                0xBB,
                _number(0xB3, at * step),
                _element(0xB7, _number(0xF7, 1), _number(0xF1, place)),
            )
            for at, place in enumerate(places)
        ),
    )


def _key_frame(color: tuple[int, int, int], size: int) -> bytes:
    """A picture whose left half is `color` and whose right half is noise."""
    picture = Image.new("RGB", (size, size), color)
    noise = random.Random(1).randbytes(size * size // 2 * 3)
    picture.paste(Image.frombytes("RGB", (size // 2, size), noise), (size // 2, 0))
    webp = io.BytesIO()
    picture.save(webp, "WEBP", quality=95, method=0)
    data = webp.getvalue()
    kind, length = data[RIFF_HEAD : RIFF_HEAD + 4], data[RIFF_HEAD + 4 : RIFF_HEAD + CHUNK_HEAD]
    assert kind == b"VP8 "
    start = RIFF_HEAD + CHUNK_HEAD
    return data[start : start + int.from_bytes(length, "little")]


def _element(name: int, *contents: bytes) -> bytes:
    data = b"".join(contents)
    written = name.to_bytes((name.bit_length() + 7) // 8, "big")
    return written + (1 << 56 | len(data)).to_bytes(8, "big") + data


def _number(name: int, value: int) -> bytes:
    return _element(name, value.to_bytes(8, "big"))
