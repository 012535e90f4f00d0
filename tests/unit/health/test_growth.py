"""When will it be full? Asked of histories whose end is known."""

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from avenue.health.views.capacity.growth import Sample, growth
from avenue.health.views.capacity.models import Growth, Trend

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
GB = 10**9
LIMIT = 100 * GB
PERCENTS = (70, 85, 95)
Level = Callable[[float], float]
"""What there was so many days ago, in GB."""


def history(level: Level, days: float = 30.0) -> list[Sample]:
    """Snapshots as they are kept: each hour of the last seven days, one a day before."""
    ages: list[float] = list(range(math.floor(days), 7, -1))
    ages += [hour / 24 for hour in range(min(round(days * 24), 168), -1, -1)]
    return [(NOW - timedelta(days=age), level(age) * GB) for age in ages]


def told(samples: list[Sample], window_days: int = 7) -> Growth:
    return growth(samples, now=NOW, window_days=window_days, limit=LIMIT, percents=PERCENTS)


def until(found: Growth, percent: int) -> float:
    days = found.days_until[percent]
    assert days is not None
    return days


def line(now: float, per_day: float) -> Level:
    return lambda age: now - per_day * age


def noisy(level: Level, sigma: float, seed: int = 1) -> Level:
    noise = random.Random(seed)
    return lambda age: level(age) + noise.gauss(0, sigma)


@pytest.mark.parametrize("window_days", [7, 30])
def test_a_line_is_told_within_five_percent(window_days: int) -> None:
    found = told(history(line(50, 0.5)), window_days)
    assert found.trend is Trend.GROWS
    assert found.bytes_per_day == pytest.approx(0.5 * GB, rel=0.001)
    for percent in PERCENTS:
        assert until(found, percent) == pytest.approx((percent - 50) / 0.5, rel=0.001)


@given(
    now=st.floats(5, 60),
    per_day=st.floats(0.05, 5),
    days=st.floats(3, 60),
    noise_share=st.floats(0, 0.02),
    seed=st.integers(0, 1000),
    lost=st.sets(st.integers(0, 167), max_size=60),
)
def test_any_line_with_noise_and_gaps_is_told_within_five_percent(
    now: float, per_day: float, days: float, noise_share: float, seed: int, lost: set[int]
) -> None:
    """Noise: up to 2 % of what a week adds; lost: up to a third of the week's snapshots."""
    samples = history(noisy(line(now, per_day), noise_share * per_day * 7, seed), days)
    samples = [each for number, each in enumerate(samples) if number not in lost]
    found = told(samples)
    if found.history_days < 7 / 3:
        assert found.trend is Trend.UNKNOWN
        return
    assert found.trend is Trend.GROWS
    assert until(found, 95) == pytest.approx((95 - now) / per_day, rel=0.05)


@pytest.mark.parametrize("window_days", [7, 30])
def test_much_noise_moves_it_little(window_days: int) -> None:
    for seed in range(20):
        found = told(history(noisy(line(50, 0.5), 0.3, seed)), window_days)
        assert until(found, 95) == pytest.approx(90, rel=0.2)


def test_one_value_that_is_wildly_wrong_moves_nothing() -> None:
    samples = history(line(50, 0.5))
    at, _ = samples[-40]
    samples[-40] = (at, 0.0)
    assert until(told(samples), 95) == pytest.approx(90, rel=0.01)


def test_steps_count_as_the_growth_they_are() -> None:
    """An import each Monday: 4 GB, and nothing in between."""
    found = told(history(lambda age: 50 + 4 * math.floor((30 - age) / 7)), 30)
    assert found.bytes_per_day == pytest.approx(4 / 7 * GB, rel=0.15)


@pytest.mark.parametrize("gap", [(1, 3), (2, 5), (0.5, 4)])
def test_days_without_snapshots_change_nothing(gap: tuple[float, float]) -> None:
    sooner, later = (NOW - timedelta(days=days) for days in gap)
    samples = [each for each in history(line(50, 0.5)) if not later < each[0] < sooner]
    assert until(told(samples), 95) == pytest.approx(90, rel=0.001)


def test_nothing_measured_for_days_is_no_growth_missed() -> None:
    samples = [each for each in history(line(50, 0.5)) if each[0] < NOW - timedelta(days=2)]
    assert until(told(samples), 95) == pytest.approx(90, rel=0.001)


