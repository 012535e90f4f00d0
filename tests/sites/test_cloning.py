"""`site clone`: another site with copies of everything, of which nothing names the first one."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bson import encode

from avenue.app.services import Services
from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, Actor, is_id
from avenue.jobs.errors import GiveUp
from avenue.jobs.service import LISTED_JOBS
from avenue.sites.cloning import CLONE as CLONE_JOB, CloneOrder
from avenue.sites.errors import SiteNotFound
from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS
from tests.commands import Commands
from tests.export.filled import fill, said_by
from tests.migration.deployment import Deployment
from tests.mongod import Mongod, fail_point, lifetime_of_transactions
from tests.prepared import emptied
from tests.waiting import DEADLINE_SECONDS

FEW = 20
OLD, NEW = "https://shop.example", "https://b.example"
CLONE = ("site", "clone", "default", "b", "--base-url", NEW)


@pytest.fixture
def avenue(shared_uri: str, commands: Commands) -> Iterator[Deployment]:
    with emptied(shared_uri) as database:
        yield Deployment(shared_uri, database, commands, {"AVENUE_CACHE_SECONDS": "0"})


def filled(deployment: Deployment, folder: Path) -> None:
    """The site of exports; beside it what a site says of itself, people, and links in pages."""
    fill(deployment, folder / "old", FEW)
    raw = deployment.raw
    logo = raw["assets"].find_one({"claim.kind": "library"})["_id"]
    product = raw["shop_products"].find_one()["_id"]
    links = (
        f'<a href="/products/{product}">x</a><a href="{OLD}/p/published">y</a>'
        f'<a href="{OLD}.py/">z</a>'
    )
    raw["page_content"].update_many(
        {},
        [{"$set": {"draft.html": {"$concat": ["$draft.html", links]}, "publish_at": "$$NOW"}}],
    )
    says = {
        "name": "Avenida",
        "theme": {"scheme": "dark"},
        "menu": [{"label": "Inicio", "to": f"{OLD}/p/draft"}],
        "upload_categories": {"orders": {"max_mb": 3}},
    }
    raw["sites"].update_one({"_id": "default"}, {"$set": says})
    raw["site_profiles"].insert_one({"_id": "default", "site": "default", "logo": logo})
    for name, is_own in (("ana", True), ("luz", False)):
        unknown = {"session_epoch": 1, "token_epoch": 1, "superuser": False, "disabled": False}
        raw["users"].insert_one(
            {"_id": name * 8, "email": f"{name}@x.example", "name": name, "password_hash": None}
            | {"roles": {"default": "editor"}, "sites": ["default"], "password_is_own": is_own}
            | {**unknown, "created_at": raw["assets"].find_one()["created_at"]}
        )
    raw["shop_products"].update_many({}, {"$set": {"owner": "ana" * 8}})
    for name in ("shop_products", "shop_products_grouped"):
        raw[name].update_many({}, {"$set": {"name_key": "zapato"}})


def clone(deployment: Deployment, *more: str, code: int = 0) -> Any:
    done = deployment.command(*CLONE, *more, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def records(raw: Any, site: str) -> Iterator[tuple[str, Any]]:
    for name in SITE_COLLECTIONS - {"audit_logs"}:
        yield from ((name, each) for each in raw[name].find({"site": site}))
    for bucket in BUCKETS:
        within = {"$gte": f"{site}/", "$lt": f"{site}0"}
        yield from (
            (f"{bucket}.files", each) for each in raw[f"{bucket}.files"].find({"_id": within})
        )


def ids_of(raw: Any, site: str) -> set[str]:
    """Every id of a site: of records, of files, and what stands in them in the shape of one."""
    found = set()
    for _, each in records(raw, site):
        found.add(str(each["_id"]).removeprefix(f"{site}/"))
        found |= {one["file"] for one in each.get("versions", ())}
    return found


def exported(deployment: Deployment, site: str, out: Path) -> Any:
    done = deployment.command("export", out, "--site", site, "--json", *EXPORTED)
    assert done.returncode == 0, done.stderr
    said = said_by(out)
    for number, line in enumerate(said["files"]):  # old addresses stay with the first site
        said["files"][number] = json.dumps({**json.loads(line), "old_urls": []})
    return {**said, "files": sorted(said["files"])}


EXPORTED = ("--as", "products", "--as", "media", "--as", "pages")


def as_of_the_first(said: Any) -> Any:
    """What an export of the clone says, its address as the first one's."""
    text = json.dumps(said).replace(NEW, OLD)
    return json.loads(re.sub(r"/products/[\w-]{22}", "/products/…", text))


