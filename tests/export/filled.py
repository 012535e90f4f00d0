"""A site with everything that an export takes along, and what two exports have in common."""

import copy
import hashlib
import json
import re
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from avenue.builder.library.folders.moving import MovedFolders
from avenue.builder.library.folders.store import FolderStore
from avenue.config import Settings
from avenue.identity import command_actor, new_id
from avenue.storage.site_data import BUCKETS
from avenue.storage.sites import Sites
from tests import pictures
from tests.migration.deployment import Deployment

PICTURES_OF_A_PRODUCT = 3
FOLDERS = (["Verano"], ["Verano", "Niños: 1"], [])
BEGINNING = datetime(2026, 3, 1, tzinfo=UTC)
REFERENCE = re.compile(r"avenue:([A-Za-z0-9_-]{22})/")
Lines = dict[str, list[dict[str, Any]]]


def picture(seed: int) -> bytes:
    return pictures.photo(32, 24, noise=False, seed=seed, format=("JPEG", "PNG", "WEBP")[seed % 3])


def pdf(number: int) -> bytes:
    return (
        b"%%PDF-1.7\n%%\xe2\xe3\xcf\xd3\n1 0 obj\n<</N %d>>\nendobj\ntrailer\n<<>>\n%%%%EOF\n"
        % number
    )


def fill(deployment: Deployment, scratch: Path, assets: int) -> None:
    """Let a site have so many files: three fifths of products, a fifth each of library, uploads."""
    products, rest = assets * 3 // 5 // PICTURES_OF_A_PRODUCT, assets // 5
    _add_owners(deployment, scratch / "products", products)
    for number in range(rest):
        _write(scratch / "media" / "/".join(FOLDERS[number % 3]) / f"Foto {number}", number)
        _write(scratch / "uploads" / f"u{number}.pdf", pdf(number))
    for kind in ("products", "media", "uploads"):
        deployment.run(scratch / kind, "--as", kind)
    _describe(deployment)
    _add_twins(deployment)
    _add_pages(deployment)


def multiply(deployment: Deployment, times: int) -> None:
    """Let a site have what it has `times` as often: each copy with ids, names and bytes of its own.

    They are written as the stores write them, since bringing them in takes as long as a test of it.
    """
    had = {name: list(deployment.raw[name].find()) for name in ("assets", *COLLECTIONS.values())}
    files = {
        each["_id"]: each for name in BUCKETS for each in deployment.raw[f"{name}.files"].find()
    }
    for copied in range(1, times):
        ids = {each["_id"]: f"{each['_id']}-{copied}" for each in had["shop_products"]}
        ids |= {each["_id"]: f"{each['_id']}-{copied}" for each in had["shop_products_grouped"]}
        ids |= {each["_id"]: new_id() for each in had["assets"]}
        stored: dict[str, list[dict[str, Any]]] = {}
        for number, asset in enumerate(had["assets"]):
            data = _bytes_like(asset, copied * len(had["assets"]) + number)
            file = files[f"default/{asset['versions'][0]['file']}"]
            for name, document in _copied(asset, file, data, ids).items():
                stored.setdefault(name, []).append(document)
        for kind, name in (("product", "sku"), ("group", "model")):
            stored[COLLECTIONS[kind]] = [
                {**_renamed(each, ids), name: f"{each[name]} {copied}"}
                for each in had[COLLECTIONS[kind]]
            ]
        for name, documents in stored.items():
            deployment.raw[name].insert_many(documents)


def _bytes_like(asset: dict[str, Any], number: int) -> bytes:
    """A file of the same type."""
    types = ("image/jpeg", "image/png", "image/webp")
    media_type = asset["versions"][0]["media_type"]
    if media_type not in types:
        return pdf(1_000_000 + number)
    return picture(3 * (1_000_000 + number) + types.index(media_type))


