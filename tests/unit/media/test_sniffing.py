"""The type of a file is told by its bytes."""

import pytest

from avenue.media.intake.sniffing import HEAD_BYTES, MEDIA_TYPES, detect
from tests import pictures

KNOWN = {
    "image/jpeg": pictures.photo(),
    "image/png": pictures.solid_png(4, 4),
    "image/gif": pictures.gif(),
    "image/webp": pictures.photo(format="WEBP"),
    "image/avif": pictures.avif(),
    "image/heic": pictures.heic(),
    "image/svg+xml": pictures.svg(),
    "application/pdf": pictures.pdf(),
    "application/zip": b"PK\x03\x04",
    "image/bmp": pictures.bmp(),
    "image/tiff": pictures.tiff(),
}


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_type_is_recognised(name: str) -> None:
    found = detect(KNOWN[name][:HEAD_BYTES])
    assert found is MEDIA_TYPES[name]


def test_the_table_above_holds_every_known_type() -> None:
    assert KNOWN.keys() == MEDIA_TYPES.keys()


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff",
        b"\xff\xd8",
        b"\x89PNG",
        b"RIFF\0\0\0\0WAVE",
        b"\0\0\0\x18ftypisom\0\0\0\0isommp42",
        b"BM is how this text begins",
        b"PK",
        b"<svgfoo>",
        b"<!-- <svg> -->",
        pictures.text_as_jpg(),
        pictures.html(),
        pictures.php(),
        b"<html><svg></svg></html>",
    ],
)
def test_what_is_none_of_them_is_nothing(head: bytes) -> None:
    assert detect(head) is None


@pytest.mark.parametrize(
    "head",
    [
        b"<svg>",
        b"\xef\xbb\xbf  <SVG xmlns='x'>",
        b"<!-- a --><!-- b > c --><svg/>",
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x.dtd"><svg/>',
        b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "b">]>\n<svg:svg>',
    ],
)
def test_an_svg_is_found_behind_whatever_xml_allows_before_it(head: bytes) -> None:
    assert detect(head) is MEDIA_TYPES["image/svg+xml"]


def test_an_avif_that_calls_itself_a_general_heif_is_an_avif() -> None:
    assert detect(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf") is MEDIA_TYPES["image/avif"]


@pytest.mark.parametrize("part", [b"<!--", b"<!-- -->", b" ", b"<?a?>", b"<!DOCTYPE [", b"<a:"])
def test_no_head_makes_the_search_slow(part: bytes) -> None:
    assert detect(part * (HEAD_BYTES // len(part))) is None


def test_a_file_that_is_two_things_is_what_it_begins_with() -> None:
    assert detect(pictures.gif_script()) is MEDIA_TYPES["image/gif"]
    assert detect(pictures.zip_tail(pictures.solid_png(4, 4))) is MEDIA_TYPES["image/png"]
