"""Who asks is found out from a Bearer token or a session, late, and not for forged requests."""

import re
from collections.abc import Callable

import pytest
from flask import Flask, jsonify, session
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from avenue.config import Settings
from avenue.identity import Actor, Role, Scope, Site
from avenue.web import assets, auth, csrf, hosts, language, problems, site_frame, stylesheet
from avenue.web.auth import begin_session, current_actor, drop_session, require
from avenue.web.hosts import current_site
from tests.table import table

HERE = Site(id="default", hosts=(), base_url="https://shop.test", name="Zapatos")
# Its site id has a dot, as the parts of a session do.
THERE = Site(id="other.site", hosts=(), base_url="http://other.test:8080", name="Other")
SITES = {"shop.test": HERE, "www.shop.test": HERE, "other.test:8080": THERE}
SETTINGS = Settings(local=True, secret_key="k" * 40, public_base_url=HERE.base_url)
ALL = frozenset(Scope)


class Sites:
    def by_host(self, host: str) -> Site | None:
        return SITES.get(host)


class Door:
    """Knows tokens that say who they are: `<site>/<role>/<scope>,<scope>`; ana has a session."""

    def __init__(self) -> None:
        self.asked = 0
        self.session = "s7"

    def by_token(self, site: Site, token: str, *, agent: str = "") -> Actor | None:
        self.asked += 1
        if token.count("/") != 2:
            return None
        at, role, scopes = token.split("/")
        if at != site.id:
            return None
        return Actor(
            site=site, id="ben", role=Role(role), scopes=frozenset(map(Scope, scopes.split(",")))
        )

    def by_session(
        self, site: Site, user_id: str, session_id: str, *, agent: str = ""
    ) -> Actor | None:
        self.asked += 1
        if (user_id, session_id) != ("ana", self.session):
            return None
        return Actor(site=site, id="ana", role=Role.SELLER)


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def app(door: Door) -> Flask:
    app = Flask("avenue", static_folder=None)
    hosts.install(app, Sites(), SETTINGS)
    language.install(app)
    assets.install(app)
    problems.install(app)
    site_frame.install(app)
    stylesheet.install(app)
    auth.install(app, door, SETTINGS)

    def who() -> object:
        return jsonify(current_actor().id)

    @app.post("/sign-in")
    def sign_in() -> object:
        begin_session(Actor(site=current_site(), id="ana", role=Role.SELLER), "s7")
        assert "csrf_token" in session
        return csrf.generate_csrf()

    @app.post("/sign-out")
    def sign_out() -> object:
        drop_session()
        return who()

    def public() -> str:
        return "picture"

    routes: dict[str, Callable[[], object]] = {
        "/api/public": public,
        "/api/who": who,
        "/api/anybody": require()(who),
        "/api/editors": require(Role.EDITOR)(who),
        "/api/sellers": require(Role.SELLER, Role.EDITOR)(who),
        "/api/reading": require(scope=Scope.READ)(who),
        "/api/account": require(scope=Scope.ACCOUNT)(who),
    }
    for path, view in routes.items():
        app.add_url_rule(path, path, view, methods=["GET", "POST", "DELETE"])  # type: ignore[arg-type]
    return app


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def call(client: FlaskClient, path: str, method: str = "GET", **headers: str) -> TestResponse:
    return client.open(
        path,
        method=method,
        base_url="https://shop.test",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def signed_in(client: FlaskClient) -> str:
    """Sign ana in and return her CSRF token."""
    return call(client, "/sign-in", "POST").text


def bearer(role: str = "seller", scopes: str = "read,write,account", site: str = "default") -> str:
    return f"Bearer {site}/{role}/{scopes}"


@pytest.mark.parametrize("path", ["/api/public", "/api/nothing-there", "/healthz"])
def test_what_nobody_needs_to_be_known_for_costs_no_question(
    browser: FlaskClient, door: Door, path: str
) -> None:
    signed_in(browser)
    answer = call(browser, path)
    call(browser, path, Authorization=bearer())
    assert door.asked == 0
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert "Set-Cookie" not in answer.headers


def test_paths_of_no_site_ask_for_no_proof(browser: FlaskClient) -> None:
    signed_in(browser)
    assert call(browser, "/healthz", "POST").status_code == 404


def test_an_actor_is_asked_for_once(browser: FlaskClient, door: Door) -> None:
    assert call(browser, "/api/sellers", Authorization=bearer()).json == "ben"
    assert door.asked == 1


@table(
    "header, status, who",
    [
        (None, 200, None),
        ("", 200, None),
        ("Basic YTpi", 200, None),
        (bearer(), 200, "ben"),
        (bearer().replace("Bearer", "bEARER"), 200, "ben"),
        (bearer().replace(" ", "   "), 200, "ben"),
        (bearer(site="other.site"), 401, None),
        ("Bearer", 401, None),
        ("Bearer ", 401, None),
        ("Bearer av_unknown", 401, None),
        ("Bearer a=b, c=d", 401, None),
        ("Bearer ñ\xff", 401, None),
    ],
)
def test_the_authorization_header_says_who_asks(
    browser: FlaskClient, header: str | None, status: int, who: str | None
) -> None:
    answer = call(browser, "/api/who", **({} if header is None else {"Authorization": header}))
    assert answer.status_code == status
    if status == 200:
        assert answer.json == who
    else:
        assert answer.json["code"] == "invalid_token"
        # RFC 6750 section 3.1
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_with_a_token_the_session_is_not_looked_at(browser: FlaskClient) -> None:
    signed_in(browser)
    assert call(browser, "/api/who").json == "ana"
    assert call(browser, "/api/who", Authorization=bearer()).json == "ben"
    assert call(browser, "/api/who", Authorization="Bearer bad").status_code == 401
    evil = "https://evil.test"
    answer = call(browser, "/api/who", "POST", Authorization=bearer(), Origin=evil)
    assert answer.json == "ben"


ROLES = [
    # path, method, Authorization, status, code
    ("/api/anybody", "GET", None, 401, "unauthenticated"),
    ("/api/editors", "POST", None, 401, "unauthenticated"),
    ("/api/anybody", "GET", bearer("client"), 200, None),
    ("/api/editors", "GET", bearer("seller"), 403, "forbidden"),
    ("/api/editors", "GET", bearer("ops"), 403, "forbidden"),
    ("/api/editors", "GET", bearer("editor"), 200, None),
    ("/api/editors", "GET", bearer("admin"), 200, None),
    ("/api/sellers", "GET", bearer("seller"), 200, None),
    ("/api/sellers", "GET", bearer("editor"), 200, None),
    ("/api/sellers", "GET", bearer("client"), 403, "forbidden"),
    ("/api/anybody", "GET", bearer(scopes="write"), 403, "insufficient_scope"),
    ("/api/anybody", "GET", bearer(scopes="read"), 200, None),
    ("/api/anybody", "POST", bearer(scopes="read"), 403, "insufficient_scope"),
    ("/api/anybody", "DELETE", bearer(scopes="read,account"), 403, "insufficient_scope"),
    ("/api/anybody", "POST", bearer(scopes="write"), 200, None),
    ("/api/reading", "POST", bearer(scopes="read"), 200, None),
    ("/api/account", "GET", bearer(scopes="read,write"), 403, "insufficient_scope"),
    ("/api/account", "POST", bearer(scopes="account"), 200, None),
    ("/api/account", "GET", bearer("admin", scopes="read"), 403, "insufficient_scope"),
]


@table("path, method, header, status, code", ROLES)
def test_a_route_says_who_may_use_it(
    browser: FlaskClient, path: str, method: str, header: str | None, status: int, code: str | None
) -> None:
    headers = {"Authorization": header} if header else {}
    answer = call(browser, path, method, **headers)
    assert answer.status_code == status
    if code:
        assert answer.json["code"] == code
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"  # RFC 9110 section 15.5.2


def test_a_missing_scope_is_named(browser: FlaskClient) -> None:
    answer = call(browser, "/api/account", Authorization=bearer(scopes="read"))
    assert answer.json["scope"] == "account"
    assert (
        answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="account"'
    )


def test_a_session_may_do_everything_its_role_may(browser: FlaskClient) -> None:
    signed_in(browser)
    assert call(browser, "/api/account").json == "ana"
    assert call(browser, "/api/sellers").json == "ana"
    assert call(browser, "/api/editors").status_code == 403


@pytest.mark.parametrize(
    ("base_url", "secure"), [("https://shop.test", True), ("http://shop.test", False)]
)
def test_the_cookie_is_for_our_server_only(door: Door, base_url: str, secure: bool) -> None:
    app = Flask("avenue", static_folder=None)
    settings = Settings(local=True, secret_key="k" * 40, public_base_url=base_url, session_days=3)
    hosts.install(app, Sites(), settings)
    auth.install(app, door, settings)

    @app.post("/sign-in")
    def sign_in() -> str:
        begin_session(Actor(site=current_site(), id="ana"), "s7")
        return ""

    answer = call(app.test_client(), "/sign-in", "POST")
    cookie = answer.headers["Set-Cookie"]
    assert re.match(r"avenue_session=\S+; Expires=[^;]+GMT;", cookie)
    parts = {part.strip() for part in cookie.split(";")[2:]}
    assert parts == {"HttpOnly", "Path=/", "SameSite=Lax"} | ({"Secure"} if secure else set())
    assert app.permanent_session_lifetime.days == 3


def test_a_session_that_has_ended_is_dropped(browser: FlaskClient, door: Door) -> None:
    signed_in(browser)
    door.session = "s8"
    answer = call(browser, "/api/anybody")
    assert answer.status_code == 401
    assert browser.get_cookie("avenue_session", domain="shop.test") is None


def test_a_session_of_another_site_is_nobodys(browser: FlaskClient, door: Door) -> None:
    signed_in(browser)
    cookie = browser.get_cookie("avenue_session", domain="shop.test")
    assert cookie is not None
    browser.set_cookie("avenue_session", cookie.value, domain="other.test")
    answer = browser.get("/api/anybody", base_url="http://other.test:8080")
    assert answer.status_code == 401
    assert door.asked == 0


def test_a_session_works_on_a_site_with_a_dot_in_its_id(browser: FlaskClient) -> None:
    browser.post("/sign-in", base_url="http://other.test:8080")
    assert browser.get("/api/anybody", base_url="http://other.test:8080").json == "ana"


@pytest.mark.parametrize(
    "cookie",
    [
        "avenue_session=",
        "avenue_session=rubbish",
        "avenue_session=eyJfdXNlcl9pZCI6ImFuYS43LmRlZmF1bHQifQ.aaaaaa.bbbbbb",
        "avenue_session=\xff; remember_token=ana|00",
        "remember_token=ana.7.default|" + "0" * 128,
    ],
)
def test_a_made_up_cookie_is_nobodys(app: Flask, door: Door, cookie: str) -> None:
    client = app.test_client(use_cookies=False)  # or it would send its own, none
    assert call(client, "/api/who", Cookie=cookie).json is None
    assert call(client, "/api/anybody", Cookie=cookie).status_code == 401
    assert door.asked == 0


def test_signing_in_begins_a_new_session(browser: FlaskClient) -> None:
    """Session fixation: what somebody planted before signing in is worth nothing after."""
    before = signed_in(browser)
    planted = browser.get_cookie("avenue_session", domain="shop.test")
    after = signed_in_again(browser)
    assert planted != browser.get_cookie("avenue_session", domain="shop.test")
    assert call(browser, "/api/who", "POST", X_CSRF_Token=before).status_code == 403
    assert call(browser, "/api/who", "POST", X_CSRF_Token=after).json == "ana"


def signed_in_again(client: FlaskClient) -> str:
    return call(client, "/sign-in", "POST", Sec_Fetch_Site="same-origin").text


def test_a_session_is_not_written_again_and_so_not_lengthened(
    app: Flask, browser: FlaskClient
) -> None:
    app.add_url_rule("/page", "page", csrf.generate_csrf)
    signed_in(browser)
    before = browser.get_cookie("avenue_session", domain="shop.test")
    page = call(browser, "/page")
    assert "Set-Cookie" not in page.headers
    assert before == browser.get_cookie("avenue_session", domain="shop.test")
    assert call(browser, "/api/who", "POST", X_CSRF_Token=page.text).json == "ana"


def test_dropping_a_session_takes_the_cookie_and_the_actor(browser: FlaskClient) -> None:
    token = signed_in(browser)
    assert call(browser, "/sign-out", "POST", X_CSRF_Token=token).json is None
    assert browser.get_cookie("avenue_session", domain="shop.test") is None


OWN = "https://shop.test"
EVIL = "https://evil.test"
CSRF = [
    # with the token?, headers, passes?
    (False, {}, False),
    (True, {}, True),
    (False, {"Origin": OWN}, True),
    (False, {"Origin": "https://shop.test:443"}, True),
    (False, {"Origin": "HTTPS://SHOP.TEST"}, True),
    (False, {"Origin": "http://shop.test"}, False),
    (False, {"Origin": "https://shop.test:8443"}, False),
    (False, {"Origin": "https://shop.test.evil.test"}, False),
    (False, {"Origin": "https://evilshop.test"}, False),
    (False, {"Origin": "https://other.test"}, False),
    (False, {"Origin": "https://shop.test, https://evil.test"}, False),
    (False, {"Origin": "https://shop.test:port"}, False),
    (False, {"Origin": "https://["}, False),
    (False, {"Origin": "rubbish"}, False),
    (False, {"Origin": EVIL}, False),
    (True, {"Origin": EVIL}, False),
    (True, {"Origin": "rubbish"}, False),
    (False, {"Origin": EVIL, "Sec-Fetch-Site": "same-origin"}, False),
    (False, {"Origin": "null"}, False),
    (True, {"Origin": "null"}, True),
    (False, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}, True),
    (True, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}, False),
    (False, {"Sec-Fetch-Site": "same-origin"}, True),
    (False, {"Sec-Fetch-Site": "none"}, False),
    (True, {"Sec-Fetch-Site": "none"}, True),
    (False, {"Sec-Fetch-Site": "same-site"}, False),
    (True, {"Sec-Fetch-Site": "same-site"}, False),
    (True, {"Sec-Fetch-Site": "cross-site"}, False),
    (False, {"Referer": "https://shop.test/page"}, False),
    (False, {"X-CSRF-Token": ""}, False),
    (False, {"X-CSRF-Token": "rubbish"}, False),
    (False, {"X-CSRF-Token": "ñ\xff"}, False),
    (False, {"X-CSRF-Token": "rubbish", "Origin": OWN}, True),
]


