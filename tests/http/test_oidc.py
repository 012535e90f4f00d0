"""Signing in with a provider: whose word counts, for whom, with which role, and all that does not.

The provider stands in for real ones and lies where a test wants it; the last test is of a real one.
"""

import logging
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from avenue.accounts.models import User
from avenue.accounts.oidc.service import OidcService
from avenue.accounts.store.accounts import MongoAccountStore
from avenue.identity import DEFAULT_SITE, Role
from tests.http.application import HOST, OTHER_HOST, OTHER_SITE, PASSWORD, Application, unique
from tests.http.test_malformed_records import SIGNED_IN
from tests.mongod import free_port
from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, Key, StandIn, a_provider, query_of
from tests.waiting import DEADLINE_SECONDS

REAL = Path(__file__).parents[1] / "clients" / "oidc.mjs"
BASE, OTHER_BASE = f"https://{HOST}", f"https://{OTHER_HOST}"
START, BACK, ME = "/login/oidc", "/login/oidc/callback", "/api/auth/me"
GROUPS = ("admins=admin", "pictures=editor", "sellers=seller@*")
OFTEN = 10**4


@pytest.fixture(scope="module")
def provider() -> Iterator[StandIn]:
    with a_provider() as stand_in:
        yield stand_in


@pytest.fixture(autouse=True)
def _honest(provider: StandIn) -> None:
    provider.be_honest()


def app_with(application: Application, provider: StandIn, **changes: Any) -> Flask:
    settings = {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_groups": GROUPS,
        "oidc_label": "Llavero",
        "max_logins_per_minute": OFTEN,
    }
    return application.with_settings(**{**settings, **changes})


@pytest.fixture(scope="module")
def app(application: Application, provider: StandIn) -> Flask:
    return app_with(application, provider)


class Browser:
    """A browser of somebody, on one site."""

    def __init__(self, app: Flask, base: str = BASE) -> None:
        self.client, self.base = FlaskClient(app, use_cookies=True), base

    def get(self, url: str, accept: str = "text/html") -> TestResponse:
        return self.client.get(url, base_url=self.base, headers={"Accept": accept})

    def post(self, url: str, **form: str) -> TestResponse:
        return self.client.post(
            url, base_url=self.base, data=form, headers={"Origin": self.base, "Accept": "text/html"}
        )

    def begin(self, query: str = "") -> str:
        answer = self.get(f"{START}{query}")
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def back(self, query: str, accept: str = "text/html") -> TestResponse:
        return self.get(f"{BACK}?{query}", accept)

    def sign_in(self, provider: StandIn, **claims: Any) -> TestResponse:
        return self.back(provider.authorized(self.begin("?next=/admin/account"), **claims))

    @property
    def role(self) -> str | None:
        """What the person may do by now; None where nobody is signed in."""
        answer = self.get(ME, "application/json")
        return answer.json["role"] if answer.status_code == 200 else None


def person(*groups: str, **claims: Any) -> dict[str, Any]:
    """Somebody whom no other test has, as a provider tells of them."""
    name = unique("eva")
    told = {"sub": f"id-of-{name}", "email": f"{name}@{HOST}", "email_verified": True}
    return {**told, "name": "Eva <b>", "groups": [*groups], **claims}


def assert_in(answer: TestResponse) -> None:
    assert (answer.status_code, answer.headers.get("Location")) == (303, "/admin/account"), (
        answer.text
    )


