"""Products, in MongoDB."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Collection as Ids
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from bson import Decimal128
from pymongo.client_session import ClientSession

from avenue.clock import utc_now
from avenue.errors import sentence
from avenue.media.references import FINDINGS, found_against
from avenue.media.store.documents import ASSETS
from avenue.media.store.transitions import claim_temporary, owners_without_alt, restore_one
from avenue.shop.attributes import (
    MOST_SETS,
    Attributes,
    bounds_of,
    in_category,
    keys_of,
    pairs_of,
    set_of,
)
from avenue.shop.categories import MOST_CATEGORIES, way_to
from avenue.shop.errors import GroupNotFound, SkuTaken, TempImageExpired
from avenue.shop.matching.models import Shelf
from avenue.shop.models import (
    PRODUCT,
    Changes,
    Lacking,
    Pictures,
    Product,
    ProductQuery,
    Status,
)
from avenue.shop.store.documents import (
    GROUPS,
    PRODUCTS,
    TRASHED,
    entries_in,
    entries_out,
    page_of,
    set_at_revision,
    touch,
    trash_all,
    update_of,
)
from avenue.shop.store.purges import purge_products, with_purges
from avenue.storage.collection import AlreadyThere, Collection
from avenue.storage.connection import Database, Document
from avenue.storage.indexes import IS_PUBLISHED, IS_TEXT
from avenue.storage.scope import SiteRecords, deployment, of_its_site, site
from avenue.totals import MOST_COUNTED
from avenue.words import words_of

MOST_LACKING = 1_000
"""Pictures, or findings, that a list of products by those is drawn from, the newest pictures; of
one person's products those of so many, the newest."""

FOLLOWING = (
    "updated_at",
    "words",
    "name_key",
    "category_keys",
    "attribute_keys",
    "attribute_set",
)
"""The stored fields of a product that are derived from the others."""
WITHOUT_TEXTS = {"description": 0, "words": 0, "images": 0}

SHELVES_AT_ONCE = 5000
FORGOTTEN_AT_ONCE = 500
RESTORED_SKU = sentence("Change that product's SKU or delete it, then restore this one.")


