"""Requests and replies of `/api/ops/backups`."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from avenue.bodies import Body
from avenue.identity import ID_PATTERN
from avenue.totals import WholeList

Kind = Literal["group", "page", "picture", "product", "upload"]
RECORD_ID = f"^{ID_PATTERN.pattern}$"


class Wanted(Body):
    """One thing to restore."""

    kind: Kind
    id: Annotated[str, Field(pattern=RECORD_ID, examples=["pV0mZr3rT7uY9wQ1aB2cDg"])]


class DoneReply(TypedDict):
    """The last time something was done; `good_at` is the last time without findings."""

    at: str
    snapshot: str
    findings: int
    good_at: str | None


class SnapshotReply(TypedDict):
    """A snapshot; fields that are unknown for a damaged or incomplete one are null."""

    id: str
    complete: bool
    damaged: bool
    taken_at: str | None
    records: int | None
    files: int | None
    bytes: int | None
    new_bytes: int | None
    findings: int | None


class ProblemReply(TypedDict):
    """Why the target could not be reached."""

    code: str
    message: str
    hint: str


class Backups(WholeList):
    """The state of backups, and the newest snapshots."""

    target: Annotated[str | None, Field(description="null: none are made by themselves.")]
    encrypted: bool | None
    created: DoneReply | None
    verified: DoneReply | None
    drilled: DoneReply | None
    items: list[SnapshotReply]
    problem: Annotated[
        ProblemReply | None, Field(description="Why the target could not be asked from here.")
    ]
