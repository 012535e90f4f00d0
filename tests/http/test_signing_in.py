"""Signing in over HTTP, through the whole application: tokens, sessions, forgeries."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from flask.testing import FlaskClient

from avenue.identity import Role
from tests.http.application import (
    HOST,
    OTHER_HOST,
    PASSWORD,
    PRODUCTS,
    Application,
    Caller,
    a_picture,
    unique,
)
from tests.http.test_product_images import Shelf
from tests.http.test_products import assert_refused

LOGIN = "/api/auth/login"
TOKENS = "/api/auth/tokens"
BASE = f"https://{HOST}"


class Person(NamedTuple):
    email: str
    caller: Caller


@pytest.fixture
def person(application: Application) -> Person:
    """A seller with a password, whom no other test has."""
    name = unique("ana")
    return Person(f"{name}@{HOST}", application.new_person(name))


def login(caller: Caller, email: str, password: str = PASSWORD, **options: Any):
    return caller.post(LOGIN, json={"email": email, "password": password}, **options)


def test_signing_in_gives_a_token_for_this_site(application, nobody, person):
    answer = login(nobody, f" {person.email.upper()} ")
    assert answer.status_code == 200
    assert set(answer.json) == {"token", "expires_at", "user"}
    assert answer.json["user"] == {
        "id": person.caller.id,
        "email": person.email,
        "name": "",
        "role": "seller",
        "superuser": False,
    }
    days = datetime.fromisoformat(answer.json["expires_at"]) - datetime.now(UTC)
    assert 29 < days.total_seconds() / 86_400 <= 30
    assert "Set-Cookie" not in answer.headers
    holder = Caller(application, application.app, HOST, token=answer.json["token"])
    assert holder.get("/api/auth/me").json == {
        **answer.json["user"],
        "scopes": ["account", "read", "write"],
    }
    elsewhere = Caller(application, application.app, OTHER_HOST, token=answer.json["token"])
    assert_refused(elsewhere.get("/api/auth/me"), 401, "invalid_token")


def test_a_token_is_not_stored_as_it_is(application, person):
    stored = application.raw["api_tokens"].find_one({"user": person.caller.id})
    assert person.caller.token not in str(stored)
    user = application.raw["users"].find_one({"_id": person.caller.id})
    assert user["password_hash"].startswith("$argon2id$")


@pytest.mark.parametrize("case", ["unknown", "wrong password", "disabled", "no role on this site"])
def test_whatever_is_wrong_looks_the_same(application, nobody, person, case):
    caller, email, password = nobody, person.email, PASSWORD
    if case == "unknown":
        email = f"{unique('nobody')}@{HOST}"
    elif case == "wrong password":
        password += "x"
    elif case == "disabled":
        application.accounts.set_disabled(email, disabled=True)
    else:
        caller = application.caller("nobody_on_other_site")
    counts = application.counts()
    told = assert_refused(login(caller, email, password), 401, "wrong_credentials")
    assert told["message"] == "The e-mail or the password is wrong."
    assert application.counts() == counts


@pytest.mark.parametrize(
    "body",
    [
        {"email": {"$ne": None}, "password": {"$ne": None}},
        {"email": {"$gt": ""}, "password": PASSWORD},
        {"email": ["ana@shop.example"], "password": PASSWORD},
        {"email": "ana@shop.example"},
        {"password": PASSWORD},
        {"email": "", "password": PASSWORD},
        {"email": "ana@shop.example", "password": 12345678},
        {"email": "ana@shop.example", "password": "p" * 5000},
        {"email": "a" * 5000, "password": PASSWORD},
        {"email": "ana@shop.example", "password": PASSWORD, "role": "admin"},
        {},
    ],
)
def test_no_operator_and_no_other_shape_signs_in(nobody, body):
    told = assert_refused(nobody.post(LOGIN, json=body), 400, "invalid_body")
    assert PASSWORD not in str(told)


def test_after_ten_tries_in_a_minute_even_the_right_password_waits(nobody, person):
    answers = [login(nobody, person.email, f"{PASSWORD}{n}").status_code for n in range(10)]
    assert answers == [401] * 10
    refused = login(nobody, person.email)
    told = assert_refused(refused, 429, "too_many_requests")
    assert 1 <= int(refused.headers["Retry-After"]) == told["retry_after_seconds"] <= 60
    elsewhere = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.7"}}
    assert login(nobody, person.email, **elsewhere).status_code == 200


def test_a_token_ends_when_it_signs_out(person):
    assert person.caller.post("/api/auth/logout").status_code == 204
    assert_refused(person.caller.get("/api/auth/me"), 401, "invalid_token")


@pytest.mark.parametrize("end", ["password", "disabled", "role"])
def test_a_token_ends_with_what_it_stood_for(application, person, end):
    assert person.caller.get("/api/auth/me").status_code == 200
    if end == "password":
        application.accounts.change_password(person.email, "another-teapot-77")
    elif end == "disabled":
        application.accounts.set_disabled(person.email, disabled=True)
    else:
        application.raw["users"].update_one({"_id": person.caller.id}, {"$set": {"roles": {}}})
    assert_refused(person.caller.get("/api/auth/me"), 401, "invalid_token")


@pytest.mark.parametrize("token", ["", "x", "av_", "av_" + "A" * 43, "é", "av_" + "A" * 5000])
def test_what_is_no_token_is_refused_by_every_route_that_asks(application, token):
    stranger = Caller(application, application.app, HOST)
    headers = {"Authorization": f"Bearer {token}".encode().decode("latin-1")}
    for url in ("/api/auth/me", PRODUCTS):
        answer = stranger.get(url, headers=headers)
        assert_refused(answer, 401, "invalid_token")
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


# One's own tokens


def test_tokens_are_made_listed_and_ended(application, person):
    body = {"name": "app", "scopes": ["read"], "days": 7}
    made = person.caller.post(TOKENS, json=body)
    assert made.status_code == 201
    assert set(made.json) == {"id", "name", "scopes", "created_at", "expires_at", "token"}
    listed = person.caller.get(TOKENS).json
    assert listed["total"] == 2
    assert {name: value for name, value in made.json.items() if name != "token"} in listed["items"]
    assert all("token" not in each for each in listed["items"])
    holder = Caller(application, application.app, HOST, token=made.json["token"])
    assert holder.get("/api/auth/me").json["scopes"] == ["read"]
    assert_refused(holder.get(TOKENS), 403, "insufficient_scope")
    assert person.caller.delete(f"{TOKENS}/{made.json['id']}").status_code == 204
    assert_refused(holder.get("/api/auth/me"), 401, "invalid_token")
    assert_refused(person.caller.delete(f"{TOKENS}/{made.json['id']}"), 404, "token_not_found")


def test_tokens_of_others_are_not_there(application, person, as_other_seller):
    theirs = as_other_seller.get(TOKENS).json["items"][0]["id"]
    assert_refused(person.caller.delete(f"{TOKENS}/{theirs}"), 404, "token_not_found")
    assert as_other_seller.get("/api/auth/me").status_code == 200


def test_tokens_are_listed_page_by_page(person):
    for number in range(4):
        body = {"name": f"t{number}", "scopes": ["read"]}
        assert person.caller.post(TOKENS, json=body).status_code == 201
    first = person.caller.get(f"{TOKENS}?limit=3").json
    rest = person.caller.get(f"{TOKENS}?limit=3&after={first['next']}").json
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (3, 2, None)
    assert len({each["id"] for each in first["items"] + rest["items"]}) == 5


@pytest.mark.parametrize("after", ["x", "1.2", "9" * 13 + "." + "A" * 22, "1." + "A" * 22, "-1.x"])
def test_a_bad_cursor_of_tokens_breaks_nothing(person, after):
    answer = person.caller.get(TOKENS, query_string={"after": after})
    assert answer.status_code in {200, 400}, answer.text


def test_a_token_gives_no_more_than_it_has(application, person):
    lesser = application.with_scopes(person.caller, "account", "read")
    body = {"name": "more", "scopes": ["write"]}
    assert_refused(lesser.post(TOKENS, json=body), 403, "scope_not_yours")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "scopes": ["read"]},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["all"]},
        {"name": "x", "scopes": "read"},
        {"name": "x", "scopes": ["read"], "days": 0},
        {"name": "x", "scopes": ["read"], "days": 10**9},
        {"name": "x", "scopes": ["read"], "user": "other"},
    ],
)
def test_no_token_is_made_from(person, body):
    assert_refused(person.caller.post(TOKENS, json=body), 400, "invalid_body")


# Browsers


@pytest.fixture
def browser(application: Application, person: Person) -> FlaskClient:
    """A browser in which the person is signed in."""
    client = FlaskClient(application.app, use_cookies=True)
    answer = client.post(
        "/login",
        base_url=BASE,
        data={"email": person.email, "password": PASSWORD, "next": "/login"},
        headers={"Origin": BASE},
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login"), answer.text
    cookie = answer.headers["Set-Cookie"]
    for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
        assert part in cookie
    return client


NEW = {"json": {"name": "Zapato"}, "base_url": BASE}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": BASE}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": f"https://{OTHER_HOST}"}, 403),
        ({"Origin": f"http://{HOST}"}, 403),
        ({"Origin": f"{BASE}.evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"X-CSRF-Token": "rubbish"}, 403),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
    ],
)
def test_a_cookie_changes_something_only_from_our_own_pages(application, browser, headers, status):
    counts = application.counts()
    answer = browser.post(PRODUCTS, headers=headers, **NEW)
    assert answer.status_code == status, answer.text
    if status == 403:
        assert_refused(answer, 403, "csrf_failed")
        assert application.counts() == counts


def test_a_cookie_reads_without_more(browser, person):
    assert browser.get("/api/auth/me", base_url=BASE).json["email"] == person.email


def test_an_upload_plugin_with_the_cookie_needs_no_header_of_its_own(browser, person):
    shelf = Shelf(person.caller)
    body = {"data": a_picture(), "content_type": "image/jpeg", "base_url": BASE}
    assert browser.post(shelf.images, headers={"Origin": BASE}, **body).status_code == 201
    assert browser.post(shelf.images, **body).status_code == 403
    assert len(shelf.ids()) == 1


def test_a_bearer_token_needs_no_proof_and_ignores_the_cookie(browser, as_seller):
    headers = {"Authorization": f"Bearer {as_seller.token}"}
    assert browser.post(PRODUCTS, headers=headers, **NEW).status_code == 201
    assert browser.get("/api/auth/me", headers=headers, base_url=BASE).json["id"] == as_seller.id
    bad = {"Authorization": "Bearer av_no"}
    assert browser.get("/api/auth/me", headers=bad, base_url=BASE).status_code == 401


def test_signing_out_ends_the_session_everywhere(application, browser, person):
    stolen = browser.get_cookie("avenue_session", domain=HOST)
    assert stolen is not None
    answer = browser.post("/logout", base_url=BASE, headers={"Origin": BASE})
    assert answer.status_code == 303
    thief = FlaskClient(application.app, use_cookies=False)
    cookie = {"Cookie": f"avenue_session={stolen.value}"}
    assert thief.get("/api/auth/me", base_url=BASE, headers=cookie).status_code == 401
    assert person.caller.get("/api/auth/me").status_code == 200  # tokens stay


def test_a_session_of_one_site_is_none_on_another(application, browser, person):
    application.raw["users"].update_one(
        {"_id": person.caller.id}, {"$set": {"roles.other": Role.SELLER}}
    )
    cookie = browser.get_cookie("avenue_session", domain=HOST)
    assert cookie is not None
    elsewhere = FlaskClient(application.app, use_cookies=False)
    answer = elsewhere.get(
        "/api/auth/me",
        base_url=f"https://{OTHER_HOST}",
        headers={"Cookie": f"avenue_session={cookie.value}"},
    )
    assert answer.status_code == 401


# Health


def test_health_asks_for_no_host_and_no_login(application):
    client = FlaskClient(application.app, use_cookies=False)
    for path, told in (("/healthz", {"status": "ok"}), ("/readyz", {"status": "ready"})):
        answer = client.get(path, base_url="http://10.1.2.3:8000")
        assert (answer.status_code, answer.json) == (200, told)
