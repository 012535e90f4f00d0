"""Groups of products over HTTP: who may do what, and membership from both sides."""

from typing import Any, NamedTuple

import pytest

from avenue.identity import new_id
from tests.http.application import GROUPS, HOST, PRODUCTS, Caller, a_picture, unique
from tests.http.test_product_images import Shelf
from tests.http.test_products import assert_refused
from tests.table import table

GROUP_KEYS = {
    "id",
    "model",
    "name",
    "product_ids",
    "options",
    "images",
    "image_urls",
    "revision",
    "created_at",
    "updated_at",
}


def group_of(seller: Caller, product: dict[str, Any]) -> str | None:
    return seller.get(f"{PRODUCTS}/{product['id']}").json["group"]


def members(seller: Caller, group: dict[str, Any]) -> list[str]:
    return seller.get(f"{GROUPS}/{group['id']}").json["product_ids"]


# Who may


class Route(NamedTuple):
    method: str
    url: str
    body: Any
    status: int


ROUTES = (
    Route("PATCH", GROUPS + "/{group}", {"name": "Bota"}, 200),
    Route("DELETE", GROUPS + "/{group}", None, 204),
    Route("PUT", GROUPS + "/{group}/images", {"order": ["{image}"], "revision": 2}, 200),
    Route("DELETE", GROUPS + "/{group}/images", {"image_url": "/media/{image}/original"}, 204),
    Route("PATCH", GROUPS + "/{group}/images/{image}", {"decorative": True}, 200),
    Route("DELETE", GROUPS + "/{group}/images/{image}", None, 204),
    Route("POST", GROUPS + "/{group}/images", {"image_url": "https://x.example/a.jpg"}, 201),
)
each_route = pytest.mark.parametrize(
    "route", ROUTES, ids=lambda route: f"{route.method} {route.url}"
)


def made(as_seller: Caller) -> dict[str, str]:
    group = as_seller.a_group(a_picture())
    return {"group": group["id"], "image": group["images"][0]["id"]}


@pytest.fixture(scope="module")
def standing(as_seller: Caller) -> dict[str, str]:
    """A group for all who are refused: it stays as it is."""
    return made(as_seller)


@pytest.fixture
def scene(as_seller: Caller) -> dict[str, str]:
    """One that a test may change."""
    return made(as_seller)


def filled(value: Any, scene: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: filled(each, scene) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, scene) for each in value]
    return value.format(**scene) if isinstance(value, str) else value


def sent(caller: Caller, route: Route, scene: dict[str, str]):
    return caller.ask(route.method, filled(route.url, scene), json=filled(route.body, scene))


@table("route", ROUTES)
@table(
    "who, status",
    [
        ("other_seller", 404),
        ("seller_on_other_site", 404),
        ("admin_on_other_site", 404),
    ],
)
def test_others_may_not(application, as_seller, standing, route, who, status):
    before = as_seller.get(f"{GROUPS}/{standing['group']}").json
    answer = sent(application.caller(who), route, standing)
    assert answer.status_code == status
    assert as_seller.get(f"{GROUPS}/{standing['group']}").json == before


@each_route
@pytest.mark.parametrize("who", ["seller", pytest.param("admin", marks=pytest.mark.long)])
def test_its_owner_and_administrators_may(application, scene, route, who):
    assert sent(application.caller(who), route, scene).status_code == route.status


def test_everybody_sees_a_group_with_the_products_they_may_see(
    as_seller, as_other_seller, nobody, on_other_site
):
    shown = as_seller.a_product(status="published")
    draft = as_seller.a_product()
    group = as_seller.a_group(product_ids=[shown["id"], draft["id"]])
    assert members(as_seller, group) == [shown["id"], draft["id"]]
    assert members(as_other_seller, group) == members(nobody, group) == [shown["id"]]
    assert_refused(on_other_site.get(f"{GROUPS}/{group['id']}"), 404, "group_not_found")


# Creating, showing, listing


def test_a_group_shows_what_it_was_made_from(as_seller, nobody):
    answer = as_seller.post(GROUPS, json={"model": "ZR", "name": "  Zapato "})
    group = answer.json
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"https://{HOST}{GROUPS}/{group['id']}"
    assert set(group) == GROUP_KEYS
    assert (group["model"], group["name"], group["revision"]) == ("ZR", "Zapato", 1)
    assert (group["product_ids"], group["options"], group["images"]) == ([], [], [])
    assert nobody.get(answer.headers["Location"]).json == group


@pytest.mark.parametrize("field", ["model", "name"])
def test_one_of_model_and_name_is_enough(as_seller, field):
    group = as_seller.post(GROUPS, json={field: "ZR-7"}).json
    assert (group["model"], group["name"]) == ("ZR-7", "ZR-7")


