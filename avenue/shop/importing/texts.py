"""The changes of a row as text: "precio: 150000 → 165000"."""

from collections.abc import Mapping

from avenue.shop.importing.models import Row, Written

LONGEST_SHOWN = 60
NOTHING = "–"
WORDS: Mapping[str, Mapping[str, str]] = {
    "es": {
        "name": "nombre",
        "description": "descripción",
        "price": "precio",
        "currency": "moneda",
        "status": "estado",
        "group": "grupo",
        "category": "categoría",
        "attributes": "características",
        "image_urls": "imágenes",
        "draft": "borrador",
        "published": "publicado",
    },
    "en": {
        "name": "name",
        "description": "description",
        "price": "price",
        "currency": "currency",
        "status": "status",
        "group": "group",
        "category": "category",
        "attributes": "attributes",
        "image_urls": "pictures",
        "draft": "draft",
        "published": "published",
    },
}


def difference(row: Row, locale: str) -> list[str]:
    """Return a line for each field that a row changes; Spanish unless the site speaks English."""
    words = WORDS.get(locale, WORDS["es"])
    return [
        f"{words[name]}: {_shown(row, name, before, words)} → {_shown(row, name, after, words)}"
        for name, (before, after) in row.changes.items()
    ]


def _shown(row: Row, field: str, value: Written, words: Mapping[str, str]) -> str:
    if not value:
        return NOTHING
    text = " ".join(value) if isinstance(value, list) else " ".join(value.split())
    if field == "status":
        text = words[text]
    if field == "group":
        text = row.group_names.get(text, text)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
