"""How products and groups look in JSON, with absolute URLs of the reader's site."""

from typing import Any

from avenue.clock import iso
from avenue.identity import Actor
from avenue.media.presenting import image_json
from avenue.shop.models import PicturedGroup, PicturedProduct

Json = dict[str, Any]


def product_json(actor: Actor, pictured: PicturedProduct) -> Json:
    """Return a product as JSON."""
    product = pictured.product
    images = [image_json(actor.site, each) for each in pictured.images]
    return {
        "id": product.id,
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "price": f"{product.price:f}" if product.price is not None else None,
        "currency": product.currency,
        "status": product.status,
        "group": product.group,
        "images": images,
        "image_urls": [each["url"] for each in images],
        "revision": product.revision,
        "created_at": iso(product.created_at),
        "updated_at": iso(product.updated_at),
    }


def mobile_product_json(actor: Actor, pictured: PicturedProduct) -> Json:
    """Return a product as the mobile clients know it: `images` are URLs."""
    product = product_json(actor, pictured)
    return {**product, "images": product["image_urls"]}


def group_json(actor: Actor, pictured: PicturedGroup) -> Json:
    """Return a group as JSON; an option's pictures are those of them the group still has."""
    group = pictured.group
    images = [image_json(actor.site, each) for each in pictured.images]
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
