"""The description of the API, for programs and for people.

What it says of answers, `contract.py` holds against every answer of every HTTP test.
"""

import copy
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from pydantic import BaseModel

import avenue
from avenue.web.describing import described, description_of
from avenue.web.docs import example
from avenue.web.operations import PLACE_IN_RULE, operations
from tests.http.application import HOST, OTHER_HOST, PRODUCTS, Application, Caller, a_picture
from tests.http.contract import Contract, unconnected_app
from tests.table import table

ROOT = Path(__file__).parents[2]
URL, PAGE = "/api/openapi.json", "/api/docs"
NOT_FOR_PROGRAMS = {
    "GET /": "a page",
    "GET /products/<product_id>": "a page",
    "GET /categories/<path:key>": "a page",
    "GET /products/<product_id>/<slug>": "a page",
    "GET /p/<slug>": "a page",
    "GET /preview/<token>": "a page",
    "GET /sitemap.xml": "for search engines",
    "GET /status": "a page",
    "GET /status/badge.svg": "a picture",
    "GET /sitemap/pages.xml": "for search engines",
    "GET /sitemap/products-<int:number>.xml": "for search engines",
    "GET /robots.txt": "for search engines",
    "GET /site.css": "what pages need",
    "GET /theme.css": "what pages need",
    "GET /login": "a page",
    "POST /login": "a page's form",
    "GET /login/oidc": "a page's link",
    "GET /login/oidc/callback": "for browsers that come from the provider",
    "POST /login/passkey": "a page's form",
    "GET /login/second-factor": "a page",
    "POST /login/second-factor": "a page's form",
    "POST /logout": "a page's button",
    "GET /login/forgotten": "a page",
    "POST /login/forgotten": "a page's form",
    "GET /login/reset/<secret>": "a page",
    "POST /login/reset": "a page's form",
    "GET /api/docs": "the description as a page",
    "POST /mcp": "its protocol describes itself: tools/list",
    "GET /static/<path:name>": "what pages need",
    "POST /preferences": "a page's buttons",
}


@pytest.fixture(scope="module")
def api(nobody: Caller) -> dict[str, Any]:
    return nobody.get(URL).json


@pytest.fixture(scope="module")
def page(nobody: Caller) -> str:
    return nobody.get(PAGE).text


def test_every_route_is_described_except_pages(api):
    app = unconnected_app()
    there = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {
        f"{method.upper()} {path}" for path, methods in api["paths"].items() for method in methods
    }
    pages = {each for each in there if " /admin" in each} | NOT_FOR_PROGRAMS.keys()
    expected = {PLACE_IN_RULE.sub(r"{\1}", each) for each in there - pages}
    assert told == expected, "put @described on the view, under @require and @upload_route"
    assert NOT_FOR_PROGRAMS.keys() <= there


