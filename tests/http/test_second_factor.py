"""The second factor in a browser without JavaScript and by the API, and no way past it."""

import html
import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pyotp
import pytest
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from avenue.accounts.models import Challenge
from avenue.accounts.service import AccountService
from avenue.accounts.store.second_factors import FactorStore
from avenue.identity import Actor, Role
from avenue.sites.service import SiteService
from avenue.web.auth import COOKIE_NAME, before_second_factor
from tests.http.accounts_app import (
    ADA,
    HERE,
    PASSWORD,
    Deployment,
    credentials,
    get,
    open_deployment,
    post,
)
from tests.http.application import Application, Caller, unique
from tests.http.contract import unconnected_app
from tests.http.test_account_pages import send, token_of
from tests.http.test_who_may import DOORS, GUARDED, OPEN, PERSONAL, Cast, Door, ask
from tests.table import table
from tests.unit.accounts.test_passkeys import Device
from tests.waiting import wait_until

STEP_SECONDS, SECONDS_TO_SEND = 30, 2
ME, LOGIN = "/api/auth/me", "/api/auth/login"
PAGE, STEP = "/admin/account/second-factor", "/login/second-factor"


@pytest.fixture
def deployment(migrated_uri: str) -> Iterator[Deployment]:
    with open_deployment(migrated_uri) as deployment:
        yield deployment


class Phone:
    """An authenticator app; each code is of a time step of its own, as if time passed."""

    def __init__(self, secret: str) -> None:
        self._totp, self._ahead = pyotp.TOTP(secret), -2

    def code(self) -> str:
        self._ahead += 1
        assert self._ahead <= 1, "the service takes no codes of later"
        # Or it is of another step when it comes.
        wait_until(lambda: STEP_SECONDS - time.time() % STEP_SECONDS > SECONDS_TO_SEND)
        return self._totp.at(int(time.time()), counter_offset=self._ahead)


def set_up(client: FlaskClient) -> tuple[Phone, list[str]]:
    """Set it up as a person does; return the app and the recovery codes."""
    page = get(client, PAGE)
    assert "<svg" in page.text
    found = re.search(r'class="key">([A-Z2-7 ]+)<', page.text)
    setup = re.search(r'name="setup" value="([^"]+)"', page.text)
    assert found
    assert setup
    phone = Phone(found[1].replace(" ", ""))
    typed = {**token_of(page), "setup": setup[1], "password": PASSWORD}
    wrong = post(client, PAGE, data={**typed, "otp": "000000"})
    assert wrong.status_code == 401
    assert found[1] in wrong.text  # the same key, for it is in the app by now
    done = post(client, PAGE, data={**typed, "otp": phone.code()})
    assert done.status_code == 200
    codes = re.findall(r"\b(?:[a-z2-7]{4}-){3}[a-z2-7]{4}\b", done.text)
    assert len(codes) == 10
    assert done.headers["Cache-Control"] == "no-store"
    assert not any(code in get(client, PAGE).text for code in codes)
    return phone, codes


def first_step(deployment: Deployment) -> FlaskClient:
    """A browser in which the password was right."""
    client = deployment.client()
    answer = post(
        client,
        "/login",
        data={**credentials(), "next": "/admin/account"},
        headers={"Origin": HERE.base_url},
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, STEP)
    return client


def test_from_setting_it_up_to_turning_it_off(deployment: Deployment) -> None:
    client, elsewhere = deployment.browser(), deployment.browser()
    phone, codes = set_up(client)
    assert get(client, ME).status_code == 200
    assert get(elsewhere, ME).status_code == 401

    again = first_step(deployment)
    assert get(again, ME).status_code == 401
    assert get(again, "/admin/account").status_code == 401
    wrong = send(again, STEP, STEP, otp="000000")
    assert wrong.status_code == 401
    assert get(again, ME).status_code == 401
    code = phone.code()
    assert send(again, STEP, STEP, otp=code).headers["Location"] == "/admin/account"
    assert get(again, ME).json["email"] == ADA

    replayed = first_step(deployment)
    assert send(replayed, STEP, STEP, otp=code).status_code == 401
    assert get(replayed, ME).status_code == 401
    by_paper = f"{STEP}?recovery=1"
    assert send(replayed, by_paper, STEP, recovery_code=codes[0]).status_code == 303
    assert get(replayed, ME).status_code == 200

    refused = send(again, PAGE, f"{PAGE}/remove", recovery_code=codes[0])
    assert refused.status_code == 401
    new = send(again, PAGE, f"{PAGE}/codes", password=PASSWORD)
    assert new.status_code == 200
    assert codes[1] not in new.text
    assert send(again, PAGE, f"{PAGE}/remove", otp=phone.code()).status_code == 303
    assert get(again, ME).status_code == 200
    assert get(replayed, ME).status_code == 401
    assert get(deployment.browser(), ME).status_code == 200


