"""How fast something grows, and when it will be full, from past measurements.

The slope is the median of those between all pairs of points (Theil-Sen), which is robust against a
few outliers; whether there is growth at all is tested by the number of rising pairs (Mann-Kendall).
Both work on medians of equal pieces of time, so that a piece with many values counts no more than
others.

A large deletion is not a negative trend: one or two sudden drops are removed, as if the deleted
data had never existed. Drops that occur more often, or that undo a sudden rise, are normal
fluctuation; they stay.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import combinations, groupby, pairwise
from statistics import median

from avenue.health.views.capacity.models import Growth, Trend

SECONDS_PER_DAY = 86_400.0
PIECES = 48  # of a window
FEWEST_POINTS = 6
LEAST_SHARE = 1 / 3  # of a window, that must have been measured
SIGMA = 1.4826  # scales a median absolute deviation to a standard deviation
SUDDEN_SIGMAS, SUDDEN_SHARE = 6.0, 0.01
MOST_DELETIONS = 2
CLEAR_SIGMAS = 3.0
NEWEST = 3  # samples, whose median is the current value
SURE = 3.0  # deviations: of a hundred series without growth, hardly one exceeds it by chance
FARTHEST_DAYS = 3650.0

Sample = tuple[datetime, float]
Point = tuple[float, float]
"""Days before now (never above 0), and a value."""


def growth(
    samples: Sequence[Sample],
    *,
    now: datetime,
    window_days: int,
    limit: float,
    percents: Sequence[int],
) -> Growth:
    """Return the growth in the last `window_days`, and when the limit will be reached.

    `samples` are in order of time. `limit` is the capacity, in the unit of the samples.
    """
    days = [((at - now).total_seconds() / SECONDS_PER_DAY, value) for at, value in samples]
    points = _points(days, window_days)
    history_days = round(points[-1][0] - points[0][0], 2) if points else 0.0
    reached = _reached(days[-1][1] if days else 0.0, limit, percents)
    if len(points) < FEWEST_POINTS or history_days < window_days * LEAST_SHARE:
        return Growth(
            window_days=window_days,
            history_days=history_days,
            trend=Trend.UNKNOWN,
            bytes_per_day=None,
            days_until=reached,
        )
    kept = _without_deletions(points)
    slopes = [(b - a) / (later - sooner) for (sooner, a), (later, b) in combinations(kept, 2)]
    slope = median(slopes)
    trend = _trend(slope, slopes, len(kept))
    if trend is Trend.GROWS:
        reached = _days_until(_level(kept, days[-NEWEST:], slope), slope, limit, percents)
    return Growth(
        window_days=window_days,
        history_days=history_days,
        trend=trend,
        bytes_per_day=slope,
        days_until=reached,
    )


def _points(days: Sequence[Point], window_days: int) -> list[Point]:
    """Return one point for each piece of the window that has values: their medians."""
    inside = [(day, value) for day, value in days if -window_days <= day <= 0]
    pieces = groupby(inside, key=lambda point: int((point[0] + window_days) * PIECES / window_days))
    together = [list(each) for _, each in pieces]
    return [(median(day for day, _ in each), median(v for _, v in each)) for each in together]


def _without_deletions(points: Sequence[Point]) -> list[Point]:
    """Return `points` with those before a deletion lowered by what was deleted."""
    pairs = list(pairwise(points))
    usual = median(
        (after - before) / (later - sooner) for (sooner, before), (later, after) in pairs
    )
    leaps = [
        after - before - usual * (later - sooner) for (sooner, before), (later, after) in pairs
    ]
    noise = SIGMA * median(map(abs, leaps))
    sudden = max(SUDDEN_SIGMAS * noise, SUDDEN_SHARE * max(value for _, value in points))
    falls = [leap if leap < -sudden else 0.0 for leap in leaps]
    risen = sum(leap for leap in leaps if leap > sudden)
    deletions = sum(is_fall for is_fall, _ in groupby(falls, key=bool))
    if not 0 < deletions <= MOST_DELETIONS or risen >= -sum(falls) / 2:
        return list(points)
    return [(day, value + sum(falls[n:])) for n, (day, value) in enumerate(points)]


def _trend(slope: float, slopes: Sequence[float], count: int) -> Trend:
    """Return whether the rises among all pairs are more than chance."""
    score = sum(each > 0 for each in slopes) - sum(each < 0 for each in slopes)
    deviation = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    if slope > 0 and (score - 1) / deviation > SURE:
        return Trend.GROWS
    if slope < 0 and (score + 1) / deviation < -SURE:
        return Trend.SHRINKS
    return Trend.STEADY


def _level(points: Sequence[Point], newest: Sequence[Point], slope: float) -> float:
    """Return the line's current value, or that of the `newest` points if they clearly left it."""
    ends = [value - slope * day for day, value in points]
    line = median(ends)
    noise = SIGMA * median(abs(each - line) for each in ends)
    there = median(value - slope * day for day, value in newest)
    return there if abs(there - line) > CLEAR_SIGMAS * noise else line


def _days_until(
    level: float, slope: float, limit: float, percents: Sequence[int]
) -> dict[int, float | None]:
    found: dict[int, float | None] = {}
    for percent in percents:
        days = max((limit * percent / 100 - level) / slope, 0.0)
        found[percent] = days if days <= FARTHEST_DAYS else None
    return found


def _reached(value: float, limit: float, percents: Sequence[int]) -> dict[int, float | None]:
    """Return 0 for each percentage that is reached already, None for the others."""
    return {percent: 0.0 if value >= limit * percent / 100 else None for percent in percents}
