"""`/api/ops/assets/<id>`: the trace of one asset, as JSON or as text."""

from typing import Annotated

from flask import Blueprint, Response, request
from pydantic import Field
from typing_extensions import TypedDict

from avenue.config import Settings
from avenue.errors import Invalid
from avenue.health.checks.trace.models import Trace
from avenue.health.checks.trace.service import NoSuchAsset, TraceService
from avenue.identity import Role
from avenue.web.auth import current_actor, require
from avenue.web.describing import JSON, Reply, described
from avenue.web.fields import facts_of
from avenue.web.plain import TEXT, json_or_text
from avenue.web.services import using

blueprint = Blueprint("ops_trace", __name__, url_prefix="/api/ops")

READING_SHARE = 0.5  # of the time limit of a request: how long bytes are read
LONGEST_ADDRESS = 2048


class AddressQuery(TypedDict):
    """The address of an asset."""

    url: Annotated[
        str,
        Field(
            description="Its id or any address of it, on whatever host, or one from before Avenue.",
            min_length=1,
            max_length=LONGEST_ADDRESS,
        ),
    ]


@blueprint.get("/assets/<asset_id>")
@require(Role.OPS)
@described(replies={200: Reply({JSON: Trace, TEXT: str})}, refuses=(NoSuchAsset,))
def trace_asset(asset_id: str) -> Response:
    """Return everything known about an asset, and its broken links."""
    return _traced(asset_id)


@blueprint.get("/assets")
@require(Role.OPS)
@described(
    query=AddressQuery,
    replies={200: Reply({JSON: Trace, TEXT: str})},
    refuses=(NoSuchAsset, Invalid),
)
def trace_address() -> Response:
    """Return the same for the asset of an address: `?url=`."""
    address = request.args.get("url", "")
    if not 0 < len(address) <= LONGEST_ADDRESS:
        raise Invalid("`url` must be an address or the id of an asset.")
    return _traced(address)


def _traced(which: str) -> Response:
    actor = current_actor()
    seconds = using(Settings).read_seconds * READING_SHARE
    return json_or_text(facts_of(using(TraceService).trace(actor, which, seconds=seconds)))
