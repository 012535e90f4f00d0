"""Translates the ids of an earlier application in addresses to current ones."""

from flask import g, request

from avenue.identity import is_id
from avenue.shop.models import GROUP, PRODUCT
from avenue.shop.store.old_ids import OldIds
from avenue.web.cache_policy import cache_nowhere
from avenue.web.services import using

NAMED = {"product_id": PRODUCT, "group_id": GROUP}
"""The kind of each id in an address; `owner_id` is of the address's own `kind`."""


def read_old_id() -> None:
    """Replace an old id by the current one before the view gets it."""
    arguments = request.view_args or {}
    kinds = {**NAMED, "owner_id": str(arguments.get("kind", ""))}
    for name, kind in kinds.items():
        old_id = arguments.get(name)
        if kind and isinstance(old_id, str) and not is_id(old_id):
            cache_nowhere()  # no purge knows these addresses
            arguments[name] = using(OldIds).find(g.site.id, kind, old_id) or old_id
