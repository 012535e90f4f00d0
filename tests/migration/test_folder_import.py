"""`python -m avenue import`: an old upload folder comes in, whatever happens meanwhile."""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from avenue.accounts.service import AccountService
from avenue.app import create_app
from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, Role, Scope, new_id
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import Sweeper
from avenue.storage.site_data import BUCKETS
from tests.commands import Commands
from tests.forking import Process
from tests.migration.deployment import LAZY, OWNERS, Deployment, deployment
from tests.migration.old_shop import LOST, PASSED_OVER, OldShop, path_of, sha
from tests.mongod import Guard, Mongod, fail_point, lifetime_of_transactions
from tests.server import Server
from tests.waiting import wait_until

SHOP = "https://shop.example"


def entries_of(avenue: Deployment, kind: str, owner_id: str) -> list[str]:
    owner = avenue.raw[OWNERS[kind]].find_one({"_id": owner_id})
    return [
        sha(avenue.bytes_of(each["asset"])) if "asset" in each else each["url"]
        for each in owner["images"]
    ]


def check_records(avenue: Deployment, shop: OldShop) -> None:
    """Every record names what it named before, by asset where there is one."""
    for (kind, owner_id), urls in shop.owners.items():
        assert entries_of(avenue, kind, owner_id) == shop.entries(urls), owner_id
        if kind == "group":
            owner = avenue.raw[OWNERS[kind]].find_one({"_id": owner_id})
            (option,) = owner["options"]
            keys = [each.get("asset") or each["url"] for each in owner["images"]]
            assert option["images"] == keys[: len(option["images"])]
    page = avenue.raw["page_content"].find_one({"_id": "page-1"})
    names = {
        path: f"avenue:{asset}/original"
        for path, asset in (
            (each["path"], each["asset"]) for each in avenue.raw["legacy_urls"].find()
        )
    }
    first, second, third = (names[path_of(name)] for name in [*shop.good][:3])
    assert page["draft"]["html"] == (
        f"<h1>uploads/</h1><img src=\"{first}\"><a href='{second}'>x</a>"
        f'<img src="https://cdn.example/elsewhere.jpg"><img src="{LOST}">'
        '<a href="/contacto">c</a>'
    )
    assert page["draft"]["css"] == f"body{{background:url( '{third}' )}}"
    assert page["published"] == {"components": [{"src": first, "n": 1}], "html": ""}
    used = {
        each.removeprefix("avenue:").removesuffix("/original") for each in (first, second, third)
    }
    assert (set(page["assets"]), page["revision"], page["title"]) == (used, 4, "Inicio")


def check_nothing_twice(avenue: Deployment, shop: OldShop) -> None:
    """As many assets and files as there have to be, and nothing that the sweeper would take."""
    assert avenue.raw["assets"].count_documents({}) == shop.assets
    assert avenue.raw["assets"].count_documents({"claim": None}) == 0
    assert avenue.raw["product_images.files"].count_documents({}) == shop.assets
    assert avenue.raw["product_images.chunks"].count_documents({}) == shop.assets
    assert avenue.raw["legacy_urls"].count_documents({}) == len(shop.good)
    assert avenue.raw["writes"].count_documents({"state": "open"}) == 0
    sweeper = Sweeper(
        SweptStore(avenue.database), buckets=BUCKETS, trash_days=7, orphan_age=timedelta(0)
    )
    assert sweeper.sweep().total == 0


def check_addresses(avenue: Deployment, shop: OldShop, guard: Guard) -> None:
    """Over HTTP: every old address leads to the very bytes, what was refused to nothing.

    The client of tests without a server asks for no name that is not UTF-8.
    """
    with Server(guard, avenue.uri) as server:
        for name, data in shop.good.items():
            moved = server.client.get("/uploads/" + quote(name))
            assert moved.status == 308, name
            answer = server.client.get(urlsplit(moved.headers["Location"]).path)
            assert (answer.status, sha(answer.body)) == (200, sha(data)), name
        for name in shop.bad:
            assert server.client.get("/uploads/" + quote(name)).status == 404, name


def check_report(report: Any, shop: OldShop) -> None:
    """What the last of several runs says of files and references that stay as they are."""
    assert {each["path"] for each in report["refused"]} == {path_of(name) for name in shop.bad}
    assert report["refused_total"] == len(shop.bad)
    assert {each["path"] for each in report["skipped"]} == set(PASSED_OVER)
    assert {each["code"] for each in report["refused"]} <= {
        "broken_image",
        "unsupported_media_type",
        "empty_file",
    }
    assert {(each["id"], each["url"]) for each in report["lost"]} == shop.lost
    done = report["stored"] + report["duplicates"] + report["unchanged"]
    assert done == len(shop.good)


def kill_at(avenue: Deployment, process: Process, assets: int) -> bool:
    """SIGKILL a run once there are so many assets; tell whether it was still running."""
    wait_until(
        lambda: process.poll() is not None or avenue.raw["assets"].count_documents({}) >= assets,
        f"{assets} assets",
    )
    was_running = process.poll() is None
    avenue.kill(process)
    return was_running