def refusal(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def users(application: Application) -> MongoAccountStore:
    return MongoAccountStore(application.database)


def entries(application: Application, user: User) -> list[tuple[str, Any]]:
    found = application.raw["audit_logs"].find({"object.id": user.id})
    return [(each["action"], each["details"]) for each in found]


def listed(application: Application, user: User) -> set[str]:
    """The sites among whose people somebody is."""
    found = application.raw["users"].find_one({"_id": user.id})
    assert found
    return {*found["sites"]}


def test_groups_decide_the_role_at_each_sign_in(
    application: Application, app: Flask, provider: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    eva, browser = person("pictures", "nothing"), Browser(app)
    page = browser.get("/login?next=/admin/media")
    assert 'href="/login/oidc?next=/admin/media"' in page.text
    assert "Llavero" in page.text
    assert_in(browser.sign_in(provider, **eva))
    assert browser.role == "editor"
    user = users(application).user_by_email(eva["email"])
    assert user
    assert (user.roles, user.has_password, user.name) == (
        {DEFAULT_SITE: Role.EDITOR},
        False,
        "Eva <b>",
    )
    sessions = browser.get("/api/auth/sessions", "application/json").json
    assert sessions["total"] == 1

    # On another site by another group, in another browser; e-mails of later change nothing.
    other, moved = Browser(app, OTHER_BASE), {**eva, "email": "other@x.example"}
    assert_in(other.sign_in(provider, **{**moved, "groups": ["admins", "sellers"]}))
    assert (browser.role, other.role) == ("admin", "seller")
    for own_page in ("/admin/account", f"/admin/people/{user.id}"):
        assert "Llavero" in browser.get(own_page).text
    assert users(application).user_by_email("other@x.example") is None
    assert listed(application, user) == {DEFAULT_SITE, OTHER_SITE}

    # Groups that give nothing take roles away at once, on every site that they decide on.
    again = Browser(app)
    url = provider.authorized(again.begin(), **{**eva, "groups": ["nothing"]})
    assert refusal(again.back(url, "application/json")) == (403, "oidc_no_role")
    assert [browser.role, other.role, again.role] == [None, None, None]
    assert_in(again.sign_in(provider, **{**eva, "groups": "sellers"}))
    assert again.role == "seller"
    assert listed(application, user) == {DEFAULT_SITE}
    assert sorted(action for action, _ in entries(application, user)) == [
        "user.added",
        *["user.role_changed"] * 3,
        *["user.role_taken"] * 2,
        *["user.signed_in"] * 3,
    ]
    assert browser.post("/logout").status_code == 303
    everywhere = again.post("/admin/account/sessions/end")
    assert (everywhere.headers["Location"], again.role) == ("/login", None)
    planted = (CLIENT_SECRET, "planted", eva["email"], eva["sub"])
    assert not [each for each in planted if each in caplog.text]


def test_nobody_comes_in_by_what_the_provider_did_not_say(app: Flask, provider: StandIn) -> None:
    """Each row is a forged, stale or foreign answer; the last shows that the truth is taken."""
    now, stranger = int(time.time()), Key()
    lies: dict[str, dict[str, Any]] = {
        "nonce of another browser": {"lies": {"nonce": "another"}},
        "no nonce": {"lies": {"nonce": None}},
        "for another client": {"lies": {"aud": "somebody"}},
        "for others, too, and not by us": {"lies": {"aud": [CLIENT_ID, "x"], "azp": "x"}},
        "for others, too, and by nobody": {"lies": {"aud": [CLIENT_ID, "x"]}},
        "of another issuer": {"lies": {"iss": "https://evil.example"}},
        "expired": {"lies": {"exp": now - 120}},
        "without an end": {"lies": {"exp": None}},
        "of later": {"lies": {"iat": now + 600, "nbf": now + 600}},
        "of nobody": {"lies": {"sub": None}},
        "of an empty name": {"lies": {"sub": ""}},
        "of a number": {"lies": {"sub": 7}},
        "of another access token": {"lies": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
        "alg none": {"signed": provider.key.none},
        "HS256 with the public key": {"signed": provider.key.hs256},
        "signed by another": {"signed": stranger.rs256},
        "with one text of how": {"lies": {"amr": "mfa"}},
        "no token": {"signed": lambda _: ""},
        "userinfo of another": {"elsewhere": {"sub": "id-of-another"}, "lies": {"email": None}},
    }
    wrong = []
    for name, said in lies.items():
        provider.be_honest()
        for field, value in said.items():
            setattr(provider, field, value)
        browser = Browser(app)
        query = provider.authorized(browser.begin(), **person("admins"))
        found = refusal(browser.back(query, "application/json"))
        if found != (401, "oidc_failed") or browser.role:
            wrong.append((name, found))
    provider.be_honest()
    assert wrong == []
    assert_in(Browser(app).sign_in(provider, **person("admins")))


def test_an_answer_is_for_one_browser_one_site_and_one_time(
    application: Application, app: Flask, provider: StandIn
) -> None:
    oidc: OidcService = app.extensions["avenue"][OidcService]
    failed = (401, "oidc_failed")

    def begun(base: str = BASE) -> tuple[Browser, str]:
        browser = Browser(app, base)
        return browser, provider.authorized(browser.begin(), **person("sellers"))

    def refused(browser: Browser, query: str) -> bool:
        return refusal(browser.back(query, "application/json")) == failed and not browser.role

    browser, query = begun()
    cookie = browser.client.get_cookie("avenue_oidc", HOST, START)
    assert cookie
    assert cookie.http_only
    assert cookie.secure
    assert cookie.same_site == "Lax"
    state = query_of(f"?{query}")["state"][0]
    assert state not in cookie.value
    assert refused(Browser(app), query)  # another browser
    assert refused(browser, query.replace(state, "x"))
    assert refused(browser, query)  # the attempt ended with the wrong state
    for without in ("state", "code"):
        browser, query = begun()
        assert refused(browser, query.replace(f"{without}=", f"no_{without}="))
    browser, query = begun()
    assert refused(browser, f"error=access_denied&{query}")
    browser, query = begun()
    assert refused(browser, query.replace("iss=http", "iss=https"))

    # What one site has begun is good on no other, though one person has both cookies.
    browser, query = begun()
    cookie = browser.client.get_cookie("avenue_oidc", HOST, START)
    assert cookie
    other = Browser(app, OTHER_BASE)
    other.client.set_cookie("avenue_oidc", cookie.value, domain=OTHER_HOST, path=START)
    assert refused(other, query)
    assert_in_panel(browser.back(query))
    # Once: the browser has forgotten it, and with a copy of the cookie the code is used up.
    replayed = Browser(app)
    assert refused(replayed, query)
    replayed.client.set_cookie("avenue_oidc", cookie.value, domain=HOST, path=START)
    assert refused(replayed, query)

    real = oidc._now
    try:
        oidc._now = lambda: real().replace(year=2020)
        browser, query = begun()
    finally:
        oidc._now = real
    assert refused(browser, query)

    for next_, goes in (
        ("/admin/media?tag=a", "/admin/media?tag=a"),
        ("https://evil.example/", "/admin"),
        ("//evil.example", "/admin"),
        ("/%5Cevil.example", "/admin"),
    ):
        browser = Browser(app)
        asked = browser.client.get(START, base_url=BASE, query_string={"next": next_})
        query = provider.authorized(asked.headers["Location"], **person("sellers"))
        assert browser.back(query).headers["Location"] == goes


def assert_in_panel(answer: TestResponse) -> None:
    assert (answer.status_code, answer.headers.get("Location")) == (303, "/admin"), answer.text


def test_an_account_is_linked_by_a_verified_email_and_by_nothing_more(
    application: Application, app: Flask, provider: StandIn
) -> None:
    accounts, store = application.accounts, users(application)

    def known(role: Role | None, **more: Any) -> dict[str, Any]:
        told = person("pictures")
        roles = {DEFAULT_SITE: role} if role else {}
        accounts.add_user(told["email"], PASSWORD, roles={**roles, **more.pop("roles", {})}, **more)
        return told

    def tried(told: dict[str, Any], app: Flask = app) -> tuple[int, str]:
        browser = Browser(app)
        answer = browser.back(provider.authorized(browser.begin(), **told), "application/json")
        if answer.status_code != 303:
            assert browser.role is None
            return refusal(answer)
        return 303, str(browser.role)

    unverified, taken = (403, "oidc_email_unverified"), (409, "oidc_account_taken")
    editor = known(Role.EDITOR)
    for said in (False, "false", None, 0, "no", []):
        assert tried({**editor, "email_verified": said}) == unverified
        assert tried({**person("pictures"), "email_verified": said}) == unverified
    assert tried({**editor, "email": "no address"}) == unverified
    assert tried({**editor, "email": f"ｅ{editor['email'][1:]}"}) == unverified
    assert tried(known(Role.ADMIN)) == taken
    assert tried(known(Role.OPS)) == taken
    assert tried(known(None, superuser=True)) == taken
    assert tried(known(Role.EDITOR, roles={OTHER_SITE: Role.CLIENT})) == taken
    assert tried({**known(Role.ADMIN), "groups": ["admins"]}) == (303, "admin")
    assert tried({**editor, "email": editor["email"].upper()}) == (303, "editor")
    assert tried({**editor, "sub": "a-second-one"}) == taken  # the address of somebody else by now
    linked = store.user_by_email(editor["email"])
    assert linked
    assert linked.has_password
    assert ("user.linked", {"by": "oidc"}) in entries(application, linked)
    signed_in = {"email": editor["email"], "password": PASSWORD}
    client = FlaskClient(app)
    login = client.post("/api/auth/login", base_url=BASE, json=signed_in)
    assert login.status_code == 200

    # A password that an administrator has seen opens nothing any more (docs/adr/0014).
    seen = known(Role.EDITOR)
    application.raw["users"].update_one(
        {"email": seen["email"]}, {"$set": {"password_is_own": False}}
    )
    token = accounts.add_token(
        seen["email"], DEFAULT_SITE, name="x", scopes=frozenset(), days=1
    ).secret
    assert tried(seen) == (303, "editor")
    voided = {"email": seen["email"], "password": PASSWORD}
    assert client.post("/api/auth/login", base_url=BASE, json=voided).status_code == 401
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get(ME, base_url=BASE, headers=headers).status_code == 401

    # Nor does one that is made later, once another site is theirs, too.
    made = application.accounts.user_named(seen["email"])
    hashed = store.user_by_email(known(Role.ADMIN)["email"])
    assert hashed
    application.raw["users"].update_one(
        {"_id": made.id},
        {"$set": {"password_hash": hashed.password_hash, "password_is_own": False}},
    )
    assert tried(seen) == (303, "editor")
    assert client.post("/api/auth/login", base_url=BASE, json=voided).status_code == 200
    beyond = {name: SIGNED_IN[name] for name in ("second_factor", "passkeys")}
    application.raw["users"].update_one({"_id": made.id}, {"$set": beyond})
    elsewhere = Browser(app, OTHER_BASE)
    assert_in(elsewhere.sign_in(provider, **{**seen, "groups": ["pictures", "sellers"]}))
    assert elsewhere.role == "seller"
    assert client.post("/api/auth/login", base_url=BASE, json=voided).status_code == 401

    # By a setting, anybody; and nobody.
    any_, none = (app_with(application, provider, oidc_link=each) for each in ("any", "none"))
    superuser = {**known(None, superuser=True), "groups": ["admins"]}
    assert tried(superuser, none) == taken
    assert tried(superuser, any_) == (303, "admin")
    disabled = store.user_by_email(editor["email"])
    assert disabled
    accounts.set_disabled(editor["email"], disabled=True)
    assert tried(editor) == (403, "oidc_account_disabled")
    accounts.set_disabled(editor["email"], disabled=False)
    accounts.unlink(editor["email"])
    assert tried({**editor, "sub": "a-second-one"}) == (303, "editor")
    stranger = known(Role.EDITOR)
    accounts.set_disabled(stranger["email"], disabled=True)
    assert tried(stranger) == (403, "oidc_account_disabled")


def test_a_second_factor_is_asked_for_all_the_same(
    application: Application, provider: StandIn
) -> None:
    """In every setting but those by which the provider's own counts, and then only when it was."""
    apps = {
        each: app_with(
            application, provider, oidc_second_factor=each, second_factor_roles=("admin",)
        )
        for each in ("own", "amr", "provider")
    }
    mfa, pwd = {"amr": ["pwd", "mfa"]}, {"amr": ["pwd"]}

    # Who needs one and has none is led to set one up, and their word from the provider is enough
    # for that: they have no password.
    ada, page = person("admins"), "/admin/account/second-factor"
    for mode, said in (("own", mfa), ("own", {}), ("amr", pwd)):
        browser = Browser(apps[mode])
        assert_in(browser.sign_in(provider, **ada, **said))
        assert browser.get(ME, "application/json").json["code"] == "second_factor_setup_required"
    for mode, said in (("amr", mfa), ("provider", {})):
        browser = Browser(apps[mode])
        assert_in(browser.sign_in(provider, **ada, **said))
        assert browser.role == "admin"
    browser = Browser(apps["own"])
    assert_in(browser.sign_in(provider, **ada))
    form = browser.get(page)
    assert 'name="password"' not in form.text
    setup = form.text.partition('name="setup" value="')[2].partition('"')[0]
    secret = form.text.partition('class="key">')[2].partition("<")[0].replace(" ", "")
    totp = pyotp.TOTP(secret)
    typed = {"setup": setup, "otp": totp.now()}
    with browser.client.session_transaction(base_url=BASE) as session:
        at = session["by_provider_at"]
        session["by_provider_at"] = at - 3600
    late = browser.post(page, **typed)
    assert late.status_code == 401
    assert "again=1" in late.text
    with browser.client.session_transaction(base_url=BASE) as session:
        session["by_provider_at"] = at
    done = browser.post(page, **typed)
    assert done.status_code == 200, done.text
    assert browser.role == "admin"

    # Who has one is asked for it, and the provider's word alone is nobody.
    for mode, said in (("own", mfa), ("amr", pwd)):
        browser = Browser(apps[mode])
        answer = browser.sign_in(provider, **ada, **said)
        assert answer.headers["Location"] == "/login/second-factor"
        assert browser.role is None
        assert browser.post("/login/second-factor", otp="000000").status_code == 401
        assert browser.role is None
    code = totp.at(int(time.time()), counter_offset=1)
    assert_in(browser.post("/login/second-factor", otp=code))
    assert browser.role == "admin"
    for mode, said in (("amr", mfa), ("provider", {})):
        browser = Browser(apps[mode])
        assert_in(browser.sign_in(provider, **ada, **said))
        assert browser.role == "admin"


def test_a_provider_that_is_away_keeps_nobody_with_a_password_out(
    application: Application, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    application.new_person("bea")
    app = app_with(application, provider)
    provider.status = 503
    browser = Browser(app)
    page = browser.get(START)
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert 'name="password"' in page.text
    asked = len(provider.asked)
    assert refusal(browser.get(START, "application/json")) == (503, "oidc_unavailable")
    assert len(provider.asked) == asked  # for a moment it is not asked again
    answer = browser.post("/login", email=f"bea@{HOST}", password=PASSWORD)
    assert (answer.status_code, browser.role) == (303, "seller")

    monkeypatch.setattr("avenue.accounts.oidc.provider.TALK_SECONDS", 0.3)
    provider.be_honest()
    provider.goes_on = threading.Event()
    slow = Browser(app_with(application, provider)).get(START, "application/json")
    assert refusal(slow) == (503, "oidc_unavailable")
    monkeypatch.undo()

    # Away in between, and one that names what it must not.
    provider.be_honest()
    app = app_with(application, provider)
    browser = Browser(app)
    query = provider.authorized(browser.begin(), **person("sellers"))
    provider.status = 302
    asked = len(provider.asked)
    assert refusal(browser.back(query, "application/json")) == (503, "oidc_unavailable")
    assert len(provider.asked) == asked + 1
    provider.be_honest()
    for wrong in (
        {"issuer": "https://evil.example"},
        {"token_endpoint": f"http://localhost:{provider.port}/realms/shop/token"},
        {"token_endpoint": "ftp://127.0.0.1/token"},
        {"jwks_uri": "http://10.0.0.7/keys"},
        {"jwks_uri": None},
        {"more": "x" * 600_000},
    ):
        provider.metadata = wrong
        browser = Browser(app_with(application, provider))
        answer = browser.get(START, "application/json")
        if answer.status_code == 303:
            query = provider.authorized(answer.headers["Location"], **person("sellers"))
            answer = browser.back(query, "application/json")
        assert refusal(answer) == (503, "oidc_unavailable"), wrong


def test_keys_change_and_what_a_token_lacks_is_asked_for(
    application: Application, app: Flask, provider: StandIn
) -> None:
    before = provider.key
    try:
        app = app_with(application, provider)
        oidc: OidcService = app.extensions["avenue"][OidcService]
        assert_in(Browser(app).sign_in(provider, **person("sellers")))
        provider.key = Key("of-later")
        asked = provider.asked.count("/realms/shop/keys")
        browser = Browser(app)
        query = provider.authorized(browser.begin(), **person("sellers"))
        assert refusal(browser.back(query, "application/json")) == (401, "oidc_failed")
        assert provider.asked.count("/realms/shop/keys") == asked  # too soon after the last time
        own = oidc._provider
        assert own
        own._clock = lambda: time.monotonic() + 90
        asked = provider.asked.count("/realms/shop/.well-known/openid-configuration")
        Browser(app).begin()
        Browser(app).begin()
        again = provider.asked.count("/realms/shop/.well-known/openid-configuration")
        assert again == asked + 1
        eva = person("pictures")
        provider.elsewhere = {each: eva[each] for each in ("email", "email_verified", "groups")}
        browser = Browser(app)
        assert_in(browser.sign_in(provider, sub=eva["sub"]))
        assert browser.role == "editor"
    finally:
        provider.key = before


def test_it_is_there_where_groups_decide_and_not_too_often(
    application: Application, provider: StandIn
) -> None:
    app = app_with(
        application, provider, oidc_groups=("/las jefas=ops",), oidc_groups_claim="realm.roles"
    )
    browser = Browser(app)
    assert_in(browser.sign_in(provider, **person("admins", realm={"roles": ["/las jefas"]})))
    assert browser.role == "ops"
    other = Browser(app, OTHER_BASE)
    assert START not in other.get("/login").text
    for path in (START, BACK):
        assert other.get(path).status_code == 404
        assert Browser(application.app).get(path).status_code == 404
    # From another host to the one that the provider knows, once.
    www = f"www.{OTHER_HOST}"
    application.raw["sites"].update_one({"_id": OTHER_SITE}, {"$push": {"hosts": www}})
    moved = Browser(app_with(application, provider), f"https://{www}").get(f"{START}?next=/admin/a")
    there = f"{OTHER_BASE}{START}?next=%2Fadmin%2Fa&moved=1"
    assert (moved.status_code, moved.headers["Location"]) == (303, there)
    few = app_with(application, provider, max_logins_per_minute=1)
    browser = Browser(few)
    seen = [browser.get(BACK, "application/json").status_code for _ in range(11)]
    assert (seen[0], seen[-1]) == (401, 429)
    settings = replace(application.settings, oidc_client_secret=CLIENT_SECRET)
    assert CLIENT_SECRET not in repr(settings)


# A real provider


class Stay(urllib.request.HTTPRedirectHandler):
    """Goes where it is sent, but not away from the provider."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str):
        return (
            None
            if newurl.startswith(BASE)
            else super().redirect_request(req, fp, code, msg, headers, newurl)
        )


def signed_in_at(url: str, name: str) -> str:
    """Sign in on the provider's own pages, as a browser does; return what it brings back."""
    jar = urllib.request.HTTPCookieProcessor()
    opener = urllib.request.build_opener(Stay, jar)
    try:
        page = opener.open(url, timeout=DEADLINE_SECONDS)
        for form in ({"prompt": "login", "login": name, "password": "x"}, {"prompt": "consent"}):
            action = re.search(r'action="([^"]+)"', page.read().decode())
            assert action
            sent = urlencode(form).encode()
            page = opener.open(action[1], sent, timeout=DEADLINE_SECONDS)
    except urllib.error.HTTPError as away:
        return str(away.headers["Location"]).partition("?")[2]
    raise AssertionError("the provider sends nobody back")


@pytest.mark.needs("client packages")
def test_a_certified_provider(application: Application) -> None:
    port = free_port()
    client = (CLIENT_ID, CLIENT_SECRET, f"{BASE}{BACK}")
    with subprocess.Popen(
        ["node", str(REAL), str(port), *client], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        try:
            assert running.stdout
            assert running.stdout.readline() == b"ready\n"
            app = application.with_settings(
                oidc_issuer=f"http://127.0.0.1:{port}",
                oidc_client_id=CLIENT_ID,
                oidc_client_secret=CLIENT_SECRET,
                oidc_groups=GROUPS,
            )
            browser, name = Browser(app), unique("eva")
            query = signed_in_at(browser.begin("?next=/admin/account"), name)
            assert_in(browser.back(query))
            assert browser.role == "seller"
            # Its code is good once, and only with what the browser that began has kept.
            assert browser.back(query).status_code == 401
            stolen = signed_in_at(browser.begin(), name)
            other = Browser(app)
            other.begin()
            mixed = stolen.replace(
                query_of(f"?{stolen}")["state"][0], query_of(other.begin())["state"][0]
            )
            assert refusal(other.back(mixed, "application/json")) == (401, "oidc_failed")
            nobody = signed_in_at(other.begin(), "dan")
            assert refusal(other.back(nobody, "application/json")) == (403, "oidc_no_role")
        finally:
            running.terminate()
