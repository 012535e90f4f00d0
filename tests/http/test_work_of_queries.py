"""What each list and page makes the database read: about as much as it shows.

MongoDB's profiler notes every command of a request with the keys of indexes and the documents it
read for what it returned.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo import WriteConcern

from avenue.clock import utc_now
from avenue.identity import DEFAULT_SITE, new_id
from bench.scale import counts_up_to
from tests.http.application import Application
from tests.mongod import Mongod
from tests.table import table

PRODUCTS, GROUPS, MEDIA, UPLOADS, PAGES, CHANGES = 3_000, 900, 2_000, 2_000, 700, 2_000
IN_GROUPS = 900
STORED, LOST, ELSEWHERE = 1_500, 600, 300
"""Products by their picture; the others have none."""
PEOPLE = 40
COLOURS = ("rojo", "azul", "verde", "negro", "blanco")
SHOWN = 20
BUDGET, EACH = 200, 20
"""What a query may read in any case, and for each thing it returns."""
SOUGHT = 20
"""Keys beside a bounded count: one for each part of an index it is made of."""


class Store:
    """A store of everything there is, and who asks for it."""

    def __init__(self, application: Application) -> None:
        self.application, self.raw, self.now = application, application.raw, utc_now()
        self.callers = {each: application.caller(each) for each in ("admin", "seller", "nobody")}
        seller = str(self.callers["seller"].id)
        self.owners = [seller, *(new_id() for _ in range(PEOPLE - 1))]
        self.folders = [new_id() for _ in range(20)]
        self.groups: list[str] = []
        self.media: list[str] = []
        self.products: list[dict[str, Any]] = []
        self.times = 0
        self.grow()

    def grow(self) -> None:
        """Store as much as is there, once more; at first, all of it."""
        parts = {
            each: range(self.times * each, (self.times + 1) * each)
            for each in (PRODUCTS, GROUPS, MEDIA, UPLOADS, PAGES, CHANGES)
        }
        self.times += 1
        self.groups += [new_id() for _ in parts[GROUPS]]
        self.media += [new_id() for _ in parts[MEDIA]]
        new = [self._product(number) for number in parts[PRODUCTS]]
        self.products += new
        self._put("shop_products", new)
        self._put("shop_products_grouped", map(self._group, parts[GROUPS]))
        self._put("assets", map(self._file, parts[MEDIA]))
        self._put("assets", map(self._upload, parts[UPLOADS]))
        self._put("page_content", map(self._page, parts[PAGES]))
        self._put("audit_logs", map(self._change, parts[CHANGES]))
        self._put("assets", map(self._picture, new[:STORED]))
        self._put("findings", map(self._finding, new[STORED : STORED + LOST]))

    def _put(self, name: str, documents: Any) -> None:
        quick = WriteConcern(w=1, j=False)
        self.raw.get_collection(name, write_concern=quick).insert_many(documents, ordered=False)

    def _at(self, number: int) -> datetime:
        return self.now - timedelta(seconds=number)

    def _common(self, number: int) -> dict[str, Any]:
        at = self._at(number)
        return {
            "site": DEFAULT_SITE,
            "owner": self.owners[number % PEOPLE],
            "revision": 1,
            "created_at": at,
            "updated_at": at,
        }

    def _product(self, number: int) -> dict[str, Any]:
        colour, sku = COLOURS[number % len(COLOURS)], f"SKU-{number:07d}"
        grouped = {"group": self.groups[number // 3]} if number % PRODUCTS < IN_GROUPS else {}
        text = "De cuero, cosido a mano por artesanos de la ciudad, con suela de goma natural."
        return {
            "_id": new_id(),
            **self._common(number),
            **grouped,
            "sku": sku,
            "name": f"Zapato {colour} {number}",
            "name_key": f"zapato {colour} {number}",
            "description": text,
            "currency": "PYG",
            "status": "draft" if number % 4 == 0 else "published",
            "images": self._images(number % PRODUCTS),
            "words": sorted({"zapato", colour, str(number), "sku", sku[4:], *text.lower().split()}),
        }

    def _images(self, number: int) -> list[dict[str, str]]:
        """A stored one in the first products, then one that is lost, or elsewhere, then none."""
        if number < STORED + LOST:
            return [{"asset": new_id()}]
        is_elsewhere = number < STORED + LOST + ELSEWHERE
        return [{"url": f"https://elsewhere.example/{number}.jpg"}] if is_elsewhere else []

    def _finding(self, product: dict[str, Any]) -> dict[str, Any]:
        return {
            "_id": f"{DEFAULT_SITE}/product/{product['_id']}/0000",
            "site": DEFAULT_SITE,
            "referrer": {"kind": "product", "id": product["_id"]},
            "sku": product["sku"],
            "position": 0,
            "image": product["images"][0]["asset"],
            "standing": "missing",
            "kind": "asset_missing",
            "detail": "No asset has this id.",
            "collection": None,
        }

    def _group(self, number: int) -> dict[str, Any]:
        return {
            "_id": self.groups[number],
            **self._common(number),
            "model": f"M{number}",
            "name": f"Modelo {number}",
            "name_key": f"modelo {number}",
            "options": [],
            "images": [],
            "words": ["modelo", str(number), f"m{number}"],
        }

    def _asset(self, asset_id: str, number: int, bucket: str, media_type: str) -> dict[str, Any]:
        file = new_id()
        version = {
            "file": file,
            "sha256": f"{number:064x}",
            "source_sha256": f"{number:064x}",
            "bytes": 1000 + number,
            "media_type": media_type,
            "width": 1,
            "height": 1,
            "at": self._at(number),
            "by": None,
        }
        return {
            "_id": asset_id,
            **self._common(number),
            "bucket": bucket,
            "name": f"foto {number}.jpg",
            "visibility": "public",
            "state": "live",
            "versions": [version],
        }

    def _picture(self, product: dict[str, Any]) -> dict[str, Any]:
        asset = self._asset(product["images"][0]["asset"], 7, "product_images", "image/jpeg")
        return {**asset, "claim": {"kind": "product", "id": product["_id"]}}

    def _file(self, number: int) -> dict[str, Any]:
        kind = "image/png" if number % 1000 == 999 else "image/jpeg"
        return {
            **self._asset(self.media[number], number, "builder_media", kind),
            "claim": {"kind": "library", "id": DEFAULT_SITE},
            "folder": self.folders[number % 20] if number % 2 else None,
            "tags": [COLOURS[number % len(COLOURS)]],
            "alt": {"es": "Un zapato", "en": "A shoe"} if number % 10 else {},
            "words": ["foto", str(number), "jpg", COLOURS[number % len(COLOURS)]],
            "listed": {
                "name": f"foto {number}.jpg",
                "bytes": 1000 + number,
                "media_type": kind,
            },
            "state": "trash" if number % 50 == 49 else "live",
            **({"trash": {"at": self.now, "by": None}} if number % 50 == 49 else {}),
        }

    def _upload(self, number: int) -> dict[str, Any]:
        upload_id = new_id()
        return {
            **self._asset(upload_id, number, "uploads", "application/pdf"),
            "visibility": "private",
            "claim": {"kind": "upload", "id": upload_id},
            "category": ("orders", "deposit_proofs")[number % 2],
            "reference": f"ORD-{number // 4}",
            "words": ["factura", "pdf", "ord", str(number // 4)],
        }

    def _page(self, number: int) -> dict[str, Any]:
        used = [self.media[(number * 3 + each) % MEDIA] for each in range(3)]
        return {
            "_id": new_id(),
            **self._common(number),
            "slug": f"pagina-{number}",
            "status": "draft" if number % 3 == 0 else "published",
            "title_key": f"pagina {number}",
            "words": ["pagina", str(number)],
            "assets": used,
            "old_slugs": [],
            "draft": {
                "title": f"Página {number}",
                "html": "<p>Hola</p>",
                "css": "",
                "assets": used,
                "products": [],
            },
        }

    def _change(self, number: int) -> dict[str, Any]:
        owner, product = self.owners[number % PEOPLE], self.products[number]["_id"]
        return {
            "_id": new_id(),
            "site": DEFAULT_SITE,
            "at": self._at(number),
            "actor": {"id": owner, "name": f"p{owner}@shop.example", "kind": "person"},
            "action": "product.changed",
            "object": {"kind": "product", "id": product},
            "request_id": None,
            "details": {},
            "about": [f"actor:{owner}", "action:product.changed", f"object:{product}"],
            "expires_at": self.now + timedelta(days=300),
        }

    def named(self, place: str) -> str:
        """A place with the ids that its letters stand for."""
        names = {"G": self.groups[1], "P": self.products[5]["_id"], "F": self.folders[1]}
        names["A"] = self.products[5]["images"][0]["asset"]
        known = place[-1] in names and place[-2] in "=/"
        return place[:-1] + names[place[-1]] if known else place


@contextmanager
def profiled(raw: Any) -> Iterator[list[dict[str, Any]]]:
    """Yield a list that has what was asked of a database in the block, once it is over.

    A plan that the server remembers from another question may read ten times what the best one
    does, before it looks for another; so it remembers none here.
    """
    asked: list[dict[str, Any]] = []
    for name in remembered(raw):
        raw.command("planCacheClear", name)
    raw.command("profile", 0)
    raw["system.profile"].drop()
    raw.command("profile", 2)
    try:
        yield asked
    finally:
        raw.command("profile", 0)
        asked += raw["system.profile"].find()


def remembered(raw: Any) -> set[str]:
    """The collections of a database for which the server remembers a plan."""
    names = raw.list_collection_names(filter={"name": {"$not": {"$regex": "^system"}}})
    plans = [[{"$planCacheStats": {}}, {"$project": {"_id": 0, "of": each}}] for each in names]
    others = [
        {"$unionWith": {"coll": each, "pipeline": plan}}
        for each, plan in zip(names[1:], plans[1:], strict=True)
    ]
    return {each["of"] for each in raw[names[0]].aggregate([*plans[0], *others])}


@pytest.fixture(scope="module")
def store(mongod: Mongod) -> Iterator[Store]:
    with Application(mongod) as application:
        yield Store(application)
        application.raw.command("profile", 0)


PLACES: list[tuple[str, str]] = [
    # Who asks, and for what; `G` stands for a group, `P` for a product of it, `F` for a folder.
    ("admin", "/api/shop/products?limit=20"),
    ("admin", "/api/shop/products?limit=20&sort=name"),
    ("admin", "/api/shop/products?limit=20&sort=-price"),
    ("admin", "/api/shop/products?limit=20&sort=sku"),
    ("admin", "/api/shop/products?limit=20&status=draft"),
    ("admin", "/api/shop/products?limit=20&group=G"),
    *(
        ("admin", f"/api/shop/products?limit=20&pictures=none&sort={order}")
        for order in ("-created_at", "name", "-price", "sku", "updated_at")
    ),
    ("admin", "/api/shop/products?limit=20&sort=updated_at"),
    *(
        ("admin", f"/api/shop/products?limit=20&state=trash&{asked}")
        for asked in (
            "search=zapato",
            *(f"sort={each}" for each in ("created_at", "updated_at", "name", "price", "sku")),
        )
    ),
    ("admin", "/api/shop/products?limit=20&search=SKU-0000012"),
    ("admin", "/api/shop/groups?limit=20&search=modelo+123"),
    ("nobody", "/api/shop/products?limit=20"),
    ("nobody", "/api/shop/products/P"),
    ("nobody", "/products/P"),
    ("nobody", "/"),
    ("nobody", "/sitemap.xml"),
    ("nobody", "/sitemap/products-11.xml"),
    ("seller", "/api/shop/products?limit=20&owner=me"),
    ("admin", "/api/shop/groups?limit=20"),
    ("admin", "/api/shop/groups?limit=20&sort=name"),
    ("admin", "/api/shop/groups?limit=20&sort=updated_at"),
    ("admin", "/api/shop/groups/G"),
    ("admin", "/admin/products"),
    ("admin", "/admin/groups"),
    ("admin", "/admin/groups/G"),
    ("admin", "/api/builder/media?limit=20"),
    ("admin", "/api/builder/media?limit=20&sort=name"),
    ("admin", "/api/builder/media?limit=20&sort=largest"),
    ("admin", "/api/builder/media?limit=20&folder=F"),
    ("admin", "/api/builder/media?limit=20&folder=none"),
    ("admin", "/api/builder/media?limit=20&tag=rojo"),
    ("admin", "/api/builder/media?limit=20&state=trash"),
    ("admin", "/api/builder/media?limit=20&type=image/png"),
    ("admin", "/api/builder/media?limit=20&without_alt=1"),
    ("admin", "/admin/alt-texts?limit=20"),
    ("admin", "/admin/counts"),
    ("admin", "/admin/alt-texts?limit=20&of=shop&language=en"),
    ("admin", "/api/builder/media?limit=20&search=foto+1234"),
    ("admin", "/api/builder/pages?limit=20"),
    ("admin", "/api/builder/pages?limit=20&status=draft&sort=title"),
    ("admin", "/api/builder/pages?limit=20&sort=title"),
    ("admin", "/api/builder/pages?limit=20&status=draft&sort=updated_at"),
    ("admin", "/api/builder/pages?limit=20&search=pagina+123"),
    ("admin", "/api/uploads?limit=20"),
    ("admin", "/api/uploads?limit=20&category=orders"),
    ("admin", "/api/uploads?limit=20&reference=ORD-7"),
    ("admin", "/admin/uploads?type=pdf"),
    ("admin", "/api/uploads?limit=20&search=ord+123"),
    ("seller", "/api/uploads?limit=20&owner=me"),
    ("admin", "/api/audit?limit=20"),
    ("admin", "/api/audit?limit=20&action=product.changed"),
    ("admin", "/admin/website"),
    ("admin", "/admin/audit"),
    ("admin", "/api/ops/assets/A"),
    ("admin", "/admin/people"),
    ("admin", "/api/audit?limit=20&object=P"),
]
"""Whatever is not here yet reads more: the issue lists it, and each has its row when it is done."""


BEYOND_THE_ROUTE = [each for each in PLACES if re.search("[?&](?!limit=)", each[1])]
"""What asks for more than `test_work_of_every_route.py`, which looks at these."""


@pytest.mark.long
@table("who, place", PLACES)
def test_every_query_reads_about_what_it_returns(store: Store, who: str, place: str) -> None:
    reads_about_what_it_returns(store, who, place)


def reads_about_what_it_returns(store: Store, who: str, place: str) -> None:
    with profiled(store.raw) as asked:
        answer = store.callers[who].get(store.named(place))
    assert answer.status_code == 200, answer.text
    assert asked
    assert [told(each) for each in asked if is_too_much(each)] == []


LISTS = [
    # A list, how many it has, and what its page says of more than are counted.
    ("/api/shop/products", PRODUCTS, "/admin/products", "More than 10,000 products"),
    ("/api/shop/products?search=zapato", PRODUCTS, "/", "More than 10,000 products"),
    ("/api/shop/groups", GROUPS, "/admin/groups", "More than 10,000 groups"),
    ("/api/builder/media", 1_960, "/admin/library", "More than 10,000 images"),
    ("/api/builder/pages", PAGES, "/admin/website", "More than 10,000 pages"),
    ("/api/uploads", UPLOADS, "/admin/uploads", "More than 10,000 files"),
    ("/api/audit?action=product.changed", CHANGES, "/admin/audit", "More than 10,000 changes"),
]


@pytest.mark.long
@pytest.mark.parametrize(("listed", "there", "page", "said"), LISTS)
def test_no_more_are_counted_than_ten_thousand(
    store: Store, monkeypatch: pytest.MonkeyPatch, listed: str, there: int, page: str, said: str
) -> None:
    assert store.callers["admin"].get(listed).json["total"] == there
    counts_no_more(store, monkeypatch, listed, page, said)


def counts_no_more(
    store: Store, monkeypatch: pytest.MonkeyPatch, listed: str, page: str, said: str
) -> None:
    admin = store.callers["admin"]
    shown = {"headers": {"Accept-Language": "en"}}
    answer = admin.get(listed).json
    there = answer["total"]
    assert there > 10
    assert "total_at_least" not in answer
    assert said not in admin.get(page, **shown).text
    for most, total in ((there, there), (there - 1, None)):
        for module in ("avenue.storage.collection", "avenue.totals"):
            monkeypatch.setattr(f"{module}.MOST_COUNTED", most)
        answer = admin.get(listed).json
        assert answer["total"] == total
        assert answer.get("total_at_least") == (None if total else there)
    monkeypatch.setattr("avenue.storage.collection.MOST_COUNTED", 10)
    assert said in admin.get(page, **shown).text


def is_too_much(operation: dict[str, Any]) -> bool:
    """Whether a command read more than it may; a count has a bound of its own."""
    command = operation.get("command", {})
    if most := counts_up_to(command.get("pipeline", [])):
        read = max(operation["keysExamined"], operation["docsExamined"])
        return bool(read > most + SOUGHT)
    return read_by(operation) > EACH * operation.get("nreturned", 0) + BUDGET


def read_by(operation: dict[str, Any]) -> int:
    """How many keys of indexes and documents a command read."""
    return int(operation.get("keysExamined", 0) + operation.get("docsExamined", 0))


def told(operation: dict[str, Any]) -> str:
    """What a command asked and read, for people."""
    facts = ("ns", "keysExamined", "docsExamined", "nreturned", "planSummary")
    command = {
        name: value
        for name, value in operation.get("command", {}).items()
        if name in {"filter", "sort", "pipeline", "q", "query"}
    }
    return f"{[operation.get(each) for each in facts]} {command}"[:600]
