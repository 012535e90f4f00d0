"""`/metrics`: who sees it, and that it counts just what was asked, whichever process answered."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families

from avenue.identity import Role
from tests import pictures
from tests.http.application import HOST, OTHER_HOST, Application, Caller, unique
from tests.mongod import Guard, Mongod, database_name, wait_until
from tests.server import Server, path_of, prepare

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}
WORKERS = 2
ROUNDS = 20
PICTURE = "/media/<asset_id>/<token>/<file_name>"
STABLE = "/media/<asset_id>/<variant>"

# Who may


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1"])
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_the_machine_itself_may_see_it(nobody: Caller, address: str, host: str) -> None:
    seen = {"REMOTE_ADDR": address, "HTTP_HOST": host}
    answer = nobody.get("/metrics", environ_overrides=seen)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "avenue_http_requests_total" in answer.text


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_a_proxy_of_this_machine_passes_on_is_somebody_else(nobody: Caller, name: str) -> None:
    answer = nobody.get("/metrics", headers={name: "127.0.0.1", "Host": "localhost"})
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("host", [HOST, "127.0.0.1.evil.example", "10.0.0.7", "", "[::1", "[x]"])
def test_a_proxy_that_says_nothing_is_known_by_the_name_it_passes_on(
    nobody: Caller, host: str
) -> None:
    seen = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": host}
    assert nobody.get("/metrics", environ_overrides=seen).status_code == 401


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("nobody", 401),
        ("client", 403),
        ("seller", 403),
        ("editor", 403),
        ("ops", 200),
        ("admin", 200),
        ("ops_on_other_site", 403),
        ("admin_on_other_site", 403),
    ],
)
def test_from_elsewhere_the_houses_operators_may(
    application: Application, who: str, status: int
) -> None:
    answer = application.caller(who).get("/metrics", environ_overrides=ELSEWHERE)
    assert answer.status_code == status


def test_a_superuser_may_from_any_site(application: Application) -> None:
    caller = application.new_person(unique("super"), role=Role.SELLER, host=OTHER_HOST)
    application.raw["users"].update_one({"_id": caller.id}, {"$set": {"superuser": True}})
    assert caller.get("/metrics", environ_overrides=ELSEWHERE).status_code == 200


def test_a_host_nobody_knows_is_nobody(application: Application, as_ops: Caller) -> None:
    client = application.app.test_client()
    bearer = {"Authorization": f"Bearer {as_ops.token}", "Host": "evil.example"}
    answer = client.get("/metrics", headers=bearer, environ_overrides=ELSEWHERE)
    assert answer.status_code == 401


# What it counts


class Shop(NamedTuple):
    """A server of several processes and a picture."""

    server: Server
    thumb: str
    etag: str
    by: str


@pytest.fixture(
    scope="module", params=[("on", "fast_lane"), ("off", "hot")], ids=lambda each: each[1]
)
def shop(request: pytest.FixtureRequest, mongod: Mongod, guard: Guard) -> Iterator[Shop]:
    uri = mongod.uri_of(database_name())
    prepare(uri)
    lane, by = request.param
    with Server(guard, uri, WEB_CONCURRENCY=str(WORKERS), AVENUE_FAST_LANE=lane) as server:
        seller = server.seller()
        reply = seller.upload(seller.create_product(), pictures.photo(640, 480, seed=4)).json
        thumb = path_of(reply["file"]["variants"]["thumb"]["url"])
        etag = server.client.get(thumb).headers["ETag"]
        # A request is counted when its answer has been sent.
        wait_until(lambda: asked_for_pictures(server) == 1, "the first request is counted")
        yield Shop(server, thumb, etag, by)


Sample = tuple[str, tuple[tuple[str, str], ...]]


def ask(server: Server, path: str, **headers: str) -> bytes:
    """Ask as browsers do, on a connection of its own: any process may take it."""
    with server.client.connection() as connection:
        connection.request(
            "GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        return connection.getresponse().read()


def counted(server: Server) -> dict[Sample, float]:
    text = server.client.get("/metrics").body.decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(samples: dict[Sample, float], metric: str, **labels: str) -> float:
    return sum(
        value
        for (name, those), value in samples.items()
        if name == metric and labels.items() <= dict(those).items()
    )


def asked_for_pictures(server: Server) -> float:
    return total(counted(server), "avenue_http_requests_total", route=PICTURE)


def test_it_counts_exactly_what_was_asked_of_all_processes(shop: Shop) -> None:
    server, thumb = shop.server, shop.thumb
    before = counted(server)
    length = 0
    for _ in range(ROUNDS):
        length += len(ask(server, thumb)) + len(ask(server, thumb, Range="bytes=0-9"))
        ask(server, thumb, If_None_Match=shop.etag)
        ask(server, thumb, Range="bytes=9999999-")
        ask(server, "/media/nothing?x=1")

    def added(metric: str, **labels: str) -> float:
        return total(now, metric, **labels) - total(before, metric, **labels)

    def is_counted() -> bool:
        nonlocal now
        now = counted(server)
        pictures = added("avenue_http_requests_total", route=PICTURE)
        return pictures >= 4 * ROUNDS and missing() >= ROUNDS and sent() >= length

    def missing() -> float:
        return added("avenue_http_requests_total", method="GET", status="404")

    def sent() -> float:
        return added("avenue_http_sent_bytes_total", route=PICTURE)

    now = before
    wait_until(is_counted, "all is counted")
    for status in ("200", "206", "304", "416"):
        asked = added("avenue_http_requests_total", route=PICTURE, method="GET", status=status)
        assert asked == ROUNDS, status
    assert missing() == ROUNDS


def test_nothing_a_client_chooses_is_a_label(shop: Shop) -> None:
    server, before = shop.server, counted(shop.server)
    server.client.request("SECRET1", "/")
    server.client.get("/secret2?secret3=1")
    server.client.get("/media/secret4/original")

    def are_counted() -> bool:
        now = counted(server)
        return all(
            total(now, metric, **labels) > total(before, metric, **labels)
            for metric, labels in (
                ("avenue_http_requests_total", {"method": "other"}),
                ("avenue_http_requests_total", {"route": "none", "status": "404"}),
                ("avenue_http_requests_total", {"route": STABLE}),
                # The last that is counted of a request.
                ("avenue_http_request_seconds_count", {"route": STABLE}),
            )
        )

    wait_until(are_counted, "all three are counted")
    assert "secret" not in server.client.get("/metrics").body.decode().lower()


def test_each_way_to_answer_is_told_apart(shop: Shop) -> None:
    before = counted(shop.server)

    def is_counted() -> bool:
        assert ask(shop.server, shop.thumb)
        now = counted(shop.server)
        return all(
            total(now, "avenue_http_requests_total", by=by)
            > total(before, "avenue_http_requests_total", by=by)
            for by in (shop.by, "application")
        )

    wait_until(is_counted, "both are counted")
