"""Staff work on all products, groups and imports of a site; sellers are told that they do not."""

from typing import Any

import pytest

from tests.http.application import PRODUCTS, Application, Caller, a_picture, unique, zipped

GROUPS = "/api/shop/groups"
TABLES = f"{PRODUCTS}/import"
ZIPS = "/api/shop/pictures/import"


@pytest.fixture
def staff(application: Application) -> Caller:
    return application.caller("staff")


@pytest.fixture
def seller(application: Application) -> Caller:
    return application.new_person(unique("vendedora"))


def done(application: Application, where: str, begun: Any) -> None:
    """Do the work of an import."""
    run = application.raw[where].find_one({"_id": begun["id"]})
    assert run is not None
    application.work(run["job"])


def test_staff_change_what_sellers_made(staff: Caller, seller: Caller):
    product = seller.a_product(status="draft")
    path = f"{PRODUCTS}/{product['id']}"
    assert product["id"] in [each["id"] for each in staff.get(PRODUCTS).json["items"]]
    assert staff.upload(f"{path}/images", a_picture()).status_code == 201
    assert staff.ask("PATCH", path, json={"name": "Zapato"}).json["name"] == "Zapato"
    group = seller.post(GROUPS, json={"name": unique("Modelo ")}).json
    body = {"product_ids": [product["id"]]}
    assert staff.ask("PATCH", f"{GROUPS}/{group['id']}", json=body).status_code == 200
    assert seller.get(path).json["group"] == group["id"]
    assert staff.ask("DELETE", path).status_code == 204


def test_staff_import_for_everybody(application: Application, staff: Caller, seller: Caller):
    """Also the worker that takes the pictures in has the rights of staff, and no others."""
    sku = unique("STF-")
    product = seller.a_product(sku=sku)
    theirs = {"data": f"sku,name\n{unique('STF-')},Zapato\n", "content_type": "text/csv"}
    an_import = seller.post(TABLES, **theirs).json
    assert staff.get(f"{TABLES}/{an_import['id']}").status_code == 200
    table = {"data": f"sku,name\n{sku},Bota\n", "content_type": "text/csv"}
    done(application, "shop_imports", staff.post(TABLES, **table).json)
    assert seller.get(f"{PRODUCTS}/{product['id']}").json["name"] == "Bota"
    archive = {"data": zipped({f"{sku}.jpg": a_picture()}), "content_type": "application/zip"}
    planned = staff.post(ZIPS, **archive).json
    kept = application.raw["shop_picture_imports"].find_one({"_id": planned["id"]})
    assert (kept["role"], kept["is_admin"]) == ("staff", False)
    done(application, "shop_picture_imports", staff.post(f"{ZIPS}/{planned['id']}").json)
    assert len(seller.get(f"{PRODUCTS}/{product['id']}").json["images"]) == 1


def test_a_list_says_whose_products_it_shows(staff: Caller, seller: Caller):
    staff.a_product()
    english = {"Accept-Language": "en"}
    for page in ("products", "groups"):
        empty = seller.get(f"/admin/{page}", headers=english).text
        assert f"You see your own {page}." in empty
        assert "You see your own" not in staff.get(f"/admin/{page}", headers=english).text
    menu = staff.get("/admin/products", headers=english).text
    assert "/admin/imports" in menu
    for path in ("people", "settings", "website", "problems", "infrastructure", "library"):
        assert f'href="/admin/{path}"' not in menu
