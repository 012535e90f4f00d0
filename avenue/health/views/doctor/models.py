"""Models of the doctor's checks and results."""

from dataclasses import dataclass
from datetime import datetime

from avenue.health.models import Finding, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The result of one check; the first findings, and how many `more` there are.

    `told` sums up what was checked, for checks without findings.
    """

    check: str
    findings: tuple[Finding, ...]
    more: int = 0
    told: str = ""

    @property
    def level(self) -> Level:
        """The worst level of its findings."""
        return max(
            (each.level for each in self.findings), key=lambda each: each.rank, default=Level.OK
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All checks. `database`: it could be reached; else `skipped` has the checks that need it."""

    generated_at: datetime
    database: bool
    looks: tuple[Look, ...]
    skipped: tuple[str, ...]

    @property
    def level(self) -> Level:
        """The worst level of all checks."""
        return max(
            (each.level for each in self.looks), key=lambda each: each.rank, default=Level.OK
        )
