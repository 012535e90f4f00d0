"""How the public pages of a site look, and what an administrator may put around them."""

import re
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from avenue.builder.website.pages import POLICY
from avenue.identity import Role
from avenue.sites.service import SiteService
from avenue.web.headers import STOREFRONT_POLICY
from tests import pictures
from tests.http.application import Application, Caller, a_picture, unique
from tests.table import table

SITE, PAGES = "/api/site", "/api/builder/pages"
IN_ENGLISH = {"Accept": "text/html", "Accept-Language": "en"}
STYLE = re.compile(r'<link rel="stylesheet" href="(/theme\.css\?v=[0-9a-f]{12})">')


@pytest.fixture(autouse=True)
def sites_as_before(application: Application) -> Any:
    before = list(application.raw["sites"].find())
    yield
    application.raw["sites"].delete_many({})
    application.raw["sites"].insert_many(before)
    forget(application)


def forget(application: Application) -> None:
    """Let the next request see what was stored behind the application's back."""
    application.app.extensions["avenue"][SiteService]._known.forget()


def published(editor: Caller, **fields: Any) -> str:
    """The path of a page that everybody sees."""
    page = editor.post(PAGES, json={"title": unique("Página "), **fields}).json
    url = f"{PAGES}/{page['id']}/publish"
    assert editor.post(url, json={"revision": page["revision"]}).status_code == 200
    return f"/p/{page['slug']}"


def seen(caller: Caller, path: str) -> str:
    answer = caller.get(path, headers=IN_ENGLISH)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


HOSTILE = {
    "a script in the menu": {"menu": [{"label": "x", "to": "javascript:alert(1)"}]},
    "one in capitals": {"menu": [{"label": "x", "to": "JavaScript:alert(1)"}]},
    "one behind a line end": {"menu": [{"label": "x", "to": "java\nscript:alert(1)"}]},
    "data": {"legal": [{"label": "x", "to": "data:text/html,<script>1</script>"}]},
    "another host without a scheme": {"menu": [{"label": "x", "to": "//evil.example"}]},
    "the same with a backslash": {"menu": [{"label": "x", "to": "/\\evil.example"}]},
    "a name and password": {"menu": [{"label": "x", "to": "https://a:b@evil.example"}]},
    "a quote in a link": {"menu": [{"label": "x", "to": '/p/a"onclick="x'}]},
    "a header in a letter": {"menu": [{"label": "x", "to": "mailto:a@b.example?bcc=c@d.example"}]},
    "a link without an end": {"menu": [{"label": "x", "to": "/" + "a" * 500}]},
    "a label without an end": {"menu": [{"label": "x" * 41, "to": "/"}]},
    "a label of two lines": {"menu": [{"label": "a\nb", "to": "/"}]},
    "a label without a letter": {"menu": [{"label": " ", "to": "/"}]},
    "too many links": {"menu": [{"label": "x", "to": "/"}] * 13},
    "a link with more": {"menu": [{"label": "x", "to": "/", "onclick": "x"}]},
    "a font of their own": {"theme": {"text": "Comic Sans; } body { display: none"}},
    "a font from elsewhere": {"theme": {"text": "url(https://evil.example/x.woff2)"}},
    "another setting": {"theme": {"css": "body{}"}},
    "no e-mail": {"contact": {"email": "a@b.example?cc=x@y.example"}},
    "no telephone": {"contact": {"phone": "123;ext=javascript:"}},
    "a number without its country": {"contact": {"whatsapp": "0981 123 456"}},
    "a number without an end": {"contact": {"whatsapp": "+" + "1" * 16}},
    "a profile elsewhere": {"contact": {"instagram": "https://evil.example/instagram.com"}},
    "a host that only ends so": {"contact": {"instagram": "https://evilinstagram.com/x"}},
    "a profile without TLS": {"contact": {"facebook": "http://facebook.com/luna"}},
    "a script as a profile": {"contact": {"x": "javascript:alert(1)//x.com"}},
    "a control character in the address": {"contact": {"address": "a\x1bb"}},
}


@table("what", HOSTILE)
def test_what_could_do_harm_is_refused_and_leaves_nothing(application: Application, what: str):
    before = application.raw["sites"].find_one({"_id": "default"})
    answer = application.caller("admin").patch(SITE, json=HOSTILE[what])
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_body"), answer.text
    assert application.raw["sites"].find_one({"_id": "default"}) == before


