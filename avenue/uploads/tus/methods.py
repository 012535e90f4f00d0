"""Method override for clients without PATCH and DELETE (tus 1.0.0, "X-HTTP-Method-Override").

Applied before anything else, so that permissions, limits and logs use the overridden method.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FOLDER = "/api/uploads/tus/"
MEANT = frozenset({"PATCH", "DELETE"})


class MeantMethods:
    """Wraps an application: a POST to a resumable upload may stand for another method.

    Only a POST may, otherwise a plain link could change something.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Handle one request."""
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"].startswith(FOLDER):
            meant = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", "")
            environ["REQUEST_METHOD"] = meant if meant in MEANT else "POST"
        return self._app(environ, start_response)
