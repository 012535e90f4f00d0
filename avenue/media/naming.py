"""File names for people: cleaned when a file is received, encoded safely in headers.

A name is only ever shown. Nothing is looked up by it, no path is made of it.
"""

import re
import unicodedata
from urllib.parse import quote

MAX_NAME_CHARACTERS = 200
"""Of a stored name. Percent-encoded UTF-8 of it has at most 2,400 bytes in a header."""

NAMELESS = "picture"

# Normalising takes quadratic time for a long run of combining marks; 1,000 characters are enough to
# find the 200 we keep.
_HEAD_CHARACTERS, _TAIL_CHARACTERS = 900, 100

_SEPARATORS = re.compile(r"[/\\]+")
_SPACES = re.compile(r"\s+")
# It must contain a letter: the end of "informe v1.2" is not an extension.
_EXTENSION = re.compile(r"\.(?=[0-9]*[A-Za-z])([A-Za-z0-9]{1,5})\Z")
# What every parser of Content-Disposition understands in the same way; RFC 6266 appendix D warns of
# \ and %.
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_ .,+@()=-]")
# attr-char of RFC 8187 section 3.2.1, besides letters and digits.
_ATTR_CHARS = "!#$&+-.^_`|~"

# Format characters that belong to words: Persian uses the first, family emoji the second. All
# others of their kind hide or reorder text.
_JOINERS = "\u200c\u200d"
_REMOVED_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})
_MEANINGLESS_AT_THE_EDGE = " ." + _JOINERS


def display_name(raw: str, extension: str) -> str:
    """Return a client's file name, cleaned for storing and showing.

    NFC, without path, control, bidi and surrogate characters, at most 200 characters, never empty.
    It ends in `extension` (of the detected type, without dot) whatever the client sent.
    """
    stem, _ = _split(raw)
    return _join(stem, extension)


def safe_name(raw: str) -> str:
    """Return a client's file name, cleaned for showing, with its own extension."""
    return _join(*_split(raw))


def extension_of(raw: str) -> str:
    """Return the extension of a client's file name, without the dot; "" if it has none."""
    return _split(raw)[1]


def content_disposition(name: str, download: bool) -> str:
    """Return a Content-Disposition value for any `name` at all: RFC 6266 with RFC 8187.

    The `filename` is plain ASCII and keeps the extension; `filename*` follows where that is not
    the whole name.
    """
    stem, extension = _split(name)
    shown, plain = _join(stem, extension), _join(_plain(stem), extension)
    kind = "attachment" if download else "inline"
    if plain == shown:
        return f'{kind}; filename="{plain}"'
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe=_ATTR_CHARS)}"


def _split(raw: str) -> tuple[str, str]:
    """Return stem and extension (without dot, may be empty) of the last part of a path, cleaned."""
    name = _SEPARATORS.split(raw.rstrip("/\\"))[-1]
    if len(name) > _HEAD_CHARACTERS + _TAIL_CHARACTERS:
        name = name[:_HEAD_CHARACTERS] + name[-_TAIL_CHARACTERS:]
    visible = "".join(filter(_is_kept, _SPACES.sub(" ", name)))
    # Spaces once more: the characters between two of them may have been removed.
    cleaned = _SPACES.sub(" ", unicodedata.normalize("NFC", visible)).strip()
    found = _EXTENSION.search(cleaned)
    return (cleaned[: found.start()], found[1]) if found else (cleaned, "")


def _join(stem: str, extension: str) -> str:
    ending = f".{extension}" if extension else ""
    stem = stem.lstrip(_MEANINGLESS_AT_THE_EDGE)[: MAX_NAME_CHARACTERS - len(ending)]
    return (stem.rstrip(_MEANINGLESS_AT_THE_EDGE) or NAMELESS) + ending


def _is_kept(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in _REMOVED_CATEGORIES


def _plain(stem: str) -> str:
    """Return `stem` in ASCII without accents and other scripts, `_` for unsafe characters."""
    letters = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode("ascii")
    return _SPACES.sub(" ", _NOT_PLAIN.sub("_", letters))
