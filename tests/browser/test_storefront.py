"""The storefront as people and their browsers see it."""

import io
from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Browser, expect

from avenue.identity import new_id
from avenue.shop import demo
from tests import pictures
from tests.browser.deployment import Visitor, check_accessible, visiting
from tests.faults.deployment import Raw, raw
from tests.mongod import Mongod
from tests.server import Server
from tests.waiting import wait_until


def test_people_find_a_product_and_look_at_it_closely(
    admin: Visitor, visit: Callable[..., Visitor]
) -> None:
    photos = [pictures.photo(400, 300, seed=seed) for seed in (1, 2, 3)]
    product = admin.a_product(
        *photos,
        name="Zapatilla Carmín",
        price="150000",
        status="published",
        description="Liviana.\nPara todos los días.",
    )
    for javascript in (True, False):
        visitor = visit(**READERS["phone"], java_script_enabled=javascript)
        page = visitor.page
        page.add_init_script("navigator.share = async (what) => { window.shared = what; }")
        page.goto("/")
        page.get_by_role("searchbox", name="Buscar productos").fill("carmin")
        page.keyboard.press("Enter")
        page.wait_for_url("**search=carmin*")
        page.get_by_role("link", name="Zapatilla Carmín Gs. 150.000").click()
        page.wait_for_url(f"**/products/{product['id']}/zapatilla-carmin")
        assert page.get_by_role("heading", level=1).inner_text() == "Zapatilla Carmín"
        assert page.get_by_role("img").count() >= 3
        closer = page.get_by_role("link", name="Zapatilla Carmín, foto 2")
        large = page.request.get(str(closer.get_attribute("href")))
        assert large.headers["content-type"] == "image/webp"
        if javascript:
            page.get_by_role("button", name="Compartir este producto").click()
            assert page.evaluate("window.shared.url").endswith("/zapatilla-carmin")
        assert page.locator(".slide").count() == 0  # nothing of them is fetched before
        closer.focus()
        visitor.guard.expect("Applying inline style")  # by the browser, around a bare picture
        page.keyboard.press("Enter")
        if javascript:
            look_closely(visitor)
        else:
            page.wait_for_url("**/media/**")


def look_closely(visitor: Visitor) -> None:
    """From the second photo on go through them by key and by finger, and look at one larger."""
    page = visitor.page
    dialog = page.get_by_role("dialog", name="Fotos de Zapatilla Carmín")
    place, nearer = dialog.get_by_role("status"), dialog.get_by_role("button", name="Acercar")
    expect(place).to_have_text("2 / 3")
    for there in ("1 / 3", "3 / 3", "2 / 3"):
        page.keyboard.press("ArrowLeft")
        expect(place).to_have_text(there)
    dialog.get_by_role("button", name="Foto siguiente").click()
    expect(place).to_have_text("3 / 3")
    photo = dialog.get_by_role("img", name="Zapatilla Carmín, foto 3")
    expect(photo).to_be_in_viewport(ratio=0.99)
    whole = photo.evaluate("e => e.clientWidth")
    assert whole == READERS["phone"]["viewport"]["width"]
    page.keyboard.press("+")
    expect(nearer).to_have_attribute("aria-pressed", "true")
    assert photo.evaluate("e => e.clientWidth") == 2.5 * whole
    photo.tap()
    expect(nearer).to_have_attribute("aria-pressed", "false")
    swipe(visitor, start=(60, 300), end=(350, 300))
    expect(place).to_have_text("2 / 3")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Zapatilla Carmín, foto 2")).to_be_focused()


