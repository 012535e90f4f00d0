"""Where a request went: to the API, to a file, to a page for people, or to what machines ask."""

from flask import request

API = "/api"
MCP = "/mcp"
"""Where agents speak the Model Context Protocol; in all else it is as the API."""
PANEL = "/admin"
WITHOUT_SITE = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that are asked by machines which know an address and no name."""
SIGNATURE = "s"
"""What a signed link has behind its `?`, and no other address of a file."""


def is_api() -> bool:
    """Tell whether the current request is one to the API."""
    return under(API, request.path) or request.path == MCP


def is_file() -> bool:
    """Tell whether the current request is one for a file, by its address of now or before."""
    return under("/media", request.path) or under("/uploads", request.path)


def takes_token() -> bool:
    """Tell whether a Bearer token counts here: the API, files, and what machines ask.

    Pages are for browsers; a form with a session's cookie has to prove where it came from.
    """
    return is_api() or is_file() or request.path in WITHOUT_SITE


def wants_page() -> bool:
    """Tell whether a person waits for the answer: a browser asks for a page.

    Under /uploads are addresses of files from before Avenue, so they are no pages either. Signed
    links are sent to people, who follow them.
    """
    if is_api() or (is_file() and SIGNATURE not in request.args):
        return False
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def under(place: str, path: str) -> bool:
    """Tell whether `path` is `place` or below it."""
    return path == place or path.startswith(f"{place}/")
