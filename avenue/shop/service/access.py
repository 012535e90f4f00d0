"""Permissions in the shop."""

from avenue.identity import Actor
from avenue.shop.models import PictureOwner, Product, Status


def may_change(actor: Actor, thing: PictureOwner) -> bool:
    """Return whether the actor owns a product or group, or may change all of them."""
    return actor.runs_shop or (actor.id is not None and thing.owner == actor.id)


def may_see(actor: Actor, product: Product) -> bool:
    """Return whether the actor may see a product; published ones are public."""
    return product.status is Status.PUBLISHED or may_change(actor, product)
