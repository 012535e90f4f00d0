"""What the doctor looks at and what it finds."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from avenue.config import Settings


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    NOTICE = "notice"  # good to know; nothing breaks
    PROBLEM = "problem"

    @property
    def weight(self) -> int:
        """What levels are compared by."""
        return [*Level].index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something amiss: where it is, what it is, and what cures it. Never holds a secret."""

    level: Level
    place: str
    says: str
    cure: str


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
            (each.level for each in self.findings), key=lambda each: each.weight, default=Level.OK
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
            (each.level for each in self.looks), key=lambda each: each.weight, default=Level.OK
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where this runs: settings and what is wrong with them, the environment, the folder.

    `environ` has the names of variables only.
    """

    settings: Settings
    problems: tuple[str, ...] = ()
    environ: frozenset[str] = frozenset()
    folder: Path = field(default_factory=Path)