@pytest.mark.parametrize(
    ("files", "kills"), [(20, 1), pytest.param(500, 5, marks=pytest.mark.long)]
)
def test_a_folder_comes_in_whole_although_the_command_is_killed(
    mongod: Mongod, commands: Commands, guard: Guard, tmp_path: Path, files: int, kills: int
) -> None:
    shop = OldShop.of(files)
    root = shop.write(tmp_path / "uploads")
    # What a killed transaction has locked is free after 60 s; the test does not wait for that.
    with lifetime_of_transactions(mongod, 3), deployment(mongod, commands, **LAZY) as avenue:
        avenue.fill(shop)
        moments = sorted(random.sample(range(1, shop.assets // 2), kills))
        # A tenth of a second for each file: it is not over while a busy machine looks away.
        slowly = fail_point(
            mongod.client,
            ["insert"],
            None,
            block_ms=100,
            app_name="avenue",
            namespace=f"{avenue.raw.name}.product_images.chunks",
        )
        with slowly as point:
            for moment in moments:
                process = avenue.start("import", root, "--as", "products")
                assert kill_at(avenue, process, moment), moments
        assert point.hits
        report = avenue.run(root, "--as", "products", code=1)
        check_report(report, shop)
        assert 0 < report["stored"] < len(shop.good)
        check_records(avenue, shop)
        check_nothing_twice(avenue, shop)
        check_addresses(avenue, shop, guard)

        before = avenue.everything()
        again = avenue.run(root, "--as", "products", code=1)
        assert (again["stored"], again["duplicates"], again["rewritten"]) == (0, 0, {})
        assert again["unchanged"] == len(shop.good)
        assert avenue.everything() == before
        (written,) = avenue.raw["audit_logs"].find({}, {"action": 1, "actor": 1, "details": 1})
        assert written["action"] == "folder.imported"
        assert written["details"]["stored"] == report["stored"]


def products_status(avenue: Deployment) -> Any:
    """What the debug endpoint says after a look at everything."""
    settings = Settings(mongodb_uri=avenue.uri, secret_key="s" * 40, public_base_url=SHOP)
    app = create_app(settings, avenue.database)
    accounts: AccountService = app.extensions["avenue"][AccountService]
    email = f"{new_id().lower()}@shop.example"
    accounts.add_user(email, None, roles={DEFAULT_SITE: Role.OPS})
    token = accounts.add_token(
        email, DEFAULT_SITE, name="tests", scopes=frozenset(Scope), days=1
    ).secret
    answer = app.test_client().get(
        "/api/shop/debug/products-status?deep=1",
        base_url=SHOP,
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json


@pytest.mark.long
def test_the_debug_endpoint_says_what_was_lost_before_and_after(
    avenue: Deployment, tmp_path: Path
) -> None:
    shop = OldShop.of(40)
    avenue.fill(shop)
    before = products_status(avenue)
    assert before["verdict"] == "attention"
    assert before["images"]["stored"] == 0
    on_a_disk = before["images"]["ephemeral"]
    assert on_a_disk > 10

    report = avenue.run(shop.write(tmp_path / "uploads"), "--as", "products", code=1)

    after = products_status(avenue)
    left = after["images"]["ephemeral"]
    # Two addresses of one file that an owner named are one picture now.
    became_one = before["images"]["total"] - after["images"]["total"]
    assert 0 <= became_one <= 2
    assert after["images"]["stored"] == on_a_disk - left - became_one
    assert after["images"]["missing"] == 0
    assert {each["image"] for each in after["problems"]} <= {each["url"] for each in report["lost"]}
    assert left == after["problems_total"] < on_a_disk


def test_a_zip_gives_the_same_and_a_dry_run_says_it_all_and_changes_nothing(
    avenue: Deployment, tmp_path: Path
) -> None:
    shop = OldShop.of(60)
    avenue.fill(shop)
    place = shop.pack(tmp_path / "old.zip")
    before, counts = avenue.everything(), avenue.counts()
    plan = avenue.run(place, "--as", "products", "--dry-run", code=1)
    after = {name: n for name, n in avenue.counts().items() if name not in {"jobs", "move_reports"}}
    assert avenue.everything() == before
    assert after.items() <= counts.items()
    assert plan["dry_run"] is True
    done = avenue.run(place, "--as", "products", code=1)
    assert {each["path"] for each in done["refused"]} == {path_of(name) for name in shop.bad}
    assert done["stored"] + done["duplicates"] == len(shop.good)
    check_records(avenue, shop)
    check_nothing_twice(avenue, shop)
    # A picture that only opening it shows to be broken is not known beforehand.
    only_opened = [each["path"] for each in done["refused"] if each["code"] == "broken_image"]
    assert only_opened
    planned = {each["path"]: each for each in plan["files"]}
    assert set(planned) == set(shop.answers) | set(only_opened)
    assert plan["stored"] + plan["duplicates"] == done["stored"] + done["duplicates"] + len(
        only_opened
    )
    assert plan["skipped"] == done["skipped"]
    named = {(each["id"], path) for path, file in planned.items() for each in file["references"]}
    assert ("page-1", path_of(next(iter(shop.good)))) in named
    assert ("owner-0001", path_of([*shop.good][5])) in named
    unnamed = [path for path, file in planned.items() if not file["references"]]
    assert plan["unreferenced"] == len(unnamed)
    assert done["unreferenced"] == len(set(unnamed) - set(only_opened))
    assert {each["url"] for each in plan["lost"]} <= {each["url"] for each in done["lost"]}
