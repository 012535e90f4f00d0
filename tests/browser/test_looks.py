"""Pages whose looks are those of others, seen in the dark on a phone all the same."""

import pytest

from tests import pictures
from tests.browser.house import Visitor, check_accessible

pytestmark = pytest.mark.long

PAGES = (
    "/?search=nadatal",
    "/products/nothing",
    "/login/forgotten",
    "/login/reset/nothing",
    "/admin/account",
    "/admin/account/tokens",
    "/admin/groups",
    "/admin/imports",
    "/admin/imports/pictures",
    "/admin/library?state=trash",
    "/admin/library/reports/alt",
    "/admin/library/reports/unused",
    "/admin/people",
    "/admin/products",
    "/admin/products?search=nadatal",
    "/admin/products?state=trash",
    "/admin/products/new",
    "/admin/settings/sites",
    "/admin/uploads?state=trash",
    "/admin/website",
)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_seen_by_everybody(admin: Visitor, path: str) -> None:
    admin.guard.expect("status of 4(04|10)")
    for _ in range(2):
        gone = admin.a_product(pictures.photo(80, 60))
    admin.call("DELETE", f"/api/shop/products/{gone['id']}")
    admin.page.goto(path)
    check_accessible(admin.page)
