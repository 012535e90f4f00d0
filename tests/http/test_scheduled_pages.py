"""Pages that are published by themselves at a moment."""

from datetime import timedelta
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.app.site_jobs import PUBLISH
from avenue.builder.website.store.pages import PageStore
from avenue.clock import iso, utc_now
from tests.http.application import Application, Caller, unique
from tests.http.test_library_pages import IN_ENGLISH

PAGES = "/api/builder/pages"


def made(editor: Caller, html: str = "<p>Rebajas</p>") -> Any:
    answer = editor.post(PAGES, json={"title": unique("Página "), "html": html})
    assert answer.status_code == 201, answer.text
    return answer.json


def scheduled(editor: Caller, page: Any, minutes: float) -> Any:
    at = iso(utc_now() + timedelta(minutes=minutes))
    return editor.put(f"{PAGES}/{page['id']}/schedule", json={"publish_at": at})


def work(application: Application) -> Any:
    return Background(application.settings, application.database).run_now(PUBLISH).result


def test_a_page_goes_online_at_its_moment_as_it_is_then(own_application: Application) -> None:
    editor, nobody = own_application.caller("editor"), own_application.caller("nobody")
    due, later, broken, damaged = (made(editor) for _ in range(4))
    for page in (due, later, broken, damaged):
        answer = scheduled(editor, page, 60)
        assert (answer.status_code, answer.json["revision"]) == (200, page["revision"])
        assert answer.json["publish_at"]
    changed = {"html": "<p>Hoy</p>", "revision": due["revision"]}
    assert editor.put(f"{PAGES}/{due['id']}", json=changed).json["publish_at"]
    assert work(own_application) == {"published": 0, "failed": 0}
    pages, past = own_application.raw["page_content"], utc_now() - timedelta(minutes=1)
    passed = {"$in": [due["id"], broken["id"], damaged["id"]]}
    pages.update_many({"_id": passed}, {"$set": {"publish_at": past}})
    pages.update_one({"_id": damaged["id"]}, {"$set": {"flagged": "yes"}})
    closed = {"_id": "c", "hosts": [], "name": "", "base_url": "", "state": "removed"}
    own_application.raw["sites"].insert_one(closed)
    pages.insert_one({"_id": "x", "site": "c", "publish_at": past - timedelta(minutes=1)})
    pages.insert_one({"_id": "y", "publish_at": past - timedelta(minutes=1)})
    bad = {"draft.html": '<img src="data:image/png;base64,AAAA">', "draft.is_cleaned": False}
    pages.update_one({"_id": broken["id"]}, {"$set": bad})
    assert work(own_application) == {"published": 1, "failed": 2}
    assert "<p>Hoy</p>" in nobody.get(f"/p/{due['slug']}").text
    assert nobody.get(f"/p/{later['slug']}").status_code == 404
    states = {page["id"]: editor.get(f"{PAGES}/{page['id']}") for page in (due, later)}
    assert states[due["id"]].json["publish_at"] is None
    assert states[later["id"]].json["publish_at"]
    log = own_application.caller("admin").get("/api/audit").json["items"]
    told = {each["object"]["id"]: each["action"] for each in reversed(log)}
    assert told[due["id"]] == "page.published"
    assert told[broken["id"]] == told[damaged["id"]] == "page.not_published"
    assert [each["_id"] for each in pages.find({"publish_at": {"$lte": utc_now()}})] == ["y"]
    assert work(own_application) == {"published": 0, "failed": 0}
    taken_back = editor.delete(f"{PAGES}/{later['id']}/schedule")
    assert (taken_back.status_code, taken_back.json["publish_at"]) == (200, None)


def test_a_page_whose_schedule_is_cancelled_meanwhile_is_not_published(
    application: Application, as_editor: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, save = made(as_editor), PageStore.save
    past = {"$set": {"publish_at": utc_now() - timedelta(minutes=1)}}
    application.raw["page_content"].update_one({"_id": page["id"]}, past)

    def save_late(*known: Any) -> Any:
        assert as_editor.delete(f"{PAGES}/{page['id']}/schedule").status_code == 200
        return save(*known)

    monkeypatch.setattr(PageStore, "save", save_late)
    assert work(application) == {"published": 0, "failed": 1}
    assert application.caller("nobody").get(f"/p/{page['slug']}").status_code == 404
    assert as_editor.get(f"{PAGES}/{page['id']}").json["status"] == "draft"


def test_a_moment_has_to_come(application: Application, as_editor: Caller) -> None:
    page = made(as_editor)
    for minutes in (-1, 60 * 24 * 367):
        answer = scheduled(as_editor, page, minutes)
        assert (answer.status_code, answer.json["code"]) == (422, "bad_moment")
    for moment in ("2099-01-01T09:00:00", "tomorrow", "", None, [], "9999-12-31T23:59:59-12:00"):
        answer = as_editor.put(f"{PAGES}/{page['id']}/schedule", json={"publish_at": moment})
        assert answer.status_code in {400, 422}, moment
    nowhere = as_editor.delete(f"{PAGES}/none/schedule")
    assert nowhere.json["code"] == "page_not_found"


def test_the_list_of_pages_schedules_in_the_time_of_the_site(
    application: Application, as_editor: Caller, as_admin: Caller
) -> None:
    assert as_admin.patch("/api/site", json={"locale": "es-PY"}).status_code == 200
    page = made(as_editor)
    url = f"/admin/website/{page['id']}/schedule"
    wrong = as_editor.post(url, data={"publish_at": "soon"}, headers=IN_ENGLISH)
    assert "Choose a day and a time." in wrong.text
    tomorrow = utc_now() + timedelta(days=1)
    sent = as_editor.post(url, data={"publish_at": f"{tomorrow:%Y-%m-%dT09:00}"})
    assert sent.status_code == 303
    kept = as_editor.get(f"{PAGES}/{page['id']}").json["publish_at"]
    assert kept == f"{tomorrow:%Y-%m-%d}T12:00:00.000Z"  # Asunción is three hours behind UTC
    shown = as_editor.get("/admin/website", headers=IN_ENGLISH).text
    assert f'value="{tomorrow:%Y-%m-%d}T09:00"' in shown
    as_editor.post(url, data={"publish_at": ""})
    assert as_editor.get(f"{PAGES}/{page['id']}").json["publish_at"] is None
