"""Products and their pictures, in MongoDB."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from bson import Decimal128
from pymongo.client_session import ClientSession

from avenue.clock import utc_now
from avenue.media.library import Outcome, Reception, Refusal
from avenue.media.models import Asset, State
from avenue.media.store import (
    ASSETS,
    claim_one,
    from_document,
    replace_one,
    restore_one,
    trash_one,
)
from avenue.shop.errors import (
    ImageNotFound,
    OrderMismatch,
    ProductNotFound,
    RevisionConflict,
    SkuTaken,
    TooManyImages,
)
from avenue.shop.models import Changes, Product, ProductQuery, Sort, Status
from avenue.shop.words import words_of
from avenue.storage.connection import Database, Document
from avenue.storage.idempotency import UploadInProgress, Writes
from avenue.storage.scope import AlreadyThere, Collection, site

PRODUCTS = "shop_products"
SORT_FIELDS = {Sort.NAME: "name_key"}
T = TypeVar("T")


class ProductStore:
    """The products of one site at a time; every method takes the site first.

    What touches a product and its pictures together is one transaction of small documents.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writes = Writes(database)

    def insert(self, site_id: str, product: Product) -> None:
        """Insert a new product; raise `SkuTaken`."""
        try:
            self._products(site_id).insert(_to_document(product))
        except AlreadyThere:
            raise SkuTaken(product.sku or "") from None

    def get(self, site_id: str, product_id: str) -> Product | None:
        """Return one product, or None."""
        found = self._products(site_id).find_one({"_id": product_id})
        return _from_document(found) if found else None

    def find(self, site_id: str, query: ProductQuery) -> tuple[list[Product], int]:
        """Return the products of one page, and how many match in all.

        When there are more, the page has one product more than its limit.
        """
        products, wanted = self._products(site_id), _conditions(query)
        direction = -1 if query.descending else 1
        key = SORT_FIELDS.get(query.sort, query.sort.value)
        page = [*wanted, *_beyond(query, key)]
        sort = [(key, direction), ("_id", direction)]
        found = products.find(_all_of(page), sort=sort, limit=query.limit + 1)
        return [_from_document(each) for each in found], products.count(_all_of(wanted))

    def change(self, site_id: str, product: Product, changes: Changes) -> Product | None:
        """Set fields of a product; None when it is no longer as `product` says. `SkuTaken`."""
        changed = _to_document(replace(product, **changes, updated_at=utc_now()))
        values = {name: changed.get(name) for name in {*changes, "updated_at", "words", "name_key"}}
        try:
            return self._set(site_id, product.id, product.revision, values)
        except AlreadyThere:
            raise SkuTaken(changed["sku"]) from None

    def delete(self, site_id: str, product: Product, *, by: str | None) -> None:
        """Delete a product; its pictures go to the trash with it."""

        def work(products: Collection, assets: Collection, _: ClientSession) -> None:
            found = products.find_one({"_id": product.id})
            for position, image in enumerate(found["images"] if found else []):
                trash_one(
                    assets,
                    image["asset"],
                    product.claim,
                    position=position,
                    by=by,
                    reason="product_deleted",
                )
            products.delete({"_id": product.id})

        self._together(site_id, work)

    def add_images(
        self, site_id: str, product: Product, reception: Reception, *, limit: int
    ) -> None:
        """Give the stored pictures of `reception` to the product, as many as fit.

        Notes their fates and closes the open write. Raise `TooManyImages` when none fits.
        """
        write = reception.write
        if write is None:
            return

        def work(products: Collection, assets: Collection, session: ClientSession) -> None:
            reception.fates = {}  # of a run that was undone
            found = products.find_one({"_id": product.id})
            if found is None:
                raise ProductNotFound
            mine = _by_source(assets, product)
            fates: dict[str, Outcome] = {}
            for asset in reception.new:
                fates[asset.id] = _add_one(products, assets, product, asset, mine, limit)
            if not any(isinstance(fate, Asset) for fate in fates.values()):
                raise TooManyImages(limit=limit)
            reception.fates = fates
            self._writes.finish(site_id, write, reception.answer(), session)

        self._together(site_id, work)

    def order_images(
        self, site_id: str, product: Product, order: Sequence[str], revision: int
    ) -> Product:
        """Put the pictures into `order`; raise `RevisionConflict` or `OrderMismatch`."""
        if product.revision != revision:
            raise RevisionConflict
        if sorted(order) != sorted(product.images):
            raise OrderMismatch
        values = {"images": [{"asset": each} for each in order], "updated_at": utc_now()}
        ordered = self._set(site_id, product.id, revision, values)
        if ordered is None:
            raise RevisionConflict
        return ordered

    def remove_image(
        self, site_id: str, product: Product, asset_id: str, *, by: str | None
    ) -> None:
        """Take a picture from the product into the trash; raise `ImageNotFound`."""

        def work(products: Collection, assets: Collection, _: ClientSession) -> None:
            found = products.find_one({"_id": product.id}, {"images": 1})
            images = [image["asset"] for image in found["images"]] if found else []
            if asset_id not in images:
                raise ImageNotFound
            products.update({"_id": product.id}, _touch({"$pull": {"images": {"asset": asset_id}}}))
            trash_one(
                assets,
                asset_id,
                product.claim,
                position=images.index(asset_id),
                by=by,
                reason="removed",
            )

        self._together(site_id, work)

    def restore_image(self, site_id: str, product: Product, asset_id: str, *, limit: int) -> None:
        """Bring a picture back to where it was; raise `ImageNotFound` or `TooManyImages`."""

        def work(products: Collection, assets: Collection, _: ClientSession) -> None:
            position = restore_one(assets, asset_id, product.claim)
            if position is None:
                if products.find_one({"_id": product.id, "images.asset": asset_id}):
                    return  # restored already: this is the same request again
                raise ImageNotFound
            push = {"images": {"$each": [{"asset": asset_id}], "$position": position}}
            query = {"_id": product.id, f"images.{limit - 1}": {"$exists": False}}
            if not products.update(query, _touch({"$push": push})):
                raise TooManyImages(limit=limit)

        self._together(site_id, work)

    def replace_image(
        self, site_id: str, product: Product, asset: Asset, reception: Reception, *, keep: int
    ) -> tuple[str, ...]:
        """Make the stored file of `reception` the asset's newest version.

        Return the files of versions that fell off. Raise `ImageNotFound` when it is gone.
        """
        write, fresh = reception.write, reception.new
        if write is None or not fresh:
            return ()

        def work(
            products: Collection, assets: Collection, session: ClientSession
        ) -> tuple[str, ...]:
            reception.fates = {}  # of a run that was undone
            fell_off = replace_one(
                assets,
                asset.id,
                product.claim,
                version=fresh[0].current,
                name=fresh[0].name,
                keep=keep,
            )
            if fell_off is None:
                raise ImageNotFound
            products.update({"_id": product.id}, _touch({}))
            reception.fates = {asset.id: fresh[0]}
            self._writes.finish(site_id, write, reception.answer(), session)
            return fell_off

        return self._together(site_id, work)

    def _set(
        self, site_id: str, product_id: str, revision: int, values: Mapping[str, Any]
    ) -> Product | None:
        """Set fields (None takes one away) of a product that still has `revision`, else None.

        A retry after a lost answer finds its own change: the next revision with these `values`.
        """
        products = self._products(site_id)
        update: Document = {
            "$set": {name: value for name, value in values.items() if value is not None},
            "$unset": {name: "" for name, value in values.items() if value is None},
            "$inc": {"revision": 1},
        }
        query = {"_id": product_id, "revision": revision}
        found = products.find_and_update(query, update) or products.find_one(
            {"_id": product_id, "revision": revision + 1, **values}
        )
        return _from_document(found) if found else None

    def _together(
        self, site_id: str, work: Callable[[Collection, Collection, ClientSession], T]
    ) -> T:
        scope = site(self._database, site_id)
        products, assets = scope.collection(PRODUCTS), scope.collection(ASSETS)
        return scope.transaction(
            lambda session: work(products.within(session), assets.within(session), session)
        )

    def _products(self, site_id: str) -> Collection:
        return site(self._database, site_id).collection(PRODUCTS)


