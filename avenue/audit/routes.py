"""`/api/audit`: who changed what, for administrators."""

from flask import Blueprint, Response, jsonify, request

from avenue.audit.models import EntryQuery
from avenue.audit.presenting import page_json
from avenue.audit.service import AuditService
from avenue.identity import Role
from avenue.web.auth import current_actor, require
from avenue.web.parsing import page_asked_for
from avenue.web.services import using

blueprint = Blueprint("audit", __name__, url_prefix="/api/audit")


@blueprint.get("")
@require(Role.ADMIN)
def list_entries() -> Response:
    """List the changes of this site, newest first: `?actor ?action ?object ?limit ?after`."""
    asked = page_asked_for()
    query = EntryQuery(
        actor=request.args.get("actor"),
        action=request.args.get("action"),
        object_id=request.args.get("object"),
        limit=asked.limit,
    )
    page = using(AuditService).find(current_actor(), query, after=asked.after)
    return jsonify(page_json(page))
