"""The editor of a site's own pages, from an empty page to what visitors see."""

import base64
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Dialog, FrameLocator, Locator, Page, Route, expect

from avenue.clock import utc_now
from tests import pictures
from tests.browser.deployment import Visitor, check_accessible
from tests.http.application import unique

LIST, PAGES, MEDIA = "/admin/website", "/api/builder/pages", "/api/builder/media"
CANVAS = "#canvas"
"""GrapesJS draws in there: what is in it is the page, and its own handles."""


def a_picture(width: int = 120) -> bytes:
    return pictures.photo(width, 80, noise=False, seed=int(unique("")))


def in_library(visitor: Visitor, name: str, **changes: Any) -> Any:
    """A picture of the library, by the API."""
    data = {"name": name, "mimeType": "image/jpeg", "buffer": a_picture()}
    stored = visitor.call("POST", MEDIA, multipart={"file": data})["file"]
    return visitor.call("PATCH", f"{MEDIA}/{stored['id']}", data=changes) if changes else stored


def a_page(visitor: Visitor, html: str = "<p>Hola</p>", **fields: str) -> Any:
    data = {"title": unique("Página "), "html": html, **fields}
    return visitor.call("POST", PAGES, data=data)


def opened(visitor: Visitor, page: Any) -> Page:
    visitor.page.goto(f"{LIST}/{page['id']}")
    expect(visitor.page.locator("#work")).to_have_attribute("data-ready", "")
    return visitor.page


def canvas(page: Page) -> FrameLocator:
    return page.frame_locator(f"{CANVAS} iframe.gjs-frame")


def block(page: Page, name: str) -> None:
    page.locator("#blocks").get_by_role("button", name=name, exact=True).click()


def is_loaded(picture: Locator) -> None:
    expect(picture).to_have_js_property("complete", value=True)
    assert picture.evaluate("e => e.naturalWidth") > 0


def options(picker: Locator) -> Locator:
    """The pictures to choose from."""
    return picker.get_by_role("listbox").get_by_role("option")


def state(page: Page) -> Locator:
    return page.locator("#saved")


def test_a_page_with_three_pictures_is_built_published_and_seen(
    admin: Visitor, visit: Callable[..., Visitor], accessible: Callable[..., None]
) -> None:
    word = unique("foto")
    in_library(admin, f"{word}-uno.jpg", alt={"es": "La primera"})
    second = in_library(admin, f"{word}-dos.jpg")
    page, picker = admin.page, admin.page.locator("#picker")
    page.goto(LIST)
    page.get_by_label("Título de una página nueva").fill(f"Inicio {word}")
    page.get_by_role("button", name="Crear página").click()
    expect(page.locator("#work")).to_have_attribute("data-ready", "")
    block(page, "Encabezado")
    heading = canvas(page).locator("h2")
    heading.dblclick()
    expect(heading).to_have_attribute("contenteditable", "true")
    page.keyboard.press("Control+A")
    page.keyboard.type("Bienvenidos")

    # One found by its name, by keys alone
    page.locator("#blocks").get_by_role("button", name="Imagen", exact=True).focus()
    page.keyboard.press("Enter")
    expect(picker.get_by_label("Buscar")).to_be_focused()
    page.keyboard.type(f"{word}-uno")
    expect(options(picker)).to_have_text([f"{word}-uno.jpg"])
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(options(picker)).to_be_focused()
    page.keyboard.press("Enter")
    expect(picker).to_be_hidden()

    # Two of them in a gallery, one of which is uploaded in the picker
    block(page, "Galería")
    picker.get_by_label("Buscar").fill(f"{word}-dos")
    expect(options(picker)).to_have_text([f"{word}-dos.jpg"])
    options(picker).click()
    with page.expect_file_chooser() as chooser:
        picker.get_by_role("button", name="Subir imágenes").click()
    file = {"name": f"{word}-tres.jpg", "mimeType": "image/jpeg", "buffer": a_picture()}
    chooser.value.set_files([file])  # type: ignore[list-item]
    expect(picker.get_by_text("2 imágenes seleccionadas")).to_be_visible()
    picker.get_by_role("button", name="Usar", exact=True).click()
    expect(canvas(page).locator("img")).to_have_count(3)
    expect(state(page)).to_have_text("Guardado")

    # Others may see it before it is online
    page.get_by_role("button", name="Vista previa").click()
    preview = page.frame_locator("#preview iframe")
    expect(preview.get_by_role("heading", name="Bienvenidos")).to_be_visible()
    page.locator("#preview").get_by_role("button", name="Teléfono").click()
    expect(page.locator("#preview iframe")).to_have_js_property("clientWidth", 390)
    accessible(page)
    link = page.get_by_label("Enlace para compartir").input_value()
    page.locator("#preview").get_by_role("button", name="Cerrar").click()
    visitor = visit()
    visitor.page.goto(link)
    expect(visitor.page.get_by_text("vista previa de un borrador")).to_be_visible()

    # What should be looked at is said, and does not stand in the way
    page.get_by_role("button", name="Publicar", exact=True).click()
    remarks = page.get_by_role("dialog", name="Antes de publicar").get_by_role("listitem")
    expect(remarks).to_have_text([re.compile("no tiene texto alternativo")] * 2)
    accessible(page)
    page.get_by_role("button", name="Volver a la página").click()
    expect(page.locator("#status")).to_have_text("Borrador")
    page.get_by_role("button", name="Publicar", exact=True).click()
    page.get_by_role("button", name="Publicar igual").click()
    expect(page.locator("#status")).to_have_text("Publicado")

    address = page.get_by_role("link", name="Ver").get_attribute("href")
    visitor.page.goto(str(address))
    expect(visitor.page.get_by_role("heading", name="Bienvenidos")).to_be_visible()
    shown = visitor.page.locator("img")
    expect(shown).to_have_count(3)
    expect(shown.first).to_have_attribute("alt", "La primera")
    for each in shown.all():
        each.scroll_into_view_if_needed()
        is_loaded(each)

    # Another picture in the place of one of them is there at once, and the old one nowhere
    before = shown.nth(1).evaluate("e => e.currentSrc")
    other = {"name": "otra.jpg", "mimeType": "image/jpeg", "buffer": a_picture(width=90)}
    admin.call("PUT", f"{MEDIA}/{second['id']}/file", multipart={"file": other})
    visitor.page.reload()
    shown.nth(1).scroll_into_view_if_needed()
    is_loaded(shown.nth(1))
    assert shown.nth(1).evaluate("e => e.currentSrc") != before
    assert shown.nth(1).evaluate("e => e.naturalWidth") == 90

    # What was built is known again
    page.reload()
    expect(page.locator("#tree")).to_contain_text("Galería")
    expect(page.locator("#tree").get_by_role("button", name="Imagen")).to_have_count(3)


