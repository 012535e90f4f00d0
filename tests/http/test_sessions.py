"""Browsers and their sessions, through the whole application; and what comes from elsewhere."""

from typing import NamedTuple

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
    for path, told in (("/healthz", "ok"), ("/readyz", "ready")):
        answer = client.get(path, base_url="http://10.1.2.3:8000")
        assert (answer.status_code, answer.json["status"]) == (200, told)