def test_a_clone_is_the_same_and_names_nothing_of_the_first(
    avenue: Deployment, tmp_path: Path
) -> None:
    filled(avenue, tmp_path)
    raw = avenue.raw
    told = clone(avenue)
    assert (told["left_total"], told["counts"]["people"], told["counts"]["people_left"]) == (
        0,
        1,
        1,
    )
    ours, theirs = ids_of(raw, "default"), ids_of(raw, "b")
    assert len(theirs) > FEW
    assert not ours & theirs
    sought = [each.encode() for each in ours if len(each) > 8]
    for name, each in records(raw, "b"):
        found = [one for one in sought if one in encode(each)]
        assert not found, (name, found, each)
        assert b"default" not in encode(each), (name, each)
    assert all(is_id(each["_id"]) for each in raw["shop_products"].find({"site": "b"}))

    site = raw["sites"].find_one({"_id": "b"})
    profile = raw["site_profiles"].find_one({"_id": "b"})
    assert (site["name"], site["menu"][0]["to"]) == ("Avenida", f"{NEW}/p/draft")
    assert raw["assets"].find_one({"_id": profile["logo"]})["site"] == "b"
    assert "state" not in site
    cloned = raw["page_content"].find_one({"site": "b"})
    html = cloned["draft"]["html"]
    assert "publish_at" not in cloned
    assert f"{OLD}.py/" in html
    linked = re.search(r"/products/([\w-]+)", html)
    assert linked
    assert raw["shop_products"].find_one({"_id": linked[1]})["site"] == "b"
    assert {each["_id"]: each["roles"] for each in raw["users"].find({"sites": "b"})} == {
        "ana" * 8: {"default": "editor", "b": "editor"}
    }

    before = exported(avenue, "default", tmp_path / "a")
    again = as_of_the_first(exported(avenue, "b", tmp_path / "b"))
    expected = json.dumps(before)
    expected = re.sub(r"/products/[\w-]+", "/products/…", expected)
    assert again == json.loads(expected)
    assert not avenue.command("fsck").returncode

    # Deleting in one leaves the other untouched.
    raw["sites"].update_one({"_id": "b"}, [{"$set": {"removal": {"at": LONG, "due_at": LONG}}}])
    assert avenue.command("site", "remove", "b", "--now").returncode == 0
    assert exported(avenue, "default", tmp_path / "c") == before
    assert ids_of(raw, "b") == set()
    assert_a_clone_of_some_parts_has_what_its_pages_show(avenue)


LONG = {"$subtract": ["$$NOW", 86_400_000]}


def assert_a_clone_of_some_parts_has_what_its_pages_show(avenue: Deployment) -> None:
    told = clone(avenue, "--with", "pages")
    assert told["counts"]["page_content"] == 3
    shown = {
        each for page in avenue.raw["page_content"].find({"site": "b"}) for each in page["assets"]
    }
    there = {each["_id"] for each in avenue.raw["assets"].find({"site": "b"})}
    assert there < shown
    assert len(there) == 4
    assert avenue.raw["shop_products"].count_documents({"site": "b"}) == 0
    assert "already exists" in avenue.command(*CLONE).stderr
    assert "--with takes" in avenue.command(*CLONE, "--with", "stock").stderr
    assert "no such site" in avenue.command("site", "clone", "x", "c", "--base-url", NEW).stderr


