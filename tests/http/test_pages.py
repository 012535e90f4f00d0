"""Pages of the website builder over HTTP: drafts, publishing, history, and what visitors see."""

import base64
import io
import random
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from html import escape
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from avenue.builder.website import models
from avenue.builder.website.rendering import NO_PICTURE
from avenue.builder.website.service import PageService
from avenue.builder.website.store import (
    history as history_store,
    pages as page_store,
    uses as use_store,
)
from avenue.identity import Actor, Role, new_id
from avenue.media.models import Claim
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.media.store.transitions import trash_one
from avenue.sites.service import SiteService
from avenue.storage.scope import site
from tests import pictures
from tests.http.application import HOST, PASSWORD, Application, Caller, a_picture, unique
from tests.table import table
from tests.threads import Threads, at_once

PAGES = "/api/builder/pages"
BASE = f"https://{HOST}"
DRAFT = {"title": "Inicio"}
BY_PLACE = {
    each: f"{{ site: 1, {each}: 1 }}" for each in ("slug", "old_slugs", "published.translation_of")
}
"""The index by which pages are found by what visitors ask for."""
KEPT = "public, max-age=0, s-maxage=1800, stale-while-revalidate=60"


def made(editor: Caller, **fields: Any) -> dict[str, Any]:
    answer = editor.post(PAGES, json={"title": unique("Página "), **fields})
    assert answer.status_code == 201, answer.text
    page: dict[str, Any] = answer.json
    return page


def url_of(page: Mapping[str, Any]) -> str:
    return f"{PAGES}/{page['id']}"


