"""Where a stored URL leads: to us, elsewhere, or only to a disk that is gone."""

import pytest

from avenue.identity import Site
from avenue.media.addresses import Target, targets_of
from avenue.media.references import Fault, Kind
from tests.table import table

ID = "iM4gE5xQ7rT9yU1oP3aSdw"
SHOP = Site(
    id="shop", hosts=("shop.example", "old.example:443"), base_url="https://shop.example", name="S"
)
LOCAL = Site(id="shop", hosts=("127.0.0.1:8000",), base_url="http://127.0.0.1:8000", name="S")

OWN = [
    f"/media/{ID}/0123456789ab/original.jpg",
    f"/media/{ID}/gallery",
    f"media/{ID}/original",
    f"https://shop.example/media/{ID}/0123456789ab/original.jpg?download=1#x",
    f"http://SHOP.example:80/media/{ID}/original",
    f"//shop.example/media/{ID}/original",
    f"https://old.example/media/{ID}/original",
    f"https://shop.example:443/media/{ID}",
    f"https://shop.example./media/{ID}/original",
    f"https://shop.example/static/../media/{ID}/original",
]
ELSEWHERE = [
    "https://cdn.example/zapato.jpg",
    f"https://other.example/media/{ID}/original",
    f"https://shop.example:8443/media/{ID}/original",
    "//images.example/a.jpg",
    "http://8.8.8.8/a.jpg",
    "http://[2606:4700::1111]/a.jpg",
    "data:image/png;base64,AAAA",
    "https://localhost.example/a.jpg",
]
PATHS = [
    "/uploads/zapato.jpg",
    "uploads/zapato.jpg",
    "./uploads/zapato.jpg",
    "zapato.jpg",
    "/media/zapato.jpg",
    "https://shop.example/uploads/zapato.jpg",
    "https://shop.example/",
    "file:///srv/uploads/zapato.jpg",
    "C:\\Users\\ana\\zapato.jpg",
    "c:/Users/ana/zapato.jpg",
    "blob:https://shop.example/6d1d",
]
PRIVATE = [
    "http://localhost/a.jpg",
    "http://localhost:8000/media/a.jpg",
    f"http://LOCALHOST:8000/media/{ID}/original",
    "https://localhost./a.jpg",
    "http://api.localhost/a.jpg",
    "http://127.0.0.1:5000/a.jpg",
    "http://127.8.9.1/a.jpg",
    "http://[::1]:8000/a.jpg",
    "http://0.0.0.0:8000/a.jpg",
    "http://10.0.0.7/a.jpg",
    "http://192.168.1.20:3000/a.jpg",
    "http://172.16.0.1/a.jpg",
    "http://169.254.1.1/a.jpg",
    "http://224.0.0.1/a.jpg",
    "http://[fd00::1]/a.jpg",
    "http://web:8000/a.jpg",
    "http://shop.internal/a.jpg",
    "http://nas.local/a.jpg",
    "//localhost/a.jpg",
]
NONE = ["", "   ", "http://", "https:///a.jpg", "http://[::1/a.jpg", "http://shop.example:x/a.jpg"]


def judged(site: Site, url: str, known=lambda _site_id, _paths: {}) -> Target:
    """Where one URL leads."""
    return targets_of(site, [url], known)[url]


@pytest.mark.parametrize("url", OWN)
def test_an_own_address_names_its_asset(url):
    assert judged(SHOP, url) == ID


@pytest.mark.parametrize("url", ELSEWHERE)
def test_another_host_is_left_alone(url):
    assert judged(SHOP, url) is None


@pytest.mark.parametrize("url", PATHS)
def test_a_path_was_on_a_disk(url):
    fault = judged(SHOP, url)
    assert isinstance(fault, Fault)
    assert fault.kind is Kind.LOCAL_PATH


@table("url", PRIVATE)
def test_a_private_host_had_it(url):
    fault = judged(SHOP, url)
    assert isinstance(fault, Fault)
    assert fault.kind is Kind.LOCALHOST


@pytest.mark.parametrize("url", NONE)
def test_what_is_no_address_is_malformed(url):
    fault = judged(SHOP, url)
    assert isinstance(fault, Fault)
    assert fault.kind is Kind.MALFORMED_ENTRY


def test_loopback_is_ours_where_the_shop_lives_there():
    assert judged(LOCAL, f"http://127.0.0.1:8000/media/{ID}/original") == ID
    fault = judged(LOCAL, "http://127.0.0.1:5000/uploads/a.jpg")
    assert isinstance(fault, Fault)
    assert fault.kind is Kind.LOCALHOST


def test_an_old_path_is_asked_about_by_its_normal_form():
    asked = []

    def known(site_id, paths):
        asked.append((site_id, *paths))
        return dict.fromkeys(paths, "the-asset")

    for url in ("/uploads//mi%20zapato.jpg?v=2", "https://shop.example/uploads/mi%20zapato.jpg"):
        assert judged(SHOP, url, known) == "the-asset"
    assert asked == [("shop", "/uploads/mi zapato.jpg")] * 2
    assert judged(SHOP, f"/media/{ID}/original", known) == ID
    assert len(asked) == 2