@pytest.mark.parametrize("moments", [(9,), pytest.param((1, 5, 12, 20), marks=pytest.mark.long)])
def test_a_killed_clone_is_finished_by_the_next_run(
    avenue: Deployment, mongod: Mongod, tmp_path: Path, moments: tuple[int, ...]
) -> None:
    filled(avenue, tmp_path)
    raw = avenue.raw
    shown = raw["page_content"].find_one()["assets"]
    file = raw["assets"].find_one({"claim.kind": "product", "_id": {"$nin": shown}})
    raw[f"{file['bucket']}.chunks"].update_one(
        {"files_id": f"default/{file['versions'][0]['file']}"}, {"$set": {"data": b"other"}}
    )
    other = raw["assets"].find_one(
        {"claim.kind": "product", "_id": {"$nin": [*shown, file["_id"]]}}
    )
    raw["assets"].update_one({"_id": other["_id"]}, {"$set": {"versions": "zzz"}})
    with lifetime_of_transactions(mongod, 3):
        for moment in moments:
            # It cannot open the site: on a busy machine it would have come to its end meanwhile.
            with fail_point(mongod.client, ["update"], None, 11602, namespace=f"{raw.name}.sites"):
                process = avenue.start(*CLONE)
                while (
                    process.poll() is None and raw["assets"].count_documents({"site": "b"}) < moment
                ):
                    os.sched_yield()
                assert process.poll() is None
                process.kill()
                process.wait(DEADLINE_SECONDS)
            # Nobody waits for the end of the lease.
            raw["jobs"].update_many({"kind": CLONE_JOB}, [{"$set": {"run_at": "$$NOW"}}])
            assert raw["sites"].find_one({"_id": "b"})["state"] == "preparing"
        assert "already being cloned" in avenue.command(*CLONE, "--with", "pages").stderr
        told = clone(avenue)
    assert {each["id"]: each["why"] for each in told["left"]} == {
        file["_id"]: "its bytes are damaged or missing",
        other["_id"]: "its record is malformed",
    }
    cloned = {"state": "live", "claim.kind": {"$in": ["product", "group", "library"]}}
    counts = [raw["assets"].count_documents({**cloned, "site": each}) for each in ("default", "b")]
    assert counts == [counts[1] + 2, counts[1]]
    files = sum(
        raw[f"{each}.files"].count_documents({"_id": {"$regex": "^b/"}}) for each in BUCKETS
    )
    assert files == counts[1]
    assert raw["shop_products"].count_documents({"site": "b"}) == raw[
        "shop_products"
    ].count_documents({"site": "default"})
    assert not avenue.command("fsck", "--site", "b").returncode


def test_a_failed_clone_is_continued_however_many_jobs_have_ended_since(
    avenue: Deployment,
) -> None:
    services = Services(Settings(mongodb_uri=avenue.uri, local=True), avenue.database)
    boss = Actor(site=services.sites.named(DEFAULT_SITE), superuser=True)
    order = CloneOrder(original=DEFAULT_SITE, target="b", base_url=NEW)
    first = services.clones.clone(boss, order)
    running = services.jobs.claim({CLONE_JOB})
    assert running is not None
    services.jobs.fail(running, GiveUp(SiteNotFound()))
    ended = avenue.raw["jobs"].find_one({"_id": first.id}) | {"kind": "walk", "args": {}}
    later = [{**ended, "_id": f"later {number}"} for number in range(LISTED_JOBS)]
    avenue.raw["jobs"].insert_many(later)
    avenue.raw["jobs"].update_many({"kind": "walk"}, [{"$set": {"created_at": "$$NOW"}}])
    again = services.clones.clone(boss, order)
    assert (again.id != first.id, again.args) == (True, first.args)
