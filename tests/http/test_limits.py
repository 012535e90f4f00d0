"""Too often is a 429 with the seconds to wait; who is meant is a person, else an address."""

from dataclasses import dataclass, replace

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from avenue.app import create_app
from avenue.config import Settings
from avenue.errors import Unauthenticated, Unavailable
from avenue.identity import Actor, Role
from avenue.storage.rate_limits import Window
from avenue.web import limits
from avenue.web.limits import COUNTING_SECONDS, RESTING_SECONDS, Kind, Limiter
from tests.http.application import Application, Caller
from tests.http.web_app import HOST, SITE, Counter as MarkingCounter, whole_app

MIB = 1024 * 1024
SELLER = Actor(site=SITE, id="ana", role=Role.SELLER)
CLIENT = Actor(site=SITE, id="luis", role=Role.CLIENT)
FEW = Settings(
    local=True,
    max_uploads_per_minute=3,
    max_client_uploads_per_minute=1,
    max_writes_per_minute=4,
    max_reads_per_minute=5,
)


class Counter(MarkingCounter):
    """Keys that a reader of these tests understands."""

    def mark(self, text: str) -> str:
        return text


def ask(app: Flask, method: str, path: str, address: str = "192.0.2.1") -> TestResponse:
    return app.test_client().open(
        path, method=method, headers={"Host": HOST}, environ_base={"REMOTE_ADDR": address}
    )


@pytest.mark.parametrize(
    ("actor", "method", "path", "limit", "key"),
    [
        (SELLER, "GET", "/api/things", 5, "reads:user:ana"),
        (SELLER, "HEAD", "/api/things", 5, "reads:user:ana"),
        (SELLER, "POST", "/api/things", 4, "writes:user:ana"),
        (SELLER, "DELETE", "/api/files", 4, "writes:user:ana"),
        (SELLER, "POST", "/api/files", 3, "uploads:user:ana"),
        (CLIENT, "POST", "/api/files", 1, "uploads:user:luis"),
        (CLIENT, "POST", "/api/things", 4, "writes:user:luis"),
        (None, "GET", "/api/things", 5, "reads:address:192.0.2.1"),
        (None, "GET", "/api/nowhere", 5, "reads:address:192.0.2.1"),
        (None, "POST", "/api/files", 3, "uploads:address:192.0.2.1"),
    ],
)
def test_the_request_above_the_limit_waits(
    actor: Actor | None, method: str, path: str, limit: int, key: str
) -> None:
    counter = Counter()
    app = whole_app(FEW, counter, actor)
    assert all(ask(app, method, path).status_code != 429 for _ in range(limit))
    refused = ask(app, method, path)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "42"
    assert counter.seen == {key: limit + 1}
    if method != "HEAD":
        assert refused.json["code"] == "too_many_requests"
        assert refused.json["retry_after_seconds"] == 42


def left(answer: TestResponse) -> dict[str, str]:
    """What an answer says of the limit it counted for."""
    return {name: value for name, value in answer.headers if name.startswith("RateLimit")}


def test_every_answer_that_was_counted_says_what_is_left() -> None:
    app = whole_app(FEW, Counter(), SELLER)
    told = [left(ask(app, "POST", "/api/things")) for _ in range(6)]  # 400, then 429
    assert told[0] == {
        "RateLimit-Policy": '"writes";q=4;w=60',
        "RateLimit": '"writes";r=3;t=42',
        "RateLimit-Limit": "4",
        "RateLimit-Remaining": "3",
        "RateLimit-Reset": "42",
    }
    assert [each["RateLimit-Remaining"] for each in told] == ["3", "2", "1", "0", "0", "0"]
    assert told[5]["RateLimit"] == '"writes";r=0;t=42'
    assert set(told[0]) == set(limits.HEADERS)


@pytest.mark.parametrize(("path", "status"), [("/api/nowhere", 404), ("/api/secret/x", 500)])
def test_errors_say_it_too(path: str, status: int) -> None:
    answer = ask(whole_app(FEW, Counter()), "GET", path)
    assert (answer.status_code, answer.headers["RateLimit-Remaining"]) == (status, "4")


def test_what_is_not_counted_says_nothing_of_limits() -> None:
    assert left(ask(whole_app(FEW, Counter()), "GET", "/page")) == {}


def test_what_caches_share_tells_nobody_what_another_has_left() -> None:
    counter = Counter()
    assert left(ask(whole_app(FEW, counter, SELLER), "GET", "/api/shared")) == {}
    assert counter.seen == {"reads:user:ana": 1}


# When counting fails


@dataclass
class Failing(Counter):
    """A counter that is away while it `fails`."""

    fails: bool = True
    tries: int = 0

    def count(self, key: str, *, within_seconds: float | None = None) -> Window:
        self.tries += 1
        self.within_seconds = within_seconds
        if self.fails:
            raise Unavailable
        return super().count(key)


def test_reads_that_cannot_be_counted_pass_and_nothing_else_does() -> None:
    counter = Failing()
    app = whole_app(FEW, counter)
    answers = [ask(app, "GET", "/api/things") for _ in range(7)]
    assert [each.status_code for each in answers] == [200] * 7
    assert left(answers[0]) == {}
    for method, path in (("POST", "/api/things"), ("POST", "/api/files"), ("DELETE", "/api/x")):
        refused = ask(app, method, path)
        assert (refused.status_code, refused.json["code"]) == (503, "unavailable")
        assert refused.headers["Retry-After"]


