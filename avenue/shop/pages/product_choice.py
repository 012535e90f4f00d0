"""Finds the products named in a form: by SKU, by id, or by words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from avenue.identity import Actor, is_id
from avenue.shop.models import Product, ProductQuery
from avenue.shop.service.products import ProductService
from avenue.web.services import using
from avenue.words import wanted_words

MOST_OFFERED = 10


@dataclass(frozen=True, slots=True)
class Unclear:
    """A text in a form that matches several products."""

    text: str
    products: Sequence[Product]


def chosen_products(
    actor: Actor, asked: Mapping[int, str]
) -> tuple[dict[int, str | None], dict[int, Unclear]]:
    """Return the products named in a form, by file, and the ambiguous ones.

    A text is a SKU, the id of a product that the page has offered, or words to search for.
    """
    products = using(ProductService)
    by_sku = products.own_by_sku(actor, [each for each in asked.values() if each])
    ids = [each for each in asked.values() if is_id(each)]
    by_id = {each.product.id for each in products.own_among(actor, ids)} if ids else set()
    named: dict[int, str | None] = {}
    unclear: dict[int, Unclear] = {}
    owner = None if actor.runs_shop else actor.id
    for number, text in asked.items():
        if not text:
            named[number] = None
        elif text in by_sku:
            named[number] = by_sku[text].id
        elif text in by_id:
            named[number] = text
        else:
            query = ProductQuery(owner=owner, words=wanted_words(text), limit=MOST_OFFERED)
            found = [each.product for each in products.find(actor, query).items]
            if len(found) == 1:
                named[number] = found[0].id
            else:
                unclear[number] = Unclear(text, found)
    return named, unclear