def test_it_is_openapi_3_1(api):
    assert api["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(api).validate()


def test_every_reference_leads_somewhere_and_every_component_is_used(api):
    references = set(re.findall(r'"#/components/(\w+/[^"]+)"', json.dumps(api)))
    there = {
        f"{kind}/{name}" for kind in ("schemas", "headers") for name in api["components"][kind]
    }
    assert references == there


def test_every_operation_has_a_summary_an_id_of_its_own_and_refusals(api):
    found = [each for methods in api["paths"].values() for each in methods.values()]
    assert len({each["operationId"] for each in found}) == len(found)
    for each in found:
        assert each["summary"].endswith((".", ":")), each["operationId"]
        assert each["responses"]["default"]["content"]["application/json"]["schema"] == {
            "$ref": "#/components/schemas/Problem"
        }


def test_it_is_for_the_site_that_is_asked(application: Application, api):
    elsewhere = application.caller("nobody_on_other_site").get(URL).json
    assert api["servers"] == [{"url": f"https://{HOST}"}]
    assert elsewhere == {**api, "servers": [{"url": f"https://{OTHER_HOST}"}]}


def test_its_version_is_the_one_of_the_program(api):
    assert api["info"]["version"] == avenue.__version__
    for path, said in (
        ("pyproject.toml", f'version = "{avenue.__version__}"'),
        ("Dockerfile", f'image.version="{avenue.__version__}"'),
    ):
        assert said in (ROOT / path).read_text()


def test_it_may_be_kept_for_a_minute_and_asked_for_again(nobody: Caller):
    first = nobody.get(URL)
    assert first.headers["Cache-Control"] == "public, max-age=60"
    again = nobody.get(URL, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""


def test_every_application_is_described_alike(application: Application, truth: Contract):
    """So that the tests of a process share one description."""
    assert truth.document == application.contract.document


def test_the_answers_of_a_day_were_held_against_it(application: Application):
    application.contract.seen.clear()
    seller, nobody = application.caller("seller"), application.caller("nobody")
    product = seller.a_product(a_picture())
    url = f"{PRODUCTS}/{product['id']}"
    image = product["images"][0]
    seller.patch(f"{url}/images/{image['id']}", json={"alt": {"es": "Zapato rojo"}})
    seller.post(f"{url}/images", json={"image_url": "https://images.example/shoe.jpg"})
    seller.get(PRODUCTS)
    seller.get("/api/auth/tokens")
    nobody.get(url)
    nobody.post(PRODUCTS, json={})
    nobody.get(image["url"])
    assert {
        f"POST {PRODUCTS} 201",
        f"POST {PRODUCTS}/<owner_id>/images 201",
        f"PATCH {PRODUCTS}/<owner_id>/images/<asset_id> 200",
        f"GET {PRODUCTS}/<product_id> 200",
        f"GET {PRODUCTS}/<product_id> 404",
        f"GET {PRODUCTS} 200",
        f"POST {PRODUCTS} 401",
        "GET /api/auth/tokens 200",
        "GET /media/<asset_id>/<token>/<file_name> 200",
    } <= application.contract.seen


def test_a_view_says_what_nobody_else_can_say():
    @described(replies={204: None})
    def view() -> None: ...

    told = description_of(view)
    assert told is not None
    assert told.replies[204].contents == {}


def bodies() -> list[type[BaseModel]]:
    bodies = {each.said.body for each in operations(unconnected_app())}
    found = [each for each in bodies if isinstance(each, type)]
    return sorted(found, key=lambda each: each.__name__)


@table("body", bodies())
def test_the_example_of_a_body_is_taken(body: type[BaseModel], api):
    shown = example(api, api["components"]["schemas"][body.__name__])
    body.model_validate_json(json.dumps(shown))


def told_of_a_product(contract: Contract) -> dict[str, Any]:
    """What is described for a product that is shown."""
    path = contract.document["paths"]["/api/shop/products/{product_id}"]
    told: dict[str, Any] = path["get"]["responses"]
    return told


def product_schema(contract: Contract) -> dict[str, Any]:
    schema: dict[str, Any] = contract.document["components"]["schemas"]["Product"]
    return schema


LIES: dict[str, Callable[[Contract], object]] = {
    "is not described": lambda lie: told_of_a_product(lie).pop("200"),
    "is application/json, not": lambda lie: told_of_a_product(lie)["200"].update(
        content={"text/csv": {}}
    ),
    "is described without a body": lambda lie: told_of_a_product(lie)["200"].pop("content"),
    "has no {'ETag'}": lambda lie: told_of_a_product(lie)["200"].update(headers={"ETag": {}}),
    "Additional properties are not allowed": lambda lie: product_schema(lie)["properties"].pop(
        "sku"
    ),
    "is not of type": lambda lie: product_schema(lie)["properties"]["revision"].update(
        type="string"
    ),
    '"stock" is a required property': lambda lie: product_schema(lie)["required"].append("stock"),
}


@pytest.fixture(scope="module")
def truth(application: Application) -> Contract:
    return Contract(application.app)


@table("sentence", LIES)
def test_a_lie_of_the_description_is_found(as_seller: Caller, truth: Contract, sentence: str):
    url = f"/api/shop/products/{as_seller.a_product()['id']}"
    contract = copy.deepcopy(truth)
    LIES[sentence](contract)
    with pytest.raises(AssertionError, match=re.escape(sentence)):
        contract.check(as_seller.app, "GET", url, as_seller.get(url))


def test_a_code_that_is_not_described_is_found(nobody: Caller, truth: Contract):
    url = f"/api/shop/products/{'x' * 22}"
    contract = copy.deepcopy(truth)
    told_of_a_product(contract)["404"]["x-codes"] = ["group_not_found"]
    with pytest.raises(AssertionError, match="product_not_found: not described"):
        contract.check(nobody.app, "GET", url, nobody.get(url))


class Asked(HTMLParser):
    """What a browser asks for when it shows a page, and what it would run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.runs: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        if tag == "a":
            self.links.append(found["href"] or "")
        else:
            self.urls += [found[key] or "" for key in ("src", "href", "data") if key in found]
        self.runs += [tag] if tag == "script" else []
        self.runs += [name for name in found if name.startswith("on") or name == "style"]


def test_the_page_asks_nobody_else_and_runs_nothing(nobody: Caller, page):
    asked = Asked(page)
    assert asked.urls
    assert all(
        re.fullmatch(r"/static/[0-9a-f]{12}/[a-z/]+\.(css|svg)", each) for each in asked.urls
    )
    assert asked.runs == []
    for url in asked.urls:
        assert nobody.get(url).status_code == 200
    for url in asked.urls:
        assert "url(" not in nobody.get(url).text
        assert "@import" not in nobody.get(url).text


def test_the_links_of_the_page_lead_somewhere(page):
    asked = Asked(page)
    assert '<html lang="es"' in page
    assert len(asked.ids) == len(set(asked.ids))
    assert {each for each in asked.links if not each.startswith("#")} == {URL}
    assert {each[1:] for each in asked.links if each.startswith("#")} <= set(asked.ids)


def test_the_page_has_every_operation_with_a_command(api, page):
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            assert f"<b>{method.upper()}</b> {path}</code>" in page
            assert f'id="{operation["operationId"]}"' in page
    assert page.count("<pre ") == sum(map(len, api["paths"].values()))


@pytest.mark.parametrize(
    ("asked", "language", "title"),
    [
        ("en-GB, en;q=0.8", "en", "The API"),
        *(pytest.param(each, "es", "La API", marks=pytest.mark.long) for each in ("es", "fr")),
    ],
)
def test_the_page_speaks_spanish_and_english(nobody: Caller, asked, language, title):
    answer = nobody.get(PAGE, headers={"Accept-Language": asked})
    assert f'<html lang="{language}"' in answer.text
    assert f"<h1>{title}</h1>" in answer.text
    assert "Accept-Language" in answer.headers["Vary"]


def test_the_strict_form_has_no_way_out(truth: Contract):
    closed = truth.document
    assert closed["components"]["schemas"]["Product"]["additionalProperties"] is False
    assert closed["components"]["schemas"]["Problem"]["additionalProperties"] is True
