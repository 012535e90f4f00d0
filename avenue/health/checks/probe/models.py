"""What a step of the probe has come to."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a step ended; `unknown`: it was not done, because one before it failed."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step; `detail` says in words what went wrong."""

    name: str
    verdict: Verdict
    detail: str | None = None
    milliseconds: float | None = None
