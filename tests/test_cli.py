"""The command line, as an operator types it."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from bson import ObjectId
from click import Command, Group

from avenue import cli
from avenue.cli import commands as registered, context
from avenue.config import Settings, new_secret
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.storage.connection import Database
from tests.commands import Commands
from tests.forking import forked
from tests.mongod import client_of
from tests.table import table
from tests.waiting import DEADLINE_SECONDS, wait_until

ROOT = Path(__file__).parent.parent
SYSTEM = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
Run = Callable[..., subprocess.CompletedProcess[str]]


def run_alone(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a Python of its own."""
    return subprocess.run(
        [sys.executable, "-m", "avenue", *arguments],
        cwd=ROOT,
        env={**SYSTEM, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


@pytest.fixture
def run(commands: Commands, migrated_uri: str) -> Run:
    return runner(commands, migrated_uri)


@pytest.fixture
def run_unprepared(commands: Commands, database_uri: str) -> Run:
    """The same over a database that `migrate` has not seen."""
    return runner(commands, database_uri)


def settings_for(uri: str) -> dict[str, str]:
    """What a command over the database of `uri` is started with."""
    return {
        **SYSTEM,
        "MONGODB_URI": uri,
        "SECRET_KEY": new_secret(),
        "PUBLIC_BASE_URL": "https://shop.example",
    }


def runner(commands: Commands, uri: str) -> Run:
    env = settings_for(uri)

    def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return finished(commands.run(*arguments, env=env, given=given.encode()))

    return run


def finished(done: subprocess.CompletedProcess[bytes]) -> subprocess.CompletedProcess[str]:
    """The same with what was said as text."""
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def said(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_migrate_says_what_it_did_and_probe_whether_all_is_in_order(run_unprepared: Run) -> None:
    refused = run_unprepared("probe", "--json")
    assert (refused.returncode, json.loads(refused.stdout)["failed"]) == (1, ["schema"])
    assert said(run_unprepared("migrate", "--json"))["migrated"]
    assert said(run_unprepared("migrate", "--json"))["migrated"] == []
    assert run_unprepared("migrate").stdout == "The database is up to date.\n"
    told = said(run_unprepared("probe", "--json"))
    assert told["status"] == "ready"
    assert {each["state"] for each in [*told["checks"], *told["probe"]]} == {"ok"}
    assert "delete   ok" in run_unprepared("probe").stdout.splitlines()


def test_people_and_tokens(run: Run, migrated_uri: str) -> None:
    added = said(run("users", "add", "Ana@Tienda.example", "--role", "admin", "--json"))
    assert added["email"] == "ana@tienda.example"
    assert len(added["password"]) >= 16
    (listed,) = said(run("users", "list", "--json"))["items"]
    assert (listed["email"], listed["roles"]) == ("ana@tienda.example", {"default": "admin"})
    assert run("users", "list").stdout == "ana@tienda.example  default: admin\n"
    token = said(run("tokens", "add", "ana@tienda.example", "--scope", "read", "--json"))
    assert token["token"].startswith("av_")
    with client_of(migrated_uri) as client:
        (kept,) = client.get_default_database()["api_tokens"].find()
    assert re.fullmatch(r"tokens add, 20[-0-9]+ [0-9:]{8} UTC", kept["name"])
    changed = said(
        run("users", "password", "ana@tienda.example", "--json", given="mi clave larga\n")
    )
    assert changed["password"] is None
    assert said(run("users", "disable", "ana@tienda.example", "--json"))["disabled"] is True
    assert (
        said(run("users", "disable", "ana@tienda.example", "--undo", "--json"))["disabled"] is False
    )
    with client_of(migrated_uri) as client:
        everything = repr(list(client.get_default_database()["users"].find()))
        everything += repr(list(client.get_default_database()["api_tokens"].find()))
    log = said(run("audit", "--json"))
    assert [(each["actor"]["name"], each["action"]) for each in log["items"]] == [
        ("users disable", "user.enabled"),
        ("users disable", "user.disabled"),
        ("users password", "user.password_changed"),
        ("tokens add", "token.created"),
        ("users add", "user.added"),
    ]
    for secret in (added["password"], token["token"], "mi clave larga"):
        assert secret not in everything
        assert secret not in str(log)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("users", "password", "nobody@tienda.example"), "No person has this email"),
        pytest.param(("users", "add", "no-mail"), "email address", marks=pytest.mark.long),
        pytest.param(
            ("users", "add", "a@b.example", "--role", "king"), "king", marks=pytest.mark.long
        ),
        pytest.param(
            ("tokens", "add", "nobody@tienda.example"),
            "No person has this email",
            marks=pytest.mark.long,
        ),
    ],
)
def test_mistakes_are_sentences(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    done = run(*arguments)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_sweep_reports_what_it_removed(run: Run) -> None:
    swept = said(run("sweep", "--json"))
    assert swept["state"] == "done"
    assert set(swept["result"].values()) == {0}


def test_inspect_says_how_far_it_is_and_what_it_found(run: Run, migrated_uri: str) -> None:
    done = run("inspect", "--json")
    assert said(done) == {
        "state": "done",
        "result": {"looked_at": 0, "findings": 0},
        "error": None,
    }
    with client_of(migrated_uri) as client:
        product = {"_id": "p", "site": "default", "images": [{"url": "/uploads/a.jpg"}]}
        client.get_default_database()["shop_products"].insert_one(product)
    done = run("inspect")
    assert done.returncode == 1
    # The address that only a disk had, and the record, which lacks all the rest.
    assert done.stdout == "Checked 1 products, groups and files; 2 findings.\n"
    assert "of 1" not in done.stderr  # nobody looks at it there: it would be glued into a log


def test_fsck_says_what_is_wrong_and_mends_what_can_be(run: Run, migrated_uri: str) -> None:
    clean = run("fsck", "--json")
    assert (clean.returncode, said(clean)["found"], said(clean)["findings"]) == (0, 0, [])
    before = datetime.now(UTC) - timedelta(hours=2)
    with client_of(migrated_uri) as client:
        raw = client.get_default_database()
        chunk = {"_id": ObjectId.from_datetime(before), "files_id": "default/lost", "n": 0}
        raw["uploads.chunks"].insert_one({**chunk, "data": b"x"})
        raw["uploads.files"].insert_one({"_id": ObjectId(), "length": 0, "uploadDate": before})
    found = run("fsck", "--site", "default", "--json")
    facts = json.loads(found.stdout)
    assert (found.returncode, facts["kinds"]) == (1, {"orphan_chunks": 1})
    (finding,) = facts["findings"]
    assert (finding["subject"], finding["mendable"], finding["outcome"]) == ("lost", True, "found")

    mended = run("fsck", "--repair")
    assert mended.returncode == 1
    lines = mended.stdout.splitlines()
    assert lines[0].startswith("foreign_file: uploads/")
    assert "Another program has stored it" in lines[1]
    assert lines[2:] == [
        "orphan_chunks (repaired): default/uploads/lost",
        "  1 chunks belong to no file. Put right.",
        "1 foreign_file, 1 orphan_chunks",
        "Checked 0 files, products, groups and pages: 2 findings, 1 repaired, 1 left.",
    ]
    assert run("fsck", "--site", "default").returncode == 0
    nowhere = run("fsck", "--site", "nowhere")
    assert (nowhere.returncode, nowhere.stdout) == (2, "")
    assert "Traceback" not in nowhere.stderr

    entries = said(run("audit", "--json"))["items"]
    told = [(each["action"], each["actor"]["name"]) for each in entries if "fsck" in each["action"]]
    assert told[2:4] == [("fsck.finished", "fsck"), ("fsck.begun", "fsck --repair")]
    assert len(told) == 8


def test_commands_wait_for_a_migration(run_unprepared: Run) -> None:
    done = run_unprepared("users", "add", "a@b.example")
    assert done.returncode == 1
    assert "python -m avenue migrate" in done.stderr
    assert run_unprepared("fsck").returncode == 2


def test_each_command_is_registered_once() -> None:
    """By its name, in a group or not; another one of that name would hide it."""
    topics = [vars(each).values() for each in vars(cli).values() if isinstance(each, ModuleType)]
    made = {id(each) for topic in topics for each in topic if isinstance(each, Command)}
    assert made == {id(each) for each in commands_below(registered)}


def commands_below(group: Group) -> Iterator[Command]:
    for each in group.commands.values():
        yield each
        if isinstance(each, Group):
            yield from commands_below(each)


@table("command", ["worker", "migrate", "sweep", "inspect"])
def test_without_settings_nothing_starts_and_all_mistakes_are_named(
    commands: Commands, command: str
) -> None:
    refuses_to_start(finished(commands.run(command, env={**SYSTEM, "PORT": "none"})))


@pytest.mark.long
def test_without_settings_no_server_starts_and_all_mistakes_are_named() -> None:
    refuses_to_start(run_alone("serve", PORT="none"))


def refuses_to_start(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 1
    for name in ("MONGODB_URI", "SECRET_KEY", "PUBLIC_BASE_URL", "PORT"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_the_database_of_another_application_is_left_alone(
    run_unprepared: Run, database_uri: str, command: str
) -> None:
    with client_of(database_uri) as client:
        database = client.get_default_database()
        database["users"].insert_one({"username": "somebody"})
        done = run_unprepared(command)
        assert done.returncode == 1
        assert "users" in done.stderr
        assert database.list_collection_names() == ["users"]
        assert list(database["users"].index_information()) == ["_id_"]


def test_a_worker_stops_when_told(migrated_uri: str) -> None:
    with tempfile.NamedTemporaryFile() as said:
        process = forked("avenue", "worker", "--json", env=settings_for(migrated_uri), stdout=said)
        try:
            wait_until(
                lambda: Path(said.name).read_bytes().endswith(b"\n"),
                "a line of the worker",
                failed=lambda: process.poll() is not None,
            )
            assert json.loads(Path(said.name).read_text()) == {"working": True}
            process.terminate()
            assert process.wait(DEADLINE_SECONDS) == 0
        finally:
            process.kill()


def test_the_secret_of_a_local_deployment_is_made_whole_or_not_at_all(
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


@pytest.mark.long
def test_what_commands_change_is_in_the_log(run: Run, migrated_uri: str) -> None:
    ana = said(run("users", "add", "ana@tienda.example", "--role", "admin", "--json"))
    token = said(run("tokens", "add", "ana@tienda.example", "--scope", "read", "--json"))
    said(run("users", "password", "ana@tienda.example", "--json", given="mi clave larga\n"))
    said(run("users", "disable", "ana@tienda.example", "--json"))
    said(run("users", "disable", "ana@tienda.example", "--undo", "--json"))
    reset = said(run("users", "reset-second-factor", "ana@tienda.example", "--json"))
    assert reset == {"email": "ana@tienda.example", "second_factor": False}
    listed = said(run("audit", "--json"))
    assert (listed["next"], listed["total"]) == (None, 6)
    assert [(each["actor"]["name"], each["action"]) for each in listed["items"]] == [
        ("users reset-second-factor", "user.second_factor_reset"),
        ("users disable", "user.enabled"),
        ("users disable", "user.disabled"),
        ("users password", "user.password_changed"),
        ("tokens add", "token.created"),
        ("users add", "user.added"),
    ]
    ids = [each["object"]["id"] for each in listed["items"]]
    assert ids == [*[ana["id"]] * 4, token["id"], ana["id"]]
    assert {each["actor"]["kind"] for each in listed["items"]} == {"command"}
    for secret in (ana["password"], token["token"], "mi clave larga", "ana@tienda"):
        assert secret not in str(listed)
    (line,) = run("audit", "--limit", "1").stdout.splitlines()
    assert "command users reset-second-factor  user.second_factor_reset" in line
    assert said(run("audit", "--site", "other", "--json"))["items"] == []


@pytest.mark.long
def test_who_has_roles_on_two_sites_is_in_the_log_of_both(run: Run, migrated_uri: str) -> None:
    run("users", "add", "ana@tienda.example")
    with client_of(migrated_uri) as client:
        users = client.get_default_database()["users"]
        users.update_one({}, {"$set": {"roles": {"default": "seller", "other": "admin"}}})
    run("users", "disable", "ana@tienda.example")
    for site in ("default", "other"):
        (newest, *_) = said(run("audit", "--site", site, "--json"))["items"]
        assert newest["action"] == "user.disabled"


def test_sites_are_added_listed_changed_and_shown(run: Run, migrated_uri: str) -> None:
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
        "b  https://b.example  Zapatos Ana  open  no snapshot yet",
        "default  https://shop.example  Avenue  open  no snapshot yet",
    ]
    assert "name: Zapatos Ana\n" in run("site", "show", "--site", "b").stdout
    entries = said(run("audit", "--site", "b", "--json"))["items"]
    assert [(each["action"], each["details"]["fields"]) for each in entries] == [
        ("site.changed", ["colors", "hosts"]),
        ("site.changed", ["colors", "limits", "name"]),
    ]
    (entry,) = said(run("audit", "--json"))["items"]
    assert (entry["action"], entry["object"]["id"]) == ("site.added", "b")


@pytest.mark.long
def test_categories_of_uploads_are_set_by_a_command(run: Run) -> None:
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


def test_links_of_a_site_are_rotated_and_revoked(run: Run, migrated_uri: str) -> None:
    with client_of(migrated_uri) as client:
        kept = client.get_default_database()["link_keys"]
        assert said(run("links", "rotate", "--json")) == {"site": "default", "rotated": True}
        assert run("links", "rotate").stdout == "New links of default are signed with a new key.\n"
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
    assert "no site with this name" in run("links", "revoke", "--site", "nowhere").stderr


def test_webhooks_that_were_given_up_are_sent_again(run: Run, migrated_uri: str) -> None:
    with client_of(migrated_uri) as client:
        events = client.get_default_database()["notifications"]
        of = {"receiver": "webhooks"}
        events.insert_many([{"_id": str(n), "state": "given_up", **of} for n in range(3)])
        events.insert_one({"_id": "done", "state": "delivered", **of})
        assert said(run("webhooks", "retry", "--json")) == {"retried": 3, "waiting": 3}
        assert events.count_documents({"state": "pending", "attempts": 0}) == 3
    assert run("webhooks", "retry").stdout.startswith("0 messages queued again; 3 wait")
    (entry,) = said(run("audit", "--json"))["items"]
    assert (entry["action"], entry["details"]) == ("webhooks.retried", {"events": 3})
    assert entry["actor"]["name"] == "webhooks retry"


MISTAKES = (
    (("set", "name"), "NAME=VALUE"),
    (("set", "name=x", "name.y=z"), "twice"),
    (("set", "nam=x"), "nam: "),
    (("set", "colors.primary=red"), "colors.primary: "),
    (("set", "limits.media_mb=11"), "at most 10"),
    (("set", "base_url=shop"), "https://shop.example"),
    (("set", "name=x", "revision=7"), "in the meantime"),
    (("show", "--site", "nowhere"), "no such site"),
    (("add", "b", "--base-url", "https://shop.example"), "another site"),
    (("add", "B", "--base-url", "https://b.example"), "id: "),
    (("add", "default", "--base-url", "https://b.example"), "this id"),
)


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_mistakes_about_sites_are_sentences_and_change_nothing(run: Run, every: int) -> None:
    for arguments, sentence in MISTAKES[::every]:
        done = run("site", *arguments)
        assert done.returncode != 0, arguments
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
    assert said(run("audit", "--json"))["total"] == 0
    assert said(run("site", "list", "--json"))["total"] == 1


def test_what_somebody_stored_gives_no_orders_to_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored = "Año\u00a01:\t\x1bc\x9b2J\r\u202egnp.x\nb"
    context.say(False, {}, stored)
    assert capsys.readouterr().out == "Año\u00a01:\t�c�2J��gnp.x\nb\n"
    context.say(True, {"name": stored}, "")
    assert json.loads(capsys.readouterr().out) == {"name": stored}


def test_what_runs_at_its_time_is_run_now(run: Run, migrated_uri: str) -> None:
    with closing(Database(Settings(mongodb_uri=migrated_uri, local=True))) as database:
        JobService(MongoJobStore(database)).enqueue("rebuild")  # due, and nobody's business here
        for name in ("snapshot", "inspection"):
            job = said(run("jobs", "run", name, "--json"))
            assert (job["state"], job["error"]) == ("done", None)
            assert job["result"]
        assert database.raw["infra_metrics"].count_documents({}) == 1
        assert database.raw["jobs"].count_documents({"kind": "rebuild", "state": "queued"}) == 1
    refused = run("jobs", "run", "webhooks")
    assert (refused.returncode, "not set up" in refused.stderr) == (1, True)
    assert run("jobs", "run", "product_import").returncode == 2
    told = said(run("audit", "--json"))["items"]
    assert {(each["action"], each["actor"]["name"]) for each in told} == {("job.begun", "jobs run")}


def test_jobs_are_listed_paused_resumed_and_cancelled(run: Run, migrated_uri: str) -> None:
    database = Database(Settings(mongodb_uri=migrated_uri, local=True))
    service = JobService(MongoJobStore(database))
    job_id = service.enqueue("inspect", site="default").id
    service.periodic("sweep", 60)
    listed = said(run("jobs", "list", "--json"))
    assert {each["kind"] for each in listed["items"]} == {"inspect", "sweep"}
    assert said(run("jobs", "list", "--site", "other", "--json"))["total"] == 0
    assert said(run("jobs", "pause", job_id, "--json"))["state"] == "paused"
    assert "paused" in run("jobs", "list", "--site", "default").stdout
    assert said(run("jobs", "resume", job_id, "--json"))["may"] == ["pause", "cancel"]
    assert said(run("jobs", "cancel", job_id, "--json"))["state"] == "cancelled"
    refused = run("jobs", "cancel", "sweep")
    assert refused.returncode == 1
    assert "Pause it instead" in refused.stderr
    assert said(run("jobs", "list", "--all", "--json"))["total"] == 2
    told = said(run("audit", "--json"))["items"]
    assert [(each["action"], each["actor"]["name"]) for each in told] == [
        ("job.cancelled", "jobs cancel"),
        ("job.resumed", "jobs resume"),
        ("job.paused", "jobs pause"),
    ]
    database.close()