def test_header_menu_and_footer_stand_around_pages_and_storefront(
    application: Application, as_editor: Caller, nobody: Caller
):
    path = published(as_editor, html="<p>Hola</p>", locale="en")
    admin = application.caller("admin")
    assert admin.upload("/api/site/logo", a_picture(), method="PUT").status_code == 201
    answer = admin.patch(
        SITE,
        json={
            "name": "Luna & Sol",
            "menu": [
                {"label": "Hoy <b>", "to": path},
                {"label": "Map", "to": "https://m.example/a?b=1&c"},
            ],
            "legal": [{"label": "Privacy", "to": "/p/privacy"}],
            "contact": {
                "email": "hola@luna.example",
                "phone": "(021) 555-123",
                "whatsapp": "+595 981 123 456",
                "address": "Palma 1 <i>\nAsunción",
                "instagram": "@luna.py",
                "youtube": "luna",
                "facebook": "https://es-la.facebook.com/luna",
            },
        },
    )
    assert answer.status_code == 200, answer.text
    assert answer.json["contact"]["instagram"] == "https://www.instagram.com/luna.py"
    missing = nobody.get("/p/nothing-here", headers=IN_ENGLISH)
    assert missing.status_code == 404
    assert missing.headers["Content-Security-Policy"] == STOREFRONT_POLICY
    assert '<meta name="robots" content="noindex">' in missing.text
    for page in (seen(nobody, path), seen(nobody, "/"), missing.text):
        for expected in (
            'alt="Luna &amp; Sol"',
            f'<a href="{path}"',
            ">Hoy &lt;b&gt;</a>",
            '<a href="https://m.example/a?b=1&amp;c" rel="noopener noreferrer">Map</a>',
            '<a href="/p/privacy">Privacy</a>',
            '<a href="tel:021555123">(021) 555-123</a>',
            '<a href="mailto:hola@luna.example">',
            'href="https://wa.me/595981123456"',
            "Palma 1 &lt;i&gt;\nAsunción",
            'href="https://www.youtube.com/@luna"',
            'href="https://es-la.facebook.com/luna" rel="me noopener noreferrer"',
        ):
            assert expected in page, expected
        assert page.count("<header") == page.count("<main") == page.count("<footer") == 1
        assert page.count("<h1") == 1
    assert f'<a href="{path}" aria-current="page">' in seen(nobody, path)
    elsewhere = application.caller("nobody_on_other_site")
    assert "luna.example" not in seen(elsewhere, "/")
    panel = application.caller("admin").get("/admin/products", headers=IN_ENGLISH).text
    assert "theme.css" not in panel
    assert "wa.me" not in panel


ELSEWHERE = {
    "a page that is none": ("nobody", "/nothing/here", True),
    "a product that is none": ("nobody", f"/products/{'x' * 22}", True),
    "a page of the panel": ("admin", "/admin/nothing", False),
    "a link to choose a password": ("nobody", "/login/nothing", False),
    "not for visitors": ("nobody", "/?after=nonsense", False),
}


@table("what", ELSEWHERE)
def test_what_is_not_there_is_told_by_the_site_where_visitors_come(
    application: Application, what: str
):
    who, path, is_of_site = ELSEWHERE[what]
    answer = application.caller(who).get(path, headers=IN_ENGLISH)
    assert answer.status_code in {400, 404}
    assert ("theme.css" in answer.text) == is_of_site
    assert answer.headers["Cache-Control"] == "no-store"


def test_other_programs_show_a_page_by_its_first_picture(as_editor: Caller, nobody: Caller):
    shown = [
        as_editor.upload(f"/api/builder/media?name={n}.jpg", pictures.photo(800, 600, seed=n)).json
        for n in (1, 2)
    ]
    html = "".join(f'<img src="{each["url"]}" alt="">' for each in shown)
    for seo, first in (({}, shown[0]), ({"image": shown[1]["id"]}, shown[1])):
        page = seen(nobody, published(as_editor, html=html, seo=seo, locale="es-PY"))
        (preview,) = re.findall('property="og:image" content="([^"]+)"', page)
        assert first["id"] in preview
        width, height = Image.open(BytesIO(nobody.get(preview).data)).size
        assert f'<meta property="og:image:width" content="{width}">' in page
        assert f'<meta property="og:image:height" content="{height}">' in page
        assert '<meta property="og:locale" content="es_PY">' in page


