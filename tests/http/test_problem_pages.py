"""The problems page: what it tells of every fault, and what its buttons do."""

import re
from typing import Any

import pytest

from avenue.health.views.pages.problems import DETAILS, WORDS
from avenue.media.references import Kind
from tests.http.application import GROUPS, PRODUCTS, Application, Caller, a_picture, unique
from tests.http.debug_app import Hand, add_entries, inspected, nothing_runs_meanwhile, problems_of
from tests.table import table

PAGE = "/admin/problems"
IN_ENGLISH = {"Accept-Language": "en"}
LARGE_PAGES = "?limit=100"
REMOVE = re.compile(r'<form method="post" action="/admin/problems/remove">(.*?)</form>', re.DOTALL)


@pytest.fixture
def admin(application: Application) -> Caller:
    return application.caller("admin")


def read(caller: Caller, query: str = "") -> str:
    answer = caller.get(f"{PAGE}{query}", headers=IN_ENGLISH)
    assert answer.status_code == 200, answer.text
    return answer.text


def about(caller: Caller, owner: Any) -> str:
    """The part of the page about one owner, on whatever page it is."""
    query = LARGE_PAGES
    while True:
        html = read(caller, query)
        for section in html.split('<section class="card accused">')[1:]:
            if owner["id"] in section:
                return section.partition("</section>")[0]
        following = re.search(r'href="/admin/problems\?(after=[^"]+)" rel="next"', html)
        if not following:
            return ""
        query = f"{LARGE_PAGES}&{following[1]}"


def buttons(section: str) -> list[dict[str, str]]:
    """What the forms that remove an entry would send."""
    return [
        dict(re.findall(r'name="(kind|owner|position|image)" value="([^"]*)"', form))
        for form in REMOVE.findall(section)
    ]


def remove(caller: Caller, form: dict[str, str]) -> str:
    answer = caller.post(f"{PAGE}/remove", data=form, headers=IN_ENGLISH)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def test_every_kind_has_words() -> None:
    assert set(WORDS) == set(DETAILS) == set(Kind)


DEAD = [
    ("asset_gone", "The photo is lost.", "Upload again"),
    ("purging", "The photo is lost.", "Upload again"),
    ("in_trash", "The photo is in the trash", "Restore it"),
    ("given_away", "belongs to something else", "Upload again"),
]


@pytest.fixture(scope="module")
def dead(application: Application) -> dict[str, Any]:
    """By each fault a product whose first picture has it, and one that stays so; looked at."""
    admin, products = application.caller("admin"), {}
    for name, fault in (*((each[0], each[0]) for each in DEAD), ("stays", "asset_gone")):
        products[name] = admin.a_product(a_picture(), a_picture(), name=unique("Roto "))
        getattr(Hand(application, products[name]["images"][0]["id"]), fault)()
    inspected(application)
    return products


@table("fault, what, link", DEAD)
def test_an_entry_without_its_picture_is_removed_by_one_button(
    application: Application,
    admin: Caller,
    dead: dict[str, Any],
    fault: str,
    what: str,
    link: str,
) -> None:
    product = dead[fault]
    second = product["images"][1]["id"]
    section = about(admin, product)
    assert product["name"] in section
    assert what in section
    assert f'href="/admin/products/{product["id"]}#pictures">{link}' in section
    (form,) = buttons(section)
    assert remove(admin, form) == f"{PAGE}?said=removed"
    stored = application.raw["shop_products"].find_one({"_id": product["id"]})
    assert stored is not None
    assert stored["images"] == [{"asset": second}]
    assert about(admin, product) == ""
    entry = admin.get(f"/api/audit?object={product['id']}").json["items"][0]
    assert entry["action"] == "product.image_removed"
    assert remove(admin, form) == f"{PAGE}?said=mended"


FAULTS = ("file_gone", "wrong_length", "chunk_gone", "chunk_cut")


@pytest.fixture(scope="module")
def damaged(application: Application) -> dict[str, Any]:
    """By each fault a product whose picture has it, looked at."""
    products = {each: application.caller("admin").a_product(a_picture()) for each in FAULTS}
    for fault, product in products.items():
        getattr(Hand(application, product["images"][0]["id"]), fault)()
    inspected(application)
    return products


@table("fault", FAULTS)
def test_a_damaged_picture_is_uploaded_again_and_not_removed(
    admin: Caller, damaged: dict[str, Any], fault: str
) -> None:
    product = damaged[fault]
    section = about(admin, product)
    assert "The photo is damaged." in section
    assert "Upload the same photo again" in section
    assert buttons(section) == []
    form = {"kind": "product", "owner": product["id"], "position": "0"}
    assert remove(admin, form | {"image": product["images"][0]["id"]}).endswith("said=mended")
    assert len(admin.get(f"{PRODUCTS}/{product['id']}").json["images"]) == 1


NO_PICTURES: list[Any] = [
    {"url": "/uploads/viejo/a.jpg"},
    {"url": "http://localhost:8000/media/a.jpg"},
    {"url": f"/uploads/{'x' * 600}.jpg"},
    {"asset": None},
    "a.jpg",
    7,
]


