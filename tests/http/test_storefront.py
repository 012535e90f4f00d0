"""The storefront: what everybody, and every program that reads pages, sees of the shop."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest

from avenue.identity import Role
from tests import pictures
from tests.http.application import (
    HOST,
    PRODUCTS,
    Application,
    Caller,
    a_picture,
    unique,
)

BASE = f"https://{HOST}"
ELSEWHERE = "https://images.example/zapato.jpg"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
SPANISH, ENGLISH = {"Accept-Language": "es-PY"}, {"Cookie": "avenue_language=en"}


class Seen(HTMLParser):
    """The tags of a page with their attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and wanted.items() <= attributes.items()
        ]

    def meta(self, name: str) -> str | None:
        for attributes in self.all("meta"):
            if name in {attributes.get("property"), attributes.get("name")}:
                return attributes["content"]
        return None

    @property
    def canonical(self) -> str:
        return self.all("link", rel="canonical")[0]["href"]


def seen(answer: Any) -> Seen:
    assert answer.status_code == 200, answer.text
    return Seen(answer.text)


def path_of(product: dict[str, Any]) -> str:
    return f"/products/{product['id']}"


def published(caller: Caller, *images: bytes, **fields: Any) -> dict[str, Any]:
    return caller.a_product(*images, status="published", **fields)


def test_the_window_shows_what_is_published_and_nothing_else(as_seller: Caller, nobody: Caller):
    word = unique("vidriera")
    there = published(as_seller, a_picture(), name=f"Zapato {word}", price="150000")
    as_seller.a_product(name=f"Secreto {word}")
    for caller in (nobody, as_seller):
        page = caller.get(f"/?search={word}")
        assert f"Zapato {word}" in page.text
        assert "Secreto" not in page.text
        assert "Gs.\xa0150.000" in page.text
    tile = seen(nobody.get(f"/?search={word}")).all("a", **{"class": "tile"})
    assert [each["href"] for each in tile] == [f"{path_of(there)}/zapato-{word}"]


def test_the_grid_goes_on_page_by_page(application: Application, nobody: Caller):
    seller, word = application.new_person(unique("vendedor")), unique("pagina")
    for number in range(50):
        published(seller, name=f"{word} {number:02}")
    first = seen(nobody.get(f"/?search={word}"))
    assert len(first.all("a", **{"class": "tile"})) == 48
    onward = first.all("a", rel="next")[0]["href"]
    second = nobody.get(onward)
    assert len(seen(second).all("a", **{"class": "tile"})) == 2
    assert not seen(second).all("a", rel="next")
    names = re.findall(rf"{word} \d\d", nobody.get(f"/?search={word}").text + second.text)
    assert len(set(names)) == 50
    assert nobody.get("/?after=nonsense").status_code == 400


def test_a_search_that_finds_nothing_says_so_and_is_not_for_search_engines(nobody: Caller):
    assert "Probá con menos palabras" in nobody.get("/?search=%00", headers=SPANISH).text
    page = nobody.get("/?search=%3Cscript%3Ealert(1)%3C/script%3E", headers=SPANISH)
    assert "Probá con menos palabras" in page.text
    assert "<script>alert" not in page.text
    assert seen(page).meta("robots") == "noindex, follow"
    assert nobody.get("/?search=" + "a" * 100_000).status_code in {200, 414}


def test_a_draft_is_there_for_who_may_change_it_only(
    as_seller: Caller, as_admin: Caller, as_other_seller: Caller, nobody: Caller
):
    draft = as_seller.a_product(name="Borrador")
    for stranger in (nobody, as_other_seller):
        assert stranger.get(path_of(draft)).status_code == 404
    for one in (as_seller, as_admin):
        page = one.get(path_of(draft), headers=SPANISH)
        assert "Solo vos y los administradores" in page.text
        assert seen(page).meta("robots") == "noindex"
    assert nobody.get(f"/products/{'x' * 22}").status_code == 404
    assert nobody.get("/products/%00").status_code == 404


