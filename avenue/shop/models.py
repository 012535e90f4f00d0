"""What a shop talks about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from avenue.identity import Actor
from avenue.media.models import Asset, Claim, External
from avenue.shop.attributes import Attributes, Chosen
from avenue.words import folded

PRODUCT = "product"
GROUP = "group"
DEFAULT_CURRENCY = "PYG"


class Status(StrEnum):
    """Whether everybody may see a product."""

    DRAFT = "draft"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Entry:
    """One place in a list of pictures: a stored asset, or a URL elsewhere. Exactly one is set."""

    asset: str | None = None
    url: str | None = None

    @property
    def key(self) -> str:
        """What names the picture among those of its owner: the asset's id, or the URL."""
        return self.asset or self.url or ""


class PictureOwner(Protocol):
    """What has pictures: a product or a group. The first of `images` is the cover."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def owner(self) -> str | None:
        """The person it belongs to."""

    @property
    def images(self) -> tuple[Entry, ...]:
        """Its pictures in the order people see them."""

    @property
    def revision(self) -> int:
        """Counts its changes."""

    @property
    def claim(self) -> Claim:
        """How it owns its pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFields:
    """What people say about a product; `group` is the id of the group it belongs to.

    `category` and `attributes` are as `cleaned` of their modules returns them.
    """

    name: str
    sku: str | None = None
    description: str = ""
    price: Decimal | None = None
    currency: str = DEFAULT_CURRENCY
    status: Status = Status.DRAFT
    group: str | None = None
    category: str | None = None
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product; `group` is the id of the group it belongs to, `images` as in `PictureOwner`.

    One in the trash has `trashed_at`.
    """

    id: str
    owner: str | None
    sku: str | None
    name: str
    description: str
    price: Decimal | None
    currency: str
    status: Status
    group: str | None
    images: tuple[Entry, ...]
    revision: int
    created_at: datetime
    updated_at: datetime
    category: str | None = None
    attributes: Attributes = field(default_factory=dict)
    trashed_at: datetime | None = None

    @property
    def name_key(self) -> str:
        """The name as it is sorted."""
        return folded(self.name)

    @property
    def claim(self) -> Claim:
        """How the product owns its pictures."""
        return Claim(kind=PRODUCT, id=self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice within a group ("red") and the group's pictures that show it, by key."""

    name: str
    images: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Products of one model. Which ones they are is kept in the products alone."""

    id: str
    owner: str | None
    model: str
    name: str
    options: tuple[Option, ...]
    images: tuple[Entry, ...]
    revision: int
    created_at: datetime
    updated_at: datetime

    @property
    def name_key(self) -> str:
        """The name as it is sorted."""
        return folded(self.name)

    @property
    def claim(self) -> Claim:
        """How the group owns its pictures."""
        return Claim(kind=GROUP, id=self.id)


Picture = Asset | External


def pictures_of(images: Sequence[Entry], live: Mapping[str, Asset]) -> tuple[Picture, ...]:
    """Return the pictures of `images` in their order; what is not among `live` is left out."""
    found = [External(url=each.url) if each.url else live.get(each.key) for each in images]
    return tuple(each for each in found if each is not None)


def shown_to(actor: Actor, assets: Iterable[Asset]) -> list[Asset]:
    """Return those of `assets` that `actor` is shown: visitors see none that nobody can read."""
    return [each for each in assets if actor.id is not None or not each.current.is_withheld]


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturedProduct:
    """A product with its pictures, in order."""

    product: Product
    images: tuple[Picture, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturedGroup:
    """A group with its pictures, and the products in it that the reader may see."""

    group: Group
    images: tuple[Picture, ...]
    product_ids: tuple[str, ...]


class Pictures(StrEnum):
    """What may be lacking of the pictures of those products that a list shows."""

    NONE = "none"  # there are none
    NO_ALT = "no_alt"  # one that means something has no text in the site's language
    PROBLEMS = "problems"  # the last inspection found something


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The sample products and groups of a site: their ids by SKU and by model.

    `by` is who wanted them, `job` makes them.
    """

    by: str
    products: Mapping[str, str]
    groups: Mapping[str, str]
    job: str | None = None


class Sort(StrEnum):
    """What a list of products may be sorted by."""

    CREATED = "created_at"
    UPDATED = "updated_at"
    NAME = "name"
    PRICE = "price"
    SKU = "sku"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """Which part of a list, in which order.

    `after` is (sort value, id) of the last one seen. `is_long` tells that more match than are
    counted, which an earlier part has found; `is_counted` that how many match is to be told.
    """

    words: tuple[str, ...] = ()
    sort: Sort = Sort.CREATED
    descending: bool = True
    after: tuple[Any, str] | None = None
    limit: int = 50
    is_long: bool = False
    is_counted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductQuery(ListQuery):
    """Which products; `in_trash` those that can be restored, and no others.

    `category` is the key of one, which includes those below it; `chosen` are attributes.
    `visible_to` is the owner whose drafts are included, `everything` includes all drafts;
    `language` is the one in which texts of pictures are missed.
    """

    in_trash: bool = False
    everything: bool = False
    visible_to: str | None = None
    owner: str | None = None
    status: Status | None = None
    group: str | None = None
    category: str | None = None
    chosen: Chosen = field(default_factory=dict)
    pictures: Pictures | None = None
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """The ids of products that lack what is kept beside them.

    Those found last where not `is_all`; there may be more then.
    """

    ids: Sequence[str]
    is_all: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupQuery(ListQuery):
    """Which groups: those of `owner`, or of everybody."""

    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some products or groups, the place of the next ones, and how many there are in all.

    `total` is None where there are more than are counted: then there are `at_least` so many, None
    for more than 10,000.
    """

    items: tuple[Any, ...]
    next: tuple[Any, str] | None
    total: int | None
    at_least: int | None = None


Changes = Mapping[str, Any]
