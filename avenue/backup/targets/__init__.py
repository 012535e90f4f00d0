"""The storage of a repository: named objects, each written once, completely or not at all.

Names are relative, of `a-z A-Z 0-9 . _ - %` and `/`. Every method raises `TargetUnreachable`,
`TargetRefuses` or `TargetFull`; an object that does not exist is a `Missing`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol


class Missing(Exception):
    """There is no object of this name."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An existing object and its size in bytes."""

    name: str
    size: int


class Draft(Protocol):
    """An object being written."""

    def write(self, data: bytes, /) -> int:
        """Add bytes."""

    def keep(self, name: str) -> None:
        """Store the whole object under `name`, at the end of its block at the latest.

        An existing one is replaced.
        """


class Target(Protocol):
    """See the module."""

    @property
    def address(self) -> str:
        """Its name for people, without secrets."""

    def prepare(self) -> None:
        """Create what the first object needs; repeatable."""

    def drafts(self) -> AbstractContextManager[Callable[[], Draft]]:
        """Give a function that starts an object, from any thread; what is not kept is deleted."""

    def settle(self) -> None:
        """Return once all kept objects would survive a power failure."""

    def open(self, name: str) -> BinaryIO:
        """Return the bytes of an object as a stream; raise `Missing`."""

    def size(self, name: str) -> int | None:
        """Return the size of an object in bytes, None if it does not exist."""

    def list(self, prefix: str) -> Iterator[Stored]:
        """Yield the objects whose names begin with `prefix` (a folder, or `` for all)."""

    def delete(self, name: str) -> None:
        """Delete an object; a missing one is no error."""


@contextmanager
def draft_in(target: Target) -> Iterator[Draft]:
    """Start one object in `target`; if it is kept, it is stored at the end of the block."""
    with target.drafts() as begin:
        yield begin()
