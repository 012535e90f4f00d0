"""Who may read a private file."""

from avenue.identity import Actor, Site
from avenue.media.categories import GENERAL, UPLOAD, Category, category_of
from avenue.media.models import Asset


def may_read(actor: Actor, asset: Asset) -> bool:
    """Return whether `actor` may read a private asset.

    Its owner and administrators may; a general upload also the roles of its category.
    """
    if actor.is_admin or (actor.id is not None and asset.owner == actor.id):
        return True
    category = filed_in(actor.site, asset)
    return category is not None and actor.role in category.readers


def filed_in(site: Site, asset: Asset) -> Category | None:
    """Return the current category of a general upload on `site`; None if it has none."""
    if asset.claim is None or asset.claim.kind != UPLOAD:
        return None
    return category_of(site, asset.category or GENERAL)
