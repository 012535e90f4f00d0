"""Validation of the fields of products and groups, for the API and imports."""

import re
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from avenue.bodies import Body, Name
from avenue.errors import sentence
from avenue.shop import attributes, categories
from avenue.shop.models import DEFAULT_CURRENCY

PRICE = re.compile(r"[0-9]{1,15}(\.[0-9]{1,4})?")
LONGEST_URL = 2048
NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f\\<>\"]")


def _price(value: object) -> Decimal:
    """Accept a price as a decimal string or an integer; a float has already lost digits."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not PRICE.fullmatch(text):
        raise PydanticCustomError(
            "price",
            sentence(
                'Send a string like "150000.50" or an integer, from 0, with up to 15 '
                "digits and 4 decimals."
            ),
        )
    return Decimal(text)


def _image_url(text: str) -> str:
    """Accept the URL of an external picture, or an old path that only a disk had."""
    try:
        parts = urlsplit(text)
        elsewhere = parts.scheme in {"http", "https"} and bool(parts.hostname)
        fine = parts.username is None and (parts.port or 1) > 0
    except ValueError:
        elsewhere = fine = False
    old_path = text.startswith("/") and not text.startswith("//")
    if NOT_IN_A_URL.search(text) or not fine or not (elsewhere or old_path):
        raise PydanticCustomError(
            "image_url",
            sentence(
                "Enter the full URL, like https://images.example/shoe.jpg, without a password."
            ),
        )
    return text


def _category(text: str) -> str | None:
    try:
        return categories.cleaned(text)
    except ValueError:
        raise PydanticCustomError(
            "category",
            sentence(
                "Enter the names from general to specific, separated by >, like Shoes > "
                "Boots: up to {levels}, with up to {letters} characters each.",
            ),
            {"levels": categories.MOST_LEVELS, "letters": categories.LONGEST_NAME},
        ) from None


def _attributes(written: dict[str, list[str]]) -> dict[str, list[str]]:
    try:
        return attributes.cleaned(written)
    except attributes.NoAttributes:
        raise PydanticCustomError(
            "attributes",
            sentence(
                "Up to {attributes} different names of {letters} characters, each with one "
                "or more values, {values} in all, of {value_letters} characters without ; "
                "| or a comma followed by a space.",
            ),
            {
                "attributes": attributes.MOST_ATTRIBUTES,
                "letters": attributes.LONGEST_NAME,
                "values": attributes.MOST_VALUES,
                "value_letters": attributes.LONGEST_VALUE,
            },
        ) from None


Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Description = Annotated[str, StringConstraints(max_length=20_000)]
Price = Annotated[
    Decimal,
    BeforeValidator(_price),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": f"^{PRICE.pattern}$"},
                {"type": "integer", "minimum": 0, "maximum": 10**15 - 1},
            ],
            "examples": ["150000.50"],
        }
    ),
]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
StatusText = Literal["draft", "published"]
CategoryText = Annotated[
    str,
    StringConstraints(max_length=500),
    AfterValidator(_category),
    Field(description="The names from the top, as `Shoes > Boots`.", examples=["Shoes > Boots"]),
]
AttributesBody = Annotated[
    dict[str, Annotated[list[str], Field(max_length=attributes.MOST_VALUES)]],
    Field(
        max_length=attributes.MOST_ATTRIBUTES,
        description="Values by name.",
        examples=[{"Color": ["Red"], "Size": ["38", "39"]}],
    ),
    AfterValidator(_attributes),
]
ImageUrl = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_URL),
    AfterValidator(_image_url),
    Field(examples=["https://images.example/shoe.jpg"]),
]


class ProductBody(Body):
    """The fields of a product."""

    name: Name
    sku: Short | None = None
    description: Description = ""
    price: Price | None = None
    currency: Currency = DEFAULT_CURRENCY
    status: StatusText = "draft"
    group: Short | None = None
    category: CategoryText | None = None
    attributes: AttributesBody = Field(default={})
