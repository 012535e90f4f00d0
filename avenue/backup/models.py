"""The contents of a repository, as in its manifests: docs/backup-format.md."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

FORMAT = 1
"""The version of the format. A program reads versions up to its own."""


class Kind(StrEnum):
    """The kind of damage."""

    WRONG_HASH = "wrong_hash"  # it has other bytes than those that were stored
    INCOMPLETE = "incomplete"  # bytes are missing
    MISSING = "missing"  # it does not exist
    WRONG_SIZE = "wrong_size"  # it is longer or shorter than it was
    UNREADABLE = "unreadable"  # it cannot be parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something damaged: a file of the database, or an object of the repository."""

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
    """One collection: the number of records, their BSON bytes, and the part that has them."""

    name: str
    uuid: str
    count: int
    size: int
    records: Part
    metadata: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedFile:
    """A file without a sha256 in its document; it was computed when the file was read."""

    bucket: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The content of a snapshot from one database, as of one cluster time (`time`, `inc`).

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
    """The objects a snapshot needs: their number, their bytes, and the part that lists them.

    `new` ones were not in the repository before.
    """

    count: int
    size: int
    new: int
    new_size: int
    listed: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The content of a snapshot. It is written last: a snapshot without one is incomplete."""

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
        """The number of its records."""
        return sum(each.count for share in self.shares for each in share.collections)

    @property
    def files(self) -> int:
        """The number of its files."""
        return sum(share.files for share in self.shares)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All files of the snapshot except the manifest."""
        copies = [each for share in self.shares for each in share.collections]
        of_copies = (part for each in copies for part in (each.records, each.metadata))
        return (*of_copies, self.objects.listed)

    @property
    def taken_at(self) -> datetime:
        """The time of its records, by the clock of the database."""
        return min(each.at for each in self.shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The progress of an operation: `total` is None while unknown."""

    phase: str
    done: int
    total: int | None


Tell = Callable[[Progress], None]
"""Called with the progress; an exception from it ends the operation."""


def ignore_progress(_: Progress) -> None:
    """Do nothing."""
