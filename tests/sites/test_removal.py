"""A removed site: nobody comes to it, it can be taken back, and at last nothing is left of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import encode

from avenue.app.background import Background
from avenue.identity import Role
from avenue.jobs.models import State
from avenue.jobs.service import OPEN_JOBS
from avenue.sites.removal import GRACE_DAYS, REMOVE, REMOVE_DUE
from avenue.sites.service import SiteService
from avenue.storage.removing import SiteRemains, WaitsForBackup
from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS
from tests.commands import Commands
from tests.http.application import OTHER_HOST, OTHER_SITE, Application, a_picture
from tests.migration.deployment import Deployment

GOING, STAYING = "zapateria-sur", "zapateria"
LOOKS = 15
NOW = datetime.now(UTC)


def plant(raw: Any, site_id: str) -> None:
    """Let a site have a record in every collection, files, and what the deployment says of it."""
    raw["sites"].insert_one({"_id": site_id, "name": site_id, "hosts": [f"{site_id}.example"]})
    for name in SITE_COLLECTIONS:
        records = [{"_id": f"{site_id}/{name}/{number}", "site": site_id} for number in range(3)]
        raw[name].insert_many(
            [
                {**each, **UNIQUE.get(name, lambda _: {})(number)}
                for number, each in enumerate(records)
            ]
        )
    for bucket in BUCKETS:
        for number in range(2):
            file_id = f"{site_id}/{bucket}{number}"
            raw[f"{bucket}.files"].insert_one({"_id": file_id, "length": 4})
            raw[f"{bucket}.chunks"].insert_one({"files_id": file_id, "n": 0, "data": b"abcd"})
        raw[f"{bucket}.chunks"].insert_one({"files_id": f"{site_id}/lost", "n": 0, "data": b"a"})
    for name in ("fsck_findings", "infra_alerts", "alert_choices", "push_subscriptions"):
        raw[name].insert_one({"_id": f"{site_id}-{name}", "site": site_id})
    raw["jobs"].insert_one(job_of(site_id))
    of_site = {"site": site_id, "bucket": "uploads", "files": 1, "bytes": 1}
    row = {"stored": [of_site], "products": {site_id: 1}, "damaged": {site_id: 1}}
    counted = {"requests": 3, "writes": 1}
    row |= {"traffic": {"sites": {site_id: counted}}}
    raw["infra_traffic"].update_one(
        {"_id": "all"}, {"$set": {f"sites.{site_id}": counted}}, upsert=True
    )
    raw["infra_metrics"].insert_one({"_id": f"m{len(site_id)}", "created_at": NOW, **row})


UNIQUE: dict[str, Any] = {
    "page_history": lambda number: {"page": "p", "number": number},
    "media_folders": lambda number: {"parent": None, "name_key": str(number)},
    "shop_products": lambda number: {"sku": str(number)},
}


def job_of(site_id: str, **more: Any) -> dict[str, Any]:
    unknown = dict.fromkeys(("cursor", "result", "error", "every_seconds", "finished_at", "wish"))
    known = {"kind": "nobody's", "site": site_id, "args": {}, "state": "queued", "attempts": 0}
    times = {"run_at": NOW, "created_at": NOW, "started_at": None, "holder": None}
    progress = {"progress": {"done": 0, "total": None}}
    return {"_id": f"job-{site_id}", **unknown, **known, **times, **progress, **more}


def naming(raw: Any, text: str) -> set[str]:
    """The collections in which a text stands anywhere: in a value, in a name, in an id."""
    return {
        name
        for name in raw.list_collection_names()
        for each in raw[name].find()
        if text.encode() in encode(each)
    }


def days_pass(raw: Any, days: int) -> None:
    """Let the removal have been so long ago."""
    earlier = {"$subtract": ["$removal.at", days * 86_400_000]}
    due = {"$subtract": ["$removal.due_at", days * 86_400_000]}
    raw["sites"].update_one(
        {"_id": GOING}, [{"$set": {"removal.at": earlier, "removal.due_at": due}}]
    )


@pytest.fixture
def deployment(own_application: Application) -> Application:
    for site_id in (GOING, STAYING):
        plant(own_application.raw, site_id)
    return own_application


def test_a_removed_site_leaves_nothing_in_any_collection(
    deployment: Application, commands: Commands
) -> None:
    raw, accounts = deployment.raw, deployment.accounts
    for name, sites in (("alone", [GOING]), ("both", [GOING, STAYING])):
        accounts.add_user(
            f"{name}@x.example", "long-and-good-77", roles=dict.fromkeys(sites, Role.OPS)
        )
        accounts.add_token(f"{name}@x.example", GOING, name="t", scopes=frozenset(), days=1)
    avenue = Deployment(
        deployment.settings.mongodb_uri,
        deployment.database,
        commands,
        {"AVENUE_CACHE_SECONDS": "0"},
    )
    before = {name: raw[name].count_documents({"site": STAYING}) for name in SITE_COLLECTIONS}

    told = json.loads(avenue.command("site", "remove", GOING, "--json").stdout)
    assert told["due_at"] > (datetime.now(UTC) + timedelta(days=GRACE_DAYS - 1)).isoformat()
    background = Background(deployment.settings, deployment.database)
    assert background.run_now(REMOVE_DUE).result == {"begun": 0}
    assert raw["assets"].count_documents({"site": GOING}) == 3

    days_pass(raw, GRACE_DAYS)
    done = avenue.command("site", "remove", GOING, "--now", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["left"].keys() > SITE_COLLECTIONS | {"uploads.files", "uploads.chunks", "users"}
    assert set(told["left"].values()) == {0}
    assert told["deleted"]["assets"] == 3
    assert told["deleted"]["uploads.chunks"] == 3
    assert naming(raw, GOING) == {"audit_logs", "jobs"}
    assert {each["site"] for each in raw["audit_logs"].find({"about": GOING})} <= {"default"}
    assert {each["kind"] for each in raw["jobs"].find({"args.site": GOING})} == {REMOVE}
    assert {name: raw[name].count_documents({"site": STAYING}) for name in before} == before
    assert raw["uploads.chunks"].count_documents({"files_id": {"$regex": f"^{STAYING}/"}}) == 3
    emails = {each["email"] for each in raw["users"].find()}
    assert ("alone@x.example" in emails, "both@x.example" in emails) == (False, True)
    assert raw["api_tokens"].count_documents({"site": GOING}) == 0


def test_nobody_comes_to_a_removed_site_until_it_is_taken_back(
    own_application: Application, commands: Commands
) -> None:
    application = own_application
    seller, known = (
        application.caller("seller_on_other_site"),
        application.app.extensions["avenue"][SiteService]._known,
    )
    picture = seller.a_product(a_picture())["images"][0]["url"]
    paths = (picture, "/", "/api/site", "/admin", "/api/shop/products")
    avenue = Deployment(application.settings.mongodb_uri, application.database, commands)

    def answers() -> set[int]:
        known.forget()
        return {seller.get(each).status_code for each in paths}

    assert 410 not in answers()
    assert avenue.command("site", "remove", OTHER_SITE).returncode == 0
    assert answers() == {410}
    assert seller.get("/api/site").json["code"] == "site_removed"
    assert known.at_hand(OTHER_HOST) is None
    assert application.caller("seller").get("/api/site").status_code == 200
    assert avenue.command("site", "reopen", OTHER_SITE).returncode == 0
    assert 410 not in answers()
    for command, said in (
        (("reopen", OTHER_SITE), "was not removed"),
        (("remove", "default"), "cannot be removed"),
        (("remove", "nowhere"), "no such site"),
        (("reopen", "nowhere"), "no such site"),
    ):
        done = avenue.command("site", *command)
        assert (done.returncode, said in done.stderr) == (1, True)
    application.raw["sites"].update_one({"_id": OTHER_SITE}, {"$set": {"state": "preparing"}})
    assert answers() == {503}
    assert avenue.command("site", "remove", OTHER_SITE).returncode == 0
    assert avenue.command("site", "reopen", OTHER_SITE).returncode == 0
    assert answers() == {503}, "a clone that is not whole opens for nobody"
    application.raw["sites"].update_one({"_id": OTHER_SITE}, {"$set": {"state": "deleting"}})
    assert "has started" in avenue.command("site", "reopen", OTHER_SITE).stderr
    known.forget()
    assert OTHER_SITE not in {each.id for each in known.all()}


def test_a_deletion_waits_for_a_backup_and_for_the_work_of_the_deployment(
    deployment: Application,
) -> None:
    raw = deployment.raw
    removing = {"state": "removed", "removal": {"at": NOW, "due_at": NOW}}
    raw["sites"].update_one({"_id": GOING}, {"$set": removing})
    days_pass(raw, 1)
    lease = {"_id": "backup", "holder": "h", "what": "w", "since": NOW}
    raw["leases"].insert_one({**lease, "until": NOW + timedelta(hours=1)})
    with pytest.raises(WaitsForBackup):
        list(SiteRemains(deployment.database, GOING).delete())
    assert raw["uploads.files"].count_documents({"_id": {"$regex": f"^{GOING}/"}}) == 2
    raw["leases"].delete_many({})
    # A walk of the deployment that began when the site was still there.
    walk = {"state": "running", "holder": "h", "run_at": NOW + timedelta(hours=1)}
    raw["jobs"].insert_one(job_of("walk", **walk, started_at=NOW) | {"site": None})
    # It is the oldest of more jobs than any list has.
    later = {"created_at": datetime.now(UTC), "run_at": NOW + timedelta(hours=1)}
    raw["jobs"].insert_many(
        [job_of(STAYING, _id=f"later {number}", **later) for number in range(OPEN_JOBS)]
    )
    background = Background(deployment.settings, deployment.database)
    job = background.begin(REMOVE, {"site": GOING})
    seen: list[int] = []

    def look(_: Any) -> None:
        """Let the walk be over once the deletion has waited for it."""
        seen.append(raw["assets"].count_documents({"site": GOING}))
        if len(seen) == LOOKS:
            raw["jobs"].delete_one({"_id": "job-walk"})

    done = background.finish(job.id, look)
    assert (done.state, set(seen[:LOOKS])) == (State.DONE, {3})
    assert raw["jobs"].find_one({"_id": f"job-{GOING}"}) is None
    assert naming(raw, GOING) == {"audit_logs", "jobs"}
