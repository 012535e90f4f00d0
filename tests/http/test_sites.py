"""The settings of a site: who reads and changes them, and what acts on them."""

import pytest
from flask.testing import FlaskClient

from avenue.config import Settings
from avenue.identity import Limit, Role, Scope
from avenue.media.intake.filetypes import PICTURES
from avenue.media.intake.policy import product_pictures
from avenue.storage.sites import Sites
from tests import pictures
from tests.http.application import (
    HOST,
    OTHER_HOST,
    PASSWORD,
    Caller,
    a_picture,
    large_picture,
    unique,
)
from tests.table import table

SITE, LOGO, SITES = "/api/site", "/api/site/logo", "/api/sites"
SITE_KEYS = {
    "theme",
    "menu",
    "legal",
    "contact",
    "edge_seconds",
    "sizes",
    "second_factor_roles",
    "status_page",
    "id",
    "name",
    "locale",
    "base_url",
    "colors",
    "logo",
    "limits",
    "upload_categories",
    "revision",
}
DEPLOYMENT_LIMITS = {
    "images_per_product": 5,
    "product_image_mb": 5,
    "media_mb": 10,
    "upload_mb": 25,
    "quota_mb": 0,
    "quota_files": 0,
    "user_quota_mb": 0,
    "user_quota_files": 0,
}


@pytest.fixture(autouse=True)
def sites_as_before(application):
    """Every test finds the two sites as the first one did."""
    before = list(application.raw["sites"].find())
    yield
    application.raw["sites"].delete_many({})
    application.raw["sites"].insert_many(before)
    application.raw["assets"].delete_many({"claim.kind": "site"})


@pytest.fixture(scope="module")
def as_admin(application) -> Caller:
    return application.caller("admin")


@pytest.fixture(scope="module")
def as_seller(application) -> Caller:
    return application.caller("seller")


@pytest.fixture(scope="module")
def on_other_site(application) -> Caller:
    """The administrator of the other site."""
    return application.caller("admin_on_other_site")


@pytest.fixture(scope="module")
def as_superuser(application) -> Caller:
    email = f"root@{HOST}"
    user = application.accounts.add_user(email, PASSWORD, roles={}, superuser=True).user
    made = application.accounts.add_token(
        email, "default", name="tests", scopes=frozenset(Scope), days=1
    )
    return Caller(application, application.app, HOST, token=made.secret, id=user.id)


def code(answer) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def told(caller: Caller, **query: object) -> list[tuple[str, str, dict]]:
    items = caller.get("/api/audit", query_string=query).json["items"]
    return [(each["action"], each["object"]["id"], each["details"]) for each in items]


# Who may


@pytest.mark.parametrize(
    "who",
    [
        pytest.param("admin", marks=pytest.mark.long),
        pytest.param("seller", marks=pytest.mark.long),
        "client",
        pytest.param("editor", marks=pytest.mark.long),
        pytest.param("ops", marks=pytest.mark.long),
    ],
)
def test_everybody_who_is_signed_in_sees_the_site(application, who):
    answer = application.caller(who).get(SITE)
    assert answer.status_code == 200
    assert set(answer.json) == SITE_KEYS
    assert (answer.json["id"], answer.json["name"]) == ("default", "Avenue")
    assert answer.json["base_url"] == f"https://{HOST}"
    assert answer.json["limits"] == DEPLOYMENT_LIMITS
    assert (answer.json["logo"], answer.json["colors"]) == (None, {})


CHANGES = [
    ("PATCH", SITE, {"json": {"name": "Mine"}}),
    ("PUT", LOGO, {"data": b"x", "content_type": "image/png"}),
    ("DELETE", LOGO, {}),
    ("POST", SITES, {"json": {"id": "mine", "base_url": "https://mine.example"}}),
]


@pytest.mark.long
@table("method, url, options", CHANGES)
@table("who, status", [("nobody", 401), ("seller", 403), ("editor", 403), ("ops", 403)])
def test_others_change_nothing(application, who, status, method, url, options):
    caller = application.caller(who)  # who may only come into being here
    counts, site = application.counts(), application.raw["sites"].find_one({"_id": "default"})
    assert caller.ask(method, url, **options).status_code == status
    assert application.counts() == counts
    assert application.raw["sites"].find_one({"_id": "default"}) == site