def test_a_product_of_another_site_is_not_there(as_seller: Caller, on_other_site: Caller):
    assert on_other_site.get(path_of(published(as_seller))).status_code == 404
    assert as_seller.get(path_of(published(on_other_site))).status_code == 404


def test_the_id_decides_and_the_canonical_address_has_the_name(as_seller: Caller, nobody: Caller):
    product = published(as_seller, name="Ñandutí, «el más Fino» / 2 m")
    canonical = f"{BASE}{path_of(product)}/nanduti-el-mas-fino-2-m"
    for path in (path_of(product), f"{path_of(product)}/otra-cosa", canonical):
        page = seen(nobody.get(path))
        assert page.canonical == canonical
        assert page.meta("og:url") == canonical
        assert page.meta("robots") is None
    nameless = published(as_seller, name="中文")
    assert seen(nobody.get(path_of(nameless))).canonical == f"{BASE}{path_of(nameless)}"


def test_pictures_come_in_sizes_with_their_place_kept(as_seller: Caller, nobody: Caller):
    product = published(as_seller, a_picture(), a_picture(), price="1")
    page = seen(nobody.get(path_of(product)))
    first, second = page.all("img", itemprop="image")
    assert (first["width"], first["height"]) == ("64", "48")
    assert first["fetchpriority"] == "high"
    assert "loading" not in first
    assert second["loading"] == "lazy"
    assert "fetchpriority" not in second
    own = [each["src"] for each in (first, second)]
    own += [part.split()[0] for each in (first, second) for part in each["srcset"].split(",")]
    assert all(each.startswith("/media/") for each in own)
    assert all(nobody.get(each).status_code == 200 for each in own)
    assert first["sizes"]
    assert page.all("image")[0]["href"].startswith("data:image/webp;base64,")
    assert re.fullmatch("#[0-9a-f]{6}", page.all("rect")[0]["fill"])
    # What is seen before a picture has come lies under it, and not beside it.
    under = page.all("svg")[0]
    assert (under["viewbox"], under["preserveaspectratio"]) == ("0 0 64 48", "xMidYMid meet")


@pytest.mark.long
def test_one_sees_nothing_behind_a_picture_that_is_transparent(as_seller: Caller, nobody: Caller):
    see_through = pictures.transparent_webp()
    assert not seen(nobody.get(path_of(published(as_seller, see_through)))).all("rect")


ALTS = [
    ({}, {}, "Zapato {}", None),
    ({"alt": {"es": "De lado", "en": "From the side"}}, SPANISH, "De lado", None),
    ({"alt": {"es": "De lado", "en": "From the side"}}, ENGLISH, "From the side", None),
    ({"alt": {"es": "De lado"}}, ENGLISH, "De lado", "es"),
    ({"alt": {"en": "From the side"}}, SPANISH, "From the side", "en"),
    ({"decorative": True}, {}, "", None),
]


@pytest.mark.parametrize(
    ("told", "headers", "alt", "language"),
    [ALTS[3], *(pytest.param(*each, marks=pytest.mark.long) for each in ALTS if each != ALTS[3])],
)
def test_pictures_are_described(
    as_seller: Caller, nobody: Caller, told: Any, headers: Any, alt: str, language: str | None
):
    name = unique("")
    product = published(as_seller, a_picture(), name=f"Zapato {name}")
    if told:
        url = f"{PRODUCTS}/{product['id']}/images/{product['images'][0]['id']}"
        assert as_seller.patch(url, json=told).status_code == 200
    page = seen(nobody.get(path_of(product), headers=headers))
    image = page.all("img", itemprop="image")[0]
    assert image["alt"] == alt.format(name)
    link = next(each for each in page.all("a") if (each.get("class") or "").startswith("frame"))
    assert alt or link["aria-label"] == f"Zapato {name}"
    assert image.get("lang") == language


