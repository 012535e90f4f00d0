"""The trash of products: what was deleted comes back whole, or is gone whole."""

import re
from datetime import timedelta
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.app.walks import SWEEP
from avenue.clock import utc_now
from tests.http.application import PRODUCTS, Application, Caller, a_picture, unique
from tests.table import table

BULK = "/admin/products/bulk"
IN_ENGLISH = {"Accept-Language": "en"}
OF_A_CHANGE = ("revision", "updated_at")


@pytest.fixture
def someone(application: Application) -> Caller:
    """A seller whose products are the only ones they see."""
    return application.new_person(unique("papelera"))


def deleted(caller: Caller, *images: bytes, **fields: Any) -> Any:
    """A product as it was before it went to the trash."""
    product = caller.a_product(*images, **fields)
    product = caller.get(f"{PRODUCTS}/{product['id']}").json
    assert caller.delete(f"{PRODUCTS}/{product['id']}").status_code == 204
    return product


def restored(caller: Caller, product: Any) -> Any:
    return caller.post(f"{PRODUCTS}/{product['id']}/restore")


def in_trash(caller: Caller, **query: str) -> list[Any]:
    return caller.get(PRODUCTS, query_string={"state": "trash", **query}).json["items"]


def same(one: Any, other: Any) -> bool:
    """Whether nothing but the change itself is different, also of the pictures."""

    def plain(value: Any) -> Any:
        return {name: each for name, each in value.items() if name not in OF_A_CHANGE}

    return plain(one) == plain(other)


def sweep_days_later(application: Application, days: float) -> None:
    """Let what is in the trash have been there for so long, and sweep."""
    at = {"$set": {"trash.at": utc_now() - timedelta(days=days)}}
    for name in ("assets", "shop_products_trashed"):
        application.raw[name].update_many({"trash": {"$exists": True}}, at)
    application.forget_jobs()
    assert Background(application.settings, application.database).run_now(SWEEP).error is None


def test_a_product_comes_back_with_all_its_pictures_in_order(
    application: Application, someone: Caller, nobody: Caller, as_admin: Caller
) -> None:
    product = someone.a_product(*(a_picture() for _ in "abc"), sku=unique("S-"), status="published")
    url = f"{PRODUCTS}/{product['id']}"
    group = someone.a_group()
    someone.patch(url, json={"group": group["id"]})
    someone.post(f"{url}/images", json={"image_url": "https://cdn.example/a.jpg"})
    first, second, third, away = (
        each["id"] or each["url"] for each in someone.get(url).json["images"]
    )
    before = someone.get(url).json
    order = {"order": [away, third, first, second], "revision": before["revision"]}
    before = someone.put(f"{url}/images", json=order).json
    assert someone.delete(f"{url}/images/{first}").status_code == 204  # its own way to the trash
    before = someone.get(url).json
    assert [each["id"] or each["url"] for each in before["images"]] == [away, third, second]
    assert someone.delete(url).status_code == 204

    for caller in (someone, nobody, as_admin):
        assert caller.get(url).status_code == 404
    assert nobody.get(f"/products/{product['id']}").status_code == 404
    assert nobody.get(f"/media/{third}/original").status_code == 404
    assert product["name"] not in nobody.get("/").text
    assert someone.get(PRODUCTS, query_string={"owner": "me"}).json["total"] == 0
    assert someone.get(f"/api/shop/groups/{group['id']}").json["product_ids"] == []
    for change in ({"name": "No"}, {"group": None}):
        assert someone.patch(url, json=change).status_code == 404
    assert someone.upload(f"{url}/images", a_picture()).status_code == 404

    (listed,) = in_trash(someone)
    assert listed["id"] == product["id"]
    assert listed["trashed_at"]
    assert [each["id"] or each["url"] for each in listed["images"]] == [away, third, second]
    assert in_trash(as_admin, search=product["name"]) == [listed]
    stranger = application.new_person(unique("otro"))
    assert in_trash(stranger) == []
    assert restored(stranger, product).json["code"] == "product_not_found"
    assert nobody.get(f"{PRODUCTS}?state=trash").status_code == 401

    back = restored(someone, product)
    assert back.status_code == 200
    assert same(back.json, before)
    assert someone.get(url).json == back.json
    assert restored(someone, product).json == back.json  # repeatable
    assert nobody.get(f"/media/{third}/original").status_code == 200
    assert in_trash(someone) == []
    assert product["id"] in someone.get(f"/api/shop/groups/{group['id']}").json["product_ids"]
    assert someone.post(f"{url}/images/{first}/restore").status_code == 200


