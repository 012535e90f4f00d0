"""Products in published pages are as they are when somebody looks."""

import re
from typing import Any

from tests import pictures
from tests.http.application import PRODUCTS, Application, Caller, unique

PAGES = "/api/builder/pages"
CARD = re.compile(r'<a class="avenue-card" href="([^"]*)">(.*?)</a>', re.DOTALL)


def published(editor: Caller, html: str) -> str:
    page = editor.post(PAGES, json={"title": unique("Página "), "html": html}).json
    url = f"{PAGES}/{page['id']}/publish"
    assert editor.post(url, json={"revision": 1}).status_code == 200
    return f"/p/{page['slug']}"


def card_of(product: dict[str, Any]) -> str:
    """A card as the editor makes it, of a time when all was different."""
    return (
        f'<a class="avenue-card" href="/products/{product["id"]}"><img src="/old.jpg" alt="">'
        '<strong class="avenue-card-name">Antes</strong>'
        '<span class="avenue-card-price">Gs. 1</span></a>'
    )


def test_a_card_is_the_product_of_now(
    application: Application, as_seller: Caller, as_editor: Caller, nobody: Caller
):
    shown = as_seller.a_product(
        pictures.photo(800, 600), name="Bota <Luna>", price="1500", status="published"
    )
    gone, draft = as_seller.a_product(status="published"), as_seller.a_product(name="Secreto")
    other = application.caller("seller_on_other_site").a_product(name="Ajeno", status="published")
    cards = "".join(map(card_of, (shown, gone, draft, other)))
    path = published(as_editor, f'<div class="avenue-products">{cards}</div><p>Fin</p>')
    as_seller.delete(f"{PRODUCTS}/{gone['id']}")
    first = nobody.get(path)
    ((address, inside),) = CARD.findall(first.text)
    assert address == f"/products/{shown['id']}/bota-luna"
    assert "Bota &lt;Luna&gt;" in inside
    assert "Gs.&nbsp;1.500" in inside
    assert f"/media/{shown['images'][0]['id']}/" in inside
    assert " srcset=" in inside
    assert "/old.jpg" not in first.text
    assert "Antes" not in first.text
    assert nobody.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    as_seller.patch(f"{PRODUCTS}/{shown['id']}", json={"price": "2000", "name": "Bota Sol"})
    after = nobody.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert after.status_code == 200
    assert "Gs.&nbsp;2.000" in after.text
    assert "Bota Sol" in after.text
    as_seller.patch(f"{PRODUCTS}/{shown['id']}", json={"status": "draft"})
    assert '<div class="avenue-products"></div><p>Fin</p>' in nobody.get(path).text


def test_a_collection_is_the_newest_of_a_category(
    as_seller: Caller, as_editor: Caller, nobody: Caller
):
    top = unique("Feria ")
    key = top.lower().replace(" ", "-")
    for number in range(10):
        as_seller.a_product(name=f"Cosa {number}", category=top, status="published")
    link = f'<a class="avenue-collection" href="/categories/{key}">Ver todo</a>'
    none = '<a class="avenue-collection" href="/categories/nada-de-nada">Nada</a>'
    path = published(as_editor, link + none)
    text = nobody.get(path).text
    names = re.findall("Cosa [0-9]", text)
    assert names == [f"Cosa {number}" for number in range(9, 1, -1)]
    assert link in text
    assert '<div class="avenue-products"></div>' in text
    assert "Nada" not in text


def test_a_page_without_products_asks_for_none(
    application: Application, as_editor: Caller, nobody: Caller
):
    path = published(as_editor, "<p>Hola</p>" + '<a class="avenue-card" href="/otra">Otra</a>')
    raw = application.raw
    raw.command("profile", 2)
    try:
        text = nobody.get(path).text
    finally:
        raw.command("profile", 0)
    asked = list(raw["system.profile"].find({"ns": f"{raw.name}.shop_products"}))
    raw.drop_collection("system.profile")
    assert not asked
    assert '<a class="avenue-card" href="/otra">Otra</a>' in text
