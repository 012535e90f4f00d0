"""The files of the pages: style sheets, modules, icons; kept by browsers for as long as they like.

Their addresses carry the revision of all of them together, `/static/<revision>/js/pictures.js`, so
that the modules' relative imports stay within one revision and a new deployment is seen at once.
`/static/…` without a revision answers too, and is asked again each time.
"""

import hashlib
import re
from pathlib import Path

from flask import Flask, Response, current_app, send_from_directory

FOLDER = Path(__file__).parent.parent / "static"
EXTENSION = "avenue.assets"
IMMUTABLE = "public, max-age=31536000, immutable"
REVISION_DIGITS = 12
REVISION = re.compile(rf"[0-9a-f]{{{REVISION_DIGITS}}}")


def install(app: Flask) -> None:
    """Serve the files, and let templates write `{{ asset("css/page.css") }}`.

    The revision is of what is there now: files that change while the process runs need a restart.
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
    return response  # a page of the deployment before gets what there is now, and asks again


def _file(name: str) -> Response:
    return send_from_directory(FOLDER, name)


def _revision(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        digest.update(str(path.relative_to(folder)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:REVISION_DIGITS]
