"""Two sites on two clusters: each works by itself, and one that is away costs nobody else anything.

The second cluster is a replica set of its own, for this module alone.
"""

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from werkzeug.test import TestResponse

from avenue.app.background import Background
from avenue.app.walks import SWEEP
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.health.checks.fsck import FSCK
from avenue.health.checks.inspection import INSPECT
from avenue.identity import DEFAULT_SITE, new_id
from avenue.jobs.runner import JobRunner
from avenue.jobs.service import MOST_ATTEMPTS, JobService
from avenue.jobs.store import MongoJobStore
from avenue.notifications.models import Channel, Draft
from avenue.notifications.store import OutboxStore
from avenue.storage import refusing
from avenue.storage.clusters import ClusterNotReady, UnknownCluster
from avenue.storage.connection import META, Database
from avenue.storage.copying.reading import ClusterAway, HomeSource
from avenue.storage.directory import Directory
from avenue.storage.holders import COUNT_QUOTAS, Holder
from avenue.storage.refusing import of_no, refuse, refused_on, take
from avenue.storage.schema import (
    DEPLOYMENT_COLLECTIONS,
    ForeignDatabase,
    NotAReplicaSet,
    migrate,
)
from avenue.storage.scope import site
from avenue.storage.site_counts import COUNT_SITES
from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS
from tests.commands import Commands
from tests.http.application import OTHER_SITE, PRODUCTS, Application, Caller, a_picture
from tests.http.test_moves import superuser
from tests.mongod import Guard, Mongod, database_name
from tests.prepared import only_once
from tests.waiting import wait_until

PARTS = tuple(f"{bucket}.{part}" for bucket in BUCKETS for part in ("files", "chunks"))
OF_OTHER = {"site": OTHER_SITE}
MOMENT_SECONDS = 5.0
"""No answer takes longer while a cluster is away; the database itself is given 10 s."""


@pytest.fixture(scope="module")
def second(mongod_binary: Path, guard: Guard) -> Iterator[Mongod]:
    with Mongod(mongod_binary, guard) as running:
        yield running


@contextmanager
def on_two_clusters(mongod: Mongod, second: Mongod) -> Iterator[Application]:
    """An installation whose second site is on the cluster `c2`."""
    uris = (f"c2={second.uri_of(database_name())}",)
    changes = {"cluster_uris": uris, "read_seconds": 10, "cache_mb": 8}
    with Application(mongod, **changes) as application:
        migrate(application.database)
        application.raw["sites"].update_one({"_id": OTHER_SITE}, {"$set": {"cluster": "c2"}})
        yield application


@pytest.fixture(scope="module")
def two(mongod: Mongod, second: Mongod) -> Iterator[Application]:
    with on_two_clusters(mongod, second) as application:
        yield application


@pytest.fixture
def here(two: Application) -> Caller:
    return two.caller("admin")


@pytest.fixture
def there(two: Application) -> Caller:
    return two.caller("admin_on_other_site")


@pytest.fixture
def c2(two: Application, second: Mongod) -> Any:
    """The database of the second cluster."""
    return second.client[two.database.clusters["c2"].raw.name]


def run(application: Application, kind: str) -> dict[str, Any]:
    application.forget_jobs()
    job = Background(application.settings, application.database).run_now(kind)
    assert job.error is None
    return dict(job.result or {})


def in_a_moment(caller: Caller, method: str, url: str, **options: Any) -> TestResponse:
    began_at = time.monotonic()
    answer = caller.ask(method, url, **options)
    assert time.monotonic() - began_at < MOMENT_SECONDS
    return answer


