"""Products over HTTP: who may do what, what is refused, and what the lists show."""

import base64
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.http.application import (
    GROUPS,
    HOST,
    PRODUCTS,
    Application,
    Caller,
    a_picture,
    unique,
)
from tests.table import table

PRODUCT_KEYS = {
    "id",
    "sku",
    "name",
    "description",
    "price",
    "currency",
    "status",
    "group",
    "category",
    "attributes",
    "images",
    "image_urls",
    "revision",
    "created_at",
    "updated_at",
}


def assert_refused(answer, status: int, code: str) -> dict[str, Any]:
    """Check a refusal in its whole shape and return it."""
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    told = answer.json
    assert told["success"] == 0
    assert told["status"] == status
    assert told["error"] == told["message"]
    assert told["message"][-1] == "."
    assert told["hint"]
    assert answer.headers["X-Request-ID"] == told["request_id"]
    assert answer.headers["Cache-Control"] == "no-store"
    return told


# Who may use which route. A row of ROUTES against every caller of the columns below it.


class Route(NamedTuple):
    name: str
    method: str
    url: str  # {product} and {image} are the seller's, {trashed} is a picture in the trash
    body: Any  # JSON, or PICTURE for a form with a fresh picture, or None
    status: int  # for those who may


PICTURE = object()
ROUTES = (
    Route("create", "POST", PRODUCTS, {"name": "Bota"}, 201),
    Route("create a group", "POST", GROUPS, {"name": "Bota"}, 201),
    Route("keep a picture for later", "POST", "/api/shop/temp-images", PICTURE, 201),
    Route("list pictures for later", "GET", "/api/shop/temp-images", None, 200),
    Route("patch", "PATCH", PRODUCTS + "/{product}", {"name": "Bota"}, 200),
    Route("delete", "DELETE", PRODUCTS + "/{product}", None, 204),
    Route("upload", "POST", PRODUCTS + "/{product}/images", PICTURE, 201),
    Route(
        "order", "PUT", PRODUCTS + "/{product}/images", {"order": ["{image}"], "revision": 4}, 200
    ),
    Route(
        "keep a URL",
        "POST",
        PRODUCTS + "/{product}/images",
        {"image_url": "https://x.example/a"},
        201,
    ),
    Route(
        "remove by URL", "DELETE", PRODUCTS + "/{product}/images", {"image_url": "{address}"}, 204
    ),
    Route("upload by phone", "POST", "/api/products/{product}/upload_images/", PICTURE, 201),
    Route(
        "delete by phone",
        "DELETE",
        "/api/products/{product}/delete_image/",
        {"image_url": "{address}"},
        200,
    ),
    Route("describe", "PATCH", PRODUCTS + "/{product}/images/{image}", {"decorative": True}, 200),
    Route("replace", "PUT", PRODUCTS + "/{product}/images/{image}/file", PICTURE, 201),
    Route("remove", "DELETE", PRODUCTS + "/{product}/images/{image}", None, 204),
    Route("restore", "POST", PRODUCTS + "/{product}/images/{trashed}/restore", None, 200),
)
OF_A_PRODUCT = tuple(route for route in ROUTES if "{product}" in route.url)
OF_A_PICTURE = tuple(each for each in ROUTES if "{image}" in each.url or "{trashed}" in each.url)
REMOVING = tuple(
    each for each in ROUTES if each.method == "DELETE" or each.name == "delete by phone"
)
KEEPING = sorted(
    (each for each in ROUTES if each not in REMOVING), key=lambda each: each.name != "order"
)
"""The order names revision 4, so it comes first."""
NOT_SELLERS = ("client", "editor", "ops")
SOMEBODY_ELSE = ("other_seller", "seller_on_other_site", "admin_on_other_site")


@pytest.fixture(scope="module")
def standing(as_seller: Caller) -> dict[str, str]:
    """A scene for all who are refused: it stays as it is."""
    return made(as_seller)


