"""Errors of requests by kind: what is kept of them, who sees it, and what a storm of them costs."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from avenue.clock import utc_now
from avenue.errors import Unavailable
from avenue.health.history.failures.models import MOST_KINDS, Occurrences
from avenue.health.history.failures.recording import FailureRecorder
from avenue.health.history.failures.store import FailureStore
from avenue.health.views.state.service import StateService
from avenue.storage.collection import Collection
from tests.http.application import HOST, Application, Caller
from tests.http.test_products import assert_refused

ERRORS = "/api/ops/errors"
PAGE = "/admin/infrastructure"
SECRET = "mongodb://owner:hunter2@db"


@pytest.fixture(autouse=True)
def recorder(application: Application) -> Iterator[FailureRecorder]:
    found: FailureRecorder = application.app.extensions["avenue"][FailureRecorder]
    found._waiting.clear()
    application.raw["infra_errors"].delete_many({})
    yield found
    found._waiting.clear()


@pytest.fixture
def ops(application: Application) -> Caller:
    return application.caller("ops")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def overview(*_: object) -> None:
        held = SECRET
        try:
            {}[held]
        except KeyError as error:
            raise RuntimeError(f"cannot reach {held}") from error

    monkeypatch.setattr(StateService, "overview", overview)


def kinds(caller: Caller, query: str = "") -> list[dict[str, Any]]:
    answer = caller.get(f"{ERRORS}{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["items"]
    return found


@pytest.mark.usefixtures("broken")
def test_errors_of_a_kind_are_one_with_their_requests_and_no_secret(
    application: Application, ops: Caller, recorder: FailureRecorder
) -> None:
    ids = [ops.get(PAGE).headers["X-Request-ID"] for _ in range(12)]
    assert not application.raw["infra_errors"].count_documents({})  # no request waits for it
    recorder.write()
    (kind,) = kinds(ops)
    assert (kind["route"], kind["exception"]) == (f"GET {PAGE}", "builtins.RuntimeError")
    assert (kind["status"], kind["count"], kind["state"]) == (500, 12, "open")
    assert kind["request_ids"] == ids[-10:]
    assert kind["first_at"] <= kind["last_at"]
    assert "avenue/health/views/pages/state.py:" in kind["traceback"]
    assert "builtins.KeyError\n\n" in kind["traceback"]  # its cause
    stored = str(application.raw["infra_errors"].find_one())
    assert "hunter2" not in stored
    assert not any(line.startswith("/") for line in kind["traceback"].splitlines())


@pytest.mark.usefixtures("broken")
def test_what_is_mended_is_open_again_when_it_happens_again(
    ops: Caller, recorder: FailureRecorder
) -> None:
    ops.get(PAGE)
    recorder.write()
    (kind,) = kinds(ops)
    resolved = ops.post(f"{ERRORS}/{kind['id']}/resolve").json
    assert (resolved["state"], resolved["resolved_by"]) == (
        "resolved",
        ops.get("/api/auth/me").json["id"],
    )
    assert ops.post(f"{ERRORS}/{kind['id']}/resolve").json == resolved
    assert (kinds(ops, "?state=open"), len(kinds(ops, "?state=resolved"))) == ([], 1)
    assert ops.post(f"{ERRORS}/{kind['id']}/reopen").json["state"] == "open"
    ops.post(f"{ERRORS}/{kind['id']}/resolve")
    ops.get(PAGE)
    recorder.write()
    (again,) = kinds(ops, "?state=open")
    assert (again["count"], again["resolved_at"], again["resolved_by"]) == (2, None, None)
    assert_refused(ops.post(f"{ERRORS}/nothing/resolve"), 404, "error_kind_not_found")
    assert_refused(ops.get(f"{ERRORS}?state=lost"), 400, "invalid_query")


def test_what_came_before_a_resolution_and_is_written_after_it_opens_nothing(
    application: Application, ops: Caller
) -> None:
    store = FailureStore(application.database)
    seen = an_error("/early", utc_now())
    store.add(seen)
    ops.post(f"{ERRORS}/{seen.id}/resolve")
    store.add(seen)
    assert [(each["count"], each["state"]) for each in kinds(ops)] == [(2, "resolved")]


def test_only_who_runs_the_installation_sees_them(application: Application) -> None:
    elsewhere = application.caller("ops_on_other_site")
    assert_refused(elsewhere.get(ERRORS), 403, "forbidden")
    assert_refused(elsewhere.post(f"{ERRORS}/any/resolve"), 403, "forbidden")
    assert_refused(elsewhere.post(f"{ERRORS}/any/reopen"), 403, "forbidden")


def test_a_storm_is_one_write_a_kind_and_kinds_are_bounded(
    application: Application,
    ops: Caller,
    recorder: FailureRecorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(3 * MOST_KINDS):
        recorder.note(OSError("x"), route=f"GET /{number}", status=500, request_id="r")
    for _ in range(1000):
        recorder.note(OSError("x"), route="GET /0", status=500, request_id="r" * 22)
    written: list[str] = []
    add = FailureStore.add
    monkeypatch.setattr(
        FailureStore, "add", lambda self, seen: (written.append(seen.route), add(self, seen))
    )
    recorder.write()
    assert len(written) == len(set(written)) == MOST_KINDS
    for number in range(3):
        FailureStore(application.database).add(an_error(f"/newer/{number}", utc_now()))
    found = kinds(ops)
    assert len(found) == application.raw["infra_errors"].count_documents({}) == MOST_KINDS
    assert found[0]["route"] == "/newer/2"


def test_errors_wait_for_a_database_that_is_away(
    ops: Caller, recorder: FailureRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:

        def refuse(*_: object, **__: object) -> None:
            raise Unavailable

        away.setattr(Collection, "update", refuse)
        recorder.note(OSError(), route="GET /a", status=500, request_id="1")
        with pytest.raises(Unavailable):
            recorder.write()
        recorder.note(OSError(), route="GET /a", status=500, request_id="2")
        recorder.note(OSError(), route="GET /b", status=500, request_id="3")
    recorder.write()
    assert {each["route"]: each["request_ids"] for each in kinds(ops)} == {
        "GET /a": ["1", "2"],
        "GET /b": ["3"],
    }
    recorder.write()
    assert sum(each["count"] for each in kinds(ops)) == 3


@pytest.mark.usefixtures("broken")
def test_an_error_that_cannot_be_noted_changes_no_answer(
    ops: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(FailureRecorder, "_note", fail)
    assert ops.get(PAGE).status_code == 500


def an_error(route: str, at: Any) -> Occurrences:
    facts = dict.fromkeys(inspect.signature(Occurrences).parameters, "")
    times = {"first_at": at, "last_at": at}
    return Occurrences(
        **{**facts, **times, "route": route, "status": 500, "count": 1, "request_ids": ()}  # type: ignore[arg-type]
    )


@pytest.mark.usefixtures("broken")
def test_the_page_shows_the_kinds_and_notes_what_is_mended(
    application: Application, ops: Caller, recorder: FailureRecorder
) -> None:
    spanish = {"Accept-Language": "es", "Origin": f"https://{HOST}"}
    address = f"{PAGE}/errors"
    assert "Ninguna petición falló de nuestro lado." in ops.get(address, headers=spanish).text
    ops.get(PAGE)
    recorder.write()
    page = ops.get(address, headers=spanish).text
    assert "builtins.RuntimeError" in page
    assert "Marcar como resuelto" in page
    assert SECRET not in page
    (kind,) = kinds(ops)
    answer = ops.post(f"{address}/{kind['id']}/resolve", headers=spanish)
    assert answer.headers["Location"] == f"{address}?said=resolved"
    assert "Reabrir" in ops.get(f"{address}?state=resolved", headers=spanish).text
    assert "builtins.RuntimeError" not in ops.get(f"{address}?state=open", headers=spanish).text
    assert ops.post(f"{address}/none/resolve", headers=spanish).status_code == 404
    assert ops.post(f"{address}/{kind['id']}/reopen", headers=spanish).status_code == 303
    assert [each["state"] for each in kinds(ops)] == ["open"]
    assert address not in application.caller("admin_on_other_site").get(f"{PAGE}/alerts").text
