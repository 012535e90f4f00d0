"""The sources of pictures for the alt text page, and where their pictures are used."""

from collections.abc import Mapping, Sequence
from typing import Any

from avenue.builder.library.service import MediaService
from avenue.identity import Actor, Role
from avenue.media.alt_texts.models import Feature, Place
from avenue.media.models import Asset, Claim
from avenue.shop.models import GROUP, PRODUCT
from avenue.shop.service.pictures import PictureService
from avenue.shop.store.status import StatusStore

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