def test_other_programs_are_told_what_to_show(as_seller: Caller, nobody: Caller):
    described = "Cómodo y liviano.\n" + "Para caminar. " * 40
    product = published(
        as_seller, a_picture(), name='Zapato "5"', price="150000", description=described
    )
    page = seen(nobody.get(path_of(product), headers=SPANISH))
    assert page.meta("og:title") == 'Zapato "5"'
    assert page.meta("og:type") == "product"
    assert page.meta("og:locale") == "es_PY"
    assert page.meta("product:price:amount") == "150000"
    assert page.meta("product:price:currency") == "PYG"
    summary = page.meta("og:description")
    assert summary == page.meta("description")
    assert summary
    assert summary.startswith("Cómodo y liviano. Para caminar.")
    assert len(summary) <= 200
    url = page.meta("og:image")
    assert url
    assert url.startswith(f"{BASE}/media/")
    picture = nobody.get(url)
    assert picture.mimetype == "image/jpeg"
    size = (page.meta("og:image:width"), page.meta("og:image:height"))
    assert size == ("64", "34")  # 1200 × 630, as far as a picture of 64 × 48 goes
    assert page.meta("og:image:alt") == 'Zapato "5"'
    assert page.all("meta", itemprop="price")[0]["content"] == "150000"
    english = seen(nobody.get(path_of(product), headers=ENGLISH))
    assert english.meta("og:locale") == "en_US"


def test_a_picture_from_elsewhere_learns_nothing_of_the_reader(as_seller: Caller, nobody: Caller):
    product = published(as_seller)
    url = f"{PRODUCTS}/{product['id']}/images"
    as_seller.post(url, json={"image_url": ELSEWHERE})
    as_seller.post(url, json={"image_url": "http://images.example/2.jpg"})
    answer = nobody.get(path_of(product))
    page = seen(answer)
    images = page.all("img", itemprop="image")
    assert [each["src"] for each in images] == [ELSEWHERE, "https://images.example/2.jpg"]
    assert all(each["referrerpolicy"] == "no-referrer" for each in images)
    assert page.meta("og:image") == ELSEWHERE
    policy = answer.headers["Content-Security-Policy"]
    assert "img-src 'self' data: https:;" in policy
    assert "script-src 'self';" in policy


def test_a_picture_on_a_dead_disk_is_not_shown_to_visitors(
    application: Application, as_seller: Caller, nobody: Caller
):
    product = published(as_seller)
    url = f"{PRODUCTS}/{product['id']}/images"
    as_seller.post(url, json={"image_url": ELSEWHERE})
    dead = [
        {"asset": None, "url": each}
        for each in ("https://localhost:8000/a.jpg", "/uploads/a.jpg", "C:\\fotos\\a.jpg")
    ]
    at_first = {"$push": {"images": {"$each": dead, "$position": 0}}}
    application.raw["shop_products"].update_one({"_id": product["id"]}, at_first)
    page = seen(nobody.get(path_of(product)))
    assert [each["src"] for each in page.all("img", itemprop="image")] == [ELSEWHERE]
    assert page.meta("og:image") == ELSEWHERE
    assert "localhost:8000" not in nobody.get("/").text
    only_dead = {"$set": {"images": dead}}
    application.raw["shop_products"].update_one({"_id": product["id"]}, only_dead)
    assert seen(nobody.get(path_of(product))).all("img", itemprop="image") == []


@pytest.mark.long
def test_a_product_without_pictures_shows_those_of_its_group(as_seller: Caller, nobody: Caller):
    group = as_seller.a_group(a_picture(), name="Modelo Luna")
    key = group["images"][0]["id"]
    url = f"/api/shop/groups/{group['id']}"
    options = [{"name": "Rojo carmín", "images": [key]}]
    assert as_seller.patch(url, json={"options": options}).status_code == 200
    red = published(as_seller, name=unique("Roja"), group=group["id"])
    blue = published(as_seller, name=unique("Azul"), group=group["id"])
    as_seller.a_product(name=unique("Oculta"), group=group["id"])
    answer = nobody.get(path_of(red), headers=SPANISH)
    assert key in seen(answer).all("img", itemprop="image")[0]["src"]
    assert "Rojo carmín" in answer.text
    assert "Del mismo modelo: Modelo Luna" in answer.text
    siblings = seen(answer).all("a", **{"class": "tile"})
    assert [each["href"].split("/")[2] for each in siblings] == [blue["id"]]
    assert "Oculta" not in answer.text


