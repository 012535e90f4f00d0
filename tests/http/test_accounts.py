"""`/api/auth/*` on a real database: signing in for a token, and what tokens may do."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from avenue.accounts.errors import EmailTaken
from avenue.accounts.passwords import made_password
from avenue.accounts.tries import sha256
from avenue.identity import Role, Site
from tests.http.accounts_app import (
    ADA,
    BEN,
    CYD,
    HERE,
    PASSWORD,
    THERE,
    Deployment,
    credentials,
    delete,
    get,
    open_deployment,
    post,
)
from tests.listening import recorded
from tests.table import table
from tests.threads import at_once

LOGIN, LOGOUT, ME, TOKENS = (f"/api/auth/{name}" for name in ("login", "logout", "me", "tokens"))


@pytest.fixture
def deployment(migrated_uri: str) -> Iterator[Deployment]:
    with open_deployment(migrated_uri) as deployment:
        yield deployment


@pytest.fixture
def bearer(deployment: Deployment) -> dict[str, str]:
    """The headers of somebody who signed in once."""
    return {"Authorization": deployment.token()}


def test_signing_in_gives_a_token_and_says_who_one_is(deployment: Deployment) -> None:
    answer = post(deployment.client(), LOGIN, json=credentials())
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    body = answer.json
    assert body.keys() == {"token", "expires_at", "user"}
    user = body["user"]
    assert user == {
        "id": user["id"],
        "email": ADA,
        "name": "Ada",
        "role": "admin",
        "superuser": False,
    }
    expires_at = datetime.fromisoformat(body["expires_at"])
    assert timedelta(days=29) < expires_at - datetime.now(UTC) <= timedelta(days=30)
    me = get(deployment.client(), ME, headers={"Authorization": f"Bearer {body['token']}"})
    assert me.json == {**user, "scopes": ["account", "read", "write"]}


def test_a_session_may_ask_who_it_is_too(deployment: Deployment) -> None:
    assert get(deployment.browser(BEN), ME).json["superuser"] is True


@pytest.fixture
def dan(deployment: Deployment) -> None:
    """Somebody who may not come in any more."""
    deployment.accounts.add_user("dan@shop.test", PASSWORD, roles={HERE.id: Role.OPS})
    deployment.accounts.set_disabled("dan@shop.test", disabled=True)


@pytest.mark.usefixtures("dan")
@table(
    "email, password, site",
    [
        (ADA, "wrong password", HERE),
        (ADA, "wrong", HERE),
        ("nobody@shop.test", PASSWORD, HERE),
        (CYD, PASSWORD, HERE),
        (ADA, PASSWORD, THERE),
        ("dan@shop.test", PASSWORD, HERE),
        ("no e-mail at all", PASSWORD, HERE),
        ("a\x7fb@shop.test", PASSWORD, HERE),
    ],
)
def test_all_who_do_not_get_in_see_the_same_after_one_check(
    deployment: Deployment, email: str, password: str, site: Site
) -> None:
    checks = deployment.hasher.checks
    with recorded(deployment.database.raw.name) as commands:
        answer = post(
            deployment.client(),
            LOGIN,
            site=site,
            json=credentials(email, password),
            headers={"Accept-Language": "en"},
        )
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    same = {name: value for name, value in answer.json.items() if name != "request_id"}
    assert same == {
        "success": 0,
        "error": "The email or the password is wrong.",
        "message": "The email or the password is wrong.",
        "code": "wrong_credentials",
        "status": 401,
        "hint": "Check both; a site administrator can set a new password.",
    }
    assert deployment.hasher.checks == checks + 1
    assert [next(iter(each)) for each in commands] == ["findAndModify", "findAndModify", "find"]


BAD_LOGINS = [
    {"email": {"$ne": None}, "password": {"$ne": None}},
    {"email": {"$ne": None}, "password": PASSWORD},
    {"email": {"$gt": ""}, "password": PASSWORD},
    {"email": [ADA], "password": PASSWORD},
    {"email": ADA, "password": {"$regex": ".*"}},
    {"email": ADA, "password": 12345678},
    {"email": ADA, "password": None},
    {"email": True, "password": PASSWORD},
    {"email": ADA},
    {"password": PASSWORD},
    {},
    {"email": ADA, "password": PASSWORD, "role": "admin"},
    {"email": "", "password": PASSWORD},
    {"email": "a" * 245 + "@shop.test", "password": PASSWORD},
    {"email": ADA, "password": "x" * 1025},
    {"email": "a\x00@shop.test", "password": PASSWORD},
    {"email": "\ud800@shop.test", "password": PASSWORD},
    [],
    "text",
    None,
]


@table("body", BAD_LOGINS)
def test_what_is_no_sign_in_is_refused_before_any_query(
    deployment: Deployment, body: object
) -> None:
    with recorded(deployment.database.raw.name) as commands:
        answer = post(deployment.client(), LOGIN, json=body)
    assert answer.status_code == 400
    assert answer.json["code"] == "invalid_body"
    assert commands == []
    assert deployment.hasher.checks == 0
    assert PASSWORD not in answer.text


@pytest.mark.long
def test_a_wrong_field_is_named(deployment: Deployment) -> None:
    answer = post(deployment.client(), LOGIN, json={"email": {"$ne": None}, "password": PASSWORD})
    assert [each["field"] for each in answer.json["fields"]] == ["email"]


def test_after_ten_tries_even_the_right_password_waits(deployment: Deployment) -> None:
    client = deployment.client()
    for _ in range(10):
        assert post(client, LOGIN, json=credentials(password="wrong one")).status_code == 401
    answer = post(client, LOGIN, json=credentials())
    assert answer.status_code == 429
    assert answer.json["code"] == "too_many_requests"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert deployment.hasher.checks == 10
    # Others, and the same person from elsewhere, are not concerned.
    assert post(client, LOGIN, json=credentials(BEN)).status_code == 200
    elsewhere = {"REMOTE_ADDR": "198.51.100.1"}
    assert post(client, LOGIN, json=credentials(), environ_base=elsewhere).status_code == 200


def test_an_email_is_not_readable_among_the_counters(deployment: Deployment) -> None:
    post(deployment.client(), LOGIN, json=credentials())
    counters = list(deployment.database.raw["rate_limits"].find())
    assert len(counters) == 2
    assert ADA not in str(counters)
    assert "127.0.0.1" not in str(counters)
    for guess in ("127.0.0.1", f"127.0.0.1 {ADA}"):
        assert sha256(guess) not in str(counters)


def test_the_database_keeps_neither_password_nor_token(deployment: Deployment) -> None:
    token = deployment.token().removeprefix("Bearer ")
    kept = str([list(deployment.database.raw[name].find()) for name in ("users", "api_tokens")])
    assert ADA in kept
    assert PASSWORD not in kept
    assert token not in kept
    assert token.removeprefix("av_") not in kept


def test_the_log_tells_nothing_about_people(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        token = deployment.token()
        get(deployment.client(), ME, headers={"Authorization": token + "x"})
        post(deployment.client(), LOGIN, json=credentials(password="wrong password"))
        browser = deployment.browser()
        cookie = browser.get_cookie("avenue_session", domain="shop.test")
        post(browser, "/logout", headers={"Origin": "https://evil.test"})
    assert cookie is not None
    for secret in (ADA, PASSWORD, "wrong password", token.removeprefix("Bearer "), cookie.value):
        assert secret not in caplog.text


def test_a_token_is_for_one_site(deployment: Deployment) -> None:
    token = deployment.token(BEN)
    assert get(deployment.client(), ME, headers={"Authorization": token}).status_code == 200
    answer = get(deployment.client(), ME, site=THERE, headers={"Authorization": token})
    assert answer.status_code == 401
    assert answer.json["code"] == "invalid_token"


def test_signing_out_ends_exactly_the_token_it_is_asked_with(deployment: Deployment) -> None:
    one, other = deployment.token(), deployment.token()
    browser = deployment.browser()
    answer = post(deployment.client(), LOGOUT, headers={"Authorization": one})
    assert (answer.status_code, answer.data) == (204, b"")
    assert get(deployment.client(), ME, headers={"Authorization": one}).status_code == 401
    assert get(deployment.client(), ME, headers={"Authorization": other}).status_code == 200
    assert get(browser, ME).status_code == 200
    assert post(deployment.client(), LOGOUT, headers={"Authorization": one}).status_code == 401


@pytest.mark.long
def test_a_token_that_may_only_read_can_still_be_signed_out(deployment: Deployment) -> None:
    token = create(deployment, scopes=["read"])
    assert post(deployment.client(), LOGOUT, headers={"Authorization": token}).status_code == 204
    assert get(deployment.client(), ME, headers={"Authorization": token}).status_code == 401


def test_signing_out_with_a_cookie_ends_that_session_and_no_token(deployment: Deployment) -> None:
    laptop, phone, token = deployment.browser(), deployment.browser(), deployment.token()
    kept = laptop.get_cookie("avenue_session", domain="shop.test")
    assert kept is not None
    assert get(deployment.with_cookie(kept.value), ME).status_code == 200
    answer = post(laptop, LOGOUT, headers={"Origin": HERE.base_url})
    assert answer.status_code == 204
    assert laptop.get_cookie("avenue_session", domain="shop.test") is None
    assert get(deployment.with_cookie(kept.value), ME).status_code == 401
    assert get(phone, ME).status_code == 200
    assert get(deployment.client(), ME, headers={"Authorization": token}).status_code == 200


@pytest.mark.parametrize("what", ["new password", "disabled"])
def test_a_new_password_and_disabling_end_everything_at_once(
    deployment: Deployment, what: str
) -> None:
    browser, signed, named = (
        deployment.browser(),
        deployment.token(),
        create(deployment, scopes=["read"]),
    )
    others = deployment.token(BEN)
    if what == "new password":
        deployment.accounts.change_password(ADA, made_password())
    else:
        deployment.accounts.set_disabled(ADA, disabled=True)
    assert get(browser, ME).status_code == 401
    for token in (signed, named):
        assert get(deployment.client(), ME, headers={"Authorization": token}).status_code == 401
    assert get(deployment.client(), ME, headers={"Authorization": others}).status_code == 200
    assert post(deployment.client(), LOGIN, json=credentials()).status_code == 401


def test_an_expired_token_is_no_good(deployment: Deployment) -> None:
    token = deployment.token()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    deployment.database.raw["api_tokens"].update_one({}, {"$set": {"expires_at": yesterday}})
    assert get(deployment.client(), ME, headers={"Authorization": token}).status_code == 401


def create(deployment: Deployment, **body: object) -> str:
    answer = post(
        deployment.client(),
        TOKENS,
        json={"name": "app", **body},
        headers={"Authorization": deployment.token()},
    )
    assert answer.status_code == 201
    return f"Bearer {answer.json['token']}"


def test_the_secret_of_a_new_token_is_shown_once(deployment: Deployment) -> None:
    headers = {"Authorization": deployment.token()}
    body = {"name": "Mi app", "scopes": ["write", "read"], "days": 7}
    made = post(deployment.client(), TOKENS, json=body, headers=headers)
    assert made.status_code == 201
    told = {"id", "name", "scopes", "created_at", "expires_at", "last_used_on", "device"}
    assert made.json.keys() == {*told, "token"}
    assert made.json["name"] == "Mi app"
    assert made.json["scopes"] == ["read", "write"]
    lasts = datetime.fromisoformat(made.json["expires_at"]) - datetime.fromisoformat(
        made.json["created_at"]
    )
    assert lasts == timedelta(days=7)
    listed = get(deployment.client(), TOKENS, headers=headers)
    assert listed.json.keys() == {"items", "next", "total"}
    shown = {name: value for name, value in made.json.items() if name != "token"}
    assert shown in listed.json["items"]
    assert made.json["token"] not in listed.text
    assert get(
        deployment.client(), ME, headers={"Authorization": f"Bearer {made.json['token']}"}
    ).json["scopes"] == ["read", "write"]


@pytest.mark.parametrize(
    "made_at",
    [
        pytest.param({}, marks=pytest.mark.long),
        {"created_at": datetime(2030, 1, 1, tzinfo=UTC)},
    ],
)
def test_tokens_are_listed_in_pages(deployment: Deployment, made_at: dict[str, datetime]) -> None:
    """In `make test` all of them were made in the same millisecond."""
    headers = {"Authorization": deployment.token()}
    for number in range(4):
        body = {"name": f"{number}", "scopes": ["read"]}
        post(deployment.client(), TOKENS, json=body, headers=headers)
    deployment.token(BEN)
    deployment.database.raw["api_tokens"].update_many(
        {}, {"$set": {"scopes": ["account"], **made_at}}
    )
    seen: list[str] = []
    path: str | None = f"{TOKENS}?limit=2"
    while path:
        page = get(deployment.client(), path, headers=headers).json
        assert page["total"] == 5
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        path = f"{TOKENS}?limit=2&after={page['next']}" if page["next"] else None
    assert len(seen) == len(set(seen)) == 5


@table("query", ["limit=0", "limit=101", "limit=x", "after=x", "after[$ne]=1&after=-"])
def test_a_page_that_cannot_be_is_refused(
    deployment: Deployment, bearer: dict[str, str], query: str
) -> None:
    assert get(deployment.client(), f"{TOKENS}?{query}", headers=bearer).status_code == 400


@table(
    "body",
    [
        {},
        {"name": "x"},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["all"]},
        {"name": "x", "scopes": ["READ"]},
        {"name": "x", "scopes": "read"},
        {"name": "x", "scopes": {"$in": ["read"]}},
        {"name": "x", "scopes": ["read"] * 4},
        {"name": "", "scopes": ["read"]},
        {"name": "x" * 201, "scopes": ["read"]},
        {"name": {"$ne": None}, "scopes": ["read"]},
        {"name": "x", "scopes": ["read"], "days": 0},
        {"name": "x", "scopes": ["read"], "days": 3651},
        {"name": "x", "scopes": ["read"], "days": "7"},
        {"name": "x", "scopes": ["read"], "days": 1.5},
        {"name": "x", "scopes": ["read"], "days": True},
        {"name": "x", "scopes": ["read"], "site": "other"},
    ],
)
def test_what_is_no_token_is_refused(
    deployment: Deployment, bearer: dict[str, str], body: dict[str, object]
) -> None:
    tokens = deployment.database.raw["api_tokens"]
    before = tokens.count_documents({})
    answer = post(deployment.client(), TOKENS, json=body, headers=bearer)
    assert answer.status_code == 400
    assert answer.json["code"] == "invalid_body"
    assert tokens.count_documents({}) == before


def test_a_token_cannot_make_a_stronger_one(deployment: Deployment) -> None:
    headers = {"Authorization": create(deployment, scopes=["account", "read"])}
    answer = post(
        deployment.client(),
        TOKENS,
        json={"name": "x", "scopes": ["read", "write"]},
        headers=headers,
    )
    assert answer.status_code == 403
    assert answer.json["code"] == "scope_not_yours"
    assert answer.json["scopes"] == ["write"]
    same = {"name": "x", "scopes": ["account", "read"]}
    assert post(deployment.client(), TOKENS, json=same, headers=headers).status_code == 201


def test_a_revoked_token_ends_at_once(deployment: Deployment) -> None:
    token = create(deployment, scopes=["read", "account"])
    items = get(deployment.client(), TOKENS, headers={"Authorization": token}).json["items"]
    named = next(item["id"] for item in items if item["name"] == "app")
    mine = {"Authorization": deployment.token()}
    assert delete(deployment.client(), f"{TOKENS}/{named}", headers=mine).status_code == 204
    assert get(deployment.client(), ME, headers={"Authorization": token}).status_code == 401
    assert delete(deployment.client(), f"{TOKENS}/{named}", headers=mine).status_code == 404


def test_tokens_of_others_and_of_other_sites_are_not_there(deployment: Deployment) -> None:
    headers = {"Authorization": deployment.token(BEN)}
    made = post(
        deployment.client(), TOKENS, json={"name": "x", "scopes": ["read"]}, headers=headers
    ).json
    path = f"{TOKENS}/{made['id']}"
    somebody = {"Authorization": deployment.token(ADA)}
    assert delete(deployment.client(), path, headers=somebody).status_code == 404
    ben_there = {"Authorization": deployment.token(BEN, THERE)}
    answer = delete(deployment.client(), path, site=THERE, headers=ben_there)
    assert answer.status_code == 404
    assert answer.json["code"] == "token_not_found"
    items = get(deployment.client(), TOKENS, site=THERE, headers=ben_there).json["items"]
    assert made["id"] not in [item["id"] for item in items]
    assert (
        get(
            deployment.client(), ME, headers={"Authorization": f"Bearer {made['token']}"}
        ).status_code
        == 200
    )


@table(
    "method, path",
    [
        ("POST", LOGOUT),
        ("GET", ME),
        ("GET", TOKENS),
        ("POST", TOKENS),
        ("DELETE", f"{TOKENS}/{'x' * 22}"),
    ],
)
def test_nobody_is_told_to_sign_in(deployment: Deployment, method: str, path: str) -> None:
    answer = deployment.client().open(path, method=method, base_url=HERE.base_url, json={})
    assert answer.status_code == 401
    assert answer.json["code"] == "unauthenticated"


@pytest.fixture
def without_account(deployment: Deployment) -> dict[str, str]:
    """The headers of a token that may do all but change what is the person's own."""
    return {"Authorization": create(deployment, scopes=["read", "write"])}


