"""Each component: how it is by the facts, and what is said and to be done."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from avenue.config import Settings
from avenue.health.checks.models import Pass, Tally
from avenue.health.history.snapshots.models import Snapshot, Traffic
from avenue.health.history.snapshots.service import quota_use
from avenue.health.models import Component
from avenue.health.rules.measures import rules
from avenue.health.sentences import english, said_as
from avenue.health.views.pages.charts import HEIGHT, WIDTH, chart, round_above
from avenue.health.views.state import components as of
from avenue.health.views.state.models import Overview
from avenue.health.views.state.presenting import diagnosis_json
from avenue.identity import Site
from avenue.jobs.access import Work
from avenue.jobs.models import Job, Progress, State
from avenue.media.references import Standing
from avenue.notifications.models import Undelivered
from avenue.storage.holders import Amount
from avenue.storage.mongo_facts import DatabaseFacts, Member, MongoFacts, Oplog
from tests.table import table

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
RULES = rules(Settings(local=True))
SHOP = Site(id="shop", hosts=(), base_url="https://shop.example", name="Shop")
MONGODB = MongoFacts(
    version="6.0.5",
    topology="replica_set",
    members=tuple(Member(host=f"m{n}.example:27017", state=None, healthy=True) for n in range(3)),
    data_members=3,
    primary="m0.example:27017",
    storage_engine="wiredTiger",
    oplog=Oplog(hours=80.0, bytes=99, most_bytes=100, data_members=3),
    connections_current=10,
    connections_available=90,
)
DATABASE = DatabaseFacts(
    data_bytes=10**9,
    storage_bytes=512 * 10**6,
    index_bytes=10**6,
    disk_used_bytes=50,
    disk_total_bytes=100,
)
NOTHING_FOUND = dict.fromkeys((Standing.MISSING, Standing.EPHEMERAL, Standing.STORED), 0)
JOB = Job(
    id="x",
    kind="work",
    site=None,
    args={},
    state=State.QUEUED,
    progress=Progress(),
    cursor=None,
    attempts=0,
    result=None,
    error=None,
    run_at=NOW,
    every_seconds=None,
    created_at=NOW,
    started_at=None,
    finished_at=None,
    holder=None,
    wish=None,
)


def disk(percent: int) -> Component:
    return of.disk(replace(DATABASE, disk_used_bytes=percent), RULES)


def mongodb(**changes: Any) -> MongoFacts:
    return replace(MONGODB, **changes)


def oplog(hours: float) -> Oplog:
    return Oplog(hours=hours, bytes=99, most_bytes=100, data_members=3)


def sick(count: int) -> tuple[Member, ...]:
    assert MONGODB.members
    return tuple(replace(each, healthy=n >= count) for n, each in enumerate(MONGODB.members))


def passed(**tally: dict[str, int]) -> Pass:
    return Pass(began_at=NOW, ended_at=NOW, tally=Tally(**tally))


def traffic(requests: int, errors: int) -> Snapshot:
    seen = Traffic(seconds=3600, requests=requests, errors=errors, sent_bytes=1, p95_seconds=0.25)
    none = dict.fromkeys(
        (
            "data_bytes",
            "storage_bytes",
            "index_bytes",
            "disk_used_bytes",
            "disk_total_bytes",
            "connections_current",
            "connections_available",
        ),
        None,
    )
    return Snapshot(at=NOW, oplog_hours=None, traffic=seen, **none)


def work(*unfinished: Job, failed: tuple[Job, ...] = ()) -> Work:
    return Work(unfinished=unfinished, finished=failed, failed=failed)


def found(**counts: int) -> dict[Standing, int]:
    return {**NOTHING_FOUND, **{Standing(name): count for name, count in counts.items()}}


LATE = replace(JOB, run_at=NOW - timedelta(minutes=16))
FAILED = replace(JOB, state=State.FAILED, finished_at=NOW - timedelta(hours=23))
WEEKLY = replace(JOB, every_seconds=7 * 86400, finished_at=NOW - timedelta(days=6))

STANDINGS = [
    (disk(69), "ok"),
    (disk(70), "notice"),
    (disk(85), "warning"),
    (disk(95), "critical"),
    (of.disk(replace(DATABASE, disk_used_bytes=None), RULES), "unknown"),
    (of.members(MONGODB), "ok"),
    (of.members(mongodb(members=sick(1))), "warning"),
    (of.members(mongodb(members=sick(2), primary=None)), "critical"),
    (of.members(mongodb(members=None)), "unknown"),
    (of.durability(MONGODB, Settings()), "ok"),
    (of.durability(mongodb(data_members=1), Settings()), "critical"),
    (of.durability(MONGODB, Settings(local=True)), "notice"),
    (of.database(DATABASE, 0, RULES), "ok"),
    (of.database(replace(DATABASE, data_bytes=None), 0, RULES), "unknown"),
    (of.connections(MONGODB, RULES), "ok"),
    (of.connections(mongodb(connections_current=990), RULES), "warning"),
    (of.connections(mongodb(connections_available=None), RULES), "unknown"),
    (of.oplog(MONGODB, RULES), "ok"),
    (of.oplog(mongodb(oplog=oplog(1.0)), RULES), "critical"),
    (of.oplog(mongodb(oplog=oplog(2.0)), RULES), "warning"),
    (of.oplog(mongodb(oplog=replace(oplog(1.0), data_members=1)), RULES), "ok"),
    (of.oplog(mongodb(oplog=replace(oplog(2.0), bytes=10)), RULES), "notice"),
    (of.oplog(mongodb(oplog=replace(oplog(0.5), bytes=10)), RULES), "ok"),
    (of.oplog(mongodb(oplog=replace(oplog(1.0), bytes=None)), RULES), "unknown"),
    (of.oplog(mongodb(oplog=None), RULES), "unknown"),
    (of.integrity_of(None, 0, NOTHING_FOUND), "unknown"),
    (of.integrity_of(None, 1, NOTHING_FOUND), "critical"),
    (of.integrity_of(None, 0, found(missing=1)), "critical"),
    (of.integrity_of(passed(), 0, NOTHING_FOUND), "ok"),
    (of.integrity_of(passed(), 0, found(missing=1)), "critical"),
    (of.integrity_of(passed(), 0, found(ephemeral=1)), "warning"),
    (of.integrity_of(passed(orphan_chunks={"uploads": 2}), 0, NOTHING_FOUND), "notice"),
    (of.quota(quota_use(SHOP, Amount(bytes=999, files=9), Amount()), RULES), "ok"),
    (
        of.quota(quota_use(SHOP, Amount(bytes=1, files=95), Amount(bytes=100, files=100)), RULES),
        "critical",
    ),
    (of.jobs(work(JOB), NOW, 0, RULES), "ok"),
    (of.jobs(work(LATE), NOW, 0, RULES), "critical"),
    (of.jobs(work(replace(LATE, state=State.RUNNING)), NOW, 0, RULES), "critical"),
    (of.jobs(work(replace(LATE, state=State.PAUSED)), NOW, 0, RULES), "notice"),
    (of.jobs(work(failed=(FAILED,)), NOW, 0, RULES), "warning"),
    (
        of.jobs(
            work(failed=(replace(FAILED, finished_at=NOW - timedelta(hours=25)),)), NOW, 0, RULES
        ),
        "ok",
    ),
    (
        of.jobs(work(replace(JOB, every_seconds=60, error="No.", finished_at=NOW)), NOW, 0, RULES),
        "warning",
    ),
    # That of one that runs again and again is so until a run succeeds; what letters are told by
    # themselves is not told twice.
    (of.jobs(work(replace(WEEKLY, error="No.")), NOW, 0, RULES), "warning"),
    (of.jobs(work(WEEKLY), NOW, 0, RULES), "ok"),
    (of.jobs(work(replace(WEEKLY, kind="mail", error="No.")), NOW, 0, RULES), "ok"),
    (of.deliveries(Undelivered(waiting=3, given_up=0)), "ok"),
    (of.deliveries(Undelivered(waiting=0, given_up=1)), "warning"),
    (of.webhooks(Undelivered(waiting=3, given_up=0)), "ok"),
    (of.webhooks(Undelivered(waiting=0, given_up=1)), "warning"),
    (of.traffic(None, RULES), "unknown"),
    (of.traffic(traffic(36000, 36), RULES), "ok"),
    (of.traffic(traffic(36000, 3600), RULES), "warning"),
    (of.traffic(traffic(3, 3), RULES), "ok"),
]


@table("component, standing", STANDINGS)
def test_how_a_component_is(component: Component, standing: str) -> None:
    assert component.level == standing
    is_bad = component.level.rank >= list(type(component.level)).index("notice")
    assert (component.action is not None) >= is_bad, "what is bad says what to do"
    assert component.action is None or standing != "ok"


def spoken(said: str | None) -> str | None:
    return said_as(said, str, english)


def test_what_is_said_has_the_figures() -> None:
    assert spoken(of.database(DATABASE, 0, RULES).detail) == (
        "The data take 512.0 MB on the disk, their indexes 1.0 MB."
    )
    assert spoken(of.members(mongodb(members=sick(2))).action) == (
        "Check the log of m0.example:27017 and bring it back, or remove it from the set "
        "(rs.remove)."
    )
    full = disk(97)
    assert (full.value, full.percent, full.thresholds) == (97.0, 97.0, (70, 85, 95))
    told = of.traffic(traffic(36000, 36), RULES)
    assert (told.value, told.percent) == (10.0, None)
    assert "0.1 %" in str(spoken(told.detail))
    assert "250 ms" in str(spoken(told.detail))


SECRETS = (
    "ana@shop.example",
    "mongodb+srv://user:hunter2-horse@cluster.example/avenue",
    "av_2Jq8mZr3rT7uY9wQ1aB2cDgpV0mZr3rT7uY9wQ1aB2cD",
    "mongodb://10.1.2.3/avenue",
    "db-7.internal.example:27017",
    "k=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_diagnosis_has_no_hosts_people_or_keys(secret: str) -> None:
    overview = Overview(
        generated_at=NOW,
        snapshot_at=None,
        components=(of.members(mongodb(members=sick(1))),),
    )
    broken = replace(JOB, site="shoes", error=f"It met {secret} and ended.")
    told = diagnosis_json(overview, (), [broken])
    text = str(told)
    for hidden in (secret, "hunter2", "m0.example", "shoes", "ana@"):
        assert hidden not in text
    assert told["components"][0]["state"] == "warning"
    assert told["jobs"][0]["error"].startswith("It met ")


def test_a_curve_has_gaps_where_nothing_is_known() -> None:
    hours = [NOW + timedelta(hours=n) for n in range(5)]
    points = list(zip(hours, (0.0, 50.0, None, 100.0, None), strict=True))
    drawn = chart(points, begins=NOW, time=timedelta(hours=4), top=100.0, thresholds=(70, 195))
    assert drawn.line == f"M0.0,{HEIGHT}L{WIDTH / 4},{HEIGHT / 2}"
    assert drawn.area.endswith(f"L{WIDTH / 4},{HEIGHT:.0f}L0.0,{HEIGHT:.0f}Z")
    assert drawn.dots == ((WIDTH * 3 / 4, 0.0),)
    assert [round(each, 1) for each in drawn.thresholds] == [round(HEIGHT * 0.3, 1)]


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 1), (0.2, 0.25), (9.4, 10), (96, 150), (11_835, 15_000), (126.3e9, 150e9)],
)
def test_a_chart_ends_at_a_round_number_above(value: float, top: float) -> None:
    assert round_above(value) == pytest.approx(top)