@pytest.mark.long
def test_what_the_reader_has_already_is_not_sent_again(as_seller: Caller, nobody: Caller):
    product = published(as_seller)
    for path in ("/", path_of(product)):
        answer = nobody.get(path)
        assert "Set-Cookie" not in answer.headers
        again = nobody.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        other = nobody.get(path, headers={"If-None-Match": answer.headers["ETag"], **ENGLISH})
        assert other.status_code == 200


def test_a_token_of_another_site_is_a_stranger_here(application: Application, nobody: Caller):
    away = application.caller("admin_on_other_site")
    caller = Caller(application, application.app, HOST, token=away.token)
    assert caller.get("/").status_code == 200


def test_search_engines_find_the_published_products(
    application: Application, as_seller: Caller, nobody: Caller
):
    product, draft = published(as_seller, name="A & B"), as_seller.a_product()
    answer = nobody.get("/sitemap.xml")
    assert answer.mimetype == "application/xml"
    document = ET.fromstring(answer.text)  # noqa: S314 - our own, made from products of this test
    places = [each.text or "" for each in document.iter(f"{SITEMAP}loc")]
    assert places[0] == f"{BASE}/"
    assert f"{BASE}{path_of(product)}/a-b" in places
    assert not [each for each in places if draft["id"] in each]
    robots = nobody.get("/robots.txt")
    assert f"Sitemap: {BASE}/sitemap.xml" in robots.text
    assert robots.headers["Cache-Control"] == "public, max-age=3600"
    other = application.caller("nobody_on_other_site").get("/sitemap.xml")
    assert product["id"] not in other.text


@pytest.mark.long
def test_of_many_products_there_is_an_index_of_sitemaps(
    as_seller: Caller, nobody: Caller, monkeypatch: pytest.MonkeyPatch
):
    products = [published(as_seller) for _ in range(3)]
    draft = as_seller.a_product()
    monkeypatch.setattr("avenue.shop.pages.storefront.SITEMAP_PRODUCTS", 2)
    index = ET.fromstring(nobody.get("/sitemap.xml").text)  # noqa: S314 - our own
    assert index.tag == f"{SITEMAP}sitemapindex"
    parts = [(each.text or "").removeprefix(BASE) for each in index.iter(f"{SITEMAP}loc")]
    texts = [nobody.get(each).text for each in parts]
    assert f"<loc>{BASE}/</loc>" in texts[0]
    for product in products:
        assert sum(f"{BASE}{path_of(product)}" in each for each in texts) == 1
    assert not [each for each in texts if draft["id"] in each]
    assert nobody.get(f"/sitemap/products-{len(parts)}.xml").status_code == 404


