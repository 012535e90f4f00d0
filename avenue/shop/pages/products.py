"""`/admin/products`: the list of products."""

from flask import Blueprint, Response, request

from avenue.identity import Role
from avenue.shop.models import ProductQuery, Sort, Status
from avenue.shop.paging import cursor_text
from avenue.shop.presenting import product_json
from avenue.shop.routes.lists import choice, list_asked_for
from avenue.shop.service.products import ProductService
from avenue.web.auth import current_actor, require
from avenue.web.pages import page
from avenue.web.services import using

PATH = "/admin/products"

blueprint = Blueprint("product_pages", __name__, url_prefix=PATH, template_folder="../templates")


@blueprint.get("")
@require(Role.SELLER)
def show_products() -> Response:
    """Show the products, with the filters and the order of the URL."""
    actor, asked = current_actor(), list_asked_for([*Sort])
    status = request.args.get("status")
    query = ProductQuery(
        status=Status(choice("status", status, [*Status])) if status else None, **asked
    )
    found = using(ProductService).find(actor, query)
    return page(
        "shop/products.html",
        products=[product_json(actor, each) for each in found.items],
        total=found.total,
        next=cursor_text(query.sort, found.next) if found.next else None,
        query=query,
    )
