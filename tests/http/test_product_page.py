"""The pages of one product: its fields, two people at once, and its pictures without JavaScript."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from avenue.shop.service.pictures import Gallery, PictureService
from tests import pictures
from tests.http.application import FORM, Application, Caller, Part, a_picture, form, unique
from tests.table import table

HTML = {"Accept": "text/html", "Accept-Language": "es"}
FIELDS = ("name", "sku", "description", "price", "currency", "status", "group")


class Page(HTMLParser):
    """What a page says: its fields by name, its words, and what has an id."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.status = answer.status_code
        self.fields: dict[str, str] = {}
        self.marked: dict[str, dict[str, str | None]] = {}
        self.cards: list[str] = []
        self.text = ""
        self._select = self._textarea = ""
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        name = facts.get("name") or ""
        if facts.get("id"):
            self.marked[str(facts["id"])] = facts
        if tag == "li" and "data-key" in facts and facts.get("class") == "shot":
            self.cards.append(str(facts["data-key"]))
        if tag == "input" and facts.get("type") not in {"radio", "checkbox", "file"}:
            self.fields.setdefault(name, facts.get("value") or "")
        if tag == "select":
            self._select = name
        if tag == "option" and "selected" in facts:
            self.fields[self._select] = facts.get("value") or ""
        if tag == "textarea":
            self._textarea = name
            self.fields[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            # A browser drops the first line end behind the tag (HTML, section 13.2.6.4.7).
            self.fields[self._textarea] = self.fields[self._textarea].removeprefix("\n")
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.fields[self._textarea] += data
        else:
            self.text += f" {' '.join(data.split())}"

    def wrong(self, field: str) -> bool:
        """Whether a field is marked as wrong, with its reason beside it."""
        told = (self.marked[field].get("aria-describedby") or "").split()
        is_marked = self.marked[field].get("aria-invalid") == "true"
        assert is_marked == (f"wrong-{field}" in told)
        return is_marked and f"wrong-{field}" in self.marked


def page_of(answer: Any, status: int = 200) -> Page:
    assert answer.status_code == status, answer.text
    return Page(answer)


def open_page(caller: Caller, path: str, **headers: str) -> Page:
    return page_of(caller.get(path, headers={**HTML, **headers}))


def send(caller: Caller, path: str, fields: Any = (), **changes: Any) -> Any:
    """Send a form as a browser does: line ends become CR LF."""
    data = {**dict(fields), **changes}
    return caller.post(
        path,
        data={k: v.replace("\n", "\r\n") if isinstance(v, str) else v for k, v in data.items()},
        headers=HTML,
    )


@pytest.fixture
def seller(application: Application) -> Caller:
    return application.caller("seller")


def test_a_product_is_made_by_a_form(seller: Caller):
    group = seller.a_group()
    page = open_page(seller, "/admin/products/new")
    assert page.fields["currency"] == "PYG"
    sku = unique("SKU-")
    answer = send(
        seller,
        "/admin/products/new",
        page.fields,
        name=" Zapatilla <Luna> ",
        sku=f" {sku} ",
        price="150.000",
        description="Cómoda\n\ny suave",
        status="published",
        group=group["id"],
    )
    assert answer.status_code == 303
    path, _, said = answer.location.partition("?")
    assert said == "said=created"
    product = seller.get(f"/api/shop/products/{path.rpartition('/')[2]}").json
    assert {name: product[name] for name in FIELDS} == {
        "name": "Zapatilla <Luna>",
        "sku": sku,
        "price": "150000",
        "currency": "PYG",
        "description": "Cómoda\n\ny suave",
        "status": "published",
        "group": group["id"],
    }
    page = open_page(seller, answer.location)
    assert "Producto guardado." in page.text
    assert page.fields["price"] == "150.000"
    assert page.fields["description"] == "Cómoda\n\ny suave"


def test_nothing_typed_is_lost_when_a_field_is_wrong(seller: Caller, application: Application):
    taken = unique("SKU-")
    seller.a_product(sku=taken)
    page = open_page(seller, "/admin/products/new")
    before = application.raw["shop_products"].count_documents({})
    typed = {"name": "", "price": "gratis", "description": "\n<b>no</b>", "sku": "x" * 65}
    page = page_of(send(seller, "/admin/products/new", page.fields, **typed), 422)
    for name in ("name", "price", "sku"):
        assert page.wrong(name), name
        assert page.fields[name] == typed[name]
    assert not page.wrong("description")
    assert page.fields["description"] == typed["description"]
    assert "Escribí un nombre." in page.text
    page = page_of(
        send(seller, "/admin/products/new", page.fields, name="Zapato", price="1", sku=taken), 409
    )
    assert page.wrong("sku")
    assert not page.wrong("name")
    assert application.raw["shop_products"].count_documents({}) == before


@table(
    "fields, wrong",
    [
        ({"price": "150,000"}, "price"),
        ({"price": "150.000,50"}, "price"),
        ({"currency": "guaraní"}, "currency"),
        ({"status": "sold"}, "status"),
        ({"group": "x" * 22}, "group"),
        ({"group": "x" * 100}, "group"),
        ({"description": "x" * 20_001}, "description"),
        ({"name": "x" * 201}, "name"),
    ],
)
def test_each_mistake_stands_beside_its_field(seller: Caller, fields: Any, wrong: str):
    answer = send(seller, "/admin/products/new", {"name": "Zapato", **fields})
    page = Page(answer)
    assert page.status in {404, 422}
    assert page.wrong(wrong)
    assert [each for each in FIELDS if page.wrong(each)] == [wrong]


def test_only_what_was_changed_is_written(seller: Caller, application: Application):
    product = seller.a_product(name="Zapato", price="150000.5", description="a\r\nb")
    path = f"/admin/products/{product['id']}"
    page = open_page(seller, path)
    assert page.fields["price"] == "150.000,50"  # guaraníes with cents came by the API
    seller.patch(f"/api/shop/products/{product['id']}", json={"sku": unique("S-")})
    answer = send(seller, path, page.fields, name="Bota")
    assert answer.location == f"{path}?said=saved"
    changed = seller.get(f"/api/shop/products/{product['id']}").json
    assert changed["name"] == "Bota"
    assert changed["sku"]
    assert changed["price"] == "150000.5"
    assert changed["description"] == "a\r\nb"
    entries = application.raw["audit_logs"].find(
        {"object.id": product["id"], "action": "product.changed"}
    )
    assert sorted(list(each["details"]["fields"]) for each in entries) == [["name"], ["sku"]]


def test_a_form_that_changes_nothing_changes_nothing(seller: Caller):
    product = seller.a_product(price="150000.5", description="a\r\nb\r", sku=unique("S-"))
    path = f"/admin/products/{product['id']}"
    send(seller, path, open_page(seller, path).fields)
    assert seller.get(f"/api/shop/products/{product['id']}").json == product


def test_what_two_people_changed_is_chosen_field_by_field(seller: Caller):
    product = seller.a_product(name="Zapato", price="100", description="vieja")
    url, path = f"/api/shop/products/{product['id']}", f"/admin/products/{product['id']}"
    mine = {**open_page(seller, path).fields, "name": "Mi nombre", "description": "mía"}
    seller.patch(url, json={"name": "Su nombre", "description": "suya", "price": "200"})
    page = page_of(send(seller, path, mine), 409)
    assert "Otra persona guardó: Su nombre" in page.text
    assert page.fields["name"] == "Mi nombre"
    assert page.fields["description"] == "mía"
    assert page.fields["price"] == "200"  # which only the other one changed
    assert seller.get(url).json["name"] == "Su nombre"
    choice = {"choose.name": "mine", "choose.description": "theirs"}
    answer = send(seller, path, page.fields, **choice)
    assert answer.status_code == 303, answer.text
    now = seller.get(url).json
    assert (now["name"], now["description"], now["price"]) == ("Mi nombre", "suya", "200")


@pytest.mark.long
def test_pictures_arranged_meanwhile_do_not_make_a_form_too_late(seller: Caller):
    product = seller.a_product(name="Zapato")
    path = f"/admin/products/{product['id']}"
    page = open_page(seller, path)
    seller.upload(f"/api/shop/products/{product['id']}/images", a_picture())
    assert send(seller, path, page.fields, name="Bota").status_code == 303


def test_the_name_is_suggested_after_an_upload_too(seller: Caller):
    product, group = seller.a_product(name="Zapato Luna"), seller.a_group(name="Modelo Luna")
    for shelf, owner in (("products", product), ("groups", group)):
        seller.upload(f"/api/shop/{shelf}/{owner['id']}/images", a_picture())
        fragment = seller.get(f"/admin/{shelf}/{owner['id']}/pictures", headers=HTML)
        assert f'name="suggest" value="{owner["name"]}"' in fragment.text
        page = seller.get(f"/admin/{shelf}/{owner['id']}", headers=HTML).text
        for sheet in ("pictures", "uploading"):
            assert re.search(rf'<link rel="stylesheet" href="[^"]*css/{sheet}\.', page), shelf


def test_a_price_is_read_in_the_language_of_its_form(seller: Caller):
    product = seller.a_product(price="100", currency="USD")
    path = f"/admin/products/{product['id']}"
    page = open_page(seller, path, **{"Accept-Language": "en"})
    send(seller, path, page.fields, price="1,150.75")  # and the language was changed since
    assert seller.get(f"/api/shop/products/{product['id']}").json["price"] == "1150.75"


def test_temporary_pictures_are_claimed_by_saving(seller: Caller, application: Application):
    person = application.new_person(unique("neu"))
    ids = [person.upload("/api/shop/temp-images", a_picture()).json["id"] for _ in range(3)]
    page = open_page(person, "/admin/products/new")
    assert page.cards == ids
    answer = send(
        person, "/admin/products/new", page.fields, name="Zapato", temp_images=[ids[2], ids[0]]
    )
    product = person.get(f"/api/shop/products/{answer.location.split('/')[-1][:22]}").json
    assert [each["id"] for each in product["images"]] == [ids[2], ids[0]]
    assert open_page(person, "/admin/products/new").cards == [ids[1]]


def test_an_expired_picture_is_told_and_the_rest_kept(seller: Caller, application: Application):
    person = application.new_person(unique("neu"))
    kept, gone = (person.upload("/api/shop/temp-images", a_picture()).json["id"] for _ in "ab")
    page = open_page(person, "/admin/products/new")
    person.delete(f"/api/shop/temp-images/{gone}")
    answer = send(
        person, "/admin/products/new", page.fields, name="Zapato", temp_images=[kept, gone]
    )
    page = page_of(answer, 409)
    assert "Una foto venció" in page.text
    assert page.fields["name"] == "Zapato"
    assert page.cards == [kept]
    assert person.get("/api/shop/products?owner=me").json["total"] == 0


def test_a_product_is_deleted(seller: Caller):
    product = seller.a_product(a_picture())
    answer = send(seller, f"/admin/products/{product['id']}/delete")
    shown = seller.get(answer.location, headers={"Accept-Language": "en"})
    assert "1 product was deleted. It stays in the trash for 7 days." in shown.text
    assert seller.get(f"/api/shop/products/{product['id']}").status_code == 404


def test_a_copy_is_a_draft_without_photos_and_number(seller: Caller, application: Application):
    fields = {"price": "1500", "status": "published", "category": "Calzado > Botas"}
    fields |= {"attributes": {"Talle": ["38"]}}
    there = seller.a_product(a_picture(), name="x" * 200, sku=unique("B-"), **fields)
    answer = send(seller, f"/admin/products/{there['id']}/duplicate")
    assert answer.status_code == 303
    copy = seller.get(answer.headers["Location"].replace("/admin/", "/api/shop/")).json
    assert (copy["status"], copy["sku"], copy["images"]) == ("draft", None, [])
    for each in ("price", "category", "attributes"):
        assert copy[each] == there[each]
    assert copy["id"] != there["id"]
    other = application.caller("other_seller")
    assert send(other, f"/admin/products/{there['id']}/duplicate").status_code == 404


def test_a_page_leads_to_the_products_before_and_after(application: Application):
    someone = application.new_person(unique("dueña"))
    first, second, third = (someone.a_product()["id"] for _ in range(3))
    application.caller("other_seller").a_product()

    def led(product_id: str) -> list[str]:
        text = someone.get(f"/admin/products/{product_id}", headers=HTML).text
        return re.findall(r'rel="(?:prev|next)"[^>]*href="/admin/products/([^"]*)"', text)

    assert led(second) == [third, first]
    assert led(first) == [second]


def test_what_is_published_is_not_for_others_to_edit(seller: Caller, application: Application):
    product = seller.a_product(a_picture(), status="published")
    other = application.caller("other_seller")
    for path in ("", "/pictures"):
        assert other.get(f"/admin/products/{product['id']}{path}").status_code == 404
    page = open_page(seller, f"/admin/products/{product['id']}")
    assert "Ver en la tienda" in page.text
    assert "x-default" not in page.text


def test_groups_of_others_are_no_choice(seller: Caller, application: Application):
    mine = seller.a_group(name=unique("Mío "))
    theirs = application.caller("other_seller").a_group(name=unique("Ajeno "))
    page = open_page(seller, "/admin/products/new")
    assert mine["name"] in page.text
    assert theirs["name"] not in page.text


def test_pages_with_pictures_may_show_those_from_elsewhere(seller: Caller):
    product = seller.a_product()
    seller.post(
        f"/api/shop/products/{product['id']}/images",
        json={"image_url": "https://elsewhere.example/a.jpg"},
    )
    answer = seller.get(f"/admin/products/{product['id']}", headers=HTML)
    policy = answer.headers["Content-Security-Policy"]
    assert "img-src 'self' data: blob: https: http:;" in policy
    assert "script-src 'self';" in policy
    assert 'referrerpolicy="no-referrer"' in answer.text


# The pictures, without JavaScript


@pytest.fixture(params=["product", pytest.param("group", marks=pytest.mark.long)])
def owner(request: Any, seller: Caller) -> Any:
    """Something with two pictures: its page and its address in the API."""
    made = seller.a_product if request.param == "product" else seller.a_group
    found = made(a_picture(), a_picture())
    shelf = f"{request.param}s"
    return {
        "ids": [each["id"] for each in found["images"]],
        "page": f"/admin/{shelf}/{found['id']}",
        "url": f"/api/shop/{shelf}/{found['id']}",
        "revision": found["revision"],
    }


def ids_of(seller: Caller, owner: Any) -> list[str]:
    return [each["id"] or each["url"] for each in seller.get(owner["url"]).json["images"]]


def test_pictures_are_added_and_refusals_named(seller: Caller, owner: Any):
    files = form(
        Part(a_picture(), "vorne.jpg", "images"), Part(pictures.svg(), "<b>logo.jpg", "images")
    )
    answer = seller.post(f"{owner['page']}/pictures", data=files, content_type=FORM, headers=HTML)
    assert answer.status_code == 303
    assert answer.location == (
        f"{owner['page']}?said=added&refused=unsupported_media_type&file=%3Cb%3Elogo.jpg#pictures"
    )
    assert len(ids_of(seller, owner)) == 3


def test_what_was_refused_is_said_on_the_page(seller: Caller):
    path = f"/admin/products/{seller.a_product()['id']}"
    page = open_page(seller, f"{path}?refused=file_too_large&file=%3Cb%3E.jpg&refused=junk&file=x")
    assert "Pesa más de 5 MB" in page.text
    assert "<b>.jpg" in page.text  # as text
    assert "No se pudo guardar." in page.text


@table("body", [form(), form(Part(b"", "", "images")), b"junk"])
def test_a_form_without_files_is_told(seller: Caller, owner: Any, body: bytes):
    answer = seller.post(f"{owner['page']}/pictures", data=body, content_type=FORM, headers=HTML)
    assert answer.status_code == 303
    assert "refused=" in answer.location
    assert ids_of(seller, owner) == owner["ids"]


def test_a_picture_is_moved(seller: Caller, owner: Any):
    one, two = owner["ids"]
    for key, to, order in (
        (two, "first", [two, one]),
        (one, "up", [one, two]),
        (one, "up", [one, two]),
        (one, "down", [two, one]),
    ):
        revision = seller.get(owner["url"]).json["revision"]
        sent = {"key": key, "to": to, "revision": revision}
        answer = send(seller, f"{owner['page']}/pictures/move", sent)
        assert answer.location == f"{owner['page']}?said=ordered#pictures"
        assert ids_of(seller, owner) == order


@pytest.mark.long
def test_who_is_slower_with_an_order_is_told(seller: Caller, owner: Any):
    seller.upload(f"{owner['url']}/images", a_picture())
    now = ids_of(seller, owner)
    sent = {"key": owner["ids"][1], "to": "first", "revision": owner["revision"]}
    answer = send(seller, f"{owner['page']}/pictures/move", sent)
    assert answer.location == f"{owner['page']}?refused=revision_conflict&file=#pictures"
    assert ids_of(seller, owner) == now


@pytest.mark.long
def test_pictures_are_moved_past_one_that_is_lost(
    seller: Caller, owner: Any, application: Application
):
    lost = seller.upload(f"{owner['url']}/images", a_picture()).json["id"]
    application.raw["assets"].delete_one({"_id": lost})
    revision = seller.get(owner["url"]).json["revision"]
    sent = {"key": owner["ids"][1], "to": "first", "revision": revision}
    answer = send(seller, f"{owner['page']}/pictures/move", sent)
    assert "said=ordered" in answer.location
    assert ids_of(seller, owner) == owner["ids"][::-1]


def test_a_text_is_kept_beside_those_of_other_languages(seller: Caller, owner: Any):
    picture = owner["ids"][0]
    seller.patch(f"{owner['url']}/images/{picture}", json={"alt": {"pt": "Sapato", "en": "Shoe"}})
    path = f"{owner['page']}/pictures/{picture}/alt"
    send(seller, path, {"alt.es": " Zapato ", "alt.en": "", "alt.xx": "no", "decorative": "1"})
    image = seller.get(owner["url"]).json["images"][0]
    assert image["alt"] == {"es": "Zapato", "pt": "Sapato"}
    assert image["decorative"]
    send(seller, path, {"alt.es": "", "suggest": "Zapatilla Luna"})
    image = seller.get(owner["url"]).json["images"][0]
    assert image["alt"]["es"] == "Zapatilla Luna"
    assert not image["decorative"]
    answer = send(seller, path, {"alt.es": "x" * 1001})
    assert answer.location == f"{owner['page']}?refused=bad_alt&file=#pictures"


def test_a_text_that_is_written_at_the_same_time_is_kept(
    seller: Caller, owner: Any, application: Application, monkeypatch: pytest.MonkeyPatch
):
    picture, look = owner["ids"][0], PictureService.gallery

    def gallery(*asked: Any) -> Gallery:
        found = look(*asked)
        change = {"$set": {"alt.pt": "Sapato"}, "$inc": {"revision": 1}}
        application.raw["assets"].update_one({"_id": picture, "site": "default"}, change)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(PictureService, "gallery", gallery)
        send(seller, f"{owner['page']}/pictures/{picture}/alt", {"alt.es": "Zapato"})
    image = seller.get(owner["url"]).json["images"][0]
    assert image["alt"] == {"es": "Zapato", "pt": "Sapato"}


@pytest.mark.parametrize("text", ["Zapato", ""])
def test_a_text_is_set_where_another_program_left_none(
    seller: Caller, owner: Any, application: Application, text: str
):
    picture = owner["ids"][0]
    application.raw["assets"].update_one(
        {"_id": picture, "site": "default"}, {"$set": {"alt": None}}
    )
    send(seller, f"{owner['page']}/pictures/{picture}/alt", {"alt.es": text})
    assert seller.get(owner["url"]).json["images"][0]["alt"] == ({"es": text} if text else {})


def test_the_focal_point_is_set_and_given_back(seller: Caller, owner: Any):
    picture = owner["ids"][0]
    own = seller.get(owner["url"]).json["images"][0]
    path = f"{owner['page']}/pictures/{picture}/focal"
    send(seller, path, {"x": "25", "y": "75.5"})
    moved = seller.get(owner["url"]).json["images"][0]
    assert moved["focal"] == [0.25, 0.755]
    assert moved["variants"]["thumb"]["url"] != own["variants"]["thumb"]["url"]
    assert moved["variants"]["card"]["url"] == own["variants"]["card"]["url"]
    for bad in ({}, {"x": "101", "y": "1"}, {"x": "nan", "y": "1"}, {"x": "left", "y": "1"}):
        assert "refused=bad_focal" in send(seller, path, bad).location
    send(seller, path, {"automatic": "1"})
    assert seller.get(owner["url"]).json["images"][0] == own


def test_a_file_is_replaced_and_the_picture_stays(seller: Caller, owner: Any):
    path = f"{owner['page']}/pictures/{owner['ids'][0]}/file"
    answer = seller.upload(path, a_picture(), headers=HTML)
    assert answer.location == f"{owner['page']}?said=replaced#pictures"
    assert ids_of(seller, owner) == owner["ids"]
    answer = seller.upload(path, pictures.html(), headers=HTML)
    assert "refused=unsupported_media_type" in answer.location


def test_an_earlier_file_is_shown_again(seller: Caller, owner: Any):
    path, picture = f"{owner['page']}/pictures", owner["ids"][0]
    first = seller.get(owner["url"]).json["images"][0]["version"]
    assert 'class="version"' not in seller.get(path, headers=HTML).text
    seller.upload(f"{path}/{picture}/file", a_picture(), headers=HTML)
    fragment = seller.get(path, headers=HTML).text
    shown = f"{path}/{picture}/versions/{first}/restore"
    assert f'action="{shown}"' in fragment
    assert re.search(r"<time[^>]*>[^<]+ GMT[+-]\d\d:\d\d</time>", fragment)
    file = re.search(r'href="([^"]+/versions/[^"]+/file)"', fragment)
    assert file
    assert seller.get(file[1]).status_code == 200
    answer = send(seller, shown)
    assert answer.location == f"{owner['page']}?said=version#pictures"
    assert seller.get(owner["url"]).json["images"][0]["version"] == first
    answer = send(seller, f"{path}/{picture}/versions/{'0' * 12}/restore")
    assert "refused=version_not_found" in answer.location


def test_a_picture_goes_to_the_trash_and_comes_back(seller: Caller, owner: Any):
    first, second = owner["ids"]
    send(seller, f"{owner['page']}/pictures/remove", {"key": first})
    assert ids_of(seller, owner) == [second]
    fragment = seller.get(f"{owner['page']}/pictures", headers=HTML)
    assert f'<li data-key="{first}">' in fragment.text
    assert Page(fragment).cards == [second]
    send(seller, f"{owner['page']}/pictures/{first}/restore")
    assert ids_of(seller, owner) == [first, second]
    answer = send(seller, f"{owner['page']}/pictures/{'x' * 22}/restore")
    assert "refused=image_not_found" in answer.location


@pytest.mark.long
def test_an_external_picture_is_moved_and_removed_by_its_address(seller: Caller, owner: Any):
    url = "https://elsewhere.example/ñ.jpg?a=1&b=<2"
    seller.post(f"{owner['url']}/images", json={"image_url": "https://elsewhere.example/a.jpg?b"})
    url = ids_of(seller, owner)[-1]
    revision = seller.get(owner["url"]).json["revision"]
    sent = {"key": url, "to": "first", "revision": revision}
    send(seller, f"{owner['page']}/pictures/move", sent)
    assert ids_of(seller, owner) == [url, *owner["ids"]]
    send(seller, f"{owner['page']}/pictures/remove", {"key": url})
    assert ids_of(seller, owner) == owner["ids"]


@pytest.mark.long
def test_what_was_refused_is_no_change_in_the_log(
    seller: Caller, owner: Any, application: Application
):
    def entries() -> int:
        return application.raw["audit_logs"].count_documents({})

    before = entries()
    send(seller, f"{owner['page']}/pictures/remove", {"key": "https://nothing.example/"})
    send(seller, f"{owner['page']}/pictures/{owner['ids'][0]}/focal", {"x": "left"})
    assert entries() == before
    send(seller, f"{owner['page']}/pictures/remove", {"key": owner["ids"][0]})
    assert entries() == before + 1


def test_temporary_pictures_come_and_go_by_forms(application: Application):
    person = application.new_person(unique("neu"))
    answer = person.upload("/admin/products/new/pictures", a_picture(), headers=HTML)
    assert (answer.status_code, "Fotos guardadas." in answer.text) == (200, True)
    (key,) = open_page(person, "/admin/products/new/pictures").cards
    answer = send(person, "/admin/products/new/pictures/remove", {"key": key})
    assert (answer.status_code, "Foto quitada." in answer.text) == (200, True)
    assert person.get("/api/shop/temp-images").json["total"] == 0
    assert send(person, "/admin/products/new/pictures/remove", {"key": key}).status_code == 404
