"""A store of as many assets as wanted, with everything else a shop has in proportion.

Of 100 assets 60 are pictures of 20 products, 2 of a group, 23 files of the library and 15 general
uploads. Files are small: what grows is the number of things, and the bytes of a picture are read by
nothing that is measured here. Documents are made as the stores make them.
"""

import hashlib
import itertools
import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bson import ObjectId
from pymongo import WriteConcern

from avenue.clock import utc_now
from avenue.identity import DEFAULT_SITE, new_id
from avenue.media.models import Asset, Claim, State, Version, Visibility
from avenue.media.renditions.models import KeptRendition, RenditionKey
from avenue.media.renditions.store import to_document as rendition_document
from avenue.media.store.documents import to_document as asset_document
from avenue.shop.models import Entry, Group, Product, Status
from avenue.shop.store.groups import to_document as group_document
from avenue.shop.store.product_documents import to_document as product_document
from avenue.storage.connection import Database
from avenue.storage.indexes import create_indexes
from avenue.storage.site_data import BUCKETS
from avenue.words import folded, words_of

EACH_PRODUCT = 3
PRODUCTS, GROUPED, LIBRARY, UPLOADS, PAGES = 0.20, 0.02, 0.23, 0.15, 0.005
VARIANTS = ("thumb", "card", "gallery", "og")
OWNERS = 50
WORDS = ("zapato", "bota", "cuero", "negro", "rojo", "verde", "azul", "suela", "goma", "cosido")
SYLLABLES = ("ca", "lo", "mi", "ne", "pu", "ra", "so", "ti", "va", "chi", "gue", "dor", "men")
VOCABULARY = tuple(map("".join, itertools.product(SYLLABLES, repeat=3)))
"""What descriptions are made of: some 2,000 words, about 40 different ones in each."""
AT_ONCE = 2_000
NAMES = ("assets", "renditions", "shop_products", "shop_products_grouped", "page_content")
BESIDE = ("audit_logs",)
"""What is told apart: it grows with the changes, and is forgotten."""
SEED = 20


@dataclass(slots=True)
class Filled:
    """What is there to ask for, by what it is called in routes."""

    assets: int
    known: dict[str, str] = field(default_factory=dict)


