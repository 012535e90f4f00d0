"""The list of products in the panel."""

from tests.browser.house import Visitor, check_accessible


def test_the_list_is_for_everybody_to_use(admin: Visitor) -> None:
    admin.a_product(name="Zapatilla Luna", price="150000")
    page = admin.page
    page.goto("/admin/products")
    assert page.get_by_text("Zapatilla Luna").is_visible()
    check_accessible(page)
