"""Connects packages of one layer: what the shop, pages and the media library need of each other."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avenue.builder.library.service import MediaService
from avenue.builder.website.models import PageQuery, Sort, Status, path_of
from avenue.builder.website.products import ProductCard, ProductCards
from avenue.builder.website.service import PageService
from avenue.config import Settings
from avenue.identity import Actor, Role, Site
from avenue.media.alt_texts.models import Feature, Place
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.spool import spooled
from avenue.media.models import Asset, Claim
from avenue.media.quarantine.store import QuarantineStore
from avenue.media.serving.reading import MediaReader
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.shop.addresses import address_of, path_of_category
from avenue.shop.categories import BETWEEN
from avenue.shop.models import GROUP, PRODUCT, PicturedProduct
from avenue.shop.pages.home import MOST_RECENT, OtherTasks, Storage
from avenue.shop.pages.sharing import SharedToLibrary
from avenue.shop.pages.shown import reachable, site_price
from avenue.shop.service.bulk import lacks_alt
from avenue.shop.service.pictures import PictureService
from avenue.shop.service.products import ProductService
from avenue.shop.store.status import StatusStore
from avenue.sites.pages import MenuTargets
from avenue.storage.room import site_quota

PANEL_PATHS = {PRODUCT: "/admin/products", GROUP: "/admin/groups"}


def library_feature(media: MediaService) -> Feature:
    """Return the media library as a source: its pictures are used in pages and as the logo."""

    def places(actor: Actor, assets: Sequence[Asset]) -> Mapping[str, Sequence[Place]]:
        uses = media.uses_of(actor, [each.id for each in assets])
        return {
            asset_id: [Place(kind=each.kind, title=each.title, path=each.path) for each in those]
            for asset_id, those in uses.items()
        }

    def change(actor: Actor, asset: Asset, changes: Mapping[str, Any]) -> Asset:
        return media.change(actor, asset.id, changes, asset.revision)

    return Feature(
        name="library", kinds=("library",), role=Role.EDITOR, places=places, change=change
    )


def shop_feature(pictures: PictureService, names: StatusStore) -> Feature:
    """Return the shop as a source: each of its pictures belongs to one product or group."""

    def places(actor: Actor, assets: Sequence[Asset]) -> Mapping[str, Sequence[Place]]:
        found: dict[str, Sequence[Place]] = {}
        for kind, list_path in PANEL_PATHS.items():
            owners = {
                each.id: each.claim.id for each in assets if each.claim and each.claim.kind == kind
            }
            titles = names.names(actor.site.id, kind, sorted(set(owners.values())))
            found |= {
                asset_id: [
                    Place(
                        kind="product" if kind == PRODUCT else "group",
                        title=titles[owner],
                        path=f"{list_path}/{owner}",
                    )
                ]
                for asset_id, owner in owners.items()
                if owner in titles
            }
        return found

    def change(actor: Actor, asset: Asset, changes: Mapping[str, Any]) -> Asset:
        claim = asset.claim or Claim(kind=PRODUCT, id="")
        return pictures.describe(actor, claim, asset.id, changes, asset.revision)

    return Feature(
        name="shop", kinds=(PRODUCT, GROUP), role=Role.STAFF, places=places, change=change
    )


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


def other_tasks(
    media: MediaService,
    pages: PageService,
    library: MediaLibrary,
    quarantine: QuarantineStore,
    settings: Settings,
) -> OtherTasks:
    """Return the open tasks outside the shop."""

    def editing(actor: Actor, most: int) -> tuple[int | None, int | None]:
        uploaded = media.newest(actor, MOST_RECENT)
        lacking = sum(lacks_alt(each, actor.site.language) for each in uploaded)
        return lacking, pages.changed(actor, most)

    def storage(actor: Actor) -> Storage | None:
        quota = site_quota(actor.site, settings).bytes
        return Storage(library.used(actor, lately=True).bytes, quota) if quota else None

    def quarantined(actor: Actor, most: int) -> int | None:
        return quarantine.count(actor.site.id, most) if settings.scanner else 0

    return OtherTasks(editing, quarantined, storage)


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


def shared_to_library(
    media: MediaService, pictures: PictureService, reader: MediaReader, tmp_dir: Path
) -> SharedToLibrary:
    """Return the service that moves temporary pictures into the library."""

    def take(actor: Actor, asset: Asset) -> None:
        stored = reader.open(asset)
        with spooled(asset.name, stored.hashed(), tmp_dir) as file:
            media.add(actor, [file], key=f"shared {asset.id}", once=True)
        pictures.remove_temporary(actor, asset.id)

    return SharedToLibrary(take)
