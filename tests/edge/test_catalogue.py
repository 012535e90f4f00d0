"""What nginx keeps of the catalogue, and that nobody gets for their own what is everybody's."""

from collections.abc import Iterator
from itertools import cycle
from urllib.parse import urlsplit

import pytest

from avenue.app.background import Background
from avenue.config import Settings
from avenue.media.announcing.models import PURGES
from avenue.storage.connection import Database
from tests import pictures
from tests.edge.deployment import Deployment, comparable, new_host, plain, talk
from tests.edge.test_cache import SECRET, asked, cache_says
from tests.edge.test_poisoning import EVIL, hostile, requests, send
from tests.faults.deployment import raw
from tests.mongod import Guard, Mongod
from tests.nginx import Nginx
from tests.server import Answer, Client, Server, prepare
from tests.table import table
from tests.waiting import wait_until

PURGE = "a-s3cret-that-nginx-knows-0123456789"
WITH_PURGE = {'# "the secret" 1;': f'"{PURGE}" 1;'}
SETTINGS = {
    "AVENUE_PROXY_HOPS": "1",
    "AVENUE_CACHE_SECONDS": "1",
    "AVENUE_PURGE_CDNS": f"nginx={PURGE}@http://127.0.0.1:9",  # its job is the tests' own
}
PRODUCTS, GROUPS = "/api/shop/products", "/api/shop/groups"


@pytest.fixture(scope="module")
def shop(shared_uri: str, guard: Guard, mongod: Mongod) -> Iterator[Deployment]:
    """A shop behind nginx; it is one's own, for its settings change."""
    prepare(shared_uri)
    users = raw(mongod.client, shared_uri)["users"]
    users.update_many({}, {"$set": {"superuser": True}})
    with (
        Server(guard, shared_uri, **SETTINGS) as app,
        Nginx(guard, [app.port], WITH_PURGE) as edge,
    ):
        yield Deployment.filled(app, edge, pictures.photo(300, 200, seed=41))


def draft(shop: Deployment, name: str) -> str:
    fields = {"name": name, "status": "draft"}
    answer = shop.seller.send_json("POST", PRODUCTS, fields)
    assert answer.status == 201, answer
    return str(answer.json["id"])


def change(shop: Deployment, product: str, **fields: object) -> None:
    answer = shop.seller.send_json("PATCH", f"{PRODUCTS}/{product}", fields)
    assert answer.status == 200, answer


def at_the_edge(shop: Deployment) -> Client:
    return Client(shop.edge.port, shop.seller.token)


def purged(shop: Deployment, path: str) -> None:
    answer = shop.at_the_edge.request("HEAD", path, headers={"X-Avenue-Purge": PURGE})
    assert cache_says(shop.edge, answer) == "BYPASS"


def paths(shop: Deployment) -> list[str]:
    one = shop.product
    named = f"/products/{one}/zapato"
    return [
        *("/", f"/products/{one}", named, "/sitemap.xml", PRODUCTS, GROUPS),
        *(f"{PRODUCTS}/{one}", f"{PRODUCTS}?limit=10&sort=-price"),
    ]


def test_the_catalogue_is_asked_for_once(shop: Deployment) -> None:
    host = {"Host": new_host()}  # nothing is kept under it yet
    for path in paths(shop):
        own = shop.app.client.get(path)
        first = shop.at_the_edge.request("GET", path, headers=host)
        assert (first.status, cache_says(shop.edge, first)) == (200, "MISS"), path
        for _ in range(2):
            again = shop.at_the_edge.request("GET", path, headers=host)
            assert (again.body, cache_says(shop.edge, again)) == (own.body, "HIT"), path
        for name in ("Cache-Control", "ETag", "Content-Security-Policy"):
            assert again.headers.get(name) == own.headers.get(name), (path, name)
        assert not {"X-Accel-Expires", "Set-Cookie"} & again.headers.keys()
        known = {**host, "If-None-Match": own.headers["ETag"]}
        tagged = shop.at_the_edge.request("GET", path, headers=known)
        assert (tagged.status, cache_says(shop.edge, tagged)) == (304, "HIT"), path
        small = shop.at_the_edge.request("GET", path, headers={**host, "Accept-Encoding": "gzip"})
        assert small.headers["Content-Encoding"] == "gzip"
        assert b"\r\nVary: Accept-Encoding\r\n" in talk(shop.edge.port, plain(path, "localhost"))


