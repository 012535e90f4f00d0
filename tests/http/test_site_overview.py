"""The page *Sites*: what each site weighs, and sites cloned, removed and taken back by forms."""

from dataclasses import replace
from datetime import timedelta

import pytest

from avenue.app.background import Background
from avenue.clock import utc_now
from avenue.health.history.snapshots.models import Snapshot, Stored, StoredVariant
from avenue.health.history.traffic.models import Counts, SiteTraffic
from avenue.health.history.traffic.store import MongoTrafficStore
from avenue.provisioning.weights import weights
from avenue.sites.cloning import CLONE
from avenue.sites.service import SiteService
from avenue.web import metrics
from tests.http.application import OTHER_HOST, OTHER_SITE, Application, Caller, a_picture
from tests.http.test_moves import superuser

SITES = "/admin/infrastructure/sites"
NOW = utc_now()
MB = 1024 * 1024
UNKNOWN = dict.fromkeys(
    (
        *("data_bytes", "storage_bytes", "index_bytes", "disk_used_bytes", "disk_total_bytes"),
        *("connections_available", "oplog_hours"),
    )
)


def snapshot(days_ago: int, **sites: tuple[int, int, int, int]) -> Snapshot:
    """One so long ago; of each site bytes, hot bytes, requests and writes until then."""
    return Snapshot(
        at=NOW - timedelta(days=days_ago),
        connections_current=20,
        stored=tuple(
            Stored(site=site, bucket=bucket, files=1, bytes=each[0] // 2)
            for site, each in sites.items()
            for bucket in ("uploads", "builder_media")
        ),
        renditions=tuple(
            StoredVariant(site=site, variant="card", count=1, bytes=each[1])
            for site, each in sites.items()
        ),
        sites={site: SiteTraffic(requests=each[2], writes=each[3]) for site, each in sites.items()},
        **UNKNOWN,
    )


def test_a_site_weighs_its_largest_share_beside_the_heaviest() -> None:
    newest = snapshot(0, a=(80, 10, 1_000, 9), b=(10, 85, 3_000, 1), c=(10, 5, 100, 0))
    earlier = snapshot(10, a=(60, 0, 0, 0), b=(10, 0, 2_900, 1))
    found = weights(["a", "b", "c", "new"], newest, earlier)
    assert [found[each].weight for each in ("a", "b", "c", "new")] == [1.0, 0.85, 0.1, 0.0]
    assert [found[each].nominal for each in ("a", "b", "c", "new")] == [1.0, 1.0, 0.15, 0.15]
    assert (found["b"].requests, found["b"].writes, found["a"].files) == (100, 0, 2)
    assert (found["a"].forecast_bytes, found["b"].forecast_bytes) == (140, 10)
    assert found["c"].forecast_bytes is None
    assert found["a"].connections == pytest.approx(20 * 1_000 / 1_200)
    alone = weights(["a"], newest, None)["a"]
    assert (alone.requests, alone.forecast_bytes, alone.weight) == (1_000, None, 1.0)
    begun_anew = weights(
        ["a"], newest, replace(earlier, sites=snapshot(9, a=(0, 0, 9_999, 0)).sites)
    )
    assert begun_anew["a"].requests is None


def test_requests_are_counted_by_site_and_kept(own_application: Application) -> None:
    before = metrics.by_site()
    caller = own_application.caller("seller_on_other_site")
    caller.get("/api/site")
    picture = caller.a_product(a_picture())["images"][0]["url"]
    for _ in range(3):  # the last ones from what is at hand
        caller.get(picture)
    own_application.caller("nobody").get("/healthz")
    now = metrics.by_site()
    counted = [now[OTHER_SITE][n] - before.get(OTHER_SITE, (0, 0))[n] for n in (0, 1)]
    assert counted == [7, 2]  # a product, and a picture of it
    store = MongoTrafficStore(own_application.database)
    store.add("p", 1, Counts(requests=3, sites={OTHER_SITE: SiteTraffic(requests=3, writes=1)}))
    store.add("p", 2, Counts(requests=1, sites={OTHER_SITE: SiteTraffic(requests=1)}))
    assert store.totals().sites == {OTHER_SITE: SiteTraffic(requests=4, writes=1)}
    Background(own_application.settings, own_application.database).run_now("snapshot")
    page = superuser(own_application).get(SITES).text
    assert "2,7 " not in page
    assert f">{OTHER_SITE}</code>" in page


def test_a_site_is_cloned_removed_and_taken_back_by_forms(own_application: Application) -> None:
    root: Caller = superuser(own_application)
    raw, known = own_application.raw, own_application.app.extensions["avenue"][SiteService]._known
    typed = {"from": OTHER_SITE, "id": "third", "base_url": "https://third.example"}
    assert root.post(f"{SITES}/clone", data={**typed, "parts": ["pages"]}).status_code == 303
    assert raw["jobs"].find_one({"kind": CLONE})["args"]["parts"] == ["pages"]
    job = raw["jobs"].find_one({"kind": CLONE})["_id"]
    assert Background(own_application.settings, own_application.database).finish(job).error is None
    for more in ({}, {"id": "No"}, {"id": "fourth", "from": "nowhere"}):
        assert root.post(f"{SITES}/clone", data={**typed, **more}).status_code == 400
    assert root.post(f"{SITES}/{OTHER_SITE}/remove").status_code == 303
    known.forget()
    visitor = Caller(own_application, own_application.app, OTHER_HOST)
    assert visitor.get("/api/site").status_code == 410
    assert f"{SITES}/{OTHER_SITE}/reopen" in root.get(SITES).text
    assert root.post(f"{SITES}/{OTHER_SITE}/reopen").status_code == 303
    known.forget()
    assert visitor.get("/api/site").status_code == 401
    assert root.post(f"{SITES}/{OTHER_SITE}/reopen").status_code == 409
    assert root.post(f"{SITES}/default/remove").status_code == 409
    assert root.post(f"{SITES}/nowhere/remove").status_code == 404
    told = root.get("/api/audit?limit=20").json["items"]
    assert {"site.added", "site.removed", "site.reopened"} <= {each["action"] for each in told}
