"""The page of a site's settings, as a browser without JavaScript uses it."""

import html
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from avenue.identity import Role, Scope
from avenue.sites.contrast import USUAL, too_weak
from tests import pictures
from tests.http.application import HOST, PASSWORD, Caller, Part, form, unique
from tests.table import table

SETTINGS, LOGO, SITES = "/admin/settings", "/admin/settings/logo", "/admin/infrastructure/sites"
ADD = f"{SITES}/add"
SITE = "/api/site"


@pytest.fixture(autouse=True)
def sites_as_before(application):
    before = list(application.raw["sites"].find())
    yield
    application.raw["sites"].delete_many({})
    application.raw["sites"].insert_many(before)
    application.raw["assets"].delete_many({"claim.kind": "site"})


@pytest.fixture(scope="module")
def as_admin(application) -> Caller:
    return application.caller("admin")


@pytest.fixture(scope="module")
def as_superuser(application) -> Caller:
    email = f"root@{HOST}"
    user = application.accounts.add_user(email, PASSWORD, roles={}, superuser=True).user
    made = application.accounts.add_token(
        email, "default", name="tests", scopes=frozenset(Scope), days=1
    )
    return Caller(application, application.app, HOST, token=made.secret, id=user.id)


PAGE = {"Accept": "text/html", "Accept-Language": "en"}


def show(caller: Caller, path: str = SETTINGS) -> Any:
    answer = caller.get(path, headers=PAGE)
    assert answer.status_code == 200, answer.text
    return answer


