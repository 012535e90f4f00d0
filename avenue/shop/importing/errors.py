"""What can go wrong with an import.

::

    Invalid
    ├── UnreadableTable     400  the file is no table of products
    ├── NoSkuColumn         400  nothing says which product a row is about
    └── BadColumns          400  that cannot be said of names of columns
    TooManyRows             413
    ImportNotFound          404
    Conflict
    ├── ImportUnfinished    409  it is still at work
    ├── NotTheLastImport    409  undoing goes backwards, one import at a time
    └── NotAFinishedDryRun  409  there is nothing to apply

    of one row; the others are brought in
    Unprocessable
    ├── BadCell             422  a field that cannot be taken; `field` names it
    └── DuplicateSku        422  an earlier row has the SKU
"""

from collections.abc import Mapping, Sequence

from avenue.errors import NOTHING, Conflict, Invalid, NotFound, Unprocessable


class UnreadableTable(Invalid):
    """The file cannot be read as a table of products."""

    message = "The file cannot be read as a table of products."
    hint = "Send CSV in UTF-8 with a line of column names, or a JSON list of products."


class NoSkuColumn(Invalid):
    """The table has no column for the SKU."""

    message = "No column is named sku or código; found: {seen}."
    hint = "Name one column sku (or código), in the first line."

    def __init__(self, seen: Sequence[str]) -> None:
        self.seen = tuple(seen)
        super().__init__(words={"seen": ", ".join(seen)}, columns=list(seen))


class BadColumns(Invalid):
    """The mapping of column names is invalid."""

    message = "These column names cannot be saved."
    hint = "Name each column once, with the field it holds."


class TooManyRows(Invalid):
    """The table has more rows than one import accepts."""

    status = 413
    message = "The table has more than {limit} rows."
    hint = "Send it in several parts."


class ImportNotFound(NotFound):
    """The import does not exist (any more), or is not yours."""

    message = "There is no such import."
    hint = "Imports are kept for 30 days."


class ImportUnfinished(Conflict):
    """The import is still running."""

    message = "The import is still running."
    hint = "Wait until its `state` is done, then send this again."


class NotTheLastImport(Conflict):
    """Only the last import of a person can be undone, and only once."""

    message = "Only the last import that changed something can be undone."
    hint = "Undo the later ones first; a preview (dry run) has nothing to undo."


class NotAFinishedDryRun(Conflict):
    """Only a finished dry run can be applied."""

    message = "Only a finished preview (dry run) can be applied."
    hint = (
        "Wait until its `state` is done; an import that was not a preview (dry run) is "
        "already applied."
    )


class BadCell(Unprocessable):
    """A field of a row is invalid; `field` names it."""

    message = "A field in this row is invalid."
    hint = "Fix the row and upload the file again; rows already imported stay unchanged."

    def __init__(
        self, message: str, *, field: str | None = None, words: Mapping[str, object] = NOTHING
    ) -> None:
        super().__init__(message, field=field, words=words)


class DuplicateSku(Unprocessable):
    """An earlier row of the same file has the SKU."""

    message = "Row {number} has the same SKU."
    hint = "Keep one row per SKU."

    def __init__(self, number: int) -> None:
        super().__init__(words={"number": number}, field="sku")