def test_each_site_has_all_it_has_on_its_own_cluster(
    two: Application, here: Caller, there: Caller, c2: Any
) -> None:
    products = {caller.host: caller.a_product(a_picture()) for caller in (here, there)}
    for caller in (here, there):
        product = products[caller.host]
        assert caller.upload("/api/uploads", a_picture()).status_code == 201
        assert caller.get(product["images"][0]["url"]).status_code == 200
        assert caller.upload("/api/site/logo", a_picture(), method="PUT").status_code == 201
        assert caller.get("/api/site").json["logo"]["url"]
    gone = there.a_product(a_picture())
    assert there.delete(f"{PRODUCTS}/{gone['id']}").status_code == 204
    draft = Draft(channel=Channel.AUDIT, receiver="test", kind="test", content={})
    for site_id in (DEFAULT_SITE, OTHER_SITE):
        OutboxStore(two.database).put(site_id, draft)
    for name in SITE_COLLECTIONS:
        assert two.raw[name].count_documents(OF_OTHER) == 0, name
        assert c2[name].count_documents({"site": {"$ne": OTHER_SITE}}) == 0, name
    for name in PARTS:
        assert two.raw[name].count_documents({"_id": {"$regex": f"^{OTHER_SITE}/"}}) == 0
    assert c2["assets"].count_documents(OF_OTHER) >= 4
    assert not set(c2.list_collection_names()) & set(DEPLOYMENT_COLLECTIONS)

    old = utc_now().replace(year=2020)
    c2["assets"].update_many({"state": "trash"}, {"$set": {"trash.at": old}})
    c2["shop_products_trashed"].update_many({}, {"$set": {"trash.at": old}})
    swept = run(two, SWEEP)
    assert (swept["owners"], swept["trash"], swept["purged"]) == (1, 1, 1)
    assert run(two, INSPECT)["findings"] == 0
    assert run(two, COUNT_SITES)["counted"] == 2
    run(two, COUNT_QUOTAS)
    outbox = OutboxStore(two.database)
    taken = [each for _ in range(2) for each in outbox.take("test", 60)]
    assert {each.site for each in taken} == {DEFAULT_SITE, OTHER_SITE}
    outbox.delivered(taken)
    assert outbox.take("test", 0) == []
    assert c2["notifications"].find_one({"receiver": "test"})["state"] == "delivered"


def test_a_check_finds_what_is_wrong_on_the_cluster_of_a_site_and_mends_it_there(
    two: Application, there: Caller, c2: Any
) -> None:
    old = ObjectId.from_datetime(utc_now().replace(year=2020))
    c2["uploads.chunks"].insert_one(
        {"_id": old, "files_id": f"{OTHER_SITE}/{'x' * 22}", "n": 0, "data": b"x"}
    )
    c2["page_content"].insert_one({"_id": "p" * 22, "site": OTHER_SITE, "draft": 7})
    job = Background(two.settings, two.database).run_now(FSCK, args={"repair": True})
    assert (job.error, job.result["found"], job.result["mended"]) == (None, 2, 1)
    assert c2["uploads.chunks"].count_documents({"_id": old}) == 0
    c2["page_content"].delete_one({"_id": "p" * 22})
    assert there.get("/api/builder/pages").status_code == 200


@pytest.fixture
def empty(mongod: Mongod, second: Mongod) -> Iterator[Application]:
    """One of its own, whose sites weigh nothing yet."""
    with on_two_clusters(mongod, second) as application:
        yield application


