"""The normal form of addresses from before Avenue, so that each is stored and found one way.

Services that change pictures on their way write the change into the address. All of its forms lead
to the one picture that was brought in, and say how wide they want it.
"""

import re
import unicodedata
from urllib.parse import unquote_to_bytes

LONGEST_ADDRESS_CHARACTERS = 4096
LONGEST_PATH_CHARACTERS = 1024
MOST_FORMS = 32
"""Of one address that are looked for; a path of Cloudinary with so many parts is no usual one."""
SUPABASE, CF_IMAGES = "/storage/v1/object/public", "/cdn-cgi/imagedelivery"

OURS = re.compile(
    r"/(?:(?:admin|static|login|logout|preferences)(?:/.*)?|healthz|readyz|metrics|robots\.txt"
    r"|status(?:\.json|/badge\.svg)?|sitemap\.xml|sitemap/.*|site\.css|theme\.css)?"
)
"""Paths at which something else answers, whatever was brought in."""
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
    """Return the normal path of an old address, None when it is none.

    `text` is an absolute URL (its host does not matter: old records name localhost, old domains
    and CDNs) or a path, percent-encoded as in a URL. Query and fragment go, it is decoded once
    and composed (NFC), slashes and dot segments are collapsed, never above the root. The result
    begins with a slash and is plain text: it is not to be normalized again.
    """
    if len(text) > LONGEST_ADDRESS_CHARACTERS:
        return None
    address = text.strip()
    origin = _ORIGIN.match(address)
    if origin:
        address = address[origin.end() :]
    elif _SCHEME.match(address):
        return None  # data:, blob:, s3: … name no path of a site
    path = _decoded(_QUERY.split(address, maxsplit=1)[0])
    # Bounded before it is composed: that takes quadratic time for a run of combining marks.
    if path is None or len(path) > LONGEST_PATH_CHARACTERS or _CONTROLS.search(path):
        return None
    return _collapsed(unicodedata.normalize("NFC", path))


def forms_of(path: str) -> tuple[str, ...]:
    """Return the normal paths that what is asked for at `path` may be kept under, best first.

    The first is `path` itself. Which parts of a path of Cloudinary are a change of the picture and
    which are folders, only the ids that are known can tell: the longest of them wins.
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
    """Tell whether a normal path may lead to a file that was brought in."""
    return OURS.fullmatch(path) is None


def width_in(path: str, query: str) -> int | None:
    """Return how wide, in pixels, an old address wants its picture; None when it does not say."""
    is_cf = _CF_IMAGES.fullmatch(path)
    if is_cf and path.rpartition("/")[2] in THUMBS:
        return THUMB_WIDTH
    found = (is_cf or _CLOUDINARY.fullmatch(path)) and _WIDTH_IN_PATH.search(path)
    found = found or _WIDTH_IN_QUERY.search(query)
    return int(found[1]) if found else None


def without_extension(path: str) -> str:
    """Return a path without what follows the last dot of its last part."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{name.rpartition('.')[0] or name}"


def _decoded(path: str) -> str | None:
    """Decode percent signs once; what is not UTF-8 was written by a Latin-1 server."""
    try:
        raw = unquote_to_bytes(path)
    except UnicodeEncodeError:  # lone surrogates, which no URL can hold
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
