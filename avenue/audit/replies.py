"""Replies of `/api/audit`."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from avenue.audit.models import DoerKind
from avenue.totals import PartOfList


class ChangeActor(TypedDict):
    """The actor of a change."""

    id: Annotated[str | None, Field(description="The person's or the job's; a command has none.")]
    name: Annotated[str, Field(description="An e-mail, a command's words, or a job's kind.")]
    kind: DoerKind


class ChangedObject(TypedDict):
    """The changed object."""

    kind: str
    id: str | None


class Change(TypedDict):
    """A change, never with a secret or a body."""

    id: str
    at: str
    actor: ChangeActor
    action: Annotated[str, Field(description="`<kind of object>.<what happened>`")]
    object: ChangedObject
    request_id: str | None
    details: Annotated[
        dict[str, str | int | bool | Sequence[str]],
        Field(description="Names of changed fields, ids and counts."),
    ]


class ChangeList(PartOfList):
    """A page of changes, newest first, with the cursor of the next one."""

    items: list[Change]
