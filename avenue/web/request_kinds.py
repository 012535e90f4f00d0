"""Classifies a request: API, file, page for people, or machine endpoint."""

from flask import request

API = "/api"
MCP = "/mcp"
"""The path of the Model Context Protocol; otherwise it is treated like the API."""
PANEL = "/admin"
WITHOUT_SITE = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths requested by machines that know an address and no host name."""
SIGNATURE = "s"
"""Query parameter of signed links, which no other file address has."""


def is_api() -> bool:
    """Return whether the current request is for the API."""
    return under(API, request.path) or request.path == MCP


def is_file() -> bool:
    """Return whether the current request is for a file, at its current or an old address."""
    return under("/media", request.path) or under("/uploads", request.path)


def takes_token() -> bool:
    """Return whether a Bearer token is accepted: API, files, and machine endpoints.

    Pages are for browsers; a form with a session cookie has to prove its origin.
    """
    return is_api() or is_file() or request.path in WITHOUT_SITE


def wants_page() -> bool:
    """Return whether a browser asks for a page.

    Addresses under /uploads are old file addresses, so they are not pages either. Signed links are
    sent to people, who open them.
    """
    if is_api() or (is_file() and SIGNATURE not in request.args):
        return False
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def under(place: str, path: str) -> bool:
    """Return whether `path` is `place` or below it."""
    return path == place or path.startswith(f"{place}/")
