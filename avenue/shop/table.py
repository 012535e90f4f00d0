"""Products as the rows of a table that can be imported again."""

from collections.abc import Mapping
from decimal import Decimal

from avenue.shop.attributes import written
from avenue.shop.models import Product


def product_row(product: Product, models: Mapping[str, str]) -> list[str | Decimal | None]:
    """Return the cells of a product under `EVERY_COLUMN`; `models` are those of groups, by id."""
    return [
        product.sku,
        product.name,
        product.description,
        product.price,
        product.currency,
        product.status.value,
        models.get(product.group or ""),
        product.category,
        written(product.attributes, " | ") or None,
        " ".join(each.url for each in product.images if each.url),
    ]
