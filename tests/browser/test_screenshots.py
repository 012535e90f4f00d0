"""The pictures of docs/panel.md, taken of the panel as it is: `make screenshots`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from avenue.shop import demo
from tests import pictures
from tests.browser.deployment import Visitor, people, visiting
from tests.mongod import Guard
from tests.server import Server

pytestmark = pytest.mark.long

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 780}
SHOWN = """() => [...document.images].every(
    (each) => each.complete || each.getBoundingClientRect().top > window.innerHeight ||
        each.getBoundingClientRect().left > window.innerWidth || !each.checkVisibility())"""
LOOK: dict[str, Any] = {
    "name": "Luna",
    "theme": {"headings": "source-serif-4", "text": "figtree"},
    "colors": {"accent": "#7a1f3d"},
    "menu": [
        {"label": "Tienda", "to": "/"},
        {"label": "Calzado", "to": "/categories/calzado"},
        {"label": "Nosotros", "to": "/p/nosotros"},
    ],
    "contact": {"whatsapp": "+595 981 123 456", "email": "hola@luna.example"},
}
Take = Callable[[Page, str], None]


@pytest.fixture
def take(request: pytest.FixtureRequest, tmp_path: Path) -> Take:
    """Puts what a page shows into the folder of `--screenshots`, else into one nobody keeps."""
    folder = Path(request.config.getoption("--screenshots") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def shoot(page: Page, name: str) -> None:
        page.wait_for_function(SHOWN)
        page.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=80)

    return shoot


@pytest.fixture(scope="module")
def shop(shared_uri: str, guard: Guard, browser: Browser) -> Iterator[Visitor]:
    """The administrator of a shop with the sample products."""
    people(shared_uri)
    with (
        Server(guard, shared_uri, AVENUE_JOBS="inline") as server,
        visiting(browser, server, viewport=DESK) as visitor,
    ):
        page = visitor.sign_in()
        page.goto("/admin/products")
        page.get_by_role("button", name="Cargar productos de muestra").click()
        there = page.get_by_role("button", name="Quitar los productos de muestra")
        expect(there.first).to_be_visible(timeout=120_000)
        visitor.call("PATCH", "/api/site", data=LOOK)
        yield visitor


def test_the_panel_is_photographed(shop: Visitor, take: Take) -> None:
    page = shop.page
    page.goto("/admin")
    take(page, "start")
    page.goto("/admin/products")
    take(page, "products")
    product = found(shop, "DEMO-LUNA-ROJA")
    page.goto(f"/admin/products/{product['id']}")
    take(page, "product")
    first = page.locator("#picture-list > li").first
    first.locator("summary", has_text="Detalles").click()
    first.get_by_role("button", name="Punto focal").click()
    expect(page.locator("dialog[open]")).to_be_visible()
    take(page, "focal-point")
    page.goto("/admin/problems")
    take(page, "problems")
    page.goto("/admin/imports")
    take(page, "import")
    page.goto("/admin/settings")
    take(page, "settings")
    page.goto("/")
    take(page, "window")


def test_the_website_is_photographed(shop: Visitor, take: Take) -> None:
    made = a_home(shop)
    page = shop.page
    page.goto(f"/admin/website/{made['id']}")
    expect(page.locator("#work")).to_have_attribute("data-ready", "")
    page.locator("#tree").get_by_role("button").first.click()
    expect(page.locator("#selected h3")).to_be_visible()
    take(page, "editor")
    page.goto(f"/p/{made['slug']}")
    take(page, "page")
    product = found(shop, "DEMO-LUNA-ROJA")
    page.set_viewport_size(PHONE)
    page.goto(f"/products/{product['id']}")
    take(page, "product-phone")
    page.set_viewport_size(DESK)


def a_home(shop: Visitor) -> Any:
    """A published page of the usual sections."""
    photo = part("florero.jpg", demo.picture("florero.jpg"))
    stored = shop.call("POST", "/api/builder/media", multipart={"file": photo})["file"]
    shop.page.goto("/admin/website")
    shop.page.get_by_label("Título de una página nueva").fill("Hechos a mano en Luque")
    shop.page.get_by_role("radio", name="Inicio").check()
    shop.page.get_by_role("button", name="Crear página").click()
    shop.page.wait_for_url("**/admin/website/*")
    url = f"/api/builder/pages/{shop.page.url.rpartition('/')[2]}"
    draft = shop.call("GET", url)
    html = draft["html"].replace(
        '<p class="avenue-missing">Elegí una imagen para este lugar</p>',
        f'<img src="{stored["display_url"]}" alt="Un florero de barro">',
    )
    words = "Cuero, barro y ñandutí, de talleres que conocemos por su nombre."
    html = html.replace("Escribí tu texto aquí.", words).replace("Más información", "Ver la tienda")
    saved = shop.call("PUT", url, data={"revision": draft["revision"], "html": html})
    return shop.call("POST", f"{url}/publish", data={"revision": saved["revision"]})


def test_uploading_is_photographed(shop: Visitor, take: Take) -> None:
    page = shop.page
    page.goto(f"/admin/products/{found(shop, 'DEMO-TAZA')['id']}")
    page.route("**/images?name=*", lambda route: None)  # which never ends
    page.locator("#pictures input[type=file]").first.set_input_files(
        [
            part("taza-de-frente.jpg", pictures.photo(1600, 1200, seed=41)),
            part("taza-de-atras.jpg", pictures.photo(1600, 1200, seed=42)),
            part("taza.pdf", pictures.pdf(), "application/pdf"),
        ]
    )
    expect(page.locator("#queue > li")).to_have_count(3)
    take(page, "uploading")


def test_a_phone_is_photographed(shop: Visitor, take: Take) -> None:
    page = shop.page
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    page.goto(f"/admin/products/{found(shop, 'DEMO-BOLSO')['id']}")
    take(page, "phone")
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")


def found(shop: Visitor, sku: str) -> Any:
    products = shop.call("GET", "/api/shop/products?limit=100")["items"]
    return next(each for each in products if each["sku"] == sku)


def part(name: str, data: bytes, media_type: str = "image/jpeg") -> Any:
    return {"name": name, "mimeType": media_type, "buffer": data}