def _copied(
    asset: dict[str, Any], file: dict[str, Any], data: bytes, ids: dict[str, str]
) -> dict[str, dict[str, Any]]:
    """What an asset with other bytes is stored as."""
    own_id, file_id, digest = ids[asset["_id"]], new_id(), hashlib.sha256(data).hexdigest()
    claimed_by = asset["claim"]["id"]
    told = {"sha256": digest, "source_sha256": digest, "bytes": len(data), "file": file_id}
    changed = {
        "_id": own_id,
        "name": f"{file_id} {asset['name']}",
        "claim": {**asset["claim"], "id": ids.get(claimed_by, claimed_by)},
        "versions": [{**asset["versions"][0], **told}],
    }
    stored_id = f"default/{file_id}"
    metadata = {**file["metadata"], "asset": own_id, "sha256": digest}
    path = f"/uploads/{file_id}"
    old_address = {
        "_id": f"default/{hashlib.sha256(path.encode()).hexdigest()}",
        "site": "default",
        "path": path,
        "asset": own_id,
        "at": asset["created_at"],
    }
    kept = {"_id": stored_id, "length": len(data), "crc32": [zlib.crc32(data)]}
    return {
        "assets": {**asset, **changed},
        f"{asset['bucket']}.files": {**file, **kept, "metadata": metadata},
        f"{asset['bucket']}.chunks": {"files_id": stored_id, "n": 0, "data": data},
        "legacy_urls": old_address,
    }


