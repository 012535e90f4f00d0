"""A repository in a directory: each object is a file that is synced before it is renamed."""

import contextlib
import ctypes
import errno
import os
import re
import tempfile
from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path
from typing import IO, BinaryIO

from avenue.backup.errors import TargetFull, TargetRefuses, TargetUnreachable
from avenue.backup.targets import Missing, Stored

DRAFTS = "drafts"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
REFUSED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@contextlib.contextmanager
def explained(address: str, refused: Container[int] = REFUSED) -> Iterator[None]:
    """Turn errors of the system about the target at `address` into ours."""
    try:
        yield
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        if error.errno in FULL:
            raise TargetFull(target=address) from error
        if error.errno in refused:
            raise TargetRefuses(target=address, why=why) from error
        raise TargetUnreachable(target=address, why=why) from error


def _release() -> tuple[int, ...]:
    """Return the version of the kernel, as (6, 1)."""
    return tuple(int(each) for each in re.findall(r"\d+", os.uname().release)[:2])


_LIBC = ctypes.CDLL(None, use_errno=True)
_SYNCS_TOGETHER = hasattr(_LIBC, "syncfs") and _release() >= (5, 8)
"""Whether a file system can be synced as a whole: Linux reports failed writes there since 5.8."""


class DirectoryDraft:
    """A file in `drafts` that is renamed once all of it is on the disk."""

    def __init__(self, folder: Path) -> None:
        handle, path = tempfile.mkstemp(dir=folder)
        self.path = Path(path)
        self.file = open(handle, "wb")  # noqa: SIM115 - until `discard`
        self.name = ""

    def write(self, data: bytes, /) -> int:
        """Add bytes."""
        return self.file.write(data)

    def keep(self, name: str) -> None:
        """Store the whole file under `name` at the end of the block."""
        self.name = name

    def discard(self) -> None:
        """Close the file, and delete it unless it was renamed."""
        with contextlib.suppress(OSError):  # the disk is full: the reason is known already
            self.file.close()
        self.path.unlink(missing_ok=True)


class DirectoryTarget:
    """A folder as `Target`: objects are files, written as drafts and renamed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._touched: set[Path] = set()
        """Folders with changes that a power failure might undo."""
        self._has_drafts = False

    @property
    def address(self) -> str:
        """Its name for people."""
        return str(self._root)

    def prepare(self) -> None:
        """Create the directory; its parent has to exist: a disk may not be mounted."""
        with explained(self.address):
            self._root.mkdir(exist_ok=True)
            drafts = self._root / DRAFTS
            drafts.mkdir(exist_ok=True)
            self._has_drafts = True
            for left in drafts.iterdir():  # of a killed process
                left.unlink(missing_ok=True)

    @contextlib.contextmanager
    def drafts(self) -> Iterator[Callable[[], DirectoryDraft]]:
        """Give a function that starts a file; the kept ones are stored together at the end."""
        begun: list[DirectoryDraft] = []

        def begin() -> DirectoryDraft:
            draft = DirectoryDraft(self._root / DRAFTS)
            begun.append(draft)
            return draft

        with explained(self.address):
            try:
                yield begin
                kept = [each for each in begun if each.name]
                _sync_files([each.file for each in kept])
                for each in kept:
                    self._put(each.path, self._root / each.name)
            finally:
                for each in begun:
                    each.discard()

    def _put(self, draft: Path, path: Path) -> None:
        try:
            os.replace(draft, path)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._touched.update(set(path.parent.parents) - set(self._root.parent.parents))
            os.replace(draft, path)
        self._touched.add(path.parent)

    def tidy(self) -> None:
        """Remove the folder of drafts, at the end of all writing."""
        if self._has_drafts:
            with contextlib.suppress(OSError):
                (self._root / DRAFTS).rmdir()

    def settle(self) -> None:
        """Return once all kept files would survive a power failure."""
        with explained(self.address):
            while self._touched:
                folder = self._touched.pop()
                if folder.exists():
                    _sync(folder)

    def open(self, name: str) -> BinaryIO:
        """Return the bytes of a file as a stream; raise `Missing`."""
        with explained(self.address):
            try:
                return (self._root / name).open("rb")
            except (FileNotFoundError, IsADirectoryError):
                self._is_there()
                raise Missing from None

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, None if it does not exist."""
        with explained(self.address):
            try:
                return (self._root / name).stat().st_size
            except FileNotFoundError:
                self._is_there()
                return None

    def list(self, prefix: str) -> Iterator[Stored]:
        """Yield the files whose names begin with `prefix`, by name."""
        with explained(self.address):
            self._is_there()
            yield from self._below(self._root / prefix)

    def delete(self, name: str) -> None:
        """Delete a file, and its folder if that is empty."""
        with explained(self.address):
            path = self._root / name
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # it is not empty
                while path.parent != self._root:
                    path = path.parent
                    path.rmdir()

    def _below(self, folder: Path) -> Iterator[Stored]:
        try:
            entries = sorted(os.scandir(folder), key=lambda each: each.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        for each in entries:
            path = folder / each.name
            if each.is_dir(follow_symlinks=False):
                if path != self._root / DRAFTS:
                    yield from self._below(path)
            else:
                yield Stored(str(path.relative_to(self._root)), each.stat().st_size)

    def _is_there(self) -> None:
        if not self._root.is_dir():
            raise TargetUnreachable(target=self.address, why="there is no such directory")


def _sync_files(files: Sequence[IO[bytes]]) -> None:
    """Return once all of `files`, on one file system, would survive a power failure.

    Several are synced by one call: each `fsync` waits for a commit of the journal, and so does a
    database on the same disk.
    """
    for each in files:
        each.flush()
    if len(files) > 1 and _SYNCS_TOGETHER:
        if _LIBC.syncfs(files[0].fileno()):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
        return
    for each in files:
        os.fsync(each.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
