"""The primary of either cluster steps down in each phase of a move, and the way back after writes.

Each cluster has three members, as in a deployment, and so another one becomes primary. The figures
are in docs/long-runs.md.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.identity import DEFAULT_SITE, command_actor
from avenue.moves.service import as_operator
from avenue.sites.move_steps import MoveSteps
from avenue.storage.schema import migrate
from avenue.storage.sites import Sites
from tests.http.application import OTHER_SITE, Application, a_picture
from tests.mongod import Guard, ReplicaSet, database_name
from tests.sites.moving import Writer
from tests.waiting import within

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
STEPS = {
    "copying": "_bring_all",
    "settling": "_settle",
    "fenced": "_drain",
    "switched": "open_there",
    "purging": "purge",
}
"""What a mover does in each phase."""
ELECTED_WITHIN = 60


@pytest.fixture
def two_sets(
    mongod_binary: Path, guard: Guard, election_timeout_millis: int
) -> Iterator[Mapping[str, ReplicaSet]]:
    millis = election_timeout_millis
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                ReplicaSet(mongod_binary, guard, election_timeout_millis=millis)
            )
            for name in ("home", "c2")
        }


@pytest.mark.failing_jobs(perhaps=True)
def test_nothing_is_lost_whoever_steps_down(
    two_sets: Mapping[str, ReplicaSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    clusters = two_sets
    uris = (f"c2={clusters['c2'].uri_of(database_name())}",)
    waits = {"read_seconds": ELECTED_WITHIN, "write_seconds": ELECTED_WITHIN}
    with Application(clusters["home"], cluster_uris=uris, cache_mb=0, **waits) as two:
        migrate(two.database)
        there = two.caller("admin_on_other_site")
        product = there.a_product(a_picture())
        known = Sites(two.database, two.settings)
        service = Services(two.settings, two.database).site_moves
        operator = as_operator(command_actor(known.named(DEFAULT_SITE)))
        background = Background(two.settings, two.database)

        def stepping(name: str, cluster: str, happened: list[str]) -> Any:
            step = getattr(MoveSteps, name)

            def done(run: Any, *of: Any) -> Any:
                if not happened:
                    happened.append(name)
                    within(clusters[cluster].step_down, "a primary steps down")
                return step(run, *of)

            return done

        moves, waited = 0, []
        primaries = [each.wait_for_primary().host for each in clusters.values()]
        with Writer(there, product["images"][0]["url"]) as writer:
            for phase, step in STEPS.items():
                for side in ("from", "to"):
                    here = (two.raw["sites"].find_one({"_id": OTHER_SITE}) or {}).get("cluster")
                    target = "home" if here == "c2" else "c2"
                    hurt = target if side == "to" else here or "home"
                    happened: list[str] = []
                    clusters[hurt].wait_until_healthy()
                    with monkeypatch.context() as patch:
                        patch.setattr(MoveSteps, step, stepping(step, hurt, happened))
                        job = background.finish(service.begin(operator, OTHER_SITE, target).id)
                        if phase == "purging":
                            background.finish(service.purge(operator, OTHER_SITE).id)
                    assert (job.error, happened) == (None, [step])
                    primaries.append(clusters[hurt].wait_for_primary().host)
                    waited.append((job.result or {}).get("writes_waited_seconds", 0.0))
                    moves += 1
        print(f"{len(set(primaries))} members were primary")
        print(f"{moves} moves, {writer.reads} reads, {len(writer.products)} products")
        print(f"{len(writer.refused)} refused: {sorted(set(writer.refused))}; waited {waited}")
        assert writer.wrong == []
        stored = {each["_id"]: each["name"] for each in two.raw["shop_products"].find({})}
        assert writer.products.items() <= stored.items()
        assert not writer.deleted & stored.keys()
        assert len(stored) == len(writer.products) + 1
        for url, data in writer.files.items():
            assert there.get(url).data == data
        assert there.get(f"/api/builder/pages/{writer.page}").json["title"] == writer.title
