"""External pictures in other sizes, for services that generate them by URL parameters.

Only forms that need no configuration at the service: a refused one would show no picture at all.
"""

import re
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

CLOUDINARY = "res.cloudinary.com"
BY_QUERY = {
    "cdn.shopify.com": "width",
    "images.unsplash.com": "w",
    "images.ctfassets.net": "w",
}
IMGIX, IMGIX_WIDTH = ".imgix.net", "w"
SIGNED = frozenset({"s", "ixid", "expires", "signature"})
"""Parameters of signed addresses, which must not be changed."""
# Transformed already, or signed: then it is used as written.
_PLAIN = re.compile(r"(/[^/]+/image/upload)(/v\d+/.+)")


def sized(url: str, width: int) -> str | None:
    """Return the URL of the picture at `url` with this `width` in pixels; None if unknown."""
    try:
        parts = urlsplit(url)
        host, pairs = parts.hostname or "", parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return None
    if any(map(str.isspace, url)):  # an address in a `srcset` ends there
        return None
    if host == CLOUDINARY and (found := _PLAIN.fullmatch(parts.path)):
        path = f"{found[1]}/c_limit,w_{width}{found[2]}"
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
    name = IMGIX_WIDTH if host.endswith(IMGIX) else BY_QUERY.get(host)
    return _with(parts, name, width, pairs) if name else None


def _with(parts: SplitResult, name: str, width: int, pairs: list[tuple[str, str]]) -> str | None:
    """Return the address with the width; None if it has one already, or is signed."""
    if {each for each, _ in pairs} & {name, "height", "h", *SIGNED}:
        return None
    query = urlencode([*pairs, (name, str(width))])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
