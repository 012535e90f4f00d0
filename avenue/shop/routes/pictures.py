"""The pictures of products and groups: the same routes for both."""

from dataclasses import replace

from flask import Blueprint, Response, g, jsonify, request

from avenue.config import Settings
from avenue.identity import Role
from avenue.media.errors import DamagedFile, InQuarantine, NotScanned, VersionNotFound, ZipTooLarge
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.receiving import (
    external_reply,
    idempotency_key,
    received,
    upload_described,
    upload_reply,
)
from avenue.media.models import Asset, Claim
from avenue.media.presenting import image_json, versions_json
from avenue.media.replies import Image, Versions
from avenue.media.serving.delivery import PRIVATE, PreconditionFailed, deliver, deliver_made
from avenue.media.serving.reading import MediaReader
from avenue.media.serving.routes import FILE_REPLIES
from avenue.media.serving.zipping import ZIP_TYPE, bounded_zip
from avenue.shop.errors import (
    GroupNotFound,
    ImageNotFound,
    OneFileOnly,
    OrderMismatch,
    OwnUrl,
    ProductNotFound,
    RevisionConflict,
    RevisionRequired,
    TooManyImages,
)
from avenue.shop.replies import Group, Product
from avenue.shop.routes.bodies import ImageAddress, ImageChanges, ImageOrder, NewExternalImage
from avenue.shop.routes.owners import OWNER_PATHS, of_both, owner_json, showing_current
from avenue.shop.service.pictures import PictureService
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.describing import Reply, described
from avenue.web.errors import RangeNotSatisfiable
from avenue.web.limits import upload_route
from avenue.web.parsing import body_as
from avenue.web.services import using

NOT_THERE = (ProductNotFound, GroupNotFound, ImageNotFound)

blueprint = Blueprint("pictures", __name__, url_prefix="/api/shop")


@of_both(blueprint, "POST", "images")
@require(Role.SELLER)
@upload_route
@upload_described(ProductNotFound, GroupNotFound, TooManyImages, OwnUrl, body=NewExternalImage)
@audited("{kind}.images_added", "owner_id")
def add_images(claim: Claim) -> Response:
    """Add pictures: multipart, one or many under any field names, or one raw body.

    JSON `{image_url}` adds an external picture.
    """
    actor = current_actor()
    if request.is_json:
        url = body_as(NewExternalImage).image_url
        return external_reply(*using(PictureService).add_external(actor, claim, url))
    upload_result = using(PictureService).add(
        actor, claim, received(using(UploadPolicy)), key=idempotency_key()
    )
    return upload_reply(upload_result)


@of_both(blueprint, "GET", "images.zip")
@require(Role.SELLER)
@described(
    replies={200: Reply({ZIP_TYPE: bytes}, "The ZIP.", ("Content-Disposition",))},
    refuses=(*NOT_THERE, ZipTooLarge, DamagedFile),
)
def zip_images(claim: Claim) -> Response:
    """Download all readable stored pictures as one ZIP, numbered in their order."""
    gallery = using(PictureService).gallery(current_actor(), claim)
    there = [each for each in gallery.pictures if isinstance(each, Asset)]
    stored = [each for each in there if not each.current.is_withheld]
    if not stored:
        raise ImageNotFound
    named = [replace(each, name=f"{gallery.name}-{n}") for n, each in enumerate(stored, start=1)]
    files = [using(MediaReader).open(each) for each in named]
    made = bounded_zip(files, using(Settings).max_zip_mb)
    return deliver_made(made.pieces(), made.length, name=f"{gallery.name}.zip", media_type=ZIP_TYPE)


@of_both(blueprint, "PUT", "images")
@require(Role.SELLER)
@described(
    body=ImageOrder,
    replies={200: Product | Group},
    refuses=(ProductNotFound, GroupNotFound, RevisionRequired, RevisionConflict, OrderMismatch),
)
@audited("{kind}.images_ordered", "owner_id")
def order_images(claim: Claim) -> Response:
    """Change the order of the pictures."""
    actor, body = current_actor(), body_as(ImageOrder)
    if body.revision is None:
        raise RevisionRequired
    with showing_current(actor, claim):
        using(PictureService).order(actor, claim, body.order, body.revision)
    return jsonify(owner_json(actor, claim))


