"""JSON of product imports."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from avenue.jobs.models import State as JobState
from avenue.shop.importing.models import Outcome, Reversal, State
from avenue.totals import PartOfList


class Progress(TypedDict):
    """How many rows of how many."""

    done: int
    total: int


class ImportUndo(TypedDict):
    """The progress of undoing an import."""

    progress: Progress
    counts: Annotated[dict[str, int], Field(description="Rows by what undoing did.")]
    finished_at: str | None


class RefusedImage(TypedDict):
    """A picture that was not imported."""

    url: str
    code: str
    message: str


class ImportImages(TypedDict):
    """The progress and result of importing the pictures."""

    job: str
    state: JobState
    error: str | None
    progress: Progress
    stored: int
    refused_total: int
    refused: Annotated[list[RefusedImage], Field(description="The first 100.")]


class ImportReply(TypedDict):
    """An import: its progress and its result."""

    id: str
    state: State
    error: Annotated[str | None, Field(description="What keeps it from going on.")]
    dry_run: bool
    fetch_images: bool
    images: Annotated[
        ImportImages | None, Field(description="Null until the rows are in, and without them.")
    ]
    name: str
    format: str
    encoding: str
    delimiter: str | None
    unknown_columns: list[str]
    warnings: list[str]
    progress: Progress
    counts: Annotated[dict[str, int], Field(description="Rows by what became of them.")]
    by: str
    created_at: str
    finished_at: str | None
    undo: ImportUndo | None


class ImportList(PartOfList):
    """A page of imports, newest first, with its cursor."""

    items: list[ImportReply]


class ColumnReply(TypedDict):
    """The mapping of a column."""

    name: str
    field: Annotated[str | None, Field(description="Null: it is left out without a warning.")]


class ColumnsReply(TypedDict):
    """The site's own column names, in addition to the standard ones."""

    columns: list[ColumnReply]
    fields: Annotated[list[str], Field(description="What a column may be.")]


class RowError(TypedDict):
    """Why a row was refused."""

    code: str
    message: str
    field: str | None


class RowUndo(TypedDict):
    """The result of undoing a row."""

    outcome: Reversal
    kept: Annotated[list[str], Field(description="Fields that have another value by now.")]


class RowReply(TypedDict):
    """A row of the table, and its outcome."""

    row: int
    sku: str | None
    outcome: Outcome | None
    product: str | None
    changes: Annotated[dict[str, list[Any]], Field(description="Field: what was, what is.")]
    difference: Annotated[
        list[str], Field(description="The same in words, in the site's language.")
    ]
    error: RowError | None
    undo: RowUndo | None


class RowList(PartOfList):
    """A page of rows of an import, with its cursor."""

    items: list[RowReply]
