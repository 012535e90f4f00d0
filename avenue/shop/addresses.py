"""The public addresses of products, groups and categories: pages, and the API."""

from collections.abc import Iterable
from urllib.parse import quote

from avenue.shop.categories import Category, way_to
from avenue.shop.models import Product
from avenue.words import words_of

LONGEST_SLUG = 60
PRODUCTS_API, GROUPS_API = "/api/shop/products", "/api/shop/groups"
LISTS = ("/", PRODUCTS_API, GROUPS_API, "/sitemap.xml")
"""Paths of lists that may show any product, as far as they have one address."""


def address_of(product: Product) -> str:
    """Return the path of a product's page: its id, and its name for people."""
    return address_of_named(product.id, product.name)


def address_of_named(product_id: str, name: str) -> str:
    """Return the path of the page of the product with this id and name."""
    slug = "-".join(words_of(name))[:LONGEST_SLUG].strip("-_")
    plain = slug.encode("ascii", "ignore").decode()
    return f"/products/{product_id}" + (f"/{plain}" if plain else "")


def path_of_category(category: Category) -> str:
    """Return the path of a category's page."""
    return f"/categories/{quote(category.key)}"


def paths_of_product(product_id: str, name: str) -> tuple[str, ...]:
    """Return the paths of one product."""
    page = f"/products/{product_id}"
    return (f"{PRODUCTS_API}/{product_id}", page, address_of_named(product_id, name))


def paths_of_group(group_id: str) -> tuple[str, ...]:
    """Return the paths of one group."""
    return (f"{GROUPS_API}/{group_id}",)


def paths_of_categories(categories: Iterable[str]) -> list[str]:
    """Return the paths of some stored categories, and of those above them."""
    return [path_of_category(each) for kept in categories for each in way_to(kept)]
