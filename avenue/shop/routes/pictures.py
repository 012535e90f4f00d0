"""The pictures of products and groups: the same routes for both."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ParamSpec, TypeVar

from flask import Blueprint, Response, g, jsonify, request

from avenue.config import Settings
from avenue.identity import Actor, Role
from avenue.media.errors import InQuarantine, NotScanned, VersionNotFound, ZipTooLarge
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
from avenue.media.serving.reading import DamagedFile, MediaReader
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
from avenue.shop.models import GROUP, PRODUCT
from avenue.shop.presenting import group_json, product_json
from avenue.shop.replies import Group, Product
from avenue.shop.routes.bodies import ImageAddress, ImageChanges, ImageOrder, NewExternalImage
from avenue.shop.service.groups import GroupService
from avenue.shop.service.pictures import PictureService
from avenue.shop.service.products import ProductService
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.describing import Reply, described
from avenue.web.errors import RangeNotSatisfiable
from avenue.web.limits import upload_route
from avenue.web.parsing import body_as
from avenue.web.services import using

P = ParamSpec("P")
R = TypeVar("R")
SHELVES = {PRODUCT: "products", GROUP: "groups"}
NOT_THERE = (ProductNotFound, GroupNotFound, ImageNotFound)

blueprint = Blueprint("pictures", __name__, url_prefix="/api/shop")


def _of_both(method: str, rule: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Route `method` of `rule` below each product and each group to one view."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        for kind, shelf in SHELVES.items():
            blueprint.add_url_rule(
                f"/{shelf}/<owner_id>/images{rule}",
                view_func=view,  # type: ignore[arg-type]
                methods=[method],
                defaults={"kind": kind},
            )
        return view

    return decorate


@_of_both("POST", "")
@require(Role.SELLER)
@upload_route
@upload_described(ProductNotFound, GroupNotFound, TooManyImages, OwnUrl, body=NewExternalImage)
@audited("{kind}.images_added", "owner_id")
def add_images(kind: str, owner_id: str) -> Response:
    """Add pictures: multipart, one or many under any field names, or one raw body.

    JSON `{image_url}` adds an external picture.
    """
    actor, claim = current_actor(), Claim(kind=kind, id=owner_id)
    if request.is_json:
        url = body_as(NewExternalImage).image_url
        return external_reply(*using(PictureService).add_external(actor, claim, url))
    upload_result = using(PictureService).add(
        actor, claim, received(using(UploadPolicy)), key=idempotency_key()
    )
    return upload_reply(upload_result)


@_of_both("GET", ".zip")
@require(Role.SELLER)
@described(
    replies={200: Reply({ZIP_TYPE: bytes}, "The ZIP.", ("Content-Disposition",))},
    refuses=(*NOT_THERE, ZipTooLarge, DamagedFile),
)
def zip_images(kind: str, owner_id: str) -> Response:
    """Download all readable stored pictures as one ZIP, numbered in their order."""
    gallery = using(PictureService).gallery(current_actor(), Claim(kind=kind, id=owner_id))
    there = [each for each in gallery.pictures if isinstance(each, Asset)]
    stored = [each for each in there if not each.current.is_withheld]
    if not stored:
        raise ImageNotFound
    named = [replace(each, name=f"{gallery.name}-{n}") for n, each in enumerate(stored, start=1)]
    files = [using(MediaReader).open(each) for each in named]
    made = bounded_zip(files, using(Settings).max_zip_mb)
    return deliver_made(made.pieces(), made.length, name=f"{gallery.name}.zip", media_type=ZIP_TYPE)


@_of_both("PUT", "")
@require(Role.SELLER)
@described(
    body=ImageOrder,
    replies={200: Product | Group},
    refuses=(ProductNotFound, GroupNotFound, RevisionRequired, RevisionConflict, OrderMismatch),
)
@audited("{kind}.images_ordered", "owner_id")
def order_images(kind: str, owner_id: str) -> Response:
    """Change the order of the pictures."""
    actor, body = current_actor(), body_as(ImageOrder)
    if body.revision is None:
        raise RevisionRequired
    claim = Claim(kind=kind, id=owner_id)
    with _showing_current(actor, claim):
        using(PictureService).order(actor, claim, body.order, body.revision)
    return jsonify(_owner_json(actor, claim))


@_of_both("DELETE", "")
@require(Role.SELLER)
@described(body=ImageAddress, replies={204: None}, refuses=NOT_THERE)
@audited("{kind}.image_removed", "owner_id")
def remove_image_by_url(kind: str, owner_id: str) -> tuple[str, int]:
    """Remove the picture at `{image_url}`: an external one, or any address of a stored one."""
    body = body_as(ImageAddress)
    claim = Claim(kind=kind, id=owner_id)
    note(asset_id=using(PictureService).remove_by_url(current_actor(), claim, body.image_url))
    return "", 204


@_of_both("PATCH", "/<asset_id>")
@require(Role.SELLER)
@described(body=ImageChanges, replies={200: Image}, refuses=NOT_THERE)
@audited("{kind}.image_described", "owner_id")
def describe_image(kind: str, owner_id: str, asset_id: str) -> Response:
    """Change alt texts, the decorative mark or the focal point."""
    changes = body_as(ImageChanges).model_dump(exclude_unset=True)
    claim = Claim(kind=kind, id=owner_id)
    asset = using(PictureService).describe(current_actor(), claim, asset_id, changes)
    return jsonify(image_json(g.site, asset))


@_of_both("PUT", "/<asset_id>/file")
@require(Role.SELLER)
@upload_route
@upload_described(*NOT_THERE, OneFileOnly)
@audited("{kind}.image_replaced", "owner_id")
def replace_image(kind: str, owner_id: str, asset_id: str) -> Response:
    """Replace the file; the picture's id and position stay."""
    upload_result = using(PictureService).replace(
        current_actor(),
        Claim(kind=kind, id=owner_id),
        asset_id,
        received(using(UploadPolicy)),
        key=idempotency_key(),
    )
    return upload_reply(upload_result)


