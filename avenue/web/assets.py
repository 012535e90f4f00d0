"""Static files of the pages: style sheets, modules, icons; cached by browsers for ever.

Their addresses contain the revision of all of them together, `/static/<revision>/js/pictures.js`,
so that the modules' relative imports stay within one revision and a new deployment takes effect at
once. `/static/…` without a revision works too, and is revalidated each time.

Text is sent compressed to clients that accept it. The server compresses all files when it starts
(0.1 s); its processes share the bytes. So files must not be replaced below a running server.
"""

import functools
import gzip
import hashlib
import mimetypes
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import brotli
from flask import Flask, Response, current_app, request, send_from_directory
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

FOLDER = Path(__file__).parent.parent / "static"
EXTENSION = "avenue.assets"
IMMUTABLE = "public, max-age=31536000, immutable"
REVISION_DIGITS = 12
REVISION = re.compile(rf"[0-9a-f]{{{REVISION_DIGITS}}}")
TEXT = frozenset({".css", ".js", ".svg"})
ENCODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    # Of grapes.min.js (1.2 MB) 271 KB in 0.05 s; quality 11 makes 240 KB in 3 s.
    "br": lambda data: bytes(brotli.compress(data, quality=5)),
    "gzip": lambda data: gzip.compress(data, mtime=0),
}
"""By content coding (RFC 9110, 8.4.1), the preferred one first."""


def install(app: Flask) -> None:
    """Serve the files, and provide `{{ asset("css/page.css") }}` to templates.

    Files that change while the server runs need a restart.
    """
    app.extensions[EXTENSION] = _revision(FOLDER)
    app.add_url_rule("/static/<path:name>", "static", _serve)
    app.add_template_global(asset)


def asset(name: str) -> str:
    """Return the address of a file below `static/`."""
    return f"/static/{current_app.extensions[EXTENSION]}/{name}"


def _serve(name: str) -> Response:
    revision, _, rest = name.partition("/")
    if not REVISION.fullmatch(revision):
        return _file(name)
    response = _file(rest)
    if revision == current_app.extensions[EXTENSION]:
        response.headers["Cache-Control"] = IMMUTABLE
    return response  # a page of the previous deployment gets the current file, and revalidates it


def _file(name: str) -> Response:
    is_text = Path(name).suffix in TEXT
    coding = request.accept_encodings.best_match(ENCODINGS) if is_text else None
    if coding and "Range" not in request.headers:
        response = _encoded(name, coding)
    else:
        response = send_from_directory(FOLDER, name)
    if is_text:
        response.vary.add("Accept-Encoding")
    return response


def _encoded(name: str, coding: str) -> Response:
    path = safe_join(str(FOLDER), name)
    if path is None or not Path(path).is_file():
        raise NotFound
    response = Response(_compressed(path, coding), mimetype=mimetypes.guess_type(path)[0])
    response.headers["Content-Encoding"] = coding
    response.headers["Cache-Control"] = "no-cache"  # as Flask describes a file
    response.add_etag()
    response.make_conditional(request)
    return response


def compress_all() -> None:
    """Compress all texts in advance, and compute their revision, so that both are of one moment."""
    _revision(FOLDER)
    for path in FOLDER.rglob("*"):
        if path.suffix in TEXT:
            for coding in ENCODINGS:
                _compressed(str(path), coding)


@functools.cache
def _compressed(path: str, coding: str) -> bytes:
    """Return the compressed bytes of the file at `path`; cached, as there are few paths."""
    return ENCODINGS[coding](Path(path).read_bytes())


@functools.cache
def _revision(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        digest.update(str(path.relative_to(folder)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:REVISION_DIGITS]
