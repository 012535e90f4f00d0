"""What a shop talks about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from avenue.media.models import Asset, Claim
from avenue.shop.words import folded

PRODUCT = "product"


class Status(StrEnum):
    """Whether everybody may see a product."""

    DRAFT = "draft"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product; `images` are asset ids in the order people see them, the first is the cover."""

    id: str
    owner: str | None
    sku: str | None
    name: str
    description: str
    price: Decimal | None
    currency: str
    status: Status
    group: str | None
    images: tuple[str, ...]
    revision: int
    created_at: datetime
    updated_at: datetime

    @property
    def name_key(self) -> str:
        """The name as it is sorted."""
        return folded(self.name)

    @property
    def claim(self) -> Claim:
        """How the product owns its pictures."""
        return Claim(kind=PRODUCT, id=self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturedProduct:
    """A product with its pictures, in order."""

    product: Product
    images: tuple[Asset, ...]


class Sort(StrEnum):
    """What a list of products may be sorted by."""

    CREATED = "created_at"
    UPDATED = "updated_at"
    NAME = "name"
    PRICE = "price"
    SKU = "sku"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductQuery:
    """Which products, in which order, from where.

    `visible_to` is the owner whose drafts are included, `everything` includes all drafts;
    `after` is (sort value, id) of the last product seen.
    """

    everything: bool = False
    visible_to: str | None = None
    owner: str | None = None
    words: tuple[str, ...] = ()
    status: Status | None = None
    sort: Sort = Sort.CREATED
    descending: bool = True
    after: tuple[Any, str] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some products of a list, the cursor of the next ones, and how many there are in all."""

    items: tuple[PicturedProduct, ...]
    next: tuple[Any, str] | None
    total: int


Changes = Mapping[str, Any]
