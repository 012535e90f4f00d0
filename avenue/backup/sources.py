"""What is backed up: one interface for whatever holds records and files.

Each cluster is a source of its own. The home database is one, and tells which others there are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
        """The ids of the sites that are there."""

    @property
    def places(self) -> Mapping[str, str]:
        """The cluster of each site of the installation."""

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

    def moment(self, places: Mapping[str, str] | None = None) -> AbstractContextManager[Moment]:
        """Give the records as they are now, but those of sites that are elsewhere by `places`.

        Its end raises `CollectionsChanged` or `HistoryTooShort` unless all could be read.
        """

    def read(self, file: FileAt) -> Iterator[bytes]:
        """Yield the `length` bytes of a file; raise `Incomplete` where there are others."""

    def read_together(self, bucket: str, files: Iterable[FileAt]) -> Mapping[str, bytes]:
        """Return the bytes of small files, by their ids; those that are not whole are left out."""


class Home(Source, Protocol):
    """The source that knows where the sites are; without `places` its moment tells them."""

    def installation(self) -> str:
        """Return what tells this installation from all others."""

    def places(self) -> Mapping[str, str]:
        """Return where the sites are now."""

    def switching(self) -> Sequence[str]:
        """Return the sites that are just going from one cluster to another."""

    def beside(self, places: Mapping[str, str]) -> Sequence[Source]:
        """Return the other sources on which there are sites."""
