"""Products as JSON, under `/api/shop/products`."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice

from flask import Blueprint, Response, g, jsonify, request

from avenue.errors import Forbidden, Unauthenticated
from avenue.identity import Actor, Role
from avenue.media.models import Asset, Claim
from avenue.media.urls import original_url
from avenue.shop.attributes import chosen_of
from avenue.shop.errors import (
    GroupNotFound,
    ProductNotFound,
    RevisionConflict,
    SkuTaken,
    TempImageExpired,
    TooManyCategories,
    TooManyImages,
)
from avenue.shop.importing.models import EVERY_COLUMN
from avenue.shop.models import (
    PRODUCT,
    PicturedProduct,
    Pictures,
    ProductFields,
    ProductQuery,
    Sort,
    Status,
)
from avenue.shop.paging import cursor_text
from avenue.shop.presenting import product_json
from avenue.shop.replies import Product, ProductList
from avenue.shop.routes.bodies import NewProduct, ProductChanges
from avenue.shop.routes.lists import (
    LIST_REFUSALS,
    ExportQuery,
    ProductsQuery,
    choice,
    filter_asked_for,
    list_asked_for,
    trash_asked_for,
)
from avenue.shop.routes.owners import showing_current
from avenue.shop.service.groups import GroupService
from avenue.shop.service.products import ProductService
from avenue.shop.table import product_row
from avenue.totals import total_json
from avenue.web.audit import audited
from avenue.web.auth import InvalidToken, current_actor, reading_actor, require, signed_in_actor
from avenue.web.describing import JSON, LOCATION, NOT_MODIFIED, Reply, described
from avenue.web.errors import TableTooLong
from avenue.web.parsing import body_as, one_of
from avenue.web.services import using
from avenue.web.tables import CSV_TYPE, XLSX_TYPE, Cell, spreadsheet, table

blueprint = Blueprint("products", __name__, url_prefix="/api/shop/products")


@blueprint.get("")
@described(
    query=ProductsQuery,
    replies={200: ProductList, 304: NOT_MODIFIED},
    refuses=(Unauthenticated, Forbidden, InvalidToken, *LIST_REFUSALS),
    personal=True,
)
def list_products() -> Response:
    """List the products you may see, or with `?state=trash` those you may restore.

    Takes `?search ?status ?group ?category ?attribute ?pictures ?sort ?owner=me ?state`, and
    `?limit ?after`.
    """
    actor, query = reading_actor(), _asked()
    found = using(ProductService).find(actor, query)
    listed: ProductList = {
        "items": [product_json(actor, each) for each in found.items],
        "next": cursor_text(query.sort, found.next) if found.next else None,
        **total_json(found.total, found.at_least),
    }
    return jsonify(listed)


@blueprint.get("/export")
@require(Role.SELLER)
@described(
    query=ExportQuery,
    replies={200: Reply({CSV_TYPE: str, XLSX_TYPE: bytes}, "The products, one in each row.")},
    refuses=(TableTooLong, *LIST_REFUSALS),
)
def export_products() -> Response:
    """Export all products of the list with the same parameters, as a table to be saved.

    It can be imported again, unchanged or changed. `pictures` has the addresses of stored pictures,
    which an import ignores. An .xlsx file has 10,000 rows at most.
    """
    wanted = one_of("format", request.args.get("format", "csv"), ["csv", "xlsx"])
    actor, query = current_actor(), _asked()
    if not actor.runs_shop:
        query = replace(query, owner=actor.id)
    rows = _rows(actor, using(ProductService).walk(actor, query))
    first = list(islice(rows, 1))  # errors occur before the answer begins
    made = spreadsheet if wanted == "xlsx" else table
    return made(f"{g.site.id}-products", (*EVERY_COLUMN, "pictures"), chain(first, rows))


def _rows(actor: Actor, found: Iterator[list[PicturedProduct]]) -> Iterator[list[Cell]]:
    for some in found:
        groups = [each.product.group for each in some if each.product.group]
        models = using(GroupService).models_of(actor, groups) if groups else {}
        for each in some:
            stored = [image for image in each.images if isinstance(image, Asset)]
            pictures = " ".join(original_url(actor.site, image) for image in stored)
            yield [*product_row(each.product, models), pictures]


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
@described(
    replies={200: Product, 304: NOT_MODIFIED},
    refuses=(ProductNotFound, InvalidToken),
    personal=True,
)
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
    """Change the given fields."""
    actor, body = current_actor(), body_as(ProductChanges)
    changes = body.model_dump(exclude_unset=True)
    revision = changes.pop("revision", None)
    if "status" in changes:
        changes["status"] = Status(changes["status"])
    with showing_current(actor, Claim(kind=PRODUCT, id=product_id)):
        changed = using(ProductService).change(actor, product_id, changes, revision)
    return jsonify(product_json(actor, changed))


@blueprint.delete("/<product_id>")
@require(Role.SELLER)
@described(replies={204: None}, refuses=(ProductNotFound,))
@audited("product.deleted", "product_id")
def delete_product(product_id: str) -> tuple[str, int]:
    """Move a product to the trash with its pictures."""
    using(ProductService).delete(current_actor(), product_id)
    return "", 204


@blueprint.post("/<product_id>/restore")
@require(Role.SELLER)
@described(replies={200: Product}, refuses=(ProductNotFound, SkuTaken))
@audited("product.restored", "product_id")
def restore_product(product_id: str) -> Response:
    """Restore a product from the trash with all its pictures, in their order."""
    actor = current_actor()
    return jsonify(product_json(actor, using(ProductService).restore(actor, product_id)))


def _asked() -> ProductQuery:
    """Return the query in the URL.

    Raise `Invalid`, `BadCursor`, or `Unauthenticated` if it is not public.
    """
    asked = list_asked_for([*Sort])
    pictures, in_trash = filter_asked_for("pictures", Pictures), trash_asked_for()
    if pictures or in_trash:
        signed_in_actor()
    owner = request.args.get("owner")
    return ProductQuery(
        owner=signed_in_actor().id if owner and choice("owner", owner, ["me"]) else None,
        status=filter_asked_for("status", Status),
        group=request.args.get("group"),
        category=request.args.get("category"),
        chosen=chosen_of(request.args.getlist("attribute")),
        pictures=pictures,
        in_trash=in_trash,
        **asked,
    )
