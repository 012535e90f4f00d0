"""The debug endpoints over a big shop: little work, and never by reading everything."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pymongo import WriteConcern

from avenue.clock import utc_now
from avenue.identity import DEFAULT_SITE, new_id
from tests.http.application import Application, Caller
from tests.http.debug_app import (
    CHUNKS,
    FILES,
    PRODUCTS_STATUS,
    STORAGE_STATUS,
    inspected,
    status,
    storage,
)
from tests.listening import recorded
from tests.mongod import Mongod

IMAGES_EACH = 3
BATCH = 2_000
PIECE = b"0123456789" * 10
# Every hundredth product refers to what only a disk had, every fiftieth to another host.
EPHEMERAL_EVERY, EXTERNAL_EVERY = 100, 50
SHORT, LONG = 300, 100_000
TRIES = 2  # nothing is cached between them: the best is what it takes when nothing else runs
OURS = ("$db", "lsid", "$clusterTime", "txnNumber", "maxTimeMS", "$readPreference")


@pytest.fixture
def deployment(mongod: Mongod) -> Iterator[Application]:
    with Application(mongod) as application:
        yield application


def fill(deployment: Application, products: int) -> None:
    """Put `products` with their pictures straight into the database."""
    for first in range(0, products, BATCH):
        made: dict[str, list[dict[str, Any]]] = {
            "shop_products": [],
            "assets": [],
            FILES: [],
            CHUNKS: [],
        }
        for number in range(first, min(first + BATCH, products)):
            _add_product(made, number)
        for name, documents in made.items():
            collection = deployment.raw.get_collection(
                name, write_concern=WriteConcern(w=1, j=False)
            )
            collection.insert_many(documents, ordered=False)


def _add_product(made: dict[str, list[dict[str, Any]]], number: int) -> None:
    now, product = utc_now(), new_id()
    images: list[dict[str, str]] = [{"asset": new_id()} for _ in range(IMAGES_EACH)]
    if number % EPHEMERAL_EVERY == 0:
        images[1] = {"url": f"/uploads/{number}.jpg"}
    if number % EXTERNAL_EVERY == 0:
        images[2] = {"url": f"https://cdn.example/{number}.jpg"}
    made["shop_products"].append(
        {
            "_id": product,
            "site": DEFAULT_SITE,
            "owner": "o" * 22,
            "sku": f"SKU-{number:06d}",
            "name": f"Zapato {number}",
            "name_key": f"zapato {number}",
            "description": "De cuero, cosido a mano. " * 20,
            "currency": "PYG",
            "status": "draft" if number % 4 == 0 else "published",
            "images": images,
            "revision": 2,
            "words": ["zapato", str(number), f"sku-{number:06d}"],
            "created_at": now,
            "updated_at": now,
        }
    )
    for image in images:
        if "asset" in image:
            _add_asset(made, image["asset"], product)


def _add_asset(made: dict[str, list[dict[str, Any]]], asset: str, product: str) -> None:
    now, file = utc_now(), new_id()
    version = {
        "file": file,
        "sha256": "0" * 64,
        "source_sha256": "0" * 64,
        "bytes": len(PIECE),
        "media_type": "image/jpeg",
        "width": 1,
        "height": 1,
        "at": now,
        "by": None,
    }
    made["assets"].append(
        {
            "_id": asset,
            "site": DEFAULT_SITE,
            "bucket": "product_images",
            "owner": "o" * 22,
            "name": "a.jpg",
            "visibility": "public",
            "state": "live",
            "claim": {"kind": "product", "id": product},
            "versions": [version],
            "revision": 1,
            "created_at": now,
        }
    )
    stored = f"{DEFAULT_SITE}/{file}"
    facts = {"_id": stored, "length": len(PIECE), "chunkSize": 1024 * 1024, "uploadDate": now}
    made[FILES].append({**facts, "filename": "a.jpg", "metadata": {"asset": asset}})
    made[CHUNKS].append({"files_id": stored, "n": 0, "data": PIECE})


def stages_of(plan: object) -> Iterator[str]:
    """Every stage that a plan names, at whatever depth."""
    if isinstance(plan, Mapping):
        if isinstance(plan.get("stage"), str):
            yield plan["stage"]
        for each in plan.values():
            yield from stages_of(each)
    elif isinstance(plan, list):
        for each in plan:
            yield from stages_of(each)


@pytest.mark.parametrize("products", [SHORT, pytest.param(LONG, marks=pytest.mark.long)])
def test_a_big_shop_is_told_about_with_little_work_and_without_a_collection_scan(
    deployment: Application, products: int
) -> None:
    fill(deployment, products)
    inspected(deployment, all=True)
    ops, times = deployment.caller("ops"), dict[str, float]()

    with recorded(deployment.raw.name) as commands:
        for url in (PRODUCTS_STATUS, STORAGE_STATUS):
            times[url] = min(seconds_for(ops, url) for _ in range(TRIES))

    ephemeral, external = products // EPHEMERAL_EVERY, products // EXTERNAL_EVERY
    found = status(ops)
    assert found["images"] == {
        "total": products * IMAGES_EACH,
        "stored": products * IMAGES_EACH - ephemeral - external,
        "external": external,
        "ephemeral": ephemeral,
        "missing": 0,
    }
    assert found["products"]["draft"] == products // 4
    assert (found["verdict"], found["problems_total"]) == ("attention", ephemeral)
    pictures = storage(ops)["buckets"]["product_images"]
    assert (pictures["files"], pictures["incomplete_files"]) == (found["images"]["stored"], 0)

    assert max(times.values()) < 1.0, times
    scanned = {
        repr(command)[:300]
        for command in commands
        if next(iter(command)) in {"find", "aggregate", "count"}
        and "COLLSCAN" in set(stages_of(explained(deployment, command)))
    }
    asked = {command[next(iter(command))] for command in commands}
    assert asked >= {"shop_products", "assets", "findings", FILES, CHUNKS}
    # Who asks and for which site is not of the shop's size.
    assert not {each for each in scanned if "'sites'" not in each and "'users'" not in each}

    # Each thing a few times, through indexes.
    documents = sum(deployment.counts().values())
    walked = {
        repr(command)[:300]: keys_of(deployment, command)
        for command in commands
        if next(iter(command)) in {"find", "aggregate", "count"}
    }
    assert 0 < sum(walked.values()) < 5 * documents

    # Through an index alone, or only few: a partial index that does not fit the question is no scan
    # of the collection, and yet everything is read.
    read = {
        repr(command)[:300]: read_by(deployment, command)
        for command in commands
        if command.get("aggregate") == "assets"
    }
    assert len(read) >= 3
    assert max(read.values()) < products, read


def seconds_for(ops: Caller, url: str) -> float:
    """What this process computes for an answer; what the database does for it is counted."""
    began = time.thread_time()
    assert ops.get(url).status_code == 200
    return time.thread_time() - began


def explained(deployment: Application, command: Mapping[str, Any]) -> Any:
    plain = {name: value for name, value in command.items() if name not in OURS}
    return deployment.raw.command("explain", plain, verbosity="queryPlanner")


def read_by(deployment: Application, command: Mapping[str, Any]) -> int:
    """How many documents an aggregation reads."""
    plain = {name: value for name, value in command.items() if name not in OURS}
    told = deployment.raw.command("explain", plain, verbosity="executionStats")
    cursor = told["stages"][0]["$cursor"] if "stages" in told else told
    return int(cursor["executionStats"]["totalDocsExamined"])


def keys_of(deployment: Application, command: Mapping[str, Any]) -> int:
    """How many keys of indexes a question walks through."""
    plain = {name: value for name, value in command.items() if name not in OURS}
    told = deployment.raw.command("explain", plain, verbosity="executionStats")
    cursor = told["stages"][0]["$cursor"] if "stages" in told else told
    return int(cursor["executionStats"]["totalKeysExamined"])


@pytest.mark.long
def test_a_collection_scan_would_be_seen(deployment: Application) -> None:
    deployment.raw["shop_products"].insert_one({"_id": "p"})
    for command in (
        {"find": "shop_products", "filter": {"description": "x"}},
        {"aggregate": "shop_products", "pipeline": [{"$match": {"currency": 1}}], "cursor": {}},
    ):
        assert "COLLSCAN" in set(stages_of(explained(deployment, command)))
