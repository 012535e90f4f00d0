"""Models of products, groups and their pictures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from avenue.cursors import ListPage
from avenue.errors import AvenueError, Translate, filled, words_of
from avenue.identity import Actor
from avenue.media.models import Asset, Claim, External
from avenue.shop.attributes import Attributes, Chosen
from avenue.words import folded

PRODUCT = "product"
GROUP = "group"
DEFAULT_CURRENCY = "PYG"


class Status(StrEnum):
    """Whether a product is public."""

    DRAFT = "draft"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry in a list of pictures: a stored asset, or an external URL. Exactly one is set."""

    asset: str | None = None
    url: str | None = None

    @property
    def key(self) -> str:
        """The key of the picture within its owner: the asset's id, or the URL."""
        return self.asset or self.url or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why something was refused; `message` has `{places}` for `words`."""

    code: str
    message: str
    words: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, error: AvenueError) -> "Failure":
        """Return the stored form of `error`."""
        template = error.templates[0]
        return cls(code=error.code, message=template, words=words_of(template, error.words))

    def said(self, translate: Translate = str) -> str:
        """Return the reason, in the language of `translate`, by default English."""
        return filled(self.message, self.words, translate)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFields:
    """The editable fields of a product; `group` is the id of its group.

    `category` and `attributes` are in the form that `cleaned` of their modules returns.
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
class Product(ProductFields):
    """A product; `images` are as in `PictureOwner`. One in the trash has `trashed_at`."""

    id: str
    owner: str | None
    images: tuple[Entry, ...]
    revision: int
    created_at: datetime
    updated_at: datetime
    trashed_at: datetime | None = None

    @property
    def name_key(self) -> str:
        """The sort key of the name."""
        return folded(self.name)

    @property
    def claim(self) -> Claim:
        """The claim on the product's pictures."""
        return Claim(kind=PRODUCT, id=self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A choice within a group ("red") and the keys of the group's pictures that show it."""

    name: str
    images: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of products of one model. Its products are only stored in the products themselves."""

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
        """The sort key of the name."""
        return folded(self.name)

    @property
    def claim(self) -> Claim:
        """The claim on the group's pictures."""
        return Claim(kind=GROUP, id=self.id)


PictureOwner = Product | Group
"""An owner of pictures; the first of its `images` is the cover."""


Picture = Asset | External


def pictures_of(images: Sequence[Entry], live: Mapping[str, Asset]) -> tuple[Picture, ...]:
    """Return the pictures of `images` in order; those missing in `live` are left out."""
    found = [External(url=each.url) if each.url else live.get(each.key) for each in images]
    return tuple(each for each in found if each is not None)


def shown_to(actor: Actor, assets: Iterable[Asset]) -> list[Asset]:
    """Return the assets that `actor` may see: visitors see none that cannot be read."""
    return [each for each in assets if actor.id is not None or not each.current.is_withheld]


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturedProduct:
    """A product with its pictures, in order."""

    product: Product
    images: tuple[Picture, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturedGroup:
    """A group with its pictures, and those of its products that the reader may see."""

    group: Group
    images: tuple[Picture, ...]
    product_ids: tuple[str, ...]


class Pictures(StrEnum):
    """Filters of a product list by pictures."""

    NONE = "none"  # without pictures
    NO_ALT = "no_alt"  # a picture that is not decorative has no text in the site's language
    PROBLEMS = "problems"  # with a finding of the last inspection


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The sample products and groups of a site: their ids by SKU and by model.

    `by` is the person who loaded them, `job` creates them.
    """

    by: str
    products: Mapping[str, str]
    groups: Mapping[str, str]
    job: str | None = None


class Sort(StrEnum):
    """The sort orders of a list of products."""

    CREATED = "created_at"
    UPDATED = "updated_at"
    NAME = "name"
    PRICE = "price"
    SKU = "sku"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """The requested part and order of a list.

    `after` is (sort value, id) of the last one seen. `is_long` tells that more match than are
    counted, which an earlier part has found; `is_counted` that the number of matches is requested.
    """

    words: tuple[str, ...] = ()
    sort: Sort = Sort.CREATED
    descending: bool = True
    after: tuple[Any, str] | None = None
    limit: int = 50
    is_long: bool = False
    is_counted: bool = True

    def preceding(self, place: tuple[Any, str]) -> Self:
        """Return the query for what precedes `place`, the nearest first."""
        return replace(self, descending=not self.descending, after=place)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductQuery(ListQuery):
    """Which products; with `in_trash` only those in the trash.

    `category` is a key, which includes subcategories; `chosen` are attributes. `visible_to` is the
    owner whose drafts are included, `everything` includes all drafts; `language` is the one for
    missing texts of pictures.
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
    """The ids of products whose pictures lack a text or have problems.

    If not `is_all`, there may be more.
    """

    ids: Sequence[str]
    is_all: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupQuery(ListQuery):
    """Which groups: those of `owner`, or all."""

    owner: str | None = None


Page = ListPage[Any, tuple[Any, str]]
"""A page of products, groups or imports."""


Changes = Mapping[str, Any]
