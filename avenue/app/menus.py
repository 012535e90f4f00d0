"""Where the menus of a site can lead: its published pages, and the categories of its products."""

from avenue.builder.website.models import PageQuery, Sort, Status, path_of
from avenue.builder.website.service import PageService
from avenue.identity import Actor
from avenue.shop.addresses import path_of_category
from avenue.shop.categories import BETWEEN
from avenue.shop.service.products import ProductService
from avenue.sites.pages import MenuTargets

MOST_PAGES = 200
"""That are offered; a menu may lead to any."""


def menu_targets(pages: PageService, products: ProductService) -> MenuTargets:
    """Return what the settings offer for links of menus."""

    def of(actor: Actor) -> list[tuple[str, str]]:
        query = PageQuery(sort=Sort.TITLE, descending=False, limit=MOST_PAGES)
        return [
            *(
                (path_of(each.slug), each.draft.title)
                for each in pages.find(actor, query).items
                if each.status is not Status.DRAFT
            ),
            *(
                (path_of_category(each), f" {BETWEEN} ".join(each.names))
                for each in products.categories(actor.site).values()
            ),
        ]

    return MenuTargets(of)
