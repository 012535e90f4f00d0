"""Products as MongoDB documents."""

from collections.abc import Iterable

from bson import Decimal128

from avenue.shop.attributes import (
    Attributes,
    keys_of,
    set_of,
)
from avenue.shop.categories import way_to
from avenue.shop.models import (
    Product,
    Status,
)
from avenue.shop.store.documents import (
    entries_in,
    entries_out,
)
from avenue.storage.connection import Document
from avenue.words import words_of

FOLLOWING = (
    "updated_at",
    "words",
    "name_key",
    "category_keys",
    "attribute_keys",
    "attribute_set",
)
"""The stored fields of a product that are derived from the others."""


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


def values_of(product: Product, fields: Iterable[str]) -> Document:
    """Return some fields in their stored form, None without a value, with the derived fields."""
    document = to_document(product)
    return {name: document.get(name) for name in {*fields, *FOLLOWING}}
