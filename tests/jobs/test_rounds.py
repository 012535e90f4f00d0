"""What background rounds ask and change (docs/adr/0023)."""

from avenue.app.background import Background
from avenue.app.site_jobs import PUBLISH
from avenue.app.walks import REBUILD, SWEEP
from avenue.storage.connection import Database
from avenue.storage.holders import COUNT_QUOTAS
from avenue.storage.scope import deployment
from tests.http.application import Application
from tests.listening import recorded
from tests.transactions import everywhere, watched

ROUNDS = (SWEEP, PUBLISH, REBUILD, COUNT_QUOTAS)
SITES = 30
OF_JOBS = frozenset({"jobs", "leases"})


def asked_by(application: Application, kind: str) -> list[tuple[str, object]]:
    """What one round asks, besides keeping its own place."""
    work = Background(application.settings, application.database)
    job_id = work.begin(kind, {}).id
    with recorded(application.raw.name) as commands:
        work.finish(job_id)
    asked = [next(iter(each.items())) for each in commands]
    return sorted((name, where) for name, where in asked if where not in OF_JOBS)


def test_an_empty_round_asks_as_often_of_many_sites_as_of_one(application: Application) -> None:
    before = {kind: asked_by(application, kind) for kind in ROUNDS}
    application.raw["sites"].insert_many(
        {"_id": f"s{number}", "hosts": [f"s{number}.example"], "name": "S", "revision": 1}
        for number in range(SITES)
    )
    assert {kind: asked_by(application, kind) for kind in ROUNDS} == before


def test_a_change_by_a_job_that_names_no_site_or_two_is_found(database: Database) -> None:
    assets = deployment(database).collection("assets")
    with watched() as found, found.in_job("sweep"):
        assets.find({})
        assets.update({"site": "a", "_id": "x"}, {"$set": {"name": "A"}})
        assert found.mixed == {}
        assets.update({"_id": "x"}, {"$set": {"name": "A"}})
        assert set(found.mixed) == {frozenset({"sweep", "assets"})}
    everywhere.taken()
