"""A shop that kept its pictures in MongoDB before Avenue: records in every form there was."""

import base64
import gzip
import hashlib
from dataclasses import dataclass, field
from typing import Any

import bcrypt
from bson import Binary, ObjectId
from gridfs import GridFSBucket
from werkzeug.security import generate_password_hash

from tests import pictures

PASSWORD = "una contraseña larga"


def picture(seed: int, format: str = "JPEG") -> bytes:  # noqa: A002 - Pillow's word for it
    return pictures.photo(48, 32, noise=False, seed=seed, format=format)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def with_breaks(data: bytes) -> str:
    return base64.encodebytes(data).decode()


FORMS: tuple[tuple[str, Any], ...] = (
    ("binary", lambda data: data),
    ("binary of subtype 2", lambda data: Binary(data, 2)),
    ("base64", lambda data: base64.b64encode(data).decode()),
    ("base64 with line breaks", with_breaks),
    ("URL-safe base64", lambda data: base64.urlsafe_b64encode(data).decode().rstrip("=")),
    ("data URL", lambda data: "data:image/jpeg;base64," + base64.b64encode(data).decode()),
    ("gzip", gzip.compress),
    ("base64 in binary", base64.b64encode),
    ("gzip in base64", lambda data: base64.b64encode(gzip.compress(data)).decode()),
    ("Buffer in JSON", lambda data: {"type": "Buffer", "data": list(data)}),
)
"""How a picture stands in a record."""


@dataclass
class EarlierShop:
    """`wanted` are the hashes that each product's pictures have to have, by its old id."""

    raw: Any
    wanted: dict[str, list[str]] = field(default_factory=dict)

    def add_picture(self, seed: int, form: Any, **fields: Any) -> ObjectId:
        own_id = fields.pop("_id", None) or ObjectId()
        document = {"_id": own_id, "data": form(picture(seed)), **fields}
        self.raw["product_images_data"].insert_one(document)
        return own_id

    def add_product(self, product_id: Any, images: Any, seeds: list[int], **fields: Any) -> None:
        document = {"_id": product_id, "name": f"Zapato {product_id}", "images": images, **fields}
        self.raw["shop_products"].insert_one({k: v for k, v in document.items() if v is not None})
        self.wanted[str(product_id)] = [sha(picture(each)) for each in seeds]


def fill(raw: Any) -> EarlierShop:
    """A shop with each form and each kind of reference once, and broken ones among them."""
    shop = EarlierShop(raw)
    for number, (name, form) in enumerate(FORMS):
        own_id = shop.add_picture(number, form, filename=f"{number}.jpg", content_type=name)
        shop.add_product(f"form-{number}", [str(own_id)], [number], sku=f"F{number}", price=number)
    said = {"alt_text": {"es": "De frente", "en": "From the front", "?": "x"}}
    one, two = (
        shop.add_picture(20, bytes, **said),
        shop.add_picture(21, bytes, id="foto-21-uuid-like"),
    )
    file = GridFSBucket(raw, "fotos").upload_from_stream("grid.jpg", picture(22))
    entries = [
        {"image_id": "foto-21-uuid-like", "position": 2, "alt": "  De  costado "},
        {"url": f"/api/shop/images/{one}", "position": 1},
        {"gridfs_id": file, "position": 3},
        {"url": "https://cdn.example/afuera.jpg", "position": 4},
    ]
    shop.add_product(
        ObjectId("65a000000000000000000001"),
        entries,
        [20, 21, 22],
        id="7b9f2b50-0000-4000-8000-000000000001",
        sku="REFS",
        price=150000.0,
        description="De cuero",
    )
    shop.add_product("inline", [FORMS[5][1](picture(30))], [30], price="99.50", currency="USD")
    shop.add_product("shared", [f"http://localhost:8001/api/shop/images/{one}"], [20], sku="REFS")
    shop.add_product("folder", ["/app/backend/uploads/products/a.jpg"], [40])
    shop.add_product("lost", ["/uploads/gone.jpg"], [], price="mucho")
    shop.add_product("broken", [str(shop.add_picture(50, lambda data: data[:90]))], [])
    shop.add_product("owned", None, [61, 60], published=False)
    for place, seed in ((2, 60), (1, 61)):
        shop.add_picture(seed, bytes, product_id="owned", position=place)
    shop.add_picture(70, bytes, filename="/uploads/nadie.jpg")
    raw["temp_images"].insert_one({"data": Binary(picture(71))})
    GridFSBucket(raw, "fotos").upload_from_stream("contrato.pdf", b"%PDF-1.7\n%%EOF\n")
    raw["shop_products_grouped"].insert_one(
        {"_id": "g1", "model": "Bota", "name": "Botas", "product_ids": ["inline", "nadie"]}
    )
    raw["page_content"].insert_many(
        [
            {
                "page": "inicio",
                "title": "Inicio",
                "html": f'<p>Hola</p><img src="/api/shop/images/{two}"><img src="'
                f'{FORMS[5][1](picture(31))}"><a href="/contacto">c</a>',
            },
            {"page": "secciones", "content": {"hero": {"title": "x"}}},
        ]
    )
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4))
    raw["users"].insert_many(
        [
            {"email": "Ana@Tienda.example", "name": "Ana", "password": hashed, "role": "admin"},
            {
                "email": "beto@tienda.example",
                "hashed_password": generate_password_hash(PASSWORD, "pbkdf2:sha256:1000"),
                "is_active": False,
            },
            {"email": "caro@tienda.example", "password": "5f4dcc3b5aa765d61d8327deb882cf99"},
            {"email": "no es un correo", "password": "x"},
        ]
    )
    raw["admin_settings"].insert_one({"store": "Ana"})
    raw["orders"].insert_many([{"total": 1}, {"total": 2}])
    return shop
