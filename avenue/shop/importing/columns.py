"""Maps the columns of a table to fields: by English or Spanish names, or the site's own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

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
    "attributes": "attributes",
    "atributos": "attributes",
    "caracteristicas": "attributes",
    "image_urls": "image_urls",
    "images": "image_urls",
    "imagenes": "image_urls",
}


FIELDS = tuple(dict.fromkeys(NAMES.values()))
MOST_OWN = 50


@dataclass(frozen=True, slots=True)
class OwnColumn:
    """The site's mapping of a column name to a `field`, None to ignore it."""

    name: str
    field: str | None


class ColumnNames:
    """Maps columns by the site's own names, otherwise by the standard names."""

    def __init__(self, own: Sequence[OwnColumn] = ()) -> None:
        self._own = {key_of(each.name): each.field for each in own}

    def field_of(self, name: str) -> str | None:
        """Return the field of a column with this name, None if there is none."""
        key = key_of(name)
        return self._own[key] if key in self._own else NAMES.get(key)

    def is_known(self, name: str) -> bool:
        """Return whether a column is mapped, or marked as ignored."""
        key = key_of(name)
        return key in self._own or key in NAMES

    def fields_of(self, names: Sequence[str]) -> list[str | None]:
        """Return the field of each column; raise `UnreadableTable` for a duplicate."""
        fields = [self.field_of(each) for each in names]
        for place, each in enumerate(fields):
            if each is not None and each in fields[:place]:
                first = names[fields.index(each)]
                raise UnreadableTable(
                    sentence("Two columns hold the same field: {first}, {second}."),
                    words={"first": shown(first), "second": shown(names[place])},
                )
        return fields


def key_of(name: str) -> str:
    """Return the key for comparing names of columns."""
    return BETWEEN_WORDS.sub("_", folded(name[:LONGEST_NAME]).strip())


def shown(name: str) -> str:
    """Return a column's name for people, shortened if it is too long."""
    name = " ".join(name.split())
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
