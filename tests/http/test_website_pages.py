"""A site's own pages in the panel without JavaScript: found, made, edited, published, deleted."""

import html
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from avenue.clock import utc_now
from avenue.identity import Role
from avenue.web.headers import EDITOR_POLICY
from tests.http.application import Application, Caller, unique

API, PAGE = "/api/builder/pages", "/admin/website"
IN_ENGLISH = {"Accept-Language": "en", "Accept": "text/html"}
NAME = re.compile(r'<a class="name" href="/admin/website/[^"]*">([^<]*)</a>')
LARGE = 200_000


@pytest.fixture
def editor(application: Application) -> Caller:
    return application.new_person(unique("editora"), role=Role.EDITOR)


def read(caller: Caller, url: str, status: int = 200) -> str:
    answer = caller.get(url, headers=IN_ENGLISH)
    assert answer.status_code == status, answer.text
    return html.unescape(answer.text)


def send(caller: Caller, url: str, status: int = 303, **form: Any) -> Any:
    answer = caller.post(url, data=form, headers=IN_ENGLISH)
    assert answer.status_code == status, answer.text
    return answer


def made(editor: Caller, title: str) -> dict[str, Any]:
    """A page made by the form of the list, as the API has it."""
    where = send(editor, PAGE, title=title).headers["Location"]
    assert re.fullmatch(rf"{PAGE}/[\w-]{{22}}", where)
    page: dict[str, Any] = editor.get(f"{API}/{where.rpartition('/')[2]}").json
    return page


def form_of(page: Mapping[str, Any], **typed: str) -> dict[str, Any]:
    """What a browser sends of the form that shows `page`, some of it `typed` anew."""
    fields = {name: page[name] for name in ("revision", "title", "slug", "locale", "html", "css")}
    seo = {f"seo_{name}": page["seo"][name] for name in ("title", "description")}
    return {**fields, **seo, **typed}


# The list


@pytest.mark.long
def test_pages_are_found_and_narrowed_down(editor: Caller) -> None:
    word = unique("palabra")
    first, second = made(editor, f"{word} uno"), made(editor, f"{word} dos")
    send(editor, f"{PAGE}/{first['id']}/publish", revision=first["revision"])
    lists = {
        "sort=title": [f"{word} dos", f"{word} uno"],
        "": [f"{word} uno", f"{word} dos"],
        "sort=created_at": [f"{word} uno", f"{word} dos"],
        "sort=nonsense": [f"{word} uno", f"{word} dos"],
        "status=published": [f"{word} uno"],
        "status=draft": [f"{word} dos"],
        "status=nonsense": [f"{word} uno", f"{word} dos"],
        "status=changed": [],
    }
    for query, found in lists.items():
        shown = read(editor, f"{PAGE}?search={word}&{query}")
        assert NAME.findall(shown) == found, query
    assert "No pages match" in read(editor, f"{PAGE}?search={word}&status=changed")
    assert f"/p/{second['slug']}" in shown or second["slug"] in read(
        editor, f"{PAGE}?search={word}"
    )


@pytest.mark.long
def test_one_can_page_on_and_back(editor: Caller) -> None:
    word = unique("hoja")
    whole = [f"{word} {each}" for each in ("Ábaco", "barco", "Casa", "dado", "Éxito")]
    for title in whole:
        made(editor, title)

    def link(shown: str, rel: str) -> str:
        found = re.search(rf'href="([^"]*)" rel="{rel}"', shown)
        return found[1] if found else ""

    for sort in ("title", "created_at", "updated_at"):
        first = read(editor, f"{PAGE}?search={word}&sort={sort}&limit=2")
        second = read(editor, link(first, "next"))
        last = read(editor, link(second, "next"))
        assert NAME.findall(first) + NAME.findall(second) + NAME.findall(last) == whole
        assert link(last, "next") == ""
        assert NAME.findall(read(editor, link(last, "prev"))) == whole[2:4]
        back = read(editor, link(second, "prev"))
        assert NAME.findall(back) == whole[:2]
        assert link(back, "prev") == ""


def test_a_page_is_published_taken_back_and_deleted_from_the_list(
    application: Application, editor: Caller
) -> None:
    page, nobody = made(editor, unique("Página ")), application.caller("nobody")
    one, address = f"{PAGE}/{page['id']}", f"/p/{page['slug']}"
    assert nobody.get(address).status_code == 404
    send(editor, f"{one}/publish", status=409, revision=page["revision"] + 7)
    send(editor, f"{one}/publish", status=400, revision="x")
    send(editor, f"{one}/publish", status=428)
    assert nobody.get(address).status_code == 404
    assert "said=publish" in send(editor, f"{one}/publish", revision=page["revision"]).location
    assert nobody.get(address).status_code == 200
    send(editor, f"{one}/unpublish")
    assert nobody.get(address).status_code == 404
    assert "cannot be restored" in read(editor, f"{one}/delete")
    assert send(editor, f"{one}/delete").location == f"{PAGE}?said=removed"
    for url in (one, f"{one}/delete"):
        read(editor, url, status=404)
    for url in (f"{one}/publish", f"{one}/unpublish", f"{one}/delete", one):
        send(editor, url, status=404, revision=1)


