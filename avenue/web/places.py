"""Where a request went: to the API, to a file, or to a page for people."""

from flask import request

API = "/api"
SIGNATURE = "s"
"""What a signed link has behind its `?`, and no other address of a file."""


def is_api() -> bool:
    """Tell whether the current request is one to the API."""
    return _under(API)


def is_file() -> bool:
    """Tell whether the current request is one for a file, by its address of now or before."""
    return _under("/media") or _under("/uploads")


def wants_page() -> bool:
    """Tell whether a person waits for the answer: a browser asks for a page.

    Under /uploads are addresses of files from before Avenue, so they are no pages either. Signed
    links are sent to people, who follow them.
    """
    if is_api() or (is_file() and SIGNATURE not in request.args):
        return False
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def _under(place: str) -> bool:
    return request.path == place or request.path.startswith(f"{place}/")
