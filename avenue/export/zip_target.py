"""An export as one ZIP: written to a temporary file, which replaces the old one at the end."""

import contextlib
import errno
import fcntl
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

from avenue.backup.errors import TargetRefuses
from avenue.backup.targets import Draft, Missing, Stored
from avenue.backup.targets.directory import REFUSED, explained
from avenue.clock import utc_now

BLOCK_BYTES = 1024 * 1024
IN_MEMORY_BYTES = 8 * 1024 * 1024
REFUSED_HERE = REFUSED | {errno.EISDIR}
LARGE_BYTES = 2**31 - 1
"""From this size on, the lengths of an entry have another format (APPNOTE 4.5.3)."""
PACKED = (".csv", ".html", ".json", ".jsonl")
FILE_MODE = 0o644 << 16
PARTIAL = ".part"


class _ZipDraft:
    """Bytes that become an entry at the end, when their name is known."""

    def __init__(self, archive: zipfile.ZipFile, spool: IO[bytes]) -> None:
        self._archive = archive
        self._spool = spool

    def write(self, data: bytes, /) -> int:
        return self._spool.write(data)

    def keep(self, name: str) -> None:
        entry = zipfile.ZipInfo(name, utc_now().timetuple()[:6])
        entry.external_attr = FILE_MODE
        is_packed = name.endswith(PACKED)  # the others are compressed already
        entry.compress_type = zipfile.ZIP_DEFLATED if is_packed else zipfile.ZIP_STORED
        is_large = self._spool.tell() >= LARGE_BYTES
        self._spool.seek(0)
        with self._archive.open(entry, "w", force_zip64=is_large) as file:
            while block := self._spool.read(BLOCK_BYTES):
                file.write(block)


class ZipTarget:
    """See `avenue.backup.targets.Target`.

    Until `prepare` it reads the existing ZIP; then a new, empty one is started, which replaces it
    in `finish`.
    """

    def __init__(self, path: Path, tmp_dir: Path) -> None:
        self._path = path
        self._partial = path.with_name(path.name + PARTIAL)
        self._tmp_dir = tmp_dir
        self._file: BinaryIO | None = None
        self._archive: zipfile.ZipFile | None = None

    @property
    def address(self) -> str:
        """Its name for people."""
        return str(self._path)

    def prepare(self) -> None:
        """Start a new ZIP; delete the temporary file of a killed process."""
        with explained(self.address, REFUSED_HERE):
            handle = os.open(self._partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            file = open(handle, "r+b")  # noqa: SIM115 - until `finish` or `close`
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                why = "another export is writing it"
                raise TargetRefuses(target=self.address, why=why) from None
            file.truncate(0)
            self._file = file
            self._archive = zipfile.ZipFile(file, "w")

    def finish(self) -> None:
        """Move the ZIP into its place, if one was started."""
        if self._archive is None or self._file is None:
            return
        with explained(self.address, REFUSED_HERE):
            self._archive.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._partial.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
            self._file.close()
            self._archive = self._file = None

    def close(self) -> None:
        """Delete a ZIP that was not finished."""
        if self._file is not None:
            with contextlib.suppress(OSError, ValueError):
                self._partial.unlink(missing_ok=True)
                self._file.close()
            self._archive = self._file = None

    @contextlib.contextmanager
    def drafts(self) -> Iterator[Callable[[], Draft]]:
        """Give a function that starts an entry; unless it is kept, nothing is written."""
        if self._archive is None:
            raise ValueError("`prepare` comes first")
        archive = self._archive
        with explained(self.address, REFUSED_HERE), contextlib.ExitStack() as spools:

            def begin() -> Draft:
                spool = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, dir=str(self._tmp_dir))  # noqa: SIM115
                return _ZipDraft(archive, cast(IO[bytes], spools.enter_context(spool)))

            yield begin

    def settle(self) -> None:
        """Do nothing: `finish` makes it durable."""

    def open(self, name: str) -> BinaryIO:
        """Return an entry of the existing ZIP; raise `Missing`."""
        if self._archive is not None or not self._path.exists():
            raise Missing
        try:
            with explained(self.address, REFUSED_HERE), zipfile.ZipFile(self._path) as there:
                return cast(BinaryIO, there.open(name))
        except (KeyError, zipfile.BadZipFile):
            raise Missing from None

    def size(self, name: str) -> int | None:
        """Return None: nothing is reused from another ZIP."""
        del name
        return None

    def list(self, prefix: str) -> Iterator[Stored]:
        """Yield the existing ZIP file, if there is one: it is kept or replaced as a whole."""
        del prefix
        if self._path.exists():
            yield Stored(self._path.name, self._path.stat().st_size)

    def delete(self, name: str) -> None:
        """Do nothing: the new ZIP does not contain it."""
        del name
