"""Tables of one import, in a temporary SQLite database.

A few megabytes are in memory, the rest in a file that is deleted with the process: a million rows
take no more memory than ten.
"""

import sqlite3
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

from avenue.migration.models import Problem

PAGE_ROWS = 500
Row = tuple[Any, ...]


class ScratchTables:
    """Safe to use from many threads. Lists are read in pages, so none is in memory whole.

    `TABLES` are the statements that make the tables.
    """

    TABLES: ClassVar[str]

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._rows.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + self.TABLES
        )

    def close(self) -> None:
        """Delete everything."""
        self._rows.close()

    def _paged(
        self, query: str, *values: object, keys: int, first: str | int = ""
    ) -> Iterator[Row]:
        """Yield the rows of `query`, in pages; its first `keys` columns are the page key."""
        last: Row = (first,) * keys
        while rows := self._all(query, *last, *values, PAGE_ROWS):
            yield from rows
            last = rows[-1][:keys]

    def _number(self, query: str, *values: object) -> int:
        """Return the single number that `query` returns."""
        return int(self._all(query, *values)[0][0])

    def _all(self, query: str, *values: object) -> list[Row]:
        with self._lock:
            return self._rows.execute(query, values).fetchall()

    def _do(self, statement: str, *values: object) -> None:
        with self._lock:
            self._rows.execute(statement, values)


class ImportTables(ScratchTables):
    """Tables of which `refused` has what was refused: `path`, `code` and `message`."""

    def refused(self) -> Iterator[Problem]:
        """Yield what was refused."""
        return self._problems("refused", "path")

    def count_refused(self) -> int:
        """Return the number of refusals."""
        return self._number("SELECT count(*) FROM refused")

    def _problems(self, table: str, *keys: str, first: str | int = "") -> Iterator[Problem]:
        """Yield the problems in a table, in the order of these columns."""
        columns, values = ", ".join(keys), ", ".join("?" * len(keys))
        query = (
            f"SELECT {columns}, path, code, message FROM {table}"  # noqa: S608 - ours
            f" WHERE ({columns}) > ({values}) ORDER BY {columns} LIMIT ?"
        )
        for *_, path, code, message in self._paged(query, keys=len(keys), first=first):
            yield Problem(path=path, code=code, message=message)