@pytest.mark.long
def test_what_is_not_saved_is_not_lost(admin: Visitor) -> None:
    there = a_page(admin)
    page, url = opened(admin, there), f"**{PAGES}/{there['id']}"
    admin.guard.expect("Failed to load resource|ERR_INTERNET_DISCONNECTED")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    block(page, "Texto")
    expect(state(page)).to_have_text("Cambios sin guardar")
    page.get_by_role("link", name="Sitio web").click(no_wait_after=True)
    expect(state(page)).to_have_text("Guardado")
    assert asked == ["beforeunload"]

    admin.context.set_offline(True)
    block(page, "Botón")
    expect(state(page)).to_contain_text("Sin guardar: no hay conexión.")
    admin.context.set_offline(False)
    expect(state(page)).to_have_text("Guardado")

    def too_large(route: Route) -> None:
        error = {
            "error": "Esto es demasiado grande.",
            "hint": "Hágala más corta.",
            "code": "too_large",
        }
        route.fulfill(status=413, json=error)

    page.route(url, too_large)
    block(page, "Sección")
    problem = page.locator("#problem")
    expect(problem).to_have_text("Sin guardar. Esto es demasiado grande. Hágala más corta.")
    page.unroute(url)
    page.get_by_role("button", name="Sin guardar.").click()
    expect(state(page)).to_have_text("Guardado")
    expect(problem).to_be_hidden()
    kept = admin.call("GET", f"{PAGES}/{there['id']}")["html"]
    assert "avenue-button" in kept
    assert "avenue-section" in kept

    # What is being typed is saved, too
    canvas(page).get_by_text("Hola").dblclick()
    page.keyboard.press("End")
    page.keyboard.type(" y adiós")
    expect(state(page)).to_have_text("Cambios sin guardar")
    expect(state(page)).to_have_text("Guardado")
    assert "<p>Hola y adiós</p>" in admin.call("GET", f"{PAGES}/{there['id']}")["html"]