@pytest.mark.parametrize("mine_first", [True, False])
def test_nobody_gets_for_their_own_what_is_everybodys(shop: Deployment, mine_first: bool) -> None:
    hidden = draft(shop, "Secreto mío")
    lists = [f"{PRODUCTS}?limit=50&sort=-created_at", PRODUCTS, f"{PRODUCTS}/{hidden}"]

    def mine(path: str) -> None:
        answer = at_the_edge(shop).get(path)
        assert hidden in answer.body.decode(), answer
        assert cache_says(shop.edge, answer) == ""

    def everybodys(path: str) -> None:
        answer = shop.at_the_edge.get(path)
        assert "Secreto" not in answer.body.decode()

    for path in lists:
        for _ in range(2):
            for look in (mine, everybodys) if mine_first else (everybodys, mine):
                look(path)
    assert not [each for each in shop.edge.stored() if b"Secreto" in each]


def test_who_has_a_cookie_of_ours_is_asked_for_alone(shop: Deployment) -> None:
    asked(shop.edge, "/")
    for cookie in ("avenue_session=x", "avenue_language=en", "_ga=1; avenue_theme=dark"):
        answer = shop.at_the_edge.request("GET", "/", headers={"Cookie": cookie})
        assert cache_says(shop.edge, answer) == "", cookie
        assert "public" not in answer.headers["Cache-Control"]
    english = shop.at_the_edge.request("GET", "/", headers={"Cookie": "avenue_language=en"})
    assert b'<html lang="en"' in english.body
    assert b'<html lang="es"' in asked(shop.edge, "/")[0].body
    others = shop.at_the_edge.request("GET", "/", headers={"Cookie": "_ga=1"})
    assert cache_says(shop.edge, others) == "HIT"


def test_what_anybody_can_make_up_is_not_kept(shop: Deployment) -> None:
    stored = len(shop.edge.stored())
    made_up = [
        *("/?utm_source=x", "/?search=x", "/?after=x", f"{PRODUCTS}?search=x", f"{PRODUCTS}?x=1"),
        *(f"{PRODUCTS}?limit=1&limit=2", f"{PRODUCTS}?status=draft", f"{PRODUCTS}/{'x' * 22}"),
        *(f"/products/{shop.product}/another-name", f"/products/{'x' * 22}", "/p/nothing"),
        *("/categories/nothing", "/login", "/admin", "/api/site", "//", "/%2e/"),
    ]
    for path in made_up:
        for _ in range(2):
            answer = shop.at_the_edge.get(path)
            assert "public" not in answer.headers.get("Cache-Control", ""), path
            assert cache_says(shop.edge, answer) in {"", "MISS"}, path
    assert len(shop.edge.stored()) == stored
    page = shop.at_the_edge.request("GET", "/products/nothing", headers={"Accept": "*/*"})
    assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert shop.at_the_edge.get(f"{PRODUCTS}/nothing").json["code"] == "product_not_found"


def test_a_purge_shows_what_is_new_at_once(shop: Deployment) -> None:
    product = shop.seller.create_product("Precio")
    path, page = f"{PRODUCTS}/{product}", f"/products/{product}/precio"
    for each in (path, page):
        asked(shop.edge, each)
    change(shop, product, price="123")
    assert asked(shop.edge, path)[0].json["price"] is None  # not told yet
    wrong = {"X-Avenue-Purge": "a guess"}
    guessed = shop.at_the_edge.request("GET", path, headers=wrong)
    assert cache_says(shop.edge, guessed) == "HIT"
    for each in (path, page):
        purged(shop, each)
    answer, said = asked(shop.edge, path)
    assert (answer.json["price"], said) == ("123", "HIT")
    assert b'content="123"' in asked(shop.edge, page)[0].body
    change(shop, product, status="draft")
    for each in (path, page):
        purged(shop, each)
        assert asked(shop.edge, each)[0].status == 404


