"""Actions on many products at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from avenue.bodies import LONGEST_ALT, LONGEST_NAME
from avenue.errors import AvenueError, Invalid
from avenue.identity import Actor
from avenue.media.models import Asset
from avenue.shop.errors import ImageNotFound, ProductNotFound
from avenue.shop.models import PicturedProduct, Status
from avenue.shop.service.pictures import PictureService
from avenue.shop.service.products import ProductService

NAME = "{name}"
"""Placeholder for the product's name in a text for many pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A product that could not be changed, and why."""

    id: str
    name: str
    error: AvenueError


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The result of an action on many products: the ids of changed ones, and the failures.

    Unchanged ones are in neither.
    """

    changed: tuple[str, ...]
    failed: tuple[Failure, ...]


class BulkService:
    """Changes many products, each separately: a failure does not stop the others.

    Products that do not exist, or that the actor may not change, are skipped silently.
    """

    def __init__(self, products: ProductService, pictures: PictureService) -> None:
        self._products = products
        self._pictures = pictures

    def set_status(self, actor: Actor, product_ids: Sequence[str], status: Status) -> Done:
        """Publish products, or turn them into drafts."""

        def work(pictured: PicturedProduct) -> bool:
            if pictured.product.status is status:
                return False
            self._products.change(actor, pictured.product.id, {"status": status}, None)
            return True

        return self._each(work, self._products.own_among(actor, product_ids))

    def delete(self, actor: Actor, product_ids: Sequence[str]) -> Done:
        """Move products to the trash with their pictures."""

        def work(pictured: PicturedProduct) -> bool:
            self._products.delete(actor, pictured.product.id)
            return True

        return self._each(work, self._products.own_among(actor, product_ids))

    def restore(self, actor: Actor, product_ids: Sequence[str]) -> Done:
        """Restore products from the trash; one whose SKU is used stays there."""

        def work(pictured: PicturedProduct) -> bool:
            self._products.restore(actor, pictured.product.id)
            return True

        return self._each(work, self._products.trashed_among(actor, product_ids))

    def set_alt(self, actor: Actor, product_ids: Sequence[str], text: str) -> Done:
        """Set this text on every picture without a text in the site's language.

        `{name}` in it is replaced by the name of the product. Raise `Invalid` if the text is
        invalid, or too long with a long name.
        """
        language = actor.site.language
        longest = text.replace(NAME, "x" * LONGEST_NAME)
        if not text.strip() or len(longest) > LONGEST_ALT:
            raise Invalid(f"An alt text has from 1 to {LONGEST_ALT} characters, the name included.")

        def work(pictured: PicturedProduct) -> bool:
            product = pictured.product
            alt = text.strip().replace(NAME, product.name)
            lacking = [each for each in pictured.images if lacks_alt(each, language)]
            changes = {f"alt.{language}": alt}
            changed = [self._describe(actor, pictured, each, changes) for each in lacking]
            return any(changed)

        return self._each(work, self._products.own_among(actor, product_ids))

    def _describe(
        self, actor: Actor, pictured: PicturedProduct, asset: Asset, changes: dict[str, str]
    ) -> bool:
        """Change a picture; return False if it was changed or deleted meanwhile."""
        claim = pictured.product.claim
        try:
            self._pictures.describe(actor, claim, asset.id, changes, asset.revision)
        except ImageNotFound:
            return False
        return True

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
    """Return whether a stored picture is not decorative and has no text in `language`."""
    return (
        isinstance(picture, Asset)
        and not picture.decorative
        and not picture.alt.get(language, "").strip()
    )