def _by_source(assets: Collection, product: Product) -> dict[str, Asset]:
    """Return the product's live pictures by the hash of the bytes that were sent."""
    query = {
        "claim.kind": product.claim.kind,
        "claim.id": product.claim.id,
        "state": State.LIVE,
    }
    found = [from_document(each) for each in assets.find(query)]
    return {asset.current.source_sha256: asset for asset in found}


def _add_one(
    products: Collection,
    assets: Collection,
    product: Product,
    asset: Asset,
    mine: dict[str, Asset],
    limit: int,
) -> Outcome:
    """Give one stored picture to the product; `mine` are those it has."""
    twin = mine.get(asset.current.source_sha256)
    if twin is not None:
        return twin
    query = {"_id": product.id, f"images.{limit - 1}": {"$exists": False}}
    if not products.update(query, _touch({"$push": {"images": {"asset": asset.id}}})):
        return Refusal.of(asset.name, TooManyImages(limit=limit))
    if not claim_one(assets, asset.id, product.claim):
        # The lease ended and the sweeper, or another try of this request, was quicker.
        raise UploadInProgress
    mine[asset.current.source_sha256] = asset
    return asset


def _touch(change: Mapping[str, Any]) -> Document:
    """Return `change` with the revision and the time of a change."""
    return {**change, "$inc": {"revision": 1}, "$set": {"updated_at": utc_now()}}


