"""When an alert opens, rises, is told again, sinks and ends: on a simulated clock."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from avenue.config import Settings
from avenue.health.alerts.models import News, State
from avenue.health.alerts.watching import Watched, watch
from avenue.health.history.snapshots.models import QuotaUse
from avenue.health.models import ALERTED, Level, Measure
from avenue.health.rules.measures import Reading, readings, rules
from avenue.health.thresholds import CALM_SNAPSHOTS, COOLDOWNS
from tests.unit.health.snapshots import at, snapshot, traffic

NOTICE, WARNING, CRITICAL = ALERTED
OPENED, RAISED, REMINDER, RECOVERED = News
RULES = rules(Settings(local=True))
DISK = RULES[Measure.DISK]
Told = tuple[float, News, Level]


class Watching:
    """One measure, looked at every hour."""

    def __init__(self, measure: Measure = Measure.DISK) -> None:
        self.measure = measure
        self.hour = 0
        self.now: Watched | None = None
        self.told: list[Told] = []
        self.alerts = 0

    def see(self, values: Iterable[float]) -> "Watching":
        for value in values:
            reading = Reading(measure=self.measure, site=None, value=value)
            after, news = watch(RULES[self.measure], self.now, reading, at(self.hour))
            if after is not None and news is not None:
                self.told.append((self.hour, news, after.alert.level))
            self.alerts += news is OPENED
            over = after is not None and after.alert.state is State.RECOVERED
            self.now = None if over else after
            self.hour += 1
        return self

    @property
    def news(self) -> list[News]:
        return [news for _, news, _ in self.told]

    @property
    def level(self) -> Level | None:
        return self.now.alert.level if self.now else None


def day_of(wave: Callable[[int], float], hours: int = 24) -> list[float]:
    return [wave(hour) for hour in range(hours)]


WAVES = {
    "a sine of 4 points, five times a day": lambda hour: (
        85 + 4 * math.sin(hour * 5 * math.tau / 24)
    ),
    "a slow sine of 9 points": lambda hour: 85 + 9 * math.sin(hour * math.tau / 24),
    "a slow sine of 14 points": lambda hour: 85 + 14 * math.sin(hour * math.tau / 24),
    "up and down each hour": lambda hour: 85.1 if hour % 2 == 0 else 84.9,
    "wide, up and down each hour": lambda hour: 94 if hour % 2 == 0 else 50,
    "two hours up, two down": lambda hour: 90 if hour % 4 < 2 else 60,
    "a saw": lambda hour: 86 - (hour % 6),
    "the threshold itself": lambda _: 85.0,
}


@pytest.mark.parametrize("wave", WAVES.values(), ids=WAVES)
def test_swinging_around_85_for_a_day_is_one_alert_and_one_recovery(
    wave: Callable[[int], float],
) -> None:
    seen = Watching().see([40] * 5).see(day_of(wave)).see([40] * 10)
    assert seen.alerts == 1
    assert Counter(seen.news)[RECOVERED] == 1
    assert seen.news[-1] is RECOVERED
    told = [level for _, news, level in seen.told if news is not RECOVERED]
    assert len(told) == len(set(told)), "each level at most once"
    assert WARNING in told
    assert seen.now is None


@given(
    st.lists(st.floats(70, 100), min_size=1, max_size=24),
    st.integers(0, 20),
)
def test_whatever_never_gets_well_below_the_lowest_threshold_is_one_alert(
    day: list[float], where: int
) -> None:
    """Also with two hours in between that are all right."""
    day = [value for each in day for value in (each, 20.0, 0.0, each)]
    day.insert(where, 85)
    seen = Watching().see(day).see([10] * CALM_SNAPSHOTS)
    assert (seen.alerts, Counter(seen.news)[RECOVERED]) == (1, 1)


@given(st.lists(st.sampled_from([20.0, 64.9, 65.1, 70.0, 80.1, 85.0, 90.1, 95.0]), max_size=400))
def test_of_any_course_no_level_is_told_twice_within_its_cooldown(course: list[float]) -> None:
    seen = Watching().see(course)
    begins = [each for each in seen.news if each in {OPENED, RECOVERED}]
    assert all(before is not after for before, after in pairwise(begins))
    assert not begins or begins[0] is OPENED
    last: dict[Level, float] = {}
    for hour, news, level in seen.told:
        if news is RECOVERED:
            last = {}
            continue
        cooldown_hours = COOLDOWNS[level].total_seconds() / 3600
        assert hour - last.get(level, -math.inf) >= cooldown_hours
        last[level] = hour


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_an_alert_is_never_milder_than_what_is_reached(course: list[float]) -> None:
    seen = Watching()
    for value in course:
        seen.see([value])
        reached = DISK.reached(value)
        assert reached is None or (seen.level is not None and seen.level.rank >= reached.rank)


def test_worse_is_told_at_once_and_each_level_begins_at_its_threshold() -> None:
    seen = Watching().see([69.9, 70, 84.9, 85, 94.9, 95, 99])
    assert seen.told == [(1, OPENED, NOTICE), (3, RAISED, WARNING), (5, RAISED, CRITICAL)]
    assert seen.now is not None
    alert = seen.now.alert
    assert (alert.value, alert.threshold) == (99, 95)
    assert (alert.opened_at, alert.changed_at) == (at(1), at(5))
    assert "Uploads are refused" in alert.action


@pytest.mark.parametrize(
    ("after", "is_over"),
    [
        ([65, 65, 65], True),
        ([65, 65], False),
        ([65.1, 65, 65], False),
        ([65, 65, 66, 65, 65], False),
        ([65, 65, 66, 65, 65, 65], True),
        ([40, 40, 64], True),
    ],
)
def test_it_ends_after_three_hours_five_points_below(after: list[float], is_over: bool) -> None:
    seen = Watching().see([71]).see(after)
    assert (seen.now is None) is is_over
    assert seen.news == [OPENED, RECOVERED][: 1 + is_over]


def test_a_level_sinks_as_slowly_and_silently() -> None:
    seen = Watching().see([96, 82, 82])
    assert seen.level is CRITICAL
    seen.see([82])
    assert seen.level is WARNING, "82 would not end a warning"
    seen.see([79, 71, 60])
    assert seen.level is NOTICE, "71 would not end a notice"
    seen.see([60, 60])
    assert seen.told == [(0, OPENED, CRITICAL), (8, RECOVERED, NOTICE)]


@pytest.mark.parametrize(
    ("value", "hours", "level"), [(75, 7 * 24, NOTICE), (90, 48, WARNING), (99, 24, CRITICAL)]
)
def test_what_stays_is_told_again_after_its_cooldown(
    value: float, hours: int, level: Level
) -> None:
    seen = Watching().see([value] * (2 * hours + 1))
    assert seen.told == [
        (0, OPENED, level),
        (hours, REMINDER, level),
        (2 * hours, REMINDER, level),
    ]


def acknowledged(seen: Watching, when: datetime) -> Watching:
    assert seen.now is not None
    alert = replace(seen.now.alert, acknowledged_at=when, acknowledged_by="ana")
    seen.now = replace(seen.now, alert=alert, acknowledged_level=alert.level)
    return seen


def test_what_is_acknowledged_is_not_told_again_until_it_is_worse() -> None:
    seen = acknowledged(Watching().see([90]), at(0)).see([90] * 100)
    assert seen.news == [OPENED]
    seen.see([96])
    assert seen.news == [OPENED, RAISED]
    assert seen.now is not None
    assert seen.now.alert.state is State.OPEN, "nobody has seen it that bad"
    assert acknowledged(seen, at(101)).see([50] * 3).news[-1] is RECOVERED


def test_an_acknowledgement_outlasts_a_slow_swing_between_two_levels() -> None:
    seen = acknowledged(Watching().see([90]), at(0)).see([75] * 5)
    assert seen.level is NOTICE
    seen.see([90])
    assert (seen.news, seen.level) == ([OPENED], WARNING)
    assert seen.now is not None
    assert seen.now.alert.state is State.ACKNOWLEDGED


def test_what_was_acknowledged_at_a_lower_level_is_told_again_though_it_was_told_before() -> None:
    seen = acknowledged(Watching().see([96, 82, 82, 82]), at(3)).see([70] * 3)
    assert seen.level is NOTICE
    seen.see([96] * 18)
    assert seen.now is not None
    assert seen.now.alert.state is State.OPEN, "nobody has seen it that bad again"
    assert seen.told == [(0, OPENED, CRITICAL), (24, REMINDER, CRITICAL)]


@pytest.mark.parametrize(
    ("measure", "course", "told"),
    [
        # Fewer hours are worse.
        (
            Measure.OPLOG,
            [30, 24.1, 24, 12, 1.1, 1],
            [(2, OPENED, NOTICE), (3, RAISED, WARNING), (5, RAISED, CRITICAL)],
        ),
        (Measure.OPLOG, [10, 29, 29, 29, 29], [(0, OPENED, WARNING)]),
        (Measure.OPLOG, [10, 30, 30, 30], [(0, OPENED, WARNING), (3, RECOVERED, WARNING)]),
        (
            Measure.ERRORS,
            [0.9, 1, 5, 20],
            [(1, OPENED, NOTICE), (2, RAISED, WARNING), (3, RAISED, CRITICAL)],
        ),
        (Measure.ERRORS, [5, 0.6, 0, 0.5], [(0, OPENED, WARNING)]),
        (Measure.ERRORS, [5, 0.5, 0, 0.5], [(0, OPENED, WARNING), (3, RECOVERED, WARNING)]),
        # One damaged file is too many, and none is none at once.
        (Measure.DAMAGED, [0, 1, 3, 0], [(1, OPENED, CRITICAL), (3, RECOVERED, CRITICAL)]),
        (
            Measure.BACKUP,
            [25, 26, 27, 48, 1],
            [(1, OPENED, WARNING), (3, RAISED, CRITICAL), (4, RECOVERED, CRITICAL)],
        ),
        (Measure.DRILL, [29, 30, 31, 0], [(1, OPENED, NOTICE), (3, RECOVERED, NOTICE)]),
    ],
)
def test_other_measures_have_their_own_thresholds(
    measure: Measure, course: Sequence[float], told: list[Told]
) -> None:
    assert Watching(measure).see(course).told == told


def test_backups_that_are_seldom_may_be_older() -> None:
    weekly = rules(Settings(local=True, backup_hours=168, backup_drill_days=90))
    hours = [weekly[Measure.BACKUP].begins(level) for level in (WARNING, CRITICAL)]
    assert hours == [170, 192]
    assert weekly[Measure.DRILL].begins(NOTICE) == 92


def test_what_a_snapshot_tells() -> None:
    seen = snapshot(
        disk=42.5,
        connections_current=30,
        connections_available=10,
        oplog_hours=9.5,
        backup_hours=27,
        drill_days=3,
        damaged={"shop": 2},
        quotas=(
            QuotaUse(site="shop", bytes=50, most_bytes=100, files=9, most_files=10),
            QuotaUse(site="blog", bytes=50, most_bytes=200, files=9, most_files=0),
        ),
        traffic=traffic(1000, 30),
    )
    assert {each.key: each.value for each in readings(seen, [])} == {
        (Measure.DISK, None): 42.5,
        (Measure.CONNECTIONS, None): 75,
        (Measure.OPLOG, None): 9.5,
        (Measure.ERRORS, None): 3,
        (Measure.BACKUP, None): 27,
        (Measure.DRILL, None): 3,
        (Measure.QUOTA, "shop"): 90,
        (Measure.QUOTA, "blog"): 25,
        (Measure.DAMAGED, "shop"): 2,
    }


def test_what_the_database_does_not_tell_is_left_out() -> None:
    assert list(readings(snapshot(), [(Measure.DISK, None)])) == []


def test_what_a_site_had_and_has_no_longer_is_over() -> None:
    was = [(Measure.QUOTA, "shop"), (Measure.DAMAGED, "shop"), (Measure.OPLOG, None)]
    was.append((Measure.BACKUP, None))
    assert [(each.key, each.value) for each in readings(snapshot(), was)] == [
        ((Measure.QUOTA, "shop"), 0),
        ((Measure.DAMAGED, "shop"), 0),
        ((Measure.BACKUP, None), 0),
    ]


@pytest.mark.parametrize(
    ("requests", "errors", "percent"), [(0, 0, 0), (2, 1, 0.2), (60, 60, 12), (10_000, 100, 1)]
)
def test_one_error_at_night_is_no_alert_and_nothing_but_errors_is(
    requests: int, errors: int, percent: float
) -> None:
    (reading,) = readings(snapshot(traffic=traffic(requests, errors)), [])
    assert (reading.measure, reading.value) == (Measure.ERRORS, percent)
