"""The files of the previous export in the target."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from typing import BinaryIO

from avenue.backup.targets import Missing, Target, draft_in
from avenue.export.models import MANIFEST
from avenue.export.naming import is_path

PREVIOUS = "previous.jsonl"
"""The name of the previous manifest while a new one is written."""
READ_BYTES = 1024 * 1024


class Earlier:
    """The files of the previous export by path, with their hashes; kept on disk, not in memory.

    The manifest confirms the hashes. After an interrupted export none are confirmed, and the hashes
    are computed from the bytes.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._files = sqlite3.connect("")  # a temporary file of SQLite
        self._files.execute("create table files (path text primary key, sha256 text, used int)")
        self._vouches = self._read(MANIFEST)
        if not self._vouches:
            self._read(PREVIOUS)

    def set_aside(self) -> None:
        """Rename the manifest, so that it confirms no hashes from now on; its paths stay known."""
        if not self._vouches:
            return
        with self._target.open(MANIFEST) as source, draft_in(self._target) as draft:
            while data := source.read(READ_BYTES):
                draft.write(data)
            draft.keep(PREVIOUS)
        self._target.delete(MANIFEST)
        self._target.settle()

    def has(self, path: str, sha256: str, size: int) -> bool:
        """Return whether the file at `path` is this one, and mark the path as used."""
        known = self._files.execute("select sha256 from files where path = ?", (path,)).fetchone()
        self._files.execute("update files set used = 1 where path = ?", (path,))
        if self._target.size(path) != size:
            return False
        if self._vouches and known is not None:
            return bool(known[0] == sha256)
        try:
            with self._target.open(path) as file:
                return _sha256(file) == sha256
        except Missing:
            return False

    def unused(self) -> Iterator[str]:
        """Yield the paths that are no longer used."""
        for (path,) in self._files.execute("select path from files where used = 0"):
            yield path

    def close(self) -> None:
        """Close the temporary database."""
        self._files.close()

    def _read(self, name: str) -> bool:
        try:
            with self._target.open(name) as lines:
                self._files.executemany("insert or ignore into files values (?, ?, 0)", _in(lines))
        except Missing:
            return False
        return True


def _in(lines: BinaryIO) -> Iterator[tuple[str, str]]:
    """Yield paths and hashes of a manifest; invalid lines are skipped."""
    for line in lines:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and is_path(found.get("path")):
            yield found["path"], str(found.get("sha256"))


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while data := file.read(READ_BYTES):
        digest.update(data)
    return digest.hexdigest()
