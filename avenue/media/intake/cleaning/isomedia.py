"""AVIF and HEIC: blanks in place what is not a picture, and cuts off the end.

The parts of such a file refer to each other by position, so nothing before the end may move.
Blanked are items that are not pictures (EXIF, XMP, …), all media data that no picture refers to,
and boxes a picture does not need, which become `free`. A file with references this module cannot
follow is refused. Names that programs give to items, and the previews a HEIC keeps as separate
pictures, stay.

ISO/IEC 14496-12, section 8.11 (meta); ISO/IEC 23008-12 (HEIF, with its annex A for EXIF).
"""

import struct
from bisect import bisect_right
from dataclasses import dataclass

from avenue.media.intake.cleaning.boxes import Box, Edit, Numbers, Stretch, box_at, boxes_within
from avenue.media.intake.cleaning.draft import BrokenStructure, Cleaned
from avenue.media.intake.cleaning.metadata import exif_names, minimal_exif, xmp_names
from avenue.media.intake.cleaning.sequence import clean_sequence

_TOP = {b"ftyp", b"meta", b"mdat", b"moov"}
_META = {b"hdlr", b"dinf", b"pitm", b"iinf", b"iref", b"iprp", b"iloc", b"idat", b"grpl"}
_PROPERTIES = {
    *(b"ispe", b"pixi", b"colr", b"pasp", b"irot", b"imir", b"clap", b"rloc", b"lsel", b"auxC"),
    *(b"a1op", b"a1lx", b"av1C", b"hvcC", b"lhvC", b"avcC", b"vvcC", b"jpgC", b"tols", b"oinf"),
    *(b"clli", b"cclv", b"mdcv", b"amve", b"ndwt", b"reve", b"iscl"),
}
_PICTURES = {
    *(b"av01", b"hvc1", b"hvt1", b"lhv1", b"avc1", b"vvc1", b"jpeg", b"j2k1", b"unci"),
    *(b"grid", b"iovl", b"iden", b"tmap"),
}
_EXIF, _XMP, _MIME = b"Exif", b"XMP", b"mime"
_XMP_TYPE = b"application/rdf+xml\0"
_EMPTY_EXIF = bytes(4) + minimal_exif(1)
"""The start of the EXIF, and its only tag: the picture is upright. `irot` and `imir` rotate it."""
_EMPTY_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
_IN_FILE, _IN_IDAT = 0, 1
_SIZES = {0: "", 4: "I", 8: "Q"}


@dataclass(frozen=True, slots=True)
class _Item:
    kind: bytes
    stretches: list[Stretch]


def clean(data: bytes) -> Cleaned:
    """Clean an AVIF or HEIC; see `avenue.media.intake.cleaning.clean`."""
    edit = Edit(data)
    boxes = _top_boxes(data)
    needed, media = _needed(boxes)
    kept = {box.start for box in (*needed.values(), *media)}
    end = max(box.end for box in boxes if box.start in kept)
    for box in boxes:
        if box.start not in kept and box.end <= end:
            edit.free(box, "unknown")
    samples = clean_sequence(edit, needed[b"moov"]) if b"moov" in needed else []
    _meta(edit, needed[b"meta"], samples, [(box.body, box.end) for box in media])
    return edit.finish(end)


def _top_boxes(data: bytes) -> list[Box]:
    """Return the boxes up to the end of the valid ones, or to the start of another file."""
    boxes: list[Box] = []
    at = 0
    while at < len(data) and not (boxes and data[at + 4 : at + 8] == b"ftyp"):
        try:
            box = box_at(data, at, len(data))
        except BrokenStructure:
            if data[at + 4 : at + 8] in _TOP:
                raise  # the picture itself is truncated
            break
        boxes.append(box)
        at = box.end
    return boxes