@table(
    "body, code",
    [
        ({}, "invalid_request"),
        ({"name": None, "model": None}, "invalid_request"),
        ({"name": " "}, "invalid_body"),
        ({"name": "n" * 201}, "invalid_body"),
        ({"name": "n", "product_ids": ["short"]}, "invalid_body"),
        ({"name": "n", "product_ids": ["A" * 22, "A" * 22]}, "invalid_body"),
        ({"name": "n", "product_ids": [f"{n:022}" for n in range(501)]}, "invalid_body"),
        ({"name": "n", "images": []}, "invalid_body"),
        ({"name": "n", "$set": {}}, "invalid_body"),
    ],
)
def test_what_is_no_group_is_refused(application, as_seller, body, code):
    before = application.counts()
    assert_refused(as_seller.post(GROUPS, json=body), 400, code)
    assert application.counts() == before


def test_the_list_is_searched_sorted_and_paged(as_seller, nobody):
    word = unique("sandalia")
    made = [as_seller.a_group(name=f"{word} {n}")["id"] for n in (2, 0, 1)]
    url = f"{GROUPS}?search={word}&sort=name&limit=2"
    first = nobody.get(url).json
    rest = nobody.get(f"{url}&after={first['next']}").json
    assert [each["id"] for each in first["items"] + rest["items"]] == [made[1], made[2], made[0]]
    assert (first["total"], rest["total"], rest["next"]) == (3, 3, None)
    newest = nobody.get(f"{GROUPS}?search={word}").json["items"]
    assert [each["id"] for each in newest] == made[::-1]


@pytest.mark.parametrize("query", ["sort=price", "sort=", "limit=0", "limit=101", "after=x"])
def test_a_list_that_cannot_be_is_refused(nobody, query):
    assert nobody.get(f"{GROUPS}?{query}").status_code == 400


# Membership


def test_a_product_joins_by_its_own_group(as_seller):
    group = as_seller.a_group()
    born_in = as_seller.a_product(group=group["id"])
    joined = as_seller.a_product()
    answer = as_seller.patch(f"{PRODUCTS}/{joined['id']}", json={"group": group["id"]})
    assert answer.json["group"] == group["id"]
    assert members(as_seller, group) == [born_in["id"], joined["id"]]
    listed = as_seller.get(f"{PRODUCTS}?group={group['id']}&sort=created_at").json["items"]
    assert [each["id"] for each in listed] == [born_in["id"], joined["id"]]


def test_a_group_takes_and_lets_go_of_products(as_seller):
    stays, goes, comes = (as_seller.a_product() for _ in range(3))
    group = as_seller.a_group(product_ids=[stays["id"], goes["id"]])
    revision = as_seller.get(f"{PRODUCTS}/{goes['id']}").json["revision"]
    answer = as_seller.patch(
        f"{GROUPS}/{group['id']}", json={"product_ids": [comes["id"], stays["id"]]}
    )
    assert answer.json["product_ids"] == [stays["id"], comes["id"]]
    assert [group_of(as_seller, each) for each in (stays, goes, comes)] == [
        group["id"],
        None,
        group["id"],
    ]
    assert as_seller.get(f"{PRODUCTS}/{goes['id']}").json["revision"] == revision + 1


def test_a_product_is_in_one_group_at_a_time(as_seller):
    product = as_seller.a_product()
    old = as_seller.a_group(product_ids=[product["id"]])
    new = as_seller.a_group(product_ids=[product["id"]])
    assert (members(as_seller, old), members(as_seller, new)) == ([], [product["id"]])
    as_seller.patch(f"{PRODUCTS}/{product['id']}", json={"group": old["id"]})
    assert (members(as_seller, old), members(as_seller, new)) == ([product["id"]], [])
    as_seller.patch(f"{PRODUCTS}/{product['id']}", json={"group": None})
    assert members(as_seller, old) == []


def test_joining_and_leaving_is_a_change_of_the_group(as_seller):
    group = as_seller.a_group()
    product = as_seller.a_product(group=group["id"])
    as_seller.patch(f"{PRODUCTS}/{product['id']}", json={"group": None})
    assert as_seller.get(f"{GROUPS}/{group['id']}").json["revision"] == group["revision"] + 2


whose = pytest.mark.parametrize(
    "whose",
    [
        pytest.param("nobody's", marks=pytest.mark.long),
        "another seller's",
        "another site's",
    ],
)


@whose
def test_a_product_cannot_join_a_group_that_is_not_ones_own(
    application, as_seller, as_other_seller, on_other_site, whose
):
    group = {
        "nobody's": new_id(),
        "another seller's": as_other_seller.a_group()["id"],
        "another site's": on_other_site.a_group()["id"],
    }[whose]
    product = as_seller.a_product()
    before = application.counts()
    assert_refused(
        as_seller.post(PRODUCTS, json={"name": "Bota", "group": group}), 404, "group_not_found"
    )
    refused = as_seller.patch(f"{PRODUCTS}/{product['id']}", json={"group": group, "name": "No"})
    assert_refused(refused, 404, "group_not_found")
    assert application.counts() == before
    assert as_seller.get(f"{PRODUCTS}/{product['id']}").json == product


