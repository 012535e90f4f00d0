"""The list of products in the panel, and what is done with many of them at once."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from avenue.errors import Unavailable
from avenue.identity import new_id
from avenue.shop.service.products import ProductService
from tests.http.application import PRODUCTS, Application, Caller, a_picture, unique
from tests.http.debug_app import Hand, inspected
from tests.table import table

PAGE = "/admin/products"
BULK = f"{PAGE}/bulk"
IN_ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def someone(application: Application) -> Caller:
    """A seller whose products are the only ones they see."""
    return application.new_person(unique("pagina"))


def shown(caller: Caller, query: str = "") -> list[str]:
    """The names on a page of the list, in order."""
    return re.findall(r'data-name="([^"]*)"', read(caller, f"{PAGE}?{query}"))


def read(caller: Caller, url: str) -> str:
    answer = caller.get(url, headers=IN_ENGLISH)
    assert answer.status_code == 200, answer.text
    return answer.text


def bulk(caller: Caller, action: str, *products: Any, **fields: Any) -> Any:
    form = {"action": action, "id": [each["id"] for each in products], **fields}
    return caller.post(BULK, data=form, headers=IN_ENGLISH)


def link(html: str, rel: str) -> str | None:
    found = re.search(rf'href="([^"]*)" rel="{rel}"', html)
    return found[1].replace("&amp;", "&") if found else None


def test_sellers_see_their_own_and_administrators_all(
    application: Application, someone: Caller, as_admin: Caller
) -> None:
    word = unique("palabra")
    someone.a_product(name=f"{word} mío")
    stranger = application.new_person(unique("otro"))
    stranger.a_product(name=f"{word} ajeno", status="published")
    assert shown(someone, f"search={word}") == [f"{word} mío"]
    assert shown(as_admin, f"search={word}&sort=name") == [f"{word} ajeno", f"{word} mío"]


@pytest.mark.long
def test_each_view_shows_what_it_says(application: Application, someone: Caller) -> None:
    group = someone.a_group()
    someone.a_product(name="Borrador")
    published = someone.a_product(a_picture(), name="Publicado", status="published")
    lost = someone.a_product(a_picture(), name="Perdido", group=group["id"])
    described = someone.a_product(a_picture(), name="Descrito")
    for product in (lost, described):
        url = f"{PRODUCTS}/{product['id']}/images/{product['images'][0]['id']}"
        someone.patch(url, json={"alt": {"es": "Zapato"}})
    Hand(application, lost["images"][0]["id"]).file_gone()
    inspected(application)
    views = {
        "": {"Borrador", "Publicado", "Perdido", "Descrito"},
        "status=draft": {"Borrador", "Perdido", "Descrito"},
        "status=published": {"Publicado"},
        "pictures=none": {"Borrador"},
        "pictures=no_alt": {"Publicado"},
        "pictures=problems": {"Perdido"},
        f"group={group['id']}": {"Perdido"},
        "search=desc&status=draft": {"Descrito"},
        "pictures=none&status=published": set(),
    }
    for query, names in views.items():
        assert set(shown(someone, query)) == names, query
    html = read(someone, PAGE)
    assert "1 problem" in html
    assert "Without photos" in html
    assert published["images"][0]["variants"]["thumb"]["url"].split("/media/")[1] in html


@pytest.mark.long
def test_what_was_mended_is_no_problem_any_more(application: Application, someone: Caller) -> None:
    product = someone.a_product(a_picture())
    hand = Hand(application, product["images"][0]["id"])
    hand.in_trash()
    inspected(application)
    assert "1 problem" in read(someone, PAGE)
    hand.set(state="live")
    assert "1 problem" not in read(someone, PAGE)


@pytest.mark.parametrize(
    "sort",
    [
        "price",
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in ("-created_at", "name", "-name", "-sku", "updated_at")
        ),
    ],
)
def test_one_can_page_on_and_back(someone: Caller, sort: str) -> None:
    made = [
        someone.a_product(name=f"P{n}", **({"price": str(n), "sku": unique("S")} if n % 2 else {}))
        for n in range(7)
    ]
    whole = shown(someone, f"sort={sort}")
    assert len(whole) == len(made)
    urls: list[str | None] = [f"{PAGE}?sort={sort}&limit=3"]
    seen: list[str] = []
    while urls[-1]:
        html = read(someone, urls[-1])
        seen += re.findall(r'data-name="([^"]*)"', html)
        urls.append(link(html, "next"))
    assert seen == whole
    back = link(read(someone, urls[-2] or ""), "prev")
    assert back is not None
    second = read(someone, back)
    assert re.findall(r'data-name="([^"]*)"', second) == whole[3:6]
    first = read(someone, link(second, "prev") or "")
    assert re.findall(r'data-name="([^"]*)"', first) == whole[:3]
    assert link(first, "prev") is None
    assert link(first, "next") is not None


DEEP = "W1tb"  # [[[ in base64


@table(
    "query",
    [
        *("sort=x", "status=x", "pictures=x", "after=x", "before=x", "limit=0", "before=%00"),
        *(f"before={DEEP * times}" for times in (250, 800)),
    ],
)
def test_a_list_that_is_none_is_refused(someone: Caller, query: str) -> None:
    assert someone.get(f"{PAGE}?{query}").status_code == 400


def test_names_are_shown_as_text(someone: Caller) -> None:
    someone.a_product(name="<script>alert(1)</script>", sku='"><b>')
    html = read(someone, f"{PAGE}?search=%22%3E%3Cscript%3E")
    assert "<script>alert" not in html
    html = read(someone, PAGE)
    assert "<script>alert" not in html
    assert '"><b>' not in html


@pytest.mark.parametrize(
    ("before", "action", "after", "said"),
    [
        ("draft", "publish", "published", "2 products published."),
        *(
            pytest.param(*each, marks=pytest.mark.long)
            for each in (
                ("published", "draft", "draft", "2 products are now drafts."),
                ("published", "publish", "published", "No changes were needed."),
            )
        ),
    ],
)
def test_many_are_published_or_made_drafts(
    someone: Caller, as_admin: Caller, before: str, action: str, after: str, said: str
) -> None:
    products = [someone.a_product(status=before) for _ in range(2)]
    other = someone.a_product(status=before)
    answer = bulk(someone, action, *products, back=f"{PAGE}?sort=name")
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.location).query)["sort"] == ["name"]
    assert said in read(someone, answer.location)
    for each in products:
        now = someone.get(f"{PRODUCTS}/{each['id']}").json
        assert now["status"] == after
        assert now["revision"] == each["revision"] + (before != after)
        entries = as_admin.get(f"/api/audit?object={each['id']}").json["items"]
        assert [entry["action"] for entry in entries].count("product.changed") == (before != after)
    assert someone.get(f"{PRODUCTS}/{other['id']}").json["revision"] == other["revision"]


def test_deleting_asks_first(someone: Caller, as_admin: Caller) -> None:
    products = [someone.a_product(a_picture(), name=f"Fuera {n}") for n in range(2)]
    asked = bulk(someone, "delete", *products)
    assert asked.status_code == 200
    assert "Delete 2 products?" in asked.text
    assert "They can be restored from the trash for 7 days." in asked.text
    for each in products:
        assert each["name"] in asked.text
        assert someone.get(f"{PRODUCTS}/{each['id']}").status_code == 200
    done = bulk(someone, "delete", *products, sure="1")
    said = read(someone, done.location)
    assert "2 products were deleted. They stay in the trash for 7 days." in said
    for each in products:
        assert someone.get(f"{PRODUCTS}/{each['id']}").status_code == 404
        entries = as_admin.get(f"/api/audit?object={each['id']}").json["items"]
        assert entries[0]["action"] == "product.deleted"


def test_only_pictures_that_lack_a_text_are_given_one(
    application: Application, someone: Caller
) -> None:
    product = someone.a_product(a_picture(), a_picture(), a_picture(), name="Bota {name} roja")
    first, second, third = (each["id"] for each in product["images"])
    url = f"{PRODUCTS}/{product['id']}"
    someone.patch(f"{url}/images/{first}", json={"alt": {"es": "Ya dicho"}})
    someone.patch(f"{url}/images/{second}", json={"decorative": True})
    someone.patch(f"{url}/images/{third}", json={"alt": {"en": "Red boot"}})
    answer = bulk(someone, "alt", product, alt=" {name}, de cuero ")
    assert "The photos of 1 product now have alt text." in read(someone, answer.location)
    found = someone.get(url).json["images"]
    assert [each["alt"] for each in found] == [
        {"es": "Ya dicho"},
        {},
        {"en": "Red boot", "es": "Bota {name} roja, de cuero"},
    ]
    again = bulk(someone, "alt", product, alt="{name}")
    assert "No changes were needed." in read(someone, again.location)


def test_a_text_that_was_written_meanwhile_is_kept(
    application: Application, someone: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    product, look = someone.a_product(a_picture()), ProductService.own_among

    def own_among(*asked: Any) -> Any:
        found = look(*asked)
        change = {"$set": {"alt.es": "Ya dicho"}, "$inc": {"revision": 1}}
        picture = {"_id": product["images"][0]["id"], "site": "default"}
        application.raw["assets"].update_one(picture, change)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(ProductService, "own_among", own_among)
        answer = bulk(someone, "alt", product, alt="{name}")
    assert "No changes were needed." in read(someone, answer.location)
    (image,) = someone.get(f"{PRODUCTS}/{product['id']}").json["images"]
    assert image["alt"] == {"es": "Ya dicho"}


def test_a_text_that_is_none_or_too_long_is_refused(someone: Caller) -> None:
    product = someone.a_product(a_picture())
    for alt in ("", "  ", "x" * 1001, "{name}" * 6):
        assert bulk(someone, "alt", product, alt=alt).status_code == 400, alt
    assert someone.get(f"{PRODUCTS}/{product['id']}").json["images"][0]["alt"] == {}


def test_what_is_not_ones_own_is_left_out(
    application: Application, someone: Caller, on_other_site: Caller
) -> None:
    mine = someone.a_product(a_picture())
    stranger = application.new_person(unique("otro"))
    theirs = stranger.a_product(a_picture(), name=unique("Secreto "))
    elsewhere = on_other_site.a_product(a_picture())
    missing = {"id": new_id()}
    for action in ("publish", "alt", "delete"):
        answer = bulk(someone, action, theirs, mine, elsewhere, missing, sure="1", alt="{name}")
        assert parse_qs(urlsplit(answer.location).query)["count"] == ["1"], action
        for caller, product in ((stranger, theirs), (on_other_site, elsewhere)):
            assert caller.get(f"{PRODUCTS}/{product['id']}").json == product, action
    assert theirs["name"] not in bulk(someone, "delete", theirs).text


def test_what_one_product_cannot_take_does_not_stop_the_others(
    application: Application, someone: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, fine = someone.a_product(name="Atascado"), someone.a_product()
    monkeypatch.setattr(ProductService, "change", failing_for(stuck["id"], ProductService.change))
    answer = bulk(someone, "publish", stuck, fine)
    assert answer.status_code == 200
    assert re.search(rf"{stuck['id']}\">Atascado</a>: {Unavailable.message}", answer.text)
    assert "1 product published." in answer.text
    assert someone.get(f"{PRODUCTS}/{fine['id']}").json["status"] == "published"
    assert someone.get(f"{PRODUCTS}/{stuck['id']}").json["status"] == "draft"


def failing_for(product_id: str, change: Callable[..., Any]) -> Callable[..., Any]:
    def fail_once(self: Any, actor: Any, each: str, *rest: Any) -> Any:
        if each == product_id:
            raise Unavailable
        return change(self, actor, each, *rest)

    return fail_once


def test_nothing_checked_is_said(someone: Caller) -> None:
    answer = bulk(someone, "publish")
    assert "Select products first." in read(someone, answer.location)


@table(
    "form", [{}, {"action": "explode"}, {"action": "publish", "id": [new_id() for _ in range(101)]}]
)
def test_a_form_that_is_none_is_refused(someone: Caller, form: dict[str, Any]) -> None:
    assert someone.post(BULK, data=form).status_code == 400


@table(
    "back",
    ["https://evil.example/", "//evil.example", "/login", "/admin/products/../x", "x" * 9000],
)
def test_one_comes_back_to_the_list_and_nowhere_else(someone: Caller, back: str) -> None:
    product = someone.a_product()
    answer = bulk(someone, "publish", product, back=back)
    assert answer.location == f"{PAGE}?said=publish&count=1"
    assert 'href="/admin/products"' in bulk(someone, "delete", product, back=back).text


@table("query", ["said=publish&count=x", "said=x&count=1", "said=delete&count=99999"])
def test_only_what_could_have_happened_is_said(someone: Caller, query: str) -> None:
    assert 'class="said"' not in read(someone, f"{PAGE}?{query}")


def test_an_empty_shop_says_how_to_begin(someone: Caller) -> None:
    html = read(someone, PAGE)
    assert 'href="/admin/products/new"' in html
    assert 'href="/admin/imports"' in html
