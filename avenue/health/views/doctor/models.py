"""What the doctor looks at and what it finds."""

from dataclasses import dataclass
from datetime import datetime

from avenue.health.models import Finding, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one check found; of many findings the first, and how many `more` there are.

    `told` sums up what was looked at where nothing need be found.
    """

    check: str
    findings: tuple[Finding, ...]
    more: int = 0
    told: str = ""

    @property
    def level(self) -> Level:
        """The worst of it."""
        return max(
            (each.level for each in self.findings), key=lambda each: each.rank, default=Level.OK
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All checks. `database` tells whether it could be asked; `skipped` checks needed it."""

    generated_at: datetime
    database: bool
    looks: tuple[Look, ...]
    skipped: tuple[str, ...]

    @property
    def level(self) -> Level:
        """The worst of it."""
        return max(
            (each.level for each in self.looks), key=lambda each: each.rank, default=Level.OK
        )
