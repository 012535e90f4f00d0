"""What a shop can do with its products and their pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import Forbidden, Unauthenticated
from avenue.identity import Actor, Role, new_id
from avenue.media.library import Incoming, MediaLibrary, Order, Reception, Refusal
from avenue.media.models import Asset, State
from avenue.media.policy import UploadPolicy
from avenue.shop.errors import (
    ImageNotFound,
    OneFileOnly,
    ProductNotFound,
    RevisionConflict,
    TooManyImages,
)
from avenue.shop.models import Changes, Page, PicturedProduct, Product, ProductQuery, Sort, Status
from avenue.shop.store import ProductStore

CHANGE_TRIES = 5


class ShopService:
    """Products with pictures. Sellers change their own, administrators everybody's."""

    def __init__(
        self,
        products: ProductStore,
        library: MediaLibrary,
        policy: UploadPolicy,
        settings: Settings,
    ) -> None:
        self._products = products
        self._library = library
        self._policy = policy
        self._limit = settings.max_images_per_product
        self._versions_keep = settings.versions_keep

    def create(
        self,
        actor: Actor,
        *,
        name: str,
        sku: str | None,
        description: str,
        price: Decimal | None,
        currency: str,
        status: Status,
        group: str | None,
    ) -> PicturedProduct:
        """Create a product of the actor's own; raise `SkuTaken`."""
        _require_seller(actor)
        now = utc_now()
        product = Product(
            id=new_id(),
            owner=actor.id,
            sku=sku,
            name=name,
            description=description,
            price=price,
            currency=currency,
            status=status,
            group=group,
            images=(),
            revision=1,
            created_at=now,
            updated_at=now,
        )
        self._products.insert(actor.site.id, product)
        return PicturedProduct(product=product, images=())

    def get(self, actor: Actor, product_id: str) -> PicturedProduct:
        """Return a product the actor may see; raise `ProductNotFound`."""
        product = self._products.get(actor.site.id, product_id)
        if product is None or not _may_see(actor, product):
            raise ProductNotFound
        return self._pictured(actor, [product])[0]

    def find(self, actor: Actor, query: ProductQuery) -> Page:
        """Return a page of the products the actor may see."""
        seller = actor.id if actor.has_role(Role.SELLER) else None
        scoped = replace(query, everything=actor.is_admin, visible_to=seller)
        found, total = self._products.find(actor.site.id, scoped)
        shown = found[: query.limit]
        last = shown[-1] if len(found) > query.limit else None
        return Page(
            items=tuple(self._pictured(actor, shown)),
            next=(SORT_VALUES[query.sort](last), last.id) if last else None,
            total=total,
        )

    def change(
        self, actor: Actor, product_id: str, changes: Changes, revision: int | None
    ) -> PicturedProduct:
        """Change fields of an own product; raise `RevisionConflict` when `revision` is past."""
        for _ in range(CHANGE_TRIES):
            product = self._own(actor, product_id)
            if revision is not None and product.revision != revision:
                break
            changed = self._products.change(actor.site.id, product, changes)
            if changed:
                return self._pictured(actor, [changed])[0]
        raise RevisionConflict

    def delete(self, actor: Actor, product_id: str) -> None:
        """Delete an own product; its pictures go to the trash."""
        product = self._own(actor, product_id)
        self._products.delete(actor.site.id, product, by=actor.id)

    def add_images(
        self,
        actor: Actor,
        product_id: str,
        incoming: Sequence[Incoming | Refusal],
        *,
        key: str | None,
    ) -> Reception:
        """Add received pictures to an own product, as many as fit.

        `key` is the Idempotency-Key. Raise the first refusal when no file was taken; nothing of
        a refused file stays behind.
        """
        product = self._own(actor, product_id)
        order = Order(
            policy=self._policy,
            target=f"product/{product.id}",
            key=key,
            known=self._by_source(actor, product),
            room=self._limit - len(product.images),
            no_room=TooManyImages(limit=self._limit),
        )
        with self._library.receiving(actor, order, incoming) as reception:
            self._products.add_images(actor.site.id, product, reception, limit=self._limit)
        reception.raise_if_empty()
        return reception

    def order_images(
        self, actor: Actor, product_id: str, order: Sequence[str], revision: int
    ) -> PicturedProduct:
        """Put an own product's pictures into `order`, made from its `revision`."""
        product = self._own(actor, product_id)
        ordered = self._products.order_images(actor.site.id, product, order, revision)
        return self._pictured(actor, [ordered])[0]

    def describe_image(
        self, actor: Actor, product_id: str, asset_id: str, changes: Changes
    ) -> Asset:
        """Change the alt text, the decorative mark or the focal point of a picture."""
        product = self._own(actor, product_id)
        changed = self._library.change(actor, asset_id, product.claim, changes)
        if changed is None:
            raise ImageNotFound
        return changed

    def replace_image(
        self,
        actor: Actor,
        product_id: str,
        asset_id: str,
        incoming: Sequence[Incoming | Refusal],
        *,
        key: str | None,
    ) -> Reception:
        """Replace a picture's file; its id and place stay."""
        product = self._own(actor, product_id)
        asset = self._live_image(actor, product, asset_id)
        order = Order(
            policy=self._policy,
            target=f"replace/{asset.id}",
            key=key,
            known={asset.current.source_sha256: asset},
            room=1,
            no_room=OneFileOnly(),
            replaces=asset,
        )
        with self._library.receiving(actor, order, incoming) as reception:
            fell_off = self._products.replace_image(
                actor.site.id, product, asset, reception, keep=self._versions_keep
            )
        self._library.drop_files(asset, fell_off)
        reception.raise_if_empty()
        return reception

    def remove_image(self, actor: Actor, product_id: str, asset_id: str) -> None:
        """Put a picture of an own product into the trash."""
        product = self._own(actor, product_id)
        self._products.remove_image(actor.site.id, product, asset_id, by=actor.id)

    def restore_image(self, actor: Actor, product_id: str, asset_id: str) -> PicturedProduct:
        """Bring a picture back from the trash to where it was."""
        product = self._own(actor, product_id)
        self._products.restore_image(actor.site.id, product, asset_id, limit=self._limit)
        return self.get(actor, product_id)

    def _own(self, actor: Actor, product_id: str) -> Product:
        """Return a product the actor may change; to everybody else it does not exist."""
        _require_seller(actor)
        product = self._products.get(actor.site.id, product_id)
        if product is None or not (actor.is_admin or product.owner == actor.id):
            raise ProductNotFound
        return product

    def _live_image(self, actor: Actor, product: Product, asset_id: str) -> Asset:
        asset = self._library.get_many(actor, [asset_id]).get(asset_id)
        if asset is None or asset.claim != product.claim or asset.state is not State.LIVE:
            raise ImageNotFound
        return asset

    def _by_source(self, actor: Actor, product: Product) -> Mapping[str, Asset]:
        owned = self._library.claimed_by(actor, product.claim)
        return {asset.current.source_sha256: asset for asset in owned}

    def _pictured(self, actor: Actor, products: Sequence[Product]) -> list[PicturedProduct]:
        """Return `products` with their live pictures, by one query for all of them."""
        ids = [asset_id for product in products for asset_id in product.images]
        assets = self._library.get_many(actor, ids)
        live = {each.id: each for each in assets.values() if each.state is State.LIVE}
        return [
            PicturedProduct(
                product=product,
                images=tuple(live[each] for each in product.images if each in live),
            )
            for product in products
        ]


SORT_VALUES: Mapping[Sort, Callable[[Product], object]] = {
    Sort.CREATED: lambda product: product.created_at,
    Sort.UPDATED: lambda product: product.updated_at,
    Sort.NAME: lambda product: product.name_key,
    Sort.PRICE: lambda product: product.price,
    Sort.SKU: lambda product: product.sku,
}


def _may_see(actor: Actor, product: Product) -> bool:
    return (
        product.status is Status.PUBLISHED
        or actor.is_admin
        or (actor.id is not None and product.owner == actor.id)
    )


def _require_seller(actor: Actor) -> None:
    if actor.id is None:
        raise Unauthenticated
    if not actor.has_role(Role.SELLER):
        raise Forbidden
