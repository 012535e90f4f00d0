"""What is backed up: one interface for whatever holds records and files.

Today that is one database. Several of them are several sources of one backup.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from avenue.storage.copying.reading import CollectionAt, FileAt


class Moment(Protocol):
    """The records of a source as they all were at one time."""

    @property
    def collections(self) -> Sequence[CollectionAt]:
        """What there is."""

    @property
    def sites(self) -> Sequence[str]:
        """The ids of all sites."""

    @property
    def cluster_time(self) -> tuple[int, int]:
        """That time as the database counts it."""

    @property
    def at(self) -> datetime:
        """That time for people."""

    def records(self, name: str) -> Iterator[bytes]:
        """Yield the documents of a collection as BSON, many together; no document is cut."""


class Source(Protocol):
    """A database, or something like it. Every method may raise `Unavailable`."""

    @property
    def name(self) -> str:
        """What tells it from other sources of the same backup."""

    def installation(self) -> str:
        """Return what tells this installation from all others."""

    def moment(self) -> AbstractContextManager[Moment]:
        """Give the records as they are now.

        Its end raises `CollectionsChanged` or `HistoryTooShort` unless all could be read.
        """

    def read(self, file: FileAt) -> Iterator[bytes]:
        """Yield the `length` bytes of a file; raise `Incomplete` where there are others."""
