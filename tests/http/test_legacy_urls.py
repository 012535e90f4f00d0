"""Addresses from before Avenue go on working: `/media/…` and `/uploads/…`."""

from collections.abc import Callable

import pytest

from avenue.identity import new_id
from avenue.media.old_urls import can_answer
from avenue.media.store.legacy_urls import LegacyUrls
from tests.http.application import HOST, OTHER_SITE, Application, Caller, a_picture, unique
from tests.http.test_media import ELSEWHERE, MAY, MAY_NOT, Picture, stored, told
from tests.http.test_product_images import Shelf
from tests.table import table

Named = Callable[..., str]


@pytest.fixture(scope="module")
def urls(application: Application) -> LegacyUrls:
    return LegacyUrls(application.database)


@pytest.fixture(scope="module")
def picture(as_seller: Caller) -> Picture:
    return stored(as_seller, a_picture())


@pytest.fixture
def old(urls: LegacyUrls, picture: Picture, as_seller: Caller) -> str:
    """An old address of the picture that no other test has."""
    path = f"/media/shoes/{unique('zapato')}.jpg"
    urls.put(as_seller.site.id, path, picture.id)
    return path


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_old_address_leads_to_the_current_one(nobody, picture, old, method):
    answer = nobody.ask(method, old)
    assert (answer.status_code, answer.headers["Location"]) == (308, picture.url)
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in answer.headers
    assert nobody.get(answer.headers["Location"]).data == picture.data


def test_an_old_token_and_an_old_address_keep_the_wish_to_download(nobody, picture, old):
    for path in (old, f"/media/{picture.id}/{'0' * 12}/original.jpg"):
        location = nobody.get(f"{path}?v=3&download=1").headers["Location"]
        assert location == f"{picture.url}?download=1"
        assert nobody.get(f"{path}?v=3&download=yes").headers["Location"] == picture.url


@table(
    "path, asked",
    [
        ("/media/{}.jpg", "/media/{}.jpg"),
        ("/media/a/b/c/{}.jpg", "/media/a/b/c/{}.jpg"),
        ("/uploads/{}.jpg", "/uploads/{}.jpg"),
        ("/uploads/2020/05/{}", "/uploads/2020/05/{}"),
        ("/uploads/{} rojo.jpg", "/uploads/{}%20rojo.jpg"),
        ("/uploads/niño {}.jpg", "/uploads/ni%C3%B1o%20{}.jpg"),
        ("/uploads/niño {}.jpg", "/uploads/nin%CC%83o%20{}.jpg"),
        ("/uploads/{} 100%.jpg", "/uploads/{}%20100%25.jpg"),
        ("/uploads/{}%20a.jpg", "/uploads/{}%2520a.jpg"),
        ("/uploads/{}?.jpg", "/uploads/{}%3F.jpg"),
        ("/uploads/{}.jpg", "/uploads/{}.jpg?v=2"),
        ("/uploads/{}.jpg", "/uploads/a/../{}.jpg"),
        ("/uploads/{}.jpg", "/uploads/{}.jpg/"),
        ("/uploads/{}.jpg", "/media/../uploads/{}.jpg"),
        (f"/media/{'a' * 22}/{{}}.jpg", f"/media/{'a' * 22}/{{}}.jpg"),
        (f"/media/{'a' * 22}/2020/{{}}.jpg", f"/media/{'a' * 22}/2020/{{}}.jpg"),
    ],
)
def test_an_old_address_is_found_however_it_is_written(
    urls, nobody, picture, as_seller, path, asked
):
    name = unique("foto")
    urls.put(as_seller.site.id, path.format(name), picture.id)
    answer = nobody.get(asked.format(name))
    assert (answer.status_code, answer.headers.get("Location")) == (308, picture.url)


def test_bytes_that_are_no_utf_8_are_latin_1(urls, nobody, picture, as_seller):
    """Asked as a server hands it on; the test client itself would lose the bytes."""
    name = unique("niño")
    urls.put(as_seller.site.id, f"/uploads/{name}.jpg", picture.id)
    for spelling in (name.encode("latin-1"), name.encode()):
        path = f"/uploads/{spelling.decode('latin-1')}.jpg"
        answer = nobody.get("/", environ_overrides={"PATH_INFO": path})
        assert (answer.status_code, answer.headers.get("Location")) == (308, picture.url)


