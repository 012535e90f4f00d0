"""Sizes that a site has of its own: made when asked for, and never those of another site."""

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from tests import pictures
from tests.http.application import HOST, PRODUCTS, Application, Caller, unique
from tests.mongod import Mongod

SITE, PAGES = "/api/site", "/api/builder/pages"
SIZES = {"cover": "600x800 cover", "half": "300 x 400", "wide": "800"}
KEPT = {"cover": "600x800 cover", "half": "300x400 cover", "wide": "800"}


@pytest.fixture(scope="module")
def application(mongod: Mongod) -> Iterator[Application]:
    """A deployment of these tests' own: the sizes of a site are for all of its pictures."""
    with Application(mongod) as application:
        yield application


def path_of(url: str) -> str:
    return url.removeprefix(f"https://{HOST}")


def size_at(caller: Caller, path: str) -> tuple[int, int]:
    answer = caller.get(path)
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.data)).size


def uploaded(caller: Caller) -> dict[str, Any]:
    image: dict[str, Any] = caller.a_product(
        pictures.photo(1600, 1200, seed=7, noise=False), status="published"
    )["images"][0]
    return image


def test_pictures_come_in_the_sizes_of_their_site(application: Application) -> None:
    admin, nobody = application.caller("admin"), application.caller("nobody")
    image = uploaded(admin)
    cover = f"/media/{image['id']}/cover"
    assert nobody.get(cover).status_code == 404
    changed = admin.patch(SITE, json={"sizes": SIZES})
    assert changed.json["sizes"] == KEPT
    now = admin.get(f"{PRODUCTS}?limit=1").json["items"][0]["images"][0]
    told = now["variants"]["cover"]
    assert (told["width"], told["height"]) == (600, 800)
    assert size_at(nobody, path_of(told["url"])) == (600, 800)
    assert size_at(nobody, path_of(now["variants"]["half"]["url"])) == (300, 400)
    assert path_of(nobody.get(cover).headers["Location"]) == path_of(told["url"])
    assert f"{now['variants']['wide']['url']} 800w" in now["srcset"]
    theirs = application.caller("seller_on_other_site")
    assert "cover" not in uploaded(theirs)["variants"]
    not_theirs = uploaded(theirs)["id"]
    elsewhere = application.caller("nobody_on_other_site")
    assert elsewhere.get(f"/media/{not_theirs}/cover").status_code == 404
    before = application.raw["renditions"].count_documents({})
    led = elsewhere.get(f"/media/{not_theirs}/{'0' * 12}/x600x800.webp")
    assert led.status_code == 308
    assert led.headers["Location"].endswith("/w640.webp")  # no work for whoever makes up sizes
    assert application.raw["renditions"].count_documents({}) == before

    # One that changes or goes leads to what is nearest.
    assert admin.patch(SITE, json={"sizes": {"cover": "500x500 cover"}}).status_code == 200
    assert nobody.get(cover).headers["Location"].endswith("/x500x500.webp")
    former = nobody.get(path_of(told["url"]))
    assert former.status_code == 308
    assert former.headers["Location"].endswith("/w640.webp")
    gone = nobody.get(path_of(now["variants"]["wide"]["url"]))
    assert gone.headers["Location"].endswith("/w960.webp")


def test_a_page_has_a_size_of_the_site_with_those_of_its_ratio(application: Application) -> None:
    admin, nobody = application.caller("admin"), application.caller("nobody")
    admin.patch(SITE, json={"sizes": SIZES})
    raw = pictures.photo(1600, 1200)
    url = admin.post("/api/builder/media", data=raw, content_type="image/jpeg").json["id"]
    page = admin.post(PAGES, json={"title": unique("P"), "html": f'<img src="/media/{url}/cover">'})
    publish = f"{PAGES}/{page.json['id']}/publish"
    assert admin.post(publish, json={"revision": 1}).status_code == 200

    def shown() -> str:
        text = nobody.get(f"/p/{page.json['slug']}").text
        return str(re.search(rf"<img [^>]*{url}[^>]*>", text)[0])  # type: ignore[index]

    there = shown()
    assert 'width="600" height="800"' in there
    widths = re.findall(r"/(x\d+x\d+)\.webp (\d+)w", there)
    assert widths == [("x300x400", "300"), ("x600x800", "600")]
    admin.patch(SITE, json={"sizes": {}})
    after = shown()
    assert re.search(r'src="[^"]*/w640\.webp"', after)
    assert 'width="640" height="480"' in after


def test_what_is_no_size_is_refused(application: Application) -> None:
    admin = application.caller("admin")
    for sizes in (
        {"thumb": "600"},
        {"original": "600"},
        {"w700": "700"},
        {"x700": "700"},
        {"Cover": "600"},
        {"a": "15"},
        {"a": "2561"},
        {"a": "2560x2560 cover"},
        {"a": "600x800 contain"},
        {"a": "0600"},
        {"a": ""},
        {f"a{each}": "600" for each in range(11)},
    ):
        refused = admin.patch(SITE, json={"sizes": sizes})
        assert (refused.status_code, refused.json["code"]) == (400, "invalid_body"), sizes
