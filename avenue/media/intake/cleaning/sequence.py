"""Image sequences in AVIF and HEIC: their boxes, and the positions of their samples.

ISO/IEC 14496-12, sections 8.2 to 8.7.
"""

from collections.abc import Iterator
from itertools import pairwise

from avenue.media.intake.cleaning.boxes import Box, Edit, Numbers, Stretch, boxes_within
from avenue.media.intake.cleaning.draft import BrokenStructure

_NEEDED: dict[bytes, set[bytes]] = {
    b"moov": {b"mvhd", b"trak"},
    b"trak": {b"tkhd", b"tref", b"edts", b"mdia"},
    b"edts": {b"elst"},
    b"mdia": {b"mdhd", b"hdlr", b"minf"},
    b"minf": {b"vmhd", b"nmhd", b"dinf", b"stbl"},
    b"stbl": {
        *(b"stsd", b"stts", b"ctts", b"cslg", b"stsc", b"stsz", b"stco", b"co64"),
        *(b"stss", b"sdtp", b"sbgp", b"sgpd"),
    },
}
"""The boxes that are followed, each with its required boxes."""
_HANDLERS = {b"pict", b"auxv", b"vide"}
"""Tracks of pictures, of their alpha, of pictures again; not of audio, text or places."""


def clean_sequence(edit: Edit, moov: Box) -> list[Stretch]:
    """Blank what the sequence in `moov` does not need; return the positions of its samples."""
    samples: list[Stretch] = []
    for box in list(_walk(edit, moov)):
        if box.kind == b"stbl":
            samples += _samples(edit.data, box)
        elif box.kind == b"hdlr" and edit.data[box.body + 8 : box.body + 12] not in _HANDLERS:
            raise BrokenStructure("a track that is no picture")
    return samples


def _walk(edit: Edit, box: Box) -> Iterator[Box]:
    """Yield the needed boxes in `box`, at any depth; the others become free."""
    for inner in boxes_within(edit.data, box.body, box.end):
        if inner.kind not in _NEEDED[box.kind]:
            edit.free(inner, "unknown")
            continue
        yield inner
        if inner.kind in _NEEDED:
            yield from _walk(edit, inner)


def _samples(data: bytes, stbl: Box) -> Iterator[Stretch]:
    """Yield the positions of the samples of a track, one range for each chunk of them."""
    tables = {box.kind: box for box in boxes_within(data, stbl.body, stbl.end)}
    if not tables.keys() >= {b"stsc", b"stsz"}:
        raise BrokenStructure("a track that does not say where its samples are")
    offsets = _offsets(data, tables)
    counts = _samples_in_chunks(data, tables[b"stsc"], len(offsets))
    numbers = Numbers(data, tables[b"stsz"].body + 4, tables[b"stsz"].end)
    size, count = numbers.take("I"), numbers.take("I")
    sizes = [] if size else [each for (each,) in numbers.take_many("I", count)]
    first = 0
    for offset, in_chunk in zip(offsets, counts, strict=True):
        after = min(first + in_chunk, count)
        length = size * (after - first) if size else sum(sizes[first:after])
        if length:
            yield offset, offset + length
        first = after


def _offsets(data: bytes, tables: dict[bytes, Box]) -> list[int]:
    kind, form = (b"co64", "Q") if b"co64" in tables else (b"stco", "I")
    if kind not in tables:
        raise BrokenStructure("a track that does not say where its samples are")
    numbers = Numbers(data, tables[kind].body + 4, tables[kind].end)
    return [offset for (offset,) in numbers.take_many(form, numbers.take("I"))]


def _samples_in_chunks(data: bytes, stsc: Box, chunks: int) -> list[int]:
    """Return how many samples are in each of the `chunks`; the table has run lengths."""
    numbers = Numbers(data, stsc.body + 4, stsc.end)
    rows = numbers.take_many("III", numbers.take("I"))
    counts: list[int] = []
    for (first, in_chunk, _), (after, *_) in pairwise([*rows, (chunks + 1, 0, 0)]):
        if first != len(counts) + 1 or not first <= after <= chunks + 1:
            raise BrokenStructure("a track whose samples are in no order")
        counts += [in_chunk] * (after - first)
    if len(counts) != chunks:
        raise BrokenStructure("a track whose samples are in no order")
    return counts
