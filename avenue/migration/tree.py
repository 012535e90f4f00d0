"""An old upload folder, or a ZIP of one, read without trusting its contents.

Nothing is unpacked and no link is followed, so no name can lead out of the tree. Memory does not
grow with the number of files; the directory of a ZIP is in memory, with a limit.
"""

import errno
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from avenue.media.archives import (
    BLOCK_BYTES,
    MOST_LEVELS,
    Archive,
    PassedOver,
    TreeFile,
    Why,
    is_hidden,
)
from avenue.migration.errors import NotATree, UnreadableFile


class Tree(Protocol):
    """A folder or a ZIP. Reading is thread-safe."""

    def walk(self) -> Iterator[TreeFile | PassedOver]:
        """Yield its entries, in no particular order; paths are separated by `/`."""

    def read(self, key: bytes) -> Iterator[bytes]:
        """Yield the bytes of a file in blocks of at most 1 MiB.

        Raise `UnreadableFile` or `DamagedEntry`.
        """


@contextmanager
def opened_tree(place: Path, *, top: str) -> Iterator[Tree]:
    """Open a folder or a ZIP; raise `NotATree` or `UnsafeArchive`.

    A ZIP with all entries in a folder called `top` is read from there: that is how a folder is
    usually packed.
    """
    if place.is_dir():
        yield Folder(place)
    elif place.is_file() and zipfile.is_zipfile(place):
        with place.open("rb") as file, closing(Archive(file, top=top)) as archive:
            yield archive
    else:
        raise NotATree(words={"place": place})


class Folder:
    """A directory of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = os.fsencode(root.resolve())

    def walk(self) -> Iterator[TreeFile | PassedOver]:
        """See `Tree.walk`."""
        yield from self._below(b"", MOST_LEVELS)

    def read(self, key: bytes) -> Iterator[bytes]:
        """See `Tree.read`."""
        # Non-blocking, because a pipe may have replaced the file.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            with open(os.open(os.path.join(self._root, key), flags), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise OSError(errno.EINVAL, "it is no file any more")  # noqa: TRY301
                while block := file.read(BLOCK_BYTES):
                    yield block
        except OSError as error:
            raise UnreadableFile(error) from error

    def _below(self, folder: bytes, levels: int) -> Iterator[TreeFile | PassedOver]:
        if not levels:
            yield PassedOver(name=folder, why=Why.TOO_DEEP)
            return
        try:
            with os.scandir(os.path.join(self._root, folder)) as entries:
                for entry in entries:
                    yield from self._entry(entry, os.path.join(folder, entry.name), levels)
        except OSError:
            yield PassedOver(name=folder, why=Why.UNREADABLE)

    def _entry(
        self, entry: "os.DirEntry[bytes]", name: bytes, levels: int
    ) -> Iterator[TreeFile | PassedOver]:
        if is_hidden(entry.name):
            yield PassedOver(name=name, why=Why.HIDDEN)
        elif entry.is_symlink():
            yield PassedOver(name=name, why=Why.LINK)
        elif entry.is_dir(follow_symlinks=False):
            yield from self._below(name, levels - 1)
        elif entry.is_file(follow_symlinks=False):
            yield _as_file(entry, name)
        else:
            yield PassedOver(name=name, why=Why.NOT_A_FILE)


def _as_file(entry: "os.DirEntry[bytes]", name: bytes) -> TreeFile | PassedOver:
    try:
        length = entry.stat(follow_symlinks=False).st_size
    except OSError:  # it was deleted meanwhile
        return PassedOver(name=name, why=Why.UNREADABLE)
    return TreeFile(name=name, key=name, length=length)
