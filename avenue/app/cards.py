"""Connects the shop to the website: products as pages show them."""

from avenue.builder.website.products import ProductCard, ProductCards
from avenue.identity import Site
from avenue.media.models import Asset
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.shop.addresses import address_of, path_of_category
from avenue.shop.categories import BETWEEN
from avenue.shop.models import PicturedProduct
from avenue.shop.pages.shown import reachable, site_price
from avenue.shop.service.products import ProductService

PRODUCTS_OF_CATEGORY = 8
"""Products of a category that a page shows."""


def product_cards(products: ProductService, legacy: LegacyUrls) -> ProductCards:
    """Return the service that finds the published products in pages."""

    def card(site: Site, pictured: PicturedProduct) -> ProductCard:
        product = pictured.product
        seen = reachable(site, pictured.images, legacy.find_many)
        cover = seen[0] if seen else None
        return ProductCard(
            id=product.id,
            path=address_of(product),
            name=product.name,
            price=site_price(site, product.price, product.currency),
            picture=cover if cover is None or isinstance(cover, Asset) else cover.url,
        )

    return ProductCards(
        of=lambda site, ids: [card(site, each) for each in products.published_among(site, ids)],
        newest=lambda site, category: [
            card(site, each) for each in products.newest(site, category, most=PRODUCTS_OF_CATEGORY)
        ],
        categories=lambda site: [
            (path_of_category(each), f" {BETWEEN} ".join(each.names))
            for each in products.categories(site).values()
        ],
    )
