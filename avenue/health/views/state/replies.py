"""What `/api/ops/state` answers."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from avenue.health.models import Level, Unit, Verdict


class ComponentReply(TypedDict):
    """One thing that may be lost, leak or run full."""

    key: str
    name: str
    state: Level
    value: float | None
    unit: Unit | None
    percent: Annotated[float | None, Field(description="How full it is.")]
    thresholds: Annotated[
        list[float], Field(description="Where notice, warning and critical begin, in percent.")
    ]
    since: Annotated[str | None, Field(description="When it became so, as far as is known.")]
    detail: str | None
    action: Annotated[str | None, Field(description="The one thing to do.")]


class PassReply(TypedDict):
    """A job that runs again and again."""

    kind: str
    state: str
    finished_at: str | None
    age_seconds: Annotated[int | None, Field(description="Since its last end.")]
    overdue_seconds: Annotated[int, Field(description="How long it has been due, and waits.")]
    done: int
    total: int | None
    error: str | None


class StateReply(TypedDict):
    """How everything is, the worst first."""

    generated_at: str
    snapshot_at: Annotated[str | None, Field(description="How old what is looked at hourly is.")]
    verdict: Verdict
    components: list[ComponentReply]
    passes: Annotated[list[PassReply], Field(description="For whoever runs the house, else empty.")]