@table("method", ["POST", "DELETE"])
@table("with_token, headers, passes", CSRF)
def test_a_changing_request_with_a_cookie_shows_that_it_comes_from_our_page(
    app: Flask, method: str, with_token: bool, headers: dict[str, str], passes: bool
) -> None:
    browser = app.test_client()
    token = signed_in(browser)
    sent = {**headers, **({"X-CSRF-Token": token} if with_token else {})}
    answer = call(browser, "/api/public", method, **sent)
    assert answer.status_code == (200 if passes else 403)
    if not passes:
        assert answer.json["code"] == "csrf_failed"
        assert answer.json["hint"]


@table("with_token, headers, passes", CSRF)
def test_reading_and_callers_without_a_session_need_no_proof(
    app: Flask, with_token: bool, headers: dict[str, str], passes: bool
) -> None:
    somebody, nobody = app.test_client(), app.test_client()
    signed_in(somebody)
    assert call(somebody, "/api/who", **headers).json == "ana"
    assert call(nobody, "/api/who", "POST", **headers).status_code == 200


def test_the_token_of_somebody_else_is_no_proof(app: Flask) -> None:
    mine, theirs = app.test_client(), app.test_client()
    signed_in(mine)
    assert call(mine, "/api/who", "POST", X_CSRF_Token=signed_in(theirs)).status_code == 403


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/x-www-form-urlencoded", b"csrf_token=%b", 200),
        ("application/x-www-form-urlencoded; charset=utf-8", b"a=b&csrf_token=%b", 200),
        ("application/x-www-form-urlencoded", b"csrf_token=x%b", 403),
        ("text/plain", b"csrf_token=%b", 403),
        # A form with files is streamed by its route; it proves itself by header or origin.
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n%b\r\n--b--\r\n',
            403,
        ),
    ],
)
def test_a_form_carries_its_token_in_a_field(
    browser: FlaskClient, content_type: str, body: bytes, status: int
) -> None:
    token = signed_in(browser).encode()
    answer = browser.post(
        "/api/who",
        base_url="https://shop.test",
        data=body.replace(b"%b", token),
        content_type=content_type,
    )
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        # Another host of the site: its pages are ours too.
        ("https://www.shop.test", "https://www.shop.test", 200),
        ("http://www.shop.test", "https://www.shop.test", 200),  # a proxy ends TLS
        ("http://www.shop.test", "http://www.shop.test", 403),  # anybody on the way writes http
        ("https://www.shop.test", "https://shop.test", 200),
        ("https://www.shop.test", "https://evil.test", 403),
        ("http://other.test:8080", "http://other.test:8080", 200),
        ("http://other.test:8080", "http://other.test", 403),
        ("http://other.test:8080", "http://shop.test", 403),
    ],
)
def test_an_own_origin_is_that_of_the_site_or_of_the_host_asked(
    browser: FlaskClient, host: str, origin: str, status: int
) -> None:
    browser.post("/sign-in", base_url=host)
    answer = browser.post("/api/who", base_url=host, headers={"Origin": origin})
    assert answer.status_code == status


def test_a_csrf_token_lasts_as_long_as_its_session(app: Flask) -> None:
    assert app.config["WTF_CSRF_TIME_LIMIT"] is None
