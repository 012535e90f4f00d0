"""The measures that are read regularly, and the rule of each.

A level begins at one value and ends at a better one, and ends only when the value has stayed there
for some snapshots: a value that fluctuates around a threshold does not open and end an alert each
time.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from avenue.config import Settings
from avenue.health.history.snapshots.models import Snapshot, Traffic
from avenue.health.models import Level, Measure, Unit
from avenue.health.rules.levels import Rule, Rules, aged, counted, levels_at
from avenue.health.rules.oplog import OPLOG, least_hours
from avenue.health.thresholds import (
    BACKUP_HOURS,
    CERTIFICATE_DAYS,
    CERTIFICATE_IS_FINE_DAYS,
    DRILL_DAYS,
    DRILL_GRACE_DAYS,
    ERROR_MARGIN,
    ERROR_PERCENT,
    FAILURES,
    LEAST_REQUESTS,
    MARGIN_PERCENT,
)
from avenue.storage.mongo_facts import percent

HOURS_A_DAY = 24
WORSE = (Level.WARNING, Level.CRITICAL)
COUNTED_AS = {Measure.QUOTA: "quotas", Measure.DAMAGED: "damaged"}
"""The figure of a snapshot for each measure of sites."""
OF_CLUSTERS = frozenset({Measure.DISK, Measure.CONNECTIONS, Measure.OPLOG})
"""The measures that take the worst value of all clusters."""
QUICKLY_CHECKED = frozenset(
    {
        *(Measure.STOPPED, Measure.LATE_JOBS, Measure.FAILED_JOBS, Measure.LOST),
        *(Measure.ON_A_DISK, Measure.UNDELIVERED, Measure.PLAN, Measure.LETTERS),
        *(Measure.SCANNER, Measure.UNSCANNED, Measure.QUARANTINED),
        *(Measure.CERTIFICATE, Measure.SECRETS, Measure.REQUESTS, Measure.PICTURES),
    }
)
"""The measures that are read every few minutes, and not from snapshots."""
FINE: Mapping[Measure, float] = {Measure.CERTIFICATE: CERTIFICATE_IS_FINE_DAYS}
"""The value that means nothing found, if it is not 0."""
Figures = Mapping[tuple[Measure, str | None], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A read value of a measure; `site` is None for the whole deployment."""

    measure: Measure
    site: str | None
    value: float

    @property
    def key(self) -> tuple[Measure, str | None]:
        """Its subject: there is at most one open alert for each."""
        return self.measure, self.site


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickCheck:
    """The figures read at that time; those of `missing` could not be read."""

    at: datetime
    figures: Figures
    missing: Collection[Measure] = ()


