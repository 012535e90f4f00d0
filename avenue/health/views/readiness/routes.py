"""`/readyz`: can this process serve? For orchestrators, without a host or a login."""

from typing import Annotated, Literal, NotRequired

from flask import Blueprint, Response, jsonify, request
from pydantic import Field
from typing_extensions import TypedDict

from avenue.errors import Forbidden, Unauthenticated
from avenue.health.models import Check, Step
from avenue.health.views.readiness.service import ReadinessService
from avenue.web.describing import JSON, Reply, described
from avenue.web.health import never_kept
from avenue.web.operators import admit_operator
from avenue.web.services import using

blueprint = Blueprint("readiness", __name__)
RETRY_SECONDS = 2


class Seen(TypedDict):
    """The checks: primary, schema, indexes and oplog."""

    version: Annotated[str, Field(description="Of Avenue")]
    checks: list[Check]
    probe: NotRequired[Annotated[list[Step], Field(description="with `?deep=1`")]]


class Ready(Seen):
    """Requests can be served."""

    status: Literal["ready"]


class NotReady(Seen):
    """Requests cannot be served."""

    status: Literal["unavailable"]
    reasons: list[str]
    failed: Annotated[list[str], Field(description="The names of the checks and steps that failed")]


class DeepQuery(TypedDict, total=False):
    """The options of the check."""

    deep: Annotated[Literal["1"], Field(description="Store, read and delete a file as well.")]


@blueprint.get("/readyz")
@described(
    query=DeepQuery,
    replies={200: Ready, 503: Reply({JSON: NotReady}, headers=("Retry-After",))},
    refuses=(Unauthenticated, Forbidden),
)
def ready() -> tuple[Response, int]:
    """Check whether requests can be served: primary reachable; schema, indexes, oplog in order.

    With `?deep=1` a file is stored, read back and deleted, too: only for this machine itself and
    the operators of the deployment, as `/metrics`.
    """
    is_deep = request.args.get("deep") == "1"
    if is_deep:
        admit_operator()
    answer = using(ReadinessService).answer(deep=is_deep)
    response = never_kept(jsonify(answer.facts))
    if not answer.failed:
        return response, 200
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response, 503
