"""Movers that are killed at any moment, and processes that are stopped while a site goes.

The figures are in docs/long-runs.md.
"""

import contextlib
import os
import random
import threading
from typing import Any

import psutil
import pytest

from avenue.app.services import Services
from avenue.identity import DEFAULT_SITE, Role, command_actor
from avenue.moves.service import as_operator
from avenue.sites.move_steps import MoveSteps
from avenue.storage.sites import Sites
from tests.forking import forked
from tests.http.application import OTHER_HOST, OTHER_SITE, PRODUCTS, Application, a_picture
from tests.mongod import Guard, Mongod
from tests.server import BROKEN, Client, Server
from tests.sites.moving import Writer, finish
from tests.waiting import DEADLINE_SECONDS, wait_until

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
KILLS = 50
ROUNDS = 2
SHORTEST, LONGEST = 0.3, 6.0
GROWTH = 1.2
"""Each kill of the same move may come that much later, or all would come in its first phase."""


@pytest.fixture
def clusters(two: Application, second: Mongod) -> dict[str, Any]:
    return {"home": two.raw, "c2": second.client[two.database.clusters["c2"].raw.name]}


def place(application: Application) -> tuple[str, str | None, str | None]:
    """Where the site is, and where it is being moved to in which phase."""
    found = application.raw["sites"].find_one({"_id": OTHER_SITE})
    move = found.get("move") or {}
    return found.get("cluster", "home"), move.get("phase"), move.get("to")


def test_nothing_is_lost_however_often_the_mover_is_killed(
    two: Application, clusters: dict[str, Any]
) -> None:
    rnd = random.Random(7)
    there = two.caller("admin_on_other_site")
    product = there.a_product(a_picture())
    env = {**two.settings.as_env(), "PATH": os.environ["PATH"]}
    phases: list[str | None] = []
    moves, longest = 0, LONGEST
    with Writer(there, product["images"][0]["url"]) as writer:
        while len(phases) < KILLS or place(two)[1] not in {"kept", None}:
            here, phase, target = place(two)
            if phase in {"kept", None}:
                target, moves = ("home" if here == "c2" else "c2"), moves + 1
                longest = LONGEST
            mover = forked("avenue", "site", "move", OTHER_SITE, "--to", str(target), env=env)
            is_over = len(phases) >= KILLS
            seconds = 4 * DEADLINE_SECONDS if is_over else rnd.uniform(SHORTEST, longest)
            longest *= GROWTH
            if mover.poll(seconds) is None:
                mover.kill_all()
                mover.wait(DEADLINE_SECONDS)
                phases.append(place(two)[1])
                # As if their leases were over: the job's, and the one for backups.
                two.raw["jobs"].update_many({}, [{"$set": {"run_at": "$$NOW"}}])
                two.raw["leases"].delete_many({})
    print(f"{moves} moves, {len(phases)} kills: {sorted(map(str, phases))}")
    print(f"{writer.reads} reads, {len(writer.products)} products, {len(writer.refused)} refused")
    assert writer.wrong == []
    raw = clusters[place(two)[0]]
    stored = {each["_id"]: each["name"] for each in raw["shop_products"].find({})}
    assert writer.products.items() <= stored.items()
    assert not writer.deleted & stored.keys()
    assert len(stored) == len(writer.products) + 1
    for url, data in writer.files.items():
        assert there.get(url).data == data


@pytest.mark.failing_jobs(perhaps=True)
def test_a_process_that_was_stopped_writes_nothing_where_the_site_was(
    two: Application,
    clusters: dict[str, Any],
    guard: Guard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = two.new_person("frozen", role=Role.ADMIN, host=OTHER_HOST).token
    known = Sites(two.database, two.settings)
    service = Services(two.settings, two.database).site_moves
    operator = as_operator(command_actor(known.named(DEFAULT_SITE)))
    env = two.settings.as_env()
    over = threading.Event()
    made: list[str] = []
    asked: list[str] = []  # to be deleted: of some the answer was lost
    deleted: list[str] = []

    def write(client: Client) -> None:
        number = 0
        head = {"Host": OTHER_HOST, "Content-Type": "application/json"}
        while not over.is_set():
            number += 1
            body = f'{{"name": "Zapato {number}"}}'.encode()
            try:
                answer = client.request("POST", PRODUCTS, body, head)
                if answer.status != 201:
                    continue
                product = answer.json["id"]
                made.append(product)
                if number % 2:
                    asked.append(product)
                    gone = client.request("DELETE", f"{PRODUCTS}/{product}", b"", head)
                    if gone.status == 204:
                        deleted.append(product)
            except BROKEN:
                continue

    with Server(guard, two.settings.mongodb_uri, **{**env, "AVENUE_JOBS": "worker"}) as server:
        stopped: list[psutil.Process] = []
        threads = [
            threading.Thread(target=write, args=(Client(server.port, str(token)),), daemon=True)
            for _ in range(3)
        ]
        for each in threads:
            each.start()
        fence = MoveSteps._fence

        def stopped_before(run: Any, touched: Any) -> None:
            # One that is stopped for long its master kills, and starts another one.
            stopped[:] = [psutil.Process(each) for each in server.worker_pids()]
            for each in stopped:
                each.suspend()
            fence(run, touched)

        monkeypatch.setattr(MoveSteps, "_fence", stopped_before)
        woken = 0
        for target in ("c2", "home") * (ROUNDS // 2):
            count = len(made)
            wait_until(lambda count=count: len(made) > count + 3, "something is written")
            job = service.begin(operator, OTHER_SITE, target)
            two.forget_jobs(but=job.id)
            assert finish(two, job.id)["phase"] == "kept"
            left = clusters["home" if target == "c2" else "c2"]
            before = {each["_id"] for each in left["shop_products"].find({}, {"_id": 1})}
            for each in stopped:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.resume()
                    woken += 1
            count = len(made)
            wait_until(lambda count=count: len(made) > count + 3, "it is written there")
            after = {each["_id"] for each in left["shop_products"].find({}, {"_id": 1})}
            assert before == after
        over.set()
        for each in threads:
            each.join(DEADLINE_SECONDS)
    stored = {each["_id"] for each in two.raw["shop_products"].find({})}
    print(f"{ROUNDS} moves, {woken} woken, {len(made)} products made, {len(deleted)} deleted")
    assert set(made) - set(asked) <= stored
    assert not set(deleted) & stored
