"""What the log of changes holds, and how it is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

Details = Mapping[str, str | int | bool | Sequence[str]]
"""Names of fields, ids and counts. Never a secret, never a body."""


class DoerKind(StrEnum):
    """What kind of somebody changed something."""

    PERSON = "person"
    COMMAND = "command"  # whoever may run `python -m avenue`
    JOB = "job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doer:
    """Who changed something. `name` is a person's e-mail, a command's words or a job's kind.

    `id` is the person's or the job's; a command has none.
    """

    kind: DoerKind
    id: str | None
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """A change to be written down; the server adds the time.

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
        """What kind of thing was changed."""
        return self.action.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(NewEntry):
    """A change that was written down, `at` that time of the database server."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryQuery:
    """Which entries: of an actor (id or name), of one action, of one object (id); how many."""

    actor: str | None = None
    action: str | None = None
    object_id: str | None = None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage:
    """Some entries, newest first; `next` is where to go on, None at the end."""

    items: tuple[Entry, ...]
    next: str | None
    total: int | None