def test_what_changes_is_told_to_nginx_by_the_outbox(shop: Deployment) -> None:
    told = f"nginx={PURGE}@http://127.0.0.1:{shop.edge.port}"
    settings = Settings(local=True, mongodb_uri=shop.app.uri, purge_cdns=(told,))
    database = Database(settings)
    host = {"Host": urlsplit(settings.base_url).netloc}

    def seen(path: str) -> Answer:
        return shop.at_the_edge.request("GET", path, headers=host)

    try:
        product = shop.seller.create_product("Rebaja")
        change(shop, product, price="100", category="Ofertas")
        Background(settings, database).run_now(PURGES)
        page, category = f"/products/{product}/rebaja", "/categories/ofertas"
        for each in ("/", page, category, "/sitemap.xml"):
            assert seen(each).status == 200, each
        change(shop, product, price="90", category="Saldos")
        assert b'content="100"' in seen(page).body
        assert b"Rebaja" in seen(category).body
        done = Background(settings, database).run_now(PURGES)
        assert done.result is not None
        assert done.result["urls"] > 0
        assert b'content="90"' in seen(page).body
        assert seen(category).status == 404
        assert seen("/categories/saldos").status == 200
    finally:
        database.close()


def test_without_a_purge_a_draft_is_gone_once_its_time_is_up(shop: Deployment) -> None:
    def kept(seconds: int | None) -> None:
        told = {"edge_seconds": {"products": seconds}}
        assert shop.seller.send_json("PATCH", "/api/site", told).status == 200

    kept(1)
    try:
        product = shop.seller.create_product("Efímero")
        path = f"/products/{product}"
        wait_until(
            lambda: "s-maxage=1," in shop.app.client.get(path).headers["Cache-Control"], "the site"
        )
        assert asked(shop.edge, path)[0].status == 200
        change(shop, product, status="draft")
        wait_until(lambda: asked(shop.edge, path)[0].status == 404, "it is gone")
        assert asked(shop.edge, path)[0].status == 404
    finally:
        kept(None)


@pytest.mark.long  # test_cache.py has it for pictures
def test_what_was_kept_is_shown_while_avenue_is_away(shop: Deployment, guard: Guard) -> None:
    uri = shop.app.uri
    with Server(guard, uri, AVENUE_PROXY_HOPS="1") as app, Nginx(guard, [app.port]) as edge:
        path = f"/products/{shop.product}"
        kept = asked(edge, path)[0].body
        app.stop()
        assert asked(edge, path)[0].body == kept
        away = Client(edge.port).get(f"/products/{'y' * 22}")
        assert (away.status, away.json["code"]) == (503, "unavailable")
        assert SECRET not in edge.log


# What one person sends never changes what the next one gets; see test_poisoning.py


@table("name, form", zip([*requests()][::2], cycle([PRODUCTS + "/{}", "/products/{}", "/"])))
def test_the_next_one_gets_the_clean_answer(shop: Deployment, name: str, form: str) -> None:
    assert_the_next_one_gets_the_clean_answer(shop, name, form)


@pytest.mark.long  # above, each is sent for one of them
@table("form", ["/products/{}/zapato", PRODUCTS, "/", PRODUCTS + "/{}", "/sitemap.xml"])
@table("name", requests())
def test_the_next_one_gets_the_clean_answer_of_all(shop: Deployment, name: str, form: str) -> None:
    assert_the_next_one_gets_the_clean_answer(shop, name, form)


def assert_the_next_one_gets_the_clean_answer(shop: Deployment, name: str, form: str) -> None:
    path, port = form.format(shop.product), shop.edge.port
    clean = comparable(talk(port, plain(path, new_host())))
    assert clean.startswith(b"HTTP/1.1 200 ")
    host = new_host()
    for _ in ("cold", "hot"):
        send(port, hostile(requests()[name], path, host))
        assert comparable(talk(port, plain(path, host))) == clean
    assert not [each for each in shop.edge.stored() if EVIL.encode() in each]
