"""The canonical form of old addresses, so that each is stored and found in one form.

Services that transform pictures write the transformation into the address. All such forms lead to
the imported picture, and may state a width.
"""

import re
import unicodedata
from urllib.parse import unquote_to_bytes

LONGEST_ADDRESS_CHARACTERS = 4096
LONGEST_PATH_CHARACTERS = 1024
MOST_FORMS = 32
"""Limit of forms of one address that are looked up; a Cloudinary path with more parts is unusual.
"""
SUPABASE, CF_IMAGES = "/storage/v1/object/public", "/cdn-cgi/imagedelivery"

OURS = re.compile(
    r"/(?:(?:admin|static|login|logout|preferences)(?:/.*)?|healthz|readyz|metrics|robots\.txt"
    r"|status(?:\.json|/badge\.svg)?|sitemap\.xml|sitemap/.*|site\.css|theme\.css)?"
)
"""Paths that have another route, whatever was imported."""
THUMBS, THUMB_WIDTH = frozenset({"thumb", "thumbnail"}), 200

_ORIGIN = re.compile(r"(?:https?:)?//[^/?#]*", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_QUERY = re.compile(r"[?#]")
_SUPABASE = re.compile(
    r"/storage/v1/(?:object|render/image)/(?:public|sign|authenticated)(/[^/]+/.+)"
)
_CLOUDINARY = re.compile(
    r"(?P<place>/[^/]+/(?:image|video|raw)/(?:upload|private|authenticated))/(?P<rest>.+)"
)
_CF_IMAGES = re.compile(rf"(?:{CF_IMAGES})?(?P<id>/[A-Za-z0-9_-]{{22}}/.+)/[^/]+")
_WIDTH_IN_PATH = re.compile(r"(?:\A|[/,])w[_=](\d{1,5})(?=[/,]|\Z)")
_WIDTH_IN_QUERY = re.compile(r"(?:\A|&)w(?:idth)?=(\d{1,5})(?=&|\Z)")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def legacy_path(text: str) -> str | None:
    """Return the canonical path of an old address, None if it is none.

    `text` is an absolute URL (its host does not matter: old records name localhost, old domains and
    CDNs) or a path, percent-encoded as in a URL. Query and fragment are removed, it is decoded once
    and composed (NFC), slashes and dot segments are collapsed, never above the root. The result
    begins with a slash and is plain text: it must not be normalised again.
    """
    if len(text) > LONGEST_ADDRESS_CHARACTERS:
        return None
    address = text.strip()
    origin = _ORIGIN.match(address)
    if origin:
        address = address[origin.end() :]
    elif _SCHEME.match(address):
        return None  # data:, blob:, s3: … are not paths of a site
    path = _decoded(_QUERY.split(address, maxsplit=1)[0])
    # Limited before it is composed: that takes quadratic time for a run of combining marks.
    if path is None or len(path) > LONGEST_PATH_CHARACTERS or _CONTROLS.search(path):
        return None
    return _collapsed(unicodedata.normalize("NFC", path))


def forms_of(path: str) -> tuple[str, ...]:
    """Return the canonical paths under which `path` may be stored, best first.

    The first is `path` itself. Which parts of a Cloudinary path are a transformation and which are
    folders can only be decided by the known ids: the longest match is used.
    """
    forms = [path]
    if found := _SUPABASE.fullmatch(path):
        forms.append(SUPABASE + found[1])
    elif found := _CLOUDINARY.fullmatch(path):
        segments = found["rest"].split("/")[-MOST_FORMS // 2 :]
        for first in range(len(segments)):
            rest = "/".join(segments[first:])
            forms += [f"{found['place']}/{rest}", f"{found['place']}/{without_extension(rest)}"]
    elif found := _CF_IMAGES.fullmatch(path):
        forms.append(found["id"])
    return tuple(dict.fromkeys(forms))


def can_answer(path: str) -> bool:
    """Return whether a canonical path may redirect to an imported file."""
    return OURS.fullmatch(path) is None


def width_in(path: str, query: str) -> int | None:
    """Return the width, in pixels, in an old address; None if it has none."""
    is_cf = _CF_IMAGES.fullmatch(path)
    if is_cf and path.rpartition("/")[2] in THUMBS:
        return THUMB_WIDTH
    found = (is_cf or _CLOUDINARY.fullmatch(path)) and _WIDTH_IN_PATH.search(path)
    found = found or _WIDTH_IN_QUERY.search(query)
    return int(found[1]) if found else None


def without_extension(path: str) -> str:
    """Return a path without the file extension of its last part."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{name.rpartition('.')[0] or name}"


def _decoded(path: str) -> str | None:
    """Decode percent signs once; non-UTF-8 was written by a Latin-1 server."""
    try:
        raw = unquote_to_bytes(path)
    except UnicodeEncodeError:  # lone surrogates, which no URL can contain
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _collapsed(path: str) -> str | None:
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in {"", "."}:
            kept.append(segment)
    return "/" + "/".join(kept) if kept else None
