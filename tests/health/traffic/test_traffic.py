"""The traffic of all web processes in one place: each request once."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from avenue.errors import Unavailable
from avenue.health.history.traffic.counting import counted
from avenue.health.history.traffic.models import Counts
from avenue.health.history.traffic.reporting import Reporter
from avenue.health.history.traffic.store import MongoTrafficStore
from avenue.storage.connection import Database
from avenue.storage.schema import ForeignDatabase
from avenue.web import metrics
from tests import pictures
from tests.mongod import Guard, Mongod, client_of, fail_point
from tests.prepared import emptied, prepared_uri
from tests.server import Server, path_of, prepare
from tests.threads import at_once
from tests.waiting import wait_until

WORKERS = 2
ROUNDS = 40
PICTURE = "/media/<asset_id>/<token>/<file_name>"


@pytest.fixture(scope="module")
def prepared(mongod: Mongod) -> Iterator[Database]:
    with prepared_uri(mongod) as uri, emptied(uri) as database:
        yield database


@pytest.fixture
def store(prepared: Database) -> MongoTrafficStore:
    prepared.raw["infra_traffic"].delete_many({})
    return MongoTrafficStore(prepared)


class Process:
    """What one web process counts."""

    def __init__(self) -> None:
        self.counts = Counts()

    def answer(self, requests: int, errors: int = 0, bound: float = 1000.0) -> None:
        took = dict(self.counts.took)
        took[bound] = took.get(bound, 0) + requests
        self.counts = Counts(
            requests=self.counts.requests + requests,
            errors=self.counts.errors + errors,
            sent_bytes=self.counts.sent_bytes + 100 * requests,
            took=took,
        )

    def __call__(self) -> Counts:
        return self.counts


def test_processes_add_what_they_counted_since_they_began(store: MongoTrafficStore) -> None:
    processes = [Process() for _ in range(4)]
    processes[0].answer(1000)  # before it reports, by a process that had its number
    reporters = [Reporter(store, each) for each in processes]
    for round_ in range(3):
        for process in processes:
            process.answer(10, errors=1, bound=[1000.0, 50_000.0, math.inf][round_])
        at_once(4, lambda number: reporters[number].report())
    assert store.totals() == Counts(
        requests=120,
        errors=12,
        sent_bytes=12_000,
        took={1000.0: 40, 50_000.0: 40, math.inf: 40},
    )


def test_where_nothing_is_asked_nothing_is_written(
    store: MongoTrafficStore, prepared: Database
) -> None:
    Reporter(store, Process()).report()
    assert prepared.raw["infra_traffic"].count_documents({}) == 0


def test_nothing_is_written_to_a_database_that_is_not_ours(
    store: MongoTrafficStore, prepared: Database
) -> None:
    def refuse() -> None:
        raise ForeignDatabase

    process = Process()
    reporter = Reporter(store, process, admit=refuse)
    process.answer(5)
    with pytest.raises(ForeignDatabase):
        reporter.report()
    assert prepared.raw["infra_traffic"].count_documents({}) == 0


class Lossy:
    """A store whose answers get lost, before or after the work was done."""

    def __init__(self, store: MongoTrafficStore) -> None:
        self.store = store
        self.lose: list[str] = []

    def add(self, process: str, number: int, counts: Counts) -> None:
        how = self.lose.pop(0) if self.lose else ""
        if how != "before":
            self.store.add(process, number, counts)
        if how:
            raise Unavailable


def test_a_report_whose_answer_was_lost_counts_once(store: MongoTrafficStore) -> None:
    process = Process()
    lossy = Lossy(store)
    reporter = Reporter(lossy, process)
    lossy.lose = ["after", "after", "before"]
    for _ in range(3):
        process.answer(5)
        with pytest.raises(Unavailable):
            reporter.report()
    process.answer(5)
    reporter.report()
    assert store.totals().requests == 20


def test_a_write_the_driver_repeats_counts_once(
    store: MongoTrafficStore, prepared: Database
) -> None:
    process = Process()
    reporter = Reporter(store, process)
    process.answer(5)
    with fail_point(prepared.client, ["update"], 2, write_concern_error=91) as broken:
        reporter.report()
    assert broken is not None
    assert store.totals().requests == 5


def test_processes_that_are_long_gone_are_forgotten(
    store: MongoTrafficStore, prepared: Database
) -> None:
    store.add("old", 1, Counts(requests=1))
    yesterday = {"$dateSubtract": {"startDate": "$$NOW", "unit": "hour", "amount": 25}}
    prepared.raw["infra_traffic"].update_one(
        {},
        [{"$set": {"processes": [{"id": "old", "number": 1, "at": yesterday}]}}],
    )
    store.add("new", 1, Counts(requests=1))
    document = prepared.raw["infra_traffic"].find_one({})
    assert document is not None
    assert [each["id"] for each in document["processes"]] == ["new"]
    assert store.totals().requests == 2


def test_the_counters_of_this_process_are_read_as_they_are() -> None:
    before = counted()
    metrics.count_request("GET", "/a", 200, by="application", sent=10, took=0.004)
    metrics.count_request("POST", "/b", 503, by="application", sent=1, took=0.3)
    metrics.count_request("GET", "/c", 500, by="application", sent=0, took=100)
    metrics.count_request("GET", "/c", 499, by="application", sent=0, took=0.004)
    metrics.count_fast_lane("GET", "/media", 304, 7, 0)
    seen = counted().since(before)
    assert replace(seen, took={}, sites={}) == Counts(requests=11, errors=2, sent_bytes=11)
    assert {bound: n for bound, n in seen.took.items() if n} == {
        5_000: 2,
        500_000: 1,
        math.inf: 1,
    }


@pytest.mark.parametrize(
    ("took", "seconds"),
    [
        ({}, None),
        ({1000.0: 0}, None),
        ({1000.0: 1}, 0.001),
        ({1000.0: 95, 250_000.0: 5}, 0.001),
        ({1000.0: 94, 250_000.0: 6}, 0.25),
        ({1000.0: 94, math.inf: 6}, None),
    ],
)
def test_ninety_five_of_a_hundred(took: dict[float, int], seconds: float | None) -> None:
    assert Counts(took=took).p95_seconds == seconds


def asked(server: Server, **labels: str) -> int:
    """How many requests `/metrics` knows of, those for itself left out."""
    samples = (
        sample
        for family in text_string_to_metric_families(server.client.get("/metrics").body.decode())
        for sample in family.samples
        if sample.name == "avenue_http_requests_total"
    )
    return round(
        sum(
            each.value
            for each in samples
            if labels.items() <= each.labels.items() and each.labels["route"] != "/metrics"
        )
    )


def test_a_deployment_knows_exactly_what_its_workers_answered(
    migrated_uri: str, guard: Guard
) -> None:
    """Pictures and all else, whichever process it was, and with its last words at its end."""
    prepare(migrated_uri)
    with Server(guard, migrated_uri, WEB_CONCURRENCY=str(WORKERS)) as server:
        seller = server.seller()
        reply = seller.upload(seller.create_product(), pictures.photo(64, 48, seed=4)).json
        thumb = path_of(reply["file"]["variants"]["thumb"]["url"])

        def look(_: int) -> None:
            with server.client.connection() as connection:
                for _ in range(ROUNDS):
                    connection.request("GET", thumb)
                    connection.getresponse().read()

        at_once(4, look)
        looks = itertools.count()

        def are_counted() -> bool:
            next(looks)
            return asked(server, route=PICTURE) == 4 * ROUNDS

        wait_until(are_counted, "all pictures' counts")
        for _ in range(2):
            next(looks)
        assert asked(server, by="fast_lane") > ROUNDS
        known = asked(server)
    with client_of(migrated_uri) as client:
        totals = client.get_default_database()["infra_traffic"].find_one({})
    assert totals is not None
    assert totals["requests"] == known + next(looks), "and those that looked"
    # On a busy machine one may have answered everything.
    assert 1 <= len(totals["processes"]) <= WORKERS
    assert totals["errors"] == 0