def test_a_program_sends_the_code_along(deployment: Deployment) -> None:
    before, browser = deployment.token(), deployment.browser()
    headers, erp = {"Origin": HERE.base_url}, {"name": "ERP", "scopes": ["read"]}
    made = post(browser, "/api/auth/tokens", json=erp, headers=headers).json["token"]
    phone, codes = set_up(browser)
    assert get(deployment.client(), ME, headers={"Authorization": before}).status_code == 401
    assert (
        get(deployment.client(), ME, headers={"Authorization": f"Bearer {made}"}).status_code == 200
    )
    password = credentials()
    for proof, status, code in (
        ({}, 401, "second_factor_required"),
        ({"otp": None}, 401, "second_factor_required"),
        ({"otp": "000000"}, 401, "wrong_second_factor"),
        ({"recovery_code": codes[0][:-1]}, 401, "wrong_second_factor"),
        ({"otp": ""}, 400, "invalid_body"),
        ({"otp": 123456}, 400, "invalid_body"),
        ({"password": "not it", "otp": phone.code()}, 401, "wrong_credentials"),
        ({"recovery_code": codes[0]}, 200, None),
        ({"recovery_code": codes[0]}, 401, "wrong_second_factor"),
        ({"otp": phone.code()}, 200, None),
    ):
        deployment.database.raw["rate_limits"].delete_many({})
        answer = post(deployment.client(), LOGIN, json={**password, **proof})
        assert (answer.status_code, answer.json.get("code")) == (status, code), proof
    token = {"Authorization": f"Bearer {answer.json['token']}"}
    assert get(deployment.client(), ME, headers=token).status_code == 200


def test_another_page_cannot_take_the_second_step(deployment: Deployment) -> None:
    phone, _ = set_up(deployment.browser())
    client = first_step(deployment)
    headers = {"Origin": "https://evil.test"}
    typed = {"otp": phone.code()}
    assert post(client, STEP, data=typed, headers=headers).status_code == 403
    assert get(client, ME).status_code == 401
    for stranger in (deployment.client(), deployment.with_cookie("rubbish")):
        assert get(stranger, STEP).headers["Location"] == "/login"
        answer = post(stranger, STEP, data=typed)
        assert answer.headers["Location"] == "/login"


def test_a_cookie_of_the_first_step_is_worth_nothing_after_a_new_password(
    deployment: Deployment,
) -> None:
    phone, _ = set_up(deployment.browser())
    client = first_step(deployment)
    deployment.accounts.change_password(ADA, "staple of another kind")
    answer = send(client, STEP, STEP, otp=phone.code())
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?said=again")
    assert get(client, ME).status_code == 401


def test_an_administrator_resets_it_where_the_person_is_theirs(deployment: Deployment) -> None:
    eva = "eva@shop.test"
    deployment.accounts.add_user(eva, PASSWORD, roles={HERE.id: Role.SELLER})
    dan = "dan@shop.test"
    deployment.accounts.add_user(dan, PASSWORD, roles={HERE.id: Role.SELLER, "other": Role.SELLER})
    browsers = {email: deployment.browser(email) for email in (ADA, eva, dan)}
    for each in browsers.values():
        set_up(each)
    admin = browsers[ADA]
    for email, status in ((eva, 303), (dan, 403), (ADA, 409)):
        user = deployment.accounts.user_named(email)
        person = f"/admin/people/{user.id}"
        answer = send(admin, person, f"{person}/second-factor")
        assert answer.status_code == status
        has_one = deployment.accounts.user_named(email).second_factor is not None
        assert has_one is (status != 303)
    assert get(browsers[eva], ME).status_code == 401
    assert get(deployment.browser(eva), ME).status_code == 200


