"""The location of an export to import: no path in it can lead outside."""

import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from avenue.errors import required
from avenue.export.errors import NoExport
from avenue.export.models import HEADER
from avenue.media.archives import BLOCK_BYTES, Archive, TreeFile
from avenue.migration.sources.errors import SourceGone
from avenue.migration.sources.s3 import Bucket
from avenue.migration.tree import Folder


class Place(Protocol):
    """A directory, a ZIP or a bucket. Reading is thread-safe."""

    @property
    def address(self) -> str:
        """Its name for people."""

    def read(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of a file in blocks; `path` is one that `naming.is_path` accepts.

        Raise `SourceGone` if it does not exist, or why it cannot be read.
        """


@contextmanager
def opened_place(place: Path) -> Iterator[Place]:
    """Open the directory or ZIP of an export; raise `NoExport` or `UnsafeArchive`."""
    if place.is_dir():
        yield _Directory(place)
    elif place.is_file() and zipfile.is_zipfile(place):
        with place.open("rb") as file, closing(Archive(file)) as archive:
            yield _Zip(str(place), archive)
    else:
        raise NoExport(place=place)


class _Directory:
    def __init__(self, root: Path) -> None:
        self.address = str(root)
        self._root = root.resolve()
        self._folder = Folder(self._root)

    def read(self, path: str) -> Iterator[bytes]:
        file = self._root / path
        if not file.is_file() or file.resolve() != file:  # a link may lead anywhere
            raise SourceGone
        yield from self._folder.read(path.encode())


class _Zip:
    """A ZIP, also one with everything in one folder."""

    def __init__(self, address: str, archive: Archive) -> None:
        self.address = address
        self._archive = archive
        files = [each for each in archive.walk() if isinstance(each, TreeFile)]
        tops = [each.name for each in files if each.name.rpartition(b"/")[2] == HEADER.encode()]
        top = min(tops, key=len, default=b"")[: -len(HEADER)]
        self._keys = {
            each.name.removeprefix(top): each.key for each in files if each.name.startswith(top)
        }

    def read(self, path: str) -> Iterator[bytes]:
        key = required(self._keys.get(path.encode()), SourceGone)
        yield from self._archive.read(key)


class BucketPlace:
    """An export below `prefix` (empty, or ending with a slash) in a bucket."""

    def __init__(self, address: str, bucket: Bucket, prefix: str) -> None:
        self.address = address
        self._bucket = bucket
        self._prefix = prefix

    def read(self, path: str) -> Iterator[bytes]:
        """See `Place.read`."""
        body = required(self._bucket.read(self._prefix + path), SourceGone)
        with closing(body):
            while block := body.read(BLOCK_BYTES):
                yield block
