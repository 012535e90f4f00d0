"""A site goes from one replica set to another while people use it."""

import json
import os
from typing import Any

import pytest
from pymongo.errors import WriteError

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.app.walks import SWEEP
from avenue.errors import SiteMoves
from avenue.identity import DEFAULT_SITE, Actor, command_actor
from avenue.jobs.models import Job
from avenue.jobs.runner import JobRunner
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.moves.service import as_operator
from avenue.sites.errors import NothingToAbort
from avenue.sites.move_steps import MoveSteps
from avenue.sites.moving import MOVE, MoveService
from avenue.storage.scope import SiteScope
from avenue.storage.sites import Sites
from tests.commands import Commands
from tests.http.application import OTHER_SITE, PRODUCTS, Application, Caller, a_picture
from tests.http.test_moves import superuser
from tests.mongod import Mongod
from tests.sites.moving import MIB, Writer, begun, busy, finish, of_site, send


@pytest.fixture
def there(two: Application) -> Caller:
    return two.caller("admin_on_other_site")


@pytest.fixture
def c2(two: Application, second: Mongod) -> Any:
    return second.client[two.database.clusters["c2"].raw.name]


@pytest.fixture
def service(two: Application) -> MoveService:
    return Services(two.settings, two.database).site_moves


@pytest.fixture
def operator(two: Application) -> Actor:
    known = Sites(two.database, two.settings)
    return as_operator(command_actor(known.named(DEFAULT_SITE)))


WATCHED = ("assets", "shop_products", "page_content", "quotas")


def test_a_site_is_moved_while_people_write_and_nothing_is_lost(
    two: Application, there: Caller, c2: Any, service: MoveService, operator: Actor
) -> None:
    two.caller("admin").a_product(a_picture())
    pictured = there.a_product(a_picture())
    picture = pictured["images"][0]["url"]
    file = b"%PDF-1.7\n" + os.urandom(MIB + 100)
    upload = begun(there, len(file))
    assert send(there, upload, 0, file[:MIB]).status_code == 204
    assert there.upload("/api/uploads", a_picture()).status_code == 201
    broken = two.raw["uploads.files"].find_one({"_id": {"$regex": f"^{OTHER_SITE}/"}})["_id"]
    chunk = two.raw["uploads.chunks"].find_one({"files_id": broken})
    turned = {"$set": {"data": chunk["data"][::-1]}}
    two.raw["uploads.chunks"].update_one({"_id": chunk["_id"]}, turned)
    others = {name: list(two.raw[name].find({"site": DEFAULT_SITE})) for name in WATCHED}
    assert service.look(operator, OTHER_SITE, "c2").documents > 5
    with busy(two.raw), Writer(there, picture) as writer:
        result = finish(two, service.begin(operator, OTHER_SITE, "c2").id)
    assert (result["phase"], result["damaged"], writer.wrong) == ("kept", 1, [])
    assert set(writer.refused) <= {"site_moves"}
    assert writer.reads > 0

    assert send(there, upload, MIB, file[MIB:]).headers["Upload-Offset"] == str(len(file))
    stored = {each["_id"]: each["name"] for each in c2["shop_products"].find({})}
    assert writer.products.items() <= stored.items()
    assert not writer.deleted & stored.keys()
    assert len(stored) == len(writer.products) + 1  # none twice
    for url, data in writer.files.items():
        assert there.get(url).data == data
    assert there.get(f"/api/builder/pages/{writer.page}").json["title"] == writer.title

    before = of_site(two.raw)
    for name, document in (("assets", {"site": OTHER_SITE}), ("uploads.files", {"_id": "other/x"})):
        with pytest.raises(WriteError, match="failed validation"):
            two.raw[name].insert_one({"_id": "x", **document})
    left = SiteScope(database=two.database, site=OTHER_SITE)
    for work in (
        lambda: left.collection("shop_products").delete({"_id": pictured["id"]}),
        lambda: left.collection("assets").update({}, {"$set": {"name": "x"}}),
    ):
        with pytest.raises(SiteMoves):
            work()
    Background(two.settings, two.database).run_now(SWEEP, args={"all": True})
    assert of_site(two.raw) == before  # nobody works on what was left
    finish(two, service.purge(operator, OTHER_SITE).id)
    assert of_site(two.raw) == {}
    assert {name: list(two.raw[name].find({"site": DEFAULT_SITE})) for name in WATCHED} == others
    assert there.get(picture).status_code == 200


