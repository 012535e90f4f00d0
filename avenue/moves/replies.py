"""Replies of `/api/ops/moves`."""

from typing import Annotated, Any

from pydantic import Field

from avenue.jobs.replies import JobReply
from avenue.totals import WholeList


class MoveReply(JobReply):
    """A move in or out: a job, and its source or target. It contains no address with a password."""

    where: Annotated[str, Field(description="From or to; of a database its hosts and its name.")]
    dry_run: bool
    follow: bool
    behind_seconds: Annotated[
        float | None, Field(description="How far behind the end of the last pass was.")
    ]
    report: Annotated[
        dict[str, Any] | None,
        Field(description="What it did, as its command tells; lists leave it out."),
    ]


class MoveList(WholeList):
    """The moves of a site."""

    items: list[MoveReply]
