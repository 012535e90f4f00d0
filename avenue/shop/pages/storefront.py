"""The public storefront: products, categories, and sitemaps.

A page depends on the person who is signed in, and on the chosen language and colours; without any
of these, shared caches may store it (`web/cache_policy.py`). An ETag allows 304 answers.
"""

import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from flask import Blueprint, Response, make_response, request

from avenue.errors import NotFound
from avenue.identity import Actor, Role, Site
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.shop.addresses import address_of, path_of_category
from avenue.shop.attributes import Chosen, Facet, chosen_of
from avenue.shop.categories import BETWEEN, Category, way_to
from avenue.shop.errors import GroupNotFound
from avenue.shop.models import (
    Picture,
    PicturedGroup,
    PicturedProduct,
    Product,
    ProductQuery,
    Sort,
    Status,
)
from avenue.shop.pages.shown import preview, reachable, shown, site_price
from avenue.shop.paging import cursor_place, cursor_text
from avenue.shop.routes.old_ids import read_old_id
from avenue.shop.service.access import may_change
from avenue.shop.service.groups import GroupService
from avenue.shop.service.products import ProductService
from avenue.web.cache_policy import cache_nowhere
from avenue.web.headers import STOREFRONT_POLICY
from avenue.web.hosts import current_site
from avenue.web.language import LOCALES, gettext as _, language
from avenue.web.pages import chosen_theme, page, reader
from avenue.web.services import using
from avenue.web.site_frame import Logos
from avenue.words import wanted_words

PRODUCTS_A_PAGE = 48
SIBLINGS = 24
LONGEST_SEARCH = 200
LONGEST_SUMMARY = 200
SITEMAP_PRODUCTS = 10_000
"""Products in one sitemap. A site with more has several, and an index of those."""
SITEMAP_PARTS = string.digits + string.ascii_uppercase + "_" + string.ascii_lowercase
"""The first characters of ids, which divide the products: about as many begin with each."""
MOST_SITEMAP_ENTRIES = 50_000
"""The maximum of sitemaps.org for one file."""
SITEMAP_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
MAPS_SECONDS = 3600
Facts = dict[str, Any]
TERRITORIES = {"es": "es_PY", "en": "en_US"}


@dataclass(frozen=True, slots=True)
class MorePages:
    """Public pages of other features: `of` returns the paths of a site, and their last changes."""

    of: Callable[[Site], Sequence[tuple[str, datetime]]]


blueprint = Blueprint("storefront", __name__, template_folder="../templates")
blueprint.before_request(read_old_id)


@blueprint.get("/")
def show_storefront() -> Response:
    """Show the published products, newest first: `?search=`, `?after=`."""
    site, actor = current_site(), reader()
    search = request.args.get("search", "").strip()[:LONGEST_SEARCH]
    tree = using(ProductService).categories(site)
    return _product_list(
        ProductQuery(words=wanted_words(search), limit=PRODUCTS_A_PAGE),
        "/",
        search=search,
        categories=[] if search else _below(tree, ""),
        may_add=actor.has_role(Role.SELLER),
    )


@blueprint.get("/categories/<path:key>")
def show_category(key: str) -> Response:
    """Show the published products of a category and its subcategories, newest first.

    `?attribute=color:red` filters them: by one of the values of each given attribute.
    """
    tree = using(ProductService).categories(current_site())
    category = tree.get(key)
    if category is None:
        raise NotFound
    facets = using(ProductService).facets(current_site(), key)
    chosen = _known(facets, chosen_of(request.args.getlist("attribute")))
    return _product_list(
        ProductQuery(category=key, chosen=chosen, limit=PRODUCTS_A_PAGE),
        path_of_category(category),
        category=category,
        way=_way(category),
        categories=_below(tree, key),
        facets=[each for each in facets if len(each.values) > 1 or each.key in chosen],
        chosen=chosen,
        narrowed=_narrowed(facets, chosen),
    )


def _known(facets: Sequence[Facet], chosen: Chosen) -> dict[str, tuple[str, ...]]:
    """Return the selected filters that exist."""
    found = {
        each.key: tuple(key for key, _ in each.values if key in chosen.get(each.key, ()))
        for each in facets
    }
    return {key: values for key, values in found.items() if values}


def _narrowed(facets: Sequence[Facet], chosen: Chosen) -> list[tuple[str, str]]:
    """Return each selected filter as text, with the query without it."""
    pairs = [
        (f"{each.key}:{key}", f"{each.name}: {value}")
        for each in facets
        for key, value in each.values
        if key in chosen.get(each.key, ())
    ]
    return [
        (words, urlencode([("attribute", other) for other, _ in pairs if other != text]))
        for text, words in pairs
    ]