def test_nobody_sees_nothing(application):
    assert application.caller("nobody").get(SITE).status_code == 401


@pytest.mark.long
@pytest.mark.parametrize(("method", "url", "options"), CHANGES)
def test_a_token_for_reading_changes_nothing(application, as_admin, method, url, options):
    answer = application.with_scopes(as_admin, "read").ask(method, url, **options)
    assert code(answer) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    "change",
    [
        {"hosts": ["x.example"]},
        {"limits": {"quota_mb": 5}},
        pytest.param({"limits": {"quota_files": 5}}, marks=pytest.mark.long),
        pytest.param({"name": "X", "hosts": []}, marks=pytest.mark.long),
    ],
)
def test_hosts_and_quota_are_for_superusers(application, as_admin, change):
    assert code(as_admin.patch(SITE, json=change)) == (403, "forbidden")
    assert as_admin.get(SITE).json["name"] == "Avenue"


@pytest.mark.long
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_deployment_is_for_superusers(as_admin, method):
    body = {"json": {"id": "mine", "base_url": "https://mine.example"}} if method == "POST" else {}
    assert code(as_admin.ask(method, SITES, **body)) == (403, "forbidden")


# Changing


def test_an_administrator_changes_what_is_given_and_it_is_told(as_admin):
    change = {
        "name": "  Zapatos Ana ",
        "locale": "es-PY",
        "colors": {"primary": "#AA2200", "accent": "#00ff00"},
        "limits": {"images_per_product": 3, "media_mb": 10},
    }
    answer = as_admin.patch(SITE, json=change)
    assert answer.status_code == 200
    changed = answer.json
    assert changed["name"] == "Zapatos Ana"
    assert changed["locale"] == "es-PY"
    assert changed["colors"] == {"primary": "#aa2200", "accent": "#00ff00"}
    assert changed["limits"] == {**DEPLOYMENT_LIMITS, "images_per_product": 3}
    assert changed["revision"] == 2
    assert as_admin.get(SITE).json == changed
    again = as_admin.patch(
        SITE, json={"colors": {"accent": None}, "limits": {"images_per_product": None}}
    ).json
    assert again["colors"] == {"primary": "#aa2200"}
    assert again["limits"] == DEPLOYMENT_LIMITS
    assert again["name"] == "Zapatos Ana"
    assert told(as_admin, object="default")[:2] == [
        ("site.changed", "default", {"fields": ["colors", "limits"]}),
        ("site.changed", "default", {"fields": ["colors", "limits", "locale", "name"]}),
    ]


REFUSED = [
    ({"name": ""}, "invalid_body"),
    ({"name": None}, "invalid_body"),
    ({"name": "x" * 201}, "invalid_body"),
    ({"name": {"$ne": 1}}, "invalid_body"),
    ({"locale": "Spanish"}, "invalid_body"),
    ({"locale": "es_PY"}, "invalid_body"),
    ({"locale": "../es"}, "invalid_body"),
    ({"colors": {"primary": "red"}}, "invalid_body"),
    ({"colors": {"primary": "#abc"}}, "invalid_body"),
    ({"colors": {"primary": "#aabbcc;}"}}, "invalid_body"),
    ({"colors": {"$where": "#aabbcc"}}, "invalid_body"),
    ({"limits": {"images_per_product": 0}}, "invalid_body"),
    ({"limits": {"images_per_product": "3"}}, "invalid_body"),
    ({"limits": {"images_per_product": 6}}, "limit_too_high"),
    ({"limits": {"product_image_mb": 6}}, "limit_too_high"),
    ({"limits": {"media_mb": 11}}, "limit_too_high"),
    ({"limits": {"upload_mb": 2**31 - 1}}, "limit_too_high"),
    ({"limits": {"anything": 1}}, "invalid_body"),
    ({"upload_categories": {"orders": {"max_mb": 1025}}}, "limit_too_high"),
    ({"upload_categories": {"orders": {"max_mb": 0}}}, "invalid_body"),
    ({"upload_categories": {"orders": {"max_files": 0}}}, "invalid_body"),
    ({"upload_categories": {"orders": {"types": []}}}, "invalid_body"),
    ({"upload_categories": {"orders": {"types": ["image/nothing"]}}}, "invalid_body"),
    ({"upload_categories": {"orders": {"types": "*/*"}}}, "invalid_body"),
    ({"upload_categories": {"orders": {"visibility": "open"}}}, "invalid_body"),
    ({"upload_categories": {"orders": {"readers": ["everybody"]}}}, "invalid_body"),
    ({"upload_categories": {"orders": {"retention_days": 0}}}, "invalid_body"),
    ({"upload_categories": {"orders": {"anything": 1}}}, "invalid_body"),
    ({"upload_categories": {"Orders!": {}}}, "invalid_body"),
    ({"upload_categories": {"a.b": {}}}, "invalid_body"),
    ({"upload_categories": {"$set": {}}}, "invalid_body"),
    ({"upload_categories": {f"c{n}": {} for n in range(51)}}, "invalid_body"),
    ({"base_url": ""}, "invalid_body"),
    ({"base_url": "shop.example"}, "invalid_host"),
    ({"base_url": "https://shop.example/tienda"}, "invalid_host"),
    ({"base_url": "https://ana:x@shop.example"}, "invalid_host"),
    ({"base_url": "ftp://shop.example"}, "invalid_host"),
    ({"logo": "x"}, "invalid_body"),
    ({"quotas": {"bytes": 1}}, "invalid_body"),
    ({"revision": "1"}, "invalid_body"),
]


