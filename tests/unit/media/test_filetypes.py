"""Any file's type is told by its bytes, and its name ends as its type does."""

import io
import struct
import zipfile

from hypothesis import given, strategies as st

from avenue.media.intake.filetypes import (
    FILE_TYPES,
    PICTURES,
    file_name,
    file_type,
    is_told_by_its_end,
)
from avenue.media.intake.sniffing import HEAD_BYTES, MEDIA_TYPES
from tests import pictures
from tests.table import table
from tests.unit.media.test_sniffing import KNOWN as SNIFFED

OOXML = "application/vnd.openxmlformats-officedocument"
OASIS = "application/vnd.oasis.opendocument"
CONTENT_TYPES = "[Content_Types].xml"


def zipped(*names: str, stated: str = "") -> bytes:
    """A ZIP with files of these names; an OpenDocument states its type first."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        if stated:
            writer.writestr(zipfile.ZipInfo("mimetype"), stated)
        for name in names:
            writer.writestr(name, b"x" * 50_000)
    return archive.getvalue()


def ole(stream: str) -> bytes:
    """An old office document: header, one sector, and the directory in the next."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    header[30:32] = struct.pack("<H", 9)
    header[48:52] = struct.pack("<I", 1)
    directory = "Root Entry".encode("utf-16-le").ljust(128, b"\0") + stream.encode("utf-16-le")
    return bytes(header) + bytes(512) + directory.ljust(512, b"\0")


def iso(brand: bytes, *others: bytes) -> bytes:
    """The first box of an ISO media file."""
    body = brand + bytes(4) + b"".join(others)
    return struct.pack(">I", 8 + len(body)) + b"ftyp" + body + bytes(64)


def ogg(codec: bytes) -> bytes:
    return b"OggS" + bytes(24) + codec.ljust(40, b"\0")


KNOWN = {
    **SNIFFED,
    "text/plain": b"Hola, \xc3\xb1and\xc3\xba.\n",
    "text/html": b"  <!DOCTYPE html><title>x</title>",
    "application/xml": b'<?xml version="1.0"?><gpx/>',
    "application/octet-stream": None,
    "application/gzip": b"\x1f\x8b\x08\0",
    f"{OOXML}.wordprocessingml.document": zipped(CONTENT_TYPES, "_rels/.rels", "word/document.xml"),
    f"{OOXML}.spreadsheetml.sheet": zipped(CONTENT_TYPES, "xl/workbook.xml"),
    f"{OOXML}.presentationml.presentation": zipped("_rels/.rels", "ppt/a.xml", CONTENT_TYPES),
    "application/msword": ole("WordDocument"),
    "application/vnd.ms-excel": ole("Workbook"),
    "application/vnd.ms-powerpoint": ole("PowerPoint Document"),
    f"{OASIS}.text": zipped("content.xml", stated=f"{OASIS}.text"),
    f"{OASIS}.spreadsheet": zipped("content.xml", stated=f"{OASIS}.spreadsheet"),
    f"{OASIS}.presentation": zipped("content.xml", stated=f"{OASIS}.presentation"),
    "application/epub+zip": zipped("a.xhtml", stated="application/epub+zip"),
    "application/rtf": b"{\\rtf1\\ansi x}",
    "application/x-7z-compressed": b"7z\xbc\xaf\x27\x1c\0\4",
    "application/vnd.rar": b"Rar!\x1a\x07\x01\0",
    "application/x-tar": b"a.txt".ljust(257, b"\0") + b"ustar\0" + b"00",
    "application/x-bzip2": b"BZh91AY&SY",
    "application/x-xz": b"\xfd7zXZ\0\0\4",
    "audio/mpeg": b"ID3\4\0\0\0\0",
    "audio/ogg": ogg(b"OpusHead"),
    "audio/wav": b"RIFF\x24\0\0\0WAVEfmt ",
    "audio/flac": b"fLaC\0\0\0\x22",
    "audio/aac": b"\xff\xf1\x50\x80\0\0",
    "audio/mp4": iso(b"M4A ", b"isom", b"mp42"),
    "audio/amr": b"#!AMR\n\x3c",
    "video/mp4": iso(b"isom", b"iso2", b"avc1"),
    "video/quicktime": iso(b"qt  "),
    "video/webm": b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\xf7\x81\1B\xf2\x81\4B\xf3\x81\x08B\x82\x84webm",
    "video/x-matroska": b"\x1aE\xdf\xa3\xa3B\x86\x81\1B\x82\x88matroska",
    "video/x-msvideo": b"RIFF\x24\0\0\0AVI LIST",
    "video/3gpp": iso(b"3gp5", b"isom"),
    "video/ogg": ogg(b"\x80theora"),
    "video/mpeg": b"\0\0\x01\xba\x44",
}


