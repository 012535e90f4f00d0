"""Detects the type of any file by its bytes: pictures, documents, audio, video, archives, text.

`sniffing.py` knows picture types; here are the others, for places that accept any file. Signatures:
WHATWG MIME Sniffing, sections 6.2 (audio and video), 7.1 (HTML) and 3 (bytes that text does not
have); ISO media brands as registered at mp4ra.org; office documents by the names in the ZIP's
directory (ECMA-376 part 2, annex A) or by its first entry (OpenDocument 1.3 part 2, section 3.3);
those before 2007 by the names in the first sector of the directory ([MS-CFB] 2.6).
"""

import os
import re
from typing import BinaryIO

from avenue.media.intake.sniffing import HEAD_BYTES, MEDIA_TYPES, ZIP, MediaType, detect
from avenue.media.naming import display_name, extension_of, safe_name

PICTURES = frozenset(f"image/{kind}" for kind in ("jpeg", "png", "gif", "webp", "avif", "heic"))
"""Types that are opened as a picture and have other sizes; all others are stored unchanged."""

TEXT = MediaType(name="text/plain", extension="txt", label="TXT")
HTML = MediaType(name="text/html", extension="html", label="HTML")
XML = MediaType(name="application/xml", extension="xml", label="XML")
UNKNOWN = MediaType(name="application/octet-stream", extension="bin", label="BIN")
GZIP = MediaType(name="application/gzip", extension="gz", label="gzip")
OOXML = "application/vnd.openxmlformats-officedocument"
OASIS = "application/vnd.oasis.opendocument"


def _type(name: str, extension: str, label: str | None = None) -> MediaType:
    return MediaType(name=name, extension=extension, label=label or extension.upper())


DOCX = _type(f"{OOXML}.wordprocessingml.document", "docx", "Word")
XLSX = _type(f"{OOXML}.spreadsheetml.sheet", "xlsx", "Excel")
PPTX = _type(f"{OOXML}.presentationml.presentation", "pptx", "PowerPoint")
DOC = _type("application/msword", "doc", "Word 97")
XLS = _type("application/vnd.ms-excel", "xls", "Excel 97")
PPT = _type("application/vnd.ms-powerpoint", "ppt", "PowerPoint 97")
ODT = _type(f"{OASIS}.text", "odt")
ODS = _type(f"{OASIS}.spreadsheet", "ods")
ODP = _type(f"{OASIS}.presentation", "odp")
EPUB = _type("application/epub+zip", "epub")
RTF = _type("application/rtf", "rtf")
SEVEN_ZIP = _type("application/x-7z-compressed", "7z")
RAR = _type("application/vnd.rar", "rar")
TAR = _type("application/x-tar", "tar")
BZIP2 = _type("application/x-bzip2", "bz2", "bzip2")
XZ = _type("application/x-xz", "xz", "xz")
MP3 = _type("audio/mpeg", "mp3")
OGG = _type("audio/ogg", "ogg", "Ogg")
WAV = _type("audio/wav", "wav")
FLAC = _type("audio/flac", "flac")
AAC = _type("audio/aac", "aac")
M4A = _type("audio/mp4", "m4a")
AMR = _type("audio/amr", "amr")
MP4 = _type("video/mp4", "mp4")
MOV = _type("video/quicktime", "mov", "QuickTime")
WEBM = _type("video/webm", "webm", "WebM")
MKV = _type("video/x-matroska", "mkv", "Matroska")
AVI = _type("video/x-msvideo", "avi")
THREE_GP = _type("video/3gpp", "3gp")
OGV = _type("video/ogg", "ogv", "Ogg")
MPEG = _type("video/mpeg", "mpg")

_OTHERS = (
    *(TEXT, HTML, XML, UNKNOWN, GZIP, DOCX, XLSX, PPTX, DOC, XLS, PPT, ODT, ODS, ODP, EPUB, RTF),
    *(SEVEN_ZIP, RAR, TAR, BZIP2, XZ, MP3, OGG, WAV, FLAC, AAC, M4A, AMR),
    *(MP4, MOV, WEBM, MKV, AVI, THREE_GP, OGV, MPEG),
)
FILE_TYPES = {**MEDIA_TYPES, **{each.name: each for each in _OTHERS}}
"""Every type of a stored file, by name."""

GENERIC = frozenset(each.name for each in (TEXT, HTML, XML, ZIP, GZIP, UNKNOWN))
"""Generic types: a name keeps its own extension, such as `prices.csv`."""

