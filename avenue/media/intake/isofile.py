"""Parses an AVIF or HEIC file: nested boxes (ISO/IEC 14496-12, 23008-12).

A picture is an item, and its size one of its properties (`ispe`); a large one is composed of many.
An animation is a track, and the number of its samples is in a table (`stsz`).
"""

import struct
from collections.abc import Iterator

MOST_BOXES = 10_000
"""A phone photo has less than a hundred."""

_FULL_BOX_BYTES = 4  # version and flags
_TO_SAMPLES = (b"mdia", b"minf", b"stbl")


def size_and_frames(data: bytes) -> tuple[int, int, int]:
    """Return width and height of the largest picture in `data`, and the frames of an animation.

    The largest is the picture itself: the others are its parts, a preview and a mask. Raise
    ValueError or struct.error if there is none.
    """
    width, height, frames = 0, 0, 1
    for kind, body in _boxes(data):
        if kind == b"meta":
            for across, down in _sizes_of_items(body[_FULL_BOX_BYTES:]):
                if across * down > width * height:
                    width, height = across, down
        elif kind == b"moov":
            frames = max([frames, *_samples_of_tracks(body)])
    if not width * height:
        raise ValueError("a file without a picture")
    return width, height, frames


def _sizes_of_items(meta: memoryview) -> Iterator[tuple[int, int]]:
    for properties in _inside(meta, b"iprp", b"ipco"):
        for kind, body in _boxes(properties):
            if kind == b"ispe":
                yield struct.unpack_from(">II", body, _FULL_BOX_BYTES)


def _samples_of_tracks(movie: memoryview) -> Iterator[int]:
    for samples in _inside(movie, b"trak", *_TO_SAMPLES):
        for kind, body in _boxes(samples):
            if kind in {b"stsz", b"stz2"}:
                (count,) = struct.unpack_from(">I", body, _FULL_BOX_BYTES + 4)
                yield count


def _inside(body: memoryview, *path: bytes) -> Iterator[memoryview]:
    """Yield the contents of the boxes along `path`, each of which may occur several times."""
    if not path:
        yield body
        return
    for kind, inner in _boxes(body):
        if kind == path[0]:
            yield from _inside(inner, *path[1:])


def _boxes(data: bytes | memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield kind and body of each box in `data`; bytes after the last one are ignored."""
    view, at = memoryview(data), 0
    for _ in range(MOST_BOXES):
        if at + 8 > len(view):
            return
        size, kind = struct.unpack_from(">I4s", view, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", view, at + 8)
            head = 16
        elif size == 0:
            size = len(view) - at
        if size < head:
            return
        yield kind, view[at + head : at + size]
        at += size
    raise ValueError("too many boxes")
