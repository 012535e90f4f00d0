"""Replies of `/api/ops/jobs` and of `python -m avenue jobs`."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from avenue.jobs.models import State, Wish

Act = Literal["pause", "resume", "cancel"]


class JobReply(TypedDict):
    """A background job, without the data it works on."""

    id: str
    kind: str
    site: Annotated[str | None, Field(description="null: work on the whole deployment.")]
    state: State
    wish: Annotated[Wish | None, Field(description="What it does at its next save.")]
    done: Annotated[int, Field(description="In units of its kind.")]
    total: Annotated[int | None, Field(description="null while nobody knows.")]
    attempts: int
    error: Annotated[str | None, Field(description="Why the last run did not end well.")]
    every_seconds: Annotated[int | None, Field(description="It runs again and again.")]
    run_at: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    may: Annotated[list[Act], Field(description="What would change anything now.")]