def test_what_another_program_stored_is_shown_only_where_it_is_safe(
    application: Application, as_editor: Caller, nobody: Caller
):
    path = published(as_editor, html="<p>Hola</p>")
    bad = {
        "theme": {"text": "} body{display:none", "buttons": "pill", "more": "x"},
        "menu": [{"label": "bad", "to": "javascript:alert(1)"}, {"label": "good", "to": "/"}],
        "contact": {"email": "x\"onclick='1'", "x": "javascript:1", "phone": "021 555 123"},
    }
    application.raw["sites"].update_one({"_id": "default"}, {"$set": bad})
    forget(application)
    for page in (seen(nobody, path), seen(nobody, "/")):
        assert "javascript:" not in page
        assert "onclick" not in page
        assert ">good</a>" in page
        assert "tel:021555123" in page
        style = nobody.get(STYLE.search(page)[1]).text  # type: ignore[index]
        assert "display:none" not in style
        assert "--button-radius: 99rem" in style


def test_the_style_sheet_is_kept_for_ever_and_named_by_what_is_in_it(
    application: Application, as_editor: Caller, nobody: Caller
):
    path, admin = published(as_editor, html="<p>Hola</p>"), application.caller("admin")
    first = STYLE.search(seen(nobody, path))
    assert first
    before, etag = nobody.get(path), nobody.get(first[1]).headers["ETag"]
    admin.patch(SITE, json={"theme": {"text": "figtree", "headings": "source-serif-4"}})
    after = nobody.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    second = STYLE.search(after.text)
    assert second
    assert second[1] != first[1]
    assert second[1] in seen(nobody, "/")
    style = nobody.get(second[1])
    assert style.mimetype == "text/css"
    assert "immutable" in style.headers["Cache-Control"]
    assert style.headers["ETag"] != etag
    known = {"If-None-Match": style.headers["ETag"]}
    assert nobody.get(second[1], headers=known).status_code == 304
    # What another process has not heard of yet is not kept.
    assert nobody.get(first[1]).headers["Cache-Control"] == "no-cache"
    fonts = re.findall(r'url\("([^"]+)"\)', style.text)
    assert len(fonts) == 4
    assert all(each.startswith("/static/") for each in fonts)
    preloads = re.findall(r'rel="preload" href="([^"]+)" as="font" crossorigin', after.text)
    assert set(preloads) < set(fonts)
    assert len(preloads) == 2
    for policy in (POLICY, STOREFRONT_POLICY):
        assert "font-src 'self'" in policy
        assert re.search("script-src '(none|self)'", policy)
    # Another site has its own.
    other = seen(application.caller("nobody_on_other_site"), "/")
    assert second[1] not in other
    assert 'as="font"' not in other


@pytest.mark.long
def test_a_page_can_stand_by_itself(application: Application, as_editor: Caller, nobody: Caller):
    path = published(as_editor, html="<p>Hola</p>")
    page = as_editor.get(f"{PAGES}?search={path.removeprefix('/p/')}").json["items"][0]
    assert page["themed"] is True
    # One from before has no such field, and the theme all the same.
    application.raw["page_content"].update_one(
        {"_id": page["id"]}, {"$unset": {"draft.themed": "", "published.themed": ""}}
    )
    assert "site-header" in seen(nobody, path)
    form = {"revision": page["revision"], "themed": "0", "then": "publish"}
    editor = application.new_person(unique("editora"), role=Role.EDITOR)
    answer = editor.post(f"/admin/website/{page['id']}", data=form, headers=IN_ENGLISH)
    assert answer.status_code == 303, answer.text
    alone = seen(nobody, path)
    assert "<body>\n<p>Hola</p>\n</body>" in alone
    assert "theme.css" not in alone
    assert '<option value="0" selected>' in seen(editor, f"/admin/website/{page['id']}")


HEADINGS = {
    "<p>x</p>": "<h1>T &amp; t</h1>\n<p>x</p>",
    "<h2>x</h2>": '<h1 class="unseen">T &amp; t</h1>\n<h2>x</h2>',
    "<h1>x</h1>": 'tabindex="-1">\n<h1>x</h1>',
    "<main><h1>x</h1></main>": '<div id="main" class="site-content" tabindex="-1">\n<main>',
}


@pytest.mark.long
@table("html", HEADINGS)
def test_a_page_has_one_main_part_and_a_first_heading(as_editor: Caller, nobody: Caller, html: str):
    page = seen(nobody, published(as_editor, html=html, title="T & t"))
    assert HEADINGS[html] in page
    assert (page.count("<main"), page.count("<h1")) == (1, 1)
