"""What an import of pictures by SKU is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from avenue.errors import AvenueError, Translate, filled, words_of
from avenue.identity import Role


class Finding(StrEnum):
    """What a file of an archive is, by its name and its first bytes."""

    MATCHED = "matched"  # of one product
    UNMATCHED = "unmatched"  # of no product
    AMBIGUOUS = "ambiguous"  # it could be of several
    LEFT_OUT = "left_out"  # no picture, or none that would be taken; `reason` says why


class Reason(StrEnum):
    """Why a file is left out, besides those of an archive (`media.archives.Why`)."""

    NOT_A_PICTURE = "not_a_picture"  # by its name
    OTHER_CONTENT = "unsupported_media_type"  # by its first bytes
    DAMAGED = "damaged_entry"
    EMPTY = "empty_file"
    TOO_LARGE = "file_too_large"
    TOO_MANY = "too_many_images"
    SAME_NAME = "same_name"


class Outcome(StrEnum):
    """What became of a matched file."""

    ADDED = "added"
    PRESENT = "present"  # the product has this very picture already
    REFUSED = "refused"


class Stage(StrEnum):
    """How far an import has come for good; whether somebody works on it, its job says."""

    PLANNED = "planned"
    APPLYING = "applying"
    DONE = "done"


class State(StrEnum):
    """Where an import stands, for people."""

    PLANNED = "planned"  # nothing is changed yet
    EXPIRED = "expired"  # nobody applied it in time
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # given up in the middle; `error` says why


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A product that pictures may go to: its SKU, and how many pictures it has."""

    product: str
    sku: str
    name: str
    pictures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFile:
    """A file of an archive by its path; `key` opens it, `why_not` is why it cannot be."""

    path: str
    key: str
    length: int
    why_not: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A file and what is to become of it.

    `shelf` and `position` (the number in its name, 1 if it has none) are of a matched one,
    `candidates` the SKUs an ambiguous one could be of, `reason` (`Reason` or `Why`) of one that
    is left out.
    """

    file: NamedFile
    finding: Finding
    shelf: Shelf | None = None
    position: int = 1
    candidates: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a picture was not taken; `message` has `{places}` for `words`."""

    code: str
    message: str
    words: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, error: AvenueError) -> "Failure":
        """Return what is kept of `error`."""
        template = error.templates[0]
        return cls(code=error.code, message=template, words=words_of(template, error.words))

    def said(self, translate: Translate = str) -> str:
        """Return why, in the language of `translate`; English if it is left out."""
        return filled(self.message, self.words, translate)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile(PlannedFile):
    """A file of an import as it is kept: its `number`, and what became of it.

    `by_hand`: somebody has said which product it is of, or that it is of none.
    """

    number: int
    by_hand: bool = False
    outcome: Outcome | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureImport:
    """One import of pictures. `by` is the person it is done for, or the id of a command.

    `role` is with whose rights: `admin`, `staff` or `seller`.
    `archive` is the asset with the ZIP, which is there until `expires_at` or its end. `found`
    counts files by `Finding`, `counts` by `Outcome`; `done` of `found["matched"]` are dealt with.
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
        """How many pictures are to be brought in."""
        return self.found.get(Finding.MATCHED, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureImportStanding:
    """An import and where it stands; `error` is the trouble its job is in, in a sentence."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePage:
    """Some files; `next` is the number to go on after, None at the end."""

    items: tuple[KeptFile, ...]
    next: int | None
    total: int | None
