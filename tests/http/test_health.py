"""`/readyz`: 200 only when all is well, else what is wrong by its name; who may have it probed."""

from collections.abc import Iterator
from typing import Any

import pytest

from avenue import __version__
from avenue.app.services import Services
from avenue.health.checks import probe as service
from avenue.health.checks.probe import STEPS
from avenue.health.views.readiness.service import ReadinessService
from avenue.web.services import EXTENSION
from tests.http.application import Application, Caller
from tests.mongod import fail_point

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}
ITSELF = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"}
DEEP = "/readyz?deep=1"
NO_ROOM = 14031


@pytest.fixture(autouse=True)
def knowing_nothing(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the application begins: it does not remember how things were."""
    settings, database = application.settings, application.database
    fresh = ReadinessService(database, Services(settings, database).probe.probe)
    monkeypatch.setitem(application.app.extensions[EXTENSION], ReadinessService, fresh)


@pytest.fixture
def without_schema(application: Application) -> Iterator[None]:
    application.raw["avenue_meta"].update_one({"_id": "schema"}, {"$inc": {"version": -1}})
    yield
    application.raw["avenue_meta"].update_one({"_id": "schema"}, {"$inc": {"version": 1}})


def stored(application: Application) -> tuple[int, int]:
    """How many files and chunks of general uploads there are."""
    raw = application.raw
    return tuple(raw[f"uploads.{each}"].count_documents({}) for each in ("files", "chunks"))


def states(told: list[dict[str, Any]]) -> dict[str, str]:
    return {each["name"]: each["state"] for each in told}


# What is wrong


def test_each_check_is_told(nobody: Caller) -> None:
    answer = nobody.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert answer.json["version"] == __version__
    assert states(answer.json["checks"]) == dict.fromkeys(
        ("primary", "schema", "indexes", "oplog"), "ok"
    )
    assert "probe" not in answer.json


@pytest.mark.parametrize("path", ["/healthz", "/readyz", DEEP])
def test_no_cache_tells_later_that_all_was_well(nobody: Caller, path: str) -> None:
    answer = nobody.get(path, environ_overrides=ITSELF)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


def test_what_is_wrong_is_named_and_never_a_200(nobody: Caller, without_schema: None) -> None:
    for path in ("/readyz", DEEP):
        answer = nobody.get(path, environ_overrides=ITSELF)
        assert (answer.status_code, answer.json["failed"]) == (503, ["schema"])
        assert answer.headers["Retry-After"]
        assert answer.json["status"] == "unavailable"
        assert answer.json["reasons"] == [
            "The database is not prepared for this version of Avenue."
        ]
        assert states(answer.json["checks"])["indexes"] == "unknown"
        assert "probe" not in answer.json  # nothing is written to what is not fit


def test_a_right_that_is_missing_is_no_fault(application: Application, nobody: Caller) -> None:
    where = {"app_name": "avenue", "namespace": "local.oplog.rs"}
    with fail_point(application.mongod.client, ["find"], None, 13, **where):
        answer = nobody.get("/readyz")
    assert (answer.status_code, states(answer.json["checks"])["oplog"]) == (200, "unknown")


# Who may have it probed


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("nobody", 401),
        ("client", 403),
        ("seller", 403),
        ("editor", 403),
        ("ops_on_other_site", 403),
        ("admin_on_other_site", 403),
        ("ops", 200),
        ("admin", 200),
    ],
)
def test_operators_of_the_deployment_may_have_it_probed(
    application: Application, who: str, status: int
) -> None:
    assert application.caller(who).get(DEEP, environ_overrides=ELSEWHERE).status_code == status


def test_the_machine_itself_may_and_a_proxy_on_it_may_not(nobody: Caller) -> None:
    assert nobody.get(DEEP, environ_overrides=ITSELF).status_code == 200
    forwarded = {"X-Forwarded-For": "127.0.0.1"}
    answer = nobody.get(DEEP, environ_overrides=ITSELF, headers=forwarded)
    assert answer.status_code == 401


@pytest.mark.parametrize("query", ["", "?deep=0", "?deep=", "?deep=yes"])
def test_only_1_is_deep(nobody: Caller, query: str) -> None:
    answer = nobody.get(f"/readyz{query}", environ_overrides=ELSEWHERE)
    assert answer.status_code == 200
    assert "probe" not in answer.json


# The probe


def test_a_file_is_stored_read_and_deleted_and_nothing_stays(
    application: Application, nobody: Caller
) -> None:
    before = stored(application)
    told = nobody.get(DEEP, environ_overrides=ITSELF).json["probe"]
    assert states(told) == dict.fromkeys(STEPS, "ok")
    assert all(each["milliseconds"] >= 0 for each in told)
    assert stored(application) == before


def test_a_database_that_takes_no_file_is_a_503_that_names_the_step(
    application: Application, nobody: Caller
) -> None:
    before = stored(application)
    where = {"app_name": "avenue", "namespace": f"{application.raw.name}.uploads.files"}
    with fail_point(application.mongod.client, ["findAndModify"], None, NO_ROOM, **where):
        answer = nobody.get(DEEP, environ_overrides=ITSELF)
    assert (answer.status_code, answer.json["failed"]) == (503, ["write"])
    assert states(answer.json["probe"]) == {
        **dict.fromkeys(STEPS, "unknown"),
        "spool": "ok",
        "write": "failed",
    }
    assert "OperationFailure" in answer.json["reasons"][0]
    assert stored(application) == before


def test_asking_all_the_time_probes_once_in_a_while(
    application: Application, nobody: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "KNOWN_SECONDS", 3600.0)
    first = nobody.get(DEEP, environ_overrides=ITSELF).json["probe"]
    where = {"app_name": "avenue", "namespace": f"{application.raw.name}.uploads.chunks"}
    with fail_point(application.mongod.client, ["insert"], None, NO_ROOM, **where):
        again = nobody.get(DEEP, environ_overrides=ITSELF).json["probe"]
    assert again == first
