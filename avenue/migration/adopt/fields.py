"""The meaning of the fields of old records.

The names are those common in such shops, in English and Spanish; a map file can add others.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from avenue.bodies import LONGEST_ALT
from avenue.migration.adopt.decoding import is_inline
from avenue.migration.adopt.models import Fields, Holds

Names = Mapping[str, tuple[str, ...]]

MOST_LANGUAGES = 20
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
ALTS = (
    "alt",
    "alt_text",
    "altText",
    "image_alt",
    "alternative_text",
    "texto_alternativo",
)

KEYS = ("_id", "id", "uuid", "image_id", "imageId", "picture_id", "file_id", "temp_id", "key")
PRODUCT_KEYS = ("_id", "id", "uuid", "product_id", "sku", "codigo", "code")
_OWNER = ("owner", "owner_id", "seller_id", "seller", "user_id", "created_by", "vendor_id")
_IMAGES = (
    "images",
    "image_ids",
    "image_urls",
    "imagenes",
    "photos",
    "fotos",
    "pictures",
    "gallery",
    "main_image",
    "cover_image",
    "cover",
    "image",
    "image_url",
    "image_id",
    "image_data",
    "imagen",
    "photo",
    "foto",
)
_NAME = ("name", "title", "nombre", "product_name", "titulo")
DATA = (
    "data",
    "image_data",
    "content",
    "base64",
    "image",
    "bytes",
    "binary",
    "blob",
    "file",
    "file_data",
    "image_base64",
    "contents",
    "imagen",
    "gridfs_id",
    "file_id",
    "url",
    "path",
)
FILE_NAMES = ("filename", "file_name", "original_name", "name", "path", "url", "image_url")

DEFAULTS: Mapping[Holds, Names] = {
    Holds.PRODUCTS: {
        "id": PRODUCT_KEYS,
        "name": _NAME,
        "sku": ("sku", "code", "codigo", "barcode"),
        "description": ("description", "descripcion", "details", "detalle"),
        "price": ("price", "precio", "unit_price", "sale_price"),
        "currency": ("currency", "moneda"),
        "status": (
            "status",
            "estado",
            "published",
            "is_published",
            "is_active",
            "active",
            "activo",
        ),
        "group": ("group", "group_id", "grouped_id", "grupo"),
        "owner": _OWNER,
        "images": _IMAGES,
    },
    Holds.GROUPS: {
        "id": ("_id", "id", "uuid", "group_id"),
        "name": _NAME,
        "model": ("model", "modelo", "base_model", "model_name"),
        "members": ("product_ids", "products", "variants", "items", "productos", "variantes"),
        "owner": _OWNER,
        "images": _IMAGES,
    },
    Holds.PICTURES: {
        "id": KEYS,
        "data": DATA,
        "filename": FILE_NAMES,
        "alt": ALTS,
        "product": ("product_id", "product", "productId", "owner_id", "producto_id", "sku"),
        "position": ("position", "order", "sort_order", "index", "orden"),
    },
    Holds.PAGES: {
        "id": ("_id", "id", "uuid", "page_id"),
        "title": ("title", "titulo", "page_title", "name", "page", "slug"),
        "slug": ("slug", "page", "path", "route", "url", "page_id"),
        "html": ("html", "gjs-html", "gjs_html", "content", "body", "contenido"),
        "css": ("css", "gjs-css", "gjs_css", "styles"),
        "description": ("meta_description", "description", "seo_description"),
        "status": ("status", "estado", "published", "is_published", "is_active"),
    },
    Holds.PEOPLE: {
        "id": ("_id", "id", "uuid", "user_id"),
        "email": ("email", "correo", "mail", "username"),
        "name": ("name", "full_name", "nombre", "display_name", "first_name"),
        "password": ("password_hash", "hashed_password", "password", "passwordHash", "hash"),
        "role": ("role", "rol", "user_type", "type", "is_superuser", "is_admin", "is_staff"),
        "disabled": ("disabled", "is_disabled", "banned", "blocked"),
        "active": ("is_active", "active", "enabled"),
        "created_at": ("created_at", "createdAt", "date_joined", "fecha"),
    },
    Holds.FILES: {"id": ("_id",), "filename": ("filename",), "product": ("metadata",)},
}

PUBLISHED = frozenset(
    {"published", "publicado", "active", "activo", "visible", "live", "true", "1"}
)
IN_ENTRY = ("data", "content", "base64", "bytes", "image_data", "blob")
NAMES_IN_ENTRY = (
    "gridfs_id",
    "image_id",
    "file_id",
    "picture_id",
    "id",
    "_id",
    "url",
    "image_url",
    "src",
    "path",
    "href",
    "filename",
)
ORDER_IN_ENTRY = ("position", "order", "sort_order", "index", "orden")
NESTED = ("content", "data", "page", "gjs", "draft")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureName:
    """How a record names a picture: by these texts, tried in order, or by its `inline` bytes.

    `alt` are its alternative texts, as `alt_of` returns them.
    """

    texts: tuple[str, ...] = ()
    inline: Any = None
    is_single: bool = False
    alt: Mapping[str, str] = field(default_factory=dict)


def names_of(holds: Holds, mapped: Mapping[str, tuple[str, ...]]) -> Names:
    """Return the field names of a collection by meaning; a map file replaces the usual ones."""
    known = DEFAULTS[Holds.PICTURES if holds is Holds.TEMPORARY else holds]
    return {**known, **mapped}


def first(fields: Fields, names: tuple[str, ...]) -> Any:
    """Return the first non-empty one of these fields, or None."""
    for name in names:
        value = fields.get(name)
        if value is not None and value != "":
            return value
    return None


def text(fields: Fields, names: tuple[str, ...]) -> str | None:
    """Return the first that is a text or a number, trimmed."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def keys_of(fields: Fields, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the distinct ids of a record."""
    found = (fields.get(name) for name in names)
    return tuple(
        dict.fromkeys(str(each) for each in found if isinstance(each, str | int) and str(each))
    )


