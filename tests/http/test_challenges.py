"""A challenge on the forms and in the API, over a real database: after some failures."""

import html
import itertools
import re
from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from avenue.accounts.challenges import Challenges, is_solved
from avenue.accounts.tries import sha256
from avenue.web.headers import PAGE_POLICY
from tests.http.accounts_app import (
    ADA,
    BEN,
    HERE,
    PASSWORD,
    THERE,
    Deployment,
    credentials,
    get,
    make_app,
    open_deployment,
    post,
)

LOGIN = "/api/auth/login"
BITS = 10
ATTACKER = {"environ_base": {"REMOTE_ADDR": "198.51.100.9"}}
ORIGIN = {"Origin": HERE.base_url}


def answer_to(challenge: Mapping[str, Any]) -> str:
    """What a program does with `challenge` of a 403."""
    numbers = map(str, itertools.count())
    salt, bits = challenge["salt"], challenge["difficulty"]
    return f"{challenge['token']}:{next(each for each in numbers if is_solved(salt, each, bits))}"


def field_of(page: TestResponse) -> dict[str, str]:
    """What the script of the page sends along."""
    tag = re.search(r"<input[^>]*challenge_response[^>]*>", page.text)
    assert tag, page.text
    found = {k: html.unescape(v) for k, v in re.findall(r'data-(\w+)="([^"]*)"', tag[0])}
    return {"challenge_response": answer_to({**found, "difficulty": int(found["difficulty"])})}


def sign_in(deployment: Deployment | FlaskClient, answer: str = "", **more: Any) -> TestResponse:
    client = deployment if isinstance(deployment, FlaskClient) else deployment.client()
    typed = credentials(more.pop("email", ADA), more.pop("password", PASSWORD))
    return post(client, LOGIN, json=typed, headers={"Challenge-Response": answer}, **more)


def test_somebody_whose_account_is_attacked_gets_in_with_a_solved_challenge(
    migrated_uri: str,
) -> None:
    with open_deployment(migrated_uri, challenge="pow", challenge_bits=BITS) as deployment:
        for _ in range(5):
            assert sign_in(deployment, password="guess", **ATTACKER).status_code == 401
        refused = sign_in(deployment)
        assert (refused.status_code, refused.json["code"]) == (403, "challenge_required")
        assert 0 < refused.json["retry_after_seconds"] <= 15 * 60
        challenge = refused.json["challenge"]
        assert set(challenge) == {"kind", "token", "salt", "difficulty"}

        # By another process, which has the same SECRET_KEY and database.
        services = deployment.app.extensions["avenue"].values()
        beside = make_app(*services).test_client()  # type: ignore[misc]
        elsewhere = sign_in(deployment, answer_to(challenge), site=THERE, email=BEN)
        assert elsewhere.status_code == 200  # nobody has guessed at that account
        wrong_site = sign_in(deployment, answer_to(challenge), site=THERE)
        assert wrong_site.json["code"] == "challenge_failed"
        answer = answer_to(challenge)
        assert sign_in(beside, answer).status_code == 200
        for each in (deployment.client(), beside):
            again = sign_in(each, answer)
            assert (again.status_code, again.json["code"]) == (403, "challenge_failed")
        # Each further guess costs the attacker a challenge, before the password is looked at.
        checks = deployment.hasher.checks
        assert sign_in(deployment, password="guess", **ATTACKER).status_code == 403
        assert deployment.hasher.checks == checks
        kept = [*deployment.database.raw["rate_limits"].find()]
        assert not any("ada" in str(each) or "198.51" in str(each) for each in kept)
        guesses = [f"address {ATTACKER['environ_base']['REMOTE_ADDR']}", f"account {ADA}"]
        assert not any(sha256(each) in str(kept) for each in guesses)


def test_the_forms_bring_the_challenge_along_when_it_is_needed(migrated_uri: str) -> None:
    with open_deployment(migrated_uri, challenge="pow", challenge_bits=BITS) as deployment:
        client = deployment.client()
        assert "challenge_response" not in get(client, "/login").text
        for _ in range(5):
            page = post(client, "/login", data=credentials(password="guess"), headers=ORIGIN)
            assert page.status_code == 401
        assert "challenge_response" in get(client, "/login").text
        bare = post(client, "/login", data=credentials(), headers=ORIGIN)
        assert bare.status_code == 403
        assert "<noscript>" in bare.text
        assert "dentro de 15 min" in bare.text
        assert bare.headers["Content-Security-Policy"] == PAGE_POLICY
        for old in (page, bare):  # the one that came with the last failure is good as well
            data = {**credentials(), **field_of(old)}
            assert post(client, "/login", data=data, headers=ORIGIN).status_code == 303

        client, asked = deployment.client(), {"email": "nobody@shop.test"}
        for _ in range(5):
            assert post(client, "/login/forgotten", data=asked, headers=ORIGIN).status_code == 200
        bare = post(client, "/login/forgotten", data=asked, headers=ORIGIN)
        assert bare.status_code == 403
        assert len(deployment.emails) == 5
        data = {**asked, **field_of(bare)}
        for expected in (200, 403):
            sent = post(client, "/login/forgotten", data=data, headers=ORIGIN)
            assert sent.status_code == expected
        assert len(deployment.emails) == 6


@pytest.mark.parametrize("kind", ["turnstile", "hcaptcha"])
def test_only_a_page_that_shows_a_widget_lets_its_service_in(migrated_uri: str, kind: str) -> None:
    keys = {"challenge_site_key": "0x4-the-site", "challenge_secret": "0x4-the-s3cret"}
    with open_deployment(migrated_uri, challenge=kind, challenge_after=1, **keys) as deployment:
        client = deployment.client()
        before = get(client, "/login")
        assert before.headers["Content-Security-Policy"] == PAGE_POLICY
        sign_in(client, password="guess")
        page, refused = get(client, "/login"), sign_in(client)
        assert refused.json["challenge"] == {
            "kind": kind,
            "site_key": "0x4-the-site",
            "action": "login",
        }
        own = {"turnstile": "https://challenges.cloudflare.com", "hcaptcha": "https://hcaptcha.com"}
        policy = page.headers["Content-Security-Policy"]
        assert f"frame-src {own[kind]}" in policy
        assert not any(each in policy for name, each in own.items() if name != kind)
        assert "default-src 'none'" in policy
        for each in (page.text, refused.text, str(vars(using_of(deployment)))):
            assert "s3cret" not in each
        assert 'data-sitekey="0x4-the-site"' in page.text


def using_of(deployment: Deployment) -> Challenges:
    found = deployment.app.extensions["avenue"][Challenges]
    assert isinstance(found, Challenges)
    return found