class ProductStore(SiteRecords):
    """The products of one site at a time; every method takes the site first."""

    def insert(self, site_id: str, product: Product) -> None:
        """Insert a new product; its pictures are temporary ones of its owner, which it claims.

        In one transaction. Raise `SkuTaken`, `GroupNotFound`, `TempImageExpired`.
        """
        scope = site(self._database, site_id)
        if not product.images and product.group is None and not self._database.purges_caches:
            return self._insert(scope.collection(PRODUCTS), product)

        def work(session: ClientSession) -> None:
            products = scope.collection(PRODUCTS).within(session)
            if products.find_one({"_id": product.id}, {"_id": 1}):
                return  # an earlier run of this transaction, whose answer was lost
            _join(scope.collection(GROUPS).within(session), product.group)
            self._insert(products, product)
            purge_products(products, product)
            assets = scope.collection(ASSETS).within(session)
            gone = [
                each.key
                for each in product.images
                if not claim_temporary(assets, each.key, product.claim, owner=product.owner)
            ]
            if gone:
                raise TempImageExpired(images=gone)

        return scope.transaction(work)

    def get(self, site_id: str, product_id: str) -> Product | None:
        """Return one product, or None."""
        return self._records(site_id, PRODUCTS).value(from_document, {"_id": product_id})

    def find(
        self, site_id: str, query: ProductQuery, lacking: Lacking | None = None
    ) -> tuple[list[Product], int | None]:
        """Return the products of one page, and how many match in all; see `page_of`.

        Of those `lacking` something, if that is given.
        """
        name = TRASHED if query.in_trash else PRODUCTS
        products = self._records(site_id, name)
        conditions = [*_conditions(query), *_having_attributes(products, query), *_among(lacking)]
        return page_of(products, from_document, query, conditions)

    def count(
        self, site_id: str, query: ProductQuery, lacking: Lacking | None, most: int
    ) -> int | None:
        """Return how many match, None for more than `most`; words and attributes do not count."""
        conditions = [*_conditions(query), *_among(lacking)]
        wanted = {"$and": conditions} if conditions else {}
        return self._records(site_id, PRODUCTS).total(wanted, most=most)

    def drafts(self, site_id: str, most: int) -> int | None:
        """Return the number of drafts, None above `most`."""
        return self._records(site_id, PRODUCTS).total({"status": Status.DRAFT}, most=most)

    def these(self, site_id: str, product_ids: Sequence[str]) -> list[Product]:
        """Return those of `product_ids` that exist, in their order."""
        found = with_ids(self._records(site_id, PRODUCTS), product_ids)
        return [found[each] for each in dict.fromkeys(product_ids) if each in found]

    def trashed(self, site_id: str, product_ids: Sequence[str]) -> list[Product]:
        """Return those of `product_ids` that are in the trash, in their order."""
        found = with_ids(self._records(site_id, TRASHED), product_ids)
        return [found[each] for each in dict.fromkeys(product_ids) if each in found]

    def with_skus(self, site_id: str, skus: Iterable[str]) -> dict[str, Product]:
        """Return the products that have one of `skus`, by SKU."""
        return with_skus(self._records(site_id, PRODUCTS), skus)

    def published(self, site_id: str, *, most: int) -> list[Product] | None:
        """Return the published products, newest first; None if there are more than `most`."""
        products = self._records(site_id, PRODUCTS)
        total = products.total(IS_PUBLISHED)
        if total is None or total > most:
            return None
        return products.values(
            _listed,
            IS_PUBLISHED,
            WITHOUT_TEXTS,
            sort=[("created_at", -1)],
            limit=most,
        )

    def categories(self, site_id: str) -> list[str]:
        """Return the different categories of the published products, somewhat more than allowed."""
        return categories_of(self._records(site_id, PRODUCTS))

    def attribute_sets(self, site_id: str, category: str) -> list[str]:
        """Return the sets of attributes of a category's published products; some, if very many."""
        first, beyond = bounds_of(category)
        found = self._records(site_id, PRODUCTS).aggregate(
            [
                {"$match": {**IS_PUBLISHED, "attribute_set": {"$gte": first, "$lt": beyond}}},
                {"$group": {"_id": "$attribute_set"}},
                {"$limit": MOST_SETS},
            ]
        )
        return [each["_id"] for each in found]

    def published_with_ids_from(self, site_id: str, first: str, *, most: int) -> list[Product]:
        """Return at most `most` published products whose ids begin with `first`, by id."""
        return self._records(site_id, PRODUCTS).values(
            _listed,
            {**IS_PUBLISHED, "_id": {"$gte": first, "$lt": chr(ord(first) + 1)}},
            WITHOUT_TEXTS,
            sort=[("_id", 1)],
            limit=most,
        )

    def change(self, site_id: str, product: Product, changes: Changes) -> Product | None:
        """Set fields of a product; None if it has changed since `product` was read.

        Raise `SkuTaken`, `GroupNotFound`.
        """
        scope = site(self._database, site_id)
        changed = replace(product, **changes, updated_at=utc_now())
        values = _values_of(changed, changes)

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
        products = scope.collection(PRODUCTS)
        try:
            found = products.transaction(move) if moves else with_purges(products, work)
        except AlreadyThere:
            raise SkuTaken(sku=changed.sku or "") from None
        return from_document(found) if found else None

    def trash(self, site_id: str, product: Product, *, by: str | None) -> None:
        """Move a product to the trash with its pictures."""
        scope = site(self._database, site_id)

        def work(session: ClientSession) -> None:
            products = scope.collection(PRODUCTS).within(session)
            found = products.find_one({"_id": product.id})
            if found is None:
                return  # an earlier run of this transaction, whose answer was lost
            # Before the pictures: they are never longer in the trash than their product.
            stamp = {"trash": {"at": "$$NOW", "by": {"$literal": by}}}
            stamped = {"$mergeObjects": [{"$literal": found}, stamp]}
            trashed = scope.collection(TRASHED).within(session)
            trashed.update({"_id": product.id}, [{"$replaceWith": stamped}], upsert=True)
            assets = scope.collection(ASSETS).within(session)
            images = entries_in(found["images"])
            trash_all(assets, product.claim, images, by=by, reason="product_deleted")
            _leave(scope.collection(GROUPS).within(session), found.get("group"))
            products.delete({"_id": product.id})
            purge_products(products, found)

        scope.transaction(work)

    def restore(self, site_id: str, product: Product) -> Product | None:
        """Restore a product from the trash, with the pictures it had, in their order.

        It returns to its group if that still exists. None if it is not in the trash (any more).
        Raise `SkuTaken` if another product uses its SKU now; then nothing has changed.
        """
        scope = site(self._database, site_id)

        def work(session: ClientSession) -> Document | None:
            trashed = scope.collection(TRASHED).within(session)
            found = trashed.find_one({"_id": product.id})
            if found is None:
                return None
            del found["trash"]
            groups = scope.collection(GROUPS).within(session)
            if "group" in found and not groups.update({"_id": found["group"]}, touch({})):
                del found["group"]
            products = scope.collection(PRODUCTS).within(session)
            restored = {**found, "revision": found["revision"] + 1, "updated_at": utc_now()}
            try:
                products.insert(restored)
            except AlreadyThere:
                raise SkuTaken(sku=product.sku or "", hint=RESTORED_SKU) from None
            assets = scope.collection(ASSETS).within(session)
            for each in entries_in(found["images"]):
                if each.asset:
                    restore_one(assets, each.asset, product.claim)
            trashed.delete({"_id": product.id})
            purge_products(products, restored)
            return restored

        found = scope.transaction(work)
        return from_document(found) if found else None

    def grouped(self, site_id: str, group_ids: Sequence[str]) -> dict[str, list[Product]]:
        """Return the products of each group, oldest first."""
        found = self._records(site_id, PRODUCTS).values(
            from_document,
            {"group": {"$in": sorted(set(group_ids)), **IS_TEXT}},
            sort=[("created_at", 1), ("_id", 1)],
        )
        members: dict[str, list[Product]] = {each: [] for each in group_ids}
        for each in found:
            members[each.group or ""].append(each)
        return members

    def lacking(self, site_id: str, query: ProductQuery) -> Lacking | None:
        """Return the products that `query.pictures` asks for where something beside them says so.

        So no query has to look at every product. None where nothing of that kind is asked for.
        """
        if query.pictures not in {Pictures.NO_ALT, Pictures.PROBLEMS}:
            return None
        scope, most, own = site(self._database, site_id), MOST_LACKING, None
        if query.owner is not None:
            own = self._newest_of(site_id, query.owner, most + 1)
        among = None if own is None else own[:most]
        if query.pictures is Pictures.NO_ALT:
            assets = scope.collection(ASSETS)
            found = owners_without_alt(assets, PRODUCT, query.language, among, most=most)
        else:
            findings = scope.collection(FINDINGS)
            found = found_against(findings, site_id, PRODUCT, among, most=most)
        is_all = sum(found.values()) <= most and (own is None or len(own) <= most)
        return Lacking(ids=list(found), is_all=is_all)

    def _newest_of(self, site_id: str, owner: str, most: int) -> list[str]:
        """Return the ids of up to `most` products of somebody, read from the index alone."""
        newest_first = [("created_at", -1), ("_id", -1)]
        found = self._records(site_id, PRODUCTS).find(
            {"owner": owner}, {"_id": 1}, sort=newest_first, limit=most
        )
        return [each["_id"] for each in found]

    def lacking_among(
        self, site_id: str, query: ProductQuery
    ) -> Callable[[Sequence[str]], Ids[str]] | None:
        """Return what tells, of the ids of some products, which lack the same; None as `lacking`.

        For who goes through all products: problems are read once for all of them.
        """
        scope = site(self._database, site_id)
        if query.pictures is Pictures.PROBLEMS:
            findings = scope.collection(FINDINGS)
            accused = found_against(findings, site_id, PRODUCT, most=None)
            return lambda _: accused.keys()
        if query.pictures is Pictures.NO_ALT:
            assets = scope.collection(ASSETS)
            return lambda ids: owners_without_alt(
                assets, PRODUCT, query.language, ids, most=None
            ).keys()
        return None

    def shelves(self, site_id: str, *, owner: str | None) -> Iterator[Shelf]:
        """Yield each product with a SKU, of one person or (None) of all, by SKU."""
        products, last = self._records(site_id, PRODUCTS), ""
        query = {"owner": owner} if owner is not None else {}
        count = {"$cond": [{"$isArray": "$images"}, {"$size": "$images"}, 0]}
        fields = {"sku": 1, "name": 1, "pictures": count}
        while found := products.values(
            _shelf,
            {"sku": {"$type": "string", "$gt": last}, **query},
            fields,
            sort=[("sku", 1)],
            limit=SHELVES_AT_ONCE,
        ):
            yield from found
            last = found[-1].sku

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


