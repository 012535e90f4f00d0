"""Cross-site request forgery: an unsafe request with a cookie must come from our own pages.

In this order:

1. A foreign `Origin` refuses the request, even with a valid token: browsers do not lie about it, so
   a foreign page has obtained a token. Without an `Origin` (or with `null`), `Sec-Fetch-Site:
   cross-site` and `same-site` do the same.
2. Our own `Origin`, or `Sec-Fetch-Site: same-origin`, is sufficient: upload plugins of editors
   cannot send a header.
3. Shares from a phone are sent by the browser itself: `prove_share`.
4. Otherwise the token decides: header `X-CSRF-Token`, or the field `csrf_token` of a form. Only
   url-encoded forms are parsed for it; a multipart body is left to the route that streams it.
"""

from enum import Enum, auto
from urllib.parse import urlsplit

from flask import Flask, current_app, request
from flask_wtf.csrf import ValidationError, generate_csrf, validate_csrf

from avenue.errors import Forbidden
from avenue.web.hosts import current_site
from avenue.web.marks import Flag

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, section 9.2.1
HEADER = "X-CSRF-Token"
FIELD = "csrf_token"
DEFAULT_PORTS = {"http": 80, "https": 443}
shared_by_browser = Flag("is_shared_by_browser")
"""Marks a view that receives shares from a phone, which have no token of a page.

See `prove_share`. The view may only store what it receives until its owner confirms, on one of
our pages, what it is for.
"""


class CsrfFailed(Forbidden):
    """A request that changes something has a cookie, but does not come from our own pages."""

    message = "This request does not come from a page of this site."
    hint = "Reload the page and try again; programs send a Bearer token, or X-CSRF-Token."


class _Source(Enum):
    HERE = auto()
    ELSEWHERE = auto()
    UNKNOWN = auto()


def install(app: Flask) -> None:
    """Provide `{{ csrf_token() }}` to templates; a token is valid as long as its session."""
    app.config.update(WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_FIELD_NAME=FIELD)
    app.add_template_global(generate_csrf, FIELD)


def prove_own_page() -> None:
    """Raise `CsrfFailed` unless the request comes from one of our pages."""
    source = _source()
    if source is _Source.HERE or (source is _Source.UNKNOWN and _token_is_good()):
        return
    raise CsrfFailed


def prove_share() -> None:
    """Raise `CsrfFailed` unless the browser itself sent this request, or one of our pages did.

    A share target is opened by the browser, with `Sec-Fetch-Site: none` and without `Origin`. No
    page can send that: its own requests have `cross-site`, `same-site` or `same-origin`. A browser
    that does not send the header does not support share targets.
    """
    is_browsers_own = request.headers.get("Sec-Fetch-Site") == "none"
    if is_browsers_own and request.headers.get("Origin", "null") == "null":
        return
    prove_own_page()


def _source() -> _Source:
    origin = request.headers.get("Origin", "null")
    if origin != "null":
        return _Source.HERE if is_own_origin(origin) else _Source.ELSEWHERE
    match request.headers.get("Sec-Fetch-Site"):
        case "same-origin":
            return _Source.HERE
        case "same-site" | "cross-site":
            return _Source.ELSEWHERE
        case _:
            return _Source.UNKNOWN


def is_own_origin(origin: str) -> bool:
    """Return whether `origin` is the site's `base_url`, or the host of this request.

    The host counts with the scheme of `base_url` (a proxy may terminate TLS) and with https; with
    http if cookies are sent over http, so that a new `base_url` locks no one out.
    """
    sent = _parts(origin)
    return sent is not None and sent in {_parts(each) for each in own_origins()}


def own_origins() -> set[str]:
    """Return the origins that our own pages may have."""
    base = current_site().base_url
    schemes = {urlsplit(base).scheme, "https"}
    if not current_app.config["SESSION_COOKIE_SECURE"]:
        schemes.add("http")
    return {base, *(f"{scheme}://{request.host}" for scheme in schemes)}


def _parts(origin: str) -> tuple[str, str, int | None] | None:
    """Return scheme, host and port (RFC 6454, section 4), or None if it is not an origin."""
    try:
        parts = urlsplit(origin)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None


def _token_is_good() -> bool:
    sent = request.headers.get(HEADER)
    if sent is None and request.mimetype == "application/x-www-form-urlencoded":
        sent = request.form.get(FIELD)
    try:
        validate_csrf(sent)
    except ValidationError:
        return False
    return True
