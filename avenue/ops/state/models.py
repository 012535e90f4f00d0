"""What is told of each component."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from avenue.jobs.models import Job

NOTHING: Mapping[str, object] = {}


class Standing(StrEnum):
    """How a component is; the order is that of the names here."""

    OK = "ok"
    UNKNOWN = "unknown"  # the database does not tell, or nobody has looked yet
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the best; a larger one is worse."""
        return list(Standing).index(self)


class Verdict(StrEnum):
    """The whole in one word."""

    OK = "ok"
    ATTENTION = "attention"
    AT_RISK = "at_risk"


class Unit(StrEnum):
    """What the value of a component counts."""

    PERCENT = "percent"
    BYTES = "bytes"
    HOURS = "hours"
    MEMBERS = "members"
    FILES = "files"
    JOBS = "jobs"
    MESSAGES = "messages"
    PER_SECOND = "requests_per_second"


class Bytes(int):
    """So many bytes, among the words of a sentence; written as its reader writes sizes."""


class Host(str):
    """The name of a machine, among the words of a sentence; kept from who is not of the house."""


class Number(float):
    """A number with at most one place behind the point, written as its reader writes numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence in English with `{places}` for its `words`; see `avenue.errors.filled`."""

    text: str
    words: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One thing that may be lost, leak or run full.

    `name` is an English text to be translated. `percent` is how full it is, where anything can be,
    and `thresholds` are those where notice, warning and critical begin. `since` is when it became
    as it is, as far as alerts tell. `action` is the one thing to do, None when there is nothing.
    """

    key: str
    name: str
    standing: Standing
    value: float | None = None
    unit: Unit | None = None
    percent: float | None = None
    thresholds: tuple[float, ...] = ()
    since: datetime | None = None
    detail: Said | None = None
    action: Said | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All components somebody may see, the worst first; `snapshot_at` is how old hourly facts are.

    None: none has been taken yet, or it is not for the one who asks. `passes` are the jobs that run
    again and again, for whoever runs the house.
    """

    generated_at: datetime
    snapshot_at: datetime | None
    components: tuple[Component, ...]
    passes: tuple[Job, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of all components, in one word."""
        worst = max((each.standing.rank for each in self.components), default=0)
        if worst == Standing.CRITICAL.rank:
            return Verdict.AT_RISK
        return Verdict.ATTENTION if worst >= Standing.NOTICE.rank else Verdict.OK
