"""What each page makes a browser fetch of scripts and style sheets, compressed as it asks for."""

import re
from urllib.parse import urljoin

import pytest

from tests import pictures
from tests.http.application import Application, Caller

LOADED = re.compile(
    r'<(?:link rel="stylesheet"|link rel="modulepreload"|script)[^>]*?(?:href|src)="([^"]+)"'
)
IMPORTED = re.compile(r"""^(?:import|export)\b[^"'();=]*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE)
BROWSER = {"Accept": "text/html", "Accept-Encoding": "br", "Accept-Language": "en"}
KB = 1000

BUDGETS_KB = {
    "/": ("nobody", 6),
    "/products/{product}": ("nobody", 9),
    "/p/{page}": ("nobody", 5),
    "/admin/products": ("admin", 12),
    "/admin/products/{product}": ("admin", 70),
    "/admin/library": ("admin", 35),
    "/admin/website": ("admin", 10),
    "/admin/website/{page_id}": ("admin", 345),
    "/admin/uploads": ("admin", 10),
    "/admin/settings": ("admin", 40),
    "/admin/infrastructure": ("admin", 9),
    "/api/docs": ("nobody", 3),
}
"""Kilobytes of scripts and styles by page, and who looks. What a page needs more has to be worth
that a phone on 1.6 Mbit/s waits 5 ms longer for each."""


def fetched(caller: Caller, path: str) -> dict[str, int]:
    """The bytes of each script and style sheet that the page at `path` asks for."""
    page = caller.get(path, headers=BROWSER)
    assert page.status_code == 200, page.text
    left, found = [urljoin(path, each) for each in LOADED.findall(page.text)], {}
    while left:
        address = left.pop()
        if address in found:
            continue
        answer = caller.get(address, headers=BROWSER)
        assert answer.status_code == 200, address
        found[address] = len(answer.data)
        if address.split("?")[0].endswith(".js"):
            code = caller.get(address).text
            left += [urljoin(address, each) for each in IMPORTED.findall(code)]
    return found


@pytest.fixture
def places(application: Application, as_seller: Caller, as_editor: Caller) -> dict[str, str]:
    product = as_seller.a_product(pictures.photo(80, 60), status="published")
    page = as_editor.post("/api/builder/pages", json={"title": "Pesada"}).json
    url = f"/api/builder/pages/{page['id']}/publish"
    assert as_editor.post(url, json={"revision": page["revision"]}).status_code == 200
    return {"product": product["id"], "page": page["slug"], "page_id": page["id"]}


MOST_SEEN = ("/products/{product}", "/admin/products/{product}", "/admin/website/{page_id}")


@pytest.mark.parametrize(
    "page",
    [
        *MOST_SEEN,
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in BUDGETS_KB
            if each not in MOST_SEEN
        ),
    ],
)
def test_no_page_is_heavier_than_its_budget(
    application: Application, places: dict[str, str], page: str
):
    who, most_kb = BUDGETS_KB[page]
    caller = application.caller(who)
    weights = fetched(caller, page.format_map(places))
    heaviest = sorted(weights.items(), key=lambda each: -each[1])[:5]
    assert sum(weights.values()) <= most_kb * KB, heaviest
