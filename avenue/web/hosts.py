"""Determines the site of a request by its host, and by nothing else.

No URL is made from a Host header; `Site.base_url` is the public address of the site.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlsplit, urlunsplit

from flask import Flask, g, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import RequestRedirect

from avenue.config import Settings
from avenue.identity import Site, SiteState
from avenue.web.errors import SiteNotReady, SiteRemoved, UnknownHost
from avenue.web.request_kinds import WITHOUT_SITE
from avenue.web.requestlog import SITE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ADDRESS_AND_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|([0-9.]+):\d+")


class KnowsSites(Protocol):
    """Finds the site of a Host header."""

    def by_host(self, host: str) -> Site | None:
        """Return the site of `host` (as sent, port included), or None."""


def install(app: Flask, sites: KnowsSites, settings: Settings) -> None:
    """Set the site of every request of `app`, or refuse it with `UnknownHost`.

    Client address and scheme are taken from `X-Forwarded-For` and `-Proto` of the nearest
    `settings.proxy_hops` proxies. `X-Forwarded-Host` is never read: many proxies pass a client's
    own on, and a shared cache in front would keep one site's page under another site's name.
    """
    hops = settings.proxy_hops
    if hops:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            _without_port(app.wsgi_app), x_for=hops, x_proto=hops, x_host=0, x_port=0, x_prefix=0
        )

    def find_site() -> None:
        if request.path in WITHOUT_SITE:
            return
        host = request.headers.get("Host", "")
        site = sites.by_host(host) if host else None
        if site is None:
            raise UnknownHost
        if not site.is_open:
            raise SiteNotReady if site.state is SiteState.PREPARING else SiteRemoved
        g.site = site
        request.environ[SITE] = site.id
        wrong = request.routing_exception
        if isinstance(wrong, RequestRedirect):  # a doubled slash: Werkzeug built the URL from Host
            _, _, *address = urlsplit(wrong.new_url)
            wrong.new_url = site.base_url + urlunsplit(("", "", *address))

    app.before_request(find_site)


def _without_port(app: "WSGIApplication") -> "WSGIApplication":
    """Wrap an application: some proxies append the client's port to its address.

    The port differs in each connection, so counts by address would start over.
    """

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        address: str = environ.get("REMOTE_ADDR", "")
        if found := ADDRESS_AND_PORT.fullmatch(address):
            environ["REMOTE_ADDR"] = found[1] or found[2]
        return app(environ, start_response)

    return answer


class OneHost:
    """Wraps an application: refuses a request whose target names another host than its `Host`.

    RFC 9112, section 3.2.2, lets the target (`RAW_URI` in gunicorn) decide. A proxy or a cache in
    front may have used the other one, so neither is trusted.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request."""
        target: str = environ.get("RAW_URI", "/")
        if not target.startswith("/") and "://" in target:
            named = urlsplit(target).netloc
            if named.lower() != environ.get("HTTP_HOST", "").lower():
                environ["HTTP_HOST"] = ""
        return self._app(environ, start_response)


def current_site() -> Site:
    """Return the site of the current request; requests to `WITHOUT_SITE` have none."""
    return cast("Site", g.site)