@pytest.mark.parametrize("kind", ["product", pytest.param("group", marks=pytest.mark.long)])
def test_what_never_was_a_picture_here_is_removed(
    application: Application, admin: Caller, kind: str, subtests: pytest.Subtests
) -> None:
    make = admin.a_product if kind == "product" else admin.a_group
    entries = NO_PICTURES if kind == "group" else NO_PICTURES[::2]
    owners = [make(a_picture()) for _ in entries]
    for owner, entry in zip(owners, entries, strict=True):
        add_entries(application, kind, owner["id"], [entry])
    inspected(application)
    for page in ("/admin/products", "/admin/groups"):
        assert admin.get(page).status_code == 200
    shelf = PRODUCTS if kind == "product" else GROUPS
    for owner, entry in zip(owners, entries, strict=True):
        with subtests.test(entry=entry):
            (form,) = buttons(about(admin, owner))
            assert remove(admin, form).endswith("said=removed")
            assert admin.get(f"{shelf}/{owner['id']}").json["image_urls"] == owner["image_urls"]
            assert problems_of(admin, owner["id"]) == []


def test_a_picture_that_came_back_meanwhile_stays(application: Application, admin: Caller) -> None:
    product = admin.a_product(a_picture())
    hand = Hand(application, product["images"][0]["id"])
    hand.in_trash()
    inspected(application)
    (form,) = buttons(about(admin, product))
    hand.set(state="live")
    assert remove(admin, form).endswith("said=mended")
    assert admin.get(f"{PRODUCTS}/{product['id']}").json["images"] == product["images"]


@table(
    "form",
    [
        {},
        {"kind": "user", "owner": "x" * 22, "position": "0"},
        {"kind": "product", "owner": "x", "position": "0"},
        {"kind": "product", "owner": "x" * 22, "position": "-1"},
        {"kind": "product", "owner": "x" * 22, "position": "9" * 7},
    ],
)
def test_a_form_that_is_none_is_refused(admin: Caller, form: dict[str, str]) -> None:
    assert admin.post(f"{PAGE}/remove", data=form).status_code == 400


def test_another_sites_entries_are_not_there(application: Application, admin: Caller) -> None:
    away = application.caller("admin_on_other_site")
    product = away.a_product(a_picture())
    Hand(application, product["images"][0]["id"]).asset_gone()
    inspected(application)
    assert about(admin, product) == ""
    (form,) = buttons(about(away, product))
    assert remove(admin, form).endswith("said=mended")
    assert about(away, product) != ""


def test_operators_see_it_and_change_nothing(
    application: Application, admin: Caller, dead: dict[str, Any]
) -> None:
    product = dead["stays"]
    assert buttons(about(admin, product))
    ops = application.caller("ops")
    html = read(ops, LARGE_PAGES)
    assert product["name"] in html
    assert "/admin/problems/remove" not in html
    assert 'href="/admin/products/' not in html


def test_a_look_is_begun_once_and_its_end_is_said(application: Application, admin: Caller) -> None:
    first = admin.post(f"{PAGE}/look")
    again = admin.post(f"{PAGE}/look")
    assert first.location == again.location
    query = first.location.removeprefix(PAGE)
    assert "Queued" in read(admin, query)
    job_id = query.removeprefix("?job=")
    with nothing_runs_meanwhile():
        application.work(job_id)
    html = read(admin, query)
    assert "Everything was checked." in html
    assert "Check everything now" in html
    entry = admin.get(f"/api/audit?object={job_id}").json["items"][0]
    assert entry["action"] == "inspection.begun"


@table("job", ["x", "x" * 22, "sweep", "inspect"])
def test_a_job_that_is_none_is_not_shown(admin: Caller, job: str) -> None:
    assert "data-look" not in read(admin, f"?job={job}")


@pytest.mark.long
def test_the_list_goes_on_page_by_page(application: Application, admin: Caller) -> None:
    product = admin.a_product()
    add_entries(
        application, "product", product["id"], [{"url": f"/uploads/{n}.jpg"} for n in range(3)]
    )
    inspected(application)
    numbers, query = [], "?limit=1"
    while query:
        html = read(admin, query)
        numbers += [each["position"] for each in buttons(html) if each["owner"] == product["id"]]
        following = re.search(r'href="/admin/problems\?after=([^"]+)" rel="next"', html)
        query = f"?limit=1&after={following[1]}" if following else ""
    assert numbers == ["0", "1", "2"]


def test_pictures_that_live_elsewhere_are_brought_in_by_one_button(
    application: Application, admin: Caller
) -> None:
    product = admin.a_product(name=unique("Afuera "))
    entry = {"url": f"https://cdn.example/{unique('a')}.jpg"}
    add_entries(application, "product", product["id"], [entry])
    inspected(application)
    assert about(admin, product) == ""  # it is counted and left alone
    html = read(admin)
    assert "Photos on other servers are shown from there" in html
    assert 'action="/admin/problems/external"' in html
    assert 'action="/admin/problems/external"' not in read(application.caller("ops"))
    begun = admin.post(f"{PAGE}/external", headers=IN_ENGLISH)
    assert begun.status_code == 303
    again = admin.post(f"{PAGE}/external", headers=IN_ENGLISH)
    assert again.location == begun.location  # one at a time
    html = read(admin, f"?{begun.location.partition('?')[2]}")
    job = begun.location.rpartition("=")[2]
    assert f'action="/admin/infrastructure/jobs/{job}/pause"' in html
    done = {"state": "done", "result": {"stored": 1, "refused_total": 1, "refused": REFUSED}}
    application.raw["jobs"].update_one({"_id": job}, {"$set": done, "$unset": {"open_key": 1}})
    html = read(admin, f"?job={job}")
    assert "Imported: 1. Refused: 1." in html
    assert "source_gone" in html


REFUSED = [{"path": "https://cdn.example/a.jpg", "code": "source_gone", "message": "x"}]
