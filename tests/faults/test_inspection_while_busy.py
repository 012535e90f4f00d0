"""A healthy shop has no findings, however much is going on while it is inspected."""

import random
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.app.walks import SWEEP
from avenue.config import Settings
from avenue.health.checks.fsck import FSCK
from avenue.health.checks.inspection import INSPECT
from avenue.health.checks.models import Flaw
from avenue.health.checks.store.findings import CheckStore
from avenue.storage.connection import Database
from tests.faults.deployment import Raw, inspect
from tests.mongod import Guard
from tests.pictures import photo
from tests.server import Client, Server, images_path
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS, wait_until

ROUNDS = pytest.mark.parametrize(
    ("passes", "people"), [(2, 2), pytest.param(150, 4, marks=pytest.mark.long)]
)


@pytest.fixture
def seller(guard: Guard, shop_uri: str) -> Iterator[Client]:
    with Server(guard, shop_uri, AVENUE_JOBS="worker") as server:
        yield server.seller()


def live_a_busy_life(seller: Client, seed: int, over: Event) -> int:
    """Upload, replace, remove, restore and delete until it is over; return how often."""
    chance, done, products = random.Random(seed), 0, [seller.create_product()]
    while not over.is_set():
        done += 1
        product = chance.choice(products)
        images = seller.product(product)["images"]
        picture = photo(64, 48, seed=seed * 10**6 + done)
        image = f"{images_path(product)}/{chance.choice(images)['id']}" if images else ""
        what = chance.random()
        if what < 0.4 or not images:
            assert seller.upload(product, picture).status in {201, 409}
        elif what < 0.6:
            headers, body = seller.upload_request(product, picture)
            assert seller.request("PUT", f"{image}/file", body, headers).status in {201, 200}
        elif what < 0.8:
            assert seller.request("DELETE", image).status == 204
            if chance.random() < 0.5:
                # 404: the sweeper, whose trash has no days here, was quicker.
                assert seller.request("POST", f"{image}/restore").status in {200, 404}
        elif what < 0.9 and len(products) > 1:
            products.remove(product)
            assert seller.request("DELETE", f"/api/shop/products/{product}").status == 204
        else:
            products.append(seller.create_product())
    return done


def kept(database: Raw) -> int:
    """How many pictures there are, seen or in the trash."""
    return database["assets"].count_documents({})


def found_by(database: Database, run: str) -> list[Flaw]:
    """What a check told, should it tell anything."""
    return CheckStore(database).findings(run, "", 100)


@ROUNDS
def test_nothing_is_invented_while_a_shop_is_busy(
    seller: Client, shop_uri: str, shop_database: Raw, passes: int, people: int
) -> None:
    settings = Settings(mongodb_uri=shop_uri, local=True, trash_days=0)
    database, over = Database(settings), Event()
    background = Background(settings, database)
    seen: list[Any] = []
    with Threads(people) as threads:
        lives = [threads.submit(live_a_busy_life, seller, seed, over) for seed in range(people)]
        try:
            wait_until(lambda: kept(shop_database) > 4 * people, "the shop is under way")
            for number in range(passes):
                seen.append(background.run_now(INSPECT).result)
                seen.append(shop_database["inspections"].find_one({"_id": "default"}))
                if number % 6 == 1:
                    checked = background.run_now(FSCK, args={"site": None, "repair": False})
                    assert checked.result is not None, checked.error
                    assert checked.result["found"] == 0, found_by(database, checked.id)
                if number % 4 == 0:  # with no days in the trash, purging never ends either
                    assert background.run_now(SWEEP).error is None
        finally:
            over.set()
            database.close()
        assert min(life.result(DEADLINE_SECONDS) for life in lives) > 0

    assert [each["findings"] for each in seen[::2]] == [0] * passes
    for each in seen[1::2]:
        assert each["references"]["missing"] == each["references"]["ephemeral"] == 0
        for counted in ("incomplete_files", "orphan_chunks", "unowned_files"):
            assert set(each[counted].values()) == {0}, (counted, each)
    assert max(each["references"]["stored"] for each in seen[1::2]) > people
    assert shop_database["assets"].count_documents({"damaged": {"$exists": True}}) == 0
    assert inspect(shop_database).damage == ()
