"""Backups for those who run the deployment, as JSON and as a page."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from avenue.app.background import Background
from avenue.identity import Role
from tests.http.application import (
    HOST,
    PRODUCTS,
    Application,
    a_picture,
    unique,
)
from tests.mongod import Mongod

BACKUPS = "/api/ops/backups"
PAGE = "/admin/infrastructure/backups"
JOBS = (
    ("", "backup", "created"),
    ("/verify", "backup_verify", "verified"),
    ("/drill", "backup_drill", "drilled"),
)
"""Where each is begun, its kind, and where it is told of."""
SAME_ORIGIN = {"Origin": f"https://{HOST}", "Accept-Language": "es"}


@pytest.fixture
def deployment(mongod: Mongod) -> Iterator[Application]:
    with Application(mongod) as application:
        yield application


def work(deployment: Application, target: Path, kind: str) -> None:
    """Do the job of a kind that was begun by hand."""
    settings = replace(deployment.settings, backup_to=str(target))
    assert Background(settings, deployment.database).run_now(kind).error is None


@pytest.mark.parametrize("jobs", [JOBS[:1], pytest.param(JOBS, marks=pytest.mark.long)])
def test_a_backup_is_begun_seen_and_brings_something_back(
    deployment: Application, tmp_path: Path, jobs: tuple[tuple[str, str, str], ...]
) -> None:
    target = tmp_path / "backups"
    app = deployment.with_settings(backup_to=str(target))
    chief = deployment.new_person(unique("jefa"), role=Role.ADMIN, app=app)
    product = chief.a_product(a_picture(), name="Mate")
    before = chief.get(BACKUPS).json
    assert (before["target"], before["items"], before["created"]) == (str(target), [], None)
    for path, kind, _ in jobs:
        begun = chief.post(BACKUPS + path)
        assert (begun.status_code, begun.json["kind"]) == (202, kind)
        assert chief.post(BACKUPS + path).json["id"] == begun.json["id"], "pressed twice"
        work(deployment, target, kind)
    told = chief.get(BACKUPS).json
    (snapshot,) = told["items"]
    assert (snapshot["complete"], snapshot["files"], snapshot["findings"]) == (True, 1, 0)
    assert (told["encrypted"], told["problem"]) == (False, None)
    assert {told[each]["findings"] for _, _, each in jobs} == {0}

    deployment.raw["shop_products"].delete_one({"_id": product["id"]})
    wanted = {"kind": "product", "id": product["id"]}
    assert chief.post(f"{BACKUPS}/none/restore", json=wanted).status_code == 404
    for wrong in ({"kind": "person", "id": "x"}, {"kind": "page", "id": "../x"}, {}):
        answer = chief.post(f"{BACKUPS}/{snapshot['id']}/restore", json=wrong)
        assert answer.status_code == 400
    begun = chief.post(f"{BACKUPS}/{snapshot['id']}/restore", json=wanted)
    assert (begun.status_code, begun.json["kind"]) == (202, "backup_return")
    settings = replace(deployment.settings, backup_to=str(target))
    done = Background(settings, deployment.database).finish(begun.json["id"])
    assert (done.error, dict(done.result or {})["records"]) == (None, 1)
    assert chief.get(f"{PRODUCTS}/{product['id']}").json["name"] == "Mate"


def test_the_page_shows_the_same_and_begins_it(deployment: Application, tmp_path: Path) -> None:
    nothing_is_begun_without_a_target(deployment)
    target = tmp_path / "backups"
    app = deployment.with_settings(backup_to=str(target))
    chief = deployment.new_person(unique("jefa"), role=Role.ADMIN, app=app)
    page = chief.get(PAGE, headers=SAME_ORIGIN)
    assert "Hacer una copia ahora" in page.text
    assert "Todavía no hay instantáneas." in page.text
    answer = chief.post(f"{PAGE}/start", data={"do": "created"}, headers=SAME_ORIGIN)
    assert answer.headers["Location"] == f"{PAGE}?said=started"
    assert "Copia de seguridad" in chief.get(PAGE, headers=SAME_ORIGIN).text
    work(deployment, target, "backup")
    page = chief.get(PAGE, headers=SAME_ORIGIN).text
    assert "todo en orden" in page
    assert "Restaurar un solo elemento" in page
    for form in ({"snapshot": "x", "kind": "page", "id": "y"}, {}):
        answer = chief.post(f"{PAGE}/restore", data=form, headers=SAME_ORIGIN)
        assert answer.headers["Location"] == f"{PAGE}?problem=nothing_wanted"
    (target / "repository.json").write_text("{}")
    assert "repository.json" in chief.get(PAGE, headers=SAME_ORIGIN).text
    assert chief.get(BACKUPS).json["problem"]["code"] == "backup_damaged"


def nothing_is_begun_without_a_target(deployment: Application) -> None:
    """And the page says why."""
    chief = deployment.new_person(unique("jefa"), role=Role.ADMIN)
    assert chief.get(BACKUPS).json["target"] is None
    assert chief.post(BACKUPS).json["code"] == "no_backup_target"
    answer = chief.post(f"{PAGE}/start", data={"do": "created"}, headers=SAME_ORIGIN)
    assert answer.headers["Location"] == f"{PAGE}?problem=no_backup_target"
    assert "AVENUE_BACKUP_TO" in chief.get(PAGE, headers=SAME_ORIGIN).text
    of_a_site = deployment.caller("admin_on_other_site")
    assert of_a_site.get(BACKUPS).status_code == 403
    assert PAGE not in of_a_site.get("/admin/infrastructure").text