def test_a_superuser_moves_a_site_in_the_panel(
    two: Application, there: Caller, c2: Any, service: MoveService, operator: Actor
) -> None:
    boss, of_it = superuser(two), f"/admin/infrastructure/sites/{OTHER_SITE}/move"
    product = there.a_product(a_picture())
    two.forget_jobs()

    def asked(what: str = "", **form: str) -> int:
        return int(boss.post(f"{of_it}{what}", data=form).status_code)

    def shown() -> str:
        return str(boss.get(of_it, headers={"Accept": "text/html", "Accept-Language": "en"}).text)

    def ended() -> dict[str, Any]:
        job = service.standing(operator, OTHER_SITE).job
        assert job is not None
        return finish(two, job.id)

    assert f'href="{of_it}"' in boss.get("/admin/infrastructure/sites").text
    assert [asked(to=each) for each in ("home", "", "c3")] == [409, 400, 400]
    assert [asked(each) for each in ("/abort", "/purge")] == [409, 409]
    assert asked(to="c2") == 303
    job = two.raw["jobs"].find_one({"kind": MOVE})["_id"]
    assert boss.post(f"/admin/infrastructure/jobs/{job}/pause").status_code == 303
    assert ('data-phase="copying"' in shown(), f"{job}/resume" in shown()) == (True, True)
    assert asked("/abort") == 303  # and so it does not wait any more
    assert 'data-phase="aborting"' in shown()
    assert (ended()["phase"], of_site(c2)) == (None, {})

    assert asked(to="c2") == 303
    assert (ended()["phase"], 'data-phase="kept"' in shown()) == ("kept", True)
    progress = two.raw["jobs"].find_one({"kind": MOVE, "state": "done"}, sort=[("created_at", -1)])
    assert progress["progress"]["done"] == progress["progress"]["total"] > 0
    assert 'name="to" value="home"' in shown()  # the way back
    assert there.get(product["images"][0]["url"]).status_code == 200
    assert asked("/purge") == 303
    ended()
    assert (of_site(two.raw), 'data-phase=""' in shown()) == ({}, True)
    told = boss.get("/api/audit?limit=50").json["items"]
    assert {"site.moved", "site.move_undone"} <= {each["action"] for each in told}


class Killed(BaseException):
    """As if the process had ended: nobody catches it."""


@pytest.mark.long
def test_a_move_that_is_killed_goes_on_and_comes_back_or_is_undone(
    two: Application,
    there: Caller,
    c2: Any,
    service: MoveService,
    operator: Actor,
    monkeypatch: pytest.MonkeyPatch,
    commands: Commands,
) -> None:
    product, other = there.a_product(a_picture()), there.a_product()
    url = f"{PRODUCTS}/{product['id']}"
    runner = JobRunner(
        JobService(MongoJobStore(two.database)),
        Background(two.settings, two.database)._handlers,
    )

    def killed(job: Job, step: str) -> None:
        def kill(*_: object, **__: object) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(MoveSteps, step, kill)
            with pytest.raises(Killed):
                runner.run_one()
        two.raw["jobs"].update_one({"_id": job.id}, [{"$set": {"run_at": "$$NOW"}}])

    def renamed(name: str) -> tuple[int, str]:
        answer = there.patch(url, json={"name": name})
        return answer.status_code, answer.json.get("code") or answer.json["name"]

    monkeypatch.setattr("avenue.app.gate.MOST_WAITING_SECONDS", 0.05)
    two.forget_jobs()
    moved = service.begin(operator, OTHER_SITE, "c2")
    for step, phase, answer in (
        ("_bring_all", "copying", (200, "Uno")),
        ("_settle", "settling", (200, "Dos")),
        ("_drain", "fenced", (503, "site_moves")),
        ("open_there", "switched", (503, "site_moves")),
    ):
        killed(moved, step)
        assert two.raw["sites"].find_one({"_id": OTHER_SITE})["move"]["phase"] == phase
        assert there.get(product["images"][0]["url"]).status_code == 200
        two.raw["leases"].delete_many({})  # half a minute later
        assert renamed(answer[1]) == answer
    assert there.delete(f"{PRODUCTS}/{other['id']}").status_code == 503
    assert finish(two, moved.id)["to"] == "c2"
    assert c2["shop_products"].find_one({"_id": product["id"]})["name"] == "Dos"

    assert renamed("Tres") == (200, "Tres")  # written there, and taken back
    assert there.delete(f"{PRODUCTS}/{other['id']}").status_code == 204
    env = {**two.settings.as_env(), "PATH": os.environ["PATH"]}
    back = commands.run("site", "move", OTHER_SITE, "--to", "home", "--now", "--json", env=env)
    assert (back.returncode, json.loads(back.stdout)["move"]) == (0, None)
    assert of_site(c2) == {}
    assert [each["name"] for each in two.raw["shop_products"].find({"site": OTHER_SITE})] == [
        "Tres"
    ]

    undone = service.begin(operator, OTHER_SITE, "c2")
    killed(undone, "_drain")
    service.abort(operator, OTHER_SITE)
    before = of_site(two.raw)
    finish(two, undone.id)
    assert (of_site(c2), of_site(two.raw)) == ({}, before)
    assert renamed("Cuatro") == (200, "Cuatro")
    with pytest.raises(NothingToAbort):
        service.abort(operator, OTHER_SITE)