def test_a_new_site_comes_to_the_lightest_cluster(empty: Application, commands: Commands) -> None:
    boss = superuser(empty)
    made = {}
    for name, wanted in (("one", None), ("two", None), ("three", "home"), ("four", "c9")):
        body = {"id": name, "base_url": f"https://{name}.example", "cluster": wanted}
        answer = boss.post("/api/sites", json=body)
        made[name] = (answer.status_code, answer.json.get("cluster") or answer.json["code"])
    assert made["one"][1] != made["two"][1]  # both had one site before
    assert {made["one"], made["two"]} == {(201, "home"), (201, "c2")}
    assert (made["three"], made["four"]) == ((201, "home"), (400, "no_such_cluster"))
    told = boss.get("/api/ops/clusters").json
    home, other = told["clusters"]
    assert (home["name"], home["state"], home["hosts"]) == ("home", "ready", [empty.mongod.host])
    assert (other["name"], other["state"], other["level"]) == ("c2", "ready", "ok")
    assert len(home["sites"]) + len(other["sites"]) == 5
    assert (other["units"], other["capacity"], other["percent"]) == (0.3, 4, 7.5)
    assert (told["moves"], told["lacking"]) == ([], [])
    page = boss.get("/admin/infrastructure/sites", headers={"Accept": "text/html"})
    assert page.status_code == 200
    env = {**empty.settings.as_env(), "PATH": os.environ["PATH"]}
    listed = commands.run("clusters", "list", env=env).stdout.decode().splitlines()
    assert listed[0] == f"home  {empty.mongod.host}  ready  0.45 of 4 units  11 %  ok"
    assert [each.split() for each in listed[1:4]] == [[each, "0.15"] for each in placed(home)]


def placed(cluster: dict[str, Any]) -> list[str]:
    return [each["site"] for each in cluster["sites"]]


@pytest.mark.failing_jobs
def test_one_that_is_away_costs_its_own_site_503_and_nobody_else_anything(
    two: Application, here: Caller, there: Caller, second: Mongod, c2: Any
) -> None:
    product, other = here.a_product(a_picture()), there.a_product(a_picture())
    app = two.with_settings(cache_seconds=5, cache_mb=8)
    visitor = replace(there, app=app, token=None, id=None)
    picture = other["images"][0]["url"]
    assert visitor.get(picture).status_code == 200
    draft = Draft(channel=Channel.AUDIT, receiver="away", kind="test", content={})
    OutboxStore(two.database).put(OTHER_SITE, draft)
    second.kill()
    try:
        in_a_moment(there, "GET", f"{PRODUCTS}/{other['id']}")  # an election would take as long
        wait_until(two.database.clusters["c2"].is_away, "the cluster is known to be away")
        for number in range(3):  # every slot there is, and more
            answer = in_a_moment(there, "GET", f"{PRODUCTS}/{other['id']}")
            assert (answer.status_code, answer.json["code"]) == (503, "unavailable"), number
            assert int(answer.headers["Retry-After"]) > 0
        refused = in_a_moment(there, "POST", PRODUCTS, json={"name": "Zapato"})
        assert refused.status_code == 503
        assert in_a_moment(visitor, "GET", picture).status_code == 200  # what is at hand
        assert in_a_moment(here, "GET", f"{PRODUCTS}/{product['id']}").status_code == 200
        assert in_a_moment(here, "GET", "/readyz").status_code == 200
        assert here.upload("/api/uploads", a_picture()).status_code == 201
        assert run(two, COUNT_SITES)["counted"] == 1
        run(two, SWEEP)
        run(two, INSPECT)
        run(two, COUNT_QUOTAS)
        home = HomeSource(two.database)
        with pytest.raises(ClusterAway, match="c2"):
            home.beside(home.places())
        background = Background(two.settings, two.database)
        job = background.begin(COUNT_QUOTAS, {"holder": Holder(site=OTHER_SITE).id})
        runner = JobRunner(JobService(MongoJobStore(two.database)), background._handlers)
        for _ in range(MOST_ATTEMPTS + 1):  # however long it lasts
            two.raw["jobs"].update_one({"_id": job.id}, [{"$set": {"run_at": "$$NOW"}}])
            assert runner.run_one()
        outbox = OutboxStore(two.database)
        outbox.put(DEFAULT_SITE, draft)
        assert [each.site for each in outbox.take("away", 60)] == [DEFAULT_SITE]
        assert outbox.take("away", 60) == []
    finally:
        second.restart()
    wait_until(
        lambda: there.get(f"{PRODUCTS}/{other['id']}").status_code == 200,
        "the site goes on by itself",
    )
    assert there.upload("/api/uploads", a_picture()).status_code == 201
    assert [each.site for each in OutboxStore(two.database).take("away", 60)] == [OTHER_SITE]
    two.raw["jobs"].update_one({"_id": job.id}, [{"$set": {"run_at": "$$NOW"}}])
    assert background.finish(job.id).error is None