@table("method, path", [("GET", TOKENS), ("POST", TOKENS), ("DELETE", f"{TOKENS}/{'x' * 22}")])
def test_tokens_need_the_scope_account(
    deployment: Deployment, without_account: dict[str, str], method: str, path: str
) -> None:
    answer = deployment.client().open(
        path, method=method, base_url=HERE.base_url, json={}, headers=without_account
    )
    assert answer.status_code == 403
    assert answer.json["code"] == "insufficient_scope"


def test_of_many_who_add_the_same_person_one_does(deployment: Deployment) -> None:
    outcomes: list[str] = []

    def add(_: int) -> None:
        try:
            deployment.accounts.add_user("eve@shop.test", PASSWORD, roles={})
            outcomes.append("added")
        except EmailTaken:
            outcomes.append("taken")

    at_once(8, add)
    assert sorted(outcomes) == ["added"] + ["taken"] * 7
    assert deployment.database.raw["users"].count_documents({"email": "eve@shop.test"}) == 1


def test_there_is_one_first_administrator(deployment: Deployment) -> None:
    assert deployment.accounts.first_administrator("default", email=None, password=None) is None
    deployment.database.raw["users"].delete_many({})
    new = deployment.accounts.first_administrator("default", email=None, password=None)
    assert new is not None
    assert new.made_password is not None
    answer = post(
        deployment.client(), LOGIN, json=credentials("admin@localhost", new.made_password)
    )
    assert answer.json["user"]["superuser"] is True
    assert [user.email for user in deployment.accounts.users()] == ["admin@localhost"]