@given(
    at=st.floats(0.3, 29),
    deleted=st.floats(5, 45),
    per_day=st.floats(0.1, 1),
    window_days=st.sampled_from([7, 30]),
)
def test_a_big_deletion_makes_no_nonsense(
    at: float, deleted: float, per_day: float, window_days: int
) -> None:
    """What grew before and after it still grows, from where it is now."""
    samples = history(lambda age: 50 - per_day * age + (deleted if age > at else 0))
    found = told(samples, window_days)
    assert found.bytes_per_day == pytest.approx(per_day * GB, rel=0.05)
    assert until(found, 95) == pytest.approx(45 / per_day, rel=0.05)


@pytest.mark.parametrize("window_days", [7, 30])
def test_nor_does_one_amid_noise(window_days: int) -> None:
    def level(age: float) -> float:
        return 50 - 0.5 * age + (20 if age > 3.1 else 0)

    for seed in range(20):
        found = told(history(noisy(level, 0.1, seed)), window_days)
        assert until(found, 95) == pytest.approx(90, rel=0.15)


def test_two_deletions_are_set_aside_too() -> None:
    samples = history(lambda age: 40 - 0.5 * age + 20 * (age > 3.3) + 10 * (age > 1.2))
    assert until(told(samples), 95) == pytest.approx(110, rel=0.05)


def test_a_file_that_comes_and_goes_each_night_is_no_growth() -> None:
    """A dump of 10 GB lies there from two to six o'clock."""
    found = told(history(lambda age: 50 + 10 * (0.25 < age % 1 < 0.42)))
    assert found.trend is Trend.STEADY
    assert found.days_until == {70: None, 85: None, 95: None}


def test_trash_emptied_every_few_days_is_no_growth() -> None:
    found = told(history(lambda age: 60 - 2 * (age % 5)), 30)
    assert found.trend is not Trend.GROWS or until(found, 95) > 365


@pytest.mark.parametrize("window_days", [7, 30])
def test_chance_is_no_growth(window_days: int) -> None:
    trends = [
        told(history(noisy(lambda _: 50, 1.0, seed)), window_days).trend for seed in range(100)
    ]
    assert trends.count(Trend.GROWS) <= 4


def test_what_does_not_move_is_steady() -> None:
    found = told(history(lambda _: 50))
    assert (found.trend, found.bytes_per_day) == (Trend.STEADY, 0.0)
    assert found.days_until == {70: None, 85: None, 95: None}


def test_what_shrinks_is_never_full() -> None:
    found = told(history(line(80, -0.5)))
    assert found.trend is Trend.SHRINKS
    assert found.days_until == {70: 0.0, 85: None, 95: None}


def test_growth_that_takes_decades_is_not_in_sight() -> None:
    found = told(history(line(10, 0.001)))
    assert found.trend is Trend.GROWS
    assert found.days_until == {70: None, 85: None, 95: None}


def test_what_is_reached_is_in_no_days() -> None:
    found = told(history(line(86, 0.5)))
    assert found.days_until[70] == found.days_until[85] == 0.0
    assert until(found, 95) == pytest.approx(18, rel=0.01)


def test_an_import_of_today_counts_at_once() -> None:
    """However small the growth: what is full is full."""
    samples = history(lambda age: 50 - 0.01 * age + (34 if age < 0.2 else 0))
    found = told(samples)
    assert found.trend is Trend.GROWS
    assert until(found, 85) == pytest.approx(100, rel=0.05)


@pytest.mark.parametrize(
    ("days", "window_days", "trend"),
    [
        (0, 7, Trend.UNKNOWN),
        (1, 7, Trend.UNKNOWN),
        (2.2, 7, Trend.UNKNOWN),
        (3, 7, Trend.GROWS),
        (3, 30, Trend.UNKNOWN),
        (9, 30, Trend.UNKNOWN),
        (11, 30, Trend.GROWS),
    ],
)
def test_it_says_so_when_too_little_was_measured(
    days: float, window_days: int, trend: Trend
) -> None:
    found = told(history(line(50, 0.5), days), window_days)
    assert found.trend is trend
    assert found.history_days == pytest.approx(days, abs=0.3)
    assert (found.bytes_per_day is None) == (trend is Trend.UNKNOWN)


def test_full_is_full_without_any_history() -> None:
    found = told([(NOW, 90.0 * GB)])
    assert (found.trend, found.days_until) == (Trend.UNKNOWN, {70: 0.0, 85: 0.0, 95: None})


def test_no_samples_are_no_error() -> None:
    assert told([]).trend is Trend.UNKNOWN