def test_what_is_stored_late_about_a_factor_makes_none(application: Application) -> None:
    person, factors = application.new_person(unique("tarde")), FactorStore(application.database)
    factors.count_wrong_code(person.id, None)  # one of passkeys, which was just reset
    factors.set_recovery_codes(person.id, None, ["sha256"])
    assert "second_factor" not in application.raw["users"].find_one({"_id": person.id})


def challenge_in(page: TestResponse) -> Challenge:
    sealed = re.search(r'name="challenge" value="([^"]+)"', page.text)
    options = re.search(r'data-options="([^"]+)"', page.text)
    assert sealed
    assert options
    return Challenge(sealed=sealed[1], options=html.unescape(options[1]))


def test_a_passkey_signs_in_once_for_each_challenge(deployment: Deployment) -> None:
    client, device = deployment.browser(), Device()
    page = get(client, PAGE)
    challenge = challenge_in(page)
    typed = {**token_of(page), "challenge": challenge.sealed, "name": "Teléfono"}
    typed["credential"] = device.create(challenge)
    assert post(client, f"{PAGE}/passkeys", data=typed).status_code == 422  # no password
    made = post(client, f"{PAGE}/passkeys", data={**typed, "password": PASSWORD})
    assert made.status_code == 200
    assert len(re.findall(r"\b(?:[a-z2-7]{4}-){3}[a-z2-7]{4}\b", made.text)) == 10

    first, second = deployment.client(), deployment.client()
    page = get(first, "/login?next=/admin/people")
    challenge = challenge_in(page)
    answer = {"challenge": challenge.sealed, "credential": device.get(challenge)}
    evil, own = {"Origin": "https://evil.test"}, {"Origin": HERE.base_url}
    sent = {**answer, "next": "/admin/people"}
    assert post(first, "/login/passkey", data=sent, headers=evil).status_code == 403
    done = post(first, "/login/passkey", data=sent, headers=own)
    assert (done.status_code, done.headers["Location"]) == (303, "/admin/people")
    assert get(first, ME).json["email"] == ADA
    assert post(second, "/login/passkey", data=answer, headers=own).status_code == 401
    assert get(second, ME).status_code == 401

    ada = deployment.accounts.user_named(ADA)
    gone = f"{PAGE}/passkeys/{ada.passkeys[0].id}/remove"
    assert send(first, PAGE, gone, password="not it").status_code == 422
    deployment.accounts.set_disabled(ADA, disabled=True)
    challenge = challenge_in(get(second, "/login"))
    answer = {"challenge": challenge.sealed, "credential": device.get(challenge)}
    assert post(second, "/login/passkey", data=answer, headers=own).status_code == 401


# No way past it

ASKED = "GET /api/auth/me"
STEPS = {f"GET {STEP}", f"POST {STEP}"}
"""The page of the second step itself."""
FOR_SETUP = {f"GET {PAGE}", f"POST {PAGE}", f"POST {PAGE}/passkeys", "GET /login", "POST /logout"}
"""What who has to set one up may do, and all that they may."""
BOTH_WAYS = {*PERSONAL, ASKED, "GET /api/site", "POST /api/uploads"}
EVERY = frozenset({*GUARDED, *OPEN})
IN_SHORT = frozenset({*GUARDED[::6], *FOR_SETUP, *BOTH_WAYS} & EVERY)
"""The check comes before each guard, which every route has; `make test-long` asks everywhere."""
MANY = [each for each in DOORS if each.role is Role.ADMIN and not each.on_other_site][:1]
REST = [each for each in DOORS if (each.role or each.superuser) and each not in MANY]


@pytest.fixture(scope="module")
def cast(application: Application) -> Cast:
    return Cast(application)


def told(answer: TestResponse) -> tuple[int, Any]:
    return answer.status_code, answer.json.get("code") if answer.is_json else None


def first_step_of(application: Application, caller: Caller) -> Caller:
    """A browser of somebody who has a second factor, and has shown the password only."""
    accounts: AccountService = application.app.extensions["avenue"][AccountService]
    user = accounts.user_of(Actor(site=caller.site, id=caller.id))
    first = accounts.first_step(user, caller.site)
    kept = {
        "user": first.user,
        "site": first.site,
        "session_epoch": first.session_epoch,
        "token_epoch": first.token_epoch,
        "at": first.at.timestamp(),
        "next": "/admin",
    }
    signer = SecureCookieSessionInterface().get_signing_serializer(application.app)
    assert signer is not None
    return InBrowser(application, f"{COOKIE_NAME}={signer.dumps({'first_step': kept})}")