def _needed(boxes: list[Box]) -> tuple[dict[bytes, Box], list[Box]]:
    """Return the relevant boxes, of each kind the first, and all with media data."""
    needed: dict[bytes, Box] = {}
    for box in boxes:
        if box.kind in _TOP:
            needed.setdefault(box.kind, box)
    if b"ftyp" not in needed or b"meta" not in needed:
        raise BrokenStructure("an ISO media file without the list of its pictures")
    needed.pop(b"mdat", None)
    return needed, [box for box in boxes if box.kind == b"mdat"]


def _meta(edit: Edit, meta: Box, samples: list[Stretch], media: list[Stretch]) -> None:
    """Blank all `media` data except pictures: the items of `meta`, and a sequence's `samples`."""
    data = edit.data
    found: dict[bytes, Box] = {}
    for box in boxes_within(data, meta.body + 4, meta.end):
        if box.kind not in _META or box.kind in found:
            is_xml = box.kind == b"xml "
            edit.free(box, *(xmp_names(data[box.body : box.end]) if is_xml else {"unknown"}))
        else:
            found[box.kind] = box
    if not found.keys() >= {b"iinf", b"iloc"}:
        raise BrokenStructure("an ISO media file without the list of its pictures")
    if b"iprp" in found:
        _properties(edit, found[b"iprp"])
    idat = found.get(b"idat")
    items = _items(data, found[b"iloc"], _kinds(data, found[b"iinf"]), idat)
    pictures = [each for item in items if item.kind in _PICTURES for each in item.stretches]
    others = [item for item in items if item.kind not in _PICTURES]
    metadata = [each for item in others for each in item.stretches]
    regions = sorted([*media, (idat.body, idat.end)] if idat else media)
    _check([*pictures, *samples], metadata, regions)
    for item in others:
        _blank(edit, item)
    _blank_gaps(edit, [*pictures, *samples, *metadata], regions)


# Items


def _kinds(data: bytes, iinf: Box) -> dict[int, bytes]:
    """Return the type of each item: four letters, or `XMP`."""
    kinds: dict[int, bytes] = {}
    first = iinf.body + 4 + (2 if data[iinf.body] == 0 else 4)
    for box in boxes_within(data, first, iinf.end):
        if box.kind != b"infe" or data[box.body] not in {2, 3}:
            raise BrokenStructure("an item described in a way no picture uses")
        form = ">4xH2x4s" if data[box.body] == 2 else ">4xI2x4s"  # noqa: PLR2004 - its version
        number, kind = struct.unpack_from(form, data, box.body)
        if kind == _MIME and _is_xmp(data[box.body + struct.calcsize(form) : box.end]):
            kind = _XMP
        if number in kinds:
            raise BrokenStructure("two items of one number")
        kinds[number] = kind
    return kinds


def _is_xmp(strings: bytes) -> bool:
    """Return whether the second of the `strings`, an item's name and media type, is that of XMP."""
    return strings.partition(b"\0")[2].startswith(_XMP_TYPE)


def _items(data: bytes, iloc: Box, kinds: dict[int, bytes], idat: Box | None) -> list[_Item]:
    """Return the items that have bytes, with their positions."""
    numbers = Numbers(data, iloc.body, iloc.end)
    version = numbers.take("B3x")
    forms = _forms(numbers.take("H"))
    item_form = "I" if version == 2 else "H"  # noqa: PLR2004 - the first with large numbers
    items: list[_Item] = []
    for _ in range(numbers.take(item_form)):
        number = numbers.take(item_form)
        construction = numbers.take("H") & 15 if version else _IN_FILE
        outside = numbers.take("H")
        start = numbers.take(forms.base) + _beginning(construction, outside, idat)
        if number not in kinds:
            raise BrokenStructure("an item that is not described, or placed twice")
        items.append(_Item(kinds.pop(number), _stretches(numbers, forms, start, bool(version))))
    return items


@dataclass(frozen=True, slots=True)
class _Forms:
    """The number formats of an `iloc` box, in struct's terms; empty if omitted."""

    offset: str
    length: str
    base: str
    index: str


