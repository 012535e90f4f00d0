"""What is measured again and again: where each level begins and ends, and what is said of it.

A level begins at one value and ends at a better one, and ends only when the value has stayed there
for some snapshots: what swings around a threshold neither opens an alert each time nor ends it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from avenue.config import Settings
from avenue.errors import sentence
from avenue.health.history.snapshots.models import Snapshot, Traffic
from avenue.health.models import ALERTED, Finding, Level, Measure, Unit
from avenue.health.sentences import Number, Said
from avenue.health.thresholds import (
    BACKUP_HOURS,
    CALM_SNAPSHOTS,
    CERTIFICATE_DAYS,
    CERTIFICATE_IS_FINE_DAYS,
    DRILL_DAYS,
    ERROR_MARGIN,
    ERROR_PERCENT,
    FAILURES,
    LEAST_REQUESTS,
    MARGIN_PERCENT,
    OPLOG_HOURS,
    OPLOG_MARGIN,
)
from avenue.storage.status import percent

HOURS_A_DAY = 24
WORSE = (Level.WARNING, Level.CRITICAL)
DRILL_GRACE_DAYS = 2
COUNTED_AS = {Measure.QUOTA: "quotas", Measure.DAMAGED: "damaged"}
"""Which figure of a snapshot tells of a measure of sites."""
OF_CLUSTERS = frozenset({Measure.DISK, Measure.CONNECTIONS, Measure.OPLOG})
"""What the worst of all clusters is told of."""
HEADLINES: Mapping[Measure, str] = {
    Measure.DISK: sentence("The database disk is {value} % full."),
    Measure.CONNECTIONS: sentence("{value} % of the database connections are in use."),
    Measure.OPLOG: sentence("The oplog goes back only {value} hours."),
    Measure.QUOTA: sentence("The site {site} has used {value} % of its quota."),
    Measure.ERRORS: sentence("{value} % of the requests of the last hour failed on our side."),
    Measure.DAMAGED: sentence("The site {site} has files with damaged bytes: {value}."),
    Measure.BACKUP: sentence("No verified backup for {value} hours."),
    Measure.DRILL: sentence("No trial restore of a backup for {value} days."),
    Measure.STOPPED: sentence("Background work stopped {value} minutes ago."),
    Measure.LATE_JOBS: sentence("Jobs that are due and not being done: {value}."),
    Measure.FAILED_JOBS: sentence("Jobs that failed in the last 24 hours: {value}."),
    Measure.LOST: sentence("The site {site} uses images that are lost: {value}."),
    Measure.ON_A_DISK: sentence(
        "The site {site} uses images that exist only on a disk or at localhost: {value}."
    ),
    Measure.UNDELIVERED: sentence("A receiver has rejected {value} messages in a row."),
    Measure.PLAN: sentence("The database uses {value} % of its plan."),
    Measure.LETTERS: sentence("{value} % of the daily email limit was used in the last 24 hours."),
    Measure.SCANNER: sentence("The scanner has not answered for {value} minutes."),
    Measure.UNSCANNED: sentence("Files that have waited too long for the scanner: {value}."),
    Measure.QUARANTINED: sentence("The site {site} has files in quarantine: {value}."),
    Measure.CERTIFICATE: sentence("The certificate of the site {site} expires in {value} days."),
    Measure.SECRETS: sentence("A secret that signs messages is {value} days old."),
    Measure.REQUESTS: sentence("Requests per minute are at {value} % of what you expect."),
    Measure.PICTURES: sentence("Stored files are at {value} % of what you expect."),
}
GLANCED = frozenset(
    {
        *(Measure.STOPPED, Measure.LATE_JOBS, Measure.FAILED_JOBS, Measure.LOST),
        *(Measure.ON_A_DISK, Measure.UNDELIVERED, Measure.PLAN, Measure.LETTERS),
        *(Measure.SCANNER, Measure.UNSCANNED, Measure.QUARANTINED),
        *(Measure.CERTIFICATE, Measure.SECRETS, Measure.REQUESTS, Measure.PICTURES),
    }
)
"""What is read every few minutes, and not from snapshots."""
FINE: Mapping[Measure, float] = {Measure.CERTIFICATE: CERTIFICATE_IS_FINE_DAYS}
"""What stands for nothing found, where that is not 0."""
ACTIONS: Mapping[Measure, str] = {
    Measure.DISK: sentence(
        "Plan a larger disk: `python -m avenue capacity` says how long this one lasts."
    ),
    Measure.CONNECTIONS: sentence(
        "Look for processes that should have ended, then run fewer web processes or "
        "threads, or use a larger database: without a free connection no request is "
        "answered."
    ),
    Measure.OPLOG: sentence(
        "Enlarge the oplog. A member or backup that is away longer cannot catch up and "
        "must be copied again."
    ),
    Measure.QUOTA: sentence(
        "Delete what the site no longer needs, or raise its quota: at 100 % its uploads "
        "are refused."
    ),
    Measure.ERRORS: sentence(
        "Look for responses of 500 and above in the log, and run `python -m avenue doctor`."
    ),
    Measure.DAMAGED: sentence(
        "`python -m avenue fsck` lists them. Upload these files again, or restore them "
        "from a backup."
    ),
    Measure.BACKUP: sentence(
        "Find out why the jobs `backup` and `backup_verify` do not finish, or run `python "
        "-m avenue backup create` and `python -m avenue backup verify`: they say what is "
        "wrong."
    ),
    Measure.DRILL: sentence(
        "Run `python -m avenue backup drill`: it says why a backup cannot be restored."
    ),
    Measure.STOPPED: sentence(
        "Start `python -m avenue worker`, or check its log: without it nothing is sent, "
        "cleaned up or backed up."
    ),
    Measure.LATE_JOBS: sentence(
        "See which ones on the Infrastructure page, and check that a process runs them."
    ),
    Measure.FAILED_JOBS: sentence(
        "See which ones and why on the Infrastructure page; when the cause is fixed, run "
        "them again."
    ),
    Measure.LOST: sentence(
        "See the Problems page. Upload these images again, or restore them from a backup."
    ),
    Measure.ON_A_DISK: sentence(
        "See the Problems page. Import them with its button before that disk is lost, or "
        "upload them again."
    ),
    Measure.UNDELIVERED: sentence(
        "Check the receiver's log and its URL in the settings. Queued messages are sent "
        "when it is back."
    ),
    Measure.PLAN: sentence(
        "Choose a larger plan and set AVENUE_DATABASE_GB, or delete what is not needed: a "
        "full plan stores nothing more."
    ),
    Measure.LETTERS: sentence(
        "Find out why so many emails are sent, or raise the limit at your mail service and "
        "set AVENUE_ALERT_LETTERS_PER_DAY."
    ),
    Measure.SCANNER: sentence(
        "Start clamd, or check its log and AVENUE_SCANNER: `python -m avenue doctor` says "
        "whether it answers."
    ),
    Measure.UNSCANNED: sentence(
        "No one can read them before they are scanned. Check that clamd answers and that "
        "the job `scan` runs."
    ),
    Measure.QUARANTINED: sentence(
        "See what was found on the Quarantine page. Delete these files, or release one if "
        "you know that the scanner is wrong."
    ),
    Measure.CERTIFICATE: sentence(
        "Find out why it is not renewed where TLS ends (nginx, Caddy, a load balancer). "
        "Once it expires, browsers no longer show the site."
    ),
    Measure.SECRETS: sentence(
        "Create new values for AVENUE_WEBHOOK_SECRET, AVENUE_ALERT_SECRET and "
        "AVENUE_PURGE_SECRET, here and at their receivers: anyone who obtained an old one "
        "can sign as Avenue."
    ),
    Measure.REQUESTS: sentence(
        "See who sends so many requests on the Infrastructure page, and whether there are "
        "enough processes and threads; then set AVENUE_ALERT_REQUESTS_PER_MINUTE to what "
        "you expect now."
    ),
    Measure.PICTURES: sentence(
        "`python -m avenue capacity` says how long disk and plan last; then set "
        "AVENUE_ALERT_PICTURES to what you expect now."
    ),
}
DISK_IS_FULL = sentence(
    "Enlarge the database disk now, or delete files. Uploads are refused before it is "
    "full, and a full disk stops the database."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Where a `level` begins, and the first value at which it no longer holds."""

    level: Level
    begins: float
    ends: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a measure is judged; `thresholds` has the mildest first.

    A level ends when none of the last `calm` snapshots would hold it.
    """

    unit: Unit
    thresholds: tuple[Threshold, ...]
    lower_is_worse: bool = False
    calm: int = CALM_SNAPSHOTS

    def reached(self, value: float) -> Level | None:
        """Return the worst level that begins at `value` or before."""
        found = [
            each.level
            for each in self.thresholds
            if (value <= each.begins if self.lower_is_worse else value >= each.begins)
        ]
        return found[-1] if found else None

    def held(self, value: float) -> Level | None:
        """Return the worst level that would not end at `value`."""
        found = [
            each.level
            for each in self.thresholds
            if (value < each.ends if self.lower_is_worse else value > each.ends)
        ]
        return found[-1] if found else None

    def begins(self, level: Level) -> float:
        """Return where `level` begins; where the worst does that is milder, if it has none."""
        known = [each for each in self.thresholds if each.level.rank <= level.rank]
        return (known or self.thresholds)[-1].begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read of a measure; `site` is None for the whole deployment."""

    measure: Measure
    site: str | None
    value: float

    @property
    def key(self) -> tuple[Measure, str | None]:
        """What it is about: of this there is one alert at a time."""
        return self.measure, self.site