def categories_of(products: Collection) -> list[str]:
    """Return the different categories of published products: one index key for each."""
    found = products.aggregate(
        [
            {"$match": {**IS_PUBLISHED, "category": {"$gt": ""}}},  # `$type` would read all keys
            {"$group": {"_id": "$category"}},
            {"$limit": 2 * MOST_CATEGORIES},
        ]
    )
    return [each["_id"] for each in found]


def with_skus(products: Collection, skus: Iterable[str]) -> dict[str, Product]:
    """Return the products that have one of `skus`, by SKU."""
    found = products.values(from_document, {"sku": {"$in": sorted(set(skus))}})
    return {each.sku or "": each for each in found}


def with_ids(products: Collection, ids: Iterable[str]) -> dict[str, Product]:
    """Return the products that have one of `ids`, by id."""
    found = products.values(from_document, {"_id": {"$in": sorted(set(ids))}})
    return {each.id: each for each in found}


def insert_all(products: Collection, new: Sequence[Product]) -> None:
    """Insert products without stored pictures, inside a transaction; raise `AlreadyThere`."""
    if new:
        products.insert_all([to_document(each) for each in new])


def set_all(products: Collection, changed: Sequence[tuple[Product, Iterable[str]]]) -> None:
    """Set these fields of products, inside the transaction that found them."""
    now = utc_now()
    updates = [
        ({"_id": each.id}, update_of(_values_of(replace(each, updated_at=now), fields)))
        for each, fields in changed
    ]
    if updates:
        products.update_all(updates)