def _product_list(query: ProductQuery, path: str, **facts: Any) -> Response:
    """Return a page of published products by `query` and `?after=`, at `path`."""
    site, after = current_site(), request.args.get("after", "")
    place = cursor_place(Sort.CREATED, after) if after else None
    query = replace(query, status=Status.PUBLISHED, after=place)
    found = using(ProductService).find(Actor(site=site), query)
    pictures = [each for item in found.items for each in item.images]
    return _storefront_page(
        "shop/storefront.html",
        products=[_tile(site, each) for each in found.items],
        total=found.total,
        after=after,
        path=path,
        next=cursor_text(query.sort, found.next) if found.next else None,
        asked=urlencode(
            [("search", facts["search"])]
            if facts.get("search")
            else [
                ("attribute", f"{name}:{value}")
                for name, values in query.chosen.items()
                for value in values
            ]
        ),
        canonical=f"{site.base_url}{path}" + (f"?after={after}" if after else ""),
        preview=preview(site, _reachable(site, pictures), site.name),
        **facts,
    )


def _below(tree: Mapping[str, Category], key: str) -> list[tuple[str, str]]:
    """Return name and path of the direct subcategories of `key`, by name."""
    below = (each for each in tree.values() if each.above == key)
    return sorted((each.name, path_of_category(each)) for each in below)


def _way(category: Category) -> list[tuple[str, str]]:
    """Return name and path of a category and of those above it, from the top."""
    steps = way_to(f" {BETWEEN} ".join(category.names))
    return [(each.name, path_of_category(each)) for each in steps]


@blueprint.get("/products/<product_id>")
@blueprint.get("/products/<product_id>/<slug>")
def show_product(product_id: str, slug: str = "") -> Response:
    """Show one product; the id decides, whatever the name after it.

    A draft is only shown to people who may edit it, and says so.
    """
    site, actor = current_site(), reader()
    pictured = using(ProductService).get(actor, product_id)
    product = pictured.product
    if slug and request.path != address_of(product):
        cache_nowhere()  # anyone could link to it under another name
    group = _group_of(site, product)
    pictures = _reachable(site, pictured.images)
    if not pictures and group:
        pictures = _reachable(site, group.images)
    canonical = site.base_url + address_of(product)
    return _storefront_page(
        "shop/storefront_product.html",
        product=product,
        question=_(
            "Hello, I am interested in %(name)s: %(address)s", name=product.name, address=canonical
        ),
        is_draft=product.status is not Status.PUBLISHED,
        price=site_price(site, product.price, product.currency),
        summary=_summary(product),
        pictures=shown(site, pictures),
        preview=preview(site, pictures, product.name),
        canonical=canonical,
        group=group.group if group else None,
        way=[(each.name, path_of_category(each)) for each in way_to(product.category)],
        options=_options(site, group) if group else [],
        siblings=_siblings(site, product),
        may_change=may_change(actor, product),
    )


@blueprint.get("/robots.txt")
def show_robots() -> Response:
    """Return robots.txt."""
    lines = ["User-agent: *", "Disallow: /admin", "Disallow: /api/", "Disallow: /login"]
    lines += ["", f"Sitemap: {current_site().base_url}/sitemap.xml", ""]
    return _map("\n".join(lines), "text/plain", f"public, max-age={MAPS_SECONDS}")


@blueprint.get("/sitemap.xml")
def show_sitemap() -> Response:
    """Return the sitemap; with many products, an index of sitemaps."""
    site = current_site()
    products = using(ProductService).published(site, most=SITEMAP_PRODUCTS)
    if products is not None:
        return _urls(site, [*_pages_besides(site), *_pages_of(products)])
    parts = ["pages", *(f"products-{number}" for number in range(1, len(SITEMAP_PARTS) + 1))]
    places = [f"{site.base_url}/sitemap/{part}.xml" for part in parts]
    sitemaps = "\n".join(f"<sitemap><loc>{escape(each)}</loc></sitemap>" for each in places)
    return _xml("sitemapindex", sitemaps)


@blueprint.get("/sitemap/pages.xml")
def show_sitemap_of_pages() -> Response:
    """Return the sitemap of published pages."""
    site = current_site()
    return _urls(site, _pages_besides(site))


