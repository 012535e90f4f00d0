"""The state of an import from a source: its entries, their addresses, the references to them.

Memory does not grow with their number; see `ScratchTables`.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from avenue.media.old_urls import forms_of
from avenue.migration.models import Outcome, Problem, Reference
from avenue.migration.scratch import ImportTables, Row
from avenue.migration.sources.models import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """A number of entries and of bytes; `unmeasured` entries have an unknown length."""

    entries: int
    bytes: int
    unmeasured: int


class EntryPlan(ImportTables):
    """See the module."""

    TABLES = """
CREATE TABLE entries (key TEXT PRIMARY KEY, entry TEXT, bytes INT, outcome TEXT) WITHOUT ROWID;
CREATE TABLE paths (path TEXT PRIMARY KEY, key TEXT) WITHOUT ROWID;
CREATE INDEX paths_of_entry ON paths (key);
CREATE TABLE refused (path TEXT PRIMARY KEY, code TEXT, message TEXT) WITHOUT ROWID;
CREATE TABLE silent (path TEXT, code TEXT, message TEXT, PRIMARY KEY (path, code)) WITHOUT ROWID;
CREATE TABLE named (kind TEXT, id TEXT, address TEXT, path TEXT, key TEXT,
                    rewritten INT NOT NULL DEFAULT 0,
                    PRIMARY KEY (kind, id, address)) WITHOUT ROWID;
CREATE INDEX named_by_key ON named (key);
"""

    def add(self, entry: Entry, paths: tuple[str, ...]) -> bool:
        """Add an entry and its old paths; return False if a path belongs to another entry."""
        text = json.dumps(asdict(replace(entry, named_by=())))
        statement = "INSERT OR REPLACE INTO entries (key, entry, bytes) VALUES (?, ?, ?)"
        self._do(statement, _safe(entry.key), text, entry.length)
        is_alone = True
        for path in paths:
            self._do("INSERT OR IGNORE INTO paths VALUES (?, ?)", path, _safe(entry.key))
            found = self._all("SELECT key FROM paths WHERE path = ?", path)
            is_alone = is_alone and found[0][0] == _safe(entry.key)
        for reference in entry.named_by:
            self._note(reference, _safe(entry.key))
        return is_alone

    def entries(self) -> Iterator[Entry]:
        """Yield the entries that are not settled yet."""
        query = (
            "SELECT key, entry FROM entries WHERE key > ? AND outcome IS NULL ORDER BY key LIMIT ?"
        )
        for _, text in self._paged(query, keys=1):
            read = json.loads(text)
            lists = {
                name: tuple(read[name]) for name in ("addresses", "tags", "folder", "named_by")
            }
            yield Entry(**{**read, **lists})

    def paths_of(self, entry: Entry) -> list[str]:
        """Return the old paths of this entry."""
        query = "SELECT path FROM paths WHERE key = ? ORDER BY path"
        return [row[0] for row in self._all(query, _safe(entry.key))]

    def note(self, reference: Reference) -> None:
        """Add a record's reference to an address, if that belongs to an entry."""
        for form in forms_of(reference.path):
            found = self._all("SELECT key FROM paths WHERE path = ?", form)
            if found:
                self._note(reference, found[0][0])
                return

    def _note(self, reference: Reference, key: str) -> None:
        self._do(
            "INSERT OR IGNORE INTO named (kind, id, address, path, key) VALUES (?, ?, ?, ?, ?)",
            *(reference.kind, reference.id, reference.address, reference.path),
            key,
        )

    def references_of(self, entry: Entry) -> list[Reference]:
        """Return the references of picture owners to an entry, if not rewritten yet."""
        query = (
            "SELECT kind, id, address, path FROM named WHERE key = ? AND NOT rewritten"
            " AND kind != 'page' ORDER BY kind, id, address"
        )
        return [
            Reference(kind=kind, id=own_id, address=address, path=path)
            for kind, own_id, address, path in self._all(query, _safe(entry.key))
        ]

    def settle_reference(self, reference: Reference) -> None:
        """Record that a reference to an old address was replaced."""
        self._do(
            "INSERT INTO named (kind, id, address, path, rewritten) VALUES (?, ?, ?, ?, 1)"
            " ON CONFLICT DO UPDATE SET rewritten = 1",
            *(reference.kind, reference.id, reference.address, reference.path),
        )

    def settle(self, entry: Entry, outcome: Outcome) -> None:
        """Set the outcome of an entry."""
        self._do("UPDATE entries SET outcome = ? WHERE key = ?", outcome, _safe(entry.key))

    def refuse(self, problem: Problem) -> None:
        """Record something as refused."""
        self._do("INSERT OR REPLACE INTO refused VALUES (?, ?, ?)", *_row(problem))

    def silence(self, problem: Problem) -> None:
        """Record that an old address will not work."""
        self._do("INSERT OR REPLACE INTO silent VALUES (?, ?, ?)", *_row(problem))

    def silent(self) -> Iterator[Problem]:
        """Yield the old addresses that will not work."""
        return self._problems("silent", "path", "code")

    def amounts(self) -> Amounts:
        """Return the numbers of what is not settled yet."""
        (row,) = self._all(
            "SELECT count(*), coalesce(sum(bytes), 0), count(*) - count(bytes)"
            " FROM entries WHERE outcome IS NULL"
        )
        return Amounts(entries=row[0], bytes=row[1], unmeasured=row[2])

    def count(self, outcome: Outcome) -> int:
        """Return the number of entries with this outcome; refused ones include unlisted ones."""
        if outcome is Outcome.REFUSED:
            return self.count_refused()
        return self._number("SELECT count(*) FROM entries WHERE outcome = ?", outcome)

    def count_silent(self) -> int:
        """Return the number of old addresses that will not work."""
        return self._number("SELECT count(*) FROM silent")

    def count_named(self) -> int:
        """Return the number of references to entries."""
        return self._number("SELECT count(*) FROM named")

    def count_rewritten(self) -> dict[str, int]:
        """Return the numbers of rewritten references, by the kind of their record."""
        return dict(self._all("SELECT kind, count(*) FROM named WHERE rewritten GROUP BY kind"))


def _row(problem: Problem) -> Row:
    return _safe(problem.path), problem.code, problem.message


def _safe(key: str) -> str:
    """Return a safe form of a key: SQLite stores no lone surrogates and ends texts at a zero."""
    is_plain = key.isprintable() and "\\" not in key
    return key if is_plain else json.dumps(key, ensure_ascii=True)[1:-1]
