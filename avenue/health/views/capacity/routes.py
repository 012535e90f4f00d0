"""`GET /api/ops/capacity`: how long the resources will last, as JSON or as text."""

from flask import Blueprint, Response

from avenue.health.views.capacity.models import Capacity
from avenue.health.views.capacity.presenting import capacity_text
from avenue.health.views.capacity.service import CapacityService
from avenue.identity import Role
from avenue.web.auth import current_actor, require
from avenue.web.describing import JSON, Reply, described
from avenue.web.fields import facts_of
from avenue.web.plain import TEXT, json_or_text
from avenue.web.services import using

blueprint = Blueprint("ops_capacity", __name__, url_prefix="/api/ops")


@blueprint.get("/capacity")
@require(Role.OPS)
@described(replies={200: Reply({JSON: Capacity, TEXT: str})})
def capacity() -> Response:
    """Report how long disk and quotas will last, and what more products need."""
    report = using(CapacityService).report(current_actor())
    return json_or_text(facts_of(report), lambda: capacity_text(report))
