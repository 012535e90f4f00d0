"""Storefront, a page and the editor in every look: desk, phone; light, dark; both languages."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import pictures
from tests.browser.deployment import Visitor, check_as_shown
from tests.http.application import unique

WINDOWS = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 375, "height": 760}}
LOOKS = [*product(WINDOWS, ("light", "dark"), ("es-PY", "en"))]
CANVAS = "#canvas"
SITE_LOOK: dict[str, Any] = {
    "theme": {"scheme": "auto", "headings": "source-serif-4", "text": "figtree"},
    "menu": [{"label": "Tienda", "to": "/"}, {"label": "Calzado", "to": "/categories/calzado"}],
    "contact": {"whatsapp": "+595 981 123 456", "instagram": "@luna"},
}


def stocked(admin: Visitor) -> dict[str, str]:
    """The paths of what visitors see, by name."""
    admin.call("PATCH", "/api/site", data=SITE_LOOK)
    name = unique("Bota ")
    made = [
        admin.a_product(
            *(pictures.photo(800, 600, seed=each, noise=False) for each in range(1 + number)),
            name=f"{name} {number}",
            price="150000",
            status="published",
            description="De cuero.",
            category="Calzado > Botas",
            attributes={"Color": ["Rojo" if number else "Azul"], "Talle": ["38", "39"]},
        )
        for number in range(3)
    ]
    html = (
        f"<h1>{name}</h1><p>Hola</p><a class='avenue-card' href='/products/{made[0]['id']}'>x</a>"
    )
    page = admin.call("POST", "/api/builder/pages", data={"title": name, "html": html})
    shown = admin.call("POST", f"/api/builder/pages/{page['id']}/publish", data={"revision": 1})
    return {
        "home": "/",
        "category": "/categories/calzado?attribute=color:rojo&attribute=talle:38",
        "nothing": "/?search=zzzz",
        "product": f"/products/{made[2]['id']}",
        "page": f"/p/{shown['slug']}",
        "missing": "/p/no-hay",
        "editor": f"/admin/website/{page['id']}",
    }


@pytest.mark.long
@pytest.mark.timeout(900)
def test_everything_is_good_for_everybody_in_every_look(
    admin: Visitor,
    visit: Callable[..., Visitor],
    signed_in: Any,
    shoot: Callable[[Page, str], None],
) -> None:
    paths = stocked(admin)
    editor = paths.pop("editor")
    for window, scheme, locale in LOOKS:
        how = {"viewport": WINDOWS[window], "color_scheme": scheme, "locale": locale}
        visitor = visit(**how)
        visitor.guard.expect("status of 404")
        if locale == "en":  # without a choice the storefront speaks the language of its site
            address = visitor.guard.own
            visitor.context.add_cookies(
                [{"name": "avenue_language", "value": "en", "url": address}]
            )
        for name, path in paths.items():
            visitor.page.goto(path)
            if name == "category":
                visitor.page.locator(".filters summary").click()
            check_as_shown(visitor.page, f"{window} {scheme} {locale}")
            shoot(visitor.page, f"{name}-{window}-{scheme}-{locale}")
        page = visit(**how, storage_state=signed_in).page
        page.goto(editor)
        expect(page.locator("#work")).to_have_attribute("data-ready", "")
        page.locator("#tree").get_by_role("button").first.click()
        expect(page.locator("#selected h3")).to_be_visible()
        closed = page.locator("#selected details:not([open]) > summary")
        while closed.count():
            closed.first.click()
        check_as_shown(page, f"{window} {scheme} {locale}", outside=CANVAS)
        shoot(page, f"editor-{window}-{scheme}-{locale}")
