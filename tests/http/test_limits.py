"""Too often is a 429 with the seconds to wait; who is meant is a person, else an address."""

import pytest
from flask import Flask

from avenue.config import Settings
from avenue.errors import Unauthenticated
from avenue.identity import Actor, Role
from avenue.web import limits
from tests.http.web_app import HOST, SITE, Counter, whole_app

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


def ask(app: Flask, method: str, path: str, address: str = "192.0.2.1") -> object:
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