def test_what_to_look_at_is_said_before_a_page_is_published(
    application: Application, editor: Caller
) -> None:
    page, nobody = made(editor, unique("Prueba ")), application.caller("nobody")
    one, address = f"{PAGE}/{page['id']}", f"/p/{page['slug']}"
    typed = form_of(page, html='<p>Write your text here.</p><a href="#">Más</a>', then="publish")
    asked = html.unescape(send(editor, one, status=200, **typed).text)
    assert "sample text of the block: <q>Write your text here.</q>" in asked
    assert "leads nowhere: <q>Más</q>" in asked
    assert nobody.get(address).status_code == 404
    saved = editor.get(f"{API}/{page['id']}").json
    assert "Write your text" in saved["html"]
    revision = saved["revision"]
    assert "<q>Más</q>" in send(editor, f"{one}/publish", status=200, revision=revision).text
    at = {"publish_at": f"{utc_now() + timedelta(days=2):%Y-%m-%dT%H:%M}"}
    asked = send(editor, f"{one}/schedule", status=200, **at).text
    assert f'name="publish_at" value="{at["publish_at"]}"' in asked
    assert f'action="{one}/schedule"' in asked
    assert editor.get(f"{API}/{page['id']}").json["publish_at"] is None
    send(editor, f"{one}/schedule", **at, anyway=1)
    assert editor.get(f"{API}/{page['id']}").json["publish_at"] is not None
    send(editor, f"{one}/publish", revision=revision, anyway=1)
    assert nobody.get(address).status_code == 200


def test_a_page_needs_a_title(editor: Caller) -> None:
    for title in ("", "  ", "x" * 201):
        answer = send(editor, PAGE, status=200, title=title)
        assert "Enter a title of at most 200 characters." in answer.text


# The editor


def test_the_editor_brings_the_page_along_under_a_policy_of_its_own(editor: Caller) -> None:
    page = made(editor, "A </script><b>title")
    answer = editor.get(f"{PAGE}/{page['id']}", headers=IN_ENGLISH)
    assert answer.headers["Content-Security-Policy"] == EDITOR_POLICY
    assert "script-src 'self';" in EDITOR_POLICY
    assert "font-src 'self'" in EDITOR_POLICY
    assert "</script><b>" not in answer.text
    [facts] = re.findall(r'<script type="application/json" id="facts">(.*)</script>', answer.text)
    assert json.loads(facts)["page"] == editor.get(f"{API}/{page['id']}").json
    assert editor.get(PAGE).headers["Content-Security-Policy"] != EDITOR_POLICY


def test_the_form_saves_and_publishes(application: Application, editor: Caller) -> None:
    page, nobody = made(editor, unique("Formulario ")), application.caller("nobody")
    one, slug = f"{PAGE}/{page['id']}", unique("formulario")
    typed = {
        "slug": slug,
        "html": "<h2>Hola</h2>\r\n<p>uno</p><script>1</script>",
        "css": "p { color: red }",
        "seo_title": "Para buscadores",
        "seo_description": "uno\r\ndos",
    }
    assert send(editor, one, **form_of(page, **typed)).location == f"{one}?said=saved"
    saved = editor.get(f"{API}/{page['id']}").json
    assert (saved["html"], saved["slug"]) == ("<h2>Hola</h2>\n<p>uno</p>", slug)
    assert saved["seo"] == {"title": "Para buscadores", "description": "uno\ndos", "image": None}
    assert saved["status"] == "draft"
    same = form_of(saved, seo_description="uno\r\ndos")  # what is as it was changes nothing
    again = send(editor, one, **same)
    assert again.location == f"{one}?said=saved"
    assert editor.get(f"{API}/{page['id']}").json["revision"] == saved["revision"]
    send(editor, one, **form_of(saved, html="<p>dos</p>"), then="publish")
    assert "<p>dos</p>" in nobody.get(f"/p/{slug}").text
    assert "Page published." in read(editor, f"{one}?said=publish")
    published = editor.get(f"{API}/{page['id']}").json
    send(editor, one, **form_of(published), then="unpublish")
    assert nobody.get(f"/p/{slug}").status_code == 404


def test_a_form_may_be_as_large_as_a_page(editor: Caller) -> None:
    page, text = made(editor, unique("Grande ")), "á" * LARGE
    send(editor, f"{PAGE}/{page['id']}", **form_of(page, html=f"<p>{text}</p>"))
    assert editor.get(f"{API}/{page['id']}").json["html"] == f"<p>{text}</p>"


@pytest.mark.long
def test_what_is_wrong_in_the_form_is_said_and_what_was_typed_stays(editor: Caller) -> None:
    page, other = made(editor, unique("Mal ")), made(editor, unique("Otra "))
    one = f"{PAGE}/{page['id']}"
    wrong = {
        "title": ("", 400, "Title: This cannot be empty."),
        "slug": ("No Es", 400, "Address: Invalid format"),
        "seo_description": ("x" * 501, 400, "Description for search engines: Enter at most 500"),
    }
    for name, (value, status, sentence) in wrong.items():
        answer = send(editor, one, status, **form_of(page, html="<p>typed</p>", **{name: value}))
        assert sentence in html.unescape(answer.text), name
        assert "&lt;p&gt;typed&lt;/p&gt;</textarea>" in answer.text
    answer = send(editor, one, 409, **form_of(page, slug=other["slug"]))
    assert f"Another page already uses the address {other['slug']}." in answer.text
    assert editor.get(f"{API}/{page['id']}").json == page


def test_who_was_slower_sees_the_difference_and_may_keep_their_own(editor: Caller) -> None:
    page = made(editor, unique("Carrera "))
    one = f"{PAGE}/{page['id']}"
    send(editor, one, **form_of(page, html="<p>theirs</p>"))
    answer = send(editor, one, 409, **form_of(page, html="<p>mine</p>"))
    shown = html.unescape(answer.text)
    assert "Someone else changed this page" in shown
    assert "-<p>theirs</p>" in shown
    assert "+<p>mine</p>" in shown
    [revision] = re.findall(r'name="revision" value="(\d+)"', shown)
    send(editor, one, **form_of(page, html="<p>mine</p>", revision=revision))
    assert editor.get(f"{API}/{page['id']}").json["html"] == "<p>mine</p>"
