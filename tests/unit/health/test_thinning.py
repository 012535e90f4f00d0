"""Which snapshots are kept: all of a week, one of each day for two years."""

from datetime import timedelta
from itertools import pairwise

from avenue.health.history.snapshots.service import HOURLY_FOR, KEPT_FOR, surplus
from tests.unit.health.snapshots import BEGIN, HOUR

YEARS = 3 * 365 * 24


def test_of_three_years_of_hours_a_week_and_two_years_of_days_are_kept() -> None:
    kept: dict[str, float] = {}
    # As it happens: after each snapshot; of the first years a week's worth at a time.
    for hours in range(YEARS):
        kept[str(hours)] = hours
        if hours % (7 * 24) and hours < YEARS - 48:
            continue
        now = BEGIN + hours * HOUR
        times = [(BEGIN + each * HOUR, name) for name, each in kept.items()]
        for name in surplus([each for each in times if each[0] < now - HOURLY_FOR], now):
            del kept[name]
    now = BEGIN + (YEARS - 1) * HOUR
    times = [BEGIN + each * HOUR for each in kept.values()]
    hourly = [each for each in times if each >= now - HOURLY_FOR]
    daily = [each for each in times if each < now - HOURLY_FOR]
    assert len(hourly) == 7 * 24 + 1
    assert min(times) >= now - KEPT_FOR
    assert len(daily) == len({each.date() for each in daily})
    assert {each.hour for each in daily[:-1]} == {23}, "the last of its day"
    gaps = {after - before for before, after in pairwise(daily[:-1])}
    assert gaps == {timedelta(days=1)}
    assert (now - min(times)).days in {729, 730}


def test_a_day_whose_last_hours_are_missing_keeps_what_it_has() -> None:
    times = [(BEGIN + hour * HOUR, str(hour)) for hour in (0, 3, 5, 24)]
    assert surplus(times, BEGIN + 40 * HOUR) == ["0", "3"]
