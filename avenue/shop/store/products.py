"""Products, in MongoDB."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from avenue.clock import utc_now
from avenue.errors import sentence
from avenue.media.store.documents import ASSETS
from avenue.media.store.transitions import claim_temporary, restore_one
from avenue.shop.errors import GroupNotFound, SkuTaken, TempImageExpired
from avenue.shop.models import (
    Changes,
    Product,
)
from avenue.shop.store.documents import (
    GROUPS,
    PRODUCTS,
    TRASHED,
    entries_in,
    set_at_revision,
    touch,
    trash_all,
    update_of,
)
from avenue.shop.store.product_documents import from_document, to_document, values_of
from avenue.shop.store.purges import purge_products, with_purges
from avenue.storage.collection import AlreadyThere, Collection
from avenue.storage.connection import Database, Document
from avenue.storage.scope import SiteRecords, deployment, of_its_site

FORGOTTEN_AT_ONCE = 500
RESTORED_SKU = sentence("Change that product's SKU or delete it, then restore this one.")


class ProductStore(SiteRecords):
    """The products of one site at a time; every method takes the site first."""

    def insert(self, site_id: str, product: Product) -> None:
        """Insert a new product; its pictures are temporary ones of its owner, which it claims.

        In one transaction. Raise `SkuTaken`, `GroupNotFound`, `TempImageExpired`.
        """
        records = self._records(site_id, PRODUCTS)
        if not product.images and product.group is None and not self._database.purges_caches:
            return self._insert(records, product)

        def work(products: Collection) -> None:
            if products.find_one({"_id": product.id}, {"_id": 1}):
                return  # an earlier run of this transaction, whose answer was lost
            _join(products.beside(GROUPS), product.group)
            self._insert(products, product)
            purge_products(products, product)
            assets = products.beside(ASSETS)
            gone = [
                each.key
                for each in product.images
                if not claim_temporary(assets, each.key, product.claim, owner=product.owner)
            ]
            if gone:
                raise TempImageExpired(images=gone)

        return records.transaction(work)

    def get(self, site_id: str, product_id: str) -> Product | None:
        """Return one product, or None."""
        return self._records(site_id, PRODUCTS).value(from_document, {"_id": product_id})

    def change(self, site_id: str, product: Product, changes: Changes) -> Product | None:
        """Set fields of a product; None if it has changed since `product` was read.

        Raise `SkuTaken`, `GroupNotFound`.
        """
        changed = replace(product, **changes, updated_at=utc_now())
        values = values_of(changed, changes)

        def move(products: Collection) -> Document | None:
            groups = products.beside(GROUPS)
            _join(groups, changes["group"])
            _leave(groups, product.group)
            return work(products)

        def work(products: Collection) -> Document | None:
            found = set_at_revision(products, product.id, product.revision, values)
            if found:
                purge_products(products, product, found)
            return found

        moves = "group" in changes and changes["group"] != product.group
        products = self._records(site_id, PRODUCTS)
        try:
            found = products.transaction(move) if moves else with_purges(products, work)
        except AlreadyThere:
            raise SkuTaken(sku=changed.sku or "") from None
        return from_document(found) if found else None

    def trash(self, site_id: str, product: Product, *, by: str | None) -> None:
        """Move a product to the trash with its pictures."""

        def work(products: Collection) -> None:
            found = products.find_one({"_id": product.id})
            if found is None:
                return  # an earlier run of this transaction, whose answer was lost
            # Before the pictures: they are never longer in the trash than their product.
            stamp = {"trash": {"at": "$$NOW", "by": {"$literal": by}}}
            stamped = {"$mergeObjects": [{"$literal": found}, stamp]}
            trashed = products.beside(TRASHED)
            trashed.update({"_id": product.id}, [{"$replaceWith": stamped}], upsert=True)
            assets = products.beside(ASSETS)
            images = entries_in(found["images"])
            trash_all(assets, product.claim, images, by=by, reason="product_deleted")
            _leave(products.beside(GROUPS), found.get("group"))
            products.delete({"_id": product.id})
            purge_products(products, found)

        self._records(site_id, PRODUCTS).transaction(work)

    def restore(self, site_id: str, product: Product) -> Product | None:
        """Restore a product from the trash, with the pictures it had, in their order.

        It returns to its group if that still exists. None if it is not in the trash (any more).
        Raise `SkuTaken` if another product uses its SKU now; then nothing has changed.
        """

        def work(trashed: Collection) -> Document | None:
            found = trashed.find_one({"_id": product.id})
            if found is None:
                return None
            del found["trash"]
            groups = trashed.beside(GROUPS)
            if "group" in found and not groups.update({"_id": found["group"]}, touch({})):
                del found["group"]
            products = trashed.beside(PRODUCTS)
            restored = {**found, "revision": found["revision"] + 1, "updated_at": utc_now()}
            try:
                products.insert(restored)
            except AlreadyThere:
                raise SkuTaken(sku=product.sku or "", hint=RESTORED_SKU) from None
            assets = trashed.beside(ASSETS)
            for each in entries_in(found["images"]):
                if each.asset:
                    restore_one(assets, each.asset, product.claim)
            trashed.delete({"_id": product.id})
            purge_products(products, restored)
            return restored

        found = self._records(site_id, TRASHED).transaction(work)
        return from_document(found) if found else None

    def _insert(self, products: Collection, product: Product) -> None:
        try:
            products.insert(to_document(product))
        except AlreadyThere:
            raise SkuTaken(sku=product.sku or "") from None


class TrashedProducts:
    """The products in the trash of all sites, for the sweeper."""

    def __init__(self, database: Database) -> None:
        self._trashed = deployment(database).collection(TRASHED)

    def forget(self, until: datetime) -> int:
        """Delete those that have been in the trash since then; return how many.

        Invalid records are kept.
        """
        old, count = {"trash.at": {"$lte": until}}, 0
        while found := self._trashed.values(_place_of, old, limit=FORGOTTEN_AT_ONCE):
            for site_id, some in groupby(sorted(found), key=itemgetter(0)):
                ids = [each for _, each in some]
                theirs = of_its_site(self._trashed, {"_id": ids[0], "site": site_id})
                # One may have been restored meanwhile, and deleted again.
                count += theirs.delete_all({"_id": {"$in": ids}, **old})
        return count


def _place_of(document: Document) -> tuple[str, str]:
    """Return the site and the id of a readable product."""
    return document["site"], from_document(document).id


def insert_all(products: Collection, new: Sequence[Product]) -> None:
    """Insert products without stored pictures, inside a transaction; raise `AlreadyThere`."""
    if new:
        products.insert_all([to_document(each) for each in new])


def set_all(products: Collection, changed: Sequence[tuple[Product, Iterable[str]]]) -> None:
    """Set these fields of products, inside the transaction that found them."""
    now = utc_now()
    updates = [
        ({"_id": each.id}, update_of(values_of(replace(each, updated_at=now), fields)))
        for each, fields in changed
    ]
    if updates:
        products.update_all(updates)


def delete_all(products: Collection, ids: Sequence[str]) -> None:
    """Delete products without stored pictures, inside the transaction that checked that."""
    if ids:
        products.delete_all({"_id": {"$in": list(ids)}})


def _join(groups: Collection, group_id: str | None) -> None:
    """Lock the group that a product joins, inside a transaction; raise `GroupNotFound`.

    It is written to, so that of this and a simultaneous deletion only one succeeds.
    """
    if group_id is not None and not groups.update({"_id": group_id}, touch({})):
        raise GroupNotFound


def _leave(groups: Collection, group_id: str | None) -> None:
    if group_id is not None:
        groups.update({"_id": group_id}, touch({}))
