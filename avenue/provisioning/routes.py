"""`GET /api/ops/clusters`: the load of the clusters, and the recommended moves of sites."""

from flask import Blueprint, Response, jsonify

from avenue.provisioning.clusters import ClusterOverview
from avenue.provisioning.service import ProvisioningService
from avenue.web.auth import current_actor, require
from avenue.web.describing import described
from avenue.web.fields import facts_of
from avenue.web.services import using

blueprint = Blueprint("provisioning", __name__, url_prefix="/api/ops")


@blueprint.get("/clusters")
@require(superuser=True)
@described(replies={200: ClusterOverview})
def show_clusters() -> Response:
    """Return all clusters with their sites, and the recommended moves."""
    return jsonify(facts_of(using(ProvisioningService).clusters(current_actor())))