def test_categories_are_a_tree_to_walk_through(
    application: Application, as_seller: Caller, nobody: Caller
):
    top = unique("Calzado ")
    boots, all_of_it = f"{top} > Botas", top.lower().replace(" ", "-")
    boot = published(as_seller, name=unique("Bota "), category=f"{top}>  Botas ")
    shoe = published(as_seller, name=unique("Zapato "), category=top)
    hidden = as_seller.a_product(name=unique("Secreto "), category=f"{top} > Secretos")
    assert boot["category"] == boots
    here = seen(nobody.get("/"))
    assert [f"/categories/{all_of_it}"] == [
        each["href"] for each in here.all("a") if each.get("href", "").endswith(all_of_it)
    ]
    whole = nobody.get(f"/categories/{all_of_it}", headers=SPANISH)
    page = seen(whole)
    assert page.canonical == f"{BASE}/categories/{all_of_it}"
    assert boot["name"] in whole.text
    assert shoe["name"] in whole.text
    assert "Secreto" not in whole.text  # neither the draft nor its category
    below = seen(nobody.get(f"/categories/{all_of_it}/botas"))
    steps = [each["href"] for each in below.all("a", itemprop="item")]
    assert steps == ["/", f"/categories/{all_of_it}", f"/categories/{all_of_it}/botas"]
    products = {each["href"] for each in below.all("a", **{"class": "tile"})}
    assert products == {urlsplit(seen(nobody.get(path_of(boot))).canonical).path}
    assert {"itemprop": "category", "content": boots} in seen(nobody.get(path_of(boot))).all("meta")
    assert nobody.get(f"/categories/{all_of_it}/secretos").status_code == 404
    other = application.caller("nobody_on_other_site")
    assert other.get(f"/categories/{all_of_it}").status_code == 404
    assert f"<loc>{BASE}/categories/{all_of_it}/botas</loc>" in nobody.get("/sitemap.xml").text
    for query, found in (
        ("", {boot["id"], shoe["id"]}),
        ("&status=published", {boot["id"], shoe["id"]}),
    ):
        listed = nobody.get(f"{PRODUCTS}?category={all_of_it}{query}").json["items"]
        assert {each["id"] for each in listed} == found
    mine = as_seller.get(f"{PRODUCTS}?category={all_of_it}").json
    assert {each["id"] for each in mine["items"]} == {boot["id"], shoe["id"], hidden["id"]}
    changed = as_seller.patch(f"{PRODUCTS}/{boot['id']}", json={"category": None})
    assert changed.json["category"] is None
    assert nobody.get(f"/categories/{all_of_it}/botas").status_code == 404


@pytest.mark.long
def test_a_page_of_a_category_reads_what_it_shows(
    application: Application, as_seller: Caller, nobody: Caller
):
    top = unique("Juguetes ")
    for number in range(40):
        published(as_seller, category=f"{top} > {number % 4}")
        as_seller.a_product(category=top)  # drafts, which nobody reads
    raw = application.raw
    raw.command("profile", 2)
    try:
        page = nobody.get(f"/categories/{top.lower().replace(' ', '-')}/3")
    finally:
        raw.command("profile", 0)
    asked = list(raw["system.profile"].find({"ns": f"{raw.name}.shop_products"}))
    raw.drop_collection("system.profile")
    assert page.status_code == 200
    names, products = (
        [each for each in asked if each["command"].get(kind)] for kind in ("pipeline", "filter")
    )
    tree = next(
        each for each in names if {"$group": {"_id": "$category"}} in each["command"]["pipeline"]
    )
    assert "DISTINCT_SCAN" in tree["planSummary"]
    assert tree["docsExamined"] == 0
    assert products[0]["docsExamined"] <= products[0]["nreturned"] == 10


def test_a_site_has_so_many_categories(
    as_seller: Caller, application: Application, monkeypatch: pytest.MonkeyPatch
):
    known = published(as_seller, category=unique("Una "))["category"]
    monkeypatch.setattr("avenue.shop.service.products.MOST_CATEGORIES", 1)
    refused = as_seller.post(PRODUCTS, json={"name": "x", "category": unique("Otra ")})
    assert (refused.status_code, refused.json["code"]) == (409, "too_many_product_categories")
    assert as_seller.post(PRODUCTS, json={"name": "x", "category": known}).status_code == 201


def style_in(page: Seen) -> str:
    """The address of what the public pages of a site share."""
    links = [each["href"] for each in page.all("link", rel="stylesheet")]
    return next(each for each in links if each.startswith("/theme.css?v="))