@whose
def test_a_group_cannot_take_a_product_that_is_not_ones_own(
    application, as_seller, as_other_seller, on_other_site, whose
):
    other = {
        "nobody's": new_id(),
        "another seller's": as_other_seller.a_product(status="published")["id"],
        "another site's": on_other_site.a_product()["id"],
    }[whose]
    own, group = as_seller.a_product(), as_seller.a_group()
    before = application.counts()
    body = {"name": "Bota", "product_ids": [own["id"], other]}
    assert_refused(as_seller.post(GROUPS, json=body), 404, "product_not_found")
    refused = as_seller.patch(f"{GROUPS}/{group['id']}", json=body)
    assert_refused(refused, 404, "product_not_found")
    assert application.counts() == before
    assert as_seller.get(f"{GROUPS}/{group['id']}").json == group
    assert group_of(as_seller, own) is None


def test_an_administrator_groups_everybodys_products(as_admin, as_seller, as_other_seller):
    one, two = as_seller.a_product(), as_other_seller.a_product()
    group = as_admin.a_group(product_ids=[one["id"], two["id"]])
    assert group["product_ids"] == [one["id"], two["id"]]
    assert group_of(as_seller, one) == group["id"]


def test_deleting_a_group_keeps_its_products(as_seller, nobody):
    product = as_seller.a_product(a_picture(), status="published")
    group = as_seller.a_group(a_picture(), product_ids=[product["id"]])
    picture = group["image_urls"][0]
    assert as_seller.delete(f"{GROUPS}/{group['id']}").status_code == 204
    assert_refused(nobody.get(f"{GROUPS}/{group['id']}"), 404, "group_not_found")
    left = nobody.get(f"{PRODUCTS}/{product['id']}").json
    assert (left["group"], len(left["images"])) == (None, 1)
    assert nobody.get(left["image_urls"][0]).status_code == 200
    assert nobody.get(picture).status_code == 404


def test_deleting_a_product_takes_it_from_its_group(as_seller):
    product = as_seller.a_product()
    group = as_seller.a_group(product_ids=[product["id"]])
    as_seller.delete(f"{PRODUCTS}/{product['id']}")
    assert members(as_seller, group) == []


# Changing


@pytest.mark.parametrize(
    "past", [*[pytest.param(each, marks=pytest.mark.long) for each in (0, 2**31 - 1)], 2]
)
def test_a_change_from_another_state_is_refused_with_the_current_one(as_seller, past):
    group = as_seller.a_group()
    url = f"{GROUPS}/{group['id']}"
    told = assert_refused(
        as_seller.patch(url, json={"name": "No", "revision": past}), 409, "revision_conflict"
    )
    assert told["current"] == group
    changed = as_seller.patch(url, json={"name": "Si", "model": "S", "revision": 1}).json
    assert (changed["name"], changed["model"], changed["revision"]) == ("Si", "S", 2)


# Options


def test_an_option_has_pictures_of_the_group(as_seller):
    group = as_seller.a_group(a_picture(), a_picture(), a_picture())
    url = f"{GROUPS}/{group['id']}"
    one, two, _ = (each["id"] for each in group["images"])
    options = [{"name": "rojo", "images": [one, two]}, {"name": "azul", "images": [two]}]
    assert as_seller.patch(url, json={"options": options}).json["options"] == options

    fewer = [{"name": "rojo", "images": [one]}, {"name": "azul", "images": []}]
    assert as_seller.patch(url, json={"options": fewer}).json["options"] == fewer

    gone = as_seller.patch(url, json={"options": []}).json
    assert gone["options"] == []
    assert gone["images"] == group["images"]


def test_a_picture_that_goes_leaves_its_option_and_comes_back_to_it(as_seller):
    shelf = Shelf(as_seller, a_picture(), a_picture(), kind=GROUPS)
    one, two = shelf.ids()
    options = [{"name": "rojo", "images": [one, two]}]
    as_seller.patch(shelf.url, json={"options": options})
    shelf.remove(one)
    assert shelf.now()["options"] == [{"name": "rojo", "images": [two]}]
    shelf.restore(one)
    assert shelf.now()["options"] == options


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ([{"name": "rojo", "images": ["A" * 22]}], 404, "image_not_found"),
        ([{"name": "rojo"}, {"name": "rojo"}], 400, "invalid_body"),
        ([{"name": ""}], 400, "invalid_body"),
        ([{"name": str(n)} for n in range(51)], 400, "invalid_body"),
        ([{"images": []}], 400, "invalid_body"),
        ("rojo", 400, "invalid_body"),
    ],
)
def test_an_option_that_cannot_be_is_refused(as_seller, options, status, code):
    group = as_seller.a_group()
    url = f"{GROUPS}/{group['id']}"
    assert_refused(as_seller.patch(url, json={"options": options}), status, code)
    assert as_seller.get(url).json == group


def test_a_picture_of_another_group_cannot_show_an_option(as_seller):
    other = as_seller.a_group(a_picture())["images"][0]["id"]
    url = f"{GROUPS}/{as_seller.a_group()['id']}"
    refused = as_seller.patch(url, json={"options": [{"name": "rojo", "images": [other]}]})
    assert_refused(refused, 404, "image_not_found")