class Filling:
    """Fills one migrated database."""

    def __init__(self, database: Database, owner: str) -> None:
        self._raw = database.raw
        self._now = utc_now()
        self._random = random.Random(SEED)
        self._owners = [owner, *(new_id() for _ in range(OWNERS - 1))]
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self._media: list[str] = []
        self._number = 0

    def fill(self, assets: int) -> Filled:
        """Store that many assets with all that goes with them."""
        filled = Filled(assets=assets)
        group = new_id()
        for number in range(int(assets * PRODUCTS)):
            group = group if number % 10 else self._group(number // 10)
            self._product(number, group if number % 10 < 10 * GROUPED / PRODUCTS else None, filled)
        folders = [new_id() for _ in range(20)]
        for number in range(int(assets * LIBRARY)):
            self._file(number, folders, filled)
        for number in range(int(assets * UPLOADS)):
            self._upload(number, filled)
        for number in range(int(assets * PAGES)):
            self._page(number, filled)
        for name in list(self._waiting):
            self._store(name)
        return filled

    def _put(self, name: str, document: dict[str, Any]) -> None:
        waiting = self._waiting.setdefault(name, [])
        waiting.append({**document, "site": DEFAULT_SITE})
        if len(waiting) >= AT_ONCE:
            self._store(name)

    def _store(self, name: str) -> None:
        waiting = self._waiting.pop(name, [])
        if name.endswith((".files", ".chunks")):
            for each in waiting:
                del each["site"]
        quick = WriteConcern(w=1, j=False)
        if waiting:
            self._raw.get_collection(name, write_concern=quick).insert_many(waiting, ordered=False)

    def _at(self) -> datetime:
        """Some moment of the last 300 days."""
        return self._now - timedelta(seconds=self._random.randrange(2 * 86_400, 300 * 86_400))

    def _some(self, count: int) -> str:
        return " ".join(self._random.choices(WORDS, k=count))

    def _product(self, number: int, group: str | None, filled: Filled) -> None:
        product_id, at = new_id(), self._at()
        claim = Claim(kind="product", id=product_id)
        pictures = [self._picture(claim, at) for _ in range(EACH_PRODUCT if number % 50 else 0)]
        product = Product(
            id=product_id,
            owner=self._random.choice(self._owners),
            sku=f"SKU-{number:07d}",
            name=f"{self._some(2)} {number}",
            description=" ".join(self._random.choices(VOCABULARY, k=40)),
            price=Decimal(self._random.randrange(1_000, 900_000)),
            currency="PYG",
            status=Status.DRAFT if number % 4 == 0 else Status.PUBLISHED,
            group=group,
            images=tuple(Entry(asset=each.id) for each in pictures),
            revision=1,
            created_at=at,
            updated_at=at,
        )
        self._put("shop_products", product_document(product))
        self._change(product_id, "product.created", at)
        if number == 1:
            first = pictures[0]
            filled.known |= {"product_id": product_id, "asset_id": first.id}
            filled.known |= {"version": first.current.version, "owner_id": product_id}

    def _group(self, number: int) -> str:
        group_id, at = new_id(), self._at()
        picture = self._picture(Claim(kind="group", id=group_id), at)
        group = Group(
            id=group_id,
            owner=self._random.choice(self._owners),
            model=f"M{number:06d}",
            name=f"Modelo {self._some(1)} {number}",
            options=(),
            images=(Entry(asset=picture.id),),
            revision=1,
            created_at=at,
            updated_at=at,
        )
        self._put("shop_products_grouped", group_document(group))
        return group_id

    def _picture(self, claim: Claim, at: datetime) -> Asset:
        asset = self._asset("product_images", claim, at, "image/jpeg")
        self._put("assets", asset_document(asset))
        for variant in VARIANTS:
            self._rendition(asset, variant)
        return asset

    def _file(self, number: int, folders: list[str], filled: Filled) -> None:
        kind = "image/png" if number % 1000 == 999 else "image/jpeg"
        asset = self._asset("builder_media", Claim.library(DEFAULT_SITE), self._at(), kind)
        placed = {"folder": self._random.choice(folders) if number % 2 else None}
        self._put("assets", {**asset_document(asset), **placed, "tags": [self._some(1)]})
        self._rendition(asset, "thumb")
        self._change(asset.id, "media.created", asset.created_at)
        self._media.append(asset.id)
        filled.known.setdefault("media_id", asset.id)

    def _upload(self, number: int, filled: Filled) -> None:
        upload_id = new_id()
        claim = Claim(kind="upload", id=upload_id)
        asset = self._asset("uploads", claim, self._at(), "image/jpeg", upload_id)
        reference = f"ORD-{number // 4}"
        facts = {
            "category": ("general", "orders", "deposit_proofs")[number % 3],
            "reference": reference,
            "hold": False,
            "words": words_of(asset.name, reference),
        }
        self._put("assets", {**asset_document(asset), **facts})
        self._change(upload_id, "upload.created", asset.created_at)
        filled.known.setdefault("upload_id", upload_id)

    def _page(self, number: int, filled: Filled) -> None:
        page_id, at, used = new_id(), self._at(), self._random.sample(self._media, 3)
        title = f"Página {self._some(1)} {number}"
        texts = {"html": f"<p>{self._some(40)}</p>", "css": "", "locale": "es"}
        draft = {"title": title, **texts, "seo": {"title": "", "description": "", "image": None}}
        is_published = number % 3 != 0
        page = {
            "_id": page_id,
            "slug": f"pagina-{number}",
            "title": title,
            "title_key": folded(title),
            "status": "published" if is_published else "draft",
            "draft": draft,
            "published": {**draft, "slug": f"pagina-{number}", "at": at} if is_published else None,
            "assets": sorted(used),
            "words": words_of(title),
            "old_slugs": [],
            "revision": 1,
            "created_at": at,
            "updated_at": at,
        }
        self._put("page_content", page)
        filled.known |= {"page_id": page_id}
        if is_published:
            filled.known["slug"] = page["slug"]

    def _asset(
        self, bucket: str, claim: Claim, at: datetime, kind: str, asset_id: str | None = None
    ) -> Asset:
        """Store the file of a new asset, and return the asset."""
        self._number += 1
        data = b"%020d" % self._number
        digest = hashlib.sha256(data).hexdigest()
        version = Version(
            file=new_id(),
            sha256=digest,
            source_sha256=digest,
            bytes=len(data),
            media_type=kind,
            width=1600,
            height=1200,
            at=at,
            by=None,
        )
        asset = Asset(
            id=asset_id or new_id(),
            site=DEFAULT_SITE,
            bucket=bucket,
            owner=self._random.choice(self._owners),
            name=f"{self._some(1)} {self._number}.jpg",
            visibility=Visibility.PRIVATE if bucket == "uploads" else Visibility.PUBLIC,
            state=State.TRASH if self._number % 200 == 0 else State.LIVE,
            claim=claim,
            versions=(version,),
            revision=1,
            created_at=at,
            alt={"es": "Un zapato"} if self._number % 10 else {},
        )
        stored_id = f"{DEFAULT_SITE}/{version.file}"
        metadata = {"site": DEFAULT_SITE, "asset": asset.id, "sha256": digest, "media_type": kind}
        file = {"_id": stored_id, "length": len(data), "chunkSize": 1024 * 1024}
        told = {"filename": asset.name, "metadata": metadata, "crc32": [zlib.crc32(data)]}
        self._put(f"{bucket}.files", {**file, **told, "uploadDate": at})
        chunk = {"_id": ObjectId(), "files_id": stored_id, "n": 0, "data": data}
        self._put(f"{bucket}.chunks", chunk)
        return asset

    def _rendition(self, asset: Asset, variant: str) -> None:
        data = b"%020d" % self._number
        kept = KeptRendition(
            key=RenditionKey.of(asset, variant, "webp"),
            file=asset.current.file,
            data=data,
            width=200,
            height=200,
            sha256=hashlib.sha256(data).hexdigest(),
            made_at=asset.created_at,
        )
        self._put("renditions", rendition_document(kept))

    def _change(self, object_id: str, action: str, at: datetime) -> None:
        owner = self._random.choice(self._owners)
        kind = action.partition(".")[0]
        entry = {
            "_id": new_id(),
            "at": at,
            "actor": {"id": owner, "name": f"p{owner[:4]}@shop.example", "kind": "person"},
            "action": action,
            "object": {"kind": kind, "id": object_id},
            "request_id": None,
            "details": {},
            "about": [f"actor:{owner}", f"action:{action}", f"object:{object_id}"],
            "expires_at": self._now + timedelta(days=300),
        }
        self._put("audit_logs", entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """How many documents a collection has, and the bytes of its indexes by name."""

    collection: str
    documents: int
    indexes: Mapping[str, int]

    @property
    def bytes(self) -> int:
        """Of all of them."""
        return sum(self.indexes.values())


def weights(database: Database) -> list[Weight]:
    """Return what the indexes weigh, those of GridFS included."""
    database.client.admin.command("fsync")  # sizes are those of the last checkpoint
    files = [f"{bucket}.{part}" for bucket in BUCKETS for part in ("files", "chunks")]
    found = []
    for name in (*NAMES, *files, *BESIDE):
        told = database.raw.command("collStats", name)
        found.append(
            Weight(collection=name, documents=int(told["count"]), indexes=dict(told["indexSizes"]))
        )
    return found


def rebuild(database: Database) -> None:
    """Build all indexes anew but those of `_id`, as a member does that joins a replica set."""
    for each in weights(database):
        database.raw[each.collection].drop_indexes()
    create_indexes(database)
