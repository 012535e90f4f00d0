"""Charts as SVG: from points in time to paths, in units that are scaled to any width."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

WIDTH, HEIGHT = 600.0, 160.0
LINES = 4
"""The number of grid lines above the bottom."""
STEPS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
HEADROOM = 1.05
Dot = tuple[datetime, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart: `line` is the curve, `area` the area below it; both have gaps without data.

    `grid` and `thresholds` are distances from the top, `dots` are isolated points, `top` is the
    value at the upper edge; the bottom is 0.
    """

    line: str
    area: str
    dots: tuple[tuple[float, float], ...]
    grid: tuple[float, ...]
    thresholds: tuple[float, ...]
    top: float


def chart(
    points: Sequence[Dot],
    *,
    begins: datetime,
    time: timedelta,
    top: float,
    thresholds: Iterable[float] = (),
) -> Chart:
    """Draw `points` over `time` from `begins` on, up to the value `top`."""
    runs = list(_runs(points, begins, time, top))
    drawn = [run for run in runs if len(run) > 1]
    return Chart(
        line=" ".join(_path(run) for run in drawn),
        area=" ".join(
            f"{_path(run)}L{run[-1][0]:.1f},{HEIGHT:.0f}L{run[0][0]:.1f},{HEIGHT:.0f}Z"
            for run in drawn
        ),
        dots=tuple(run[0] for run in runs if len(run) == 1),
        grid=tuple(HEIGHT * number / LINES for number in range(LINES + 1)),
        thresholds=tuple(_height(each, top) for each in thresholds if each <= top),
        top=top,
    )


def round_above(value: float) -> float:
    """Return a round number a little above `value`."""
    value *= HEADROOM
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(step * unit for step in STEPS if step * unit >= value)


def _runs(
    points: Sequence[Dot], begins: datetime, time: timedelta, top: float
) -> Iterator[list[tuple[float, float]]]:
    """Yield the runs without a gap, as coordinates."""
    for is_known, run in groupby(points, key=lambda point: point[1] is not None):
        if is_known:
            yield [
                (WIDTH * min(max((at - begins) / time, 0.0), 1.0), _height(value or 0.0, top))
                for at, value in run
            ]


def _height(value: float, top: float) -> float:
    return HEIGHT * (1 - min(value / top, 1.0))


def _path(run: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in run)
