"""Routes of existing mobile clients: a product's pictures as a list of URLs."""

from typing import Annotated

from flask import Blueprint, Response, jsonify, request
from pydantic import Field
from typing_extensions import TypedDict

from avenue.errors import Invalid
from avenue.identity import Role
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.receiving import UPLOAD_REFUSALS, idempotency_key, note_upload, received
from avenue.media.models import Claim
from avenue.media.presenting import refused_json
from avenue.media.replies import RefusedFile
from avenue.shop.errors import ImageNotFound, ProductNotFound, TooManyImages
from avenue.shop.fields import LONGEST_URL
from avenue.shop.models import PRODUCT
from avenue.shop.presenting import mobile_product_json
from avenue.shop.replies import MobileProduct
from avenue.shop.routes.bodies import ImageAddress
from avenue.shop.service.pictures import PictureService
from avenue.shop.service.products import ProductService
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.describing import JSON, Reply, described
from avenue.web.language import gettext
from avenue.web.limits import upload_route
from avenue.web.parsing import body_as
from avenue.web.services import using


class ImageAddressQuery(TypedDict, total=False):
    """A picture by its address, for clients that cannot send a body with DELETE."""

    image_url: Annotated[str, Field(min_length=1, max_length=LONGEST_URL)]


blueprint = Blueprint("mobile", __name__, url_prefix="/api/products")


@blueprint.post("/<product_id>/upload_images/")
@blueprint.post("/<product_id>/upload_images")
@require(Role.SELLER)
@upload_route
@described(
    replies={
        201: Reply({JSON: MobileProduct}, headers=("Idempotent-Replayed",)),
        200: Reply({JSON: MobileProduct}, headers=("Idempotent-Replayed",)),
    },
    refuses=(ProductNotFound, TooManyImages, *UPLOAD_REFUSALS),
)
@audited("product.images_added", "product_id")
def upload_images(product_id: str) -> tuple[Response, int, dict[str, str]]:
    """Add pictures (field `images`, or any other) and show the product.

    If only some are accepted, `errors` lists the refused ones.
    """
    upload_result = using(PictureService).add(
        current_actor(),
        Claim(kind=PRODUCT, id=product_id),
        received(using(UploadPolicy)),
        key=idempotency_key(),
    )
    note_upload(upload_result)
    body = _product(product_id, refused_json(upload_result.refusals, gettext))
    headers = {"Idempotent-Replayed": "true"} if upload_result.replayed else {}
    return jsonify(body), 201 if upload_result.created else 200, headers


@blueprint.delete("/<product_id>/delete_image/")
@blueprint.delete("/<product_id>/delete_image")
@require(Role.SELLER)
@described(
    body=ImageAddress,
    body_required=False,
    query=ImageAddressQuery,
    replies={200: MobileProduct},
    refuses=(ProductNotFound, ImageNotFound, Invalid),
)
@audited("product.image_removed", "product_id")
def delete_image(product_id: str) -> Response:
    """Remove the picture shown at `image_url` (JSON, a form field or `?image_url=`)."""
    claim = Claim(kind=PRODUCT, id=product_id)
    note(asset_id=using(PictureService).remove_by_url(current_actor(), claim, _image_url()))
    return jsonify(_product(product_id, []))


def _image_url() -> str:
    """Return the address in the request: some clients cannot send a body with DELETE."""
    if request.is_json:
        return body_as(ImageAddress).image_url
    url = request.args.get("image_url") or request.form.get("image_url") or ""
    if not 1 <= len(url) <= LONGEST_URL:
        raise Invalid(
            "The request does not say which picture to delete.",
            hint='Send {"image_url": "…"} as JSON.',
        )
    return url


def _product(product_id: str, errors: list[RefusedFile]) -> MobileProduct:
    actor = current_actor()
    return mobile_product_json(actor, using(ProductService).get(actor, product_id), errors)
