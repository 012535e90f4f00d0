"""Which site a request is for: the one whose host it was sent to, and no other.

No URL is made from a Host header; `Site.base_url` is what the world calls the site.
"""

from typing import Protocol, cast

from flask import Flask, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from avenue.config import Settings
from avenue.identity import Site
from avenue.web.errors import UnknownHost

WITHOUT_SITE = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that are asked by machines which know an address and no name."""


class KnowsSites(Protocol):
    """Who finds the site of a Host header."""

    def by_host(self, host: str) -> Site | None:
        """Return the site of `host` (as sent, port included), or None."""


def install(app: Flask, sites: KnowsSites, settings: Settings) -> None:
    """Let every request of `app` belong to a site, or be refused with `UnknownHost`.

    Client address and scheme are taken from `X-Forwarded-For` and `-Proto` of the nearest
    `settings.proxy_hops` proxies. `X-Forwarded-Host` is never read: many proxies pass a client's
    own on, and a shared cache in front would keep one site's page under another site's name.
    """
    hops = settings.proxy_hops
    if hops:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=0, x_port=0, x_prefix=0
        )

    def find_site() -> None:
        if request.path in WITHOUT_SITE:
            return
        host = request.headers.get("Host", "")
        site = sites.by_host(host) if host else None
        if site is None:
            raise UnknownHost
        g.site = site

    app.before_request(find_site)


def current_site() -> Site:
    """Return the site of the current request; paths in `WITHOUT_SITE` have none."""
    return cast("Site", g.site)
