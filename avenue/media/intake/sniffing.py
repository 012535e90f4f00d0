"""Detects the type of a file by its first bytes, never by its name.

It knows the types that browsers show and those that people upload by mistake, so that a refusal can
say what was sent. Signatures: PNG, JPEG, GIF, BMP and WebP as in the WHATWG MIME Sniffing standard,
section 6; ISO media brands as in ISO/IEC 23008-12 (HEIF) and the AVIF specification, section 6;
TIFF 6.0 section 2 and BigTIFF; PDF (ISO 32000-1, 7.5.2); ZIP (APPNOTE 4.3.7 and, for an empty one,
4.3.16).
"""

import re
from dataclasses import dataclass

HEAD_BYTES = 4096
"""How many bytes `detect` needs: an SVG may begin with a long comment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaType:
    """A file type: media type, file extension, and its name with article."""

    name: str
    extension: str
    label: str


JPEG = MediaType(name="image/jpeg", extension="jpg", label="JPEG")
PNG = MediaType(name="image/png", extension="png", label="PNG")
GIF = MediaType(name="image/gif", extension="gif", label="GIF")
WEBP = MediaType(name="image/webp", extension="webp", label="WebP")
AVIF = MediaType(name="image/avif", extension="avif", label="AVIF")
HEIC = MediaType(name="image/heic", extension="heic", label="HEIC")
SVG = MediaType(name="image/svg+xml", extension="svg", label="SVG")
PDF = MediaType(name="application/pdf", extension="pdf", label="PDF")
ZIP = MediaType(name="application/zip", extension="zip", label="ZIP")
BMP = MediaType(name="image/bmp", extension="bmp", label="BMP")
TIFF = MediaType(name="image/tiff", extension="tif", label="TIFF")

MEDIA_TYPES = {
    each.name: each for each in (JPEG, PNG, GIF, WEBP, AVIF, HEIC, SVG, PDF, ZIP, BMP, TIFF)
}

_BEGINNINGS = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"%PDF-", PDF),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
# What may precede the root element of an XML document is skipped item by item. (Not with one
# pattern: Python before 3.11.5 forgets how far a possessive group has got.)
_BLANKS = re.compile(rb"\s*")
_DOCTYPE = re.compile(rb"<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>", re.IGNORECASE)
_SVG_ROOT = re.compile(rb"<(?:\w+:)?svg[\s>/]", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"


def detect(head: bytes) -> MediaType | None:
    """Return the type of a file that begins with `head` (`HEAD_BYTES` are enough), or None."""
    for beginning, media_type in _BEGINNINGS:
        if head.startswith(beginning):
            return media_type
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return BMP
    return SVG if _is_svg(head[:HEAD_BYTES]) else None


def _iso_media(head: bytes) -> MediaType | None:
    """Return the type by the brands of an ISO media file: an AVIF may begin with `mif1`."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, size, 4))}
    if brands & _AVIF_BRANDS:
        return AVIF
    return HEIC if brands & _HEIC_BRANDS else None


def _is_svg(head: bytes) -> bool:
    at = len(_BOM) if head.startswith(_BOM) else 0
    while True:
        at = _end(_BLANKS.match(head, at))
        if head.startswith(b"<?", at):
            after = head.find(b">", at) + 1
        elif head.startswith(b"<!--", at):
            after = head.find(b"-->", at + 4) + 3
        elif doctype := _DOCTYPE.match(head, at):
            after = doctype.end()
        else:
            return _SVG_ROOT.match(head, at) is not None
        if after <= at:
            return False
        at = after


def _end(match: re.Match[bytes] | None) -> int:
    return match.end() if match else 0
