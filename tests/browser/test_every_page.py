"""Every page of the panel that needs no id, by axe: new ones are looked at without being named."""

from collections.abc import Callable
from typing import Any

import pytest

from tests import pictures
from tests.browser.house import Visitor, check_accessible
from tests.http.contract import unconnected_app

pytestmark = pytest.mark.long

NO_PAGES = {"/admin/counts"}
OTHERS = ("/admin/products?pictures=none", "/admin/products?state=trash", "/admin/library?trash=1")


def addresses() -> list[str]:
    """Return the addresses of the panel that can be asked for as they stand."""
    rules = unconnected_app().url_map.iter_rules()
    return sorted(
        each.rule
        for each in rules
        if each.rule.startswith("/admin") and not each.arguments and "GET" in (each.methods or ())
    )


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("language", ["es", "en"])
def test_every_page_is_accessible(
    visit: Callable[..., Visitor], signed_in: Any, language: str
) -> None:
    visitor = visit(storage_state=signed_in, locale=language)
    product = visitor.a_product(pictures.photo(64, 48), name="Bota", status="published")
    seen = 0
    for path in (*addresses(), *OTHERS, f"/admin/products/{product['id']}"):
        answer = visitor.context.request.get(path)
        is_page = "text/html" in answer.headers.get("content-type", "") and answer.ok
        if path in NO_PAGES or not is_page or "<main" not in answer.text():
            continue
        visitor.page.goto(path)
        check_accessible(visitor.page)
        seen += 1
    assert seen > 30
