"""What all pages of the panel have in common: the navigation, and what they are built of."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Playwright, expect

from tests.browser import design
from tests.browser.deployment import ADMIN, Visitor, check_accessible, origin
from tests.server import Server

PHONE = {"width": 375, "height": 740}
HEIGHTS = """() => {
    const all = "main :is(button:not(.plain), .button, select, input:not([type]), [type=file])";
    const heights = [...document.querySelectorAll(all)].map((each) => each.offsetHeight);
    return [...new Set(heights)].filter(Boolean).sort();
}"""
"""How high the controls of a page are."""


def test_the_navigation_of_a_phone_shows_where_one_is(admin: Visitor) -> None:
    page = admin.page
    page.set_viewport_size(PHONE)
    page.goto("/admin/settings")
    here = page.get_by_role("navigation", name="Principal").get_by_role(
        "link", name="Configuración"
    )
    expect(here).to_have_attribute("aria-current", "page")
    box = here.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    assert PHONE["height"] - 70 < box["y"] + box["height"] <= PHONE["height"]
    expect(page.get_by_role("list", name="Sistema")).to_be_attached()
    page.goto("/admin/products?state=trash")  # the last of the views, which are wider, too
    expect(page.get_by_role("link", name="Papelera")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("link", name=ADMIN)).to_be_in_viewport(ratio=1)


def test_the_panel_can_be_installed(admin: Visitor) -> None:
    admin.page.goto("/admin/settings")
    link = admin.page.locator("link[rel=manifest]").get_attribute("href") or ""
    manifest = admin.call("GET", link)
    assert manifest["start_url"] == "/admin"
    for icon in manifest["icons"]:
        answer = admin.context.request.get(urljoin(link, icon["src"]))
        assert (answer.status, answer.headers["content-type"]) == (200, "image/png")


def test_every_component_is_accessible_in_both_themes(
    admin: Visitor, server: Server, playwright: Playwright
) -> None:
    stranger = playwright.request.new_context(base_url=origin(server))
    assert stranger.get("/admin/design").status == 401
    stranger.dispose()
    page = admin.page
    page.goto("/admin/design")
    for theme in ("Light", "Dark"):
        expect(page.get_by_role("region", name=theme)).to_be_visible()
    assert page.evaluate(HEIGHTS) == [32, 36]
    check_accessible(page)


def test_components_look_as_they_are_kept(
    visit: Callable[..., Visitor], signed_in: Any, request: pytest.FixtureRequest
) -> None:
    """Those that are meant to look otherwise: `make design` keeps them as they are now."""
    page = visit(storage_state=signed_in, viewport=design.DESK, device_scale_factor=1).page
    page.goto("/admin/design")
    design.draw_alike(page)
    parts = {each: page.locator(f".specimen[data-theme={each}]") for each in ("light", "dark")}
    if request.config.getoption("--keep-design"):
        for name, part in parts.items():
            design.look_of(part).save(design.KEPT / f"{name}.png", optimize=True)
    for name, part in parts.items():
        assert design.differing(design.look_of(part), name) <= design.MOST_BLOCKS, name
    # That is noticed: another accent in one theme, a little more space in the other.
    for name, token, value in (("light", "--accent", "#1c4f8a"), ("dark", "--control", "2.75rem")):
        parts[name].evaluate(
            "(each, [name, to]) => each.style.setProperty(name, to)", [token, value]
        )
        off = design.differing(design.look_of(parts[name]), name)
        assert off > design.MOST_BLOCKS, name
        parts[name].evaluate("(each, name) => each.style.removeProperty(name)", token)


ELSEWHERE = (
    *("groups/new", "imports/pictures", "library/reports/unused"),
    *("uploads", "website", "infrastructure/migration", "infrastructure/move"),
)
"""Pages with scripts that no other browser test of `make test` opens."""


def test_on_other_pages_the_scripts_begin_without_a_fault(admin: Visitor) -> None:
    for path in ELSEWHERE:
        answer = admin.page.goto(f"/admin/{path}")
        assert answer
        assert (path, answer.status) == (path, 200)
        expect(admin.page.get_by_role("navigation", name="Principal")).to_be_attached()


def test_the_start_page_leads_to_what_needs_doing(admin: Visitor) -> None:
    admin.a_product(name="Sin foto")
    page = admin.page
    page.goto("/admin")
    check_accessible(page)
    page.get_by_role("link", name=re.compile("productos? no tienen? fotos")).click()
    expect(page.get_by_role("link", name="Sin foto", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert "Sin foto" in download.value.path().read_text()


def test_a_few_letters_lead_anywhere(admin: Visitor) -> None:
    """By keys alone: a page of the panel, what is found by its name, and which keys there are."""
    product = admin.a_product(name="Alpargata Única", sku="ALP-1")
    page = admin.page
    page.goto("/admin/people")
    page.wait_for_load_state()
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Ir a cualquier parte")
    expect(field).to_be_focused()
    expect(page.get_by_role("option", name="Registro de auditoría")).to_be_visible()
    page.keyboard.type("unica")
    expect(page.locator("#palette[data-shown=unica]")).to_be_visible()
    expect(page.get_by_role("option")).to_have_text(["Alpargata ÚnicaALP-1"])
    check_accessible(page)
    field.press("Enter")
    expect(page.get_by_role("heading", name="Alpargata Única", level=1)).to_be_visible()
    assert page.url.endswith(product["id"])
    page.wait_for_load_state()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Atajos de teclado")).to_be_visible()
    page.get_by_label("Atajos de una sola tecla").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.goto("/admin/library")
    page.wait_for_load_state()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Buscar")).not_to_be_focused()
    page.keyboard.press("Control+k")  # where one key does nothing, this still opens the other one
    expect(page.get_by_role("dialog", name="Atajos de teclado")).to_be_hidden()
    expect(field).to_be_focused()
    page.keyboard.type("config")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Configuración", level=1)).to_be_visible()