def test_doubled_slashes_are_one(urls, nobody, picture, as_seller):
    name = unique("foto")
    urls.put(as_seller.site.id, f"/uploads/a/{name}.jpg", picture.id)
    first = nobody.get(f"/uploads/a//{name}.jpg")
    assert first.status_code == 308
    second = nobody.get(first.headers["Location"])
    assert picture.url in (first.headers["Location"], second.headers.get("Location"))


@pytest.mark.parametrize("kind", ["trashed", "gone", "of another site", "never there"])
def test_what_is_not_there_any_more_is_not_found(urls, nobody, as_seller, on_other_site, kind):
    path, site_id = f"/uploads/{unique('foto')}.jpg", as_seller.site.id
    if kind == "trashed":
        shelf = Shelf(as_seller, a_picture())
        urls.put(site_id, path, shelf.ids()[0])
        assert nobody.get(path).status_code == 308
        shelf.remove(shelf.ids()[0])
    elif kind == "gone":
        urls.put(site_id, path, new_id())
    elif kind == "of another site":
        theirs = stored(on_other_site, a_picture())
        urls.put(site_id, path, theirs.id)
        urls.put(OTHER_SITE, f"{path}.theirs", theirs.id)
        assert on_other_site.get(f"{path}.theirs").status_code == 308
        assert nobody.get(f"{path}.theirs").status_code == 404
    answer = nobody.get(path)
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert answer.headers["Cache-Control"] == "no-store"
    assert told(answer) == told(nobody.get(f"/uploads/{unique('nothing')}.jpg"))


@pytest.fixture(scope="module")
def private(application: Application, urls: LegacyUrls, as_seller: Caller) -> str:
    """The old address of a picture that only its owner may read."""
    found = stored(as_seller, a_picture())
    application.raw["assets"].update_one({"_id": found.id}, {"$set": {"visibility": "private"}})
    path = f"/uploads/{unique('comprobante')}.jpg"
    urls.put(as_seller.site.id, path, found.id)
    return path


@pytest.mark.parametrize("who", MAY)
def test_a_private_file_is_found_by_who_may_read_it(application, private, who):
    answer = application.caller(who).get(private)
    assert answer.status_code == 308
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Authorization" in answer.headers["Vary"]
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert application.caller(who).get(answer.headers["Location"]).status_code == 200


@table("who", MAY_NOT + ELSEWHERE)
def test_a_private_file_does_not_exist_for_others(application, private, who):
    caller = application.caller(who)
    there, not_there = caller.get(private), caller.get(f"/uploads/{unique('nothing')}.jpg")
    assert (there.status_code, not_there.status_code) == (404, 404)
    assert told(there) == told(not_there)


@table(
    "path",
    [
        "/uploads/a%00.jpg",
        "/uploads/%0A",
        "/uploads/..%2F..",
        f"/uploads/{'a' * 1100}",
        f"/media/{'A' * 5000}",
        "/media/..",
        "/uploads/",
        "/uploads",
        f"/media/{'a' * 22}/thumb",
        f"/media/{'a' * 22}",
    ],
)
def test_what_can_be_no_address_asks_nothing_of_the_old_ones(application, nobody, path):
    seen = application.watch.seen
    before = seen.get(("find", "legacy_urls"), 0)
    assert nobody.get(path).status_code == 404
    after = seen.get(("find", "legacy_urls"), 0)
    # One segment of 22 characters alone is no address of ours, so it may be an old one.
    assert after - before == (1 if path == f"/media/{'a' * 22}" else 0)


def test_an_asset_that_is_gone_is_not_looked_for_among_the_old_addresses(
    application, urls, nobody, picture, as_seller
):
    path = f"/media/{new_id()}/{'0' * 12}/original.jpg"
    urls.put(as_seller.site.id, path, picture.id)
    assert nobody.get(path).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_an_old_address_is_only_read(as_admin, old, method):
    answer = as_admin.ask(method, old)
    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("place", ["media", "uploads"])
