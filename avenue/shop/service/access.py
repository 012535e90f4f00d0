"""Who may see and change what in a shop."""

from avenue.errors import Forbidden, Unauthenticated
from avenue.identity import Actor, Role
from avenue.shop.models import PictureOwner, Product, Status


def require_seller(actor: Actor) -> None:
    """Raise `Unauthenticated` or `Forbidden` unless the actor has a seller's rights."""
    if actor.id is None:
        raise Unauthenticated
    if not actor.has_role(Role.SELLER):
        raise Forbidden


def require_uploader(actor: Actor) -> None:
    """Raise `Unauthenticated` or `Forbidden` unless the actor may bring pictures in anywhere."""
    if actor.id is None:
        raise Unauthenticated
    if not actor.has_role(Role.SELLER, Role.EDITOR):
        raise Forbidden


def may_change(actor: Actor, thing: PictureOwner) -> bool:
    """Tell whether a product or group is the actor's own, or everybody's is the actor's to do."""
    return actor.runs_shop or (actor.id is not None and thing.owner == actor.id)


def may_see(actor: Actor, product: Product) -> bool:
    """Tell whether the actor may see a product: published ones everybody."""
    return product.status is Status.PUBLISHED or may_change(actor, product)
