"""`/admin/account`, tokens and forgotten passwords as a browser without JavaScript uses them."""

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from avenue.accounts.account_emails import Why
from avenue.identity import Role
from tests.http.accounts_app import (
    ADA,
    BEN,
    CYD,
    HERE,
    PASSWORD,
    THERE,
    Deployment,
    credentials,
    get,
    open_deployment,
    post,
)
from tests.table import table

ME, ACCOUNT = "/api/auth/me", "/admin/account"
NEWER = "staple of another kind"


@pytest.fixture
def deployment(migrated_uri: str) -> Iterator[Deployment]:
    with open_deployment(migrated_uri) as deployment:
        yield deployment


def token_of(page: TestResponse) -> dict[str, str]:
    """What the forms of a page carry."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found
    return {"csrf_token": found[1]}


def send(client: FlaskClient, page: str, path: str, **typed: object) -> TestResponse:
    return post(client, path, data={**token_of(get(client, page)), **typed})


def passwords(
    current: str = PASSWORD, new: str = NEWER, again: str | None = None
) -> dict[str, str]:
    return {"current": current, "new": new, "again": new if again is None else again}


def test_a_new_password_ends_every_other_session_and_keeps_this_one(deployment: Deployment) -> None:
    here, elsewhere, token = deployment.browser(), deployment.browser(), deployment.token()
    old = here.get_cookie("avenue_session", domain="shop.test")
    answer = send(here, ACCOUNT, f"{ACCOUNT}/password", **passwords())
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{ACCOUNT}?said=password")
    assert get(here, ME).json["email"] == ADA
    assert get(elsewhere, ME).status_code == 401
    assert old is not None
    assert get(deployment.with_cookie(old.value), ME).status_code == 401
    assert get(deployment.client(), ME, headers={"Authorization": token}).status_code == 401
    assert "Contraseña cambiada" in get(here, answer.headers["Location"]).text
    # A reload, and whoever got the link, are not told: they are led to the address without it.
    for told in (here, deployment.client()):
        again = get(told, f"{ACCOUNT}?said=password&count=1&tab=x")
        assert (again.status_code, again.headers["Location"]) == (302, f"{ACCOUNT}?tab=x")
    answer = post(deployment.client(), "/api/auth/login", json=credentials(password=NEWER))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (passwords(current="wrong password"), "La contraseña actual no es correcta."),
        *[
            pytest.param(each, "La contraseña actual no es correcta.", marks=pytest.mark.long)
            for each in (passwords(current=""), passwords(current="x" * 5000))
        ],
        (passwords(new="short"), "demasiado fácil de adivinar"),
        (passwords(new="Password1234"), "contraseñas robadas"),
        *[
            pytest.param(each, "demasiado fácil de adivinar", marks=pytest.mark.long)
            for each in (passwords(new=ADA), passwords(new=""))
        ],
        (passwords(again="another"), "no coinciden"),
    ],
)
def test_what_does_not_change_the_password(
    deployment: Deployment, typed: dict[str, str], said: str
) -> None:
    client = deployment.browser()
    answer = send(client, ACCOUNT, f"{ACCOUNT}/password", **typed)
    assert answer.status_code in {400, 422}
    assert said in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    for secret in {typed["current"], typed["new"]} - {"", ADA}:
        assert secret not in answer.text
    assert get(client, ME).status_code == 200
    assert post(deployment.client(), "/api/auth/login", json=credentials()).status_code == 200


def test_guessing_the_old_password_is_counted_with_signing_in(deployment: Deployment) -> None:
    client = deployment.browser()
    for _ in range(9):
        send(client, ACCOUNT, f"{ACCOUNT}/password", **passwords(current="a guess"))
    answer = send(client, ACCOUNT, f"{ACCOUNT}/password", **passwords())
    assert answer.status_code == 429
    assert f"{answer.headers['Retry-After']} segundos" in answer.text


@pytest.mark.parametrize("path", ["/password", pytest.param("/tokens", marks=pytest.mark.long)])
def test_no_other_page_changes_anything(deployment: Deployment, path: str) -> None:
    client = deployment.browser()
    typed = {**passwords(), "name": "x", "scopes": "read", "days": "1"}
    assert post(client, ACCOUNT + path, data=typed).status_code == 403
    evil = {"Origin": "https://evil.test"}
    carried = token_of(get(client, ACCOUNT))
    answer = post(client, ACCOUNT + path, data={**typed, **carried}, headers=evil)
    assert answer.status_code == 403
    assert deployment.database.raw["api_tokens"].count_documents({}) == 0


def test_the_page_says_who_one_is_and_helps_password_managers(deployment: Deployment) -> None:
    page = get(deployment.browser(), ACCOUNT)
    assert page.headers["Cache-Control"] == "no-store"
    assert ADA in page.text
    assert "Administración" in page.text
    for name, completes in (
        ("current", "current-password"),
        ("new", "new-password"),
        ("again", "new-password"),
        ("username", "username"),
    ):
        tag = re.search(rf'<input[^>]*name="{name}"[^>]*>', page.text)
        assert tag
        assert f'autocomplete="{completes}"' in tag[0]
    assert page.text.index('id="rules"') < page.text.index('id="new"')
    assert "&lt;Ben&gt;" in get(deployment.browser(BEN), ACCOUNT).text


def test_a_token_is_shown_once_and_works(deployment: Deployment) -> None:
    client = deployment.browser()
    answer = send(
        client, f"{ACCOUNT}/tokens", f"{ACCOUNT}/tokens", name="ERP", scopes="read", days="30"
    )
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    (secret,) = re.findall(r"av_[\w-]{43}", answer.text)
    bearer = {"Authorization": f"Bearer {secret}"}
    assert get(deployment.client(), ME, headers=bearer).json["scopes"] == ["read"]
    again = get(client, f"{ACCOUNT}/tokens").text
    assert secret not in again
    assert "ERP" in again
    (revoke,) = re.findall(rf'action="({ACCOUNT}/tokens/[\w-]+/revoke)"', again)
    assert send(client, ACCOUNT, revoke).status_code == 303
    assert get(deployment.client(), ME, headers=bearer).status_code == 401
    assert send(client, ACCOUNT, revoke).status_code == 404


@pytest.mark.long
@table(
    "typed, said",
    [
        ({"name": " "}, "Ponele un nombre"),
        ({"name": "x" * 201}, "Ponele un nombre"),
        ({"scopes": []}, "Elegí al menos un permiso"),
        ({"scopes": ["everything"]}, "Elegí al menos un permiso"),
        ({"days": "0"}, "de 1 a 3650"),
        ({"days": "3651"}, "de 1 a 3650"),
        ({"days": "9" * 5000}, "de 1 a 3650"),
        ({"days": "٣"}, "de 1 a 3650"),
        ({"days": "x"}, "de 1 a 3650"),
    ],
)
def test_what_makes_no_token(deployment: Deployment, typed: dict[str, object], said: str) -> None:
    client = deployment.browser()
    good = {"name": "<ERP>", "scopes": ["read"], "days": "30"}
    answer = send(client, f"{ACCOUNT}/tokens", f"{ACCOUNT}/tokens", **{**good, **typed})
    assert answer.status_code == 422
    assert said in answer.text
    assert "<ERP>" not in answer.text
    assert deployment.database.raw["api_tokens"].count_documents({}) == 0


# Forgotten passwords


def ask(
    deployment: Deployment, email: str = ADA, client: FlaskClient | None = None
) -> TestResponse:
    return send(client or deployment.client(), "/login/forgotten", "/login/forgotten", email=email)


def secret_for(deployment: Deployment, email: str = ADA) -> str:
    ask(deployment, email)
    _, order = deployment.emails.pop()
    written = deployment.recovery.email(HERE, order, order_id="job")
    assert written is not None
    found = re.search(r"/login/reset/(\S+)", written.text)
    assert found
    return found[1]


def body(page: TestResponse) -> str:
    return re.sub(r'value="[^"]*"', "", page.text)


@pytest.mark.parametrize(
    "email",
    [
        "nobody@shop.test",
        CYD,
        *[pytest.param(each, marks=pytest.mark.long) for each in ("", "no address", "x" * 5000)],
    ],
)
def test_who_asks_does_not_learn_who_is_here(deployment: Deployment, email: str) -> None:
    known, unknown = ask(deployment), ask(deployment, email)
    assert (known.status_code, body(known)) == (unknown.status_code, body(unknown))
    assert "ya está en camino" in known.text
    assert known.headers["Cache-Control"] == "no-store"
    (_, first), (_, second) = deployment.emails
    assert first.user is not None
    assert deployment.recovery.email(HERE, second, order_id="job") is None


def test_asking_too_often_says_how_long_to_wait(deployment: Deployment) -> None:
    client = deployment.client()
    for _ in range(10):
        assert ask(deployment, client=client).status_code == 200
    answer = ask(deployment, client=client)
    assert answer.status_code == 429
    assert f"dentro de {answer.headers['Retry-After']} segundos" in answer.text
    assert len(deployment.emails) == 10


def test_no_other_page_asks_for_emails(deployment: Deployment) -> None:
    assert post(deployment.client(), "/login/forgotten", data={"email": ADA}).status_code == 403
    assert deployment.emails == []


def test_the_link_sets_the_password_once(deployment: Deployment) -> None:
    secret, browser = secret_for(deployment), deployment.browser()
    client = deployment.client()
    form = get(client, f"/login/reset/{secret}")
    assert form.status_code == 200
    assert form.headers["Referrer-Policy"] == "no-referrer"
    assert form.headers["Cache-Control"] == "no-store"
    assert "http" not in re.sub(r'value="[^"]*"', "", form.text).replace(HERE.base_url, "")
    typed = {**token_of(form), "secret": secret, "new": NEWER, "again": NEWER}
    answer = post(client, "/login/reset", data=typed)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?said=password")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "está guardada" in get(client, answer.headers["Location"]).text
    assert get(browser, ME).status_code == 401
    assert post(deployment.client(), "/api/auth/login", json=credentials()).status_code == 401
    signed = post(deployment.client(), "/api/auth/login", json=credentials(password=NEWER))
    assert signed.status_code == 200
    for used in (get(client, f"/login/reset/{secret}"), post(client, "/login/reset", data=typed)):
        assert used.status_code == 410
        assert "Este enlace venció" in used.text
        assert used.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("new", "again", "status", "said"),
    [
        (NEWER, "another", 422, "no coinciden"),
        ("password1234", "password1234", 400, "contraseñas robadas"),
        pytest.param("short", "short", 400, "demasiado fácil", marks=pytest.mark.long),
        pytest.param(ADA, ADA, 400, "demasiado fácil", marks=pytest.mark.long),
        pytest.param("y" * 2000, "y" * 2000, 400, "demasiado fácil", marks=pytest.mark.long),
    ],
)
def test_a_mistake_leaves_the_link_good(
    deployment: Deployment, new: str, again: str, status: int, said: str
) -> None:
    client, secret = deployment.client(), secret_for(deployment)
    typed = {"secret": secret, "new": new, "again": again}
    answer = send(client, f"/login/reset/{secret}", "/login/reset", **typed)
    assert (answer.status_code, said in answer.text) == (status, True)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    typed = {**token_of(answer), "secret": secret, "new": NEWER, "again": NEWER}
    # What browsers send from a page with that policy.
    headers = {"Origin": "null"}
    assert post(client, "/login/reset", data=typed, headers=headers).status_code == 303


def test_a_link_is_for_its_site(deployment: Deployment) -> None:
    secret = secret_for(deployment, BEN)
    assert get(deployment.client(), f"/login/reset/{secret}").status_code == 200
    assert get(deployment.client(), f"/login/reset/{secret}", site=THERE).status_code == 410


@table("secret", ["x", "x" * 43, "x" * 3000, "%F0%9F", "%ED%B3%BF"])
def test_an_invented_link_is_gone(deployment: Deployment, secret: str) -> None:
    assert get(deployment.client(), f"/login/reset/{secret}").status_code == 410


def test_without_a_mail_server_the_pages_say_whom_to_ask(migrated_uri: str) -> None:
    with open_deployment(migrated_uri, can_mail=False) as deployment:
        client = deployment.client()
        for answer in (get(client, "/login"), get(client, "/login/forgotten")):
            assert answer.status_code == 200
            assert "python -m avenue users password" in answer.text
        login = get(client, "/login")
        assert 'href="/login/forgotten"' not in login.text
        answer = post(client, "/login/forgotten", data={**token_of(login), "email": ADA})
        assert (answer.status_code, "Pedile una nueva contraseña" in answer.text) == (200, True)


# People


def test_a_search_for_a_nul_finds_nobody(deployment: Deployment) -> None:
    """MongoDB takes no pattern that holds one."""
    deployment.accounts.add_user("x00@shop.test", PASSWORD, name="X", roles={HERE.id: Role.SELLER})
    assert "x00@shop.test" in get(deployment.browser(), "/admin/people?search=x00").text
    found = get(deployment.browser(), "/admin/people?search=%00")
    assert (found.status_code, "x00@shop.test" in found.text) == (200, False)


def test_the_people_of_a_site_are_for_its_administrators(deployment: Deployment) -> None:
    deployment.accounts.add_user(
        "<b>@shop.test", PASSWORD, name="<i>", roles={HERE.id: Role.SELLER}
    )
    page = get(deployment.browser(), "/admin/people")
    assert page.headers["Cache-Control"] == "no-store"
    assert ADA in page.text
    assert "&lt;b&gt;@shop.test" in page.text
    assert "<i>" not in page.text
    assert CYD not in page.text
    assert CYD not in get(deployment.browser(), "/admin/people?search=cyd").text
    html = {"Accept": "text/html"}
    assert (
        get(deployment.browser(CYD, THERE), "/admin/people", site=THERE, headers=html).status_code
        == 403
    )
    assert get(deployment.client(), "/admin/people", headers=html).status_code == 303


def test_a_made_password_is_in_its_answer_only(deployment: Deployment) -> None:
    client = deployment.browser()
    typed = {"email": "eve@shop.test", "name": "Eve", "role": "seller", "how": "made"}
    answer = send(client, "/admin/people/new", "/admin/people", **typed)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    found = re.search(r'id="secret" value="([\w-]{20})"', answer.text)
    assert found
    signed = post(
        deployment.client(), "/api/auth/login", json=credentials("eve@shop.test", found[1])
    )
    assert signed.status_code == 200
    assert found[1] not in get(client, "/admin/people").text


def test_somebody_of_another_site_is_added_without_a_word_about_them(
    deployment: Deployment,
) -> None:
    client = deployment.browser()
    for how, said in (("mail", "invited"), ("made", "known")):
        email = {"mail": CYD, "made": "dee@other.test"}[how]
        if how == "made":
            deployment.accounts.add_user(
                email, PASSWORD, name="Dee Secret", roles={THERE.id: Role.OPS}
            )
        typed = {"email": email, "role": "client", "how": how}
        answer = send(client, "/admin/people/new", "/admin/people", **typed)
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith(f"?said={said}")
        page = get(client, answer.headers["Location"]).text
        assert "Dee Secret" not in page
        assert "Other" not in page
        assert "Crear una contraseña nueva" not in page
    assert [order.why for _, order in deployment.emails] == [Why.ADDED]


@table(
    "typed, status, said",
    [
        ({"email": "nobody"}, 400, "Esto no es una dirección de correo"),
        ({"email": ADA}, 409, "ya está en este sitio"),
        ({"email": BEN}, 409, "ya está en este sitio"),  # a superuser
        ({"role": "emperor"}, 400, ""),
    ],
)
def test_who_cannot_be_added(
    deployment: Deployment, typed: dict[str, str], status: int, said: str
) -> None:
    good = {"email": "eve@shop.test", "role": "seller", "how": "made"}
    answer = send(deployment.browser(), "/admin/people/new", "/admin/people", **{**good, **typed})
    assert (answer.status_code, said in answer.text) == (status, True)
    assert deployment.database.raw["users"].count_documents({}) == 3


@pytest.mark.long
def test_what_is_refused_shows_the_person_again_with_the_reason(deployment: Deployment) -> None:
    client = deployment.browser()
    me = get(client, ME).json["id"]
    for deed, said in (
        ("disable", "No podés hacerte esto a vos"),
        ("password", "No podés hacerte esto a vos"),
        ("remove", "la única persona que administra"),
    ):
        answer = send(client, ACCOUNT, f"/admin/people/{me}/{deed}")
        assert (answer.status_code, said in answer.text) == (409, True), deed
    assert get(client, ME).status_code == 200
    ben = get(deployment.browser(BEN), ME).json["id"]
    for deed in ("role", "password", "link", "disable", "enable", "remove"):
        answer = send(client, ACCOUNT, f"/admin/people/{ben}/{deed}", role="client")
        assert answer.status_code == 404, deed
