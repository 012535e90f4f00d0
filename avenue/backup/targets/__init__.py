"""Where a repository lies: named objects, each written once, whole or not at all.

Names are relative, of `a-z A-Z 0-9 . _ - %` and `/`. Every method raises `TargetUnreachable`,
`TargetRefuses` or `TargetFull`; what is not there is a `Missing`.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol


class Missing(Exception):
    """There is no object of this name."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is there, and how many bytes it has."""

    name: str
    size: int


class Draft(Protocol):
    """An object on its way: nobody sees it before `keep`."""

    def write(self, data: bytes, /) -> int:
        """Take the next bytes."""

    def keep(self, name: str) -> None:
        """Let it be there under `name`, whole, over what was there."""


class Target(Protocol):
    """See the module."""

    @property
    def address(self) -> str:
        """How people name it; no secret is in it."""

    def prepare(self) -> None:
        """Make what has to be there before the first object; repeatable."""

    def draft(self) -> AbstractContextManager[Draft]:
        """Begin an object; unless it is kept, nothing is left of it at the end."""

    def settle(self) -> None:
        """Return once all that was kept outlives a loss of power."""

    def open(self, name: str) -> BinaryIO:
        """Return the bytes of an object as a stream; raise `Missing`."""

    def size(self, name: str) -> int | None:
        """Return how many bytes an object has, None when it is not there."""

    def list(self, prefix: str) -> Iterator[Stored]:
        """Yield the objects whose names begin with `prefix`, a folder's or all for ``."""

    def delete(self, name: str) -> None:
        """Remove an object; content when it is not there."""