def test_two_who_save_at_once_are_told_and_the_past_comes_back(
    admin: Visitor, accessible: Callable[..., None]
) -> None:
    there = a_page(admin)
    page, dialog = opened(admin, there), admin.page.locator("#conflict")
    expect(page.locator("#flagged")).to_be_hidden()
    admin.guard.expect("status of 409|/uploads/viejo.jpg")

    def meanwhile(html: str) -> None:
        """Somebody else saves."""
        now = admin.call("GET", f"{PAGES}/{there['id']}")
        data = {"revision": now["revision"], "html": html}
        admin.call("PUT", f"{PAGES}/{there['id']}", data=data)

    meanwhile('<p>Suyo</p><img src="/uploads/viejo.jpg">')
    block(page, "Texto")
    theirs, mine = (
        dialog.frame_locator(f"[data-side={side}]").locator("body") for side in ("theirs", "mine")
    )
    expect(theirs.get_by_text("Suyo")).to_be_visible()
    expect(mine.get_by_text("Escribí tu texto aquí.")).to_be_visible()
    dialog.get_by_text("Línea por línea").click()
    expect(dialog.get_by_text("-<p>Suyo</p>")).to_be_visible()
    accessible(page, outside=CANVAS)
    expect(dialog.get_by_text("+<p>Escribí tu texto aquí.</p>")).to_be_visible()
    dialog.get_by_role("button", name="Usar la suya").click()
    expect(canvas(page).get_by_text("Suyo")).to_be_visible()
    expect(state(page)).to_have_text("Guardado")

    expect(page.locator("#flagged")).to_contain_text("/uploads/viejo.jpg")
    meanwhile("<p>Otra vez</p>")
    block(page, "Encabezado")
    dialog.get_by_role("button", name="Quedarme con la mía").click()
    expect(state(page)).to_have_text("Guardado")
    kept = admin.call("GET", f"{PAGES}/{there['id']}")
    assert kept["html"].startswith("<p>Suyo</p><img")
    assert kept["html"].endswith("<h2>Un título</h2>")

    # What visitors see stays what it was, and comes back
    page.get_by_role("button", name="Publicar", exact=True).click()
    page.get_by_role("button", name="Publicar igual").click()
    expect(page.locator("#status")).to_have_text("Publicado")
    block(page, "Botón")
    expect(page.locator("#status")).to_have_text("Publicado, con cambios sin publicar")
    page.get_by_role("button", name="Historial").click()
    history = page.locator("#history")
    expect(history.get_by_role("button", name="Restaurar")).to_be_visible()
    accessible(page, outside=CANVAS)
    history.get_by_role("button", name="Restaurar").click()
    expect(history).to_be_hidden()
    expect(page.locator("#status")).to_have_text("Publicado")
    expect(page.locator("#tree").get_by_role("button")).to_have_count(3)
    assert admin.call("GET", f"{PAGES}/{there['id']}")["html"] == kept["html"]


@pytest.mark.long
def test_a_conflict_is_shown_where_the_pages_differ(admin: Visitor) -> None:
    there = a_page(admin, "<p>Hola</p>" * 60)
    page, dialog = opened(admin, there), admin.page.locator("#conflict")
    expect(page.locator("#tree").get_by_role("button").first).to_have_text("Texto: Hola")
    admin.guard.expect("status of 409")
    data = {"revision": there["revision"], "html": "<p>Hola</p>" * 60 + "<h2>Suyo</h2>"}
    admin.call("PUT", f"{PAGES}/{there['id']}", data=data)
    block(page, "Texto")
    for side, words in (("theirs", "Suyo"), ("mine", "Escribí tu texto aquí.")):
        shown = dialog.frame_locator(f"[data-side={side}]").get_by_text(words)
        expect(shown).to_be_in_viewport()


