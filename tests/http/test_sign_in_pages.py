"""`/login` and `/logout` as a browser without JavaScript uses them."""

import html
import re
from collections.abc import Iterator
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.http.accounts_app import (
    ADA,
    BEN,
    CYD,
    PASSWORD,
    THERE,
    Deployment,
    credentials,
    get,
    open_deployment,
    post,
)
from tests.table import table

ME = "/api/auth/me"


@pytest.fixture
def deployment(migrated_uri: str) -> Iterator[Deployment]:
    with open_deployment(migrated_uri) as deployment:
        yield deployment


def fields(page: TestResponse) -> dict[str, str]:
    """Return what a browser would send of the page's form, untouched."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page.text.partition("</main>")[0]):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        assert name
        found[name.group(1)] = html.unescape(value.group(1)) if value else ""
    return found


def submit(
    client: FlaskClient, page: TestResponse, path: str = "/login", **typed: str
) -> TestResponse:
    return post(client, path, data={**fields(page), **typed})


@pytest.mark.parametrize("kind", [pytest.param("text", marks=pytest.mark.long), "file"])
def test_a_form_is_as_small_as_people_write_it(deployment: Deployment, kind: str) -> None:
    long = "a" * 65_536
    field = long if kind == "text" else (BytesIO(long.encode()), "a.jpg")
    assert post(deployment.client(), "/login", data={"x": field}).status_code == 413


def test_the_page_signs_in_and_leads_to_where_one_wanted_to_go(deployment: Deployment) -> None:
    client = deployment.client()
    page = get(client, "/login?next=/admin/products%3Fpage%3D2")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    answer = submit(client, page, **credentials())
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/admin/products?page=2"
    assert get(client, ME).json["email"] == ADA


@pytest.mark.parametrize(
    "target",
    [
        "//evil.test",
        "/\\evil.test",
        pytest.param("https:evil.test", marks=pytest.mark.long),
        pytest.param("javascript:alert(1)", marks=pytest.mark.long),
        pytest.param("%2f%2fevil.test", marks=pytest.mark.long),
    ],
)
def test_a_link_cannot_lead_elsewhere_after_signing_in(deployment: Deployment, target: str) -> None:
    client = deployment.client()
    page = get(client, "/login", query_string={"next": target})
    assert fields(page)["next"] == "/admin"
    answer = submit(client, page, **credentials(), next=target)
    assert answer.headers["Location"] == "/admin"


@table(
    "typed, email_kept",
    [
        (credentials(password="wrong password"), ADA),
        (credentials("nobody@shop.test"), "nobody@shop.test"),
        (credentials(CYD), CYD),
        (credentials(password="short"), ADA),
        (credentials(password=""), ADA),
        ({"email": "", "password": ""}, ""),
        ({"email": '"><script>', "password": PASSWORD}, '"><script>'),
        ({"email": "x" * 5000, "password": "y" * 5000}, "x" * 254),
    ],
)
def test_who_does_not_get_in_sees_the_form_again(
    deployment: Deployment, typed: dict[str, str], email_kept: str
) -> None:
    client = deployment.client()
    answer = submit(client, get(client, "/login?next=/admin/"), **typed)
    assert answer.status_code == 401
    assert "no son correctos" in answer.text
    assert 'role="alert"' in answer.text
    again = fields(answer)
    assert again["email"] == email_kept
    assert again["password"] == ""
    assert again["next"] == "/admin/"
    assert "<script>" not in answer.text
    assert get(client, ME).status_code == 401


def test_too_many_tries_say_how_long_to_wait(deployment: Deployment) -> None:
    client = deployment.client()
    page = get(client, "/login")
    for _ in range(10):
        submit(client, page, **credentials(password="wrong password"))
    answer = submit(client, page, **credentials())
    assert answer.status_code == 429
    seconds = answer.headers["Retry-After"]
    assert f"Intentá de nuevo dentro de {seconds} segundos." in answer.text


@table(
    "headers, with_token, status",
    [
        ({}, False, 403),
        ({}, True, 303),
        ({"Origin": "https://evil.test"}, False, 403),
        ({"Origin": "https://evil.test"}, True, 403),
        ({"Sec-Fetch-Site": "cross-site"}, True, 403),
        ({"Origin": "null"}, False, 403),
        ({"Origin": "https://shop.test"}, False, 303),
    ],
)
def test_nobody_can_be_signed_in_by_another_page(
    deployment: Deployment, headers: dict[str, str], with_token: bool, status: int
) -> None:
    client, before = deployment.client(), deployment.hasher.checks
    sent = fields(get(client, "/login"))
    if not with_token:
        del sent["csrf_token"]
    answer = post(client, "/login", data={**sent, **credentials()}, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert "La página venció" in answer.text
        assert deployment.hasher.checks == before
        # The form shown again carries a good token.
        assert submit(client, answer, **credentials()).status_code == 303


def test_a_session_planted_before_is_worth_nothing_after(deployment: Deployment) -> None:
    """Session fixation: the attacker knows cookie and token of the form that was filled in."""
    victim, attacker = deployment.client(), deployment.client()
    page = get(attacker, "/login")
    planted = attacker.get_cookie("avenue_session", domain="shop.test")
    assert planted is not None
    victim.set_cookie("avenue_session", planted.value, domain="shop.test")
    answer = submit(victim, page, **credentials())
    assert answer.status_code == 303
    assert get(attacker, ME).status_code == 401
    token = {"X-CSRF-Token": fields(page)["csrf_token"]}
    assert post(victim, "/api/auth/logout", headers=token).status_code == 403
    assert get(victim, ME).status_code == 200


def test_signing_out_on_the_page_ends_the_old_cookie_at_once(deployment: Deployment) -> None:
    client = deployment.browser(BEN)
    kept = client.get_cookie("avenue_session", domain="shop.test")
    assert kept is not None
    page = get(client, "/login")
    assert "&lt;Ben&gt;" in page.text
    answer = submit(client, page, "/logout")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/login"
    assert get(client, ME).status_code == 401
    assert get(deployment.with_cookie(kept.value), ME).status_code == 401


@pytest.mark.parametrize(
    "headers", [pytest.param({}, marks=pytest.mark.long), {"Origin": "https://evil.test"}]
)
def test_nobody_can_be_signed_out_by_another_page(
    deployment: Deployment, headers: dict[str, str]
) -> None:
    client = deployment.browser()
    assert post(client, "/logout", headers=headers).status_code == 403
    assert get(client, ME).status_code == 200


@pytest.mark.long
def test_a_link_signs_nobody_out(deployment: Deployment) -> None:
    client = deployment.browser()
    assert get(client, "/logout").status_code == 405
    assert get(client, ME).status_code == 200


def test_a_session_is_for_one_site(deployment: Deployment) -> None:
    client = deployment.browser(BEN)
    cookie = client.get_cookie("avenue_session", domain="shop.test")
    assert cookie is not None
    assert get(deployment.with_cookie(cookie.value, THERE), ME, site=THERE).status_code == 401
    assert get(deployment.browser(BEN, THERE), ME, site=THERE).status_code == 200


@pytest.mark.parametrize(
    ("accepts", "language"),
    [
        (None, "es"),
        pytest.param("es-AR,es;q=0.9,en;q=0.8", "es", marks=pytest.mark.long),
        ("en-GB,en;q=0.9", "en"),
        pytest.param("en;q=0.5, es;q=0.4", "en", marks=pytest.mark.long),
        pytest.param("fr,de;q=0.8", "es", marks=pytest.mark.long),
        pytest.param("*", "es", marks=pytest.mark.long),
        pytest.param("rubbish;;q=x", "es", marks=pytest.mark.long),
    ],
)
def test_the_page_speaks_spanish_first_and_english_to_who_asks(
    deployment: Deployment, accepts: str | None, language: str
) -> None:
    headers = {"Accept-Language": accepts} if accepts else {}
    page = get(deployment.client(), "/login", headers=headers)
    assert f'<html lang="{language}"' in page.text
    title = {"es": "Iniciar sesión", "en": "Sign in"}[language]
    assert f"<h1>{title}</h1>" in page.text


@pytest.mark.long
def test_an_english_site_speaks_english_to_who_does_not_say(deployment: Deployment) -> None:
    assert '<html lang="en"' in get(deployment.client(), "/login", site=THERE).text


def test_the_page_is_usable_by_keyboard_readers_and_password_managers(
    deployment: Deployment,
) -> None:
    page = get(deployment.client(), "/login").text
    assert 'name="viewport"' in page
    assert "<title>Iniciar sesión · Zapatos Ana</title>" in page
    for name, completes in (("email", "username"), ("password", "current-password")):
        assert f'<label for="{name}">' in page
        tag = re.search(rf'<input id="{name}"[^>]*>', page)
        assert tag
        assert f'autocomplete="{completes}"' in tag.group()
    assert page.count("autofocus") == 1


def test_the_style_sheet_is_there(deployment: Deployment) -> None:
    client = deployment.client()
    link = re.search(r'<link rel="stylesheet" href="([^"]+)"', get(client, "/login").text)
    assert link
    style = get(client, link.group(1))
    assert style.status_code == 200
    assert style.mimetype == "text/css"
    assert b"url(" not in style.data
    style.close()