def made(as_seller: Caller) -> dict[str, str]:
    """A draft of the seller with one picture, and one in the trash; its revision is 4."""
    product = as_seller.a_product(a_picture(), a_picture())
    kept, trashed = (each["id"] for each in product["images"])
    url = f"{PRODUCTS}/{product['id']}"
    assert as_seller.delete(f"{url}/images/{trashed}").status_code == 204
    return {"product": product["id"], "image": kept, "trashed": trashed, "url": url}


def sent(caller: Caller, route: Route, scene: dict[str, str]):
    url = route.url.format(**scene)
    if route.body is PICTURE:
        return caller.upload(url, a_picture(), method=route.method)
    body = route.body
    if isinstance(body, dict) and "order" in body:
        body = {**body, "order": [scene["image"]]}
    if isinstance(body, dict) and "image_url" in body:
        body = {"image_url": body["image_url"].format(address=f"/media/{scene['image']}/original")}
    return caller.ask(route.method, url, json=body)


def stored(application: Application, scene: dict[str, str]) -> list[dict[str, Any]]:
    """What the database holds of the scene."""
    assets = {"_id": {"$in": [scene["image"], scene["trashed"]]}}
    return [
        *application.raw["shop_products"].find({"_id": scene["product"]}),
        *application.raw["assets"].find(assets).sort("_id", 1),
    ]


