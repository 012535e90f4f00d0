"""Models of product imports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from avenue.cursors import ListPage
from avenue.errors import AvenueError, words_of
from avenue.jobs.models import Job
from avenue.shop.models import Failure, Group, Product

Written = str | list[str] | None
"""The value of a product's field as stored with a row: prices as decimal digits."""


class Format(StrEnum):
    """The format of a table."""

    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"


class Stage(StrEnum):
    """The stored progress of an import; whether it is running, its job says."""

    RECEIVING = "receiving"  # its rows are being stored
    APPLYING = "applying"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


class State(StrEnum):
    """The state of an import, for people."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # given up in the middle; `error` is the reason
    UNDOING = "undoing"
    UNDONE = "undone"


class Outcome(StrEnum):
    """The outcome of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class Reversal(StrEnum):
    """The result of undoing a row."""

    DELETED = "deleted"
    RESTORED = "restored"
    KEPT = "kept"  # fields of the row were changed since
    GONE = "gone"  # the product was deleted since


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The detected format of a table.

    `encoding` is its IANA name, `delimiter` None except for CSV; `unknown` are ignored columns.
    """

    format: Format
    encoding: str
    delimiter: str | None
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal(Failure):
    """Why a row was refused; `field` is the one that is wrong."""

    field: str | None

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


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """A parsed row: `number` as in a spreadsheet, `values` of the fields it has.

    Values are validated: those of a product, `group` as its model or id, `image_urls`. `has_cents`
    tells whether the price is only valid in currencies with cents, or only in those without; None
    if it makes no difference.
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
    """The result of undoing a row; `kept` are the fields that were changed since."""

    reversal: Reversal
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(NewRow):
    """A row and its outcome, which is None until it is processed.

    `group_names` are the models of the groups in `changes`; `new_group` is the id of a group
    created for this row.
    """

    outcome: Outcome | None = None
    product: str | None = None
    changes: Changes = field(default_factory=dict)
    group_names: Mapping[str, str] = field(default_factory=dict)
    new_group: str | None = None
    undone: Undone | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRun:
    """The progress of undoing an import: rows that changed something, `counts` by `Reversal`."""

    job: str | None
    done: int
    total: int
    counts: Mapping[str, int]
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImport:
    """An import to start. `by` is the id of its person, or of a command.

    `runs_shop`: it may change all products of the site. `key` is the person's key for this request,
    `total` the number of rows. With `fetch_images` the pictures at `image_urls` are imported
    afterwards.
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
    """An import; `done` and `counts` (by `Outcome`) are of rows.

    `job` processes the rows, `images_job` imports the pictures.
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
        """Return whether the import may change objects of `owner`."""
        return self.runs_shop or owner == self.by


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStanding:
    """An import and its state; `error` is the error of its job, as a sentence.

    `images` is the job that imports its pictures.
    """

    run: Import
    state: State
    error: str | None
    images: Job | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The objects that some rows refer to: products by SKU, groups by age.

    `categories` are those of published products.
    """

    products: Mapping[str, Product]
    groups: Sequence[Group]
    categories: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The decision about a row: `before` becomes `after`. Both are None if it was refused.

    `fields` are the changing fields of the product, `changes` the same for people.
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
    """The decision about undoing a row: delete `before`, or change it to `after`, or neither."""

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


RowPage = ListPage[Row, int]


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
"""The cells of one row by field; empty ones are not included."""
