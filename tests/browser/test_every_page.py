"""Every page of the panel, by axe: in both languages, at a desk and on a phone, light and dark.

The pages are those of the URL map, so a new one is looked at without being named here; one with an
id has to be given the id of something that it shows.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import pictures
from tests.browser.deployment import OF_LOOKS, WCAG_22_AA, Visitor, check_as_shown
from tests.http.application import unique, zipped
from tests.http.contract import unconnected_app

pytestmark = pytest.mark.long

DESK, PHONE = {"width": 1366, "height": 768}, {"width": 375, "height": 740}
LOOKS = (
    ("light", DESK, WCAG_22_AA),
    ("dark", DESK, OF_LOOKS),
    ("dark", PHONE, OF_LOOKS),
    ("light", PHONE, OF_LOOKS),
)
CANVAS = "#canvas"
"""What a page of the site shows in the editor is looked at by `test_every_look`."""
OTHERS = (
    *("/admin/products?pictures=none", "/admin/products?state=trash", "/admin/products?search=zzz"),
    *("/admin/library?state=trash", "/admin/library?view=list", "/admin/library?folder=none"),
    *("/admin/uploads?state=trash", "/admin/groups?search=zzz", "/admin/website?search=zzz"),
)
LEAST_PAGES = 50


def addresses(ids: dict[str, str]) -> list[str]:
    """Return the addresses of the panel; where one has an id, what is named so in `ids`."""
    rules = [each for each in unconnected_app().url_map.iter_rules() if "GET" in each.methods]
    paths = sorted(each.rule for each in rules if each.rule.startswith("/admin"))
    filled = [re.sub(r"<(\w+)>", lambda place: ids[place[1]], each) for each in paths]
    return [*filled, *OTHERS]


def stocked(admin: Visitor) -> dict[str, str]:
    """Make one of everything that has a page; return their ids by the names in the URL map."""
    photo, sku = pictures.photo(64, 48, noise=False), unique("BOTA-")
    product = admin.a_product(photo, name="Bota", sku=sku, status="published")
    group = admin.call("POST", "/api/shop/groups", data={"name": unique("Modelo ")})
    # Of one row, with a column that nobody knows.
    table = f"sku;nombre;rareza\n{unique('B-')};Otra;x\n".encode()
    seen = sent(admin, "/api/shop/products/import?dry_run=1", "text/csv; charset=utf-8", table)
    brought = sent(admin, "/api/shop/products/import", "text/csv; charset=utf-8", table)
    archive = zipped({f"{sku}.jpg": pictures.photo(80, 60), "IMG_1.jpg": photo, "nota.txt": b"x"})
    matched = sent(admin, "/api/shop/pictures/import?name=a.zip", "application/zip", archive)
    media, upload = (
        admin.call("POST", path, multipart={"file": a_file(photo)})["file"]
        for path in ("/api/builder/media", "/api/uploads")
    )
    admin.call("POST", "/api/builder/folders", data={"name": unique("Campaña ")})
    page = admin.call("POST", "/api/builder/pages", data={"title": "Hola", "html": "<h1>Hola</h1>"})
    return {
        "product_id": product["id"],
        "owner_id": product["id"],
        "group_id": group["id"],
        "import_id": brought["id"],
        "picture_import_id": matched["id"],
        "dry": seen["id"],
        "media_id": media["id"],
        "upload_id": upload["id"],
        "page_id": page["id"],
        "user_id": admin.call("GET", "/api/auth/me")["id"],
        "site_id": "default",
        "job_id": a_move(admin.page),
    }


def sent(visitor: Visitor, path: str, media_type: str, data: bytes) -> Any:
    """Send a file as the body of a request; return the JSON of the answer."""
    headers = {"Content-Type": media_type, "Origin": visitor.guard.own.rstrip("/")}
    answer = visitor.context.request.post(path, data=data, headers=headers)
    assert answer.ok, answer.text()
    return answer.json()


def a_file(data: bytes) -> dict[str, Any]:
    return {"name": "foto.jpg", "mimeType": "image/jpeg", "buffer": data}


def a_move(page: Page) -> str:
    """Let pictures at other addresses be looked for; return the id of that job."""
    page.goto("/admin/infrastructure/move")
    page.evaluate("document.querySelector('form[action$=external]').submit()")
    page.wait_for_url("**/admin/infrastructure/move/*")
    return page.url.split("?")[0].rsplit("/", 1)[1]


def look(page: Page, path: str, language: str, *, shot: Callable[[Page, str], None]) -> None:
    """Find no fault on a page in any look; in English sizes and colours only on a light phone."""
    page.goto(path)
    page.wait_for_load_state()
    if page.locator(CANVAS).count():
        expect(page.locator("#work")).to_have_attribute("data-ready", "")
    looks = LOOKS if language == "es" else (LOOKS[0], LOOKS[3])
    for scheme, window, rules in looks:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(window)
        outside = CANVAS if page.locator(CANVAS).count() else None
        check_as_shown(page, f"{language} {scheme} {window['width']}", rules=rules, outside=outside)
        name = re.sub(r"\W+", "-", path).strip("-")
        shot(page, f"{name}-{language}-{scheme}-{window['width']}")


@pytest.mark.timeout(3600)
def test_every_page_is_accessible_in_every_look(
    visit: Callable[..., Visitor], signed_in: Any, shoot: Callable[[Page, str], None]
) -> None:
    admin = visit(storage_state=signed_in)
    ids = stocked(admin)
    paths = [*addresses(ids), f"/admin/imports/{ids['dry']}"]
    for language in ("es", "en"):
        visitor = visit(storage_state=signed_in, locale=language)
        seen = 0
        for path in paths:
            answer = visitor.context.request.get(path)
            is_page = answer.headers.get("content-type", "").startswith("text/html")
            if not (answer.ok and is_page and "<main" in answer.text()):
                continue
            look(visitor.page, path, language, shot=shoot)
            seen += 1
        assert seen >= LEAST_PAGES, seen
