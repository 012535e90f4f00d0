"""Addresses with the ids of the application that came before: they mean the same products."""

from flask import g, request

from avenue.identity import is_id
from avenue.shop.models import GROUP, PRODUCT
from avenue.shop.store.old_ids import OldIds
from avenue.web.cache_policy import cache_nowhere
from avenue.web.services import using

NAMED = {"product_id": PRODUCT, "group_id": GROUP}
"""What an address names by which of its parts; `owner_id` is of the address's own `kind`."""


def read_old_id() -> None:
    """Let a view get the id of today in place of one from before Avenue."""
    arguments = request.view_args or {}
    kinds = {**NAMED, "owner_id": str(arguments.get("kind", ""))}
    for name, kind in kinds.items():
        old_id = arguments.get(name)
        if kind and isinstance(old_id, str) and not is_id(old_id):
            cache_nowhere()  # no purge knows these addresses
            arguments[name] = using(OldIds).find(g.site.id, kind, old_id) or old_id