@table("name", KNOWN)
def test_every_known_type_is_recognised(name: str) -> None:
    data = KNOWN[name]
    if data is None:
        assert file_type(io.BytesIO(b"\0\1\2\3")) is None
    else:
        assert file_type(io.BytesIO(data)) is FILE_TYPES[name]


def test_the_table_above_holds_every_known_type() -> None:
    assert KNOWN.keys() == FILE_TYPES.keys()
    assert PICTURES <= MEDIA_TYPES.keys() <= FILE_TYPES.keys()
    assert all(each.name == name for name, each in FILE_TYPES.items())


@table(
    "data, name",
    [
        (b"<script>alert(1)</script>", "text/html"),
        (b"\xef\xbb\xbf\n<HTML>", "text/html"),
        (b"<!-- x --><b>bold</b>", "text/html"),
        (b"<bold>no tag of HTML</bold>", "text/plain"),
        (b"alert(document.cookie)", "text/plain"),
        (b"a;b\r\n1;2\r\n", "text/plain"),
        ("señal".encode("latin-1"), "text/plain"),
        ("hola".encode("utf-16"), "text/plain"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xfb\xf0\x64", "text/plain"),
        (b"MZ\x90\0\3\0", None),
        (b"\x7fELF\2\1\1\0", None),
        (b"text, then a zero\0", None),
        (ole("Something else"), None),
        (zipped("word/only.xml"), "application/zip"),
        (zipped("a.txt", stated="application/java"), "application/zip"),
        (zipped(*(f"{n}.txt" for n in range(300)), CONTENT_TYPES), "application/zip"),
        (b"PK\x03\x04", "application/zip"),
        (b"\xef\xbb\xbf", None),
        (b"", None),
    ],
)
def test_what_is_close_to_something_is_what_it_is(data: bytes, name: str | None) -> None:
    found = file_type(io.BytesIO(data))
    assert (found.name if found else None) == name


PARTS = st.sampled_from([each for each in KNOWN.values() if each]) | st.binary(max_size=600)


@given(st.lists(PARTS, max_size=3), st.integers(0, 700))
def test_no_bytes_break_it_and_what_looks_like_text_has_no_zero(
    parts: list[bytes], cut: int
) -> None:
    data = b"".join(parts)[cut:]
    found = file_type(io.BytesIO(data))
    if found in {FILE_TYPES["text/html"], FILE_TYPES["application/xml"]}:
        assert b"\0" not in data[:4096]
    if found is FILE_TYPES["text/plain"] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        assert b"\0" not in data[:4096]


@table(
    "raw, media_type, name",
    [
        ("precios.csv", "text/plain", "precios.csv"),
        ("app.JS", "text/plain", "app.JS"),
        ("page.html", "text/plain", "page.txt"),
        ("foto.jpg", "text/plain", "foto.txt"),
        ("LEEME", "text/plain", "LEEME.txt"),
        ("notas.md", "text/html", "notas.md"),
        ("index.htm", "text/html", "index.html"),
        ("virus.exe", "application/pdf", "virus.pdf"),
        ("carta.pdf", "application/octet-stream", "carta.bin"),
        ("datos.dat", "application/octet-stream", "datos.dat"),
        ("backup.tgz", "application/gzip", "backup.tgz"),
        ("ruta.gpx", "application/xml", "ruta.gpx"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("foto.png", "image/jpeg", "foto.jpg"),
        ("", "application/pdf", "file.pdf"),
        ("", "image/png", "picture.png"),
    ],
)
def test_a_name_ends_as_the_type_does(raw: str, media_type: str, name: str) -> None:
    assert file_name(raw, FILE_TYPES[media_type]) == name


def test_a_name_stays_when_it_is_told_again() -> None:
    for media_type in FILE_TYPES.values():
        once = file_name("informe.xyz", media_type)
        assert file_name(once, media_type) == once


def test_a_picture_with_a_page_behind_it_is_a_picture() -> None:
    data = pictures.solid_png(4, 4) + b"<html><script>alert(1)</script>"
    assert file_type(io.BytesIO(data)) is FILE_TYPES["image/png"]


@given(
    st.sampled_from([*filter(None, KNOWN.values()), b"\0", b""]),
    st.sampled_from([zipped(CONTENT_TYPES, "word/a.xml"), ole("Workbook"), bytes(99)]),
)
def test_more_bytes_change_no_type_but_those_told_by_their_end(data: bytes, more: bytes) -> None:
    head = data.ljust(HEAD_BYTES, b" ")
    if not is_told_by_its_end(head):
        assert file_type(io.BytesIO(head + more)) == file_type(io.BytesIO(head))


def test_what_is_told_by_its_end() -> None:
    told = {name for name, data in KNOWN.items() if data and is_told_by_its_end(data)}
    office = {name for name in KNOWN if "officedocument" in name or "opendocument" in name}
    old = {"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"}
    assert told == office | old | {"application/zip", "application/epub+zip"}
