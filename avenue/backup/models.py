"""What a repository holds, as its manifests tell it: docs/backup-format.md."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

FORMAT = 1
"""The version of the format. A program reads those up to its own."""


class Kind(StrEnum):
    """What is wrong with something."""

    WRONG_HASH = "wrong_hash"  # it has other bytes than those that were stored
    INCOMPLETE = "incomplete"  # bytes are missing
    MISSING = "missing"  # it is not there
    WRONG_SIZE = "wrong_size"  # it is longer or shorter than it was
    UNREADABLE = "unreadable"  # nobody can make sense of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is damaged: a file of the database, or an object of the repository."""

    kind: Kind
    what: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file of a snapshot: its name in the snapshot's folder, its bytes and their sha256 (hex)."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionCopy:
    """One collection: how many records, how many bytes of BSON, and where they are."""

    name: str
    uuid: str
    count: int
    size: int
    records: Part
    metadata: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedFile:
    """A file whose document does not tell its sha256; it was found when it was read."""

    bucket: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one database holds of a snapshot, all of it as of one cluster time (`time`, `inc`).

    `at` is that time, by the clock of the database.
    """

    name: str
    cluster_time: tuple[int, int]
    at: datetime
    sites: tuple[str, ...]
    collections: tuple[CollectionCopy, ...]
    files: int
    hashed: tuple[HashedFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """The objects a snapshot needs: how many, of how many bytes, and the part that lists them.

    `new` were not in the repository before.
    """

    count: int
    size: int
    new: int
    new_size: int
    listed: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a snapshot holds. It is written last: a snapshot without one never got complete."""

    format: int
    id: str
    repository: str
    installation: str
    avenue: str
    schema: int
    began_at: datetime
    finished_at: datetime
    previous: str | None
    shares: tuple[Share, ...]
    objects: Objects
    findings: tuple[Finding, ...] = ()

    @property
    def sites(self) -> tuple[str, ...]:
        """The ids of its sites."""
        return tuple(site for share in self.shares for site in share.sites)

    @property
    def records(self) -> int:
        """How many records it has."""
        return sum(each.count for share in self.shares for each in share.collections)

    @property
    def files(self) -> int:
        """How many files it has."""
        return sum(share.files for share in self.shares)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All files of the snapshot but the manifest."""
        copies = [each for share in self.shares for each in share.collections]
        of_copies = (part for each in copies for part in (each.records, each.metadata))
        return (*of_copies, self.objects.listed)

    @property
    def taken_at(self) -> datetime:
        """The time whose records it has, by the clock of the database."""
        return min(each.at for each in self.shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far something got: `total` is None while nobody knows."""

    phase: str
    done: int
    total: int | None


Tell = Callable[[Progress], None]
"""Told how far something got; what it raises ends the work."""


def tell_nobody(_: Progress) -> None:
    """Tell nobody."""
