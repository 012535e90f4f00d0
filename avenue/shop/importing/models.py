"""What an import is made of."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from avenue.errors import AvenueError, Translate, filled, words_of
from avenue.jobs.models import Job
from avenue.shop.models import Group, Product

Written = str | list[str] | None
"""The value of a product's field as it is kept beside a row: prices as decimal digits."""


class Format(StrEnum):
    """What a table is written in."""

    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"


class Stage(StrEnum):
    """How far an import has come for good; whether somebody works on it, its job says."""

    RECEIVING = "receiving"  # its rows are being stored
    APPLYING = "applying"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


class State(StrEnum):
    """Where an import stands, for people."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # given up in the middle; `error` says why
    UNDOING = "undoing"
    UNDONE = "undone"


class Outcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class Reversal(StrEnum):
    """What undoing did about a row's product."""

    DELETED = "deleted"
    RESTORED = "restored"
    KEPT = "kept"  # what the row wrote was changed since
    GONE = "gone"  # somebody deleted it since


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a table is written: what was found out about the file.

    `encoding` is its IANA name, `delimiter` None but for CSV; `unknown` are columns nobody reads.
    """

    format: Format
    encoding: str
    delimiter: str | None
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a row was not taken; `message` has `{places}` for `words`."""

    code: str
    message: str
    field: str | None
    words: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, error: AvenueError) -> Self:
        """Return what a row tells of `error`."""
        named = error.facts.get("field")
        return cls(
            code=error.code,
            message=error.templates[0],
            field=str(named) if named is not None else None,
            words=words_of(error.templates[0], error.words),
        )

    def said(self, translate: Translate = str) -> str:
        """Return why, in the language of `translate`; English if it is left out."""
        return filled(self.message, self.words, translate)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """A row as it came: `number` as a spreadsheet counts, `values` of the fields it has.

    Values have been checked: those of a product, `group` as its model or id, `image_urls`.
    `has_cents` tells whether the price is one only in currencies with cents, or only in those
    without; None where it makes no difference.
    """

    number: int
    sku: str | None
    values: Mapping[str, Written]
    error: Refusal | None
    has_cents: bool | None = None


Changes = Mapping[str, tuple[Written, Written]]
"""Field → before, after. `group` is an id here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What undoing did about a row; `kept` are the fields that have another value by now."""

    reversal: Reversal
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(NewRow):
    """A row and what became of it; `outcome` is None until its turn comes.

    `group_names` are the models of the groups in `changes`; `new_group` is the id of a group made
    for this row.
    """

    outcome: Outcome | None = None
    product: str | None = None
    changes: Changes = field(default_factory=dict)
    group_names: Mapping[str, str] = field(default_factory=dict)
    new_group: str | None = None
    undone: Undone | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRun:
    """How far undoing an import has come: rows that changed something, `counts` by `Reversal`."""

    job: str | None
    done: int
    total: int
    counts: Mapping[str, int]
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImport:
    """An import about to begin. `by` is the person it is done for, or the id of a command.

    `runs_shop`: all products of the site are theirs to change.
    `key` is what the person called this request, `total` the number of rows. With `fetch_images`
    the pictures that `image_urls` name are brought in afterwards.
    """

    id: str
    by: str
    runs_shop: bool
    name: str
    layout: Layout
    sha256: str
    dry_run: bool
    key: str | None
    total: int
    fetch_images: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Import(NewImport):
    """One run of an import; `done` and `counts` (by `Outcome`) are of rows.

    `job` does the rows, `images_job` brings the pictures in.
    """

    stage: Stage
    job: str | None
    images_job: str | None = None
    done: int
    counts: Mapping[str, int]
    undo: UndoRun | None
    created_at: datetime
    finished_at: datetime | None

    def may_change(self, owner: str | None) -> bool:
        """Tell whether the person it is done for may change what belongs to `owner`."""
        return self.runs_shop or owner == self.by


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStanding:
    """An import and where it stands; `error` is the trouble its job is in, in a sentence.

    `images` is the job that brings its pictures in.
    """

    run: Import
    state: State
    error: str | None
    images: Job | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What of the shop some rows are about: products by SKU, groups in the order they were made.

    `categories` are those of what is published.
    """

    products: Mapping[str, Product]
    groups: Sequence[Group]
    categories: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a row comes to: `before` becomes `after`. Both are None when it was refused.

    `fields` are those of the product that change, `changes` the same as people see it.
    """

    row: NewRow
    outcome: Outcome
    error: Refusal | None = None
    before: Product | None = None
    after: Product | None = None
    fields: tuple[str, ...] = ()
    changes: Changes = field(default_factory=dict)
    group_names: Mapping[str, str] = field(default_factory=dict)
    new_group: Group | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoDecision:
    """What undoing does about a row: delete `before`, or make it `after`, or neither."""

    row: Row
    undone: Undone
    before: Product | None = None
    after: Product | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowQuery:
    """Which rows of an import: of one outcome, after a row number, how many."""

    outcome: Outcome | None
    after: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPage:
    """Some rows; `next` is the number to go on after, None at the end."""

    items: tuple[Row, ...]
    next: int | None
    total: int | None


EVERY_COLUMN: tuple[str, ...] = (
    "sku",
    "name",
    "description",
    "price",
    "currency",
    "status",
    "group",
    "category",
    "attributes",
    "image_urls",
)
Cells = Mapping[str, Any]
"""The cells of one row by field; what a file left empty is not among them."""