def fields(page: Any, action: str = SETTINGS) -> dict[str, str]:
    """What a browser would send of the form, untouched."""
    (form,) = re.findall(rf'<form[^>]*action="{action}"[^>]*>(.*?)</form>', page.text, re.DOTALL)
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        if 'type="checkbox"' in tag and " checked" not in tag:
            continue
        value = re.search(r'\bvalue="([^"]*)"', tag)
        found[re.search(r'\bname="([^"]*)"', tag)[1]] = html.unescape(value[1]) if value else ""
    for name, inside in re.findall(
        r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.DOTALL
    ):
        found[name] = html.unescape(inside)
    for name, inside in re.findall(
        r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        chosen = re.search(r'value="([^"]*)" selected', inside)
        found[name] = chosen[1] if chosen else re.search(r'value="([^"]*)"', inside)[1]
    return found


def save(caller: Caller, page: Any, **typed: str) -> Any:
    changed = {name.replace("__", "."): text for name, text in typed.items()}
    return caller.post(SETTINGS, data={**fields(page), **changed}, headers=PAGE)


def wrong(page: Any) -> dict[str, str]:
    found = re.findall(r'<p class="wrong" id="([^"]*)-wrong">(.*?)</p>', page.text)
    return {name: html.unescape(text) for name, text in found}


def stored(application) -> dict[str, Any]:
    return application.raw["sites"].find_one({"_id": "default"})


def test_what_is_typed_is_saved_and_only_that_is_told(application, as_admin):
    answer = save(
        as_admin,
        show(as_admin),
        name="Zapatos Ana",
        locale="es-PY",
        colors__primary="#AA2200",
        limits__images_per_product="3",
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{SETTINGS}?said=saved")
    site = as_admin.get(SITE).json
    assert (site["name"], site["locale"]) == ("Zapatos Ana", "es-PY")
    assert site["colors"] == {"primary": "#aa2200"}
    assert site["limits"]["images_per_product"] == 3
    shown = show(as_admin, f"{SETTINGS}?said=saved")
    assert "Saved." in shown.text
    assert fields(shown)["colors.primary"] == "#aa2200"
    entry = as_admin.get("/api/audit", query_string={"action": "site.changed"}).json["items"][0]
    assert entry["details"] == {"fields": ["colors", "limits", "locale", "name"]}
    save(as_admin, shown, colors__primary="", limits__images_per_product=" ")
    assert "colors" not in stored(application)
    assert "limits" not in stored(application)


def test_a_menu_is_offered_what_visitors_can_see(application, as_admin):
    draft, shown, other = (
        caller.post("/api/builder/pages", json={"title": f"{unique('Casa ')} <{number}>"}).json
        for number, caller in enumerate(
            (as_admin, as_admin, application.caller("editor_on_other_site"))
        )
    )
    for caller, page in ((as_admin, shown), (application.caller("editor_on_other_site"), other)):
        url = f"/api/builder/pages/{page['id']}/publish"
        assert caller.post(url, json={"revision": 1}).status_code == 200
    category = unique("Feria ")
    as_admin.a_product(category=category, status="published")
    text = as_admin.get(SETTINGS).text
    assert '<option value="/">' in text
    name = shown["title"].replace("<", "&lt;").replace(">", "&gt;")
    assert f'<option value="/p/{shown["slug"]}">{name}</option>' in text
    assert f">{category}</option>" in text
    assert f'"/p/{draft["slug"]}"' not in text
    assert f'"/p/{other["slug"]}"' not in text


@pytest.mark.long
def test_a_menu_is_typed_line_by_line(application, as_admin):
    lines = "About us = /p/about?a=b\r\n\r\nStore=/\r\n"
    answer = save(
        as_admin,
        show(as_admin),
        menu=lines,
        theme__text="inter",
        contact__x="@luna",
        sizes="cover = 600 x 800\n",
    )
    assert answer.status_code == 303, answer.text
    kept = {name: stored(application)[name] for name in ("menu", "theme", "contact")}
    assert kept == {
        "menu": [{"label": "About us", "to": "/p/about?a=b"}, {"label": "Store", "to": "/"}],
        "theme": {"text": "inter"},
        "contact": {"x": "https://www.x.com/luna"},
    }
    assert stored(application)["sizes"] == {"cover": "600x800 cover"}
    page = show(as_admin)
    assert fields(page)["menu"] == "About us = /p/about?a=b\nStore = /"
    assert save(as_admin, page).headers["Location"].endswith("?said=unchanged")
    answer = save(as_admin, page, menu="About us", contact__whatsapp="0981 123 456", sizes="a = b")
    assert set(wrong(answer)) == {"menu", "contact.whatsapp", "sizes"}
    assert fields(answer)["contact.whatsapp"] == "0981 123 456"
    save(as_admin, page, menu="", theme__text="system", contact__x="", sizes="")
    assert not {"menu", "theme", "contact", "sizes"} & stored(application).keys()


@pytest.mark.long
def test_nothing_typed_is_nothing_changed(application, as_admin):
    before = stored(application)
    entries = application.raw["audit_logs"].count_documents({})
    answer = save(as_admin, show(as_admin))
    assert answer.headers["Location"] == f"{SETTINGS}?said=unchanged"
    assert stored(application) == before
    assert application.raw["audit_logs"].count_documents({}) == entries


@table(
    "field, text, told",
    [
        ("name", "   ", "This cannot be empty."),
        ("name", "x" * 201, "Enter at most 200 characters."),
        ("colors.primary", "red", "Invalid format"),
        ("colors.text", "#aabbcc;}", "Invalid format"),
        ("limits.images_per_product", "0", "Enter a number of at least 1."),
        ("limits.images_per_product", "many", "Enter a whole number."),
        ("limits.images_per_product", "6", "Use up to 5;"),
        ("limits.media_mb", "9" * 30, "Enter a whole number."),
        ("base_url", "shop.example", "Enter an address like https://shop.example"),
        ("base_url", "https://other.example", "does not point to the site"),
        ("locale", "../es", "Invalid format"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_nothing_typed_is_lost(
    application, as_admin, field, text, told
):
    before = stored(application)
    answer = as_admin.post(
        SETTINGS, data={**fields(show(as_admin)), "name": "Zapatos", field: text}, headers=PAGE
    )
    assert answer.status_code == 400
    assert list(wrong(answer)) == [field]
    assert told in wrong(answer)[field]
    assert "Nothing was saved yet" in answer.text
    if field != "name":
        assert fields(answer)["name"] == "Zapatos"
    assert stored(application) == before


@pytest.mark.long
def test_mistakes_are_told_in_spanish_too(as_admin):
    spanish = {**PAGE, "Accept-Language": "es"}
    data = {**fields(show(as_admin)), "name": ""}
    answer = as_admin.post(SETTINGS, data=data, headers=spanish)
    assert wrong(answer)["name"] == "Esto no puede quedar vacío."


def test_of_two_who_save_the_slower_one_sees_both_and_decides(application, as_admin):
    mine = show(as_admin)
    assert save(as_admin, show(as_admin), name="Theirs", colors__text="#111111").status_code == 303
    answer = save(as_admin, mine, name="Mine")
    assert answer.status_code == 409
    assert stored(application)["name"] == "Theirs"
    assert fields(answer)["name"] == "Mine"
    now = re.findall(r'id="([^"]*)-now">Now: <strong>(.*?)</strong>', answer.text)
    assert dict(now) == {"name": "Theirs", "colors.text": "#111111"}
    assert save(as_admin, answer, colors__text="#111111").status_code == 303
    assert (stored(application)["name"], stored(application)["colors"]) == (
        "Mine",
        {"text": "#111111"},
    )


@pytest.mark.long
def test_a_form_without_its_revision_changes_nothing(application, as_admin):
    answer = as_admin.post(SETTINGS, data={"name": "X"}, headers=PAGE)
    assert answer.status_code == 409
    assert stored(application).get("name") != "X"


@pytest.mark.long
def test_hosts_and_quota_are_for_superusers(application, as_admin, as_superuser):
    page = show(as_admin)
    assert not {"hosts", "limits.quota_mb", "limits.quota_files"} & fields(page).keys()
    assert "All sites" not in page.text
    save(as_admin, page, hosts="mine.example", limits__quota_mb="9", name="X")
    assert "mine.example" not in str(stored(application))
    assert "quotas" not in stored(application)
    answer = save(
        as_superuser,
        show(as_superuser),
        hosts="shop.example\r\nmine.example\r\n",
        limits__quota_mb="9",
    )
    assert answer.status_code == 303
    assert stored(application)["hosts"] == ["mine.example"]
    assert stored(application)["quotas"] == {"bytes": 9 * 1024 * 1024}
    assert "of 9 MB used" in html.unescape(show(as_admin).text)
    assert wrong(save(as_superuser, show(as_superuser), hosts="no host!!")).keys() == {"hosts"}
    taken = save(as_superuser, show(as_superuser), hosts="other.example")
    assert wrong(taken).keys() == {"hosts"}


@pytest.mark.long
def test_what_one_person_may_store_is_for_administrators(application, as_admin):
    saved = {"limits__user_quota_mb": "5", "limits__user_quota_files": "1000"}
    assert save(as_admin, show(as_admin), **saved).status_code == 303
    stored_quotas = {"user_bytes": 5 * 1024 * 1024, "user_files": 1000}
    assert stored(application)["quotas"] == stored_quotas
    assert fields(show(as_admin))["limits.user_quota_mb"] == "5"
    assert "Your share: " in show(as_admin).text


@pytest.mark.long
def test_files_are_counted_beside_bytes(as_admin, as_superuser):
    save(as_superuser, show(as_superuser), limits__quota_files="5000")
    assert "of 5,000 files." in show(as_admin).text


@pytest.mark.long
def test_a_new_address_is_saved_and_taken_back(application, as_admin, as_superuser):
    save(as_superuser, show(as_admin), base_url="https://new.example")
    assert as_admin.get(SITE).json["base_url"] == "https://new.example"
    save(as_admin, show(as_admin), base_url="")
    assert as_admin.get(SITE).json["base_url"] == f"https://{HOST}"


def test_a_logo_comes_and_goes_by_forms(as_admin):
    assert "<img" not in show(as_admin).text
    logo = Part(pictures.photo(120, 40), name="logo.jpg")
    answer = as_admin.upload(LOGO, logo, headers=PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{SETTINGS}?said=logo#logo")
    page = show(as_admin)
    address = re.search(r'<img src="(/media/[^"]*)" width="120" height="40"', page.text)[1]
    assert as_admin.get(address).status_code == 200
    told = as_admin.get("/api/audit", query_string={"action": "site.logo_changed"}).json["items"]
    assert told[0]["object"]["id"] == "default"
    for expected in ("logo-removed", "logo-removed"):  # twice: it is gone already
        answer = as_admin.post(f"{LOGO}/remove", headers=PAGE)
        assert answer.headers["Location"] == f"{SETTINGS}?said={expected}#logo"
    assert as_admin.get(SITE).json["logo"] is None
    removed = as_admin.get("/api/audit", query_string={"action": "site.logo_removed"}).json
    assert removed["total"] == 1


@pytest.mark.parametrize(
    ("data", "status", "told"),
    [
        (b"no picture", 415, "The file type is TXT"),
        pytest.param(b"\0\1\2\3", 415, "Unknown file type", marks=pytest.mark.long),
        pytest.param(b"", 422, "The file is empty.", marks=pytest.mark.long),
        pytest.param(
            bytes(3 * 1024 * 1024), 413, "The file is larger than 2 MB.", marks=pytest.mark.long
        ),
    ],
)
def test_a_refused_logo_is_told_on_the_page(as_admin, data, status, told):
    answer = as_admin.upload(LOGO, Part(data, name="logo.png"), headers=PAGE)
    assert answer.status_code == status
    assert told in answer.text
    assert as_admin.get(SITE).json["logo"] is None


def test_what_a_name_holds_stays_text(as_admin):
    save(as_admin, show(as_admin), name='<script>alert("1")</script>')
    page = show(as_admin)
    assert "<script>alert" not in page.text
    assert fields(page)["name"] == '<script>alert("1")</script>'


def test_a_superuser_sees_all_sites_and_adds_one(application, as_superuser):
    page = show(as_superuser, SITES)
    assert "other.example" in page.text
    typed = {**fields(page, ADD), "id": "shoes", "base_url": "https://shoes.example"}
    answer = as_superuser.post(ADD, data=typed, headers=PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{SITES}?said=added")
    assert "https://shoes.example" in show(as_superuser, SITES).text
    added = application.raw["sites"].find_one({"_id": "shoes"})
    assert (added["name"], added["hosts"]) == ("shoes", ["shoes.example"])
    told = as_superuser.get("/api/audit", query_string={"action": "site.added"}).json["items"]
    assert told[0]["object"]["id"] == "shoes"


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        pytest.param(
            {"id": "other", "base_url": "https://x.example"}, "id", marks=pytest.mark.long
        ),
        pytest.param({"id": "No!", "base_url": "https://x.example"}, "id", marks=pytest.mark.long),
        pytest.param({"id": "x", "base_url": "x"}, "base_url", marks=pytest.mark.long),
        ({"id": "x", "base_url": "https://other.example"}, "base_url"),
        pytest.param({"id": "x", "base_url": ""}, "base_url", marks=pytest.mark.long),
        pytest.param(
            {"id": "x", "base_url": "https://x.example", "hosts": "a b!"},
            "hosts",
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_wrong_site_is_told_beside_its_field(application, as_superuser, typed, field):
    counts = application.raw["sites"].count_documents({})
    answer = as_superuser.post(ADD, data=typed, headers=PAGE)
    assert answer.status_code == 400
    assert list(wrong(answer)) == [f"add-{field}"]
    assert application.raw["sites"].count_documents({}) == counts


def test_colours_that_people_cannot_read_are_warned_of(as_admin):
    assert 'class="warning">The text' not in show(as_admin).text
    save(as_admin, show(as_admin), colors__text="#cccccc", colors__primary="#fefefe")
    page = html.unescape(show(as_admin).text)
    assert (
        "The text is hard to read on this background: the contrast is 1.6, the minimum is 4.5"
        in page
    )
    assert "Buttons are hard to see on this background: the contrast is 1, the minimum is 3" in page


def test_colours_that_meet_are_far_enough_apart():
    assert too_weak({}) == []
    assert [pair.front for pair, _ in too_weak({"background": USUAL["text"]})] == [
        "text",
        "accent",
        "primary",
    ]


def test_a_form_of_another_page_changes_nothing(application, as_admin):
    browser = FlaskClient(application.app)
    own = {"base_url": f"https://{HOST}", "headers": {"Origin": f"https://{HOST}"}}
    application.accounts.add_user("walker@shop.example", PASSWORD, roles={"default": Role.ADMIN})
    browser.post("/login", data={"email": "walker@shop.example", "password": PASSWORD}, **own)
    away = {"Origin": "https://evil.example"}
    for path, body in (
        (SETTINGS, {"data": {"name": "Evil"}}),
        (
            LOGO,
            {
                "data": form(Part(pictures.photo())),
                "content_type": "multipart/form-data; boundary=frontera-77",
            },
        ),
        (f"{LOGO}/remove", {}),
    ):
        answer = browser.post(path, base_url=f"https://{HOST}", headers=away, **body)
        assert (answer.status_code, answer.json["code"]) == (403, "csrf_failed")
    assert stored(application).get("name") != "Evil"
