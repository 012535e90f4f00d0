"""Products and their pictures as JSON, under `/api/shop`."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Annotated, Any, Literal

from flask import Blueprint, Response, g, jsonify, request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from avenue.clock import iso
from avenue.errors import Invalid
from avenue.identity import Actor, Role
from avenue.media.policy import UploadPolicy
from avenue.media.presenting import image_json
from avenue.media.receiving import idempotency_key, received, upload_reply
from avenue.shop.errors import RevisionConflict, RevisionRequired
from avenue.shop.models import PicturedProduct, ProductQuery, Sort, Status
from avenue.shop.paging import cursor_place, cursor_text
from avenue.shop.service import ShopService
from avenue.shop.words import words_of
from avenue.web.audit import audited
from avenue.web.auth import current_actor, reading_actor, require, signed_in_actor
from avenue.web.limits import upload_route
from avenue.web.parsing import body_as, page_asked_for
from avenue.web.services import using

blueprint = Blueprint("shop", __name__, url_prefix="/api/shop")

PRICE = re.compile(r"[0-9]{1,15}(\.[0-9]{1,4})?")
DEFAULT_CURRENCY = "PYG"


def _price(value: object) -> Decimal:
    """Take a price as a decimal string or an integer; a float has already lost digits."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not PRICE.fullmatch(text):
        raise PydanticCustomError(
            "price",
            'write it as a string like "150000.50" or as an integer, from 0, with at most '
            "15 digits and 4 decimals",
        )
    return Decimal(text)


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Sku = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Price = Annotated[Decimal, BeforeValidator(_price)]
Group = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Revision = Annotated[int, Field(ge=0, lt=2**31)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
AltText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Share = Annotated[float, Field(ge=0, le=1)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class NewProduct(_Body):
    """What a product is made from."""

    name: Name
    sku: Sku | None = None
    description: Annotated[str, StringConstraints(max_length=20_000)] = ""
    price: Price | None = None
    currency: Currency = DEFAULT_CURRENCY
    status: Literal["draft", "published"] = "draft"
    group: Group | None = None


class ProductChanges(NewProduct):
    """What of a product may change; `revision` guards against overwriting somebody's work."""

    name: Name = ""
    revision: Revision | None = None


class ImageOrder(_Body):
    """All picture ids of a product in their new order."""

    order: Annotated[list[str], Field(max_length=1000)]
    revision: Revision | None = None


class ImageChanges(_Body):
    """What people may say about a picture."""

    alt: Annotated[dict[Language, AltText], Field(max_length=20)] = {}
    decorative: bool = False
    focal: Annotated[list[Share], Field(min_length=2, max_length=2)] | None = None


@blueprint.get("/products")
def list_products() -> Response:
    """List the products the caller may see: `?search ?status ?sort ?owner=me ?limit ?after`."""
    actor, page = reading_actor(), page_asked_for()
    sort_text = request.args.get("sort", "-created_at")
    sort = Sort(_choice("sort", sort_text.removeprefix("-"), [*Sort]))
    owner, status = request.args.get("owner"), request.args.get("status")
    query = ProductQuery(
        owner=signed_in_actor().id if owner and _choice("owner", owner, ["me"]) else None,
        words=_search_words(),
        status=Status(_choice("status", status, [*Status])) if status else None,
        sort=sort,
        descending=sort_text.startswith("-"),
        after=cursor_place(sort, page.after) if page.after else None,
        limit=page.limit,
    )
    found = using(ShopService).find(actor, query)
    return jsonify(
        items=[product_json(actor, each) for each in found.items],
        next=cursor_text(sort, found.next) if found.next else None,
        total=found.total,
    )


@blueprint.post("/products")
@require(Role.SELLER)
@audited("product.created")
def create_product() -> tuple[Response, int, dict[str, str]]:
    """Create a product of the caller's own."""
    actor, body = current_actor(), body_as(NewProduct)
    fields = body.model_dump() | {"status": Status(body.status)}
    created = using(ShopService).create(actor, **fields)
    location = f"{g.site.base_url}/api/shop/products/{created.product.id}"
    return jsonify(product_json(actor, created)), 201, {"Location": location}


@blueprint.get("/products/<product_id>")
def show_product(product_id: str) -> Response:
    """Show one product."""
    actor = reading_actor()
    return jsonify(product_json(actor, using(ShopService).get(actor, product_id)))


@blueprint.patch("/products/<product_id>")
@require(Role.SELLER)
@audited("product.changed", "product_id")
def change_product(product_id: str) -> Response:
    """Change the fields that are given."""
    actor, body = current_actor(), body_as(ProductChanges)
    changes = body.model_dump(exclude_unset=True)
    revision = changes.pop("revision", None)
    if "status" in changes:
        changes["status"] = Status(changes["status"])
    with _showing_current(actor, product_id):
        changed = using(ShopService).change(actor, product_id, changes, revision)
    return jsonify(product_json(actor, changed))


@blueprint.delete("/products/<product_id>")
@require(Role.SELLER)
@audited("product.deleted", "product_id")
def delete_product(product_id: str) -> tuple[str, int]:
    """Delete a product; its pictures go to the trash."""
    using(ShopService).delete(current_actor(), product_id)
    return "", 204


@blueprint.post("/products/<product_id>/images")
@require(Role.SELLER)
@upload_route
@audited("product.images_added", "product_id")
def add_images(product_id: str) -> Response:
    """Add pictures: multipart, one or many under any field names, or one raw body."""
    reception = using(ShopService).add_images(
        current_actor(), product_id, received(using(UploadPolicy)), key=idempotency_key()
    )
    return upload_reply(reception)


@blueprint.put("/products/<product_id>/images")
@require(Role.SELLER)
@audited("product.images_ordered", "product_id")
def order_images(product_id: str) -> Response:
    """Put the pictures into another order."""
    actor, body = current_actor(), body_as(ImageOrder)
    if body.revision is None:
        raise RevisionRequired
    with _showing_current(actor, product_id):
        ordered = using(ShopService).order_images(actor, product_id, body.order, body.revision)
    return jsonify(product_json(actor, ordered))


@blueprint.patch("/products/<product_id>/images/<asset_id>")
@require(Role.SELLER)
@audited("product.image_described", "product_id")
def describe_image(product_id: str, asset_id: str) -> Response:
    """Change alt texts, the decorative mark or the focal point."""
    changes = body_as(ImageChanges).model_dump(exclude_unset=True)
    asset = using(ShopService).describe_image(current_actor(), product_id, asset_id, changes)
    return jsonify(image_json(g.site, asset))


@blueprint.put("/products/<product_id>/images/<asset_id>/file")
@require(Role.SELLER)
@upload_route
@audited("product.image_replaced", "product_id")
def replace_image(product_id: str, asset_id: str) -> Response:
    """Replace the file; the picture's id and place stay."""
    reception = using(ShopService).replace_image(
        current_actor(), product_id, asset_id, received(using(UploadPolicy)), key=idempotency_key()
    )
    return upload_reply(reception)


@blueprint.delete("/products/<product_id>/images/<asset_id>")
@require(Role.SELLER)
@audited("product.image_removed", "product_id")
def remove_image(product_id: str, asset_id: str) -> tuple[str, int]:
    """Put a picture into the trash."""
    using(ShopService).remove_image(current_actor(), product_id, asset_id)
    return "", 204


@blueprint.post("/products/<product_id>/images/<asset_id>/restore")
@require(Role.SELLER)
@audited("product.image_restored", "product_id")
def restore_image(product_id: str, asset_id: str) -> Response:
    """Bring a picture back from the trash."""
    actor = current_actor()
    restored = using(ShopService).restore_image(actor, product_id, asset_id)
    return jsonify(product_json(actor, restored))


@contextmanager
def _showing_current(actor: Actor, product_id: str) -> Iterator[None]:
    """Let a `RevisionConflict` inside carry the product as it is now."""
    try:
        yield
    except RevisionConflict:
        current = using(ShopService).get(actor, product_id)
        raise RevisionConflict(product_json(actor, current)) from None


def _search_words() -> tuple[str, ...]:
    """Return the words of `?search`; a search that has none finds nothing, not everything."""
    text = request.args.get("search", "").strip()
    return tuple(words_of(text)) or ((text,) if text else ())


def _choice(name: str, text: str, choices: Sequence[str]) -> str:
    if text not in choices:
        raise Invalid(f"`{name}` must be one of {', '.join(choices)}.")
    return text


def product_json(actor: Actor, pictured: PicturedProduct) -> dict[str, Any]:
    """Return a product as JSON, its pictures with absolute URLs of the actor's site."""
    product = pictured.product
    images = [image_json(actor.site, each) for each in pictured.images]
    return {
        "id": product.id,
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "price": f"{product.price:f}" if product.price is not None else None,
        "currency": product.currency,
        "status": product.status,
        "group": product.group,
        "images": images,
        "image_urls": [each["url"] for each in images],
        "revision": product.revision,
        "created_at": iso(product.created_at),
        "updated_at": iso(product.updated_at),
    }
