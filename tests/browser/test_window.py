"""The shop window as people and their browsers see it."""

from collections.abc import Callable

from tests import pictures
from tests.browser.house import Visitor, check_accessible


def test_people_find_a_product_and_look_at_it_closely(
    admin: Visitor, visit: Callable[..., Visitor]
) -> None:
    photos = [pictures.photo(800, 600, seed=seed) for seed in (1, 2, 3)]
    product = admin.a_product(
        *photos,
        name="Zapatilla Carmín",
        price="150000",
        status="published",
        description="Liviana.\nPara todos los días.",
    )
    for javascript in (True, False):
        page = visit(java_script_enabled=javascript).page
        page.goto("/")
        page.get_by_role("searchbox", name="Buscar productos").fill("carmin")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Zapatilla Carmín Gs. 150.000").click()
        page.wait_for_url(f"**/products/{product['id']}/zapatilla-carmin")
        assert page.get_by_role("heading", level=1).inner_text() == "Zapatilla Carmín"
        assert page.get_by_role("img").count() >= 3
        closer = page.get_by_role("link", name="Zapatilla Carmín, foto 2").get_attribute("href")
        assert closer
        assert page.request.get(closer).headers["content-type"] == "image/webp"


def test_the_window_is_for_everybody_to_use(admin: Visitor, visit: Callable[..., Visitor]) -> None:
    product = admin.a_product(
        pictures.photo(640, 480), name="Termo accesible", status="published", price="90000"
    )
    page = visit().page
    for path in ("/", f"/products/{product['id']}", "/?search=nadatal"):
        page.goto(path)
        check_accessible(page)
