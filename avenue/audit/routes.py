"""`/api/audit`: the audit log, for administrators."""

from typing import Annotated

from flask import Blueprint, Response, jsonify, request
from pydantic import Field

from avenue.audit.models import EntryQuery
from avenue.audit.presenting import page_json
from avenue.audit.replies import ChangeList
from avenue.audit.service import AuditService
from avenue.cursors import BadCursor
from avenue.identity import Role
from avenue.web.auth import current_actor, require
from avenue.web.describing import described
from avenue.web.errors import InvalidQuery
from avenue.web.parsing import PageQuery, page_asked_for
from avenue.web.services import using


class ChangesQuery(PageQuery, total=False):
    """A query of changes."""

    actor: Annotated[str, Field(description="By whom: an id, an e-mail, a command or a job.")]
    action: Annotated[str, Field(description="As `product.deleted`.")]
    object: Annotated[str, Field(description="Of the thing with this id.")]


blueprint = Blueprint("audit", __name__, url_prefix="/api/audit")


@blueprint.get("")
@require(Role.ADMIN)
@described(query=ChangesQuery, replies={200: ChangeList}, refuses=(BadCursor, InvalidQuery))
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