@of_both(blueprint, "DELETE", "images")
@require(Role.SELLER)
@described(body=ImageAddress, replies={204: None}, refuses=NOT_THERE)
@audited("{kind}.image_removed", "owner_id")
def remove_image_by_url(claim: Claim) -> tuple[str, int]:
    """Remove the picture at `{image_url}`: an external one, or any address of a stored one."""
    body = body_as(ImageAddress)
    note(asset_id=using(PictureService).remove_by_url(current_actor(), claim, body.image_url))
    return "", 204


@of_both(blueprint, "PATCH", "images/<asset_id>")
@require(Role.SELLER)
@described(body=ImageChanges, replies={200: Image}, refuses=NOT_THERE)
@audited("{kind}.image_described", "owner_id")
def describe_image(claim: Claim, asset_id: str) -> Response:
    """Change alt texts, the decorative mark or the focal point."""
    changes = body_as(ImageChanges).model_dump(exclude_unset=True)
    asset = using(PictureService).describe(current_actor(), claim, asset_id, changes)
    return jsonify(image_json(g.site, asset))


@of_both(blueprint, "PUT", "images/<asset_id>/file")
@require(Role.SELLER)
@upload_route
@upload_described(*NOT_THERE, OneFileOnly)
@audited("{kind}.image_replaced", "owner_id")
def replace_image(claim: Claim, asset_id: str) -> Response:
    """Replace the file; the picture's id and position stay."""
    upload_result = using(PictureService).replace(
        current_actor(),
        claim,
        asset_id,
        received(using(UploadPolicy)),
        key=idempotency_key(),
    )
    return upload_reply(upload_result)


@of_both(blueprint, "GET", "images/<asset_id>/versions")
@require(Role.SELLER)
@described(replies={200: Versions}, refuses=NOT_THERE)
def list_image_versions(claim: Claim, asset_id: str) -> Response:
    """List the kept versions of a picture, newest first."""
    asset = using(PictureService).picture(current_actor(), claim, asset_id)
    owners = OWNER_PATHS[claim.kind]
    url = f"{g.site.base_url}/api/shop/{owners}/{claim.id}/images/{asset_id}/versions"
    return jsonify(versions_json(asset, url))


@of_both(blueprint, "GET", "images/<asset_id>/versions/<version>/file")
@require(Role.SELLER)
@described(
    replies=FILE_REPLIES,
    refuses=(
        *(*NOT_THERE, VersionNotFound, DamagedFile, PreconditionFailed, RangeNotSatisfiable),
        *(NotScanned, InQuarantine),
    ),
)
def show_image_version(claim: Claim, asset_id: str, version: str) -> Response:
    """Download one version, also an older one; for people who may edit the picture."""
    asset = using(PictureService).picture(current_actor(), claim, asset_id)
    return deliver(request.environ, using(MediaReader).open_version(asset, version), PRIVATE)


@of_both(blueprint, "POST", "images/<asset_id>/versions/<version>/restore")
@require(Role.SELLER)
@described(replies={200: Image}, refuses=(*NOT_THERE, VersionNotFound))
@audited("{kind}.image_version_restored", "owner_id")
def restore_image_version(claim: Claim, asset_id: str, version: str) -> Response:
    """Make an older version the current one again; the others are kept."""
    asset = using(PictureService).bring_back(current_actor(), claim, asset_id, version)
    return jsonify(image_json(g.site, asset))


@of_both(blueprint, "DELETE", "images/<asset_id>")
@require(Role.SELLER)
@described(replies={204: None}, refuses=NOT_THERE)
@audited("{kind}.image_removed", "owner_id")
def remove_image(claim: Claim, asset_id: str) -> tuple[str, int]:
    """Move a picture to the trash."""
    using(PictureService).remove(current_actor(), claim, asset_id)
    return "", 204


@of_both(blueprint, "POST", "images/<asset_id>/restore")
@require(Role.SELLER)
@described(replies={200: Product | Group}, refuses=(*NOT_THERE, TooManyImages))
@audited("{kind}.image_restored", "owner_id")
def restore_image(claim: Claim, asset_id: str) -> Response:
    """Restore a picture from the trash."""
    actor = current_actor()
    using(PictureService).restore(actor, claim, asset_id)
    return jsonify(owner_json(actor, claim))