def rules(settings: Settings) -> Rules:
    """Return the rule of each measure."""
    percents = settings.alert_levels
    full = Rule(
        unit=Unit.PERCENT,
        thresholds=levels_at(percents, [max(each - MARGIN_PERCENT, 0) for each in percents]),
    )
    backup_later = max(settings.backup_hours - HOURS_A_DAY, 0)
    drill_later = max(settings.backup_drill_days + DRILL_GRACE_DAYS - DRILL_DAYS, 0)
    return {
        Measure.DISK: full,
        Measure.CONNECTIONS: full,
        Measure.QUOTA: full,
        Measure.OPLOG: OPLOG,
        Measure.ERRORS: Rule(
            unit=Unit.PERCENT,
            thresholds=levels_at(ERROR_PERCENT, [each * ERROR_MARGIN for each in ERROR_PERCENT]),
        ),
        Measure.DAMAGED: counted(Unit.FILES, Level.CRITICAL),
        Measure.BACKUP: aged(Unit.HOURS, WORSE, BACKUP_HOURS, later=backup_later),
        Measure.DRILL: aged(Unit.DAYS, [Level.NOTICE], [DRILL_DAYS], later=drill_later),
        Measure.STOPPED: counted(Unit.MINUTES, Level.CRITICAL),
        Measure.LATE_JOBS: counted(Unit.JOBS, Level.CRITICAL),
        Measure.FAILED_JOBS: counted(Unit.JOBS, Level.WARNING),
        Measure.LOST: counted(Unit.FILES, Level.CRITICAL),
        Measure.ON_A_DISK: counted(Unit.FILES, Level.WARNING),
        Measure.UNDELIVERED: Rule(
            unit=Unit.MESSAGES, thresholds=levels_at(FAILURES, [0, 0], WORSE), calm=1
        ),
        Measure.PLAN: full,
        Measure.LETTERS: full,
        Measure.CERTIFICATE: Rule(
            unit=Unit.DAYS,
            thresholds=levels_at(CERTIFICATE_DAYS, CERTIFICATE_DAYS, WORSE),
            lower_is_worse=True,
            calm=1,
        ),
        Measure.SECRETS: aged(Unit.DAYS, [Level.NOTICE], [settings.alert_secret_days]),
        Measure.REQUESTS: full,
        Measure.PICTURES: full,
        Measure.SCANNER: counted(Unit.MINUTES, Level.WARNING),
        Measure.UNSCANNED: counted(Unit.FILES, Level.WARNING),
        Measure.QUARANTINED: counted(Unit.FILES, Level.WARNING),
    }


def readings(
    snapshot: Snapshot, open_now: Iterable[tuple[Measure, str | None]]
) -> Iterator[Reading]:
    """Yield the readings of `snapshot`; figures the database does not report are left out.

    What is `open_now` and no longer in the snapshot (a removed quota, repaired files, disabled
    backups) is read as 0, unless it was not counted.
    """
    open_now = [each for each in open_now if each[0] not in QUICKLY_CHECKED]
    found = {each.key: each for each in _readings(snapshot)}
    if "clusters" in snapshot.missing:  # an open alert may be about one of them
        for measure in OF_CLUSTERS & {each for each, _ in open_now}:
            found.pop((measure, None), None)
    yield from found.values()
    for measure, site in open_now:
        was_counted = COUNTED_AS.get(measure) not in snapshot.missing
        may_end = site is not None or measure in {Measure.BACKUP, Measure.DRILL}
        if may_end and was_counted and (measure, site) not in found:
            yield Reading(measure=measure, site=site, value=0)


def quick_readings(
    quick_check: QuickCheck, open_now: Iterable[tuple[Measure, str | None]]
) -> Iterator[Reading]:
    """Yield the readings of `quick_check`; a checked measure without a figure in it is fine."""
    known = [
        each
        for each in open_now
        if each[0] in QUICKLY_CHECKED and each[0] not in quick_check.missing
    ]
    over = {each: FINE.get(each[0], 0.0) for each in known}
    for (measure, site), value in {**over, **quick_check.figures}.items():
        yield Reading(measure=measure, site=site, value=value)


def _readings(snapshot: Snapshot) -> Iterator[Reading]:
    whole = {
        Measure.DISK: snapshot.fullest_disk_percent,
        Measure.CONNECTIONS: snapshot.most_connections_percent,
        Measure.OPLOG: least_hours(snapshot.everywhere),
        Measure.ERRORS: error_percent(snapshot.traffic) if snapshot.traffic else None,
        Measure.BACKUP: snapshot.backup_hours,
        Measure.DRILL: snapshot.drill_days,
    }
    for measure, value in whole.items():
        if value is not None:
            yield Reading(measure=measure, site=None, value=value)
    for each in snapshot.quotas:
        yield Reading(measure=Measure.QUOTA, site=each.site, value=each.percent or 0)
    for site, count in snapshot.damaged.items():
        yield Reading(measure=Measure.DAMAGED, site=site, value=count)


def error_percent(traffic: Traffic) -> float | None:
    """Return the share of errors that is judged."""
    return percent(traffic.errors, max(traffic.requests, LEAST_REQUESTS))
