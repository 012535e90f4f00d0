"""Bytes on their way in, copied to where they cannot change while they are checked and stored."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from avenue.media.intake.spool import fill, new_spool
from avenue.migration.errors import FileChanged
from avenue.migration.models import Content
from avenue.migration.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """The bytes of a source as they were read, in an unlinked file."""

    name: str
    file: BinaryIO
    length: int
    sha256: str


class Spool:
    """Copies a file of a tree into `tmp_dir` the first time it is asked for, for a `with` block."""

    def __init__(self, tree: Tree, content: Content, tmp_dir: Path) -> None:
        self._tree = tree
        self._content = content
        self._tmp_dir = tmp_dir
        self._spooled: Spooled | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def incoming(self) -> Spooled:
        """Return the copy; raise `FileChanged` when these are not the bytes looked at before.

        Raise also `UnreadableFile`, `DamagedEntry` or `SpoolUnavailable`.
        """
        if self._spooled is None:
            content = self._content
            file = self._open.enter_context(new_spool(self._tmp_dir))
            fill(file, self._checked())
            self._spooled = Spooled(
                name=content.name, file=file, length=content.length, sha256=content.sha256
            )
        return self._spooled

    def _checked(self) -> Iterator[bytes]:
        digest, length = hashlib.sha256(), 0
        for block in self._tree.read(self._content.key):
            digest.update(block)
            length += len(block)
            if length > self._content.length:
                raise FileChanged
            yield block
        if digest.hexdigest() != self._content.sha256:
            raise FileChanged
