"""What an editor sees and shares of a page before it is published."""

from datetime import timedelta
from typing import Any

import pytest

from avenue.builder.website import previews
from avenue.clock import utc_now
from tests import pictures
from tests.http.application import Application, Caller
from tests.http.test_pages import BASE, inline, made, published, saved, url_of


def shared(editor: Caller, page: dict[str, Any], **body: Any) -> str:
    """Return the path of a link to the draft of `page`."""
    answer = editor.post(f"{url_of(page)}/preview", json=body)
    assert answer.status_code == 200, answer.text
    address: str = answer.json["url"]
    assert address.startswith(f"{BASE}/preview/")
    return address.removeprefix(BASE)


def test_a_link_shows_the_draft_to_whoever_has_it(as_editor: Caller, nobody: Caller):
    page = published(as_editor, made(as_editor, html="<h1>Antes</h1>"))
    saved(as_editor, page, html="<h1>Después</h1>")
    path = shared(as_editor, page)
    answer = nobody.get(path, headers={"Accept-Language": "es"})
    assert answer.status_code == 200
    assert "<h1>Después</h1>" in answer.text
    assert "vista previa de un borrador" in answer.text
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "script-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<h1>Antes</h1>" in nobody.get(f"/p/{page['slug']}").text
    as_editor.delete(url_of(page))
    assert nobody.get(path).status_code == 404


def test_a_link_ends_and_holds_nowhere_else(
    application: Application,
    as_editor: Caller,
    nobody: Caller,
    monkeypatch: pytest.MonkeyPatch,
):
    page = made(as_editor)
    path = shared(as_editor, page, seconds=60)
    assert nobody.get(path).status_code == 200
    assert application.caller("nobody_on_other_site").get(path).status_code == 404
    token = path.rpartition("/")[2]
    # The last letter of all says too little: two bits of it are for nothing (RFC 4648, section 5).
    forged = f"{token[:-2]}{'A' if token[-2] != 'A' else 'B'}{token[-1]}"
    for wrong in (forged, token[1:], "x", "A" * 5000):
        assert nobody.get(f"/preview/{wrong}").status_code == 404
    monkeypatch.setattr(previews, "utc_now", lambda: utc_now() + timedelta(seconds=61))
    assert nobody.get(path).status_code == 404
    for seconds in (59, previews.MOST_SECONDS + 1, "60", True):
        answer = as_editor.post(f"{url_of(page)}/preview", json={"seconds": seconds})
        assert answer.status_code == 400


def test_what_to_look_at_before_publishing_is_named(as_editor: Caller):
    picture = inline(pictures.photo(60, 40, noise=False, seed=8))
    html = (
        "<h2>Un título</h2><p>Write your text here.</p>"
        "<p>Escribí aquí lo que querés contar.</p><p>Choose a picture for here</p>"
        "<p>Lorem ipsum dolor</p>"
        '<p>Se entrega en 24 horas. <a href="#">Más detalles</a> <a href="/p/otra">Otra</a></p>'
        f'<img src="{picture}"><img src="https://images.example/a.jpg" alt="">'
        '<img src="/static/uploads/mate.jpg" alt="Mate">'
    )
    page = made(as_editor, html=html)
    name = page["images"][0]["name"]
    remarks = as_editor.get(f"{url_of(page)}/checks").json["items"]
    assert [(each["kind"], each["where"]) for each in remarks] == [
        ("placeholder_text", "Un título"),
        ("placeholder_text", "Write your text here."),
        ("placeholder_text", "Escribí aquí lo que querés contar."),
        ("placeholder_text", "Choose a picture for here"),
        ("placeholder_text", "Lorem ipsum dolor"),
        ("empty_link", "Más detalles"),
        ("picture_without_alt", name),
        ("broken_address", "/static/uploads/mate.jpg"),
    ]
    as_editor.patch(
        f"/api/builder/media/{page['images'][0]['id']}", json={"alt": {"es": "Un mate"}}
    )
    fixed = saved(as_editor, page, html=f'<h2>Mates</h2><img src="{page["images"][0]["url"]}">')
    assert as_editor.get(f"{url_of(fixed)}/checks").json["items"] == []
    many = "".join(f'<a href="#">{number}</a>' for number in range(150))
    full = saved(as_editor, fixed, html=many)
    assert len(as_editor.get(f"{url_of(full)}/checks").json["items"]) == 100
