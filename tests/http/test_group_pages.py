"""The groups in the panel: their list, their form, and what a form cannot do."""

import re
from typing import Any

import pytest

from avenue.identity import new_id
from tests.http.application import GROUPS, PRODUCTS, Application, Caller, a_picture, unique
from tests.table import table

PAGE = "/admin/groups"
IN_ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def someone(application: Application) -> Caller:
    return application.new_person(unique("grupo"))


def read(caller: Caller, url: str) -> str:
    answer = caller.get(url, headers=IN_ENGLISH)
    assert answer.status_code == 200, answer.text
    return answer.text


def send(caller: Caller, url: str, **fields: Any) -> Any:
    return caller.post(url, data={"do": "save", **fields}, headers=IN_ENGLISH)


def form_of(caller: Caller, group: Any) -> dict[str, Any]:
    """What the form of a group says, as a browser would send it back."""
    html = read(caller, f"{PAGE}/{group['id']}")
    was = re.search(r'name="was" value="([0-9a-f]{64})"', html)
    assert was
    return {
        "was": was[1],
        "name": group["name"],
        "model": group["model"],
        "member": re.findall(r'name="member" value="([^"]+)" checked', html),
    }


def stored(caller: Caller, group: Any) -> Any:
    return caller.get(f"{GROUPS}/{group['id']}").json


def test_sellers_see_their_own_groups_and_administrators_all(
    application: Application, someone: Caller, as_admin: Caller
) -> None:
    word = unique("modelo")
    mine = someone.a_group(a_picture(), name=f"{word} mío")
    product = someone.a_product(group=mine["id"])
    application.new_person(unique("otro")).a_group(name=f"{word} ajeno")
    html = read(someone, f"{PAGE}?search={word}")
    assert f"{word} mío" in html
    assert "1 product" in html
    assert "1 photo" in html
    assert f"{word} ajeno" not in html
    assert f"{word} ajeno" in read(as_admin, f"{PAGE}?search={word}")
    assert form_of(someone, mine)["member"] == [product["id"]]


@table("query", ["sort=price", "after=x", "before=x", "limit=0"])
def test_a_list_that_is_none_is_refused(someone: Caller, query: str) -> None:
    assert someone.get(f"{PAGE}?{query}").status_code == 400


def test_a_group_is_made_with_products_by_choice_and_by_sku(
    someone: Caller, as_admin: Caller
) -> None:
    chosen, named = someone.a_product(), someone.a_product(sku=unique("S K-"))
    answer = send(
        someone, f"{PAGE}/new", name=" Luna ", member=chosen["id"], skus=f"\r\n {named['sku']} \r\n"
    )
    assert answer.status_code == 303
    group_id = re.fullmatch(rf"{PAGE}/([\w-]{{22}})\?said=created", answer.location)[1]
    group = stored(someone, {"id": group_id})
    assert (group["name"], group["model"]) == ("Luna", "Luna")
    assert set(group["product_ids"]) == {chosen["id"], named["id"]}
    entry = as_admin.get(f"/api/audit?object={group_id}").json["items"][0]
    assert entry["action"] == "group.created"


def test_everything_of_a_group_is_changed(someone: Caller) -> None:
    group = someone.a_group(a_picture(), a_picture())
    out, stays, comes = (someone.a_product() for _ in range(3))
    for each in (out, stays):
        someone.patch(f"{PRODUCTS}/{each['id']}", json={"group": group["id"]})
    first, second = (each["id"] for each in group["images"])
    form = form_of(someone, group) | {
        "name": "Nuevo",
        "model": "",
        "member": [stays["id"], comes["id"]],
        "option-0-name": " Rojo ",
        "option-0-image": [first, second],
        "option-1-name": "",
        "option-1-image": [second],
        "option-2-name": "Azul",
    }
    answer = send(someone, f"{PAGE}/{group['id']}", **form)
    assert answer.location == f"{PAGE}/{group['id']}?said=saved"
    now = stored(someone, group)
    assert (now["name"], now["model"]) == ("Nuevo", "Nuevo")
    assert set(now["product_ids"]) == {stays["id"], comes["id"]}
    assert now["options"] == [
        {"name": "Rojo", "images": [first, second]},
        {"name": "Azul", "images": []},
    ]


def test_products_of_others_stay_in_the_group(application: Application, someone: Caller) -> None:
    group = someone.a_group()
    theirs = application.new_person(unique("otro")).a_product()
    as_admin = application.caller("admin")
    as_admin.patch(f"{GROUPS}/{group['id']}", json={"product_ids": [theirs["id"]]})
    form = form_of(someone, group)
    assert form["member"] == [theirs["id"]]
    assert send(someone, f"{PAGE}/{group['id']}", **form).status_code == 303
    assert stored(someone, group)["product_ids"] == [theirs["id"]]


@pytest.mark.long
def test_looking_for_products_saves_nothing_and_forgets_nothing(someone: Caller) -> None:
    word = unique("busca")
    group, member = someone.a_group(), someone.a_product()
    found = someone.a_product(name=f"{word} encontrado")
    form = form_of(someone, group) | {"name": "Escrito", "member": member["id"], "skus": "A\nB"}
    answer = send(someone, f"{PAGE}/{group['id']}", **form | {"do": "find", "find": word})
    assert answer.status_code == 200
    assert f'value="{member["id"]}" checked' in answer.text
    assert f'value="{found["id"]}">' in answer.text
    assert 'value="Escrito"' in answer.text
    assert "A\nB</textarea>" in answer.text
    assert stored(someone, group) == someone.get(f"{GROUPS}/{group['id']}").json
    assert stored(someone, group)["name"] == group["name"]