@blueprint.get("/sitemap/products-<int:number>.xml")
def show_sitemap_of_products(number: int) -> Response:
    """Return the sitemap of published products whose ids begin with one character."""
    if not 1 <= number <= len(SITEMAP_PARTS):
        raise NotFound
    site, first = current_site(), SITEMAP_PARTS[number - 1]
    found = using(ProductService).published_with_ids_from(site, first, most=MOST_SITEMAP_ENTRIES)
    return _urls(site, _pages_of(found))


def _pages_besides(site: Site) -> list[tuple[str, datetime | None]]:
    """Return the paths of public pages that are not products, and their last changes if known."""
    tree = using(ProductService).categories(site)
    categories = [(path_of_category(each), None) for each in tree.values()]
    return [("/", None), *using(MorePages).of(site), *categories]


def _pages_of(products: Iterable[Product]) -> list[tuple[str, datetime]]:
    return [(address_of(each), each.updated_at) for each in products]


def _urls(site: Site, pages: Iterable[tuple[str, datetime | None]]) -> Response:
    """Return a sitemap of paths, with their last changes if known."""
    entries = [
        f"<url><loc>{escape(site.base_url + path)}</loc>"
        + (f"<lastmod>{at:%Y-%m-%d}</lastmod>" if at else "")
        + "</url>"
        for path, at in pages
    ]
    return _xml("urlset", "\n".join(entries))


def _xml(root: str, body: str) -> Response:
    text = f'<{root} xmlns="{SITEMAP_NAMESPACE}">\n{body}\n</{root}>\n'
    return _map(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}', "application/xml")


def _tile(site: Site, pictured: PicturedProduct) -> Facts:
    """Return the data of a product in the grid."""
    product, pictures = pictured.product, shown(site, _reachable(site, pictured.images)[:1])
    return {
        "id": product.id,
        "name": product.name,
        "address": address_of(product),
        "price": site_price(site, product.price, product.currency),
        "picture": pictures[0] if pictures else None,
        "more": max(0, len(pictured.images) - 1),
    }


def _reachable(site: Site, pictures: Sequence[Picture]) -> list[Picture]:
    """Return the pictures that visitors can see; log the others for administrators."""
    return reachable(site, pictures, using(LegacyUrls).find_many)


def _group_of(site: Site, product: Product) -> PicturedGroup | None:
    """Return the public data of a product's group."""
    if product.group is None:
        return None
    try:
        return using(GroupService).get(Actor(site=site), product.group)
    except GroupNotFound:  # deleted since the product was read
        return None


def _siblings(site: Site, product: Product) -> list[Facts]:
    """Return the other published products of the same model."""
    if product.group is None:
        return []
    query = ProductQuery(
        group=product.group,
        status=Status.PUBLISHED,
        sort=Sort.NAME,
        descending=False,
        limit=SIBLINGS + 1,
    )
    found = using(ProductService).find(Actor(site=site), query)
    others = [each for each in found.items if each.product.id != product.id]
    return [_tile(site, each) for each in others[:SIBLINGS]]


def _options(site: Site, pictured: PicturedGroup) -> list[Facts]:
    """Return the choices within a group, each with the first picture that shows it."""
    by_key = {
        getattr(each, "id", None) or getattr(each, "url", ""): each for each in pictured.images
    }
    options = []
    for each in pictured.group.options:
        of_it = _reachable(site, [by_key[key] for key in each.images if key in by_key])
        options.append({"name": each.name, "pictures": shown(site, of_it[:1])})
    return options


def _summary(product: Product) -> str:
    """Return the beginning of the description on one line, for search engines and previews."""
    text = " ".join(product.description[: 2 * LONGEST_SUMMARY].split())
    return text if len(text) <= LONGEST_SUMMARY else f"{text[: LONGEST_SUMMARY - 1].rstrip()}…"


def _storefront_page(template: str, **facts: Any) -> Response:
    """Return a page of the storefront, or 304 if the client has it already."""
    site = current_site()
    response = page(
        template,
        csp=STOREFRONT_POLICY,
        logo=using(Logos).of(site),
        here_path=request.path if not request.args else "",
        theme=chosen_theme() or site.theme.scheme,
        territory=TERRITORIES.get(language(), LOCALES[language()]),
        **facts,
    )
    return _unless_known(response, "private, no-cache")


def _map(text: str, media_type: str, cache_control: str = "private, no-cache") -> Response:
    response = make_response(text)
    response.content_type = f"{media_type}; charset=utf-8"
    return _unless_known(response, cache_control)


def _unless_known(response: Response, cache_control: str) -> Response:
    response.headers["Cache-Control"] = cache_control
    response.add_etag()
    response.make_conditional(request)
    return response
