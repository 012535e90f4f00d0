"""Pages made of templates and sections, with live products, in the editor and for visitors."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import pictures
from tests.browser.deployment import Visitor, check_accessible
from tests.http.application import unique

LIST, PAGES, MEDIA = "/admin/website", "/api/builder/pages", "/api/builder/media"
SECTIONS = (
    *("Portada", "Texto con imagen", "Galería", "Productos", "Colección", "Cita", "Preguntas"),
    *("Llamado a la acción", "Mapa", "Video", "Columnas", "Espaciador"),
)
TEMPLATES = ("home", "collection", "about", "contact", "landing")
NAMES = ("Inicio", "Colección", "Sobre nosotros", "Contacto", "Campaña")
READERS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
SHOWN = """() => [...document.images].every((each) => {
    each.loading = "eager";
    return each.complete;
})"""


@pytest.fixture
def stocked(admin: Visitor) -> str:
    """A word that a picture of the library and three published products have in their names."""
    word = unique("feria")
    file = {"name": f"{word}.jpg", "mimeType": "image/jpeg", "buffer": pictures.photo(1200, 900)}
    stored = admin.call("POST", MEDIA, multipart={"file": file})["file"]
    admin.call("PATCH", f"{MEDIA}/{stored['id']}", data={"alt": {"es": "El taller"}})
    for number in range(3):
        admin.a_product(
            pictures.photo(600, 600, seed=number),
            name=f"Bota {word} {number}",
            price="150000",
            status="published",
            category="Calzado > Botas",
        )
    return word


def made_of(admin: Visitor, template: str, title: str) -> Page:
    page = admin.page
    page.goto(LIST)
    page.get_by_label("Título de una página nueva").fill(title)
    page.get_by_role("radio", name=template).check()
    page.get_by_role("button", name="Crear página").click()
    expect(page.locator("#work")).to_have_attribute("data-ready", "")
    return page


def pick(page: Page, word: str) -> None:
    """Take the picture of that name in the picker that is open."""
    picker = page.locator("#picker")
    picker.get_by_label("Buscar").fill(word)
    pictures_found = picker.get_by_role("listbox").get_by_role("option")
    expect(pictures_found).to_have_text([f"{word}.jpg"])
    pictures_found.dblclick()
    expect(picker).to_be_hidden()


def publish(page: Page) -> str:
    """Publish what the editor shows, whatever there is to look at; return where it is."""
    expect(page.locator("#saved")).to_have_text("Guardado")
    page.get_by_role("button", name="Publicar", exact=True).click()
    anyway = page.get_by_role("button", name="Publicar igual")
    online = page.locator("#status").get_by_text("Publicado", exact=True)
    expect(anyway.or_(online).first).to_be_visible()
    if anyway.is_visible():
        anyway.click()
    expect(online).to_be_visible()
    return str(page.locator("#public").get_attribute("href"))


@pytest.mark.long
def test_a_page_of_every_section_is_filled_in_one_step_each(
    admin: Visitor, visit: Callable[..., Visitor], stocked: str, shoot: Callable[[Page, str], None]
) -> None:
    page = made_of(admin, "Vacía", f"Todo {stocked}")
    empty = page.frame_locator("#canvas iframe.gjs-frame").locator("[data-gjs-type=wrapper]")
    assert "Agregar" in empty.evaluate("e => getComputedStyle(e, '::before').content")
    for section in SECTIONS:
        page.locator("#blocks").get_by_role("button", name=section, exact=True).click()
        if section in {"Portada", "Texto con imagen", "Video"}:
            pick(page, stocked)
        if section == "Galería":
            picker = page.locator("#picker")
            picker.get_by_label("Buscar").fill(stocked)
            found = picker.get_by_role("listbox").get_by_role("option")
            expect(found).to_have_text([f"{stocked}.jpg"])
            found.click()
            picker.get_by_role("button", name="Usar", exact=True).click()
        if section == "Productos":
            page.locator("#products").get_by_role("searchbox").fill(f"{stocked} 0")
            page.locator("#products").get_by_role("button", name=f"Bota {stocked} 0").click()
    page.get_by_role("button", name="Colección: ", exact=False).first.click()
    shoot(page, "editor-sections")
    path = publish(page)
    visitor = visit().page
    visitor.goto(path)
    card = visitor.locator(".avenue-card", has_text=f"Bota {stocked} 0").first
    expect(card).to_contain_text("150.000")
    assert visitor.locator(".avenue-missing").count() == 0
    check_accessible(visitor)
    wanted = admin.call("GET", f"/api/shop/products?search={stocked}%200")["items"][0]["id"]
    admin.call("PATCH", f"/api/shop/products/{wanted}", data={"price": "99000"})
    visitor.reload()
    expect(card).to_contain_text("99.000")
    admin.call("DELETE", f"/api/shop/products/{wanted}")
    visitor.reload()
    expect(visitor.locator(".avenue-card", has_text=f"Bota {stocked} 0")).to_have_count(0)
    for name, look in READERS.items():
        other = visit(**look).page
        other.goto(path)
        other.wait_for_function(SHOWN)
        shoot(other, f"sections-{name}")


@pytest.mark.long  # a page is made in the editor by tests/browser/test_page_editor
def test_a_template_is_a_page_worth_showing(
    admin: Visitor, visit: Callable[..., Visitor], stocked: str, shoot: Callable[[Page, str], None]
) -> None:
    page = made_of(admin, "Inicio", f"Hechos a mano {stocked}")
    tree = page.locator("#tree")
    places = tree.get_by_role("button", name="Espacio para una imagen")
    for _ in range(2):
        expect(places.first).to_be_visible()
        before = places.count()
        places.first.click()
        page.locator("#selected").get_by_role("button", name="Elegir una imagen").click()
        pick(page, stocked)
        expect(places).to_have_count(before - 1)  # drawn a moment later
    shoot(page, "editor-home")
    visitor = visit(**READERS["phone"]).page
    visitor.goto(publish(page))
    heading = visitor.get_by_role("heading", level=1)
    expect(heading).to_have_text(f"Hechos a mano {stocked}")
    expect(visitor.locator(".avenue-card").first).to_be_visible()
    visitor.wait_for_function(SHOWN)
    shoot(visitor, "home-phone")
    check_accessible(visitor)


@pytest.mark.long
@pytest.mark.parametrize(("template", "name"), [*zip(TEMPLATES, NAMES, strict=True)])
def test_every_template_is_good_for_everybody(
    admin: Visitor,
    visit: Callable[..., Visitor],
    stocked: str,
    shoot: Callable[[Page, str], None],
    template: str,
    name: str,
) -> None:
    admin.call("PATCH", "/api/site", data={"theme": {"scheme": "auto"}})
    path = publish(made_of(admin, name, f"{name} {stocked}"))
    for (reader, look), scheme, locale in product(
        READERS.items(), ("light", "dark"), ("es-PY", "en")
    ):
        page = visit(**look, color_scheme=scheme, locale=locale).page
        page.goto(path)
        page.wait_for_function(SHOWN)
        for each in page.locator(".avenue-video").all():  # without its picture it covers nothing
            assert each.evaluate("e => e.offsetHeight >= e.lastElementChild.offsetHeight")
        shoot(page, f"{template}-{reader}-{scheme}-{locale}")
        if reader == "desk":
            check_accessible(page)
