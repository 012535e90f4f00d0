"""`/mcp` over HTTP: who may, what is refused, what is counted and written down."""

import base64
import sys
from dataclasses import replace
from typing import Any

import pytest

from avenue.identity import new_id
from avenue.mcp.tools import TOOLS
from avenue.media.pictures.limits import MB
from tests.http.application import HOST, Application, Caller, a_picture, unique
from tests.http.test_media_by_url import editor, origin
from tests.http.test_media_library import MEDIA, a_folder, added, code
from tests.mcp.speaking import called, refused, result_of, said
from tests.unit.outside.test_fetching import HOST as ELSEWHERE, redirect, whole

__all__ = ["editor", "origin"]
ADDRESS = f"http://{ELSEWHERE}/fotos/playa.png"
NOBODY = new_id()
READING = {each.name for each in TOOLS if each.reads}


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def offered(caller: Caller) -> dict[str, Any]:
    return {each["name"]: each for each in said(caller, "tools/list").json["result"]["tools"]}


def test_who_may(application: Application, as_editor: Caller) -> None:
    """Whoever is let in is offered what the token is for."""
    elsewhere = application.caller("editor_on_other_site")
    session = {"Cookie": as_editor.session(), "Origin": f"https://{HOST}"}
    stranger = replace(as_editor, token=None)
    for caller, headers, refusal in (
        (application.caller("nobody"), {}, (401, "unauthenticated")),
        (stranger, session, (401, "unauthenticated")),  # a cookie is no token
        (replace(as_editor, token="av_no"), {}, (401, "invalid_token")),
        (replace(as_editor, token=elsewhere.token), {}, (401, "invalid_token")),
        (application.caller("seller"), {}, (403, "forbidden")),
        (as_editor, {"Origin": "https://evil.example"}, (403, "origin_not_allowed")),
        (as_editor, {"Origin": "null"}, (403, "origin_not_allowed")),
    ):
        answer = said(caller, "tools/list", headers)
        assert code(answer) == refusal
        assert ("WWW-Authenticate" in answer.headers) == (refusal[0] == 401)
    assert said(as_editor, "ping", {"Origin": f"https://{HOST}"}).json["result"] == {}
    for scopes, tools in (
        (("read",), READING),
        (("write",), {each.name for each in TOOLS} - READING),
        (("account",), set()),
    ):
        caller = application.with_scopes(as_editor, *scopes)
        assert offered(caller).keys() == tools
        for tool in TOOLS:
            if tool.name not in tools:
                found = refused(caller, tool.name)
                assert (found["code"], found["scope"]) == ("insufficient_scope", tool.scope)
    assert (as_editor.get("/mcp").status_code, as_editor.delete("/mcp").status_code) == (405, 405)


def test_what_is_of_another_site_is_not_there(application: Application, as_editor: Caller) -> None:
    theirs = added(application.caller("editor_on_other_site"))["id"]
    before = application.raw["assets"].find_one({"_id": theirs})
    for tool, arguments in (
        ("get_media", {"id": theirs}),
        ("get_media_usage", {"id": theirs}),
        ("update_media", {"id": theirs, "tags": ["x"]}),
        ("move_media", {"ids": [theirs], "folder": None}),
        ("delete_media", {"ids": [theirs]}),
        ("delete_media", {"ids": [theirs], "dry_run": False}),
    ):
        assert refused(as_editor, tool, **arguments)["code"] == "media_not_found", tool
    items = called(as_editor, "list_media", limit=100)["items"]
    assert theirs not in {each["id"] for each in items}
    assert application.raw["assets"].find_one({"_id": theirs}) == before


def test_what_is_not_taken_leaves_nothing(application: Application, as_editor: Caller) -> None:
    picture, before = base64_of(a_picture()), application.counts()
    for tool, arguments, refusal in (
        ("get_media", {}, "invalid_body"),
        ("get_media", {"id": 7}, "invalid_body"),
        ("get_media", {"id": NOBODY, "more": 1}, "invalid_body"),
        ("list_media", {"limit": 101}, "invalid_body"),
        ("list_media", {"cursor": "eA"}, "bad_cursor"),
        ("list_media", {"folder": "../x"}, "invalid_body"),
        ("search_media", {"query": " "}, "invalid_body"),
        ("upload_media", {"name": "a.jpg", "data": "%%%"}, "invalid_body"),
        ("upload_media", {"name": "a.jpg", "data": "é"}, "invalid_body"),
        ("upload_media", {"name": "a.jpg", "data": ""}, "no_file"),
        ("upload_media", {"name": "a.jpg", "data": base64_of(b"MZ")}, "unsupported_media_type"),
        ("upload_media", {"name": "a.jpg", "data": base64_of(a_picture()[:99])}, "broken_image"),
        ("upload_media", {"name": "a.jpg", "data": picture, "folder": NOBODY}, "folder_not_found"),
        ("upload_media_from_url", {"url": "ftp://pictures.example/a.png"}, "bad_url"),
        ("upload_media_from_url", {"url": "http://127.0.0.1/a.png"}, "address_not_allowed"),
        ("update_media", {"id": NOBODY, "focal": [2, 0]}, "invalid_body"),
        ("move_media", {"ids": [], "folder": None}, "invalid_body"),
        ("delete_media", {"ids": [NOBODY], "dry_run": "no"}, "invalid_body"),
    ):
        found = refused(as_editor, tool, **arguments)
        assert found["code"] == refusal, (tool, arguments, found)
        assert found["message"]
    for sent, refusal in (
        ({"data": b"{", "content_type": "application/json"}, (400, "invalid_body")),
        ({"json": []}, (400, "invalid_body")),
        ({"data": b"{}", "content_type": "text/plain"}, (400, "invalid_body")),
        ({"json": {"data": "x" * MB}}, (413, "body_too_large")),
    ):
        assert code(as_editor.post("/mcp", **sent)) == refusal
    assert said(as_editor, "tools/call", name="drop_all").json["error"]["code"] == -32602
    assert said(as_editor, "no/such").json["error"]["code"] == -32601
    assert application.counts() == before