def _all_of(conditions: Sequence[Document]) -> Document:
    return {"$and": list(conditions)} if conditions else {}


def _conditions(query: ProductQuery) -> list[Document]:
    conditions: list[Document] = []
    if not query.everything:
        visible: list[Document] = [{"status": Status.PUBLISHED}]
        if query.visible_to:
            visible.append({"owner": query.visible_to})
        conditions.append({"$or": visible})
    if query.owner:
        conditions.append({"owner": query.owner})
    if query.status:
        conditions.append({"status": query.status})
    prefixes = [{"words": {"$regex": f"^{re.escape(word)}"}} for word in query.words]
    return conditions + prefixes


def _beyond(query: ProductQuery, key: str) -> list[Document]:
    """Return the condition for what comes after the cursor; a missing value sorts first."""
    if query.after is None:
        return []
    value, last_id = query.after
    beyond = "$lt" if query.descending else "$gt"
    stored = Decimal128(value) if isinstance(value, Decimal) else value
    after: list[Document] = [{key: stored, "_id": {beyond: last_id}}]
    if stored is not None:
        after.append({key: {beyond: stored}})
    if stored is None and not query.descending:
        after.append({key: {"$ne": None}})
    if stored is not None and query.descending:
        after.append({key: None})
    return [{"$or": after}]


def _to_document(product: Product) -> Document:
    document = {
        "_id": product.id,
        "owner": product.owner,
        "sku": product.sku,
        "name": product.name,
        "name_key": product.name_key,
        "description": product.description,
        "price": Decimal128(product.price) if product.price is not None else None,
        "currency": product.currency,
        "status": product.status,
        "group": product.group,
        "images": [{"asset": asset_id} for asset_id in product.images],
        "revision": product.revision,
        "words": words_of(product.name, product.sku, product.description),
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    }
    return {name: value for name, value in document.items() if value is not None}


def _from_document(document: Document) -> Product:
    price = document.get("price")
    return Product(
        id=document["_id"],
        owner=document.get("owner"),
        sku=document.get("sku"),
        name=document["name"],
        description=document["description"],
        price=price.to_decimal() if price is not None else None,
        currency=document["currency"],
        status=Status(document["status"]),
        group=document.get("group"),
        images=tuple(image["asset"] for image in document["images"]),
        revision=document["revision"],
        created_at=document["created_at"],
        updated_at=document["updated_at"],
    )
