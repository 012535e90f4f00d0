"""Pictures that live elsewhere, in the sizes that the services which keep them make themselves.

Only forms that need no setting at the service: one that it may refuse would show no picture at all.
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
"""Of an address that has one of these only the whole is good."""
# Changed already, or signed: then it is shown as it was written.
_PLAIN = re.compile(r"(/[^/]+/image/upload)(/v\d+/.+)")


def sized(url: str, width: int) -> str | None:
    """Return where a service has the picture at `url` `width` pixels wide; None where unknown."""
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
    """Return the address with the width; None when it says one already, or is signed."""
    if {each for each, _ in pairs} & {name, "height", "h", *SIGNED}:
        return None
    query = urlencode([*pairs, (name, str(width))])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