class InBrowser(Caller):
    """Somebody with a cookie, and nothing else."""

    def __init__(self, application: Application, cookie: str) -> None:
        nobody = application.caller("nobody")
        super().__init__(application, application.app, nobody.host)
        self._cookie = cookie

    def ask(self, method: str, url: str, **options: Any) -> TestResponse:
        headers = {"Cookie": self._cookie, "Origin": f"https://{self.host}"}
        more = options.pop("headers", {})
        return super().ask(method, url, headers={**headers, **more}, **options)


def ways_past_the_first_step(
    application: Application, cast: Cast, door: Door, among: Iterable[str] = EVERY
) -> list[str]:
    """Every route that answers otherwise than if nobody were signed in."""
    found = []
    caller = first_step_of(application, cast.caller(door, ASKED))
    for route in sorted({*among} - STEPS):
        method, rule = route.split()
        seen, expected = told(ask(caller, method, cast.path(rule))), (401, "unauthenticated")
        if route in OPEN:
            expected = told(ask(InBrowser(application, ""), method, cast.path(rule)))
        if seen != expected:
            found.append(f"{route}: {seen}, not {expected}")
    return found


def ways_past_the_setup(
    application: Application, cast: Cast, door: Door, among: Iterable[str] = EVERY
) -> list[str]:
    """Every route that does something for who needs a second factor and has none.

    The API is asked with a token, pages are with a session, and some of the API with both.
    """
    found = []
    caller = cast.caller(door, ASKED)
    browser = InBrowser(application, caller.session())
    for route in sorted({*among} - FOR_SETUP):
        method, rule = route.split()
        expected: tuple[int, Any] = (403, "second_factor_setup_required")
        if route in OPEN:
            expected = told(ask(InBrowser(application, ""), method, cast.path(rule)))
        for each in (caller, *([browser] if route in BOTH_WAYS else ())):
            seen = told(ask(each, method, cast.path(rule)))
            if seen != expected:
                found.append(f"{route}: {seen}, not {expected}")
    return found


@pytest.fixture
def _all_need_one(application: Application, cast: Cast) -> Iterator[None]:
    known = application.app.extensions["avenue"][SiteService]._known
    change = {"second_factor_roles": [*Role]}
    for each in [*MANY, *REST]:
        cast.caller(each, ASKED)
    application.raw["sites"].update_one({"_id": "default"}, {"$set": change})
    known.forget()
    yield
    application.raw["sites"].update_one({"_id": "default"}, {"$unset": change})
    known.forget()


def test_nothing_else_comes_before_the_second_factor() -> None:
    """Of every route; that the mark of a view opens it, and no other one, is looked at below."""
    app = unconnected_app()
    marked = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if before_second_factor.is_on(app.view_functions[rule.endpoint])
    }
    assert marked == FOR_SETUP


@table("door", MANY)
def test_the_first_step_opens_nothing(application: Application, cast: Cast, door: Door) -> None:
    cast.caller(door, ASKED)
    before = application.counts()
    assert ways_past_the_first_step(application, cast, door, IN_SHORT) == []
    assert application.counts() == before


@pytest.mark.usefixtures("_all_need_one")
@table("door", MANY)
def test_who_needs_one_sets_it_up_first(application: Application, cast: Cast, door: Door) -> None:
    before = application.counts()
    assert ways_past_the_setup(application, cast, door, IN_SHORT) == []
    assert application.counts() == before
    browser = InBrowser(application, cast.caller(door, ASKED).session())
    led = browser.get("/admin/people", headers={"Accept": "text/html"})
    assert (led.status_code, led.headers["Location"]) == (303, PAGE)
    assert browser.get(PAGE).status_code == 200


@pytest.mark.long
@table("door", [*MANY, *REST])
def test_the_first_step_opens_nothing_for_any_role(application, cast, door: Door) -> None:
    assert ways_past_the_first_step(application, cast, door) == []


@pytest.mark.long
@pytest.mark.usefixtures("_all_need_one")
@table("door", [each for each in [*MANY, *REST] if not each.on_other_site])
def test_whatever_role_needs_one_sets_it_up_first(application, cast, door: Door) -> None:
    assert ways_past_the_setup(application, cast, door) == []
