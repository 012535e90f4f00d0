"""Products and groups as JSON, with absolute URLs of the reader's site."""

from avenue.clock import iso
from avenue.identity import Actor
from avenue.media.presenting import picture_json
from avenue.media.replies import RefusedFile
from avenue.shop.models import PicturedGroup, PicturedProduct
from avenue.shop.replies import Group, MobileProduct, Product, ProductFacts


def product_json(actor: Actor, pictured: PicturedProduct) -> Product:
    """Return a product as JSON."""
    images = [picture_json(actor.site, each) for each in pictured.images]
    return {
        **_facts(pictured),
        "images": images,
        "image_urls": [each["url"] for each in images],
    }


def mobile_product_json(
    actor: Actor, pictured: PicturedProduct, errors: list[RefusedFile]
) -> MobileProduct:
    """Return a product in the form of the mobile clients: `images` are URLs."""
    urls = [picture_json(actor.site, each)["url"] for each in pictured.images]
    product: MobileProduct = {
        **_facts(pictured),
        "images": urls,
        "image_urls": urls,
        "errors": errors,
    }
    if not errors:
        del product["errors"]
    return product


def group_json(actor: Actor, pictured: PicturedGroup) -> Group:
    """Return a group as JSON; deleted pictures are removed from its options."""
    group = pictured.group
    images = [picture_json(actor.site, each) for each in pictured.images]
    there = {each["id"] or each["url"] for each in images}
    return {
        "id": group.id,
        "model": group.model,
        "name": group.name,
        "product_ids": list(pictured.product_ids),
        "options": [
            {"name": each.name, "images": [key for key in each.images if key in there]}
            for each in group.options
        ],
        "images": images,
        "image_urls": [each["url"] for each in images],
        "revision": group.revision,
        "created_at": iso(group.created_at),
        "updated_at": iso(group.updated_at),
    }


def _facts(pictured: PicturedProduct) -> ProductFacts:
    product = pictured.product
    facts: ProductFacts = {
        "id": product.id,
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "price": f"{product.price:f}" if product.price is not None else None,
        "currency": product.currency,
        "status": product.status,
        "group": product.group,
        "category": product.category,
        "attributes": {name: list(values) for name, values in product.attributes.items()},
        "revision": product.revision,
        "created_at": iso(product.created_at),
        "updated_at": iso(product.updated_at),
    }
    if product.trashed_at:
        facts["trashed_at"] = iso(product.trashed_at)
    return facts
