"""Lists of products, and products by SKU, id or group, from MongoDB."""

from collections.abc import Callable, Collection as Ids, Iterable, Iterator, Sequence

from avenue.media.references import FINDINGS, found_against
from avenue.media.store.documents import ASSETS
from avenue.media.store.transitions import owners_without_alt
from avenue.shop.attributes import (
    MOST_SETS,
    bounds_of,
    in_category,
    pairs_of,
)
from avenue.shop.categories import MOST_CATEGORIES
from avenue.shop.matching.models import MatchedProduct
from avenue.shop.models import (
    PRODUCT,
    Lacking,
    Pictures,
    Product,
    ProductQuery,
    Status,
)
from avenue.shop.store.documents import (
    PRODUCTS,
    TRASHED,
    page_of,
)
from avenue.shop.store.product_documents import from_document
from avenue.storage.collection import Collection
from avenue.storage.connection import Document
from avenue.storage.indexes import IS_PUBLISHED, IS_TEXT
from avenue.storage.scope import SiteRecords, site
from avenue.totals import MOST_COUNTED

MOST_LACKING = 1_000
"""The most pictures without a text (the newest), or findings, from which `lacking` finds products;
of one person's products, it looks at this many of the newest."""
WITHOUT_TEXTS = {"description": 0, "words": 0, "images": 0}
PRODUCTS_AT_ONCE = 5000


class ProductQueries(SiteRecords):
    """Reads the products of one site at a time; every method takes the site first."""

    def find(
        self, site_id: str, query: ProductQuery, lacking: Lacking | None = None
    ) -> tuple[list[Product], int | None]:
        """Return the products of one page, and how many match in all; see `page_of`.

        With `lacking` only its products are looked at.
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

    def these(
        self, site_id: str, product_ids: Sequence[str], *, in_trash: bool = False
    ) -> list[Product]:
        """Return those of `product_ids` that exist, or are in the trash, in their order."""
        found = with_ids(self._records(site_id, TRASHED if in_trash else PRODUCTS), product_ids)
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
        """Return the products whose pictures lack a text or have problems, as `query` asks.

        They are found by their assets or findings, so that no query reads every product. Return
        None if `query.pictures` asks for neither.
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

    def lacking_among(
        self, site_id: str, query: ProductQuery
    ) -> Callable[[Sequence[str]], Ids[str]] | None:
        """Return a function that returns which of some product ids are `lacking`, without a limit.

        None where `lacking` returns None. To go through all products: problems are read only once.
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

    def _newest_of(self, site_id: str, owner: str, most: int) -> list[str]:
        """Return the ids of up to `most` products of somebody, read from the index alone."""
        newest_first = [("created_at", -1), ("_id", -1)]
        found = self._records(site_id, PRODUCTS).find(
            {"owner": owner}, {"_id": 1}, sort=newest_first, limit=most
        )
        return [each["_id"] for each in found]

    def with_sku(self, site_id: str, *, owner: str | None) -> Iterator[MatchedProduct]:
        """Yield each product with a SKU, of one person or (None) of all, by SKU."""
        products, last = self._records(site_id, PRODUCTS), ""
        query = {"owner": owner} if owner is not None else {}
        count = {"$cond": [{"$isArray": "$images"}, {"$size": "$images"}, 0]}
        fields = {"sku": 1, "name": 1, "pictures": count}
        while found := products.values(
            _matched_product,
            {"sku": {"$type": "string", "$gt": last}, **query},
            fields,
            sort=[("sku", 1)],
            limit=PRODUCTS_AT_ONCE,
        ):
            yield from found
            last = found[-1].sku


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


def _matched_product(document: Document) -> MatchedProduct:
    return MatchedProduct(
        product=document["_id"],
        sku=document["sku"],
        name=document["name"],
        pictures=document["pictures"],
    )


def _listed(document: Document) -> Product:
    """Return a product that was read `WITHOUT_TEXTS`."""
    return from_document({**document, "description": "", "images": []})


def _conditions(query: ProductQuery) -> list[Document]:
    """Return the conditions for the fields of `query`, except its words and attributes."""
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
    """Return the condition for the products of `lacking`, if it is given."""
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
