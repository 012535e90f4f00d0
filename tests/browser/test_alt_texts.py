"""Alternative texts in bulk: written by keyboard, one row after the other."""

import json
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.deployment import Visitor, check_accessible, people
from tests.browser.test_library import added
from tests.mongod import Guard as Watchdog
from tests.pictures import photo
from tests.receiver import Inbox, receiving
from tests.server import Server

PAGE, MEDIA = "/admin/alt-texts", "/api/builder/media"


@pytest.fixture(scope="module")
def service() -> Iterator[Inbox]:
    with receiving() as inbox:
        yield inbox


@pytest.fixture(scope="module")
def server(shared_uri: str, guard: Watchdog, service: Inbox) -> Iterator[Server]:
    people(shared_uri)
    with Server(guard, shared_uri, AVENUE_JOBS="inline", AVENUE_ALT_TEXT_URL=service.url) as server:
        yield server


def opened(visitor: Visitor, query: str = "") -> Page:
    visitor.page.goto(f"{PAGE}?{query}")
    expect(visitor.page.locator("#alt-texts[data-alive]")).to_be_attached()
    return visitor.page


def row_of(page: Page, name: str) -> Locator:
    return page.locator(".alt-row", has_text=name)


def field_of(page: Page, name: str) -> Locator:
    return row_of(page, name).get_by_role("textbox")


def test_texts_are_written_from_row_to_row(admin: Visitor, service: Inbox) -> None:
    """Saved by Enter, marked by Alt+Enter, skipped by an arrow; never over another one's text."""
    ids = {each: added(admin, f"{each}.jpg")["id"] for each in ("cuatro", "tres", "dos", "uno")}
    service.answers = [b'{"alt": "Un lago al amanecer"}']
    page = opened(admin, "of=library&limit=2")
    field_of(page, "uno").fill("Una playa")
    field_of(page, "uno").press("Enter")
    expect(row_of(page, "uno")).to_have_attribute("data-state", "good")
    expect(field_of(page, "dos")).to_be_focused()
    expect(row_of(page, "cuatro")).to_be_visible()  # the next rows have come
    field_of(page, "dos").press("Alt+Enter")
    expect(field_of(page, "tres")).to_be_focused()
    expect(row_of(page, "dos")).to_have_attribute("data-state", "good")
    admin.call(
        "PUT",
        f"/api/alt-texts/{ids['tres']}",
        data={"language": "es", "text": "De otra persona", "was": ""},
    )
    field_of(page, "tres").fill("Un bosque")
    admin.guard.expect("status of 409")
    field_of(page, "tres").press("ArrowDown")
    expect(row_of(page, "tres")).to_contain_text("otra persona escribió “De otra persona”")
    expect(field_of(page, "tres")).to_be_focused()
    field_of(page, "tres").press("Enter")
    expect(row_of(page, "tres")).to_have_attribute("data-state", "good")
    row_of(page, "cuatro").get_by_role("button", name="Sugerir texto alternativo").click()
    offer = row_of(page, "cuatro").get_by_role("button", name="Un lago al amanecer")
    expect(offer).to_be_visible()
    expect(field_of(page, "cuatro")).to_have_value("")
    field_of(page, "cuatro").press("ArrowRight")
    field_of(page, "cuatro").press("End")
    field_of(page, "cuatro").type(" de invierno")
    field_of(page, "cuatro").press("Tab")
    expect(row_of(page, "cuatro")).to_have_attribute("data-state", "good")
    found = {each: admin.call("GET", f"{MEDIA}/{media_id}") for each, media_id in ids.items()}
    assert {each: one["alt"].get("es") for each, one in found.items()} == {
        "uno": "Una playa",
        "dos": None,
        "tres": "Un bosque",
        "cuatro": "Un lago al amanecer de invierno",
    }
    assert found["dos"]["decorative"] is True


@pytest.mark.long
def test_the_list_is_accessible_with_every_state_in_it(admin: Visitor, service: Inbox) -> None:
    added(admin, "mala.jpg")
    added(admin, "buena.jpg")
    admin.a_product(photo(120, 90, seed=77), name="Zapato rojo")
    admin.guard.expect("status of 422")
    page = opened(admin)
    field_of(page, "buena").fill("Una playa")
    field_of(page, "buena").press("Tab")
    row_of(page, "mala").get_by_role("button", name="Sugerir texto alternativo").click()
    expect(row_of(page, "mala")).to_contain_text("No llegó ninguna sugerencia")
    expect(row_of(page, "Zapato rojo").get_by_role("button", name="Zapato rojo")).to_be_visible()
    check_accessible(page)


@pytest.mark.long
def test_five_hundred_pictures_take_less_than_a_quarter_of_an_hour(
    admin: Visitor, service: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sixty rows: half typed, half taken from suggestions. Each costs one request to save.

    Whoever types 60 words a minute writes 18 characters in the 1.8 seconds there are for each of
    500, so those need suggestions.
    """
    texts = [f"Foto número {n}: un lago con árboles y nubes" for n in range(60)]
    service.answers = [json.dumps({"alt": each}).encode() for each in texts] * 2
    for n in range(len(texts)):
        added(admin, f"lago-{n:02}.jpg", photo(160, 120, seed=1000 + n))
    admin.guard.expect("status of 503")  # a small copy that is being made is asked for again
    page = opened(admin, "of=library")
    sent: list[str] = []
    page.on("request", lambda each: sent.append(f"{each.method} {each.resource_type}"))
    field_of(page, "lago-59").focus()
    begun = time.monotonic()
    for text in texts[:30]:
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    expect(page.locator('.alt-row[data-state="good"]')).to_have_count(30)
    typed = (time.monotonic() - begun) / 30
    page.get_by_label("Pedir sugerencias para las imágenes que se ven").check()
    field_of(page, "lago-29").focus()
    begun = time.monotonic()
    for n in reversed(range(30)):
        expect(row_of(page, f"lago-{n:02}").locator(".suggestion")).to_be_visible()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
    expect(page.locator('.alt-row[data-state="good"]')).to_have_count(60)
    taken = (time.monotonic() - begun) / 30
    with capsys.disabled():
        print(
            f"\nalternative texts: {typed:.2f} s a picture typed by a machine, {taken:.2f} s taken "
            f"from a suggestion, which is {taken * 500 / 60:.1f} minutes for 500; "
            f"{sent.count('PUT fetch') / len(texts):.2f} requests to save one"
        )
    assert sent.count("PUT fetch") == len(texts)
    assert not any(each.startswith("GET document") for each in sent)