@pytest.mark.long
def test_everything_can_be_reached_and_looks_as_chosen(
    admin: Visitor, visit: Callable[..., Visitor]
) -> None:
    product = admin.a_product(
        a_picture(), name=unique("Zapato "), price="150000", status="published"
    )
    cover = in_library(admin, unique("fondo"), focal=[0.25, 0.5])
    there = a_page(admin, "<h2>Uno</h2><p>Dos</p>")
    page, selected = opened(admin, there), admin.page.locator("#selected")
    tree = page.locator("#tree")
    check_accessible(page, outside=CANVAS)
    body = canvas(page).locator("[data-gjs-type=wrapper]")  # of the theme, as for visitors
    assert body.evaluate("e => parseFloat(getComputedStyle(e).paddingTop)") > 10

    # Selected and moved by buttons
    tree.get_by_role("button", name="Texto: Dos").click()
    selected.get_by_role("button", name="Subir").click()
    expect(tree.get_by_role("button")).to_have_text(["Texto: Dos", "Encabezado: Uno"])
    page.get_by_role("button", name="Deshacer").click()
    expect(tree.get_by_role("button")).to_have_text(["Encabezado: Uno", "Texto: Dos"])
    page.get_by_role("button", name="Rehacer").click()
    expect(tree.get_by_role("button")).to_have_text(["Texto: Dos", "Encabezado: Uno"])

    # A look of its own, another one on phones, and a picture behind it
    letters = selected.get_by_label("Tamaño de letra", exact=True)
    letters.select_option("Muy grande")
    expect(canvas(page).get_by_text("Dos")).to_have_css("font-size", "34px")
    letters.select_option("Personalizado…")
    slider = selected.get_by_label("Tamaño de letra: valor personalizado")
    expect(slider).to_be_focused()
    slider.fill("29")
    page.keyboard.press("ArrowRight")
    expect(selected.get_by_text("30 px")).to_be_visible()
    page.keyboard.press("Tab")
    selected.get_by_text("Fondo", exact=True).click()
    selected.get_by_role("button", name="Imagen de fondo").click()
    picker = page.locator("#picker")
    picker.get_by_label("Buscar").fill(cover["name"].removesuffix(".jpg"))
    expect(options(picker)).to_have_text([cover["name"]])
    options(picker).dblclick()
    page.get_by_role("button", name="Teléfono").click()
    expect(letters).to_have_value("")  # phones have none of their own yet
    letters.select_option("Personalizado…")
    slider.fill("20")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Escritorio").click()

    # A card of a product, and the page's own settings
    block(page, "Producto")
    page.locator("#products").get_by_label("Buscar").fill(product["name"])
    page.locator("#products").get_by_role("button", name=product["name"]).click()
    page.get_by_role("button", name="Configuración de la página").click()
    settings = page.locator("#settings")
    check_accessible(page, outside=CANVAS)
    settings.get_by_label("Dirección").fill(there["slug"] + " mal")
    admin.guard.expect("status of 400")
    settings.get_by_role("button", name="Guardar").click()
    expect(settings.locator(".wrong")).to_contain_text("slug")
    slug = unique("sobre-")
    settings.get_by_label("Dirección").fill(slug)
    settings.get_by_label("Descripción para los buscadores").fill("Quiénes somos")
    settings.get_by_role("button", name="Elegir una imagen").click()
    options(picker).first.dblclick()
    settings.get_by_role("button", name="Guardar").click()
    expect(settings).to_be_hidden()
    page.get_by_role("button", name="Programar").click()
    at = page.locator("#schedule")
    check_accessible(page, outside=CANVAS)
    moment = utc_now() + timedelta(days=30)
    admin.guard.expect("status of 422")
    for day, is_taken in ((moment + timedelta(days=4_000), False), (moment, True)):
        at.get_by_label("Publicar el").fill(f"{day:%Y-%m-%dT%H:%M}")
        at.get_by_role("button", name="Guardar").click()
        expect(at).to_be_visible(visible=not is_taken)
        expect(at.locator(".wrong")).to_be_visible(visible=not is_taken)
    expect(page.locator("#scheduled")).to_contain_text(f"{moment.year}")
    page.get_by_role("button", name="Programar").click()
    at.get_by_role("button", name="Cancelar la programación").click()
    expect(page.locator("#scheduled")).to_be_hidden()
    page.get_by_role("button", name="Publicar", exact=True).click()
    expect(page.locator("#status")).to_have_text("Publicado")

    visitor = visit()
    shown = visitor.page
    shown.goto(f"/p/{slug}")
    words = shown.get_by_text("Dos")
    expect(words).to_have_css("font-size", "30px")
    expect(words).to_have_css("background-position", "25% 50%")
    expect(words).to_have_css("background-image", re.compile(f"/media/{cover['id']}/"))
    card = shown.get_by_role("link", name=product["name"])
    expect(card).to_contain_text("150.000")
    expect(card).to_have_attribute("href", re.compile(f"/products/{product['id']}/zapato"))
    shown.set_viewport_size({"width": 400, "height": 700})
    expect(words).to_have_css("font-size", "20px")
    page.get_by_role("button", name="Dejar de publicar").click()
    expect(page.locator("#status")).to_have_text("Borrador")


