"""Models of error kinds."""

import hashlib
import traceback
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from avenue.web.fields import Moment, shown

MOST_KINDS = 100
MOST_REQUESTS = 10
MOST_FRAMES = 30
MOST_CAUSES = 5
LONGEST_NAME = 200
LONGEST_TRACE = 8000
PACKAGES = "/site-packages/"
ID_LENGTH = 22


class FailureState(StrEnum):
    """Whether an error kind has been marked as resolved."""

    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error kind: an exception at a route, however often it was raised.

    A resolved one that happens again is open again.
    """

    id: str
    route: Annotated[str, Field(description="Method and rule, without what came in its place.")]
    exception: str
    status: Annotated[int, Field(description="What the newest one was answered with.")]
    count: int
    first_at: Moment
    last_at: Moment
    request_ids: Annotated[tuple[str, ...], Field(description="The newest ones, the last newest.")]
    traceback: Annotated[
        str, Field(description="Of a new one: files, lines and types, no value and no message.")
    ]
    resolved_at: Moment | None = None
    resolved_by: Annotated[str | None, Field(description="The id of a person.")] = None

    @shown
    def state(self) -> FailureState:
        """The state of the error kind."""
        return FailureState.OPEN if self.resolved_at is None else FailureState.RESOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrences:
    """The occurrences of an error kind in one process since it last wrote them to the database."""

    route: str
    exception: str
    status: int
    count: int
    first_at: datetime
    last_at: datetime
    request_ids: tuple[str, ...]
    traceback: str

    @property
    def id(self) -> str:
        """The id of the kind: the same in every process."""
        return id_of(self.route, self.exception)

    def __add__(self, later: "Occurrences") -> "Occurrences":
        """Return the sum of both; `later` is of the same kind."""
        return Occurrences(
            route=self.route,
            exception=self.exception,
            status=later.status,
            count=self.count + later.count,
            first_at=self.first_at,
            last_at=later.last_at,
            request_ids=(*self.request_ids, *later.request_ids)[-MOST_REQUESTS:],
            traceback=later.traceback or self.traceback,
        )


def id_of(route: str, exception: str) -> str:
    """Return the id of an error kind: 22 characters."""
    return hashlib.sha256(f"{route}\n{exception}".encode()).hexdigest()[:ID_LENGTH]


def name_of(error: BaseException) -> str:
    """Return the type of an error with its module."""
    kind = type(error)
    return f"{kind.__module__}.{kind.__qualname__}"[:LONGEST_NAME]


def trace_of(error: BaseException) -> str:
    """Return the traceback of `error` and its causes, the first cause first.

    It has files, lines, the code there, and types of errors. Messages and values are left out:
    they may contain user input, addresses and keys.
    """
    parts: list[str] = []
    each: BaseException | None = error
    while each is not None and len(parts) < MOST_CAUSES:
        frames = traceback.extract_tb(each.__traceback__, limit=-MOST_FRAMES)
        lines = [f"{_file(f.filename)}:{f.lineno} {f.name}\n    {f.line}" for f in frames]
        parts.append("\n".join([*lines, name_of(each)]))
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return "\n\n".join(reversed(parts))[-LONGEST_TRACE:]


def _file(path: str) -> str:
    """Return a path from its package on, to hide where it is installed."""
    for mark in (PACKAGES, "/avenue/"):
        before, found, after = path.rpartition(mark)
        if found and before:
            return after if mark == PACKAGES else f"avenue/{after}"
    return path.rpartition("/")[2]
