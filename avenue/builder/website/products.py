"""Fills in current products in pages.

A page stores a link to a product, with what the editor saw at that time. Visitors get the current
name, price and picture, and no card of an unpublished product. A link to a category, or to the
storefront, becomes its newest products.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape, unescape
from urllib.parse import unquote

from avenue.builder.content.references import reference
from avenue.builder.website.models import PicturedPage
from avenue.identity import Site
from avenue.media.models import Asset

MOST_CARDS = 100
MOST_COLLECTIONS = 6
CARD, COLLECTION, GRID = "avenue-card", "avenue-collection", "avenue-products"
PICTURE_SIZE = "w640"
SIZES = "(max-width: 40rem) 100vw, 20rem"
_LINK = re.compile(r"""<a((?:\s+[^\s"'<>/=]+(?:="[^"]*")?)*)\s*>""")
_ATTRIBUTE = re.compile(r"""\s([^\s"'<>/=]+)(?:="([^"]*)")?""")
_PRODUCT = re.compile(r"/products/([A-Za-z0-9_-]{1,64})(?:/[^/?#]*)?")
_CATEGORY = re.compile(r"(?:/|/categories/([^?#]{1,300}))")
END = "</a>"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductCard:
    """The content of a product card; its picture is an asset here, or an external URL."""

    id: str
    path: str
    name: str
    price: str
    picture: Asset | str | None


@dataclass(frozen=True, slots=True)
class ProductCards:
    """Published products of a site: `of` given ids, and the `newest` of a category ("" is all).

    `categories` are the paths of its categories, with their names.
    """

    of: Callable[[Site, Sequence[str]], Sequence[ProductCard]]
    newest: Callable[[Site, str], Sequence[ProductCard]]
    categories: Callable[[Site], Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A link to products in HTML: its start and end, its attributes, and its content."""

    begin: int
    end: int
    attributes: Mapping[str, str]
    inside: str
    product: str | None = None
    category: str | None = None


def with_products(site: Site, pictured: PicturedPage, cards: ProductCards) -> PicturedPage:
    """Return a page with its products as they are now; their pictures are among its assets."""
    html = pictured.page.draft.html
    found = list(_found_in(site, html))
    if not found:
        return pictured
    wanted = list(dict.fromkeys(each.product for each in found if each.product))
    known = {each.id: each for each in cards.of(site, wanted)} if wanted else {}
    by_category = {
        each: cards.newest(site, each)
        for each in dict.fromkeys(each.category for each in found if each.category is not None)
    }
    shown = [*known.values(), *(card for cards in by_category.values() for card in cards)]
    parts, place = [], 0
    for each in found:
        parts += [html[place : each.begin], _written(each, known, by_category)]
        place = each.end
    draft = replace(pictured.page.draft, html="".join([*parts, html[place:]]))
    own = {card.picture.id: card.picture for card in shown if isinstance(card.picture, Asset)}
    return replace(
        pictured, page=replace(pictured.page, draft=draft), assets={**pictured.assets, **own}
    )


def _found_in(site: Site, html: str) -> Iterator[_Found]:
    """Yield the links to products in cleaned HTML, up to a limit."""
    products = collections = end = 0
    for tag in _LINK.finditer(html):
        attributes = dict(_ATTRIBUTE.findall(tag[1]))
        classes = attributes.get("class", "").split()
        if tag.start() < end or not {CARD, COLLECTION} & set(classes):
            continue
        place = html.find(END, tag.end())
        if place < 0:
            return
        path = unescape(attributes.get("href", "")).removeprefix(site.base_url)
        product = _PRODUCT.fullmatch(path) if CARD in classes else None
        category = _CATEGORY.fullmatch(path) if COLLECTION in classes else None
        products, collections = products + bool(product), collections + bool(category)
        if not (product or category) or products > MOST_CARDS or collections > MOST_COLLECTIONS:
            continue
        end = place + len(END)
        yield _Found(
            begin=tag.start(),
            end=end,
            attributes=attributes,
            inside=html[tag.end() : place],
            product=product[1] if product else None,
            category=unquote(category[1] or "") if category else None,
        )


def _written(
    found: _Found,
    known: Mapping[str, ProductCard],
    by_category: Mapping[str, Sequence[ProductCard]],
) -> str:
    if found.product is not None:
        card = known.get(found.product)
        return _card(card, found.attributes) if card else ""
    cards = by_category[found.category or ""]
    if not cards:
        return f'<div class="{GRID}"></div>'
    grid = "".join(_card(each, {"class": CARD}) for each in cards)
    link = f"<a{_attributes(found.attributes)}>{found.inside}</a>"
    return f'<div class="{GRID}">{grid}</div>{link}'


def _card(card: ProductCard, attributes: Mapping[str, str]) -> str:
    """Return the link that shows a product; the page's own style and classes stay."""
    address = {"href": escape(card.path)}
    price = f'<span class="{CARD}-price">{escape(card.price)}</span>' if card.price else ""
    return (
        f"<a{_attributes({**attributes, **address})}>{_picture(card.picture)}"
        f'<strong class="{CARD}-name">{escape(card.name)}</strong>{price}</a>'
    )


def _picture(picture: Asset | str | None) -> str:
    """Return a picture without an alternative text, since the name is beside it."""
    if picture is None:
        return ""
    if isinstance(picture, str):
        return f'<img src="{escape(picture)}" alt="" loading="lazy">'
    source = reference(picture.id, PICTURE_SIZE)
    return f'<img src="{source}" alt="" sizes="{SIZES}" loading="lazy">'


def _attributes(attributes: Mapping[str, str]) -> str:
    """Return attributes as in a tag; their values are already escaped."""
    return "".join(f' {name}="{value}"' for name, value in attributes.items())
