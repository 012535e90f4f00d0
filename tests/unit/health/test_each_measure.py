"""Each measure that a component shows is judged there as its alert is, at every threshold."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from avenue.health.history.snapshots.models import QuotaUse, Snapshot
from avenue.health.models import Component, Level, Measure
from avenue.health.rules.measures import readings
from avenue.health.thresholds import LEAST_REQUESTS
from avenue.health.views.state import components as of
from avenue.health.views.state.service import OTHERS
from tests.unit.health.test_state import (
    DATABASE,
    FAILED,
    LATE,
    MONGODB,
    NOTHING_FOUND,
    NOW,
    RULES,
    found,
    oplog,
    passed,
    traffic,
    work,
)

SEEN = replace(traffic(1, 0), traffic=None)
Shown = tuple[Component, Snapshot]


def disk(percent: float) -> Shown:
    facts = {"disk_used_bytes": round(percent * 100), "disk_total_bytes": 10_000}
    return of.disk(replace(DATABASE, **facts), RULES), replace(SEEN, **facts)


def connections(percent: float) -> Shown:
    used = round(percent * 100)
    facts = {"connections_current": used, "connections_available": 10_000 - used}
    return of.connections(replace(MONGODB, **facts), RULES), replace(SEEN, **facts)


def quota(percent: float) -> Shown:
    use = QuotaUse(site="a", bytes=round(percent * 100), most_bytes=10_000, files=0, most_files=0)
    return of.quota(use, RULES), replace(SEEN, quotas=(use,))


def hours(value: float) -> Shown:
    seen = replace(SEEN, oplog_hours=value, data_members=3)
    return of.oplog(replace(MONGODB, oplog=oplog(value)), RULES), seen


def errors(percent: float) -> Shown:
    seen = traffic(LEAST_REQUESTS * 100, round(percent * LEAST_REQUESTS))
    return of.traffic(seen, RULES), seen


def backup(value: float) -> Shown:
    seen = replace(SEEN, backup_hours=value, drill_days=0)
    return of.backup(seen, RULES), seen


def drill(value: float) -> Shown:
    seen = replace(SEEN, backup_hours=0, drill_days=value)
    return of.backup(seen, RULES), seen


def damaged(count: float) -> Shown:
    seen = replace(SEEN, damaged={"a": int(count)})
    return of.integrity_of(passed(), int(count), NOTHING_FOUND), seen


OF_SNAPSHOTS: Mapping[Measure, Callable[[float], Shown]] = {
    Measure.DISK: disk,
    Measure.CONNECTIONS: connections,
    Measure.QUOTA: quota,
    Measure.OPLOG: hours,
    Measure.ERRORS: errors,
    Measure.BACKUP: backup,
    Measure.DRILL: drill,
    Measure.DAMAGED: damaged,
}
OF_QUICK_CHECKS: Mapping[Measure, Callable[[int], Component]] = {
    Measure.LATE_JOBS: lambda n: of.jobs(work(*[LATE] * n), NOW, 0, RULES),
    Measure.FAILED_JOBS: lambda n: of.jobs(work(failed=(FAILED,) * n), NOW, 0, RULES),
    Measure.STOPPED: lambda n: of.jobs(work(), NOW, n, RULES),
    Measure.LOST: lambda n: of.integrity_of(passed(), 0, found(missing=n)),
    Measure.ON_A_DISK: lambda n: of.integrity_of(passed(), 0, found(ephemeral=n)),
    Measure.SCANNER: lambda n: of.scanner(n, 0, RULES, site="a"),
    Measure.QUARANTINED: lambda n: of.scanner(0, n, RULES, site="a"),
    Measure.PLAN: lambda n: of.database(replace(DATABASE, storage_bytes=n * 10**9), 100, RULES),
}


def test_every_measure_is_compared_or_shown_by_its_alert() -> None:
    assert {*OF_SNAPSHOTS, *OF_QUICK_CHECKS, *OTHERS} == {*Measure}
    assert RULES.keys() == {*Measure}


@pytest.mark.parametrize("measure", OF_SNAPSHOTS)
def test_a_component_is_as_bad_as_its_alert(measure: Measure) -> None:
    rule, seen = RULES[measure], set()
    better = 0.1 if rule.lower_is_worse else -0.1
    if measure is Measure.DAMAGED:
        better = -1
    for each in rule.thresholds:
        for value in (each.begins, each.begins + better):
            component, snapshot = OF_SNAPSHOTS[measure](value)
            read = {one.measure: one.value for one in readings(snapshot, ())}
            level = rule.reached(read[measure]) if measure in read else None
            assert component.level == (level or Level.OK), value
            seen.add(component.level)
    assert seen >= {each.level for each in rule.thresholds}


@pytest.mark.parametrize("measure", OF_QUICK_CHECKS)
def test_a_component_is_as_bad_as_what_cannot_wait(measure: Measure) -> None:
    for count in (0, 1, 3, 5, 7, 70, 85, 95):
        level = RULES[measure].reached(count) or Level.OK
        assert OF_QUICK_CHECKS[measure](count).level == level, count