@pytest.mark.long
def test_the_sites_logo_and_colours_are_shown(application: Application):
    admin = application.caller("admin_on_other_site")
    nobody = application.caller("nobody_on_other_site")
    plain = seen(nobody.get("/"))
    (before,) = plain.all("link", rel="stylesheet", href=style_in(plain))
    assert nobody.get("/site.css").text == ""
    answer = admin.patch("/api/site", json={"name": "Luna", "colors": {"accent": "#ffcc00"}})
    revision = answer.json["revision"]
    with_colours = seen(nobody.get("/"))
    assert style_in(with_colours) != before["href"]
    assert "--accent: #" in nobody.get(style_in(with_colours)).text
    link = f"/site.css?v={revision}"
    style = nobody.get(link)
    assert "--accent:" in style.text
    assert style.mimetype == "text/css"
    assert "immutable" in style.headers["Cache-Control"]
    assert nobody.get("/site.css?v=999999").headers["Cache-Control"] == "no-cache"
    known = {"If-None-Match": style.headers["ETag"]}
    assert nobody.get(link, headers=known).status_code == 304
    assert seen(admin.get("/login")).all("link", href=link)
    for page in ("/admin/products", "/admin/library"):
        panel = application.caller("admin_on_other_site").get(page, headers={"Accept": "text/html"})
        assert (panel.status_code, "/site.css" in panel.text) == (200, False)

    assert admin.upload("/api/site/logo", a_picture(), method="PUT").status_code == 201
    logo = seen(nobody.get("/")).all("img", alt="Luna")[0]
    assert nobody.get(logo["src"]).status_code == 200
    assert admin.delete("/api/site/logo").status_code == 204
    assert not seen(nobody.get("/")).all("img", alt="Luna")
    admin.patch("/api/site", json={"name": "Other", "colors": {"accent": None}})


@pytest.mark.parametrize(
    ("locale", "currency", "shown"),
    [
        pytest.param("es", "PYG", "Gs.\xa0150.000", marks=pytest.mark.long),
        ("es-PY", "PYG", "Gs.\xa0150.000"),
        pytest.param("es-AR", "ARS", "$150.000,50", marks=pytest.mark.long),
        pytest.param("en", "USD", "$150,000.50", marks=pytest.mark.long),
        pytest.param("xx", "PYG", "Gs.\xa0150.000", marks=pytest.mark.long),
        pytest.param("es", "USD", "USD\xa0150.000,50", marks=pytest.mark.long),
    ],
)
def test_a_price_is_written_as_in_the_shops_country(
    application: Application, locale: str, currency: str, shown: str
):
    admin = application.caller("admin_on_other_site")
    amount = "150000" if currency == "PYG" else "150000.50"
    product = published(admin, price=amount, currency=currency)
    admin.patch("/api/site", json={"locale": locale})
    try:
        for headers in (SPANISH, ENGLISH):
            assert shown in admin.get(path_of(product), headers=headers).text
    finally:
        admin.patch("/api/site", json={"locale": "es"})


@pytest.mark.long
def test_one_asks_about_a_product_on_whatsapp_and_shares_it(application: Application):
    admin = application.new_person(unique("jefa"), role=Role.ADMIN)
    product = published(admin, name="Mate & bombilla «ñ»")
    draft = admin.a_product(name="Mañana")

    def addresses(which: dict[str, Any]) -> list[str]:
        page = seen(admin.get(f"/products/{which['id']}", headers=SPANISH))
        return [each.get("href", "") for each in page.all("a")]

    assert not any(each.startswith("https://wa.me/595") for each in addresses(product))
    admin.patch("/api/site", json={"contact": {"whatsapp": "+595 981 123-456"}})
    try:
        asked, shared = (
            parse_qs(urlsplit(each).query, strict_parsing=True)["text"][0]
            for each in addresses(product)
            if each.startswith("https://wa.me/") and "?" in each
        )
        address = seen(admin.get(f"/products/{product['id']}")).canonical
        assert asked == f"Hola, me interesa {product['name']}: {address}"
        assert shared == f"{product['name']}: {address}"
        assert not any("?text=" in each or "sharer" in each for each in addresses(draft))
    finally:
        admin.patch("/api/site", json={"contact": {}})


def test_an_empty_shop_says_so(application: Application):
    raw = application.raw["shop_products"]
    held = list(raw.find({"site": "other"}))
    raw.delete_many({"site": "other"})
    try:
        nobody = application.caller("nobody_on_other_site")
        assert "Volvé pronto." in nobody.get("/", headers=SPANISH).text
        seller = application.new_person(unique("ajeno"), role=Role.SELLER, host="other.example")
        assert "Iniciaste sesión" in seller.get("/", headers=SPANISH).text
    finally:
        if held:
            raw.insert_many(held)


ATTRIBUTES = {"Color": ["Rojo"], "Talle": ["38", "39", "9"]}