@_of_both("GET", "/<asset_id>/versions")
@require(Role.SELLER)
@described(replies={200: Versions}, refuses=NOT_THERE)
def list_image_versions(kind: str, owner_id: str, asset_id: str) -> Response:
    """List the kept versions of a picture, newest first."""
    claim = Claim(kind=kind, id=owner_id)
    asset = using(PictureService).picture(current_actor(), claim, asset_id)
    url = f"{g.site.base_url}/api/shop/{SHELVES[kind]}/{owner_id}/images/{asset_id}/versions"
    return jsonify(versions_json(asset, url))


@_of_both("GET", "/<asset_id>/versions/<version>/file")
@require(Role.SELLER)
@described(
    replies=FILE_REPLIES,
    refuses=(
        *(*NOT_THERE, VersionNotFound, DamagedFile, PreconditionFailed, RangeNotSatisfiable),
        *(NotScanned, InQuarantine),
    ),
)
def show_image_version(kind: str, owner_id: str, asset_id: str, version: str) -> Response:
    """Download one version, also an older one; for people who may edit the picture."""
    claim = Claim(kind=kind, id=owner_id)
    asset = using(PictureService).picture(current_actor(), claim, asset_id)
    return deliver(request.environ, using(MediaReader).open_version(asset, version), PRIVATE)


@_of_both("POST", "/<asset_id>/versions/<version>/restore")
@require(Role.SELLER)
@described(replies={200: Image}, refuses=(*NOT_THERE, VersionNotFound))
@audited("{kind}.image_version_restored", "owner_id")
def restore_image_version(kind: str, owner_id: str, asset_id: str, version: str) -> Response:
    """Make an older version the current one again; the others are kept."""
    claim = Claim(kind=kind, id=owner_id)
    asset = using(PictureService).bring_back(current_actor(), claim, asset_id, version)
    return jsonify(image_json(g.site, asset))


@_of_both("DELETE", "/<asset_id>")
@require(Role.SELLER)
@described(replies={204: None}, refuses=NOT_THERE)
@audited("{kind}.image_removed", "owner_id")
def remove_image(kind: str, owner_id: str, asset_id: str) -> tuple[str, int]:
    """Move a picture to the trash."""
    using(PictureService).remove(current_actor(), Claim(kind=kind, id=owner_id), asset_id)
    return "", 204


@_of_both("POST", "/<asset_id>/restore")
@require(Role.SELLER)
@described(replies={200: Product | Group}, refuses=(*NOT_THERE, TooManyImages))
@audited("{kind}.image_restored", "owner_id")
def restore_image(kind: str, owner_id: str, asset_id: str) -> Response:
    """Restore a picture from the trash."""
    actor, claim = current_actor(), Claim(kind=kind, id=owner_id)
    using(PictureService).restore(actor, claim, asset_id)
    return jsonify(_owner_json(actor, claim))


@contextmanager
def _showing_current(actor: Actor, claim: Claim) -> Iterator[None]:
    """Add the current product or group to a `RevisionConflict` in the block."""
    try:
        yield
    except RevisionConflict:
        raise RevisionConflict(_owner_json(actor, claim)) from None


def _owner_json(actor: Actor, claim: Claim) -> Product | Group:
    if claim.kind == PRODUCT:
        return product_json(actor, using(ProductService).get(actor, claim.id))
    return group_json(actor, using(GroupService).get(actor, claim.id))
