"""A site that takes less than the deployment allows, wherever pictures come in."""

from collections.abc import Iterator

import pytest

from tests.http.application import PRODUCTS, Application, Caller, a_picture
from tests.http.test_product_images import Shelf
from tests.http.test_products import assert_refused
from tests.pictures import noise_png

TEMP = "/api/shop/temp-images"


@pytest.fixture
def seller(application: Application, on_other_site: Caller) -> Iterator[Caller]:
    """A seller of a site with two pictures a product, of one MB."""
    admin = application.caller("admin_on_other_site")
    own = {"images_per_product": 2, "product_image_mb": 1}
    assert admin.patch("/api/site", json={"limits": own}).status_code == 200
    yield on_other_site
    none = dict.fromkeys(own)
    assert admin.patch("/api/site", json={"limits": none}).status_code == 200


def test_a_product_has_fewer_pictures(seller):
    shelf = Shelf(seller)
    answer = shelf.add(a_picture(), a_picture(), a_picture())
    assert [each["code"] for each in answer.json["errors"]] == ["too_many_images"]
    refused = seller.post(shelf.images, json={"image_url": "https://images.example/a.jpg"})
    assert assert_refused(refused, 409, "too_many_images")["limit"] == 2
    gone = shelf.ids()[0]
    shelf.remove(gone)
    shelf.add(a_picture())
    assert_refused(shelf.restore(gone), 409, "too_many_images")


@pytest.mark.long
def test_so_does_one_saved_with_temporary_pictures(seller):
    kept = [each["id"] for each in seller.upload(TEMP, *map(a_file, range(3))).json["files"]]
    refused = seller.post(PRODUCTS, json={"name": "Bota", "temp_images": kept})
    assert assert_refused(refused, 409, "too_many_images")["limit"] == 2


def a_file(_: int) -> bytes:
    return a_picture()


@pytest.mark.parametrize("way", ["form", pytest.param("raw", marks=pytest.mark.long)])
def test_a_picture_is_smaller(application, seller, as_seller, way):
    large = noise_png(700, 600)
    assert 1 << 20 < len(large) < 5 << 20
    shelf = Shelf(seller)
    before = application.counts()
    refused = (
        shelf.add(large)
        if way == "form"
        else seller.post(shelf.images, data=large, content_type="image/png")
    )
    assert assert_refused(refused, 413, "file_too_large")["limit_bytes"] == 1 << 20
    assert application.counts() == before
    assert Shelf(as_seller).add(large).status_code == 201