def test_a_picture_is_fetched_as_the_library_fetches(editor, origin) -> None:
    data = a_picture()
    origin.answers = [whole(data), whole(data), redirect("http://169.254.169.254/")]
    first, again = (called(editor, "upload_media_from_url", url=ADDRESS) for _ in range(2))
    assert (first["created"], again["created"]) == (True, False)
    assert again["media"]["id"] == first["media"]["id"]
    assert refused(editor, "upload_media_from_url", url=ADDRESS)["code"] == "address_not_allowed"


def test_an_upload_sent_again_with_its_key_is_one_picture(as_editor: Caller) -> None:
    sent = {"name": "a.jpg", "data": base64_of(a_picture()), "idempotency_key": unique("key-")}
    first, again = (called(as_editor, "upload_media", **sent) for _ in range(2))
    assert again["media"]["id"] == first["media"]["id"]
    other = {**sent, "data": base64_of(a_picture())}
    assert refused(as_editor, "upload_media", **other)["code"] == "idempotency_key_reused"


def test_what_is_in_use_stays(application: Application, as_editor: Caller) -> None:
    used, free = added(as_editor), added(as_editor)
    page = {"title": unique("Página "), "html": f'<img src="{used["url"]}">'}
    assert as_editor.post("/api/builder/pages", json=page).status_code == 201
    both = [used["id"], free["id"]]
    (use,) = called(as_editor, "get_media_usage", id=used["id"])["items"]
    assert use["title"] == page["title"]
    before = application.counts()
    would = called(as_editor, "delete_media", ids=both)
    assert (would["dry_run"], [each["id"] for each in would["to_trash"]]) == (True, [free["id"]])
    assert [each["id"] for each in would["in_use"]] == [used["id"]]
    assert application.counts() == before
    found = refused(as_editor, "delete_media", ids=both[:1], dry_run=False)
    assert (found["code"], found["usage"]) == ("media_in_use", [use])
    done = called(as_editor, "delete_media", ids=both, dry_run=False)
    assert {**would, "dry_run": False} == done
    assert as_editor.get(f"{MEDIA}/{used['id']}").status_code == 200
    assert as_editor.get(f"{MEDIA}/{free['id']}").status_code == 404


def test_what_is_counted_and_written_down(application: Application, as_editor: Caller) -> None:
    picture, folder = base64_of(a_picture()), a_folder(as_editor)["id"]
    log = application.raw["audit_logs"]
    seen = application.counter.seen

    def step(tool: str, **arguments: Any) -> tuple[Any, dict[str, int], list[Any]]:
        counted, known = dict(seen), {each["_id"] for each in log.find()}
        result = result_of(as_editor, tool, **arguments)
        changed = {key.partition(":")[0]: seen[key] - counted.get(key, 0) for key in seen}
        entries = [each for each in log.find() if each["_id"] not in known]
        noted = [(each["action"], each["object"]["id"], each["details"]) for each in entries]
        return result, {key: each for key, each in changed.items() if each}, noted

    sent = {"name": "playa.jpg", "data": picture}
    result, counted, noted = step("upload_media", **sent)
    made = result["structuredContent"]["media"]["id"]
    assert counted == {"reads": 1, "uploads": 1}
    assert noted == [("media.added", made, {"assets": [made]})]
    write, read = {"reads": 1, "writes": 1}, {"reads": 1}
    for tool, arguments, counts, entries in (
        ("upload_media", sent, {"reads": 1, "uploads": 1}, []),
        ("get_media", {"id": made}, read, []),
        (
            *("update_media", {"id": made, "alt": {"es": "Playa"}, "tags": ["mar"]}, write),
            [("media.changed", made, {"fields": ["alt", "tags"]})],
        ),
        (
            *("move_media", {"ids": [made], "folder": folder}, write),
            [("media.moved", made, {"folder": folder})],
        ),
        ("delete_media", {"ids": [made]}, write, []),
        ("delete_media", {"ids": [NOBODY], "dry_run": False}, write, []),
        (
            *("delete_media", {"ids": [made], "dry_run": False}, write),
            [("media.removed", made, {"force": False})],
        ),
    ):
        assert step(tool, **arguments)[1:] == (counts, entries), tool


def test_too_often_is_said_by_the_tool(application: Application, as_editor: Caller) -> None:
    caller = replace(as_editor, app=application.with_settings(max_writes_per_minute=1))
    codes = {refused(caller, "delete_media", ids=[NOBODY])["code"] for _ in range(2)}
    assert codes <= {"media_not_found", "too_many_requests"}
    assert "too_many_requests" in codes


def test_what_is_not_installed_is_said(as_editor: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "avenue.mcp.protocol", None)
    monkeypatch.delattr("avenue.mcp.protocol", raising=False)
    assert code(said(as_editor, "ping")) == (503, "mcp_not_installed")
    assert as_editor.get(MEDIA).status_code == 200


def test_a_bug_in_a_tool_is_told_without_what_it_was(
    as_editor: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("avenue.builder.library.service.MediaService.get", broken)
    found = refused(as_editor, "get_media", id=NOBODY)
    assert found["code"] == "internal_error"
    assert "secret" not in str(found)
    assert [each.name for each in caplog.records if each.levelname == "ERROR"] == [
        "avenue.problems"
    ]
