"""Purges of cached pages of products and groups, written in the transaction of their change.

Addresses with a query (the next pages of a list) cannot be listed; such answers are cached for a
minute at most (`web/cache_policy.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from avenue.media.announcing.store import purge_paths
from avenue.shop.addresses import LISTS, paths_of_categories, paths_of_group, paths_of_product
from avenue.shop.models import Product, Status
from avenue.shop.store.documents import GROUPS, PRODUCTS
from avenue.storage.collection import Collection
from avenue.storage.connection import Document
from avenue.storage.indexes import IS_TEXT

T = TypeVar("T")
MOST_MEMBERS = 200
"""Members of a group that are purged, because their pages link to each other."""
FIELDS = {"name": 1, "status": 1, "group": 1, "category": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The fields of a product that determine where it is shown."""

    id: str
    name: str
    group: str | None
    category: str | None


def with_purges(records: Collection, work: Callable[[Collection], T]) -> T:
    """Change records with `work`, in a transaction if purges go with it; it may run again."""
    return records.transaction(work) if records.database.purges_caches else work(records)


def purge_products(products: Collection, *changed: Product | Document | None) -> None:
    """Purge the pages of products: `changed` are they before and after, if any.

    Those that were not public are left out. For a transaction.
    """
    if not products.database.purges_caches:
        return
    seen = [each for each in map(_seen, changed) if each is not None]
    if not seen:
        return
    groups = sorted({each.group for each in seen if each.group})
    paths = [path for each in seen for path in paths_of_product(each.id, each.name)]
    paths += [path for each in groups for path in paths_of_group(each)]
    paths += paths_of_categories(each.category for each in seen if each.category)
    # Its own first: a CDN that takes one path in a call then soon has the most visited ones.
    purge_paths(products, [*paths, *_members(products, groups), *LISTS])


@contextmanager
def purging_group(groups: Collection, group_id: str) -> Iterator[None]:
    """Purge the pages of a group and its products, before and after the block."""
    if not groups.database.purges_caches:
        yield
        return
    products = groups.beside(PRODUCTS)
    before = _members(products, [group_id])
    yield
    after = _members(products, [group_id])
    purge_paths(groups, [*paths_of_group(group_id), *before, *after, *LISTS])


def purge_owner(owners: Collection, owner_id: str) -> None:
    """Purge the pages of the product or group whose pictures have changed."""
    if not owners.database.purges_caches:
        return
    if owners.name == GROUPS:
        with purging_group(owners, owner_id):
            return
    purge_products(owners, owners.find_one({"_id": owner_id}, FIELDS))


def _members(products: Collection, groups: Sequence[str]) -> list[str]:
    if not groups:
        return []
    found = products.find({"group": {"$in": groups, **IS_TEXT}}, FIELDS, limit=MOST_MEMBERS)
    seen = [each for each in map(_seen, found) if each is not None]
    return [path for each in seen for path in paths_of_product(each.id, each.name)]


def _seen(product: Product | Document | None) -> _Seen | None:
    """Return where a product is shown, None if it is not public, or invalid."""
    if product is None:
        return None
    if isinstance(product, Product):
        found: Document = {name: getattr(product, name) for name in FIELDS}
        found["_id"] = product.id
    else:
        found = product
    name, group, category = (found.get(each) for each in ("name", "group", "category"))
    if found.get("status") != Status.PUBLISHED or not isinstance(name, str):
        return None
    return _Seen(
        id=str(found["_id"]),
        name=name,
        group=group if isinstance(group, str) else None,
        category=category if isinstance(category, str) else None,
    )