def test_a_browser_gets_no_page_for_a_file_that_is_not_there(nobody, place):
    answer = nobody.get(f"/{place}/{unique('nothing')}.jpg", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (404, "application/json")


def test_the_newest_owner_of_an_address_wins(urls, nobody, picture, as_seller, old):
    other = stored(as_seller, a_picture())
    urls.put(as_seller.site.id, old, other.id)
    assert nobody.get(old).headers["Location"] == other.url
    assert other.url.startswith(f"https://{HOST}/media/")


CLOUD, CF = "/demo/image/upload", "/ZWd9g1K7eljCn_KDTu_MWA"
SUPABASE = "/storage/v1/object/public/photos"


@table(
    "path, asked, size",
    [
        ("/api/uploads/{}.jpg", "/api/uploads/{}.jpg", None),
        ("/api/shop/images/{}", "/api/shop/images/{}", None),
        ("/api/shop/temp-images/{}", "/api/shop/temp-images/{}", None),
        ("/wp-content/{}.jpg", "/wp-content/{}.jpg?ver=3", None),
        ("/{}.jpg", "/{}.jpg", None),
        (f"{SUPABASE}/a/{{}}.jpg", f"{SUPABASE}/a/{{}}.jpg", None),
        (
            f"{SUPABASE}/a/{{}}.jpg",
            "/storage/v1/render/image/public/photos/a/{}.jpg?width=300&height=9",
            "w320",
        ),
        (f"{CLOUD}/a/{{}}", f"{CLOUD}/v12/a/{{}}.jpg", None),
        (f"{CLOUD}/a/{{}}", f"{CLOUD}/w_500,c_fill/e_sepia/v12/a/{{}}.webp", "w640"),
        (f"{CLOUD}/w_200/{{}}", f"{CLOUD}/s--aBc_1--/c_fit,w_9000/w_200/{{}}.jpg", None),
        (f"{CF}/season/{{}}", f"{CF}/season/{{}}/public", None),
        (f"{CF}/season/{{}}", f"/cdn-cgi/imagedelivery{CF}/season/{{}}/w=640,fit=cover", "w640"),
        (f"{CF}/season/{{}}", f"{CF}/season/{{}}/thumbnail", "w320"),
        ("/photos/{}.jpg", "/photos/{}.jpg?w=900", "w960"),
    ],
)
def test_an_old_address_answers_under_any_prefix_in_the_nearest_size(
    urls, nobody, picture, as_seller, path, asked, size
):
    name = unique("foto")
    urls.put(as_seller.site.id, path.format(name), picture.id)
    answer = nobody.get(asked.format(name), headers={"Accept": "image/webp"})
    if size is None:
        assert (answer.status_code, answer.headers.get("Location")) == (308, picture.url)
        return
    location = answer.headers["Location"]
    assert (answer.status_code, location.rpartition("/")[2]) == (302, f"{size}.webp")
    assert location.startswith(f"https://{HOST}/media/{picture.id}/")


def test_what_is_nobodys_costs_one_query_and_says_so_as_before(application, nobody, private):
    seen = application.watch.seen
    for path, status in (("/nowhere/a.jpg", 404), ("/api/uploads/nothing.jpg", 401)):
        before = seen.get(("find", "legacy_urls"), 0)
        answer = nobody.get(path, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json["status"]) == (status, status)
        assert seen.get(("find", "legacy_urls"), 0) - before == 1
    before = seen.get(("find", "legacy_urls"), 0)
    for path in ("/admin/nothing", "/static/nothing.js", "/site.css", "//elsewhere.example/a"):
        nobody.get(path)
    assert seen.get(("find", "legacy_urls"), 0) - before <= 1
    assert nobody.post("/nowhere/a.jpg").status_code == 404


def test_another_site_and_a_private_file_do_not_answer_elsewhere(
    application, urls, nobody, as_seller, private, on_other_site
):
    found = stored(as_seller, a_picture())
    path = f"/photos/{unique('foto')}.jpg"
    urls.put(as_seller.site.id, path, found.id)
    assert nobody.get(path).status_code == 308
    assert on_other_site.get(path).status_code == 404
    application.raw["assets"].update_one({"_id": found.id}, {"$set": {"visibility": "private"}})
    hidden, nothing = nobody.get(path), nobody.get("/photos/nothing.jpg")
    assert hidden.status_code == 404
    assert told(hidden) == told(nothing)
    assert application.caller(MAY[0]).get(path).status_code in {308, 404}


def test_what_is_said_to_be_ours_is_and_nothing_else_is(application):
    rules = [
        rule
        for rule in application.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments
    ]
    pages = {rule.rule for rule in rules if not rule.rule.startswith("/api")}
    assert {each for each in pages if can_answer(each)} == set()
    assert all(map(can_answer, ("/a.jpg", "/administrator/a.jpg", "/login.jpg", "/api/uploads/a")))