def _renamed(owner: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    """A product or group with the ids of a copy."""
    text = json.dumps(
        {name: owner[name] for name in ("images", "options", "group", "_id") if name in owner}
    )
    for old, new in ids.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    return {**owner, **json.loads(text)}


def _write(path: Path, content: int | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(100_000 + content) if isinstance(content, int) else content)


def _add_owners(deployment: Deployment, folder: Path, products: int) -> None:
    for number in range(products):
        names = [f"p{number}-{place}.jpg" for place in range(PICTURES_OF_A_PRODUCT)]
        for place, name in enumerate(names):
            _write(folder / name, PICTURES_OF_A_PRODUCT * number + place)
        first, *others = (f"/uploads/{name}" for name in reversed(names))
        kind = "group" if number % 10 == 3 else "product"
        elsewhere = [f"https://cdn.example/{number}.jpg"] if number % 4 == 0 else []
        deployment.add_owner(kind, f"{kind}-{number}", first, *elsewhere, *others)
        fields: dict[str, Any] = {"created_at": BEGINNING + timedelta(minutes=number)}
        if kind == "product":
            fields |= {"sku": f"ZR {number}", "name": f'Zapato "{number}"', "status": "published"}
            fields |= {"category": "Calzado > Botas"} if number % 2 else {}
        else:
            fields |= {"model": f"Modelo {number}"}
        deployment.raw[COLLECTIONS[kind]].update_one({"_id": f"{kind}-{number}"}, {"$set": fields})
    groups = [each["_id"] for each in deployment.raw["shop_products_grouped"].find()]
    for number, group in enumerate(groups):
        deployment.raw["shop_products"].update_one(
            {"_id": f"product-{10 * number}"}, {"$set": {"group": group}}
        )


COLLECTIONS = {"product": "shop_products", "group": "shop_products_grouped"}


def _describe(deployment: Deployment) -> None:
    """Let files be described in every way; groups have options."""
    site = Sites(deployment.database, Settings(mongodb_uri=deployment.uri, local=True)).named(
        "default"
    )
    folders = MovedFolders(FolderStore(deployment.database))
    ways = [folders.at(command_actor(site), names) for names in FOLDERS]
    for number, each in enumerate(deployment.raw["assets"].find().sort("name")):
        facts: dict[str, Any] = {"created_at": BEGINNING + timedelta(seconds=number)}
        if number % 3 == 0:
            facts["alt"] = {"es": f"Zapato {number}", "en": f"Shoe {number}"}
        if number % 5 == 0:
            facts |= {"decorative": True, "focal": [0.25, 0.75]}
        if each["claim"]["kind"] == "library":
            facts["tags"] = ["rojo", f"t{number % 7}"]
            facts["folder"] = ways[number % 3]
        if each["claim"]["kind"] == "upload":
            facts |= {"category": "orders", "reference": f"Pedido {number % 9}"}
            facts["visibility"] = "private" if number % 2 else "public"
            facts["hold"] = number % 2 == 0
        deployment.raw["assets"].update_one({"_id": each["_id"]}, {"$set": facts})
    for group in deployment.raw["shop_products_grouped"].find():
        keys = [each.get("asset") or each["url"] for each in group["images"]]
        options = [{"name": "Rojo", "images": keys[:1]}, {"name": "Azul", "images": keys[1:]}]
        deployment.raw["shop_products_grouped"].update_one(
            {"_id": group["_id"]}, {"$set": {"options": options}}
        )


def _add_twins(deployment: Deployment) -> None:
    """Let a second file of the library and a second upload have the bytes of the first."""
    for kind in ("library", "upload"):
        twin = copy.deepcopy(deployment.raw["assets"].find_one({"claim.kind": kind}))
        twin |= {"_id": new_id(), "name": f"Otra {twin['name']}"}
        if kind == "upload":
            twin["claim"]["id"] = twin["_id"]
        deployment.raw["assets"].insert_one(twin)


def _add_pages(deployment: Deployment) -> None:
    """A draft, a published page, and one whose draft goes on."""
    shown = [
        each["_id"] for each in deployment.raw["assets"].find({"claim.kind": "library"}).limit(4)
    ]
    shown.append(deployment.raw["assets"].find_one({"claim.kind": "product"})["_id"])
    pictures_in = "".join(f'<img src="avenue:{each}/card" alt="">' for each in shown)
    now = datetime.now(UTC)
    for number, state in enumerate(("draft", "published", "changed")):
        draft = {
            "html": f"<section><h1>{state}</h1>{pictures_in}</section>",
            "css": f'section{{background:url("avenue:{shown[0]}/original")}}\n',
            "seo": {"title": "T", "description": "D", "image": shown[0]},
            "is_cleaned": True,
            "themed": number > 0,
            "translation_of": None if number else "page-1",
        }
        published = {**draft, "title": state, "locale": "es", "at": now, "by": None}
        if state == "changed":
            published |= {"html": "<p>before</p>", "title": "Antes"}
        deployment.raw["page_content"].insert_one(
            {
                "_id": f"page-{number}",
                "site": "default",
                "slug": state,
                "title": state,
                "locale": "es",
                "draft": draft,
                **({"published": published} if state != "draft" else {}),
                "assets": shown,
                "status": state,
                "revision": 1,
                "created_at": now,
                "updated_at": now,
            }
        )


def lines_of(folder: Path) -> Lines:
    """The lines of a manifest by kind; each file there is what its line says."""
    found: Lines = {"group": [], "product": [], "file": [], "page": []}
    with (folder / "manifest.jsonl").open() as lines:
        for line in lines:
            each = json.loads(line)
            found[each["kind"]].append(each)
            if "path" in each:
                data = (folder / each["path"]).read_bytes()
                assert hashlib.sha256(data).hexdigest() == each["sha256"]
    return found


def said_by(folder: Path) -> Any:
    """What an export says, with names in place of ids: the same of a site and of its likeness."""
    lines = lines_of(folder)
    owners = {each["id"]: each["model"] for each in lines["group"]}
    owners |= {each["id"]: each["sku"] for each in lines["product"]}
    slugs = {each["id"]: each["slug"] for each in lines["page"]}
    named = {each["id"]: f"{each['sha256']} {each['name']}" for each in lines["file"]}

    def own(line: dict[str, Any]) -> dict[str, Any]:
        ids = {"id", "owner", "path", "source_sha256", "versions"}
        if (line.get("claim") or {}).get("kind") in COLLECTIONS:
            ids.add("created_at")  # a picture of a product is as old as it is here
        return {name: value for name, value in line.items() if name not in ids}

    def images(line: dict[str, Any]) -> list[str]:
        return [named[each["asset"]] if "asset" in each else each["url"] for each in line["images"]]

    def page(texts: Any) -> Any:
        if texts is None:
            return None
        texts = {**texts, "translation_of": slugs.get(texts["translation_of"])}
        said = json.dumps({name: value for name, value in texts.items() if name != "at"})
        said = REFERENCE.sub(lambda found: f"avenue:{named[found[1]]}/", said)
        return said.replace(f'"{texts["seo"]["image"]}"', named[texts["seo"]["image"]])

    def sorted_(found: list[Any]) -> list[str]:
        return sorted(json.dumps(each, sort_keys=True) for each in found)

    return {
        "groups": sorted_(
            [
                {
                    **own(each),
                    "images": images(each),
                    "options": [
                        [one["name"], [named.get(key, key) for key in one["images"]]]
                        for one in each["options"]
                    ],
                }
                for each in lines["group"]
            ]
        ),
        "products": sorted_(
            [
                {**own(each), "images": images(each), "group": owners.get(each["group"])}
                for each in lines["product"]
            ]
        ),
        "files": sorted_(
            [
                {**own(each), "claim": [each["claim"]["kind"], owners.get(each["claim"]["id"])]}
                for each in lines["file"]
            ]
        ),
        "pages": sorted_(
            [
                {
                    "slug": each["slug"],
                    "draft": page(each["draft"]),
                    "published": page(each["published"]),
                }
                for each in lines["page"]
            ]
        ),
    }