NAMELESS = "file"
_EXTENSIONS = frozenset({each.extension for each in FILE_TYPES.values()} | {"jpeg", "htm"})
_BEGINNINGS = (
    (b"{\\rtf", RTF),
    (b"\x1f\x8b", GZIP),
    (b"7z\xbc\xaf\x27\x1c", SEVEN_ZIP),
    (b"Rar!\x1a\x07", RAR),
    (b"BZh", BZIP2),
    (b"\xfd7zXZ\0", XZ),
    (b"ID3", MP3),
    (b"fLaC", FLAC),
    (b"#!AMR", AMR),
    (b"\0\0\x01\xba", MPEG),
    (b"\0\0\x01\xb3", MPEG),
)
_RIFF = {b"WAVE": WAV, b"AVI ": AVI}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_STREAMS = ((b"WordDocument", DOC), (b"Workbook", XLS), (b"Book", XLS), (b"PowerPoint D", PPT))
_FOLDERS = ((b"word/", DOCX), (b"xl/", XLSX), (b"ppt/", PPTX))
_STATED = {each.name.encode(): each for each in (ODT, ODS, ODP, EPUB)}
_M4A_BRANDS = {b"M4A ", b"M4B ", b"M4P "}
_MP4_BRANDS = {b"isom", b"mp41", b"mp42", b"avc1", b"M4V ", b"dash", b"MSNV", b"mmp4", b"f4v "}
_HTML_TAGS = (
    *("html", "head", "script", "iframe", "h1", "div", "font", "table", "a", "style", "title"),
    *("b", "body", "br", "p"),
)
_HTML = re.compile(
    rb"\s*(?:<!--|<!doctype\s+html|<(?:" + "|".join(_HTML_TAGS).encode() + rb")(?=[\s>/]))",
    re.IGNORECASE,
)
_XML = re.compile(rb"\s*<\?xml[\s?]")
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_BOM_8, _BOMS_16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
# Of MPEG audio without a preceding tag: layer III and a valid bit rate (ISO/IEC 11172-3, 2.4.1.3);
# for ADTS the layer is always 0.
_MP3_FRAME = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]")
_ADTS_FRAME = re.compile(rb"\xff[\xf0\xf1\xf8\xf9][\x00-\xbf]")
_TAR_AT = 257
_TAIL_BYTES = 64 * 1024
_SECTOR_BYTES = 4096
_LOCAL, _CENTRAL = b"PK\x03\x04", b"PK\x01\x02"
_CENTRAL_NAME_AT = 46


def file_type(file: BinaryIO) -> MediaType | None:
    """Return the type of the bytes of `file`, None if unknown.

    At most its first 4 KiB and, for containers, some of its directory are read.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    found = detect(head)
    if found is ZIP:
        return _in_zip(file, head)
    if found is None and head.startswith(_OLE):
        return _in_ole(file, head)
    return found or _by_signature(head) or _written(head)


def is_told_by_its_end(head: bytes) -> bool:
    """Return whether more than the first 4 KiB is needed to determine the type.

    That is the case for a ZIP and an old office document, whose directory is elsewhere.
    """
    return detect(head) is ZIP or head.startswith(_OLE)


def file_name(raw: str, media_type: MediaType) -> str:
    """Return a client's name for a file of this type, cleaned for storing and showing.

    It gets the extension of the type; text and unknown types keep an extension that no other type
    has.
    """
    if not raw and media_type.name not in PICTURES:
        raw = NAMELESS
    own = extension_of(raw).lower()
    if media_type.name in GENERIC and own and own not in _EXTENSIONS:
        return safe_name(raw)
    return display_name(raw, media_type.extension)


def _by_signature(head: bytes) -> MediaType | None:
    for beginning, media_type in _BEGINNINGS:
        if head.startswith(beginning):
            return media_type
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    if head.startswith(b"\x1aE\xdf\xa3"):
        return WEBM if b"webm" in head[:64] else MKV
    if head.startswith(b"OggS"):
        return OGV if b"theora" in head[:64] else OGG
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    return _by_frame(head)


def _by_frame(head: bytes) -> MediaType | None:
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return TAR
    if _MP3_FRAME.match(head):
        return MP3
    return AAC if _ADTS_FRAME.match(head) else None


def _iso_media(head: bytes) -> MediaType | None:
    size = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    brands = {major, *(head[at : at + 4] for at in range(16, size, 4))}
    if major == b"qt  ":
        return MOV
    if major in _M4A_BRANDS:
        return M4A
    if major[:3] in {b"3gp", b"3g2"}:
        return THREE_GP
    return MP4 if brands & _MP4_BRANDS or any(each[:3] == b"iso" for each in brands) else None


def _in_zip(file: BinaryIO, head: bytes) -> MediaType:
    """Detect an office document, by its first entry or the names in its directory."""
    if head[30:38] == b"mimetype":
        size = int.from_bytes(head[18:22], "little")
        return _STATED.get(head[38 : 38 + size], ZIP)
    length = file.seek(0, os.SEEK_END)
    file.seek(max(0, length - _TAIL_BYTES))
    names = [
        tail[_CENTRAL_NAME_AT - len(_CENTRAL) :][:20]
        for tail in file.read(_TAIL_BYTES).split(_CENTRAL)[1:]
    ]
    if not any(each.startswith((b"[Content_Types].xml", b"_rels/")) for each in names):
        return ZIP
    for folder, media_type in _FOLDERS:
        if any(each.startswith(folder) for each in names):
            return media_type
    return ZIP


def _in_ole(file: BinaryIO, head: bytes) -> MediaType | None:
    """Detect an old office document, by the streams in the directory's first sector."""
    sector_bytes = 1 << min(int.from_bytes(head[30:32], "little"), 12)
    first = int.from_bytes(head[48:52], "little")
    file.seek((first + 1) * sector_bytes)
    directory = file.read(_SECTOR_BYTES)
    for stream, media_type in _OLE_STREAMS:
        if stream.decode().encode("utf-16-le") in directory:
            return media_type
    return None


def _written(head: bytes) -> MediaType | None:
    """Return the kind of text, None if it has bytes that text does not have."""
    if head.startswith(_BOMS_16):
        return TEXT
    text = head.removeprefix(_BOM_8)
    if not text or _NOT_IN_TEXT.search(text):
        return None
    if _HTML.match(text):
        return HTML
    return XML if _XML.match(text) else TEXT
