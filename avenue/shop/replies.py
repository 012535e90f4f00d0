"""JSON of products and groups."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from avenue.media.replies import ExternalImage, Image, RefusedFile
from avenue.shop.models import Status
from avenue.totals import PartOfList, WholeList

Picture = Image | ExternalImage
Urls = Annotated[list[str], Field(description="The `url` of each picture.")]
Revision = Annotated[int, Field(description="Counts changes; send it with yours.")]


class ProductFacts(TypedDict):
    """A product without its pictures."""

    id: str
    sku: str | None
    name: str
    description: str
    price: Annotated[
        str | None, Field(description="Decimal digits, as `150000.50`; never a float.")
    ]
    currency: str
    status: Status
    group: Annotated[str | None, Field(description="The id of its group.")]
    category: Annotated[
        str | None, Field(description="The names from the top, as `Shoes > Boots`.")
    ]
    attributes: Annotated[dict[str, list[str]], Field(description="Values by name.")]
    revision: Revision
    created_at: str
    updated_at: str
    trashed_at: NotRequired[Annotated[str, Field(description="Of one in the trash alone.")]]


class Product(ProductFacts):
    """A product with its pictures in order; the first is the cover."""

    images: list[Picture]
    image_urls: Urls


class ProductList(PartOfList):
    """A page of products, with its cursor."""

    items: list[Product]


class MobileProduct(ProductFacts):
    """A product for existing mobile clients: its pictures are addresses."""

    images: list[str]
    image_urls: Urls
    errors: NotRequired[
        Annotated[list[RefusedFile], Field(description="Files that were not taken.")]
    ]


class GroupOption(TypedDict):
    """A choice within a group, and the group's pictures that show it."""

    name: str
    images: Annotated[list[str], Field(description="Ids; of external pictures the URL.")]


class Group(TypedDict):
    """Products of one model, with pictures of the group."""

    id: str
    model: str
    name: str
    product_ids: list[str]
    options: list[GroupOption]
    images: list[Picture]
    image_urls: Urls
    revision: Revision
    created_at: str
    updated_at: str


class GroupList(PartOfList):
    """A page of groups, with its cursor."""

    items: list[Group]


class TemporaryList(WholeList):
    """All temporary pictures of the caller, newest first."""

    items: list[Image]