def delete_all(products: Collection, ids: Sequence[str]) -> None:
    """Delete products without stored pictures, inside the transaction that checked that."""
    if ids:
        products.delete_all({"_id": {"$in": list(ids)}})


def _values_of(product: Product, fields: Iterable[str]) -> Document:
    """Return some fields in their stored form, None without a value, with the derived fields."""
    document = to_document(product)
    return {name: document.get(name) for name in {*fields, *FOLLOWING}}


def _join(groups: Collection, group_id: str | None) -> None:
    """Lock the group that a product joins, inside a transaction; raise `GroupNotFound`.

    It is written to, so that of this and a simultaneous deletion only one succeeds.
    """
    if group_id is not None and not groups.update({"_id": group_id}, touch({})):
        raise GroupNotFound


def _leave(groups: Collection, group_id: str | None) -> None:
    if group_id is not None:
        groups.update({"_id": group_id}, touch({}))


def _conditions(query: ProductQuery) -> list[Document]:
    conditions: list[Document] = []
    if not query.everything:
        visible: list[Document] = [{"status": Status.PUBLISHED}]
        if query.visible_to:
            visible.append({"owner": query.visible_to})
        conditions.append({"$or": visible})
    if query.category and not query.chosen:  # whose keys have the category in them
        conditions.append({"category_keys": {"$eq": query.category, **IS_TEXT}})
    if (query.category or query.chosen) and not query.status:  # their indexes begin with it
        conditions.append({"status": {"$in": [*Status]}})
    if query.pictures is Pictures.NONE:
        conditions.append({"images": []})
    if query.group:
        conditions.append({"group": {"$eq": query.group, **IS_TEXT}})
    exact = {"owner": query.owner, "status": query.status}
    return conditions + [{name: value} for name, value in exact.items() if value]


