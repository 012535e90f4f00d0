"""A whole shop moves in although the command is killed: nothing is missing, nothing twice."""

import base64
import gzip
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bson import Binary

from avenue.config import new_secret
from tests.commands import Commands
from tests.forking import Process
from tests.migration.deployment import LAZY, Deployment, deployment
from tests.migration.earlier_shop import picture, with_breaks
from tests.mongod import Mongod, database_name, lifetime_of_transactions

MIB = 1024 * 1024
EACH = 3
AT_ONCE = 500
LONGEST_SECONDS = 3600
ENCODINGS: tuple[Any, ...] = (
    Binary,
    with_breaks,
    lambda data: "data:image/jpeg;base64," + base64.b64encode(data).decode(),
    lambda data: base64.b64encode(gzip.compress(data)).decode(),
)


def batches(total: int) -> Iterator[range]:
    for start in range(0, total, AT_ONCE):
        yield range(start, min(start + AT_ONCE, total))


def fill(raw: Any, products: int) -> dict[str, list[str]]:
    """A shop of so many products with three pictures each; return their hashes, in order."""
    wanted: dict[str, list[str]] = {}
    for numbers in batches(products):
        pictures, owners = [], []
        for number in numbers:
            names, key = [], f"p{number:06}"
            wanted[key] = []
            for place in range(EACH):
                data = picture(number * EACH + place)
                encoded = ENCODINGS[(number + place) % len(ENCODINGS)](data)
                names.append(f"{key}-{place}")
                pictures.append({"_id": names[-1], "data": encoded, "filename": f"{place}.jpg"})
                wanted[key].append(hashlib.sha256(data).hexdigest())
            owners.append({"_id": key, "name": f"Zapato {number}", "sku": key, "images": names})
        raw["product_images_data"].insert_many(pictures)
        raw["shop_products"].insert_many(owners)
    return wanted


def brought(avenue: Deployment) -> dict[str, list[str]]:
    """The pictures of every product that came: the hashes of what they were made of, in order."""
    hashes = {
        each["_id"]: each["versions"][0]["source_sha256"]
        for each in avenue.raw["assets"].find({}, {"versions.source_sha256": 1})
    }
    return {
        each["sku"]: [hashes[entry["asset"]] for entry in each["images"]]
        for each in avenue.raw["shop_products"].find({}, {"sku": 1, "images": 1})
    }


def most_memory(process: Process) -> int:
    """The most bytes that the process has had in memory, 0 once it is over."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return max(
        (int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), default=0
    )


@pytest.mark.parametrize(
    ("products", "kills"),
    [
        (12, 1),
        pytest.param(10_000, 5, marks=(pytest.mark.long, pytest.mark.timeout(LONGEST_SECONDS))),
    ],
)
def test_every_product_has_its_pictures_although_the_command_is_killed(
    mongod: Mongod, commands: Commands, products: int, kills: int
) -> None:
    old = mongod.client[database_name()]
    wanted = fill(old, products)
    before = old.command("dbHash")["md5"]
    sizes = LAZY if kills == 1 else {}  # what is measured makes them
    with lifetime_of_transactions(mongod, 3), deployment(mongod, commands, **sizes) as avenue:
        avenue.variables["SECRET_KEY"] = new_secret()  # so the next run goes on with the same job
        source = avenue.uri.replace(f"/{avenue.raw.name}", f"/{old.name}")
        adopted, memory, seconds = avenue.raw["adopted"], 0, 0.0
        for part in range(1, kills + 2):
            process = avenue.start("adopt", "--from", source)
            most = products * part // (kills + 1)
            began_with, began_at = adopted.estimated_document_count(), None
            while process.poll(0.05) is None and (
                part > kills or adopted.estimated_document_count() < most
            ):
                memory = max(memory, most_memory(process))
                if began_at is None and adopted.estimated_document_count() > began_with:
                    began_at = time.monotonic()
            seconds += time.monotonic() - (began_at or time.monotonic())
            if part <= kills:
                assert process.poll() is None, "it was over before it was killed"
                avenue.kill(process)
        assert process.returncode == 0
        assert brought(avenue) == wanted
        assets = avenue.raw["assets"]
        assert assets.count_documents({"claim.kind": "product"}) == products * EACH
        assert adopted.count_documents({"kind": "product", "is_whole": True}) == products
        (job,) = avenue.raw["jobs"].find({"kind": "adopt"})
        assert (job["state"], job["result"]["refused_total"]) == ("done", 0)
        again = json.loads(avenue.command("adopt", "--from", source, "--json").stdout)
        assert set(again["counts"]["products"]) == {"unchanged"}
        assert old.command("dbHash")["md5"] == before
        assert memory < 300 * MIB
        print(f"{products * EACH / seconds:.0f} pictures a second, at most {memory / MIB:.0f} MiB")
    mongod.client.drop_database(old.name)
