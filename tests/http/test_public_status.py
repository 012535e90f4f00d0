"""The status page of a site: off by default, coarse, cached for a minute, one read."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from avenue.clock import utc_now
from avenue.errors import Unavailable
from avenue.health.alerts.store import MongoAlertStore
from avenue.identity import new_id
from tests.http.application import OTHER_SITE, Application, Caller
from tests.http.test_products import assert_refused

JSON, BADGE = "/status.json", "/status/badge.svg"
ALL = ("/status", JSON, BADGE)
WELL = {"pictures": "ok", "uploads": "ok", "pages": "ok", "database": "ok"}


@pytest.fixture
def shown(application: Application) -> Iterator[Caller]:
    """Somebody on a site that has a status page, of which nothing is alerted."""
    admin = application.caller("admin")
    application.raw["infra_alerts"].delete_many({})
    assert admin.patch("/api/site", json={"status_page": True}).json["status_page"] is True
    yield application.caller("nobody")
    admin.patch("/api/site", json={"status_page": False})
    application.raw["infra_alerts"].delete_many({})


def plant(application: Application, measure: str, level: str, site: str | None = None) -> None:
    now = utc_now()
    alert = {
        "_id": new_id(),
        "open_key": f"{measure}/{site or ''}",
        "measure": measure,
        "site": site,
        "level": level,
        "value": 4711.5,
        "threshold": 3.0,
        "unit": "files",
        "opened_at": now,
        "changed_at": now,
        **dict.fromkeys(("acknowledged_at", "acknowledged_by", "recovered_at")),
        "recent": [level],
        "told": {level: now},
        "checked_at": now,
    }
    application.raw["infra_alerts"].insert_one(alert)


def parts(caller: Caller) -> tuple[str, dict[str, str]]:
    told: dict[str, Any] = caller.get(JSON).json
    return told["state"], {each["part"]: each["state"] for each in told["parts"]}


def test_it_is_off_until_an_administrator_turns_it_on(application: Application) -> None:
    nobody, admin = application.caller("nobody"), application.caller("admin")
    for path in ALL:
        assert_refused(nobody.get(path, headers={"Accept": "application/json"}), 404, "not_found")
    for ticked, answer in ((["off", "on"], 200), (["off"], 404)):
        revision = admin.get("/api/site").json["revision"]
        form = {"status_page": ticked, "revision": revision}
        assert admin.post("/admin/settings", data=form).location.endswith("said=saved")
        assert {nobody.get(path).status_code for path in ALL} == {answer}


def test_it_says_what_visitors_notice_and_nothing_else(
    application: Application, shown: Caller
) -> None:
    assert parts(shown) == ("ok", WELL)
    # Of another site, of what visitors notice nothing of, and what is not bad enough.
    plant(application, "lost", "critical", OTHER_SITE)
    plant(application, "backup", "critical")
    plant(application, "disk", "warning")
    assert parts(shown) == ("ok", WELL)
    plant(application, "lost", "critical", "default")
    plant(application, "plan", "critical")
    wrong = {**WELL, "pictures": "degraded", "uploads": "outage", "database": "degraded"}
    assert parts(shown) == ("outage", wrong)
    for path in ALL:
        for language in ("es", "en"):
            text = shown.get(path, headers={"Accept-Language": language}).text
            for secret in ("4711", "backup", "lost", "plan", OTHER_SITE, "threshold", "127.0.0.1"):
                assert not re.search(rf"\b{re.escape(secret)}\b", text), (path, secret)
    assert "Algo no funciona" in shown.get("/status").text
    english = {"Cookie": "avenue_language=en"}
    assert "Some systems are down" in shown.get("/status", headers=english).text
    badge = shown.get(BADGE)
    assert badge.mimetype == "image/svg+xml"
    assert re.search(r'aria-label="estado: No funciona"', badge.text)


def test_it_is_kept_for_a_minute_and_costs_one_read(
    shown: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    ask = MongoAlertStore.open_about

    def counted(store: MongoAlertStore, *args: Any) -> Any:
        asked.append(args)
        return ask(store, *args)

    monkeypatch.setattr(MongoAlertStore, "open_about", counted)
    for path in ALL:
        kept = shown.get(path).headers["Cache-Control"]
        assert kept.startswith("public, max-age=0, s-maxage=60")
    assert len(asked) == len(ALL)

    def away(*_: Any) -> Any:
        raise Unavailable

    monkeypatch.setattr(MongoAlertStore, "open_about", away)
    assert parts(shown) == (
        "outage",
        {"pictures": "degraded", "uploads": "outage", "pages": "outage", "database": "outage"},
    )
