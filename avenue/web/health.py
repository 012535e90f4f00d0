"""Is this process alive? For orchestrators, without a host or a login."""

from typing import Literal

from flask import Blueprint, Flask, Response, jsonify
from typing_extensions import TypedDict

from avenue.web.describing import described

blueprint = Blueprint("health", __name__)
ALIVE = "avenue.alive"
"""Where among an application's `extensions` the worker finds what gives head lines and body of the
answer that the process is alive. The worker gives it itself, for no thread may be free."""


class Alive(TypedDict):
    """The process answers."""

    status: Literal["ok"]


def install(app: Flask) -> None:
    """Let `app` answer `/healthz`."""
    app.extensions[ALIVE] = lambda: _written(app)
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
@described(replies={200: Alive})
def alive() -> Response:
    """Tell that the process answers; asks nobody else."""
    return never_kept(jsonify(status="ok"))


def never_kept(response: Response) -> Response:
    """Return an answer that no cache gives again: how it was is not how it is."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _written(app: Flask) -> tuple[bytes, bytes]:
    """Return head lines and body of what `app` answers at `/healthz`, with all it adds to both."""
    with app.test_request_context("/healthz"):
        response = app.process_response(alive())
    lines = "".join(f"{name}: {value}\r\n" for name, value in response.headers)
    return lines.encode("latin-1"), response.get_data()
