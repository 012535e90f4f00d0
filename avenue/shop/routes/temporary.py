"""Pictures of a product that is not saved yet, under `/api/shop/temp-images`."""

from flask import Blueprint, Response, g, jsonify

from avenue.identity import Role
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.receiving import idempotency_key, received, upload_described, upload_reply
from avenue.media.presenting import image_json
from avenue.shop.errors import TempImageNotFound, TooManyTempImages
from avenue.shop.replies import TemporaryList
from avenue.shop.service.pictures import PictureService
from avenue.web.audit import audited
from avenue.web.auth import current_actor, require
from avenue.web.describing import described
from avenue.web.limits import upload_route
from avenue.web.services import using

blueprint = Blueprint("temporary", __name__, url_prefix="/api/shop/temp-images")


@blueprint.get("")
@require(Role.SELLER)
@described(replies={200: TemporaryList})
def list_temporary() -> Response:
    """List your temporary pictures, newest first, with `expires_at`."""
    found = using(PictureService).temporary(current_actor())
    listed: TemporaryList = {
        "items": [image_json(g.site, each) for each in found],
        "next": None,
        "total": len(found),
    }
    return jsonify(listed)


@blueprint.post("")
@require(Role.SELLER)
@upload_route
@upload_described(TooManyTempImages)
@audited("temp_image.added")
def add_temporary() -> Response:
    """Upload pictures for a new product; its `temp_images` claim them."""
    upload_result = using(PictureService).add_temporary(
        current_actor(), received(using(UploadPolicy)), key=idempotency_key()
    )
    return upload_reply(upload_result)


@blueprint.delete("/<asset_id>")
@require(Role.SELLER)
@described(replies={204: None}, refuses=(TempImageNotFound,))
@audited("temp_image.removed", "asset_id")
def remove_temporary(asset_id: str) -> tuple[str, int]:
    """Delete a temporary picture."""
    using(PictureService).remove_temporary(current_actor(), asset_id)
    return "", 204
