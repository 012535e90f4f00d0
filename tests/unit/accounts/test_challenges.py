"""Challenges: no way past one without its own answer, and nobody is shut out by others."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Response

from avenue.accounts.captchas import Captcha
from avenue.accounts.challenges import GOOD_FOR, Challenges, Purpose, Try, is_solved
from avenue.accounts.errors import ChallengeFailed, ChallengeRequired, WrongCredentials
from avenue.accounts.models import BotChallenge
from avenue.identity import Site
from avenue.sealing import Sealing
from tests.http.web_app import Counter
from tests.siteverify import SECRET, SITE_KEY, Solved, StandIn, served

BITS, AFTER = 8, 2
HERE = Site(id="shop", hosts=("www.shop.example:8443",), base_url="https://shop.example", name="A")
THERE = Site(id="b", hosts=(), base_url="https://b.example", name="B")
TRY = Try(purpose=Purpose.SIGN_IN, site=HERE, address="203.0.113.7", account="ana@shop.example")
ELSEWHERE = {
    "another site": replace(TRY, site=THERE),
    "another purpose": replace(TRY, purpose=Purpose.RESET),
    "another address": replace(TRY, address="203.0.113.8"),
}
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Deployment:
    """Instances that count together, and a clock."""

    def __init__(self, captcha: Captcha | None = None, *, after: int | None = AFTER) -> None:
        self.counter, self.now = Counter(), NOON
        self.captcha, self.after = captcha, after
        self.here, self.beside = self.instance(), self.instance()

    def instance(self, secret_key: str = "k" * 40) -> Challenges:
        return Challenges(
            self.counter,
            Sealing(secret_key, "challenges"),
            after=self.after,
            bits=BITS,
            captcha=self.captcha,
            now=lambda: self.now,
        )

    def failed(self, *tried: Try) -> None:
        for each in tried:
            for _ in range(AFTER):
                self.here.count(each)


def challenge(challenges: Challenges, tried: Try = TRY) -> BotChallenge:
    found = challenges.needed(tried)
    assert found is not None
    return found


def solved(asked: BotChallenge, *, wrong: bool = False) -> str:
    numbers = (str(each) for each in range(10**6))
    good = next(each for each in numbers if is_solved(asked.salt, each, BITS) is not wrong)
    return f"{asked.token}:{good}"


def code(challenges: Challenges, answer: str, tried: Try = TRY) -> str:
    try:
        challenges.admit(tried, answer)
    except ChallengeRequired as refused:
        return f"{refused.status} {refused.code}"
    return "in"


def test_no_answer_is_good_but_the_own_one_once() -> None:
    deployment = Deployment()
    deployment.failed(TRY, *ELSEWHERE.values())

    def late() -> str:
        answer = solved(challenge(deployment.here))
        deployment.now += GOOD_FOR
        return answer

    def respelt() -> str:
        good = solved(challenge(deployment.here))
        assert code(deployment.here, good) == "in"
        return f"\n{good[:9]}!{good[9:]}"  # base64 with something that readers of it leave out

    def replayed() -> str:
        good = solved(challenge(deployment.here))
        assert code(deployment.here, good) == "in"
        return good

    def with_another_number() -> str:
        asked = challenge(deployment.here)
        assert code(deployment.here, solved(asked)) == "in"
        return f"{asked.token}:0{solved(asked).rpartition(':')[2]}"

    rows: list[tuple[str, Callable[[], str]]] = [
        ("nothing", lambda: ""),
        ("a word", lambda: "yes"),
        ("a number alone", lambda: ":12"),
        ("no number", lambda: f"{challenge(deployment.here).token}:"),
        ("the challenge alone", lambda: challenge(deployment.here).token),
        ("a wrong number", lambda: solved(challenge(deployment.here), wrong=True)),
        ("digits of another script", lambda: f"{challenge(deployment.here).token}:١٢"),
        ("a token of another key", lambda: solved(challenge(deployment.instance("x" * 40)))),
        ("an altered token", lambda: solved(challenge(deployment.here)).replace("A", "B").lower()),
        ("far too long", lambda: solved(challenge(deployment.here)) + "0" * 10_000),
        ("too late", late),
        ("a second time", replayed),
        ("a second time, spelt otherwise", respelt),
        ("a second time, with another number", with_another_number),
        *(
            (f"that of {about}", lambda tried=tried: solved(challenge(deployment.here, tried)))  # type: ignore[misc]
            for about, tried in ELSEWHERE.items()
        ),
    ]
    for about, answer in rows:
        for each in (deployment.here, deployment.beside):
            expected = "403 challenge_required" if about == "nothing" else "403 challenge_failed"
            assert code(each, answer()) == expected, about
            assert code(each, solved(challenge(deployment.beside))) == "in", about


def test_failures_of_an_address_or_an_account_ask_for_it_and_no_others() -> None:
    deployment = Deployment()
    for _ in range(AFTER):
        assert deployment.here.needed(TRY) is None
        with (
            pytest.raises(WrongCredentials),
            deployment.here.guarding(TRY, "", failures=WrongCredentials),
        ):
            raise WrongCredentials
    rows = [
        ("the same account from elsewhere", replace(TRY, address="198.51.100.1"), True),
        ("another account from there", replace(TRY, account="leo@shop.example"), True),
        ("from there before the e-mail is known", replace(TRY, account=""), True),
        ("on another site", replace(TRY, site=THERE), True),
        ("another account from elsewhere", replace(TRY, address="::1", account="leo@x"), False),
        ("something else", replace(TRY, purpose=Purpose.TICKET), False),
    ]
    for about, tried, is_asked in rows:
        assert (deployment.beside.needed(tried) is not None) is is_asked, about
        # Whoever failed: somebody else goes on with an answer of their own.
        answer = solved(challenge(deployment.here, tried)) if is_asked else ""
        assert code(deployment.beside, answer, tried) == "in", about
    assert not any("ana" in each or "203.0" in each for each in deployment.counter.seen)
    off = Deployment(after=None)
    off.failed(TRY)
    assert code(off.here, "") == "in"
    assert off.counter.seen == {}


@pytest.mark.parametrize("kind", ["turnstile", "hcaptcha"])
def test_what_a_service_has_not_found_solved_here_for_this_and_now_is_refused(kind: str) -> None:
    knows = {
        "good": Solved(hostname="shop.example", action="login"),
        "by another name": Solved(hostname="www.shop.example", action="login"),
        "another site": Solved(hostname="b.example", action="login"),
        "another purpose": Solved(hostname="shop.example", action="reset"),
        "old": Solved(hostname="shop.example", action="login", is_old=True),
    }
    with served(StandIn(kind, answers=knows)) as service:
        deployment = Deployment(Captcha(kind, SITE_KEY, SECRET, base_url=service.url))
        deployment.failed(TRY)
        asked = challenge(deployment.here)
        assert asked.facts == {"kind": kind, "site_key": SITE_KEY, "action": "login"}
        failed, is_turnstile = "403 challenge_failed", kind == "turnstile"
        rows = [
            ("", "403 challenge_required"),
            ("made up", failed),
            ("ña", failed),
            ("x" * 10_000, failed),
            ("another site", failed),
            ("old", failed),
            ("another purpose", failed if is_turnstile else "in"),  # hCaptcha knows of none
            ("good", "in"),
            ("good", failed),
            ("by another name", "in"),
        ]
        for answer, expected in rows:
            assert code(deployment.here, answer) == expected, answer
        known = {"secret", "response"} | (set() if is_turnstile else {"sitekey"})
        assert {*map(frozenset, service.asked)} == {frozenset(known)}


def test_a_service_that_cannot_tell_is_replaced_by_proof_of_work_for_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = [
        Response("busy", 503),
        Response("too often", 429),
        Response("elsewhere", 302, {"Location": "https://b.example/"}),
        Response("<html>"),
        Response('{"success": false, "error-codes": ["invalid-input-secret"]}'),
        Response('{"success": false, "error-codes": ["internal-error"]}'),
        None,
    ]
    knows = {"good": Solved(hostname="shop.example", action="login")}
    with served(StandIn("turnstile", answers=knows)) as service, caplog.at_level(logging.WARNING):
        for answer in rows:
            url = service.url if answer else "http://127.0.0.1:1"  # where nobody listens
            deployment = Deployment(Captcha("turnstile", SITE_KEY, SECRET, base_url=url))
            deployment.failed(TRY)
            service.used.clear()
            service.first = [answer] if answer else []
            with pytest.raises(ChallengeFailed) as refused:
                deployment.here.admit(TRY, "good")
            asked = refused.value.challenge
            assert asked.kind == "pow"
            assert (
                code(deployment.here, "good") == "403 challenge_failed"
            )  # nobody is asked for a while
            assert code(deployment.beside, solved(asked)) == "in"
            if answer:
                deployment.now += timedelta(minutes=1)
                assert challenge(deployment.here).kind == "turnstile"
                assert code(deployment.here, "good") == "in"
        # What one answer is to blame for is no reason to ask for less.
        almost = '{"success": "yes", "hostname": "shop.example", "action": "login"}'
        for nonsense in (Response("{}", 400), Response("[]"), Response(almost)):
            deployment = Deployment(Captcha("turnstile", SITE_KEY, SECRET, base_url=service.url))
            deployment.failed(TRY)
            service.first = [nonsense]
            assert code(deployment.here, "good") == "403 challenge_failed"
            assert challenge(deployment.here).kind == "turnstile"
    assert "invalid-input-secret" in caplog.text
    assert SECRET not in caplog.text
    assert "good" not in caplog.text