def test_what_cannot_be_is_refused_and_leaves_nothing(application, as_admin):
    before, counts = as_admin.get(SITE).json, application.counts()
    for change, problem in REFUSED:
        answer = as_admin.patch(SITE, json={"name": "Other", **change})
        assert code(answer) == (400, problem), change
    assert as_admin.get(SITE).json == before
    assert application.counts() == counts


def test_a_limit_that_is_too_high_says_what_it_may_be(as_admin):
    answer = as_admin.patch(SITE, json={"limits": {"media_mb": 11}})
    assert (answer.json["limit"], answer.json["most"]) == ("media_mb", 10)


def test_a_change_made_from_a_past_revision_is_a_conflict(as_admin):
    revision = as_admin.get(SITE).json["revision"]
    first = as_admin.patch(SITE, json={"name": "First", "revision": revision})
    assert first.json["revision"] == revision + 1
    second = as_admin.patch(SITE, json={"name": "Second", "revision": revision})
    assert code(second) == (409, "revision_conflict")
    assert second.json["current"] == first.json
    assert as_admin.patch(SITE, json={"name": "Third"}).status_code == 200


def test_each_site_sees_and_changes_its_own(as_admin, on_other_site):
    assert on_other_site.patch(SITE, json={"name": "Theirs"}).json["id"] == "other"
    assert as_admin.get(SITE).json["name"] == "Avenue"
    assert on_other_site.get(SITE).json["name"] == "Theirs"
    assert told(on_other_site, object="other")
    assert told(as_admin, object="other") == []


# Categories of general uploads

AS_IT_IS = {
    "types": ["*/*"],
    "max_mb": None,
    "max_files": None,
    "visibility": "private",
    "retention_days": None,
    "readers": [],
    "edge": False,
    "public_thumbs": False,
}
PROOFS = {**AS_IT_IS, "types": [*sorted(PICTURES), "application/pdf"]}
FROM_THE_BEGINNING = {
    "general": AS_IT_IS,
    "orders": {**PROOFS, "max_files": 20},
    "deposit_proofs": {**PROOFS, "max_files": 10},
    "txid_proofs": {**PROOFS, "max_files": 10},
}


def categories(answer):
    assert answer.status_code == 200, answer.text
    return answer.json["upload_categories"]


def test_every_site_has_four_categories_from_the_beginning(application, as_admin, on_other_site):
    assert categories(as_admin.get(SITE)) == FROM_THE_BEGINNING
    assert categories(on_other_site.get(SITE)) == FROM_THE_BEGINNING
    assert categories(application.caller("client").get(SITE)) == FROM_THE_BEGINNING
    assert "upload_categories" not in application.raw["sites"].find_one({"_id": "default"})


