"""A product whose pictures are there before it is."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import pictures
from tests.browser.deployment import Held, Visitor, check_accessible, visiting
from tests.browser.line import Line, unanswered, within
from tests.browser.test_uploading import (
    BROKEN_LINE,
    a_file,
    a_photo,
    cards,
    choose,
    expect_shown,
    photographs,
    row,
    summary,
)
from tests.server import Server

TEMP = "/api/shop/temp-images"


@pytest.fixture
def seller(admin: Visitor) -> Iterator[Visitor]:
    """The administrator, with nothing left from an earlier visit, and leaving nothing."""
    forget_all(admin)
    yield admin
    forget_all(admin)


def forget_all(visitor: Visitor) -> None:
    for each in visitor.call("GET", TEMP)["items"]:
        visitor.call("DELETE", f"{TEMP}/{each['id']}")


def left_before(visitor: Visitor, count: int) -> None:
    """Pictures of an earlier visit."""
    for number in range(count):
        part = {"name": f"vieja-{number}.jpg", "mimeType": "image/jpeg", "buffer": a_photo()}
        visitor.call("POST", TEMP, multipart={"file": part})


def at_new(visitor: Visitor) -> Page:
    visitor.page.goto("/admin/products/new")
    expect(visitor.page.get_by_role("button", name="Elegir fotos")).to_be_visible()
    return visitor.page


def save(page: Page) -> None:
    page.get_by_role("button", name="Guardar el producto").click()


def saved(visitor: Visitor) -> Any:
    """The product whose page is there after saving."""
    visitor.page.wait_for_url(lambda url: "said=created" in url)
    product_id = visitor.page.url.split("?")[0].split("/")[-1]
    return visitor.call("GET", f"/api/shop/products/{product_id}")


def names(product: Any) -> list[str]:
    return [each["name"] for each in product["images"]]


def test_pictures_come_first_and_the_save_waits_for_them_and_claims_them_in_their_order(
    seller: Visitor, accessible: Callable[..., None]
) -> None:
    page = at_new(seller)
    expect(page.locator("#room")).to_have_text("Quedan 5 de 5")
    choose(page, *photographs(3))
    expect_shown(page, "foto-1.jpg", "foto-2.jpg", "foto-3.jpg")
    expect(page.locator("#room")).to_have_text("Quedan 2 de 5")
    expect(cards(page).first.locator("time")).to_be_attached()
    accessible(page)
    expect(page.locator("#queue > li")).to_have_count(0)
    cards(page).nth(2).get_by_role("button", name="Usar como foto principal").click()
    held = Held(page, f"**{TEMP}?name=*")
    choose(page, a_file("foto-4.jpg"))
    held.wait_for_one()
    page.fill("#name", "Bota")
    save(page)
    expect(page.get_by_text("Guardamos apenas terminen de subir las fotos.").first).to_be_visible()
    held.let_go()
    assert names(saved(seller)) == ["foto-3.jpg", "foto-1.jpg", "foto-2.jpg", "foto-4.jpg"]
    assert seller.call("GET", TEMP)["items"] == []


@pytest.mark.long
def test_what_is_not_for_this_product_waits_and_takes_no_place(seller: Visitor) -> None:
    page = at_new(seller)
    choose(page, *photographs(5))
    expect_shown(page, *(f"foto-{n}.jpg" for n in range(1, 6)))
    choose(page, a_file("sexta.jpg"))
    expect(row(page, "sexta.jpg")).to_contain_text("Llegaste al máximo")
    cards(page).first.get_by_label("Para este producto").uncheck()
    expect(page.locator("#room")).to_have_text("Queda 1 de 5")
    row(page, "sexta.jpg").get_by_role("button", name="Reintentar").click()
    expect_shown(page, *(f"foto-{n}.jpg" for n in range(2, 6)), "sexta.jpg", "foto-1.jpg")
    page.fill("#name", "Bota")
    save(page)
    assert names(saved(seller)) == [f"foto-{n}.jpg" for n in range(2, 6)] + ["sexta.jpg"]
    assert [each["name"] for each in seller.call("GET", TEMP)["items"]] == ["foto-1.jpg"]


@pytest.mark.long
def test_one_is_removed_before_the_save(seller: Visitor) -> None:
    page = at_new(seller)
    choose(page, *photographs(2))
    expect(cards(page)).to_have_count(2)
    page.get_by_role("button", name="Quitar la foto foto-1.jpg").click()
    expect(cards(page)).to_have_count(1)
    expect(page.locator("#room")).to_have_text("Quedan 4 de 5")
    assert [each["name"] for each in seller.call("GET", TEMP)["items"]] == ["foto-2.jpg"]


@pytest.mark.long
def test_pictures_of_an_earlier_visit_are_offered(seller: Visitor) -> None:
    left_before(seller, 2)
    page = at_new(seller)
    offer = page.locator(".earlier")
    expect(offer).to_contain_text("Tenés 2 fotos sin guardar de una visita anterior.")
    expect(page.locator("#room")).to_have_text("Quedan 5 de 5")
    check_accessible(page)
    offer.get_by_role("button", name="Usarlas").click()
    expect(page.locator("#room")).to_have_text("Quedan 3 de 5")
    expect(offer).to_have_count(0)
    choose(page, a_file("nueva.jpg"))
    expect(cards(page)).to_have_count(3)
    page.fill("#name", "Bota")
    save(page)
    assert names(saved(seller)) == ["vieja-0.jpg", "vieja-1.jpg", "nueva.jpg"]


@pytest.mark.long
def test_pictures_of_an_earlier_visit_can_be_deleted_or_left(seller: Visitor) -> None:
    left_before(seller, 2)
    page = at_new(seller)
    page.fill("#name", "Bota")
    save(page)
    assert names(saved(seller)) == []
    page = at_new(seller)
    page.get_by_role("button", name="Eliminarlas").click()
    expect(cards(page)).to_have_count(0)
    assert seller.call("GET", TEMP)["items"] == []


@pytest.mark.long
def test_one_that_expired_is_told_and_taken_out_and_the_rest_is_kept(seller: Visitor) -> None:
    page = at_new(seller)
    choose(page, *photographs(2))
    expect_shown(page, "foto-1.jpg", "foto-2.jpg")
    expect(page.locator("#queue > li")).to_have_count(0)  # nothing is fetched again from here on
    gone = cards(page).first.get_attribute("data-key")
    seller.call("DELETE", f"{TEMP}/{gone}")
    seller.guard.expect("409")
    seller.guard.expect(f"404 .*/media/{gone}/")  # a busy browser asks for it only now
    page.fill("#name", "Bota")
    save(page)
    expect(page.get_by_role("alert").first).to_contain_text("venció")
    expect(page.locator("#name")).to_have_value("Bota")
    expect(cards(page)).to_have_count(1)
    expect(page.locator(".earlier")).to_have_count(0)
    save(page)
    assert names(saved(seller)) == ["foto-2.jpg"]


@pytest.mark.long
def test_leaving_warns_while_pictures_are_not_saved(seller: Visitor) -> None:
    page = at_new(seller)
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.get_by_role("link", name="Productos").first.click()
    page.wait_for_url("**/admin/products")
    page = at_new(seller)
    choose(page, a_file())
    expect(cards(page)).to_have_count(1)
    page.on("dialog", stay)
    with page.expect_event("dialog"):
        page.get_by_role("link", name="Productos").first.click()
    expect(cards(page)).to_have_count(1)
    assert asked == ["beforeunload"]
    page.fill("#name", "Bota")
    save(page)
    assert names(saved(seller)) == ["foto.jpg"]
    assert asked == ["beforeunload"]


@pytest.mark.long  # what sends them is tested with the pictures of a product
def test_over_a_breaking_line_each_picture_is_there_once(
    seller: Visitor, browser: Browser, server: Server, signed_in: Any
) -> None:
    with (
        Line(server.port) as line,
        visiting(browser, line, storage_state=signed_in) as far_away,
    ):
        far_away.guard.expect(BROKEN_LINE)
        page = at_new(far_away)
        line.breaks = [within(20_000), unanswered]
        line.hang_up()
        large = pictures.photo(800, 600, seed=77)
        choose(page, a_file("foto-1.jpg", large), a_file("foto-2.jpg"))
        expect(summary(page)).to_have_text("2 subidas")
        expect_shown(page, "foto-1.jpg", "foto-2.jpg")
        page.fill("#name", "Bota")
        save(page)
        assert names(saved(far_away)) == ["foto-1.jpg", "foto-2.jpg"]
    assert seller.call("GET", TEMP)["items"] == []


@pytest.mark.long
def test_without_javascript_pictures_come_first_too(
    seller: Visitor, visit: Callable[..., Visitor], signed_in: Any
) -> None:
    plain = visit(java_script_enabled=False, storage_state=signed_in)
    plain.guard.expect("status of 400")
    page = plain.page
    page.goto("/admin/products/new")
    page.fill("#name", "Bota")
    page.fill("#description", "De cuero,\ncosida a mano.")
    page.get_by_role("button", name="Subir").click()  # nothing is chosen
    expect(page.get_by_role("alert")).to_contain_text("No elegiste ningún archivo")
    page.set_input_files("#picture-files", photographs(3))
    page.get_by_role("button", name="Subir").click()
    expect(cards(page)).to_have_count(3)
    cards(page).first.get_by_label("Para este producto").uncheck()
    cards(page).last.get_by_role("button", name="Quitar").click()
    expect(cards(page)).to_have_count(2)
    expect(page.locator("#name")).to_have_value("Bota")
    expect(page.locator("#description")).to_have_value("De cuero,\ncosida a mano.")
    expect(cards(page).first.get_by_label("Para este producto")).not_to_be_checked()
    page.locator("#name").press("Enter")
    product = saved(plain)
    assert (product["name"], len(names(product))) == ("Bota", 1)
