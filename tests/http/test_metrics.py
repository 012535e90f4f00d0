"""`/metrics`: who sees it, and that it counts just what was asked, whichever process answered."""

import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families

from avenue.identity import Role
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from tests import pictures
from tests.http.application import HOST, OTHER_HOST, Application, Caller, unique
from tests.mongod import Guard, Mongod, fail_point
from tests.server import Answer, Server, path_of, prepare
from tests.table import table
from tests.threads import at_once
from tests.waiting import wait_until

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}
WORKERS = {"fast_lane": 2, "hot": 1}
ROUNDS = 8
MOST_WRITES = 40
PICTURE = "/media/<asset_id>/<token>/<file_name>"
NO_PRODUCT = f"/api/shop/products/{'x' * 22}"
STABLE = "/media/<asset_id>/<variant>"

# Who may


@table("address", ["127.0.0.1", "127.8.9.10", "::1"])
@table("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_the_machine_itself_may_see_it(nobody: Caller, address: str, host: str) -> None:
    seen = {"REMOTE_ADDR": address, "HTTP_HOST": host}
    answer = nobody.get("/metrics", environ_overrides=seen)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "avenue_http_requests_total" in answer.text


@table("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_a_proxy_of_this_machine_passes_on_is_somebody_else(nobody: Caller, name: str) -> None:
    answer = nobody.get("/metrics", headers={name: "127.0.0.1", "Host": "localhost"})
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")


@table("host", [HOST, "127.0.0.1.evil.example", "10.0.0.7", "", "[::1", "[x]"])
def test_a_proxy_that_says_nothing_is_known_by_the_name_it_passes_on(
    nobody: Caller, host: str
) -> None:
    seen = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": host}
    assert nobody.get("/metrics", environ_overrides=seen).status_code == 401


@table(
    "who, status",
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
def test_from_elsewhere_the_deployments_operators_may(
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


@pytest.fixture(scope="module")
def servers(shared_uri: str, guard: Guard) -> Iterator[dict[str, Server]]:
    """Two instances on one database, by who answers for pictures at hand."""
    uri = shared_uri
    prepare(uri)

    def instance(lane: str, by: str) -> Server:
        return Server(
            guard,
            uri,
            AVENUE_FAST_LANE=lane,
            AVENUE_MAX_WRITES_PER_MINUTE=str(MOST_WRITES),
            WEB_CONCURRENCY=str(WORKERS[by]),
        )

    with instance("on", "fast_lane") as one, instance("off", "hot") as other:
        yield {"fast_lane": one, "hot": other}


@pytest.fixture(scope="module", params=["fast_lane", pytest.param("hot", marks=pytest.mark.long)])
def shop(request: pytest.FixtureRequest, servers: dict[str, Server]) -> Shop:
    by: str = request.param
    server = servers[by]
    seller = server.seller()
    reply = seller.upload(seller.create_product(), pictures.photo(640, 480, seed=4)).json
    thumb = path_of(reply["file"]["variants"]["thumb"]["url"])
    etag = server.client.get(thumb).headers["ETag"]
    # A request is counted when its answer has been sent.
    wait_until(lambda: asked_for_pictures(server) == 1, "the first request is counted")
    return Shop(server, thumb, etag, by)


SAME_TIMES = 20
Sample = tuple[str, tuple[tuple[str, str], ...]]


def ask(server: Server, path: str, **headers: str) -> bytes:
    """Ask as browsers do, on a connection of its own: any process may take it."""
    with server.client.connection() as connection:
        connection.request(
            "GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        return connection.getresponse().read()


def counted(server: Server) -> dict[Sample, float]:
    return samples_in(server.client.get("/metrics").body.decode())


def samples_in(text: str) -> dict[Sample, float]:
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
    before = settled(server)
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


def test_uploads_are_counted_from_the_decoder_to_the_refusal(shop: Shop) -> None:
    server, seller = shop.server, shop.server.seller()
    product = seller.create_product()
    before = settled(server)
    for seed in range(3):
        picture = pictures.photo(640, 480, seed=10 + seed)
        assert seller.upload(product, picture).status == 201
    assert seller.upload(product, pictures.photo(640, 480)[:5000]).code == "broken_image"
    assert seller.upload(product, b"GIF, or not").code == "unsupported_media_type"
    reply = seller.product(product)["images"][0]["srcset"]
    small = path_of(reply.split()[0])
    assert "/w320." in small
    assert server.client.get(small).status == server.client.get(small).status == 200

    def added(metric: str, **labels: str) -> float:
        return total(now, metric, **labels) - total(before, metric, **labels)

    def is_counted() -> bool:
        nonlocal now
        now = counted(server)
        return added("avenue_http_requests_total", route=PICTURE) == 2

    now = before
    wait_until(is_counted, "the last is counted")
    opened = "avenue_decode_seconds_count"
    assert added(opened, task="examine", outcome="done") == 3
    assert added(opened, task="examine", outcome="refused") == 1
    assert added(opened, task="render", outcome="done") == 1
    assert added("avenue_decode_seconds_sum", task="examine") > 0
    assert added("avenue_decode_wait_seconds_count", outcome="done") == 5
    made = "avenue_renditions_made_total"
    assert [added(made, variant=each) for each in ("thumb", "card", "og", "w320")] == [3, 3, 3, 1]
    assert added(made) == 13
    for metric in ("avenue_refusals_total", "avenue_refused_files_total"):
        assert added(metric, code="broken_image") == 1
        assert added(metric, code="unsupported_media_type") == 1
        assert added(metric) == 2
    assert total(now, "avenue_decode_pictures") == 0


def test_what_a_process_counted_that_is_gone_stays_and_how_it_stood_does_not(shop: Shop) -> None:
    """Be it told to end right after its last answer, or killed."""
    server = shop.server
    folder = Path(tempfile.gettempdir()) / f"avenue-metrics-{server.process.pid}"
    before, asked = settled(server), 0
    gone = server.worker_pids()[0]
    if shop.by == "fast_lane":
        asked = ROUNDS
        for _ in range(asked):
            ask(server, shop.thumb)
        os.kill(gone, signal.SIGTERM)
    else:
        os.kill(gone, signal.SIGKILL)
    wait_until(
        lambda: not list(folder.glob(f"*_{gone}.db")), "its counts are with those of all before it"
    )
    wait_until(lambda: len(server.worker_pids()) == WORKERS[shop.by], "another process runs")
    now = settled(server)
    wait_until(
        lambda: (
            asked_for_pictures(server)
            == total(before, "avenue_http_requests_total", route=PICTURE) + asked
        ),
        "every answer is counted once",
    )
    lost = {each: value for each, value in requests_of(before).items() if now[each] < value}
    assert not lost
    alive = {int(each.stem.rpartition("_")[2]) for each in folder.glob("gauge_*.db")}
    assert alive <= set(server.worker_pids())
    for state in ("open", "in_use"):
        assert ("avenue_pool_connections", (("state", state),)) in now
    assert total(now, "avenue_pool_connections", state="in_use") >= 0
    assert total(now, "avenue_pool_wait_seconds_count", outcome="lent") > 0


def requests_of(samples: dict[Sample, float]) -> dict[Sample, float]:
    """What was asked for, these questions themselves left out."""
    return {
        (name, labels): value
        for (name, labels), value in samples.items()
        if name == "avenue_http_requests_total" and ("route", "/metrics") not in labels
    }


def settled(server: Server) -> dict[Sample, float]:
    """The counts once everything that was answered is counted, which follows at once."""
    found = [counted(server)]

    def is_same() -> bool:
        found.append(counted(server))
        return len({repr(requests_of(each)) for each in found[-SAME_TIMES:]}) == 1 and (
            len(found) > SAME_TIMES
        )

    wait_until(is_same, "nothing more is counted")
    return found[-1]


@pytest.mark.parametrize("who", ["nobody", pytest.param("somebody", marks=pytest.mark.long)])
def test_exactly_as_many_pass_as_may_whoever_they_say_they_are(
    servers: dict[str, Server], mongod: Mongod, who: str
) -> None:
    """Of all processes of both instances together, with an address that is forged each time.

    Changes, for a read that takes too long to be counted passes.
    """
    one, other = servers.values()
    asking = one.seller() if who == "somebody" else one.client
    counters = mongod.client[one.uri.rpartition("/")[2].partition("?")[0]]["rate_limits"]
    counters.delete_many({})

    def ask_ten(number: int) -> list[Answer]:
        client = asking.at((one, other)[number % 2])
        return [
            client.request("DELETE", NO_PRODUCT, headers=forged(10 * number + n)) for n in range(10)
        ]

    answers = [each for ten in at_once(6, ask_ten) for each in ten]
    counters.delete_many({})  # who signs in next is at the same address
    passed = [each for each in answers if each.status in {401, 404}]
    refused = [each for each in answers if each.status == 429]
    assert (len(passed), len(refused)) == (MOST_WRITES, 60 - MOST_WRITES)
    left = sorted(int(each.headers["RateLimit-Remaining"]) for each in passed)
    assert left == list(range(MOST_WRITES))
    for each in refused:
        assert each.code == "too_many_requests"
        assert 1 <= int(each.headers["Retry-After"]) == int(each.headers["RateLimit-Reset"]) <= 60


def forged(number: int) -> dict[str, str]:
    """Every header that anybody has ever believed an address in."""
    address = f"198.51.100.{number}"
    return {
        "X-Forwarded-For": address,
        "X_Forwarded_For": address,
        "Forwarded": f"for={address}",
        "X-Real-IP": address,
        "True-Client-IP": address,
        "CF-Connecting-IP": address,
    }


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


@pytest.mark.long
def test_each_way_to_answer_is_told_apart(shop: Shop) -> None:
    before, asked = counted(shop.server), 0

    def is_counted() -> bool:
        nonlocal asked
        assert ask(shop.server, shop.thumb)
        asked += 1
        now = counted(shop.server)
        return all(
            total(now, "avenue_http_requests_total", by=by)
            > total(before, "avenue_http_requests_total", by=by)
            for by in (shop.by, "application")
        )

    wait_until(is_counted, "both are counted")
    # Each process counts once a second; what one has not counted yet the next test would find.
    expected = total(before, "avenue_http_requests_total", route=PICTURE) + asked
    wait_until(lambda: asked_for_pictures(shop.server) == expected, "all are counted")


# The queue of jobs


def queue_of(caller: Caller) -> dict[Sample, float]:
    text = caller.get("/metrics", environ_overrides=ELSEWHERE).text
    of_the_queue = {"avenue_jobs", "avenue_job_finished_timestamp_seconds"}
    return {key: value for key, value in samples_in(text).items() if key[0] in of_the_queue}


def test_the_queue_is_that_of_the_whole_deployment(application: Application) -> None:
    application.forget_jobs()
    jobs = JobService(MongoJobStore(application.database))
    jobs.enqueue("import", site="default")
    jobs.enqueue("import", site=OTHER_HOST)
    jobs.periodic("sweep", 60)
    fresh = replace(application.caller("ops"), app=application.with_settings())
    seen = queue_of(fresh)
    assert total(seen, "avenue_jobs", kind="import", state="due") == 2
    assert total(seen, "avenue_jobs", kind="sweep", state="due") == 1
    jobs.enqueue("import")
    assert queue_of(fresh) == seen  # asked again only after a while
    application.forget_jobs()


def test_a_queue_nobody_can_ask_for_is_left_out(application: Application) -> None:
    fresh = replace(application.caller("ops"), app=application.with_settings())
    name = f"{application.raw.name}.jobs"
    with fail_point(
        application.mongod.client, ["aggregate"], None, 11602, app_name="avenue", namespace=name
    ):
        assert queue_of(fresh) == {}