def test_of_categories_what_is_given_changes_and_null_goes_back(as_admin, on_other_site):
    wanted = {
        "types": ["image/png", "audio/*"],
        "max_mb": 1024,
        "max_files": 3,
        "visibility": "public",
        "retention_days": 30,
        "readers": ["seller", "editor"],
        "edge": True,
        "public_thumbs": True,
    }
    body = {"upload_categories": {"orders": {"readers": ["seller"]}, "contracts-2": wanted}}
    changed = categories(as_admin.patch(SITE, json=body))
    orders = {**FROM_THE_BEGINNING["orders"], "readers": ["seller"]}
    contracts = {**wanted, "readers": ["editor", "seller"]}
    assert changed == {**FROM_THE_BEGINNING, "orders": orders, "contracts-2": contracts}
    body = {"upload_categories": {"orders": {"max_files": 5}, "contracts-2": {"max_mb": None}}}
    changed = categories(as_admin.patch(SITE, json=body))
    assert changed["orders"] == {**orders, "max_files": 5}
    assert changed["contracts-2"] == {**contracts, "max_mb": None}
    assert categories(as_admin.get(SITE)) == changed
    assert categories(on_other_site.get(SITE)) == FROM_THE_BEGINNING
    body = {"upload_categories": {"orders": None, "contracts-2": None, "general": {}}}
    assert categories(as_admin.patch(SITE, json=body)) == FROM_THE_BEGINNING
    made = categories(as_admin.patch(SITE, json={"upload_categories": {"plain": {}}}))
    assert made == {**FROM_THE_BEGINNING, "plain": AS_IT_IS}


@pytest.mark.long
def test_a_site_has_not_more_than_fifty_categories_of_its_own(as_admin):
    fifty = {f"c{n}": {} for n in range(50)}
    assert len(categories(as_admin.patch(SITE, json={"upload_categories": fifty}))) == 54
    answer = as_admin.patch(SITE, json={"upload_categories": {"one-more": {}}})
    assert code(answer) == (400, "too_many_categories")
    assert (
        as_admin.patch(SITE, json={"upload_categories": {"c1": None, "x": {}}}).status_code == 200
    )


# Addresses


def test_a_new_address_leads_to_the_site_at_once_and_the_old_one_still_does(
    as_admin, as_superuser, application
):
    answer = as_superuser.patch(SITE, json={"base_url": "https://New.example:443/"})
    assert answer.json["base_url"] == "https://new.example"
    token = {"Authorization": f"Bearer {as_admin.token}"}
    client = FlaskClient(application.app)
    for host in ("new.example", HOST):
        answer = client.get(SITE, base_url=f"https://{host}", headers=token)
        assert answer.json["base_url"] == "https://new.example", host
    product = as_admin.post("/api/shop/products", json={"name": "Zapato"})
    assert product.headers["Location"].startswith("https://new.example/")
    as_superuser.patch(SITE, json={"base_url": "https://newer.example"})
    for host in ("newer.example", "new.example", HOST):
        assert client.get(SITE, base_url=f"https://{host}", headers=token).status_code == 200
    back = as_admin.patch(SITE, json={"base_url": None})
    assert back.json["base_url"] == f"https://{HOST}"


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("attacker.test", marks=pytest.mark.long),
        OTHER_HOST,
        pytest.param(f"x.{HOST}", marks=pytest.mark.long),
        pytest.param(f"{HOST}:8443", marks=pytest.mark.long),
    ],
)
def test_only_a_superuser_leads_another_host_to_a_site(as_admin, as_superuser, host):
    before = as_admin.get(SITE).json
    refused = as_admin.patch(SITE, json={"base_url": f"https://{host}"})
    assert code(refused) == (403, "host_not_given")
    assert as_admin.get(SITE).json == before


def test_an_administrator_chooses_among_the_hosts_a_superuser_gave(as_admin, as_superuser):
    as_superuser.patch(SITE, json={"hosts": ["given.example"]})
    for base_url in ("https://given.example", f"https://{HOST}", "http://Given.example"):
        answer = as_admin.patch(SITE, json={"base_url": base_url})
        assert answer.json["base_url"] == base_url.lower()
    as_superuser.patch(SITE, json={"base_url": None, "hosts": []})
    assert code(as_admin.patch(SITE, json={"base_url": "https://given.example"}))[0] == 403


