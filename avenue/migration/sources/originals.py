"""From the URL of a picture that a service transforms to that of the original."""

import re
from urllib.parse import urlsplit, urlunsplit

_CLOUDINARY = re.compile(
    r"(/[^/]+/(?:image|video|raw)/(?:upload|private|authenticated))/(?:s--[\w-]+--/)?"
    # A part with a comma, or that is a transformation, is no folder if a version follows it.
    r"(?:[^/]+/)*?(v\d+/.+)"
)
_CLOUDINARY_CHANGE = re.compile(
    r"(/[^/]+/image/upload)/(?:(?:[a-z]{1,3}_[^/,]+)(?:,[a-z]{1,3}_[^/,]+)*/)+(.+)"
)
_SUPABASE = re.compile(r"/storage/v1/render/image/(public/.+)")
_SHOPIFY_SIZE = re.compile(
    r"_(?:\d+x\d*|x\d+|pico|icon|thumb|small|compact|medium|large|grande)"
    r"(?=(?:@\dx)?\.\w+\Z)"
)


def original_of(url: str) -> str:
    """Return the URL of the original of what is at `url`, which may be `url` itself.

    Supported are Cloudinary, Supabase and Shopify; others are returned unchanged.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return url
    path, query = parts.path, parts.query
    if host == "res.cloudinary.com":
        path = _of_cloudinary(path)
    elif host.endswith(".supabase.co") and (found := _SUPABASE.fullmatch(path)):
        path, query = f"/storage/v1/object/{found[1]}", ""
    elif host == "cdn.shopify.com":
        path = _SHOPIFY_SIZE.sub("", path)
    else:
        return url
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def _of_cloudinary(path: str) -> str:
    for pattern in (_CLOUDINARY, _CLOUDINARY_CHANGE):
        if found := pattern.fullmatch(path):
            return f"{found[1]}/{found[2]}"
    return path
