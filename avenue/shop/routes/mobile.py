"""What existing mobile clients call: a product's pictures as a list of URLs."""

from flask import Blueprint, Response, jsonify, request

from avenue.errors import Invalid
from avenue.identity import Role
from avenue.media.models import Claim
from avenue.media.policy import UploadPolicy
from avenue.media.receiving import idempotency_key, note_reception, received
from avenue.shop.models import PRODUCT
from avenue.shop.presenting import Json, mobile_product_json
from avenue.shop.routes.bodies import LONGEST_URL, ImageAddress
from avenue.shop.service.pictures import PictureService
from avenue.shop.service.products import ProductService
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.limits import upload_route
from avenue.web.parsing import body_as
from avenue.web.services import using

blueprint = Blueprint("mobile", __name__, url_prefix="/api/products")


@blueprint.post("/<product_id>/upload_images/")
@blueprint.post("/<product_id>/upload_images")
@require(Role.SELLER)
@upload_route
@audited("product.images_added", "product_id")
def upload_images(product_id: str) -> tuple[Response, int, dict[str, str]]:
    """Add pictures (field `images`, as any other) and show the product.

    Some taken and some refused: `errors` says which and why.
    """
    reception = using(PictureService).add(
        current_actor(),
        Claim(kind=PRODUCT, id=product_id),
        received(using(UploadPolicy)),
        key=idempotency_key(),
    )
    note_reception(reception)
    errors = [
        {"name": each.name, "code": each.code, "message": each.message}
        for each in reception.refusals
    ]
    body = _product(product_id) | ({"errors": errors} if errors else {})
    headers = {"Idempotent-Replayed": "true"} if reception.replayed else {}
    return jsonify(body), 201 if reception.created else 200, headers


@blueprint.delete("/<product_id>/delete_image/")
@blueprint.delete("/<product_id>/delete_image")
@require(Role.SELLER)
@audited("product.image_removed", "product_id")
def delete_image(product_id: str) -> Response:
    """Remove the picture shown at `image_url` (JSON, a form field or `?image_url=`)."""
    claim = Claim(kind=PRODUCT, id=product_id)
    note(asset_id=using(PictureService).remove_by_url(current_actor(), claim, _image_url()))
    return jsonify(_product(product_id))


def _image_url() -> str:
    """Return the address that is meant: some clients cannot send a body with DELETE."""
    if request.is_json:
        return body_as(ImageAddress).image_url
    url = request.args.get("image_url") or request.form.get("image_url") or ""
    if not 1 <= len(url) <= LONGEST_URL:
        raise Invalid(
            "The request does not say which picture to delete.",
            hint='Send {"image_url": "…"} as JSON.',
        )
    return url


def _product(product_id: str) -> Json:
    actor = current_actor()
    return mobile_product_json(actor, using(ProductService).get(actor, product_id))
