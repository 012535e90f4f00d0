"""Models of imports of pictures by SKU."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from avenue.cursors import ListPage
from avenue.identity import Role
from avenue.shop.models import Failure


class Finding(StrEnum):
    """The classification of a file by its name and its first bytes."""

    MATCHED = "matched"  # matches one product
    UNMATCHED = "unmatched"  # matches no product
    AMBIGUOUS = "ambiguous"  # matches several
    LEFT_OUT = "left_out"  # not a picture, or not an allowed one; `reason` says why


class Reason(StrEnum):
    """Why a file is left out, in addition to those of an archive (`media.archives.Why`)."""

    NOT_A_PICTURE = "not_a_picture"  # by its name
    OTHER_CONTENT = "unsupported_media_type"  # by its first bytes
    DAMAGED = "damaged_entry"
    EMPTY = "empty_file"
    TOO_LARGE = "file_too_large"
    TOO_MANY = "too_many_images"
    SAME_NAME = "same_name"


class Outcome(StrEnum):
    """The outcome of a matched file."""

    ADDED = "added"
    PRESENT = "present"  # the product already has this picture
    REFUSED = "refused"


class Stage(StrEnum):
    """The stored progress of an import; whether it is running, its job says."""

    PLANNED = "planned"
    APPLYING = "applying"
    DONE = "done"


class State(StrEnum):
    """The state of an import, for people."""

    PLANNED = "planned"  # nothing is changed yet
    EXPIRED = "expired"  # not applied in time
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # given up in the middle; `error` is the reason


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedProduct:
    """A product that files can match: its SKU, and its number of pictures."""

    product: str
    sku: str
    name: str
    pictures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFile:
    """A file of an archive by its path; `key` opens it, `why_not` is the reason if it cannot be."""

    path: str
    key: str
    length: int
    why_not: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A file and its classification.

    `matched` (the product) and `position` (the number in its name, 1 if it has none) are those of a
    matched one, `candidates` the SKUs that an ambiguous one matches, `reason` (`Reason` or `Why`)
    of one that is left out.
    """

    file: NamedFile
    finding: Finding
    matched: MatchedProduct | None = None
    position: int = 1
    candidates: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile(PlannedFile):
    """A stored file of an import: its `number`, and its outcome.

    `by_hand`: a person has assigned it to a product, or to none.
    """

    number: int
    by_hand: bool = False
    outcome: Outcome | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureImport:
    """An import of pictures. `by` is the id of its person, or of a command.

    `role` are its permissions: `admin`, `staff` or `seller`. `archive` is the asset with the ZIP,
    which exists until `expires_at` or its end. `found` counts files by `Finding`, `counts` by
    `Outcome`; `done` of `found["matched"]` are processed.
    """

    id: str
    by: str
    role: Role
    name: str
    sha256: str
    archive: str
    key: str | None
    stage: Stage
    job: str | None
    done: int
    found: Mapping[str, int]
    counts: Mapping[str, int] = field(default_factory=dict)
    created_at: datetime
    expires_at: datetime
    finished_at: datetime | None

    @property
    def total(self) -> int:
        """The number of pictures to import."""
        return self.found.get(Finding.MATCHED, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureImportStanding:
    """An import and its state; `error` is the error of its job, as a sentence."""

    run: PictureImport
    state: State
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileQuery:
    """Which files of an import: of one finding or outcome, after a number, how many."""

    finding: Finding | None
    outcome: Outcome | None
    after: int
    limit: int


FilePage = ListPage[KeptFile, int]