def test_what_is_no_cluster_of_this_installation_is_left_alone(
    two: Application, second: Mongod, migrated_uri: str, c2: Any
) -> None:
    """Neither is written to, and the home database not brought to this version either."""
    own = Settings(mongodb_uri=migrated_uri, local=True)
    foreign, used, empty = (database_name() for _ in range(3))
    second.client[foreign]["users"].insert_one({"name": "somebody"})
    taken = two.database.clusters["c2"].raw.name
    for name, why in ((foreign, "already holds documents"), (taken, "another installation")):
        known = replace(own, cluster_uris=(f"c2={second.uri_of(name)}",))
        with closing(Database(known)) as database:
            before = second.client[name].list_collection_names()
            with pytest.raises(ForeignDatabase, match=why):
                migrate(database)
            assert second.client[name].list_collection_names() == before
    assert c2[META].find_one({"_id": "cluster"})["name"] == "c2"
    with closing(Database(replace(own, cluster_uris=(f"c3={second.uri_of(empty)}",)))) as database:
        database.raw["sites"].insert_one({"_id": "b", "hosts": ["b.example"], "cluster": "c3"})
        with pytest.raises(ClusterNotReady, match="not prepared"):
            site(database, "b")
        assert migrate(database)[0].startswith("c3: ")
        assert site(database, "b").database.cluster == "c3"
        database.raw["sites"].insert_one({"_id": "c", "hosts": ["c.example"], "cluster": "c4"})
        with pytest.raises(UnknownCluster):
            site(database, "c")
    second.client.drop_database(used)


@pytest.mark.parametrize(("meanwhile", "left"), [(refuse, ["moving", "other"]), (take, [])])
def test_two_processes_may_change_what_a_cluster_refuses_at_once(
    migrated_uri: str, monkeypatch: pytest.MonkeyPatch, meanwhile: Any, left: list[str]
) -> None:
    only_once(migrated_uri)
    set_one = refusing._command

    def between(*first: Any) -> None:
        monkeypatch.setattr(refusing, "_command", set_one)
        meanwhile(database, "moving" if left else "other")
        set_one(*first)

    with closing(Database(Settings(mongodb_uri=migrated_uri, local=True))) as database:
        for each in ("removed", "other"):
            refuse(database, each)
        monkeypatch.setattr(refusing, "_command", between)
        take(database, "removed")
        assert refused_on(database) == left
        there = refusing._validators(database)
        assert [name for name in refusing._collections() if there[name] != of_no(left, name)] == []


def test_a_site_may_be_noted_while_another_thread_reads_the_directory() -> None:
    directory = Directory(60)
    moving = {"from": "home", "to": "c2", "phase": "copying"}
    directory.learn([{"_id": each, "move": moving} for each in ("a", "b")])

    class Noting(str):
        """A cluster whose comparison lets another site be noted, as another thread may."""

        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            directory.note({"_id": new_id()})
            return str.__eq__(self, other)

    assert directory.not_of(Noting("c2")) == ["a", "b"]
    assert len(directory.newest_epochs()) == 4


@pytest.mark.long
def test_a_cluster_is_a_replica_set(mongod_binary: Path, guard: Guard, migrated_uri: str) -> None:
    with Mongod(mongod_binary, guard, replica_set=None) as alone:
        own = Settings(mongodb_uri=migrated_uri, local=True, cluster_uris=(f"c2={alone.uri}",))
        with closing(Database(own)) as database, pytest.raises(NotAReplicaSet):
            migrate(database)
