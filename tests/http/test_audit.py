"""Every change is in the log of changes, with actor, action, object and time; for admins only."""

import logging
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from avenue.audit.service import AuditService
from avenue.audit.store import MongoAuditStore
from avenue.web.audit import audited_as
from avenue.web.csrf import SAFE_METHODS
from tests.http.application import (
    HOST,
    PASSWORD,
    PRODUCTS,
    Application,
    Caller,
    Part,
    a_picture,
    unique,
)
from tests.table import table

AUDIT = "/api/audit"
ENTRY_KEYS = {"id", "at", "actor", "action", "object", "request_id", "details"}


def entries(caller: Caller, **query: object) -> list[dict]:
    answer = caller.get(AUDIT, query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.json["items"]


def the_entry(caller: Caller, object_id: str, action: str) -> dict:
    (entry,) = entries(caller, object=object_id, action=action)
    return entry


# Language and look are cookies of whoever asks for them: nothing of the deployment changes.
KEPT_BY_THE_BROWSER = ["preferences.prefer"]


def test_every_route_that_changes_something_says_what_it_does(application):
    app = application.app
    rules = [each for each in app.url_map.iter_rules() if (each.methods or set()) - SAFE_METHODS]
    assert len(rules) > 10
    marks = [(rule, audited_as(app.view_functions[rule.endpoint])) for rule in rules]
    assert [rule.endpoint for rule, mark in marks if mark is None] == KEPT_BY_THE_BROWSER
    for rule, mark in marks:
        if mark is None:
            continue
        action = mark.action.format_map(rule.defaults or {})
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*", action), rule


def test_the_object_of_a_route_is_one_of_its_path_parameters(application):
    app = application.app
    for rule in app.url_map.iter_rules():
        mark = audited_as(app.view_functions[rule.endpoint])
        if mark and mark.object_from:
            assert mark.object_from in rule.arguments, rule


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("nobody", 401),
        ("seller", 403),
        ("client", 403),
        ("editor", 403),
        ("ops", 403),
        ("admin", 200),
    ],
)
def test_only_administrators_read_it(application, who, status):
    assert application.caller(who).get(AUDIT).status_code == status


def test_a_token_that_may_not_read_does_not_read_it(application, as_admin):
    answer = application.with_scopes(as_admin, "write").get(AUDIT)
    assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")


@table("query", ["limit=0", "limit=x", "limit=101", "after=x", "after=1.2"])
def test_a_bad_question_is_refused(as_admin, query):
    answer = as_admin.get(f"{AUDIT}?{query}")
    code = "bad_cursor" if query.startswith("after") else "invalid_query"
    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_an_entry_says_who_did_what_to_what_and_when(application, as_admin):
    seller = application.new_person(unique("walker"))
    before = datetime.now(UTC) - timedelta(seconds=2)
    answer = seller.post(PRODUCTS, json={"name": "Zapato secreto"})
    entry = the_entry(as_admin, answer.json["id"], "product.created")
    assert set(entry) == ENTRY_KEYS
    email = application.raw["users"].find_one({"_id": seller.id})["email"]
    assert entry["actor"] == {"id": seller.id, "name": email, "kind": "person"}
    assert entry["object"] == {"kind": "product", "id": answer.json["id"]}
    assert entry["request_id"] == answer.headers["X-Request-ID"]
    assert before < datetime.fromisoformat(entry["at"]) < before + timedelta(seconds=60)
    assert "secreto" not in str(entry)


def test_a_change_names_its_fields_and_not_what_they_hold(application, as_admin, as_seller):
    product = as_seller.a_product()
    change = {"name": "Bota", "price": "12.50", "revision": product["revision"]}
    as_seller.patch(f"{PRODUCTS}/{product['id']}", json=change)
    entry = the_entry(as_admin, product["id"], "product.changed")
    assert entry["details"] == {"fields": ["name", "price"]}


def test_the_life_of_a_picture_is_told(as_admin, as_seller):
    product = as_seller.a_product()
    url = f"{PRODUCTS}/{product['id']}/images"
    first, second = a_picture(), a_picture()
    ids = [as_seller.upload(url, each).json["id"] for each in (first, second)]
    revision = as_seller.get(f"{PRODUCTS}/{product['id']}").json["revision"]
    as_seller.put(url, json={"order": ids[::-1], "revision": revision})
    as_seller.patch(f"{url}/{ids[0]}", json={"decorative": True})
    as_seller.upload(f"{url}/{ids[0]}/file", a_picture(), method="PUT")
    as_seller.delete(f"{url}/{ids[0]}")
    as_seller.post(f"{url}/{ids[0]}/restore")
    as_seller.delete(f"{PRODUCTS}/{product['id']}")
    told = [(each["action"], each["details"]) for each in entries(as_admin, object=product["id"])][
        ::-1
    ]
    assert told == [
        ("product.created", {}),
        ("product.images_added", {"assets": [ids[0]]}),
        ("product.images_added", {"assets": [ids[1]]}),
        ("product.images_ordered", {}),
        ("product.image_described", {"asset_id": ids[0], "fields": ["decorative"]}),
        ("product.image_replaced", {"asset_id": ids[0], "assets": [ids[0]]}),
        ("product.image_removed", {"asset_id": ids[0]}),
        ("product.image_restored", {"asset_id": ids[0]}),
        ("product.deleted", {}),
    ]