@pytest.mark.parametrize(
    "theirs",
    [
        f"https://{OTHER_HOST}",
        pytest.param(f"http://{OTHER_HOST}", marks=pytest.mark.long),
        pytest.param(f"https://{OTHER_HOST}:443", marks=pytest.mark.long),
    ],
)
def test_the_address_of_another_site_is_taken(as_superuser, as_admin, theirs):
    assert code(as_superuser.patch(SITE, json={"base_url": theirs})) == (409, "host_taken")
    assert as_admin.get(SITE).json["base_url"] == f"https://{HOST}"


def test_the_address_of_the_settings_belongs_to_the_default_site(on_other_site, as_superuser):
    answer = on_other_site.patch(SITE, json={"base_url": f"http://{HOST}"})
    assert code(answer) == (403, "host_not_given")
    answer = as_superuser.post(SITES, json={"id": "thief", "base_url": f"https://{HOST}"})
    assert code(answer) == (409, "host_taken")
    assert code(on_other_site.patch(SITE, json={"base_url": None})) == (400, "invalid_host")


@pytest.mark.long
def test_hosts_are_replaced_but_never_without_the_one_of_the_address(application, as_superuser):
    answer = as_superuser.patch(SITE, json={"hosts": ["a.example", "B.example:8080"]})
    assert answer.json["hosts"] == ["a.example", "b.example:8080", HOST]
    as_superuser.patch(SITE, json={"base_url": "https://new.example"})
    answer = as_superuser.patch(SITE, json={"hosts": []})
    assert answer.json["hosts"] == ["new.example", HOST]
    many = [f"h{n}.example" for n in range(20)]
    assert code(as_superuser.patch(SITE, json={"hosts": many})) == (400, "invalid_host")
    taken = as_superuser.patch(SITE, json={"hosts": [OTHER_HOST]})
    assert code(taken) == (409, "host_taken")


@pytest.mark.long
def test_two_sites_without_hosts_of_their_own_do_not_collide(application, as_superuser):
    for _ in range(2):
        assert as_superuser.patch(SITE, json={"hosts": []}).status_code == 200
    assert "hosts" not in application.raw["sites"].find_one({"_id": "default"})


def test_who_came_over_http_still_signs_in_after_the_address_became_https(own_application):
    """A deployment on http, like `serve --local`: its pages still work under their old address."""
    app = own_application.with_settings(public_base_url=f"http://{HOST}")
    own_application.new_person("ana", role=Role.ADMIN)
    own_application.raw["sites"].update_one(
        {"_id": "default"},
        {"$set": {"base_url": "https://new.example", "hosts": ["new.example"]}},
    )
    form = {"email": f"ana@{HOST}", "password": PASSWORD}
    for origin, status in [
        (f"http://{HOST}", 303),
        ("https://new.example", 303),
        ("http://evil.example", 403),
    ]:
        answer = FlaskClient(app).post(
            "/login", base_url=f"http://{HOST}", data=form, headers={"Origin": origin}
        )
        assert answer.status_code == status, origin


def test_a_deployment_on_https_takes_no_form_from_http(application):
    application.caller("admin")
    answer = FlaskClient(application.app).post(
        "/login",
        base_url=f"https://{HOST}",
        data={"email": f"admin@{HOST}", "password": PASSWORD},
        headers={"Origin": f"http://{HOST}"},
    )
    assert answer.status_code == 403


@pytest.mark.long
@pytest.mark.parametrize(
    ("locale", "word"),
    [pytest.param("en-US", "Sign in", marks=pytest.mark.long), ("es-PY", "Iniciar sesión")],
)
def test_a_locale_with_a_country_speaks_its_language(application, as_admin, locale, word):
    as_admin.patch(SITE, json={"locale": locale})
    page = FlaskClient(application.app).get(
        "/login", base_url=f"https://{HOST}", headers={"Accept-Language": "fr"}
    )
    assert word in page.text


# Adding


