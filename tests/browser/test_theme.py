"""The design of a site's public pages: made in the settings, seen by visitors."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests import pictures
from tests.browser.deployment import Visitor, check_accessible

NARROW = {"width": 320, "height": 640}
NOTE_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) { window.shifted += each.value; }
}).observe({ type: "layout-shift", buffered: true });
"""
LOOK = {
    "theme": {"headings": "source-serif-4", "text": "figtree", "scheme": "auto"},
    "colors": {"primary": "#7a1f3d", "accent": "#ffcc00"},
    "legal": [{"label": "Privacidad", "to": "/p/privacidad"}],
    "contact": {
        "whatsapp": "+595 981 123 456",
        "email": "hola@luna.example",
        "address": "Palma 123\nAsunción",
        "instagram": "@luna",
    },
}
HTML = """<h1>Hechos a mano</h1><p>Del taller, con <a href="/">tienda</a>.</p>
<blockquote>Duran.</blockquote><table><tr><th>Número</th><td>38</td></tr></table>"""


@pytest.fixture(autouse=True)
def as_before(admin: Visitor) -> Iterator[None]:
    """Everybody shares one site: it is left as it was."""
    yield
    nothing = {
        "theme": dict.fromkeys(LOOK["theme"]),
        "colors": dict.fromkeys(LOOK["colors"]),
        "contact": dict.fromkeys(LOOK["contact"]),
    }
    admin.call("PATCH", "/api/site", data={**nothing, "menu": [], "legal": []})
    if admin.call("GET", "/api/site")["logo"]:
        admin.call("DELETE", "/api/site/logo")


def add(page: Page, label: str, to: str) -> None:
    page.locator("[data-menu]").first.get_by_role("button", name="Agregar un enlace").click()
    page.keyboard.type(label)
    page.keyboard.press("Tab")
    page.keyboard.type(to)
    page.keyboard.press("Tab")


def test_a_menu_is_made_and_moved_by_keyboard_and_by_dragging(
    admin: Visitor, accessible: Callable[..., None]
) -> None:
    page = admin.page
    page.goto("/admin/settings")
    # What is offered brings its name along
    for link in (("", "/"), ("Nosotros", "/p/nosotros"), ("Mapa", "https://maps.example/")):
        add(page, *link)
    up = page.get_by_role("button", name="Subir: Mapa")
    up.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("«Mapa» es ahora el número 2 de 3.")
    expect(up).to_be_focused()
    accessible(page)
    rows = page.locator(".links").first.locator("li")
    rows.nth(2).locator(".grip").drag_to(rows.nth(0), target_position={"x": 5, "y": 5})
    expect(rows.first.locator("input").first).to_have_value("Nosotros")
    page.get_by_role("button", name="Guardar la configuración").click()
    expect(page.get_by_role("status").filter(has_text="Guardado.")).to_be_visible()
    menu = admin.call("GET", "/api/site")["menu"]
    assert [each["label"] for each in menu] == ["Nosotros", "Tienda", "Mapa"]


@pytest.mark.long
def test_pages_and_storefront_are_one_site_for_everybody(
    admin: Visitor, visit: Callable[..., Visitor]
) -> None:
    made = admin.call("POST", "/api/builder/pages", data={"title": "Nosotros", "html": HTML})
    url = f"/api/builder/pages/{made['id']}/publish"
    path = f"/p/{admin.call('POST', url, data={'revision': 1})['slug']}"
    menu = [{"label": "Tienda", "to": "/"}, {"label": "Nosotros", "to": path}]
    admin.call("PATCH", "/api/site", data={**LOOK, "menu": menu})
    logo = {"name": "logo.jpg", "mimeType": "image/jpeg", "buffer": pictures.photo(120, 40)}
    admin.call("PUT", "/api/site/logo", multipart={"file": logo})
    visitor = visit()
    page = visitor.page
    page.add_init_script(NOTE_SHIFTS)
    for each in (path, "/"):
        page.goto(each)
        check_accessible(page)
        page.emulate_media(color_scheme="dark")
        said = page.get_by_role("link", name="WhatsApp")
        expect(said).to_have_css("color", "rgb(6, 40, 26)")  # on its green, in both looks
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(NARROW)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
        page.get_by_role("button", name="Menú").click()
        links = page.get_by_role("navigation", name="Principal")
        with page.expect_navigation(url=f"**{path}"):  # where one of them is already
            links.get_by_role("link", name="Nosotros").click()
    assert page.evaluate("window.shifted") == 0
