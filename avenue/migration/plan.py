"""The state of an import of a tree: its files, their hashes, the references to them.

A tree of a million files takes no more memory than one of ten; see `ScratchTables`.
"""

from collections.abc import Iterator

from avenue.migration.models import Content, Outcome, Problem, Reference
from avenue.migration.scratch import ImportTables, Row


class Plan(ImportTables):
    """See the module."""

    TABLES = """
CREATE TABLE contents (sha256 TEXT PRIMARY KEY, length INT, key BLOB, name TEXT,
                       done INT NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE files (path TEXT PRIMARY KEY, name BLOB, sha256 TEXT, outcome TEXT) WITHOUT ROWID;
CREATE INDEX files_of_content ON files (sha256, path);
CREATE TABLE refused (path TEXT, code TEXT, message TEXT);
CREATE TABLE skipped (path TEXT, code TEXT, message TEXT);
CREATE TABLE named (kind TEXT, id TEXT, address TEXT, path TEXT, rewritten INT NOT NULL DEFAULT 0,
                    PRIMARY KEY (kind, id, address)) WITHOUT ROWID;
CREATE INDEX named_by_path ON named (path);
"""

    def add_file(self, path: str, name: bytes, content: Content) -> bytes | None:
        """Add a file; if two have the same `path`, return the name of the one that is dropped.

        That happens if names differ only in encoding or composition; the lesser one stays.
        """
        found = self._all("SELECT name, sha256 FROM files WHERE path = ?", path)
        if found and found[0][1] == content.sha256:
            return None
        if found and found[0][0] < name:
            return name
        self._do(
            "INSERT OR IGNORE INTO contents (sha256, length, key, name) VALUES (?, ?, ?, ?)",
            content.sha256,
            content.length,
            content.key,
            content.name,
        )
        self._do(
            "INSERT OR REPLACE INTO files (path, name, sha256) VALUES (?, ?, ?)",
            path,
            name,
            content.sha256,
        )
        return bytes(found[0][0]) if found else None

    def refuse(self, problem: Problem) -> None:
        """Record something of the tree as refused."""
        self._do("INSERT INTO refused VALUES (?, ?, ?)", *_row(problem))

    def refuse_file(self, problem: Problem) -> None:
        """Refuse a file that was accepted at first."""
        self.refuse(problem)
        self.settle(problem.path, Outcome.REFUSED)

    def skip(self, problem: Problem) -> None:
        """Record something as skipped: it is no loss."""
        self._do("INSERT INTO skipped VALUES (?, ?, ?)", *_row(problem))

    def add_reference(self, reference: Reference) -> None:
        """Add a record's reference to an old address."""
        self._do(
            "INSERT OR IGNORE INTO named (kind, id, address, path) VALUES (?, ?, ?, ?)",
            reference.kind,
            reference.id,
            reference.address,
            reference.path,
        )

    def contents(self) -> Iterator[Content]:
        """Yield the distinct contents that are not done yet."""
        query = (
            "SELECT sha256, length, key, name FROM contents"
            " WHERE sha256 > ? AND NOT done ORDER BY sha256 LIMIT ?"
        )
        for sha256, length, key, name in self._paged(query, keys=1):
            yield Content(sha256=sha256, length=length, key=bytes(key), name=name)

    def count_contents(self) -> int:
        """Return the number of distinct contents."""
        return self._number("SELECT count(*) FROM contents")

    def count_open(self) -> int:
        """Return the number of contents that are not done yet."""
        return self._number("SELECT count(*) FROM contents WHERE NOT done")

    def finish(self, content: Content) -> None:
        """Mark a content as done."""
        self._do("UPDATE contents SET done = 1 WHERE sha256 = ?", content.sha256)

    def paths_of(self, content: Content) -> Iterator[str]:
        """Yield the paths of the files with these bytes."""
        query = "SELECT path FROM files WHERE path > ? AND sha256 = ? ORDER BY path LIMIT ?"
        for (path,) in self._paged(query, content.sha256, keys=1):
            yield path

    def outcome_of(self, path: str) -> Outcome | None:
        """Return the outcome of a file; None if it has none yet, or does not exist."""
        found = self._all("SELECT outcome FROM files WHERE path = ?", path)
        return Outcome(found[0][0]) if found and found[0][0] else None

    def settle(self, path: str, outcome: Outcome) -> None:
        """Set the outcome of a file."""
        self._do("UPDATE files SET outcome = ? WHERE path = ?", outcome, path)

    def references_of(self, content: Content) -> Iterator[Reference]:
        """Yield picture owners' references to files with these bytes, if not rewritten yet."""
        query = (
            "SELECT kind, id, address, named.path FROM named JOIN files USING (path)"
            " WHERE (kind, id, address) > (?, ?, ?) AND sha256 = ? AND NOT rewritten"
            " AND kind != 'page' ORDER BY kind, id, address LIMIT ?"
        )
        for row in self._paged(query, content.sha256, keys=3):
            yield _reference(row)

    def references(self) -> Iterator[tuple[Reference, Outcome | None]]:
        """Yield every reference with the outcome of its file, None without one."""
        query = (
            "SELECT kind, id, address, named.path, outcome FROM named LEFT JOIN files USING (path)"
            " WHERE (kind, id, address) > (?, ?, ?) ORDER BY kind, id, address LIMIT ?"
        )
        for row in self._paged(query, keys=3):
            yield _reference(row), Outcome(row[4]) if row[4] else None

    def references_to(self, path: str) -> Iterator[Reference]:
        """Yield the references to one file."""
        query = (
            "SELECT kind, id, address, path FROM named WHERE (kind, id, address) > (?, ?, ?)"
            " AND path = ? ORDER BY kind, id, address LIMIT ?"
        )
        for row in self._paged(query, path, keys=3):
            yield _reference(row)

    def settle_reference(self, reference: Reference) -> None:
        """Record that a reference to an old address was replaced."""
        self._do(
            "UPDATE named SET rewritten = 1 WHERE kind = ? AND id = ? AND address = ?",
            reference.kind,
            reference.id,
            reference.address,
        )

    def files(self) -> Iterator[tuple[str, Outcome | None]]:
        """Yield every readable file with its outcome."""
        query = "SELECT path, outcome FROM files WHERE path > ? ORDER BY path LIMIT ?"
        for path, outcome in self._paged(query, keys=1):
            yield path, Outcome(outcome) if outcome else None

    def refused(self) -> Iterator[Problem]:
        """Yield what was refused."""
        return self._problems("refused", "rowid", first=0)

    def skipped(self) -> Iterator[Problem]:
        """Yield what was skipped."""
        return self._problems("skipped", "rowid", first=0)

    def count(self, outcome: Outcome) -> int:
        """Return the number of files with this outcome."""
        if outcome is Outcome.REFUSED:
            return self.count_refused()
        return self._number("SELECT count(*) FROM files WHERE outcome = ?", outcome)

    def count_skipped(self) -> int:
        """Return the number of things skipped."""
        return self._number("SELECT count(*) FROM skipped")

    def count_unreferenced(self) -> int:
        """Return the number of imported files that no record refers to."""
        return self._number(
            "SELECT count(*) FROM files WHERE outcome IN (?, ?)"
            " AND NOT EXISTS (SELECT 1 FROM named WHERE named.path = files.path)",
            Outcome.STORED,
            Outcome.DUPLICATE,
        )

    def count_rewritten(self) -> dict[str, int]:
        """Return the numbers of rewritten references, by the kind of their record."""
        return dict(self._all("SELECT kind, count(*) FROM named WHERE rewritten GROUP BY kind"))


def _row(problem: Problem) -> Row:
    return problem.path, problem.code, problem.message


def _reference(row: Row) -> Reference:
    return Reference(kind=row[0], id=row[1], address=row[2], path=row[3])