def test_a_superuser_adds_a_site_that_answers_at_once(application, as_superuser):
    site_id, host = unique("shop-"), f"{unique('new')}.example"
    body = {"id": site_id, "base_url": f"https://{host}", "hosts": [f"www.{host}"]}
    added = as_superuser.post(SITES, json=body)
    assert added.status_code == 201
    assert set(added.json) == SITE_KEYS | {"hosts", "cluster"}
    assert (added.json["name"], added.json["locale"]) == (site_id, "es")
    assert added.json["hosts"] == [f"www.{host}", host]
    page = FlaskClient(application.app).get("/login", base_url=f"https://www.{host}")
    assert site_id in page.text
    assert told(as_superuser, object=site_id) == [("site.added", site_id, {})]
    listed = as_superuser.get(SITES).json
    assert listed["total"] == 3
    assert {each["id"] for each in listed["items"]} == {"default", "other", site_id}
    assert code(as_superuser.post(SITES, json=body)) == (409, "site_exists")
    again = {"id": unique("shop-"), "base_url": f"http://www.{host}"}
    assert code(as_superuser.post(SITES, json=again)) == (409, "host_taken")


@table(
    "body, problem",
    [
        ({"id": "x"}, "invalid_body"),
        ({"id": "X", "base_url": "https://x.example"}, "invalid_body"),
        ({"id": "a/b", "base_url": "https://x.example"}, "invalid_body"),
        ({"id": "", "base_url": "https://x.example"}, "invalid_body"),
        ({"id": "x" * 33, "base_url": "https://x.example"}, "invalid_body"),
        ({"id": "x", "base_url": "x.example"}, "invalid_host"),
        ({"id": "x", "base_url": "https://x.example", "hosts": ["y/z"]}, "invalid_host"),
        ({"id": "x", "base_url": "https://x.example", "locale": "?"}, "invalid_body"),
    ],
)
def test_a_site_that_cannot_be_is_refused(application, as_superuser, body, problem):
    counts = application.counts()
    assert code(as_superuser.post(SITES, json=body)) == (400, problem)
    assert application.counts() == counts


# The logo


def test_a_logo_is_put_shown_replaced_and_removed(application, as_admin, as_seller):
    first, second = a_picture(), pictures.photo(40, 40, format="PNG", seed=77)
    put = as_admin.upload(LOGO, first, method="PUT")
    assert put.status_code == 201
    shown = as_seller.get(SITE).json["logo"]
    assert shown["id"] == put.json["id"]
    assert application.caller("nobody").get(shown["url"]).data == first
    assert as_admin.upload(LOGO, first, method="PUT").status_code == 200  # the same again
    replaced = as_admin.put(LOGO, data=second, content_type="image/png")
    assert replaced.status_code == 201
    assert as_seller.get(SITE).json["logo"]["url"] == replaced.json["url"]
    assets = application.raw["assets"]
    old, new = (assets.find_one({"_id": each.json["id"]}) for each in (put, replaced))
    assert (old["state"], old["trash"]["reason"]) == ("trash", "replaced")
    assert old["trash"]["by"] == as_admin.id
    assert (new["state"], new["bucket"]) == ("live", "builder_media")
    assert new["claim"] == {"kind": "site", "id": "default"}
    assert as_admin.delete(LOGO).status_code == 204
    assert as_seller.get(SITE).json["logo"] is None
    assert assets.find_one({"_id": new["_id"]})["state"] == "trash"
    assert application.caller("nobody").get(replaced.json["url"]).status_code == 404
    assert code(as_admin.delete(LOGO)) == (404, "logo_not_found")
    assert told(as_admin, object="default")[:3] == [
        ("site.logo_removed", "default", {}),
        ("site.logo_changed", "default", {"assets": [new["_id"]]}),
        ("site.logo_changed", "default", {"assets": [old["_id"]]}),
    ]


@pytest.mark.long
def test_a_logo_sent_again_with_its_key_is_the_same(application, as_admin):
    key, picture = {"Idempotency-Key": unique("logo")}, a_picture()
    first = as_admin.upload(LOGO, picture, method="PUT", headers=key)
    as_admin.upload(LOGO, a_picture(), method="PUT")
    again = as_admin.upload(LOGO, picture, method="PUT", headers=key)
    assert (again.status_code, again.json["id"]) == (200, first.json["id"])
    assert again.headers["Idempotent-Replayed"] == "true"
    assert as_admin.get(SITE).json["logo"]["id"] != first.json["id"]