def _thresholds(begins: Iterable[float], ends: Iterable[float]) -> tuple[Threshold, ...]:
    return tuple(
        Threshold(level=level, begins=begin, ends=end)
        for level, begin, end in zip(ALERTED, begins, ends, strict=True)
    )


Figures = Mapping[tuple[Measure, str | None], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What was read at that time; of what is `missing` nothing could be learnt."""

    at: datetime
    figures: Figures
    missing: Collection[Measure] = ()


OPLOG = Rule(
    unit=Unit.HOURS,
    thresholds=_thresholds(OPLOG_HOURS, [each * OPLOG_MARGIN for each in OPLOG_HOURS]),
    lower_is_worse=True,
)
Rules = Mapping[Measure, Rule]


def rules(settings: Settings) -> Mapping[Measure, Rule]:
    """Return how each measure is judged."""
    percents = settings.alert_levels
    full = Rule(
        unit=Unit.PERCENT,
        thresholds=_thresholds(percents, [max(each - MARGIN_PERCENT, 0) for each in percents]),
    )
    return {
        Measure.DISK: full,
        Measure.CONNECTIONS: full,
        Measure.QUOTA: full,
        Measure.OPLOG: OPLOG,
        Measure.ERRORS: Rule(
            unit=Unit.PERCENT,
            thresholds=_thresholds(ERROR_PERCENT, [each * ERROR_MARGIN for each in ERROR_PERCENT]),
        ),
        Measure.DAMAGED: _first(Unit.FILES, Level.CRITICAL),
        Measure.BACKUP: _ages(
            Unit.HOURS,
            zip(WORSE, BACKUP_HOURS, strict=True),
            later=max(settings.backup_hours - HOURS_A_DAY, 0),
        ),
        Measure.DRILL: _ages(
            Unit.DAYS,
            [(Level.NOTICE, DRILL_DAYS)],
            later=max(settings.backup_drill_days + DRILL_GRACE_DAYS - DRILL_DAYS, 0),
        ),
        Measure.STOPPED: _first(Unit.MINUTES, Level.CRITICAL),
        Measure.LATE_JOBS: _first(Unit.JOBS, Level.CRITICAL),
        Measure.FAILED_JOBS: _first(Unit.JOBS, Level.WARNING),
        Measure.LOST: _first(Unit.FILES, Level.CRITICAL),
        Measure.ON_A_DISK: _first(Unit.FILES, Level.WARNING),
        Measure.UNDELIVERED: Rule(
            unit=Unit.MESSAGES,
            thresholds=tuple(
                Threshold(level=level, begins=begin, ends=0)
                for level, begin in zip(WORSE, FAILURES, strict=True)
            ),
            calm=1,
        ),
        Measure.PLAN: full,
        Measure.LETTERS: full,
        Measure.CERTIFICATE: Rule(
            unit=Unit.DAYS,
            thresholds=tuple(
                Threshold(level=level, begins=begin, ends=begin)
                for level, begin in zip(WORSE, CERTIFICATE_DAYS, strict=True)
            ),
            lower_is_worse=True,
            calm=1,
        ),
        Measure.SECRETS: _ages(Unit.DAYS, [(Level.NOTICE, settings.alert_secret_days)], later=0),
        Measure.REQUESTS: full,
        Measure.PICTURES: full,
        Measure.SCANNER: _first(Unit.MINUTES, Level.WARNING),
        Measure.UNSCANNED: _first(Unit.FILES, Level.WARNING),
        Measure.QUARANTINED: _first(Unit.FILES, Level.WARNING),
    }


def _first(unit: Unit, level: Level) -> Rule:
    """Return how is judged what is too much when there is one, and does not swing."""
    return Rule(unit=unit, thresholds=(Threshold(level=level, begins=1, ends=0),), calm=1)


def _ages(unit: Unit, begins: Iterable[tuple[Level, float]], *, later: float) -> Rule:
    """Return how an age is judged that goes back to 0 at once."""
    levels = tuple(
        Threshold(level=level, begins=begin + later, ends=begin + later) for level, begin in begins
    )
    return Rule(unit=unit, thresholds=levels, calm=1)


def readings(
    snapshot: Snapshot, open_now: Iterable[tuple[Measure, str | None]]
) -> Iterator[Reading]:
    """Yield what `snapshot` tells; what the database does not tell is left out.

    What is `open_now` and no longer in the snapshot (a quota that was taken away, files that are
    whole again, backups that are not made any more) is read as 0, unless it was not counted.
    """
    open_now = [each for each in open_now if each[0] not in GLANCED]
    found = {each.key: each for each in _readings(snapshot)}
    if "clusters" in snapshot.missing:  # what is open may be of one of them
        for measure in OF_CLUSTERS & {each for each, _ in open_now}:
            found.pop((measure, None), None)
    yield from found.values()
    for measure, site in open_now:
        was_counted = COUNTED_AS.get(measure) not in snapshot.missing
        may_end = site is not None or measure in {Measure.BACKUP, Measure.DRILL}
        if may_end and was_counted and (measure, site) not in found:
            yield Reading(measure=measure, site=site, value=0)


def glanced(glance: Glance, open_now: Iterable[tuple[Measure, str | None]]) -> Iterator[Reading]:
    """Yield what a glance tells; what is open and was not found is over, unless nobody knows."""
    known = [each for each in open_now if each[0] in GLANCED and each[0] not in glance.missing]
    over = {each: FINE.get(each[0], 0.0) for each in known}
    for (measure, site), value in {**over, **glance.figures}.items():
        yield Reading(measure=measure, site=site, value=value)


def _readings(snapshot: Snapshot) -> Iterator[Reading]:
    whole = {
        Measure.DISK: snapshot.fullest_disk_percent,
        Measure.CONNECTIONS: snapshot.most_connections_percent,
        Measure.OPLOG: snapshot.least_oplog_hours,
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


def action_for(measure: Measure, level: Level) -> str:
    """Return what to do, in English."""
    if measure is Measure.DISK and level is Level.CRITICAL:
        return DISK_IS_FULL
    return ACTIONS[measure]


def judged(
    measure: Measure, value: float, rules: Rules, *, place: str = "", site: str | None = None
) -> Iterator[Finding]:
    """Yield what is to be said of a `value`, nothing where it reaches no level."""
    level = rules[measure].reached(value)
    if level:
        yield finding(measure, level, value, place=place, site=site)


def finding(
    measure: Measure, level: Level, value: float, *, place: str = "", site: str | None = None
) -> Finding:
    """Return that a `value` has reached `level`."""
    return Finding(
        subject=measure.value,
        level=level,
        place=place or site or measure.value,
        says=Said(HEADLINES[measure], value=Number(value), site=site or ""),
        cure=Said(action_for(measure, level)),
    )
