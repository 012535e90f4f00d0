"""Where the levels of a measure begin and end, and the texts of each level."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from avenue.errors import sentence
from avenue.health.models import ALERTED, Finding, Level, Measure, Unit
from avenue.health.sentences import Number, Said
from avenue.health.thresholds import CALM_SNAPSHOTS

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
    Measure.FAILED_JOBS: sentence(
        "Jobs that failed in the last 24 hours, or at their last run: {value}."
    ),
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

    A level ends when the last `calm` snapshots were all below it.
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
        """Return where `level` begins; without a threshold where the worst does, if milder."""
        known = [each for each in self.thresholds if each.level.rank <= level.rank]
        return (known or self.thresholds)[-1].begins


Rules = Mapping[Measure, Rule]


def levels_at(
    begins: Iterable[float], ends: Iterable[float], levels: Iterable[Level] = ALERTED
) -> tuple[Threshold, ...]:
    """Return where these levels begin and end, the mildest first."""
    return tuple(
        Threshold(level=level, begins=begin, ends=end)
        for level, begin, end in zip(levels, begins, ends, strict=True)
    )


def counted(unit: Unit, level: Level) -> Rule:
    """Return the rule for a number that is a problem from 1 on and does not fluctuate."""
    return Rule(unit=unit, thresholds=levels_at([1], [0], [level]), calm=1)


def aged(unit: Unit, levels: Iterable[Level], begins: Iterable[float], *, later: float = 0) -> Rule:
    """Return the rule for an age that drops to 0 at once; levels begin so much `later`."""
    at = [each + later for each in begins]
    return Rule(unit=unit, thresholds=levels_at(at, at, levels), calm=1)


def action_for(measure: Measure, level: Level) -> str:
    """Return what to do, in English."""
    if measure is Measure.DISK and level is Level.CRITICAL:
        return DISK_IS_FULL
    return ACTIONS[measure]


def judged(
    measure: Measure, value: float, rules: Rules, *, site: str | None = None
) -> Iterator[Finding]:
    """Yield the finding about a `value`, nothing if it reaches no level."""
    level = rules[measure].reached(value)
    if level:
        yield finding(measure, level, value, site=site)


def finding(
    measure: Measure, level: Level, value: float, *, place: str = "", site: str | None = None
) -> Finding:
    """Return the finding that a `value` has reached `level`."""
    return Finding(
        subject=measure.value,
        level=level,
        place=place or site or measure.value,
        says=Said(HEADLINES[measure], value=Number(value), site=site or ""),
        cure=Said(action_for(measure, level)),
    )