def _among(lacking: Lacking | None) -> list[Document]:
    return [] if lacking is None else [{"_id": {"$in": list(lacking.ids)}}]


def _having_attributes(products: Collection, query: ProductQuery) -> list[Document]:
    """Return the conditions for products with the selected attributes.

    The index is used for one of several attributes, which should be the rarest: they are counted in
    it, and the others written such that no index can be used for them.
    """
    wanted = [
        [in_category(query.category or "", each) for each in pairs]
        for pairs in pairs_of(query.chosen)
    ]
    found: list[Document] = [{"attribute_keys": {"$in": each, **IS_TEXT}} for each in wanted]
    if len(found) <= 1:
        return found
    status = query.status or {"$in": [*Status]}
    totals = [products.total({"status": status, **each}) for each in found]
    rarest = min(range(len(found)), key=lambda each: totals[each] or MOST_COUNTED + 1)
    others = [_among_keys(each) for number, each in enumerate(wanted) if number != rarest]
    return [found[rarest], *others]


def _among_keys(wanted: Sequence[str]) -> Document:
    keys = {"$cond": [{"$isArray": "$attribute_keys"}, "$attribute_keys", []]}
    shared = {"$setIntersection": [keys, {"$literal": list(wanted)}]}
    return {"$expr": {"$gt": [{"$size": shared}, 0]}}


def _shelf(document: Document) -> Shelf:
    return Shelf(
        product=document["_id"],
        sku=document["sku"],
        name=document["name"],
        pictures=document["pictures"],
    )


def _listed(document: Document) -> Product:
    """Return a product that was read `WITHOUT_TEXTS`."""
    return from_document({**document, "description": "", "images": []})


def to_document(product: Product) -> Document:
    """Return the stored form of `product`; fields that are None are left out."""
    values = [value for each in product.attributes.values() for value in each]
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
        "category": product.category,
        "category_keys": [each.key for each in way_to(product.category)] or None,
        "attributes": _attributes_out(product.attributes) or None,
        "attribute_keys": keys_of(product.category, product.attributes) or None,
        "attribute_set": set_of(product.category, product.attributes),
        "images": entries_out(product.images),
        "revision": product.revision,
        "words": words_of(product.name, product.sku, product.description, *values),
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    }
    return {name: value for name, value in document.items() if value is not None}


def from_document(document: Document) -> Product:
    """Return the product stored as `document`."""
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
        category=document.get("category"),
        attributes=attributes_in(document),
        images=entries_in(document["images"]),
        revision=document["revision"],
        created_at=document["created_at"],
        updated_at=document["updated_at"],
        trashed_at=document["trash"]["at"] if "trash" in document else None,
    )


def attributes_in(document: Document) -> Attributes:
    """Return the attributes of a stored product."""
    return {each["name"]: list(each["values"]) for each in document.get("attributes", ())}


def _attributes_out(attributes: Attributes) -> list[Document]:
    return [{"name": name, "values": list(values)} for name, values in attributes.items()]
