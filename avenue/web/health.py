"""Is this process alive, and can it serve? For orchestrators, without a host or a login."""

from typing import Literal, Protocol

from flask import Blueprint, Flask, Response, current_app, jsonify
from typing_extensions import TypedDict

from avenue.errors import AvenueError
from avenue.web.describing import JSON, Reply, described

blueprint = Blueprint("health", __name__)
READINESS = "avenue.readiness"


class Alive(TypedDict):
    """The process answers."""

    status: Literal["ok"]


class Ready(TypedDict):
    """Requests can be served."""

    status: Literal["ready"]


class NotReady(TypedDict):
    """Something is in the way."""

    status: Literal["unavailable"]
    reasons: list[str]


class Readiness(Protocol):
    """Knows what is in the way of serving."""

    def __call__(self) -> list[str]:
        """Return what is in the way, in words; raise `AvenueError` when it cannot be learnt."""


def install(app: Flask, readiness: Readiness) -> None:
    """Let `app` answer `/readyz` by what `readiness` finds."""
    app.extensions[READINESS] = readiness
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
@described(replies={200: Alive})
def alive() -> Response:
    """Tell that the process answers; asks nobody else."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@described(replies={200: Ready, 503: Reply({JSON: NotReady}, headers=("Retry-After",))})
def ready() -> tuple[Response, int]:
    """Tell whether requests can be served: primary reachable, schema and indexes in place."""
    readiness: Readiness = current_app.extensions[READINESS]
    try:
        reasons = readiness()
    except AvenueError as error:
        reasons = [error.message]
    if not reasons:
        return jsonify(status="ready"), 200
    response = jsonify(status="unavailable", reasons=reasons)
    response.headers["Retry-After"] = "2"
    return response, 503
