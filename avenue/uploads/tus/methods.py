"""What a client means that can send no PATCH and no DELETE (tus 1.0.0, "X-HTTP-Method-Override").

Read before anything else is, so that who may, what is counted and what is written down go by it.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FOLDER = "/api/uploads/tus/"
MEANT = frozenset({"PATCH", "DELETE"})


class MeantMethods:
    """Wraps an application: what was posted to a resumable upload may mean another method.

    Nothing but a POST does, or a mere link could change something.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request."""
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"].startswith(FOLDER):
            meant = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", "")
            environ["REQUEST_METHOD"] = meant if meant in MEANT else "POST"
        return self._app(environ, start_response)