def saved(editor: Caller, page: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    answer = editor.put(url_of(page), json={"revision": page["revision"], **fields})
    assert answer.status_code == 200, answer.text
    after: dict[str, Any] = answer.json
    return after


def published(editor: Caller, page: Mapping[str, Any]) -> dict[str, Any]:
    answer = editor.post(f"{url_of(page)}/publish", json={"revision": page["revision"]})
    assert answer.status_code == 200, answer.text
    after: dict[str, Any] = answer.json
    return after


def inline(data: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def stored(application: Application, page: Mapping[str, Any]) -> dict[str, Any]:
    found = application.raw["page_content"].find_one({"_id": page["id"]})
    assert found is not None
    return found


@pytest.fixture
def picture(as_editor: Caller) -> dict[str, Any]:
    """A picture of the library."""
    page = made(as_editor, html=f'<img src="{inline(a_picture())}">')
    image: dict[str, Any] = page["images"][0]
    return image


def test_a_page_is_made_saved_published_and_taken_back(as_editor: Caller, nobody: Caller):
    page = made(as_editor, html="<h1>Hola</h1><script>alert(1)</script>", css="h1{color:red}")
    assert (page["status"], page["url"], page["revision"]) == ("draft", None, 1)
    assert page["html"] == "<h1>Hola</h1>"
    assert as_editor.get(url_of(page)).json == page
    address = f"/p/{page['slug']}"
    assert nobody.get(address).status_code == 404
    page = published(as_editor, page)
    assert (page["status"], page["url"]) == ("published", BASE + address)
    assert "<h1>Hola</h1>" in nobody.get(address).text
    page = saved(as_editor, page, html="<h1>Adiós</h1>")
    assert page["status"] == "changed"
    assert "<h1>Hola</h1>" in nobody.get(address).text
    page = saved(as_editor, page, html="<h1>Hola</h1>")
    assert page["status"] == "published"
    answer = as_editor.post(f"{url_of(page)}/unpublish")
    assert (answer.json["status"], answer.json["url"]) == ("draft", None)
    assert nobody.get(address).status_code == 404
    assert as_editor.post(f"{url_of(page)}/unpublish").json == answer.json
    assert as_editor.delete(url_of(page)).status_code == 204
    assert as_editor.get(url_of(page)).status_code == 404


BAD_BODIES = {
    "no title": {},
    "an empty title": {"title": "  "},
    "a title too long": {"title": "x" * 201},
    "capitals in the slug": {**DRAFT, "slug": "Inicio"},
    "a slash in the slug": {**DRAFT, "slug": "a/b"},
    "dashes at the ends": {**DRAFT, "slug": "-a-"},
    "an empty slug": {**DRAFT, "slug": ""},
    "a slug too long": {**DRAFT, "slug": "a" * 101},
    "no locale at all": {**DRAFT, "locale": "Spanish"},
    "a picture that is none": {**DRAFT, "seo": {"image": "../x"}},
    "a number for HTML": {**DRAFT, "html": 1},
    "another field": {**DRAFT, "script": "x"},
}


@table("what", BAD_BODIES)
def test_bad_input_is_refused_and_leaves_nothing(
    application: Application, as_editor: Caller, what: str
):
    before = application.counts()
    answer = as_editor.post(PAGES, json=BAD_BODIES[what])
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_body")
    assert application.counts() == before


def test_a_slug_is_one_pages_and_a_title_finds_a_free_one(as_editor: Caller):
    title = unique("Contacto ")
    first, second, third = (made(as_editor, title=title) for _ in range(3))
    slug = first["slug"]
    assert [second["slug"], third["slug"]] == [f"{slug}-2", f"{slug}-3"]
    answer = as_editor.post(PAGES, json={"title": "x", "slug": slug})
    assert (answer.status_code, answer.json["code"]) == (409, "slug_taken")
    body = {"slug": slug, "revision": second["revision"]}
    answer = as_editor.put(url_of(second), json=body)
    assert (answer.status_code, answer.json["code"]) == (409, "slug_taken")
    assert as_editor.get(url_of(second)).json == second


def test_a_slug_of_another_site_is_free(application: Application, as_editor: Caller):
    page = published(as_editor, made(as_editor))
    elsewhere = application.caller("editor_on_other_site")
    theirs = made(elsewhere, title=page["title"])
    assert theirs["slug"] == page["slug"]
    assert application.caller("nobody_on_other_site").get(f"/p/{page['slug']}").status_code == 404


@pytest.fixture(scope="module")
def twice_saved(as_editor: Caller) -> dict[str, Any]:
    """A page with a draft, a history, and what visitors see."""
    return saved(as_editor, published(as_editor, made(as_editor)), html="<p>x</p>")


@table(
    "method, path, body",
    [
        ("GET", "", None),
        ("PUT", "", {"title": "x", "revision": 1}),
        ("DELETE", "", None),
        ("POST", "/publish", {"revision": 1}),
        ("POST", "/unpublish", None),
        ("GET", "/history", None),
        ("GET", "/history/1", None),
        ("POST", "/history/1/restore", {"revision": 1}),
    ],
)
def test_a_page_of_another_site_is_not_there(
    application: Application, twice_saved: dict[str, Any], method: str, path: str, body: Any
):
    page = twice_saved
    before = stored(application, page)
    stranger = application.caller("editor_on_other_site")
    for url in (url_of(page), f"{PAGES}/{new_id()}"):
        answer = stranger.ask(method, url + path, json=body)
        assert (answer.status_code, answer.json["code"]) == (404, "page_not_found")
    assert stored(application, page) == before


def test_a_save_whose_answer_was_lost_is_sent_again(as_editor: Caller):
    page = made(as_editor, html="<p>uno</p>")
    body = {"html": "<p>dos</p><script>1</script>", "title": "Dos", "revision": page["revision"]}
    first = as_editor.put(url_of(page), json=body)
    again = as_editor.put(url_of(page), json=body)
    assert (again.status_code, again.json) == (200, first.json)
    other = {**body, "title": "Tres"}
    assert as_editor.put(url_of(page), json=other).json["code"] == "revision_conflict"
    assert as_editor.put(url_of(page), json={"revision": 1}).json["code"] == "revision_conflict"


def test_a_change_says_from_which_revision_it_was_made(as_editor: Caller):
    page = made(as_editor, html="<p>uno</p>")
    for path, method, body in (
        ("", "PUT", {"html": "<p>dos</p>"}),
        ("/publish", "POST", {}),
    ):
        answer = as_editor.ask(method, url_of(page) + path, json=body)
        assert (answer.status_code, answer.json["code"]) == (428, "revision_required")
    now = saved(as_editor, page, html="<p>dos</p>")
    stale = {"html": '<p>tres</p><img src="' + inline(a_picture()) + '">', "revision": 1}
    answer = as_editor.put(url_of(page), json=stale)
    assert (answer.status_code, answer.json["code"]) == (409, "revision_conflict")
    assert answer.json["current"] == now
    told = answer.json["difference"].splitlines()
    assert "-<p>dos</p>" in told
    assert "+<p>tres</p>" in told
    answer = as_editor.post(f"{url_of(page)}/publish", json={"revision": 1})
    assert (answer.status_code, answer.json["difference"]) == (409, "")


def test_saving_what_is_there_changes_nothing(application: Application, as_editor: Caller):
    picture = inline(a_picture())
    page = made(as_editor, html=f'<p>x</p><img src="{picture}">', css="p{color:red}")
    before, counts = stored(application, page), application.counts()
    same = {each: page[each] for each in ("title", "slug", "locale", "html", "css", "seo")}
    assert saved(as_editor, page, **same) == page
    assert saved(as_editor, page, html=f'<p>x</p><img src="{picture}">') == page
    assert stored(application, page) == before
    assert application.counts() == counts | {"writes": application.counts()["writes"]}


LISTS = {
    "?search=": ["a", "b", "c"],
    "?search=&sort=-title": ["c", "b", "a"],
    "?search=&sort=created_at": ["b", "c", "a"],
    "?search=&sort=-created_at": ["a", "c", "b"],
    "?search=&sort=-updated_at": ["a", "b", "c"],
    "?search=&status=published&sort=title": ["b"],
    "?search=&status=draft&sort=title": ["a", "c"],
    "?search=&locale=en&sort=title": ["c"],
}


def test_the_list_is_searched_sorted_and_paged(as_editor: Caller):
    mark = unique("lista")
    b = made(as_editor, title=f"B {mark}")
    made(as_editor, title=f"C {mark}", locale="en")
    published(as_editor, b)
    made(as_editor, title=f"A {mark}")
    for query, expected in LISTS.items():
        asked = query.replace("?search=", f"?search={mark}") + (
            "" if "sort" in query else "&sort=title"
        )
        answer = as_editor.get(PAGES + asked).json
        assert [each["title"][0].lower() for each in answer["items"]] == expected, query
        assert answer["total"] == len(expected)
        assert "html" not in answer["items"][0]
        found, after = [], ""
        while after is not None:
            one = as_editor.get(f"{PAGES}{asked}&limit=1&after={after}").json
            found += [each["title"][0].lower() for each in one["items"]]
            after = one["next"]
        assert found == expected, query
    for query in ("sort=price", "status=old", "after=x"):
        assert as_editor.get(f"{PAGES}?{query}").status_code == 400


# Pictures


@pytest.mark.parametrize(
    "sort",
    [
        "title",
        *(pytest.param(f"{each}_at", marks=pytest.mark.long) for each in ("created", "updated")),
    ],
)
def test_a_list_has_pages_of_another_program_each_once(
    application: Application, as_editor: Caller, sort: str
):
    theirs = [new_id() for _ in range(3)]
    own = [made(as_editor, locale="gl")["id"] for _ in range(2)]
    pages = application.raw["page_content"]
    pages.insert_many([{"_id": each, "site": "default", "locale": "gl"} for each in theirs])
    try:
        for order in (sort, f"-{sort}"):
            seen, after = [], ""
            for _ in range(5):
                query = {"locale": "gl", "sort": order, "limit": 1, "after": after}
                answer = as_editor.get(PAGES, query_string=query)
                assert answer.status_code == 200, answer.text
                seen += [each["id"] for each in answer.json["items"]]
                after = answer.json["next"]
            assert after is None
            assert sorted(seen) == sorted([*theirs, *own])
    finally:
        pages.delete_many({"locale": "gl"})


def test_pictures_in_the_text_move_into_the_library(application: Application, as_editor: Caller):
    one, two = a_picture(), a_picture()
    html = f'<img src="{inline(one)}"><img src="{inline(one)}"><img src="{inline(two)}">'
    css = f"p{{background:url('{inline(two)}')}}"
    page = made(as_editor, html=html, css=css)
    assert len(page["images"]) == 2
    kept = stored(application, page)
    assert "data:" not in kept["draft"]["html"] + kept["draft"]["css"]
    assert HOST not in kept["draft"]["html"] + kept["draft"]["css"]
    for each in page["images"]:
        asset = application.raw["assets"].find_one({"_id": each["id"]})
        assert asset["claim"] == {"kind": "library", "id": "default"}
        assert "expires_at" not in asset
        assert as_editor.get(each["url"]).status_code == 200
    again = made(as_editor, html=html)
    assert {each["id"] for each in again["images"]} == {each["id"] for each in page["images"]}


REFUSED_PICTURES = {
    "broken": (lambda: pictures.photo(64, 48)[:300], 422, "broken_image"),
    "no picture": (lambda: b"hello", 415, "unsupported_media_type"),
    "empty": (lambda: b"", 400, None),
}


@table("why", REFUSED_PICTURES)
def test_a_picture_that_is_refused_leaves_nothing_of_the_others(
    application: Application, as_editor: Caller, why: str
):
    data, status, code = REFUSED_PICTURES[why]
    page = made(as_editor, html="<p>x</p>")
    before, kept = application.counts(), stored(application, page)
    html = f'<img src="{inline(a_picture())}"><img src="{inline(data())}">'
    answer = as_editor.put(url_of(page), json={"html": html, "revision": 1})
    if code:
        assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.status_code >= 400
    assert application.counts() == before
    assert stored(application, page) == kept


def test_a_save_that_loses_leaves_no_picture(
    application: Application, as_editor: Caller, monkeypatch: pytest.MonkeyPatch
):
    """Somebody saves after the revision was looked at, before the transaction."""
    page = made(as_editor, html="<p>x</p>")
    pages: PageService = application.app.extensions["avenue"][PageService]
    taking = pages._intake.taking

    def late(actor: Actor, *rest: Any) -> Any:
        monkeypatch.undo()
        saved(as_editor, page, html="<p>y</p>")
        nonlocal before
        before = application.counts()
        return taking(actor, *rest)

    before: dict[str, int] = {}
    monkeypatch.setattr(pages._intake, "taking", late)
    body = {"html": f'<img src="{inline(a_picture())}">', "revision": 1}
    answer = as_editor.put(url_of(page), json=body)
    assert (answer.status_code, answer.json["code"]) == (409, "revision_conflict")
    assert application.counts() == before
    assert as_editor.get(url_of(page)).json["html"] == "<p>y</p>"


@pytest.mark.parametrize("method", ["PUT", pytest.param("POST", marks=pytest.mark.long)])
def test_a_save_that_is_undone_leaves_no_picture(
    application: Application, as_editor: Caller, method: str
):
    """The picture is claimed already when the slug turns out to be another page's."""
    taken, page = made(as_editor)["slug"], made(as_editor, html="<p>x</p>")
    before, kept = application.counts(), stored(application, page)
    body = {"title": "x", "slug": taken, "html": f'<img src="{inline(a_picture())}">'}
    url = url_of(page) if method == "PUT" else PAGES
    answer = as_editor.ask(method, url, json=body | ({"revision": 1} if method == "PUT" else {}))
    assert (answer.status_code, answer.json["code"]) == (409, "slug_taken")
    assert application.counts() == before
    assert stored(application, page) == kept


def test_a_body_may_be_larger_than_other_json_but_not_without_end(application: Application):
    app = application.with_settings(max_page_mb=2)
    editor = application.new_person(unique("grande"), role=Role.EDITOR, app=app)
    page = editor.post(PAGES, json={"title": "x", "html": "<p>" + "y" * 1_100_000})
    assert (page.status_code, page.json["code"]) == (413, "content_too_large")
    answer = editor.post(PAGES, json={"title": "x", "html": "y" * 2_200_000})
    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")


@pytest.mark.long
def test_others_are_answered_while_a_page_that_takes_long_is_read(
    as_editor: Caller, nobody: Caller
):
    page = made(as_editor)
    # Python runs no other thread during one match of a regular expression.
    html = f'<img src="/a.png" srcset="/b.png{" " * 40_000}(">'
    css = "a{b:c}" * 15_000
    with Threads(1) as threads:
        saving = threads.submit(saved, as_editor, page, html=html, css=css)
        answers = [nobody.get("/healthz").status_code]
        while not saving.done():
            answers.append(nobody.get("/healthz").status_code)
        saving.result(0)
    assert len(answers) >= 5
    assert set(answers) == {200}


def test_what_is_gone_or_elsewhere_is_flagged_and_not_refused(
    application: Application, as_editor: Caller, picture: dict[str, Any]
):
    theirs = made(
        application.caller("editor_on_other_site"), html=f'<img src="{inline(a_picture())}">'
    )["images"][0]
    html = "".join(
        f'<img src="{each}">'
        for each in (
            picture["url"],
            f"/media/{new_id()}/original",
            f"/media/{theirs['id']}/original",
            "https://cdn.example/x.jpg",
            "/uploads/old.jpg",
        )
    )
    page = made(as_editor, html=html)
    assert [each["id"] for each in page["images"]] == [picture["id"]]
    reasons = sorted(each["reason"] for each in page["flagged"])
    assert reasons == ["gone", "gone", "local_path"]
    assert theirs["id"] in page["html"]  # a text that is sent back loses nothing
    assert saved(as_editor, page, html=page["html"]) == page


def test_a_private_upload_is_not_there_for_a_page(
    application: Application, as_editor: Caller, nobody: Caller
):
    answer = application.caller("client").post(
        "/api/uploads", data={"file": (io.BytesIO(a_picture()), "secreto.jpg")}
    )
    assert answer.status_code == 201, answer.text
    theirs = answer.json["id"]
    assert answer.json["file"]["visibility"] == "private"
    assert as_editor.get(f"/api/uploads/{theirs}").status_code == 404
    html = f'<img src="avenue:{theirs}/original"><a href="/media/{theirs}/thumb">x</a>'
    page = published(as_editor, made(as_editor, html=html, seo={"image": theirs}))
    assert page["images"] == []
    assert page["flagged"] == [{"url": f"avenue:{theirs}", "reason": "gone"}]
    for told in (page, as_editor.get(url_of(page)).json):
        assert "secreto" not in str(told)
        assert "placeholder" not in str(told)
    assert theirs not in nobody.get(f"/p/{page['slug']}").text


# History


def numbers(editor: Caller, page: Mapping[str, Any]) -> list[int]:
    return [each["number"] for each in editor.get(f"{url_of(page)}/history").json["items"]]


def later(application: Application, page: Mapping[str, Any], minutes: int = 6) -> None:
    """Let some minutes pass for the series of saves of a page."""
    found = stored(application, page)["series"]
    if found:
        at = found["at"] - timedelta(minutes=minutes)
        application.raw["page_content"].update_one({"_id": page["id"]}, {"$set": {"series.at": at}})


def test_saves_of_one_person_within_minutes_are_one_step(
    application: Application, as_editor: Caller, as_admin: Caller
):
    page = made(as_editor, html="<p>0</p>")
    for number in range(1, 4):
        page = saved(as_editor, page, html=f"<p>{number}</p>")
    assert numbers(as_editor, page) == []
    page = saved(as_admin, page, html="<p>4</p>")  # somebody else
    assert numbers(as_editor, page) == [1]
    later(application, page)
    page = saved(as_admin, page, html="<p>5</p>")
    page = saved(as_admin, page, html="<p>6</p>")
    assert numbers(as_editor, page) == [2, 1]
    page = saved(as_admin, published(as_admin, page), html="<p>7</p>")  # what visitors saw
    assert numbers(as_editor, page) == [3, 2, 1]
    page = saved(as_admin, page, html="<p>8</p>", slug=unique("otra-"))
    assert numbers(as_editor, page) == [3, 2, 1]
    entries = as_editor.get(f"{url_of(page)}/history").json["items"]
    assert [each["published"] for each in entries] == [True, False, False]
    texts = [as_editor.get(f"{url_of(page)}/history/{n}").json["html"] for n in (1, 2, 3)]
    assert texts == ["<p>3</p>", "<p>4</p>", "<p>6</p>"]
    assert [each["by"] for each in entries] == [as_admin.id, as_admin.id, as_editor.id]


def test_what_a_page_was_is_brought_back_and_what_it_is_kept(
    application: Application, as_editor: Caller, as_admin: Caller
):
    page = made(as_editor, html="<p>uno</p>", css="p{color:red}", seo={"title": "Uno"})
    first = dict(page)
    page = saved(as_admin, page, html="<p>dos</p>", css="", seo={"title": "Dos"}, title="Otra")
    body = {"revision": page["revision"]}
    answer = as_admin.post(f"{url_of(page)}/history/1/restore", json=body)
    assert answer.status_code == 200, answer.text
    same = ("title", "html", "css", "seo", "locale")
    assert {each: answer.json[each] for each in same} == {each: first[each] for each in same}
    assert answer.json["slug"] == page["slug"]
    assert as_admin.get(f"{url_of(page)}/history/2").json["html"] == "<p>dos</p>"
    stale = as_admin.post(f"{url_of(page)}/history/1/restore", json=body)
    assert stale.json["code"] == "revision_conflict"
    for number in (99, 2**70):
        answer = as_admin.post(f"{url_of(page)}/history/{number}/restore", json={"revision": 3})
        assert (answer.status_code, answer.json["code"]) == (404, "history_not_found")
    as_admin.delete(url_of(page))
    assert application.raw["page_history"].count_documents({"page": page["id"]}) == 0


def test_the_history_has_an_end(
    application: Application, as_editor: Caller, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(models, "KEPT", 3)
    monkeypatch.setattr(models, "KEPT_PUBLISHED", 1)
    monkeypatch.setattr(history_store, "SERIES", timedelta(0))
    page = made(as_editor, html="<p>0</p>")
    page = saved(as_editor, published(as_editor, page), html="<p>x</p>")
    for number in range(1, 6):
        page = saved(as_editor, page, html=f"<p>{number}</p>")
    assert numbers(as_editor, page) == [6, 5, 4, 1]
    assert application.raw["page_history"].count_documents({"page": page["id"]}) == 4


def test_a_site_has_so_many_pages(
    application: Application, as_editor: Caller, monkeypatch: pytest.MonkeyPatch
):
    there = application.raw["page_content"].count_documents({"site": "default"})
    monkeypatch.setattr(page_store, "MOST_PAGES", there + 1)
    made(as_editor)
    answer = as_editor.post(PAGES, json=DRAFT)
    assert (answer.status_code, answer.json["code"]) == (409, "too_many_pages")


# What visitors see


def test_visitors_get_a_whole_document_that_runs_nothing(
    as_editor: Caller, nobody: Caller, picture: dict[str, Any]
):
    page = made(
        as_editor,
        title='A "b" <c>',
        locale="es-PY",
        html=f"<h1>Hola</h1><img src=\"{picture['url']}\"><img src='https://x.example/y.jpg'>",
        css="h1{color:red}",
        seo={"title": "T & t", "description": "D </title>", "image": picture["id"]},
    )
    page = published(as_editor, page)
    answer = nobody.get(f"/p/{page['slug']}")
    assert answer.mimetype == "text/html"
    assert answer.headers["Cache-Control"] == KEPT
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'none'" in policy
    assert "default-src 'none'" in policy
    assert not {"Vary", "Set-Cookie"} & set(answer.headers.keys())
    text = answer.text
    assert text.startswith('<!doctype html>\n<html lang="es-PY" data-theme="light">')
    for expected in (
        "<title>T &amp; t</title>",
        '<meta name="description" content="D &lt;/title&gt;">',
        f'<link rel="canonical" href="{BASE}/p/{page["slug"]}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta property="og:title" content="T &amp; t">',
        "h1{color:red}",
        "<h1>Hola</h1>",
        picture["url"],
        'loading="lazy"',
    ):
        assert expected in text, expected
    shared = re.search('property="og:image" content="([^"]+/og.jpg)"', text)
    assert shared
    assert nobody.get(shared[1]).status_code == 200


def test_an_own_picture_gets_what_the_page_does_not_say(as_editor: Caller, nobody: Caller):
    data = inline(pictures.photo(1000, 500, seed=5, noise=False))
    page = made(as_editor, html=f'<img src="{data}"><img src="{data}" alt="Otro" width="10">')
    page = published(as_editor, page)
    first, second = re.findall("<img[^>]*>", nobody.get(f"/p/{page['slug']}").text)
    assert 'width="1000" height="500"' in first
    assert "320w" in first
    assert 'sizes="(max-width: 1000px) 100vw, 1000px"' in first
    assert "loading" not in first
    assert 'alt="Otro"' in second
    assert "height" not in second
    assert 'loading="lazy"' in second


def test_who_has_it_already_is_told_so(
    application: Application, as_editor: Caller, nobody: Caller, picture: dict[str, Any]
):
    page = published(as_editor, made(as_editor, html=f'<p>x</p><img src="{picture["url"]}">'))
    address = f"/p/{page['slug']}"
    first = nobody.get(address)
    tag = first.headers["ETag"]
    for known in (tag, f'W/{tag}, "x"', "*"):
        again = nobody.get(address, headers={"If-None-Match": known})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == KEPT
    head = nobody.ask("HEAD", address)
    assert (head.data, head.headers["ETag"]) == (b"", tag)
    assert head.headers["Content-Length"] == str(len(first.data))
    signed_in = as_editor.get(address)
    assert (signed_in.data, signed_in.headers["ETag"]) == (first.data, tag)
    # A replaced picture, another text about it and the name of the site change it.
    query = {"_id": picture["id"]}
    for change in ({"versions.0.sha256": "ab" * 32}, {"alt": {"es": "Zapato"}}):
        application.raw["assets"].update_one(query, {"$set": change})
        then = nobody.get(address, headers={"If-None-Match": tag})
        assert then.status_code == 200
        assert then.headers["ETag"] != tag
        tag = then.headers["ETag"]
    assert 'alt="Zapato"' in then.text


def test_a_picture_of_a_dead_disk_is_not_shown_to_visitors(
    application: Application, as_editor: Caller, nobody: Caller, picture: dict[str, Any]
):
    """For a path from before that leads to no public picture, a neutral one is shown."""
    found, lost = (f"/uploads/{unique('foto &')}.jpg" for _ in range(2))
    elsewhere = "https://cdn.example/uploads/a.jpg"
    html = "".join(
        f'<img src="{escape(quote(each, safe="/:&"))}" alt="Bota">'
        for each in (found, f"{BASE}{lost}", elsewhere)
    )
    page = published(as_editor, made(as_editor, html=f'{html}<a href="{lost}">Bota</a>'))
    paths = LegacyUrls(application.database)
    paths.put("default", found, picture["id"])
    address = f"/p/{page['slug']}"

    def shown() -> list[bool]:
        answer = nobody.get(address)
        tags.append(answer.headers["ETag"])
        return [NO_PICTURE not in each for each in re.findall("<img[^>]*>", answer.text)]

    tags: list[str] = []
    assert shown() == [True, False, True]
    query = {"_id": picture["id"]}
    application.raw["assets"].update_one(query, {"$set": {"visibility": "private"}})
    assert shown() == [False, False, True]
    application.raw["assets"].update_one(query, {"$set": {"visibility": "public"}})
    paths.put("default", lost, picture["id"])
    assert shown() == [True, True, True]
    assert len(set(tags)) == 3  # so nobody keeps the document that lacks a picture


def test_a_visitor_with_a_session_gets_what_everybody_gets(
    application: Application, as_editor: Caller, nobody: Caller
):
    page = published(as_editor, made(as_editor, html="<p>x</p>"))
    person = application.new_person(unique("visita"), role=Role.EDITOR)
    browser = FlaskClient(application.app, use_cookies=True)
    email = application.raw["users"].find_one({"_id": person.id})["email"]
    form = {"email": email, "password": PASSWORD}
    answer = browser.post("/login", base_url=BASE, data=form, headers={"Origin": BASE})
    assert answer.status_code == 303
    seen = browser.get(f"/p/{page['slug']}", base_url=BASE)
    plain = nobody.get(f"/p/{page['slug']}")
    assert seen.data == plain.data
    same = ("Cache-Control", "ETag", "Vary", "Set-Cookie")
    assert [seen.headers.get(each) for each in same] == [KEPT, plain.headers["ETag"], None, None]


def test_an_old_address_leads_on_while_nobody_else_is_there(as_editor: Caller, nobody: Caller):
    page = published(as_editor, made(as_editor))
    old, new = page["slug"], unique("nueva-")
    page = saved(as_editor, page, slug=new)
    answer = nobody.get(f"/p/{old}")
    assert (answer.status_code, answer.headers["Location"]) == (308, f"{BASE}/p/{new}")
    assert nobody.get(f"/p/{new}").status_code == 200
    page = saved(as_editor, page, slug=old)
    assert nobody.get(f"/p/{old}").status_code == 200
    assert nobody.get(f"/p/{new}").headers["Location"] == f"{BASE}/p/{old}"
    page = saved(as_editor, page, slug=unique("tercera-"))
    other = published(as_editor, made(as_editor, slug=new, html="<p>otra</p>"))
    assert "otra" in nobody.get(f"/p/{new}").text
    as_editor.delete(url_of(other))
    assert nobody.get(f"/p/{new}").status_code == 404
    as_editor.post(f"{url_of(page)}/unpublish")
    assert nobody.get(f"/p/{old}").status_code == 404


def test_a_page_names_itself_in_each_of_its_languages(
    application: Application, as_editor: Caller, nobody: Caller
):
    first = made(as_editor, title="Nosotros", locale="es", html="<p>Hola</p>")
    second = made(as_editor, title="About us", locale="en", translation_of=first["id"])
    third = made(as_editor, title="Sobre nós", locale="pt", translation_of=second["id"])
    assert third["translation_of"] == first["id"]  # of the one that all of them name
    published(as_editor, first)
    alone = nobody.get(f"/p/{first['slug']}").text
    assert "hreflang" not in alone  # the other languages are drafts
    for each in (second, third):
        published(as_editor, each)
    named = [(page["locale"], page["slug"]) for page in (second, first, third)]
    alternates = re.compile('<link rel="alternate" hreflang="([^"]+)" href="[^"]+/p/([^"]+)">')
    for page in (first, second, third):
        text = nobody.get(f"/p/{page['slug']}").text
        found = alternates.findall(text)
        assert [each for each in found if each[0] != "x-default"] == named
        to_others = re.findall(r'<a href="/p/[^"]+" hreflang="(..)"', text)
        assert to_others == [each for each, _ in named if each != page["locale"]]
    elsewhere = {"_id": "e" * 22, "site": "elsewhere", "slug": "x", "locale": "fr"}
    draft = {"html": "", "css": "", "locale": "fr", "translation_of": first["id"]}
    application.raw["page_content"].insert_one({**elsewhere, "draft": draft, "published": draft})
    assert "fr" not in dict(alternates.findall(nobody.get(f"/p/{first['slug']}").text))
    refused = as_editor.put(
        f"{PAGES}/{second['id']}", json={"translation_of": "e" * 22, "revision": 2}
    )
    assert (refused.status_code, refused.json["code"]) == (404, "page_not_found")


def test_a_draft_that_was_never_seen_leaves_no_old_address(as_editor: Caller, nobody: Caller):
    page = made(as_editor)
    old = page["slug"]
    published(as_editor, saved(as_editor, page, slug=unique("nueva-")))
    assert nobody.get(f"/p/{old}").status_code == 404


def test_visitors_and_new_titles_read_no_other_page(
    application: Application, as_editor: Caller, nobody: Caller
):
    page = published(as_editor, made(as_editor))
    raw = application.raw
    raw.command("profile", 2)
    try:
        assert nobody.get(f"/p/{page['slug']}").status_code == 200
        assert nobody.get(f"/p/{unique('nada-')}").status_code == 404
        made(as_editor)
    finally:
        raw.command("profile", 0)
    asked = [
        each
        for each in raw["system.profile"].find({"ns": f"{raw.name}.page_content", "op": "query"})
        if BY_PLACE.keys() & each["command"]["filter"].keys()
    ]
    raw.drop_collection("system.profile")
    assert len(asked) == 5
    for each in asked:
        (by,) = BY_PLACE.keys() & each["command"]["filter"].keys()
        assert each["planSummary"] == f"IXSCAN {BY_PLACE[by]}"
        assert each["docsExamined"] <= 1


def test_people_get_a_page_that_says_there_is_none(nobody: Caller):
    answer = nobody.get("/p/nada", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "s-maxage" not in answer.headers["Cache-Control"]


def test_the_site_map_has_the_published_pages(as_editor: Caller, nobody: Caller):
    seen, draft = published(as_editor, made(as_editor)), made(as_editor)
    text = nobody.get("/sitemap.xml").text
    assert f"<loc>{BASE}/p/{seen['slug']}</loc>" in text
    assert f"/p/{draft['slug']}<" not in text


def test_another_domain_changes_no_stored_byte_and_every_address(application: Application):
    elsewhere = application.caller("editor_on_other_site")
    own = made(elsewhere, html=f'<img src="{inline(a_picture())}">')["images"][0]
    page = made(
        elsewhere,
        html=f'<img src="{own["url"]}" srcset="{own["srcset"]}"><a href="{own["url"]}">x</a>',
        css=f"p{{background:url({own['display_url']})}}",
        seo={"image": own["id"]},
    )
    page = published(elsewhere, page)
    visitor = application.caller("nobody_on_other_site")
    before, seen = stored(application, page), visitor.get(f"/p/{page['slug']}").text
    new = unique("otro-dominio-") + ".example"
    sites: SiteService = application.app.extensions["avenue"][SiteService]
    sites.change_site("other", {"base_url": f"https://{new}"})
    try:
        then = visitor.get(f"/p/{page['slug']}").text
        assert stored(application, page) == before
        assert "other.example" not in then
        assert then == seen.replace("https://other.example", f"https://{new}")
        # Received again from the new domain, the same is stored.
        shown = elsewhere.get(url_of(page)).json
        assert "other.example" not in shown["html"] + shown["css"]
        again = saved(elsewhere, shown, html=shown["html"], css=shown["css"])
        assert again["revision"] == page["revision"]
    finally:
        sites.change_site("other", {"base_url": "https://other.example"})
    assert HOST not in str(before["draft"]) + str(before["published"])


# At the same time


def together(*calls: Any) -> list[TestResponse]:
    """Make calls from threads that begin together."""
    return at_once(len(calls), lambda number: calls[number]())


def unwatched(editor: Caller, method: str, url: str, body: Any) -> TestResponse:
    """Send a request from any thread: the watch is one thread's."""
    return editor.client().open(
        url,
        method=method,
        base_url=BASE,
        json=body,
        headers={"Authorization": f"Bearer {editor.token}"},
        buffered=True,
    )


def test_of_those_who_save_and_publish_at_once_one_wins_each_revision(
    application: Application, as_editor: Caller, nobody: Caller
):
    page = made(as_editor, html="<p>0</p>")
    url, texts = url_of(page), {"<p>0</p>"}
    for turn in range(1, 4):
        revision = page["revision"]
        bodies = [{"html": f"<p>{turn}-{who}</p>", "revision": revision} for who in range(4)]
        answers = together(
            *(partial(unwatched, as_editor, "PUT", url, body) for body in bodies),
            *[partial(unwatched, as_editor, "POST", f"{url}/publish", {"revision": revision})] * 2,
        )
        assert {each.status_code for each in answers} == {200, 409}
        taken = [each.json for each in answers if each.status_code == 200]
        (winner,) = [each for each in taken if each["revision"] == revision + 1]
        # Publishing what is published already changes nothing.
        assert all(each["status"] == "published" for each in taken if each is not winner)
        page = as_editor.get(url).json
        assert page == winner
        assert page["revision"] == revision + 1
        assert page["html"] in texts | {each["html"] for each in bodies}
        for each in answers:
            if each.status_code == 409:
                assert each.json["current"]["revision"] == revision + 1
        texts.add(page["html"])
        seen = stored(application, page)["published"]
        assert seen is None or seen["html"] in texts


# Usage


def scanned(application: Application) -> dict[str, set[str]]:
    """Which pages name which assets, by reading every page."""
    uses: dict[str, set[str]] = {}
    for page in application.raw["page_content"].find({"site": "default"}):
        for part in filter(None, (page["draft"], page["published"])):
            texts = f"{part['html']} {part['css']} avenue:{part['seo']['image']}/"
            for asset in re.findall("avenue:([A-Za-z0-9_-]{22})/", texts):
                uses.setdefault(asset, set()).add(page["_id"])
    return uses


def told(application: Application, assets: list[str]) -> dict[str, set[str]]:
    pages = use_store.PageUseStore(application.database)
    found = pages.uses_of("default", assets)
    assert set(pages.used_ids("default")) >= set(found)
    return {asset: {each.page_id for each in uses} for asset, uses in found.items()}


def random_edits(application: Application, editor: Caller, edits: int) -> None:
    rng = random.Random(20260131)
    html = "".join(f'<img src="{inline(a_picture())}">' for _ in range(8))
    assets = [each["id"] for each in made(editor, html=html)["images"]]
    pages = [made(editor) for _ in range(6)]

    def content() -> dict[str, Any]:
        used = rng.sample(assets, rng.randrange(4))
        texts = [
            f'<img src="/media/{used_id}/{rng.choice(["card", "original"])}">' for used_id in used
        ]
        css = "".join(f"p{{background:url(/media/{each}/original)}}" for each in used[:1])
        image = rng.choice([None, *assets])
        return {
            "html": "<p>" + "".join(texts) + str(rng.random()),
            "css": css,
            "seo": {"image": image},
        }

    for turn in range(edits):
        place = rng.randrange(len(pages))
        page = pages[place]
        match rng.choice(["save", "save", "save", "publish", "unpublish", "restore", "replace"]):
            case "save":
                pages[place] = saved(editor, page, **content())
            case "publish":
                pages[place] = published(editor, page)
            case "unpublish":
                pages[place] = editor.post(f"{url_of(page)}/unpublish").json
            case "restore":
                for number in numbers(editor, page)[:1]:
                    body = {"revision": page["revision"]}
                    url = f"{url_of(page)}/history/{number}/restore"
                    pages[place] = editor.post(url, json=body).json
            case "replace":
                editor.delete(url_of(page))
                pages[place] = made(editor, **content())
        if turn % 10 == 9:
            expected = {each: uses for each, uses in scanned(application).items() if each in assets}
            assert told(application, assets) == expected
    used = {each for each, uses in scanned(application).items() if uses}
    indexed = application.raw["page_content"].distinct("assets", {"site": "default"})
    assert set(indexed) == used


def test_usage_equals_a_full_scan_after_random_edits(application: Application, as_editor: Caller):
    random_edits(application, as_editor, 20)


@pytest.mark.long
def test_usage_equals_a_full_scan_after_a_thousand_random_edits(
    application: Application, as_editor: Caller
):
    random_edits(application, as_editor, 1000)


def test_usage_tells_draft_from_what_visitors_see_and_asks_an_index(
    application: Application, as_editor: Caller, picture: dict[str, Any]
):
    html = f'<img src="{picture["url"]}">'
    page = published(as_editor, made(as_editor, html=html))
    pages = use_store.PageUseStore(application.database)

    def where() -> list[tuple[bool, bool]]:
        found = pages.uses_of("default", [picture["id"]]).get(picture["id"], [])
        return [(each.in_draft, each.in_published) for each in found if each.page_id == page["id"]]

    assert where() == [(True, True)]
    page = saved(as_editor, page, html="<p>x</p>")
    assert where() == [(False, True)]
    page = published(as_editor, page)
    assert where() == []
    page = saved(as_editor, page, seo={"image": picture["id"]})
    assert where() == [(True, False)]
    query = {"site": "default", "assets": picture["id"]}
    plan = application.raw["page_content"].find(query).explain()["queryPlanner"]["winningPlan"]
    assert plan["inputStage"]["indexName"] == "site_1_assets_1"


def test_what_is_removed_by_force_leaves_every_page(
    application: Application, as_editor: Caller, nobody: Caller, picture: dict[str, Any]
):
    other = made(as_editor, html=f'<img src="{inline(a_picture())}">')["images"][0]
    html = (
        f'<p>a</p><img src="{picture["url"]}"><img src="{other["url"]}">'
        f'<a href="{picture["url"]}">foto</a><p>avenue:{picture["id"]}/original</p>'
    )
    css = f"p{{background:url({picture['url']});color:red}}"
    page = made(as_editor, html=html, css=css, seo={"image": picture["id"]})
    page = published(as_editor, page)
    pages: PageService = application.app.extensions["avenue"][PageService]
    actor = Actor(site=as_editor.site, id=as_editor.id, role=Role.EDITOR)
    for _ in range(2):  # repeatable
        pages.detach(actor, [picture["id"]])
        after = as_editor.get(url_of(page)).json
        assert picture["id"] not in str(stored(application, page))
        assert after["revision"] == page["revision"] + 1
        assert after["status"] == "published"
        assert other["url"] in after["html"]
        assert "color:red" in after["css"]
        assert after["html"].count("<img") == 1
        assert "foto" in after["html"]
    assert picture["id"] not in nobody.get(f"/p/{page['slug']}").text
    entry = as_editor.get(f"{url_of(page)}/history/1").json
    assert picture["id"] in entry["html"]
    assert entry["published"]


def test_the_library_knows_the_pages_that_use_a_picture(
    as_editor: Caller, nobody: Caller, picture: dict[str, Any]
):
    home = used_nowhere(as_editor, picture)
    page = published(as_editor, made(as_editor, html=f'<img src="{picture["url"]}">'))
    use = {
        "kind": "page",
        "id": page["id"],
        "title": page["title"],
        "where": ["draft", "published"],
        "url": f"{BASE}/admin/website/{page['id']}",
    }
    assert as_editor.get(f"{home}/usage").json == {"items": [use], "next": None, "total": 1}
    refused = as_editor.delete(home)
    assert (refused.status_code, refused.json["code"]) == (409, "media_in_use")
    assert refused.json["usage"] == [use]
    assert as_editor.delete(f"{home}?force=1").status_code == 204
    assert as_editor.get(url_of(page)).json["images"] == []
    assert "<img" not in nobody.get(f"/p/{page['slug']}").text


def test_pages_full_of_one_picture_hide_no_use_of_another(
    as_editor: Caller, picture: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(use_store, "MOST_USES", 2)
    other = made(as_editor, html=f'<img src="{inline(a_picture())}">')["images"][0]
    for _ in range(3):
        made(as_editor, html=f'<img src="{picture["url"]}">')
    ids = [picture["id"], other["id"]]
    told = as_editor.post("/api/builder/media/remove", json={"ids": ids}).json
    assert told["removed"] == []
    assert [each["id"] for each in told["in_use"]] == ids


def used_nowhere(editor: Caller, picture: Mapping[str, Any]) -> str:
    """The address of a picture in the library, the page it came with deleted."""
    home = f"/api/builder/media/{picture['id']}"
    for each in editor.get(f"{home}/usage").json["items"]:
        editor.delete(f"{PAGES}/{each['id']}")
    return home


@pytest.mark.long
@pytest.mark.parametrize("turn", range(4))
def test_a_page_that_begins_to_use_a_picture_and_its_removal_see_each_other(
    application: Application, as_editor: Caller, picture: dict[str, Any], turn: int
):
    """Both at once: the picture stays and is used, or it is gone and the page says so."""
    home, page = used_nowhere(as_editor, picture), made(as_editor)
    body = {"html": f'<img src="/media/{picture["id"]}/original">', "revision": 1}
    removed, answer = together(
        partial(unwatched, as_editor, "DELETE", home, None),
        partial(unwatched, as_editor, "PUT", url_of(page), body),
    )
    assert answer.status_code == 200, answer.text
    is_gone = removed.status_code == 204
    assert is_gone or removed.json["code"] == "media_in_use", removed.text
    now = as_editor.get(url_of(page)).json
    assert [each["reason"] for each in now["flagged"]] == (["gone"] if is_gone else [])
    state = application.raw["assets"].find_one({"_id": picture["id"]})["state"]
    assert state == ("trash" if is_gone else "live")


def test_a_page_and_a_removal_never_pass_each_other_unseen(
    application: Application, as_editor: Caller, picture: dict[str, Any]
):
    """The removal has looked for uses already when the page begins one."""
    used_nowhere(as_editor, picture)
    page, removed = made(as_editor), Claim.library("default")
    body = {"html": f'<img src="/media/{picture["id"]}/original">', "revision": 1}
    pages = use_store.PageUseStore(application.database)
    scope, looks = site(application.database, "default"), []

    def work(session: Any) -> bool:
        uses = pages.uses_of("default", [picture["id"]], session)
        looks.append(len(uses))
        if len(looks) == 1:  # and now somebody saves, before the asset is touched
            assert unwatched(as_editor, "PUT", url_of(page), body).status_code == 200
        assets = scope.collection("assets").within(session)
        return not uses and trash_one(
            assets, picture["id"], removed, position=0, by=None, reason="removed"
        )

    assert not scope.transaction(work)
    assert looks == [0, 1]


# Pages of another program


@pytest.fixture
def imported(application: Application) -> Iterator[Callable[..., str]]:
    """Stores pages as another application left them, and takes them away again."""
    ids: list[str] = []

    def store_page(**fields: Any) -> str:
        ids.append(unique("page-"))
        document = {"_id": ids[-1], "site": "default", "title": "Inicio", **fields}
        application.raw["page_content"].insert_one(document)
        return ids[-1]

    yield store_page
    application.raw["page_content"].delete_many({"_id": {"$in": ids}})


UNCLEANED = {
    "html": '<h1 onclick="x()" style="color:red;background:url(javascript:x())">Hola</h1>'
    '<script>x()</script><a href="javascript:x()">a</a><img src="/uploads/a.jpg">',
    "css": "@import 'https://evil.example/x.css';h1{color:red;behavior:url(x.htc)}</style><b>",
}


@pytest.mark.long
@pytest.mark.parametrize("sort", ["updated_at", "created_at", "title"])
@pytest.mark.parametrize("way", ["", "-"])
def test_pages_of_another_program_stand_in_lists(
    as_editor: Caller, imported: Callable[..., str], sort: str, way: str
):
    wanted = {imported() for _ in range(3)} | {made(as_editor)["id"] for _ in range(2)}
    seen: list[str] = []
    after = ""
    for _ in range(500):
        found = as_editor.get(f"{PAGES}?limit=2&sort={way}{sort}&after={after}").json
        seen += [each["id"] for each in found["items"]]
        if not found["next"]:
            break
        after = found["next"]
    assert len(seen) == len(set(seen)) == found["total"]
    assert wanted <= set(seen)


def test_what_nobody_cleaned_is_never_shown_as_it_is(
    as_editor: Caller, nobody: Caller, imported: Callable[..., str]
):
    slug = unique("inicio-").lower()
    page_id = imported(slug=slug, draft=UNCLEANED, published=UNCLEANED)
    shown = nobody.get(f"/p/{slug}")
    assert shown.status_code == 200
    assert "<h1" in shown.text
    assert "color:red" in shown.text
    page = as_editor.get(f"{PAGES}/{page_id}").json
    for text in (shown.text, page["html"] + page["css"]):
        for bad in ("script>", "javascript:", "onclick", "@import", "evil", "behavior", "<b>"):
            assert bad not in text


def test_what_a_page_of_another_program_had_is_kept(
    application: Application, as_editor: Caller, nobody: Caller, imported: Callable[..., str]
):
    parts = {"components": [{"tagName": "h1"}], "styles": []}
    before = {"draft": {**UNCLEANED, **parts}, "published": {**parts, "html": "<p>Antes</p>"}}
    page_id = imported(**before)
    page = as_editor.get(f"{PAGES}/{page_id}").json
    assert (page["slug"], page["url"], page["status"]) == ("", None, "changed")
    page = saved(as_editor, page, title="Portada")
    assert page["slug"].startswith("inicio")
    assert "<p>Antes</p>" in nobody.get(f"/p/{page['slug']}").text
    page = published(as_editor, page)
    assert "Hola" in nobody.get(f"/p/{page['slug']}").text
    draft = stored(application, page)["draft"]
    assert draft["is_cleaned"]
    assert "script" not in draft["html"]
    (entry,) = application.raw["page_history"].find({"page": page_id, "number": 1})
    assert {name: entry[name] for name in UNCLEANED} == UNCLEANED
    assert entry["imported"] == {"draft": parts, "published": before["published"]}
    shown = as_editor.get(f"{PAGES}/{page_id}/history/1").json
    assert "script>" not in shown["html"]
    assert "@import" not in shown["css"]


def test_what_a_page_of_another_program_had_outlives_its_history(
    application: Application,
    as_editor: Caller,
    imported: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
):
    for limit in ("KEPT", "KEPT_IN_ANY_CASE"):
        monkeypatch.setattr(models, limit, 1)
    page = as_editor.get(f"{PAGES}/{imported(draft=UNCLEANED)}").json
    for text in "abc":
        page = saved(as_editor, page, html=text)
        later(application, page)
    assert numbers(as_editor, page) == [3, 1]


def test_taking_a_page_of_another_program_back_loses_nothing(
    application: Application, as_editor: Caller, imported: Callable[..., str]
):
    slug = unique("inicio-").lower()
    page_id = imported(slug=slug, draft=UNCLEANED, published={"html": "<p>Antes</p>", "n": 1})
    assert as_editor.post(f"{PAGES}/{page_id}/unpublish").status_code == 200
    (entry,) = application.raw["page_history"].find({"page": page_id})
    assert entry["imported"]["published"] == {"html": "<p>Antes</p>", "n": 1}