def test_after_a_failure_reads_do_not_even_ask_for_a_while() -> None:
    counter, now = Failing(), 100.0
    limiter = Limiter(counter, lambda: now)
    reads, writes = Kind("reads", 5, waits=False), Kind("writes", 5)
    assert limiter.count(reads, "ana") is None
    assert counter.within_seconds == COUNTING_SECONDS
    counter.fails = False
    now += RESTING_SECONDS - 0.01
    assert limiter.count(reads, "ana") is None
    assert counter.tries == 1
    assert limiter.count(writes, "ana") == Window(tries=1, seconds_left=42)
    now += 0.01
    assert limiter.count(reads, "ana") == Window(tries=1, seconds_left=42)


@pytest.mark.long
def test_a_counter_that_is_stuck_hinders_nobody_who_reads(
    application: Application, as_seller: Caller
) -> None:
    database = application.database
    as_seller = replace(as_seller, app=create_app(application.settings, database))
    assert left(as_seller.get("/api/shop/products"))
    with database.client.start_session() as session, session.start_transaction():
        held = database.raw["rate_limits"].update_many(
            {"_id": {"$regex": "^reads:"}}, {"$set": {"held": True}}, session=session
        )
        assert held.modified_count
        answer = as_seller.get("/api/shop/products")
        session.abort_transaction()
    assert (answer.status_code, left(answer)) == (200, {})


def test_kinds_and_callers_are_counted_apart() -> None:
    counter = Counter()
    app = whole_app(FEW, counter)
    for path, address in (("/api/things", "192.0.2.1"), ("/api/files", "192.0.2.2")):
        ask(app, "POST", path, address)
        ask(app, "GET", path, address)
    assert set(counter.seen) == {
        "writes:address:192.0.2.1",
        "reads:address:192.0.2.1",
        "uploads:address:192.0.2.2",
        "reads:address:192.0.2.2",
    }


def test_the_address_of_a_caller_is_not_readable_among_the_counters() -> None:
    counter = MarkingCounter()
    ask(whole_app(FEW, counter), "POST", "/api/things", "192.0.2.1")
    assert set(counter.seen) == {f"writes:{counter.mark('address:192.0.2.1')}"}
    assert "192.0.2" not in str(counter.seen)


@pytest.mark.parametrize(
    ("method", "length", "kind"),
    [("PATCH", MIB, "parts"), ("PATCH", MIB - 1, "writes"), ("POST", MIB, "writes")],
)
def test_a_large_part_of_a_file_counts_as_such(method: str, length: int, kind: str) -> None:
    counter = Counter()
    app = whole_app(FEW, counter, SELLER)

    @app.route("/api/parts", methods=["POST", "PATCH"])
    @limits.resumable_route
    def take() -> str:
        return ""

    asked = {"headers": {"Host": HOST}, "environ_overrides": {"CONTENT_LENGTH": str(length)}}
    told = [app.test_client().open("/api/parts", method=method, **asked) for _ in range(5)]
    assert [each.status_code for each in told[:4]] == [200] * 4
    assert told[4].status_code == (200 if kind == "parts" else 429)
    assert counter.seen == {f"{kind}:user:ana": 5}


def test_pages_and_probes_are_not_counted() -> None:
    counter = Counter()
    app = whole_app(FEW, counter)
    for path in ("/page", "/healthz", "/apiary"):
        ask(app, "GET", path)
    assert counter.seen == {}


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_an_address_counts_by_what_its_owner_cannot_choose(address: str, counted: str) -> None:
    counter = Counter()
    ask(whole_app(FEW, counter), "GET", "/api/things", address)
    assert set(counter.seen) == {f"reads:address:{counted}"}


def test_a_forged_forwarded_address_changes_nothing() -> None:
    counter = Counter()
    app = whole_app(FEW, counter)
    for n in range(3):
        app.test_client().get(
            "/api/things", headers={"Host": HOST, "X-Forwarded-For": f"203.0.113.{n}"}
        )
    assert counter.seen == {"reads:address:127.0.0.1": 3}


@pytest.mark.parametrize(
    ("hops", "forwarded", "counted"),
    [
        (1, "203.0.113.{n}, 198.51.100.7", "198.51.100.7"),
        (2, "203.0.113.{n}, 198.51.100.7, 10.0.0.1", "198.51.100.7"),
        (2, "203.0.113.{n}", "127.0.0.1"),  # fewer proxies than there are: it came past one
        (0, "203.0.113.{n}, 198.51.100.7", "127.0.0.1"),
        (1, "198.51.100.7:4000{n}", "198.51.100.7"),  # its port is another one each time
        (1, "[2001:db8::7]:4000{n}", "2001:db8::/64"),
        (1, "[2001:db8::{n}]", "2001:db8::/64"),
    ],
)
def test_only_what_our_own_proxies_say_counts(hops: int, forwarded: str, counted: str) -> None:
    counter = Counter()
    app = whole_app(replace(FEW, proxy_hops=hops), counter)
    for n in range(3):
        forged = {"Host": HOST, "X-Forwarded-For": forwarded.format(n=n)}
        app.test_client().get("/api/things", headers=forged)
    assert counter.seen == {f"reads:address:{counted}": 3}


def test_guessing_tokens_is_counted_by_address() -> None:
    counter = Counter()
    app = whole_app(Settings(local=True))

    def nobody() -> Actor:
        raise Unauthenticated

    limits.install(app, counter, FEW, nobody)
    assert [ask(app, "GET", "/api/things").status_code for _ in range(6)] == [200] * 5 + [429]
    assert counter.seen == {"reads:address:192.0.2.1": 6}


def test_a_superuser_is_no_client_whatever_the_role() -> None:
    counter = Counter()
    boss = Actor(site=SITE, id="boss", role=Role.CLIENT, superuser=True)
    app = whole_app(FEW, counter, boss)
    assert [ask(app, "POST", "/api/files").status_code for _ in range(4)] == [400] * 3 + [429]