@table(
    "sent, status, problem",
    [
        (b"no picture", 415, "unsupported_media_type"),
        (b"", 422, "empty_file"),
        (pictures.svg(), 415, "unsupported_media_type"),
        (pictures.photo(8, 8, format="GIF"), 415, "unsupported_media_type"),
        (a_picture()[:-500], 422, "broken_image"),
        (b"\xff\xd8\xff" + bytes(2 * 1024 * 1024), 413, "file_too_large"),
    ],
)
def test_what_cannot_be_a_logo_is_refused_and_leaves_nothing(
    application, as_admin, sent, status, problem
):
    as_admin.upload(LOGO, a_picture(), method="PUT")
    before, counts = as_admin.get(SITE).json, application.counts()
    assert code(as_admin.upload(LOGO, sent, method="PUT")) == (status, problem)
    assert as_admin.get(SITE).json == before
    assert application.counts() == counts


@pytest.mark.long
def test_of_several_files_the_first_is_the_logo(application, as_admin):
    answer = as_admin.upload(LOGO, a_picture(), a_picture(), method="PUT")
    assert answer.status_code == 201
    assert [each["code"] for each in answer.json["errors"]] == ["one_file_only"]
    twin = a_picture()
    answer = as_admin.upload(LOGO, twin, twin, method="PUT")
    assert {each["id"] for each in answer.json["files"]} == {as_admin.get(SITE).json["logo"]["id"]}
    live = {"claim.kind": "site", "state": "live"}
    assert application.raw["assets"].count_documents(live) == 1


def test_the_logo_of_one_site_is_not_of_another(as_admin, on_other_site):
    url = as_admin.upload(LOGO, a_picture(), method="PUT").json["url"]
    assert on_other_site.get(SITE).json["logo"] is None
    assert on_other_site.get(url.removeprefix(f"https://{HOST}")).status_code == 404
    assert code(on_other_site.delete(LOGO)) == (404, "logo_not_found")


# Limits


@pytest.mark.long
def test_a_lower_limit_for_media_acts_on_the_logo(as_admin):
    large = large_picture(seed=9)
    assert 1024 * 1024 < len(large) < 2 * 1024 * 1024
    as_admin.patch(SITE, json={"limits": {"media_mb": 1}})
    refused = as_admin.upload(LOGO, large, method="PUT")
    assert code(refused) == (413, "file_too_large")
    assert refused.json["limit_bytes"] == 1024 * 1024
    as_admin.patch(SITE, json={"limits": {"media_mb": None}})
    assert as_admin.upload(LOGO, large, method="PUT").status_code == 201


def test_a_quota_acts_at_once(as_superuser, as_admin):
    assert as_admin.upload(LOGO, a_picture(), method="PUT").status_code == 201
    shown = as_superuser.patch(SITE, json={"limits": {"quota_mb": 1}}).json
    assert shown["limits"]["quota_mb"] == 1
    large = large_picture(seed=10)
    assert code(as_admin.upload(LOGO, large, method="PUT")) == (507, "quota_exceeded")
    shown = as_superuser.patch(SITE, json={"limits": {"quota_mb": 0}}).json
    assert shown["limits"]["quota_mb"] == 0
    assert as_admin.upload(LOGO, large, method="PUT").status_code == 201


def test_a_limit_is_never_above_a_deployment_that_became_stricter(application, as_admin):
    as_admin.patch(SITE, json={"limits": {"images_per_product": 4, "product_image_mb": 2}})
    site = Sites(application.database, application.settings).by_host(HOST)
    assert site.limit(Limit.IMAGES_PER_PRODUCT, 5) == 4
    assert site.limit(Limit.IMAGES_PER_PRODUCT, 3) == 3
    assert site.limit(Limit.UPLOAD_MB, 25) == 25
    policy = product_pictures(Settings(max_product_image_mb=5))
    assert policy.on(site).max_bytes == 2 * 1024 * 1024
    assert product_pictures(Settings(max_product_image_mb=1)).on(site).max_bytes == 1024 * 1024
