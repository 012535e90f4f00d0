"""A site moves while three processes serve people on three sites, and comes back after minutes.

The figures are in docs/long-runs.md.
"""

import os
import time
from contextlib import ExitStack
from typing import Any

import pytest

from tests.forking import forked
from tests.http.application import OTHER_SITE, Application
from tests.mongod import Guard, Mongod
from tests.sites.load import HOSTS, THIRD_SITE, Load, add_third_site, p95, processes_of, token_on
from tests.waiting import DEADLINE_SECONDS, let_pass

pytestmark = [pytest.mark.long, pytest.mark.alone, pytest.mark.timeout(3600)]
CALM_SECONDS = float(os.environ.get("AVENUE_TEST_CALM_SECONDS", "30"))
"""How long the other sites are looked at before a move, and after it."""
WAY_BACK_SECONDS = float(os.environ.get("AVENUE_TEST_WAY_BACK_SECONDS", "300"))
MOST_TIMES, MOST_MORE_SECONDS = 5, 1.0
"""What the others' p95 may be beside that without a move, on a machine of whatever speed."""


@pytest.fixture
def clusters(two: Application, second: Mongod) -> dict[str, Any]:
    return {"home": two.raw, "c2": second.client[two.database.clusters["c2"].raw.name]}


def moved(two: Application, target: str) -> tuple[float, float]:
    """Move the site by the command; return when that began and ended."""
    env = {**two.settings.as_env(), "PATH": os.environ["PATH"]}
    began_at = time.monotonic()
    mover = forked("avenue", "site", "move", OTHER_SITE, "--to", target, env=env)
    assert mover.wait(10 * DEADLINE_SECONDS) == 0
    job = two.raw["jobs"].find_one({"kind": "move_site"}, sort=[("created_at", -1)])
    assert job is not None
    print(f"to {target} in {time.monotonic() - began_at:.1f} s: {job['result']}")
    return began_at, time.monotonic()


def test_a_site_moves_beside_two_others_that_notice_nothing(
    two: Application, clusters: dict[str, Any], guard: Guard
) -> None:
    add_third_site(two, "c2")
    with processes_of(two, guard) as servers, ExitStack() as stack:
        loads = {
            each: stack.enter_context(Load(servers, each, token_on(two, each))) for each in HOSTS
        }
        let_pass(CALM_SECONDS)
        began_at, ended_at = moved(two, "c2")
        let_pass(CALM_SECONDS)
        stack.close()
        over_at = time.monotonic()
        for load in loads.values():
            print(load.summary())
        spans = {
            "before": (began_at - CALM_SECONDS, began_at),
            "while it moved": (began_at, ended_at),
            "afterwards": (ended_at, over_at),
        }
        others = [loads[each] for each in HOSTS if each != OTHER_SITE]
        found = {}
        for name, span in spans.items():
            asked = [each for load in others for each in load.between(*span)]
            reads = [each for each in asked if each.what == "read"]
            writes = [each for each in asked if each.what != "read"]
            found[name] = p95(asked)
            print(
                f"others {name}: p95 of {len(reads)} reads {p95(reads) * 1000:.0f} ms, "
                f"of {len(writes)} writes {p95(writes) * 1000:.0f} ms"
            )
        where = {"default": "home", OTHER_SITE: "c2", THIRD_SITE: "c2"}
        for site_id, load in loads.items():
            load.judge(clusters[where[site_id]])
        for load in others:
            assert load.refused == []
        calm = max(found["before"], found["afterwards"])
        assert found["while it moved"] < MOST_TIMES * calm + MOST_MORE_SECONDS


def test_what_was_written_in_minutes_comes_along_on_the_way_back(
    two: Application, clusters: dict[str, Any], guard: Guard
) -> None:
    with processes_of(two, guard) as servers:
        with Load(servers, OTHER_SITE, token_on(two, OTHER_SITE)) as load:
            moved(two, "c2")
            before = len(load.writes)
            let_pass(WAY_BACK_SECONDS)
            print(f"{len(load.writes) - before} writes in {WAY_BACK_SECONDS:.0f} s on c2")
            moved(two, "home")
        print(load.summary())
        load.judge(clusters["home"])
