"""`/api/shop/debug/…` for operators and administrators, as JSON or as text."""

from typing import Annotated, Literal

from flask import Blueprint, Response, request
from pydantic import Field
from typing_extensions import TypedDict

from avenue.errors import Invalid
from avenue.health.views.status.models import ProductsStatus, StorageStatus
from avenue.health.views.status.service import StatusService
from avenue.identity import Role
from avenue.web.auth import current_actor, require
from avenue.web.describing import JSON, Reply, described
from avenue.web.errors import InvalidQuery
from avenue.web.fields import facts_of
from avenue.web.parsing import LARGEST_PAGE, PageQuery, page_asked_for
from avenue.web.plain import TEXT, json_or_text
from avenue.web.services import using

blueprint = Blueprint("shop_debug", __name__, url_prefix="/api/shop/debug")

Deep = Annotated[Literal["0", "1"], Field(description="1: look now, as far as time goes.")]


class StorageStatusQuery(TypedDict, total=False):
    """The depth of the check."""

    deep: Deep


class ProductsStatusQuery(PageQuery, total=False):
    """The depth of the check, and the page of problems; 100 if `limit` is left out."""

    deep: Deep


@blueprint.get("/products-status")
@require(Role.OPS)
@described(
    query=ProductsStatusQuery,
    replies={200: Reply({JSON: ProductsStatus, TEXT: str})},
    refuses=(Invalid, InvalidQuery),
)
def products_status() -> Response:
    """Report whether all pictures of the shop are stored: `?deep=1 ?after ?limit`."""
    actor, page = current_actor(), page_asked_for(default=LARGEST_PAGE)
    status = using(StatusService).products(
        actor, deep=_wants_deep(), after=page.after or "", limit=page.limit
    )
    return json_or_text(facts_of(status))


@blueprint.get("/storage-status")
@require(Role.OPS)
@described(
    query=StorageStatusQuery,
    replies={200: Reply({JSON: StorageStatus, TEXT: str})},
    refuses=(Invalid,),
)
def storage_status() -> Response:
    """Report where the bytes are, and whether they would survive: `?deep=1`."""
    actor = current_actor()
    status = using(StatusService).storage(actor, deep=_wants_deep())
    return json_or_text(facts_of(status))


def _wants_deep() -> bool:
    text = request.args.get("deep", "0")
    if text not in {"0", "1"}:
        raise Invalid("`deep` must be 1 or 0.")
    return text == "1"
