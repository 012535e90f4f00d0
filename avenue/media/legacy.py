"""The normal form of addresses from before Avenue, so that each is stored and found one way."""

import re
import unicodedata
from urllib.parse import unquote_to_bytes

LONGEST_ADDRESS_CHARACTERS = 4096
LONGEST_PATH_CHARACTERS = 1024

_ORIGIN = re.compile(r"(?:https?:)?//[^/?#]*", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_QUERY = re.compile(r"[?#]")
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