def _forms(sizes: int) -> _Forms:
    offset, length, base, index = (_SIZES.get(sizes >> shift & 15) for shift in (12, 8, 4, 0))
    if offset is None or not length or base is None or index is None:
        raise BrokenStructure("items placed in a way no picture uses")
    return _Forms(offset, length, base, index)


def _stretches(numbers: Numbers, forms: _Forms, start: int, indexed: bool) -> list[Stretch]:
    stretches: list[Stretch] = []
    for _ in range(numbers.take("H")):
        if indexed:
            numbers.take(forms.index)
        at = start + numbers.take(forms.offset)
        stretches.append((at, at + numbers.take(forms.length)))
    return stretches


def _beginning(construction: int, outside: int, idat: Box | None) -> int:
    if not outside and construction == _IN_FILE:
        return 0
    if not outside and construction == _IN_IDAT and idat:
        return idat.body
    raise BrokenStructure("an item that is in another file or within another item")


def _blank(edit: Edit, item: _Item) -> None:
    """Overwrite an item with an empty one of its kind, because programs fail on damaged ones."""
    content = b"".join(edit.data[start:end] for start, end in item.stretches)
    names, empty, padding = {"unknown"}, b"", b"\0"
    if item.kind == _EXIF:
        names, empty = _exif_names(content), _EMPTY_EXIF
    elif item.kind == _XMP:
        names, empty, padding = xmp_names(content), _EMPTY_XMP, b" "
    if len(empty) > len(content):
        empty = b""
    empty = empty.ljust(len(content), padding)
    if empty == content:
        return
    at = 0
    for start, end in item.stretches:
        edit.put(start, empty[at : at + end - start], *names)
        at += end - start


def _exif_names(content: bytes) -> set[str]:
    """Return the metadata in an EXIF item, whose first four bytes are the offset of the block."""
    begins = int.from_bytes(content[:4], "big")
    return exif_names(content[4 + begins :])


def _properties(edit: Edit, iprp: Box) -> None:
    """Blank descriptions, dates and all other properties that are not of a picture.

    The boxes stay in their places and keep their types: pictures refer to them by number.
    """
    for box in boxes_within(edit.data, iprp.body, iprp.end):
        if box.kind == b"ipco":
            for each in boxes_within(edit.data, box.body, box.end):
                if each.kind not in _PROPERTIES:
                    edit.zero(each.body, each.end, "unknown")
        elif box.kind != b"ipma":
            edit.free(box, "unknown")


# Stretches


def _check(kept: list[Stretch], metadata: list[Stretch], regions: list[Stretch]) -> None:
    """Refuse ranges outside the media data, and metadata that shares bytes with anything."""
    starts = [start for start, _ in regions]
    for start, end in (*kept, *metadata):
        at = bisect_right(starts, start) - 1
        if at < 0 or not start < end <= regions[at][1]:
            raise BrokenStructure("an item outside of the media data")
    marked = sorted([(*each, False) for each in kept] + [(*each, True) for each in metadata])
    kept_to = metadata_to = 0
    for start, end, is_metadata in marked:
        if start < metadata_to or (is_metadata and start < kept_to):
            raise BrokenStructure("metadata that shares its bytes with something else")
        if is_metadata:
            metadata_to = end
        else:
            kept_to = max(kept_to, end)


def _blank_gaps(edit: Edit, used: list[Stretch], regions: list[Stretch]) -> None:
    """Blank what none of the `used` ranges covers in the `regions`, which contain all of them."""
    stretches = iter(sorted(used))
    stretch = next(stretches, None)
    for region_start, region_end in regions:
        reached = region_start
        while stretch and stretch[0] < region_end:
            edit.zero(reached, max(reached, stretch[0]), "gap")
            reached = max(reached, stretch[1])
            stretch = next(stretches, None)
        edit.zero(reached, region_end, "gap")