def test_what_mobile_clients_do_is_told_the_same(as_admin, as_seller):
    product = as_seller.a_product()
    url, picture = f"/api/products/{product['id']}", Part(a_picture(), field="images")
    added = as_seller.upload(f"{url}/upload_images/", picture).json
    assert as_seller.upload(f"{url}/upload_images/", picture).status_code == 200
    as_seller.delete(f"{url}/delete_image/", json={"image_url": added["images"][0]})
    told = [(each["action"], each["details"]) for each in entries(as_admin, object=product["id"])]
    asset_id = added["images"][0].split("/media/")[1].partition("/")[0]
    assert told == [
        ("product.image_removed", {"asset_id": asset_id}),
        ("product.images_added", {"assets": [asset_id]}),
        ("product.created", {}),
    ]


def test_groups_and_pictures_elsewhere_are_told(as_admin, as_seller):
    group = as_seller.post("/api/shop/groups", json={"name": unique("Bota ")}).json
    url = f"/api/shop/groups/{group['id']}"
    elsewhere = {"image_url": "https://images.example/bota.jpg?signature=hush"}
    for status in (201, 200):
        assert as_seller.post(f"{url}/images", json=elsewhere).status_code == status
    assert as_seller.delete(f"{url}/images", json=elsewhere).status_code == 204
    told = entries(as_admin, object=group["id"])
    assert [(each["action"], each["details"]) for each in told] == [
        ("group.image_removed", {}),
        ("group.images_added", {}),
        ("group.created", {}),
    ]


def test_what_changes_nothing_is_not_told(application, as_admin, as_seller, nobody):
    product = as_seller.a_product()
    url, picture = f"{PRODUCTS}/{product['id']}", a_picture()
    key = {"Idempotency-Key": unique("audit")}
    assert as_seller.upload(f"{url}/images", picture, headers=key).status_code == 201
    told = len(entries(as_admin, object=product["id"]))
    replayed = as_seller.upload(f"{url}/images", picture, headers=key)
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert as_seller.upload(f"{url}/images", picture).status_code == 200  # the same again
    assert as_seller.patch(url, json={"price": "free"}).status_code == 400
    assert nobody.patch(url, json={"price": "1"}).status_code == 401
    assert as_seller.upload(f"{url}/images", b"no picture").status_code == 415
    assert as_seller.get(url).status_code == 200
    assert len(entries(as_admin, object=product["id"])) == told


def test_signing_in_and_out_and_tokens_are_told_without_secrets(application, as_admin):
    name = unique("walker")
    person = application.new_person(name)
    email = f"{name}@{HOST}"
    credentials = {"email": email, "password": PASSWORD}
    signed_in = person.post("/api/auth/login", json=credentials, headers={"Authorization": ""})
    assert signed_in.status_code == 200
    wrong = {**credentials, "password": "wrong"}
    assert person.post("/api/auth/login", json=wrong).status_code == 401
    made = person.post("/api/auth/tokens", json={"name": "caja nueva", "scopes": ["read"]})
    assert person.delete(f"/api/auth/tokens/{made.json['id']}").status_code == 204
    assert person.post("/api/auth/logout").status_code == 204
    told = entries(as_admin, actor=email)
    assert [(each["action"], each["object"]["id"]) for each in told] == [
        ("user.signed_out", person.id),
        ("token.revoked", made.json["id"]),
        ("token.created", made.json["id"]),
        ("user.signed_in", person.id),
    ]
    assert {each["actor"]["id"] for each in told} == {person.id}
    assert told == entries(as_admin, actor=person.id)
    for secret in (PASSWORD, signed_in.json["token"], made.json["token"], "caja nueva"):
        assert secret not in str(told)


@pytest.mark.long
def test_signing_in_and_out_on_the_page_is_told(application, as_admin):
    name = unique("walker")
    person = application.new_person(name)
    browser = FlaskClient(application.app)
    origin = {"base_url": f"https://{HOST}", "headers": {"Origin": f"https://{HOST}"}}
    form = {"email": f"{name}@{HOST}", "password": PASSWORD}
    assert browser.post("/login", data={**form, "password": "x"}, **origin).status_code == 401
    assert browser.post("/login", data=form, **origin).status_code == 303
    assert browser.post("/logout", **origin).status_code == 303
    assert browser.post("/logout", **origin).status_code == 303  # nobody any more
    told = [(each["action"], each["actor"]["id"]) for each in entries(as_admin, object=person.id)]
    assert told == [("user.signed_out", person.id), ("user.signed_in", person.id)]


def test_each_site_sees_its_own(application, as_admin, on_other_site):
    other_admin = application.caller("admin_on_other_site")
    theirs = on_other_site.a_product()["id"]
    assert entries(other_admin, object=theirs)
    assert entries(as_admin, object=theirs) == []


def test_the_list_goes_on_page_by_page(application, as_admin):
    seller = application.new_person(unique("walker"))
    made = [seller.a_product()["id"] for _ in range(5)]
    seen, after = [], None
    while True:
        query = {"actor": seller.id, "limit": 2, **({"after": after} if after else {})}
        page = as_admin.get(AUDIT, query_string=query).json
        assert page["total"] == 5
        seen += [each["object"]["id"] for each in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(seen) == sorted(made)
    times = [each["at"] for each in entries(as_admin, actor=seller.id)]
    assert times == sorted(times, reverse=True)


class Broken(MongoAuditStore):
    """A log that cannot be written."""

    def add(self, *_: object, **__: object) -> None:
        raise OSError("no room")


def test_a_log_that_cannot_be_written_fails_no_change(application: Application, caplog):
    app = application.with_settings()
    service = app.extensions["avenue"][AuditService]
    service._store = Broken(application.database)
    seller = application.new_person(unique("walker"), app=app)
    with caplog.at_level(logging.ERROR, "avenue.audit.service"):
        made = seller.post(PRODUCTS, json={"name": "Zapato"})
    assert made.status_code == 201
    assert seller.get(f"{PRODUCTS}/{made.json['id']}").status_code == 200
    (line,) = caplog.records
    assert f"product.created of {made.json['id']}" in line.getMessage()
