"""Which answers shared caches may keep, for how long, and what they are told to forget."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from avenue.identity import Role
from avenue.web.cache_policy import ROUTES, SECONDS, STALE_SECONDS, Kind
from tests.http.application import HOST, PRODUCTS, Application, Caller, a_picture, unique
from tests.mongod import Mongod
from tests.table import table

GROUPS = "/api/shop/groups"
PAGES = "/api/builder/pages"
SHARED = re.compile(r"public, max-age=0, s-maxage=(\d+), stale-while-revalidate=(\d+)")
PERSONAL = [
    {"Authorization": "Bearer avt_rubbish"},
    {"Authorization": "Basic YTpi"},
    {"Cookie": "avenue_session=rubbish"},
    {"Cookie": "_ga=1; avenue_language=en"},
    {"Cookie": "avenue_theme=dark"},
]


@pytest.fixture(scope="module")
def deployment(mongod: Mongod) -> Iterator[Application]:
    """A shop that is told to note what edges must forget."""
    with Application(mongod) as application:
        application.database.purges_caches = True
        yield application


@pytest.fixture(scope="module")
def seller(deployment: Application) -> Caller:
    return deployment.new_person(unique("jefa"), role=Role.ADMIN)


@pytest.fixture(scope="module")
def reader(deployment: Application) -> Caller:
    return deployment.caller("nobody")


@pytest.fixture(scope="module")
def shop(seller: Caller) -> dict[str, str]:
    """A path of each kind; there is a draft, too."""
    group = seller.a_group(a_picture(), name="Modelo Sol")
    product = seller.a_product(
        a_picture(),
        status="published",
        name="Zapato ñandú",
        price="150000",
        category="Calzado > Botas",
        group=group["id"],
    )
    draft = seller.a_product(name="Secreto")
    page = published(seller, "<p>Hola</p>")
    return {
        "home": "/",
        "category": "/categories/calzado/botas",
        "product": f"/products/{product['id']}",
        "named": f"/products/{product['id']}/zapato-nandu",
        "page": f"/p/{page['slug']}",
        "sitemap": "/sitemap.xml",
        "products_api": PRODUCTS,
        "product_api": f"{PRODUCTS}/{product['id']}",
        "groups_api": GROUPS,
        "group_api": f"{GROUPS}/{group['id']}",
        "draft": f"{PRODUCTS}/{draft['id']}",
        "draft_page": f"/products/{draft['id']}",
    }


KINDS = {
    "home": Kind.HOME,
    "category": Kind.LISTS,
    "product": Kind.PRODUCTS,
    "named": Kind.PRODUCTS,
    "page": Kind.PAGES,
    "sitemap": Kind.SITEMAP,
    "products_api": Kind.LISTS,
    "product_api": Kind.PRODUCTS,
    "groups_api": Kind.LISTS,
    "group_api": Kind.PRODUCTS,
}
THE_SAME_FOR_ALL = {"page", "sitemap"}


def published(caller: Caller, html: str, **fields: Any) -> dict[str, Any]:
    page = caller.post(PAGES, json={"title": unique("Página"), "html": html, **fields}).json
    answer = caller.post(f"{PAGES}/{page['id']}/publish", json={"revision": page["revision"]})
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def seconds_of(answer: Any) -> int:
    """How long a shared cache may keep an answer; 0 is not at all."""
    found = SHARED.fullmatch(answer.headers.get("Cache-Control", ""))
    if found is None:
        assert "public" not in answer.headers.get("Cache-Control", "")
        assert "X-Accel-Expires" not in answer.headers
        return 0
    assert answer.headers["X-Accel-Expires"] == found[1]
    assert found[2] == str(STALE_SECONDS)
    assert "Set-Cookie" not in answer.headers
    assert not [name for name, _ in answer.headers if name.startswith("RateLimit")]
    return int(found[1])


@table("name", KINDS)
def test_what_nobody_in_particular_sees_is_kept_as_the_table_says(
    shop: dict[str, str], seller: Caller, reader: Caller, name: str
) -> None:
    path, kind = shop[name], KINDS[name]
    answer = reader.get(path)
    assert (answer.status_code, seconds_of(answer)) == (200, SECONDS[kind])
    vary = set(answer.vary.as_set(preserve_casing=True))
    assert vary == (set() if name in THE_SAME_FOR_ALL else {"Cookie", "Authorization"})
    # What says nothing of who asks changes nothing; nor does what a browser says of languages.
    plainly = {"Cookie": "_ga=1; other=2", "Accept-Language": "en", "User-Agent": "x"}
    again = reader.get(path, headers=plainly)
    assert (again.data, again.headers["ETag"]) == (answer.data, answer.headers["ETag"])
    assert seconds_of(again) == SECONDS[kind]
    known = reader.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (known.status_code, known.data, seconds_of(known)) == (304, b"", SECONDS[kind])
    head = reader.ask("HEAD", path)
    assert (head.data, head.headers["ETag"]) == (b"", answer.headers["ETag"])
    if name in THE_SAME_FOR_ALL:
        return
    for headers in PERSONAL:
        assert seconds_of(reader.get(path, headers=headers)) == 0, headers
    mine = seller.get(path)
    assert (mine.status_code, seconds_of(mine)) == (200, 0)


UNUSUAL = [
    ("home", "{}?search=zapato"),
    ("home", "{}?after=x&after=y"),
    ("home", "{}?utm_source=x"),
    ("home", "{}?"),
    ("product", "{}?x=1"),
    ("product", "{}/another-name"),
    ("named", "{}?x=1"),
    ("category", "{}?sort=name"),
    ("page", "{}?x=1"),
    ("sitemap", "{}?x=1"),
    ("products_api", "{}?status=draft"),
    ("products_api", "{}?search=zapato"),
    ("products_api", "{}?limit=1&limit=2"),
    ("product_api", "{}?as=ckeditor"),
    ("groups_api", "{}?x=1"),
    ("category", "/categories/calzado%2Fbotas"),
    ("category", "/categories/%63alzado/botas"),
    ("page", "/%70/{rest}"),
]


@table("name, form", UNUSUAL)
def test_another_spelling_or_query_is_nobody_elses(
    shop: dict[str, str], reader: Caller, name: str, form: str
) -> None:
    path = form.format(shop[name], rest=shop[name].rpartition("/")[2])
    answer = reader.get(path)
    assert answer.status_code < 500
    assert seconds_of(answer) == 0


def test_what_no_purge_can_name_is_kept_a_minute(
    shop: dict[str, str], seller: Caller, reader: Caller
) -> None:
    for path in (
        f"{PRODUCTS}?limit=1",
        f"{PRODUCTS}?category=calzado&sort=-price",
        f"{GROUPS}?limit=1",
    ):
        assert seconds_of(reader.get(path)) == 60
    following = reader.get(f"{PRODUCTS}?limit=1").json["next"]
    if following:
        assert seconds_of(reader.get(f"{PRODUCTS}?limit=1&after={following}")) == 60
    card = f'<a class="avenue-card" href="{shop["product"]}">x</a>'
    with_product = reader.get(f"/p/{published(seller, card)['slug']}")
    assert "Gs.&nbsp;150.000" in with_product.text
    assert seconds_of(with_product) == 60


def test_drafts_and_the_panel_are_never_shared(
    shop: dict[str, str], seller: Caller, reader: Caller
) -> None:
    for path in (shop["draft"], shop["draft_page"]):
        assert (reader.get(path).status_code, seller.get(path).status_code) == (404, 200)
        for caller in (reader, seller):
            assert seconds_of(caller.get(path)) == 0
    assert "Secreto" not in reader.get(PRODUCTS).text
    for path in ("/admin/products", "/login", "/api/site", "/api/auth/me"):
        for caller in (reader, seller):
            assert seconds_of(caller.get(path)) == 0
    assert seconds_of(reader.post(PRODUCTS, json={})) == 0


def test_only_routes_that_read_the_catalogue_are_in_the_table(deployment: Application) -> None:
    rules = {
        rule.rule: rule for rule in deployment.app.url_map.iter_rules() if "GET" in rule.methods
    }
    assert set(ROUTES) <= set(rules)
    assert not [each for each in ROUTES if each.startswith(("/admin", "/login", "/preview"))]


def test_a_site_says_how_long(deployment: Application, seller: Caller, reader: Caller) -> None:
    legal, listed = published(seller, "<p>Legal</p>"), published(seller, "<p>Guía</p>")
    product = seller.a_product(status="published")["id"]
    menu = [{"label": "Guía", "to": f"/p/{listed['slug']}"}]
    links = [{"label": "Legal", "to": f"/p/{legal['slug']}"}]
    seconds = {"home": 5, "products": 0}
    changed = seller.patch(
        "/api/site", json={"menu": menu, "legal": links, "edge_seconds": seconds}
    )
    assert changed.json["edge_seconds"] == {**{k.value: s for k, s in SECONDS.items()}, **seconds}
    try:
        kept = [f"/p/{each['slug']}" for each in (legal, listed)]
        assert [seconds_of(reader.get(each)) for each in ("/", *kept)] == [5, 86400, 3600]
        assert seconds_of(reader.get(f"/products/{product}")) == 0
        for wrong in (-1, 604801, "5"):
            answer = seller.patch("/api/site", json={"edge_seconds": {"home": wrong}})
            assert answer.status_code == 400
        staff = deployment.new_person(unique("ana"), role=Role.STAFF)
        assert staff.patch("/api/site", json={"edge_seconds": {"home": 1}}).status_code == 403
    finally:
        nothing = {"menu": [], "legal": [], "edge_seconds": dict.fromkeys(seconds)}
        assert seller.patch("/api/site", json=nothing).status_code == 200


def test_other_origins_may_read_what_is_shared_and_nothing_says_whose_it_is(
    deployment: Application, shop: dict[str, str]
) -> None:
    app = deployment.with_settings(cors_origins=("https://app.example",))
    client = app.test_client(use_cookies=False)
    base = {"base_url": f"https://{HOST}"}
    for origin in ("https://app.example", "https://evil.example"):
        answer = client.get(shop["product_api"], headers={"Origin": origin}, **base)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Origin" not in answer.vary


# What edges are told to forget


def told(deployment: Application) -> set[str]:
    """The paths of the messages since this was asked last."""
    found = list(deployment.raw["notifications"].find({"kind": "paths.purge"}))
    deployment.raw["notifications"].delete_many({})
    assert all(each["site"] == "default" and each["receiver"] == "purge" for each in found)
    return {path for each in found for path in each["content"]["paths"]}


LISTS = {"/", PRODUCTS, GROUPS, "/sitemap.xml"}


def own(product: dict[str, Any], slug: str = "") -> set[str]:
    page = f"/products/{product['id']}"
    return {f"{PRODUCTS}/{product['id']}", page, page + (f"/{slug}" if slug else "")}


def test_a_changed_product_is_forgotten_wherever_it_was_and_is(
    deployment: Application, seller: Caller
) -> None:
    told(deployment)
    product = seller.a_product(name="Uno", category="Ropa > Camisas")
    path = f"{PRODUCTS}/{product['id']}"
    seller.patch(path, json={"price": "5"})
    assert told(deployment) == set()  # nobody could see it
    seller.patch(path, json={"status": "published"})
    shown = {*LISTS, "/categories/ropa", "/categories/ropa/camisas"}
    assert told(deployment) == shown | own(product, "uno")
    seller.patch(path, json={"name": "Dos", "category": None})
    assert told(deployment) == shown | own(product, "uno") | own(product, "dos")
    seller.post(f"{path}/images", json={"image_url": "https://images.example/1.jpg"})
    assert told(deployment) == LISTS | own(product, "dos")
    seller.delete(path)
    assert told(deployment) == LISTS | own(product, "dos")
    seller.post(f"{path}/restore")
    assert told(deployment) == LISTS | own(product, "dos")
    seller.patch(path, json={"status": "draft"})
    assert told(deployment) == LISTS | own(product, "dos")


def test_those_that_show_one_another_are_forgotten_together(
    deployment: Application, seller: Caller
) -> None:
    group = seller.a_group(name="Modelo")
    one = seller.a_product(name="Rojo", status="published", group=group["id"])
    two = seller.a_product(name="Azul", status="published")
    told(deployment)
    of_group = {f"{GROUPS}/{group['id']}"}
    both = own(one, "rojo") | own(two, "azul")
    url = f"{GROUPS}/{group['id']}"
    seller.patch(url, json={"product_ids": [one["id"], two["id"]]})
    assert told(deployment) == LISTS | of_group | both
    seller.patch(f"{PRODUCTS}/{one['id']}", json={"price": "7"})
    assert told(deployment) == LISTS | of_group | both
    seller.patch(url, json={"name": "Otro"})
    assert told(deployment) == LISTS | of_group | both
    seller.delete(url)
    assert told(deployment) == LISTS | of_group | both


def test_what_a_picture_shows_is_part_of_its_product(
    deployment: Application, seller: Caller
) -> None:
    product = seller.a_product(a_picture(), a_picture(), name="Foto", status="published")
    told(deployment)
    url, images = f"{PRODUCTS}/{product['id']}/images", product["images"]
    seller.patch(f"{url}/{images[0]['id']}", json={"alt": {"es": "De lado"}})
    assert told(deployment) == LISTS | own(product, "foto")
    now = seller.get(f"{PRODUCTS}/{product['id']}").json
    order = {"order": [each["id"] for each in reversed(images)], "revision": now["revision"]}
    assert seller.put(url, json=order).status_code == 200
    assert told(deployment) == LISTS | own(product, "foto")


def test_a_page_is_forgotten_when_what_visitors_see_of_it_changes(
    deployment: Application, seller: Caller
) -> None:
    maps = {"/sitemap.xml", "/sitemap/pages.xml"}
    told(deployment)
    page = seller.post(PAGES, json={"title": unique("Nueva"), "html": "<p>1</p>"}).json
    url, path = f"{PAGES}/{page['id']}", f"/p/{page['slug']}"
    assert told(deployment) == set()
    page = seller.post(f"{url}/publish", json={"revision": page["revision"]}).json
    assert told(deployment) == {*maps, path}
    saved = seller.put(url, json={"html": "<p>2</p>", "revision": page["revision"]})
    assert saved.status_code == 200, saved.text
    assert told(deployment) == set()  # a draft
    other = unique("otra-")
    moved = seller.put(url, json={"slug": other, "revision": saved.json["revision"]})
    assert moved.status_code == 200, moved.text
    assert told(deployment) == {*maps, path, f"/p/{other}"}
    assert seller.delete(url).status_code == 204
    assert told(deployment) == {*maps, path, f"/p/{other}"}


def test_without_an_edge_nothing_is_written(deployment: Application, seller: Caller) -> None:
    told(deployment)
    deployment.database.purges_caches = False
    try:
        product = seller.a_product(name="Solo", status="published")
        seller.patch(f"{PRODUCTS}/{product['id']}", json={"price": "5"})
        assert told(deployment) == set()
    finally:
        deployment.database.purges_caches = True
