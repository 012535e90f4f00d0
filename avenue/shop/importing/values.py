"""Validates the cells of a row and returns product values, by the rules of the API."""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any

from pydantic import Field, ValidationError

from avenue.bodies import Name
from avenue.errors import AvenueError, sentence
from avenue.field_problems import problems_of
from avenue.shop import attributes
from avenue.shop.errors import OwnUrl
from avenue.shop.fields import (
    Currency,
    ImageUrl,
    ProductBody,
    Short,
)
from avenue.shop.importing.errors import BadCell, DuplicateSku
from avenue.shop.importing.models import Cells, Format, NewRow, Refusal, Written
from avenue.shop.importing.prices import read_price
from avenue.shop.importing.reading import Record, Table
from avenue.shop.models import Status
from avenue.words import folded

LONGEST_SKU = 64
BETWEEN_URLS = re.compile(r"[\s|]+")
STATUSES = {
    "draft": Status.DRAFT,
    "borrador": Status.DRAFT,
    "published": Status.PUBLISHED,
    "publicado": Status.PUBLISHED,
}


class _ImportedProduct(ProductBody):
    """The fields of a product in a row; missing ones are not changed."""

    sku: Short
    name: Name = ""
    currency: Currency = ""
    group: Name | None = None
    image_urls: Annotated[list[ImageUrl], Field(max_length=100)] = Field(default=[])


def rows_of(table: Table, is_own_picture: Callable[[str], bool], locale: str) -> Iterator[NewRow]:
    """Yield the rows of a table; invalid ones with the reason.

    `is_own_picture` tells whether an address is that of a picture stored here; `locale` is the
    site's number format.
    """
    numbers: dict[str, int] = {}
    for record in table.records():
        sku = _sku_in(record)
        first = numbers.setdefault(sku, record.number) if sku else record.number
        try:
            values, has_cents = _values(record, table.layout.format, locale)
            if first != record.number:
                raise DuplicateSku(first)
            if any(map(is_own_picture, values.get("image_urls") or ())):
                raise OwnUrl(field="image_urls")
        except AvenueError as error:
            refusal = Refusal.of(error)
            yield NewRow(number=record.number, sku=sku, values={}, error=refusal)
        else:
            yield NewRow(
                number=record.number, sku=sku, values=values, error=None, has_cents=has_cents
            )


def _sku_in(record: Record) -> str | None:
    """Return the SKU of a record, even if it is otherwise invalid; None if it has none."""
    sku = record.cells.get("sku")
    return sku.strip()[:LONGEST_SKU] if isinstance(sku, str) else None


def _values(
    record: Record, written_in: Format, locale: str
) -> tuple[dict[str, Written], bool | None]:
    """Return the validated values of a record, and its `NewRow.has_cents`; raise `BadCell`."""
    if record.error is not None:
        raise record.error
    cells = dict(record.cells)
    if not cells.get("sku"):
        raise BadCell(sentence("The SKU is missing."), field="sku")
    read, has_cents = _read_json(cells), None
    if written_in is not Format.JSON and "price" in read:
        read["price"], has_cents = read_price(read["price"], read.get("currency"), locale)
    try:
        product = _ImportedProduct.model_validate(read)
    except ValidationError as error:
        field, problem, words = problems_of(error)[0]
        raise BadCell(problem, field=field.partition(".")[0], words=words) from None
    values = product.model_dump(exclude_unset=True, exclude={"sku"})
    if "attributes" in values:
        values["attributes"] = attributes.written(values["attributes"], " | ") or None
    if values.get("price") is not None:
        values["price"] = f"{values['price']:f}"
    return values, has_cents


def _read_json(cells: Cells) -> dict[str, Any]:
    """Return cells in the form of the API.

    null clears a description and a price; pictures are never removed.
    """
    read = dict(cells)
    if isinstance(read.get("currency"), str):
        read["currency"] = read["currency"].strip().upper()
    if isinstance(read.get("status"), str):
        read["status"] = STATUSES.get(folded(read["status"]).strip(), read["status"])
    if "description" in read and read["description"] is None:
        read["description"] = ""
    if isinstance(text := read.get("attributes", ""), str) or text is None:
        read |= {"attributes": _attributes_in(text)} if "attributes" in read else {}
    if "image_urls" in read:
        urls = read.pop("image_urls")
        urls = (
            [each for each in BETWEEN_URLS.split(urls) if each] if isinstance(urls, str) else urls
        )
        if urls is not None:
            read["image_urls"] = list(dict.fromkeys(urls)) if _are_texts(urls) else urls
    return read


def _attributes_in(text: str | None) -> dict[str, list[str]]:
    try:
        return attributes.read(text or "")
    except attributes.NoAttributes:
        raise BadCell(
            sentence("Enter attributes like Color: Red | Size: 38, 39."), field="attributes"
        ) from None


def _are_texts(urls: object) -> bool:
    return isinstance(urls, list) and all(isinstance(each, str) for each in urls)
