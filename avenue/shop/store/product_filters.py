"""The conditions of the filters of product lists."""

from collections.abc import Sequence

from avenue.shop.attributes import (
    in_category,
    pairs_of,
)
from avenue.shop.models import (
    Lacking,
    Pictures,
    ProductQuery,
    Status,
)
from avenue.storage.collection import Collection
from avenue.storage.connection import Document
from avenue.storage.indexes import IS_TEXT
from avenue.totals import MOST_COUNTED


def conditions_of(query: ProductQuery) -> list[Document]:
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


def among(lacking: Lacking | None) -> list[Document]:
    """Return the condition for the products of `lacking`, if it is given."""
    return [] if lacking is None else [{"_id": {"$in": list(lacking.ids)}}]


def having_attributes(products: Collection, query: ProductQuery) -> list[Document]:
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
