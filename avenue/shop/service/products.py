"""The use cases of products."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.identity import Actor, Limit, Role, Site, new_id
from avenue.media.intake.library import MediaLibrary
from avenue.media.models import State
from avenue.shop.attributes import Facet, facets_of
from avenue.shop.categories import MOST_CATEGORIES, Category, tree_of
from avenue.shop.errors import (
    GroupNotFound,
    ProductNotFound,
    RevisionConflict,
    TooManyCategories,
    TooManyImages,
)
from avenue.shop.models import (
    Changes,
    Entry,
    Page,
    PicturedProduct,
    Product,
    ProductFields,
    ProductQuery,
    Sort,
    Status,
    pictures_of,
    shown_to,
)
from avenue.shop.service.access import may_change, may_see
from avenue.shop.store.groups import GroupStore
from avenue.shop.store.product_queries import ProductQueries
from avenue.shop.store.products import ProductStore

CHANGE_TRIES = 5
WALKED_AT_ONCE = 200


class ProductService:
    """Products. Sellers change their own, staff and administrators all."""

    def __init__(
        self,
        products: ProductStore,
        queries: ProductQueries,
        groups: GroupStore,
        library: MediaLibrary,
        settings: Settings,
    ) -> None:
        self._products = products
        self._queries = queries
        self._groups = groups
        self._library = library
        self._limit = settings.max_images_per_product

    def create(
        self,
        actor: Actor,
        fields: ProductFields,
        temp_images: Sequence[str] = (),
        *,
        product_id: str | None = None,
    ) -> PicturedProduct:
        """Create a product of the actor's own, with these own temporary pictures.

        Its id is `product_id`, if that was chosen before and no one else knows it.

        Raise `SkuTaken`, `GroupNotFound`, `TooManyCategories`, `TempImageExpired` or
        `TooManyImages`.
        """
        actor.must_be_signed_in(Role.SELLER)
        limit = actor.site.limit(Limit.IMAGES_PER_PRODUCT, self._limit)
        if len(temp_images) > limit:
            raise TooManyImages(limit=limit)
        self._check_group(actor, fields.group)
        self._check_category(actor, fields.category)
        now = utc_now()
        product = Product(
            **asdict(fields),
            id=product_id or new_id(),
            owner=actor.id,
            images=tuple(Entry(asset=each) for each in temp_images),
            revision=1,
            created_at=now,
            updated_at=now,
        )
        self._products.insert(actor.site.id, product)
        return self._pictured(actor, [product])[0]

    def get(self, actor: Actor, product_id: str) -> PicturedProduct:
        """Return a product the actor may see; raise `ProductNotFound`."""
        product = self._products.get(actor.site.id, product_id)
        if product is None or not may_see(actor, product):
            raise ProductNotFound
        return self._pictured(actor, [product])[0]

    def own(self, actor: Actor, product_id: str) -> Product:
        """Return a product the actor may change; for everyone else it does not exist.

        Raise `ProductNotFound`.
        """
        actor.must_be_signed_in(Role.SELLER)
        product = self._products.get(actor.site.id, product_id)
        if product is None or not may_change(actor, product):
            raise ProductNotFound
        return product

    def neighbours(self, actor: Actor, product: Product) -> tuple[str | None, str | None]:
        """Return the ids of the previous and next product in the actor's own list.

        Newest first.
        """
        owner = None if actor.runs_shop else actor.id
        place = (product.created_at, product.id)
        query = ProductQuery(owner=owner, everything=True, after=place, limit=1, is_counted=False)
        before, after = (
            next((each.id for each in self._queries.find(actor.site.id, one)[0]), None)
            for one in (replace(query, descending=False), query)
        )
        return before, after

    def find(self, actor: Actor, query: ProductQuery) -> Page:
        """Return a page of the products the actor may see; of the trash, those they may restore.

        Raise `Unauthenticated` or `Forbidden` if the actor has no access to the trash.
        """
        scoped, at_least = _scoped(actor, query), None
        lacking = self._queries.lacking(actor.site.id, scoped)
        found, total = self._queries.find(actor.site.id, scoped, lacking)
        if lacking and not lacking.is_all:
            at_least, total = total, None
        page = Page.of(
            found,
            query.limit,
            lambda last: (SORT_VALUES[query.sort](last), last.id),
            total=total,
            at_least=at_least,
        )
        return replace(page, items=tuple(self._pictured(actor, page.items)))

    def count(self, actor: Actor, query: ProductQuery, most: int) -> tuple[int, bool]:
        """Return how many match, no more than `most`, and whether there are more.

        Words and attributes do not count.
        """
        scoped = _scoped(actor, query)
        lacking = self._queries.lacking(actor.site.id, scoped)
        total = self._queries.count(actor.site.id, scoped, lacking, most)
        if total is None:
            return most, True
        return total, lacking is not None and not lacking.is_all

    def drafts(self, actor: Actor, most: int) -> int | None:
        """Return how many drafts the shop has, for staff and administrators; None above `most`."""
        return self._queries.drafts(actor.site.id, most) if actor.runs_shop else 0

    def walk(self, actor: Actor, query: ProductQuery) -> Iterator[list[PicturedProduct]]:
        """Yield all that `query` asks for as `find` does, in parts; its `limit` is ignored."""
        among = self._queries.lacking_among(actor.site.id, _scoped(actor, query))
        pictures = None if among else query.pictures
        part = replace(query, pictures=pictures, limit=WALKED_AT_ONCE, after=None)
        while True:
            found = self.find(actor, part)
            ids = [each.product.id for each in found.items]
            lacking = among(ids) if among else ids
            yield [each for each in found.items if each.product.id in lacking]
            if found.next is None:
                return
            is_long = part.is_long or (part.is_counted and found.total is None)
            part = replace(part, after=found.next, is_long=is_long, is_counted=False)

    def own_among(self, actor: Actor, product_ids: Sequence[str]) -> list[PicturedProduct]:
        """Return those of `product_ids` that the actor may change, in their order."""
        actor.must_be_signed_in(Role.SELLER)
        found = self._queries.these(actor.site.id, product_ids)
        return self._pictured(actor, [each for each in found if may_change(actor, each)])

    def own_by_sku(self, actor: Actor, skus: Sequence[str]) -> dict[str, Product]:
        """Return the products with one of `skus` that the actor may change, by SKU."""
        actor.must_be_signed_in(Role.SELLER)
        found = self._queries.with_skus(actor.site.id, skus)
        return {sku: each for sku, each in found.items() if may_change(actor, each)}

    def published(self, site: Site, *, most: int) -> list[Product] | None:
        """Return the published products of `site`, newest first, without pictures.

        Return None if there are more than `most`.
        """
        return self._queries.published(site.id, most=most)

    def published_among(self, site: Site, product_ids: Sequence[str]) -> list[PicturedProduct]:
        """Return the public ones of `product_ids`, in their order."""
        found = self._queries.these(site.id, product_ids)
        shown = [each for each in found if each.status is Status.PUBLISHED]
        return self._pictured(Actor(site=site), shown)

    def newest(self, site: Site, category: str, *, most: int) -> tuple[PicturedProduct, ...]:
        """Return the newest published products of a category, by its key; of all for ""."""
        query = ProductQuery(category=category or None, status=Status.PUBLISHED, limit=most)
        return tuple(self.find(Actor(site=site), query).items)

    def categories(self, site: Site) -> dict[str, Category]:
        """Return the tree of categories of the published products of `site`, by key."""
        return tree_of(self._queries.categories(site.id))

    def facets(self, site: Site, category: str) -> list[Facet]:
        """Return the filters of the published products of a category, by its key."""
        return facets_of(self._queries.attribute_sets(site.id, category))

    def published_with_ids_from(self, site: Site, first: str, *, most: int) -> list[Product]:
        """Return at most `most` published products whose ids begin with the character `first`."""
        return self._queries.published_with_ids_from(site.id, first, most=most)

    def change(
        self, actor: Actor, product_id: str, changes: Changes, revision: int | None
    ) -> PicturedProduct:
        """Change fields of an own product; raise `RevisionConflict` if `revision` is outdated.

        Also raise `SkuTaken`, `GroupNotFound` or `TooManyCategories`.
        """
        for _ in range(CHANGE_TRIES):
            product = self.own(actor, product_id)
            if revision is not None and product.revision != revision:
                break
            if changes.get("group") != product.group:
                self._check_group(actor, changes.get("group"))
            if changes.get("category") != product.category:
                self._check_category(actor, changes.get("category"))
            changed = self._products.change(actor.site.id, product, changes)
            if changed:
                return self._pictured(actor, [changed])[0]
        raise RevisionConflict

    def delete(self, actor: Actor, product_id: str) -> None:
        """Move an own product to the trash with its pictures."""
        product = self.own(actor, product_id)
        self._products.trash(actor.site.id, product, by=actor.id)

    def trashed_among(self, actor: Actor, product_ids: Sequence[str]) -> list[PicturedProduct]:
        """Return those of `product_ids` in the trash that the actor may restore, in their order."""
        actor.must_be_signed_in(Role.SELLER)
        found = self._queries.these(actor.site.id, product_ids, in_trash=True)
        return self._pictured(actor, [each for each in found if may_change(actor, each)])

    def restore(self, actor: Actor, product_id: str) -> PicturedProduct:
        """Restore an own product from the trash; one that is not there is returned unchanged.

        Raise `ProductNotFound`, or `SkuTaken` if another product uses its SKU now.
        """
        for each in self.trashed_among(actor, [product_id]):
            restored = self._products.restore(actor.site.id, each.product)
            if restored:
                return self._pictured(actor, [restored])[0]
        return self._pictured(actor, [self.own(actor, product_id)])[0]

    def _check_group(self, actor: Actor, group_id: str | None) -> None:
        """Raise `GroupNotFound` if the actor may not add products to the group."""
        if group_id is None:
            return
        group = self._groups.get(actor.site.id, group_id)
        if group is None or not may_change(actor, group):
            raise GroupNotFound

    def _check_category(self, actor: Actor, category: str | None) -> None:
        """Raise `TooManyCategories` if it would exceed the limit of a site."""
        if category is None:
            return
        known = self._queries.categories(actor.site.id)
        if category not in known and len(known) >= MOST_CATEGORIES:
            raise TooManyCategories(limit=MOST_CATEGORIES)

    def _pictured(self, actor: Actor, products: Sequence[Product]) -> list[PicturedProduct]:
        """Return `products` with their live pictures, by one query for all of them.

        Those in the trash have the pictures that are there with them.
        """
        ids = [image.asset for product in products for image in product.images if image.asset]
        found = shown_to(actor, self._library.get_many(actor, ids).values())
        live, trashed = (
            {each.id: each for each in found if each.state is state}
            for state in (State.LIVE, State.TRASH)
        )
        return [
            PicturedProduct(
                product=product,
                images=pictures_of(product.images, trashed if product.trashed_at else live),
            )
            for product in products
        ]


def _scoped(actor: Actor, query: ProductQuery) -> ProductQuery:
    """Return `query` for what the actor may see; raise as `ProductService.find`."""
    if query.in_trash:
        actor.must_be_signed_in(Role.SELLER)
        owner = query.owner if actor.runs_shop else actor.id
        query = replace(query, owner=owner)
    return replace(
        query,
        everything=actor.runs_shop or query.in_trash,
        visible_to=actor.id if actor.has_role(Role.SELLER) else None,
        language=actor.site.language,
    )


SORT_VALUES: Mapping[Sort, Callable[[Product], object]] = {
    Sort.CREATED: lambda product: product.created_at,
    Sort.UPDATED: lambda product: product.updated_at,
    Sort.NAME: lambda product: product.name_key,
    Sort.PRICE: lambda product: product.price,
    Sort.SKU: lambda product: product.sku,
}