@pytest.fixture
def group(someone: Caller) -> Any:
    return someone.a_group()


@pytest.fixture
def form(someone: Caller, group: Any) -> dict[str, Any]:
    """What the form of `group` says."""
    return form_of(someone, group)


@table(
    "fields, reason",
    [
        ({"name": " "}, "Enter a name for the group."),
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"model": "x" * 201}, "at most 200 characters"),
        ({"option-0-name": "Rojo", "option-1-name": "Rojo"}, "the same name"),
        ({"option-0-name": "x" * 65}, "at most 64 characters"),
        ({f"option-{n}-name": f"{n}" for n in range(51)}, "up to 50 options"),
        ({"skus": "no-such-sku\n<b>"}, "no-such-sku, &lt;b&gt;"),
        ({"skus": "\n".join(f"S{n}" for n in range(501))}, "up to 500 products"),
        ({"member": [new_id() for _ in range(501)]}, "up to 500 products"),
        ({"member": [new_id()]}, "A product no longer exists."),
    ],
)
def test_what_cannot_be_saved_is_said(
    someone: Caller, group: Any, form: dict[str, Any], fields: dict[str, Any], reason: str
) -> None:
    answer = send(someone, f"{PAGE}/{group['id']}", **form | fields)
    assert answer.status_code in {400, 404}
    assert reason in answer.text
    assert stored(someone, group) == group
    if not any(name.startswith("option") for name in fields):
        fresh = send(someone, f"{PAGE}/new", **{"name": "Luna", **fields})
        assert reason in fresh.text


def test_who_was_slower_is_told_and_may_save_again(someone: Caller) -> None:
    group = someone.a_group()
    form = form_of(someone, group) | {"name": "Lento"}
    someone.patch(f"{GROUPS}/{group['id']}", json={"name": "Rápido"})
    answer = send(someone, f"{PAGE}/{group['id']}", **form)
    assert answer.status_code == 409
    assert "Someone else changed this group." in answer.text
    assert stored(someone, group)["name"] == "Rápido"
    form["was"] = re.search(r'name="was" value="([0-9a-f]{64})"', answer.text)[1]
    assert send(someone, f"{PAGE}/{group['id']}", **form).status_code == 303
    assert stored(someone, group)["name"] == "Lento"


@pytest.mark.long
def test_pictures_that_came_or_went_meanwhile_are_no_conflict(someone: Caller) -> None:
    group = someone.a_group(a_picture(), a_picture())
    stays, goes = (each["id"] for each in group["images"])
    form = form_of(someone, group) | {"option-0-name": "Rojo", "option-0-image": [stays, goes]}
    someone.upload(f"{GROUPS}/{group['id']}/images", a_picture())
    someone.delete(f"{GROUPS}/{group['id']}/images/{goes}")
    assert send(someone, f"{PAGE}/{group['id']}", **form).status_code == 303
    assert stored(someone, group)["options"] == [{"name": "Rojo", "images": [stays]}]


def test_deleting_asks_first_and_leaves_the_products(someone: Caller) -> None:
    group = someone.a_group(a_picture())
    product = someone.a_product(group=group["id"])
    html = read(someone, f"{PAGE}/{group['id']}/delete")
    assert "Its 1 product is kept." in html
    assert "1 photo moves to the trash and is kept for 7 days." in html
    answer = someone.post(f"{PAGE}/{group['id']}/delete", headers=IN_ENGLISH)
    assert "Its products were kept." in read(someone, answer.location)
    assert someone.get(f"{GROUPS}/{group['id']}").status_code == 404
    assert someone.get(f"{PRODUCTS}/{product['id']}").json["group"] is None


@table("method, rest", [("GET", ""), ("POST", ""), ("GET", "/delete"), ("POST", "/delete")])
def test_somebody_elses_group_is_not_there(
    as_other_seller: Caller,
    someone: Caller,
    on_other_site: Caller,
    group: Any,
    method: str,
    rest: str,
) -> None:
    for stranger in (as_other_seller, on_other_site):
        data = {"data": {"name": "Mío", "do": "save"}} if method == "POST" else {}
        assert stranger.ask(method, f"{PAGE}/{group['id']}{rest}", **data).status_code == 404
    assert stored(someone, group) == group


def test_others_products_cannot_be_put_in(application: Application, someone: Caller) -> None:
    group = someone.a_group()
    theirs = application.new_person(unique("otro")).a_product(
        sku=unique("AJ-"), name=unique("Ajeno")
    )
    by_id = send(
        someone, f"{PAGE}/{group['id']}", **form_of(someone, group) | {"member": theirs["id"]}
    )
    by_sku = send(
        someone, f"{PAGE}/{group['id']}", **form_of(someone, group) | {"skus": theirs["sku"]}
    )
    looked = send(someone, f"{PAGE}/new", do="find", find=theirs["name"])
    assert (by_id.status_code, by_sku.status_code) == (404, 400)
    assert theirs["id"] not in looked.text
    assert stored(someone, group) == group
