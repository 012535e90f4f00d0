"""`/healthz`: is this process alive? For orchestrators, without a host or sign-in."""

from typing import Literal

from flask import Blueprint, Flask, Response, jsonify
from typing_extensions import TypedDict

from avenue.web.describing import described

blueprint = Blueprint("health", __name__)
ALIVE = "avenue.alive"
"""Key in an application's `extensions` for head lines and body of the `/healthz` answer.

The worker sends it itself, because no thread may be free."""


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
    """Answer that the process is alive; uses nothing else."""
    return never_kept(jsonify(status="ok"))


def never_kept(response: Response) -> Response:
    """Return an answer that is never cached, because it describes the current state."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _written(app: Flask) -> tuple[bytes, bytes]:
    """Return head lines and body of the answer of `app` to `/healthz`, with all added headers."""
    with app.test_request_context("/healthz"):
        response = app.process_response(alive())
    lines = "".join(f"{name}: {value}\r\n" for name, value in response.headers)
    return lines.encode("latin-1"), response.get_data()
