"""What callers may send about a shop. Anything else is a 400."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from avenue.bodies import Body, Id, Name, PictureTexts, Revision
from avenue.errors import sentence
from avenue.shop.fields import (
    LONGEST_URL,
    ImageUrl,
    ProductBody,
    Short,
)
from avenue.shop.importing.columns import FIELDS, LONGEST_NAME, MOST_OWN

MOST_PRODUCTS_OF_A_GROUP = 500


def _distinct(values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise PydanticCustomError("distinct", sentence("List each one only once."))
    return values


def _distinct_names(options: "list[OptionBody]") -> "list[OptionBody]":
    _distinct([each.name for each in options])
    return options


UNIQUE = Field(json_schema_extra={"uniqueItems": True})
Ids = Annotated[list[Id], AfterValidator(_distinct), UNIQUE]
Key = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)]
Keys = Annotated[list[Key], Field(max_length=100), AfterValidator(_distinct), UNIQUE]


class NewProduct(ProductBody):
    """A new product; `temp_images` are the caller's own temporary pictures."""

    temp_images: Annotated[Ids, Field(max_length=100)] = Field(default=[])


class ProductChanges(ProductBody):
    """Changes of a product; `revision` guards against overwriting someone's work."""

    name: Name = ""
    revision: Revision | None = None


class NewGroup(Body):
    """A new group; either `model` or `name` is enough, and is used for both."""

    model: Name | None = None
    name: Name | None = None
    product_ids: Annotated[Ids, Field(max_length=MOST_PRODUCTS_OF_A_GROUP)] = Field(default=[])


class OptionBody(Body):
    """A choice within a group, and the keys of the group's pictures that show it."""

    name: Short
    images: Keys = Field(default=[])


class GroupChanges(Body):
    """Changes of a group; `product_ids` and `options` are replaced as a whole."""

    model: Name = ""
    name: Name = ""
    product_ids: Annotated[Ids, Field(max_length=MOST_PRODUCTS_OF_A_GROUP)] = Field(default=[])
    options: Annotated[list[OptionBody], Field(max_length=50), AfterValidator(_distinct_names)] = (
        Field(default=[])
    )
    revision: Revision | None = None


class ImageOrder(Body):
    """All pictures in their new order: ids, or URLs of external pictures."""

    order: Annotated[list[str], Field(max_length=1000)]
    revision: Revision | None = None


class ImageChanges(PictureTexts):
    """Changes of a picture."""


class NewExternalImage(Body):
    """An external picture; it is stored as its address and shown, never fetched."""

    image_url: ImageUrl


class ImageAddress(Body):
    """A picture, by any of its addresses."""

    image_url: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)]


class ColumnBody(Body):
    """The mapping of a column; without a field it is ignored."""

    name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME)
    ]
    field: Literal[FIELDS] | None  # type: ignore[valid-type]


class ColumnsBody(Body):
    """The site's own column names; replaces the previous ones."""

    columns: Annotated[list[ColumnBody], Field(max_length=MOST_OWN)]


class AssignedFile(Body):
    """The product of the file with this number; null is none."""

    number: Annotated[int, Field(ge=1, lt=2**31)]
    product: Annotated[Id | None, Field(examples=["Vt3sKk1m9QyXo0aLw7ZbRg"])]


class AssignedFiles(Body):
    """Files of a ZIP with their products."""

    files: Annotated[list[AssignedFile], Field(min_length=1, max_length=100)]
