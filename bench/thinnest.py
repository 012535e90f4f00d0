"""As little as a WSGI application can do for a file: it is in memory, and nothing is looked at.

Run by gunicorn's own thread worker, without a log: all its time is that of gunicorn's parser and
threads. No application under that worker can be faster.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

FOLDER = Path(os.environ["BENCH_FOLDER"])
HEADERS = [
    ("Content-Type", "image/webp"),
    ("Cache-Control", "public, max-age=31536000, immutable"),
    ("ETag", '"0123456789abcdef0123456789abcdef"'),
]
_files: dict[str, bytes] = {}


def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer with the file of that path."""
    path: str = environ["PATH_INFO"]
    if path == "/healthz":
        start_response("200 OK", [("Content-Length", "0")])
        return []
    body = _files.get(path)
    if body is None:
        body = _files[path] = (FOLDER / path.lstrip("/")).read_bytes()
    start_response("200 OK", [*HEADERS, ("Content-Length", str(len(body)))])
    return [body]
