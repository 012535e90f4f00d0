"""Default security headers of every answer: no sniffing, no framing, no caching."""

from collections.abc import Mapping

from flask import Flask, Response

from avenue.config import Settings
from avenue.web.request_kinds import is_api

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
PICTURES_POLICY = PAGE_POLICY.replace(
    "img-src 'self' data:", "img-src 'self' data: blob: https: http:"
)
"""For pages with external pictures, or pictures that are just being chosen."""
FILES_POLICY = f"{PAGE_POLICY}; frame-src 'self'; media-src 'self'"
"""For pages that show a file of any type: the file has its own policy, which allows no scripts."""
STOREFRONT_POLICY = (
    PAGE_POLICY.replace("img-src 'self' data:", "img-src 'self' data: https:") + "; font-src 'self'"
)
"""The storefront shows external pictures, too, and the fonts of its theme."""
EDITOR_POLICY = (
    PICTURES_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
    + "; frame-src 'self'; font-src 'self'"
)
"""For the editor of pages: its canvas is a frame without an address and so under this policy, too,
and shows a page with the styles that are just being chosen, in the fonts of the site. Another frame
shows previews."""

TURNSTILE = "https://challenges.cloudflare.com"
HCAPTCHA = "https://hcaptcha.com https://*.hcaptcha.com"
CAPTCHA_POLICIES: Mapping[str, str] = {
    "turnstile": PAGE_POLICY.replace("script-src 'self'", f"script-src 'self' {TURNSTILE}")
    + f"; frame-src {TURNSTILE}",
    "hcaptcha": PAGE_POLICY.replace("script-src 'self'", f"script-src 'self' {HCAPTCHA}")
    .replace("style-src 'self'", f"style-src 'self' {HCAPTCHA}")
    .replace("connect-src 'self'", f"connect-src 'self' {HCAPTCHA}")
    + f"; frame-src {HCAPTCHA}",
}
"""For a page with the challenge of one of these services, as their documentation asks."""

HSTS = "max-age=31536000"


def install(app: Flask, settings: Settings) -> None:
    """Add the headers to every answer of `app`; a view's own headers are kept."""
    transport = transport_headers(settings)

    def add(response: Response) -> Response:
        headers = response.headers
        if "Allow" in headers:  # Flask has the methods as a set, in another order in each process
            headers["Allow"] = ", ".join(sorted(response.allow))
        headers.setdefault("X-Content-Type-Options", "nosniff")
        # With `no-referrer` browsers send `Origin: null` with forms, and the origin check would
        # refuse our own pages.
        headers.setdefault("Referrer-Policy", "same-origin")
        for name, value in transport:
            headers.setdefault(name, value)
        if response.mimetype == "text/html":
            headers.setdefault("Content-Security-Policy", PAGE_POLICY)
            headers.setdefault("Cache-Control", "private, no-cache")
        if is_api():
            headers.setdefault("Cache-Control", "no-store")
        return response

    app.after_request(add)


def transport_headers(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return the transport headers of every answer (RFC 6797)."""
    is_https = settings.base_url.startswith("https://")
    return (("Strict-Transport-Security", HSTS),) if is_https else ()
