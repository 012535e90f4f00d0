"""The capacity report as lines for people."""

from collections.abc import Iterator

from avenue.clock import iso
from avenue.health.models import Measure
from avenue.health.sentences import size
from avenue.health.views.capacity.models import (
    Capacity,
    Forecast,
    Growth,
    Measured,
    Storing,
    Throughput,
    Trend,
)
from avenue.identity import HOME_CLUSTER

COLUMNS = ("products", "pictures", "content", "each disk has", "buy disks of", "fits today")
NOTHING = "-"


def capacity_text(report: Capacity) -> str:
    """Return the report as lines for people."""
    return "\n".join(_lines(report))


def _lines(report: Capacity) -> Iterator[str]:
    whose = f"the site {report.site}" if report.site else "the whole deployment"
    by = f", by the snapshot of {iso(report.snapshot_at)}" if report.snapshot_at else ""
    yield f"Capacity of {whose}{by}"
    if report.snapshot_at:
        yield ""
        yield _next_line(report)
    for forecast in report.forecasts:
        yield ""
        yield from _forecast_lines(forecast)
    if report.measured:
        yield ""
        yield from _measured_lines(report.measured, report.storing)
    if report.projections:
        yield ""
        yield from _table(report)
    if report.throughput:
        yield ""
        yield from _throughput_lines(report.throughput)
    for note in report.notes:
        yield ""
        yield f"Note: {note}"


def _next_line(report: Capacity) -> str:
    first = report.next
    if first is None:
        return "Runs out first: nothing that is known of, within a year."
    when = "now" if first.days == 0 else f"in {_days(first.days)} ({iso(first.on)[:10]})"
    # The threshold is not the fill level: what is at 91 % now is over the 80 % that count as full.
    full = f", {'over' if first.days == 0 else 'at'} {first.percent} %" if first.percent else ""
    return f"Runs out first: {first.what}{full} {when}. {first.cure}"


def _forecast_lines(forecast: Forecast) -> Iterator[str]:
    if forecast.measure is Measure.QUOTA:
        what = f"Quota of the site {forecast.site}"
    elif forecast.cluster == HOME_CLUSTER:
        what = "The database's disk"
    else:
        what = f"The disk of the cluster {forecast.cluster}"
    used, limit = size(forecast.used_bytes), size(forecast.limit_bytes)
    yield f"{what}: {used} of {limit}, {forecast.percent:.1f} %"
    for each in forecast.growth:
        yield f"  last {each.window_days:>2} days: {_growth_words(each)}"


def _growth_words(growth: Growth) -> str:
    reached = [percent for percent, days in growth.days_until.items() if days == 0]
    over = f"; {max(reached)} % is reached" if reached else ""
    if growth.trend is Trend.UNKNOWN:
        needed = growth.window_days / 3
        return (
            f"too little was measured to say: {growth.history_days:.1f} days, "
            f"{needed:.0f} are needed{over}"
        )
    if growth.trend is not Trend.GROWS:
        return ("no growth" if growth.trend is Trend.STEADY else "it shrinks") + over
    to_come = [
        f"{percent} % in {_days(days)}" for percent, days in growth.days_until.items() if days
    ]
    ahead = ", ".join(to_come) or "nothing in sight"
    return f"{size(growth.rise)} more a day; {ahead}{over}"


def _measured_lines(found: Measured, kept: Storing | None) -> Iterator[str]:
    yield (
        f"Measured here: {found.products:,} products with {found.pictures:,} pictures, "
        f"{found.pictures_per_product:.1f} each; a picture takes {size(found.bytes_per_picture)} "
        f"with its other sizes; {found.other_files:,} other files take {size(found.other_bytes)}"
    )
    if kept:
        members = "members of a number not told" if kept.members is None else _members(kept.members)
        yield (
            f"The database makes {kept.compression:.2f} bytes of each and "
            f"{size(kept.index_bytes_per_file)} of indexes for a file, on {members}"
        )


def _table(report: Capacity) -> Iterator[str]:
    currency = report.prices.currency if report.prices else ""
    is_whole = report.storing is not None
    heads = (*COLUMNS, f"{currency} a month") if is_whole else COLUMNS[:3]
    yield "  ".join(f"{each:>13}" for each in heads)
    for each in report.projections:
        cells = [f"{each.products:,}", f"{each.pictures:,}", size(each.content_bytes)]
        if is_whole:
            cells += [
                size(each.database_bytes or 0),
                size(each.disk_bytes or 0),
                {True: "yes", False: "no", None: NOTHING}[each.fits],
                f"{each.cost.total:,.2f}" if each.cost else NOTHING,
            ]
        yield "  ".join(f"{cell:>13}" for cell in cells)


def _throughput_lines(carried: Throughput) -> Iterator[str]:
    if carried.busiest:
        hour = carried.busiest
        slow = "" if hour.p95_seconds is None else f", 95 of 100 within {hour.p95_seconds:.3g} s"
        yield (
            f"Measured: {hour.requests_per_second:,.1f} requests a second in the busiest hour "
            f"(until {iso(hour.at)}), {hour.errors_percent:.2g} % of them errors{slow}"
        )
    else:
        yield "Measured: no traffic yet"
    if carried.sent_bytes_month is not None:
        yield f"Measured: {size(carried.sent_bytes_month)} sent in 30 days at that rate"
    yield (
        f"Estimated for this instance ({carried.processes} processes on {carried.cores} cores) "
        f"from docs/performance.md: {carried.at_hand_per_second:,} pictures a second that are at "
        f"hand, {carried.from_database_per_second:,} that come from the database"
    )


def _days(days: float) -> str:
    count = round(days)
    return "less than a day" if count < 1 else f"{count} day{'s' if count > 1 else ''}"


def _members(count: int) -> str:
    return "one member" if count == 1 else f"each of {count} members"
