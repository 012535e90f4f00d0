"""Cross-site request forgery: an unsafe request with a cookie must come from our own pages.

In this order:

1. An `Origin` that is not ours refuses the request, even with a good token: browsers do not lie
   about it, so a page elsewhere has got hold of a token. Without an `Origin` (or with `null`),
   `Sec-Fetch-Site: cross-site` and `same-site` do the same.
2. Our own `Origin`, or `Sec-Fetch-Site: same-origin`, lets it pass: upload plugins of editors
   cannot send a header.
3. What a phone shares is sent by the browser itself: `prove_share`.
4. Otherwise the token decides: header `X-CSRF-Token`, or the field `csrf_token` of a form. Only
   url-encoded forms are looked into; a multipart body is left to the route that streams it.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, request
from flask_wtf.csrf import ValidationError, generate_csrf, validate_csrf

from avenue.errors import Forbidden
from avenue.web.hosts import current_site

View = TypeVar("View", bound=Callable[..., object])

MARK = "is_shared_by_browser"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, section 9.2.1
HEADER = "X-CSRF-Token"
FIELD = "csrf_token"
DEFAULT_PORTS = {"http": 80, "https": 443}


class CsrfFailed(Forbidden):
    """A request that changes something came with a cookie, but not from our own pages."""

    code = "csrf_failed"
    message = "This request does not come from a page of this site."
    hint = "Reload the page and try again; programs send a Bearer token, or X-CSRF-Token."


class _Source(Enum):
    HERE = auto()
    ELSEWHERE = auto()
    UNKNOWN = auto()


def install(app: Flask) -> None:
    """Let templates write `{{ csrf_token() }}`; a token is good as long as its session."""
    app.config.update(WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_FIELD_NAME=FIELD)
    app.add_template_global(generate_csrf, FIELD)


def prove_own_page() -> None:
    """Raise `CsrfFailed` unless the request shows that one of our pages made it."""
    source = _source()
    if source is _Source.HERE or (source is _Source.UNKNOWN and _token_is_good()):
        return
    raise CsrfFailed


def shared_by_browser(view: View) -> View:
    """Mark a view that gets what a phone shares, which comes without a token of any page.

    See `prove_share`. What the view does may be no more than to hold what came until its owner
    says, on a page of ours, what it is for.
    """
    setattr(view, MARK, True)
    return view


def prove_share() -> None:
    """Raise `CsrfFailed` unless the browser itself made this request, or one of our pages did.

    A share target is opened by the browser, which says `Sec-Fetch-Site: none` and has no `Origin`
    to tell. No page can have that said: of its own requests it is `cross-site`, `same-site` or
    `same-origin`. A browser that does not say it has no share targets.
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
    """Tell whether `origin` is the site's `base_url`, or the host this request was let in for.

    The host counts under the scheme of `base_url` (a proxy may end TLS) and under https; under
    http where cookies travel over http, so that a new `base_url` locks nobody out.
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
    """Return scheme, host and port (RFC 6454, section 4), or None for what is no origin."""
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