def swipe(visitor: Visitor, *, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Move a finger over the glass in a few steps."""
    finger = visitor.context.new_cdp_session(visitor.page)
    for step in range(9):
        x, y = (round(a + (b - a) * step / 8) for a, b in zip(start, end, strict=True))
        kind = "touchMove" if step else "touchStart"
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.long
def test_a_swipe_that_still_settles_does_not_pull_a_button_back(
    admin: Visitor, visit: Callable[..., Visitor]
) -> None:
    photos = [pictures.photo(400, 300, seed=seed) for seed in range(5)]
    product = admin.a_product(*photos, name="Mate", status="published", price="1")
    visitor = visit(**READERS["phone"])
    page = visitor.page
    page.goto(f"/products/{product['id']}")
    visitor.guard.expect("Applying inline style")  # by the browser, around a bare picture
    place = page.locator("#zoom output")
    for pause_ms in (20, 60, 100, 140, 180, 220):
        page.get_by_role("link", name="Mate, foto 2").click()
        swipe(visitor, start=(350, 300), end=(60, 300))
        page.wait_for_timeout(pause_ms)
        page.keyboard.press("End")
        page.wait_for_timeout(700)  # longer than a swipe settles
        expect(place).to_have_text("5 / 5")
        expect(page.locator(".slide").nth(4)).to_be_in_viewport(ratio=0.9)
        page.keyboard.press("Escape")


def for_sale(admin: Visitor) -> str:
    """A product with two pictures and a category; its path."""
    photographs = pictures.photo(480, 640), pictures.photo(640, 480)
    product = admin.a_product(
        *photographs,
        name="Termo accesible",
        status="published",
        price="90000",
        category="Mate y tereré > Termos",
    )
    return f"/products/{product['id']}"


@pytest.mark.long
def test_the_window_is_for_everybody_to_use(admin: Visitor, visit: Callable[..., Visitor]) -> None:
    path, page = for_sale(admin), visit(**READERS["phone"]).page
    page.goto("/")
    check_accessible(page)
    page.goto(path)
    check_accessible(page)
    page.get_by_role("link", name="Termo accesible, foto 2").click()
    check_accessible(page)
    page.keyboard.press("Escape")
    box = page.get_by_text("Gs. 90.000").bounding_box()
    assert box
    assert box["y"] + box["height"] < READERS["phone"]["viewport"]["height"]


@pytest.mark.long
def test_every_page_of_the_window_is_for_everybody_to_use(
    admin: Visitor, visit: Callable[..., Visitor]
) -> None:
    path, page = for_sale(admin), visit().page
    for each in ("/", path, "/?search=nadatal"):
        page.goto(each)
        check_accessible(page)
    page.goto("/")
    for step in ("Mate y tereré", "Termos"):
        page.get_by_role("navigation", name="Categorías").get_by_role("link", name=step).click()
        expect(page.get_by_role("heading", level=1, name=step)).to_be_visible()
        check_accessible(page)
    page.get_by_role("link", name="Termo accesible").first.click()
    way = page.get_by_role("navigation", name="Ruta").get_by_role("link")
    expect(way).to_have_text(["Productos", "Mate y tereré", "Termos"])


GRID = 48
MOST_KB, MOST_SHIFT = 600, 0.02
READERS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 900}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
    },
}
NOTE_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) { window.shifted += each.value; }
}).observe({ type: "layout-shift", buffered: true });
"""
SCROLL_TO_THE_END = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  while (window.scrollY + window.innerHeight < document.documentElement.scrollHeight - 1) {
    window.scrollBy(0, window.innerHeight / 3);
    await frame();
    await frame();
  }
}"""
ALL_THERE = "() => [...document.images].every((each) => each.complete && each.naturalWidth > 0)"


@pytest.fixture(scope="module")
def grid(browser: Browser, server: Server, signed_in: Any, mongod: Mongod) -> str:
    """The address of a page with 48 products, a photograph of 4:3 or 3:4 each."""
    sizes = cycle(((640, 480), (480, 640)))
    photographs = [
        photograph_of(file, next(sizes))
        for file in ("luna-azul", "florero", "nanduti", "taza", "mochila-1", "bolso")
    ]
    product = {"name": "Rejilla", "price": "150000", "status": "published"}
    with visiting(browser, server, storage_state=signed_in) as admin:
        made = [admin.a_product(photograph, **product)["id"] for photograph in photographs]
    database = raw(mongod.client, server.uri)
    for first in made:
        for _ in range(GRID // len(made) - 1):
            copy(database, first)
    return "/?search=rejilla"


def photograph_of(file: str, size: tuple[int, int]) -> bytes:
    """Return a sample picture cropped to `size`, as a JPEG."""
    written = io.BytesIO()
    with Image.open(io.BytesIO(demo.picture(f"{file}.jpg"))) as image:
        ImageOps.fit(image, size).save(written, "JPEG", quality=92)
    return written.getvalue()


def copy(database: Raw, product_id: str) -> None:
    """Add a product like another one, whose picture is a picture of its own of the same bytes."""
    asset = database["assets"].find_one({"claim.id": product_id})
    product = database["shop_products"].find_one({"_id": product_id})
    assert asset
    names = {product_id: new_id(), asset["_id"]: new_id()}
    database["assets"].insert_one(renamed(asset, names))
    database["shop_products"].insert_one(renamed(product, names))


def renamed(value: Any, names: dict[str, str]) -> Any:
    """The same record with other ids."""
    if isinstance(value, dict):
        return {key: renamed(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [renamed(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("reader", ["phone", pytest.param("desk", marks=pytest.mark.long)])
def test_a_full_page_is_light_and_nothing_in_it_jumps(
    visit: Callable[..., Visitor], grid: str, reader: str
) -> None:
    visitor = visit(**READERS[reader])
    page, loaded = visitor.page, []
    wire = visitor.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda each: loaded.append(each["encodedDataLength"]))
    page.add_init_script(NOTE_SHIFTS)
    page.goto(grid)
    assert page.locator(".tile").count() == GRID
    page.evaluate(SCROLL_TO_THE_END)
    page.wait_for_function(ALL_THERE)
    wait_until(lambda: page.evaluate("true") and len(loaded) > GRID, "all of it is there")
    assert page.evaluate("window.shifted") < MOST_SHIFT
    kilobytes = sum(loaded) / 1000
    assert kilobytes < MOST_KB, f"{kilobytes:.0f} KB in {len(loaded)} answers"
    chosen = page.evaluate("[...document.images].map((each) => each.currentSrc)")
    assert all("/w320." in each for each in chosen)
