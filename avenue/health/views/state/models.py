"""Models of the state, as `GET /api/ops/state` returns it."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from avenue.health.models import Component, Verdict
from avenue.jobs.models import Job, State
from avenue.web.fields import Hidden, Moment, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A periodic `job`."""

    job: Hidden[Job]
    kind: str
    state: State
    finished_at: Moment | None
    age_seconds: Annotated[int | None, Field(description="Since its last end.")]
    overdue_seconds: Annotated[int, Field(description="How long it has been due, and waits.")]
    done: int
    total: int | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All components the actor may see, the worst first; `snapshot_at` is the time of hourly facts.

    It is None if there is no snapshot yet, or the actor may not see it. `passes` are only for
    operators of the deployment.
    """

    generated_at: Moment
    snapshot_at: Annotated[Moment | None, Field(description="How old what is looked at hourly is.")]
    components: tuple[Component, ...]
    passes: Annotated[
        tuple[Pass, ...], Field(description="For operators of the deployment, else empty.")
    ] = ()

    @shown
    def verdict(self) -> Verdict:
        """The worst of all components, in one word."""
        return Verdict.of(each.level for each in self.components)
