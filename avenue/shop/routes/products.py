"""Products as JSON, under `/api/shop/products`."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, g, jsonify, request

from avenue.errors import Forbidden, Unauthenticated
from avenue.identity import Actor, Role
from avenue.shop.errors import (
    GroupNotFound,
    ProductNotFound,
    RevisionConflict,
    SkuTaken,
    TempImageExpired,
    TooManyCategories,
    TooManyImages,
)
from avenue.shop.models import ProductFields, ProductQuery, Sort, Status
from avenue.shop.paging import cursor_text
from avenue.shop.presenting import product_json
from avenue.shop.replies import Product, ProductList
from avenue.shop.routes.bodies import NewProduct, ProductChanges
from avenue.shop.routes.lists import (
    LIST_REFUSALS,
    ProductsQuery,
    choice,
    list_asked_for,
    pictures_asked_for,
    trash_asked_for,
)
from avenue.shop.service.products import ProductService
from avenue.totals import total_json
from avenue.web.audit import audited
from avenue.web.auth import InvalidToken, current_actor, reading_actor, require, signed_in_actor
from avenue.web.describing import JSON, LOCATION, Reply, described
from avenue.web.parsing import body_as
from avenue.web.services import using

blueprint = Blueprint("products", __name__, url_prefix="/api/shop/products")


@blueprint.get("")
@described(
    query=ProductsQuery,
    replies={200: ProductList},
    refuses=(Unauthenticated, Forbidden, InvalidToken, *LIST_REFUSALS),
    personal=True,
)
def list_products() -> Response:
    """List the products the caller may see, or with `?state=trash` what they may restore.

    Takes `?search ?status ?group ?category ?pictures ?sort ?owner=me ?state ?limit ?after`.
    """
    actor, asked = reading_actor(), list_asked_for([*Sort])
    pictures, in_trash = pictures_asked_for(), trash_asked_for()
    if pictures or in_trash:
        signed_in_actor()
    owner, status = request.args.get("owner"), request.args.get("status")
    query = ProductQuery(
        owner=signed_in_actor().id if owner and choice("owner", owner, ["me"]) else None,
        status=Status(choice("status", status, [*Status])) if status else None,
        group=request.args.get("group"),
        category=request.args.get("category"),
        pictures=pictures,
        in_trash=in_trash,
        **asked,
    )
    found = using(ProductService).find(actor, query)
    listed: ProductList = {
        "items": [product_json(actor, each) for each in found.items],
        "next": cursor_text(query.sort, found.next) if found.next else None,
        **total_json(found.total),
    }
    return jsonify(listed)


@blueprint.post("")
@require(Role.SELLER)
@described(
    body=NewProduct,
    replies={201: Reply({JSON: Product}, headers=(LOCATION,))},
    refuses=(SkuTaken, GroupNotFound, TooManyCategories, TempImageExpired, TooManyImages),
)
@audited("product.created")
def create_product() -> tuple[Response, int, dict[str, str]]:
    """Create a product of the caller's own, with temporary pictures uploaded before."""
    actor, body = current_actor(), body_as(NewProduct)
    fields = body.model_dump(exclude={"temp_images"}) | {"status": Status(body.status)}
    created = using(ProductService).create(actor, ProductFields(**fields), body.temp_images)
    location = f"{g.site.base_url}/api/shop/products/{created.product.id}"
    return jsonify(product_json(actor, created)), 201, {"Location": location}


@blueprint.get("/<product_id>")
@described(replies={200: Product}, refuses=(ProductNotFound, InvalidToken), personal=True)
def show_product(product_id: str) -> Response:
    """Show one product."""
    actor = reading_actor()
    return jsonify(product_json(actor, using(ProductService).get(actor, product_id)))


@blueprint.patch("/<product_id>")
@require(Role.SELLER)
@described(
    body=ProductChanges,
    replies={200: Product},
    refuses=(ProductNotFound, SkuTaken, GroupNotFound, TooManyCategories, RevisionConflict),
)
@audited("product.changed", "product_id")
def change_product(product_id: str) -> Response:
    """Change the fields that are given."""
    actor, body = current_actor(), body_as(ProductChanges)
    changes = body.model_dump(exclude_unset=True)
    revision = changes.pop("revision", None)
    if "status" in changes:
        changes["status"] = Status(changes["status"])
    with _showing_current(actor, product_id):
        changed = using(ProductService).change(actor, product_id, changes, revision)
    return jsonify(product_json(actor, changed))


@blueprint.delete("/<product_id>")
@require(Role.SELLER)
@described(replies={204: None}, refuses=(ProductNotFound,))
@audited("product.deleted", "product_id")
def delete_product(product_id: str) -> tuple[str, int]:
    """Put a product into the trash, and its pictures with it."""
    using(ProductService).delete(current_actor(), product_id)
    return "", 204


@blueprint.post("/<product_id>/restore")
@require(Role.SELLER)
@described(replies={200: Product}, refuses=(ProductNotFound, SkuTaken))
@audited("product.restored", "product_id")
def restore_product(product_id: str) -> Response:
    """Bring a product back from the trash with all its pictures, in their order."""
    actor = current_actor()
    return jsonify(product_json(actor, using(ProductService).restore(actor, product_id)))


@contextmanager
def _showing_current(actor: Actor, product_id: str) -> Iterator[None]:
    """Let a `RevisionConflict` inside carry the product as it is now."""
    try:
        yield
    except RevisionConflict:
        current = using(ProductService).get(actor, product_id)
        raise RevisionConflict(product_json(actor, current)) from None
