"""The report on capacity as JSON, and as lines for people."""

from collections.abc import Iterator
from datetime import timedelta

from avenue.clock import iso
from avenue.health.sizes import size
from avenue.health.views.capacity.models import (
    Capacity,
    Forecast,
    Growth,
    Measure,
    Measured,
    Prices,
    Projection,
    Shortage,
    Storing,
    Throughput,
    Trend,
)
from avenue.health.views.capacity.replies import (
    CapacityReply,
    ForecastReply,
    MeasuredReply,
    PricesReply,
    ProjectionReply,
    ShortageReply,
    ThroughputReply,
)
from avenue.storage.status import percent

COLUMNS = ("products", "pictures", "content", "each disk has", "buy disks of", "fits today")
NOTHING = "-"


def capacity_json(report: Capacity) -> CapacityReply:
    """Return the report as JSON."""
    return {
        "generated_at": iso(report.generated_at),
        "snapshot_at": iso(report.snapshot_at) if report.snapshot_at else None,
        "site": report.site,
        "thresholds": list(report.percents),
        "forecasts": [_forecast_json(each) for each in report.forecasts],
        "measured": _measured_json(report.measured) if report.measured else None,
        "storing": (
            {
                "compression": round(report.storing.compression, 4),
                "index_bytes_per_file": round(report.storing.index_bytes_per_file, 1),
                "members": report.storing.members,
                "disk_used_bytes": report.storing.disk_used_bytes,
                "disk_total_bytes": report.storing.disk_total_bytes,
            }
            if report.storing
            else None
        ),
        "projections": [_projection_json(each) for each in report.projections],
        "prices": _prices_json(report.prices) if report.prices else None,
        "throughput": _throughput_json(report.throughput) if report.throughput else None,
        "next": _shortage_json(report, report.next) if report.next else None,
        "notes": list(report.notes),
    }


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
    when = (
        "now" if first.days == 0 else f"in {_days(first.days)} ({_day_of(report, first.days)[:10]})"
    )
    # The threshold is no fill: what is at 91 % now is over the 80 % that count as full.
    full = f", {'over' if first.days == 0 else 'at'} {first.percent} %" if first.percent else ""
    return f"Runs out first: {first.what}{full} {when}. {first.cure}"


def _forecast_lines(forecast: Forecast) -> Iterator[str]:
    what = (
        "The database's disk"
        if forecast.measure is Measure.DISK
        else f"Quota of the site {forecast.site}"
    )
    full = _full(forecast)
    used, limit = size(forecast.used_bytes), size(forecast.limit_bytes)
    yield f"{what}: {used} of {limit}, {full:.1f} %"
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


def _full(forecast: Forecast) -> float:
    return percent(forecast.used_bytes, forecast.limit_bytes) or 0.0


def _day_of(report: Capacity, days: float) -> str:
    return iso(report.generated_at + timedelta(days=days))


def _forecast_json(forecast: Forecast) -> ForecastReply:
    return {
        "measure": forecast.measure,
        "site": forecast.site,
        "used_bytes": forecast.used_bytes,
        "limit_bytes": forecast.limit_bytes,
        "percent": round(_full(forecast), 2),
        "growth": [
            {
                "window_days": each.window_days,
                "history_days": each.history_days,
                "trend": each.trend,
                "bytes_per_day": None if each.per_day is None else round(each.per_day, 1),
                "days_until": {
                    str(percent): None if days is None else round(days, 2)
                    for percent, days in each.days_until.items()
                },
            }
            for each in forecast.growth
        ],
    }


def _measured_json(found: Measured) -> MeasuredReply:
    return {
        "products": found.products,
        "pictures": found.pictures,
        "pictures_per_product": round(found.pictures_per_product, 3),
        "bytes_per_picture": round(found.bytes_per_picture, 1),
        "original_bytes": found.original_bytes,
        "rendition_bytes": found.rendition_bytes,
        "other_files": found.other_files,
        "other_bytes": found.other_bytes,
        "enough": found.is_enough,
    }


def _projection_json(each: Projection) -> ProjectionReply:
    return {
        "products": each.products,
        "pictures": each.pictures,
        "content_bytes": each.content_bytes,
        "database_bytes": each.database_bytes,
        "disk_bytes": each.disk_bytes,
        "fits": each.fits,
        "cost": (
            {
                "disks": each.cost.disks,
                "backups": each.cost.backups,
                "members": each.cost.members,
                "sent": each.cost.sent,
                "total": round(each.cost.total, 2),
            }
            if each.cost
            else None
        ),
    }


def _prices_json(prices: Prices) -> PricesReply:
    return {
        "example": prices.is_example,
        "currency": prices.currency,
        "as_of": prices.as_of.isoformat(),
        "source": prices.origin,
        "disk_gb_month": prices.disk_gb_month,
        "backup_gb_month": prices.backup_gb_month,
        "member_month": prices.member_month,
        "sent_gb": prices.sent_gb,
    }


def _throughput_json(carried: Throughput) -> ThroughputReply:
    hour = carried.busiest
    return {
        "busiest": (
            {
                "at": iso(hour.at),
                "requests_per_second": round(hour.requests_per_second, 3),
                "errors_percent": round(hour.errors_percent, 3),
                "p95_seconds": hour.p95_seconds,
            }
            if hour
            else None
        ),
        "sent_bytes_month": carried.sent_bytes_month,
        "processes": carried.processes,
        "cores": carried.cores,
        "at_hand_per_second": carried.at_hand_per_second,
        "from_database_per_second": carried.from_database_per_second,
    }


def _shortage_json(report: Capacity, first: Shortage) -> ShortageReply:
    return {
        "what": first.what,
        "percent": first.percent,
        "days": round(first.days, 2),
        "on": _day_of(report, first.days),
        "cure": first.cure,
    }