@pytest.mark.long
def test_the_picker_finds_describes_and_refuses_and_what_is_pasted_is_stored(
    admin: Visitor,
) -> None:
    word, folder = unique("caja"), unique("Carpeta ")
    home = admin.call("POST", "/api/builder/folders", data={"name": folder})
    inside = in_library(admin, f"{word}-a.jpg", folder=home["id"])
    in_library(admin, f"{word}-b.jpg")
    page, picker = opened(admin, a_page(admin)), admin.page.locator("#picker")
    block(page, "Imagen")
    shown, use = options(picker), picker.get_by_role("button", name="Usar")
    picker.get_by_label("Buscar").fill(word)
    expect(shown).to_have_count(2)
    expect(use).to_be_disabled()
    picker.get_by_label("Carpeta").select_option(label=folder)
    expect(shown).to_have_text([f"{word}-a.jpg"])
    shown.click()
    expect(picker.locator(".details .name")).to_have_text(f"{word}-a.jpg")
    picker.get_by_label("Texto alternativo (español)").fill("Una caja")
    point = picker.get_by_role("button", name="Punto focal")
    point.focus()
    expect(picker.get_by_text("Guardado")).to_be_visible()
    page.keyboard.press("Home")
    for _ in range(60):
        page.keyboard.press("Shift+ArrowLeft")
    expect(picker.get_by_text("0 % desde la izquierda")).to_be_visible()
    check_accessible(page, outside=CANVAS)

    def told() -> Any:
        return admin.call("GET", f"{MEDIA}/{inside['id']}")

    expect(picker.locator("[data-state]")).to_have_text("Guardado")
    page.wait_for_function(
        "async (url) => (await (await fetch(url)).json()).focal[0] === 0",
        arg=f"{MEDIA}/{inside['id']}",
    )
    assert told()["alt"] == {"es": "Una caja"}

    # What is not taken says why; what is dropped goes into the folder that is open
    bad = {"name": "mal.jpg", "mimeType": "image/jpeg", "buffer": a_picture()[:200]}
    admin.guard.expect("status of 4")
    picker.locator("input[type=file]").set_input_files([bad])  # type: ignore[list-item]
    row = picker.locator(".row-of-file")
    expect(row).to_have_attribute("data-state", "refused")
    expect(row.locator(".state")).not_to_be_empty()
    row.get_by_role("button", name="Descartar").click()
    expect(row).to_have_count(0)
    picker.evaluate(
        """(dialog, bytes) => {
            const dataTransfer = new DataTransfer(), type = "image/jpeg";
            dataTransfer.items.add(new File([new Uint8Array(bytes)], "soltada.jpg", { type }));
            dialog.dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
        }""",
        list(a_picture()),
    )
    expect(shown).to_have_text(["soltada.jpg", f"{word}-a.jpg"])
    expect(shown.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(picker).to_be_hidden()
    expect(canvas(page).locator("img")).to_have_count(0)
    found = admin.call("GET", f"{MEDIA}?folder={home['id']}")["items"]
    assert {each["name"] for each in found} == {"soltada.jpg", f"{word}-a.jpg"}

    # A picture that is pasted into the text is stored, and once
    data = pictures.photo(40, 30, noise=False, seed=int(unique("")))
    before = admin.call("GET", MEDIA)["total"]
    url = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    page.evaluate("(url) => window.grapesjs.editors[0].addComponents(`<img src='${url}'>`)", url)
    expect(canvas(page).locator(f"img[src*='{admin.guard.own}media/']")).to_be_visible()
    block(page, "Texto")
    expect(state(page)).to_have_text("Guardado")
    assert admin.call("GET", MEDIA)["total"] == before + 1


@pytest.mark.long  # tests/http/test_website_pages posts the same forms
def test_the_list_is_for_everybody_who_edits(admin: Visitor) -> None:
    word = unique("lista")
    a_page(admin, title=f"{word} uno")
    page = admin.page
    page.goto(f"{LIST}?search={word}")
    check_accessible(page)
    page.get_by_role("button", name="Publicar").click()
    expect(page.get_by_text("Página publicada.")).to_be_visible()
    expect(page.locator(".chip")).to_have_text("Publicado")
    page.get_by_role("link", name="Eliminar…").click()
    check_accessible(page)
    page.get_by_role("button", name="Eliminar").click()
    expect(page.get_by_text("Página eliminada.")).to_be_visible()


@pytest.mark.long  # tests/http/test_website_pages posts the same forms
def test_without_javascript_there_is_a_form(visit: Callable[..., Visitor], signed_in: Any) -> None:
    editor = visit(storage_state=signed_in, java_script_enabled=False)
    there = a_page(editor)
    page = editor.page
    page.goto(f"{LIST}/{there['id']}")
    expect(page.locator("#canvas")).to_be_hidden()
    page.get_by_label("HTML").fill("<h1>A mano</h1>")
    page.get_by_role("button", name="Guardar y publicar").click()
    expect(page.get_by_text("Página publicada.")).to_be_visible()
    page.get_by_role("link", name="Ver").click()
    expect(page.get_by_role("heading", name="A mano")).to_be_visible()
