"""The command line, as an operator types it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from avenue.cli import context
from avenue.config import Settings, new_secret
from tests.commands import Commands

ROOT = Path(__file__).parent.parent
Run = Callable[..., subprocess.CompletedProcess[str]]


def run_alone(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a Python of its own."""
    return subprocess.run(
        [sys.executable, "-m", "avenue", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def run(commands: Commands, database_uri: str) -> Run:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "MONGODB_URI": database_uri,
        "SECRET_KEY": new_secret(),
        "PUBLIC_BASE_URL": "https://shop.example",
    }

    def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        done = commands.run(*arguments, env=env, given=given.encode())
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    return run


def said(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_migrate_says_what_it_did_and_the_second_time_nothing(run: Run) -> None:
    assert said(run("migrate", "--json"))["migrated"]
    assert said(run("migrate", "--json"))["migrated"] == []
    assert run("migrate").stdout == "The database is up to date.\n"


def test_people_and_tokens(run: Run, database_uri: str) -> None:
    run("migrate")
    added = said(run("users", "add", "Ana@Tienda.example", "--role", "admin", "--json"))
    assert added["email"] == "ana@tienda.example"
    assert len(added["password"]) >= 16
    (listed,) = said(run("users", "list", "--json"))["items"]
    assert (listed["email"], listed["roles"]) == ("ana@tienda.example", {"default": "admin"})
    token = said(run("tokens", "add", "ana@tienda.example", "--scope", "read", "--json"))
    assert token["token"].startswith("av_")
    changed = said(
        run("users", "password", "ana@tienda.example", "--json", given="mi clave larga\n")
    )
    assert changed["password"] is None
    assert said(run("users", "disable", "ana@tienda.example", "--json"))["disabled"] is True
    assert (
        said(run("users", "disable", "ana@tienda.example", "--undo", "--json"))["disabled"] is False
    )
    with MongoClient(database_uri) as client:
        everything = repr(list(client.get_default_database()["users"].find()))
        everything += repr(list(client.get_default_database()["api_tokens"].find()))
    for secret in (added["password"], token["token"], "mi clave larga"):
        assert secret not in everything


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("users", "password", "nobody@tienda.example"), "no person with this e-mail"),
        (("users", "add", "no-mail"), "e-mail"),
        (("users", "add", "a@b.example", "--role", "king"), "king"),
        (("tokens", "add", "nobody@tienda.example"), "no person with this e-mail"),
    ],
)
def test_mistakes_are_sentences(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    run("migrate")
    done = run(*arguments)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_sweep_reports_what_it_removed(run: Run) -> None:
    run("migrate")
    swept = said(run("sweep", "--json"))
    assert swept["state"] == "done"
    assert set(swept["result"].values()) == {0}


def test_inspect_says_how_far_it_is_and_what_it_found(run: Run, database_uri: str) -> None:
    run("migrate")
    done = run("inspect", "--json")
    assert said(done) == {
        "state": "done",
        "result": {"looked_at": 0, "findings": 0},
        "error": None,
    }
    with MongoClient(database_uri) as client:
        product = {"_id": "p", "site": "default", "images": [{"url": "/uploads/a.jpg"}]}
        client.get_default_database()["shop_products"].insert_one(product)
    done = run("inspect")
    assert done.returncode == 1
    assert done.stdout == "Looked at 1 products, groups and files; 1 findings.\n"
    assert "1 of 1" in done.stderr


def test_commands_wait_for_a_migration(run: Run) -> None:
    done = run("users", "add", "a@b.example")
    assert done.returncode == 1
    assert "python -m avenue migrate" in done.stderr


@pytest.mark.parametrize(
    "command", [("serve",), ("worker",), ("migrate",), ("sweep",), ("inspect",)]
)
def test_without_settings_nothing_starts_and_all_mistakes_are_named(command: tuple[str]) -> None:
    done = run_alone(*command, PORT="none")
    assert done.returncode == 1
    for name in ("MONGODB_URI", "SECRET_KEY", "PUBLIC_BASE_URL", "PORT"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_the_database_of_another_application_is_left_alone(
    run: Run, database_uri: str, command: str
) -> None:
    with MongoClient(database_uri) as client:
        database = client.get_default_database()
        database["users"].insert_one({"username": "somebody"})
        done = run(command)
        assert done.returncode == 1
        assert "users" in done.stderr
        assert database.list_collection_names() == ["users"]
        assert list(database["users"].index_information()) == ["_id_"]


def test_a_worker_stops_when_told(run: Run, database_uri: str) -> None:
    run("migrate")
    process = subprocess.Popen(
        [sys.executable, "-m", "avenue", "worker", "--json"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "MONGODB_URI": database_uri,
            "SECRET_KEY": new_secret(),
            "PUBLIC_BASE_URL": "https://shop.example",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"working": True}
        process.terminate()
        assert process.wait(60) == 0


def test_the_secret_of_a_local_house_is_made_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(local=True, data_dir=tmp_path)

    def killed() -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(context, "new_secret", killed)
        with pytest.raises(KeyboardInterrupt):
            context.kept_secret(settings)
    kept = context.kept_secret(settings)
    assert len(kept) >= 32
    assert context.kept_secret(settings) == kept
    assert [(each.name, each.stat().st_mode & 0o777) for each in tmp_path.iterdir()] == [
        ("secret_key", 0o600)
    ]


def test_what_commands_change_is_in_the_log(run: Run, database_uri: str) -> None:
    run("migrate")
    ana = said(run("users", "add", "ana@tienda.example", "--role", "admin", "--json"))
    token = said(run("tokens", "add", "ana@tienda.example", "--scope", "read", "--json"))
    said(run("users", "password", "ana@tienda.example", "--json", given="mi clave larga\n"))
    said(run("users", "disable", "ana@tienda.example", "--json"))
    said(run("users", "disable", "ana@tienda.example", "--undo", "--json"))
    listed = said(run("audit", "--json"))
    assert (listed["next"], listed["total"]) == (None, 5)
    assert [(each["actor"]["name"], each["action"]) for each in listed["items"]] == [
        ("users disable", "user.enabled"),
        ("users disable", "user.disabled"),
        ("users password", "user.password_changed"),
        ("tokens add", "token.created"),
        ("users add", "user.added"),
    ]
    ids = [each["object"]["id"] for each in listed["items"]]
    assert ids == [ana["id"], ana["id"], ana["id"], token["id"], ana["id"]]
    assert {each["actor"]["kind"] for each in listed["items"]} == {"command"}
    for secret in (ana["password"], token["token"], "mi clave larga", "ana@tienda"):
        assert secret not in str(listed)
    (line,) = run("audit", "--limit", "1").stdout.splitlines()
    assert "command users disable  user.enabled" in line
    assert said(run("audit", "--site", "other", "--json"))["items"] == []


def test_who_has_roles_on_two_sites_is_in_the_log_of_both(run: Run, database_uri: str) -> None:
    run("migrate")
    run("users", "add", "ana@tienda.example")
    with MongoClient(database_uri) as client:
        users = client.get_default_database()["users"]
        users.update_one({}, {"$set": {"roles": {"default": "seller", "other": "admin"}}})
    run("users", "disable", "ana@tienda.example")
    for site in ("default", "other"):
        (newest, *_) = said(run("audit", "--site", site, "--json"))["items"]
        assert newest["action"] == "user.disabled"


def test_sites_are_added_listed_changed_and_shown(run: Run, database_uri: str) -> None:
    run("migrate")
    added = said(
        run("site", "add", "b", "--base-url", "https://b.example", "--host", "b.local", "--json")
    )
    assert (added["id"], added["name"], added["hosts"]) == ("b", "b", ["b.local", "b.example"])
    changes = ("name=Zapatos Ana", "colors.primary=#AA2200", "limits.images_per_product=3")
    changed = said(run("site", "set", *changes, "limits.quota_mb=50", "--site", "b", "--json"))
    assert changed["name"] == "Zapatos Ana"
    assert changed["colors"] == {"primary": "#aa2200"}
    assert (changed["limits"]["images_per_product"], changed["limits"]["quota_mb"]) == (3, 50)
    assert said(run("site", "show", "--site", "b", "--json")) == changed
    cleared = said(run("site", "set", "colors.primary=", "hosts=", "--site", "b", "--json"))
    assert (cleared["colors"], cleared["hosts"]) == ({}, ["b.example"])
    listed = said(run("site", "list", "--json"))
    assert [each["id"] for each in listed["items"]] == ["b", "default"]
    assert run("site", "list").stdout.splitlines() == [
        "b  https://b.example  Zapatos Ana",
        "default  https://shop.example  Avenue",
    ]
    assert "name: Zapatos Ana\n" in run("site", "show", "--site", "b").stdout
    entries = said(run("audit", "--site", "b", "--json"))["items"]
    assert [(each["action"], each["details"]["fields"]) for each in entries] == [
        ("site.changed", ["colors", "hosts"]),
        ("site.changed", ["colors", "limits", "name"]),
    ]
    (entry,) = said(run("audit", "--json"))["items"]
    assert (entry["action"], entry["object"]["id"]) == ("site.added", "b")


def test_categories_of_uploads_are_set_by_a_command(run: Run) -> None:
    run("migrate")
    orders = "upload_categories.orders"
    changes = (f"{orders}.readers=seller,editor", f"{orders}.max_mb=5", f"{orders}.edge=true")
    changed = said(run("site", "set", *changes, "--json"))["upload_categories"]["orders"]
    assert changed["readers"] == ["editor", "seller"]
    assert (changed["max_mb"], changed["edge"]) == (5, True)
    changed = said(run("site", "set", f"{orders}.readers=", "--json"))["upload_categories"]
    assert (changed["orders"]["readers"], changed["orders"]["max_mb"]) == ([], 5)
    changed = said(run("site", "set", f"{orders}=", "upload_categories.own.types=*/*", "--json"))
    assert changed["upload_categories"]["orders"]["max_mb"] is None
    assert changed["upload_categories"]["own"]["types"] == ["*/*"]
    assert "`max_mb` may be at most" in run("site", "set", f"{orders}.max_mb=9999").stderr


def test_links_of_a_site_are_rotated_and_revoked(run: Run, database_uri: str) -> None:
    run("migrate")
    with MongoClient(database_uri) as client:
        kept = client.get_default_database()["link_keys"]
        assert said(run("links", "rotate", "--json")) == {"site": "default", "rotated": True}
        assert run("links", "rotate").stdout == "New links of default have a new key.\n"
        [ring] = kept.find()
        assert [each["id"] for each in ring["keys"]] == ["2", "1"]
        assert said(run("links", "revoke", "--json")) == {"site": "default", "revoked": True}
        [ring] = kept.find()
        assert ring["keys"] == []
    assert [each["action"] for each in said(run("audit", "--json"))["items"][:3]] == [
        "site.links_revoked",
        "site.links_rotated",
        "site.links_rotated",
    ]
    assert "no site of this name" in run("links", "revoke", "--site", "nowhere").stderr


def test_mistakes_about_sites_are_sentences_and_change_nothing(run: Run) -> None:
    run("migrate")
    for arguments, sentence in (
        (("set", "name"), "NAME=VALUE"),
        (("set", "name=x", "name.y=z"), "twice"),
        (("set", "nam=x"), "nam: "),
        (("set", "colors.primary=red"), "colors.primary: "),
        (("set", "limits.media_mb=11"), "at most 10"),
        (("set", "base_url=shop"), "https://shop.example"),
        (("set", "name=x", "revision=7"), "in the meantime"),
        (("show", "--site", "nowhere"), "no such site"),
        (("add", "B", "--base-url", "https://b.example"), "id: "),
        (("add", "b", "--base-url", "https://shop.example"), "another site"),
        (("add", "default", "--base-url", "https://b.example"), "this id"),
    ):
        done = run("site", *arguments)
        assert done.returncode != 0, arguments
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
    assert said(run("audit", "--json"))["total"] == 0
    assert said(run("site", "list", "--json"))["total"] == 1
