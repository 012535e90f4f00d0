"""Is this process alive, and can it serve? For orchestrators, without a host or a login."""

from typing import Protocol

from flask import Blueprint, Flask, Response, current_app, jsonify

from avenue.errors import AvenueError

blueprint = Blueprint("health", __name__)
READINESS = "avenue.readiness"


class Readiness(Protocol):
    """Knows what is in the way of serving."""

    def __call__(self) -> list[str]:
        """Return what is in the way, in words; raise `AvenueError` when it cannot be learnt."""


def install(app: Flask, readiness: Readiness) -> None:
    """Let `app` answer `/readyz` by what `readiness` finds."""
    app.extensions[READINESS] = readiness
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
def alive() -> Response:
    """Tell that the process answers; asks nobody else."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
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
