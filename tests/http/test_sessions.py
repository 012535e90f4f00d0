"""Browsers and their sessions, through the whole application; and what comes from elsewhere."""

from typing import Any, NamedTuple

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

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
from tests.table import table

BASE = f"https://{HOST}"


class Person(NamedTuple):
    email: str
    caller: Caller


@pytest.fixture
def person(application: Application) -> Person:
    """A seller with a password, whom no other test has."""
    name = unique("ana")
    return Person(f"{name}@{HOST}", application.new_person(name))


@pytest.mark.parametrize("token", ["", "x", "av_", "av_" + "A" * 43, "é", "av_" + "A" * 5000])
def test_what_is_no_token_is_refused_by_every_route_that_asks(application, token):
    stranger = Caller(application, application.app, HOST)
    headers = {"Authorization": f"Bearer {token}".encode().decode("latin-1")}
    for url in ("/api/auth/me", PRODUCTS):
        answer = stranger.get(url, headers=headers)
        assert_refused(answer, 401, "invalid_token")
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


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


@table(
    "headers, status",
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


ME, SESSIONS = "/api/auth/me", "/api/auth/sessions"
PHONE = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"


class Device:
    """Somebody's session cookie, in whosever hands."""

    def __init__(self, application: Application, person: Person, agent: str = PHONE) -> None:
        self.client = FlaskClient(application.app, use_cookies=True)
        self.headers = {"Origin": BASE, "User-Agent": agent}
        credentials = {"email": person.email, "password": PASSWORD}
        assert self.ask("POST", "/login", data=credentials).status_code == 303

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        return self.client.open(path, method=method, base_url=BASE, headers=self.headers, **options)

    @property
    def is_in(self) -> bool:
        return self.ask("GET", ME).status_code == 200


def test_each_session_is_listed_and_ended_by_itself(application, person):
    mine, lost, third = (Device(application, person) for _ in range(3))
    newest, second, first = mine.ask("GET", SESSIONS).json["items"]
    assert [each["current"] for each in (newest, second, first)] == [False, False, True]
    assert (newest["device"], newest["last_used_on"]) == (
        "Firefox, Android",
        newest["began_at"][:10],
    )
    page = mine.ask("GET", "/admin/account").text
    assert page.count("Firefox, Android") == 3
    assert first["id"] not in page  # of itself, a browser is told that it signs out
    stranger = Device(application, Person(person.email, person.caller))
    other = application.new_person(unique("eva"))
    for refused in (
        other.delete(f"{SESSIONS}/{second['id']}"),
        person.caller.delete(f"{SESSIONS}/{'x' * 22}"),
    ):
        assert_refused(refused, 404, "session_not_found")
    assert mine.ask("DELETE", f"{SESSIONS}/{second['id']}").status_code == 204
    assert mine.ask("POST", f"/admin/account/sessions/{newest['id']}/end").status_code == 303
    assert [each.is_in for each in (mine, lost, third, stranger)] == [True, False, False, True]
    assert mine.ask("POST", "/logout").status_code == 303
    assert [each.is_in for each in (mine, stranger)] == [False, True]
    assert person.caller.get(ME).status_code == 200


@table("path", [SESSIONS, "/admin/account/sessions/end"])
def test_signing_out_everywhere_leaves_nothing_but_named_tokens(application, path):
    name = unique("ana")
    person = Person(f"{name}@{HOST}", application.new_person(name))
    mine, lost = Device(application, person), Device(application, person)
    stolen = lost.client.get_cookie("avenue_session", domain=HOST)
    program = {"email": person.email, "password": PASSWORD}
    signed_in = mine.ask("POST", "/api/auth/login", json=program).json["token"]
    named = {"name": "ERP", "scopes": ["read"]}
    kept = mine.ask("POST", "/api/auth/tokens", json=named).json["token"]
    listed = person.caller.get("/api/auth/tokens").json["items"]
    assert [(each["name"], each["last_used_on"], each["device"]) for each in listed[:2]] == [
        ("ERP", None, ""),
        ("", None, "Firefox, Android"),
    ]
    answer = mine.ask("DELETE" if path == SESSIONS else "POST", path)
    assert answer.status_code in {204, 303}
    assert [mine.is_in, lost.is_in] == [False, False]
    thief = FlaskClient(application.app, use_cookies=False)
    for proof, status in (
        ({"Cookie": f"avenue_session={stolen.value}"}, 401),
        ({"Authorization": f"Bearer {signed_in}"}, 401),
        ({"Authorization": f"Bearer {kept}"}, 200),
    ):
        assert thief.get(ME, base_url=BASE, headers=proof).status_code == status


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
    for path, told in (("/healthz", "ok"), ("/readyz", "ready")):
        answer = client.get(path, base_url="http://10.1.2.3:8000")
        assert (answer.status_code, answer.json["status"]) == (200, told)
