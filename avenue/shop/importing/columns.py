"""Which field a column is: by its English or Spanish name, however it is written."""

import re
from collections.abc import Sequence

from avenue.errors import sentence
from avenue.shop.importing.errors import UnreadableTable
from avenue.words import folded

LONGEST_NAME = 100
BETWEEN_WORDS = re.compile(r"[\s_-]+")
NAMES = {
    "sku": "sku",
    "codigo": "sku",
    "name": "name",
    "nombre": "name",
    "description": "description",
    "descripcion": "description",
    "price": "price",
    "precio": "price",
    "currency": "currency",
    "moneda": "currency",
    "status": "status",
    "estado": "status",
    "group": "group",
    "grupo": "group",
    "model": "group",
    "modelo": "group",
    "category": "category",
    "categoria": "category",
    "image_urls": "image_urls",
    "images": "image_urls",
    "imagenes": "image_urls",
}


def field_of(name: str) -> str | None:
    """Return the field that a column of this name holds, None when nobody knows it."""
    return NAMES.get(BETWEEN_WORDS.sub("_", folded(name[:LONGEST_NAME]).strip()))


def fields_of(names: Sequence[str]) -> list[str | None]:
    """Return the field of each column; raise `UnreadableTable` when two hold the same."""
    fields = [field_of(each) for each in names]
    for place, each in enumerate(fields):
        if each is not None and each in fields[:place]:
            first = names[fields.index(each)]
            raise UnreadableTable(
                sentence("Two columns mean the same: {first}, {second}."),
                words={"first": shown(first), "second": shown(names[place])},
            )
    return fields


def shown(name: str) -> str:
    """Return a column's name for people, cut where it is too long."""
    name = " ".join(name.split())
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