@table("route", ROUTES)
def test_nobody_is_asked_to_sign_in(application, nobody, standing, route):
    before = stored(application, standing)
    answer = sent(nobody, route, standing)
    assert_refused(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert stored(application, standing) == before


@pytest.mark.long
@table("route", ROUTES)
@table("who", NOT_SELLERS)
def test_who_does_not_sell_never_may(application, standing, route, who):
    before = stored(application, standing)
    assert_refused(sent(application.caller(who), route, standing), 403, "forbidden")
    assert stored(application, standing) == before


@pytest.fixture
def nothing_is_left(application: Application) -> Iterator[None]:
    """Whatever a test asks for, nothing is stored of it."""
    for who in ("seller", *SOMEBODY_ELSE):
        application.caller(who)
    counts = application.counts()
    yield
    assert application.counts() == counts


@table("route", OF_A_PRODUCT)
@table("who", SOMEBODY_ELSE)
def test_a_product_of_somebody_else_is_not_there(
    application, standing, route, who, nothing_is_left
):
    stranger = application.caller(who)
    before = stored(application, standing)
    answer = sent(stranger, route, standing)
    assert_refused(answer, 404, "product_not_found")
    assert stored(application, standing) == before


@table("route", ROUTES)
def test_a_token_of_another_site_is_no_token(application, standing, route, on_other_site):
    stranger = Caller(application, application.app, HOST, token=on_other_site.token)
    before = stored(application, standing)
    assert_refused(sent(stranger, route, standing), 401, "invalid_token")
    assert stored(application, standing) == before


@pytest.mark.parametrize("who", ["seller", pytest.param("admin", marks=pytest.mark.long)])
def test_the_owner_and_administrators_may(application, as_seller, who):
    caller, scene = application.caller(who), made(as_seller)
    for route in KEEPING:
        answer = sent(caller, route, scene)
        assert answer.status_code == route.status, (route.name, answer.text)
    for route in REMOVING:
        answer = sent(caller, route, made(as_seller))
        assert answer.status_code == route.status, (route.name, answer.text)


@pytest.mark.parametrize(
    "products",
    [["A" * 22, "%00"], pytest.param(["nothing", "..", "é", "a" * 3000], marks=pytest.mark.long)],
    ids=["some", "others"],
)
@table("route", OF_A_PRODUCT)
def test_a_product_that_never_was_is_not_there(as_seller, standing, route, products):
    for product in products:
        answer = sent(as_seller, route, {**standing, "product": product})
        assert (answer.status_code, answer.json["success"]) == (404, 0), product


@pytest.fixture(scope="module")
def of_another(as_seller: Caller, standing: dict[str, str]) -> dict[str, str]:
    """The scene, but with the pictures of another product of the same seller."""
    other = made(as_seller)
    return {**standing, "image": other["image"], "trashed": other["trashed"]}


@table("route", OF_A_PICTURE)
def test_a_picture_of_another_product_is_not_there(application, as_seller, of_another, route):
    before = stored(application, of_another)
    assert_refused(sent(as_seller, route, of_another), 404, "image_not_found")
    assert stored(application, of_another) == before


# Who sees what

DRAFT_IS_SEEN_BY = {"seller", "admin"}
EVERYBODY = ("nobody", "client", "editor", "ops", "other_seller", "seller", "admin")
ON_OTHER_SITE = ("nobody_on_other_site", "seller_on_other_site", "admin_on_other_site")


@pytest.fixture(scope="module")
def of_each_status(as_seller: Caller) -> dict[str, Any]:
    return {each: as_seller.a_product(status=each) for each in ("draft", "published")}


@table("who", EVERYBODY + ON_OTHER_SITE)
@table("status", ["draft", "published"])
def test_drafts_are_for_their_owner_and_administrators(application, of_each_status, who, status):
    product = of_each_status[status]
    answer = application.caller(who).get(f"{PRODUCTS}/{product['id']}")
    may = who in (DRAFT_IS_SEEN_BY if status == "draft" else EVERYBODY)
    if may:
        assert answer.status_code == 200
        assert answer.json == product
    else:
        assert_refused(answer, 404, "product_not_found")
    listed = application.caller(who).get(PRODUCTS, query_string={"search": product["name"]}).json
    assert (listed["items"], listed["total"]) == (([product], 1) if may else ([], 0))


def test_a_list_of_drafts_is_empty_for_those_who_see_none(as_seller, nobody):
    product = as_seller.a_product()
    asked = {"search": product["name"], "status": "draft"}
    assert as_seller.get(PRODUCTS, query_string=asked).json["total"] == 1
    assert nobody.get(PRODUCTS, query_string=asked).json["total"] == 0


def test_owner_me_lists_ones_own(as_seller, as_other_seller, nobody):
    word = unique("sandalia")
    mine = as_seller.a_product(name=word, status="published")
    as_other_seller.a_product(name=word, status="published")
    asked = {"search": word, "owner": "me"}
    assert [each["id"] for each in as_seller.get(PRODUCTS, query_string=asked).json["items"]] == [
        mine["id"]
    ]
    assert_refused(nobody.get(PRODUCTS, query_string=asked), 401, "unauthenticated")


def test_a_product_shows_what_it_was_made_from_and_nothing_internal(as_seller):
    sku, group = unique("SKU-"), as_seller.post(GROUPS, json={"name": "Verano"}).json
    fields = {
        "name": "  Zapato  ",
        "sku": sku,
        "description": "De cuero.\n<b>nuevo</b>",
        "price": "150000.50",
        "currency": "USD",
        "status": "published",
        "group": group["id"],
    }
    answer = as_seller.post(PRODUCTS, json=fields)
    product = answer.json
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"https://{HOST}{PRODUCTS}/{product['id']}"
    assert set(product) == PRODUCT_KEYS
    assert product | fields | {"name": "Zapato"} == product
    assert (product["images"], product["image_urls"], product["revision"]) == ([], [], 1)
    assert as_seller.get(answer.headers["Location"]).json == product


def test_a_product_needs_only_a_name(as_seller):
    product = as_seller.post(PRODUCTS, json={"name": "Z"}).json
    assert {name: product[name] for name in ("sku", "price", "group")} == {
        "sku": None,
        "price": None,
        "group": None,
    }
    assert (product["description"], product["currency"], product["status"]) == ("", "PYG", "draft")


# What a product may be made from


class Field(NamedTuple):
    name: str
    body: dict[str, Any]
    field: str  # which one is named


BAD_FIELDS = (
    Field("price as float", {"price": 12.5}, "price"),
    Field("price as whole float", {"price": 12.0}, "price"),
    Field("price negative", {"price": "-1"}, "price"),
    Field("price negative integer", {"price": -1}, "price"),
    Field("price minus zero", {"price": "-0"}, "price"),
    Field("price with five decimals", {"price": "1.23456"}, "price"),
    Field("price with sixteen digits", {"price": "1" * 16}, "price"),
    Field("price as huge integer", {"price": 10**30}, "price"),
    Field("price with exponent", {"price": "1e3"}, "price"),
    Field("price with huge exponent", {"price": "1e999999999"}, "price"),
    Field("price not a number", {"price": "NaN"}, "price"),
    Field("price in other digits", {"price": "٣"}, "price"),
    Field("price with underscore", {"price": "1_000"}, "price"),
    Field("price with blanks", {"price": " 5 "}, "price"),
    Field("price with comma", {"price": "1,50"}, "price"),
    Field("price empty", {"price": ""}, "price"),
    Field("price true", {"price": True}, "price"),
    Field("price an operator", {"price": {"$gt": 0}}, "price"),
    Field("name missing", {"name": ...}, "name"),
    Field("name null", {"name": None}, "name"),
    Field("name blank", {"name": "  "}, "name"),
    Field("name too long", {"name": "n" * 201}, "name"),
    Field("name a number", {"name": 5}, "name"),
    Field("name an operator", {"name": {"$ne": None}}, "name"),
    Field("sku empty", {"sku": ""}, "sku"),
    Field("sku too long", {"sku": "s" * 65}, "sku"),
    Field("sku a list", {"sku": ["a"]}, "sku"),
    Field("group empty", {"group": " "}, "group"),
    Field("description too long", {"description": "d" * 20_001}, "description"),
    Field("description null", {"description": None}, "description"),
    Field("currency lower case", {"currency": "pyg"}, "currency"),
    Field("currency too long", {"currency": "GUARANI"}, "currency"),
    Field("status unknown", {"status": "gone"}, "status"),
    Field("status null", {"status": None}, "status"),
    Field("unknown field", {"colour": "red"}, "colour"),
    Field("owner", {"owner": "x"}, "owner"),
    Field("id", {"id": "A" * 22}, "id"),
    Field("_id", {"_id": "A" * 22}, "_id"),
    Field("images", {"images": []}, "images"),
    Field("site", {"site": "other"}, "site"),
    Field("created_at", {"created_at": "2020-01-01T00:00:00.000Z"}, "created_at"),
    Field("operator as field", {"$set": {"owner": "x"}}, "$set"),
)
by_name = {"ids": lambda row: row.name}


@table("row", [*BAD_FIELDS, Field("revision", {"revision": 7}, "revision")])
def test_no_product_is_made_from(as_seller, row, nothing_is_left):
    body = {name: value for name, value in {"name": "Z", **row.body}.items() if value is not ...}
    told = assert_refused(as_seller.post(PRODUCTS, json=body), 400, "invalid_body")
    assert row.field in [each["field"] for each in told["fields"]]


@table(
    "row",
    [
        *(each for each in BAD_FIELDS if ... not in each.body.values()),
        Field("revision too large", {"revision": 10**30}, "revision"),
        Field("revision negative", {"revision": -1}, "revision"),
        Field("revision true", {"revision": True}, "revision"),
        Field("revision a text", {"revision": "1"}, "revision"),
    ],
)
def test_no_product_is_changed_by(as_seller, of_each_status, row):
    product = of_each_status["draft"]
    url = f"{PRODUCTS}/{product['id']}"
    told = assert_refused(as_seller.patch(url, json=row.body), 400, "invalid_body")
    assert row.field in [each["field"] for each in told["fields"]]
    assert as_seller.get(url).json == product


@table(
    "price, shown",
    [
        ("150000.50", "150000.50"),
        ("0", "0"),
        (0, "0"),
        (150000, "150000"),
        ("0.0001", "0.0001"),
        ("0.0000", "0.0000"),
        ("9" * 15 + ".9999", "9" * 15 + ".9999"),
        (None, None),
    ],
)
def test_a_price_keeps_its_digits(as_seller, price, shown):
    product = as_seller.a_product(price=price)
    assert product["price"] == shown
    assert as_seller.get(f"{PRODUCTS}/{product['id']}").json["price"] == shown


def test_an_sku_is_used_once_in_a_site(application, as_seller, as_other_seller, on_other_site):
    sku = unique("Ñ-")
    first = as_seller.a_product(sku=sku)
    counts = application.counts()
    told = assert_refused(
        as_other_seller.post(PRODUCTS, json={"name": "Z", "sku": sku}), 409, "sku_taken"
    )
    assert told["sku"] == sku
    assert application.counts() == counts
    second = as_seller.a_product(sku=unique("SKU-"))
    url = f"{PRODUCTS}/{second['id']}"
    assert_refused(as_seller.patch(url, json={"sku": sku}), 409, "sku_taken")
    assert as_seller.get(url).json == second
    assert on_other_site.a_product(sku=sku)["sku"] == sku
    assert as_seller.delete(f"{PRODUCTS}/{first['id']}").status_code == 204
    assert as_seller.patch(url, json={"sku": sku}).json["sku"] == sku


def test_many_products_have_no_sku(as_seller):
    assert as_seller.a_product(sku=None)["id"] != as_seller.a_product()["id"]


# Changing


def test_only_what_is_given_changes(as_seller):
    product = as_seller.a_product(sku=unique("SKU-"), price="10", description="d")
    url = f"{PRODUCTS}/{product['id']}"
    changed = as_seller.patch(url, json={"price": "12.00"}).json
    assert {name for name in PRODUCT_KEYS if changed[name] != product[name]} <= {
        "price",
        "revision",
        "updated_at",
    }
    assert (changed["price"], changed["revision"]) == ("12.00", 2)
    assert changed["updated_at"] > product["updated_at"]


def test_null_takes_sku_price_and_group_away(as_seller):
    sku, group = unique("SKU-"), as_seller.post(GROUPS, json={"name": "Verano"}).json
    product = as_seller.a_product(sku=sku, price="10", group=group["id"])
    url = f"{PRODUCTS}/{product['id']}"
    nothing = {"sku": None, "price": None, "group": None}
    changed = as_seller.patch(url, json=nothing).json
    assert {name: changed[name] for name in nothing} == nothing
    assert as_seller.get(url).json == changed
    assert as_seller.a_product(sku=sku)["sku"] == sku  # it is free again


def test_a_new_name_is_found_and_the_old_one_no_longer(as_seller):
    old, new = unique("alpargata"), unique("mocasin")
    product = as_seller.a_product(name=old)
    as_seller.patch(f"{PRODUCTS}/{product['id']}", json={"name": new})
    assert as_seller.get(f"{PRODUCTS}?search={new}").json["total"] == 1
    assert as_seller.get(f"{PRODUCTS}?search={old}").json["total"] == 0


def test_a_change_from_another_state_is_refused_with_the_current_one(as_seller):
    product = as_seller.a_product()
    url = f"{PRODUCTS}/{product['id']}"
    current = as_seller.patch(url, json={"description": "mine", "revision": 1}).json
    assert current["revision"] == 2
    for past in (0, 1, 3, 2**31 - 1):
        answer = as_seller.patch(url, json={"description": "yours", "revision": past})
        told = assert_refused(answer, 409, "revision_conflict")
        assert told["current"] == current
    assert as_seller.get(url).json == current


def test_a_deleted_product_takes_its_pictures_to_the_trash(application, as_seller, nobody):
    product = as_seller.a_product(a_picture(), a_picture(), status="published")
    url = f"{PRODUCTS}/{product['id']}"
    addresses = [each["url"] for each in product["images"]]
    assert [nobody.get(each).status_code for each in addresses] == [200, 200]
    answer = as_seller.delete(url)
    assert (answer.status_code, answer.data) == (204, b"")
    assert [nobody.get(each).status_code for each in addresses] == [404, 404]
    assert_refused(as_seller.get(url), 404, "product_not_found")
    assert_refused(as_seller.delete(url), 404, "product_not_found")
    ids = [each["id"] for each in product["images"]]
    found = list(application.raw["assets"].find({"_id": {"$in": ids}}))
    assert {each["state"] for each in found} == {"trash"}
    assert {each["trash"]["reason"] for each in found} == {"product_deleted"}
    assert {each["trash"]["by"] for each in found} == {as_seller.id}
    assert sorted(each["trash"]["position"] for each in found) == [0, 1]


# Lists


@table("search", ["%%%", "...", "\U0001f45f", "\0"])
def test_a_search_without_a_word_finds_nothing(as_seller, search):
    as_seller.a_product()
    listed = as_seller.get(PRODUCTS, query_string={"search": search}).json
    assert (listed["items"], listed["total"]) == ([], 0)


@pytest.fixture(scope="module")
def word(as_seller: Caller) -> str:
    """A word that two products have, and no other."""
    word = unique("modelo")
    as_seller.a_product(name=f"Calçado {word} para NIÑO", description="De cuero, Straße.")
    as_seller.a_product(name=f"Bota {word}", sku=f"SKU-9{word}")
    everything = as_seller.get(PRODUCTS, query_string={"search": f"{word}"}).json
    assert everything["total"] == 2
    return word


@table(
    "search, found",
    [
        ("calcado", True),
        ("CALÇADO", True),
        ("calç", True),
        ("nino calc", True),
        ("calc niño", True),
        ("niñ", True),
        ("strasse", True),
        ("STRAẞE", True),
        ("sku-9", True),
        ("cuero", True),
        ("alçado", False),
        ("calcado rojo", False),
        ("calcados", False),
        (".*", True),  # no word at all asks for nothing
        ("c.lcado", False),
        ("(", True),
    ],
)
def test_search_finds_words_by_their_beginning(as_seller, word, search, found):
    total = as_seller.get(PRODUCTS, query_string={"search": f"{word} {search}"}).json["total"]
    assert bool(total) == found


SORTS = ("created_at", "updated_at", "name", "price", "sku")


@pytest.fixture(scope="module")
def assortment(as_seller: Caller) -> str:
    """Eleven products with equal names, equal, missing and unequal prices and SKUs.

    Returns the word they all have.
    """
    word = unique("surtido")
    names = ["Ábaco", "abaco", "ABACO", "Zapato", "Zapato", "ñandú", "nandu", "b", "c", "d", "e"]
    prices = [None, "10", "10.00", "9.99", None, "100", "0", "0.0001", None, "10", "999999999999"]
    for number, (name, price) in enumerate(zip(names, prices, strict=True)):
        sku = None if number % 3 == 0 else f"{word}-{(number * 7) % 11:02d}"
        as_seller.a_product(name=name, description=word, price=price, sku=sku)
    first = as_seller.get(f"{PRODUCTS}?search={word}&limit=1&sort=name").json["items"][0]
    as_seller.patch(f"{PRODUCTS}/{first['id']}", json={"currency": "USD"})
    return word


@pytest.mark.parametrize(
    "limit", [4, *(pytest.param(each, marks=pytest.mark.long) for each in (1, 11, 100))]
)
@table("sort", [sign + key for key in SORTS for sign in ("", "-")])
def test_paging_goes_through_everything_once(as_seller, assortment, sort, limit):
    asked = {"search": assortment, "sort": sort, "limit": limit}
    seen: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = as_seller.get(PRODUCTS, query_string={**asked, **after}).json
        assert page["total"] == 11
        assert len(page["items"]) <= limit
        seen += page["items"]
        if page["next"] is None:
            break
        assert len(page["items"]) == limit
        after = {"after": page["next"]}
    assert len({each["id"] for each in seen}) == len(seen) == 11
    assert [place(sort, each) for each in seen] == sorted(
        (place(sort, each) for each in seen), reverse=sort.startswith("-")
    )


def place(sort: str, product: dict[str, Any]) -> Any:
    """Where a product belongs: what is missing comes before everything else."""
    key = sort.removeprefix("-")
    value = product[key]
    if key == "price":
        return (value is not None, float(value or 0))
    if key == "name":
        return value.lower().replace("á", "a").replace("ñ", "n").replace("ú", "u")
    return (value is not None, value or "")


@pytest.mark.long
def test_newest_come_first_unless_asked_otherwise(as_seller, assortment):
    asked = f"{PRODUCTS}?search={assortment}"
    assert as_seller.get(asked).json == as_seller.get(f"{asked}&sort=-created_at").json


def test_a_product_made_while_paging_does_not_repeat_others(as_seller):
    word = unique("entretanto")
    for _ in range(4):
        as_seller.a_product(name=word)
    first = as_seller.get(f"{PRODUCTS}?search={word}&limit=2").json
    as_seller.a_product(name=word)
    second = as_seller.get(f"{PRODUCTS}?search={word}&limit=9&after={first['next']}").json
    ids = [each["id"] for each in first["items"] + second["items"]]
    assert len(ids) == len(set(ids)) == 4


def cursor(*parts: object) -> str:
    packed = json.dumps(parts, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


class Query(NamedTuple):
    name: str
    query: dict[str, str]
    code: str


ANY_ID = "A" * 22
BAD_QUERIES = (
    Query("limit 0", {"limit": "0"}, "invalid_query"),
    Query("limit 101", {"limit": "101"}, "invalid_query"),
    Query("limit negative", {"limit": "-1"}, "invalid_query"),
    Query("limit a word", {"limit": "ten"}, "invalid_query"),
    Query("limit empty", {"limit": ""}, "invalid_query"),
    Query("limit in other digits", {"limit": "٣"}, "invalid_query"),
    Query("sort unknown", {"sort": "owner"}, "invalid_request"),
    Query("sort twice negative", {"sort": "--name"}, "invalid_request"),
    Query("sort empty", {"sort": ""}, "invalid_request"),
    Query("sort an operator", {"sort": "$where"}, "invalid_request"),
    Query("status unknown", {"status": "gone"}, "invalid_request"),
    Query("owner somebody", {"owner": "somebody"}, "invalid_request"),
    Query("cursor rubbish", {"after": "x"}, "bad_cursor"),
    Query("cursor not ASCII", {"after": "é"}, "invalid_query"),
    Query("cursor too long", {"after": "W" * 1001}, "invalid_query"),
    Query("cursor deep", {"after": base64.urlsafe_b64encode(b"[" * 700).decode()}, "bad_cursor"),
    Query("cursor not JSON", {"after": cursor()[:-1]}, "bad_cursor"),
    Query("cursor an object", {"after": cursor({})}, "bad_cursor"),
    Query("cursor of another sort", {"after": cursor("name", "a", ANY_ID)}, "bad_cursor"),
    Query("cursor with a bad id", {"after": cursor("created_at", None, "x")}, "bad_cursor"),
    Query("cursor with a numeric id", {"after": cursor("created_at", None, 5)}, "bad_cursor"),
    Query("time rubbish", {"after": cursor("created_at", "now", ANY_ID)}, "bad_cursor"),
    Query("time a number", {"after": cursor("created_at", 5, ANY_ID)}, "bad_cursor"),
    Query(
        "time before all times",
        {"after": cursor("created_at", "0001-01-01T00:00:00+14:00", ANY_ID)},
        "bad_cursor",
    ),
    Query("time without zone", {"after": cursor("created_at", "2020-01-01", ANY_ID)}, "bad_cursor"),
    *(
        Query(
            f"price {text[:12]}",
            {"sort": "price", "after": cursor("price", text, ANY_ID)},
            "bad_cursor",
        )
        for text in ("", "x", "NaN", "sNaN", "Infinity", "-1", "1E+999999", "1E-999999", "1" * 99)
    ),
    Query(
        "price an operator", {"sort": "price", "after": cursor("price", {}, ANY_ID)}, "bad_cursor"
    ),
    Query(
        "name half a character",
        {"sort": "name", "after": cursor("name", "\ud800", ANY_ID)},
        "bad_cursor",
    ),
)


@table("row", BAD_QUERIES)
def test_no_list_is_given_for(as_seller, row):
    assert_refused(as_seller.get(PRODUCTS, query_string=row.query), 400, row.code)


@table("sort", SORTS)
def test_a_place_without_a_value_is_one_in_every_list(as_seller, sort):
    asked = {"sort": sort, "after": cursor(sort, None, ANY_ID)}
    assert as_seller.get(PRODUCTS, query_string=asked).status_code == 200


# How often, how much


def test_who_writes_too_often_waits(application):
    often = application.with_settings(max_writes_per_minute=2)
    hasty = application.new_person(unique("hasty"), app=often)
    answers = [hasty.post(PRODUCTS, json={"name": "Z"}) for _ in range(3)]
    assert [each.status_code for each in answers] == [201, 201, 429]
    told = assert_refused(answers[-1], 429, "too_many_requests")
    assert 1 <= int(answers[-1].headers["Retry-After"]) == told["retry_after_seconds"] <= 60
    assert hasty.get(PRODUCTS).status_code == 200  # reading is counted by itself


def test_who_reads_or_uploads_too_often_waits(application):
    often = application.with_settings(max_reads_per_minute=1, max_uploads_per_minute=1)
    hasty = application.new_person(unique("hasty"), app=often)
    product = hasty.a_product()
    url = f"{PRODUCTS}/{product['id']}"
    assert [hasty.get(url).status_code for _ in range(2)] == [200, 429]
    uploads = [hasty.upload(f"{url}/images", a_picture()) for _ in range(2)]
    assert [each.status_code for each in uploads] == [201, 429]


@table("method", ["GET", "POST", "DELETE"])
def test_an_address_takes_only_its_methods(as_seller, method):
    answer = as_seller.ask(method, f"{PRODUCTS}/{ANY_ID}/images/{ANY_ID}/file")
    assert_refused(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "PUT"}


def test_a_token_for_reading_changes_nothing(application, as_seller):
    product = as_seller.a_product()
    reader = application.with_scopes(as_seller, "read")
    url = f"{PRODUCTS}/{product['id']}"
    answer = reader.patch(url, json={"name": "Z"})
    assert_refused(answer, 403, "insufficient_scope")
    assert 'scope="write"' in answer.headers["WWW-Authenticate"]
    assert reader.get(url).json == product


def test_a_token_not_made_for_reading_sees_what_nobody_sees(application, as_seller):
    draft = as_seller.a_product()
    writer = application.with_scopes(as_seller, "write")
    assert_refused(writer.get(f"{PRODUCTS}/{draft['id']}"), 404, "product_not_found")
    asked = {"search": draft["name"]}
    assert writer.get(PRODUCTS, query_string=asked).json["total"] == 0
    assert as_seller.get(PRODUCTS, query_string=asked).json["total"] >= 1
