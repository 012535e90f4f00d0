"""`/api/quarantine`: the files of a site in which the scanner has found something."""

from flask import Blueprint, Response, jsonify

from avenue.clock import iso
from avenue.cursors import BadCursor
from avenue.errors import Conflict, Invalid, NotFound
from avenue.identity import Role, is_id
from avenue.media.models import Asset, ScanState, Version
from avenue.media.quarantine import replies
from avenue.media.quarantine.bodies import Release
from avenue.media.quarantine.errors import NotInQuarantine
from avenue.media.quarantine.service import QuarantineService
from avenue.totals import total_json
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.describing import described
from avenue.web.errors import InvalidQuery
from avenue.web.parsing import PageQuery, body_as, page_asked_for
from avenue.web.services import using

blueprint = Blueprint("quarantine", __name__, url_prefix="/api/quarantine")


@blueprint.get("")
@require(Role.ADMIN)
@described(
    query=PageQuery,
    replies={200: replies.Quarantine},
    refuses=(Invalid, InvalidQuery, BadCursor),
)
def list_quarantine() -> Response:
    """List the files in quarantine, in the order of their ids."""
    asked = page_asked_for()
    if asked.after and not is_id(asked.after):
        raise BadCursor
    found = using(QuarantineService).find(
        current_actor(), after=asked.after or "", limit=asked.limit
    )
    told: replies.Quarantine = {
        "items": [_file_json(each) for each in found.items],
        "next": found.next,
        **total_json(found.total),
    }
    return jsonify(told)


@blueprint.post("/<asset_id>/release")
@require(Role.ADMIN)
@described(
    body=Release,
    replies={200: replies.QuarantinedFile},
    refuses=(NotFound, NotInQuarantine, Conflict),
)
@audited("quarantine.released", "asset_id")
def release(asset_id: str) -> Response:
    """Let a file be read although the scanner has found something in it, with a reason."""
    reason = body_as(Release).reason
    asset = using(QuarantineService).release(current_actor(), asset_id, reason)
    note(reason=reason)
    return jsonify(_file_json(asset))


def _file_json(asset: Asset) -> replies.QuarantinedFile:
    version = asset.current
    return {
        "id": asset.id,
        "name": asset.name,
        "media_type": version.media_type,
        "bytes": version.bytes,
        "sha256": version.sha256,
        "owner": asset.owner,
        "claim": asset.claim.kind if asset.claim else None,
        "created_at": iso(asset.created_at),
        "findings": [found for each in asset.versions if (found := _finding_json(each))],
    }


def _finding_json(version: Version) -> replies.Finding | None:
    scan = version.scan
    if scan is None or scan.state not in {ScanState.QUARANTINED, ScanState.RELEASED}:
        return None
    return {
        "version": version.version,
        "state": scan.state,
        "at": iso(scan.at),
        "signature": scan.signature,
        "database": scan.database,
        "by": scan.by,
        "reason": scan.reason,
    }
