"""The valid lines of an export during its import; memory does not grow with their number."""

from collections.abc import Iterator
from enum import StrEnum

from avenue.migration.models import Problem
from avenue.migration.scratch import ImportTables


class Pass(StrEnum):
    """What is imported together: the same destination and the same readers."""

    GROUPS = "groups"
    PRODUCTS = "products"
    PICTURES = "pictures"  # of products and groups
    MEDIA = "media"
    PRIVATE_UPLOADS = "private_uploads"
    PUBLIC_UPLOADS = "public_uploads"
    PAGES = "pages"


class ExportTables(ImportTables):
    """See the module."""

    TABLES = """
CREATE TABLE lines (number INTEGER PRIMARY KEY, kind TEXT, part TEXT, id TEXT, line TEXT,
                    UNIQUE (kind, id));
CREATE INDEX lines_of_part ON lines (part, number);
CREATE TABLE waiting (owner TEXT, address TEXT, PRIMARY KEY (owner, address)) WITHOUT ROWID;
CREATE TABLE refused (path TEXT PRIMARY KEY, code TEXT, message TEXT) WITHOUT ROWID;
"""

    def add(self, number: int, kind: str, part: Pass, own_id: str, line: str) -> bool:
        """Add a line by its number; return False if an earlier line has the same id."""
        values = (number, kind, part, own_id, line)
        self._do("INSERT OR IGNORE INTO lines VALUES (?, ?, ?, ?, ?)", *values)
        return self._number("SELECT number FROM lines WHERE kind = ? AND id = ?", kind, own_id) == (
            number
        )

    def lines(self, part: Pass, after: int = 0) -> Iterator[tuple[int, str]]:
        """Yield the lines of a pass behind the number `after`, with their numbers."""
        query = "SELECT number FROM lines WHERE number > ? AND part = ? ORDER BY number LIMIT ?"
        for (number,) in self._paged(query, part, keys=1, first=after):
            # One by one: a page of a site may be megabytes.
            yield number, self._all("SELECT line FROM lines WHERE number = ?", number)[0][0]

    def has_file(self, own_id: str) -> bool:
        """Return whether there is a line of this file."""
        return bool(self._all("SELECT 1 FROM lines WHERE kind = 'file' AND id = ?", own_id))

    def file_line(self, own_id: str) -> str | None:
        """Return the line of a file, or None."""
        found = self._all("SELECT line FROM lines WHERE kind = 'file' AND id = ?", own_id)
        return found[0][0] if found else None

    def count(self, part: Pass) -> int:
        """Return the number of lines of a pass."""
        return self._number("SELECT count(*) FROM lines WHERE part = ?", part)

    def wait(self, owner: str, address: str) -> None:
        """Record that an owner waits for the picture that it names by `address`."""
        self._do("INSERT OR IGNORE INTO waiting VALUES (?, ?)", owner, address)

    def waits(self, owner: str, address: str) -> bool:
        """Return whether an owner waits for this picture."""
        query = "SELECT 1 FROM waiting WHERE owner = ? AND address = ?"
        return bool(self._all(query, owner, address))

    def refuse(self, problem: Problem) -> None:
        """Record something as refused."""
        values = (problem.path, problem.code, problem.message)
        self._do("INSERT OR REPLACE INTO refused VALUES (?, ?, ?)", *values)
