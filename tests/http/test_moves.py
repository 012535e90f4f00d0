"""Moving in and out, begun in the panel and by the API: the same jobs as those of commands."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from avenue.app.background import Background
from avenue.app.moves import MOST_TOLD
from avenue.config import Settings
from avenue.identity import Role
from avenue.jobs.models import Job
from tests.http.application import HOST, Application, Caller, a_picture, unique
from tests.migration.earlier_shop import EarlierShop, fill
from tests.mongod import QUICK_HEARTBEAT, Mongod, database_name
from tests.table import table
from tests.waiting import DEADLINE_SECONDS, wait_until

MOVES = "/api/ops/moves"
PAGE = "/admin/infrastructure/move"
SPANISH = {"Origin": f"https://{HOST}", "Accept-Language": "es"}
ENGLISH = {"Origin": f"https://{HOST}", "Accept-Language": "en"}
SECRET_WORD = "clave-que-nadie-ve"


@pytest.fixture
def deployment(mongod: Mongod) -> Iterator[Application]:
    with Application(mongod) as application:
        yield application


@pytest.fixture
def shop(deployment: Application) -> Iterator[EarlierShop]:
    client, name = deployment.database.client, database_name()
    yield fill(client[name])
    client.drop_database(name)


@pytest.fixture
def chief(deployment: Application, tmp_path: Path) -> Caller:
    """Who runs the installation, over an application that lets moves into a directory."""
    return superuser(deployment, deployment.with_settings(move_dir=str(tmp_path)))


def superuser(deployment: Application, app: Flask | None = None) -> Caller:
    person = deployment.new_person(unique("jefa"), role=Role.ADMIN, app=app)
    deployment.raw["users"].update_one({"_id": person.id}, {"$set": {"superuser": True}})
    return person


def settings_of(deployment: Application, tmp_path: Path) -> Settings:
    return replace(deployment.settings, move_dir=str(tmp_path))


def done(deployment: Application, tmp_path: Path, job_id: str) -> Job:
    return Background(settings_of(deployment, tmp_path), deployment.database).finish(job_id)


def address_of(deployment: Application, shop: EarlierShop) -> str:
    """The address of the old database; a word in it stands for a password."""
    base = typed(deployment).replace(f"/{deployment.raw.name}", f"/{shop.raw.name}")
    return f"{base}&appName={SECRET_WORD}"


def typed(deployment: Application) -> str:
    """The address of our database, without what is for the command line only."""
    return deployment.settings.mongodb_uri.replace(QUICK_HEARTBEAT, "retryReads=true")


def job_in(location: str) -> str:
    found = re.search(rf"{PAGE}/([\w-]{{22}})", location)
    assert found, location
    return found[1]


def stored_anywhere(deployment: Application, word: str) -> list[str]:
    """The collections in which a word is stored."""
    return [
        name
        for name in deployment.raw.list_collection_names()
        if any(word in str(each) for each in deployment.raw[name].find())
    ]


def test_an_earlier_application_is_looked_at_and_then_brought_in(
    deployment: Application,
    shop: EarlierShop,
    chief: Caller,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG", "avenue")
    before, form = shop.raw.command("dbHash")["md5"], {"uri": address_of(deployment, shop)}
    begun = chief.post(f"{PAGE}/adopt", data=form, headers=SPANISH)
    look = job_in(begun.headers["Location"])
    assert done(deployment, tmp_path, look).error is None
    assert deployment.raw["adopted"].count_documents({}) == 0
    page = chief.get(f"{PAGE}/{look}", headers=SPANISH).text
    for told in ("Lo que se reconoció", "shop_products", "Vista previa", "mismo SKU"):
        assert told in page
    started = chief.post(f"{PAGE}/{look}/start", headers=SPANISH)
    real = job_in(started.headers["Location"])
    assert (
        chief.post(f"{PAGE}/{look}/start", headers=SPANISH).headers["Location"]
        == (started.headers["Location"])
    ), "pressed twice"
    assert done(deployment, tmp_path, real).error is None
    assert deployment.raw["adopted"].count_documents({"kind": "product"}) == len(shop.wanted)
    assert shop.raw.command("dbHash")["md5"] == before
    again = chief.post(f"{MOVES}/{real}/start", json={})
    assert again.json["kind"] == "adopt"
    assert done(deployment, tmp_path, again.json["id"]).error is None
    told = chief.get(f"{MOVES}/{again.json['id']}/report").json
    assert set(told["report"]["counts"]["products"]) == {"unchanged"}
    assert (told["dry_run"], told["where"].endswith(shop.raw.name)) == (False, True)

    listed = chief.get(MOVES).json
    assert [each["id"] for each in listed["items"]] == [again.json["id"], real, look]
    pages = [chief.get(f"{PAGE}{path}", headers=ENGLISH).text for path in ("", f"/{real}")]
    assert not stored_anywhere(deployment, SECRET_WORD)
    assert SECRET_WORD not in json.dumps([listed, told, *pages]) + caplog.text


@pytest.mark.failing_jobs
def test_a_job_is_paused_resumed_and_ended_and_another_key_says_so(
    deployment: Application, shop: EarlierShop, chief: Caller, tmp_path: Path
) -> None:
    wanted = {"uri": address_of(deployment, shop)}
    begun = chief.post(f"{MOVES}/adopt", json=wanted).json
    assert chief.post(f"{MOVES}/adopt", json=wanted).json["id"] == begun["id"], "asked twice"
    assert chief.post(f"/api/ops/jobs/{begun['id']}/pause").json["state"] == "paused"
    page = chief.get(f"{PAGE}/{begun['id']}", headers=ENGLISH).text
    assert f"jobs/{begun['id']}/resume" in page
    assert f"jobs/{begun['id']}/cancel" in page
    assert chief.post(f"/api/ops/jobs/{begun['id']}/resume").json["state"] == "queued"
    other = replace(
        settings_of(deployment, tmp_path), secret_key="Zb7-qpWn3_xKd9vLt5Rr2yHjGm8Sc4Fa6Eu0"
    )
    job = Background(other, deployment.database).finish(begun["id"])
    assert job.error == "SECRET_KEY has changed since this was started."


@pytest.mark.long
def test_one_that_follows_goes_on_until_it_is_cancelled(
    deployment: Application, shop: EarlierShop, chief: Caller, tmp_path: Path
) -> None:
    wanted = {"uri": address_of(deployment, shop), "follow": True}
    begun = chief.post(f"{MOVES}/adopt", json=wanted).json
    background = Background(settings_of(deployment, tmp_path), deployment.database)
    worker = threading.Thread(target=background.finish, args=(begun["id"],), daemon=True)
    worker.start()
    at = f"{MOVES}/{begun['id']}/report"
    wait_until(lambda: chief.get(at).json["report"])
    shop.add_product("late", None, [])
    wait_until(lambda: deployment.raw["adopted"].find_one({"keys": "late"}))
    wait_until(lambda: chief.get(at).json["behind_seconds"] is not None)
    page = chief.get(f"{PAGE}/{begun['id']}", headers=ENGLISH).text
    assert "seconds behind at the end of the last pass" in page
    chief.post(f"/api/ops/jobs/{begun['id']}/cancel")
    wait_until(lambda: chief.get(at).json["state"] == "cancelled")
    worker.join(DEADLINE_SECONDS)


@pytest.mark.failing_jobs
def test_a_place_that_does_not_answer_or_holds_nothing_ends_it_with_a_sentence(
    deployment: Application, chief: Caller, tmp_path: Path
) -> None:
    base = typed(deployment)
    for uri, said in (
        (
            base.replace(f"/{deployment.raw.name}", "/there_is_nothing"),
            "Nothing was recognised in the database",
        ),
        (base, "That is the database Avenue runs on."),
    ):
        begun = chief.post(f"{MOVES}/adopt", json={"uri": uri, "dry_run": True})
        job = done(deployment, tmp_path, begun.json["id"])
        assert said in str(job.error)
        assert str(job.error)[:20] in chief.get(f"{PAGE}/{job.id}", headers=ENGLISH).text


@table(
    "path, sent, code",
    [
        ("adopt", {"uri": "http://x/y"}, "bad_source"),
        ("adopt", {"uri": "mongodb://h/db?tlsCertificateKeyFile=/etc/passwd"}, "bad_source"),
        ("adopt", {"uri": "mongodb://h/db?authMechanism=MONGODB-AWS"}, "bad_source"),
        ("adopt", {"uri": "mongodb://h/db?authMechanismProperties=A:B"}, "bad_source"),
        ("adopt", {"uri": "mongodb://h/db?proxyHost=inner"}, "bad_source"),
        ("adopt", {"uri": "mongodb://%2Ftmp%2Fmongodb-27017.sock/db"}, "bad_source"),
        ("adopt", {"uri": "mongodb://h/"}, "bad_source"),
        ("adopt", {"uri": "mongodb://h/db", "map": "="}, "bad_map"),
        ("adopt", {"uri": "mongodb://h/db", "files": "../elsewhere"}, "place_not_allowed"),
        ("adopt", {"uri": "mongodb://h/db", "files": "/etc"}, "place_not_allowed"),
        ("adopt", {"uri": "mongodb://h/db", "files": "out/passwd"}, "place_not_allowed"),
        ("adopt", {"uri": ""}, "invalid_body"),
        ("adopt", {"uri": "x" * 5000}, "invalid_body"),
        ("adopt", {}, "invalid_body"),
        ("import", {"place": "/etc", "kind": "uploads"}, "place_not_allowed"),
        ("import", {"place": "supabase:https://evil.example/b", "kind": "media"}, "server_not"),
        (
            "import",
            {"place": "supabase:evil.example/b?.supabase.co", "kind": "media"},
            "server_not",
        ),
        ("import", {"place": "supabase:https://[/b", "kind": "media"}, "server_not"),
        ("import", {"place": "cloudinary://1:secret@cloud", "kind": "media"}, "bad_place"),
        ("import", {"place": "supabase:https://a:b@x.supabase.co/b", "kind": "media"}, "bad_place"),
        ("import", {"place": "s3://key:secret@bucket", "kind": "media"}, "bad_place"),
        ("export", {"target": "s3://key:secret@bucket"}, "bad_place"),
        ("import", {"place": "x", "kind": "people"}, "invalid_body"),
        ("export", {"target": "/srv"}, "place_not_allowed"),
        ("export", {"target": "x", "parts": ["people"]}, "invalid_body"),
    ],
)
def test_what_may_not_be_typed_begins_nothing(
    deployment: Application,
    chief: Caller,
    tmp_path: Path,
    path: str,
    sent: dict[str, Any],
    code: str,
) -> None:
    if not (tmp_path / "out").exists():
        (tmp_path / "out").symlink_to("/etc")
    answer = chief.post(f"{MOVES}/{path}", json=sent)
    assert (answer.status_code, answer.json["code"].startswith(code)) == (400, True), answer.json
    assert deployment.raw["jobs"].count_documents({"kind": {"$in": ["adopt", "import_from"]}}) == 0


def test_a_form_that_is_refused_comes_back_filled_but_for_the_address(
    application: Application,
) -> None:
    form = {"uri": f"mongodb://u:{SECRET_WORD}@h/", "hosts": "tienda.example", "map": "x = 1"}
    answer = superuser(application).post(f"{PAGE}/adopt", data=form, headers=SPANISH)
    assert answer.status_code == 400
    assert "tienda.example" in answer.text
    assert "x = 1" in answer.text
    assert SECRET_WORD not in answer.text


def test_a_folder_comes_in_and_the_site_goes_out_as_jobs(
    deployment: Application, chief: Caller, tmp_path: Path
) -> None:
    (tmp_path / "viejo").mkdir()
    (tmp_path / "viejo/a.jpg").write_bytes(a_picture())
    for number in range(MOST_TOLD + 1):
        (tmp_path / f"viejo/{number}.jpg").write_text("no picture")
    wanted = {"place": "viejo", "kind": "uploads", "prefix": "/viejo"}
    look = chief.post(f"{PAGE}/import", data=wanted, headers=ENGLISH)
    job = done(deployment, tmp_path, job_in(look.headers["Location"]))
    assert (job.error, dict(job.result or {})["stored"]) == (None, 1)
    assert deployment.raw["assets"].count_documents({}) == 0
    real = chief.post(f"{MOVES}/{job.id}/start", json={}).json
    result = dict(done(deployment, tmp_path, real["id"]).result or {})
    assert (result["stored"], result["refused_total"]) == (1, MOST_TOLD + 1)
    assert deployment.raw["assets"].count_documents({}) == 1
    at = f"{MOVES}/{real['id']}/report"
    assert at in chief.get(f"{PAGE}/{real['id']}", headers=ENGLISH).text
    lines = [json.loads(each) for each in chief.get(f"{at}.jsonl").text.splitlines()]
    assert len(chief.get(at).json["report"]["refused"]) == MOST_TOLD
    assert {each["path"] for each in lines if each["list"] == "refused"} == {
        f"/viejo/{number}.jpg" for number in range(MOST_TOLD + 1)
    }

    form = {"target": "salida", "private": "1", "parts": ["uploads"], "do": "start"}
    begun = chief.post(f"{PAGE}/export", data=form, headers=ENGLISH)
    out = done(deployment, tmp_path, job_in(begun.headers["Location"]))
    assert (out.error, dict(out.result or {})["written"] > 0) == (None, True)
    (taken,) = (tmp_path / "salida/uploads").rglob("*.jpg")
    assert taken.stat().st_size > 0
    page = chief.get(f"{PAGE}/{out.id}", headers=SPANISH).text
    assert "Escritos" in page
    back = chief.post(f"{MOVES}/import", json={"place": "salida", "dry_run": True}).json
    facts = dict(done(deployment, tmp_path, back["id"]).result or {})
    assert (back["kind"], facts["refused_total"]) == ("import_export", 0)
    assert chief.post(f"{PAGE}/external", headers=ENGLISH).status_code == 303


def test_without_a_directory_for_moves_no_path_is_taken(application: Application) -> None:
    chief = superuser(application)
    answer = chief.post(f"{MOVES}/import", json={"place": "viejo", "kind": "uploads"})
    assert answer.json["code"] == "place_not_allowed"
    assert "directorio para mudanzas" not in chief.get(PAGE, headers=SPANISH).text


def test_the_administrator_of_a_site_sees_and_begins_none_of_it(
    application: Application,
) -> None:
    for caller in (application.caller("admin"), application.caller("admin_on_other_site")):
        assert (
            caller.post(f"{MOVES}/adopt", json={"uri": "mongodb://10.0.0.1/db"}).status_code == 403
        )
        assert PAGE not in caller.get("/admin/infrastructure").text
