"""Models of the audit log, and its queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from avenue.cursors import ListPage

Details = Mapping[str, str | int | bool | Sequence[str]]
"""Names of fields, ids and counts. Never a secret, never a body."""


class DoerKind(StrEnum):
    """The kind of actor that changed something."""

    PERSON = "person"
    COMMAND = "command"  # anyone who may run `python -m avenue`
    JOB = "job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doer:
    """The actor of a change. `name` is a person's email, a command's words or a job's kind.

    `id` is the person's or the job's; a command has none.
    """

    kind: DoerKind
    id: str | None
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """A change to log; the server adds the time.

    `action` is `<kind of object>.<what happened>`. `request_id` is None outside of requests.
    """

    id: str
    doer: Doer
    action: str
    object_id: str | None
    request_id: str | None
    details: Details

    @property
    def object_kind(self) -> str:
        """The kind of the changed object."""
        return self.action.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(NewEntry):
    """A logged change, `at` that time of the database server."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryQuery:
    """A query of entries: by actor (id or name), action, and object (id); and a limit."""

    actor: str | None = None
    action: str | None = None
    object_id: str | None = None
    limit: int


EntryPage = ListPage[Entry, str]
"""A page of entries, newest first."""
