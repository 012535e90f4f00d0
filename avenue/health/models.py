"""Levels, measures, findings and components."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, WithJsonSchema

from avenue.health.sentences import Sentence
from avenue.web.fields import Moment, Rounded2


class Level(StrEnum):
    """The severity of something, in the order of the names here."""

    OK = "ok"
    UNKNOWN = "unknown"  # the database does not report it, or it was not checked yet
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the best; a larger one is worse."""
        return list(Level).index(self)


ALERTED = (Level.NOTICE, Level.WARNING, Level.CRITICAL)
"""The levels that an alert may have, the mildest first."""
AlertLevel = Annotated[Level, WithJsonSchema({"enum": [*ALERTED], "type": "string"})]


class Verdict(StrEnum):
    """The overall result in one word."""

    OK = "ok"
    ATTENTION = "attention"
    AT_RISK = "at_risk"
    UNKNOWN = "unknown"  # not checked yet, and what is known is fine

    @classmethod
    def of(cls, levels: Iterable[Level], *, known: bool = True) -> Self:
        """Return the worst of `levels` in one word; `known`: it has been checked."""
        worst = max(levels, key=lambda each: each.rank, default=Level.OK)
        if worst is Level.CRITICAL:
            return cls.AT_RISK
        if worst in ALERTED:
            return cls.ATTENTION
        return cls.OK if known else cls.UNKNOWN


class Measure(StrEnum):
    """The measures that are read regularly and that alerts are about."""

    DISK = "disk"
    CONNECTIONS = "connections"
    OPLOG = "oplog"
    QUOTA = "quota"
    ERRORS = "errors"
    DAMAGED = "damaged"
    BACKUP = "backup"
    DRILL = "drill"
    STOPPED = "stopped"
    LATE_JOBS = "late_jobs"
    FAILED_JOBS = "failed_jobs"
    LOST = "lost"
    ON_A_DISK = "on_a_disk"
    UNDELIVERED = "undelivered"
    PLAN = "plan"
    LETTERS = "letters"
    SCANNER = "scanner"
    UNSCANNED = "unscanned"
    QUARANTINED = "quarantined"
    CERTIFICATE = "certificate"
    SECRETS = "secrets"
    REQUESTS = "requests"
    PICTURES = "pictures"


class Unit(StrEnum):
    """The unit of a value."""

    PERCENT = "percent"
    BYTES = "bytes"
    HOURS = "hours"
    DAYS = "days"
    MINUTES = "minutes"
    MEMBERS = "members"
    FILES = "files"
    JOBS = "jobs"
    MESSAGES = "messages"
    PER_SECOND = "requests_per_second"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem: its subject, place, description and remedy. Never contains a secret.

    An `UNKNOWN` finding says what could not be determined. Views filter by `subject`.
    """

    subject: str = ""
    level: Level
    place: str
    says: str
    cure: str


def worst(found: Iterable[Finding]) -> Finding | None:
    """Return the worst finding, the first of several; None if there is none."""
    return max(found, key=lambda each: each.level.rank, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A part of the system that may fail, fill up or lose data.

    `name` is an English text to be translated. `percent` is how full it is, where that applies,
    and `thresholds` are those where notice, warning and critical begin. `since` is when it reached
    its level, as far as alerts say. `action` is the one thing to do, None if there is nothing.
    """

    key: str
    name: str
    level: Annotated[Level, Field(serialization_alias="state")]
    value: Rounded2 | None = None
    unit: Unit | None = None
    percent: Annotated[Rounded2 | None, Field(description="How full it is.")] = None
    thresholds: Annotated[
        tuple[float, ...],
        Field(description="Where notice, warning and critical begin, in percent."),
    ] = ()
    since: Annotated[Moment | None, Field(description="When it became so, as far as is known.")] = (
        None
    )
    detail: Sentence | None = None
    action: Annotated[Sentence | None, Field(description="The one thing to do.")] = None


class Fit(StrEnum):
    """Whether something is fit to serve; `unknown` (it could not be checked) is no failure."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, level: Level) -> Self:
        """Return what a level means for serving requests."""
        known = {Level.CRITICAL: cls.FAILED, Level.UNKNOWN: cls.UNKNOWN}
        return known.get(level, cls.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A checked thing; `detail` says what is wrong with it, or why it is unknown."""

    name: str
    state: Fit
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Check):
    """A step of a probe; no time if it was not done."""

    milliseconds: float | None = None
