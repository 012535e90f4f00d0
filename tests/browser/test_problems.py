"""The problems page."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.deployment import Visitor, check_accessible
from tests.http.application import unique


@pytest.mark.long  # tests/http/test_problem_pages posts the same forms
def test_a_look_finds_what_is_wrong_and_one_button_mends_it(
    admin: Visitor, visit: Callable[..., Visitor], signed_in: Any
) -> None:
    names = [unique("Roto ") for _ in range(2)]
    for name in names:
        product = admin.a_product(name=name)
        url = {"image_url": "/uploads/viejo/a.jpg"}
        admin.call("POST", f"/api/shop/products/{product['id']}/images", data=url)
    page = admin.page
    page.goto("/admin/problems")
    page.get_by_role("button", name="Revisar todo ahora").click()
    expect(page.get_by_text("Se revisó todo.")).to_be_visible()
    expect(page).to_have_url(re.compile("/admin/problems$"))
    first = page.locator(".accused", has_text=names[0])
    expect(first.get_by_text("solo estaba en el disco")).to_be_visible()
    check_accessible(page)
    first.get_by_role("button", name="Quitar la entrada").click()
    expect(page.get_by_text("Entrada quitada.")).to_be_visible()
    expect(page.locator(".accused", has_text=names[0])).to_have_count(0)

    plain = visit(java_script_enabled=False, storage_state=signed_in).page
    plain.goto("/admin/problems")
    second = plain.locator(".accused", has_text=names[1])
    expect(second.get_by_role("link", name="Subir otra vez")).to_be_visible()
    second.get_by_role("button", name="Quitar la entrada").click()
    expect(plain.get_by_text("Entrada quitada.")).to_be_visible()
    plain.get_by_role("button", name="Revisar todo ahora").click()
    plain.wait_for_url(re.compile(r"\?job="))