def test_a_sku_that_is_taken_meanwhile_loses_nothing(
    application: Application, someone: Caller
) -> None:
    sku = unique("S-")
    product = deleted(someone, a_picture(), sku=sku)
    newer = someone.a_product(sku=sku)
    counts = application.counts()
    answer = restored(someone, product)
    assert (answer.status_code, answer.json["code"]) == (409, "sku_taken")
    assert "restaurá este" in answer.json["hint"]
    assert [each["id"] for each in in_trash(someone)] == [product["id"]]
    assert application.counts() == counts
    said = someone.post(BULK, data={"action": "restore", "id": product["id"]}, headers=IN_ENGLISH)
    assert f"{product['name']}</b>: Another product already has the SKU {sku}" in said.text
    someone.patch(f"{PRODUCTS}/{newer['id']}", json={"sku": None})
    assert same(restored(someone, product).json, product)


def test_a_group_that_is_gone_does_not_keep_its_product_away(someone: Caller) -> None:
    group = someone.a_group()
    product = deleted(someone, a_picture(), group=group["id"])
    assert someone.delete(f"/api/shop/groups/{group['id']}").status_code == 204
    back = restored(someone, product).json
    assert back["group"] is None
    assert back["images"] == product["images"]


def test_the_sweeper_ends_a_product_with_its_pictures_and_not_before(
    own_application: Application,
) -> None:
    seller = own_application.caller("seller")
    product = deleted(seller, a_picture(), a_picture())
    at = own_application.raw["shop_products_trashed"].find_one({})["trash"]["at"]
    assert all(each["trash"]["at"] >= at for each in own_application.raw["assets"].find())
    sweep_days_later(own_application, 6.9)
    assert same(restored(seller, product).json, product)
    assert seller.delete(f"{PRODUCTS}/{product['id']}").status_code == 204
    sweep_days_later(own_application, 7)
    assert restored(seller, product).json["code"] == "product_not_found"
    assert in_trash(seller) == []
    for name in ("shop_products_trashed", "assets", "product_images.files"):
        assert own_application.raw[name].count_documents({}) == 0, name


@pytest.mark.long
def test_deleting_is_taken_back_by_a_form(someone: Caller) -> None:
    products = [someone.a_product(a_picture(), name=unique("Bota ")) for _ in "ab"]
    one, other = ({"id": each["id"]} for each in products)
    alone = someone.post(f"/admin/products/{one['id']}/delete")
    several = someone.post(BULK, data={"action": "delete", "sure": "1", **other})
    for answer in (alone, several):
        page = someone.get(answer.location, headers=IN_ENGLISH).text
        assert "1 product was deleted. It stays in the trash for 7 days." in page
        undo = re.search(r'<form class="said undo".*?</form>', page, re.DOTALL)
        assert undo
        ids = re.findall(r'name="id" value="([^"]*)"', undo[0])
        taken_back = someone.post(BULK, data={"action": "restore", "id": ids})
        said = someone.get(taken_back.location, headers=IN_ENGLISH).text
        assert "1 product was restored." in said
    assert someone.get(PRODUCTS, query_string={"owner": "me"}).json["total"] == 2
    someone.delete(f"{PRODUCTS}/{one['id']}")
    page = someone.get("/admin/products?state=trash", headers=IN_ENGLISH).text
    assert products[0]["name"] in page
    assert products[1]["name"] not in page
    assert "can be restored until" in page
    late = someone.post(BULK, data={"action": "restore", **other})
    said = someone.get(late.location, headers=IN_ENGLISH).text
    assert "It is no longer in the trash." in said


@table("whose", ["stranger", "other site"])
def test_nobody_else_takes_it_back(
    application: Application, someone: Caller, on_other_site: Caller, whose: str
) -> None:
    other = on_other_site if whose == "other site" else application.new_person(unique("otro"))
    product = deleted(someone, a_picture())
    other.post(BULK, data={"action": "restore", "id": product["id"]})
    assert restored(other, product).status_code == 404
    assert product["name"] not in other.get("/admin/products?state=trash").text
    assert product["id"] in [each["id"] for each in in_trash(someone)]
