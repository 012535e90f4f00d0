"""Permissions in the shop."""

from avenue.errors import Forbidden, Unauthenticated
from avenue.identity import Actor, Role
from avenue.shop.models import PictureOwner, Product, Status


def require_seller(actor: Actor) -> None:
    """Raise `Unauthenticated` or `Forbidden` unless the actor has a seller's permissions."""
    if actor.id is None:
        raise Unauthenticated
    if not actor.has_role(Role.SELLER):
        raise Forbidden


def require_uploader(actor: Actor) -> None:
    """Raise `Unauthenticated` or `Forbidden` unless the actor may upload pictures anywhere."""
    if actor.id is None:
        raise Unauthenticated
    if not actor.has_role(Role.SELLER, Role.EDITOR):
        raise Forbidden


def may_change(actor: Actor, thing: PictureOwner) -> bool:
    """Tell whether the actor owns a product or group, or may change all of them."""
    return actor.runs_shop or (actor.id is not None and thing.owner == actor.id)


def may_see(actor: Actor, product: Product) -> bool:
    """Tell whether the actor may see a product; published ones are public."""
    return product.status is Status.PUBLISHED or may_change(actor, product)
