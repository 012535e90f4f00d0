"""What a shop can do with many of its products at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from avenue.errors import AvenueError, Invalid
from avenue.identity import Actor
from avenue.media.models import Asset
from avenue.shop.errors import ImageNotFound, ProductNotFound
from avenue.shop.models import PicturedProduct, Status
from avenue.shop.service.pictures import PictureService
from avenue.shop.service.products import ProductService

LONGEST_ALT = 1000
LONGEST_NAME = 200
NAME = "{name}"
"""Stands for the product's name in a text for many pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A product that could not be changed, and why."""

    id: str
    name: str
    error: AvenueError


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of many products: the ids of those that were changed, and the failures.

    Those that were as they should become are neither.
    """

    changed: tuple[str, ...]
    failed: tuple[Failure, ...]


class BulkService:
    """Changes many products, each by itself: what one cannot take does not stop the others.

    Products that are not the actor's, or not there, are left out without a word.
    """

    def __init__(self, products: ProductService, pictures: PictureService) -> None:
        self._products = products
        self._pictures = pictures

    def set_status(self, actor: Actor, product_ids: Sequence[str], status: Status) -> Done:
        """Publish products, or make drafts of them."""

        def work(pictured: PicturedProduct) -> bool:
            if pictured.product.status is status:
                return False
            self._products.change(actor, pictured.product.id, {"status": status}, None)
            return True

        return self._each(work, self._products.own_among(actor, product_ids))

    def delete(self, actor: Actor, product_ids: Sequence[str]) -> Done:
        """Put products into the trash, and their pictures with them."""

        def work(pictured: PicturedProduct) -> bool:
            self._products.delete(actor, pictured.product.id)
            return True

        return self._each(work, self._products.own_among(actor, product_ids))

    def restore(self, actor: Actor, product_ids: Sequence[str]) -> Done:
        """Bring products back from the trash; one whose SKU is taken stays there."""

        def work(pictured: PicturedProduct) -> bool:
            self._products.restore(actor, pictured.product.id)
            return True

        return self._each(work, self._products.trashed_among(actor, product_ids))

    def set_alt(self, actor: Actor, product_ids: Sequence[str], text: str) -> Done:
        """Give every picture that lacks a text in the site's language this one.

        `{name}` in it stands for the name of the product. Raise `Invalid` when the text is none, or
        too long with a long name in it.
        """
        language = actor.site.language
        longest = text.replace(NAME, "x" * LONGEST_NAME)
        if not text.strip() or len(longest) > LONGEST_ALT:
            raise Invalid(f"An alt text has from 1 to {LONGEST_ALT} characters, the name included.")

        def work(pictured: PicturedProduct) -> bool:
            product = pictured.product
            alt = text.strip().replace(NAME, product.name)
            lacking = [each for each in pictured.images if lacks_alt(each, language)]
            for each in lacking:
                self._describe(actor, pictured, each.id, {f"alt.{language}": alt})
            return bool(lacking)

        return self._each(work, self._products.own_among(actor, product_ids))

    def _describe(
        self, actor: Actor, pictured: PicturedProduct, asset_id: str, changes: dict[str, str]
    ) -> None:
        """Change a picture, unless it was removed meanwhile."""
        try:
            self._pictures.describe(actor, pictured.product.claim, asset_id, changes)
        except ImageNotFound:
            return

    def _each(
        self, work: Callable[[PicturedProduct], bool], products: Sequence[PicturedProduct]
    ) -> Done:
        changed: list[str] = []
        failed: list[Failure] = []
        for each in products:
            product = each.product
            try:
                if work(each):
                    changed.append(product.id)
            except ProductNotFound:
                continue  # deleted meanwhile
            except AvenueError as error:
                failed.append(Failure(id=product.id, name=product.name, error=error))
        return Done(changed=tuple(changed), failed=tuple(failed))


def lacks_alt(picture: object, language: str) -> TypeGuard[Asset]:
    """Tell whether a stored picture means something and has no text in `language`."""
    return (
        isinstance(picture, Asset)
        and not picture.decorative
        and not picture.alt.get(language, "").strip()
    )
