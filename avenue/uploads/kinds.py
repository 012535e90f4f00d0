"""Kinds of files for people, and which of them a page can show."""

from enum import StrEnum

from avenue.media.intake.filetypes import DOC, EPUB, FILE_TYPES, HTML, RTF, TEXT, UNKNOWN, XML
from avenue.media.intake.sniffing import PDF


class Kind(StrEnum):
    """A kind of file, as a filter of lists."""

    PICTURE = "picture"
    PDF = "pdf"
    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"
    DOCUMENT = "document"
    OTHER = "other"


_BY_NAME = {
    PDF.name: Kind.PDF,
    UNKNOWN.name: Kind.OTHER,
    **dict.fromkeys((TEXT.name, HTML.name, XML.name), Kind.TEXT),
    **dict.fromkeys((DOC.name, RTF.name, EPUB.name), Kind.DOCUMENT),
}
_BY_BEGINNING = {
    "image/": Kind.PICTURE,
    "video/": Kind.VIDEO,
    "audio/": Kind.AUDIO,
    "application/vnd.ms-": Kind.DOCUMENT,
    "application/vnd.openxmlformats-": Kind.DOCUMENT,
    "application/vnd.oasis.": Kind.DOCUMENT,
}
MOST_TEXT_BYTES = 1024 * 1024
"""Larger texts are not shown on a page: a browser lays all of it out at once."""

_PLAYED = frozenset(
    {f"video/{kind}" for kind in ("mp4", "webm", "ogg", "quicktime")}
    | {f"audio/{kind}" for kind in ("mpeg", "mp4", "ogg", "wav", "flac", "aac")}
)


def kind_of(media_type: str) -> Kind:
    """Return the kind of a `media_type`."""
    known = _BY_NAME.get(media_type)
    if known:
        return known
    found = (kind for start, kind in _BY_BEGINNING.items() if media_type.startswith(start))
    return next(found, Kind.OTHER)


def types_of(kind: Kind) -> tuple[str, ...]:
    """Return the media types of a kind."""
    return tuple(sorted(name for name in FILE_TYPES if kind_of(name) is kind))


def preview_of(media_type: str, length_bytes: int, *, is_picture: bool) -> Kind | None:
    """Return the kind of preview of a file, None for none.

    What browsers could execute (HTML, SVG, XML) is delivered as a download and never shown.
    """
    kind = kind_of(media_type)
    match kind:
        case Kind.PICTURE:
            return kind if is_picture else None
        case Kind.PDF:
            return kind
        case Kind.VIDEO | Kind.AUDIO:
            return kind if media_type in _PLAYED else None
        case Kind.TEXT:
            return kind if media_type == TEXT.name and length_bytes <= MOST_TEXT_BYTES else None
        case _:
            return None
