"""What the routes of products, of groups and of their pictures share."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

from flask import Blueprint

from avenue.identity import Actor
from avenue.media.models import Claim
from avenue.shop.errors import RevisionConflict
from avenue.shop.models import GROUP, PRODUCT
from avenue.shop.presenting import group_json, product_json
from avenue.shop.replies import Group, Product
from avenue.shop.service.groups import GroupService
from avenue.shop.service.products import ProductService
from avenue.web.services import using

View = Callable[..., Any]
OWNER_PATHS: Mapping[str, str] = {PRODUCT: "products", GROUP: "groups"}


def of_both(blueprint: Blueprint, method: str, rule: str) -> Callable[[View], View]:
    """Route `method` of `rule` below each product and each group to one view.

    The view gets the claim on the pictures of the product or group.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def with_claim(kind: str, owner_id: str, **arguments: str) -> Any:
            return view(Claim(kind=kind, id=owner_id), **arguments)

        for kind, owners in OWNER_PATHS.items():
            blueprint.add_url_rule(
                f"/{owners}/<owner_id>/{rule}",
                view_func=with_claim,
                methods=[method],
                defaults={"kind": kind},
            )
        return view

    return decorate


@contextmanager
def showing_current(actor: Actor, claim: Claim) -> Iterator[None]:
    """Add the current product or group to a `RevisionConflict` in the block."""
    try:
        yield
    except RevisionConflict:
        raise RevisionConflict(owner_json(actor, claim)) from None


def owner_json(actor: Actor, claim: Claim) -> Product | Group:
    """Return the product or group with a claim as JSON."""
    if claim.kind == PRODUCT:
        return product_json(actor, using(ProductService).get(actor, claim.id))
    return group_json(actor, using(GroupService).get(actor, claim.id))