def pictures(fields: Fields, names: tuple[str, ...]) -> list[PictureName]:
    """Return the pictures a record names, in order.

    Pictures of a field for one picture (`main_image`) are `is_single`: the cover, unless the lists
    have it, too.
    """
    found: list[PictureName] = []
    for name in names:
        value = fields.get(name)
        if isinstance(value, list):
            found += _in_order(value)
        elif value is not None and value != "":
            said = alt_of(fields, (f"{name}_alt",))
            found += [replace(each, is_single=True, alt=each.alt or said) for each in _named(value)]
    return found


def alt_of(fields: Fields, names: tuple[str, ...]) -> Mapping[str, str]:
    """Return the alternative texts of a picture by language; "" is that of the site."""
    said = first(fields, names)
    texts = said if isinstance(said, dict) else {"": said}
    found = {
        language: " ".join(text.split())[:LONGEST_ALT]
        for language, text in texts.items()
        if isinstance(text, str)
        and text.strip()
        and (language == "" or _LANGUAGE.fullmatch(language))
    }
    return dict(list(found.items())[:MOST_LANGUAGES])


def picture_of(value: Any) -> PictureName | None:
    """Return the picture that an entry names, or None."""
    found = _named(value)
    return found[0] if found else None


def members(value: Any) -> Iterator[tuple[str, ...]]:
    """Yield the products that a group names: each by its possible ids."""
    for each in value if isinstance(value, list) else ():
        keys = (
            keys_of(each, ("product_id", "id", "_id", "sku", "code"))
            if isinstance(each, dict)
            else keys_of({"id": each}, ("id",))
        )
        if keys:
            yield keys


def price(value: Any) -> str | None:
    """Return a price as the API takes it; a float as its shortest form.

    Raise `ValueError` if it is none.
    """
    if value is None or value == "" or isinstance(value, bool):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(value)
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(value) from None
    if not found.is_finite():
        raise ValueError(value)
    return f"{found.normalize():f}"


def is_published(value: Any) -> bool:
    """Return whether a record is public; it is if it does not say."""
    if value is None:
        return True
    if isinstance(value, bool):
        return value
    return str(value).strip().lower() in PUBLISHED


def moment(value: Any) -> datetime | None:
    """Return a point in time, or None."""
    return value if isinstance(value, datetime) and value.tzinfo else None


def page_texts(fields: Fields, names: Names) -> tuple[str | None, str]:
    """Return the HTML and the CSS of a page, also searched one level down."""
    for place in (fields, *(fields.get(name) for name in NESTED)):
        if isinstance(place, dict):
            html = next(
                (place[name] for name in names["html"] if isinstance(place.get(name), str)), None
            )
            if html is not None:
                return html, text(place, names["css"]) or text(fields, names["css"]) or ""
    return None, ""


def _in_order(entries: list[Any]) -> list[PictureName]:
    numbers = [_order(each) for each in entries]
    if all(number is not None for number in numbers):
        pairs = sorted(zip(numbers, range(len(entries)), strict=True))
        entries = [entries[place] for _, place in pairs]
    return [found for each in entries for found in _named(each)]


def _order(entry: Any) -> float | None:
    value = first(entry, ORDER_IN_ENTRY) if isinstance(entry, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _named(value: Any) -> list[PictureName]:
    if is_inline(value):
        return [PictureName(inline=value)]
    if isinstance(value, dict):
        alt = alt_of(value, ALTS)
        for name in IN_ENTRY:
            if name in value and is_inline(value[name]):
                return [PictureName(inline=value[name], alt=alt)]
        texts = keys_of(value, NAMES_IN_ENTRY)
        inline = next((each for each in texts if is_inline(each)), None)
        if inline is not None:
            return [PictureName(inline=inline, alt=alt)]
        return [PictureName(texts=texts, alt=alt)] if texts else []
    texts = keys_of({"id": value.strip() if isinstance(value, str) else value}, ("id",))
    return [PictureName(texts=texts)] if texts else []