def test_a_category_is_narrowed_by_what_its_products_say_of_themselves(
    application: Application, as_seller: Caller, nobody: Caller
):
    top = unique("Sandalias ")
    place = f"/categories/{top.lower().replace(' ', '-')}"
    red = published(as_seller, category=f"{top} > Bajas", attributes=ATTRIBUTES)
    blue = published(as_seller, category=top, attributes={"color": ["Azul"], "Talle": ["38"]})
    published(as_seller, category=unique("Otra "), attributes={"Color": ["Verde"]})
    as_seller.a_product(category=top, attributes={"Color": ["Negro"]})  # a draft
    assert red["attributes"] == ATTRIBUTES
    boxes = [each["value"] for each in seen(nobody.get(place)).all("input", type="checkbox")]
    assert boxes == ["color:azul", "color:rojo", "talle:9", "talle:38", "talle:39"]

    def shown(*asked: str) -> set[str]:
        page = seen(nobody.get(place + "?" + "&".join(f"attribute={each}" for each in asked)))
        assert page.canonical == f"{BASE}{place}"
        return {each["href"].split("/")[2] for each in page.all("a", **{"class": "tile"})}

    for asked, found in (
        (["color:rojo"], {red["id"]}),
        (["color:ROJO", "color:azul"], {red["id"], blue["id"]}),
        (["color:azul", "talle:38"], {blue["id"]}),
        (["color:azul", "talle:39"], set()),
        (["color:verde", "nadie:nada", "x"], {red["id"], blue["id"]}),  # not of this category
    ):
        assert shown(*asked) == found, asked
    page = nobody.get(f"{place}?attribute=color:azul&attribute=talle:38", headers=SPANISH)
    links = [each["href"] for each in seen(page).all("a") if "attribute=" in each.get("href", "")]
    assert links == [f"{place}?attribute=talle%3A38", f"{place}?attribute=color%3Aazul"]
    assert "noindex" in (seen(page).meta("robots") or "")
    listed = nobody.get(f"{PRODUCTS}?category={place[12:]}&attribute=talle:39").json["items"]
    assert [each["id"] for each in listed] == [red["id"]]
    everywhere = nobody.get(f"{PRODUCTS}?attribute=color:verde").json["items"]
    assert [each["attributes"] for each in everywhere] == [{"Color": ["Verde"]}]
    other = application.caller("nobody_on_other_site")
    assert other.get(f"{PRODUCTS}?attribute=color:rojo").json["items"] == []
    changed = as_seller.patch(f"{PRODUCTS}/{red['id']}", json={"attributes": {}})
    assert changed.json["attributes"] == {}
    assert shown("color:rojo") == {red["id"], blue["id"]}  # nothing to narrow by any more


@pytest.mark.long
def test_what_narrows_a_category_reads_what_it_shows(
    application: Application, as_seller: Caller, nobody: Caller
):
    top = unique("Remeras ")
    for number in range(40):
        talle, color = ("S", "M")[number % 2], ("Rojo", "Azul")[number // 39]
        published(as_seller, category=top, attributes={"Talle": [talle], "Color": [color]})
    raw = application.raw
    raw.command("profile", 2)
    try:
        asked = "attribute=talle:m&attribute=color:azul"
        page = nobody.get(f"/categories/{top.lower().replace(' ', '-')}?{asked}")
    finally:
        raw.command("profile", 0)
    queries = list(raw["system.profile"].find({"ns": f"{raw.name}.shop_products"}))
    raw.drop_collection("system.profile")
    assert len(seen(page).all("a", **{"class": "tile"})) == 1
    sets = next(
        each
        for each in queries
        if {"$group": {"_id": "$attribute_set"}} in each["command"].get("pipeline", [])
    )
    assert "DISTINCT_SCAN" in sets["planSummary"]
    assert (sets["docsExamined"], sets["keysExamined"]) <= (0, 4)
    listed = next(each for each in queries if each["command"].get("filter"))
    assert listed["docsExamined"] == listed["nreturned"] == 1
